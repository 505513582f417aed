#include "runtime/filter.h"

#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/time.h"

enum { ABOUT_BYTES = 60, SHOWN_BYTES = 120 };

/* ---- words ---- */

#define BIT(test) (1u << (test))
enum {
    EQUAL = BIT(SAGA_FILTER_IS) | BIT(SAGA_FILTER_IS_NOT),
    TEXT = EQUAL | BIT(SAGA_FILTER_HOLDS) | BIT(SAGA_FILTER_HOLDS_NOT),
    ORDER = BIT(SAGA_FILTER_BELOW) | BIT(SAGA_FILTER_BELOW_OR_AT) | BIT(SAGA_FILTER_ABOVE) |
            BIT(SAGA_FILTER_ABOVE_OR_AT),
};

static const struct {
    const char *name;
    unsigned tests;
    const char *example;
} subjects[SAGA_FILTER_SUBJECTS] = {
    [SAGA_FILTER_DEFINITION] = { "definition", TEXT, "definition=order-fulfilment" },
    [SAGA_FILTER_VERSION] = { "version", EQUAL | ORDER, "version=3, version<3" },
    [SAGA_FILTER_KEY] = { "key", TEXT, "key=o-4711, key~4711" },
    [SAGA_FILTER_STATUS] = { "status", EQUAL, "status=stuck, status!=completed" },
    [SAGA_FILTER_STEP] = { "step", TEXT, "step=charge-card, step~charge" },
    [SAGA_FILTER_ERROR] = { "error", TEXT, "error~timeout; error=Type is its whole type" },
    [SAGA_FILTER_PAUSED] = { "paused", EQUAL, "paused=true" },
    [SAGA_FILTER_CHANGED] = { "changed", ORDER, "changed<-1h, changed>=2030-01-31T12:00:00Z" },
    [SAGA_FILTER_STARTED] = { "started", ORDER, "started<-1d, started>=2030-01-31" },
    [SAGA_FILTER_SEARCH] = { "search.", BIT(SAGA_FILTER_IS), "search.customer=c-17" },
};
#define ALL_NAMES                                                                                  \
    "definition, version, key, status, step, error, paused, changed, started, search.NAME"

/* The longer of two with the same beginning comes first. */
static const struct {
    const char *sign;
    enum saga_filter_test test;
} signs[] = {
    { "!=", SAGA_FILTER_IS_NOT },      { "!~", SAGA_FILTER_HOLDS_NOT },
    { "<=", SAGA_FILTER_BELOW_OR_AT }, { ">=", SAGA_FILTER_ABOVE_OR_AT },
    { "=", SAGA_FILTER_IS },           { "~", SAGA_FILTER_HOLDS },
    { "<", SAGA_FILTER_BELOW },        { ">", SAGA_FILTER_ABOVE },
};
enum { SIGNS = sizeof signs / sizeof signs[0] };

struct parsing {
    struct saga_slice text;
    size_t at;
    int64_t now_ms;
    struct saga_arena *arena;
    struct saga_filter_fault *fault;
};

