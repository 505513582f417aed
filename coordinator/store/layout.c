#include "store/layout.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
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
                                    uint32_t version, struct saga_slice status)
{
    return saga_arena_printf(arena, "%.*s@%" PRIu32 ":%.*s", SAGA_SLICE_ARG(name), version,
                             SAGA_SLICE_ARG(status));
}

struct saga_slice saga_layout_list_kind(char room[SAGA_LAYOUT_LIST_KIND],
                                        enum saga_tally_table table)
{
    struct saga_slice name = saga_tally_table_name(table);
    SAGA_ASSERT(saga_tally_has_lists(table) && name.size + 2 <= SAGA_LAYOUT_LIST_KIND);
    memcpy(room, name.data, name.size);
    memcpy(room + name.size, ":", 2); /* terminated, for who wants a string */
    return (struct saga_slice){ room, name.size + 1 };
}

/* And a colon behind it; gives where that ends. */
static char *put_number(char *at, uint64_t number)
{
    char digits[SAGA_WIRE_DIGITS];
    struct saga_slice text = saga_wire_digits(digits, number);
    memcpy(at, text.data, text.size);
    at[text.size] = ':';
    return at + text.size + 1;
}

struct saga_slice saga_layout_timer_head(char room[SAGA_LAYOUT_TIMER_HEAD], uint64_t armed,
                                         size_t id_size)
{
    char *end = put_number(put_number(room, armed), id_size);
    return (struct saga_slice){ room, (size_t)(end - room) };
}

struct saga_slice saga_layout_error_head(char room[SAGA_LAYOUT_ERROR_HEAD], size_t id_size)
{
    return (struct saga_slice){ room, (size_t)(put_number(room, id_size) - room) };
}

static int take_number(struct saga_slice *rest, unsigned long long *ret)
{
    const char *colon = memchr(rest->data, ':', rest->size);
    if (!colon) return SAGA_E_INVALID;
    struct saga_slice digits = { rest->data, (size_t)(colon - rest->data) };
    *rest = saga_slice_skip(*rest, digits.size + 1);
    return saga_slice_to_u64(digits, ret);
}

int saga_layout_error_split(struct saga_slice member, struct saga_slice *ret_id,
                            struct saga_slice *ret_text)
{
    unsigned long long size;
    struct saga_slice rest = member;
    if (take_number(&rest, &size) < 0 || size > rest.size) return SAGA_E_INVALID;
    *ret_id = (struct saga_slice){ rest.data, (size_t)size };
    *ret_text = saga_slice_skip(rest, (size_t)size);
    return SAGA_OK;
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

struct saga_slice saga_layout_operation_head(char room[SAGA_LAYOUT_OPERATION_HEAD], int64_t offset)
{
    int size = snprintf(room, SAGA_LAYOUT_OPERATION_HEAD, "%016" PRIx64, (uint64_t)offset);
    return (struct saga_slice){ room, (size_t)size };
}

int saga_layout_operation_split(struct saga_slice member, int64_t *ret_offset,
                                struct saga_slice *ret_entry)
{
    uint8_t bytes[8];
    uint64_t offset = 0;
    struct saga_slice head = { member.data, 2 * sizeof bytes };
    if (member.size < head.size || saga_unhex(head, bytes, sizeof bytes) < 0) return SAGA_E_INVALID;
    for (size_t i = 0; i < sizeof bytes; i++) offset = offset << 8 | bytes[i];
    if (offset > INT64_MAX) return SAGA_E_INVALID;
    *ret_offset = (int64_t)offset;
    *ret_entry = saga_slice_skip(member, head.size);
    return SAGA_OK;
}

struct saga_slice saga_layout_log_begin(char room[SAGA_LAYOUT_LOG_BEGIN], int64_t offset,
                                        int64_t time_ms)
{
    int size = snprintf(room, SAGA_LAYOUT_LOG_BEGIN, "%" PRId64 " %" PRId64, offset, time_ms);
    return (struct saga_slice){ room, (size_t)size };
}

int saga_layout_log_begin_read(struct saga_slice text, int64_t *ret_offset, int64_t *ret_time_ms)
{
    unsigned long long offset, time_ms;
    const char *space = text.size ? memchr(text.data, ' ', text.size) : NULL;
    if (!space) return SAGA_E_INVALID;
    struct saga_slice first = { text.data, (size_t)(space - text.data) };
    if (saga_slice_to_u64(first, &offset) < 0 || offset > INT64_MAX ||
        saga_slice_to_u64(saga_slice_skip(text, first.size + 1), &time_ms) < 0 ||
        time_ms > INT64_MAX)
        return SAGA_E_INVALID;
    *ret_offset = (int64_t)offset;
    *ret_time_ms = (int64_t)time_ms;
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
