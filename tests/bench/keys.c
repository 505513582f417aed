/* How long a lane takes to be recovered whose saga.keys has very many keys of sagas that have left (./dev bench keys), and what
 * the coordinator has in memory then: the process is started once with none, and once with all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/seal.h"
#include "bench_records.h"
#include "bench_support.h"
#include "codec/codec.h"
#include "codec/sealed.h"
#include "harness/process.h"

enum {
    KEYS_MAX = 100000000,
    WRAPPED_BYTES = SAGA_SEAL_NONCE_BYTES + sizeof(struct saga_data_key) + SAGA_SEAL_TAG_BYTES,
    RESET_EVERY = 1000,
    PATIENCE_MS = 600000
};

static struct {
    unsigned keys;
} options = { .keys = 1000000 };

/* Keys as a worker writes them, but that nothing opens them: none is needed. */
static void send_keys(void)
{
    struct saga_arena arena;
    struct saga_codec *codec;
    struct bench_sender *sender = bench_sender_open("saga.keys", "Key", true);
    char wrapped[WRAPPED_BYTES];
    if (saga_codec_new(&codec) < 0) bench_stop("no codec");
    saga_arena_init(&arena);
    for (unsigned i = 0; i < options.keys; i++) {
        struct saga_slice bytes;
        for (size_t n = 0; n < sizeof wrapped; n++) wrapped[n] = (char)(rand() & 0xff);
        const struct saga_key_record key = { .saga_id = saga_arena_printf(&arena, "gone/o-%u", i),
                                             .run = saga_arena_printf(&arena, "%012x", i),
                                             .created_ms = bench_clock_ms(),
                                             .wrapped_by = SAGA_SLICE("0123456789abcdef"),
                                             .wrapped = { wrapped, sizeof wrapped } };
        if (saga_key_encode(codec, &key, &arena, &bytes) < 0) bench_stop("no key");
        bench_sender_send(sender, saga_arena_join(&arena, key.saga_id, '/', key.run), bytes);
        if (i % RESET_EVERY == 0) saga_arena_reset(&arena);
    }
    bench_sender_close(sender);
    saga_codec_free(codec);
    saga_arena_free(&arena);
}

/* What the coordinator's log says of reading the keys, in milliseconds; -1: nothing yet. */
static long read_took_ms(const char *log)
{
    char line[1024];
    long took_ms = -1;
    FILE *file = fopen(log, "r");
    if (!file) return -1;
    while (fgets(line, sizeof line, file)) {
        const char *took = strstr(line, "keys read") ? strstr(line, "took_ms=") : NULL;
        if (took) took_ms = strtol(took + strlen("took_ms="), NULL, 10);
    }
    fclose(file);
    return took_ms;
}

static long memory_kib(void)
{
    return bench_status(bench_cluster.coordinators[0], "VmHWM");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    char *end;
    if (key != 'n') return ARGP_ERR_UNKNOWN;
    unsigned long long number = strtoull(argument, &end, 10);
    if (*end || number == 0 || number > KEYS_MAX)
        argp_error(state, "-n takes a number from 1 to %d", KEYS_MAX);
    options.keys = (unsigned)number;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "keys", 'n', "NUMBER", 0, "of sagas that have left, in one lane (default 1,000,000)", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc = "Measures how long a lane takes to be recovered whose "
                                      "saga.keys has very many keys of sagas that have left." };
    char log[512];
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    bench_begin(false);
    saga_test_cluster_start(&bench_cluster, SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml", 1);
    saga_test_coordinators_ready(&bench_cluster, 1);
    long before_kib = memory_kib();
    saga_test_coordinator_signal(&bench_cluster, 0, SIGTERM);
    bench_say("%u keys are written", options.keys);
    send_keys();
    saga_test_coordinator_start(&bench_cluster, 0);
    snprintf(log, sizeof log, "%s/coordinator-0.log", bench_cluster.folder);
    double began_ms = bench_now_ms();
    long took_ms;
    while ((took_ms = read_took_ms(log)) < 0 && bench_now_ms() - began_ms < PATIENCE_MS)
        saga_test_sleep_ms(100);
    if (took_ms < 0) bench_stop("the keys are never read: %s", log);
    long after_kib = memory_kib();
    saga_test_coordinator_signal(&bench_cluster, 0, SIGTERM);
    bench_end();
    printf("keys            %10u  of sagas that have left, in one lane\n", options.keys);
    printf("read_ms         %10ld\n", took_ms);
    printf("keys_per_s      %10.0f\n", took_ms ? options.keys * 1e3 / (double)took_ms : 0);
    printf("memory_mib      %10.1f  at most, of the whole coordinator\n", (double)after_kib / 1024);
    printf("without_mib     %10.1f  before, with no key\n", (double)before_kib / 1024);
    return 0;
}
