/* Whether jq surely takes a source, told from its tree, so that libjq need not be asked when a definition is loaded: it
 * reads its own library for each program, which takes longer than all else that is done with an expression. Sources that
 * are surely jq are compiled when they are evaluated first; the others are when they are loaded, and what is wrong with
 * them is said by jq, with its place.
 *
 * Sure is what the grammars of jq 1.6 and later have in common, with functions and variables that are there. What is
 * left out here costs the time of a compilation and no more; what is let through must be right. */
#include <stdlib.h>
#include <string.h>

#include "definition/expression_internal.h"

enum {
    /* Far below what one program of jq may hold: 65,535 units of code, some of which are made of each byte. */
    SURE_BYTES_MAX = 4096,
    NAMES_MAX = 32
};

/* ---- functions ---- */

/* With any of the numbers of arguments, as bits; what other functions there are is not known for sure. */
static const struct known {
    const char *name;
    unsigned arguments;
} known[] = {
    { "add", 1 },
    { "all", 7 },
    { "any", 7 },
    { "arrays", 1 },
    { "ascii_downcase", 1 },
    { "ascii_upcase", 1 },
    { "booleans", 1 },
    { "capture", 6 },
    { "ceil", 1 },
    { "contains", 2 },
    { "del", 2 },
    { "empty", 1 },
    { "endswith", 2 },
    { "error", 3 },
    { "explode", 1 },
    { "fabs", 1 },
    { "first", 3 },
    { "flatten", 3 },
    { "floor", 1 },
    { "from_entries", 1 },
    { "fromdate", 1 },
    { "fromjson", 1 },
    { "getpath", 2 },
    { "gmtime", 1 },
    { "group_by", 2 },
    { "gsub", 12 },
    { "has", 2 },
    { "implode", 1 },
    { "in", 2 },
    { "index", 2 },
    { "indices", 2 },
    { "inside", 2 },
    { "isempty", 2 },
    { "iterables", 1 },
    { "join", 2 },
    { "keys", 1 },
    { "keys_unsorted", 1 },
    { "last", 3 },
    { "length", 1 },
    { "limit", 4 },
    { "ltrimstr", 2 },
    { "map", 2 },
    { "map_values", 2 },
    { "match", 6 },
    { "max", 1 },
    { "max_by", 2 },
    { "min", 1 },
    { "min_by", 2 },
    { "mktime", 1 },
    { "not", 1 },
    { "nulls", 1 },
    { "numbers", 1 },
    { "objects", 1 },
    { "path", 2 },
    { "paths", 3 },
    { "range", 14 },
    { "recurse", 3 },
    { "reverse", 1 },
    { "rindex", 2 },
    { "round", 1 },
    { "rtrimstr", 2 },
    { "scalars", 1 },
    { "scan", 2 },
    { "select", 2 },
    { "sort", 1 },
    { "sort_by", 2 },
    { "split", 6 },
    { "splits", 6 },
    { "sqrt", 1 },
    { "startswith", 2 },
    { "strftime", 2 },
    { "strings", 1 },
    { "strptime", 2 },
    { "sub", 12 },
    { "test", 6 },
    { "to_entries", 1 },
    { "todate", 1 },
    { "tojson", 1 },
    { "tonumber", 1 },
    { "tostring", 1 },
    { "type", 1 },
    { "unique", 1 },
    { "unique_by", 2 },
    { "utf8bytelength", 1 },
    { "values", 1 },
    { "with_entries", 2 },
};

enum { KNOWN_COUNT = sizeof known / sizeof known[0], ARGUMENTS_END = 4 };

static bool is_known(struct saga_slice name, size_t arguments)
{
    for (size_t i = 0; i < KNOWN_COUNT && arguments < ARGUMENTS_END; i++)
        if (saga_slice_is(name, known[i].name)) return known[i].arguments >> arguments & 1;
    return false;
}

bool saga_expression_known_function(size_t place, const char **ret_name, unsigned *ret_arguments)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        for (unsigned arguments = 0; arguments < ARGUMENTS_END; arguments++) {
            if (!(known[i].arguments >> arguments & 1) || place-- > 0) continue;
            *ret_name = known[i].name;
            *ret_arguments = arguments;
            return true;
        }
    return false;
}

