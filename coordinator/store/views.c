#include "store/views.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/layout.h"
#include "store/views_internal.h"

enum {
    SCAN_KEYS = 4000,    /* keys that Redis looks at in one step */
    STATES_AT_ONCE = 250 /* states that one question asks for: nobody else is held up for long */
};

int saga_views_new(const struct saga_redis_config *config, struct saga_views **ret)
{
    struct saga_views *views = saga_memory_zeroed(1, sizeof *views);
    saga_connection_init(&views->connection, config, false);
    *ret = views;
    return SAGA_OK;
}

void saga_views_free(struct saga_views *views)
{
    if (!views) return;
    saga_connection_close(&views->connection);
    free(views);
}

const char *saga_views_problem(const struct saga_views *views)
{
    return views->connection.problem;
}

void saga_views_ask_key(const struct saga_views *views, struct saga_arena *arena,
                        struct saga_command *command, const char *name, uint32_t lane,
                        const char *kind, struct saga_slice rest)
{
    saga_command_init(command, arena);
    saga_command_add_text(command, name);
    saga_command_add(command,
                     saga_layout_key(arena, views->connection.config.prefix, lane, kind, rest));
}

void saga_views_ask_portion(const struct saga_views *views, struct saga_arena *arena,
                            struct saga_command *command, const struct saga_view_portion *portion)
{
    int64_t newest_ms = portion->until_ms == INT64_MAX ? INT64_MAX : portion->until_ms - 1;
    if (portion->has_after && portion->after_ms < newest_ms) newest_ms = portion->after_ms;
    saga_views_ask_key(views, arena, command, "ZREVRANGEBYSCORE", portion->lane, portion->kind,
                       portion->rest);
    if (newest_ms == INT64_MAX)
        saga_command_add_text(command, "+inf");
    else
        saga_command_add_number(command, newest_ms);
    saga_command_add_number(command, portion->since_ms);
    saga_command_add_text(command, "WITHSCORES");
    saga_command_add_text(command, "LIMIT");
    saga_command_add_number(command, (int64_t)portion->read);
    saga_command_add_number(command, (int64_t)portion->wanted);
}

/* ---- lanes ---- */

static int lanes_of(struct saga_views *views, struct saga_arena *arena, struct saga_slice key,
                    uint32_t *ret_lanes)
{
    struct saga_command command;
    redisReply *reply;
    int64_t lanes;
    saga_command_init(&command, arena);
    saga_command_add_text(&command, "HGET");
    saga_command_add(&command, key);
    saga_command_add_text(&command, "lanes");
    int error = saga_connection_call(&views->connection, &command, &reply);
    if (error < 0) return error;
    bool known = saga_layout_number(reply, &lanes) && lanes > 0 && lanes <= UINT32_MAX;
    *ret_lanes = known ? (uint32_t)lanes : 0;
    freeReplyObject(reply);
    return SAGA_OK;
}

/* Lane 0 is not there yet, or is being emptied: any other lane knows as well. */
static int lanes_of_any(struct saga_views *views, struct saga_arena *arena, uint32_t *ret_lanes)
{
    struct saga_scan scan = { 0 };
    uint32_t lanes = 0;
    struct saga_slice pattern = saga_layout_lanes_pattern(arena, views->connection.config.prefix);
    do {
        struct saga_slice *keys;
        size_t count;
        int error =
            saga_scan_step(&views->connection, &scan, pattern, SCAN_KEYS, arena, &keys, &count);
        for (size_t i = 0; error == SAGA_OK && i < count && !lanes; i++)
            error = lanes_of(views, arena, keys[i], &lanes);
        if (error < 0) return error;
    } while (scan.cursor != 0 && !lanes);
    *ret_lanes = lanes;
    return SAGA_OK;
}

int saga_views_lanes(struct saga_views *views, uint32_t *ret_lanes)
{
    struct saga_arena arena;
    uint32_t lanes = 0;
    saga_arena_init(&arena);
    struct saga_slice first =
        saga_layout_key(&arena, views->connection.config.prefix, 0, "lane", SAGA_SLICE_NONE);
    int error = lanes_of(views, &arena, first, &lanes);
    if (error == SAGA_OK && lanes == 0) error = lanes_of_any(views, &arena, &lanes);
    if (error == SAGA_OK) *ret_lanes = lanes;
    saga_arena_free(&arena);
    return error;
}

int saga_views_lane(struct saga_views *views, uint32_t lane, struct saga_arena *arena,
                    struct saga_lane_status *ret)
{
    struct saga_command command;
    redisReply *reply;
    saga_command_init(&command, arena);
    saga_layout_ask_lane(&command, views->connection.config.prefix, lane);
    int error = saga_connection_call(&views->connection, &command, &reply);
    if (error < 0) return error;
    if (saga_layout_lane_status(reply, arena, ret) < 0)
        error = saga_connection_puzzled(&views->connection, "HMGET");
    freeReplyObject(reply);
    return error;
}

/* ---- one saga ---- */

