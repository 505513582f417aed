/* What an expression may cost at most, from its tree and the size of what it reads: before it is run, because libjq
 * cannot be stopped. Cheap ones are run where they are called; the others in a process that can be ended
 * (expression_helper.c).
 *
 * A bound says of what a part gives, for an input of a size: how many values, how large each and all together, and how
 * long it takes. Sizes are in units of a value, or 16 bytes of a text, and count what is shared as often as it is seen.
 * Bounds only grow with the size of the input, and never less than in proportion (they are convex): what a loop gathers
 * is steady in between when it is at both ends, and of many parts of one value none costs more than its share of the
 * whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "definition/expression_internal.h"

struct bound {
    double count, size, cost;
    double total; /* size of all; 0: not known to be less than count times size */
};

enum {
    TEXT_BYTES = 16,     /* of a text in one unit */
    TEXT_PIECES = 17,    /* values that one unit of a text may be taken apart to */
    TEXT_GROWTH = 8,     /* of a value that is written as JSON or in another format */
    ORDERING = 32,       /* for each value: comparisons of values with about as many more */
    INDEX_MAX = 1024,    /* up to which an array may be lengthened */
    SEARCH_COST = 100000 /* of a regular expression that goes wrong as long as it is let */
};

struct pricing {
    const struct saga_slice *names[32]; /* variables, in lists of names */
    size_t name_counts[32];
    double sizes[32];
    size_t depth;
    double peak;     /* the largest value so far: an error may carry any */
    unsigned visits; /* of nodes: what is nested in loops is looked at more than once */
};

static struct bound price(struct pricing *p, const struct saga_tree *tree, double in);

/* What is no number, as zero times infinity, stays none: that is never cheap. */
static double most(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}

static double least(double a, double b)
{
    return a < b || isnan(a) ? a : b;
}

static const struct bound unbounded = { INFINITY, INFINITY, INFINITY, INFINITY };

static struct bound gives(double count, double size, double cost)
{
    return (struct bound){ count, size, cost, 0 };
}

static double text_size(struct saga_slice text)
{
    return 1 + (double)text.size / TEXT_BYTES;
}

static bool bind(struct pricing *p, const struct saga_tree *tree, double size)
{
    if (p->depth == sizeof p->sizes / sizeof p->sizes[0]) return false;
    p->names[p->depth] = tree->names;
    p->name_counts[p->depth] = tree->name_count;
    p->sizes[p->depth++] = size;
    return true;
}

static struct bound price_variable(const struct pricing *p, struct saga_slice name)
{
    for (size_t i = p->depth; i > 0; i--)
        for (size_t j = 0; j < p->name_counts[i - 1]; j++)
            if (saga_slice_equal(p->names[i - 1][j], name)) return gives(1, p->sizes[i - 1], 1);
    return unbounded;
}

/* All children over the same input, every combination of what they give. */
static struct bound price_children(struct pricing *p, const struct saga_tree *tree, double in,
                                   struct bound *ret_first, struct bound *ret_last)
{
    struct bound all = gives(1, 0, 1);
    for (size_t i = 0; i < tree->count; i++) {
        struct bound one = price(p, tree->children[i], in);
        if (ret_first && i == 0) *ret_first = one;
        if (ret_last) *ret_last = one;
        all.cost = all.cost + all.count * one.cost;
        all.count *= most(one.count, 1);
        all.size += one.size;
    }
    all.cost *= all.count;
    return all;
}

/* `tree` over each of the values that `of` gives. */
static struct bound price_each(struct pricing *p, const struct saga_tree *tree, struct bound of)
{
    struct bound whole = price(p, tree, of.size), least_one = price(p, tree, 0);
    double share = of.total / most(of.size, 1);
    return (struct bound){ of.count * whole.count, whole.size,
                           share * whole.cost + of.count * (1 + least_one.cost),
                           share * whole.total + of.count * least_one.total };
}

static struct bound price_pipe(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound first = price(p, tree->children[0], in);
    struct bound all = price_each(p, tree->children[1], first);
    all.cost += first.cost;
    return all;
}

