#include "definition/expression_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"

enum { TEXT_BYTES = 16, DIGITS_EXACT = 15, POWERS_EXACT = 22 };

static const double marker_begin = 4503599627370496.0; /* 2^52 */

struct saga_marked {
    struct saga_slice text; /* as written, without its sign */
    bool negative;
    bool whole; /* from 2^53 on */
    /* its value without the sign: 0.digits times 10 to the exponent, the digits without zeros around them */
    struct saga_slice digits;
    long long exponent;
};

/* ---- the value of a number ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static long long read_exponent(struct saga_slice text, struct saga_arena *arena)
{
    enum { FAR = 1000000000 }; /* no double reaches that far, and no sum of two overflows */
    long long exponent = strtoll(saga_arena_string(arena, text), NULL, 10);
    return exponent > FAR ? FAR : exponent < -FAR ? -FAR : exponent;
}

static struct saga_marked read_marked(struct saga_slice number, struct saga_arena *arena)
{
    struct saga_marked m = { .negative = number.data[0] == '-' };
    m.text = saga_slice_skip(number, m.negative ? 1 : 0);
    const char *at = m.text.data, *end = at + m.text.size;
    char *digits = saga_arena_alloc(arena, m.text.size);
    size_t count = 0;
    bool fraction = false;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') fraction = true;
        if (!is_digit(*at)) continue;
        if (count == 0 && *at == '0') {
            m.exponent -= fraction ? 1 : 0;
            continue;
        }
        m.exponent += fraction ? 0 : 1;
        digits[count++] = *at;
    }
    while (count > 0 && digits[count - 1] == '0') count--;
    m.digits = (struct saga_slice){ digits, count };
    if (at < end)
        m.exponent += read_exponent((struct saga_slice){ at + 1, (size_t)(end - at - 1) }, arena);
    m.whole =
        m.exponent > 16 ||
        (m.exponent == 16 && saga_slice_compare(m.digits, SAGA_SLICE("9007199254740992")) >= 0);
    return m;
}

static int by_value(const void *left, const void *right)
{
    const struct saga_marked *a = left, *b = right;
    if (a->exponent != b->exponent) return a->exponent < b->exponent ? -1 : 1;
    return saga_slice_compare(a->digits, b->digits);
}

/* Of equal values the first as it came stands for all. */
void saga_numbers_order(struct saga_numbers *numbers)
{
    size_t kept = 0;
    qsort(numbers->items, numbers->count, sizeof *numbers->items, by_value);
    for (size_t i = 0; i < numbers->count; i++)
        if (i == 0 || by_value(&numbers->items[i], &numbers->items[kept - 1]) != 0)
            numbers->items[kept++] = numbers->items[i];
    numbers->count = kept;
    numbers->ordered = true;
    numbers->size = 0;
}

jv saga_numbers_texts(const struct saga_numbers *numbers)
{
    jv texts = jv_array();
    for (size_t i = 0; i < numbers->count; i++) {
        struct saga_slice text = numbers->items[i].text;
        texts = jv_array_append(texts, jv_string_sized(text.data, (int)text.size));
    }
    return texts;
}

struct saga_slice saga_numbers_first(const struct saga_numbers *numbers)
{
    SAGA_ASSERT(numbers->count > 0);
    const struct saga_marked *first = &numbers->items[0];
    return first->negative ? (struct saga_slice){ first->text.data - 1, first->text.size + 1 }
                           : first->text;
}

static double mark(struct saga_numbers *numbers, struct saga_slice text)
{
    struct saga_marked m = read_marked(text, numbers->arena);
    if (!numbers->ordered) {
        SAGA_PUSH(numbers->arena, numbers->items, numbers->count, numbers->capacity, m);
        return 0;
    }
    const struct saga_marked *found =
        bsearch(&m, numbers->items, numbers->count, sizeof m, by_value);
    SAGA_ASSERT(found);
    double marker = ldexp(marker_begin + (double)(found - numbers->items),
                          m.whole ? SAGA_MARKER_WHOLE_EXPONENT : SAGA_MARKER_OTHER_EXPONENT);
    return m.negative ? -marker : marker;
}

