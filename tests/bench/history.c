/* How long `saga history` takes of one saga whose records stand among very many others' (./dev bench history): a saga of
 * golden/journals is strewn over a journal of ten million records, and its story is asked for, the process's start and end
 * counted in; by the offsets that Redis keeps, and once without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "bench_records.h"
#include "bench_support.h"
#include "codec/codec.h"
#include "engine/engine.h"
#include "harness/process.h"
#include "recorded/recorded.h"

#define STRANGERS "stranger-" /* their keys */

/* A broker's code is compiled while it works: one that has only been written to reads slowly at first. */
enum { WARM = 200, ASKED = 100, RECORDS_MAX = 1000000000, KEPT_MAX = 64, STRANGER_BYTES = 400 };

static const struct saga_slice saga = { "order-fulfilment/stuck-2", 24 };

static struct {
    unsigned records;
} options = { .records = 10000000 };

static struct {
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_slice key;
    struct saga_message records[KEPT_MAX];
    int64_t offsets[KEPT_MAX];
    size_t count;
    struct saga_state *state;
    uint32_t lane;
} subject;

static void keep(const struct saga_message *message, void *context)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    (void)context;
    struct saga_slice bytes = saga_arena_copy(&subject.arena, message->value);
    if (saga_journal_decode(subject.codec, bytes, &subject.arena, &record, &diagnostic) < 0 ||
        !saga_slice_equal(record.saga_id, saga))
        return;
    if (subject.count == KEPT_MAX) bench_stop("the recorded saga has too many records");
    subject.key = record.key;
    saga_evolve_begin(subject.state, &record.cause);
    for (size_t i = 0; i < record.fact_count; i++)
        if (saga_evolve(subject.state, &record.facts[i]) < 0) bench_stop("a fact does not follow");
    subject.records[subject.count++] = (struct saga_message){ .topic = SAGA_SLICE("saga.journal"),
                                                              .key = record.key,
                                                              .value = bytes };
}

static void read_subject(void)
{
    char format[17], folder[512];
    saga_arena_init(&subject.arena);
    if (saga_codec_new(&subject.codec) < 0) bench_stop("no codec");
    subject.state = saga_state_new();
    recorded_format(format);
    snprintf(folder, sizeof folder, RECORDED_FOLDER "/%s", format);
    for (uint32_t lane = 0; recorded_lane(folder, lane, keep, NULL);) lane++;
    if (subject.count == 0) bench_stop("the recorded journals have no such saga");
    subject.lane = saga_lane_of_key(subject.key, BENCH_LANES);
}

/* Others' records in all lanes, then one of the saga, and so on. */
static void strew(void)
{
    unsigned each = options.records / (unsigned)subject.count;
    for (size_t i = 0; i < subject.count; i++) {
        const struct bench_starts strangers = { .topic = "saga.journal",
                                                .type = "Stranger",
                                                .prefix = STRANGERS,
                                                .count = each,
                                                .lane = BENCH_ANY_LANE,
                                                .text_bytes = STRANGER_BYTES };
        struct saga_position at;
        bench_say("%zu of %zu portions of %u records", i + 1, subject.count, each);
        bench_send_starts(&strangers);
        subject.records[i].partition = (int32_t)subject.lane;
        if (saga_client_send(bench_cluster.client, &subject.records[i], BENCH_CALL_MS, &at) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
        subject.offsets[i] = at.offset;
    }
}

/* What a coordinator would have told Redis. */
static void tell_redis(void)
{
    struct saga_slice bytes;
    const struct saga_redis_config *config = saga_test_redis_config(bench_cluster.redis);
    redisContext *redis = redisConnect("127.0.0.1", config->port);
    if (!redis || redis->err ||
        saga_state_encode(subject.codec, subject.state, &subject.arena, &bytes) < 0)
        bench_stop("Redis cannot be told");
    freeReplyObject(redisCommand(redis, "SET saga:{%u}:state:%b %b", subject.lane, saga.data,
                                 saga.size, bytes.data, bytes.size));
    for (size_t i = 0; i < subject.count; i++)
        freeReplyObject(redisCommand(redis, "RPUSH saga:{%u}:history:%b %lld", subject.lane,
                                     saga.data, saga.size, (long long)subject.offsets[i]));
    redisFree(redis);
}

/* Milliseconds from starting the program to its end. */
static double ask(const char *log, bool scan)
{
    char program[] = SAGA_BINARY_DIR "/saga", command[] = "history", flag[] = "--scan";
    char id[64];
    pid_t pid;
    snprintf(id, sizeof id, "%.*s", SAGA_SLICE_ARG(saga));
    char *arguments[] = { program, command, id, scan ? flag : NULL, NULL };
    double began_ms = bench_now_ms();
    int status = -1;
    if (saga_test_spawn(arguments, log, &pid) < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        bench_stop("saga history ended with %d: %s", status, log);
    return bench_now_ms() - began_ms;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    char *end;
    if (key != 'n') return ARGP_ERR_UNKNOWN;
    unsigned long long number = strtoull(argument, &end, 10);
    if (*end || number < KEPT_MAX || number > RECORDS_MAX)
        argp_error(state, "-n takes a number from %d to %d", KEPT_MAX, RECORDS_MAX);
    options.records = (unsigned)number;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "records", 'n', "NUMBER", 0, "of the journal, over all lanes (default 10,000,000)", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc = "Measures how long `saga history` takes of one saga whose "
                                      "records stand among very many others'." };
    double took_ms[ASKED];
    char log[512];
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    bench_begin(false);
    read_subject();
    saga_test_cluster_start(&bench_cluster, NULL, BENCH_LANES);
    if (saga_test_cli(&bench_cluster, NULL, 0, "topics create") != 0)
        bench_stop("the topics cannot be made");
    strew();
    tell_redis();
    snprintf(log, sizeof log, "%s/history.log", bench_cluster.folder);
    for (size_t i = 0; i < WARM; i++) (void)ask(log, false);
    for (size_t i = 0; i < ASKED; i++) took_ms[i] = ask(log, false);
    double scan_ms = ask(log, true);
    qsort(took_ms, ASKED, sizeof *took_ms, bench_by_value);
    bench_end();
    printf("records         %10u  of the journal, in %d lanes\n", options.records, BENCH_LANES);
    printf("saga_records    %10zu  of them are the saga's\n", subject.count);
    printf("history_p50_ms  %10.1f  from starting the program to its end, %d times\n",
           took_ms[ASKED / 2], ASKED);
    printf("history_max_ms  %10.1f\n", took_ms[ASKED - 1]);
    printf("scan_ms         %10.1f  with --scan: all of the lane is read\n", scan_ms);
    saga_state_free(subject.state);
    saga_codec_free(subject.codec);
    saga_arena_free(&subject.arena);
    return 0;
}
