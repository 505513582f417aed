#include "http/changes.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "codec/message.h"
#include "engine/state.h"
#include "http/stream.h"
#include "http/thread.h"
#include "operate/output.h"

/* A listener that is this far behind is cut off; what it missed it asks for anew. */
enum { STREAMS_MAX = 200, PENDING_BYTES_MAX = 64 * 1024, STREAM_MS_MAX = 900000 };
enum { ALIVE_MS = 15000, LANES_MS = 200, ROWS_MAX = 100 };
/* Whether a lane has moved is asked often, which costs a question a lane: what happens on a quiet machine is told soon. What has
 * changed is a page of a list, and is looked at now and then where lanes move all the time. */
enum { LOOK_MS = 50, LOOK_AT_MANY_MS = 250, LANES_FEW = 256, STATUSES_MS = 200 };

struct listener {
    struct saga_stream stream; /* first */
    struct saga_changes *changes;
    struct listener *before, *next;
    char saga_id[SAGA_NAME_BYTES_MAX + SAGA_KEY_BYTES_MAX + 2];
    char definition[SAGA_NAME_BYTES_MAX + 1];
    uint64_t sequence; /* of its saga, as last told */
    int64_t began_ms;
    bool greeted; /* it was told that it hears of what changes from here on */
};

struct saga_changes {
    struct saga_http *http;
    struct saga_thread thread;
    struct listener *listeners;
    unsigned count;
    bool newcomers; /* who listens to one saga is told first how it stands */
    bool compares;  /* there is a look before, which shows what has changed since */

    /* The thread's own. */
    int64_t *applied; /* by lane, as last seen; -2: not seen yet */
    bool *moved;      /* by lane, since it was told */
    int64_t told_lanes_ms;
    bool unseen; /* a lane has moved since statuses were looked at, which was then: */
    int64_t looked_ms;
    bool anew;                   /* statuses were not looked at yet since somebody listens */
    struct saga_arena arenas[2]; /* the rows that were seen last, and now */
    unsigned turn;               /* which of them has `seen` */
    struct saga_view_row *seen;
    size_t seen_count;
};

/* ---- one listener ---- */

static bool read_filters(struct saga_exchange *x, struct saga_slice *ret_saga,
                         struct saga_slice *ret_definition)
{
    struct saga_slice name, key;
    *ret_saga = saga_exchange_parameter(x, "saga");
    *ret_definition = saga_exchange_parameter(x, "definition");
    if (ret_definition->data && !saga_exchange_name(x, *ret_definition, "definition")) return false;
    if (!ret_saga->data) return true;
    if (saga_id_parse(*ret_saga, &name, &key) == SAGA_OK && name.size <= SAGA_NAME_BYTES_MAX &&
        key.size <= SAGA_KEY_BYTES_MAX)
        return true;
    saga_exchange_problem(x, 400, "bad-parameter", NULL, "the parameter saga is no saga's id");
    return false;
}

static void keep_text(char *room, struct saga_slice text)
{
    memcpy(room, text.data ? text.data : "", text.size);
    room[text.size] = '\0';
}

static void release(struct listener *listener)
{
    saga_stream_free(&listener->stream);
    free(listener);
}

static void on_close(struct saga_stream *stream)
{
    struct listener *listener = (struct listener *)stream;
    struct saga_changes *changes = listener->changes;
    saga_thread_lock(&changes->thread);
    if (listener->before)
        listener->before->next = listener->next;
    else
        changes->listeners = listener->next;
    if (listener->next) listener->next->before = listener->before;
    changes->count--;
    saga_thread_unlock(&changes->thread);
    release(listener);
}

/* What happens before there is a look to compare with cannot be told as a change: so nobody is promised it until then. */
static void greet(struct listener *listener)
{
    if (listener->greeted) return;
    saga_stream_tell(&listener->stream, SAGA_SLICE(": what changes from now on\n\n"));
    listener->greeted = true;
}

