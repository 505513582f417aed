/* Reading dead letters and noting what was done about them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "codec/message.h"
#include "operate/dead_letters.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "runtime/letter_reasons.h"

/* Of a note's text beside the letter, and of a letter's words in a list. */
enum { WORDS_BYTES_MAX = 300 };

int saga_letter_check_reason(struct saga_call *call, const char *reason)
{
    const char *words[SAGA_LETTER_REASON_COUNT];
    if (!reason || saga_letter_reason_find(saga_slice_of(reason))) return SAGA_EXIT_DONE;
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++) words[i] = saga_letter_reasons[i].word;
    const char *near = saga_nearest(saga_slice_of(reason), words, SAGA_LETTER_REASON_COUNT);
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          near ? saga_arena_printf(call->arena, "did you mean \"%s\"?", near).data
                               : "one of " SAGA_LETTER_REASON_WORDS,
                          "no record is put aside for a reason \"%s\"", reason);
}

/* ---- reading ---- */

struct collecting {
    struct saga_arena *arena;
    const char *reason; /* NULL: any */
    struct saga_letters *letters;
};

static struct saga_slice header(const struct saga_message *record, const char *name,
                                struct saga_arena *arena)
{
    return saga_arena_copy(arena, saga_message_header(record, name));
}

struct saga_slice saga_letter_saga(const struct saga_message *record, struct saga_arena *arena)
{
    struct saga_event event = { 0 };
    struct saga_slice saga_id, name, key;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_reply_address(record, arena, &event, &saga_id, &diagnostic) < 0 ||
        saga_id_parse(saga_id, &name, &key) < 0)
        return SAGA_SLICE_NONE;
    return saga_arena_copy(arena, saga_id);
}

static struct saga_slice note_header(const struct saga_message *record, const char *name)
{
    return saga_slice_clip(saga_message_header(record, name), SAGA_MESSAGE_BYTES_MAX);
}

bool saga_letter_note_of(const struct saga_message *record, int64_t *ret_letter,
                         struct saga_letter_note *ret)
{
    unsigned long long offset;
    struct saga_slice how = saga_message_header(record, "saga_handled");
    if (saga_message_header(record, "saga_reason").data || !how.data ||
        saga_slice_to_u64(saga_message_header(record, "saga_letter_offset"), &offset) < 0 ||
        offset > INT64_MAX)
        return false;
    *ret_letter = (int64_t)offset;
    *ret = (struct saga_letter_note){
        .how = saga_slice_is(how, "resent") ? "resent" : "dropped",
        .who = note_header(record, "saga_who"),
        .from = note_header(record, "saga_from"),
        .reason = note_header(record, "saga_why"),
        .time_ms = record->timestamp_ms,
    };
    return true;
}

static struct saga_letter_note copy_note(const struct saga_letter_note *note,
                                         struct saga_arena *arena)
{
    struct saga_letter_note copy = *note;
    copy.who = saga_arena_copy(arena, note->who);
    copy.from = saga_arena_copy(arena, note->from);
    copy.reason = saga_arena_copy(arena, note->reason);
    return copy;
}

static void note_letter(struct saga_letters *letters, int32_t partition, int64_t offset,
                        const struct saga_letter_note *note, struct saga_arena *arena)
{
    for (size_t i = letters->count; i-- > 0;)
        if (letters->items[i].partition == partition && letters->items[i].offset == offset) {
            letters->items[i].note = copy_note(note, arena);
            return;
        }
}

static bool collect(const struct saga_message *record, void *context)
{
    struct collecting *c = context;
    struct saga_arena *arena = c->arena;
    struct saga_letter_note note;
    int64_t offset;
    struct saga_slice reason = saga_message_header(record, "saga_reason");
    if (saga_letter_note_of(record, &offset, &note)) {
        note_letter(c->letters, record->partition, offset, &note, arena);
        return true;
    }
    if (c->reason && !saga_slice_is(reason, c->reason)) return true;
    struct saga_letter letter = {
        .partition = record->partition,
        .offset = record->offset,
        .time_ms = record->timestamp_ms,
        .size = record->value.size,
        .key = saga_arena_copy(arena, record->key),
        .reason = saga_arena_copy(arena, reason),
        .message = saga_arena_copy(
            arena, saga_slice_clip(saga_message_header(record, "saga_message"), WORDS_BYTES_MAX)),
        .source_topic = header(record, "saga_source_topic", arena),
        .source_partition = header(record, "saga_source_partition", arena),
        .source_offset = header(record, "saga_source_offset", arena),
        .saga_id = saga_letter_saga(record, arena),
    };
    SAGA_PUSH(arena, c->letters->items, c->letters->count, c->letters->capacity, letter);
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct saga_letter *first = a, *second = b;
    if (first->time_ms != second->time_ms) return first->time_ms < second->time_ms ? -1 : 1;
    if (first->partition != second->partition) return first->partition < second->partition ? -1 : 1;
    return (first->offset > second->offset) - (first->offset < second->offset);
}

