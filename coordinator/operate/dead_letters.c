/* `saga dead-letters list` and `show`: records that could not be read, as they were. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/time.h"
#include "codec/message.h"
#include "engine/fact.h"
#include "operate/commands.h"
#include "operate/dead_letters.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "runtime/intake.h"

enum {
    KEY_LIMIT = 'n',
    KEY_REASON = 'r',
    LIMIT_DEFAULT = 50,
    LIMIT_MAX = 1000000,
    HEX_COLUMNS = 16
};

struct dead_letter {
    int32_t partition;
    int64_t offset;
    int64_t time_ms;
    size_t size;
    struct saga_slice reason, message, source_topic, source_partition, source_offset;
    struct saga_slice saga_id; /* of whom it tells by its headers; absent: none */
};

struct letters {
    struct saga_arena *arena;
    const char *reason; /* NULL: any */
    struct dead_letter *items;
    size_t count, capacity;
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

static bool collect(const struct saga_message *record, void *context)
{
    struct letters *letters = context;
    struct saga_slice reason = saga_message_header(record, "saga_reason");
    if (letters->reason && !saga_slice_is(reason, letters->reason)) return true;
    struct saga_arena *arena = letters->arena;
    struct dead_letter letter = {
        .partition = record->partition,
        .offset = record->offset,
        .time_ms = record->timestamp_ms,
        .size = record->value.size,
        .reason = header(record, "saga_reason", arena),
        .message = header(record, "saga_message", arena),
        .source_topic = header(record, "saga_source_topic", arena),
        .source_partition = header(record, "saga_source_partition", arena),
        .source_offset = header(record, "saga_source_offset", arena),
        .saga_id = saga_letter_saga(record, arena),
    };
    SAGA_PUSH(arena, letters->items, letters->count, letters->capacity, letter);
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct dead_letter *first = a, *second = b;
    if (first->time_ms != second->time_ms) return first->time_ms < second->time_ms ? -1 : 1;
    if (first->partition != second->partition) return first->partition < second->partition ? -1 : 1;
    return (first->offset > second->offset) - (first->offset < second->offset);
}

static int count_partitions(struct saga_call *call, int32_t *ret)
{
    struct saga_topic_state state;
    int code = saga_call_topic(call, call->topics.dead_letters, &state);
    if (code == SAGA_EXIT_DONE) *ret = state.partitions;
    return code;
}

static void print_table(struct saga_call *call, const struct letters *letters, size_t from)
{
    struct saga_table table;
    struct saga_arena *arena = call->arena;
    if (letters->count == 0) {
        puts("no dead letters");
        return;
    }
    saga_table_init(&table, arena, "LETTER", "TIME", "REASON", "SAGA", "SOURCE", "SIZE", "WORDS",
                    NULL);
    for (size_t i = from; i < letters->count; i++) {
        const struct dead_letter *l = &letters->items[i];
        char time_text[SAGA_TIME_TEXT_BYTES];
        saga_time_format(l->time_ms, time_text);
        saga_table_add(
            &table, saga_arena_printf(arena, "%d/%" PRId64, (int)l->partition, l->offset).data,
            time_text, saga_arena_string(arena, l->reason), saga_printable(arena, l->saga_id),
            saga_arena_printf(arena, "%.*s/%.*s/%.*s", SAGA_SLICE_ARG(l->source_topic),
                              SAGA_SLICE_ARG(l->source_partition), SAGA_SLICE_ARG(l->source_offset))
                .data,
            saga_size(arena, l->size), saga_arena_string(arena, saga_slice_clip(l->message, 100)));
    }
    saga_table_print(&table, stdout);
    if (from)
        printf("\n%zu older %s not shown (--limit)\n", from, from == 1 ? "one is" : "ones are");
}

static void print_json(struct saga_call *call, const struct letters *letters, size_t from)
{
    json_t *rows = json_array();
    for (size_t i = from; i < letters->count; i++) {
        const struct dead_letter *l = &letters->items[i];
        json_array_append_new(
            rows, json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "partition",
                            (json_int_t)l->partition, "offset", (json_int_t)l->offset, "time",
                            saga_json_time(l->time_ms), "reason", saga_json_string(l->reason),
                            "message", saga_json_string(l->message), "saga",
                            l->saga_id.size ? saga_json_string(l->saga_id) : json_null(),
                            "sourceTopic", saga_json_string(l->source_topic), "sourcePartition",
                            saga_json_string(l->source_partition), "sourceOffset",
                            saga_json_string(l->source_offset), "size", (json_int_t)l->size));
    }
    saga_print_rows(call, rows);
}

