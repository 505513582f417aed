/* jq's grammar, read once more than jq does, because libjq tells nobody what it has read: for what an expression may
 * cost at most (expression_price.c), what it computes while it is compiled (expression.c), and whether it surely is jq
 * (expression_sure.c). What is not understood here gives no tree; it is then taken for something that may cost anything.
 * Where more is taken than every jq takes, that is noted: the tree is good enough for a price then. */
#include <stdlib.h>
#include <string.h>

#include "definition/expression_internal.h"

enum { DEPTH_MAX = 64 };

struct parser {
    const struct saga_token *at;
    struct saga_arena *arena;
    int depth;
    bool failed;
    bool strict; /* until something was taken that not every jq takes */
};

static struct saga_tree *read_pipe(struct parser *p);
static struct saga_tree *read_postfix(struct parser *p);

static struct saga_tree *node(struct parser *p, enum saga_tree_kind kind, struct saga_slice text)
{
    struct saga_tree *tree = SAGA_NEW(p->arena, struct saga_tree);
    tree->kind = kind;
    tree->text = text;
    return tree;
}

static void add(struct parser *p, struct saga_tree *tree, struct saga_tree *child)
{
    SAGA_PUSH(p->arena, tree->children, tree->count, tree->capacity, child);
}

static struct saga_tree *with(struct parser *p, enum saga_tree_kind kind, struct saga_slice text,
                              struct saga_tree *first, struct saga_tree *second)
{
    struct saga_tree *tree = node(p, kind, text);
    add(p, tree, first);
    if (second) add(p, tree, second);
    return tree;
}

static struct saga_tree *fail(struct parser *p)
{
    p->failed = true;
    return node(p, SAGA_TREE_UNKNOWN, SAGA_SLICE_NONE);
}

static bool accept(struct parser *p, const char *text)
{
    if (p->failed || !saga_token_is(p->at, text)) return false;
    p->at++;
    return true;
}

static void expect(struct parser *p, const char *text)
{
    if (!accept(p, text)) fail(p);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->at->kind == SAGA_TOKEN_IDENT && saga_slice_is(p->at->text, word);
}

static bool accept_word(struct parser *p, const char *word)
{
    if (p->failed || !is_word(p, word)) return false;
    p->at++;
    return true;
}

static void expect_word(struct parser *p, const char *word)
{
    if (!accept_word(p, word)) fail(p);
}

/* ---- texts ---- */

/* The inner expressions of a text come before it, each in brackets; `from` is the first bracket, or the text. Brackets
 * that stand before a text are none of its own. */
static struct saga_tree *read_text(struct parser *p, const struct saga_token *from,
                                   struct saga_tree *first)
{
    struct saga_tree *text = node(p, SAGA_TREE_STRING, SAGA_SLICE_NONE);
    if (first) add(p, text, first);
    while (accept(p, "(")) {
        add(p, text, read_pipe(p));
        expect(p, ")");
    }
    if (p->at->kind != SAGA_TOKEN_STRING) return fail(p);
    if (from->text.data < p->at->text.data) p->strict = false;
    text->text = p->at++->text;
    return text;
}

static bool begins_text(const struct parser *p)
{
    return p->at->kind == SAGA_TOKEN_STRING || saga_token_is(p->at, "(");
}

/* Not every jq takes the names of modules everywhere. */
static void note_word(struct parser *p)
{
    if (memchr(p->at->text.data, ':', p->at->text.size)) p->strict = false;
}

/* Nor a space behind the sign, or a word of its own. */
static void note_variable(struct parser *p)
{
    note_word(p);
    if (p->at->text.data[-1] != '$' || saga_expression_is_keyword(p->at->text)) p->strict = false;
}

/* Brackets, or the first inner expression of a text. */
static struct saga_tree *read_brackets(struct parser *p)
{
    const struct saga_token *from = p->at - 1;
    struct saga_tree *inner = read_pipe(p);
    expect(p, ")");
    bool text =
        saga_token_is(p->at, "(") || (p->at->kind == SAGA_TOKEN_STRING && p->at->interpolates);
    inner->bracketed = !text;
    return text ? read_text(p, from, inner) : inner;
}

