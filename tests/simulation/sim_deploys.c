/* Whoever deploys: the definitions of a history and their versions, the schedules that versions put in force, and when
 * each process reads of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "codec/message.h"
#include "made/made.h"
#include "sim_world.h"

enum { LOOK_US = 300000, FILES = SIM_DEFINITIONS - 1, TELLING_MS = 3000, SCHEDULES_MAX = 4 };

/* ---- texts ---- */

static struct saga_slice read_file(struct saga_arena *arena, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/simulation/sagas/%s", SAGA_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "saga_simulate: %s cannot be read\n", path);
        exit(2);
    }
    char *text = saga_arena_alloc(arena, 16384);
    size_t size = fread(text, 1, 16383, file);
    fclose(file);
    return (struct saga_slice){ text, size };
}

/* The files are the same for all histories of a process. */
static struct saga_slice file_text(unsigned file)
{
    static const char *const names[FILES] = { "purchase.yaml", "bonus.yaml", "trip.yaml",
                                              "errand.yaml",   "chore.yaml", "report.yaml" };
    static struct saga_arena arena;
    static struct saga_slice texts[FILES];
    if (!texts[0].data) {
        saga_arena_init(&arena);
        for (unsigned i = 0; i < FILES; i++) texts[i] = read_file(&arena, names[i]);
    }
    return texts[file];
}

/* Blocks of every kind inside of each other, as the seed has it. */
static void make_definition(struct sim_world *world)
{
    static const char *const children[] = { "errand", "errand", "chore", "nobody", NULL };
    struct made made = {
        .random = world->sim.seed * 0x9E3779B97F4A7C15u + 1,
        .name = "made",
        .head = "participants: { p: { commands: stock.commands, replies: stock.replies } }\n"
                "start: { topic: shop.trips, event: TripBooked, key: .k, from: earliest }\n"
                "deadline: 20s\nkeep: 4s\ndefaults: { timeout: 2s }\n",
        .prefix = "Made",
        .events = "shop.news",
        .keep_early = "6s",
        .children = children,
        .blocks = 9,
        .depth = 3,
        .plain = true,
    };
    for (;;) {
        struct saga_buffer yaml;
        struct saga_diagnostics findings;
        struct saga_definition *definition;
        struct made again = made; /* the dice go on, the bounds are those of the beginning */
        saga_buffer_init(&yaml, &world->arena);
        made_definition(&again, &yaml);
        made.random = again.random;
        saga_diagnostics_init(&findings, &world->arena);
        world->made = saga_buffer_slice(&yaml);
        if (saga_definition_load(world->made, "made", &findings, &definition) < 0) continue;
        saga_definition_free(definition);
        sim_tell(&world->sim, "%.*s", SAGA_SLICE_ARG(world->made));
        return;
    }
}

/* The text with another value in the line of that field. */
static struct saga_slice with_field(struct saga_arena *arena, struct saga_slice text,
                                    const char *field, struct saga_slice value)
{
    char line[32];
    int size = snprintf(line, sizeof line, "\n%s: ", field);
    const char *at = memmem(text.data, text.size, line, (size_t)size);
    SAGA_ASSERT(at);
    size_t head = (size_t)(at - text.data) + (size_t)size;
    const char *end = memchr(text.data + head, '\n', text.size - head);
    SAGA_ASSERT(end);
    struct saga_slice tail = saga_slice_skip(text, (size_t)(end - text.data));
    return saga_arena_printf(arena, "%.*s%.*s%.*s", (int)head, text.data, SAGA_SLICE_ARG(value),
                             SAGA_SLICE_ARG(tail));
}

/* ---- versions ---- */

static void learn(struct sim_world *world, struct saga_slice text)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, &world->arena);
    if (saga_definition_load(text, "simulated", &findings, &definition) < 0) {
        fprintf(stderr, "saga_simulate: a definition does not load: %.*s\n",
                SAGA_SLICE_ARG(findings.items[0].what));
        exit(2);
    }
    sim_services_learn(world->services, definition);
    int error = saga_catalog_add(world->catalog, definition);
    SAGA_ASSERT(error == SAGA_OK);
}

/* Some versions of `purchase` redact, and some do not. */
static void put_in_force(struct sim_world *world, struct saga_slice text, unsigned version)
{
    SAGA_ASSERT(world->text_count < SIM_TEXTS_MAX);
    text =
        with_field(&world->arena, text, "version", saga_arena_printf(&world->arena, "%u", version));
    static const char purchase[] = "\nsaga: purchase\n";
    bool redacts = memmem(text.data, text.size, purchase, sizeof purchase - 1) &&
                   (version + world->sim.seed) % 2 == 0;
    if (redacts)
        text = SAGA_CONCAT(&world->arena, text, SAGA_SLICE("\nredact: [.input.customer]\n"));
    learn(world, text);
    world->texts[world->text_count++] = text;
}

static unsigned next_version(const struct sim_world *world)
{
    return (unsigned)world->text_count + 1;
}

/* ---- schedules ---- */

/* How `report` may be started: the last one by no clock. Something ticks every few seconds, since histories wait for it. */
static const struct sim_schedule schedules[] = {
    { "{ every: 5s }", { { 5000, false } }, 1 },
    { "{ every: 11s, missed: skip }", { { 11000, true } }, 1 },
    { "[{ every: 7s }, { every: 10m, missed: skip }]", { { 7000, false }, { 600000, true } }, 2 },
    { "[{ every: 15s, missed: skip }, { cron: '* * * * *' }]",
      { { 15000, true }, { 60000, false } },
      2 },
    { "{ topic: shop.errands, event: ReportAsked, key: .k, from: earliest }", { { 0 } }, 0 },
};
enum { SCHEDULES = sizeof schedules / sizeof schedules[0], BY_NO_CLOCK = SCHEDULES - 1 };

