/* The target of a request, taken apart. Everything that is written in two ways is refused, so that nothing that is decided
 * by a path can be gone around: empty segments, `.` and `..`. (Escaped they are a key like any other: they lead nowhere.) */
#include "base/error.h"
#include "http/exchange.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* RFC 3986; a `+` of a query is a space, as forms write it. */
static int unescape(struct saga_slice raw, bool query, struct saga_arena *arena,
                    struct saga_slice *ret)
{
    char *text = saga_arena_take(arena, raw.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (c == '%') {
            bool whole = raw.size - i > 2;
            int high = whole ? digit_of(raw.data[i + 1]) : -1;
            int low = whole ? digit_of(raw.data[i + 2]) : -1;
            if (high < 0 || low < 0) return SAGA_E_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (query && c == '+') {
            c = ' ';
        }
        if (c == '\0') return SAGA_E_INVALID;
        text[size++] = c;
    }
    text[size] = '\0';
    *ret = (struct saga_slice){ text, size };
    return SAGA_OK;
}

/* What stands before the character, or all; and what is behind it. */
static struct saga_slice cut(struct saga_slice *rest, char at)
{
    const char *found = rest->size ? memchr(rest->data, at, rest->size) : NULL;
    struct saga_slice part = *rest;
    if (found) part.size = (size_t)(found - rest->data);
    *rest = found ? saga_slice_skip(*rest, part.size + 1) : (struct saga_slice){ NULL, 0 };
    return part;
}

static int parse_path(struct saga_slice path, struct saga_arena *arena, struct saga_target *ret,
                      const char **ret_why)
{
    if (path.size == 0 || path.data[0] != '/') {
        *ret_why = "it does not begin with /";
        return SAGA_E_INVALID;
    }
    struct saga_slice rest = saga_slice_skip(path, 1);
    if (rest.size == 0) return SAGA_OK;
    while (rest.data) {
        struct saga_slice raw = cut(&rest, '/'), segment;
        if (ret->segment_count == SAGA_HTTP_SEGMENTS_MAX) {
            *ret_why = "its path is too deep";
            return SAGA_E_INVALID;
        }
        if (unescape(raw, false, arena, &segment) < 0) {
            *ret_why = "its path has an escape that is none";
            return SAGA_E_INVALID;
        }
        if (segment.size == 0 || saga_slice_is(raw, ".") || saga_slice_is(raw, "..")) {
            *ret_why = "its path has an empty segment, or one with a dot alone";
            return SAGA_E_INVALID;
        }
        ret->segments[ret->segment_count++] = segment;
    }
    return SAGA_OK;
}

static int parse_query(struct saga_slice query, struct saga_arena *arena, struct saga_target *ret,
                       const char **ret_why)
{
    while (query.data && query.size) {
        struct saga_slice pair = cut(&query, '&');
        if (pair.size == 0) continue;
        struct saga_slice name = cut(&pair, '=');
        struct saga_parameter *p = &ret->parameters[ret->parameter_count];
        if (ret->parameter_count == SAGA_HTTP_PARAMETERS_MAX) {
            *ret_why = "it has too many parameters";
            return SAGA_E_INVALID;
        }
        if (unescape(name, true, arena, &p->name) < 0 ||
            unescape(pair, true, arena, &p->value) < 0) {
            *ret_why = "its query has an escape that is none";
            return SAGA_E_INVALID;
        }
        ret->parameter_count++;
    }
    return SAGA_OK;
}

int saga_target_parse(struct saga_slice raw, struct saga_arena *arena, struct saga_target *ret,
                      const char **ret_why)
{
    *ret = (struct saga_target){ 0 };
    if (raw.size > SAGA_HTTP_TARGET_BYTES_MAX) {
        *ret_why = "it is too long";
        return SAGA_E_LIMIT;
    }
    struct saga_slice query = raw;
    struct saga_slice path = cut(&query, '?');
    int error = parse_path(path, arena, ret, ret_why);
    return error < 0 ? error : parse_query(query, arena, ret, ret_why);
}

void saga_target_escape(struct saga_slice segment, struct saga_buffer *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~";
    for (size_t i = 0; i < segment.size; i++) {
        char c = segment.data[i];
        /* a dot alone would be a path's own; elsewhere it is as plain as a letter */
        bool dot = c == '.' && segment.size > 2;
        if (dot || (c && strchr(plain, c)))
            saga_buffer_add_char(out, c);
        else
            saga_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}
