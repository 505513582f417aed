/* What all parts of the simulation share: virtual time, events to come, the story, what was counted, and the first
 * invariant that did not hold. */
#ifndef SIM_CORE_H
#define SIM_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mutation.h"
#include "sim_random.h"

enum { SIM_WORKERS = 3, SIM_LANES = 4, SIM_PRODUCERS = 2 * SIM_WORKERS };

#define SIM_MS INT64_C(1000)
#define SIM_SECOND INT64_C(1000000)

/* Faults: what the simulation does to the coordinator. A new kind is a row here and a case in sim_faults.c. */
#define SIM_FAULT_KINDS(X)                                                                         \
    X(CRASH, "a worker crashes between two calls")                                                 \
    X(CRASH_IN_COMMIT, "a worker crashes in the middle of a commit")                               \
    X(STOP, "a worker is stopped in order and started again")                                      \
    X(ZOMBIE, "a worker's process stands still")                                                   \
    X(STALL, "a worker's thread stands still, its heartbeats go on")                               \
    X(CLOCK_JUMP, "a worker's clock jumps")                                                        \
    X(CLOCK_FAR_JUMP, "all clocks jump by days")                                                   \
    X(CUT_KAFKA, "a worker's requests do not reach Kafka")                                         \
    X(DEAF_KAFKA, "Kafka's answers do not reach a worker")                                         \
    X(BROKER_RESTART, "the broker is away for a while")                                            \
    X(REBALANCE, "the group throws out a living member")                                           \
    X(COMMIT_DELAYED, "the end of a transaction arrives late, its worker has given up")            \
    X(COMMIT_LOST, "the end of a transaction never arrives")                                       \
    X(COMMIT_UNHEARD, "a transaction is committed, its worker never hears of it")                  \
    X(DELIVERY_FAILED, "the broker refuses records of a transaction")                              \
    X(TIGHT, "topics of commands take only batches of one record")                                 \
    X(MARKERS_SLOW, "markers are written late")                                                    \
    X(REDIS_AWAY, "Redis is away for a while")                                                     \
    X(REDIS_SLOW, "Redis is slow for a while")                                                     \
    X(REDIS_CUT, "Redis' answers do not reach a worker")                                           \
    X(REDIS_EMPTIED, "Redis loses everything")                                                     \
    X(REDIS_BACK, "Redis loses its newest writes")                                                 \
    X(REDIS_HALF_BUILT, "Redis goes back to when a lane was being built")                          \
    X(JOURNAL_CUT, "the journal is cut behind its last snapshot")                                  \
    X(JOURNAL_CUT_DEEP, "the journal is cut where no snapshot has it yet")                         \
    X(COMPACTED, "snapshots and keys are compacted")                                               \
    X(SERVICE_SILENT, "a service says nothing for a while")                                        \
    X(POISON, "a record that nobody can read")                                                     \
    X(UNSENDABLE, "a record whose journal record the broker refuses")                              \
    X(REPLY_DUPLICATED, "a service answers twice")                                                 \
    X(REPLY_LATE, "a service answers late")                                                        \
    X(REPLY_ELSEWHERE, "a service answers on another partition")                                   \
    X(COMMAND_REDELIVERED, "a service is given a command twice")                                   \
    X(START_DUPLICATED, "a saga is started twice")                                                 \
    X(OPERATOR, "an operator cancels, pauses, retries")                                            \
    X(DEPLOY, "a definition is deployed")                                                          \
    X(FOREIGN_RECORD, "somebody writes into a journal")

