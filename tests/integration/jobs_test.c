/* Jobs on a real broker and a real Redis: what is said of many sagas by a filter is sent to each of them once, whoever ends
 * in between, and stops when it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/table.h"
#include "bus/outbox.h"
#include "codec/codec.h"
#include "harness/bus.h"
#include "harness/cluster.h"
#include "harness/process.h"

#define CLOG SAGA_SOURCE_DIR "/tests/integration/sagas/clog.yaml"

enum { LANES = 4, SAGAS = 1000, WAIT_MS = 240000, STEP_MS = 100, WORDS = 65536 };

static struct saga_test_cluster cluster;
static char words[WORDS];

/* ---- what the journal has ---- */

struct order {
    UT_hash_handle hh;
    unsigned count;
    char id[]; /* of the command: the job's and the saga's */
};

struct orders {
    struct saga_codec *codec;
    struct saga_arena arena;
    const char *job;
    struct order *seen;
    size_t sagas, twice, all; /* of the job; of anybody */
};

static void note_order(const struct saga_message *message, void *context)
{
    struct orders *orders = context;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    struct order *order;
    char id[256];
    assert_int_equal(
        saga_journal_decode(orders->codec, message->value, &orders->arena, &record, &diagnostic),
        0);
    if (record.cause.kind != SAGA_EVENT_OPERATOR) return;
    orders->all++;
    snprintf(id, sizeof id, "%s/%.*s", orders->job, SAGA_SLICE_ARG(record.saga_id));
    if (!saga_slice_is(record.cause.id, id)) return;
    assert_true(saga_slice_is(record.cause.who, "ada"));
    assert_true(saga_slice_is(record.cause.reason, "bank-is-back"));
    HASH_FIND(hh, orders->seen, id, strlen(id), order);
    if (order) {
        order->count++;
        orders->twice++;
        return;
    }
    order = saga_memory_zeroed(1, sizeof *order + strlen(id) + 1);
    strcpy(order->id, id);
    order->count = 1;
    orders->sagas++;
    HASH_ADD_KEYPTR(hh, orders->seen, order->id, strlen(id), order);
}

static void count_orders(const char *job, struct orders *ret)
{
    struct order *order, *next;
    *ret = (struct orders){ .job = job };
    saga_arena_init(&ret->arena);
    assert_int_equal(saga_codec_new(&ret->codec), 0);
    saga_test_visit_topic(&cluster, "saga.journal", note_order, ret);
    HASH_ITER(hh, ret->seen, order, next)
    {
        HASH_DEL(ret->seen, order);
        free(order);
    }
    saga_codec_free(ret->codec);
    saga_arena_free(&ret->arena);
}

/* ---- what is said ---- */

static int say(const char *line)
{
    return saga_test_cli(&cluster, words, sizeof words, "%s", line);
}

static void expect(int code, const char *line, const char *expected)
{
    int is = say(line);
    if (is != code || !strstr(words, expected))
        fail_msg("saga %s: exit %d, not %d, or without \"%s\"; logs in %s\n%s", line, is, code,
                 expected, cluster.folder, words);
}

/* A member of the JSON that was answered last; a number's digits, or a text. */
static const char *member(const char *name, char *ret, size_t size)
{
    char head[64];
    snprintf(head, sizeof head, "\"%s\":", name);
    const char *at = strstr(words, head);
    if (!at) fail_msg("no %s in:\n%s", name, words);
    at += strlen(head);
    at += strspn(at, " \"");
    snprintf(ret, size, "%.*s", (int)strcspn(at, "\",\n}"), at);
    return ret;
}

static void begin_job(const char *line, char *ret_id, size_t size)
{
    expect(0, line, "\"status\"");
    member("id", ret_id, size);
}

static unsigned long sent_of(const char *id, char status[32])
{
    char line[128], number[32];
    snprintf(line, sizeof line, "jobs show %s -o json", id);
    int code = say(line); /* 1: it failed */
    if (code != 0 && code != 1) fail_msg("saga %s\n%s", line, words);
    member("status", status, 32);
    return strtoul(member("sent", number, sizeof number), NULL, 10);
}

static void wait_sent(const char *id, unsigned long sent)
{
    char status[32] = "";
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (sent_of(id, status) >= sent) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("job %s sends no %lu; it is %s; logs in %s", id, sent, status, cluster.folder);
}

static void wait_end(const char *id, const char *expected)
{
    char status[32] = "";
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        (void)sent_of(id, status);
        if (strcmp(status, expected) == 0) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("job %s is %s, not %s; logs in %s\n%s", id, status, expected, cluster.folder, words);
}

