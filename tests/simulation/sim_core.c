#include "sim_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum saga_mutation saga_mutation;

const char *sim_count_words(enum sim_count count)
{
#define WORDS(name, words) [SIM_##name] = words,
    static const char *const all[SIM_COUNTS] = { SIM_FAULT_KINDS(WORDS) SIM_SITUATIONS(WORDS) };
#undef WORDS
    return all[count];
}

const char *sim_mutation_name(enum sim_mutation mutation)
{
#define NAME(name, word, words) word,
    static const char *const all[] = { SIM_MUTATIONS(NAME) SAGA_MUTATIONS_OF_RULES(NAME) };
#undef NAME
    return all[mutation];
}

const char *sim_mutation_words(enum sim_mutation mutation)
{
#define WORDS(name, word, words) words,
    static const char *const all[] = { SIM_MUTATIONS(WORDS) SAGA_MUTATIONS_OF_RULES(WORDS) };
#undef WORDS
    return all[mutation];
}

void sim_init(struct sim *sim, uint64_t seed, bool trace, enum sim_mutation mutation)
{
    saga_mutation = mutation < SIM_MUTATION_OWN
                        ? SAGA_MUTATION_NONE
                        : (enum saga_mutation)(mutation - SIM_MUTATION_OWN + 1);
    *sim = (struct sim){ .seed = seed, .trace = trace, .mutation = mutation };
    sim_random_init(&sim->random, seed);
    sim->snapshot_records = sim_between(sim, 3, 40);
    sim->snapshot_interval_ms = sim_between(sim, 1, 20) * 1000;
    sim->snapshot_portion = (size_t)sim_between(sim, 1, 6);
    sim->long_recovery = sim_chance(sim, 500) ? sim_between(sim, 2, 20) : 100000;
    sim->cache_bytes = sim_chance(sim, 500) ? 2048 : 65536;
    sim->load_bytes = seed % 3 == 0 ? 1 : SIZE_MAX;
}

void sim_free(struct sim *sim)
{
    free(sim->events);
    sim->events = NULL;
}

/* ---- events ---- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event kept = *a;
    *a = *b;
    *b = kept;
}

void sim_plan(struct sim *sim, int64_t in_us, sim_action action, void *context, uint64_t a,
              uint64_t b)
{
    if (sim->event_count == sim->event_capacity) {
        sim->event_capacity = sim->event_capacity ? 2 * sim->event_capacity : 256;
        sim->events = realloc(sim->events, sim->event_capacity * sizeof *sim->events);
        SAGA_ASSERT(sim->events);
    }
    size_t at = sim->event_count++;
    sim->events[at] =
        (struct sim_event){ sim->now_us + in_us, sim->event_order++, action, context, a, b };
    while (at && is_before(&sim->events[at], &sim->events[(at - 1) / 2])) {
        swap(&sim->events[at], &sim->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

int64_t sim_next_event(const struct sim *sim)
{
    return sim->event_count ? sim->events[0].at_us : INT64_MAX;
}

void sim_run_event(struct sim *sim)
{
    SAGA_ASSERT(sim->event_count);
    struct sim_event event = sim->events[0];
    sim->events[0] = sim->events[--sim->event_count];
    for (size_t at = 0, child; (child = 2 * at + 1) < sim->event_count; at = child) {
        if (child + 1 < sim->event_count && is_before(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!is_before(&sim->events[child], &sim->events[at])) break;
        swap(&sim->events[child], &sim->events[at]);
    }
    event.action(event.context, event.a, event.b);
}

/* ---- the story ---- */

void sim_tell(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    if (!sim->trace) return;
    printf("%10.6f  ", (double)sim->now_us / 1e6);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void sim_violate(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    if (sim->violation[0]) return;
    va_start(arguments, format);
    vsnprintf(sim->violation, sizeof sim->violation, format, arguments);
    va_end(arguments);
    sim_tell(sim, "VIOLATION %s", sim->violation);
}
