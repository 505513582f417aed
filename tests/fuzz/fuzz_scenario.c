/* A file of scenarios: read, every finding printed, and the first ones played against a saga of several blocks. */
#include "base/assert.h"
#include "base/diagnostic.h"
#include "explore/scenario.h"
#include "fuzz.h"

enum { PLAYED_MAX = 3 };

static const char saga[] =
    "saga: order\nversion: 1\n"
    "participants:\n"
    "  stock: { commands: stock.commands, replies: stock.replies }\n"
    "  cash: { commands: cash.commands, replies: cash.replies }\n"
    "start: { topic: orders, event: Placed, key: .id }\n"
    "deadline: 1h\n"
    "defaults: { timeout: 10s, retry: { attempts: 2, backoff: 1s } }\n"
    "steps:\n"
    "  - step: reserve\n    send: stock/Reserve\n    body: '{id: .input.id}'\n"
    "    success: Reserved\n    failure: OutOfStock\n    compensate: { send: stock/Release }\n"
    "  - for-each: { item: line, in: .input.lines }\n    steps:\n"
    "      - saga: parcel\n        key: .item.id\n"
    "  - await: approval\n    topic: approvals\n    event: Approved\n    match: .order\n"
    "    with: .input.id\n    timeout: 10m\n"
    "  - step: pay\n    pivot: true\n    send: cash/Pay\n    body: '{amount: .input.total}'\n"
    "    success: Paid\n    failure: Declined\n"
    "on-completed: { publish: order-events/Sold, body: '{id: .input.id}' }\n";

static void play(const struct saga_scenario *scenario, struct saga_arena *arena)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    struct saga_scenario_failure failure;
    struct saga_play played;
    saga_diagnostics_init(&findings, arena);
    int error = saga_definition_load(saga_slice_of(saga), "order.yaml", &findings, &definition);
    SAGA_ASSERT(error == 0);
    error = saga_scenario_run(scenario, definition, arena, &played, &failure);
    SAGA_ASSERT(error == 0 || failure.what.size > 0);
    saga_play_end(&played);
    saga_definition_free(definition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_scenarios scenarios;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    struct saga_slice text = fuzz_slice(data, size);
    if (saga_scenarios_load(text, "fuzzed.test.yaml", &arena, &findings, &scenarios) == 0)
        for (size_t i = 0; i < scenarios.count && i < PLAYED_MAX; i++)
            play(&scenarios.items[i], &arena);
    saga_scenarios_close(&scenarios);
    saga_diagnostics_print(&findings, nowhere);
    saga_arena_free(&arena);
    return 0;
}
