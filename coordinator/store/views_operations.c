/* The log of what operators said: every lane's is a stream in its own order, read in portions, and merged as far as no stream
 * that is not read to its end could still have something newer. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/layout.h"
#include "store/views_internal.h"

enum { PORTION_MIN = 16 };

struct stream {
    uint32_t lane;
    size_t read; /* entries that were asked for */
    bool ended;
    bool has_last;
    struct saga_view_operation last; /* the oldest that came */
};

struct reading {
    struct saga_views *views;
    struct saga_arena *arena;
    const struct saga_view_operations_page *page;
    struct stream *streams;
    const size_t *asked; /* of the round's questions: which stream */
    size_t portion;
    struct saga_view_operation *items;
    size_t count, capacity;
};

/* Below zero: `a` comes first. */
static int order(const struct saga_view_operation *a, const struct saga_view_operation *b)
{
    if (a->time_ms != b->time_ms) return a->time_ms > b->time_ms ? -1 : 1;
    if (a->lane != b->lane) return a->lane > b->lane ? -1 : 1;
    return (a->offset < b->offset) - (a->offset > b->offset);
}

static int by_place(const void *left, const void *right)
{
    return order(left, right);
}

static bool is_on_page(const struct saga_view_operations_page *page,
                       const struct saga_view_operation *item)
{
    const struct saga_view_operation after = { .lane = page->after_lane,
                                               .offset = page->after_offset,
                                               .time_ms = page->after_ms };
    if (item->time_ms < page->since_ms || item->time_ms >= page->until_ms) return false;
    return !page->has_after || order(&after, item) < 0;
}

/* A member with its time; in `arena`. */
static int read_item(const redisReply *member, const redisReply *time, struct saga_arena *arena,
                     struct saga_view_operation *ret)
{
    struct saga_slice text = { member->str, (size_t)member->len };
    if (!saga_layout_number(time, &ret->time_ms) ||
        saga_layout_operation_split(text, &ret->offset, &ret->entry) < 0)
        return SAGA_E_INVALID;
    ret->entry = saga_arena_copy(arena, ret->entry);
    return SAGA_OK;
}

static int take_portion(void *context, size_t question, const redisReply *reply)
{
    struct reading *r = context;
    struct stream *stream = &r->streams[r->asked[question]];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i += 2) {
        struct saga_view_operation item = { .lane = stream->lane };
        int error = read_item(reply->element[i], reply->element[i + 1], r->arena, &item);
        if (error < 0) return error;
        if (is_on_page(r->page, &item)) SAGA_PUSH(r->arena, r->items, r->count, r->capacity, item);
        stream->last = item;
        stream->has_last = true;
    }
    stream->read += r->portion;
    stream->ended = reply->elements / 2 < r->portion;
    return SAGA_OK;
}

static void ask_portion(const struct reading *r, const struct stream *stream,
                        struct saga_command *ret)
{
    const struct saga_view_operations_page *page = r->page;
    const struct saga_view_portion portion = { .lane = stream->lane,
                                               .kind = "operations",
                                               .since_ms = page->since_ms,
                                               .until_ms = page->until_ms,
                                               .has_after = page->has_after,
                                               .after_ms = page->after_ms,
                                               .read = stream->read,
                                               .wanted = r->portion };
    saga_views_ask_portion(r->views, r->arena, ret, &portion);
}

/* May the stream have something that comes before the last of the page? */
static bool is_wanted(const struct reading *r, const struct stream *stream)
{
    if (stream->ended) return false;
    if (!stream->has_last || r->count < r->page->limit) return true;
    return order(&stream->last, &r->items[r->page->limit - 1]) < 0;
}

/* One round over the streams that are wanted; `*ret_asked` is how many. */
static int read_round(struct reading *r, uint32_t lanes, size_t *ret_asked)
{
    struct saga_command *commands = SAGA_NEW_ARRAY(r->arena, struct saga_command, lanes);
    size_t *asked = SAGA_NEW_ARRAY(r->arena, size_t, lanes), count = 0;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        if (!is_wanted(r, &r->streams[lane])) continue;
        ask_portion(r, &r->streams[lane], &commands[count]);
        asked[count++] = lane;
    }
    r->asked = asked;
    *ret_asked = count;
    int error = saga_views_ask_all(r->views, r->arena, commands, count, take_portion, r);
    if (r->count) qsort(r->items, r->count, sizeof *r->items, by_place);
    return error;
}

int saga_views_operations(struct saga_views *views, uint32_t lanes,
                          const struct saga_view_operations_page *page, struct saga_arena *arena,
                          struct saga_view_operation **ret, size_t *ret_count, bool *ret_more)
{
    struct reading r = { .views = views, .arena = arena, .page = page };
    size_t asked = 1;
    int error = SAGA_OK;
    bool all_ended = true;
    r.streams = SAGA_NEW_ARRAY(arena, struct stream, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++) r.streams[lane].lane = lane;
    r.portion = lanes ? 2 * page->limit / lanes : 0;
    if (r.portion < PORTION_MIN) r.portion = PORTION_MIN;
    while (error == SAGA_OK && asked > 0 && page->limit > 0) {
        error = read_round(&r, lanes, &asked);
        r.portion *= 2;
    }
    if (error < 0) return error;
    for (uint32_t lane = 0; lane < lanes; lane++) all_ended = all_ended && r.streams[lane].ended;
    *ret = r.items;
    *ret_count = r.count < page->limit ? r.count : page->limit;
    *ret_more = r.count > page->limit || !all_ended;
    return SAGA_OK;
}

