#include "store/scan.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "base/error.h"
#include "store/connection.h"
#include "store/layout.h"

enum { SCAN_KEYS = 4000 }; /* keys that Redis looks at in one step */

static bool are_keys(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY) return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING) return false;
    return true;
}

/* Brent's way to notice a circle: each new cursor is compared with one that is replaced after 1, 2,
 * 4, 8 ... steps, so that a circle of any length is noticed within its third round. A Redis never
 * gives a cursor twice in one walk. */
static bool is_circle(struct saga_scan *scan, uint64_t next)
{
    if (next != 0 && next == scan->seen) return true;
    scan->steps++;
    if ((scan->steps & (scan->steps - 1)) == 0) scan->seen = next;
    return false;
}

int saga_scan_step(struct saga_connection *connection, struct saga_scan *scan,
                   struct saga_slice pattern, int64_t looked_at, struct saga_arena *arena,
                   struct saga_slice **ret_keys, size_t *ret_count)
{
    struct saga_command command;
    redisReply *reply;
    unsigned long long next;
    saga_command_init(&command, arena);
    saga_command_add_text(&command, "SCAN");
    saga_command_add(&command, saga_arena_printf(arena, "%llu", (unsigned long long)scan->cursor));
    saga_command_add_text(&command, "MATCH");
    saga_command_add(&command, pattern);
    saga_command_add_text(&command, "COUNT");
    saga_command_add_number(&command, looked_at);
    int error = saga_connection_call(connection, &command, &reply);
    if (error < 0) return error;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING || !are_keys(reply->element[1]) ||
        saga_slice_to_u64(saga_slice_of(reply->element[0]->str), &next) < 0 ||
        is_circle(scan, next)) {
        freeReplyObject(reply);
        return saga_connection_puzzled(connection, "SCAN");
    }
    const redisReply *found = reply->element[1];
    struct saga_slice *keys = SAGA_NEW_ARRAY(arena, struct saga_slice, found->elements);
    for (size_t i = 0; i < found->elements; i++)
        keys[i] = saga_arena_copy(
            arena, (struct saga_slice){ found->element[i]->str, (size_t)found->element[i]->len });
    scan->cursor = next;
    *ret_keys = keys;
    *ret_count = found->elements;
    freeReplyObject(reply);
    return SAGA_OK;
}

int saga_scan_sagas(struct saga_connection *connection, struct saga_scan *scan, uint32_t lane,
                    struct saga_arena *arena, struct saga_slice **ret_ids, size_t *ret_count)
{
    const char *prefix = connection->config.prefix;
    size_t skip = saga_layout_key_prefix_bytes(prefix, lane, "state:");
    struct saga_slice pattern = saga_layout_pattern(arena, prefix, lane, "state:"), *ids;
    size_t count;
    int error = saga_scan_step(connection, scan, pattern, SCAN_KEYS, arena, &ids, &count);
    if (error < 0) return error;
    for (size_t i = 0; i < count; i++) {
        if (ids[i].size < skip) return saga_connection_puzzled(connection, "SCAN");
        ids[i] = saga_slice_skip(ids[i], skip);
    }
    *ret_ids = ids;
    *ret_count = count;
    return SAGA_OK;
}