/* Where reading begins, so that no more than `offsets_max` are read; SAGA_EXIT_NOT_FOUND: there is nothing, without words. */
static int find_begin(struct saga_call *call, int32_t partition, int64_t offsets_max, int64_t *ret)
{
    int64_t low, high;
    if (saga_client_watermarks(call->client, call->topics.dead_letters, partition,
                               SAGA_CALL_TIMEOUT_MS, &low, &high) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    *ret = offsets_max && high - low > offsets_max ? high - offsets_max : low;
    return high > low ? SAGA_EXIT_DONE : SAGA_EXIT_NOT_FOUND;
}

/* Every partition, as far as its newest `offsets_max` offsets say. */
static int read_all(struct saga_call *call, int64_t offsets_max, saga_visit_record visit,
                    void *context)
{
    struct saga_topic_state state;
    int code = saga_call_topic(call, call->topics.dead_letters, &state);
    for (int32_t p = 0; code == SAGA_EXIT_DONE && p < state.partitions; p++) {
        int64_t begin = 0;
        code = find_begin(call, p, offsets_max, &begin);
        if (code == SAGA_EXIT_DONE)
            code = saga_read_to_end(call, call->topics.dead_letters, p, begin, visit, context);
        else if (code == SAGA_EXIT_NOT_FOUND)
            code = SAGA_EXIT_DONE;
    }
    return code;
}

int saga_letters_read(struct saga_call *call, const char *reason, int64_t offsets_max,
                      struct saga_letters *ret)
{
    struct collecting c = { call->arena, reason, ret };
    *ret = (struct saga_letters){ 0 };
    int code = read_all(call, offsets_max, collect, &c);
    if (ret->count) qsort(ret->items, ret->count, sizeof *ret->items, by_time);
    return code;
}

struct looking {
    struct saga_arena *arena;
    int64_t offset;
    bool found;
    struct saga_message record;
    struct saga_letter_note *note;
};

/* The letter first, and then what was noted about it, if that is asked for. */
static bool take(const struct saga_message *record, void *context)
{
    struct looking *l = context;
    struct saga_letter_note note;
    int64_t offset;
    if (!l->found && record->offset > l->offset) return false;
    bool is_note = saga_letter_note_of(record, &offset, &note);
    if (record->offset == l->offset && !is_note) {
        l->found = true;
        l->record = saga_message_copy(record, l->arena);
    } else if (is_note && l->note && offset == l->offset) {
        *l->note = copy_note(&note, l->arena);
    }
    return !l->found || l->note;
}

int saga_letter_read(struct saga_call *call, int32_t partition, int64_t offset,
                     struct saga_message *ret, struct saga_letter_note *ret_note)
{
    struct looking l = { .arena = call->arena, .offset = offset, .note = ret_note };
    struct saga_topic_state state;
    int64_t low = 0, high = 0;
    if (ret_note) *ret_note = (struct saga_letter_note){ 0 };
    int code = saga_call_topic(call, call->topics.dead_letters, &state);
    if (code != SAGA_EXIT_DONE) return code;
    bool there = partition >= 0 && partition < state.partitions;
    if (there && saga_client_watermarks(call->client, call->topics.dead_letters, partition,
                                        SAGA_CALL_TIMEOUT_MS, &low, &high) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    if (there && offset >= low && offset < high)
        code = saga_read_to_end(call, call->topics.dead_letters, partition, offset, take, &l);
    if (code != SAGA_EXIT_DONE) return code;
    if (!l.found)
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND,
                              "`saga dead-letters list` shows what there is",
                              "there is no dead letter %d/%" PRId64, (int)partition, offset);
    *ret = l.record;
    return SAGA_EXIT_DONE;
}

/* ---- what is done about them ---- */

static int send(struct saga_call *call, const struct saga_message *message)
{
    struct saga_position position;
    if (saga_client_send(call->client, message, SAGA_CALL_TIMEOUT_MS, &position) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "say it again", "it was not sent: %s",
                          saga_client_problem(call->client));
}

static int note(struct saga_call *call, const struct saga_message *letter, const char *how,
                struct saga_letter_note *by)
{
    struct saga_header headers[] = {
        { SAGA_SLICE("saga_handled"), saga_slice_of(how) },
        { SAGA_SLICE("saga_letter_offset"),
          saga_arena_printf(call->arena, "%" PRId64, letter->offset) },
        { SAGA_SLICE("saga_who"), by->who },
        { SAGA_SLICE("saga_from"), by->from },
        { SAGA_SLICE("saga_why"), by->reason },
    };
    struct saga_message message = {
        .topic = call->topics.dead_letters,
        .partition = letter->partition,
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
    };
    int code = send(call, &message);
    by->how = how;
    by->time_ms = saga_now_ms();
    return code;
}

/* As it was at its source: without what was added when it was put aside, which stands behind all else. */
static bool original_of(const struct saga_message *letter, struct saga_message *ret)
{
    static const char *const added[] = { "saga_reason", "saga_message", "saga_source_topic",
                                         "saga_source_partition", "saga_source_offset" };
    size_t count = sizeof added / sizeof added[0];
    unsigned long long partition;
    *ret = *letter;
    if (letter->header_count < count) return false;
    ret->header_count -= count;
    for (size_t i = 0; i < count; i++)
        if (!saga_slice_is(letter->headers[ret->header_count + i].name, added[i])) return false;
    ret->topic = saga_message_header(letter, "saga_source_topic");
    if (ret->topic.size == 0 || ret->topic.size > SAGA_NAME_BYTES_MAX ||
        saga_slice_to_u64(saga_message_header(letter, "saga_source_partition"), &partition) < 0 ||
        partition > INT32_MAX)
        return false;
    ret->partition = (int32_t)partition;
    return true;
}

int saga_letter_resend(struct saga_call *call, const struct saga_message *letter,
                       struct saga_letter_note *by)
{
    struct saga_message original;
    if (!original_of(letter, &original))
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL,
                              "the letter does not say where it came from");
    int code = send(call, &original);
    return code == SAGA_EXIT_DONE ? note(call, letter, "resent", by) : code;
}

