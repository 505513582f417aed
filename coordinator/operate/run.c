/* `saga run`: the coordinator. What it does is the daemon's (runtime/daemon.h); this starts and
 * stops it. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "runtime/daemon.h"
#include "runtime/log.h"

enum { KEY_CREATE_TOPICS = 256, LOOK_MS = 50, BROKER_MS = 2000, BROKER_LOG_MS = 30000 };

/* Blocked before the first thread begins, so that only this one takes them, and only where it
 * waits. */
static void block_signals(sigset_t *stop_signals)
{
    sigemptyset(stop_signals);
    sigaddset(stop_signals, SIGTERM);
    sigaddset(stop_signals, SIGINT);
    sigprocmask(SIG_BLOCK, stop_signals, NULL);
}

/* Waits at most `ms`; true when it is time to stop. */
static bool is_told_to_stop(const sigset_t *stop_signals, int ms)
{
    struct timespec timeout = { ms / 1000, (long)(ms % 1000) * 1000000 };
    return sigtimedwait(stop_signals, NULL, &timeout) > 0;
}

/* Brokers that are not there yet are waited for (R25), also when there is something to deploy. */
static int deploy_first(struct saga_call *call, const sigset_t *stop_signals, bool *ret_stopped)
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
        *ret_stopped = is_told_to_stop(stop_signals, 1000);
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

static int run(struct saga_call *call)
{
    struct saga_daemon *daemon;
    struct saga_diagnostic diagnostic = { 0 };
    sigset_t stop_signals;
    bool stopped = false, ready = false, failed = false;
    block_signals(&stop_signals);
    int code = call->argument_count ? deploy_first(call, &stop_signals, &stopped) : SAGA_EXIT_DONE;
    if (code != SAGA_EXIT_DONE || stopped) return code;
    if (saga_daemon_start(&call->config, call->arena, &daemon, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    while (!stopped && !failed) {
        stopped = is_told_to_stop(&stop_signals, LOOK_MS);
        failed = saga_daemon_has_failed(daemon);
        if (!ready && saga_daemon_is_ready(daemon)) {
            ready = true;
            say_ready(call);
        }
    }
    code = stop(call, daemon);
    return failed ? SAGA_EXIT_FAILED : code;
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
               "waited for. SIGTERM or Ctrl-C finishes what is in hand and ends it.",
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
