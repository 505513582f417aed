#include "runtime/tracing.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "traces/otlp.h"
#include "traces/post.h"

enum {
    WAIT_MS = 1000,    /* how long a span waits for others */
    TRY_MS = 60000,    /* how long a request is tried */
    BACKOFF_MS = 1000, /* before the second try; then twice as long each time */
    BACKOFF_MS_MAX = 15000,
    PAUSE_MS = 20,
    LOG_EVERY_MS = 30000
};

struct saga_tracing {
    struct saga_traces_config config;
    struct saga_otlp_resource resource;
    struct saga_clock clock;
    struct saga_tracing_counts counts;
    atomic_llong end_ms;  /* monotonic; 0: none */
    pthread_mutex_t lock; /* of what follows; held for a few instructions */
    struct saga_spans *first, **last;
    size_t waiting;   /* spans in the queue */
    size_t bytes;     /* of the queue, and of what is being sent */
    int64_t first_ms; /* monotonic: when the queue was last empty */
    /* the sending thread's */
    struct saga_poster *poster;
    struct saga_arena arena; /* one request's */
    int64_t last_logged_ms;
};

static int64_t now_ms(struct saga_tracing *tracing)
{
    return tracing->clock.monotonic_ms(tracing->clock.context);
}

/* Has the time to send what is left passed? */
static bool is_over(void *context)
{
    struct saga_tracing *tracing = context;
    long long end_ms = atomic_load(&tracing->end_ms);
    return end_ms && now_ms(tracing) >= end_ms;
}

struct saga_tracing *saga_tracing_new(const struct saga_traces_config *config, const char *instance)
{
    struct saga_tracing *tracing = saga_memory_zeroed(1, sizeof *tracing);
    const struct saga_post_config post = { config->endpoint, config->headers_file, config->ca_file,
                                           config->timeout_ms };
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) saga_memory_exhausted("libcurl");
    tracing->config = *config;
    tracing->resource =
        (struct saga_otlp_resource){ saga_slice_of(config->service), saga_slice_of(instance),
                                     SAGA_SLICE(SAGA_VERSION) };
    tracing->clock = saga_clock_system();
    tracing->last = &tracing->first;
    pthread_mutex_init(&tracing->lock, NULL);
    saga_arena_init(&tracing->arena);
    tracing->poster = saga_poster_new(&post, is_over, tracing);
    return tracing;
}

static void free_all(struct saga_spans *spans)
{
    while (spans) {
        struct saga_spans *next = spans->next;
        saga_spans_free(spans);
        spans = next;
    }
}

void saga_tracing_free(struct saga_tracing *tracing)
{
    if (!tracing) return;
    free_all(tracing->first);
    saga_poster_free(tracing->poster);
    saga_arena_free(&tracing->arena);
    pthread_mutex_destroy(&tracing->lock);
    free(tracing);
}

/* ---- the queue ---- */

uint64_t saga_tracing_threshold(const struct saga_tracing *tracing)
{
    return tracing->config.threshold;
}

const struct saga_tracing_counts *saga_tracing_counted(const struct saga_tracing *tracing)
{
    return &tracing->counts;
}

void saga_tracing_end_in(struct saga_tracing *tracing, int64_t ms)
{
    atomic_store(&tracing->end_ms, now_ms(tracing) + ms);
}

static void count_dropped(struct saga_tracing *tracing, size_t count)
{
    atomic_fetch_add(&tracing->counts.dropped, count);
}

bool saga_tracing_is_full(struct saga_tracing *tracing)
{
    pthread_mutex_lock(&tracing->lock);
    bool full = tracing->bytes >= SAGA_TRACES_QUEUE_BYTES_MAX;
    pthread_mutex_unlock(&tracing->lock);
    return full;
}

static bool queue(struct saga_tracing *tracing, struct saga_spans *spans)
{
    size_t bytes = saga_arena_capacity(&spans->arena);
    int64_t now = now_ms(tracing);
    pthread_mutex_lock(&tracing->lock);
    bool fits = tracing->bytes + bytes <= SAGA_TRACES_QUEUE_BYTES_MAX + SAGA_SPANS_BYTES_MAX;
    if (fits) {
        if (!tracing->first) tracing->first_ms = now;
        *tracing->last = spans;
        tracing->last = &spans->next;
        tracing->waiting += spans->count;
        tracing->bytes += bytes;
    }
    pthread_mutex_unlock(&tracing->lock);
    return fits;
}

void saga_tracing_offer(struct saga_tracing *tracing, struct saga_spans *spans)
{
    if (!spans) return;
    count_dropped(tracing, spans->dropped);
    if (spans->count && queue(tracing, spans)) return;
    count_dropped(tracing, spans->count);
    saga_spans_free(spans);
}

/* NULL: it is not worth a request yet. */
static struct saga_spans *take(struct saga_tracing *tracing, bool all)
{
    struct saga_spans *spans = NULL;
    int64_t now = now_ms(tracing);
    pthread_mutex_lock(&tracing->lock);
    bool enough = tracing->waiting >= SAGA_TRACES_REQUEST_SPANS;
    if (tracing->first && (all || enough || now - tracing->first_ms >= WAIT_MS)) {
        spans = tracing->first;
        tracing->first = NULL;
        tracing->last = &tracing->first;
        tracing->waiting = 0;
    }
    pthread_mutex_unlock(&tracing->lock);
    return spans;
}

