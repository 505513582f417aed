#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uthash.h>

#include "base/error.h"
#include "base/time.h"
#include "harness/process.h"

enum { CALL_MS = 60000, STOP_MS = 120000, ARGUMENTS_MAX = 32, STEP_MS = 50, HEADERS_MAX = 12 };

const char *const saga_test_order_topics[] = { "inventory.commands", "payments.commands",
                                               "shipping.commands", NULL };

/* ---- servers ---- */

static void set_environment(const struct saga_test_cluster *cluster)
{
    char text[32];
    setenv("SAGA_KAFKA_BOOTSTRAP_SERVERS", cluster->kafka.servers, 1);
    snprintf(text, sizeof text, "%d", saga_test_redis_config(cluster->redis)->port);
    setenv("SAGA_REDIS_PORT", text, 1);
    snprintf(text, sizeof text, "%u", cluster->lanes);
    setenv("SAGA_LANES", text, 1);
    /* a machine that is slow is no reason to give up, unless a test wants it so */
    setenv("SAGA_REDIS_TIMEOUT", "10s", 0);
    setenv("SAGA_STOP_TIMEOUT", "60s", 0);
}

void saga_test_cluster_start(struct saga_test_cluster *cluster, const char *path, uint32_t lanes)
{
    struct saga_diagnostic diagnostic = { 0 };
    memset(cluster, 0, sizeof *cluster);
    saga_arena_init(&cluster->arena);
    cluster->lanes = lanes;
    cluster->folder = saga_test_temp_dir();
    assert_non_null(cluster->folder);
    assert_int_equal(saga_test_kafka_start(&cluster->kafka), 0);
    cluster->redis = saga_test_redis_start(NULL);
    set_environment(cluster);
    struct saga_kafka_config *config = SAGA_NEW(&cluster->arena, struct saga_kafka_config);
    config->bootstrap_servers = cluster->kafka.servers;
    config->group = "saga-test";
    assert_int_equal(saga_client_new(config, &cluster->arena, &cluster->client, &diagnostic), 0);
    if (path) saga_test_cluster_deploy(cluster, path);
}

/* A command gives up after some seconds without an answer, which a busy machine may take: it is run again. For commands that are as
 * good done twice; one that fails for another reason fails the test. */
static void insist(struct saga_test_cluster *cluster, const char *line)
{
    char words[8192];
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    int code;
    do code = saga_test_cli(cluster, words, sizeof words, "%s", line);
    while (code != 0 && (strstr(words, "Timed out") || strstr(words, "not answer")) &&
           saga_test_now_ms() < until_ms);
    if (code != 0) fail_msg("saga %s: exit %d\n%s", line, code, words);
}

void saga_test_cluster_deploy(struct saga_test_cluster *cluster, const char *path)
{
    struct saga_diagnostics findings;
    char line[1024];
    saga_diagnostics_init(&findings, &cluster->arena);
    assert_int_equal(saga_definition_load_file(path, NULL, &findings, &cluster->definition), 0);
    snprintf(line, sizeof line, "topics create %s", path);
    insist(cluster, line);
    snprintf(line, sizeof line, "deploy %s", path);
    insist(cluster, line);
}

void saga_test_cluster_stop(struct saga_test_cluster *cluster)
{
    for (unsigned i = 0; i < SAGA_TEST_COORDINATORS_MAX; i++)
        if (cluster->coordinators[i]) saga_test_coordinator_signal(cluster, i, SIGKILL);
    saga_participants_stop(cluster->participants);
    saga_client_free(cluster->client);
    saga_definition_free(cluster->definition);
    saga_test_redis_free(cluster->redis);
    saga_test_kafka_stop(&cluster->kafka);
    if (!getenv("SAGA_TEST_KEEP")) saga_test_remove_dir(cluster->folder);
    free(cluster->folder);
    saga_arena_free(&cluster->arena);
}

/* ---- the program ---- */

static void split(char *line, char **arguments)
{
    size_t count = 1;
    static char program[] = SAGA_BINARY_DIR "/saga";
    arguments[0] = program;
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
        assert_true(count + 1 < ARGUMENTS_MAX);
        arguments[count++] = word;
    }
    arguments[count] = NULL;
}

static void read_file(const char *path, char *output, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(output, 1, size - 1, file) : 0;
    output[got] = '\0';
    if (file) fclose(file);
}

int saga_test_cli(struct saga_test_cluster *cluster, char *output, size_t size, const char *format,
                  ...)
{
    char line[1024], path[512], *arguments[ARGUMENTS_MAX];
    static unsigned runs;
    pid_t pid;
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    split(line, arguments);
    snprintf(path, sizeof path, "%s/cli-%u", cluster->folder, runs++);
    assert_int_equal(saga_test_spawn(arguments, path, &pid), 0);
    int status = saga_test_stop(pid, 0, SAGA_TEST_WAIT_MS);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (output) read_file(path, output, size);
    if (code != 0 && !output) {
        char words[4096];
        read_file(path, words, sizeof words);
        print_message("saga %s: exit %d\n%s\n", arguments[1], code, words);
    }
    return code;
}

