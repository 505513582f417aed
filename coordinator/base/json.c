#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"

size_t saga_utf8_sequence(const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (size == 0) return 0;
    if (b[0] < 0x80) return 1;
    if (b[0] >= 0xC2 && b[0] <= 0xDF) return size >= 2 && (b[1] & 0xC0) == 0x80 ? 2 : 0;
    if (b[0] >= 0xE0 && b[0] <= 0xEF) {
        if (size < 3 || (b[1] & 0xC0) != 0x80 || (b[2] & 0xC0) != 0x80) return 0;
        if (b[0] == 0xE0 && b[1] < 0xA0) return 0;
        if (b[0] == 0xED && b[1] > 0x9F) return 0;
        return 3;
    }
    if (b[0] >= 0xF0 && b[0] <= 0xF4) {
        if (size < 4 || (b[1] & 0xC0) != 0x80 || (b[2] & 0xC0) != 0x80 || (b[3] & 0xC0) != 0x80)
            return 0;
        if (b[0] == 0xF0 && b[1] < 0x90) return 0;
        if (b[0] == 0xF4 && b[1] > 0x8F) return 0;
        return 4;
    }
    return 0;
}

/* ---- eight bytes at a time: most of a body is text that has nothing special in it ---- */

enum { WORD = 8 };
#define EACH(byte) (0x0101010101010101u * (byte))
#define HIGHS EACH(0x80u)

static inline uint64_t word_at(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Is one of the bytes 0? Sets the high bit of the lowest such byte; others above it may be wrong. */
static inline uint64_t zeros(uint64_t word)
{
    return (word - EACH(1u)) & ~word & HIGHS;
}

/* None is a quote, a backslash, a control character, or other than ASCII. */
static inline bool is_plain_text(uint64_t word)
{
    uint64_t special = zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\'));
    return !(((word | (word - EACH(0x20u))) & HIGHS) | special);
}

size_t saga_utf8_valid(struct saga_slice text)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= WORD && !(word_at(text.data + at) & HIGHS)) {
            at += WORD;
            continue;
        }
        size_t length = saga_utf8_sequence(text.data + at, text.size - at);
        if (length == 0) break;
        at += length;
    }
    return at;
}

/* ---- validation ---- */

struct validator {
    const char *at;
    const char *end;
    const char *why;
    int error;
};

static bool refuse(struct validator *v, int error, const char *why)
{
    if (!v->why) {
        v->why = why;
        v->error = error;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at)) at++;
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool check_literal(struct validator *v, const char *literal)
{
    size_t size = strlen(literal);
    if ((size_t)(v->end - v->at) < size || memcmp(v->at, literal, size) != 0)
        return refuse(v, SAGA_E_INVALID, "a value that is none of JSON's");
    v->at += size;
    return true;
}

static bool check_digits(struct validator *v)
{
    if (v->at == v->end || !is_digit(*v->at))
        return refuse(v, SAGA_E_INVALID, "a number without its digits");
    while (v->at < v->end && is_digit(*v->at)) v->at++;
    return true;
}

