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
    SAGA_EVENT_KIND_COUNT
};
const char *saga_event_kind_name(enum saga_event_kind kind);

enum saga_verb {
    SAGA_VERB_NONE,
    SAGA_VERB_CANCEL,
    SAGA_VERB_RETRY,
    SAGA_VERB_SKIP,
    SAGA_VERB_RESOLVE,
    SAGA_VERB_PAUSE,
    SAGA_VERB_RESUME,
    SAGA_VERB_COUNT
};
const char *saga_verb_name(enum saga_verb verb);
/* SAGA_VERB_COUNT if it is none. */
enum saga_verb saga_verb_of(struct saga_slice name);

struct saga_event {
    enum saga_event_kind kind;
    int64_t time_ms;             /* the batch's time: the engine knows no other (R17) */
    struct saga_position source; /* where it was read; a timer has none (topic absent, -1, -1) */
    struct saga_slice type;      /* of a start or a reply; of an operator: the verb */
    struct saga_slice id;        /* CloudEvents id, may be absent */
    struct saga_slice content_type;
    struct saga_slice body; /* JSON; absent: null */
    struct saga_slice traceparent;

    /* start */
    struct saga_slice key;

    /* reply: which command it answers; step absent when only the type tells (messages.md) */
    struct saga_slice run; /* absent: any run */
    struct saga_slice step;
    uint32_t attempt; /* 0: not known, taken as the newest */
    bool compensation;

    /* timer */
    struct saga_slice timer;
    uint64_t armed;

    /* operator */
    enum saga_verb verb;
    struct saga_slice as; /* resolve --as */
    struct saga_slice who;
    struct saga_slice from; /* host or address */
    struct saga_slice reason;
};

#endif