/* Situations: what the rules of the design are about. */
#define SIM_SITUATIONS(X)                                                                          \
    X(REBALANCED, "a rebalance was completed")                                                     \
    X(REVOKED, "partitions were revoked")                                                          \
    X(LOST, "an assignment was lost")                                                              \
    X(EXPELLED, "a member's session expired")                                                      \
    X(NOT_REJOINED, "a member did not rejoin in time")                                             \
    X(OFFSETS_FENCED, "offsets were refused for their generation or member (R4)")                  \
    X(PRODUCER_FENCED, "a producer of an old epoch was refused (R5)")                              \
    X(TRANSACTION_TIMED_OUT, "the broker aborted a transaction that took too long")                \
    X(INIT_ABORTED, "a producer made anew ended the transaction of the old one (R5)")              \
    X(OFFSETS_PENDING, "committed offsets were waited for, as some were pending (R8)")             \
    X(UNSTABLE_JOURNAL, "the high watermark stood behind the last stable offset (R8)")             \
    X(LATE_END_TOOK, "a late end of a transaction still counted (R5)")                             \
    X(LATE_END_REFUSED, "a late end of a transaction was refused (R5)")                            \
    X(OUTCOME_UNKNOWN, "a worker gave up on a commit (R5)")                                        \
    X(MARKERS_AFTER_REDIS, "Redis was told before the markers were written")                       \
    X(APPLY_CONFLICT, "an apply found the lane elsewhere (R9)")                                    \
    X(TOLD_AT_END, "a worker that ended in order told Redis first (R27)")                          \
    X(APPLY_AFTER_CRASH, "an apply was carried out after its worker had crashed (R9)")             \
    X(APPLY_UNANSWERED, "an apply was never answered")                                             \
    X(HEARTBEAT_CONFLICT, "an idle lane noticed that Redis went back (R9)")                        \
    X(READ_CONFLICT, "a read found the lane elsewhere (R10)")                                      \
    X(REBUILT, "a lane was built anew from its journal (R11)")                                     \
    X(SNAPSHOT, "a snapshot was taken (R12)")                                                      \
    X(SERIES, "a new series of snapshots began (R12)")                                             \
    X(LEFT_SNAPSHOT, "a saga left the snapshots (R12)")                                            \
    X(BUILT, "a lane was built from its snapshot (R11)")                                           \
    X(RESET_CONFLICT, "two owners emptied a lane at once (R11)")                                   \
    X(HOP, "a record hopped to its lane (R13)")                                                    \
    X(DEAD_LETTER, "a record was put aside (R13)")                                                 \
    X(REPLY_IGNORED, "an answer matched nothing open (R14)")                                       \
    X(START_IGNORED, "a start found its saga there already")                                       \
    X(TIMER, "a timer rang (R16)")                                                                 \
    X(TIMER_IGNORED, "a stale timer rang (R16)")                                                   \
    X(STEP_UNKNOWN, "a step's outcome stayed unknown (R18)")                                       \
    X(KEY_MADE, "a saga's values are sealed")                                                      \
    X(KEY_DESTROYED, "a saga's key was destroyed")                                                 \
    X(KEY_DESTROYED_LATE, "the key of a saga that had left was destroyed")                         \
    X(KEY_HELD, "a worker had the key of a sealed saga at hand")                                   \
    X(OPERATOR_TAKEN, "an operator's command was taken")                                           \
    X(COMMAND_AFTER_COMPENSATION, "a command came behind its compensation")                        \
    X(COMPLETED, "a saga was completed")                                                           \
    X(COMPENSATED, "a saga was compensated")                                                       \
    X(STUCK, "a saga was stuck")                                                                   \
    X(FORGOTTEN, "a saga was forgotten")                                                           \
    X(EVENT_TAKEN, "an event from outside was taken (R21)")                                        \
    X(EVENT_EARLY, "an event came before its saga asked (R21)")                                    \
    X(EVENT_RETURNED, "an event was given back (R21)")                                             \
    X(EVENT_TWICE, "an event came twice (R21)")                                                    \
    X(EVENT_UNASKED, "an event was kept and nobody asked (R21)")                                   \
    X(EVENT_TIMED_OUT, "an event did not come in time (R21)")                                      \
    X(CHILD_STARTED, "a child was started (R22)")                                                  \
    X(CHILD_CANCELLED, "a parent was compensated while its child ran (R22)")                       \
    X(CHILD_TAKEN_BACK, "a child was compensated after it had completed (R22)")                    \
    X(CHILD_REFUSED, "a child could not be compensated (R22)")                                     \
    X(CHILD_EXISTS, "a child existed already under another parent (R22)")                          \
    X(CHILD_UNKNOWN, "a child was asked for whose definition there is not (R22)")                  \
    X(TICKED, "a tick started a run (R28)")                                                        \
    X(TICKS_MISSED, "a run made up for ticks that were missed (R28)")                              \
    X(TICK_SKIPPED, "a tick was too late and started nothing (R28)")                               \
    X(SCHEDULE_SET, "a deploy began a schedule (R28)")                                             \
    X(SCHEDULE_CHANGED, "a deploy changed a schedule (R28)")                                       \
    X(SCHEDULE_ENDED, "a deploy ended a schedule (R28)")                                           \
    X(SCHEDULE_AGAIN, "a deploy began a schedule that had ended (R28)")                            \
    X(SCHEDULE_DUE, "a deploy changed a schedule of which a tick was due (R28)")                   \
    X(SCHEDULE_OLDER, "an older version of a schedule was told late (R28)")                        \
    X(SCHEDULE_TWICE, "a version of a schedule was told twice (R28)")                              \
    X(CAUGHT, "a failure was caught")                                                              \
    X(NOTE_IGNORED, "a note came too late to count")                                               \
    X(MADE_SMALLER, "a batch had no room for its states (R24)")