static bool check_number(struct validator *v)
{
    if (*v->at == '-') v->at++;
    if (v->at < v->end && *v->at == '0') {
        v->at++;
        if (v->at < v->end && is_digit(*v->at))
            return refuse(v, SAGA_E_INVALID, "a number that begins with 0");
    } else if (!check_digits(v)) {
        return false;
    }
    if (v->at < v->end && *v->at == '.') {
        v->at++;
        if (!check_digits(v)) return false;
    }
    if (v->at < v->end && (*v->at == 'e' || *v->at == 'E')) {
        v->at++;
        if (v->at < v->end && (*v->at == '+' || *v->at == '-')) v->at++;
        if (!check_digits(v)) return false;
    }
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool check_escape(struct validator *v)
{
    v->at++;
    if (v->at == v->end) return refuse(v, SAGA_E_INVALID, "a string that does not end");
    if (*v->at == 'u') {
        for (int i = 0; i < 4; i++) {
            v->at++;
            if (v->at == v->end || hex_value(*v->at) < 0)
                return refuse(v, SAGA_E_INVALID, "a \\u without four hexadecimal digits");
        }
    } else if (!strchr("\"\\/bfnrt", *v->at) || *v->at == '\0') {
        return refuse(v, SAGA_E_INVALID, "an escape that JSON does not know");
    }
    v->at++;
    return true;
}

static bool check_string(struct validator *v)
{
    v->at++;
    while (v->at < v->end) {
        if (v->end - v->at >= WORD && is_plain_text(word_at(v->at))) {
            v->at += WORD;
            continue;
        }
        unsigned char c = (unsigned char)*v->at;
        if (c == '"') {
            v->at++;
            return true;
        }
        if (c == '\\') {
            if (!check_escape(v)) return false;
        } else if (c < 0x20) {
            return refuse(v, SAGA_E_INVALID, "a control character inside a string");
        } else {
            size_t length = saga_utf8_sequence(v->at, (size_t)(v->end - v->at));
            if (length == 0) return refuse(v, SAGA_E_INVALID, "bytes that are not UTF-8");
            v->at += length;
        }
    }
    return refuse(v, SAGA_E_INVALID, "a string that does not end");
}

static bool check_value(struct validator *v, int depth);

static bool check_entry(struct validator *v, bool object, int depth)
{
    v->at = skip_space(v->at, v->end);
    if (object) {
        if (v->at == v->end || *v->at != '"')
            return refuse(v, SAGA_E_INVALID, "a member without a quoted name");
        if (!check_string(v)) return false;
        v->at = skip_space(v->at, v->end);
        if (v->at == v->end || *v->at != ':')
            return refuse(v, SAGA_E_INVALID, "a member without a colon");
        v->at++;
    }
    return check_value(v, depth);
}

static bool check_container(struct validator *v, bool object, int depth)
{
    char close = object ? '}' : ']';
    if (depth > SAGA_JSON_DEPTH_MAX) return refuse(v, SAGA_E_LIMIT, "nested too deeply");
    v->at = skip_space(v->at + 1, v->end);
    if (v->at < v->end && *v->at == close) {
        v->at++;
        return true;
    }
    for (;;) {
        if (!check_entry(v, object, depth)) return false;
        v->at = skip_space(v->at, v->end);
        if (v->at == v->end) return refuse(v, SAGA_E_INVALID, "the end in the middle of a value");
        char c = *v->at++;
        if (c == close) return true;
        if (c != ',') {
            v->at--;
            return refuse(v, SAGA_E_INVALID, "something where a comma or the end belongs");
        }
    }
}

static bool check_value(struct validator *v, int depth)
{
    v->at = skip_space(v->at, v->end);
    if (v->at == v->end) return refuse(v, SAGA_E_INVALID, "no value where one belongs");
    switch (*v->at) {
    case '{': return check_container(v, true, depth + 1);
    case '[': return check_container(v, false, depth + 1);
    case '"': return check_string(v);
    case 't': return check_literal(v, "true");
    case 'f': return check_literal(v, "false");
    case 'n': return check_literal(v, "null");
    default:
        if (*v->at == '-' || is_digit(*v->at)) return check_number(v);
        return refuse(v, SAGA_E_INVALID, "a value that is none of JSON's");
    }
}

int saga_json_validate(struct saga_slice json, size_t *ret_offset, const char **ret_why)
{
    if (!json.data) json = SAGA_SLICE("");
    struct validator v = { .at = json.data, .end = json.data + json.size };
    bool valid = check_value(&v, 0);
    if (valid) {
        v.at = skip_space(v.at, v.end);
        if (v.at == v.end) return SAGA_OK;
        refuse(&v, SAGA_E_INVALID, "something behind the value");
    }
    if (ret_offset) *ret_offset = (size_t)(v.at - json.data);
    if (ret_why) *ret_why = v.why;
    return v.error;
}

/* ---- reading what is known to be valid ---- */

/* What a byte is to those who look for the end of a value. */
enum { PLAIN, QUOTE = 1, OPEN = 2, CLOSE = 4, BETWEEN = 8, ESCAPE = 16 };
static const unsigned char classes[256] = {
    ['"'] = QUOTE,    ['{'] = OPEN,     ['['] = OPEN,    ['}'] = CLOSE,
    [']'] = CLOSE,    [','] = BETWEEN,  [' '] = BETWEEN, ['\t'] = BETWEEN,
    ['\n'] = BETWEEN, ['\r'] = BETWEEN, ['\\'] = ESCAPE,
};

static unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

static inline bool ends_or_escapes(uint64_t word)
{
    return zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\'));
}

/* `*ret_escaped`: it has a backslash. `end`: of what is read, somewhere behind. */
static const char *end_of_string(const char *at, const char *end, bool *ret_escaped)
{
    *ret_escaped = false;
    for (at++;; at++) {
        while (end - at >= WORD && !ends_or_escapes(word_at(at))) at += WORD;
        while (!(class_of(*at) & (QUOTE | ESCAPE))) at++;
        if (*at == '"') return at + 1;
        *ret_escaped = true;
        at++;
    }
}

static const char *end_of_container(const char *at, const char *end)
{
    bool escaped;
    int depth = 1;
    for (at++;;) {
        unsigned class;
        while (!((class = class_of(*at)) & (QUOTE | OPEN | CLOSE))) at++;
        if (class == QUOTE) {
            at = end_of_string(at, end, &escaped);
            continue;
        }
        at++;
        depth += class == OPEN ? 1 : -1;
        if (depth == 0) return at;
    }
}

static const char *end_of_value(const char *at, const char *end)
{
    bool escaped;
    if (at == end) return end;
    if (*at == '"') return end_of_string(at, end, &escaped);
    if (*at == '{' || *at == '[') return end_of_container(at, end);
    while (at < end && !(class_of(*at) & BETWEEN)) at++;
    return at;
}

struct saga_slice saga_json_trim(struct saga_slice json)
{
    const char *at = skip_space(json.data, json.data + json.size);
    const char *end = json.data + json.size;
    while (end > at && is_space(end[-1])) end--;
    return (struct saga_slice){ at, (size_t)(end - at) };
}

enum saga_json_kind saga_json_kind(struct saga_slice json)
{
    struct saga_slice value = saga_json_trim(json);
    SAGA_ASSERT(value.size > 0);
    switch (*value.data) {
    case '{': return SAGA_JSON_OBJECT;
    case '[': return SAGA_JSON_ARRAY;
    case '"': return SAGA_JSON_STRING;
    case 't': return SAGA_JSON_TRUE;
    case 'f': return SAGA_JSON_FALSE;
    case 'n': return SAGA_JSON_NULL;
    default: return SAGA_JSON_NUMBER;
    }
}

void saga_json_walk_init(struct saga_json_walk *walk, struct saga_slice json)
{
    struct saga_slice value = saga_json_trim(json);
    walk->object = value.size > 0 && value.data[0] == '{';
    bool container = walk->object || (value.size > 0 && value.data[0] == '[');
    walk->end = value.data + value.size - (container ? 1 : 0);
    walk->at = container ? value.data + 1 : walk->end;
}

static bool walk_next(struct saga_json_walk *walk, struct saga_slice *ret_name, bool *ret_escaped,
                      struct saga_slice *ret_value)
{
    const char *at = skip_space(walk->at, walk->end);
    if (at < walk->end && *at == ',') at = skip_space(at + 1, walk->end);
    if (at >= walk->end) return false;
    *ret_name = SAGA_SLICE_NONE;
    if (walk->object) {
        const char *name_end = end_of_string(at, walk->end, ret_escaped);
        *ret_name = (struct saga_slice){ at, (size_t)(name_end - at) };
        at = skip_space(name_end, walk->end);
        at = skip_space(at + 1, walk->end);
    }
    const char *value_end = end_of_value(at, walk->end);
    *ret_value = (struct saga_slice){ at, (size_t)(value_end - at) };
    walk->at = value_end;
    return true;
}

bool saga_json_walk_next(struct saga_json_walk *walk, struct saga_slice *ret_name,
                         struct saga_slice *ret_value)
{
    bool escaped;
    return walk_next(walk, ret_name, &escaped, ret_value);
}

size_t saga_json_count(struct saga_slice json)
{
    struct saga_json_walk walk;
    struct saga_slice name, value;
    size_t count = 0;
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &name, &value)) count++;
    return count;
}

