/* What would have been, in one thread and without servers: recorded events of sagas of three steps are decided by another
 * version. Events are counted per second of processor time, reading the records included. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alone.h"
#include "codec/codec.h"
#include "engine/engine.h"
#include "runtime/what_if.h"

enum { STEPS = 3, EVENTS = STEPS + 1, SAGAS = 20000, AT_ONCE = 1000, ROUNDS = 5 };

static const char order[] =
    "{\"id\":\"order-12345\",\"text\":\"Two hundred bytes of something that a service may want to "
    "know: who ordered what, when, for how much, to be sent where, and what else the customer said "
    "about it, in words that nobody reads.\"}";

static struct saga_codec *codec;
static struct saga_arena records_arena;
static struct saga_message records[SAGAS * EVENTS];

/* The benchmark's definition; `with_block`: with a block in front that sends nothing, so that no fact is the same. */
static struct saga_definition *load(const char *path, bool with_block)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition, *other;
    static const char steps[] = "\nsteps:\n";
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load_file(path, NULL, &findings, &definition) < 0)
        stop("the definition does not load");
    if (!with_block) return definition;
    const char *text = saga_arena_string(&arena, definition->source);
    const char *at = strstr(text, steps);
    if (!at) stop("the definition has no steps");
    struct saga_slice changed =
        saga_arena_printf(&arena, "%.*s%s  - set: { asked: .input.id }\n%s", (int)(at - text), text,
                          steps, at + sizeof steps - 1);
    if (saga_definition_load(changed, "changed", &findings, &other) < 0)
        stop("the changed definition does not load");
    saga_definition_free(definition);
    saga_arena_free(&arena);
    return other;
}

static void record(const struct saga_definition *definition, struct saga_state *state,
                   struct saga_arena *arena, unsigned number, unsigned step, size_t index)
{
    static const char *const steps[STEPS] = { "one", "two", "three" };
    static const char *const types[STEPS] = { "OneDone", "TwoDone", "ThreeDone" };
    static uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_facts facts = { 0 };
    struct saga_slice bytes;
    struct saga_event event = { .kind = step ? SAGA_EVENT_REPLY : SAGA_EVENT_START,
                                .time_ms = 1750000000000 + (int64_t)index,
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
    saga_decide(definition, state, &event, arena, &facts);
    struct saga_journal_record journal = saga_journal_record_of(state, &event, &facts);
    if (saga_journal_encode(codec, &journal, chain, arena, &bytes, chain) < 0)
        stop("a record is over the limit");
    records[index] = (struct saga_message){ .offset = (int64_t)index,
                                            .value = saga_arena_copy(&records_arena, bytes) };
}

/* As many sagas are under way at once as a batch has. */
static void record_all(const struct saga_definition *definition)
{
    static struct saga_state *states[AT_ONCE];
    struct saga_arena arena;
    size_t index = 0;
    saga_arena_init(&arena);
    for (unsigned first = 0; first < SAGAS; first += AT_ONCE)
        for (unsigned step = 0; step < EVENTS; step++)
            for (unsigned i = 0; i < AT_ONCE; i++) {
                if (step == 0) states[i] = saga_state_new();
                record(definition, states[i], &arena, first + i, step, index++);
                saga_arena_reset(&arena);
                if (step == EVENTS - 1) saga_state_free(states[i]);
            }
    saga_arena_free(&arena);
}

/* The best of some rounds. */
static double measure(const struct saga_definition *definition)
{
    const struct saga_what_if_options options = { .name = definition->name };
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct saga_what_if *what_if;
        struct saga_what_if_counts counts;
        double begin_s = processor_s();
        saga_what_if_new(codec, definition, &options, &what_if);
        saga_what_if_lane_begin(what_if, 0);
        for (size_t i = 0; i < SAGAS * EVENTS; i++) saga_what_if_record(what_if, &records[i]);
        saga_what_if_lane_end(what_if);
        double rate = SAGAS * EVENTS / (processor_s() - begin_s);
        saga_what_if_count(what_if, &counts);
        saga_what_if_free(what_if);
        if (counts.by_class[SAGA_WHAT_IF_SAME] != SAGAS) stop("a saga goes another way");
        if (rate > best) best = rate;
    }
    return best;
}

int main(int argc, char **argv)
{
    const struct argp argp = { .args_doc = "",
                               .doc = "Measures how fast recorded events are decided by another "
                                      "version of their sagas." };
    static const char path[] = SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml";
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (saga_codec_new(&codec) < 0) stop("out of memory");
    saga_arena_init(&records_arena);
    struct saga_definition *same = load(path, false), *other = load(path, true);
    record_all(same);
    printf("what_if_same_events_per_s  %10.0f  by the version that they were recorded by\n",
           measure(same));
    printf("what_if_other_events_per_s %10.0f  by one whose states are not the recorded ones\n",
           measure(other));
    saga_definition_free(same);
    saga_definition_free(other);
    saga_codec_free(codec);
    saga_arena_free(&records_arena);
    return 0;
}