/* False: there are too many. */
static bool add(struct saga_changes *changes, struct listener *listener)
{
    saga_thread_lock(&changes->thread);
    bool room = changes->count < STREAMS_MAX && !changes->thread.stopping;
    if (room) {
        changes->count++;
        listener->next = changes->listeners;
        if (listener->next) listener->next->before = listener;
        changes->listeners = listener;
        changes->newcomers = true;
        if (changes->compares || listener->saga_id[0]) greet(listener);
        saga_thread_wake(&changes->thread);
    }
    saga_thread_unlock(&changes->thread);
    return room;
}

void saga_http_events(struct saga_exchange *x)
{
    struct saga_changes *changes = x->http->changes;
    struct saga_slice saga_id, definition;
    if (!read_filters(x, &saga_id, &definition)) return;
    struct listener *listener = saga_memory_zeroed(1, sizeof *listener);
    saga_stream_init(&listener->stream, x, PENDING_BYTES_MAX, on_close);
    listener->changes = changes;
    listener->began_ms = saga_monotonic_ms();
    keep_text(listener->saga_id, saga_id);
    keep_text(listener->definition, definition);
    if (add(changes, listener)) {
        saga_exchange_stream(x, &listener->stream, "text/event-stream");
        return;
    }
    release(listener);
    x->retry_after_s = 5;
    saga_exchange_problem(x, 503, "busy", "ask again, or look from time to time",
                          "too many are listening already");
}

/* ---- telling ---- */

static struct saga_slice event_text(struct saga_arena *arena, const char *event, json_t *data)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    saga_buffer_printf(&out, "event: %s\ndata: ", event);
    saga_buffer_add_json(&out, data);
    saga_buffer_add(&out, SAGA_SLICE("\n\n"));
    return saga_buffer_slice(&out);
}

static json_t *saga_json(struct saga_slice id, struct saga_slice definition,
                         struct saga_slice status, int64_t changed_ms)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "saga", saga_json_string(id), "definition",
                     saga_json_string(definition), "status", saga_json_string(status), "changed",
                     saga_json_time(changed_ms));
}

static void tell_row(struct saga_changes *changes, const struct saga_view_row *row,
                     struct saga_arena *arena)
{
    struct saga_slice text =
        event_text(arena, "saga", saga_json(row->saga_id, row->name, row->status, row->changed_ms));
    for (struct listener *l = changes->listeners; l; l = l->next)
        if (!l->saga_id[0] && (!l->definition[0] || saga_slice_is(row->name, l->definition)))
            saga_stream_tell(&l->stream, text);
}

static void greet_all(struct saga_changes *changes)
{
    if (changes->anew || changes->compares) return;
    changes->compares = true;
    for (struct listener *l = changes->listeners; l; l = l->next) greet(l);
}

static void tell_lanes(struct saga_changes *changes, struct saga_arena *arena)
{
    json_t *lanes = json_array();
    int64_t now_ms = saga_monotonic_ms();
    for (uint32_t lane = 0; lane < changes->http->config->lanes; lane++)
        if (changes->moved[lane]) json_array_append_new(lanes, json_integer(lane));
    if (json_array_size(lanes) == 0 || now_ms - changes->told_lanes_ms < LANES_MS) {
        json_decref(lanes);
        return;
    }
    struct saga_slice text = event_text(arena, "lanes", json_pack("{s:o}", "lanes", lanes));
    for (struct listener *l = changes->listeners; l; l = l->next)
        if (!l->saga_id[0]) saga_stream_tell(&l->stream, text);
    memset(changes->moved, 0, changes->http->config->lanes * sizeof *changes->moved);
    changes->told_lanes_ms = now_ms;
}

static void keep_alive(struct saga_changes *changes)
{
    int64_t now_ms = saga_monotonic_ms();
    for (struct listener *l = changes->listeners; l; l = l->next) {
        if (now_ms - l->stream.told_ms > ALIVE_MS)
            saga_stream_tell(&l->stream, SAGA_SLICE(": alive\n\n"));
        if (now_ms - l->began_ms > STREAM_MS_MAX || changes->thread.stopping)
            saga_stream_end(&l->stream);
    }
}

/* ---- looking ---- */

