#include "definition/expression.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/expression_internal.h"

struct saga_expression {
    struct saga_arena arena; /* source, tokens, plain form */
    struct saga_slice source;
    struct saga_token *tokens;
    size_t token_count;
    struct saga_reach reach; /* what it may read, conservatively */
    struct saga_plain *plain;
    struct saga_jq *jq; /* where it is not plain */
};

const char *const saga_member_names[SAGA_MEMBER_COUNT] = { "steps", "input", "vars",  "item",
                                                           "index", "saga",  "reply", "error" };

struct saga_slice saga_bindings_member(const struct saga_bindings *bindings, int member)
{
    const struct saga_slice values[SAGA_MEMBER_COUNT] = { SAGA_SLICE_NONE, bindings->input,
                                                          bindings->vars,  bindings->item,
                                                          bindings->index, bindings->saga,
                                                          bindings->reply, bindings->error };
    return values[member];
}

/* ---- what is not pure ---- */

static const char *const refused_words[] = {
    "now",           "input",  "inputs",  "env",        "input_line_number", "input_filename",
    "debug",         "stderr", "halt",    "halt_error", "get_search_list",   "get_prog_origin",
    "get_jq_origin", "import", "include", "modulemeta", "localtime",         "strflocaltime",
};
static const char *const refused_variables[] = { "ENV", "__loc__", "__prog_args" };

static bool is_among(struct saga_slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (saga_slice_is(text, words[i])) return true;
    return false;
}

static bool is_punct(const struct saga_token *token, char c)
{
    return token->kind == SAGA_TOKEN_PUNCT && token->text.data[0] == c;
}

/* ---- following the tokens ---- */

enum { SCOPES_MAX = 256 };

/* Inside one pair of brackets, or of `if` and `end`. */
struct scope {
    char open;   /* '\0': outside of all; 'i': if; 'f': brackets of a fold */
    bool base;   /* `moved` where the scope begins */
    bool moved;  /* behind a pipe: `.` is no longer what the expression was given */
    bool naming; /* behind `as` or `label`: the next pipe moves nothing */
};

struct reader {
    struct scope scopes[SCOPES_MAX];
    size_t depth;
    struct scope beyond; /* deeper than that nothing is known */
};

static struct scope *innermost(struct reader *r)
{
    if (r->depth < SCOPES_MAX) return &r->scopes[r->depth];
    r->beyond = (struct scope){ 0 };
    return &r->beyond;
}

static void enter(struct reader *r, char open)
{
    bool moved = innermost(r)->moved;
    r->depth++;
    *innermost(r) = (struct scope){ .open = open, .base = moved, .moved = moved };
}

static void leave(struct reader *r)
{
    if (r->depth > 0) r->depth--;
}

static bool is_key(struct reader *r, const struct saga_token *tokens, size_t i)
{
    return innermost(r)->open == '{' && i > 0 &&
           (is_punct(&tokens[i - 1], '{') || is_punct(&tokens[i - 1], ','));
}

static void follow_word(struct reader *r, struct saga_slice word)
{
    if (saga_slice_is(word, "if"))
        enter(r, 'i');
    else if (saga_slice_is(word, "end") && innermost(r)->open == 'i')
        leave(r);
    else if (saga_slice_is(word, "as") || saga_slice_is(word, "label"))
        innermost(r)->naming = true;
    else if (innermost(r)->open == 'i' &&
             (saga_slice_is(word, "then") || saga_slice_is(word, "elif") ||
              saga_slice_is(word, "else")))
        innermost(r)->moved = innermost(r)->base;
}

static void follow_pipe(struct scope *scope, const struct saga_token *next)
{
    if (is_punct(next, '=')) return; /* `|=` gives all of `.` */
    if (!scope->naming) scope->moved = true;
    scope->naming = false;
}

