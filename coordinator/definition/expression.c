#include "definition/expression.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "definition/expression_internal.h"
#include "schema/body.h"

struct saga_expression {
    struct saga_arena arena; /* source, tokens, reads, plain form */
    struct saga_slice source;
    struct saga_token *tokens;
    size_t token_count;
    struct saga_reads reads;
    struct saga_plain *plain;
    const struct saga_tree *tree; /* where it is not plain; NULL: not understood */
    struct saga_jq *jq;
    saga_expression_answer *answer; /* instead of all this; or NULL */
    void *answer_context;
};

/* ---- bindings ---- */

const char *const saga_member_names[SAGA_MEMBER_COUNT] = { "steps", "input", "vars",
                                                           "item",  "items", "index",
                                                           "saga",  "reply", "error" };

struct saga_slice saga_bindings_member(const struct saga_bindings *bindings, struct saga_slice name)
{
    const struct saga_slice values[SAGA_MEMBER_COUNT] = {
        SAGA_SLICE_NONE, bindings->input, bindings->vars,  bindings->item, bindings->items,
        bindings->index, bindings->saga,  bindings->reply, bindings->error
    };
    for (int i = 0; i < SAGA_MEMBER_COUNT; i++)
        if (saga_slice_is(name, saga_member_names[i])) return values[i];
    return SAGA_SLICE_NONE;
}

struct saga_slice saga_bindings_step(const struct saga_bindings *bindings, struct saga_slice name)
{
    for (size_t i = bindings->step_count; i > 0; i--)
        if (saga_slice_equal(bindings->steps[i - 1].name, name)) return bindings->steps[i - 1].json;
    return SAGA_SLICE_NONE;
}

/* ---- words ---- */

static struct saga_slice one_line(struct saga_slice text, struct saga_arena *arena)
{
    char *copy = saga_arena_string(arena, text);
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7F) copy[i] = ' ';
    return (struct saga_slice){ copy, text.size };
}

/* ---- what it reads ---- */

bool saga_expression_reads(const struct saga_expression *expression, const char *member)
{
    const struct saga_reads *reads = &expression->reads;
    for (size_t i = 0; i < reads->count; i++)
        if (saga_slice_is(reads->items[i].names[0], member)) return true;
    return reads->whole;
}

bool saga_expression_names(const struct saga_expression *expression, const char *member)
{
    const struct saga_reads *reads = &expression->reads;
    for (size_t i = 0; i < reads->count; i++)
        if (reads->items[i].sure && saga_slice_is(reads->items[i].names[0], member)) return true;
    return false;
}

