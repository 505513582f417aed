/* Proving a journal as `saga replay --verify` does, in one thread and without servers: its records are there in memory, and
 * nothing is compared with Redis. Records are counted per second of processor time. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "alone.h"
#include "count.h"
#include "runtime/replay.h"
#include "three_steps.h"

enum { COUNT_MAX = 10000000, KEY_AT_ONCE = 256 };

static struct {
    unsigned sagas, at_once, rounds;
} options = { .sagas = 50000, .at_once = 10000, .rounds = 5 };

static struct saga_codec *codec;
static struct saga_catalog *catalog;
static struct three_steps journal;

static void load(void)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load_file(THREE_STEPS_FILE, NULL, &findings, &definition) < 0)
        stop("the definition does not load");
    if (saga_codec_new(&codec) < 0 || saga_catalog_new(&catalog) < 0) stop("out of memory");
    three_steps_make(codec, definition, options.sagas, options.at_once, &journal);
    saga_catalog_add(catalog, definition);
    saga_arena_free(&arena);
}

static void on_difference(const struct saga_difference *difference, void *context)
{
    (void)context;
    fprintf(stderr, "offset %lld: %.*s\n", (long long)difference->offset,
            SAGA_SLICE_ARG(difference->words));
    stop("the journal is not proved");
}

static double prove(void)
{
    struct saga_replay *replay;
    struct saga_replay_counts counts;
    double begin_s = processor_s();
    saga_replay_new(codec, catalog, 0, on_difference, NULL, &replay);
    saga_replay_leave_out(replay, NULL); /* no record opens it */
    saga_replay_records(replay, journal.records, journal.count);
    double took_s = processor_s() - begin_s;
    saga_replay_count(replay, &counts);
    if (counts.by_status[SAGA_COMPLETED] != options.sagas) stop("a saga is not completed");
    saga_replay_free(replay);
    return (double)journal.count / took_s;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'n': options.sagas = read_count(argument, 1, COUNT_MAX, state); return 0;
    case 'r': options.rounds = read_count(argument, 1, COUNT_MAX, state); return 0;
    case KEY_AT_ONCE: options.at_once = read_count(argument, 1, COUNT_MAX, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "sagas", 'n', "NUMBER", 0, "of four records each (50,000)", 0 },
        { "at-once", KEY_AT_ONCE, "NUMBER", 0, "that are under way at the same time (10,000)", 0 },
        { "rounds", 'r', "NUMBER", 0, "of which the best counts (5)", 0 },
        { 0 }
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc = "Measures how fast a journal is proved." };
    double best = 0;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    load();
    for (unsigned round = 0; round < options.rounds; round++) {
        double rate = prove();
        if (rate > best) best = rate;
    }
    printf("proof_records_per_s %10.0f  proved in memory, of some %zu bytes each\n", best,
           journal.count ? journal.arena.used_bytes / journal.count : 0);
    three_steps_free(&journal);
    saga_catalog_free(catalog);
    saga_codec_free(codec);
    return 0;
}