int saga_views_state(struct saga_views *views, uint32_t lane, struct saga_slice saga_id,
                     struct saga_arena *arena, struct saga_slice *ret_state)
{
    struct saga_command command;
    redisReply *reply;
    saga_views_ask_key(views, arena, &command, "GET", lane, "state:", saga_id);
    int error = saga_connection_call(&views->connection, &command, &reply);
    if (error < 0) return error;
    if (reply->type == REDIS_REPLY_STRING) {
        *ret_state = saga_arena_copy(arena, (struct saga_slice){ reply->str, (size_t)reply->len });
    } else {
        saga_connection_complain(&views->connection, "has no saga %.*s in lane %" PRIu32,
                                 SAGA_SLICE_ARG(saga_id), lane);
        error = SAGA_E_NOT_FOUND;
    }
    freeReplyObject(reply);
    return error;
}

int saga_views_states(struct saga_views *views, uint32_t lane, const struct saga_slice *ids,
                      size_t count, struct saga_arena *arena, struct saga_slice *ret_states)
{
    struct saga_command command;
    redisReply *reply;
    if (count == 0) return SAGA_OK;
    saga_command_init(&command, arena);
    saga_command_add_text(&command, "MGET");
    for (size_t i = 0; i < count; i++)
        saga_command_add(&command, saga_layout_key(arena, views->connection.config.prefix, lane,
                                                   "state:", ids[i]));
    int error = saga_connection_call(&views->connection, &command, &reply);
    if (error < 0) return error;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        error = saga_connection_puzzled(&views->connection, "MGET");
    for (size_t i = 0; i < count && error == SAGA_OK; i++) {
        const redisReply *state = reply->element[i];
        ret_states[i] = SAGA_SLICE_NONE;
        if (state->type == REDIS_REPLY_STRING)
            ret_states[i] =
                saga_arena_copy(arena, (struct saga_slice){ state->str, (size_t)state->len });
    }
    freeReplyObject(reply);
    return error;
}

/* A question for some of the rows of one lane. */
struct rows_states {
    struct saga_arena *arena;
    const size_t
        *places; /* of the questions' ids, one behind the other: where in `states` they belong */
    const size_t *ends; /* of each question in `places` */
    struct saga_slice *states;
};

static int take_states(void *context, size_t question, const redisReply *reply)
{
    struct rows_states *r = context;
    size_t from = question ? r->ends[question - 1] : 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != r->ends[question] - from)
        return SAGA_E_INVALID;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *state = reply->element[i];
        if (state->type != REDIS_REPLY_STRING) continue;
        r->states[r->places[from + i]] =
            saga_arena_copy(r->arena, (struct saga_slice){ state->str, (size_t)state->len });
    }
    return SAGA_OK;
}

int saga_views_rows_states(struct saga_views *views, uint32_t lanes,
                           const struct saga_view_row *rows, size_t count, struct saga_arena *arena,
                           struct saga_slice *ret_states)
{
    size_t *places = SAGA_NEW_ARRAY(arena, size_t, count), placed = 0;
    size_t *ends = SAGA_NEW_ARRAY(arena, size_t, lanes + count / STATES_AT_ONCE), asked = 0;
    struct saga_command *commands =
        SAGA_NEW_ARRAY(arena, struct saga_command, lanes + count / STATES_AT_ONCE);
    struct rows_states r = { arena, places, ends, ret_states };
    for (size_t i = 0; i < count; i++) ret_states[i] = SAGA_SLICE_NONE;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        size_t here = 0;
        for (size_t i = 0; i < count; i++) {
            if (rows[i].lane != lane) continue;
            struct saga_slice key = saga_layout_key(arena, views->connection.config.prefix, lane,
                                                    "state:", rows[i].saga_id);
            if (here++ % STATES_AT_ONCE == 0) {
                saga_command_init(&commands[asked], arena);
                saga_command_add_text(&commands[asked++], "MGET");
            }
            saga_command_add(&commands[asked - 1], key);
            places[placed++] = i;
            ends[asked - 1] = placed;
        }
    }
    return saga_views_ask_all(views, arena, commands, asked, take_states, &r);
}

static int by_offset(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int saga_views_history(struct saga_views *views, uint32_t lane, struct saga_slice saga_id,
                       struct saga_arena *arena, int64_t **ret_offsets, size_t *ret_count)
{
    struct saga_command command;
    redisReply *reply;
    saga_views_ask_key(views, arena, &command, "LRANGE", lane, "history:", saga_id);
    saga_command_add_text(&command, "0");
    saga_command_add_text(&command, "-1");
    int error = saga_connection_call(&views->connection, &command, &reply);
    if (error < 0) return error;
    size_t count = 0, all = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
    int64_t *offsets = SAGA_NEW_ARRAY(arena, int64_t, all);
    for (size_t i = 0; i < all; i++)
        if (saga_layout_number(reply->element[i], &offsets[count])) count++;
    freeReplyObject(reply);
    qsort(offsets, count, sizeof *offsets, by_offset);
    *ret_offsets = offsets;
    *ret_count = count;
    return SAGA_OK;
}

/* ---- all of a lane ---- */

int saga_views_scan(struct saga_views *views, uint32_t lane, struct saga_scan *scan,
                    struct saga_arena *arena, struct saga_slice **ret_ids, size_t *ret_count)
{
    return saga_scan_sagas(&views->connection, scan, lane, arena, ret_ids, ret_count);
}
