/* A page of a list. Every index is a stream in its own order, read in portions, and merged as far as no stream that is not
 * read to its end could still have something newer. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/layout.h"
#include "store/views_internal.h"

struct stream {
    const struct saga_view_index *index;
    size_t read;    /* entries that were asked for */
    size_t portion; /* that are asked for next */
    bool ended;
    bool asked; /* in this round */
    bool has_last;
    struct saga_view_row last; /* the oldest that came */
};

struct paging {
    struct saga_views *views;
    struct saga_arena *arena;
    const struct saga_view_page *page;
    bool by_error; /* the lists of those with an error are read */
    struct stream *streams;
    size_t stream_count;
    const size_t *asked; /* of the round's questions: which stream */
    struct saga_view_row *rows;
    size_t count, capacity;
};

/* Below zero: `a` comes first. */
static int order(int64_t a_ms, struct saga_slice a, int64_t b_ms, struct saga_slice b)
{
    if (a_ms != b_ms) return a_ms > b_ms ? -1 : 1;
    return saga_slice_compare(b, a);
}

static int by_place(const void *left, const void *right)
{
    const struct saga_view_row *a = left, *b = right;
    int places = order(a->changed_ms, a->saga_id, b->changed_ms, b->saga_id);
    return places ? places : saga_slice_compare(a->status, b->status);
}

static bool is_on_page(const struct saga_view_page *page, int64_t changed_ms, struct saga_slice id)
{
    if (changed_ms < page->since_ms || changed_ms >= page->until_ms) return false;
    return !page->has_after || order(page->after_ms, page->after_id, changed_ms, id) < 0;
}

static void keep(struct paging *p, const struct saga_view_row *row)
{
    if (is_on_page(p->page, row->changed_ms, row->saga_id))
        SAGA_PUSH(p->arena, p->rows, p->count, p->capacity, *row);
}

/* What stands at `at` in an answer of members and times. */
static bool read_row(const struct paging *p, const struct saga_view_index *index,
                     const redisReply *reply, size_t at, struct saga_view_row *ret)
{
    const redisReply *member = reply->element[at];
    *ret =
        (struct saga_view_row){ .name = index->name, .status = index->status, .lane = index->lane };
    if (!saga_layout_number(reply->element[at + 1], &ret->changed_ms)) return false;
    ret->saga_id =
        saga_arena_copy(p->arena, (struct saga_slice){ member->str, (size_t)member->len });
    return !p->by_error ||
           saga_layout_error_split(ret->saga_id, &ret->saga_id, &ret->error) == SAGA_OK;
}

/* ---- streams ---- */

static int take_portion(void *context, size_t question, const redisReply *reply)
{
    struct paging *p = context;
    struct stream *stream = &p->streams[p->asked[question]];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i += 2) {
        struct saga_view_row row;
        if (!read_row(p, stream->index, reply, i, &row)) return SAGA_E_INVALID;
        keep(p, &row);
        stream->last = row;
        stream->has_last = true;
    }
    stream->read += stream->portion;
    stream->ended = reply->elements / 2 < stream->portion;
    stream->portion *= 2;
    return SAGA_OK;
}

static void ask_portion(const struct paging *p, const struct stream *stream,
                        struct saga_command *ret)
{
    const struct saga_view_page *page = p->page;
    const struct saga_view_portion portion = { .lane = stream->index->lane,
                                               .kind = p->by_error ? "errors:" : "index:",
                                               .rest = stream->index->label,
                                               .since_ms = page->since_ms,
                                               .until_ms = page->until_ms,
                                               .has_after = page->has_after,
                                               .after_ms = page->after_ms,
                                               .read = stream->read,
                                               .wanted = stream->portion };
    saga_views_ask_portion(p->views, p->arena, ret, &portion);
}

/* May the stream have something that comes before the last row of the page? */
static bool is_wanted(const struct paging *p, const struct stream *stream)
{
    if (stream->ended) return false;
    if (!stream->has_last || p->count < p->page->limit) return true;
    const struct saga_view_row *last = &p->rows[p->page->limit - 1];
    return order(stream->last.changed_ms, stream->last.saga_id, last->changed_ms, last->saga_id) <
           0;
}