/* The next token begins at `end`, where the one before it ends. */
static void expect_together(struct parser *p, const char *end)
{
    if (p->at->text.data != end) p->strict = false;
}

/* ---- objects and patterns ---- */

static struct saga_tree *read_value(struct parser *p);

static void read_entry(struct parser *p, struct saga_tree *object)
{
    struct saga_tree *key;
    struct saga_slice name = p->at->text;
    bool variable = p->at->kind == SAGA_TOKEN_VARIABLE, word = p->at->kind == SAGA_TOKEN_IDENT;
    bool text = p->at->kind == SAGA_TOKEN_STRING;
    if (variable) note_variable(p);
    if (word) note_word(p);
    if (variable || word) {
        p->at++;
        key = node(p, SAGA_TREE_STRING, name);
    } else if (accept(p, "@")) {
        expect_together(p, name.data + 1);
        note_word(p);
        p->at++;
        key = read_text(p, p->at, NULL);
    } else if (accept(p, "(")) {
        key = read_brackets(p);
    } else {
        key = text ? read_text(p, p->at, NULL) : fail(p);
    }
    add(p, object, key);
    if (accept(p, ":")) {
        if (variable) p->strict = false;
        add(p, object, read_value(p));
    } else if (variable) {
        add(p, object, node(p, SAGA_TREE_VARIABLE, name));
    } else {
        if (key->bracketed || (word && saga_expression_is_keyword(name))) p->strict = false;
        struct saga_tree *all = node(p, SAGA_TREE_IDENTITY, SAGA_SLICE_NONE);
        add(p, object, with(p, SAGA_TREE_FIELD, name, all, NULL));
    }
}

static struct saga_tree *read_object(struct parser *p)
{
    struct saga_tree *object = node(p, SAGA_TREE_OBJECT, SAGA_SLICE_NONE);
    if (accept(p, "}")) return object;
    do read_entry(p, object);
    while (accept(p, ","));
    expect(p, "}");
    return object;
}

static void add_name(struct parser *p, struct saga_tree *tree)
{
    if (p->at->kind != SAGA_TOKEN_VARIABLE) {
        fail(p);
        return;
    }
    note_variable(p);
    SAGA_PUSH(p->arena, tree->names, tree->name_count, tree->name_capacity, p->at->text);
    p->at++;
}

static void read_pattern(struct parser *p, struct saga_tree *tree);

static void read_pattern_entry(struct parser *p, struct saga_tree *tree)
{
    if (p->at->kind == SAGA_TOKEN_VARIABLE) {
        add_name(p, tree);
        if (!accept(p, ":")) return;
    } else if (p->at->kind == SAGA_TOKEN_IDENT ||
               (p->at->kind == SAGA_TOKEN_STRING && !p->at->interpolates)) {
        if (p->at->kind == SAGA_TOKEN_IDENT) note_word(p);
        p->at++;
        expect(p, ":");
    } else {
        fail(p); /* a name that is computed */
    }
    if (!p->failed) read_pattern(p, tree);
}

/* What stands behind `as`: its names go into `tree`. */
static void read_pattern(struct parser *p, struct saga_tree *tree)
{
    if (++p->depth > DEPTH_MAX) fail(p);
    if (accept(p, "[")) {
        do read_pattern(p, tree);
        while (accept(p, ","));
        expect(p, "]");
    } else if (accept(p, "{")) {
        do read_pattern_entry(p, tree);
        while (accept(p, ","));
        expect(p, "}");
    } else {
        add_name(p, tree);
    }
    p->depth--;
}

/* ---- what begins with a keyword ---- */

static struct saga_tree *read_if(struct parser *p)
{
    struct saga_tree *condition = read_pipe(p);
    expect_word(p, "then");
    struct saga_tree *tree = with(p, SAGA_TREE_IF, SAGA_SLICE_NONE, condition, read_pipe(p));
    if (accept_word(p, "elif")) {
        if (++p->depth > DEPTH_MAX) return fail(p);
        add(p, tree, read_if(p));
        p->depth--;
        return tree;
    }
    if (accept_word(p, "else")) add(p, tree, read_pipe(p));
    expect_word(p, "end");
    return tree;
}