/* Digits that a double surely holds, and a power of ten that it holds too: their product or quotient is rounded once, as
 * the nearest double is. */
static bool read_short(struct saga_slice text, double *ret)
{
    static const double powers[POWERS_EXACT + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const char *at = text.data, *end = at + text.size;
    long long digits = 0;
    int places = -1;
    bool negative = *at == '-';
    if (negative) at++;
    if (end - at > DIGITS_EXACT) return false;
    for (; at < end; at++) {
        if (*at == '.') {
            places = 0;
            continue;
        }
        if (!is_digit(*at)) return false;
        digits = digits * 10 + (*at - '0');
        if (places >= 0) places++;
    }
    double value = (double)digits / powers[places > 0 ? places : 0];
    *ret = negative ? -value : value;
    return true;
}

static double number_of(struct saga_numbers *numbers, struct saga_slice text)
{
    double value;
    if (read_short(text, &value)) return value;
    if (saga_json_has_unsafe_number(text, NULL)) return mark(numbers, text);
    value = strtod(saga_arena_string(numbers->arena, text), NULL);
    return fabs(value) >= SAGA_WHOLE_NUMBERS_END ? mark(numbers, text) : value;
}

/* ---- into jq ---- */

enum { KEPT_NAMES = 32, KEPT_NAME_BYTES = 40 };

struct saga_kept_names {
    struct kept_name {
        size_t size; /* 0: none */
        char text[KEPT_NAME_BYTES];
        jv name;
    } items[KEPT_NAMES];
};

struct reader {
    struct saga_numbers *numbers;
    const char *at, *end;
};

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static jv read_text(struct reader *r)
{
    const char *from = r->at++;
    bool escaped = false;
    for (; *r->at != '"'; r->at++) {
        if (*r->at != '\\') continue;
        escaped = true;
        r->at++;
    }
    struct saga_slice text = { from + 1, (size_t)(r->at++ - from - 1) };
    r->numbers->size += (double)text.size / TEXT_BYTES;
    if (escaped) {
        struct saga_slice quoted = { from, (size_t)(r->at - from) };
        int error = saga_json_text(quoted, r->numbers->arena, &text);
        SAGA_ASSERT(error == SAGA_OK);
    }
    return jv_string_sized(text.data, (int)text.size);
}

/* As read_text, of a member's name: one that was met before is the same value. */
static jv read_name(struct reader *r)
{
    struct saga_kept_names *kept = r->numbers->names;
    const char *from = r->at + 1, *to = from;
    while (*to != '"' && *to != '\\') to++;
    struct saga_slice text = { from, (size_t)(to - from) };
    if (!kept || *to != '"' || text.size == 0 || text.size > KEPT_NAME_BYTES) return read_text(r);
    size_t place = (text.size * 31 + (unsigned char)to[-1] + (unsigned char)from[0]);
    struct kept_name *name = &kept->items[place % KEPT_NAMES];
    if (name->size != text.size || memcmp(name->text, text.data, text.size) != 0) {
        if (name->size) jv_free(name->name);
        name->name = jv_string_sized(text.data, (int)text.size);
        name->size = text.size;
        memcpy(name->text, text.data, text.size);
    }
    r->at = to + 1;
    r->numbers->size += (double)text.size / TEXT_BYTES;
    return jv_copy(name->name);
}

struct saga_kept_names *saga_kept_names_new(void)
{
    return saga_memory_zeroed(1, sizeof(struct saga_kept_names));
}

void saga_kept_names_free(struct saga_kept_names *kept)
{
    if (!kept) return;
    for (size_t i = 0; i < KEPT_NAMES; i++)
        if (kept->items[i].size) jv_free(kept->items[i].name);
    free(kept);
}

static jv read_number(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && (is_digit(*r->at) || memchr("+-.eE", *r->at, 5))) r->at++;
    return jv_number(number_of(r->numbers, (struct saga_slice){ from, (size_t)(r->at - from) }));
}

