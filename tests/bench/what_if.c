/* What would have been, in one thread and without servers: recorded events of sagas of three steps are decided by another
 * version. Events are counted per second of processor time, reading the records included. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alone.h"
#include "codec/codec.h"
#include "runtime/what_if.h"
#include "three_steps.h"

enum { SAGAS = 20000, AT_ONCE = 1000, ROUNDS = 5 };

static struct saga_codec *codec;
static struct three_steps journal;

/* The benchmark's definition; `with_block`: with a block in front that sends nothing, so that no fact is the same. */
static struct saga_definition *load(bool with_block)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition, *other;
    static const char steps[] = "\nsteps:\n";
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load_file(THREE_STEPS_FILE, NULL, &findings, &definition) < 0)
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
        for (size_t i = 0; i < journal.count; i++)
            saga_what_if_record(what_if, &journal.records[i]);
        saga_what_if_lane_end(what_if);
        double rate = (double)journal.count / (processor_s() - begin_s);
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
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (saga_codec_new(&codec) < 0) stop("out of memory");
    struct saga_definition *same = load(false), *other = load(true);
    three_steps_make(codec, same, SAGAS, AT_ONCE, &journal);
    printf("what_if_same_events_per_s  %10.0f  by the version that they were recorded by\n",
           measure(same));
    printf("what_if_other_events_per_s %10.0f  by one whose states are not the recorded ones\n",
           measure(other));
    saga_definition_free(same);
    saga_definition_free(other);
    saga_codec_free(codec);
    three_steps_free(&journal);
    return 0;
}
