/* What sim_check.c (inputs, the journal, the end), sim_check_redis.c, sim_check_sums.c, sim_check_sagas.c (what the records say of sagas and
 * entries) and sim_check_schedules.c share. */
#ifndef SIM_CHECK_INTERNAL_H
#define SIM_CHECK_INTERNAL_H

#include <uthash.h>

#include "base/hash.h"
#include "codec/codec.h"
#include "runtime/replay.h"
#include "sim_check.h"

/* A record of a topic that the coordinator must take. */
struct input {
    UT_hash_handle hh;
    char *name; /* <topic>/<partition>/<offset> */
    unsigned expected, seen;
    bool at_least;
};

/* Something that may be there once. */
struct once {
    UT_hash_handle hh;
    char *name;
};

/* An event from outside at the entry where it is matched. */
struct kept {
    UT_hash_handle hh;
    char *name; /* <entry> <event id> */
    int64_t remembered_until_ms;
    unsigned taken, succeeded; /* as the entry says, and the sagas that waited */
};

struct run {
    UT_hash_handle hh;
    char *name; /* <saga id>/<run> */
    struct sim_run told;
};

/* After a record of a lane's journal. */
struct milestone {
    int64_t offset;
    char *saga_id; /* "": none */
    bool present;
    uint64_t state; /* its fingerprint */
    size_t saga_count;
    size_t operation_count; /* entries of the log, up to here */
    uint64_t operations;    /* the sum of their fingerprints */
    char chain[2 * SAGA_SHA256_BYTES + 1];
};

/* What Redis was told of a saga, to be held against the journal once that is visible so far. */
struct claim {
    int64_t applied;
    char *saga_id; /* "": the lane as a whole */
    bool absent;   /* a snapshot says that there was none */
    uint64_t state;
    size_t saga_count;
    size_t operation_count; /* of the lane's log, which has all from `log_from` on */
    uint64_t operations;
    int64_t log_from;
    char chain[2 * SAGA_SHA256_BYTES + 1];
};

struct lane {
    struct saga_replay *replay;
    struct saga_keyring *keys;
    struct milestone *milestones;
    size_t milestone_count, milestone_capacity;
    struct claim *claims;
    size_t claim_count, claim_capacity;
    int64_t time_ms;        /* of its newest record */
    int64_t marked, series; /* as its last snapshot says */
};

/* A tick that is to start one run. */
struct tick {
    UT_hash_handle hh;
    char *name; /* its time, which is its run's key */
    unsigned ticked, started;
};

enum { SIM_VERSIONS_MAX = 64 };

/* The schedule of `report`. */
struct schedule {
    const struct sim_schedule *versions[SIM_VERSIONS_MAX]; /* as deployed; NULL: not */
    uint32_t version;                                      /* in force; 0: none has been yet */
    bool ticks;
    bool ticked_when_calm;
    int64_t due_ms; /* the next tick */
};

struct sim_check {
    struct sim *sim;
    struct sim_kafka *kafka;
    struct sim_redis *redis;
    struct saga_codec *codec;
    struct saga_arena arena; /* of the history */
    struct saga_arena scratch;
    struct lane lanes[SIM_LANES];
    struct input *inputs;
    size_t open_inputs;
    struct once *journaled; /* <topic>/<partition>/<offset>/<saga id> */
    struct once *commands;
    struct once *failed; /* idempotency keys of steps, as of now */
    struct kept *kept;
    struct run *runs;
    struct tick *ticks;
    struct schedule schedule;
    uint64_t digest;
};

/* Returns whether it is new. */
bool sim_check_add_once(struct sim_check *check, struct once **set, struct saga_slice name);
uint64_t sim_check_fingerprint(struct saga_slice bytes);
/* The same of an entry of the log. */
uint64_t sim_check_operation(int64_t offset, int64_t time_ms, struct saga_slice entry);
/* The journal of the lane has become visible further: what was claimed of that part is looked at. */
void sim_check_settle(struct sim_check *check, uint32_t lane);
/* The lane's counts and durations in Redis are those of its states. Uses the scratch. */
void sim_check_sums(struct sim_check *check, uint32_t lane);
/* What a record of the journal says of its saga or entry; `state`: behind it, NULL: forgotten. */
void sim_check_facts(struct sim_check *check, const struct saga_journal_record *record,
                     const struct saga_state *state);
/* What a record of the journal says of the schedule; false: it is of something else. */
bool sim_check_schedule(struct sim_check *check, const struct saga_journal_record *record);
/* A start was taken, maybe one by the schedule. */
void sim_check_scheduled_start(struct sim_check *check, const struct saga_journal_record *record);
/* Has the schedule ended, or never been? Else words of what is waited for. */
bool sim_check_schedule_is_done(const struct sim_check *check, char *ret_words, size_t size);
/* Entries of schedules in a lane: they stay. */
size_t sim_check_schedule_entries(const struct sim_check *check, uint32_t lane);

#endif
