/* Sending spans, beside everything else: a collector that is away or slow holds nothing up but them. */
#include "base/monotonic.h"
#include "runtime/daemon_internal.h"

enum { LOOK_MS = 50 };

/* What the workers do last is sent too, as long as the collector answers soon: when the process is told to stop, there is a
 * quarter of its time for what is under way, and one for the rest. */
static void send_the_rest(struct saga_daemon *daemon)
{
    int64_t quarter_ms = atomic_load(&daemon->stop_timeout_ms) / 4;
    for (int64_t waited_ms = 0; atomic_load(&daemon->running_workers) > 0 && waited_ms < quarter_ms;
         waited_ms += LOOK_MS)
        saga_sleep_ms(LOOK_MS);
    saga_tracing_end_in(daemon->tracing, quarter_ms);
    saga_tracing_send(daemon->tracing, true);
}

void *saga_daemon_traces(void *context)
{
    struct saga_daemon *daemon = context;
    saga_tracing_look(daemon->tracing);
    while (!atomic_load(&daemon->stopping)) {
        saga_tracing_send(daemon->tracing, false);
        saga_sleep_ms(LOOK_MS);
    }
    send_the_rest(daemon);
    atomic_fetch_sub(&daemon->running_threads, 1);
    return NULL;
}
