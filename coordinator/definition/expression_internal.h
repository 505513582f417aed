/* What the files of expressions share: tokens, what they read, the plain form, the jq form. */
#ifndef SAGA_DEFINITION_EXPRESSION_INTERNAL_H
#define SAGA_DEFINITION_EXPRESSION_INTERNAL_H

#include "definition/expression.h"

/* ---- expression_lexer.c ---- */
enum saga_token_kind {
    SAGA_TOKEN_END,
    SAGA_TOKEN_IDENT,    /* a word that is not a field */
    SAGA_TOKEN_FIELD,    /* .name; text without the dot */
    SAGA_TOKEN_VARIABLE, /* $name; text without the $ */
    SAGA_TOKEN_STRING,   /* text between the quotes, as written */
    SAGA_TOKEN_NUMBER,
    SAGA_TOKEN_PUNCT /* an operator, of up to three characters as jq reads them */
};

struct saga_token {
    enum saga_token_kind kind;
    struct saga_slice text;
    bool
        interpolates; /* a string with \( ) in it: its inner tokens, with their brackets, come before it */
};

/* All tokens of a source, the inner ones of strings too, ended by SAGA_TOKEN_END. They are in `arena` and point into
 * `source`. Errors: SAGA_E_INVALID (a string that does not end), SAGA_E_LIMIT (strings in strings, too deep),
 * SAGA_E_UNSUPPORTED (a comment that not every jq ends at the same place); `*ret_offset` is where it begins. */
int saga_expression_lex(struct saga_slice source, struct saga_arena *arena, struct saga_token **ret,
                        size_t *ret_count, size_t *ret_offset);
/* Is it the operator `text`? */
bool saga_token_is(const struct saga_token *token, const char *text);
/* A string that JSON would read as jq does: with its quotes (may be NULL), and as text. */
bool saga_token_string(const struct saga_token *token, struct saga_arena *arena,
                       struct saga_slice *ret_quoted, struct saga_slice *ret_text);

/* ---- expression_reads.c ---- */

/* A path from the top, as far as its names are written out: what it leads to may be read as a whole. */
struct saga_read {
    struct saga_slice *names;
    size_t count, capacity;
    bool sure;    /* whatever the data: not in a call's brackets, not in a handler */
    bool covered; /* another of the reads leads to no less */
};

struct saga_reads {
    bool whole; /* may read all there is */
    struct saga_read *items;
    size_t count, capacity;
    const struct saga_token *impure; /* the first word that is refused; NULL: none */
};

/* Errs on the side of more: what it does not understand reads everything. */
void saga_expression_find_reads(const struct saga_token *tokens, size_t count,
                                struct saga_arena *arena, struct saga_reads *ret);

/* ---- expression_plain.c ---- */
struct saga_plain; /* a compiled plain form */
/* NULL when the tokens are more than paths, literals, objects and arrays of them. */
struct saga_plain *saga_plain_compile(const struct saga_token *tokens, struct saga_arena *arena);
int saga_plain_eval(const struct saga_plain *plain, const struct saga_bindings *bindings,
                    struct saga_arena *arena, struct saga_slice *ret_json,
                    struct saga_slice *ret_message);

/* ---- expression_guards.c ---- */
/* The source as jq is given it, in `arena`: behind the definitions that its words need. */
const char *saga_expression_guard(struct saga_slice source, const struct saga_token *tokens,
                                  struct saga_arena *arena);

/* ---- expression_jq.c ---- */
struct saga_jq;
/* `*ret_message` is jq's. Errors: SAGA_E_INVALID. */
int saga_jq_compile(struct saga_slice source, const struct saga_token *tokens,
                    struct saga_arena *arena, struct saga_slice *ret_message, struct saga_jq **ret);
void saga_jq_free(struct saga_jq *jq);
/* jq is shown what `reads` names and no more. */
int saga_jq_eval(struct saga_jq *jq, const struct saga_reads *reads,
                 const struct saga_bindings *bindings, struct saga_arena *arena,
                 struct saga_slice *ret_json, struct saga_slice *ret_message);

/* ---- expression.c ---- */

/* The top-level members where there is no root; `steps` is the first. */
enum { SAGA_MEMBER_STEPS = 0, SAGA_MEMBER_COUNT = 9 };
extern const char *const saga_member_names[SAGA_MEMBER_COUNT];
/* The value of the member `name` other than steps; none: absent. */
struct saga_slice saga_bindings_member(const struct saga_bindings *bindings,
                                       struct saga_slice name);
/* What the step kept, the last of that name; none: absent. */
struct saga_slice saga_bindings_step(const struct saga_bindings *bindings, struct saga_slice name);

#endif
