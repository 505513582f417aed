/* What the files of expressions share: tokens, the plain form, the jq form. */
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
    SAGA_TOKEN_PUNCT /* one character */
};

struct saga_token {
    enum saga_token_kind kind;
    struct saga_slice text;
    bool interpolates; /* a string with \( ) in it: its inner tokens come before it */
};

/* All tokens of a source, the inner ones of strings too, ended by SAGA_TOKEN_END. Errors: SAGA_E_INVALID (a string that
 * does not end), SAGA_E_LIMIT (strings in strings too deep), SAGA_E_UNSUPPORTED (a comment
 * that ends with a backslash); `*ret_offset` is where it begins. */
int saga_expression_lex(struct saga_slice source, struct saga_arena *arena, struct saga_token **ret,
                        size_t *ret_count, size_t *ret_offset);

/* ---- expression_plain.c ---- */
struct saga_plain; /* a compiled plain form */
/* NULL when the tokens are more than paths, literals, objects and arrays of them. */
struct saga_plain *saga_plain_compile(const struct saga_token *tokens, struct saga_arena *arena);
int saga_plain_eval(const struct saga_plain *plain, const struct saga_bindings *bindings,
                    struct saga_arena *arena, struct saga_slice *ret_json,
                    struct saga_slice *ret_message);

/* ---- expression_jq.c ---- */
struct saga_jq;
int saga_jq_compile(struct saga_slice source, struct saga_arena *arena,
                    struct saga_slice *ret_message, struct saga_jq **ret);
void saga_jq_free(struct saga_jq *jq);
/* What an expression can reach: `members` are the bindings, a bit each. An expression that is `narrow` (operators over
 * paths, no function, no pipe, no iteration) reads of each of them only members whose names it holds. */
struct saga_reach {
    unsigned members;
    bool narrow;
    const struct saga_token *tokens;
    size_t token_count;
};
bool saga_reach_names(const struct saga_reach *reach, struct saga_slice name);
int saga_jq_eval(struct saga_jq *jq, const struct saga_bindings *bindings,
                 const struct saga_reach *reach, struct saga_arena *arena,
                 struct saga_slice *ret_json, struct saga_slice *ret_message);

/* The top-level members, by number; a bit each in `members`. */
enum { SAGA_MEMBER_STEPS = 0, SAGA_MEMBER_COUNT = 8 };
extern const char *const saga_member_names[SAGA_MEMBER_COUNT];
/* The value of a member other than steps; absent: null. */
struct saga_slice saga_bindings_member(const struct saga_bindings *bindings, int member);

#endif
