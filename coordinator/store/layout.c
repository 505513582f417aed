#include "store/layout.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "store/wire.h"

struct saga_slice saga_layout_key(struct saga_arena *arena, const char *prefix, uint32_t lane,
                                  const char *kind, struct saga_slice rest)
{
    char tag[16];
    size_t prefix_size = strlen(prefix), kind_size = strlen(kind);
    size_t tag_size = (size_t)snprintf(tag, sizeof tag, "{%" PRIu32 "}:", lane);
    size_t size = prefix_size + tag_size + kind_size + rest.size;
    char *key = saga_arena_alloc(arena, size), *at = key;
    memcpy(at, prefix, prefix_size);
    at += prefix_size;
    memcpy(at, tag, tag_size);
    at += tag_size;
    memcpy(at, kind, kind_size);
    at += kind_size;
    if (rest.size) memcpy(at, rest.data, rest.size);
    return (struct saga_slice){ key, size };
}

size_t saga_layout_key_prefix_bytes(const char *prefix, uint32_t lane, const char *kind)
{
    return strlen(prefix) + (size_t)snprintf(NULL, 0, "{%" PRIu32 "}:", lane) + strlen(kind);
}

static void add_literally(struct saga_buffer *pattern, const char *text)
{
    for (; *text; text++) {
        if (strchr("*?[]\\", *text)) saga_buffer_add_char(pattern, '\\');
        saga_buffer_add_char(pattern, *text);
    }
}

struct saga_slice saga_layout_pattern(struct saga_arena *arena, const char *prefix, uint32_t lane,
                                      const char *kind)
{
    struct saga_buffer pattern;
    saga_buffer_init(&pattern, arena);
    add_literally(&pattern, prefix);
    saga_buffer_printf(&pattern, "{%" PRIu32 "}:%s*", lane, kind);
    return saga_buffer_slice(&pattern);
}

struct saga_slice saga_layout_lanes_pattern(struct saga_arena *arena, const char *prefix)
{
    struct saga_buffer pattern;
    saga_buffer_init(&pattern, arena);
    add_literally(&pattern, prefix);
    saga_buffer_printf(&pattern, "{*}:lane");
    return saga_buffer_slice(&pattern);
}

struct saga_slice saga_layout_index(struct saga_arena *arena, struct saga_slice name,
                                    struct saga_slice status)
{
    return saga_arena_printf(arena, "%.*s:%.*s", SAGA_SLICE_ARG(name), SAGA_SLICE_ARG(status));
}

void saga_layout_index_split(struct saga_slice index, struct saga_slice *ret_name,
                             struct saga_slice *ret_status)
{
    const char *colon = memrchr(index.data, ':', index.size);
    size_t at = colon ? (size_t)(colon - index.data) : index.size;
    *ret_name = (struct saga_slice){ index.data, at };
    *ret_status = saga_slice_skip(index, at + 1);
}

struct saga_slice saga_layout_timer_head(char room[SAGA_LAYOUT_TIMER_HEAD], uint64_t armed,
                                         size_t id_size)
{
    char digits[SAGA_WIRE_DIGITS];
    const uint64_t numbers[] = { armed, id_size };
    char *at = room;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct saga_slice number = saga_wire_digits(digits, numbers[i]);
        memcpy(at, number.data, number.size);
        at += number.size;
        *at++ = ':';
    }
    return (struct saga_slice){ room, (size_t)(at - room) };
}

static int take_number(struct saga_slice *rest, unsigned long long *ret)
{
    const char *colon = memchr(rest->data, ':', rest->size);
    if (!colon) return SAGA_E_INVALID;
    struct saga_slice digits = { rest->data, (size_t)(colon - rest->data) };
    *rest = saga_slice_skip(*rest, digits.size + 1);
    return saga_slice_to_u64(digits, ret);
}

int saga_layout_timer_split(struct saga_slice member, struct saga_due_timer *ret)
{
    unsigned long long armed, size;
    struct saga_slice rest = member;
    if (take_number(&rest, &armed) < 0 || take_number(&rest, &size) < 0) return SAGA_E_INVALID;
    if (size > rest.size) return SAGA_E_INVALID;
    ret->armed = armed;
    ret->saga_id = (struct saga_slice){ rest.data, (size_t)size };
    ret->name = saga_slice_skip(rest, (size_t)size);
    return SAGA_OK;
}

enum { JOURNAL, APPLIED, CHAIN, OWNER, HEARTBEAT, LANE_FIELDS };

void saga_layout_ask_lane(struct saga_command *command, const char *prefix, uint32_t lane)
{
    static const char *const fields[LANE_FIELDS] = { "journal", "applied", "chain", "owner",
                                                     "heartbeat" };
    saga_command_add_text(command, "HMGET");
    saga_command_add(command,
                     saga_layout_key(command->arena, prefix, lane, "lane", SAGA_SLICE_NONE));
    for (size_t i = 0; i < LANE_FIELDS; i++) saga_command_add_text(command, fields[i]);
}

static struct saga_slice copy_field(const struct redisReply *field, struct saga_arena *arena)
{
    if (field->type != REDIS_REPLY_STRING) return SAGA_SLICE_NONE;
    return saga_arena_copy(arena, (struct saga_slice){ field->str, (size_t)field->len });
}

int saga_layout_lane_status(const struct redisReply *reply, struct saga_arena *arena,
                            struct saga_lane_status *ret)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != LANE_FIELDS) return SAGA_E_INVALID;
    struct redisReply **fields = reply->element;
    struct saga_lane_status status = { 0 };
    /* A hash without them is a lane that is being emptied (R11). */
    status.present = fields[JOURNAL]->type == REDIS_REPLY_STRING &&
                     saga_layout_number(fields[APPLIED], &status.applied);
    if (status.present) {
        status.journal = copy_field(fields[JOURNAL], arena);
        status.chain = copy_field(fields[CHAIN], arena);
        status.owner = copy_field(fields[OWNER], arena);
        if (!saga_layout_number(fields[HEARTBEAT], &status.heartbeat_ms)) status.heartbeat_ms = 0;
    }
    *ret = status;
    return SAGA_OK;
}

bool saga_layout_number(const struct redisReply *reply, int64_t *ret)
{
    char *end;
    if (reply->type == REDIS_REPLY_INTEGER) {
        *ret = reply->integer;
        return true;
    }
    if (reply->type != REDIS_REPLY_STRING || reply->len == 0) return false;
    long long whole = strtoll(reply->str, &end, 10);
    if (*end == '\0') {
        *ret = whole;
        return true;
    }
    double number = strtod(reply->str, &end);
    if (*end != '\0' || number < -9.2e18 || number > 9.2e18) return false;
    *ret = (int64_t)number;
    return true;
}