/* One round over the streams that are wanted; `*ret_asked` is how many. */
static int read_round(struct paging *p, size_t *ret_asked)
{
    struct saga_command *commands = SAGA_NEW_ARRAY(p->arena, struct saga_command, p->stream_count);
    size_t *asked = SAGA_NEW_ARRAY(p->arena, size_t, p->stream_count), count = 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        if (!is_wanted(p, &p->streams[i])) continue;
        ask_portion(p, &p->streams[i], &commands[count]);
        asked[count++] = i;
    }
    p->asked = asked;
    *ret_asked = count;
    int error = saga_views_ask_all(p->views, p->arena, commands, count, take_portion, p);
    if (p->count) qsort(p->rows, p->count, sizeof *p->rows, by_place);
    return error;
}

/* As much of a stream as it is of all, and a quarter more: most pages are full then. What is missing comes in further rounds, of a
 * few streams. Many streams have next to nothing, and one entry each says so. */
static size_t first_portion(const struct saga_view_page *page, double share)
{
    enum { SPARE = 3 };
    double wanted = (double)page->limit * share;
    return (wanted < 0.25 ? 1 : SPARE) + (size_t)(1.25 * wanted);
}

static void begin_streams(struct paging *p, const struct saga_view_indexes *indexes)
{
    double all = 0;
    p->stream_count = indexes->count;
    p->streams = SAGA_NEW_ARRAY(p->arena, struct stream, indexes->count);
    for (size_t i = 0; i < indexes->count; i++) all += (double)indexes->items[i].count;
    for (size_t i = 0; i < indexes->count; i++) {
        const struct saga_view_index *index = &indexes->items[i];
        double share = all > 0 ? (double)index->count / all : 0;
        p->streams[i].index = index;
        p->streams[i].portion = first_portion(p->page, share);
    }
}

static int read_streams(struct paging *p, const struct saga_view_indexes *indexes, bool by_error)
{
    size_t asked = 1;
    int error = SAGA_OK;
    p->by_error = by_error;
    begin_streams(p, indexes);
    while (error == SAGA_OK && asked > 0) error = read_round(p, &asked);
    return error;
}

/* ---- by search values ---- */

struct hits {
    struct paging *paging;
    struct saga_view_row *items; /* and then, those that are asked after in an index */
    size_t count, capacity;
    int64_t least; /* of a lane's sets, the smallest */
    int64_t all;   /* these of all lanes */
};

static int take_size(void *context, size_t question, const redisReply *reply)
{
    struct hits *hits = context;
    if (reply->type != REDIS_REPLY_INTEGER) return SAGA_E_INVALID;
    size_t per_lane = hits->paging->page->search_count;
    if (question % per_lane == 0 || reply->integer < hits->least) hits->least = reply->integer;
    if (question % per_lane == per_lane - 1) hits->all += hits->least;
    return SAGA_OK;
}

static int take_hits(void *context, size_t lane, const redisReply *reply)
{
    struct hits *hits = context;
    struct saga_arena *arena = hits->paging->arena;
    if (reply->type != REDIS_REPLY_ARRAY) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *id = reply->element[i];
        struct saga_view_row row = { .lane = (uint32_t)lane };
        row.saga_id = saga_arena_copy(arena, (struct saga_slice){ id->str, (size_t)id->len });
        SAGA_PUSH(arena, hits->items, hits->count, hits->capacity, row);
    }
    return SAGA_OK;
}

static int take_score(void *context, size_t question, const redisReply *reply)
{
    struct hits *hits = context;
    struct saga_view_row row = hits->items[question];
    if (reply->type == REDIS_REPLY_NIL) return SAGA_OK;
    if (!saga_layout_number(reply, &row.changed_ms)) return SAGA_E_INVALID;
    keep(hits->paging, &row);
    return SAGA_OK;
}

