/* Finding a saga's records: by the offsets that Redis keeps of them, or by reading all of the lane. */
#include <inttypes.h>

#include "base/error.h"
#include "base/limits.h"
#include "operate/history.h"
#include "operate/lanes.h"
#include "operate/opening.h"
#include "operate/output.h"

enum { UNREADABLE_SHOWN = 5 };

/* ---- one record ---- */

static void name_unreadable(struct saga_call *call, struct saga_history *history, int64_t offset,
                            struct saga_slice why)
{
    if (history->unreadable++ < UNREADABLE_SHOWN)
        fprintf(saga_call_words(call),
                "saga history: the record %.*s[%u]@%" PRId64 " under this key is none of a "
                "coordinator, or was damaged (%.*s); it is left out\n",
                SAGA_SLICE_ARG(history->topic), history->lane, offset, SAGA_SLICE_ARG(why));
}

bool saga_history_take(struct saga_call *call, struct saga_history *history,
                       const struct saga_message *message)
{
    struct saga_told_record told = { .offset = message->offset };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes = saga_arena_copy(history->arena, message->value);
    if (saga_journal_decode(call->codec, bytes, history->arena, &told.record, &diagnostic) < 0) {
        name_unreadable(call, history, message->offset, diagnostic.what);
        return false;
    }
    if (!saga_slice_equal(told.record.saga_id, history->saga_id)) return false;
    saga_open_record_for_people(call, history->lane, &told.record, history->arena);
    SAGA_PUSH(history->arena, history->records, history->count, history->capacity, told);
    return true;
}

/* ---- by reading all of the lane ---- */

struct scan {
    struct saga_call *call;
    struct saga_history *history;
    struct saga_slice key;
};

static bool take_any(const struct saga_message *message, void *context)
{
    struct scan *scan = context;
    /* the record's key is the saga's: most records are passed over without decoding them */
    if (saga_slice_equal(message->key, scan->key))
        (void)saga_history_take(scan->call, scan->history, message);
    return true;
}

/* It may take long, so `why` is said; NULL: it was asked for. Another number of lanes than the topics have would lead to
 * another lane, where there is nothing: so that is looked at before. (Offsets that lead to the saga's records need no such
 * look.) */
static int scan_lane(struct saga_call *call, const struct saga_address *address, const char *why,
                     struct saga_history *history)
{
    struct scan scan = { call, history, address->key };
    int code = saga_call_pinned(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (why)
        fprintf(saga_call_words(call),
                "saga history: %s; reading all of lane %u from its beginning\n", why,
                address->lane);
    history->count = 0;
    history->unreadable = 0;
    return saga_read_to_end(call, history->topic, (int32_t)address->lane, SAGA_READ_BEGINNING,
                            take_any, &scan);
}

/* ---- by the offsets that Redis keeps ---- */

static int fail_to_read(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga topics check` looks at the topics",
                          "the journal cannot be read: %s", saga_client_problem(call->client));
}

/* `*ret_fits` is false where something else stands at an offset: then Redis is wrong about the journal. */
static int pick(struct saga_call *call, struct saga_picker *picker, const int64_t *offsets,
                size_t count, struct saga_history *history, bool *ret_fits)
{
    *ret_fits = true;
    for (size_t i = 0; i < count && *ret_fits; i++) {
        struct saga_bus_records records;
        if (saga_picker_read(picker, offsets[i], SAGA_CALL_TIMEOUT_MS, &records) < 0)
            return fail_to_read(call);
        *ret_fits = records.count == 1 && records.items[0].offset == offsets[i] &&
                    saga_history_take(call, history, &records.items[0]);
        saga_picker_release(picker, &records);
        if (history->bytes_max && history->arena->used_bytes > history->bytes_max)
            return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga history` has no such limit",
                                  "the history is larger than %zu MiB", history->bytes_max >> 20);
    }
    return SAGA_EXIT_DONE;
}

/* Those that the journal still has: what retention has deleted is told by the sequence of the first that is left. */
static int read_by_offsets(struct saga_call *call, const int64_t *offsets, size_t count,
                           struct saga_history *history, bool *ret_fits)
{
    struct saga_picker *picker;
    int64_t low, high;
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_picker_open(call->client, history->topic, (int32_t)history->lane, SAGA_CALL_TIMEOUT_MS,
                         &picker, &low, &high) < 0)
        return fail_to_read(call);
    for (; count > 0 && *offsets < low; offsets++) count--;
    code = pick(call, picker, offsets, count, history, ret_fits);
    saga_picker_close(picker);
    return code;
}