static jv read_value(struct reader *r);

static jv read_array(struct reader *r)
{
    jv array = jv_array();
    for (r->at++;; r->at++) {
        skip_space(r);
        if (*r->at == ']') break; /* of an empty one */
        array = jv_array_append(array, read_value(r));
        skip_space(r);
        if (*r->at == ']') break;
    }
    r->at++;
    return array;
}

static jv read_object(struct reader *r)
{
    jv object = jv_object();
    for (r->at++;; r->at++) {
        skip_space(r);
        if (*r->at == '}') break;
        jv name = read_name(r);
        skip_space(r);
        r->at++; /* the colon */
        object = jv_object_set(object, name, read_value(r));
        skip_space(r);
        if (*r->at == '}') break;
    }
    r->at++;
    return object;
}

static jv read_value(struct reader *r)
{
    skip_space(r);
    r->numbers->size += 1;
    switch (*r->at) {
    case '{': return read_object(r);
    case '[': return read_array(r);
    case '"': return read_text(r);
    case 't': r->at += sizeof "true" - 1; return jv_true();
    case 'f': r->at += sizeof "false" - 1; return jv_false();
    case 'n': r->at += sizeof "null" - 1; return jv_null();
    default: return read_number(r);
    }
}

jv saga_numbers_parse(struct saga_numbers *numbers, struct saga_slice json)
{
    struct reader r = { numbers, json.data, json.data + json.size };
    return read_value(&r);
}

/* ---- out of jq ---- */

struct writer {
    const struct saga_numbers *numbers;
    struct saga_buffer out;
    struct saga_slice why;
};

static int write_value(struct writer *w, jv value, int depth);

