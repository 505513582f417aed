#include "http/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "base/nearest.h"
#include "http/thread.h"
#include "runtime/log.h"

enum { READ_MS = 200, AGAIN_MS = 500, RECORDS_MAX = 100, LOG_EVERY_MS = 30000 };

struct saga_known {
    struct saga_http *http;
    struct saga_thread thread; /* wakes who waits for what was deployed */
    struct saga_arena arena;   /* the items and their texts; grows with what is deployed */
    const struct saga_known_item **items; /* sorted */
    size_t count, capacity;
    bool read_to_end;
};

/* ---- taking what the topic has ---- */

static int compare(const struct saga_known_item *a, struct saga_slice name, uint32_t version)
{
    int order = saga_slice_compare(a->deployed.name, name);
    return order ? order : (a->deployed.version > version) - (a->deployed.version < version);
}

/* Where it is, or belongs. */
static size_t place_of(const struct saga_known *known, struct saga_slice name, uint32_t version)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(known->items[middle], name, version) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the lock only where others look. */
static void keep(struct saga_known *known, const struct saga_deployed *deployed)
{
    struct saga_arena words;
    struct saga_diagnostics diagnostics;
    saga_thread_lock(&known->thread);
    struct saga_known_item *item = SAGA_NEW(&known->arena, struct saga_known_item);
    item->deployed = *deployed;
    item->deployed.name = saga_arena_copy(&known->arena, deployed->name);
    item->deployed.source = saga_arena_copy(&known->arena, deployed->source);
    item->deployed.who = saga_arena_copy(&known->arena, deployed->who);
    item->deployed.from = saga_arena_copy(&known->arena, deployed->from);
    saga_thread_unlock(&known->thread);
    saga_arena_init(&words);
    saga_diagnostics_init(&diagnostics, &words);
    if (saga_definition_load(item->deployed.source, "", &diagnostics, &item->definition) < 0)
        item->definition = NULL;
    saga_arena_free(&words);
    saga_thread_lock(&known->thread);
    size_t place = place_of(known, item->deployed.name, item->deployed.version);
    SAGA_PUSH(&known->arena, known->items, known->count, known->capacity, item);
    memmove(&known->items[place + 1], &known->items[place],
            (known->count - 1 - place) * sizeof(const struct saga_known_item *));
    known->items[place] = item;
    saga_thread_wake(&known->thread);
    saga_thread_unlock(&known->thread);
}

/* The topic's own rules (operate/definitions.h) say what a record means, one at a time. */
static void take(struct saga_known *known, const struct saga_bus_records *records)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (size_t i = 0; i < records->count; i++) {
        struct saga_deployment deployment = { 0 };
        saga_deployment_take(&deployment, &records->items[i], &arena);
        /* the first of a name and version stands */
        if (deployment.count &&
            !saga_known_find(known, deployment.items[0].name, deployment.items[0].version))
            keep(known, &deployment.items[0]);
    }
    saga_arena_free(&arena);
}

static void read_on(struct saga_known *known, struct saga_reader *reader)
{
    int error = SAGA_OK;
    while (!atomic_load(&known->http->stopping) && (error == SAGA_OK || error == SAGA_E_AGAIN)) {
        struct saga_bus_records records;
        int64_t position;
        bool end;
        error = saga_reader_read(reader, READ_MS, RECORDS_MAX, &records, &position, &end);
        if (error < 0) continue;
        take(known, &records);
        saga_reader_release(reader, &records);
        if (!end) continue;
        saga_thread_lock(&known->thread);
        known->read_to_end = true;
        saga_thread_unlock(&known->thread);
    }
}

static void pause_for(struct saga_known *known, int ms)
{
    for (; ms > 0 && !atomic_load(&known->http->stopping); ms -= READ_MS) saga_sleep_ms(READ_MS);
}