static struct saga_tree *read_loop(struct parser *p, bool reduce)
{
    struct saga_tree *tree =
        node(p, reduce ? SAGA_TREE_REDUCE : SAGA_TREE_FOREACH, SAGA_SLICE_NONE);
    add(p, tree, read_postfix(p));
    expect_word(p, "as");
    read_pattern(p, tree);
    expect(p, "(");
    add(p, tree, read_pipe(p));
    while (accept(p, ";")) add(p, tree, read_pipe(p));
    expect(p, ")");
    size_t most = reduce ? 3 : 4;
    return tree->count >= 3 && tree->count <= most ? tree : fail(p);
}

static struct saga_tree *read_try(struct parser *p)
{
    struct saga_tree *tree = with(p, SAGA_TREE_TRY, SAGA_SLICE("try"), read_postfix(p), NULL);
    if (accept_word(p, "catch")) add(p, tree, read_postfix(p));
    return tree;
}

static void add_function_name(struct parser *p, struct saga_tree *tree)
{
    SAGA_PUSH(p->arena, tree->names, tree->name_count, tree->name_capacity, p->at->text);
    p->at++;
}

static struct saga_tree *read_definition(struct parser *p)
{
    struct saga_tree *tree = node(p, SAGA_TREE_DEFINITION, SAGA_SLICE_NONE);
    p->strict = false;
    p->at++;
    add_function_name(p, tree);
    while (p->at->kind != SAGA_TOKEN_END && !saga_token_is(p->at, ":")) {
        if (p->at->kind == SAGA_TOKEN_IDENT)
            add_function_name(p, tree);
        else
            p->at++;
    }
    expect(p, ":");
    add(p, tree, read_pipe(p));
    expect(p, ";");
    add(p, tree, read_pipe(p));
    return tree;
}

static struct saga_tree *read_label(struct parser *p)
{
    p->strict = false;
    if (p->at->kind != SAGA_TOKEN_VARIABLE) return fail(p);
    p->at++;
    expect(p, "|");
    return read_pipe(p); /* it can only end sooner */
}

static struct saga_tree *read_call(struct parser *p)
{
    struct saga_tree *call = node(p, SAGA_TREE_CALL, p->at->text);
    p->at++;
    if (!accept(p, "(")) return call;
    do add(p, call, read_pipe(p));
    while (accept(p, ";"));
    expect(p, ")");
    return call;
}

static struct saga_tree *read_word(struct parser *p)
{
    static const char *const literals[] = { "null", "true", "false" };
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++)
        if (is_word(p, literals[i])) return node(p, SAGA_TREE_LITERAL, p->at++->text);
    if (accept_word(p, "if")) return read_if(p);
    if (accept_word(p, "try")) return read_try(p);
    if (accept_word(p, "reduce")) return read_loop(p, true);
    if (accept_word(p, "foreach")) return read_loop(p, false);
    if (is_word(p, "def")) return read_definition(p);
    if (accept_word(p, "label")) return read_label(p);
    if (accept_word(p, "break")) {
        p->strict = false;
        p->at++;
        return node(p, SAGA_TREE_CALL, SAGA_SLICE("empty"));
    }
    return read_call(p);
}

/* ---- terms ---- */

static struct saga_tree *read_index(struct parser *p, struct saga_tree *of)
{
    if (accept(p, "]")) return with(p, SAGA_TREE_EACH, SAGA_SLICE_NONE, of, NULL);
    struct saga_tree *from = saga_token_is(p->at, ":") ? NULL : read_pipe(p);
    struct saga_tree *tree = with(p, SAGA_TREE_INDEX, SAGA_SLICE_NONE, of, from);
    if (accept(p, ":")) {
        tree->kind = SAGA_TREE_SLICE;
        if (!saga_token_is(p->at, "]")) add(p, tree, read_pipe(p));
    }
    expect(p, "]");
    return tree;
}

