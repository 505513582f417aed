/* What can happen to a saga. The journal keeps it as the cause of its record, so that deciding it again
 * gives the same facts. */
#ifndef SAGA_ENGINE_EVENT_H
#define SAGA_ENGINE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/message.h"
#include "base/slice.h"

enum saga_event_kind {
    SAGA_EVENT_LANE, /* no saga's: the lane's first record */
    SAGA_EVENT_START,
    SAGA_EVENT_REPLY,
    SAGA_EVENT_TIMER,
    SAGA_EVENT_OPERATOR,
    SAGA_EVENT_NOTE, /* from another saga or entry */
    SAGA_EVENT_KIND_COUNT
};
const char *saga_event_kind_name(enum saga_event_kind kind);

/* What sagas and entries tell each other, through inboxes, each in the transaction of what it follows from. All of
 * them are idempotent. */
enum saga_note {
    SAGA_NOTE_NONE,
    /* parent to child (R22) */
    SAGA_NOTE_CHILD_START, /* a start that says whose child it is */
    SAGA_NOTE_CHILD_CANCEL,
    SAGA_NOTE_CHILD_COMPENSATE, /* also after it has completed */
    SAGA_NOTE_CHILD_RELEASE,    /* the parent has ended: it may be forgotten */
    /* child to parent */
    SAGA_NOTE_CHILD_ENDED, /* `type`: how; `body`: what the parent's step keeps */
    SAGA_NOTE_CHILD_COMPENSATED,
    SAGA_NOTE_CHILD_REFUSED, /* it cannot be compensated; `body.message`: why */
    /* saga to correlation entry (R21) */
    SAGA_NOTE_AWAIT_OPEN,
    SAGA_NOTE_AWAIT_CLOSE,
    SAGA_NOTE_AWAIT_TAKEN,    /* `id`: the event's */
    SAGA_NOTE_AWAIT_RETURNED, /* it does not wait any more */
    /* from outside to correlation entry */
    SAGA_NOTE_AWAIT_EVENT,
    /* correlation entry to saga */
    SAGA_NOTE_AWAIT_MATCH,
    SAGA_NOTE_AWAIT_REFUSED, /* more wait for the value than an entry holds */
    /* a deploy, to the definition's schedule */
    SAGA_NOTE_SCHEDULE_SET, /* `body.version`: of the definition that is in force */
    /* the schedule to the saga that it starts: a start that is nobody's child */
    SAGA_NOTE_SCHEDULE_START,
    SAGA_NOTE_COUNT
};
const char *saga_note_name(enum saga_note note);
/* SAGA_NOTE_COUNT if it is none. */
enum saga_note saga_note_of(struct saga_slice name);

enum saga_verb {
    SAGA_VERB_NONE,
    SAGA_VERB_CANCEL,
    SAGA_VERB_RETRY,
    SAGA_VERB_SKIP,
    SAGA_VERB_RESOLVE,
    SAGA_VERB_PAUSE,
    SAGA_VERB_RESUME,
    /* Those before it are what operators say to a saga that lives; this one destroys the key that an ended saga's values
     * are sealed with (codec/sealed.h), and only `saga audit forget` says it. */
    SAGA_VERB_FORGET,
    SAGA_VERB_COUNT
};
const char *saga_verb_name(enum saga_verb verb);
/* SAGA_VERB_COUNT if it is none. */
enum saga_verb saga_verb_of(struct saga_slice name);

/* A run that has a key. */
struct saga_named_run {
    struct saga_slice run;
    int64_t created_ms; /* when it began; 0: not known */
};

struct saga_event {
    enum saga_event_kind kind;
    int64_t time_ms;             /* the batch's time: the engine knows no other (R17) */
    struct saga_position source; /* where it was read; a timer has none (topic absent, -1, -1) */
    struct saga_slice type;      /* of a start or a reply; of an operator: the verb */
    struct saga_slice id;        /* CloudEvents id, may be absent */
    struct saga_slice content_type;
    struct saga_slice body;        /* JSON; absent: null */
    struct saga_slice traceparent; /* as saga_trace_context_join gives it */

    /* Start: the run that it begins, if it does; absent: it follows from `source` alone (saga_run_of). Whoever takes the start
     * says it, since only it knows the journal, and the journal keeps it: so deciding again needs none. Reply: the run that it
     * answers; absent: any. A note: the receiver's. */
    struct saga_slice run;

    /* start */
    struct saga_slice key;

    /* reply: which command it answers; step absent when only the type tells (sagas/MESSAGES.md) */
    struct saga_slice step;
    uint32_t attempt; /* 0: not known, taken as the newest */
    bool compensation;

    /* timer */
    struct saga_slice timer;
    uint64_t armed;

    /* note; `step` is the receiver's, the rest the sender's. A child's start is a start with a note. */
    enum saga_note note;
    struct saga_slice from_id, from_run, from_step;
    struct saga_slice target; /* a note, or Forget, for an entry: its id */
    int64_t keep_ms;          /* AwaitEvent: how long it is kept for who may ask for it */

    /* operator */
    enum saga_verb verb;
    struct saga_slice as; /* resolve --as */
    struct saga_slice who;
    struct saga_slice from; /* host or address */
    struct saga_slice reason;
    /* Forget: runs of the saga whose keys are to be destroyed beside those that the lane's owner has at hand; not journaled */
    const struct saga_named_run *runs;
    size_t run_count;
};

/* May the event begin a state that was not there: a saga, or the entry that a note is for? */
bool saga_event_begins(const struct saga_event *event);

#endif
