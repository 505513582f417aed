#include "made/made.h"

#include <stdarg.h>
#include <stdio.h>

/* Where a list of blocks stands. */
struct place {
    unsigned indent, depth;
    bool item, index; /* inside of a for-each; of any loop */
    bool may_fail;    /* a `fail` may end it: what comes behind is reached another way */
    bool must_fail;   /* one must end it */
    bool no_pivot;    /* in a loop, beside other branches, or where the pivot failed */
};

/* What is known of the pivot on the ways to a block; no way leads to what stands behind a `fail`. */
enum pivot { PIVOT_NOT, PIVOT_PERHAPS, PIVOT_BEHIND, PIVOT_NO_WAY };

unsigned made_dice(uint64_t *random, unsigned sides)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (unsigned)(*random >> 11) % sides;
}

static unsigned dice(struct made *m, unsigned sides)
{
    return made_dice(&m->random, sides);
}

__attribute__((format(printf, 3, 4))) static void line(struct made *m, unsigned indent,
                                                       const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    saga_buffer_printf(m->yaml, "%*s%s\n", (int)indent, "", text);
}

static enum pivot write_list(struct made *m, struct place at, enum pivot pivot);

static struct place inside(struct place at, unsigned deeper)
{
    at.indent += deeper;
    at.depth++;
    at.may_fail = at.must_fail = false;
    return at;
}

/* Two ways meet. */
static enum pivot meet(enum pivot one, enum pivot other)
{
    if (one == PIVOT_NO_WAY) return other;
    if (other == PIVOT_NO_WAY) return one;
    return one == other ? one : PIVOT_PERHAPS;
}

/* A duration of so many tenths of a second, or ten times that. */
static void duration(struct made *m, char text[16], unsigned tenths)
{
    snprintf(text, 16, "%ums", tenths * (m->plain ? 100 : 1000));
}

/* ---- steps ---- */

static const char *body(struct made *m, struct place at)
{
    if (m->wrong && dice(m, 60) == 0) return ".input.n | keys";
    if (at.item && dice(m, 2)) return m->plain ? ".item" : "{i: .index, item: .item}";
    if (at.index && dice(m, 2)) return ".index";
    return dice(m, 3) ? ".input" : ".vars";
}

static void write_compensation(struct made *m, struct place at, unsigned n)
{
    if (dice(m, 5) == 0) {
        line(m, at.indent, "compensate: none");
        return;
    }
    line(m, at.indent, "compensate:");
    line(m, at.indent + 2, "send: p/U%s%u", m->prefix, n);
    if (dice(m, 3) == 0) line(m, at.indent + 2, "failure: G%s%u", m->prefix, n);
    if (dice(m, 3) == 0) line(m, at.indent + 2, "retry: { attempts: %u }", 1 + dice(m, 3));
    if (dice(m, 3) == 0) {
        line(m, at.indent + 2, "body: .steps.s%u", n);
        line(m, at.indent + 2, "unknown-body: .input");
    } else if (at.item) {
        line(m, at.indent + 2, "body: .item");
    }
}

static enum pivot write_step(struct made *m, struct place at, enum pivot pivot, bool decides)
{
    unsigned n = ++m->steps;
    bool fails = decides || (pivot != PIVOT_BEHIND && dice(m, 4)),
         caught = fails && dice(m, 3) == 0;
    char text[16];
    duration(m, text, 5 + dice(m, 20));
    line(m, at.indent, "- step: s%u", n);
    at.indent += 2;
    line(m, at.indent, "send: p/C%s%u", m->prefix, n);
    line(m, at.indent, "success: D%s%u", m->prefix, n);
    line(m, at.indent, "timeout: %s", text);
    if (dice(m, 2)) line(m, at.indent, "body: '%s'", body(m, at));
    if (fails) line(m, at.indent, "failure: F%s%u", m->prefix, n);
    if (pivot != PIVOT_BEHIND && dice(m, 2))
        line(m, at.indent, "retry: { attempts: %u, backoff: 200ms }", 1 + dice(m, 3));
    if (m->wrong && dice(m, 40) == 0) line(m, at.indent, "keep: '.reply.x + 1'");
    if (decides) line(m, at.indent, "pivot: true");
    if (!decides && pivot != PIVOT_BEHIND) write_compensation(m, at, n);
    if (!caught) return decides ? PIVOT_BEHIND : pivot;
    struct place handler = inside(at, 4);
    handler.may_fail = pivot == PIVOT_NOT;
    handler.must_fail = decides;
    handler.no_pivot = at.no_pivot || decides;
    line(m, at.indent, "catch:");
    line(m, at.indent + 2, "F%s%u:", m->prefix, n);
    enum pivot other = write_list(m, handler, decides ? PIVOT_NOT : pivot);
    return decides ? PIVOT_BEHIND : meet(pivot, other);
}

