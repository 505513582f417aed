/* How fast the HTTP API is (./dev bench api): starts with keep-alive, while the coordinator runs what is started; then, with a
 * million sagas in Redis, asking for one, for pages of them and for a history; how soon who listens is told of a change; and what
 * asking costs the sagas that run meanwhile. Broker, Redis, coordinator and this program share the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_beside.h"
#include "api_client.h"
#include "bench_records.h"
#include "bench_support.h"
#include "harness/process.h"
#include "many.h"

#define THREE_STEPS SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml"

enum {
    API_LANES = 8,
    WARM_S = 20,
    ASK_S = 5,
    ASK_CONNECTIONS = 4,
    CHANGES = 300,
    SETTLE_MS = 5000
};
enum { SAGAS_MAX = 10000000, RATE_MAX = 100000, ROUNDS_MAX = 15, RUNNING = 60 };

/* What can be asked for by name. */
enum part { STARTS, ASKS, CHANGES_TOLD, BESIDE, PARTS };
static const char *const part_names[PARTS] = { "starts", "asks", "changes", "beside" };

static struct {
    unsigned connections, seconds, sagas, rate, rounds;
    bool parts[PARTS];
} options = { .connections = 240, .seconds = 15, .sagas = 1000000, .rate = 200, .rounds = 5 };

static struct bench_client client;

/* ---- what is asked ---- */

static int make_start(char *room, size_t size, unsigned number)
{
    char body[256];
    int body_size =
        snprintf(body, sizeof body,
                 "{\"definition\":\"note\",\"key\":\"api-%u\",\"input\":{\"note\":\"api-%u\","
                 "\"text\":\"some words of a usual length, for what a start tells\"}}",
                 number, number);
    return snprintf(room, size,
                    "POST /api/v1/sagas HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                    "application/json\r\nContent-Length: %d\r\n\r\n%s",
                    body_size, body);
}

