/* The tables of counts and durations (tally.h), of one lane as they are, and of all lanes added up. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/layout.h"
#include "store/views_internal.h"

struct reading {
    struct saga_arena *arena;
    const enum saga_tally_table *tables; /* of the questions: a lane's, one behind the other */
    size_t table_count;
    const bool *lanes; /* which of them are wanted; NULL: all */
    struct saga_tally_sum *items;
    size_t count, capacity;
};

static int take_table(void *context, size_t question, const redisReply *reply)
{
    struct reading *reading = context;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    if (reading->lanes && !reading->lanes[question / reading->table_count]) return SAGA_OK;
    for (size_t i = 0; i < reply->elements; i += 2) {
        struct saga_slice field = { reply->element[i]->str, (size_t)reply->element[i]->len };
        struct saga_tally_sum sum = { .table = reading->tables[question % reading->table_count],
                                      .field = saga_arena_copy(reading->arena, field) };
        if (!saga_layout_number(reply->element[i + 1], &sum.by)) return SAGA_E_INVALID;
        SAGA_PUSH(reading->arena, reading->items, reading->count, reading->capacity, sum);
    }
    return SAGA_OK;
}

/* These tables of the lanes from `first` to before `end`. */
static int read_tables(struct saga_views *views, uint32_t first, uint32_t end, const bool *lanes,
                       const enum saga_tally_table *tables, size_t table_count,
                       struct saga_arena *arena, struct reading *ret)
{
    size_t count = (size_t)(end - first) * table_count;
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, count);
    *ret = (struct reading){
        .arena = arena, .lanes = lanes, .tables = tables, .table_count = table_count
    };
    for (size_t i = 0; i < count; i++)
        saga_views_ask_key(views, arena, &commands[i], "HGETALL",
                           first + (uint32_t)(i / table_count), "",
                           saga_tally_table_name(tables[i % table_count]));
    return saga_views_ask_all(views, arena, commands, count, take_table, ret);
}

int saga_views_sums(struct saga_views *views, uint32_t lane, struct saga_arena *arena,
                    struct saga_tally_sum **ret, size_t *ret_count)
{
    static const enum saga_tally_table tables[] = { SAGA_TALLY_COUNTS, SAGA_TALLY_STEPS,
                                                    SAGA_TALLY_ERRORS, SAGA_TALLY_DURATIONS };
    struct reading reading;
    int error = read_tables(views, lane, lane + 1, NULL, tables, sizeof tables / sizeof *tables,
                            arena, &reading);
    if (error < 0) return error;
    *ret = reading.items;
    *ret_count = reading.count;
    return SAGA_OK;
}

static int take_size(void *context, size_t question, const redisReply *reply)
{
    int64_t *sizes = context;
    if (reply->type != REDIS_REPLY_INTEGER) return SAGA_E_INVALID;
    sizes[question] = reply->integer;
    return SAGA_OK;
}

int saga_views_list_sizes(struct saga_views *views, uint32_t lane,
                          const struct saga_tally_sum *const *fields, size_t count,
                          struct saga_arena *arena, int64_t *ret_sizes)
{
    char room[SAGA_LAYOUT_LIST_KIND];
    struct saga_command *commands = SAGA_NEW_ARRAY(arena, struct saga_command, count);
    for (size_t i = 0; i < count; i++) {
        (void)saga_layout_list_kind(room, fields[i]->table);
        saga_views_ask_key(views, arena, &commands[i],
                           fields[i]->table == SAGA_TALLY_ERRORS ? "ZCARD" : "SCARD", lane, room,
                           fields[i]->field);
    }
    return saga_views_ask_all(views, arena, commands, count, take_size, ret_sizes);
}

static int by_place(struct saga_slice a_name, uint32_t a_version, struct saga_slice a_word,
                    struct saga_slice b_name, uint32_t b_version, struct saga_slice b_word)
{
    int order = saga_slice_compare(a_name, b_name);
    if (order) return order;
    if (a_version != b_version) return a_version < b_version ? -1 : 1;
    return saga_slice_compare(a_word, b_word);
}

static bool is_of(const struct saga_view_filter *filter, const struct saga_tally_place *place)
{
    return !filter || ((!filter->name.data || saga_slice_equal(filter->name, place->name)) &&
                       (!filter->version || filter->version == place->version));
}

/* ---- how many are where ---- */

static int in_status_then_step(const void *left, const void *right)
{
    const struct saga_view_standing *a = left, *b = right;
    int order = by_place(a->name, a->version, a->status, b->name, b->version, b->status);
    return order ? order : saga_slice_compare(a->step, b->step);
}