/* The sequence of the saga's newest record, which is also how many it has; 0: Redis has no state of it. */
static uint64_t sequence_of(struct saga_call *call, const struct saga_address *address)
{
    struct saga_slice bytes;
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_views_state(call->views, address->lane, address->saga_id, call->arena, &bytes) < 0 ||
        saga_state_decode(call->codec, bytes, call->arena, &state, &diagnostic) < 0)
        return 0;
    uint64_t sequence = state->sequence;
    saga_state_free(state);
    return sequence;
}

/* Without a hole, and as far as Redis knows of. */
static bool is_unbroken(const struct saga_history *history)
{
    for (size_t i = 1; i < history->count; i++)
        if (history->records[i].record.sequence != history->records[i - 1].record.sequence + 1)
            return false;
    return history->count == 0 ||
           history->records[history->count - 1].record.sequence >= history->sequence;
}

/* What Redis knows of where the saga's records are. Words where that is not all of them; NULL: it is. */
static const char *ask_redis(struct saga_call *call, const struct saga_address *address,
                             struct saga_history *ret, int64_t **ret_offsets, size_t *ret_count)
{
    *ret = (struct saga_history){ .arena = call->arena,
                                  .saga_id = address->saga_id,
                                  .topic = call->topics.journal,
                                  .lane = address->lane };
    *ret_count = 0;
    /* in this order: the saga may go on meanwhile */
    ret->sequence = sequence_of(call, address);
    int error = saga_views_history(call->views, address->lane, address->saga_id, call->arena,
                                   ret_offsets, ret_count);
    if (error < 0 && error != SAGA_E_NOT_FOUND)
        return saga_arena_printf(call->arena, "Redis does not tell where its records are (%s)",
                                 saga_views_problem(call->views))
            .data;
    if (ret->sequence == 0 && *ret_count == 0) return "Redis does not know this saga (any more)";
    /* a saga that was built from a snapshot has the offsets of what came behind it only */
    if (*ret_count < ret->sequence || ret->sequence == 0)
        return "Redis does not know all of its records (it was rebuilt from a snapshot, or has "
               "lost "
               "some)";
    return NULL;
}

static const char offsets_wrong[] = "the offsets that Redis keeps are not those of this saga";

int saga_history_read(struct saga_call *call, const struct saga_address *address, bool scan,
                      struct saga_history *ret)
{
    int64_t *offsets = NULL;
    size_t count = 0;
    bool fits = false;
    if (!scan && saga_call_views(call) != SAGA_EXIT_DONE) return SAGA_EXIT_FAILED;
    const char *why = scan ? NULL : ask_redis(call, address, ret, &offsets, &count);
    if (scan)
        *ret = (struct saga_history){ .arena = call->arena,
                                      .saga_id = address->saga_id,
                                      .topic = call->topics.journal,
                                      .lane = address->lane };
    if (scan || why) return scan_lane(call, address, why, ret);
    int code = read_by_offsets(call, offsets, count, ret, &fits);
    if (code != SAGA_EXIT_DONE || (fits && is_unbroken(ret))) return code;
    return scan_lane(call, address, offsets_wrong, ret);
}

int saga_history_read_known(struct saga_call *call, const struct saga_address *address,
                            struct saga_history *ret)
{
    int64_t *offsets = NULL;
    size_t count = 0;
    bool fits = false;
    int code = saga_call_views(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    const char *why = ask_redis(call, address, ret, &offsets, &count);
    if (why && ret->sequence == 0 && count == 0)
        return saga_call_no_such_saga(call, address->lane, address->saga_id);
    ret->bytes_max = SAGA_HISTORY_BYTES_MAX;
    if (!why) code = read_by_offsets(call, offsets, count, ret, &fits);
    if (code != SAGA_EXIT_DONE || (!why && fits && is_unbroken(ret))) return code;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "`saga history` reads all of its lane, which may take long",
                          "the history is not at hand: %s", why ? why : offsets_wrong);
}