/* What the token `i` changes for those behind it. */
static void follow(struct reader *r, const struct saga_token *tokens, size_t i)
{
    const struct saga_token *token = &tokens[i];
    char c = token->kind == SAGA_TOKEN_PUNCT ? token->text.data[0] : '\0';
    if (token->kind == SAGA_TOKEN_IDENT && !is_key(r, tokens, i)) {
        follow_word(r, token->text);
    } else if (c && strchr("{[(", c)) {
        /* the brackets of `reduce` and `foreach` end the naming, those of a pattern do not */
        bool folds = c == '(' && innermost(r)->naming;
        if (folds) innermost(r)->naming = false;
        enter(r, folds ? 'f' : c);
    } else if (c && strchr("}])", c)) {
        leave(r);
    } else if (c == '|') {
        follow_pipe(innermost(r), token + 1);
    } else if (c == ';' || (c == ',' && innermost(r)->open == '{')) {
        /* behind its first part a fold sees what it has so far */
        innermost(r)->moved = innermost(r)->base || innermost(r)->open == 'f';
    }
}

static const struct saga_token *find_impure(const struct saga_token *tokens, size_t count)
{
    struct reader r = { .depth = 0 };
    for (size_t i = 0; i < count; follow(&r, tokens, i++)) {
        const struct saga_token *token = &tokens[i];
        /* `$ ENV` is jq too */
        bool variable = token->kind == SAGA_TOKEN_VARIABLE ||
                        (token->kind == SAGA_TOKEN_IDENT && i > 0 && is_punct(token - 1, '$'));
        if (variable && is_among(token->text, refused_variables,
                                 sizeof refused_variables / sizeof refused_variables[0]))
            return token;
        if (token->kind == SAGA_TOKEN_IDENT &&
            is_among(token->text, refused_words, sizeof refused_words / sizeof refused_words[0]) &&
            !is_key(&r, tokens, i))
            return token;
    }
    return NULL;
}

/* ---- what it reads ---- */

static bool continues_a_path(const struct saga_token *tokens, size_t i)
{
    if (i == 0) return false;
    const struct saga_token *before = &tokens[i - 1];
    if (before->kind == SAGA_TOKEN_FIELD || before->kind == SAGA_TOKEN_VARIABLE) return true;
    return is_punct(before, ']') || is_punct(before, ')') || is_punct(before, '}') ||
           is_punct(before, '?');
}

/* Words that read nothing by themselves. */
static const char *const quiet_words[] = { "and",   "or",    "null",   "true",  "false", "if",
                                           "then",  "elif",  "else",   "end",   "as",    "def",
                                           "try",   "catch", "reduce", "label", "break", "foreach",
                                           "empty", "range", "limit" };

/* `=`, `|=`, `+=` give all of `.`, changed at one place. */
static bool is_assignment(const struct saga_token *tokens, size_t i)
{
    if (!is_punct(&tokens[i], '=') || is_punct(&tokens[i + 1], '=')) return false;
    const struct saga_token *before = i ? &tokens[i - 1] : NULL;
    return !before || before->kind != SAGA_TOKEN_PUNCT || !strchr("=!<>", before->text.data[0]);
}

/* Does the token read all of what the expression was given? A dot by itself does, a function that is
 * applied to it may, an assignment gives it back. */
static bool reads_all(struct reader *r, const struct saga_token *tokens, size_t i)
{
    if (innermost(r)->moved) return false;
    if (saga_slice_is(tokens[i].text, "error") && is_punct(&tokens[i + 1], '(')) return false;
    if (tokens[i].kind == SAGA_TOKEN_IDENT)
        return !is_key(r, tokens, i) &&
               !is_among(tokens[i].text, quiet_words, sizeof quiet_words / sizeof quiet_words[0]);
    return is_assignment(tokens, i) || (is_punct(&tokens[i], '.') && !continues_a_path(tokens, i));
}

