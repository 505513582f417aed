/* What the files of expressions share: tokens, what they read, the plain form, the jq form. */
#ifndef SAGA_DEFINITION_EXPRESSION_INTERNAL_H
#define SAGA_DEFINITION_EXPRESSION_INTERNAL_H

#include <stdint.h>

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

/* ---- expression_words.c ---- */

/* What a function may cost, and how much it may give: expression_price.c says how each is counted. */
enum saga_price {
    SAGA_PRICE_ANY,         /* nobody knows beforehand */
    SAGA_PRICE_NONE,        /* no value at all */
    SAGA_PRICE_ONE,         /* one small value */
    SAGA_PRICE_NUMBER,      /* a text that becomes a number */
    SAGA_PRICE_PART,        /* no more than it is given */
    SAGA_PRICE_TOTAL,       /* the elements put together */
    SAGA_PRICE_NESTED,      /* the elements put together, level by level */
    SAGA_PRICE_PIECES,      /* a text in pieces */
    SAGA_PRICE_PARSED,      /* a text that becomes a value */
    SAGA_PRICE_TEXT,        /* a value that becomes a text */
    SAGA_PRICE_ORDERED,     /* the elements in order */
    SAGA_PRICE_SELECT,      /* what it is given, once for each value of its argument */
    SAGA_PRICE_FILTER,      /* the same, of as many paths */
    SAGA_PRICE_COMPARED,    /* what it is given, looked through for its argument */
    SAGA_PRICE_TESTED,      /* its argument for each element */
    SAGA_PRICE_MAP,         /* an array of what its argument gives of each element */
    SAGA_PRICE_ENTRIES,     /* the same of an object's members */
    SAGA_PRICE_KEYED,       /* the elements in an order by its argument */
    SAGA_PRICE_JOINED,      /* a text of all elements */
    SAGA_PRICE_PATHS,       /* all paths */
    SAGA_PRICE_RECURSE,     /* all values */
    SAGA_PRICE_RANGE,       /* as many numbers as its arguments say */
    SAGA_PRICE_SPLIT,       /* with one argument pieces, with two matches */
    SAGA_PRICE_MATCH,       /* matches of a regular expression */
    SAGA_PRICE_SUBSTITUTED, /* the same, replaced */
};

/* What a function does with a number of the data that jq cannot hold (expression_numbers.c). */
enum saga_number_use {
    SAGA_NUMBERS_READ,    /* it may compute with it in a way that nobody guards */
    SAGA_NUMBERS_PASSED,  /* it passes it on, or compares it for equality */
    SAGA_NUMBERS_GUARDED, /* expression_guards.c has a definition that sees to it */
};

struct saga_word {
    const char *name;
    enum saga_price price;
    enum saga_number_use numbers;
};

/* A function of jq by its name; NULL: one that is not known well enough. */
const struct saga_word *saga_expression_word(struct saga_slice name);
/* A word that is no function's and no variable's name, in some jq. */
bool saga_expression_is_keyword(struct saga_slice name);

/* ---- expression_tree.c ---- */

enum saga_tree_kind {
    SAGA_TREE_IDENTITY,
    SAGA_TREE_RECURSE,  /* .. */
    SAGA_TREE_LITERAL,  /* a number, null, true or false, as written */
    SAGA_TREE_STRING,   /* text between the quotes; children: what it interpolates */
    SAGA_TREE_FORMAT,   /* @name */
    SAGA_TREE_VARIABLE, /* $name */
    SAGA_TREE_FIELD,    /* child .name */
    SAGA_TREE_INDEX,    /* child [child] */
    SAGA_TREE_SLICE,    /* child [child:child] */
    SAGA_TREE_EACH,     /* child [] */
    SAGA_TREE_ARRAY,    /* no child or one */
    SAGA_TREE_OBJECT,   /* children: a key and its value, in turn */
    SAGA_TREE_PIPE,
    SAGA_TREE_COMMA,
    SAGA_TREE_ALTERNATIVE, /* // */
    SAGA_TREE_ARITHMETIC,  /* text: + - * / % */
    SAGA_TREE_NEGATION,
    SAGA_TREE_LOGIC,      /* and, or */
    SAGA_TREE_COMPARISON, /* text: the operator */
    SAGA_TREE_ASSIGNMENT, /* text: the operator */
    SAGA_TREE_IF,         /* children: condition, then, perhaps else */
    SAGA_TREE_TRY,        /* children: body, perhaps handler */
    SAGA_TREE_AS,         /* children: value, body; names: of its pattern */
    SAGA_TREE_REDUCE,     /* children: source, begin, update; names: of its pattern */
    SAGA_TREE_FOREACH,    /* the same, perhaps and what it gives */
    SAGA_TREE_CALL,       /* name and arguments */
    SAGA_TREE_DEFINITION, /* children: body, what it is for; names: its own, of its parameters */
    SAGA_TREE_UNKNOWN
};

struct saga_tree {
    enum saga_tree_kind kind;
    struct saga_slice text;
    struct saga_tree **children;
    size_t count, capacity;
    struct saga_slice *names;
    size_t name_count, name_capacity;
    bool bracketed; /* in round brackets of its own */
};

/* In `arena`, pointing into the tokens' source. NULL where it is not understood. `*ret_strict`: nothing was taken that
 * some jq does not take, as far as a tree does not show it. */
