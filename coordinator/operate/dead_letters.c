/* `saga dead-letters`: records that could not be read, as they were, and what is done about them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "codec/message.h"
#include "operate/answer.h"
#include "operate/commands.h"
#include "operate/dead_letters.h"
#include "operate/output.h"
#include "runtime/letter_reasons.h"

enum {
    KEY_LIMIT = 'n',
    KEY_REASON = 'r',
    KEY_WHY = 256,
    KEY_AS_USER,
    LIMIT_DEFAULT = 50,
    LIMIT_MAX = 1000000,
    HEX_COLUMNS = 16,
    WORDS_SHOWN = 100 /* bytes of them in a list; `show` has all */
};

/* As much of a letter's words as a line has room for. */
static const char *words_of(const struct saga_letter *letter, struct saga_arena *arena)
{
    struct saga_slice shown = saga_slice_clip(letter->message, WORDS_SHOWN);
    return saga_arena_printf(arena, "%.*s%s", SAGA_SLICE_ARG(shown),
                             shown.size < letter->message.size ? "..." : "")
        .data;
}

static void print_table(struct saga_call *call, const struct saga_letters *letters, size_t from)
{
    struct saga_table table;
    struct saga_arena *arena = call->arena;
    if (letters->count == 0) {
        puts("no dead letters");
        return;
    }
    saga_table_init(&table, arena, "LETTER", "TIME", "REASON", "SAGA", "SOURCE", "SIZE", "DONE",
                    "WORDS", NULL);
    for (size_t i = from; i < letters->count; i++) {
        const struct saga_letter *l = &letters->items[i];
        char time_text[SAGA_TIME_TEXT_BYTES];
        saga_time_format(l->time_ms, time_text);
        saga_table_add(
            &table, saga_arena_printf(arena, "%d/%" PRId64, (int)l->partition, l->offset).data,
            time_text, saga_arena_string(arena, l->reason), saga_printable(arena, l->saga_id),
            saga_arena_printf(arena, "%.*s/%.*s/%.*s", SAGA_SLICE_ARG(l->source_topic),
                              SAGA_SLICE_ARG(l->source_partition), SAGA_SLICE_ARG(l->source_offset))
                .data,
            saga_size(arena, l->size), l->note.how ? l->note.how : "", words_of(l, arena));
    }
    saga_table_print(&table, stdout);
    if (from)
        printf("\n%zu older %s not shown (--limit)\n", from, from == 1 ? "one is" : "ones are");
}

static int list(struct saga_call *call)
{
    struct saga_letters letters;
    unsigned long long limit;
    const char *reason = saga_call_option(call, KEY_REASON);
    int code = saga_letter_check_reason(call, reason);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, KEY_LIMIT, LIMIT_DEFAULT, LIMIT_MAX, &limit);
    if (code == SAGA_EXIT_DONE) code = saga_letters_read(call, reason, 0, &letters);
    if (code != SAGA_EXIT_DONE) return code;
    size_t from = letters.count > limit ? letters.count - (size_t)limit : 0;
    if (call->output == SAGA_OUTPUT_TEXT) {
        print_table(call, &letters, from);
        return SAGA_EXIT_DONE;
    }
    json_t *rows = json_array();
    for (size_t i = from; i < letters.count; i++)
        json_array_append_new(rows, saga_letter_json(&letters.items[i]));
    saga_print_rows(call, rows);
    return SAGA_EXIT_DONE;
}

/* ---- one of them ---- */

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

/* Of a reason that only a newer coordinator knows nothing can be said; the headers have it. */
static void print_reason(struct saga_slice word)
{
    const struct saga_letter_reason_kind *reason = saga_letter_reason_find(word);
    if (!reason) return;
    printf("reason   %s: %s\n", reason->word, reason->means);
    printf("mend     %s\n", reason->mend);
}

static void print_letter(struct saga_call *call, const struct saga_message *record,
                         const struct saga_letter_note *note)
{
    struct saga_arena *arena = call->arena;
    char time_text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(record->timestamp_ms, time_text);
    printf("dead letter %d/%" PRId64 " of %s\n", (int)record->partition, record->offset, time_text);
    print_reason(saga_message_header(record, "saga_reason"));
    printf("key      %s\n", record->key.data ? saga_printable(arena, record->key) : "(none)");
    for (size_t i = 0; i < record->header_count; i++)
        printf("header   %s: %s\n", saga_printable(arena, record->headers[i].name),
               saga_printable(arena, record->headers[i].value));
    if (note->how)
        printf("%-8s by %s: %s\n", note->how, saga_printable(arena, note->who),
               saga_printable(arena, note->reason));
    printf("body     %s\n", record->value.data ? saga_size(arena, record->value.size) : "(none)");
    if (saga_letter_is_text(record->value) && record->value.size)
        printf("  %s\n", saga_printable(arena, record->value));
    else
        print_hex(record->value);
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
    int32_t partition = 0;
    int64_t offset = 0;
    struct saga_message record;
    struct saga_letter_note note;
    int code = parse_place(call, &partition, &offset);
    if (code == SAGA_EXIT_DONE) code = saga_letter_read(call, partition, offset, &record, &note);
    if (code != SAGA_EXIT_DONE) return code;
    if (call->output == SAGA_OUTPUT_TEXT)
        print_letter(call, &record, &note);
    else
        saga_print_object(call, saga_letter_full_json(&record, &note, call->arena));
    return SAGA_EXIT_DONE;
}