/* As `saga deploy` does, when the version is there already. */
static void tell_schedule(void *context, uint64_t version, uint64_t again)
{
    struct sim_world *world = context;
    struct saga_message message;
    struct saga_arena *arena = &world->arena;
    struct saga_slice id = saga_arena_printf(arena, "deploy-%u", ++world->tellings);
    saga_schedule_message(SAGA_SLICE("saga.inbox"), SIM_LANES, SAGA_SLICE("report"),
                          (uint32_t)version, id, arena, &message);
    sim_tell(&world->sim, "the schedule of report is that of version %u", (unsigned)version);
    sim_kafka_append(&world->kafka, &message); /* expected as any note, when it is seen */
    world->orders_left--;
    if (!again) return;
    world->orders_left++;
    sim_plan(&world->sim, sim_between(&world->sim, 0, TELLING_MS) * SIM_MS, tell_schedule, world,
             version, false);
}

/* Returns the version. */
static unsigned deploy_report(struct sim_world *world, unsigned schedule)
{
    unsigned version = next_version(world);
    struct saga_slice start = saga_slice_of(schedules[schedule].start);
    sim_tell(&world->sim, "version %u of report starts by %.*s", version, SAGA_SLICE_ARG(start));
    sim_check_deployed(world->check, version, &schedules[schedule]);
    put_in_force(world, with_field(&world->arena, file_text(SIM_REPORT), "start", start), version);
    return version;
}

/* Whoever deploys may be slow, so that a later one is told first; may do it twice; or die before the schedule is told. */
static void deploy_schedule(void *context, uint64_t schedule, uint64_t unused)
{
    struct sim_world *world = context;
    struct sim *sim = &world->sim;
    unsigned version = deploy_report(world, (unsigned)schedule);
    (void)unused;
    world->orders_left--;
    if (sim_chance(sim, 100)) return;
    world->orders_left++;
    sim_plan(sim, sim_between(sim, 0, TELLING_MS) * SIM_MS, tell_schedule, world, version,
             sim_chance(sim, 200));
}

/* Not in every history: what ticks costs time, and keeps a lane busy that else has nothing to do. */
static void plan_schedules(struct sim_world *world)
{
    struct sim_random random;
    sim_random_init(&random, world->sim.seed ^ 0x7469636b73u);
    if (sim_random_chance(&random, 500)) return;
    world->has_schedule = true;
    int count = (int)sim_random_between(&random, 1, SCHEDULES_MAX);
    int64_t within_us = sim_random_between(&random, 2, 30) * SIM_SECOND;
    for (int i = 0; i < count; i++) {
        int64_t at_us = sim_random_between(&random, 0, i ? within_us : 2 * SIM_SECOND);
        world->orders_left++;
        sim_plan(&world->sim, at_us, deploy_schedule, world,
                 sim_random_below(&random, i ? SCHEDULES : BY_NO_CLOCK), 0);
    }
}

void sim_deploys_calm(struct sim_world *world)
{
    if (world->schedule_ends || !sim_check_has_ticked(world->check)) return;
    world->schedule_ends = true;
    world->orders_left++;
    tell_schedule(world, deploy_report(world, BY_NO_CLOCK), false);
}

/* ---- all of them ---- */

void sim_deploy(struct sim_world *world, uint64_t detail)
{
    unsigned definition = (unsigned)(detail % SIM_DEFINITIONS);
    if (definition == SIM_REPORT && !world->has_schedule) return;
    sim_count(&world->sim, DEPLOY);
    if (definition == SIM_REPORT) {
        world->orders_left++;
        deploy_schedule(world, detail / SIM_DEFINITIONS % SCHEDULES, 0);
        return;
    }
    sim_tell(&world->sim, "version %u of definition %u is deployed", next_version(world),
             definition);
    put_in_force(world, definition < FILES ? file_text(definition) : world->made,
                 next_version(world));
}

void sim_deploys_plan(struct sim_world *world)
{
    make_definition(world);
    for (unsigned d = 0; d < FILES; d++)
        if (d != SIM_REPORT) put_in_force(world, file_text(d), 1);
    put_in_force(world, world->made, 1);
    plan_schedules(world);
}

/* ---- who reads of them ---- */

void sim_read_definitions(struct sim_world *world, unsigned number)
{
    struct sim_worker *w = &world->workers[number];
    for (; world->texts_read[number] < world->text_count; world->texts_read[number]++) {
        struct saga_diagnostic diagnostic = { 0 };
        bool is_new;
        int error = saga_registry_offer(w->registry, world->texts[world->texts_read[number]],
                                        &world->arena, &is_new, &diagnostic);
        SAGA_ASSERT(error == SAGA_OK);
    }
    saga_registry_end_reached(w->registry);
}

static void look_at_definitions(void *context, uint64_t number, uint64_t unused)
{
    struct sim_world *world = context;
    const struct sim_worker *w = &world->workers[number];
    (void)unused;
    bool runs = w->alive && !w->dead && world->sim.now_us >= w->still_until_us;
    bool reaches = world->sim.now_us >= w->kafka_cut_until_us &&
                   world->sim.now_us >= w->kafka_deaf_until_us &&
                   world->sim.now_us >= world->kafka.away_until_us;
    bool late = world->sim.now_us < world->texts_late_until_us[number];
    if (runs && reaches && !late) sim_read_definitions(world, (unsigned)number);
    sim_plan(&world->sim, sim_between(&world->sim, LOOK_US, 4 * LOOK_US), look_at_definitions,
             world, number, 0);
}

void sim_look_at_definitions(struct sim_world *world, unsigned number)
{
    sim_plan(&world->sim, LOOK_US, look_at_definitions, world, number, 0);
}