/* Redis follows the journal, and the lanes take what they are sent, a moment later. */
static void wait_orders(const char *job, size_t sagas, struct orders *ret)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 10 * STEP_MS) {
        count_orders(job, ret);
        if (ret->sagas >= sagas) return;
        saga_test_sleep_ms(10 * STEP_MS);
    }
    fail_msg("%zu sagas were told, not %zu; logs in %s", ret->sagas, sagas, cluster.folder);
}

/* ---- the world ---- */

static int setup(void **state)
{
    (void)state;
    setenv("USER", "ada", 1);
    saga_test_cluster_start(&cluster, CLOG, LANES);
    saga_test_coordinators_ready(&cluster, 2);
    for (unsigned i = 0; i < SAGAS; i++) {
        char key[32], body[128];
        snprintf(key, sizeof key, "c-%04u", i);
        snprintf(body, sizeof body, "{\"key\":\"%s\",\"amount\":\"much\",\"batch\":\"b%u\"}", key,
                 i % 10);
        saga_test_send(&cluster, "clogs", key, "ClogAsked", body, NULL);
    }
    saga_test_wait_status(&cluster, "stuck", SAGAS, WAIT_MS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    saga_test_cluster_stop(&cluster);
    return 0;
}

/* ---- tests ---- */

static void a_dry_run_says_how_many_and_sends_nothing(void **state)
{
    struct orders orders;
    (void)state;
    expect(0, "retry --where status=stuck --where version=1 --dry-run",
           "1000 sagas would be sent retry; nothing was sent");
    expect(0, "cancel --where search.batch=b3 --where key~c-00 --dry-run -o json", "\"count\": 10");
    expect(0, "pause --where status=running --dry-run", "0 sagas would be sent pause");
    count_orders("", &orders);
    assert_int_equal(orders.all, 0);
    expect(0, "jobs list", "no jobs");
}

static void what_is_not_meant_like_that_is_refused(void **state)
{
    struct orders orders;
    (void)state;
    expect(2, "retry --where status=stuck --reason x", "--yes");
    expect(2, "retry --where status=stuck --yes", "it needs --reason");
    expect(2, "retry --where status=stuk --reason x --yes", "did you mean \"stuck\"?");
    expect(2, "retry --where status=stuck clog/c-0001 --reason x", "leave one of them out");
    expect(2, "retry --where key=\" --reason x --yes", "never closed");
    expect(2, "retry --where \x01 --reason x --yes", "control character");
    expect(2, "retry --where \xff\xfe=1 --reason x --yes", "UTF-8");
    expect(2, "retry --where status=stuck --rate 0/s --reason x --yes", "no rate");
    expect(2, "retry --where status=stuck --rate 99999/s --reason x --yes", "no rate");
    expect(2, "retry clog/c-0001 --dry-run --reason x", "go with --where");
    expect(2, "retry --reason x", "for no saga");
    expect(3, "retry --where key=* --reason x --yes", "no such sagas");
    expect(3, "retry --where definition=clog:stuck --reason x --yes", "no such sagas");
    expect(3, "jobs show nobody", "there is no job");
    expect(3, "jobs stop ../x", "there is no job");
    count_orders("", &orders);
    assert_int_equal(orders.all, 0);
}

static void a_list_takes_the_same_filter(void **state)
{
    (void)state;
    expect(0, "list --where key=c-0017 -o jsonl", "clog/c-0017");
    expect(0, "list --where key~c-00 --limit 5", "there may be more");
    expect(0, "list --where status=stuck --where error~tonumber --where key=c-0400", "c-0400");
    expect(0, "list --where changed>-1h --where key=c-0001", "c-0001");
    expect(0, "list --where changed<-1h", "no such sagas");
    expect(2, "list --where chnged<-1h", "did you mean \"changed\"?");
    assert_non_null(strstr(words, "\n  chnged<-1h\n  ^~~~~~\n"));
}

/* Both processes are killed in the middle of it. A saga that is tried is stuck again at once, so the filter still means it. */
static void a_job_outlives_who_does_it_and_doubles_nothing(void **state)
{
    char id[64];
    struct orders orders;
    (void)state;
    begin_job(
        "retry --where status=stuck --where version=1 --where error~tonumber --rate 150/s --yes "
        "--reason bank-is-back --no-wait -o json",
        id, sizeof id);
    wait_sent(id, 200);
    for (unsigned i = 0; i < 2; i++) saga_test_coordinator_signal(&cluster, i, SIGKILL);
    for (unsigned i = 0; i < 2; i++) saga_test_coordinator_start(&cluster, i);
    wait_sent(id, 500);
    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    saga_test_coordinator_start(&cluster, 0);
    wait_end(id, "done");
    assert_non_null(strstr(words, "\"sent\": 1000"));
    wait_orders(id, SAGAS, &orders);
    assert_int_equal(orders.sagas, SAGAS);
    assert_int_equal(orders.twice, 0);
    assert_int_equal(orders.all, SAGAS);
    saga_test_wait_status(&cluster, "stuck", SAGAS, WAIT_MS);
}

static void a_job_stops_when_it_is_told(void **state)
{
    char id[64], line[128], number[32];
    struct orders orders;
    (void)state;
    /* at a rate at which it is not done before a machine that is slow comes to stop it */
    begin_job(
        "pause --where definition=clog --rate 5/s --yes --reason bank-is-back --no-wait -o json",
        id, sizeof id);
    wait_sent(id, 10);
    snprintf(line, sizeof line, "jobs stop %s -o json", id);
    expect(0, line, "\"status\": \"stopped\"");
    unsigned long sent = strtoul(member("sent", number, sizeof number), NULL, 10);
    assert_in_range(sent, 10, SAGAS - 1);
    assert_non_null(strstr(words, "\"stoppedBy\": \"ada\""));
    saga_test_sleep_ms(2000);
    wait_orders(id, sent, &orders);
    assert_int_equal(orders.sagas, sent);
    assert_int_equal(orders.twice, 0);
    expect(0, line, "\"status\": \"stopped\""); /* twice is once */
    expect(0, "jobs list", "stopped");
}

static void whoever_asks_for_a_job_may_watch_it(void **state)
{
    (void)state;
    expect(0, "resume --where paused=true --rate 5000/s --yes --reason bank-is-back --timeout 200s",
           "is done");
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        expect(0, "list --where paused=true", "");
        if (strstr(words, "no such sagas")) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("some stay paused:\n%s", words);
}

static void write_record(const char *key, const char *value)
{
    struct saga_position position;
    const struct saga_message message = { .topic = SAGA_SLICE("saga.jobs"),
                                          .key = saga_slice_of(key),
                                          .value = saga_slice_of(value) };
    assert_int_equal(saga_client_send(cluster.client, &message, 20000, &position), 0);
}

/* What is not understood is nobody's job, and none is held up by it. */
static void records_of_others_are_passed_over(void **state)
{
    (void)state;
    write_record("evil", "{");
    write_record(
        "evil", "{\"verb\":\"resolve\",\"where\":\"status=stuck\",\"reason\":\"r\",\"created\":1}");
    write_record("../stop", "{}");
    write_record("worse",
                 "{\"verb\":\"cancel\",\"where\":\"stat=\",\"reason\":\"r\",\"created\":1}");
    wait_end("worse", "failed");
    expect(0, "retry --where key=c-0001 --rate 5000/s --reason bank-is-back --timeout 200s",
           "is done");
    expect(3, "jobs show evil", "there is no job");
}

static void an_outbox_has_one_holder(void **state)
{
    struct saga_kafka_config config = { .bootstrap_servers = cluster.kafka.servers,
                                        .group = "outbox",
                                        .transaction_timeout_ms = 120000 };
    struct saga_outbox *first, *second;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
    saga_test_topic(cluster.client, "outbox-test", 1);
    struct saga_message message = { .topic = SAGA_SLICE("outbox-test"), .value = SAGA_SLICE("a") };
    assert_int_equal(saga_outbox_open(&config, "jobs", 120000, &arena, &first, &diagnostic), 0);
    assert_int_equal(saga_outbox_commit(first, &message, 1), 0);
    assert_int_equal(saga_outbox_open(&config, "jobs", 120000, &arena, &second, &diagnostic), 0);
    message.value = SAGA_SLICE("b");
    assert_int_equal(saga_outbox_commit(first, &message, 1), SAGA_E_RECOVER);
    message.value = SAGA_SLICE("c");
    assert_int_equal(saga_outbox_commit(second, &message, 1), 0);
    saga_outbox_close(first);
    saga_outbox_close(second);
    assert_string_equal(saga_test_content(cluster.client, &arena, "outbox-test", 0), "a c");
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_says_how_many_and_sends_nothing),
        cmocka_unit_test(what_is_not_meant_like_that_is_refused),
        cmocka_unit_test(a_list_takes_the_same_filter),
        cmocka_unit_test(a_job_outlives_who_does_it_and_doubles_nothing),
        cmocka_unit_test(a_job_stops_when_it_is_told),
        cmocka_unit_test(whoever_asks_for_a_job_may_watch_it),
        cmocka_unit_test(records_of_others_are_passed_over),
        cmocka_unit_test(an_outbox_has_one_holder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