static unsigned members_read(const struct saga_token *tokens, size_t count)
{
    struct reader r = { .depth = 0 };
    unsigned members = 0;
    for (size_t i = 0; i < count; follow(&r, tokens, i++)) {
        const struct saga_token *token = &tokens[i];
        bool named = token->kind == SAGA_TOKEN_FIELD || token->kind == SAGA_TOKEN_STRING ||
                     token->kind == SAGA_TOKEN_IDENT; /* {input} too */
        for (int m = 0; m < SAGA_MEMBER_COUNT && named; m++)
            if (saga_slice_is(token->text, saga_member_names[m])) members |= 1u << m;
        if (reads_all(&r, tokens, i)) members = (1u << SAGA_MEMBER_COUNT) - 1;
    }
    return members;
}

/* Words that compute nothing by themselves. */
static const char *const narrow_words[] = { "and", "or",   "null", "true", "false",
                                            "if",  "then", "elif", "else", "end" };

/* Does the path that begins at `i` go on to a member of a binding? One that ends before (`.input`,
 * `.steps.name`) is a value as a whole. */
static bool goes_into_a_binding(const struct saga_token *tokens, size_t i)
{
    bool binding = false;
    int wanted = saga_slice_is(tokens[i].text, "steps") ? 2 : 1;
    for (int m = 0; m < SAGA_MEMBER_COUNT; m++)
        binding |= saga_slice_is(tokens[i].text, saga_member_names[m]);
    for (i++; binding && wanted > 0; wanted--) {
        if (tokens[i].kind == SAGA_TOKEN_FIELD)
            i++;
        else if (is_punct(&tokens[i], '[') && tokens[i + 1].kind == SAGA_TOKEN_STRING &&
                 is_punct(&tokens[i + 2], ']'))
            i += 3;
        else
            return false;
    }
    return true;
}

static bool is_narrow_punct(const struct saga_token *tokens, size_t i)
{
    if (!strchr("()+-*/%<>=![]", tokens[i].text.data[0]) || is_assignment(tokens, i)) return false;
    return !is_punct(&tokens[i], '[') ||
           (tokens[i + 1].kind == SAGA_TOKEN_STRING && is_punct(&tokens[i + 2], ']'));
}

static bool is_narrow(const struct saga_token *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct saga_token *token = &tokens[i];
        if (token->kind == SAGA_TOKEN_VARIABLE || token->interpolates) return false;
        if (token->kind == SAGA_TOKEN_IDENT &&
            !is_among(token->text, narrow_words, sizeof narrow_words / sizeof narrow_words[0]))
            return false;
        if (token->kind == SAGA_TOKEN_PUNCT && !is_narrow_punct(tokens, i)) return false;
        if (token->kind == SAGA_TOKEN_FIELD && !continues_a_path(tokens, i) &&
            !goes_into_a_binding(tokens, i))
            return false;
    }
    return true;
}

static struct saga_reach reach_of(const struct saga_token *tokens, size_t count)
{
    return (struct saga_reach){ .members = members_read(tokens, count),
                                .narrow = is_narrow(tokens, count),
                                .tokens = tokens,
                                .token_count = count };
}

bool saga_reach_names(const struct saga_reach *reach, struct saga_slice name)
{
    for (size_t i = 0; i < reach->token_count; i++) {
        enum saga_token_kind kind = reach->tokens[i].kind;
        bool text = kind == SAGA_TOKEN_FIELD || kind == SAGA_TOKEN_STRING;
        /* a string with an escape may spell any name */
        if (text && memchr(reach->tokens[i].text.data, '\\', reach->tokens[i].text.size))
            return true;
        if (text && saga_slice_equal(reach->tokens[i].text, name)) return true;
    }
    return false;
}

bool saga_expression_reads(const struct saga_expression *expression, const char *member)
{
    for (int m = 0; m < SAGA_MEMBER_COUNT; m++)
        if (strcmp(saga_member_names[m], member) == 0)
            return (expression->reach.members & 1u << m) != 0;
    return false;
}

