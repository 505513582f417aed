/* A coordinator under a service manager, on a real broker and a real Redis: it says when it is ready, feeds its watchdog only
 * as long as its threads go round, takes a changed configuration on SIGHUP, says when it stops; and what it counts is what
 * was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cluster.h"
#include "harness/process.h"
#include "operate/command.h"
#include "runtime/daemon.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum { LANES = 4, WAIT_MS = 240000, SILENCE_MS = 6000, ORDERS = 50, DECLINED = 20 };
#define WATCHDOG_USEC "1500000"

/* ---- the service manager's end ---- */

struct manager {
    int socket;
    char path[100];
};

static void manager_open(struct manager *manager, const char *folder)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(manager->path, sizeof manager->path, "%s/notify", folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", manager->path);
    manager->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(manager->socket >= 0);
    assert_int_equal(bind(manager->socket, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", manager->path, 1);
    setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
}

static void manager_close(struct manager *manager)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(manager->socket);
}

/* The next message, or false when none comes within `ms`. */
static bool hear(struct manager *manager, int ms, char *message, size_t size)
{
    struct pollfd one = { .fd = manager->socket, .events = POLLIN };
    if (poll(&one, 1, ms) <= 0) return false;
    ssize_t got = recv(manager->socket, message, size - 1, 0);
    assert_true(got >= 0);
    message[got] = '\0';
    return true;
}

/* Listens until one begins with `expected`. */
static void await_message(struct manager *manager, const char *expected)
{
    char message[1024] = "";
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms)
        if (hear(manager, 1000, message, sizeof message) &&
            strncmp(message, expected, strlen(expected)) == 0)
            return;
    fail_msg("%s was never said; the last was %s", expected, message);
}

/* Listens until all of these were said, in any order. */
static void await_messages(struct manager *manager, const char *const *expected, size_t count)
{
    bool said[8] = { false };
    size_t open = count;
    char message[1024] = "";
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    assert_true(count <= sizeof said / sizeof said[0]);
    while (open > 0 && saga_test_now_ms() < until_ms) {
        if (!hear(manager, 1000, message, sizeof message)) continue;
        for (size_t i = 0; i < count; i++) {
            if (said[i] || strncmp(message, expected[i], strlen(expected[i])) != 0) continue;
            said[i] = true;
            open--;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!said[i]) fail_msg("%s was never said; the last was %s", expected[i], message);
}

/* Listens until the watchdog has not been fed for `SILENCE_MS`. */
static void await_silence(struct manager *manager)
{
    char message[1024];
    int64_t fed_ms = saga_test_now_ms(), until_ms = fed_ms + WAIT_MS;
    while (saga_test_now_ms() - fed_ms < SILENCE_MS) {
        if (saga_test_now_ms() > until_ms)
            fail_msg("the watchdog is fed although a thread stands still");
        if (hear(manager, 100, message, sizeof message) && strstr(message, "WATCHDOG=1"))
            fed_ms = saga_test_now_ms();
    }
}

/* ---- the configuration and the log ---- */

static void write_config(const struct saga_test_cluster *cluster, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/saga.yaml", cluster->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    setenv("SAGA_CONFIG", path, 1);
}

static void await_log(const struct saga_test_cluster *cluster, const char *words)
{
    static char text[1 << 20];
    char path[512];
    snprintf(path, sizeof path, "%s/coordinator-0.log", cluster->folder);
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 100) {
        FILE *file = fopen(path, "r");
        size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
        text[got] = '\0';
        if (file) fclose(file);
        if (strstr(text, words)) return;
        saga_test_sleep_ms(100);
    }
    fail_msg("the log never says %s:\n%s", words, text);
}

static void take_changed_settings(struct saga_test_cluster *cluster, struct manager *manager)
{
    write_config(cluster, "log-level: debug\nworkers: 1\nbatch-max: 17\n");
    saga_test_coordinator_signal(cluster, 0, SIGHUP);
    await_message(manager, "RELOADING=1");
    await_message(manager, "READY=1");
    await_log(cluster, "setting changed name=log-level before=\"info\" now=\"debug\"");
    await_log(cluster, "setting changed name=batch-max before=\"2000\" now=\"17\"");
    await_log(cluster, "a changed setting waits for the next start name=workers in_force=\"2\" "
                       "configured=\"1\"");
    write_config(cluster, "log-level: loud\n");
    saga_test_coordinator_signal(cluster, 0, SIGHUP);
    await_message(manager, "READY=1");
    await_log(cluster, "the configuration stays as it was");
    write_config(cluster, "log-level: warning\n");
    saga_test_coordinator_signal(cluster, 0, SIGHUP);
    await_message(manager, "READY=1");
    await_log(cluster, "setting changed name=batch-max before=\"17\" now=\"2000\"");
}

