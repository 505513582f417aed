/* Writing anchors on a schedule, beside everything else: a disk or a broker that does not answer holds nothing up but them. */
#include "base/error.h"
#include "base/monotonic.h"
#include "runtime/daemon_internal.h"
#include "runtime/log.h"

enum { LOOK_MS = 100, AGAIN_MS = 5000 };

/* Sleeps, but not longer than until the daemon stops. */
static void rest(struct saga_daemon *daemon, int ms)
{
    for (; ms > 0 && !atomic_load(&daemon->stopping); ms -= LOOK_MS) saga_sleep_ms(LOOK_MS);
}

static struct saga_client *open_client(struct saga_daemon *daemon)
{
    struct saga_client *client = NULL;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    if (!daemon->config.anchors.topic) return NULL;
    saga_arena_init(&arena);
    if (saga_client_new(&daemon->config.kafka, &arena, &client, &diagnostic) < 0)
        saga_daemon_fail_diagnostic(daemon, "kafka", &diagnostic); /* as with any other client */
    saga_arena_free(&arena);
    return client;
}

void *saga_daemon_anchors(void *context)
{
    struct saga_daemon *daemon = context;
    struct saga_client *client = open_client(daemon);
    while (!atomic_load(&daemon->surroundings_good) && !atomic_load(&daemon->stopping))
        saga_sleep_ms(LOOK_MS);
    if (!atomic_load(&daemon->stopping)) saga_anchoring_look(daemon->anchoring, client);
    while (!atomic_load(&daemon->stopping)) {
        int error = saga_anchoring_write(daemon->anchoring, client);
        rest(daemon, error == SAGA_OK ? LOOK_MS : AGAIN_MS);
    }
    saga_client_free(client);
    atomic_fetch_sub(&daemon->running_threads, 1);
    return NULL;
}