/* What the coordinator writes as saga_reason (runtime/intake.c, runtime/batch.c). */
#define REASONS(FIRST, NEXT)                                                                       \
    FIRST("no-type")                                                                               \
    NEXT("unreadable")                                                                             \
    NEXT("too-large")                                                                              \
    NEXT("bad-key")                                                                                \
    NEXT("bad-address")                                                                            \
    NEXT("no-saga-named")                                                                          \
    NEXT("no-such-saga")                                                                           \
    NEXT("nobodys")                                                                                \
    NEXT("wrong-lane")                                                                             \
    NEXT("no-definition")                                                                          \
    NEXT("when-failed")                                                                            \
    NEXT("match-failed")                                                                           \
    NEXT(SAGA_REASON_NO_SCHEMA)                                                                    \
    NEXT(SAGA_REASON_OVER_A_LIMIT)                                                                 \
    NEXT("cannot-be-committed")
#define ITEM(word) word,
#define FIRST_WORD(word) word
#define NEXT_WORD(word) ", " word
static const char *const reasons[] = { REASONS(ITEM, ITEM) };
#define REASON_WORDS REASONS(FIRST_WORD, NEXT_WORD)

static int read_reason(struct saga_call *call, const char **ret)
{
    const char *reason = saga_call_option(call, KEY_REASON);
    size_t count = sizeof reasons / sizeof reasons[0];
    *ret = reason;
    if (!reason) return SAGA_EXIT_DONE;
    for (size_t i = 0; i < count; i++)
        if (strcmp(reasons[i], reason) == 0) return SAGA_EXIT_DONE;
    const char *near = saga_nearest(saga_slice_of(reason), reasons, count);
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          near ? saga_arena_printf(call->arena, "did you mean \"%s\"?", near).data
                               : "one of " REASON_WORDS,
                          "no record is put aside for a reason \"%s\"", reason);
}

static int list(struct saga_call *call)
{
    struct letters letters = { .arena = call->arena };
    unsigned long long limit;
    int32_t partitions;
    int code = read_reason(call, &letters.reason);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, KEY_LIMIT, LIMIT_DEFAULT, LIMIT_MAX, &limit);
    if (code == SAGA_EXIT_DONE) code = count_partitions(call, &partitions);
    if (code != SAGA_EXIT_DONE) return code;
    for (int32_t p = 0; p < partitions && code == SAGA_EXIT_DONE; p++)
        code = saga_read_to_end(call, call->topics.dead_letters, p, SAGA_READ_BEGINNING, collect,
                                &letters);
    if (code != SAGA_EXIT_DONE) return code;
    if (letters.count) qsort(letters.items, letters.count, sizeof *letters.items, by_time);
    size_t from = letters.count > limit ? letters.count - (size_t)limit : 0;
    if (call->output == SAGA_OUTPUT_TEXT)
        print_table(call, &letters, from);
    else
        print_json(call, &letters, from);
    return SAGA_EXIT_DONE;
}

/* ---- one of them ---- */

static bool is_text(struct saga_slice value)
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

static void print_hex(struct saga_slice value)
{
    for (size_t row = 0; row < value.size; row += HEX_COLUMNS) {
        printf("  %08zx ", row);
        for (size_t i = row; i < row + HEX_COLUMNS; i++) {
            if (i < value.size)
                printf(" %02x", (unsigned char)value.data[i]);
            else
                printf("   ");
        }
        printf("  ");
        for (size_t i = row; i < row + HEX_COLUMNS && i < value.size; i++) {
            unsigned char c = (unsigned char)value.data[i];
            putchar(c >= 0x20 && c < 0x7f ? c : '.');
        }
        putchar('\n');
    }
}

static void print_letter(struct saga_call *call, const struct saga_message *record)
{
    struct saga_arena *arena = call->arena;
    char time_text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(record->timestamp_ms, time_text);
    printf("dead letter %d/%" PRId64 " of %s\n", (int)record->partition, record->offset, time_text);
    printf("key      %s\n", record->key.data ? saga_printable(arena, record->key) : "(none)");
    for (size_t i = 0; i < record->header_count; i++)
        printf("header   %s: %s\n", saga_printable(arena, record->headers[i].name),
               saga_printable(arena, record->headers[i].value));
    printf("body     %s\n", record->value.data ? saga_size(arena, record->value.size) : "(none)");
    if (is_text(record->value) && record->value.size)
        printf("  %s\n", saga_printable(arena, record->value));
    else
        print_hex(record->value);
}