static void done(struct saga_tracing *tracing, struct saga_spans *spans)
{
    size_t bytes = saga_arena_capacity(&spans->arena);
    saga_spans_free(spans);
    pthread_mutex_lock(&tracing->lock);
    tracing->bytes -= bytes;
    pthread_mutex_unlock(&tracing->lock);
}

/* ---- sending ---- */

static void say(struct saga_tracing *tracing, struct saga_slice words, const char *mend)
{
    const struct saga_tracing_counts *counts = &tracing->counts;
    saga_log_seldom(&tracing->last_logged_ms, LOG_EVERY_MS, SAGA_LOG_WARNING, "spans are not sent",
                    "words=\"%.*s\" mend=\"%s\" sent=%llu dropped=%llu failed=%llu",
                    SAGA_SLICE_ARG(words), mend, atomic_load(&counts->sent),
                    atomic_load(&counts->dropped), atomic_load(&counts->failed));
}

void saga_tracing_look(struct saga_tracing *tracing)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice *lines;
    size_t count = 0;
    saga_arena_reset(&tracing->arena);
    if (tracing->config.headers_file &&
        saga_post_headers_read(tracing->config.headers_file, &tracing->arena, &lines, &count,
                               &diagnostic) < 0)
        say(tracing, diagnostic.what, "look at traces.headers-file");
    else
        saga_log(SAGA_LOG_INFO, "spans are sent", "endpoint=%s headers=%zu sample=%g",
                 tracing->config.endpoint, count,
                 (double)tracing->config.threshold / (double)SAGA_TRACE_ALL);
}

static void rest(struct saga_tracing *tracing, int64_t until_ms)
{
    while (now_ms(tracing) < until_ms && !is_over(tracing)) saga_sleep_ms(PAUSE_MS);
}

/* Half of it, and by chance up to all: so that many coordinators do not come back at the same moment. */
static int64_t with_jitter(int64_t ms)
{
    uint16_t random = 0;
    int ok = RAND_bytes((unsigned char *)&random, sizeof random);
    SAGA_ASSERT(ok == 1);
    return ms / 2 + ms / 2 * random / UINT16_MAX;
}

static void taken(struct saga_tracing *tracing, const struct saga_post_answer *answer, size_t count)
{
    struct saga_slice words;
    uint64_t rejected = saga_otlp_rejected(answer->body, &tracing->arena, &words);
    if (rejected > count) rejected = count;
    atomic_fetch_add(&tracing->counts.failed, rejected);
    atomic_fetch_add(&tracing->counts.sent, count - rejected);
    if (rejected)
        say(tracing, words.size ? words : SAGA_SLICE("the collector rejects some of them"),
            "look at the collector's log");
}

/* Posts until it is taken, refused, or has been tried for long enough. */
static void deliver(struct saga_tracing *tracing, struct saga_slice body, size_t count)
{
    int64_t give_up_ms = now_ms(tracing) + TRY_MS, backoff_ms = BACKOFF_MS;
    for (;;) {
        struct saga_post_answer answer;
        saga_post(tracing->poster, body, &tracing->arena, &answer);
        if (answer.status >= 200 && answer.status < 300) {
            taken(tracing, &answer, count);
            return;
        }
        bool again = answer.status == 0 || saga_otlp_may_retry(answer.status);
        say(tracing, answer.words, "look at traces.endpoint and at the collector");
        int64_t asked_ms = saga_otlp_retry_after_ms(answer.retry_after, time(NULL));
        int64_t next_ms = now_ms(tracing) + (asked_ms >= 0 ? asked_ms : with_jitter(backoff_ms));
        if (!again || next_ms >= give_up_ms || is_over(tracing)) break;
        rest(tracing, next_ms);
        backoff_ms = 2 * backoff_ms < BACKOFF_MS_MAX ? 2 * backoff_ms : BACKOFF_MS_MAX;
    }
    atomic_fetch_add(&tracing->counts.failed, count);
}

struct request {
    struct saga_buffer body;
    size_t count;
};

static void flush(struct saga_tracing *tracing, struct request *request)
{
    if (request->count == 0) return;
    saga_otlp_end(&request->body);
    if (is_over(tracing))
        atomic_fetch_add(&tracing->counts.failed, request->count);
    else
        deliver(tracing, saga_buffer_slice(&request->body), request->count);
    request->count = 0;
}

static void add(struct saga_tracing *tracing, struct request *request, const struct saga_span *span)
{
    if (request->count == 0) {
        saga_arena_reset(&tracing->arena);
        saga_buffer_init(&request->body, &tracing->arena);
        saga_otlp_begin(&request->body, &tracing->resource);
    }
    saga_otlp_add(&request->body, span, request->count == 0);
    request->count++;
    if (request->count >= SAGA_TRACES_REQUEST_SPANS ||
        request->body.size >= SAGA_TRACES_REQUEST_BYTES)
        flush(tracing, request);
}

void saga_tracing_send(struct saga_tracing *tracing, bool all)
{
    struct request request = { .count = 0 };
    struct saga_spans *spans = take(tracing, all);
    while (spans) {
        struct saga_spans *next = spans->next;
        for (size_t i = 0; i < spans->count; i++) add(tracing, &request, &spans->items[i]);
        done(tracing, spans);
        spans = next;
    }
    flush(tracing, &request);
}
