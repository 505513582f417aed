#include "three_steps.h"

#include <string.h>

#include "alone.h"
#include "base/memory.h"
#include "engine/engine.h"

static const char order[] =
    "{\"id\":\"order-12345\",\"text\":\"Two hundred bytes of something that a service may want to "
    "know: who ordered what, when, for how much, to be sent where, and what else the customer said "
    "about it, in words that nobody reads.\"}";

/* What is under way of one lane. */
struct making {
    struct saga_codec *codec;
    const struct saga_definition *definition;
    struct three_steps *journal;
    struct saga_arena arena; /* a record's */
    uint8_t chain[SAGA_SHA256_BYTES];
};

static struct saga_event event_of(const struct making *m, const struct saga_state *state,
                                  struct saga_arena *arena, unsigned number, unsigned step)
{
    static const char *const steps[] = { "one", "two", "three" };
    static const char *const types[] = { "OneDone", "TwoDone", "ThreeDone" };
    struct saga_event event = { .kind = step ? SAGA_EVENT_REPLY : SAGA_EVENT_START,
                                .time_ms = 1750000000000 + (int64_t)m->journal->count,
                                .source = { SAGA_SLICE("bench.starts"), 0, number },
                                .body = saga_slice_of(order) };
    if (step == 0) {
        event.type = SAGA_SLICE("Asked");
        event.key = saga_arena_printf(arena, "order-%u", number);
        event.body = saga_arena_printf(arena, "{\"id\":\"%.*s\",%s", SAGA_SLICE_ARG(event.key),
                                       strchr(order, ',') + 1);
    } else {
        event.type = saga_slice_of(types[step - 1]);
        event.step = saga_slice_of(steps[step - 1]);
        event.run = state->run;
        event.attempt = 1;
    }
    return event;
}

static void record(struct making *m, struct saga_state *state, unsigned number, unsigned step)
{
    struct saga_facts facts = { 0 };
    struct saga_slice bytes;
    struct three_steps *journal = m->journal;
    saga_arena_reset(&m->arena);
    struct saga_event event = event_of(m, state, &m->arena, number, step);
    saga_decide(m->definition, state, &event, &m->arena, &facts);
    struct saga_journal_record entry = saga_journal_record_of(state, &event, &facts);
    if (saga_journal_encode(m->codec, &entry, m->chain, &m->arena, &bytes, m->chain) < 0)
        stop("a record is over the limit");
    journal->records[journal->count] =
        (struct saga_message){ .offset = (int64_t)journal->count,
                               .key = saga_arena_copy(&journal->arena, state->key),
                               .value = saga_arena_copy(&journal->arena, bytes) };
    journal->count++;
}

void three_steps_make(struct saga_codec *codec, const struct saga_definition *definition,
                      unsigned sagas, unsigned at_once, struct three_steps *ret)
{
    struct making m = { .codec = codec, .definition = definition, .journal = ret };
    struct saga_state **states = saga_memory_zeroed(at_once, sizeof *states);
    saga_arena_init(&m.arena);
    *ret = (struct three_steps){ 0 };
    saga_arena_init(&ret->arena);
    ret->records = SAGA_NEW_ARRAY(&ret->arena, struct saga_message, sagas * THREE_STEPS_EVENTS);
    for (unsigned first = 0; first < sagas; first += at_once) {
        unsigned count = sagas - first < at_once ? sagas - first : at_once;
        for (unsigned step = 0; step < THREE_STEPS_EVENTS; step++)
            for (unsigned i = 0; i < count; i++) {
                if (step == 0) states[i] = saga_state_new();
                record(&m, states[i], first + i, step);
                if (step == THREE_STEPS_EVENTS - 1) saga_state_free(states[i]);
            }
    }
    free(states);
    saga_arena_free(&m.arena);
}

void three_steps_free(struct three_steps *journal)
{
    saga_arena_free(&journal->arena);
}