/* ---- words ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at)) at++;
    return at;
}

/* Digits, perhaps a fraction, perhaps an exponent: what stands behind is the next token for jq. */
static bool is_number(struct saga_slice text)
{
    const char *end = text.data + text.size, *at = skip_digits(text.data, end);
    if (at == text.data) return false;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, end);
        if (at == fraction) return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        if (++at < end && (*at == '+' || *at == '-')) at++;
        const char *exponent = at;
        at = skip_digits(at, end);
        if (at == exponent) return false;
    }
    return at == end;
}

static bool is_literal(struct saga_slice text)
{
    return saga_slice_is(text, "null") || saga_slice_is(text, "true") ||
           saga_slice_is(text, "false") || is_number(text);
}

/* Only escapes that all know; those of what it interpolates are of texts too. */
static bool has_known_escapes(struct saga_slice text)
{
    const char *end = text.data + text.size;
    for (const char *at = text.data; at < end; at++) {
        if (*at != '\\') continue;
        if (++at == end || !memchr("\"\\/bfnrt(", *at, 9)) return false;
    }
    return true;
}

/* ---- what a part may be ---- */

static bool is_place(const struct saga_tree *tree)
{
    return !tree->bracketed && (tree->kind == SAGA_TREE_FIELD || tree->kind == SAGA_TREE_INDEX ||
                                tree->kind == SAGA_TREE_SLICE || tree->kind == SAGA_TREE_EACH);
}

/* What jq 1.6 calls a term: it may have a path behind it, be a value in an object, and be bound to a name. */
static bool is_term(const struct saga_tree *tree)
{
    if (tree->bracketed) return true;
    switch (tree->kind) {
    case SAGA_TREE_IDENTITY:
    case SAGA_TREE_RECURSE:
    case SAGA_TREE_LITERAL:
    case SAGA_TREE_STRING:
    case SAGA_TREE_FORMAT:
    case SAGA_TREE_VARIABLE:
    case SAGA_TREE_FIELD:
    case SAGA_TREE_INDEX:
    case SAGA_TREE_SLICE:
    case SAGA_TREE_EACH:
    case SAGA_TREE_ARRAY:
    case SAGA_TREE_OBJECT:
    case SAGA_TREE_CALL: return true;
    case SAGA_TREE_TRY: return !tree->text.data && is_place(tree->children[0]);
    default: return false;
    }
}

/* What may stand behind the colon in an object. */
static bool is_value(const struct saga_tree *tree)
{
    if (is_term(tree)) return true;
    if (tree->kind == SAGA_TREE_NEGATION) return is_value(tree->children[0]);
    return tree->kind == SAGA_TREE_PIPE && is_value(tree->children[0]) &&
           is_value(tree->children[1]);
}

/* May jq know its value when it compiles? It refuses some then: to divide by zero, a name that is no text. */
static bool may_be_constant(const struct saga_tree *tree)
{
    switch (tree->kind) {
    case SAGA_TREE_LITERAL:
    case SAGA_TREE_STRING:
    case SAGA_TREE_ARRAY:
    case SAGA_TREE_OBJECT:
    case SAGA_TREE_NEGATION:
    case SAGA_TREE_ARITHMETIC:
    case SAGA_TREE_COMPARISON: return true;
    default: return false;
    }
}

/* jq takes no two of these side by side. */
static bool is_chained(const struct saga_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->children[i]->kind == tree->kind && !tree->children[i]->bracketed) return true;
    return false;
}

/* `1 + . as $x | $x`: not every jq takes a name that is bound within an operator's operand. */
static bool binds_unbracketed(const struct saga_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->children[i]->kind == SAGA_TREE_AS && !tree->children[i]->bracketed) return true;
    return false;
}

static bool has_twice(const struct saga_tree *tree)
{
    for (size_t i = 0; i < tree->name_count; i++)
        for (size_t j = 0; j < i; j++)
            if (saga_slice_equal(tree->names[i], tree->names[j])) return true;
    return false;
}

/* ---- the tree ---- */

struct names {
    const struct saga_tree *of[NAMES_MAX]; /* whose names hold here */
    size_t count;
};

static bool is_sure(struct names *names, const struct saga_tree *tree);