static struct saga_tree *read_dot(struct parser *p)
{
    struct saga_tree *all = node(p, SAGA_TREE_IDENTITY, SAGA_SLICE_NONE);
    if (begins_text(p))
        return with(p, SAGA_TREE_INDEX, SAGA_SLICE_NONE, all, read_text(p, p->at, NULL));
    return all;
}

/* `..`, which with a third point is a number that is none, for jq 1.6. */
static struct saga_tree *read_all(struct parser *p)
{
    struct saga_slice points = p->at[-1].text;
    if (p->at->kind != SAGA_TOKEN_END && points.data[points.size] == '.') p->strict = false;
    return node(p, SAGA_TREE_RECURSE, SAGA_SLICE_NONE);
}

static struct saga_tree *read_format(struct parser *p)
{
    struct saga_slice name = p->at->text;
    if (p->at->kind != SAGA_TOKEN_IDENT) return fail(p);
    expect_together(p, p->at[-1].text.data + 1);
    note_word(p);
    p->at++;
    bool behind = p->at->kind == SAGA_TOKEN_STRING || saga_token_is(p->at, "(");
    return behind ? read_text(p, p->at, NULL) : node(p, SAGA_TREE_FORMAT, name);
}

static struct saga_tree *read_term(struct parser *p)
{
    struct saga_tree *all = node(p, SAGA_TREE_IDENTITY, SAGA_SLICE_NONE);
    switch (p->at->kind) {
    case SAGA_TOKEN_FIELD: return with(p, SAGA_TREE_FIELD, p->at++->text, all, NULL);
    case SAGA_TOKEN_VARIABLE: note_variable(p); return node(p, SAGA_TREE_VARIABLE, p->at++->text);
    case SAGA_TOKEN_NUMBER: return node(p, SAGA_TREE_LITERAL, p->at++->text);
    case SAGA_TOKEN_STRING: return read_text(p, p->at, NULL);
    case SAGA_TOKEN_IDENT: return read_word(p);
    default: break;
    }
    if (accept(p, ".")) return read_dot(p);
    if (accept(p, "..")) return read_all(p);
    if (accept(p, "@")) return read_format(p);
    if (accept(p, "(")) return read_brackets(p);
    if (accept(p, "{")) return read_object(p);
    if (!accept(p, "[")) return fail(p);
    struct saga_tree *array = node(p, SAGA_TREE_ARRAY, SAGA_SLICE_NONE);
    if (!saga_token_is(p->at, "]")) add(p, array, read_pipe(p));
    expect(p, "]");
    return array;
}

static struct saga_tree *read_binding(struct parser *p, struct saga_tree *of)
{
    struct saga_tree *tree = with(p, SAGA_TREE_AS, SAGA_SLICE_NONE, of, NULL);
    read_pattern(p, tree);
    expect(p, "|");
    add(p, tree, read_pipe(p));
    return tree;
}

/* `.["name"]` behind a term, which jq 1.6 does not take, or `."name"`. */
static struct saga_tree *read_point(struct parser *p, struct saga_tree *of)
{
    if (saga_token_is(p->at, "[")) {
        p->strict = false;
        return of;
    }
    return with(p, SAGA_TREE_INDEX, SAGA_SLICE_NONE, of, read_text(p, p->at, NULL));
}

/* A term and what is applied to it. */
static struct saga_tree *read_postfix(struct parser *p)
{
    struct saga_tree *tree = read_term(p);
    while (!p->failed) {
        if (p->at->kind == SAGA_TOKEN_FIELD)
            tree = with(p, SAGA_TREE_FIELD, p->at++->text, tree, NULL);
        else if (accept(p, "["))
            tree = read_index(p, tree);
        else if (accept(p, "?"))
            tree = with(p, SAGA_TREE_TRY, SAGA_SLICE_NONE, tree, NULL);
        else if (accept(p, "."))
            tree = read_point(p, tree);
        else
            return tree;
    }
    return tree;
}

/* ---- operators ---- */

enum binding { LOWEST, ALTERNATIVE, ASSIGNMENT, OR, AND, COMPARISON, SUM, PRODUCT };