/* Top-level for sure: not behind another path, a pipe, or inside a call's brackets. */
bool saga_expression_names(const struct saga_expression *expression, const char *member)
{
    int calls = 0;
    for (size_t i = 0; i < expression->token_count; i++) {
        const struct saga_token *token = &expression->tokens[i];
        bool call =
            is_punct(token, '(') && i > 0 && expression->tokens[i - 1].kind == SAGA_TOKEN_IDENT;
        if (call) calls++;
        if (is_punct(token, '|')) return false;
        if (token->kind == SAGA_TOKEN_FIELD && calls == 0 &&
            !continues_a_path(expression->tokens, i) && saga_slice_is(token->text, member))
            return true;
    }
    return false;
}

void saga_expression_steps(const struct saga_expression *expression,
                           void (*visit)(struct saga_slice step, void *context), void *context)
{
    for (size_t i = 0; i + 1 < expression->token_count; i++) {
        const struct saga_token *token = &expression->tokens[i], *next = token + 1;
        if (token->kind != SAGA_TOKEN_FIELD || !saga_slice_is(token->text, "steps")) continue;
        if (next->kind == SAGA_TOKEN_FIELD) visit(next->text, context);
        if (is_punct(next, '.') && next[1].kind == SAGA_TOKEN_STRING && !next[1].interpolates)
            visit(next[1].text, context);
        if (is_punct(next, '[') && next[1].kind == SAGA_TOKEN_STRING && !next[1].interpolates &&
            is_punct(&next[2], ']'))
            visit(next[1].text, context);
    }
}

/* ---- compiling ---- */

static void place(struct saga_diagnostic *diagnostic, struct saga_slice source, size_t offset,
                  size_t width)
{
    diagnostic->line = 1;
    diagnostic->column = 1;
    diagnostic->width = width ? (unsigned)width : 1;
    for (size_t i = 0; i < offset && i < source.size; i++) {
        diagnostic->column++;
        if (source.data[i] != '\n') continue;
        diagnostic->line++;
        diagnostic->column = 1;
    }
}

static int check(struct saga_expression *e, struct saga_arena *arena,
                 struct saga_diagnostic *diagnostic)
{
    size_t offset = 0;
    if (e->source.size > SAGA_EXPRESSION_BYTES_MAX) {
        saga_diagnostic_set(diagnostic, arena, "an expression of %zu bytes, the limit is %d",
                            e->source.size, SAGA_EXPRESSION_BYTES_MAX);
        return SAGA_E_LIMIT;
    }
    if (e->source.size && memchr(e->source.data, '\0', e->source.size)) {
        saga_diagnostic_set(diagnostic, arena, "the expression holds a NUL byte");
        return SAGA_E_INVALID;
    }
    int error = saga_expression_lex(e->source, &e->arena, &e->tokens, &e->token_count, &offset);
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena,
                            error == SAGA_E_UNSUPPORTED
                                ? "the expression has a comment that ends with a backslash"
                                : "the expression has a string or a bracket that does not end");
        place(diagnostic, e->source, offset, 1);
        return SAGA_E_INVALID;
    }
    const struct saga_token *impure = find_impure(e->tokens, e->token_count);
    if (!impure) return SAGA_OK;
    bool variable = impure->kind == SAGA_TOKEN_VARIABLE;
    saga_diagnostic_set(diagnostic, arena, "%s%.*s cannot be used in an expression",
                        variable ? "$" : "", SAGA_SLICE_ARG(impure->text));
    saga_diagnostic_mend(
        diagnostic, arena,
        "an expression is a pure function of the saga's data, so that replaying gives the same: "
        "take the value from .input, .steps or .saga.started");
    place(diagnostic, e->source, (size_t)(impure->text.data - e->source.data), impure->text.size);
    return SAGA_E_INVALID;
}