static json_t *bytes_json(struct saga_slice bytes, struct saga_arena *arena)
{
    if (!bytes.data) return json_null();
    if (is_text(bytes)) return saga_json_string(bytes);
    char *hex = saga_arena_alloc(arena, 2 * bytes.size + 1);
    saga_hex((const uint8_t *)bytes.data, bytes.size, hex);
    return json_pack("{s:s}", "hex", hex);
}

static void print_letter_json(struct saga_call *call, const struct saga_message *record)
{
    json_t *headers = json_array();
    for (size_t i = 0; i < record->header_count; i++)
        json_array_append_new(
            headers, json_pack("{s:o, s:o}", "name", saga_json_string(record->headers[i].name),
                               "value", bytes_json(record->headers[i].value, call->arena)));
    saga_print_object(call,
                      json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "partition",
                                (json_int_t)record->partition, "offset", (json_int_t)record->offset,
                                "time", saga_json_time(record->timestamp_ms), "key",
                                bytes_json(record->key, call->arena), "headers", headers, "body",
                                bytes_json(record->value, call->arena)));
}

struct wanted {
    struct saga_arena *arena;
    int64_t offset;
    bool found;
    struct saga_message record;
};

static bool take_first(const struct saga_message *record, void *context)
{
    struct wanted *wanted = context;
    wanted->found = record->offset == wanted->offset;
    if (wanted->found) wanted->record = saga_message_copy(record, wanted->arena);
    return false;
}

static int parse_place(struct saga_call *call, int32_t *ret_partition, int64_t *ret_offset)
{
    const char *text = call->arguments[0], *slash = strchr(text, '/');
    unsigned long long partition, offset;
    if (slash &&
        saga_slice_to_u64((struct saga_slice){ text, (size_t)(slash - text) }, &partition) ==
            SAGA_OK &&
        saga_slice_to_u64(saga_slice_of(slash + 1), &offset) == SAGA_OK && partition <= INT32_MAX &&
        offset <= INT64_MAX) {
        *ret_partition = (int32_t)partition;
        *ret_offset = (int64_t)offset;
        return SAGA_EXIT_DONE;
    }
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          "write it as PARTITION/OFFSET, as `saga dead-letters list` does",
                          "\"%s\" is no dead letter", text);
}

static int show(struct saga_call *call)
{
    int32_t partition = 0, partitions;
    int64_t low, high;
    struct wanted wanted = { .arena = call->arena };
    int code = parse_place(call, &partition, &wanted.offset);
    if (code == SAGA_EXIT_DONE) code = count_partitions(call, &partitions);
    if (code != SAGA_EXIT_DONE) return code;
    bool there = partition < partitions;
    if (there && saga_client_watermarks(call->client, call->topics.dead_letters, partition,
                                        SAGA_CALL_TIMEOUT_MS, &low, &high) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    if (there && wanted.offset >= low && wanted.offset < high)
        code = saga_read_to_end(call, call->topics.dead_letters, partition, wanted.offset,
                                take_first, &wanted);
    if (code != SAGA_EXIT_DONE) return code;
    if (!wanted.found)
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND,
                              "`saga dead-letters list` shows what there is",
                              "there is no dead letter %d/%" PRId64, (int)partition, wanted.offset);
    if (call->output == SAGA_OUTPUT_TEXT)
        print_letter(call, &wanted.record);
    else
        print_letter_json(call, &wanted.record);
    return SAGA_EXIT_DONE;
}

static const struct argp_option list_options[] = {
    { "limit", KEY_LIMIT, "NUMBER", 0, "at most so many, the newest (default 50)", 0 },
    { "reason", KEY_REASON, "WORD", 0, "only those with this reason: " REASON_WORDS, 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_dead_letters_list = {
    .name = "dead-letters list",
    .summary = "list the records that could not be read",
    .details = "A record that cannot be decoded, is too large, or belongs to no saga, stops "
               "nothing: it goes to the dead letters as it was, with the reason. SAGA is whom it "
               "names in ce_sagacommandid or ce_subject, whether there is such a saga or not.",
    .examples = "  saga dead-letters list\n"
                "  saga dead-letters list --reason unreadable\n"
                "  saga dead-letters list --limit 5 -o jsonl",
    .options = list_options,
    .configured = true,
    .has_output = true,
    .run = list,
};

const struct saga_subcommand saga_subcommand_dead_letters_show = {
    .name = "dead-letters show",
    .arguments = "PARTITION/OFFSET",
    .summary = "show one of them, headers and body",
    .details = "What is not printable is written out; a binary body as hexadecimal digits.",
    .examples = "  saga dead-letters show 3/17",
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = show,
};
