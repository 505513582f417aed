/* What must hold: the invariants, watched as the history goes on. Everything is seen from outside: from what is
 * committed on the topics, from Redis after each script, and from the services' books. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "definition/catalog.h"
#include "engine/state.h"
#include "runtime/keyring.h"
#include "sim_kafka.h"
#include "sim_store.h"

struct sim_check;

struct sim_check *sim_check_new(struct sim *sim, struct sim_kafka *kafka, struct sim_redis *redis,
                                struct saga_catalog *catalog);
void sim_check_free(struct sim_check *check);

/* A record was written that is an input of `count` sagas: it must be journaled, or put aside, as often. With
 * `at_least`, or more often. */
void sim_check_expect(struct sim_check *check, struct sim_topic *topic, int32_t partition,
                      int64_t offset, unsigned count, bool at_least);

/* Records that have become visible. */
void sim_check_journal(struct sim_check *check, uint32_t lane, const struct saga_message *message);
/* What the keys of sagas are wrapped with, in all histories. */
const struct saga_wrapping *sim_check_wrapping(void);
void sim_check_key(struct sim_check *check, uint32_t lane, const struct saga_message *message);
/* Calls `visit` for each key that the saga's runs have or had, as far as that is visible. */
void sim_check_keys(const struct sim_check *check, struct saga_slice saga_id,
                    void (*visit)(const struct saga_key_record *key, void *context), void *context);
void sim_check_dead_letter(struct sim_check *check, const struct saga_message *message);
void sim_check_command(struct sim_check *check, const struct saga_message *message);
void sim_check_snapshot(struct sim_check *check, uint32_t lane, const struct saga_message *message);
/* Up to where the lane's journal may be cut: its last marker; 0: there is none. */
int64_t sim_check_marked(const struct sim_check *check, uint32_t lane);
/* A script has changed a lane of Redis. */
void sim_check_redis(struct sim_check *check, uint32_t lane);

/* ---- sagas, as the journal tells of them ---- */

/* One run of a saga: from a start to an end. */
struct sim_run {
    const char *saga_id, *run;
    enum saga_status status;
    bool by_hand; /* an operator skipped a step or said how it ended: the books need not balance */
    bool paused;
    unsigned tried;                     /* how often an operator has tried it again in the end */
    const char *parent_id, *parent_run; /* "": nobody's child */
};
size_t sim_check_run_count(const struct sim_check *check);
struct sim_run *sim_check_run(const struct sim_check *check, size_t index);
const struct sim_run *sim_check_find_run(const struct sim_check *check, struct saga_slice saga_id,
                                         struct saga_slice run);

/* ---- schedules (R28) ---- */

/* Ticks at the multiples of its period since 1970. Too late: a minute. */
struct sim_tick_source {
    int64_t period_ms;
    bool skips; /* a tick that is too late */
};

struct sim_schedule {
    const char *start; /* as a definition has it */
    struct sim_tick_source sources[2];
    size_t source_count; /* 0: no clock starts it */
};

/* That version of `report` is deployed with this schedule. */
void sim_check_deployed(struct sim_check *check, uint32_t version,
                        const struct sim_schedule *schedule);
/* Is there a schedule, and has it ticked since all is calm? */
bool sim_check_has_ticked(const struct sim_check *check);
/* At the end: each tick that was to start a run started one. */
void sim_check_ticks(struct sim_check *check);

/* ---- the end ---- */

/* Has the step of this idempotency key failed, as the journal has it in the end? */
bool sim_check_has_failed(const struct sim_check *check, const char *key);

/* Is there nothing more to come: every input taken, every saga ended, Redis where the journal is? Else, `ret_words` (of
 * `size` bytes) says what is waited for. */
bool sim_check_is_done(struct sim_check *check, char *ret_words, size_t size);
/* At the end: Redis holds exactly what the journal gives. */
void sim_check_end(struct sim_check *check);
/* At the end: at every offset of the journal its sagas stand where they stood then, and the same definitions would have led
 * all of them the same way. */
void sim_check_past(struct sim_check *check, const struct saga_catalog *catalog);
/* At the end: what became of children fits what became of their parents, and every event was taken as often as its entry
 * says. */
void sim_check_families(struct sim_check *check);
/* A number that two histories share only if their journals are the same, byte for byte. */
uint64_t sim_check_digest(const struct sim_check *check);

#endif