static struct bound price_arithmetic(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound a = price(p, tree->children[0], in), b = price(p, tree->children[1], in);
    double count = a.count * b.count, cost = a.cost * most(b.count, 1) + b.cost;
    char operator= tree->text.data[0];
    if (operator== '-') return gives(count, a.size, cost + count * a.size * b.size);
    double size = (a.size + b.size) * (operator== '/' ? TEXT_PIECES : 1);
    return gives(count, size, cost + count * size);
}

static bool is_constant(const struct saga_tree *tree)
{
    return tree->kind == SAGA_TREE_LITERAL || tree->kind == SAGA_TREE_STRING;
}

static struct bound price_comparison(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound a = price(p, tree->children[0], in), b = price(p, tree->children[1], in);
    double count = a.count * b.count, cost = a.cost * most(b.count, 1) + b.cost;
    double walked = ORDERING * least(a.size, b.size);
    if (!is_constant(tree->children[0]) && !is_constant(tree->children[1]))
        walked += a.size + b.size; /* objects: the names of both */
    return gives(count, 1, cost + count * (1 + walked));
}

/* What gives the one or the other, or both. */
static struct bound price_either(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound all = { 0, 0, 1, 0 };
    for (size_t i = 0; i < tree->count; i++) {
        struct bound one = price(p, tree->children[i], in);
        all.total += one.total;
        all.count += one.count;
        all.size = most(all.size, one.size);
        all.cost += one.cost;
    }
    return all;
}

static struct bound price_if(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound condition = price(p, tree->children[0], in);
    struct bound all = gives(1, in, 1);
    for (size_t i = 1; i < tree->count; i++) {
        struct bound one = price(p, tree->children[i], in);
        all.count = most(all.count, one.count);
        all.size = most(all.size, one.size);
        all.cost += one.cost;
    }
    return gives(condition.count * all.count, all.size,
                 condition.cost + condition.count * all.cost);
}

static struct bound price_try(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound body = price(p, tree->children[0], in);
    if (tree->count == 1) return body;
    struct bound handler = price(p, tree->children[1], most(p->peak, body.size));
    return gives(body.count + handler.count, most(body.size, handler.size),
                 body.cost + handler.cost);
}

static struct bound price_binding(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound of = price(p, tree->children[0], in);
    if (!bind(p, tree, of.size)) return unbounded;
    struct bound body = price(p, tree->children[1], in);
    p->depth--;
    return gives(of.count * body.count, body.size, of.cost + of.count * (4 + body.cost));
}

/* What a loop has gathered may grow by so much each time: not if what it gives is a multiple of what it is given. */
static struct bound price_loop(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound source = price(p, tree->children[0], in);
    struct bound begin = price(p, tree->children[1], in);
    if (!bind(p, tree, source.size)) return unbounded;
    const struct saga_tree *update = tree->children[2];
    double growth = most(price(p, update, begin.size).size - begin.size, 0);
    double end = begin.size + source.count * growth;
    struct bound each = price(p, update, end);
    bool steady = source.count <= SAGA_EXPRESSION_LOOPS_MAX && isfinite(end) &&
                  each.size <= (end + growth) * (1 + 1e-9) && each.count <= 1;
    struct bound loop =
        gives(begin.count, end + growth,
              source.cost + begin.cost + most(begin.count, 1) * source.count * (2 + each.cost));
    if (tree->kind == SAGA_TREE_FOREACH) {
        struct bound given = gives(1, end, 1);
        if (tree->count > 3) given = price(p, tree->children[3], end);
        loop.count *= source.count * given.count;
        loop.size = given.size;
        loop.cost += begin.count * source.count * given.cost;
    }
    p->depth--;
    return steady ? loop : unbounded;
}

/* ---- changing values in place ---- */

/* Paths that never lead to a place twice, nor to one inside another, nor far behind the end of an array. */
static bool leads_apart(const struct saga_tree *path)
{
    switch (path->kind) {
    case SAGA_TREE_IDENTITY: return true;
    case SAGA_TREE_FIELD:
    case SAGA_TREE_EACH: return leads_apart(path->children[0]);
    case SAGA_TREE_PIPE: return leads_apart(path->children[0]) && leads_apart(path->children[1]);
    case SAGA_TREE_CALL: return saga_slice_is(path->text, "select") && path->count == 1;
    case SAGA_TREE_INDEX: {
        const struct saga_tree *index = path->count > 1 ? path->children[1] : NULL;
        if (!index || !leads_apart(path->children[0])) return false;
        if (index->kind == SAGA_TREE_STRING) return index->count == 0;
        return index->kind == SAGA_TREE_LITERAL && strtod(index->text.data, NULL) <= INDEX_MAX;
    }
    default: return false;
    }
}