static bool was_seen(const struct saga_changes *changes, const struct saga_view_row *row)
{
    for (size_t i = 0; i < changes->seen_count; i++)
        if (changes->seen[i].changed_ms == row->changed_ms &&
            saga_slice_equal(changes->seen[i].saga_id, row->saga_id) &&
            saga_slice_equal(changes->seen[i].status, row->status))
            return true;
    return false;
}

/* The newest that came to another status, those first that did so first. More than a page: the lanes tell of it. Where Redis
 * does not answer, they are still to be looked at. */
static void look_at_statuses(struct saga_changes *changes, struct saga_call *call)
{
    unsigned turn = !changes->turn;
    struct saga_arena *arena = &changes->arenas[turn];
    struct saga_view_page page = { .until_ms = INT64_MAX, .limit = ROWS_MAX };
    struct saga_view_row *rows;
    size_t count;
    bool more;
    saga_arena_reset(arena);
    if (saga_views_page(call->views, call->config.lanes, &page, arena, &rows, &count, &more) < 0) {
        changes->unseen = true;
        return;
    }
    saga_thread_lock(&changes->thread);
    for (size_t i = count; i-- > 0 && !changes->anew;)
        if (!was_seen(changes, &rows[i])) tell_row(changes, &rows[i], arena);
    saga_thread_unlock(&changes->thread);
    changes->anew = false;
    changes->turn = turn;
    changes->seen = rows;
    changes->seen_count = count;
}

/* Redis is asked without the lock; the sagas are those that were listened to before. */
struct looked_at {
    struct saga_slice id;
    struct saga_slice text; /* of the event; absent: Redis has no state */
    uint64_t sequence;
};

static void look_at_saga(struct saga_call *call, struct looked_at *l, uint32_t lane,
                         struct saga_arena *arena)
{
    struct saga_slice bytes;
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_views_state(call->views, lane, l->id, arena, &bytes) < 0 ||
        saga_state_decode(call->codec, bytes, arena, &state, &diagnostic) < 0)
        return;
    json_t *data = saga_json(state->id, state->name, saga_slice_of(saga_status_name(state->status)),
                             state->changed_ms);
    json_object_set_new(data, "sequence", json_integer((json_int_t)state->sequence));
    l->text = event_text(arena, "saga", data);
    l->sequence = state->sequence;
    saga_state_free(state);
}

static void look_at_sagas(struct saga_changes *changes, struct saga_call *call,
                          struct saga_arena *arena)
{
    struct looked_at *all = SAGA_NEW_ARRAY(arena, struct looked_at, STREAMS_MAX);
    size_t count = 0;
    saga_thread_lock(&changes->thread);
    for (struct listener *l = changes->listeners; l; l = l->next)
        if (l->saga_id[0]) all[count++].id = saga_arena_copy(arena, saga_slice_of(l->saga_id));
    saga_thread_unlock(&changes->thread);
    for (size_t i = 0; i < count; i++) {
        struct saga_slice name, key;
        if (saga_id_parse(all[i].id, &name, &key) < 0) continue;
        look_at_saga(call, &all[i], saga_lane_of_key(key, call->config.lanes), arena);
    }
    saga_thread_lock(&changes->thread);
    for (struct listener *l = changes->listeners; l; l = l->next)
        for (size_t i = 0; i < count; i++) {
            if (!all[i].text.data || !saga_slice_is(all[i].id, l->saga_id)) continue;
            if (l->sequence != all[i].sequence) saga_stream_tell(&l->stream, all[i].text);
            l->sequence = all[i].sequence;
            break;
        }
    saga_thread_unlock(&changes->thread);
}

/* Has any lane moved since it was looked at? */
static bool look_at_lanes(struct saga_changes *changes, struct saga_call *call,
                          struct saga_arena *arena)
{
    uint32_t lanes = call->config.lanes;
    struct saga_lane_status *all = SAGA_NEW_ARRAY(arena, struct saga_lane_status, lanes);
    bool any = false;
    if (saga_views_every_lane(call->views, lanes, arena, all) < 0) return false;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        int64_t applied = all[lane].present ? all[lane].applied : -1;
        bool moved = applied != changes->applied[lane];
        if (moved && changes->applied[lane] != -2) changes->moved[lane] = true;
        changes->applied[lane] = applied;
        any = any || moved;
    }
    return any;
}