/* jq computes with doubles: a literal that none holds would be another number. */
static int check_literals(const struct saga_expression *e, struct saga_arena *arena,
                          struct saga_diagnostic *diagnostic)
{
    for (size_t i = 0; i < e->token_count; i++) {
        struct saga_slice text = e->tokens[i].text;
        if (e->tokens[i].kind != SAGA_TOKEN_NUMBER || !saga_json_has_unsafe_number(text, NULL))
            continue;
        saga_diagnostic_set(diagnostic, arena,
                            "the number %.*s has more digits than jq computes with",
                            SAGA_SLICE_ARG(saga_slice_clip(text, 64)));
        saga_diagnostic_mend(diagnostic, arena, "write it with fewer digits, or as a text");
        place(diagnostic, e->source, (size_t)(text.data - e->source.data), text.size);
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

int saga_expression_compile(struct saga_slice source, struct saga_arena *arena,
                            struct saga_diagnostic *diagnostic, struct saga_expression **ret)
{
    struct saga_expression *e = calloc(1, sizeof *e);
    struct saga_slice message;
    SAGA_ASSERT(e);
    saga_arena_init(&e->arena);
    e->source = saga_arena_copy(&e->arena, source.data ? source : SAGA_SLICE(""));
    int error = check(e, arena, diagnostic);
    if (error == SAGA_OK) {
        e->reach = reach_of(e->tokens, e->token_count);
        e->plain = saga_plain_compile(e->tokens, &e->arena);
    }
    if (error == SAGA_OK && !e->plain) {
        error = e->token_count <= 1 ? SAGA_E_INVALID
                                    : saga_jq_compile(e->source, arena, &message, &e->jq);
        if (e->token_count <= 1) message = SAGA_SLICE("the expression is empty");
        if (error < 0) {
            saga_diagnostic_set(diagnostic, arena, "the expression is no jq: %.*s",
                                SAGA_SLICE_ARG(message));
            place(diagnostic, e->source, 0, e->source.size < 60 ? e->source.size : 60);
        } else {
            error = check_literals(e, arena, diagnostic);
        }
    }
    if (error < 0) {
        saga_expression_free(e);
        return error;
    }
    *ret = e;
    return SAGA_OK;
}

void saga_expression_free(struct saga_expression *expression)
{
    if (!expression) return;
    saga_jq_free(expression->jq);
    saga_arena_free(&expression->arena);
    free(expression);
}

/* ---- evaluating ---- */

int saga_expression_eval(struct saga_expression *expression, const struct saga_bindings *bindings,
                         struct saga_arena *arena, struct saga_slice *ret_json,
                         struct saga_slice *ret_message)
{
    struct saga_slice json, message = SAGA_SLICE_NONE;
    int error =
        expression->plain
            ? saga_plain_eval(expression->plain, bindings, arena, &json, &message)
            : saga_jq_eval(expression->jq, bindings, &expression->reach, arena, &json, &message);
    if (error == SAGA_OK && json.size > SAGA_PAYLOAD_BYTES_MAX) {
        message = saga_arena_printf(arena, "it gives %zu bytes, the limit is %d", json.size,
                                    SAGA_PAYLOAD_BYTES_MAX);
        error = SAGA_E_LIMIT;
    }
    if (error == SAGA_OK)
        *ret_json = json;
    else
        *ret_message = saga_arena_printf(arena, "%.*s: %.*s",
                                         SAGA_SLICE_ARG(saga_slice_clip(expression->source, 200)),
                                         SAGA_SLICE_ARG(message));
    return error;
}

struct saga_slice saga_expression_source(const struct saga_expression *expression)
{
    return expression->source;
}

bool saga_expression_is_plain(const struct saga_expression *expression)
{
    return expression->plain != NULL;
}

bool saga_json_is_true(struct saga_slice json)
{
    enum saga_json_kind kind = saga_json_kind(json);
    return kind != SAGA_JSON_NULL && kind != SAGA_JSON_FALSE;
}