static struct bound price_assignment(struct pricing *p, const struct saga_tree *tree, double in)
{
    const struct saga_tree *to = tree->children[0], *from = tree->children[1];
    struct bound paths = price(p, to, in), value = price(p, from, in);
    bool computes = !saga_slice_is(tree->text, "=") && !saga_slice_is(tree->text, "|=");
    bool splits = tree->text.data[0] == '/' && tree->text.data[1] == '=';
    double each = value.size * (splits ? TEXT_PIECES : 1), runs = 1;
    if (!leads_apart(to)) return unbounded;
    if (saga_slice_is(tree->text, "|="))
        runs = most(paths.count, 1);
    else
        paths.cost *= most(value.count, 1);
    double size = in * (splits ? TEXT_PIECES : 1) + paths.count * (each + INDEX_MAX * 0.01);
    double cost = paths.cost + runs * value.cost +
                  most(value.count, 1) * paths.count * (16 + in + each + (computes ? in : 0));
    if (tree->text.data[0] == '-') cost += value.count * paths.count * in * value.size;
    double count = saga_slice_is(tree->text, "|=") ? 1 : most(value.count, 1);
    return gives(count, size, cost);
}

/* ---- functions ---- */

/* How often a search may go back, by what the expression repeats. */
static double search_cost(const struct saga_tree *pattern, double in)
{
    double bytes = 1 + in * TEXT_BYTES, cost = bytes;
    if (pattern->kind != SAGA_TREE_STRING || pattern->count) return SEARCH_COST;
    for (size_t i = 0; i < pattern->text.size && cost < SEARCH_COST; i++)
        if (memchr("*+?{|(\\", pattern->text.data[i], 7)) cost *= bytes;
    return least(cost, SEARCH_COST);
}

static struct bound price_search(struct pricing *p, const struct saga_tree *tree,
                                 enum saga_price kind, double in)
{
    if (tree->count == 0) return unbounded;
    struct bound arguments = price_children(p, tree, in, NULL, NULL);
    double matches = in * TEXT_BYTES;
    struct bound all = gives(arguments.count, 1, 0);
    double once = search_cost(tree->children[0], in);
    if (saga_slice_is(tree->text, "test")) {
        all.cost = arguments.cost + arguments.count * (8 + once);
        return all;
    }
    /* each search goes on where the last one ended, and counts its characters from the beginning */
    bool one = saga_slice_is(tree->text, "capture") || saga_slice_is(tree->text, "match");
    double searches =
        one && tree->count == 1 && tree->children[0]->kind == SAGA_TREE_STRING ? 1 : 1 + matches;
    all.count = arguments.count * searches;
    all.size = 16 + 4 * in;
    all.cost = arguments.cost + arguments.count * searches * (16 + in + once);
    if (kind == SAGA_PRICE_SUBSTITUTED || saga_slice_is(tree->text, "split")) {
        /* what is put in is computed for each match, over an object of what was captured */
        struct bound put =
            tree->count > 1 ? price(p, tree->children[1], 16 + 4 * in) : gives(1, 1, 1);
        all.count = arguments.count * most(put.count, 1);
        all.size = in * TEXT_PIECES + searches * put.size;
        all.cost += searches * (put.cost + all.size);
    }
    return all;
}

static double literal_of(const struct saga_tree *tree)
{
    return tree->kind == SAGA_TREE_LITERAL ? strtod(tree->text.data, NULL) : NAN;
}

/* range with numbers that are written out. */
static struct bound price_range(const struct saga_tree *tree)
{
    double end = literal_of(tree->children[tree->count == 1 ? 0 : 1]);
    double begin = tree->count == 1 ? 0 : literal_of(tree->children[0]);
    double by = tree->count == 3 ? literal_of(tree->children[2]) : 1;
    double count = by >= 1 && end >= begin ? end - begin : end < begin ? 0 : INFINITY;
    if (isnan(end) || isnan(begin) || isnan(by)) return unbounded;
    return gives(count, 1, 4 + 2 * count);
}

