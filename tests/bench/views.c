/* How fast people see sagas where there are many: a redis-server of this program's own is filled with a million of them (many.h)
 * by the store's apply, as a worker would, and then pages of lists, counts and durations are asked for. Times are wall time,
 * of the slowest of some runs and the one in the middle. */
#include <argp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alone.h"
#include "base/error.h"
#include "harness/redis.h"
#include "many.h"
#include "operate/sagas.h"

enum { LANES = 8, RUNS = 51, PAGE = 100 };
static const int64_t newest_ms = 1700000000000;

static struct {
    unsigned sagas, running;
} options = { .sagas = 1000000, .running = 60 };

static struct saga_arena arena, filters;
static struct saga_codec *codec;

/* ---- looking ---- */

static struct saga_call call;

struct look {
    const char *words;
    struct saga_wanted wanted;
    bool second; /* the page behind it, too */
};

static double now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void count_row(const struct saga_state *state, void *context)
{
    (void)state;
    ++*(size_t *)context;
}

static size_t page_of(struct saga_wanted *wanted)
{
    struct saga_view_row last = { 0 };
    size_t rows = 0;
    bool more;
    if (saga_find(&call, LANES, wanted, count_row, &rows, &more, &last) != SAGA_EXIT_DONE)
        stop("no page");
    wanted->page.has_after = true;
    wanted->page.after_ms = last.changed_ms;
    wanted->page.after_id = last.saga_id;
    return rows;
}

static size_t look_at_page(const void *context)
{
    const struct look *look = context;
    struct saga_wanted wanted = look->wanted;
    wanted.page.limit = PAGE;
    wanted.page.until_ms = wanted.page.until_ms ? wanted.page.until_ms : INT64_MAX;
    if (wanted.filter && !saga_filter_narrow(wanted.filter, &arena, &wanted.page))
        stop("a filter that means nobody");
    size_t rows = page_of(&wanted);
    return look->second ? page_of(&wanted) : rows;
}

static size_t look_at_standings(const void *context)
{
    struct saga_view_standing *items;
    size_t count;
    (void)context;
    if (saga_views_standings(call.views, LANES, NULL, &arena, &items, &count) < 0)
        stop("no counts");
    return count;
}

static size_t look_at_durations(const void *context)
{
    struct saga_view_duration *items;
    size_t count;
    (void)context;
    if (saga_views_durations(call.views, LANES, NULL, &arena, &items, &count) < 0)
        stop("no durations");
    return count;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void measure(const char *words, size_t (*look)(const void *context), const void *context)
{
    double took_ms[RUNS];
    size_t rows = 0;
    for (int i = 0; i < RUNS; i++) {
        double began_ms = now_ms();
        rows = look(context);
        took_ms[i] = now_ms() - began_ms;
        saga_arena_reset(&arena);
    }
    qsort(took_ms, RUNS, sizeof *took_ms, ascending);
    printf("%-52s %5zu rows  %7.1f ms  slowest %7.1f ms\n", words, rows, took_ms[RUNS / 2],
           took_ms[RUNS - 1]);
}

static void look_at_all(const struct saga_redis_config *config)
{
    int64_t middle_ms = newest_ms - options.sagas / 2;
    struct saga_filter filter;
    struct saga_filter_fault fault;
    if (saga_filter_parse(SAGA_SLICE("status=stuck step=charge error~card"), newest_ms, &filters,
                          &filter, &fault) < 0)
        stop(fault.what);
    const struct look looks[] = {
        { .words = "page of 100, newest first" },
        { .words = "two pages, the second by cursor", .second = true },
        { "page from the middle of the list", { .page.until_ms = middle_ms }, false },
        { "page of one definition and status",
          { .page.name = SAGA_SLICE("order"), .page.status = SAGA_SLICE("stuck") },
          false },
        { "page of one definition and version",
          { .page.name = SAGA_SLICE("claim"), .page.version = 2 },
          false },
        { "page of those at a step", { .step = SAGA_SLICE("ship") }, false },
        { "page of those at a step where few are",
          { .step = SAGA_SLICE(BENCH_MANY_SELDOM) },
          false },
        { "page of those at a step where nobody is", { .step = SAGA_SLICE("pack") }, false },
        { "page of compensating ones at a step",
          { .page.status = SAGA_SLICE("compensating"), .step = SAGA_SLICE("ship") },
          false },
        { "page by a part of an error", { .error = SAGA_SLICE("CARD") }, false },
        { "page by an error that nobody had", { .error = SAGA_SLICE("nothing like it") }, false },
        { "page by a filter: stuck, at a step, by an error", { .filter = &filter }, false },
    };
    if (saga_views_new(config, &call.views) < 0) stop("no views");
    call.arena = &arena;
    call.codec = codec;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        measure(looks[i].words, look_at_page, &looks[i]);
    measure("counts by definition, version, status and step", look_at_standings, NULL);
    measure("durations of all sagas and steps", look_at_durations, NULL);
    saga_views_free(call.views);
}

static const char *memory_of(struct saga_test_redis *redis)
{
    static char digits[24];
    const char *at = strstr(saga_test_redis_ask(redis, "INFO memory"), "used_memory:");
    snprintf(digits, sizeof digits, "%.*s", at ? (int)strcspn(at + 12, "\r\n") : 0,
             at ? at + 12 : "");
    return digits;
}

static void fill(const struct saga_redis_config *config)
{
    struct bench_store store;
    const struct bench_many many = { options.sagas, options.running, newest_ms, false };
    double began_ms = now_ms();
    bench_store_open(&store, config, LANES, true);
    bench_many_fill(&store, &many);
    bench_store_close(&store);
    printf("%u sagas filled in in %.0f s\n", options.sagas, (now_ms() - began_ms) / 1e3);
    fflush(stdout);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    if (key == 's') options.sagas = (unsigned)strtoul(argument, NULL, 10);
    if (key == 'r') options.running = (unsigned)strtoul(argument, NULL, 10);
    if (key != ARGP_KEY_END) return key == 's' || key == 'r' ? 0 : ARGP_ERR_UNKNOWN;
    if (options.sagas < LANES || options.sagas > 100000000 || options.running > 950)
        argp_error(state, "nothing to do, or too much");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option flags[] = {
        { "sagas", 's', "N", 0, "so many (1000000)", 0 },
        { "running", 'r', "N", 0, "of a thousand, that run (60; 950 at most)", 0 },
        { 0 },
    };
    static const struct argp about = { .options = flags, .parser = parse };
    argp_parse(&about, argc, argv, 0, NULL, NULL);
    saga_arena_init(&arena);
    saga_arena_init(&filters);
    if (saga_codec_new(&codec) < 0) stop("no codec");
    const struct saga_test_redis_options patient = { .timeout_ms = 60000 }; /* a loaded machine */
    struct saga_test_redis *redis = saga_test_redis_start(&patient);
    fill(saga_test_redis_config(redis));
    printf("Redis has %s bytes\n", memory_of(redis));
    look_at_all(saga_test_redis_config(redis));
    saga_test_redis_free(redis);
    saga_codec_free(codec);
    saga_arena_free(&arena);
    saga_arena_free(&filters);
    return 0;
}
