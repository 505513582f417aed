/* What the engine decided, in the past tense. A fact carries everything that evolving needs (the definition is
 * not read again), and everything that a message to the outside needs: commands and published events are
 * made from facts alone, so the journal proves what was sent.
 *
 * One flat struct for all kinds; `saga_fact_types` says which fields a kind has. Codec, history and
 * comparison go by that table, so a new kind is one row here, one case in evolve and one record in the schema. */
#ifndef SAGA_ENGINE_FACT_H
#define SAGA_ENGINE_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "engine/event.h"
#include "engine/state.h"

/* Why an entry ignores an event or a waiter that it has no room for: an event so ignored is put aside (R13). */
#define SAGA_REASON_OVER_A_LIMIT "over-a-limit"

enum saga_fact_kind {
    SAGA_FACT_LANE_OPENED,
    SAGA_FACT_SAGA_STARTED,
    SAGA_FACT_SEARCH_VALUE_SET,
    SAGA_FACT_STEP_SENT,
    SAGA_FACT_STEP_RETRY_SCHEDULED,
    SAGA_FACT_STEP_SUCCEEDED,
    SAGA_FACT_STEP_FAILED,
    SAGA_FACT_STEP_UNKNOWN,
    SAGA_FACT_STEP_SKIPPED,
    SAGA_FACT_COMPENSATION_DEFERRED,
    SAGA_FACT_COMPENSATION_DROPPED,
    SAGA_FACT_COMPENSATION_STARTED,
    SAGA_FACT_COMPENSATION_SENT,
    SAGA_FACT_COMPENSATION_RETRY_SCHEDULED,
    SAGA_FACT_COMPENSATION_SUCCEEDED,
    SAGA_FACT_COMPENSATION_FAILED,
    SAGA_FACT_COMPENSATION_EXHAUSTED,
    SAGA_FACT_COMPENSATION_SKIPPED,
    SAGA_FACT_COMPENSATION_NOT_NEEDED,
    SAGA_FACT_SAGA_STUCK,
    SAGA_FACT_SAGA_CONTINUED,
    SAGA_FACT_SAGA_PAUSED,
    SAGA_FACT_SAGA_UNPAUSED,
    SAGA_FACT_TIMER_HELD,
    SAGA_FACT_TIMER_ARMED,
    SAGA_FACT_EVENT_PUBLISHED,
    SAGA_FACT_VARIABLES_SET,
    SAGA_FACT_WAIT_STARTED,
    SAGA_FACT_BLOCK_PASSED,
    SAGA_FACT_BRANCH_STARTED,
    SAGA_FACT_LOOP_STARTED,
    SAGA_FACT_BRANCH_ENDED,
    SAGA_FACT_GOES_ON_LATER,
    SAGA_FACT_AWAIT_OPENED,
    SAGA_FACT_AWAIT_CLOSED,
    SAGA_FACT_CHILD_STARTED,
    SAGA_FACT_NOTE_SENT,
    SAGA_FACT_NOTE_IGNORED,
    SAGA_FACT_DEADLINE_PASSED,
    SAGA_FACT_SAGA_COMPLETED,
    SAGA_FACT_SAGA_COMPENSATED,
    SAGA_FACT_SAGA_ABANDONED,
    SAGA_FACT_SAGA_FORGOTTEN,
    SAGA_FACT_CHILD_RELEASED,
    SAGA_FACT_ENTRY_STARTED,
    SAGA_FACT_WAITER_ADDED,
    SAGA_FACT_WAITER_REMOVED,
    SAGA_FACT_EVENT_KEPT,
    SAGA_FACT_EVENT_OFFERED,
    SAGA_FACT_EVENT_TAKEN,
    SAGA_FACT_EVENT_RETURNED,
    SAGA_FACT_EVENT_DROPPED,
    SAGA_FACT_SCHEDULE_SET,
    SAGA_FACT_SCHEDULE_TICKED,
    SAGA_FACT_SCHEDULE_ENDED,
    SAGA_FACT_START_IGNORED,
    SAGA_FACT_REPLY_IGNORED,
    SAGA_FACT_TIMER_IGNORED,
    SAGA_FACT_OPERATOR_REFUSED,
    SAGA_FACT_OPERATOR_IGNORED,
    SAGA_FACT_KIND_COUNT
};

struct saga_fact {
    enum saga_fact_kind kind;
    struct saga_slice step; /* path; of another block: its label */
    uint32_t scope, block, position;
    uint32_t index, total; /* of a branch or round; elements of a loop, ticks that were missed */
    uint32_t attempt;
    bool pivot;
    struct saga_slice topic, type, reply_topic;
    struct saga_slice value; /* JSON: a body, a kept result, an input */
    bool value_from_cause;   /* value is the body of the record's cause and is not repeated there */
    /* What is sent of `value` on a topic whose format is not JSON; absent: value itself. It follows from the value and its
     * schema, so it is not journaled, and a fact that was read has none. */
    struct saga_slice encoded;
    int64_t due_ms;            /* of the timer that the fact arms; 0: none */
    struct saga_slice reason;  /* a word: machines count by it */
    struct saga_slice message; /* for people */
    enum saga_status status;   /* SagaContinued: where to */
    enum saga_stuck_on stuck_on;
    struct saga_slice name; /* definition, timer or search attribute */
    struct saga_slice text; /* search value, journal id, trace id */
    uint32_t version;
    uint32_t lanes;
    struct saga_slice id, run, key, sha256;
    struct saga_slice target;                             /* child or correlation entry, its id */
    struct saga_slice parent_id, parent_run, parent_step; /* of a child that started */
    enum saga_note note;
    struct saga_slice from_step; /* NoteSent: the sender's step */
    enum saga_state_kind entry;  /* EntryStarted: which kind */
    /* The step as it was before the fact (saga_fact_ends_something), else NULL: how long something took follows from it. As
     * `encoded` it is not journaled, and its texts are the state's. */
    const struct saga_step_state *before;
};

enum saga_field_type {
    SAGA_FIELD_STRING, /* slice, never absent: absent is written as "" and read as absent */
    SAGA_FIELD_BYTES,  /* nullable: with value_from_cause null; see saga_fact.value */
    SAGA_FIELD_INT,    /* uint32_t */
    SAGA_FIELD_BOOL,
    SAGA_FIELD_TIME,     /* int64_t, milliseconds: Avro long, timestamp-millis */
    SAGA_FIELD_STATUS,   /* enum saga_status, written as its name */
    SAGA_FIELD_STUCK_ON, /* enum saga_stuck_on, written as its name */
    SAGA_FIELD_NOTE,     /* enum saga_note, written as its name */
    SAGA_FIELD_ENTRY     /* enum saga_state_kind, written as its name */
};

struct saga_fact_field {
    const char *name; /* as in schemas/journal.avsc and in JSON */
    enum saga_field_type type;
    size_t offset; /* in struct saga_fact */
};

struct saga_fact_type {
    const char *name; /* "StepSent": the Avro record's name */
    const struct saga_fact_field *fields;
    size_t field_count;
};
/* Does it end a step, a compensation, or an attempt of one? */
bool saga_fact_ends_something(enum saga_fact_kind kind);

extern const struct saga_fact_type saga_fact_types[SAGA_FACT_KIND_COUNT];

struct saga_facts {
    struct saga_fact *items; /* in the arena given to decide */
    size_t count;
    size_t capacity;
};

#endif