void saga_expression_steps(const struct saga_expression *expression,
                           void (*visit)(struct saga_slice step, void *context), void *context)
{
    const struct saga_reads *reads = &expression->reads;
    for (size_t i = 0; i < reads->count; i++) {
        const struct saga_read *read = &reads->items[i];
        bool steps = saga_slice_is(read->names[0], saga_member_names[SAGA_MEMBER_STEPS]);
        if (steps && read->count >= 2) visit(read->names[1], context);
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

static void place_token(struct saga_diagnostic *diagnostic, const struct saga_expression *e,
                        const struct saga_token *token)
{
    place(diagnostic, e->source, (size_t)(token->text.data - e->source.data), token->text.size);
}

static int check_bytes(const struct saga_expression *e, struct saga_arena *arena,
                       struct saga_diagnostic *diagnostic)
{
    struct saga_slice source = e->source;
    if (source.size > SAGA_EXPRESSION_BYTES_MAX) {
        saga_diagnostic_set(diagnostic, arena, "an expression of %zu bytes, the limit is %d",
                            source.size, SAGA_EXPRESSION_BYTES_MAX);
        return SAGA_E_LIMIT;
    }
    for (size_t at = 0, length; at < source.size; at += length) {
        length = saga_utf8_sequence(source.data + at, source.size - at);
        if (length && source.data[at]) continue;
        saga_diagnostic_set(diagnostic, arena, "the expression holds %s",
                            length ? "a NUL byte" : "bytes that are not UTF-8");
        place(diagnostic, source, at, 1);
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

/* What the lexer refused, and what to write instead. */
static void explain_lexing(struct saga_diagnostic *diagnostic, struct saga_arena *arena, int error)
{
    if (error == SAGA_E_UNSUPPORTED) {
        saga_diagnostic_set(diagnostic, arena,
                            "the expression has a comment with a backslash at its end or a "
                            "carriage return in it");
        saga_diagnostic_mend(diagnostic, arena,
                             "versions of jq disagree where such a comment ends: take that "
                             "character out");
    } else if (error == SAGA_E_LIMIT) {
        saga_diagnostic_set(diagnostic, arena,
                            "the expression has strings in strings, nested too deeply");
        saga_diagnostic_mend(diagnostic, arena, "join the texts with + in place of \\( )");
    } else {
        saga_diagnostic_set(diagnostic, arena,
                            "the expression has a string or a \\( that does not end");
    }
}

/* Why the word is refused, and what to write instead. */
static const char *mend_of(const struct saga_token *impure)
{
    if (impure->kind == SAGA_TOKEN_STRING)
        return "%Z and %s depend on the time zone of the machine: write Z, as all times are UTC, "
               "and take mktime for seconds";
    if (impure->kind == SAGA_TOKEN_IDENT && impure->text.data[0] == '_')
        return "names that begin with _ are jq's own: take the function of the manual, or give "
               "yours another name";
    return "an expression is a pure function of the saga's data, so that replaying gives the same: "
           "take the value from .input, .steps or .saga.started";
}

static int check_words(struct saga_expression *e, struct saga_arena *arena,
                       struct saga_diagnostic *diagnostic)
{
    size_t offset;
    int error = saga_expression_lex(e->source, &e->arena, &e->tokens, &e->token_count, &offset);
    if (error < 0) {
        explain_lexing(diagnostic, arena, error);
        place(diagnostic, e->source, offset, 1);
        return SAGA_E_INVALID;
    }
    saga_expression_find_reads(e->tokens, e->token_count, &e->arena, &e->reads);
    const struct saga_token *impure = e->reads.impure;
    if (!impure) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena, "%s%.*s cannot be used in an expression",
                        impure->kind == SAGA_TOKEN_VARIABLE ? "$" : "",
                        SAGA_SLICE_ARG(saga_slice_clip(impure->text, 80)));
    saga_diagnostic_mend(diagnostic, arena, "%s", mend_of(impure));
    place_token(diagnostic, e, impure);
    return SAGA_E_INVALID;
}

/* jq would round what it is told here, without a word. */
static int check_numbers(const struct saga_expression *e, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    for (size_t i = 0; i < e->token_count; i++) {
        const struct saga_token *token = &e->tokens[i];
        if (token->kind != SAGA_TOKEN_NUMBER || !saga_json_has_unsafe_number(token->text, NULL))
            continue;
        saga_diagnostic_set(diagnostic, arena, "jq would change the number %.*s",
                            SAGA_SLICE_ARG(saga_slice_clip(token->text, 64)));
        saga_diagnostic_mend(
            diagnostic, arena,
            "jq computes with doubles, which hold whole numbers up to 2^53: write it "
            "with fewer digits, or as a text");
        place_token(diagnostic, e, token);
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

/* The same of what jq computes while it compiles. */
static int check_folding(const struct saga_expression *e, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    double number;
    if (!saga_expression_folds(e->tree, &number)) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena, "the expression computes the number %.17g", number);
    saga_diagnostic_mend(diagnostic, arena,
                         "jq computes with doubles, which hold whole numbers up to 2^53: write a "
                         "smaller one, or a text");
    place(diagnostic, e->source, 0, e->source.size < 60 ? e->source.size : 60);
    return SAGA_E_INVALID;
}

/* Where jq names what is not defined, that is the place; otherwise all of it. */
static void place_jq_error(struct saga_diagnostic *diagnostic, const struct saga_expression *e,
                           struct saga_slice message)
{
    if (saga_slice_starts_with(message, "$")) message = saga_slice_skip(message, 1);
    for (size_t i = 0; i < e->token_count; i++) {
        const struct saga_token *token = &e->tokens[i];
        size_t size = token->text.size;
        bool word = token->kind == SAGA_TOKEN_IDENT || token->kind == SAGA_TOKEN_VARIABLE;
        if (!word || message.size <= size || memcmp(message.data, token->text.data, size) != 0 ||
            (message.data[size] != '/' && message.data[size] != ' '))
            continue;
        place_token(diagnostic, e, token);
        return;
    }
    place(diagnostic, e->source, 0, e->source.size < 60 ? e->source.size : 60);
}

static int compile_general(struct saga_expression *e, struct saga_arena *arena,
                           struct saga_diagnostic *diagnostic)
{
    struct saga_slice message = SAGA_SLICE("it is empty");
    bool strict;
    int error = check_numbers(e, arena, diagnostic);
    if (error < 0) return error;
    e->tree = saga_expression_tree(e->tokens, &e->arena, &strict);
    error = check_folding(e, arena, diagnostic);
    if (error < 0) return error;
    bool sure = strict && e->tree && saga_expression_surely_compiles(e->tree, e->source);
    error = e->token_count <= 1 ? SAGA_E_INVALID
                                : saga_jq_compile(e->source, e->tokens, e->tree, &e->reads, sure,
                                                  arena, &message, &e->jq);
    if (error == SAGA_OK) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena, "the expression is no jq: %.*s",
                        SAGA_SLICE_ARG(one_line(message, arena)));
    place_jq_error(diagnostic, e, message);
    return error;
}

int saga_expression_compile(struct saga_slice source, struct saga_arena *arena,
                            struct saga_diagnostic *diagnostic, struct saga_expression **ret)
{
    struct saga_expression *e = saga_memory_zeroed(1, sizeof *e);
    saga_arena_init(&e->arena);
    e->source = saga_arena_copy(&e->arena, source.data ? source : SAGA_SLICE(""));
    int error = check_bytes(e, arena, diagnostic);
    if (error == SAGA_OK) error = check_words(e, arena, diagnostic);
    if (error == SAGA_OK) e->plain = saga_plain_compile(e->tokens, &e->arena);
    if (error == SAGA_OK && !e->plain) error = compile_general(e, arena, diagnostic);
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

/* As much of the bindings as the expression may read. */
static struct saga_bindings seen_by(const struct saga_expression *e,
                                    const struct saga_bindings *bindings)
{
    struct saga_bindings seen = { .root = bindings->root };
    if (bindings->root.data) return seen;
    if (saga_expression_reads(e, "input")) seen.input = bindings->input;
    if (saga_expression_reads(e, "vars")) seen.vars = bindings->vars;
    if (saga_expression_reads(e, "item")) seen.item = bindings->item;
    if (saga_expression_reads(e, "items")) seen.items = bindings->items;
    if (saga_expression_reads(e, "index")) seen.index = bindings->index;
    if (saga_expression_reads(e, "saga")) seen.saga = bindings->saga;
    if (saga_expression_reads(e, "reply")) seen.reply = bindings->reply;
    if (saga_expression_reads(e, "error")) seen.error = bindings->error;
    if (saga_expression_reads(e, "steps")) {
        seen.steps = bindings->steps;
        seen.step_count = bindings->step_count;
    }
    return seen;
}

static int eval_elsewhere(const struct saga_expression *e, const struct saga_bindings *bindings,
                          struct saga_arena *arena, struct saga_slice *ret_json,
                          struct saga_slice *ret_message)
{
    struct saga_bindings seen = seen_by(e, bindings);
    return saga_helper_eval(e->source, &seen, arena, ret_json, ret_message);
}

static int give_up(struct saga_slice *ret_message)
{
    *ret_message = SAGA_SLICE("it was given up");
    return SAGA_E_LIMIT;
}

int saga_expression_eval_bare(struct saga_expression *expression,
                              const struct saga_bindings *bindings, struct saga_arena *arena,
                              struct saga_slice *ret_json, struct saga_slice *ret_message)
{
    struct saga_slice json;
    if (expression->answer)
        return expression->answer(expression->answer_context, arena, ret_json, ret_message);
    int error = expression->plain
                    ? saga_plain_eval(expression->plain, bindings, arena, &json, ret_message)
                : saga_expression_gives_up()
                    ? give_up(ret_message)
                    : saga_jq_eval(expression->jq, bindings, arena, &json, ret_message);
    if (error == SAGA_E_AGAIN)
        error = eval_elsewhere(expression, bindings, arena, &json, ret_message);
    if (error < 0) return error;
    if (json.size > SAGA_PAYLOAD_BYTES_MAX) {
        *ret_message = saga_arena_printf(arena, "it gives %zu bytes, the limit is %d", json.size,
                                         SAGA_PAYLOAD_BYTES_MAX);
        return SAGA_E_LIMIT;
    }
    *ret_json = json;
    return SAGA_OK;
}

int saga_expression_prepare(struct saga_expression *expression, struct saga_arena *arena,
                            struct saga_slice *ret_message)
{
    return expression->jq ? saga_jq_prepare(expression->jq, arena, ret_message) : SAGA_OK;
}

int saga_expression_eval(struct saga_expression *expression, const struct saga_bindings *bindings,
                         struct saga_arena *arena, struct saga_slice *ret_json,
                         struct saga_slice *ret_message)
{
    struct saga_slice message = SAGA_SLICE_NONE;
    int error = saga_expression_eval_bare(expression, bindings, arena, ret_json, &message);
    if (error < 0)
        *ret_message = one_line(
            saga_arena_printf(arena, "%.*s: %.*s",
                              SAGA_SLICE_ARG(saga_slice_clip(expression->source, 200)),
                              SAGA_SLICE_ARG(saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX))),
            arena);
    return error;
}

void saga_expression_stand_in(struct saga_expression *expression, saga_expression_answer *answer,
                              void *context)
{
    expression->answer = answer;
    expression->answer_context = context;
}

struct saga_slice saga_expression_source(const struct saga_expression *expression)
{
    return expression->source;
}

struct saga_slice saga_expression_shape(const struct saga_expression *expression,
                                        struct saga_arena *arena)
{
    return expression->plain ? saga_plain_shape(expression->plain, arena)
                             : SAGA_SLICE(SAGA_SCHEMA_HOLE);
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