static enum binding binding_of(const struct saga_token *token, enum saga_tree_kind *ret_kind)
{
    static const struct {
        const char *text;
        enum binding binding;
        enum saga_tree_kind kind;
    } operators[] = {
        { "//", ALTERNATIVE, SAGA_TREE_ALTERNATIVE }, { "=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },
        { "|=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },   { "+=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },
        { "-=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },   { "*=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },
        { "/=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },   { "%=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },
        { "//=", ASSIGNMENT, SAGA_TREE_ASSIGNMENT },  { "==", COMPARISON, SAGA_TREE_COMPARISON },
        { "!=", COMPARISON, SAGA_TREE_COMPARISON },   { "<", COMPARISON, SAGA_TREE_COMPARISON },
        { ">", COMPARISON, SAGA_TREE_COMPARISON },    { "<=", COMPARISON, SAGA_TREE_COMPARISON },
        { ">=", COMPARISON, SAGA_TREE_COMPARISON },   { "+", SUM, SAGA_TREE_ARITHMETIC },
        { "-", SUM, SAGA_TREE_ARITHMETIC },           { "*", PRODUCT, SAGA_TREE_ARITHMETIC },
        { "/", PRODUCT, SAGA_TREE_ARITHMETIC },       { "%", PRODUCT, SAGA_TREE_ARITHMETIC },
    };
    bool word = token->kind == SAGA_TOKEN_IDENT;
    *ret_kind = SAGA_TREE_LOGIC;
    if (word && saga_slice_is(token->text, "or")) return OR;
    if (word && saga_slice_is(token->text, "and")) return AND;
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        *ret_kind = operators[i].kind;
        if (saga_token_is(token, operators[i].text)) return operators[i].binding;
    }
    return LOWEST;
}

/* Operators that bind tighter than `outer`; all are taken to be left-associative but //. */
static struct saga_tree *read_operators(struct parser *p, enum binding outer)
{
    struct saga_tree *left;
    if (++p->depth > DEPTH_MAX) fail(p);
    if (p->failed) return fail(p);
    if (accept(p, "-")) {
        left = with(p, SAGA_TREE_NEGATION, SAGA_SLICE_NONE, read_operators(p, SUM), NULL);
    } else {
        left = read_postfix(p);
        if (accept_word(p, "as")) left = read_binding(p, left);
    }
    while (!p->failed) {
        enum saga_tree_kind kind;
        enum binding binding = binding_of(p->at, &kind);
        if (binding <= outer) break;
        struct saga_slice text = p->at++->text;
        enum binding inner = binding == ALTERNATIVE ? LOWEST : binding;
        left = with(p, kind, text, left, read_operators(p, inner));
    }
    p->depth--;
    return left;
}

static struct saga_tree *read_value(struct parser *p)
{
    struct saga_tree *value = read_operators(p, LOWEST);
    while (accept(p, "|"))
        value = with(p, SAGA_TREE_PIPE, SAGA_SLICE_NONE, value, read_operators(p, LOWEST));
    return value;
}

static struct saga_tree *read_commas(struct parser *p)
{
    struct saga_tree *left = read_operators(p, LOWEST);
    while (accept(p, ","))
        left = with(p, SAGA_TREE_COMMA, SAGA_SLICE_NONE, left, read_operators(p, LOWEST));
    return left;
}

static struct saga_tree *read_pipe(struct parser *p)
{
    if (++p->depth > DEPTH_MAX) fail(p);
    if (p->failed) return fail(p);
    struct saga_tree *left = read_commas(p);
    while (accept(p, "|")) left = with(p, SAGA_TREE_PIPE, SAGA_SLICE_NONE, left, read_commas(p));
    p->depth--;
    return left;
}

const struct saga_tree *saga_expression_tree(const struct saga_token *tokens,
                                             struct saga_arena *arena, bool *ret_strict)
{
    struct parser p = { .at = tokens, .arena = arena, .strict = true };
    struct saga_tree *tree = read_pipe(&p);
    *ret_strict = p.strict;
    return !p.failed && p.at->kind == SAGA_TOKEN_END ? tree : NULL;
}