#define SIM_COUNT_NAME(name, words) SIM_##name,
enum sim_count {
    SIM_FAULT_KINDS(SIM_COUNT_NAME) SIM_FAULTS_END,
    SIM_SITUATIONS_BEGIN = SIM_FAULTS_END - 1,
    SIM_SITUATIONS(SIM_COUNT_NAME) SIM_COUNTS
};
#undef SIM_COUNT_NAME
const char *sim_count_words(enum sim_count count);

/* Rules that can be switched off, one at a time, to see that their absence is found (README.md, Mutations): here those that
 * Kafka, Redis and their clients keep for the coordinator, behind them those that its own code keeps. */
#define SIM_MUTATIONS(X)                                                                           \
    X(NONE, "none", "")                                                                            \
    X(OFFSETS_UNFENCED, "offsets-unfenced", "R4: offsets are taken under any generation")          \
    X(OFFSETS_UNSTABLE, "offsets-unstable", "R8: committed offsets do not wait for pending ones")  \
    X(WATERMARK_STABLE, "watermark-stable", "R8: recovery reads to the last stable offset only")   \
    X(RENEW_UNFENCED, "renew-unfenced", "R5: producers made anew do not fence the old ones")       \
    X(UNKNOWN_COMMITTED, "unknown-committed", "R5: an unknown outcome counts as committed")        \
    X(UNKNOWN_ABORTED, "unknown-aborted", "R5: an unknown outcome counts as aborted")              \
    X(OFFSETS_AT_ONCE, "offsets-at-once", "R13: offsets count without their transaction")          \
    X(READ_UNCOMMITTED, "read-uncommitted", "R8: recovery reads what was aborted too")             \
    X(BUFFER_SURVIVES, "buffer-survives", "R4: what was fetched survives a rebalance")             \
    X(APPLY_BLIND, "apply-blind", "R9: an apply does not compare")                                 \
    X(HEARTBEAT_BLIND, "heartbeat-blind", "R9: an idle lane does not look at Redis")               \
    X(READ_BLIND, "read-blind", "R10: states are read wherever the lane stands")                   \
    X(SUMS_APART, "sums-apart", "R9: counts are told outside of the states' transaction")

#define SIM_MUTATION_NAME(name, word, words) SIM_MUTATION_##name,
enum sim_mutation {
    SIM_MUTATIONS(SIM_MUTATION_NAME) SIM_MUTATION_OWN,
    SIM_MUTATION_BEFORE_RULES = SIM_MUTATION_OWN - 1,
    SAGA_MUTATIONS_OF_RULES(SIM_MUTATION_NAME) SIM_MUTATION_COUNT
};
#undef SIM_MUTATION_NAME
const char *sim_mutation_name(enum sim_mutation mutation);
const char *sim_mutation_words(enum sim_mutation mutation);

typedef void (*sim_action)(void *context, uint64_t a, uint64_t b);

struct sim_event {
    int64_t at_us;
    uint64_t order; /* events of one time happen in the order in which they were planned */
    sim_action action;
    void *context;
    uint64_t a, b;
};

struct sim {
    uint64_t seed;
    struct sim_random random;
    int64_t now_us;
    bool trace;
    enum sim_mutation mutation;
    int64_t snapshot_records, snapshot_interval_ms, long_recovery; /* of each worker */
    size_t snapshot_portion;
    size_t load_bytes;  /* of each worker: so little that batches are made smaller, or enough */
    size_t cache_bytes; /* of each worker: little, so that states are read anew, or enough */
    struct sim_event *events; /* a heap, the next first */
    size_t event_count, event_capacity;
    uint64_t event_order;
    uint64_t counts[SIM_COUNTS];
    bool calm;            /* the faults have stopped */
    char violation[1024]; /* "": every invariant has held so far */
};

void sim_init(struct sim *sim, uint64_t seed, bool trace, enum sim_mutation mutation);
void sim_free(struct sim *sim);

/* Plans `action(context, a, b)`. */
void sim_plan(struct sim *sim, int64_t in_us, sim_action action, void *context, uint64_t a,
              uint64_t b);
/* When the next event is due; INT64_MAX: none is planned. */
int64_t sim_next_event(const struct sim *sim);
/* Carries out the next event, which is due at `now_us`. */
void sim_run_event(struct sim *sim);

/* A line of the story, if it is told. */
void sim_tell(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An invariant does not hold. The first one stands. */
void sim_violate(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define sim_count(sim, kind) ((sim)->counts[SIM_##kind]++)

/* Shorthands for chance. */
#define sim_below(sim, limit) sim_random_below(&(sim)->random, (limit))
#define sim_between(sim, low, high) sim_random_between(&(sim)->random, (low), (high))
#define sim_chance(sim, per_mille) sim_random_chance(&(sim)->random, (per_mille))

#endif
