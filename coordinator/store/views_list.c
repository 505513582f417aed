/* Views over all lanes: what indexes there are, then one question to each, in portions without
 * waiting between. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/layout.h"
#include "store/views_internal.h"

enum { PIPELINE_MAX = 500 }; /* questions that are on their way at once */

int saga_views_ask_all(struct saga_views *views, struct saga_arena *arena,
                       const struct saga_command *commands, size_t count, saga_views_take *take,
                       void *context)
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
    return saga_views_ask_all(views, arena, commands, lanes, take_lane, &standings);
}

/* ---- which indexes there are ---- */

struct directory {
    struct saga_arena *arena;
    enum saga_tally_table table;
    struct saga_slice step;                /* of STEPS */
    const struct saga_view_filter *filter; /* NULL: all */
    struct saga_view_indexes *found;
};

static bool wanted(const struct directory *directory, const struct saga_tally_place *place)
{
    const struct saga_view_filter *filter = directory->filter;
    if (!saga_slice_equal(directory->step, place->step)) return false;
    return !filter || ((!filter->name.data || saga_slice_equal(filter->name, place->name)) &&
                       (!filter->version || filter->version == place->version) &&
                       (!filter->status.data || saga_slice_equal(filter->status, place->word)));
}

static int take_directory(void *context, size_t lane, const redisReply *reply)
{
    struct directory *directory = context;
    struct saga_view_indexes *list = directory->found;
    const bool *lanes = directory->filter ? directory->filter->lanes : NULL;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements && (!lanes || lanes[lane]); i += 2) {
        struct saga_view_index found = { .lane = (uint32_t)lane };
        struct saga_slice field = { reply->element[i]->str, (size_t)reply->element[i]->len };
        struct saga_tally_place place;
        int64_t count;
        if (saga_tally_read(directory->table, field, &place, NULL) < 0 ||
            !saga_layout_number(reply->element[i + 1], &count))
            return SAGA_E_INVALID;
        if (!wanted(directory, &place)) continue;
        found.label = saga_arena_copy(directory->arena, field);
        (void)saga_tally_read(directory->table, found.label, &place, NULL);
        if (place.step.data) found.label.size -= place.step.size + 1;
        found.name = place.name;
        found.version = place.version;
        found.status = place.word;
        found.count = count > 0 ? (uint64_t)count : 0;
        SAGA_PUSH(directory->arena, list->items, list->count, list->capacity, found);
    }
    return SAGA_OK;
}

/* The counts name them: one that is empty is not among them. */
int saga_views_find_indexes(struct saga_views *views, uint32_t lanes, enum saga_tally_table table,
                            struct saga_slice step, const struct saga_view_filter *filter,
                            struct saga_arena *arena, struct saga_view_indexes *ret)
{
    struct directory directory = { arena, table, step, filter, ret };
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++)
        saga_views_ask_key(views, arena, &commands[lane], "HGETALL", lane, "",
                           saga_tally_table_name(table));
    return saga_views_ask_all(views, arena, commands, lanes, take_directory, &directory);
}

/* All that there are. */
static int find_all(struct saga_views *views, uint32_t lanes, const struct saga_view_filter *filter,
                    struct saga_arena *arena, struct saga_view_indexes *ret)
{
    return saga_views_find_indexes(views, lanes, SAGA_TALLY_COUNTS, SAGA_SLICE_NONE, filter, arena,
                                   ret);
}

/* ---- list ---- */

struct rows {
    struct saga_arena *arena;
    const struct saga_view_index *indexes; /* of the questions, by number */
    struct saga_view_row *items;
    size_t count, capacity;
};

static int take_newest(void *context, size_t index, const redisReply *reply)
{
    struct rows *rows = context;
    const struct saga_view_index *found = &rows->indexes[index];
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

static int list_indexes(struct saga_views *views, const struct saga_view_indexes *found,
                        size_t limit, struct rows *rows)
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
    return saga_views_ask_all(views, rows->arena, commands, found->count, take_newest, rows);
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
bool saga_views_may_be_in(const struct saga_view_row *hit, const struct saga_view_index *index)
{
    return hit->lane == index->lane && hit->saga_id.size > index->name.size &&
           hit->saga_id.data[index->name.size] == '/' &&
           memcmp(hit->saga_id.data, index->name.data, index->name.size) == 0;
}

static int list_hits(struct saga_views *views, uint32_t lanes, struct saga_slice value,
                     const struct saga_view_indexes *found, struct rows *rows)
{
    struct saga_arena *arena = rows->arena;
    struct rows hits = { .arena = arena };
    struct probes probes = { .rows = rows };
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++)
        saga_views_ask_key(views, arena, &commands[lane], "SMEMBERS", lane, "search:", value);
    int error = saga_views_ask_all(views, arena, commands, lanes, take_hits, &hits);
    if (error < 0) return error;
    size_t command_count = 0, capacity = 0;
    commands = NULL;
    for (size_t h = 0; h < hits.count; h++) {
        for (size_t i = 0; i < found->count; i++) {
            struct saga_view_row probe = hits.items[h];
            struct saga_command command;
            if (!saga_views_may_be_in(&hits.items[h], &found->items[i])) continue;
            probe.name = found->items[i].name;
            probe.status = found->items[i].status;
            SAGA_PUSH(arena, probes.items, probes.count, probes.capacity, probe);
            saga_views_ask_key(views, arena, &command, "ZSCORE", hits.items[h].lane,
                               "index:", found->items[i].label);
            saga_command_add(&command, hits.items[h].saga_id);
            SAGA_PUSH(arena, commands, command_count, capacity, command);
        }
    }
    return saga_views_ask_all(views, arena, commands, command_count, take_probe, &probes);
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
    struct saga_view_indexes found = { 0 };
    struct rows rows = { .arena = arena };
    int error = find_all(views, lanes, filter, arena, &found);
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

static void count_indexes(struct saga_arena *arena, const struct saga_view_indexes *found,
                          struct saga_view_count **ret, size_t *ret_count)
{
    *ret = SAGA_NEW_ARRAY(arena, struct saga_view_count, found->count);
    *ret_count = found->count;
    for (size_t i = 0; i < found->count; i++)
        (*ret)[i] = (struct saga_view_count){ found->items[i].name, found->items[i].status,
                                              found->items[i].count };
}

/* An index says how many there are, but not of which search value. */
static int count_hits(struct saga_views *views, uint32_t lanes, struct saga_slice search,
                      const struct saga_view_indexes *found, struct saga_arena *arena,
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
    struct saga_view_indexes found = { 0 };
    struct saga_view_count *items = NULL;
    size_t count = 0;
    int error = find_all(views, lanes, filter, arena, &found);
    if (error == SAGA_OK && filter && filter->search.data)
        error = count_hits(views, lanes, filter->search, &found, arena, &items, &count);
    else if (error == SAGA_OK)
        count_indexes(arena, &found, &items, &count);
    if (error < 0) return error;
    *ret = items;
    *ret_count = add_up(items, count);
    return SAGA_OK;
}