static int fail(struct parsing *p, size_t from, size_t to, const char *what, const char *mend)
{
    *p->fault = (struct saga_filter_fault){ from, to - from, what, mend };
    return SAGA_E_INVALID;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct saga_slice part(const struct parsing *p, size_t from, size_t to)
{
    return (struct saga_slice){ p->text.data + from, to - from };
}

/* ---- name and sign ---- */

/* For a word that is none: what may have been meant. */
static const char *mend_subject(struct parsing *p, struct saga_slice name, const char *near)
{
    if (near) return saga_arena_printf(p->arena, "did you mean \"%s\"?", near).data;
    if (saga_slice_is(name, "and")) return "leave it out: all words of a filter must hold";
    if (saga_slice_is(name, "or")) return "a filter has no \"or\": ask for one, then for the other";
    if (!name.size) return "known: " ALL_NAMES;
    return saga_arena_printf(p->arena, "known: " ALL_NAMES "; a search attribute is search.%.*s",
                             SAGA_SLICE_ARG(saga_slice_clip(name, 60)))
        .data;
}

static int find_subject(struct parsing *p, size_t from, size_t to, struct saga_filter_term *ret)
{
    const char *names[SAGA_FILTER_SEARCH];
    struct saga_slice name = part(p, from, to);
    if (saga_slice_starts_with(name, subjects[SAGA_FILTER_SEARCH].name)) {
        ret->subject = SAGA_FILTER_SEARCH;
        ret->attribute = saga_slice_skip(name, strlen(subjects[SAGA_FILTER_SEARCH].name));
        if (ret->attribute.size && !memchr(ret->attribute.data, ':', ret->attribute.size))
            return SAGA_OK;
        return fail(p, from, to, "a search names its attribute", "search.customer=c-17");
    }
    for (int i = 0; i < SAGA_FILTER_SEARCH; i++) {
        names[i] = subjects[i].name;
        ret->subject = (enum saga_filter_subject)i;
        if (saga_slice_is(name, names[i])) return SAGA_OK;
    }
    return fail(p, from, to,
                name.size ? "there is no such word in a filter" : "a word is missing here",
                mend_subject(p, name, saga_nearest(name, names, SAGA_FILTER_SEARCH)));
}

static bool find_sign(const struct parsing *p, size_t at, enum saga_filter_test *ret,
                      size_t *ret_size)
{
    struct saga_slice rest = saga_slice_skip(p->text, at);
    for (size_t i = 0; i < SIGNS; i++) {
        if (!saga_slice_starts_with(rest, signs[i].sign)) continue;
        *ret = signs[i].test;
        *ret_size = strlen(signs[i].sign);
        return true;
    }
    return false;
}

static int read_name_and_sign(struct parsing *p, struct saga_filter_term *ret)
{
    size_t from = p->at, sign_size = 0;
    while (p->at < p->text.size && !is_space(p->text.data[p->at]) &&
           !find_sign(p, p->at, &ret->test, &sign_size))
        p->at++;
    size_t end = p->at;
    int error = find_subject(p, from, end, ret);
    if (error < 0) return error;
    const char *example = subjects[ret->subject].example;
    if (sign_size == 0) return fail(p, from, end, "a word without what it must be", example);
    p->at += sign_size;
    if (subjects[ret->subject].tests & BIT(ret->test)) return SAGA_OK;
    return fail(p, end, p->at, "this word cannot be asked after like that", example);
}

/* ---- values ---- */

static int read_quoted(struct parsing *p, struct saga_slice *ret)
{
    size_t from = p->at++;
    struct saga_buffer value;
    saga_buffer_init(&value, p->arena);
    for (; p->at < p->text.size; p->at++) {
        char c = p->text.data[p->at];
        if (c == '"') {
            p->at++;
            *ret = saga_buffer_slice(&value);
            if (p->at == p->text.size || is_space(p->text.data[p->at])) return SAGA_OK;
            return fail(p, p->at, p->at + 1, "a space is missing between two words",
                        "within quotes, a quote is written as \\\"");
        }
        if (c == '\\' && p->at + 1 < p->text.size) c = p->text.data[++p->at];
        saga_buffer_add_char(&value, c);
    }
    return fail(p, from, from + 1, "this quote is never closed", "end the value with \"");
}

static int read_text(struct parsing *p, struct saga_slice *ret)
{
    size_t from = p->at;
    int error = SAGA_OK;
    if (p->at < p->text.size && p->text.data[p->at] == '"') {
        error = read_quoted(p, ret);
    } else {
        while (p->at < p->text.size && !is_space(p->text.data[p->at])) p->at++;
        *ret = saga_arena_copy(p->arena, part(p, from, p->at));
    }
    if (error < 0 || ret->size) return error;
    return fail(p, from, p->at, "a value is missing here", "a value with spaces stands in quotes");
}

static int read_status(struct parsing *p, size_t from, struct saga_filter_term *term)
{
    const char *names[SAGA_STATUS_COUNT];
    size_t count = 0;
    term->number = saga_status_of(term->text);
    if (term->number > SAGA_STATUS_NONE && term->number < SAGA_STATUS_COUNT) return SAGA_OK;
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        names[count++] = saga_status_name((enum saga_status)i);
    const char *near = saga_nearest(term->text, names, count);
    return fail(p, from, p->at, "there is no such status",
                near ? saga_arena_printf(p->arena, "did you mean \"%s\"?", near).data
                     : "one of running, compensating, stuck, completed, compensated, abandoned");
}

static int read_version(struct parsing *p, size_t from, struct saga_filter_term *term)
{
    unsigned long long number;
    if (saga_slice_to_u64(term->text, &number) < 0 || number < 1 || number > UINT32_MAX)
        return fail(p, from, p->at, "a version is a whole number from 1 on", "version=3");
    term->number = (int64_t)number;
    return SAGA_OK;
}

static int read_paused(struct parsing *p, size_t from, struct saga_filter_term *term)
{
    term->number = saga_slice_is(term->text, "true");
    if (term->number || saga_slice_is(term->text, "false")) return SAGA_OK;
    return fail(p, from, p->at, "a saga is paused or is not", "paused=true or paused=false");
}

/* `-1h` is an hour ago; a day alone begins at midnight, UTC. */
static int read_time(struct parsing *p, size_t from, struct saga_filter_term *term)
{
    int64_t age_ms;
    struct saga_slice text = term->text;
    if (text.data[0] == '-' && saga_duration_parse(saga_slice_skip(text, 1), &age_ms) == SAGA_OK) {
        term->number = age_ms < p->now_ms ? p->now_ms - age_ms : 0;
        return SAGA_OK;
    }
    if (text.size == strlen("2030-01-31"))
        text = saga_arena_printf(p->arena, "%.*sT00:00:00Z", SAGA_SLICE_ARG(text));
    if (saga_time_parse(text, &term->number) == SAGA_OK) return SAGA_OK;
    return fail(p, from, p->at, "this is no time",
                "-1h for an hour ago, or 2030-01-31, or 2030-01-31T12:00:00Z");
}

static int read_value(struct parsing *p, struct saga_filter_term *term)
{
    size_t from = p->at;
    int error = read_text(p, &term->text);
    if (error < 0) return error;
    switch (term->subject) {
    case SAGA_FILTER_STATUS: return read_status(p, from, term);
    case SAGA_FILTER_VERSION: return read_version(p, from, term);
    case SAGA_FILTER_PAUSED: return read_paused(p, from, term);
    case SAGA_FILTER_CHANGED:
    case SAGA_FILTER_STARTED: return read_time(p, from, term);
    default: return SAGA_OK;
    }
}

/* ---- the whole ---- */

static int check_bytes(struct parsing *p)
{
    size_t valid = saga_utf8_valid(p->text);
    for (size_t i = 0; i < valid; i++) {
        unsigned char c = (unsigned char)p->text.data[i];
        if ((c < ' ' && !is_space((char)c)) || c == 0x7f)
            return fail(p, i, i + 1, "a control character has no place in a filter", NULL);
    }
    if (p->text.size > SAGA_FILTER_BYTES_MAX)
        return fail(
            p, 0, 0,
            saga_arena_printf(p->arena, "a filter has at most %d bytes", SAGA_FILTER_BYTES_MAX)
                .data,
            NULL);
    if (valid == p->text.size) return SAGA_OK;
    return fail(p, valid, valid + 1, "a filter is a text in UTF-8", NULL);
}

int saga_filter_parse(struct saga_slice text, int64_t now_ms, struct saga_arena *arena,
                      struct saga_filter *ret, struct saga_filter_fault *fault)
{
    struct parsing p = { .text = text, .now_ms = now_ms, .arena = arena, .fault = fault };
    struct saga_filter filter = { 0 };
    int error = check_bytes(&p);
    while (error == SAGA_OK) {
        while (p.at < text.size && is_space(text.data[p.at])) p.at++;
        if (p.at == text.size) break;
        struct saga_filter_term term = { 0 };
        size_t from = p.at;
        error = read_name_and_sign(&p, &term);
        if (error == SAGA_OK) error = read_value(&p, &term);
        if (error == SAGA_OK && filter.count == SAGA_FILTER_TERMS_MAX)
            error = fail(&p, from, p.at, "there are too many words in this filter", NULL);
        if (error == SAGA_OK) filter.terms[filter.count++] = term;
    }
    if (error == SAGA_OK && filter.count == 0)
        error = fail(&p, 0, 0, "a filter says which sagas are meant", "status=stuck, for example");
    if (error == SAGA_OK) *ret = filter;
    return error;
}

/* ---- faults ---- */

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t characters(struct saga_slice text, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < to && i < text.size; i++) count += begins_character(text.data[i]);
    return count;
}