static bool is_bound(const struct names *names, struct saga_slice name)
{
    for (size_t i = 0; i < names->count; i++)
        for (size_t j = 0; j < names->of[i]->name_count; j++)
            if (saga_slice_equal(names->of[i]->names[j], name)) return true;
    return false;
}

/* The children from `first` on see the tree's names. */
static bool are_sure_with(struct names *names, const struct saga_tree *tree, size_t first)
{
    bool sure = true;
    for (size_t i = 0; i < first; i++) sure = sure && is_sure(names, tree->children[i]);
    if (!sure || names->count == NAMES_MAX || has_twice(tree)) return false;
    names->of[names->count++] = tree;
    for (size_t i = first; i < tree->count; i++) sure = sure && is_sure(names, tree->children[i]);
    names->count--;
    return sure;
}

static bool are_sure(struct names *names, const struct saga_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (!is_sure(names, tree->children[i])) return false;
    return true;
}

static bool is_sure_object(struct names *names, const struct saga_tree *tree)
{
    for (size_t i = 0; i + 1 < tree->count; i += 2) {
        const struct saga_tree *name = tree->children[i];
        if (name->bracketed && may_be_constant(name)) return false;
        if (!is_value(tree->children[i + 1])) return false;
    }
    return are_sure(names, tree);
}

static bool is_sure(struct names *names, const struct saga_tree *tree)
{
    switch (tree->kind) {
    case SAGA_TREE_IDENTITY:
    case SAGA_TREE_RECURSE:
    case SAGA_TREE_FORMAT: return true;
    case SAGA_TREE_LITERAL: return is_literal(tree->text);
    case SAGA_TREE_STRING: return has_known_escapes(tree->text) && are_sure(names, tree);
    case SAGA_TREE_VARIABLE: return is_bound(names, tree->text);
    case SAGA_TREE_SLICE:
        if (tree->count < 2) return false;
        return is_term(tree->children[0]) && are_sure(names, tree);
    case SAGA_TREE_FIELD:
    case SAGA_TREE_INDEX:
    case SAGA_TREE_EACH: return is_term(tree->children[0]) && are_sure(names, tree);
    case SAGA_TREE_OBJECT: return is_sure_object(names, tree);
    case SAGA_TREE_ARITHMETIC:
        if (memchr("/%", tree->text.data[0], 2) && may_be_constant(tree->children[0]) &&
            may_be_constant(tree->children[1]))
            return false;
        return !binds_unbracketed(tree) && are_sure(names, tree);
    case SAGA_TREE_COMPARISON:
    case SAGA_TREE_ASSIGNMENT:
        return !is_chained(tree) && !binds_unbracketed(tree) && are_sure(names, tree);
    case SAGA_TREE_COMMA:
    case SAGA_TREE_ALTERNATIVE:
    case SAGA_TREE_NEGATION:
    case SAGA_TREE_LOGIC: return !binds_unbracketed(tree) && are_sure(names, tree);
    case SAGA_TREE_IF: return tree->count == 3 && are_sure(names, tree);
    case SAGA_TREE_AS: return is_term(tree->children[0]) && are_sure_with(names, tree, 1);
    case SAGA_TREE_REDUCE:
    case SAGA_TREE_FOREACH: return is_term(tree->children[0]) && are_sure_with(names, tree, 2);
    case SAGA_TREE_CALL: return is_known(tree->text, tree->count) && are_sure(names, tree);
    case SAGA_TREE_ARRAY:
    case SAGA_TREE_PIPE: return are_sure(names, tree);
    case SAGA_TREE_TRY:
        for (size_t i = 0; i < tree->count && tree->text.data; i++)
            if (!is_term(tree->children[i])) return false;
        return are_sure(names, tree);
    case SAGA_TREE_DEFINITION:
    case SAGA_TREE_UNKNOWN: break;
    }
    return false;
}

bool saga_expression_surely_compiles(const struct saga_tree *tree, struct saga_slice source)
{
    struct names names = { .count = 0 };
    /* a carriage return is no space to jq 1.6 */
    if (source.size > SURE_BYTES_MAX || memchr(source.data, '\r', source.size)) return false;
    return is_sure(&names, tree);
}