static void *known_main(void *context)
{
    struct saga_known *known = context;
    struct saga_http *http = known->http;
    int64_t logged_ms = 0;
    struct saga_call call;
    struct saga_arena arena;
    saga_http_call_init(http, &call);
    while (!atomic_load(&http->stopping)) {
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_reader *reader;
        saga_arena_init(&arena);
        if (!call.client &&
            saga_client_new(&call.config.kafka, &arena, &call.client, &diagnostic) < 0)
            call.client = NULL;
        if (call.client &&
            saga_client_check_broker(call.client, AGAIN_MS, &arena, &diagnostic) == SAGA_OK &&
            saga_reader_open(call.client, http->topics.definitions, 0, SAGA_READ_BEGINNING,
                             &reader) == SAGA_OK) {
            read_on(known, reader);
            saga_reader_close(reader);
        }
        if (!atomic_load(&http->stopping))
            saga_log_seldom(&logged_ms, LOG_EVERY_MS, SAGA_LOG_WARNING,
                            "http: definitions cannot be read", "words=\"%s\"",
                            call.client ? saga_client_problem(call.client) : "no client");
        saga_arena_free(&arena);
        pause_for(known, AGAIN_MS);
    }
    call.arena = NULL;
    saga_http_call_free(&call);
    return NULL;
}

int saga_known_new(struct saga_http *http, struct saga_known **ret)
{
    struct saga_known *known = saga_memory_zeroed(1, sizeof *known);
    known->http = http;
    saga_arena_init(&known->arena);
    saga_thread_begin(&known->thread, known_main, known);
    *ret = known;
    return SAGA_OK;
}

void saga_known_free(struct saga_known *known)
{
    if (!known) return;
    saga_thread_end(&known->thread);
    for (size_t i = 0; i < known->count; i++) saga_definition_free(known->items[i]->definition);
    saga_arena_free(&known->arena);
    free(known);
}

/* ---- looking ---- */

bool saga_known_is_read(struct saga_known *known)
{
    saga_thread_lock(&known->thread);
    bool is = known->read_to_end;
    saga_thread_unlock(&known->thread);
    return is;
}

static const struct saga_known_item *find(const struct saga_known *known, struct saga_slice name,
                                          uint32_t version)
{
    size_t place = place_of(known, name, version);
    if (place < known->count && compare(known->items[place], name, version) == 0)
        return known->items[place];
    return NULL;
}

const struct saga_known_item *saga_known_find(struct saga_known *known, struct saga_slice name,
                                              uint32_t version)
{
    saga_thread_lock(&known->thread);
    const struct saga_known_item *item = find(known, name, version);
    saga_thread_unlock(&known->thread);
    return item;
}

const struct saga_known_item *saga_known_newest(struct saga_known *known, struct saga_slice name)
{
    saga_thread_lock(&known->thread);
    size_t behind = place_of(known, name, UINT32_MAX);
    const struct saga_known_item *item = find(known, name, UINT32_MAX);
    if (!item && behind > 0 && saga_slice_equal(known->items[behind - 1]->deployed.name, name))
        item = known->items[behind - 1];
    saga_thread_unlock(&known->thread);
    return item;
}

void saga_known_all(struct saga_known *known, struct saga_arena *arena,
                    const struct saga_known_item ***ret, size_t *ret_count)
{
    saga_thread_lock(&known->thread);
    *ret_count = known->count;
    *ret = SAGA_NEW_ARRAY(arena, const struct saga_known_item *, known->count);
    if (known->count) memcpy(*ret, known->items, known->count * sizeof **ret);
    saga_thread_unlock(&known->thread);
}

void saga_known_await(struct saga_known *known, struct saga_slice name, uint32_t version,
                      int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    saga_thread_lock(&known->thread);
    while (!find(known, name, version) && saga_thread_wait_until(&known->thread, &until)) continue;
    saga_thread_unlock(&known->thread);
}

const struct saga_known_item *saga_exchange_newest(struct saga_exchange *x, struct saga_slice name)
{
    struct saga_known *known = x->http->known;
    bool read = saga_known_is_read(known);
    const struct saga_known_item *item = saga_known_newest(known, name), **all;
    size_t count;
    if (item) return item;
    if (!read) {
        x->retry_after_s = 1;
        saga_exchange_problem(x, 503, "starting", "is Kafka there? /readyz says more",
                              "what is deployed has not been read yet");
        return NULL;
    }
    saga_known_all(known, &x->arena, &all, &count);
    const char **names = SAGA_NEW_ARRAY(&x->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        names[i] = saga_arena_string(&x->arena, all[i]->deployed.name);
    const char *near = saga_nearest(name, names, count);
    saga_exchange_problem(x, 404, "no-definition",
                          near ? saga_arena_printf(&x->arena, "did you mean \"%s\"?", near).data
                               : "/api/v1/definitions lists what is deployed",
                          "no definition \"%.*s\" is deployed",
                          SAGA_SLICE_ARG(saga_slice_clip(name, 100)));
    return NULL;
}