size_t saga_filter_fault_column(struct saga_slice text, const struct saga_filter_fault *fault)
{
    return characters(text, 0, fault->offset) + 1;
}

/* The start of the character that holds the byte at `at`. Text that is not UTF-8 may have any number of continuation
 * bytes in a row: a character has three at most. */
static size_t character_start(struct saga_slice text, size_t at)
{
    size_t start = at;
    while (start > 0 && start < text.size && at - start < 3 &&
           !begins_character(text.data[start])) {
        start--;
    }
    return start;
}

static void add_times(struct saga_buffer *out, char c, size_t count)
{
    while (count-- > 0) saga_buffer_add_char(out, c);
}

const char *saga_filter_fault_words(struct saga_slice text, const struct saga_filter_fault *fault,
                                    struct saga_arena *arena)
{
    struct saga_buffer out;
    size_t about = fault->offset > ABOUT_BYTES ? fault->offset - ABOUT_BYTES : 0;
    size_t from = character_start(text, about);
    size_t to =
        text.size - from > SHOWN_BYTES ? character_start(text, from + SHOWN_BYTES) : text.size;
    bool valid = saga_utf8_valid(text) == text.size;
    saga_buffer_init(&out, arena);
    saga_buffer_printf(&out, "%s\n  ", fault->what);
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool shown = c >= ' ' && c != 0x7f && (valid || c < 0x80);
        saga_buffer_add_char(&out, shown ? (char)c : c < 0x80 ? ' ' : '?');
    }
    saga_buffer_add(&out, SAGA_SLICE("\n  "));
    add_times(&out, ' ', characters(text, from, fault->offset));
    saga_buffer_add_char(&out, '^');
    size_t width = characters(text, fault->offset,
                              fault->offset + fault->size < to ? fault->offset + fault->size : to);
    if (width > 1) add_times(&out, '~', width - 1);
    return saga_buffer_slice(&out).data;
}