void saga_test_coordinator_start(struct saga_test_cluster *cluster, unsigned number)
{
    char instance[64], log[512], *arguments[] = { SAGA_BINARY_DIR "/saga", "run", instance, NULL };
    snprintf(instance, sizeof instance, "--instance=c%u", number);
    snprintf(log, sizeof log, "%s/coordinator-%u.log", cluster->folder, number);
    assert_int_equal(saga_test_spawn(arguments, log, &cluster->coordinators[number]), 0);
}

/* For a lane that nobody has worked on yet doctor has a warning only. */
static bool are_ready(const char *doctor, unsigned count, uint32_t lanes)
{
    static const char has[] = " has it, ";
    uint32_t owned = 0;
    char owner[16];
    for (const char *at = doctor; (at = strstr(at, has)); at += sizeof has - 1) owned++;
    for (unsigned i = 0; i < count; i++) {
        snprintf(owner, sizeof owner, "c%u/", i);
        if (!strstr(doctor, owner)) return false;
    }
    return owned == lanes;
}

void saga_test_coordinators_ready(struct saga_test_cluster *cluster, unsigned count)
{
    char words[8192] = "";
    for (unsigned i = 0; i < count; i++) saga_test_coordinator_start(cluster, i);
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        if (saga_test_cli(cluster, words, sizeof words, "doctor") == 0 &&
            are_ready(words, count, cluster->lanes))
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the coordinators do not get ready; logs in %s\n%s", cluster->folder, words);
}

int saga_test_coordinator_signal(struct saga_test_cluster *cluster, unsigned number,
                                 int signal_number)
{
    pid_t pid = cluster->coordinators[number];
    assert_true(pid > 0);
    if (signal_number != SIGTERM && signal_number != SIGKILL) return kill(pid, signal_number);
    cluster->coordinators[number] = 0;
    return saga_test_stop(pid, signal_number, STOP_MS);
}

void saga_test_coordinator_stop(struct saga_test_cluster *cluster, unsigned number)
{
    int status = saga_test_coordinator_signal(cluster, number, SIGTERM);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void saga_test_participants(struct saga_test_cluster *cluster, const struct saga_answer_rule *rules,
                            size_t count)
{
    struct saga_participants_config config = { .bootstrap_servers = cluster->kafka.servers,
                                               .definitions = &cluster->definition,
                                               .definition_count = 1,
                                               .rules = rules,
                                               .rule_count = count,
                                               .group = "test-participants" };
    assert_int_equal(saga_participants_start(&config, &cluster->participants), 0);
}

/* ---- records ---- */

void saga_test_send(struct saga_test_cluster *cluster, const char *topic, const char *key,
                    const char *type, const char *body, ...)
{
    struct saga_header headers[HEADERS_MAX] = { { SAGA_SLICE("ce_type"), saga_slice_of(type) } };
    size_t count = 1;
    struct saga_position position;
    va_list list;
    va_start(list, body);
    for (const char *pair; (pair = va_arg(list, const char *));) {
        const char *equals = strchr(pair, '=');
        assert_true(equals && count < HEADERS_MAX);
        headers[count++] =
            (struct saga_header){ { pair, (size_t)(equals - pair) }, saga_slice_of(equals + 1) };
    }
    va_end(list);
    struct saga_message message = { .topic = saga_slice_of(topic),
                                    .partition = SAGA_PARTITION_BY_KEY,
                                    .key = saga_slice_of(key),
                                    .value = saga_slice_of(body),
                                    .headers = headers,
                                    .header_count = count };
    assert_int_equal(saga_client_send(cluster->client, &message, CALL_MS, &position), 0);
}

void saga_test_send_orders(struct saga_test_cluster *cluster, const char *prefix, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char key[64], body[256];
        snprintf(key, sizeof key, "%s%u", prefix, i);
        snprintf(body, sizeof body,
                 "{\"orderId\":\"%s\",\"customerId\":\"c-%u\",\"total\":10.5,\"lines\":[{"
                 "\"article\":\"A\"}]}",
                 key, i);
        saga_test_send(cluster, "shop.orders", key, "OrderPlaced", body, NULL);
    }
}

/* A reader is shown nothing of a transaction before its marker is written, which a broker does after it has answered the commit:
 * where the partition ends is asked beforehand, and waited for. */
