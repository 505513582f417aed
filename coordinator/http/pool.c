/* Threads that handle requests. Each keeps a connection to Redis and, once it needs one, a client of Kafka, and handles one
 * request at a time. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "http/server.h"
#include "operate/opening.h"

/* Where there is not enough processor for all: behind the network's thread, which takes starts, and that behind the lanes. */
enum { NICE = 5 };

/* What functions of the commands call themselves where they say something. */
static const struct saga_subcommand http_command = { .name = "http", .is_daemon = true };

struct saga_pool {
    struct saga_http *http;
    pthread_t *threads;
    unsigned count;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct saga_exchange *first, **last;
    unsigned waiting;
    bool stopping;
};

void saga_http_call_init(struct saga_http *http, struct saga_call *call)
{
    *call = (struct saga_call){ .command = &http_command, .output = SAGA_OUTPUT_JSON };
    call->config = *http->config;
    call->topics = http->topics;
    call->has_settings = true;
    call->wrapping = saga_daemon_wrapping(http->coordinator);
    call->words = fopen("/dev/null", "w"); /* what is not a problem is told by what is answered */
    SAGA_ASSERT(call->words);
    SAGA_ASSERT(saga_codec_new(&call->codec) == SAGA_OK);
}

void saga_http_call_free(struct saga_call *call)
{
    saga_openings_free(call->openings);
    saga_client_free(call->client);
    saga_views_free(call->views);
    saga_codec_free(call->codec);
    saga_schemas_free(call->schemas);
    fclose(call->words);
}

static struct saga_exchange *take(struct saga_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping) pthread_cond_wait(&pool->more, &pool->lock);
    struct saga_exchange *x = pool->first;
    if (x) {
        pool->first = x->next;
        if (!pool->first) pool->last = &pool->first;
        pool->waiting--;
        x->next = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    return x;
}

/* What may be another by the next request: a file of schemas, and the keys of sealed values, which somebody may have had
 * destroyed meanwhile. */
static void forget(struct saga_call *call)
{
    saga_schemas_free(call->schemas);
    call->schemas = NULL;
    saga_call_keys_again(call);
}

static void *pool_main(void *context)
{
    struct saga_pool *pool = context;
    struct saga_call call;
    struct saga_exchange *x;
    saga_http_yield(NICE);
    saga_http_call_init(pool->http, &call);
    while ((x = take(pool)) != NULL) {
        struct saga_call_problem problem = { 0 };
        call.arena = &x->arena;
        bool later = false;
        call.problem = &problem;
        call.covers_values = x->identity.role < SAGA_ROLE_OPERATOR;
        x->call = &call;
        x->later = &later;
        void (*handle)(struct saga_exchange *) = x->again ? x->again : x->route->handle;
        x->again = NULL;
        handle(x);
        forget(&call);
        if (later) continue; /* it may be gone by now */
        x->call = NULL;
        saga_exchange_complete(x);
    }
    call.arena = NULL;
    saga_http_call_free(&call);
    return NULL;
}

int saga_pool_new(struct saga_http *http, unsigned threads, struct saga_pool **ret)
{
    struct saga_pool *pool = saga_memory_zeroed(1, sizeof *pool);
    pool->http = http;
    pool->last = &pool->first;
    pool->threads = saga_memory_zeroed(threads, sizeof *pool->threads);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    for (; pool->count < threads; pool->count++) {
        int failed = pthread_create(&pool->threads[pool->count], NULL, pool_main, pool);
        SAGA_ASSERT(!failed);
    }
    *ret = pool;
    return SAGA_OK;
}

void saga_pool_free(struct saga_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++) pthread_join(pool->threads[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->more);
    free(pool->threads);
    free(pool);
}

bool saga_pool_add(struct saga_pool *pool, struct saga_exchange *x)
{
    pthread_mutex_lock(&pool->lock);
    bool room = pool->waiting < SAGA_HTTP_QUEUE_MAX;
    if (room) {
        *pool->last = x;
        pool->last = &x->next;
        pool->waiting++;
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}
