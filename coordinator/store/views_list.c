/* Views over all lanes: what indexes there are, then one question to each, in portions without
 * waiting between. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/layout.h"
#include "store/views_internal.h"

enum { PIPELINE_MAX = 500 }; /* questions that are on their way at once */

/* An index of one lane. */
struct found {
    uint32_t lane;
    struct saga_slice label; /* as it is named in the key */
    struct saga_slice name, status;
};

struct found_list {
    struct found *items;
    size_t count, capacity;
};

/* What to do with the answer to question number `index`. */
typedef int take_fn(void *context, size_t index, const redisReply *reply);

static int ask_all(struct saga_views *views, struct saga_arena *arena,
                   const struct saga_command *commands, size_t count, take_fn *take, void *context)
{
    redisReply **replies = SAGA_NEW_ARRAY(arena, redisReply *, PIPELINE_MAX);
    int error = SAGA_OK;
    for (size_t from = 0; from < count && error == SAGA_OK; from += PIPELINE_MAX) {
        size_t portion = count - from < PIPELINE_MAX ? count - from : PIPELINE_MAX;
        error = saga_connection_call_all(&views->connection, commands + from, portion, replies);
        if (error < 0) return error;
        for (size_t i = 0; i < portion; i++) {
            if (error == SAGA_OK) error = take(context, from + i, replies[i]);
            freeReplyObject(replies[i]);
        }
    }
    return error < 0 ? saga_connection_puzzled(&views->connection, "a view") : SAGA_OK;
}

/* ---- how the lanes stand ---- */

struct standings {
    struct saga_arena *arena;
    struct saga_lane_status *items;
};

static int take_lane(void *context, size_t lane, const redisReply *reply)
{
    struct standings *standings = context;
    return saga_layout_lane_status(reply, standings->arena, &standings->items[lane]);
}

int saga_views_every_lane(struct saga_views *views, uint32_t lanes, struct saga_arena *arena,
                          struct saga_lane_status *ret)
{
    struct standings standings = { arena, ret };
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        saga_command_init(&commands[lane], arena);
        saga_layout_ask_lane(&commands[lane], views->connection.config.prefix, lane);
    }
    return ask_all(views, arena, commands, lanes, take_lane, &standings);
}

/* ---- which indexes there are ---- */

struct directory {
    struct saga_arena *arena;
    const struct saga_view_filter *filter; /* NULL: all */
    struct found_list *found;
};

static bool wanted(const struct saga_view_filter *filter, struct saga_slice name,
                   struct saga_slice status)
{
    return (!filter->name.data || saga_slice_equal(filter->name, name)) &&
           (!filter->status.data || saga_slice_equal(filter->status, status));
}

static int take_directory(void *context, size_t lane, const redisReply *reply)
{
    struct directory *directory = context;
    struct found_list *list = directory->found;
    if (reply->type != REDIS_REPLY_ARRAY) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i++) {
        struct found found = { .lane = (uint32_t)lane };
        found.label = saga_arena_copy(
            directory->arena,
            (struct saga_slice){ reply->element[i]->str, (size_t)reply->element[i]->len });
        saga_layout_index_split(found.label, &found.name, &found.status);
        if (directory->filter && !wanted(directory->filter, found.name, found.status)) continue;
        SAGA_PUSH(directory->arena, list->items, list->count, list->capacity, found);
    }
    return SAGA_OK;
}

static int find_indexes(struct saga_views *views, uint32_t lanes,
                        const struct saga_view_filter *filter, struct saga_arena *arena,
                        struct found_list *ret)
{
    struct directory directory = { arena, filter, ret };
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++)
        saga_views_ask_key(views, arena, &commands[lane], "SMEMBERS", lane, "indexes",
                           SAGA_SLICE_NONE);
    return ask_all(views, arena, commands, lanes, take_directory, &directory);
}

/* ---- list ---- */

struct rows {
    struct saga_arena *arena;
    const struct found *indexes; /* of the questions, by number */
    struct saga_view_row *items;
    size_t count, capacity;
};