static enum pivot write_await(struct made *m, struct place at, enum pivot pivot)
{
    char text[16];
    bool until = m->plain || pivot != PIVOT_BEHIND || dice(m, 2), otherwise = until && dice(m, 2);
    line(m, at.indent, "- await: e%u", ++m->events_awaited);
    at.indent += 2;
    line(m, at.indent, "topic: %s", m->events);
    line(m, at.indent, "event: %s", dice(m, 3) ? "Told" : "Said");
    line(m, at.indent, "match: .v");
    line(m, at.indent, "with: .input.v");
    line(m, at.indent, "from: earliest");
    line(m, at.indent, "keep-early: %s", m->keep_early);
    if (dice(m, 4) == 0) line(m, at.indent, "keep: .reply.v");
    if (until) {
        duration(m, text, 10 + dice(m, 60));
        line(m, at.indent, "timeout: %s", text);
    }
    if (!otherwise) return pivot;
    struct place blocks = inside(at, 2);
    blocks.may_fail = pivot == PIVOT_NOT;
    line(m, at.indent, "on-timeout:");
    return meet(pivot, write_list(m, blocks, pivot));
}

static enum pivot write_child(struct made *m, struct place at, enum pivot pivot)
{
    unsigned count = 0;
    while (m->children && m->children[count]) count++;
    if (count == 0) return write_step(m, at, pivot, false);
    line(m, at.indent, "- saga: %s", m->children[dice(m, count)]);
    at.indent += 2;
    line(m, at.indent, "as: k%u", ++m->children_called);
    if (dice(m, 4) == 0) line(m, at.indent, "key: .input.kid");
    line(m, at.indent, "input: .input");
    if (dice(m, 4) == 0) line(m, at.indent, "keep: .reply.status");
    if (dice(m, 2)) return pivot;
    static const char *const types[] = { "compensated", "AlreadyExists", "NoSuchSaga",
                                         "abandoned" };
    line(m, at.indent, "catch:");
    enum pivot result = pivot;
    for (unsigned i = dice(m, 4); i < 4; i += 1 + dice(m, 3)) {
        struct place handler = inside(at, 4);
        handler.may_fail = pivot == PIVOT_NOT;
        line(m, at.indent + 2, "%s:", types[i]);
        result = meet(result, write_list(m, handler, pivot));
    }
    return result;
}

/* ---- blocks that hold lists ---- */

static enum pivot write_choose(struct made *m, struct place at, enum pivot pivot)
{
    static const char *const whens[] = { ".input.n > 4", ".input.n > 2", "false", ".vars.a",
                                         ".input.list[1]" };
    static const char *const plain[] = { ".input.yes", ".input.no", ".vars.a", ".vars.b",
                                         ".input.yes" };
    bool otherwise = dice(m, 2);
    enum pivot result = pivot;
    line(m, at.indent, "- choose:");
    for (unsigned i = 0, branches = 1 + dice(m, 2); i < branches; i++) {
        struct place branch = inside(at, 8);
        branch.may_fail = i == 0 && pivot == PIVOT_NOT;
        line(m, at.indent + 4, "- when: %s",
             m->plain                       ? plain[dice(m, 5)]
             : at.index && dice(m, 2)       ? ".index == 0"
             : m->wrong && dice(m, 30) == 0 ? ".input.n | keys"
                                            : whens[dice(m, 5)]);
        line(m, at.indent + 6, "steps:");
        enum pivot other = write_list(m, branch, pivot);
        result = i == 0 && otherwise ? other : meet(result, other);
    }
    if (!otherwise) return meet(result, pivot);
    line(m, at.indent + 4, "- else:");
    return meet(result, write_list(m, inside(at, 8), pivot));
}

static enum pivot write_parallel(struct made *m, struct place at, enum pivot pivot)
{
    line(m, at.indent, "- parallel:");
    for (unsigned i = 0, branches = 2 + dice(m, 2); i < branches; i++) {
        struct place branch = inside(at, 6);
        branch.no_pivot = true;
        line(m, at.indent + 4, "b%u:", i);
        (void)write_list(m, branch, pivot);
    }
    return pivot;
}

