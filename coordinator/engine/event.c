#include "engine/event.h"

#include "base/assert.h"

const char *saga_event_kind_name(enum saga_event_kind kind)
{
    static const char *const names[SAGA_EVENT_KIND_COUNT] = {
        [SAGA_EVENT_LANE] = "lane",         [SAGA_EVENT_START] = "start",
        [SAGA_EVENT_REPLY] = "reply",       [SAGA_EVENT_TIMER] = "timer",
        [SAGA_EVENT_OPERATOR] = "operator",
    };
    SAGA_ASSERT(kind < SAGA_EVENT_KIND_COUNT);
    return names[kind];
}

static const char *const verb_names[SAGA_VERB_COUNT] = {
    [SAGA_VERB_NONE] = "none",     [SAGA_VERB_CANCEL] = "cancel",   [SAGA_VERB_RETRY] = "retry",
    [SAGA_VERB_SKIP] = "skip",     [SAGA_VERB_RESOLVE] = "resolve", [SAGA_VERB_PAUSE] = "pause",
    [SAGA_VERB_RESUME] = "resume",
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