/* As jq writes texts, so that what is decided again has the same bytes. */
static void write_text(struct writer *w, struct saga_slice text)
{
    static const char escaped[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *at = text.data, *end = at + text.size;
    saga_buffer_add_char(&w->out, '"');
    while (at < end) {
        const char *from = at;
        while (at < end && (unsigned char)*at >= ' ' && *at != '"' && *at != '\\') at++;
        saga_buffer_append(&w->out, from, (size_t)(at - from));
        if (at == end) break;
        const char *found = *at ? strchr(escaped, *at) : NULL;
        if (found)
            saga_buffer_append(&w->out, (char[]){ '\\', letters[found - escaped] }, 2);
        else
            saga_buffer_printf(&w->out, "\\u%04x", (unsigned)(unsigned char)*at);
        at++;
    }
    saga_buffer_add_char(&w->out, '"');
}

static bool write_marked(struct writer *w, double value)
{
    int exponent;
    if (!w->numbers->ordered || isinf(value)) return false;
    double place = ldexp(frexp(fabs(value), &exponent), 53) - marker_begin;
    bool marked =
        exponent == SAGA_MARKER_WHOLE_EXPONENT + 53 || exponent == SAGA_MARKER_OTHER_EXPONENT + 53;
    if (!marked || place >= (double)w->numbers->count) return false;
    if (value < 0) saga_buffer_add_char(&w->out, '-');
    saga_buffer_add(&w->out, w->numbers->items[(size_t)place].text);
    return true;
}

static int write_number(struct writer *w, double value)
{
    if (write_marked(w, value)) return SAGA_OK;
    if (fabs(value) >= SAGA_WHOLE_NUMBERS_END) {
        w->why = saga_arena_printf(w->out.arena,
                                   "it gives the number %.17g, and whole numbers from 2^53 on jq "
                                   "does not compute exactly: pass it on by a plain path, or as a "
                                   "text",
                                   value);
        return SAGA_E_INVALID;
    }
    if (fabs(value) >= 1 || (fpclassify(value) == FP_ZERO && !signbit(value))) {
        long long whole = (long long)value;
        if ((double)whole <= value && (double)whole >= value) {
            char digits[24], *at = digits + sizeof digits;
            unsigned long long rest =
                whole < 0 ? 0ULL - (unsigned long long)whole : (unsigned long long)whole;
            do *--at = (char)('0' + rest % 10);
            while ((rest /= 10) > 0);
            if (whole < 0) *--at = '-';
            saga_buffer_append(&w->out, at, (size_t)(digits + sizeof digits - at));
            return SAGA_OK;
        }
    }
    jv text = jv_dump_string(jv_number(value), 0);
    saga_buffer_add(&w->out, saga_slice_of(jv_string_value(text)));
    jv_free(text);
    return SAGA_OK;
}

static int write_array(struct writer *w, jv value, int depth)
{
    int length = jv_array_length(jv_copy(value)), error = SAGA_OK;
    saga_buffer_add_char(&w->out, '[');
    for (int i = 0; i < length && error == SAGA_OK; i++) {
        jv item = jv_array_get(jv_copy(value), i);
        if (i) saga_buffer_add_char(&w->out, ',');
        error = write_value(w, item, depth + 1);
        jv_free(item);
    }
    saga_buffer_add_char(&w->out, ']');
    return error;
}

static int write_object(struct writer *w, jv value, int depth)
{
    int error = SAGA_OK, at = jv_object_iter(value);
    saga_buffer_add_char(&w->out, '{');
    for (bool first = true; error == SAGA_OK && jv_object_iter_valid(value, at); first = false) {
        jv name = jv_object_iter_key(value, at), item = jv_object_iter_value(value, at);
        if (!first) saga_buffer_add_char(&w->out, ',');
        write_text(w, (struct saga_slice){ jv_string_value(name),
                                           (size_t)jv_string_length_bytes(jv_copy(name)) });
        saga_buffer_add_char(&w->out, ':');
        error = write_value(w, item, depth + 1);
        jv_free(item);
        jv_free(name);
        at = jv_object_iter_next(value, at);
    }
    saga_buffer_add_char(&w->out, '}');
    return error;
}

static int write_value(struct writer *w, jv value, int depth)
{
    if (depth > SAGA_JSON_DEPTH_MAX) {
        w->why = saga_arena_printf(w->out.arena, "it gives a value nested more than %d deep",
                                   SAGA_JSON_DEPTH_MAX);
        return SAGA_E_LIMIT;
    }
    if (w->out.size > SAGA_PAYLOAD_BYTES_MAX) {
        w->why = saga_arena_printf(w->out.arena, "it gives too many bytes, the limit is %d",
                                   SAGA_PAYLOAD_BYTES_MAX);
        return SAGA_E_LIMIT;
    }
    switch (jv_get_kind(value)) {
    case JV_KIND_TRUE: saga_buffer_add(&w->out, SAGA_SLICE("true")); return SAGA_OK;
    case JV_KIND_FALSE: saga_buffer_add(&w->out, SAGA_SLICE("false")); return SAGA_OK;
    case JV_KIND_NUMBER: return write_number(w, jv_number_value(value));
    case JV_KIND_STRING:
        write_text(w, (struct saga_slice){ jv_string_value(value),
                                           (size_t)jv_string_length_bytes(jv_copy(value)) });
        return SAGA_OK;
    case JV_KIND_ARRAY: return write_array(w, value, depth);
    case JV_KIND_OBJECT: return write_object(w, value, depth);
    default: saga_buffer_add(&w->out, SAGA_SLICE("null")); return SAGA_OK;
    }
}

int saga_numbers_write(const struct saga_numbers *numbers, jv value, struct saga_arena *arena,
                       struct saga_slice *ret_json, struct saga_slice *ret_why)
{
    struct writer w = { .numbers = numbers };
    saga_buffer_init(&w.out, arena);
    int error = write_value(&w, value, 0);
    if (error < 0)
        *ret_why = w.why;
    else
        *ret_json = saga_buffer_slice(&w.out);
    return error;
}