/* any, all, isempty: of the input's elements, or of what the first argument gives. */
static struct bound price_test(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound of = gives(in, in, 1), test = gives(1, 1, 1);
    bool generated = tree->count == 2 || saga_slice_is(tree->text, "isempty");
    if (generated) of = price(p, tree->children[0], in);
    if (tree->count == 2) test = price(p, tree->children[1], of.size);
    if (tree->count == 1 && !generated) test = price(p, tree->children[0], in);
    return gives(1, 1, of.cost + (1 + of.count) * (8 + test.cost));
}

/* What a function gives with its arguments: `with` all of them together, `last` the last one. */
static struct bound price_function(enum saga_price kind, double in, struct bound with,
                                   struct bound last)
{
    double count = with.count, size = with.size, cost = with.cost + 2;
    double pieces = 1 + in * TEXT_PIECES, text = 1 + in * TEXT_GROWTH;
    switch (kind) {
    case SAGA_PRICE_NONE: return gives(0, size + in, cost);
    case SAGA_PRICE_ONE: return gives(count, 16, cost + in);
    case SAGA_PRICE_NUMBER: return gives(1, 1, cost + 200 + in);
    case SAGA_PRICE_PART: return gives(most(1, count), most(in, last.size), cost + in + 2 * count);
    case SAGA_PRICE_TOTAL: return gives(count, 4 * in, cost + count * in * 16);
    case SAGA_PRICE_NESTED: return gives(count, in, cost + count * in * (8 + in));
    case SAGA_PRICE_PIECES: return gives(count, pieces, cost + count * 2 * pieces);
    case SAGA_PRICE_PARSED: return gives(1, pieces, cost + 256 * in * in + 4 * pieces);
    case SAGA_PRICE_TEXT: return gives(1, text, cost + text);
    case SAGA_PRICE_ORDERED: return gives(1, in, cost + in * ORDERING);
    case SAGA_PRICE_SELECT: return gives(count, in, cost);
    case SAGA_PRICE_FILTER: return gives(count, in, cost + count * in);
    case SAGA_PRICE_COMPARED:
        return gives(count, in + 1, cost + count * (8 + TEXT_BYTES * in * (1 + size)));
    case SAGA_PRICE_KEYED:
        return gives(1, 2 * in, cost + in * (4 + cost + ORDERING * (1 + count * size)));
    case SAGA_PRICE_JOINED:
        return gives(count, in * TEXT_GROWTH + in * size, cost + count * in * (TEXT_GROWTH + size));
    case SAGA_PRICE_PATHS: return gives(1 + in, most(1, in), cost + (1 + in) * (8 + in + cost));
    case SAGA_PRICE_RECURSE: return gives(1 + in, in, 4 + 4 * in);
    default: return unbounded;
    }
}

/* map, map_values; of the members of an object with_entries: {"key": ..., "value": ...}. */
static struct bound price_map(struct pricing *p, const struct saga_tree *tree, bool entries,
                              double in)
{
    if (tree->count != 1) return unbounded;
    struct bound elements = { in, in, 2 * in, in };
    if (entries) elements = (struct bound){ in, in + 4, 16 * in, 5 * in };
    struct bound all = price_each(p, tree->children[0], elements);
    double cost = elements.cost + all.cost + all.count + (entries ? 16 * all.total : 0);
    return (struct bound){ 1, 1 + all.total, cost, 0 };
}

static struct bound price_call(struct pricing *p, const struct saga_tree *tree, double in)
{
    const struct saga_word *word = saga_expression_word(tree->text);
    enum saga_price kind = word ? word->price : SAGA_PRICE_ANY;
    struct bound last = gives(1, in, 1);
    if (kind == SAGA_PRICE_SPLIT) kind = tree->count == 2 ? SAGA_PRICE_MATCH : SAGA_PRICE_PIECES;
    switch (kind) {
    case SAGA_PRICE_ANY: return unbounded;
    case SAGA_PRICE_MATCH:
    case SAGA_PRICE_SUBSTITUTED: return price_search(p, tree, kind, in);
    case SAGA_PRICE_RANGE: return tree->count ? price_range(tree) : unbounded;
    case SAGA_PRICE_TESTED: return price_test(p, tree, in);
    case SAGA_PRICE_MAP:
    case SAGA_PRICE_ENTRIES: return price_map(p, tree, kind == SAGA_PRICE_ENTRIES, in);
    case SAGA_PRICE_RECURSE:
        if (tree->count) return unbounded;
        break;
    default: break;
    }
    struct bound with = price_children(p, tree, in, NULL, &last);
    return price_function(kind, in, with, last);
}

