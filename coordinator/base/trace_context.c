#include "base/trace_context.h"

#include "base/limits.h"

/* Of version 00: `vv-<32>-<16>-ff`. */
enum { TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, SAMPLED = 1 };
enum { KEY_BYTES_MAX = 256, VALUE_BYTES_MAX = 256, MEMBER_LONG = 128 };

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_hex(struct saga_slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!is_hex_digit(s.data[i])) return false;
    return true;
}

static bool is_zero(struct saga_slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] != '0') return false;
    return true;
}

static unsigned value_of(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

bool saga_traceparent_read(struct saga_slice text, struct saga_trace_context *ret)
{
    if (text.size < SAGA_TRACEPARENT_BYTES) return false;
    const char *at = text.data;
    if (at[TRACE_AT - 1] != '-' || at[PARENT_AT - 1] != '-' || at[FLAGS_AT - 1] != '-')
        return false;
    struct saga_slice version = { at, 2 }, flags = { at + FLAGS_AT, 2 };
    struct saga_slice trace = { at + TRACE_AT, SAGA_TRACE_ID_DIGITS };
    struct saga_slice parent = { at + PARENT_AT, SAGA_SPAN_ID_DIGITS };
    if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return false;
    if (saga_slice_is(version, "ff") || is_zero(trace) || is_zero(parent)) return false;
    if (text.size > SAGA_TRACEPARENT_BYTES &&
        (saga_slice_is(version, "00") || at[SAGA_TRACEPARENT_BYTES] != '-'))
        return false;
    *ret = (struct saga_trace_context){ .trace = trace,
                                        .parent = parent,
                                        .sampled = value_of(flags.data[1]) & SAMPLED };
    return true;
}

struct saga_slice saga_traceparent_make(struct saga_slice trace, struct saga_slice parent,
                                        bool sampled, struct saga_arena *arena)
{
    return SAGA_CONCAT(arena, SAGA_SLICE("00-"), trace, SAGA_SLICE("-"), parent,
                       sampled ? SAGA_SLICE("-01") : SAGA_SLICE("-00"));
}

/* ---- tracestate ---- */

static struct saga_slice trim(struct saga_slice s)
{
    while (s.size && (s.data[0] == ' ' || s.data[0] == '\t')) s = saga_slice_skip(s, 1);
    while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t')) s.size--;
    return s;
}

static bool is_key(struct saga_slice key)
{
    if (key.size == 0 || key.size > KEY_BYTES_MAX) return false;
    for (size_t i = 0; i < key.size; i++) {
        char c = key.data[i];
        bool simple = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!simple && (i == 0 || !memchr("_-*/@", c, 5))) return false;
    }
    return true;
}

static bool is_value(struct saga_slice value)
{
    if (value.size == 0 || value.size > VALUE_BYTES_MAX) return false;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < ' ' || value.data[i] > '~' || value.data[i] == '=') return false;
    return true;
}

static bool is_member(struct saga_slice member)
{
    const char *equals = memchr(member.data, '=', member.size);
    if (!equals) return false;
    size_t size = (size_t)(equals - member.data);
    return is_key((struct saga_slice){ member.data, size }) &&
           is_value(saga_slice_skip(member, size + 1));
}

struct members {
    struct saga_slice items[SAGA_TRACESTATE_MEMBERS_MAX];
    size_t count;
    size_t bytes; /* with the commas between them */
};

static void drop(struct members *members, size_t index)
{
    members->bytes -= members->items[index].size + 1;
    for (size_t i = index + 1; i < members->count; i++) members->items[i - 1] = members->items[i];
    members->count--;
}

/* False: it is no tracestate. */
static bool read_members(struct saga_slice text, struct members *ret)
{
    *ret = (struct members){ 0 };
    while (text.size) {
        const char *comma = memchr(text.data, ',', text.size);
        size_t size = comma ? (size_t)(comma - text.data) : text.size;
        struct saga_slice member = trim((struct saga_slice){ text.data, size });
        text = saga_slice_skip(text, comma ? size + 1 : size);
        if (member.size == 0) continue;
        if (ret->count == SAGA_TRACESTATE_MEMBERS_MAX || !is_member(member)) return false;
        ret->items[ret->count++] = member;
        ret->bytes += member.size + 1;
    }
    return true;
}

/* Long members first, then those that were changed longest ago: the last. */
static void shorten(struct members *members)
{
    for (size_t i = members->count; i > 0 && members->bytes > SAGA_TRACESTATE_BYTES_MAX; i--)
        if (members->items[i - 1].size > MEMBER_LONG) drop(members, i - 1);
    while (members->bytes > SAGA_TRACESTATE_BYTES_MAX) drop(members, members->count - 1);
}

/* ---- both ---- */

struct saga_slice saga_trace_context_join(struct saga_slice traceparent,
                                          struct saga_slice tracestate, struct saga_arena *arena)
{
    struct saga_trace_context context;
    struct members members;
    if (!saga_traceparent_read(traceparent, &context)) return SAGA_SLICE_NONE;
    struct saga_slice text =
        saga_traceparent_make(context.trace, context.parent, context.sampled, arena);
    if (!read_members(tracestate, &members)) return text;
    shorten(&members);
    for (size_t i = 0; i < members.count; i++)
        text = saga_arena_join(arena, text, i == 0 ? ' ' : ',', members.items[i]);
    return text;
}

bool saga_trace_context_split(struct saga_slice text, struct saga_trace_context *ret)
{
    const char *space = text.size ? memchr(text.data, ' ', text.size) : NULL;
    struct saga_slice parent = { text.data, space ? (size_t)(space - text.data) : text.size };
    if (!saga_traceparent_read(parent, ret)) return false;
    if (space) ret->state = saga_slice_skip(text, parent.size + 1);
    if (ret->state.size == 0) ret->state = SAGA_SLICE_NONE;
    return true;
}