static void visit_partition(struct saga_test_cluster *cluster, struct saga_slice topic,
                            int32_t partition,
                            void (*visit)(const struct saga_message *record, void *context),
                            void *context)
{
    struct saga_client *client = cluster->client;
    struct saga_reader *reader;
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS, low, high, position = 0;
    bool end;
    if (saga_client_watermarks(client, topic, partition, CALL_MS, &low, &high) < 0 ||
        saga_reader_open(client, topic, partition, SAGA_READ_BEGINNING, &reader) < 0)
        fail_msg("%s", saga_client_problem(client));
    while (position < high && saga_test_now_ms() < until_ms) {
        struct saga_bus_records records = { 0 };
        if (saga_reader_read(reader, 1000, 1000, &records, &position, &end) < 0) continue;
        for (size_t i = 0; i < records.count; i++) visit(&records.items[i], context);
        saga_reader_release(reader, &records);
    }
    saga_reader_close(reader);
    if (position < high)
        fail_msg("%.*s [%d] is read to %lld and not to its end, %lld", SAGA_SLICE_ARG(topic),
                 (int)partition, (long long)position, (long long)high);
}

void saga_test_visit_topic(struct saga_test_cluster *cluster, const char *topic,
                           void (*visit)(const struct saga_message *record, void *context),
                           void *context)
{
    struct saga_topic_spec spec = { .name = topic };
    struct saga_topic_state state;
    assert_int_equal(
        saga_client_describe_topic(cluster->client, &spec, CALL_MS, &cluster->arena, &state), 0);
    assert_true(state.exists);
    for (int32_t p = 0; p < state.partitions; p++)
        visit_partition(cluster, saga_slice_of(topic), p, visit, context);
}

static void count_one(const struct saga_message *record, void *context)
{
    (void)record;
    ++*(uint64_t *)context;
}

uint64_t saga_test_count_records(struct saga_test_cluster *cluster, const char *topic)
{
    uint64_t count = 0;
    saga_test_visit_topic(cluster, topic, count_one, &count);
    return count;
}

/* ---- waiting and checking ---- */

void saga_test_wait_records(struct saga_test_cluster *cluster, const char *topic, uint64_t count)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    uint64_t there;
    while ((there = saga_test_count_records(cluster, topic)) < count &&
           saga_test_now_ms() < until_ms)
        saga_test_sleep_ms(STEP_MS);
    if (there != count)
        fail_msg("%s has %llu records, %llu were expected; logs in %s", topic,
                 (unsigned long long)there, (unsigned long long)count, cluster->folder);
}

/* UINT64_MAX: Redis does not say. */
static uint64_t count_status(struct saga_views *views, struct saga_test_cluster *cluster,
                             const char *status)
{
    struct saga_view_count *counts;
    size_t count;
    uint64_t sum = 0;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = saga_views_counts(views, cluster->lanes, NULL, &arena, &counts, &count);
    for (size_t i = 0; i < count && error == SAGA_OK; i++)
        if (saga_slice_is(counts[i].status, status)) sum += counts[i].count;
    saga_arena_free(&arena);
    return error == SAGA_OK ? sum : UINT64_MAX;
}

void saga_test_wait_status(struct saga_test_cluster *cluster, const char *status, uint64_t count,
                           int timeout_ms)
{
    struct saga_views *views;
    uint64_t there;
    assert_int_equal(saga_views_new(saga_test_redis_config(cluster->redis), &views), 0);
    int64_t until_ms = saga_test_now_ms() + timeout_ms;
    while ((there = count_status(views, cluster, status)) != count && saga_test_now_ms() < until_ms)
        saga_test_sleep_ms(STEP_MS);
    saga_views_free(views);
    if (there != count) {
        char words[4096];
        saga_test_cli(cluster, words, sizeof words, "list --limit 15");
        fail_msg("%llu sagas are %s, %llu were expected; logs in %s\n%s", (unsigned long long)there,
                 status, (unsigned long long)count, cluster->folder, words);
    }
}

struct seen {
    UT_hash_handle hh;
    char id[];
};

static void note_command(const struct saga_message *record, void *context)
{
    struct seen **all = context, *seen;
    struct saga_slice id = saga_message_header(record, "ce_id");
    assert_true(id.size > 0);
    HASH_FIND(hh, *all, id.data, id.size, seen);
    if (seen) fail_msg("command %.*s was committed twice", SAGA_SLICE_ARG(id));
    seen = calloc(1, sizeof *seen + id.size + 1);
    assert_non_null(seen);
    memcpy(seen->id, id.data, id.size);
    HASH_ADD_KEYPTR(hh, *all, seen->id, id.size, seen);
}

void saga_test_check_books(struct saga_test_cluster *cluster, const char *const *command_topics)
{
    struct seen *all = NULL, *seen, *next;
    for (; *command_topics; command_topics++)
        saga_test_visit_topic(cluster, *command_topics, note_command, &all);
    HASH_ITER(hh, all, seen, next)
    {
        HASH_DEL(all, seen);
        free(seen);
    }
    insist(cluster, "replay --verify");
}
