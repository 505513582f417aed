#include "http/waiting.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "http/peers.h"
#include "http/thread.h"
#include "operate/opening.h"
#include "operate/sagas.h"

/* How often it is looked; and how many may wait: each has a connection, of which there are no more. */
enum { LOOK_MS = 25, WAITING_MAX = SAGA_HTTP_CONNECTIONS_MAX };

struct wait {
    struct saga_exchange *x;
    struct saga_address address;
    int64_t until_ms; /* monotonic */
    int64_t from;
    saga_answer_end *answer; /* or: */
    saga_look_again *look;
    struct wait *next;
};

struct saga_waiting {
    struct saga_http *http;
    struct saga_thread thread;
    struct wait *come; /* since the thread looked */
    unsigned count;
};

/* ---- looking ---- */

/* On a slow thread. */
static void look_now(struct saga_exchange *x)
{
    struct wait *wait = x->waited;
    saga_look_again *look = wait->look;
    bool over = saga_monotonic_ms() >= wait->until_ms || wait->from < 0;
    x->waited = NULL;
    free(wait);
    look(x, over);
}

static void answer_end(struct saga_call *call, struct wait *wait, struct saga_state *state,
                       bool ended)
{
    struct saga_exchange *x = wait->x;
    struct saga_call_problem problem = { 0 };
    call->arena = &x->arena;
    call->problem = &problem;
    if (state) saga_cover_state(state); /* this thread waits for all, and looks for no keys */
    x->call = call;
    wait->answer(x, state, ended);
    x->call = NULL;
    saga_exchange_complete(x);
}

/* True: the exchange is answered, or on its way to be. */
static bool look_for_end(struct saga_call *call, struct wait *wait, struct saga_arena *arena,
                         bool over)
{
    struct saga_slice bytes;
    struct saga_state *state = NULL;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_views_state(call->views, wait->address.lane, wait->address.saga_id, arena, &bytes) <
            0 ||
        saga_state_decode(call->codec, bytes, arena, &state, &diagnostic) < 0)
        state = NULL;
    bool ended = state && (saga_status_has_ended(state->status) || state->status == SAGA_STUCK);
    if (ended || over) answer_end(call, wait, state, ended);
    saga_state_free(state);
    return ended || over;
}

static bool look_for_record(struct saga_waiting *waiting, struct saga_call *call, struct wait *wait,
                            struct saga_arena *arena, bool over)
{
    int64_t *offsets;
    size_t count = 0;
    int error = saga_views_history(call->views, wait->address.lane, wait->address.saga_id, arena,
                                   &offsets, &count);
    bool there = error == SAGA_OK && count && offsets[count - 1] >= wait->from;
    if (!there && !over) return false;
    if (!there) wait->from = -1;
    /* given away; the pool has room for what it gave to wait, or the request is told so */
    wait->x->waited = wait;
    wait->x->again = look_now;
    if (saga_pool_add(waiting->http->slow, wait->x)) return true;
    wait->x->waited = NULL;
    return false; /* it is looked again */
}

static struct wait *look_at_all(struct saga_waiting *waiting, struct saga_call *call,
                                struct wait *all, bool stopping)
{
    struct wait *left = NULL, *next;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int64_t now_ms = saga_monotonic_ms();
    for (struct wait *wait = all; wait; wait = next) {
        bool over = stopping || now_ms >= wait->until_ms ||
                    saga_peer_has_gone(saga_peer_of(wait->x->connection));
        bool of_record = wait->look != NULL;
        next = wait->next;
        saga_arena_reset(&arena);
        bool done = of_record ? look_for_record(waiting, call, wait, &arena, over)
                              : look_for_end(call, wait, &arena, over);
        if (!done) {
            wait->next = left;
            left = wait;
            continue;
        }
        if (!of_record) free(wait); /* else the slow thread does */
        saga_thread_lock(&waiting->thread);
        waiting->count--;
        saga_thread_unlock(&waiting->thread);
    }
    saga_arena_free(&arena);
    return left;
}

static struct wait *take(struct saga_waiting *waiting, struct wait *all, bool *ret_stopping)
{
    saga_thread_lock(&waiting->thread);
    while (!all && !waiting->come && !waiting->thread.stopping) saga_thread_wait(&waiting->thread);
    while (waiting->come) {
        struct wait *wait = waiting->come;
        waiting->come = wait->next;
        wait->next = all;
        all = wait;
    }
    *ret_stopping = waiting->thread.stopping || atomic_load(&waiting->http->stopping);
    saga_thread_unlock(&waiting->thread);
    return all;
}

static void *waiting_main(void *context)
{
    struct saga_waiting *waiting = context;
    struct saga_call call;
    struct wait *all = NULL;
    bool stopping = false;
    saga_http_call_init(waiting->http, &call);
    SAGA_ASSERT(saga_views_new(&call.config.redis, &call.views) == SAGA_OK);
    for (;;) {
        all = take(waiting, all, &stopping);
        if (stopping && !all) break;
        all = look_at_all(waiting, &call, all, stopping);
        saga_sleep_ms(LOOK_MS);
    }
    call.arena = NULL;
    saga_http_call_free(&call);
    return NULL;
}

int saga_waiting_new(struct saga_http *http, struct saga_waiting **ret)
{
    struct saga_waiting *waiting = saga_memory_zeroed(1, sizeof *waiting);
    waiting->http = http;
    saga_thread_begin(&waiting->thread, waiting_main, waiting);
    *ret = waiting;
    return SAGA_OK;
}

void saga_waiting_free(struct saga_waiting *waiting)
{
    if (!waiting) return;
    saga_thread_end(&waiting->thread);
    free(waiting);
}

static bool add(struct saga_waiting *waiting, const struct wait *wanted)
{
    if (atomic_load(&waiting->http->stopping)) return false;
    struct wait *wait = saga_memory_take(sizeof *wait);
    *wait = *wanted;
    saga_thread_lock(&waiting->thread);
    bool room = waiting->count < WAITING_MAX;
    if (room) {
        waiting->count++;
        wait->next = waiting->come;
        waiting->come = wait;
        saga_thread_wake(&waiting->thread);
    }
    saga_thread_unlock(&waiting->thread);
    if (!room) free(wait);
    return room;
}

bool saga_waiting_for_end(struct saga_exchange *x, const struct saga_address *address,
                          int64_t wait_ms, saga_answer_end *answer)
{
    struct wait wait = {
        .x = x, .address = *address, .until_ms = saga_monotonic_ms() + wait_ms, .answer = answer
    };
    return add(x->http->waiting, &wait);
}

bool saga_waiting_for_record(struct saga_exchange *x, const struct saga_address *address,
                             int64_t from, int64_t until_ms, saga_look_again *look)
{
    struct wait wait = {
        .x = x, .address = *address, .until_ms = until_ms, .from = from, .look = look
    };
    return add(x->http->waiting, &wait);
}
