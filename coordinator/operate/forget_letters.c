#include "operate/forget_letters.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "operate/dead_letters.h"
#include "operate/output.h"

enum { PLACES_MAX = 10 };

static bool is_about(const struct saga_letter *letter, const struct saga_address *address)
{
    return saga_slice_equal(letter->saga_id, address->saga_id) ||
           saga_slice_equal(letter->key, address->key);
}

static void note(struct saga_forget_letters *found, const struct saga_letter *letter,
                 struct saga_buffer *places)
{
    if (found->count < PLACES_MAX)
        saga_buffer_printf(places, "%s%d/%" PRId64, found->count ? ", " : "",
                           (int)letter->partition, letter->offset);
    else if (found->count == PLACES_MAX)
        saga_buffer_add(places, SAGA_SLICE(", ..."));
    found->count++;
    if (letter->offset >= found->ends[letter->partition])
        found->ends[letter->partition] = letter->offset + 1;
}

/* Where each partition ends, before it is read: what comes later is nobody's to delete. */
static int read_ends(struct saga_call *call, int32_t partitions, int64_t *ret)
{
    int64_t low;
    for (int32_t p = 0; p < partitions; p++)
        if (saga_client_watermarks(call->client, call->topics.dead_letters, p, SAGA_CALL_TIMEOUT_MS,
                                   &low, &ret[p]) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                                  saga_client_problem(call->client));
    return SAGA_EXIT_DONE;
}

/* Up to the next letter of somebody else, or to the end: ends of transactions and notes stand between, and a file of the broker is
 * removed only when all of it may go. */
static void move_ends(const struct saga_letters *letters, const int64_t *highs,
                      struct saga_forget_letters *found)
{
    for (int32_t p = 0; p < found->partitions; p++) {
        int64_t behind = found->ends[p];
        if (behind == 0) continue;
        if (highs[p] > behind) found->ends[p] = highs[p];
        for (size_t i = 0; i < letters->count; i++) {
            const struct saga_letter *letter = &letters->items[i];
            if (letter->partition == p && letter->offset >= behind &&
                letter->offset < found->ends[p])
                found->ends[p] = letter->offset;
        }
    }
}

int saga_forget_letters_find(struct saga_call *call, const struct saga_address *address,
                             struct saga_forget_letters *ret)
{
    struct saga_letters letters;
    struct saga_topic_state state;
    struct saga_buffer places;
    *ret = (struct saga_forget_letters){ 0 };
    int code = saga_call_topic(call, call->topics.dead_letters, &state);
    if (code != SAGA_EXIT_DONE) return code;
    size_t partitions = (size_t)state.partitions;
    int64_t *highs = SAGA_NEW_ARRAY(call->arena, int64_t, partitions);
    ret->partitions = state.partitions;
    ret->ends = SAGA_NEW_ARRAY(call->arena, int64_t, partitions);
    memset(ret->ends, 0, partitions * sizeof *ret->ends);
    code = read_ends(call, state.partitions, highs);
    if (code == SAGA_EXIT_DONE) code = saga_letters_read(call, NULL, 0, &letters);
    if (code != SAGA_EXIT_DONE) return code;
    saga_buffer_init(&places, call->arena);
    for (size_t i = 0; i < letters.count; i++)
        if (is_about(&letters.items[i], address)) note(ret, &letters.items[i], &places);
    for (size_t i = 0; i < letters.count; i++) {
        const struct saga_letter *letter = &letters.items[i];
        ret->in_front += letter->offset < ret->ends[letter->partition] && !letter->note.how &&
                         !is_about(letter, address);
    }
    ret->places = saga_arena_string(call->arena, saga_buffer_slice(&places));
    move_ends(&letters, highs, ret);
    return SAGA_EXIT_DONE;
}

int saga_forget_letters_delete(struct saga_call *call, const struct saga_forget_letters *letters)
{
    if (letters->in_front)
        return saga_call_fail(
            call, SAGA_EXIT_FAILED,
            "resend or drop those first (saga dead-letters list), and say it again",
            "the key is destroyed, but its dead letters are still there: %zu of other sagas stand "
            "in "
            "front of them, about which nobody has done anything, and would be deleted too",
            letters->in_front);
    for (int32_t p = 0; p < letters->partitions; p++)
        if (letters->ends[p] &&
            saga_client_delete_before(call->client, call->topics.dead_letters.data, p,
                                      letters->ends[p], SAGA_CALL_TIMEOUT_MS) < 0)
            return saga_call_fail(
                call, SAGA_EXIT_FAILED, "DELETE on the topic must be allowed (kafka-acls.sh)",
                "the key is destroyed, but its dead letters could not be deleted: %s",
                saga_client_problem(call->client));
    return SAGA_EXIT_DONE;
}
