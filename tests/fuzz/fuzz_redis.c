/* What Redis answers, whoever it really is: the input is all that comes over the connection, to every question that a
 * worker and the commands ask. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/assert.h"
#include "fuzz.h"
#include "store/redis.h"
#include "store/views.h"

enum { QUESTIONS = 12, LANES = 4 };

static int listener = -1;
static char path[64];

static void listen_somewhere(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(path, sizeof path, "/tmp/saga-fuzz-%ld.sock", (long)getpid());
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bound = bind(listener, (struct sockaddr *)&address, sizeof address);
    SAGA_ASSERT(listener >= 0 && bound == 0 && listen(listener, 8) == 0);
}

struct answers {
    const uint8_t *data;
    size_t size;
    atomic_bool done;
};

/* Every client hears the whole input at once and then the end. */
static void *answer(void *context)
{
    struct answers *answers = context;
    char ignored[65536];
    for (;;) {
        int client = accept(listener, NULL, NULL);
        SAGA_ASSERT(client >= 0);
        bool done = atomic_load(&answers->done);
        ssize_t sent = done ? -1 : send(client, answers->data, answers->size, MSG_NOSIGNAL);
        shutdown(client, SHUT_WR);
        while (sent >= 0 && recv(client, ignored, sizeof ignored, 0) > 0) {
        }
        close(client);
        if (done) return NULL;
    }
}

/* The answering thread waits for clients: one more, when there is nothing to ask any more. */
static void end_answers(struct answers *answers, pthread_t thread)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    atomic_store(&answers->done, true);
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = connect(end, (struct sockaddr *)&address, sizeof address);
    SAGA_ASSERT(!failed);
    pthread_join(thread, NULL);
    close(end);
}

static void ask_store(const struct saga_redis_config *config, struct saga_arena *arena,
                      unsigned which)
{
    struct saga_store store;
    struct saga_lane_status status = { 0 };
    struct saga_slice ids[2] = { SAGA_SLICE("a/1"), SAGA_SLICE("a/2") }, states[2];
    struct saga_due_timer *due;
    size_t count;
    int64_t next;
    struct saga_lane_log log;
    struct saga_apply apply = { .journal = SAGA_SLICE("j"), .chain = SAGA_SLICE("c") };
    if (saga_redis_open(config, LANES, &store) < 0) return;
    if (which == 0) store.lane_read(store.self, 0, arena, &status);
    if (which == 1) store.states_read(store.self, 0, 0, ids, 2, arena, states);
    if (which == 2) store.timers_due(store.self, 0, 0, 1, 10, arena, &due, &count, &next);
    if (which == 10) store.log_read(store.self, 0, 0, 10, arena, &log);
    if (which == 3 && store.apply(store.self, &apply) == 0) store.apply_wait(store.self, 0, &next);
    if (which == 8) store.lane_reset(store.self, 0, &status, SAGA_SLICE("j"), 5, LANES);
    store.close(store.self);
}

static void scan_all(struct saga_views *views, struct saga_arena *arena)
{
    struct saga_scan scan = { 0 };
    struct saga_slice *ids;
    size_t count;
    while (saga_views_scan(views, 0, &scan, arena, &ids, &count) == 0 && scan.cursor != 0) {
    }
}

static void read_log(struct saga_views *views, struct saga_arena *arena)
{
    const struct saga_view_operations_page page = { .until_ms = INT64_MAX, .limit = 2 };
    struct saga_view_log logs[LANES];
    struct saga_view_operation *items;
    size_t count;
    bool more;
    if (saga_views_logs(views, LANES, arena, logs) == 0)
        saga_views_operations(views, LANES, &page, arena, &items, &count, &more);
}

static void ask_views(const struct saga_redis_config *config, struct saga_arena *arena,
                      unsigned which)
{
    struct saga_views *views;
    struct saga_lane_status status = { 0 };
    struct saga_slice state;
    uint32_t lanes;
    if (saga_views_new(config, &views) < 0) return;
    if (which == 4) saga_views_lanes(views, &lanes);
    if (which == 5) saga_views_lane(views, 0, arena, &status);
    if (which == 6) saga_views_state(views, 0, SAGA_SLICE("a/1"), arena, &state);
    if (which == 9) scan_all(views, arena);
    if (which == 11) read_log(views, arena);
    saga_views_free(views);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 60000) return 0;
    if (listener < 0) listen_somewhere();
    unsigned which = data[0] % QUESTIONS;
    struct answers answers = { data + 1, size - 1, false };
    struct saga_redis_config config = { .unix_socket = path, .timeout_ms = 200 };
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, answer, &answers);
    SAGA_ASSERT(!failed);
    saga_arena_init(&arena);
    if (which < 4 || which == 8 || which == 10)
        ask_store(&config, &arena, which);
    else if (which == 7)
        saga_redis_check(&config, &arena, &diagnostic);
    else
        ask_views(&config, &arena, which);
    end_answers(&answers, thread);
    saga_arena_free(&arena);
    return 0;
}