const struct saga_tree *saga_expression_tree(const struct saga_token *tokens,
                                             struct saga_arena *arena, bool *ret_strict);

/* ---- expression_sure.c ---- */
/* Does every jq from 1.6 on surely compile the source of this tree, which was read strictly? False: only jq can say. */
bool saga_expression_surely_compiles(const struct saga_tree *tree, struct saga_slice source);
/* The functions that it knows with the numbers of their arguments, one after the other: false behind the last. For a
 * test, which asks jq. */
bool saga_expression_known_function(size_t place, const char **ret_name, unsigned *ret_arguments);

/* ---- expression_price.c ---- */
/* Does it surely end soon, over data of `size` units (a value, or 16 bytes of a text), and without much memory? Takes
 * NULL for an expression that nobody understands. */
bool saga_expression_is_cheap(const struct saga_tree *tree, double size);

/* ---- expression_plain.c ---- */
struct saga_plain; /* a compiled plain form */
/* NULL when the tokens are more than paths, literals, objects and arrays of them. */
struct saga_plain *saga_plain_compile(const struct saga_token *tokens, struct saga_arena *arena);
int saga_plain_eval(const struct saga_plain *plain, const struct saga_bindings *bindings,
                    struct saga_arena *arena, struct saga_slice *ret_json,
                    struct saga_slice *ret_message);

/* See saga_expression_shape. */
struct saga_slice saga_plain_shape(const struct saga_plain *plain, struct saga_arena *arena);

/* ---- expression_guards.c ---- */
/* The source as jq is given it, in `arena`: behind the definitions that its words need. `marked`: it is for data that
 * has numbers which jq cannot hold, as saga_numbers_parse gives them, and its input is [data, their texts]. */
const char *saga_expression_guard(struct saga_slice source, const struct saga_token *tokens,
                                  bool marked, struct saga_arena *arena);
/* May numbers that jq cannot hold be shown to it? Not where a function might compute with them unguarded. */
bool saga_expression_passes_numbers(const struct saga_tree *tree);
/* A number that jq would compute from literals while it compiles, from 2^53 on; false: there is none. */
bool saga_expression_folds(const struct saga_tree *tree, double *ret);

/* ---- expression_helper.c ---- */
/* Evaluates `source` in a process of its own, which ends when it takes too much: then, and where libjq itself ends it,
 * SAGA_E_LIMIT with words. Else as saga_expression_eval there; what it gives is in `arena`. */
int saga_helper_eval(struct saga_slice source, const struct saga_bindings *bindings,
                     struct saga_arena *arena, struct saga_slice *ret_json,
                     struct saga_slice *ret_message);
/* Is this such a process? */
bool saga_helper_is_here(void);

/* ---- expression_leave.c ---- */
/* May this thread be told to leave (saga_expression_give_up_by)? Is it? */
bool saga_expression_may_give_up(void);
bool saga_expression_gives_up(void);
/* Another process took so much processor time for this thread. */
void saga_expression_count_elsewhere(int64_t processor_us);

/* ---- expression_jq.c ---- */
struct saga_jq;
/* `tokens`, `tree` (may be NULL) and `reads` must live as long as the result; jq is shown what `reads` names and no more.
 * What is `sure` to compile is compiled when it is
 * evaluated first. `*ret_message` is jq's. Errors: SAGA_E_INVALID. */
int saga_jq_compile(struct saga_slice source, const struct saga_token *tokens,
                    const struct saga_tree *tree, const struct saga_reads *reads, bool sure,
                    struct saga_arena *arena, struct saga_slice *ret_message, struct saga_jq **ret);
/* Compiles it now if it is not. Errors as of saga_jq_compile. */
int saga_jq_prepare(struct saga_jq *jq, struct saga_arena *arena, struct saga_slice *ret_message);
void saga_jq_free(struct saga_jq *jq);
/* Errors: SAGA_E_AGAIN (it may cost too much to be run in this process;
 * nothing else was done), and as saga_expression_eval. */
int saga_jq_eval(struct saga_jq *jq, const struct saga_bindings *bindings, struct saga_arena *arena,
                 struct saga_slice *ret_json, struct saga_slice *ret_message);

/* ---- expression.c ---- */

/* Compiles what would be compiled when it is evaluated first, for whoever measures what evaluating takes. Errors:
 * SAGA_E_INVALID; `*ret_message` is jq's. */
int saga_expression_prepare(struct saga_expression *expression, struct saga_arena *arena,
                            struct saga_slice *ret_message);

/* As saga_expression_eval, but the words of an error do not name the expression. */
int saga_expression_eval_bare(struct saga_expression *expression,
                              const struct saga_bindings *bindings, struct saga_arena *arena,
                              struct saga_slice *ret_json, struct saga_slice *ret_message);

/* The top-level members where there is no root; `steps` is the first. */
enum { SAGA_MEMBER_STEPS = 0, SAGA_MEMBER_COUNT = 9 };
extern const char *const saga_member_names[SAGA_MEMBER_COUNT];
/* The value of the member `name` other than steps; none: absent. */
struct saga_slice saga_bindings_member(const struct saga_bindings *bindings,
                                       struct saga_slice name);
/* What the step kept, the last of that name; none: absent. */
struct saga_slice saga_bindings_step(const struct saga_bindings *bindings, struct saga_slice name);

#endif