static unsigned read_hex4(const char *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) value = value << 4 | (unsigned)hex_value(at[i]);
    return value;
}

static size_t write_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Resolves the \u escape whose digits begin at `at`; a lone surrogate becomes U+FFFD, as in jq. */
static const char *unescape_unicode(const char *at, const char *end, char *out, size_t *size)
{
    unsigned code = read_hex4(at);
    at += 4;
    if (code >= 0xD800 && code <= 0xDBFF && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        unsigned low = read_hex4(at + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
        }
    }
    if (code >= 0xD800 && code <= 0xDFFF) code = 0xFFFD;
    *size += write_utf8(out + *size, code);
    return at;
}

/* Writes the text of the quoted string `json` to `out`, which has room for json.size bytes. */
static size_t unescape(struct saga_slice json, char *out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *at = json.data + 1, *end = json.data + json.size - 1;
    size_t size = 0;
    while (at < end) {
        if (*at != '\\') {
            out[size++] = *at++;
        } else if (at[1] == 'u') {
            at = unescape_unicode(at + 2, end, out, &size);
        } else {
            out[size++] = meanings[strchr(letters, at[1]) - letters];
            at += 2;
        }
    }
    return size;
}

static bool quoted_is(struct saga_slice quoted, bool escaped, struct saga_slice text)
{
    struct saga_slice inner = { quoted.data + 1, quoted.size - 2 };
    if (!escaped) return saga_slice_equal(inner, text);
    char *resolved = saga_memory_take(quoted.size);
    size_t size = unescape(quoted, resolved);
    bool same = saga_slice_equal((struct saga_slice){ resolved, size }, text);
    free(resolved);
    return same;
}