/* ---- the tree ---- */

/* What is as large as what it is taken from. */
static struct bound price_place(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound of, all = price_children(p, tree, in, &of, NULL);
    if (tree->kind == SAGA_TREE_EACH)
        return (struct bound){ of.total, of.size, of.cost + of.total, of.total };
    if (tree->kind == SAGA_TREE_FIELD)
        return (struct bound){ of.count, of.size, of.cost + of.count, of.total };
    return gives(all.count, of.size, all.cost + all.count * (4 + of.size));
}

static struct bound price_array(struct pricing *p, const struct saga_tree *tree, double in)
{
    if (tree->count == 0) return gives(1, 1, 1);
    struct bound of = price(p, tree->children[0], in);
    return (struct bound){ 1, 1 + of.total, of.cost + of.count + 2, 0 };
}

/* Every combination of what the parts give, put together. */
static struct bound price_combined(struct pricing *p, const struct saga_tree *tree, double in)
{
    struct bound all = price_children(p, tree, in, NULL, NULL);
    double each = (double)tree->count, size = 1 + all.size;
    if (tree->kind == SAGA_TREE_STRING)
        each = size = text_size(tree->text) + TEXT_GROWTH * all.size;
    return gives(all.count, size, all.cost + all.count * each);
}

static struct bound price_node(struct pricing *p, const struct saga_tree *tree, double in)
{
    switch (tree->kind) {
    case SAGA_TREE_IDENTITY: return gives(1, in, 1);
    case SAGA_TREE_LITERAL: return gives(1, 1, 1);
    case SAGA_TREE_VARIABLE: return price_variable(p, tree->text);
    case SAGA_TREE_RECURSE: return gives(1 + in, in, 4 + 4 * in);
    case SAGA_TREE_FORMAT: return gives(1, 1 + in * TEXT_GROWTH, 1 + in * TEXT_GROWTH);
    case SAGA_TREE_FIELD:
    case SAGA_TREE_EACH:
    case SAGA_TREE_INDEX:
    case SAGA_TREE_SLICE: return price_place(p, tree, in);
    case SAGA_TREE_ARRAY: return price_array(p, tree, in);
    case SAGA_TREE_STRING:
    case SAGA_TREE_OBJECT:
    case SAGA_TREE_NEGATION:
    case SAGA_TREE_LOGIC: return price_combined(p, tree, in);
    case SAGA_TREE_PIPE: return price_pipe(p, tree, in);
    case SAGA_TREE_COMMA:
    case SAGA_TREE_ALTERNATIVE: return price_either(p, tree, in);
    case SAGA_TREE_ARITHMETIC: return price_arithmetic(p, tree, in);
    case SAGA_TREE_COMPARISON: return price_comparison(p, tree, in);
    case SAGA_TREE_ASSIGNMENT: return price_assignment(p, tree, in);
    case SAGA_TREE_IF: return price_if(p, tree, in);
    case SAGA_TREE_TRY: return price_try(p, tree, in);
    case SAGA_TREE_AS: return price_binding(p, tree, in);
    case SAGA_TREE_REDUCE:
    case SAGA_TREE_FOREACH: return price_loop(p, tree, in);
    case SAGA_TREE_CALL: return price_call(p, tree, in);
    case SAGA_TREE_DEFINITION:
    case SAGA_TREE_UNKNOWN: break;
    }
    return unbounded;
}

static struct bound price(struct pricing *p, const struct saga_tree *tree, double in)
{
    if (++p->visits > SAGA_EXPRESSION_VISITS_MAX) return unbounded;
    struct bound bound = price_node(p, tree, in);
    if (!(bound.total > 0)) bound.total = bound.count * bound.size;
    p->peak = most(p->peak, bound.size);
    return bound;
}

bool saga_expression_is_cheap(const struct saga_tree *tree, double size)
{
    struct pricing p = { .peak = size };
    return tree && price(&p, tree, size).cost <= SAGA_EXPRESSION_PRICE_MAX;
}