/* ---- what is known ---- */

enum { ASK_BEGIN, ASK_COUNT, ASK_OLDEST, QUESTIONS };

static int take_log(void *context, size_t question, const redisReply *reply)
{
    struct saga_view_log *log = &((struct saga_view_log *)context)[question / QUESTIONS];
    switch (question % QUESTIONS) {
    case ASK_BEGIN:
        *log = (struct saga_view_log){ 0 };
        if (reply->type == REDIS_REPLY_NIL) return SAGA_OK;
        if (reply->type != REDIS_REPLY_STRING) return SAGA_E_INVALID;
        log->known = true;
        return saga_layout_log_begin_read((struct saga_slice){ reply->str, (size_t)reply->len },
                                          &log->from, &log->from_ms);
    case ASK_COUNT:
        if (reply->type != REDIS_REPLY_INTEGER) return SAGA_E_INVALID;
        log->full = reply->integer >= SAGA_OPERATIONS_MAX;
        return SAGA_OK;
    default:
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
        if (reply->elements == 0) return SAGA_OK;
        return saga_layout_number(reply->element[1], &log->oldest_ms) ? SAGA_OK : SAGA_E_INVALID;
    }
}

/* `wanted` entries of the lane's log behind the `first` oldest, with their times. */
static void ask_range(const struct saga_views *views, struct saga_arena *arena,
                      struct saga_command *command, uint32_t lane, size_t first, size_t wanted)
{
    saga_views_ask_key(views, arena, command, "ZRANGE", lane, "operations", SAGA_SLICE_NONE);
    saga_command_add_number(command, (int64_t)first);
    saga_command_add_number(command, (int64_t)(first + wanted) - 1);
    saga_command_add_text(command, "WITHSCORES");
}

static void ask_log(const struct saga_views *views, struct saga_arena *arena,
                    struct saga_command *commands, uint32_t lane)
{
    saga_views_ask_key(views, arena, &commands[ASK_BEGIN], "HGET", lane, "lane", SAGA_SLICE_NONE);
    saga_command_add_text(&commands[ASK_BEGIN], "operations");
    saga_views_ask_key(views, arena, &commands[ASK_COUNT], "ZCARD", lane, "operations",
                       SAGA_SLICE_NONE);
    ask_range(views, arena, &commands[ASK_OLDEST], lane, 0, 1);
}

int saga_views_logs(struct saga_views *views, uint32_t lanes, struct saga_arena *arena,
                    struct saga_view_log *ret)
{
    size_t count = (size_t)lanes * QUESTIONS;
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, count);
    for (uint32_t lane = 0; lane < lanes; lane++)
        ask_log(views, arena, &commands[(size_t)lane * QUESTIONS], lane);
    return saga_views_ask_all(views, arena, commands, count, take_log, ret);
}

int saga_views_log(struct saga_views *views, uint32_t lane, struct saga_arena *arena,
                   struct saga_view_log *ret)
{
    struct saga_command commands[QUESTIONS];
    ask_log(views, arena, commands, lane);
    return saga_views_ask_all(views, arena, commands, QUESTIONS, take_log, ret);
}

/* ---- one lane's ---- */

struct entries {
    uint32_t lane;
    struct saga_arena *arena;
    struct saga_view_operation *items;
    size_t count;
};

static int take_entries(void *context, size_t question, const redisReply *reply)
{
    struct entries *e = context;
    (void)question;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    e->items = SAGA_NEW_ARRAY(e->arena, struct saga_view_operation, reply->elements / 2);
    for (; e->count < reply->elements / 2; e->count++) {
        const redisReply *member = reply->element[2 * e->count];
        struct saga_view_operation *item = &e->items[e->count];
        item->lane = e->lane;
        if (read_item(member, reply->element[2 * e->count + 1], e->arena, item) == SAGA_OK)
            continue;
        item->offset = -1;
        item->entry =
            saga_arena_copy(e->arena, (struct saga_slice){ member->str, (size_t)member->len });
    }
    return SAGA_OK;
}

int saga_views_log_entries(struct saga_views *views, uint32_t lane, size_t first, size_t wanted,
                           struct saga_arena *arena, struct saga_view_operation **ret,
                           size_t *ret_count)
{
    struct entries e = { .lane = lane, .arena = arena };
    struct saga_command command;
    ask_range(views, arena, &command, lane, first, wanted);
    int error = saga_views_ask_all(views, arena, &command, 1, take_entries, &e);
    *ret = e.items;
    *ret_count = e.count;
    return error;
}
