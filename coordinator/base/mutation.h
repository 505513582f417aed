/* Rules that a test build can switch off, one at a time, to see that the simulation notices (tests/simulation/README.md).
 * In every other build SAGA_WITHOUT is a constant false and leaves nothing behind. */
#ifndef SAGA_BASE_MUTATION_H
#define SAGA_BASE_MUTATION_H

#include <stdbool.h>

#define SAGA_MUTATIONS_OF_RULES(X)                                                                 \
    X(OWNERSHIP, "any-lane", "R1: a worker decides for lanes that it does not own")                \
    X(FENCING, "alarms-unfenced", "R2: a batch of alarms alone carries no positions")              \
    X(WORKING_COPIES, "dirty-abort", "R6: what an aborted batch decided stays in the cache")       \
    X(CATCHING_UP, "no-catching-up", "R8: recovery does not read the journal behind Redis")        \
    X(FOREIGN_RECORDS, "foreign-records",                                                          \
      "R8: a journal is not read past a record that is none of it")                                \
    X(PASSING_OVER, "twice-contained", "R12: replay does not pass over what a snapshot contains")  \
    X(BUILDING_APART, "half-built", "R11: a lane that is being built bears its own name")          \
    X(MARKING_BEGIN, "marks-its-end", "R12: the marker names where the snapshot ended")            \
    X(TOMBSTONES_LAST, "tombstones-early", "R12: what was forgotten leaves before the marker")     \
    X(RUNS, "any-run", "R14: an answer for an earlier run counts for this one")                    \
    X(COMMAND_IDS, "ids-without-attempt", "R15: all attempts have one command id")                 \
    X(IDEMPOTENCY_KEYS, "keys-with-attempt", "R15: each attempt has a key of its own")             \
    X(RUNS_OF_JOURNALS, "any-journal", "R15: the same place in another journal is the same run")   \
    X(STALE_TIMERS, "stale-timers", "R16: an alarm counts that was armed for something else")      \
    X(MONOTONIC_TIME, "time-goes-back", "R17: a lane's time follows the clock back")               \
    X(UNKNOWN, "unknown-is-failed", "R18: a step without an answer counts as not done")            \
    X(WAITING_FOR_DEFINITIONS, "no-waiting", "R19: a definition not read yet counts as not there") \
    X(BEGINNINGS, "begin-at-the-end", "R20: a topic never read is read from its end")              \
    X(PUTTING_ASIDE, "poison-stays", "R24: a record that cannot be committed is tried for ever")   \
    X(TAKING_APART, "all-together",                                                                \
      "R24: what is refused is not looked for in records and alarms apart")                        \
    X(TIMERS_AGAIN, "timers-lost", "R16: alarms of a batch that was aborted do not ring again")    \
    X(TAKEN_EVENTS, "taken-forgotten", "R21: an entry does not remember what was taken")           \
    X(GIVING_BACK, "not-given-back", "R21: what was sent to who left is not for the next")         \
    X(TELLING_PARENTS, "parents-untold", "R22: a child that ends does not tell its parent")        \
    X(WHOSE_CHILD, "anybodys-child", "R22: a child does not look who says that it is its parent")  \
    X(TICKS_ONCE, "ticks-again", "R28: what comes next is counted from the tick, not from now")    \
    X(STALE_TICKS, "stale-ticks", "R28: an alarm counts that was armed for another schedule")      \
    X(TICKS_DUE, "ticks-passed-over", "R28: a deploy passes over the tick that is due")            \
    X(NEWEST_SCHEDULE, "older-schedule", "R28: an older version counts that is told late")         \
    X(TELLING_AT_END, "untold-at-end", "R27: a worker ends without telling Redis")                 \
    X(KEYS_LEAVING, "keys-stay", "a saga leaves, and its key stays in memory")                     \
    X(STANDING_KEYS, "all-keys", "recovery keeps the keys of sagas that have left")

#ifdef SAGA_MUTATIONS
#define SAGA_MUTATION_NAME(name, word, words) SAGA_MUTATION_##name,
enum saga_mutation { SAGA_MUTATION_NONE, SAGA_MUTATIONS_OF_RULES(SAGA_MUTATION_NAME) };
#undef SAGA_MUTATION_NAME
extern enum saga_mutation saga_mutation;
#define SAGA_WITHOUT(rule) (saga_mutation == SAGA_MUTATION_##rule)
#else
#define SAGA_WITHOUT(rule) false
#endif

#endif