static int take_newest(void *context, size_t index, const redisReply *reply)
{
    struct rows *rows = context;
    const struct found *found = &rows->indexes[index];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i += 2) {
        const redisReply *id = reply->element[i];
        struct saga_view_row row = { .name = found->name,
                                     .status = found->status,
                                     .lane = found->lane };
        if (!saga_layout_number(reply->element[i + 1], &row.changed_ms)) return SAGA_E_INVALID;
        row.saga_id = saga_arena_copy(rows->arena, (struct saga_slice){ id->str, (size_t)id->len });
        SAGA_PUSH(rows->arena, rows->items, rows->count, rows->capacity, row);
    }
    return SAGA_OK;
}

static int list_indexes(struct saga_views *views, const struct found_list *found, size_t limit,
                        struct rows *rows)
{
    struct saga_command *commands = SAGA_NEW_ARRAY(rows->arena, struct saga_command, found->count);
    for (size_t i = 0; i < found->count; i++) {
        saga_views_ask_key(views, rows->arena, &commands[i], "ZREVRANGE", found->items[i].lane,
                           "index:", found->items[i].label);
        saga_command_add_text(&commands[i], "0");
        saga_command_add_number(&commands[i], (int64_t)limit - 1);
        saga_command_add_text(&commands[i], "WITHSCORES");
    }
    rows->indexes = found->items;
    return ask_all(views, rows->arena, commands, found->count, take_newest, rows);
}

/* ---- list by a search value ---- */

static int take_hits(void *context, size_t lane, const redisReply *reply)
{
    struct rows *hits = context;
    if (reply->type != REDIS_REPLY_ARRAY) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *id = reply->element[i];
        struct saga_view_row row = { .lane = (uint32_t)lane };
        row.saga_id = saga_arena_copy(hits->arena, (struct saga_slice){ id->str, (size_t)id->len });
        SAGA_PUSH(hits->arena, hits->items, hits->count, hits->capacity, row);
    }
    return SAGA_OK;
}

/* Questions whether a hit is in an index: the row that it gives if so. */
struct probes {
    struct saga_view_row *items;
    size_t count, capacity;
    struct rows *rows;
};

static int take_probe(void *context, size_t index, const redisReply *reply)
{
    struct probes *probes = context;
    struct rows *rows = probes->rows;
    struct saga_view_row row = probes->items[index];
    if (reply->type == REDIS_REPLY_NIL) return SAGA_OK;
    if (!saga_layout_number(reply, &row.changed_ms)) return SAGA_E_INVALID;
    SAGA_PUSH(rows->arena, rows->items, rows->count, rows->capacity, row);
    return SAGA_OK;
}

/* A saga id begins with its definition's name and a slash. */
static bool may_be_in(const struct saga_view_row *hit, const struct found *index)
{
    return hit->lane == index->lane && hit->saga_id.size > index->name.size &&
           hit->saga_id.data[index->name.size] == '/' &&
           memcmp(hit->saga_id.data, index->name.data, index->name.size) == 0;
}

static int list_hits(struct saga_views *views, uint32_t lanes, struct saga_slice value,
                     const struct found_list *found, struct rows *rows)
{
    struct saga_arena *arena = rows->arena;
    struct rows hits = { .arena = arena };
    struct probes probes = { .rows = rows };
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++)
        saga_views_ask_key(views, arena, &commands[lane], "SMEMBERS", lane, "search:", value);
    int error = ask_all(views, arena, commands, lanes, take_hits, &hits);
    if (error < 0) return error;
    size_t command_count = 0, capacity = 0;
    commands = NULL;
    for (size_t h = 0; h < hits.count; h++) {
        for (size_t i = 0; i < found->count; i++) {
            struct saga_view_row probe = hits.items[h];
            struct saga_command command;
            if (!may_be_in(&hits.items[h], &found->items[i])) continue;
            probe.name = found->items[i].name;
            probe.status = found->items[i].status;
            SAGA_PUSH(arena, probes.items, probes.count, probes.capacity, probe);
            saga_views_ask_key(views, arena, &command, "ZSCORE", hits.items[h].lane,
                               "index:", found->items[i].label);
            saga_command_add(&command, hits.items[h].saga_id);
            SAGA_PUSH(arena, commands, command_count, capacity, command);
        }
    }
    return ask_all(views, arena, commands, command_count, take_probe, &probes);
}