static enum pivot write_for_each(struct made *m, struct place at, enum pivot pivot)
{
    unsigned first = m->steps + 1;
    const char *list = m->wrong && dice(m, 20) == 0 ? ".input.n"
                       : m->plain || dice(m, 3)     ? ".input.list"
                                                    : "[7, 8, 9]";
    struct place round = inside(at, 4);
    line(m, at.indent, "- for-each: { item: i%u, in: '%s', at-once: %u }", at.depth, list,
         1 + dice(m, 3));
    line(m, at.indent + 2, "steps:");
    round.item = round.index = round.no_pivot = true;
    (void)write_list(m, round, pivot);
    if (m->steps >= first && dice(m, 2)) line(m, at.indent, "- set: { all: .steps.s%u }", first);
    return pivot;
}

static enum pivot write_repeat(struct made *m, struct place at, enum pivot pivot)
{
    static const char *const untils[] = { ".index >= 1", ".index >= 2", "false", ".input.n > 3" };
    struct place round = inside(at, 4);
    static const char *const plain[] = { ".input.yes", ".vars.a", ".input.no", ".input.yes" };
    unsigned until = dice(m, pivot == PIVOT_NOT ? 4 : 2);
    line(m, at.indent, "- repeat: { until: '%s', at-most: %u }", (m->plain ? plain : untils)[until],
         3 + dice(m, 2));
    line(m, at.indent + 2, "steps:");
    round.index = round.no_pivot = true;
    (void)write_list(m, round, pivot);
    return pivot;
}

/* ---- lists ---- */

static void write_simple(struct made *m, struct place at)
{
    char text[16];
    switch (dice(m, m->wrong ? 12 : 10)) {
    case 0:
    case 1:
        duration(m, text, 1 + dice(m, 15));
        line(m, at.indent, "- wait: %s", text);
        return;
    case 2:
        line(m, at.indent, "- wait-until: '%s'", dice(m, 2) ? "1000" : "\"2020-01-01T00:00:00Z\"");
        return;
    case 3:
    case 4:
    case 5: line(m, at.indent, "- publish: %s.out/Heard", m->events); return;
    case 10: line(m, at.indent, "- set: { a: '.input.n | keys' }"); return;
    case 11: line(m, at.indent, "- wait-until: .input.list"); return;
    case 6:
    case 7: line(m, at.indent, "- set: { a: .input.n, b: 2 }"); return;
    default: line(m, at.indent, "- set: { a: .vars }"); return;
    }
}

static enum pivot write_block(struct made *m, struct place at, enum pivot pivot)
{
    bool deep = at.depth >= m->depth;
    switch (dice(m, deep ? 14 : 24)) {
    case 0:
    case 1:
    case 2: write_simple(m, at); return pivot;
    case 3:
    case 4: return write_await(m, at, pivot);
    case 5:
    case 6: return write_child(m, at, pivot);
    case 14:
    case 15:
    case 16: return write_choose(m, at, pivot);
    case 17:
    case 18:
    case 19: return write_parallel(m, at, pivot);
    case 20:
    case 21: return write_for_each(m, at, pivot);
    case 22:
    case 23: return write_repeat(m, at, pivot);
    default: return write_step(m, at, pivot, pivot == PIVOT_NOT && !at.no_pivot && dice(m, 6) == 0);
    }
}

static enum pivot write_list(struct made *m, struct place at, enum pivot pivot)
{
    unsigned blocks = 1 + dice(m, at.depth == 0 ? 5 : 3);
    for (unsigned i = 0; i < blocks && m->blocks > 0; i++) {
        m->blocks--;
        pivot = write_block(m, at, pivot);
    }
    if (m->blocks == 0) write_simple(m, at); /* no list is empty */
    bool fails = at.must_fail || (at.may_fail && pivot == PIVOT_NOT && dice(m, 4) == 0);
    if (!fails) return pivot;
    line(m, at.indent, "- fail: { type: Enough, message: so it is }");
    return PIVOT_NO_WAY;
}

void made_definition(struct made *m, struct saga_buffer *yaml)
{
    m->yaml = yaml;
    m->steps = m->events_awaited = m->children_called = 0;
    saga_buffer_printf(m->yaml, "saga: %s\nversion: 1\n%s", m->name, m->head);
    if (dice(m, 2))
        line(m, 0, "on-compensated: { publish: %s.out/Undone, body: .error }", m->events);
    if (dice(m, 2)) line(m, 0, "on-completed: { publish: %s.out/Done, body: .vars }", m->events);
    line(m, 0, "steps:");
    line(m, 2, "- set: { a: .input.n }"); /* so that .vars is there wherever it is read */
    (void)write_list(m, (struct place){ .indent = 2, .may_fail = true }, PIVOT_NOT);
}