static void what_a_service_manager_is_told(void **state)
{
    (void)state;
    struct saga_test_cluster cluster;
    struct manager manager;
    static const char *const beginning[] = { "READY=1", "STATUS=4 of 4 lanes here, all ready",
                                             "WATCHDOG=1" };
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    manager_open(&manager, cluster.folder);
    setenv("SAGA_REDIS_TIMEOUT", "60s", 1); /* so that a Redis that is frozen holds a thread up */
    write_config(&cluster, "log-level: info\n");
    saga_test_coordinator_start(&cluster, 0);
    await_message(&manager, "STATUS=");
    await_messages(&manager, beginning, sizeof beginning / sizeof beginning[0]);
    take_changed_settings(&cluster, &manager);

    saga_test_redis_freeze(cluster.redis);
    await_silence(&manager);
    await_log(&cluster, "a thread does not come round: the watchdog is not fed");
    saga_test_redis_thaw(cluster.redis);
    await_message(&manager, "WATCHDOG=1");

    kill(cluster.coordinators[0], SIGTERM);
    await_message(&manager, "STOPPING=1");
    saga_test_coordinator_stop(&cluster, 0);
    manager_close(&manager);
    unsetenv("SAGA_REDIS_TIMEOUT");
    unsetenv("SAGA_CONFIG");
    saga_test_cluster_stop(&cluster);
}

/* ---- metrics ---- */

static struct saga_daemon *start_here(struct saga_test_cluster *cluster)
{
    extern char **environ;
    struct saga_daemon *daemon;
    struct saga_config config = { 0 };
    struct saga_diagnostics findings;
    struct saga_diagnostic diagnostic = { 0 };
    saga_diagnostics_init(&findings, &cluster->arena);
    assert_int_equal(saga_config_load(NULL, environ, NULL, 0, &cluster->arena, &findings, &config),
                     0);
    assert_int_equal(saga_daemon_new(&config, &cluster->arena, &daemon, &diagnostic), 0);
    saga_daemon_start(daemon);
    for (int waited_ms = 0; !saga_daemon_is_ready(daemon); waited_ms += 100) {
        if (waited_ms > WAIT_MS) fail_msg("the coordinator does not get ready");
        saga_test_sleep_ms(100);
    }
    return daemon;
}

static const char *metrics_of(struct saga_daemon *daemon, struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    saga_daemon_metrics(daemon, &out);
    return saga_buffer_slice(&out).data;
}

/* Waits until this line is printed; what is asked for of Kafka and Redis is some seconds old. */
static void await_line(struct saga_daemon *daemon, const char *line)
{
    struct saga_arena arena;
    const char *text = "";
    saga_arena_init(&arena);
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 200) {
        saga_arena_reset(&arena);
        text = metrics_of(daemon, &arena);
        const char *found = strstr(text, line);
        if (found && found[strlen(line)] == '\n') break;
        saga_test_sleep_ms(200);
    }
    if (!strstr(text, line)) fail_msg("never printed: %s\n%s", line, text);
    saga_arena_free(&arena);
}

static void await_any(struct saga_daemon *daemon, const char *beginning)
{
    struct saga_arena arena;
    bool found = false;
    saga_arena_init(&arena);
    for (int waited_ms = 0; !found && waited_ms < WAIT_MS; waited_ms += 200) {
        saga_arena_reset(&arena);
        found = strstr(metrics_of(daemon, &arena), beginning);
        if (!found) saga_test_sleep_ms(200);
    }
    if (!found) fail_msg("never printed: %s", beginning);
    saga_arena_free(&arena);
}

static void metrics_tell_what_was_done(void **state)
{
    (void)state;
    struct saga_test_cluster cluster;
    static const struct saga_answer_rule rules[] = { { "card-*", "ChargeCard", "CardDeclined" } };
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    setenv("SAGA_INSTANCE", "here", 1);
    setenv("SAGA_STOP_TIMEOUT", "2m", 1);
    struct saga_daemon *daemon = start_here(&cluster);
    saga_test_participants(&cluster, rules, 1);
    saga_test_send_orders(&cluster, "good-", ORDERS);
    saga_test_send_orders(&cluster, "card-", DECLINED);
    saga_test_send(&cluster, "inventory.replies", "nobody", "StockReserved", "{}",
                   "ce_sagaid=order-fulfilment/nobody", NULL);
    await_line(daemon, "saga_sagas_ended_total{definition=\"order-fulfilment\",outcome="
                       "\"completed\"} 50");
    await_line(daemon, "saga_sagas_ended_total{definition=\"order-fulfilment\",outcome="
                       "\"compensated\"} 20");
    await_line(daemon, "saga_sagas_started_total{definition=\"order-fulfilment\"} 70");
    await_line(daemon, "saga_events_total{definition=\"order-fulfilment\",kind=\"start\"} 70");
    await_line(daemon, "saga_steps_total{definition=\"order-fulfilment\",outcome=\"failed\"} 20");
    await_line(daemon, "saga_duration_seconds_count{definition=\"order-fulfilment\",outcome="
                       "\"compensated\"} 20");
    await_line(daemon, "saga_step_duration_seconds_count{definition=\"order-fulfilment\",step="
                       "\"charge-card\",outcome=\"succeeded\"} 50");
    await_line(daemon, "saga_step_duration_seconds_count{definition=\"order-fulfilment\",step="
                       "\"charge-card\",outcome=\"failed\"} 20");
    await_line(daemon, "saga_dead_letters_total{reason=\"no-saga-named\"} 1");
    await_line(daemon, "saga_sagas{definition=\"order-fulfilment\",status=\"completed\"} 50");
    await_line(daemon, "saga_lanes{state=\"ready\"} 4");
    await_any(daemon, "saga_lane_lag_records{lane=\"3\"}");
    assert_int_equal(saga_daemon_stop(daemon), 0);
    unsetenv("SAGA_STOP_TIMEOUT");
    unsetenv("SAGA_INSTANCE");
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_service_manager_is_told),
        cmocka_unit_test(metrics_tell_what_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
