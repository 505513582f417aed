/* `saga run`: the coordinator. What it does is the daemon's (runtime/daemon.h); this starts and
 * stops it. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "operate/job_runner.h"
#include "operate/reload.h"
#include "operate/service.h"
#include "runtime/daemon.h"
#include "runtime/log.h"

enum { KEY_CREATE_TOPICS = 256, LOOK_MS = 50, BROKER_MS = 2000, BROKER_LOG_MS = 30000 };

/* Blocked before the first thread begins, so that only this one takes them, and only where it
 * waits. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigprocmask(SIG_BLOCK, signals, NULL);
}

/* Waits at most `ms` for one; 0: none came. */
static int wait_for_signal(const sigset_t *signals, int ms)
{
    struct timespec timeout = { ms / 1000, (long)(ms % 1000) * 1000000 };
    int signal = sigtimedwait(signals, NULL, &timeout);
    return signal > 0 ? signal : 0;
}

static bool is_to_stop(int signal)
{
    return signal == SIGTERM || signal == SIGINT;
}

/* Brokers that are not there yet are waited for (R25), also when there is something to deploy. */
static int deploy_first(struct saga_call *call, const sigset_t *signals, bool *ret_stopped)
{
    struct saga_diagnostic diagnostic = { 0 };
    int64_t last_ms = 0;
    int error = saga_client_new(&call->config.kafka, call->arena, &call->client, &diagnostic);
    while (error == SAGA_OK || error == SAGA_E_AGAIN) {
        error = saga_client_check_broker(call->client, BROKER_MS, call->arena, &diagnostic);
        if (error == SAGA_OK)
            return saga_deploy_files(call, call->arguments, call->argument_count,
                                     saga_call_has(call, KEY_CREATE_TOPICS));
        if (error != SAGA_E_AGAIN) break;
        saga_log_seldom(&last_ms, BROKER_LOG_MS, SAGA_LOG_WARNING, "broker not there",
                        "what=\"%.*s\"", SAGA_SLICE_ARG(diagnostic.what));
        *ret_stopped = is_to_stop(wait_for_signal(signals, 1000));
        if (*ret_stopped) return SAGA_EXIT_DONE;
    }
    return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
}

static void say_ready(const struct saga_call *call)
{
    printf("saga %s is ready: instance %s, %u %s, %u %s\n", SAGA_VERSION,
           call->config.kafka.instance, call->config.workers,
           call->config.workers == 1 ? "worker" : "workers", call->config.lanes,
           call->config.lanes == 1 ? "lane" : "lanes");
    fflush(stdout);
}

static int stop(struct saga_call *call, struct saga_daemon *daemon)
{
    char text[SAGA_TIME_TEXT_BYTES];
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_UNBLOCK, &interrupt, NULL); /* whoever cannot wait presses Ctrl-C again */
    if (saga_daemon_stop(daemon) == SAGA_OK) return SAGA_EXIT_DONE;
    saga_duration_format(call->config.stop_timeout_ms, text);
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "nothing is lost: what was in hand is done again by the next to come",
                          "stopping took longer than the setting stop-timeout, %s", text);
}

static void reload(struct saga_reload *configuration, struct saga_daemon *daemon,
                   const struct saga_service *service)
{
    saga_service_reloading();
    saga_reload_now(configuration, daemon);
    saga_service_reloaded(service);
}

/* Until it is told to stop, or fails. */
static int serve(struct saga_call *call, struct saga_daemon *daemon, const sigset_t *signals)
{
    struct saga_reload configuration;
    struct saga_service service;
    bool stopped = false, failed = false;
    saga_reload_init(&configuration, call);
    saga_service_init(&service);
    while (!stopped && !failed) {
        int signal = wait_for_signal(signals, LOOK_MS);
        bool was_ready = service.is_ready;
        if (signal == SIGHUP) reload(&configuration, daemon, &service);
        stopped = is_to_stop(signal);
        failed = saga_daemon_has_failed(daemon);
        saga_service_look(&service, daemon);
        if (!was_ready && service.is_ready) say_ready(call);
    }
    saga_service_stopping();
    saga_reload_free(&configuration);
    return failed ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

/* What is wrong with a setting is told before anything is deployed, taken up or answered. */
static int look_at_settings(struct saga_call *call, struct saga_daemon **ret_daemon,
                            void **ret_beside)
{
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_daemon_new(&call->config, call->arena, ret_daemon, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    return saga_companion_open(call, ret_beside);
}

static int work(struct saga_call *call, struct saga_daemon *daemon, void *beside,
                const sigset_t *signals)
{
    struct saga_job_runner *jobs = NULL;
    saga_daemon_start(daemon);
    int code = saga_companion_start(call, beside, daemon);
    if (code == SAGA_EXIT_DONE && saga_job_runner_start(&call->config, daemon, &jobs) < 0)
        code = saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the schemas cannot be read");
    if (code == SAGA_EXIT_DONE) code = serve(call, daemon, signals);
    saga_job_runner_stop(jobs);
    saga_companion_stop(beside);
    int stopping = stop(call, daemon);
    return code == SAGA_EXIT_DONE ? stopping : code;
}

static int run(struct saga_call *call)
{
    struct saga_daemon *daemon = NULL;
    void *beside = NULL;
    sigset_t signals;
    bool stopped = false;
    block_signals(&signals);
    int code = look_at_settings(call, &daemon, &beside);
    if (code == SAGA_EXIT_DONE && call->argument_count)
        code = deploy_first(call, &signals, &stopped);
    if (code == SAGA_EXIT_DONE && !stopped) return work(call, daemon, beside, &signals);
    saga_companion_stop(beside);
    saga_daemon_free(daemon);
    return code;
}

static const struct argp_option options[] = {
    { "create-topics", KEY_CREATE_TOPICS, NULL, 0,
      "with files: make the topics that are missing first", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_run = {
    .name = "run",
    .arguments = "[FILE...]",
    .summary = "run the coordinator",
    .details = "Deploys the files first, if any are given. Kafka and Redis that are away are "
               "waited for. SIGTERM or Ctrl-C finishes what is in hand and ends it; SIGHUP reads "
               "the configuration again. Tells a service manager when it is ready, and feeds its "
               "watchdog.",
    .examples = "  saga run\n"
                "  saga run --bootstrap-servers broker:9092 --redis-host redis\n"
                "  saga run --create-topics order-fulfilment.saga.yaml",
    .options = options,
    .arguments_max = 1000,
    .configured = true,
    .all_settings = true,
    .is_daemon = true,
    .run = run,
};