/* Before anything is fetched: how many may there be? */
static int check_size(struct paging *p, uint32_t lanes)
{
    size_t per_lane = p->page->search_count;
    struct hits hits = { .paging = p };
    struct saga_command *commands =
        SAGA_NEW_ARRAY(p->arena, struct saga_command, (size_t)lanes * per_lane);
    for (uint32_t lane = 0; lane < lanes; lane++)
        for (size_t i = 0; i < per_lane; i++)
            saga_views_ask_key(p->views, p->arena, &commands[lane * per_lane + i], "SCARD", lane,
                               "search:", p->page->search[i]);
    int error = saga_views_ask_all(p->views, p->arena, commands, (size_t)lanes * per_lane,
                                   take_size, &hits);
    return error == SAGA_OK && hits.all > SAGA_SEARCH_HITS_MAX ? SAGA_E_LIMIT : error;
}

static int find_hits(struct paging *p, uint32_t lanes, struct hits *ret)
{
    struct saga_command *commands = SAGA_NEW_ARRAY(p->arena, struct saga_command, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        saga_views_ask_key(p->views, p->arena, &commands[lane], "SINTER", lane,
                           "search:", p->page->search[0]);
        for (size_t i = 1; i < p->page->search_count; i++)
            saga_command_add(&commands[lane],
                             saga_layout_key(p->arena, p->views->connection.config.prefix, lane,
                                             "search:", p->page->search[i]));
    }
    return saga_views_ask_all(p->views, p->arena, commands, lanes, take_hits, ret);
}

static int read_hits(struct paging *p, uint32_t lanes, const struct saga_view_indexes *indexes)
{
    struct hits hits = { .paging = p }, asked = { .paging = p };
    struct saga_command *commands = NULL;
    size_t command_count = 0, capacity = 0;
    int error = check_size(p, lanes);
    if (error == SAGA_OK) error = find_hits(p, lanes, &hits);
    if (error < 0) return error;
    for (size_t h = 0; h < hits.count; h++)
        for (size_t i = 0; i < indexes->count; i++) {
            struct saga_view_row row = hits.items[h];
            struct saga_command command;
            if (!saga_views_may_be_in(&row, &indexes->items[i])) continue;
            row.name = indexes->items[i].name;
            row.status = indexes->items[i].status;
            SAGA_PUSH(p->arena, asked.items, asked.count, asked.capacity, row);
            saga_views_ask_key(p->views, p->arena, &command, "ZSCORE", row.lane,
                               "index:", indexes->items[i].label);
            saga_command_add(&command, row.saga_id);
            SAGA_PUSH(p->arena, commands, command_count, capacity, command);
        }
    error = saga_views_ask_all(p->views, p->arena, commands, command_count, take_score, &asked);
    if (p->count) qsort(p->rows, p->count, sizeof *p->rows, by_place);
    return error;
}

/* ---- by step ---- */

/* Looking for a saga in a set of those at the step, or looking through the indexes for one that is there: about what each costs. */
enum { FETCH_COST = 1, LOOK_COST = 2 };

/* Of these, the indexes that have somebody at the step; and how many there are, of how many in the indexes. */
static int keep_at_step(struct paging *p, uint32_t lanes, const struct saga_view_filter *filter,
                        struct saga_view_indexes *indexes, uint64_t *ret_there, uint64_t *ret_all)
{
    struct saga_view_indexes at = { 0 };
    size_t kept = 0;
    int error = saga_views_find_indexes(p->views, lanes, SAGA_TALLY_STEPS, p->page->step, filter,
                                        p->arena, &at);
    if (error < 0) return error;
    *ret_there = *ret_all = 0;
    for (size_t i = 0; i < indexes->count; i++) {
        const struct saga_view_index index = indexes->items[i];
        size_t same = 0;
        while (same < at.count && (at.items[same].lane != index.lane ||
                                   !saga_slice_equal(at.items[same].label, index.label)))
            same++;
        if (same == at.count) continue;
        *ret_there += at.items[same].count;
        *ret_all += index.count;
        indexes->items[kept++] = index;
    }
    indexes->count = kept;
    return SAGA_OK;
}