int saga_letter_drop(struct saga_call *call, const struct saga_message *letter,
                     struct saga_letter_note *by)
{
    return note(call, letter, "dropped", by);
}

/* ---- as JSON ---- */

json_t *saga_letter_note_json(int32_t partition, int64_t offset, const struct saga_letter_note *n)
{
    if (!n->how) return json_null();
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o}", "partition", (json_int_t)partition, "offset",
                     (json_int_t)offset, "how", n->how, "who", saga_json_string(n->who), "reason",
                     saga_json_string(n->reason), "time", saga_json_time(n->time_ms));
}

json_t *saga_letter_json(const struct saga_letter *l)
{
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "partition",
                     (json_int_t)l->partition, "offset", (json_int_t)l->offset, "time",
                     saga_json_time(l->time_ms), "reason", saga_json_string(l->reason), "message",
                     saga_json_string(l->message), "saga",
                     l->saga_id.size ? saga_json_string(l->saga_id) : json_null(), "sourceTopic",
                     saga_json_string(l->source_topic), "sourcePartition",
                     saga_json_string(l->source_partition), "sourceOffset",
                     saga_json_string(l->source_offset), "size", (json_int_t)l->size, "handled",
                     saga_letter_note_json(l->partition, l->offset, &l->note));
}

bool saga_letter_is_text(struct saga_slice value)
{
    while (value.size) {
        unsigned char c = (unsigned char)value.data[0];
        size_t size = saga_utf8_sequence(value.data, value.size);
        if (size == 0 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t' && c != '\r'))
            return false;
        value = saga_slice_skip(value, size);
    }
    return true;
}

static json_t *bytes_json(struct saga_slice bytes, struct saga_arena *arena)
{
    if (!bytes.data) return json_null();
    if (saga_letter_is_text(bytes)) return saga_json_string(bytes);
    char *hex = saga_arena_alloc(arena, 2 * bytes.size + 1);
    saga_hex((const uint8_t *)bytes.data, bytes.size, hex);
    return json_pack("{s:s}", "hex", hex);
}

json_t *saga_letter_full_json(const struct saga_message *record,
                              const struct saga_letter_note *note, struct saga_arena *arena)
{
    json_t *headers = json_array();
    for (size_t i = 0; i < record->header_count; i++)
        json_array_append_new(headers, json_pack("{s:o, s:o}", "name",
                                                 saga_json_string(record->headers[i].name), "value",
                                                 bytes_json(record->headers[i].value, arena)));
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "partition",
                     (json_int_t)record->partition, "offset", (json_int_t)record->offset, "time",
                     saga_json_time(record->timestamp_ms), "key", bytes_json(record->key, arena),
                     "headers", headers, "body", bytes_json(record->value, arena), "handled",
                     saga_letter_note_json(record->partition, record->offset, note));
}
