/* Dead letters. */
#include "base/error.h"
#include "http/server.h"
#include "operate/dead_letters.h"
#include "operate/output.h"

/* A list looks at so many of the newest of each partition. */
enum { PAGE_DEFAULT = 100, OFFSETS_MAX = 2000 };

/* Is the letter behind the cursor, newest first? A cursor is a time, and "partition/offset". */
static bool is_behind(const struct saga_letter *l, int64_t time_ms, int32_t partition,
                      int64_t offset)
{
    if (l->time_ms != time_ms) return l->time_ms < time_ms;
    if (l->partition != partition) return l->partition < partition;
    return l->offset < offset;
}

static bool read_place(struct saga_slice text, int32_t *ret_partition, int64_t *ret_offset)
{
    unsigned long long partition, offset;
    const char *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
    if (!slash) return false;
    struct saga_slice first = { text.data, (size_t)(slash - text.data) };
    if (saga_slice_to_u64(first, &partition) < 0 ||
        saga_slice_to_u64(saga_slice_skip(text, first.size + 1), &offset) < 0 ||
        partition > INT32_MAX || offset > INT64_MAX)
        return false;
    *ret_partition = (int32_t)partition;
    *ret_offset = (int64_t)offset;
    return true;
}

struct asked {
    const char *reason;
    bool by_handled, handled;
    unsigned long long limit;
    bool given;
    int64_t time_ms, offset;
    int32_t partition;
};

static bool read_asked(struct saga_exchange *x, struct asked *ret)
{
    struct saga_slice place, reason = saga_exchange_parameter(x, "reason");
    *ret = (struct asked){ .by_handled = saga_exchange_parameter(x, "handled").data != NULL };
    if (reason.data) ret->reason = saga_arena_string(&x->arena, reason);
    if (!saga_exchange_bool(x, "handled", false, &ret->handled) ||
        !saga_exchange_number(x, "limit", 1, SAGA_HTTP_PAGE_MAX, PAGE_DEFAULT, &ret->limit) ||
        !saga_exchange_cursor(x, 'l', &ret->given, &ret->time_ms, &place))
        return false;
    int code = saga_letter_check_reason(x->call, ret->reason);
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 400, "bad-parameter");
        return false;
    }
    if (!ret->given || read_place(place, &ret->partition, &ret->offset)) return true;
    saga_exchange_problem(x, 400, "bad-cursor", "take the `next` of the page before, as it is",
                          "the cursor is none of this list's");
    return false;
}

void saga_http_letters(struct saga_exchange *x)
{
    struct asked asked;
    struct saga_letters letters;
    struct saga_slice next = SAGA_SLICE_NONE;
    const struct saga_letter *last = NULL;
    if (!read_asked(x, &asked)) return;
    int code = saga_letters_read(x->call, asked.reason, OFFSETS_MAX, &letters);
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 503, "kafka");
        return;
    }
    json_t *items = json_array();
    for (size_t i = letters.count; i-- > 0 && !next.data;) {
        const struct saga_letter *l = &letters.items[i];
        if (asked.given && !is_behind(l, asked.time_ms, asked.partition, asked.offset)) continue;
        if (asked.by_handled && asked.handled != (l->note.how != NULL)) continue;
        if (json_array_size(items) == asked.limit) {
            struct saga_slice place = saga_arena_printf(&x->arena, "%d/%lld", (int)last->partition,
                                                        (long long)last->offset);
            next = saga_cursor_write(&x->arena, 'l', last->time_ms, place);
            break;
        }
        json_array_append_new(items, saga_letter_json(l));
        last = l;
    }
    saga_exchange_answer_json(x, 200,
                              json_pack("{s:o, s:o}", "items", items, "next",
                                        next.data ? saga_json_string(next) : json_null()));
}

/* The letter that the path names. False: it has answered. */
static bool read_letter(struct saga_exchange *x, struct saga_message *ret,
                        struct saga_letter_note *ret_note)
{
    struct saga_slice place = saga_arena_join(&x->arena, x->path_values[0], '/', x->path_values[1]);
    int32_t partition = 0;
    int64_t offset = 0;
    if (!read_place(place, &partition, &offset)) {
        saga_exchange_problem(x, 400, "bad-place", NULL,
                              "a dead letter is named by its partition and its offset");
        return false;
    }
    int code = saga_letter_read(x->call, partition, offset, ret, ret_note);
    if (code == SAGA_EXIT_DONE) return true;
    saga_exchange_failed(x, code, 503, "kafka");
    return false;
}

void saga_http_letter(struct saga_exchange *x)
{
    struct saga_message letter;
    struct saga_letter_note note;
    if (!read_letter(x, &letter, &note)) return;
    saga_exchange_answer_json(x, 200, saga_letter_full_json(&letter, &note, &x->arena));
}

/* Who says so, from where and why. */
static bool read_note(struct saga_exchange *x, struct saga_letter_note *ret)
{
    static const char *const names[] = { "reason" };
    struct saga_slice member;
    *ret = (struct saga_letter_note){ .who = x->identity.subject, .from = saga_slice_of(x->peer) };
    return saga_exchange_members(x, names, 1, 1, &member) &&
           saga_exchange_text(x, "reason", member, 1, SAGA_MESSAGE_BYTES_MAX, &ret->reason);
}

static void answer_note(struct saga_exchange *x, int code, const struct saga_message *letter,
                        const struct saga_letter_note *note)
{
    if (code == SAGA_EXIT_USAGE)
        saga_exchange_failed(x, SAGA_EXIT_FAILED, 422, "no-source");
    else if (code != SAGA_EXIT_DONE)
        saga_exchange_failed(x, code, 503, "kafka");
    else
        saga_exchange_answer_json(x, 200,
                                  saga_letter_note_json(letter->partition, letter->offset, note));
}

void saga_http_resend(struct saga_exchange *x)
{
    struct saga_message letter;
    struct saga_letter_note note;
    if (!read_note(x, &note) || !read_letter(x, &letter, NULL)) return;
    int code = saga_letter_resend(x->call, &letter, &note);
    answer_note(x, code, &letter, &note);
}

void saga_http_drop(struct saga_exchange *x)
{
    struct saga_message letter;
    struct saga_letter_note note;
    if (!read_note(x, &note) || !read_letter(x, &letter, NULL)) return;
    int code = saga_letter_drop(x->call, &letter, &note);
    answer_note(x, code, &letter, &note);
}
