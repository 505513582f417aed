/* The engine alone: decide and evolve of a saga of three steps, in one thread, without Kafka, Redis and journal. Events
 * are counted per second of processor time, so that other work on the machine shows less. */
#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alone.h"
#include "engine/engine.h"

enum { STEPS = 3, EVENTS = STEPS + 1, ROUNDS = 5, SAGAS_MAX = 10000000 };

/* Bodies as sagas have them: paths and objects of paths, or jq that computes. */
static const char *const plain_bodies[STEPS] = {
    "{id: .input.id, customer: .input.customer, lines: .input.lines}",
    "{id: .input.id, amount: .input.total, reservation: .steps.one.id}",
    "{id: .input.id, address: .input.address, charge: .steps.two.id}",
};
static const char *const general_bodies[STEPS] = {
    "{id: .input.id, lines: [.input.lines[] | select(.qty > 0) | {sku, qty}]}",
    "{id: .input.id, amount: (.input.lines | map(.qty * .price) | add), of: .steps.one.id}",
    "{id: .input.id, label: \"\\(.input.address.city), \\(.input.address.street)\"}",
};
/* what nobody knows beforehand how long it takes, so that it is evaluated in a process of its own */
static const char *const dear_bodies[STEPS] = {
    "def line: {sku, qty}; {id: .input.id, lines: [.input.lines[] | line]}",
    "def sum: reduce .[] as $x (0; . + $x); {amount: (.input.lines | map(.qty) | sum)}",
    "def text: \"\\(.city), \\(.street)\"; {id: .input.id, label: (.input.address | text)}",
};

static const char format[] =
    "saga: bench\nversion: 1\n"
    "participants: { service: { commands: bench.commands, replies: bench.replies } }\n"
    "start: { topic: bench.starts, event: Asked, key: .id }\n"
    "steps:\n"
    "  - { step: one, send: service/One, body: '%s', success: OneDone, compensate: none }\n"
    "  - { step: two, send: service/Two, body: '%s', success: TwoDone, compensate: none }\n"
    "  - { step: three, send: service/Three, body: '%s', success: ThreeDone, compensate: none }\n";

static const char order[] =
    "{\"id\":\"order-12345\",\"customer\":\"customer-4711\",\"total\":129.85,"
    "\"lines\":[{\"sku\":\"A-1\",\"qty\":2,\"price\":19.95},{\"sku\":\"B-22\",\"qty\":1,"
    "\"price\":89.95}],\"address\":{\"street\":\"Hauptstrasse 1\",\"city\":\"Wien\"}}";

static struct {
    unsigned sagas;
    bool json;
    const char *part; /* NULL: all */
} options = { .sagas = 100000 };

static double wall_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct saga_definition *load(const char *const *bodies)
{
    char text[4096];
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    snprintf(text, sizeof text, format, bodies[0], bodies[1], bodies[2]);
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load(saga_slice_of(text), "bench.yaml", &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        stop("the definition does not load");
    }
    saga_arena_free(&arena);
    return definition;
}

/* From its start to its end. */
static void run_saga(const struct saga_definition *definition, struct saga_arena *arena,
                     unsigned number)
{
    static const char *const steps[STEPS] = { "one", "two", "three" };
    static const char *const types[STEPS] = { "OneDone", "TwoDone", "ThreeDone" };
    struct saga_state *state = saga_state_new();
    for (unsigned i = 0; i < EVENTS; i++) {
        struct saga_event event = { .kind = i ? SAGA_EVENT_REPLY : SAGA_EVENT_START,
                                    .time_ms = 1750000000000 + i,
                                    .source = { SAGA_SLICE("bench.starts"), 0, number } };
        struct saga_facts facts = { 0 };
        if (i == 0) {
            event.type = SAGA_SLICE("Asked");
            event.key = SAGA_SLICE("order-12345");
            event.body = saga_slice_of(order);
        } else {
            event.type = saga_slice_of(types[i - 1]);
            event.step = saga_slice_of(steps[i - 1]);
            event.attempt = 1;
            event.body = SAGA_SLICE("{\"id\":\"reply-12345\"}");
        }
        saga_decide(definition, state, &event, arena, &facts);
        saga_arena_reset(arena);
    }
    if (state->status != SAGA_COMPLETED) stop("a saga is not completed");
    saga_state_free(state);
}

/* The best of some rounds: events per second. */
static double measure(const char *const *bodies, unsigned sagas, double (*now_s)(void))
{
    struct saga_definition *definition = load(bodies);
    struct saga_arena arena;
    double best = 0;
    saga_arena_init(&arena);
    for (int round = 0; round < ROUNDS; round++) {
        double begin_s = now_s();
        for (unsigned i = 0; i < sagas; i++) run_saga(definition, &arena, i);
        double rate = (double)sagas * EVENTS / (now_s() - begin_s);
        if (rate > best) best = rate;
    }
    saga_arena_free(&arena);
    saga_definition_free(definition);
    return best;
}

static const struct part {
    const char *name;
    const char *const *bodies;
    unsigned divisor; /* of the number of sagas */
    double (*now_s)(void);
    const char *words;
} parts[] = {
    { "plain", plain_bodies, 1, processor_s, "bodies that are paths and objects of paths" },
    { "general", general_bodies, 4, processor_s, "bodies that jq computes" },
    { "helper", dear_bodies, 10, wall_s, "bodies in a process of their own; of real time" },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    char *end;
    switch (key) {
    case 'n': {
        long value = strtol(argument, &end, 10);
        if (end == argument || *end || value < 10 || value > SAGAS_MAX)
            argp_error(state, "'%s' is not a number from 10 to %d", argument, SAGAS_MAX);
        options.sagas = (unsigned)value;
        break;
    }
    case 'p': options.part = argument; break;
    case 'o':
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "-o takes text or json");
        options.json = strcmp(argument, "json") == 0;
        break;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", argument); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "sagas", 'n', "NUMBER", 0, "sagas of each round (default 100000)", 0 },
        { "part", 'p', "NAME", 0, "only plain, general or helper: for a profiler", 0 },
        { "output", 'o', "FORMAT", 0, "text or json", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc = "Measures decide and evolve alone, in one thread." };
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (options.json) printf("{\"sagas\":%u", options.sagas);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const struct part *part = &parts[i];
        if (options.part && strcmp(options.part, part->name) != 0) continue;
        double rate = measure(part->bodies, options.sagas / part->divisor, part->now_s);
        if (options.json)
            printf(",\"%s_events_per_s\":%.0f", part->name, rate);
        else
            printf("%7s_events_per_s %10.0f  %s\n", part->name, rate, part->words);
        fflush(stdout);
    }
    if (options.json) printf("}\n");
    return 0;
}