bool saga_json_members(struct saga_slice json, const struct saga_slice *names, size_t count,
                       struct saga_slice *ret_values)
{
    struct saga_json_walk walk;
    struct saga_slice member, value;
    bool escaped = false;
    saga_json_walk_init(&walk, json);
    if (!walk.object) return false;
    for (size_t i = 0; i < count; i++) ret_values[i] = SAGA_SLICE_NONE;
    while (walk_next(&walk, &member, &escaped, &value))
        for (size_t i = 0; i < count; i++)
            if (quoted_is(member, escaped, names[i])) ret_values[i] = value;
    return true;
}

int saga_json_member(struct saga_slice json, struct saga_slice name, struct saga_slice *ret_value)
{
    struct saga_slice found;
    if (!saga_json_members(json, &name, 1, &found) || !found.data) return SAGA_E_NOT_FOUND;
    *ret_value = found;
    return SAGA_OK;
}

int saga_json_element(struct saga_slice json, long index, struct saga_slice *ret_value)
{
    struct saga_json_walk walk;
    struct saga_slice name, value;
    saga_json_walk_init(&walk, json);
    if (walk.object) return SAGA_E_NOT_FOUND;
    if (index < 0) index += (long)saga_json_count(json);
    for (long i = 0; saga_json_walk_next(&walk, &name, &value); i++) {
        if (i != index) continue;
        *ret_value = value;
        return SAGA_OK;
    }
    return SAGA_E_NOT_FOUND;
}

int saga_json_text(struct saga_slice json, struct saga_arena *arena, struct saga_slice *ret_text)
{
    struct saga_slice value = saga_json_trim(json);
    if (value.size < 2 || value.data[0] != '"') return SAGA_E_INVALID;
    char *text = saga_arena_alloc(arena, value.size + 1);
    *ret_text = (struct saga_slice){ text, unescape(value, text) };
    return SAGA_OK;
}