int saga_views_standings(struct saga_views *views, uint32_t lanes,
                         const struct saga_view_filter *filter, struct saga_arena *arena,
                         struct saga_view_standing **ret, size_t *ret_count)
{
    static const enum saga_tally_table tables[] = { SAGA_TALLY_COUNTS, SAGA_TALLY_STEPS };
    struct reading reading;
    size_t count = 0, kept = 0;
    int error = read_tables(views, 0, lanes, filter ? filter->lanes : NULL, tables,
                            sizeof tables / sizeof *tables, arena, &reading);
    if (error < 0) return error;
    struct saga_view_standing *items =
        SAGA_NEW_ARRAY(arena, struct saga_view_standing, reading.count);
    for (size_t i = 0; i < reading.count; i++) {
        struct saga_tally_place place;
        const struct saga_tally_sum *sum = &reading.items[i];
        if (saga_tally_read(sum->table, sum->field, &place, NULL) < 0)
            return saga_connection_puzzled(&views->connection, "a view");
        if (sum->by <= 0 || !is_of(filter, &place)) continue;
        if (filter && filter->status.data && !saga_slice_equal(filter->status, place.word))
            continue;
        items[count++] = (struct saga_view_standing){ place.name, place.word, place.version,
                                                      place.step, (uint64_t)sum->by };
    }
    if (count) qsort(items, count, sizeof *items, in_status_then_step);
    for (size_t i = 0; i < count; i++) {
        if (kept && in_status_then_step(&items[kept - 1], &items[i]) == 0)
            items[kept - 1].count += items[i].count;
        else
            items[kept++] = items[i];
    }
    *ret = items;
    *ret_count = kept;
    return SAGA_OK;
}

/* ---- how long they took ---- */

/* A field of one lane. */
struct bucket {
    struct saga_tally_place place;
    unsigned number;
    uint64_t count;
};

static int by_step_then_outcome(const void *left, const void *right)
{
    const struct saga_tally_place *a = &((const struct bucket *)left)->place;
    const struct saga_tally_place *b = &((const struct bucket *)right)->place;
    int order = by_place(a->name, a->version, a->step, b->name, b->version, b->step);
    return order ? order : saga_slice_compare(a->word, b->word);
}

static int read_buckets(struct saga_views *views, uint32_t lanes,
                        const struct saga_view_filter *filter, struct saga_arena *arena,
                        struct bucket **ret, size_t *ret_count)
{
    static const enum saga_tally_table tables[] = { SAGA_TALLY_DURATIONS };
    struct reading reading;
    size_t count = 0;
    int error =
        read_tables(views, 0, lanes, filter ? filter->lanes : NULL, tables, 1, arena, &reading);
    if (error < 0) return error;
    struct bucket *buckets = SAGA_NEW_ARRAY(arena, struct bucket, reading.count);
    for (size_t i = 0; i < reading.count; i++) {
        struct bucket bucket = { 0 };
        const struct saga_tally_sum *sum = &reading.items[i];
        if (saga_tally_read(sum->table, sum->field, &bucket.place, &bucket.number) < 0)
            return saga_connection_puzzled(&views->connection, "a view");
        bucket.count = sum->by > 0 ? (uint64_t)sum->by : 0;
        if (bucket.count && is_of(filter, &bucket.place)) buckets[count++] = bucket;
    }
    if (count) qsort(buckets, count, sizeof *buckets, by_step_then_outcome);
    *ret = buckets;
    *ret_count = count;
    return SAGA_OK;
}

int saga_views_durations(struct saga_views *views, uint32_t lanes,
                         const struct saga_view_filter *filter, struct saga_arena *arena,
                         struct saga_view_duration **ret, size_t *ret_count)
{
    struct bucket *buckets = NULL;
    struct saga_view_duration *items = NULL;
    size_t bucket_count = 0, count = 0, capacity = 0;
    int error = read_buckets(views, lanes, filter, arena, &buckets, &bucket_count);
    if (error < 0) return error;
    for (size_t i = 0; i < bucket_count; i++) {
        const struct saga_tally_place *place = &buckets[i].place;
        if (i == 0 || by_step_then_outcome(&buckets[i - 1], &buckets[i]) != 0) {
            struct saga_view_duration fresh = { place->name, place->version, place->word,
                                                place->step,
                                                SAGA_NEW(arena, struct saga_histogram) };
            SAGA_PUSH(arena, items, count, capacity, fresh);
        }
        saga_histogram_add(items[count - 1].histogram, buckets[i].number, buckets[i].count);
    }
    *ret = items;
    *ret_count = count;
    return SAGA_OK;
}