static int make_get_of(char *room, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int make_get_of(char *room, size_t size, const char *format, ...)
{
    char path[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return snprintf(room, size, "GET /api/v1%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

static unsigned started; /* sagas that the API started */

static int make_get(char *room, size_t size, unsigned number)
{
    char id[64];
    bench_many_id(id, sizeof id, number * 7919 % options.sagas);
    return make_get_of(room, size, "/sagas/%s", id);
}

static int make_list(char *room, size_t size, unsigned number)
{
    static const char *const queries[] = { "", "definition=order&", "status=running&",
                                           "definition=claim&version=2&" };
    return make_get_of(room, size, "/sagas?%slimit=100", queries[number % 4]);
}

static int make_search(char *room, size_t size, unsigned number)
{
    static const char *const queries[] = { "step=ship&", "step=" BENCH_MANY_SELDOM "&",
                                           "error=limit%20of&", "error=nothing%20like%20it&" };
    return make_get_of(room, size, "/sagas?%slimit=100", queries[number % 4]);
}

static int make_history(char *room, size_t size, unsigned number)
{
    return make_get_of(room, size, "/sagas/note/api-%u/history", number * 7919 % started);
}

static int make_counts(char *room, size_t size, unsigned number)
{
    (void)number;
    return make_get_of(room, size, "/counts");
}

/* As people with some views open ask: most look at one saga, some at lists, few at a history. */
static int make_mix(char *room, size_t size, unsigned number)
{
    static bench_request *const kinds[] = { make_list, make_get,    make_get,  make_list,
                                            make_get,  make_get,    make_list, make_counts,
                                            make_get,  make_history };
    return kinds[number % 10](room, size, number);
}

/* ---- what is measured ---- */

/* The first ones are not measured. */
static void measure_starts(void)
{
    pid_t coordinator = bench_cluster.coordinators[0];
    (void)bench_client_ask(&client, make_start, options.connections, 0, WARM_S);
    if (options.parts[STARTS]) {
        double used_s = bench_processor_s(coordinator), machine_s = bench_machine_s();
        double took_s =
            bench_client_ask(&client, make_start, options.connections, 0, options.seconds);
        used_s = bench_processor_s(coordinator) - used_s;
        machine_s = bench_machine_s() - machine_s;
        printf("starts_per_s %9.0f  %u connections, %.0f s\n", (double)client.count / took_s,
               options.connections, took_s);
        bench_client_print(&client, "start");
        printf("coordinator_us %7.1f  of a processor a start, and running the saga\n",
               used_s * 1e6 / (double)client.count);
        printf("machine_us %11.1f  all processes\n", machine_s * 1e6 / (double)client.count);
    }
    started = client.next;
    saga_test_sleep_ms(SETTLE_MS); /* what is under way ends */
}

/* The coordinator goes on beside it, and is not told of them: it looks into Redis where it needs one. */
static void fill(void)
{
    struct bench_store store;
    const struct bench_many many = { options.sagas, RUNNING, bench_clock_ms(), true };
    bench_say("%u sagas are put into Redis", options.sagas);
    bench_store_open(&store, saga_test_redis_config(bench_cluster.redis), API_LANES, false);
    bench_many_fill(&store, &many);
    bench_store_close(&store);
}

static void measure(const char *name, bench_request *make)
{
    enum { COORDINATOR, REDIS, BROKER, PROCESSES };
    const pid_t pids[PROCESSES] = { bench_cluster.coordinators[0],
                                    saga_test_redis_pid(bench_cluster.redis),
                                    bench_cluster.kafka.pid };
    double used_us[PROCESSES];
    (void)bench_client_ask(&client, make, ASK_CONNECTIONS, 0, 1);
    for (int i = 0; i < PROCESSES; i++) used_us[i] = -bench_processor_s(pids[i]) * 1e6;
    double took_s = bench_client_ask(&client, make, ASK_CONNECTIONS, 0, ASK_S);
    for (int i = 0; i < PROCESSES; i++)
        used_us[i] = (used_us[i] + bench_processor_s(pids[i]) * 1e6) / (double)client.count;
    printf("%s_per_s %11.0f  %d connections; each costs the coordinator %.0f, Redis %.0f, the "
           "broker %.0f us\n",
           name, (double)client.count / took_s, ASK_CONNECTIONS, used_us[COORDINATOR],
           used_us[REDIS], used_us[BROKER]);
    bench_client_print(&client, name);
}

static void measure_asks(void)
{
    measure("gets", make_get);
    measure("lists", make_list);
    measure("searches", make_search);
    measure("histories", make_history);
    measure("counts", make_counts);
}

/* From the request that starts a saga until who listens is told that it has ended. */
static void measure_changes(void)
{
    static const char request[] =
        "GET /api/v1/events?definition=note HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct bench_peer listener, starter;
    char text[64], start[1024];
    bench_peer_open(&listener, client.port);
    bench_peer_open(&starter, client.port);
    bench_peer_send(&listener, request, sizeof request - 1);
    bench_peer_await(&listener, "\r\n\r\n");
    saga_test_sleep_ms(1000); /* the first look only says what there is */
    for (client.count = client.refused = 0; client.count < CHANGES; client.count++) {
        snprintf(text, sizeof text, "\"note/api-%u\"", started);
        bench_peer_send(&starter, start, (size_t)make_start(start, sizeof start, started++));
        double asked_ms = starter.asked_ms;
        bench_peer_await(&listener, text);
        client.took_ms[client.count] = bench_now_ms() - asked_ms;
        bench_peer_await(&starter, "\r\n\r\n");
        saga_test_sleep_ms(37); /* not in step with who looks now and then */
    }
    bench_peer_close(&listener);
    bench_peer_close(&starter);
    qsort(client.took_ms, client.count, sizeof *client.took_ms, bench_by_value);
    bench_client_print(&client, "change");
}

/* ---- servers ---- */

static void write_definition(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) bench_stop("%s cannot be written", path);
    fputs(
        "saga: note\nversion: 1\nparticipants:\n  desk: { commands: desk.commands, replies: "
        "desk.replies }\nstart: { topic: notes, event: NoteWritten, key: .note }\nsteps:\n  - set: "
        "{ seen: 'true' }\n",
        file);
    fclose(file);
}

static void start_servers(void)
{
    char path[512], port[16];
    bench_lanes = API_LANES;
    saga_test_cluster_start(&bench_cluster, THREE_STEPS, API_LANES);
    snprintf(path, sizeof path, "%s/note.yaml", bench_cluster.folder);
    write_definition(path);
    if (saga_test_cli(&bench_cluster, NULL, 0, "topics create %s", path) != 0 ||
        saga_test_cli(&bench_cluster, NULL, 0, "deploy %s", path) != 0)
        bench_stop("%s cannot be deployed", path);
    snprintf(port, sizeof port, "%d", saga_test_free_port());
    setenv("SAGA_HTTP_ADDRESS", port, 1);
    setenv("SAGA_HTTP_RATE", "1000000", 1);
    saga_test_participants(&bench_cluster, NULL, 0);
    saga_test_coordinators_ready(&bench_cluster, 1);
    bench_client_init(&client, atoi(port));
    if (saga_test_wait_port(client.port, 10000) < 0) bench_stop("the API does not listen");
}

static bool name_part(const char *name)
{
    for (int i = 0; i < PARTS; i++) {
        if (strcmp(name, part_names[i]) != 0) continue;
        options.parts[i] = true;
        return true;
    }
    return false;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    static const struct {
        int key;
        unsigned long most;
        unsigned *value;
    } rows[] = { { 'c', BENCH_CONNECTIONS_MAX, &options.connections },
                 { 's', 600, &options.seconds },
                 { 'n', SAGAS_MAX, &options.sagas },
                 { 'r', RATE_MAX, &options.rate },
                 { 'b', ROUNDS_MAX, &options.rounds } };
    if (key == ARGP_KEY_ARG && !name_part(argument))
        argp_error(state, "there is no part \"%s\"", argument);
    if (key == ARGP_KEY_ARG) return 0;
    if (key == ARGP_KEY_NO_ARGS) memset(options.parts, true, sizeof options.parts);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *end;
        if (rows[i].key != key) continue;
        unsigned long number = strtoul(argument, &end, 10);
        if (*end || number < 1 || number > rows[i].most)
            argp_error(state, "a number from 1 to %lu", rows[i].most);
        *rows[i].value = (unsigned)number;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "connections", 'c', "NUMBER", 0, "that start sagas at the same time (default 240)", 0 },
        { "seconds", 's', "NUMBER", 0, "of starting (default 15)", 0 },
        { "sagas", 'n', "NUMBER", 0, "that there are when they are asked for (default 1000000)",
          0 },
        { "rate", 'r', "NUMBER", 0, "requests a second beside sagas that run (default 200)", 0 },
        { "rounds", 'b', "NUMBER", 0, "of those with and without requests (default 5)", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .args_doc = "[starts] [asks] [changes] [beside]",
                               .doc = "Measures starts, gets, lists and changes over HTTP, and "
                                      "what they cost the sagas that run." };
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    bench_begin(false);
    start_servers();
    measure_starts();
    if (options.parts[ASKS] || options.parts[BESIDE]) fill();
    if (options.parts[ASKS]) measure_asks();
    if (options.parts[CHANGES_TOLD]) measure_changes();
    const struct bench_beside beside = { make_mix, options.rate, options.rounds, 3 };
    if (options.parts[BESIDE]) bench_beside(&client, &beside);
    bench_client_free(&client);
    bench_end();
    return 0;
}
