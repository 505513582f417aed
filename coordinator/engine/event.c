#include "engine/event.h"

#include "base/assert.h"

const char *saga_event_kind_name(enum saga_event_kind kind)
{
    static const char *const names[SAGA_EVENT_KIND_COUNT] = {
        [SAGA_EVENT_LANE] = "lane",         [SAGA_EVENT_START] = "start",
        [SAGA_EVENT_REPLY] = "reply",       [SAGA_EVENT_TIMER] = "timer",
        [SAGA_EVENT_OPERATOR] = "operator", [SAGA_EVENT_NOTE] = "note",
    };
    SAGA_ASSERT(kind < SAGA_EVENT_KIND_COUNT);
    return names[kind];
}

static const char *const note_names[SAGA_NOTE_COUNT] = {
    [SAGA_NOTE_NONE] = "none",
    [SAGA_NOTE_CHILD_START] = "child-start",
    [SAGA_NOTE_CHILD_CANCEL] = "child-cancel",
    [SAGA_NOTE_CHILD_COMPENSATE] = "child-compensate",
    [SAGA_NOTE_CHILD_RELEASE] = "child-release",
    [SAGA_NOTE_CHILD_ENDED] = "child-ended",
    [SAGA_NOTE_CHILD_COMPENSATED] = "child-compensated",
    [SAGA_NOTE_CHILD_REFUSED] = "child-refused",
    [SAGA_NOTE_AWAIT_OPEN] = "await-open",
    [SAGA_NOTE_AWAIT_CLOSE] = "await-close",
    [SAGA_NOTE_AWAIT_TAKEN] = "await-taken",
    [SAGA_NOTE_AWAIT_RETURNED] = "await-returned",
    [SAGA_NOTE_AWAIT_EVENT] = "await-event",
    [SAGA_NOTE_AWAIT_MATCH] = "await-match",
    [SAGA_NOTE_AWAIT_REFUSED] = "await-refused",
    [SAGA_NOTE_SCHEDULE_SET] = "schedule-set",
    [SAGA_NOTE_SCHEDULE_START] = "schedule-start",
};

const char *saga_note_name(enum saga_note note)
{
    SAGA_ASSERT(note < SAGA_NOTE_COUNT);
    return note_names[note];
}

enum saga_note saga_note_of(struct saga_slice name)
{
    int note = SAGA_NOTE_CHILD_START;
    while (note < SAGA_NOTE_COUNT && !saga_slice_is(name, note_names[note])) note++;
    return (enum saga_note)note;
}

bool saga_event_begins(const struct saga_event *event)
{
    if (event->kind == SAGA_EVENT_START) return true;
    if (event->kind == SAGA_EVENT_OPERATOR)
        return event->verb == SAGA_VERB_FORGET && event->target.size > 0;
    if (event->kind != SAGA_EVENT_NOTE) return false;
    switch (event->note) {
    case SAGA_NOTE_AWAIT_EVENT:
    case SAGA_NOTE_AWAIT_OPEN:
    case SAGA_NOTE_AWAIT_CLOSE: /* of what has been forgotten: an entry comes and goes at once (R13) */
    case SAGA_NOTE_AWAIT_TAKEN:
    case SAGA_NOTE_AWAIT_RETURNED:
    case SAGA_NOTE_SCHEDULE_SET: return true;
    default: return false;
    }
}

static const char *const verb_names[SAGA_VERB_COUNT] = {
    [SAGA_VERB_NONE] = "none",     [SAGA_VERB_CANCEL] = "cancel",   [SAGA_VERB_RETRY] = "retry",
    [SAGA_VERB_SKIP] = "skip",     [SAGA_VERB_RESOLVE] = "resolve", [SAGA_VERB_PAUSE] = "pause",
    [SAGA_VERB_RESUME] = "resume", [SAGA_VERB_FORGET] = "forget",
};

const char *saga_verb_name(enum saga_verb verb)
{
    SAGA_ASSERT(verb < SAGA_VERB_COUNT);
    return verb_names[verb];
}

enum saga_verb saga_verb_of(struct saga_slice name)
{
    int verb = SAGA_VERB_CANCEL;
    while (verb < SAGA_VERB_COUNT && !saga_slice_is(name, verb_names[verb])) verb++;
    return (enum saga_verb)verb;
}