/* ---- what is done about it ---- */

typedef int handle_letter(struct saga_call *call, const struct saga_message *letter,
                          struct saga_letter_note *by);

static int handle(struct saga_call *call, handle_letter *do_it)
{
    int32_t partition = 0;
    int64_t offset = 0;
    struct saga_message record;
    struct saga_letter_note note;
    const char *why = saga_call_option(call, KEY_WHY), *who = saga_call_option(call, KEY_AS_USER);
    if (!why || !*why || strlen(why) > SAGA_MESSAGE_BYTES_MAX)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "--reason 'what you know of it'",
                              "it needs --reason, of at most %d bytes", SAGA_MESSAGE_BYTES_MAX);
    int code = parse_place(call, &partition, &offset);
    if (code == SAGA_EXIT_DONE) code = saga_letter_read(call, partition, offset, &record, NULL);
    note = (struct saga_letter_note){
        .who = saga_slice_of(who && *who ? who : saga_user_name(call->arena)),
        .from = saga_slice_of(saga_host_name(call->arena)),
        .reason = saga_slice_of(why),
    };
    if (code == SAGA_EXIT_DONE) code = do_it(call, &record, &note);
    if (code != SAGA_EXIT_DONE) return code;
    if (call->output == SAGA_OUTPUT_TEXT)
        printf("dead letter %d/%" PRId64 " %s\n", (int)partition, offset, note.how);
    else
        saga_print_object(call, saga_letter_note_json(partition, offset, &note));
    return SAGA_EXIT_DONE;
}

static int resend(struct saga_call *call)
{
    return handle(call, saga_letter_resend);
}

static int drop(struct saga_call *call)
{
    return handle(call, saga_letter_drop);
}

static const struct argp_option handle_options[] = {
    { "reason", KEY_WHY, "TEXT", 0, "why; asked for, and kept beside the letter", 0 },
    { "as-user", KEY_AS_USER, "NAME", 0, "who says so; default: $USER", 0 },
    { 0 },
};

static const struct argp_option list_options[] = {
    { "limit", KEY_LIMIT, "NUMBER", 0, "at most so many, the newest (default 50)", 0 },
    { "reason", KEY_REASON, "WORD", 0, "only those with this reason: " SAGA_LETTER_REASON_WORDS,
      0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_dead_letters_list = {
    .name = "dead-letters list",
    .summary = "list the records that could not be read",
    .details =
        "A record that cannot be decoded, is too large, or belongs to no saga, stops "
        "nothing: it goes to the dead letters as it was, with the reason. SAGA is whom it "
        "names in ce_sagacommandid or ce_subject, whether there is such a saga or not. DONE is "
        "what somebody did about it: resent or dropped; it stays in the list all the same.",
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
    .details =
        "What its reason means and what to do about it, then what it was. What is not printable "
        "is written out; a binary body as hexadecimal digits.",
    .examples = "  saga dead-letters show 3/17",
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = show,
};

const struct saga_subcommand saga_subcommand_dead_letters_resend = {
    .name = "dead-letters resend",
    .arguments = "PARTITION/OFFSET",
    .summary = "send one of them again to where it came from",
    .details = "With the key, headers and body that it had, when what was wrong has been mended: a "
               "schema that was lacking, a definition that was not deployed. Replies and starts "
               "that come twice change nothing.",
    .examples = "  saga dead-letters resend 3/17 --reason 'schema 12 is there now'",
    .options = handle_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = resend,
};

const struct saga_subcommand saga_subcommand_dead_letters_drop = {
    .name = "dead-letters drop",
    .arguments = "PARTITION/OFFSET",
    .summary = "note that nothing is to be done about one of them",
    .details = "It stays in the topic until retention deletes it, and is shown with the note.",
    .examples = "  saga dead-letters drop 3/17 --reason 'a test of the shop'",
    .options = handle_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = drop,
};