/* Newest first; the rest is so that equal times give the same list each time. */
static int newest_first(const void *left, const void *right)
{
    const struct saga_view_row *a = left, *b = right;
    if (a->changed_ms != b->changed_ms) return a->changed_ms > b->changed_ms ? -1 : 1;
    int order = saga_slice_compare(a->saga_id, b->saga_id);
    return order ? order : saga_slice_compare(a->status, b->status);
}

int saga_views_list(struct saga_views *views, uint32_t lanes, const struct saga_view_filter *filter,
                    struct saga_arena *arena, struct saga_view_row **ret_rows, size_t *ret_count)
{
    struct found_list found = { 0 };
    struct rows rows = { .arena = arena };
    int error = find_indexes(views, lanes, filter, arena, &found);
    if (error == SAGA_OK && filter->limit > 0)
        error = filter->search.data ? list_hits(views, lanes, filter->search, &found, &rows)
                                    : list_indexes(views, &found, filter->limit, &rows);
    if (error < 0) return error;
    if (rows.count) qsort(rows.items, rows.count, sizeof *rows.items, newest_first);
    *ret_rows = rows.items;
    *ret_count = rows.count < filter->limit ? rows.count : filter->limit;
    return SAGA_OK;
}

/* ---- counts ---- */

struct counting {
    const struct found *indexes;
    struct saga_view_count *items;
};

static int take_count(void *context, size_t index, const redisReply *reply)
{
    struct counting *counting = context;
    if (reply->type != REDIS_REPLY_INTEGER) return SAGA_E_INVALID;
    counting->items[index] =
        (struct saga_view_count){ counting->indexes[index].name, counting->indexes[index].status,
                                  (uint64_t)reply->integer };
    return SAGA_OK;
}

static int by_name_and_status(const void *left, const void *right)
{
    const struct saga_view_count *a = left, *b = right;
    int order = saga_slice_compare(a->name, b->name);
    return order ? order : saga_slice_compare(a->status, b->status);
}

/* Adds up what the lanes say, drops what is empty; gives the new count. */
static size_t add_up(struct saga_view_count *items, size_t count)
{
    size_t kept = 0;
    if (count) qsort(items, count, sizeof *items, by_name_and_status);
    for (size_t i = 0; i < count; i++) {
        if (items[i].count == 0) continue;
        if (kept && by_name_and_status(&items[kept - 1], &items[i]) == 0)
            items[kept - 1].count += items[i].count;
        else
            items[kept++] = items[i];
    }
    return kept;
}

static int count_indexes(struct saga_views *views, struct saga_arena *arena,
                         const struct found_list *found, struct saga_view_count **ret,
                         size_t *ret_count)
{
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, found->count);
    struct counting counting = { found->items,
                                 SAGA_NEW_ARRAY(arena, struct saga_view_count, found->count) };
    for (size_t i = 0; i < found->count; i++)
        saga_views_ask_key(views, arena, &commands[i], "ZCARD", found->items[i].lane,
                           "index:", found->items[i].label);
    int error = ask_all(views, arena, commands, found->count, take_count, &counting);
    *ret = counting.items;
    *ret_count = found->count;
    return error;
}

/* An index says how many there are, but not of which search value. */
static int count_hits(struct saga_views *views, uint32_t lanes, struct saga_slice search,
                      const struct found_list *found, struct saga_arena *arena,
                      struct saga_view_count **ret, size_t *ret_count)
{
    struct rows rows = { .arena = arena };
    int error = list_hits(views, lanes, search, found, &rows);
    struct saga_view_count *items = SAGA_NEW_ARRAY(arena, struct saga_view_count, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        items[i] = (struct saga_view_count){ rows.items[i].name, rows.items[i].status, 1 };
    *ret = items;
    *ret_count = rows.count;
    return error;
}

int saga_views_counts(struct saga_views *views, uint32_t lanes,
                      const struct saga_view_filter *filter, struct saga_arena *arena,
                      struct saga_view_count **ret, size_t *ret_count)
{
    struct found_list found = { 0 };
    struct saga_view_count *items = NULL;
    size_t count = 0;
    int error = find_indexes(views, lanes, filter, arena, &found);
    if (error == SAGA_OK)
        error = filter && filter->search.data
                    ? count_hits(views, lanes, filter->search, &found, arena, &items, &count)
                    : count_indexes(views, arena, &found, &items, &count);
    if (error < 0) return error;
    *ret = items;
    *ret_count = add_up(items, count);
    return SAGA_OK;
}