/* Nobody listened: what happened meanwhile is nobody's to be told. */
static void begin_anew(struct saga_changes *changes)
{
    for (uint32_t lane = 0; lane < changes->http->config->lanes; lane++) {
        changes->applied[lane] = -2;
        changes->moved[lane] = false;
    }
    changes->anew = true;
    changes->looked_ms = -STATUSES_MS;
}

/* Is it time for what has changed? */
static bool is_time_to_look(struct saga_changes *changes)
{
    int64_t now_ms = saga_monotonic_ms();
    if (!changes->unseen || now_ms - changes->looked_ms < STATUSES_MS) return false;
    changes->unseen = false;
    changes->looked_ms = now_ms;
    return true;
}

static void pause_looking(const struct saga_changes *changes)
{
    bool few = changes->http->config->lanes <= LANES_FEW;
    saga_sleep_ms(few ? LOOK_MS : LOOK_AT_MANY_MS);
}

/* `*ret_anew`: nobody has listened for a while; `*ret_newcomers`: somebody has begun to. False: it is over. */
static bool wait_for_listeners(struct saga_changes *changes, bool *ret_anew, bool *ret_newcomers)
{
    saga_thread_lock(&changes->thread);
    *ret_anew = changes->listeners == NULL;
    if (*ret_anew) changes->compares = false;
    while (!changes->listeners && !changes->thread.stopping) saga_thread_wait(&changes->thread);
    bool go_on = !changes->thread.stopping;
    *ret_newcomers = changes->newcomers;
    changes->newcomers = false;
    saga_thread_unlock(&changes->thread);
    return go_on;
}

static void *changes_main(void *context)
{
    struct saga_changes *changes = context;
    struct saga_call call;
    struct saga_arena arena;
    bool first = true;
    saga_http_call_init(changes->http, &call);
    SAGA_ASSERT(saga_views_new(&call.config.redis, &call.views) == SAGA_OK);
    saga_arena_init(&arena);
    for (bool none, newcomers; wait_for_listeners(changes, &none, &newcomers);) {
        if (none || first) begin_anew(changes);
        first = false;
        saga_arena_reset(&arena);
        if (look_at_lanes(changes, &call, &arena)) changes->unseen = true;
        bool look = is_time_to_look(changes);
        if (look) look_at_statuses(changes, &call);
        if (look || newcomers) look_at_sagas(changes, &call, &arena);
        saga_thread_lock(&changes->thread);
        greet_all(changes);
        tell_lanes(changes, &arena);
        keep_alive(changes);
        saga_thread_unlock(&changes->thread);
        pause_looking(changes);
    }
    saga_arena_free(&arena);
    call.arena = NULL;
    saga_http_call_free(&call);
    return NULL;
}

int saga_changes_new(struct saga_http *http, struct saga_changes **ret)
{
    struct saga_changes *changes = saga_memory_zeroed(1, sizeof *changes);
    changes->http = http;
    changes->applied = saga_memory_zeroed(http->config->lanes, sizeof *changes->applied);
    changes->moved = saga_memory_zeroed(http->config->lanes, sizeof *changes->moved);
    saga_arena_init(&changes->arenas[0]);
    saga_arena_init(&changes->arenas[1]);
    saga_thread_begin(&changes->thread, changes_main, changes);
    *ret = changes;
    return SAGA_OK;
}

void saga_changes_wake(struct saga_changes *changes)
{
    saga_thread_stop(&changes->thread);
    saga_thread_lock(&changes->thread);
    for (struct listener *l = changes->listeners; l; l = l->next) saga_stream_end(&l->stream);
    saga_thread_unlock(&changes->thread);
}

void saga_changes_free(struct saga_changes *changes)
{
    if (!changes) return;
    saga_thread_end(&changes->thread);
    saga_arena_free(&changes->arenas[0]);
    saga_arena_free(&changes->arenas[1]);
    free(changes->applied);
    free(changes->moved);
    free(changes);
}