/* Where few are at the step all of them are fetched; where there are many, some come soon when the newest are looked at. */
static bool is_seldom(const struct saga_view_page *page, uint64_t there, uint64_t all)
{
    if (there <= page->limit) return true;
    return there <= SAGA_SEARCH_HITS_MAX && (double)there * (double)there * FETCH_COST <
                                                (double)page->limit * (double)all * LOOK_COST;
}

struct listed {
    struct paging *paging;
    const struct saga_view_index *indexes; /* of the questions, by number */
};

static int take_listed(void *context, size_t question, const redisReply *reply)
{
    struct listed *listed = context;
    const struct saga_view_index *index = &listed->indexes[question];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2) return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i += 2) {
        struct saga_view_row row;
        if (!read_row(listed->paging, index, reply, i, &row)) return SAGA_E_INVALID;
        keep(listed->paging, &row);
    }
    return SAGA_OK;
}

/* Those of the step's set that are in the index, by the index's times. */
static int read_listed(struct paging *p, const struct saga_view_indexes *indexes)
{
    char room[SAGA_LAYOUT_LIST_KIND];
    struct listed listed = { p, indexes->items };
    const char *prefix = p->views->connection.config.prefix;
    struct saga_command *commands = SAGA_NEW_ARRAY(p->arena, struct saga_command, indexes->count);
    (void)saga_layout_list_kind(room, SAGA_TALLY_STEPS);
    for (size_t i = 0; i < indexes->count; i++) {
        const struct saga_view_index *index = &indexes->items[i];
        struct saga_command *command = &commands[i];
        saga_command_init(command, p->arena);
        saga_command_add_text(command, "ZINTER");
        saga_command_add_text(command, "2");
        saga_command_add(
            command, saga_layout_key(p->arena, prefix, index->lane, room,
                                     saga_arena_join(p->arena, index->label, ':', p->page->step)));
        saga_command_add(command,
                         saga_layout_key(p->arena, prefix, index->lane, "index:", index->label));
        saga_command_add_text(command, "WEIGHTS");
        saga_command_add_text(command, "0");
        saga_command_add_text(command, "1");
        saga_command_add_text(command, "WITHSCORES");
    }
    int error =
        saga_views_ask_all(p->views, p->arena, commands, indexes->count, take_listed, &listed);
    if (p->count) qsort(p->rows, p->count, sizeof *p->rows, by_place);
    return error;
}

/* ---- the whole ---- */

int saga_views_page(struct saga_views *views, uint32_t lanes, const struct saga_view_page *page,
                    struct saga_arena *arena, struct saga_view_row **ret_rows, size_t *ret_count,
                    bool *ret_more)
{
    struct saga_view_indexes indexes = { 0 };
    struct paging p = { .views = views, .arena = arena, .page = page };
    const struct saga_view_filter filter = { .name = page->name,
                                             .version = page->version,
                                             .status = page->status };
    uint64_t there = 0, all = 0;
    int error = saga_views_find_indexes(views, lanes,
                                        page->has_error ? SAGA_TALLY_ERRORS : SAGA_TALLY_COUNTS,
                                        SAGA_SLICE_NONE, &filter, arena, &indexes);
    if (error == SAGA_OK && page->step.data)
        error = keep_at_step(&p, lanes, &filter, &indexes, &there, &all);
    if (error == SAGA_OK && page->limit > 0) {
        if (page->search_count)
            error = read_hits(&p, lanes, &indexes);
        else if (page->step.data && is_seldom(page, there, all))
            error = read_listed(&p, &indexes);
        else
            error = read_streams(&p, &indexes, page->has_error);
    }
    if (error < 0) return error;
    bool all_ended = true;
    for (size_t i = 0; i < p.stream_count; i++) all_ended = all_ended && p.streams[i].ended;
    *ret_rows = p.rows;
    *ret_count = p.count < page->limit ? p.count : page->limit;
    *ret_more = p.count > page->limit || !all_ended;
    return SAGA_OK;
}
