/* Expressions of a definition: jq (libjq), with a compiled form of our own for what is only a path
 * (`.input.orderId`, `.steps["reserve-stock"].id`) or an object or array of such paths and literals. That form
 * copies slices, so it enters no jq and keeps every digit of a number.
 *
 * An expression holds a jq_state, which belongs to one thread at a time: every worker loads its own copy
 * of a definition. Evaluating is a pure function of the bindings (language.md, What an expression sees). */
#ifndef SAGA_DEFINITION_EXPRESSION_H
#define SAGA_DEFINITION_EXPRESSION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/slice.h"

struct saga_expression;

struct saga_binding {
    struct saga_slice name;
    struct saga_slice json; /* valid JSON; absent: null */
};

/* What `.` is. Either `root` alone (start and correlation expressions see the event's body as `.`), or
 * the named members below. Absent members are null. All JSON is valid. */
struct saga_bindings {
    struct saga_slice root;
    struct saga_slice input;
    struct saga_slice vars;
    struct saga_slice item;
    struct saga_slice index;
    struct saga_slice
        items; /* elements of the loops around, by the names that the loops give them */
    struct saga_slice saga; /* {"id":…,"key":…,"name":…,"version":…,"started":…} */
    struct saga_slice reply;
    struct saga_slice error;          /* {"step":…,"type":…,"message":…} */
    const struct saga_binding *steps; /* in the order in which they ended */
    size_t step_count;
};

/* Compiles `source`. Refuses what is not pure by name: now, input, inputs, env, $ENV, input_line_number, debug,
 * stderr, halt, halt_error, get_search_list, import, include, local time (localtime, strflocaltime, %Z and %s in a
 * format; mktime is allowed), $__loc__, $__prog_args, input_filename, and what begins with _, which is jq's own.
 * The result is freed with saga_expression_free; it keeps its own copy of the source.
 * Errors: SAGA_E_INVALID, SAGA_E_LIMIT (source too long): `*diagnostic` has what and mend, and as line and
 * column the place inside the source (1-based, in bytes) where that is known; texts live in `arena`. */
int saga_expression_compile(struct saga_slice source, struct saga_arena *arena,
                            struct saga_diagnostic *diagnostic, struct saga_expression **ret);
void saga_expression_free(struct saga_expression *expression);

/* The first value that the expression gives, as compact JSON in `arena`. No value at all is null.
 * Errors: SAGA_E_INVALID (jq's error; a number that jq would change in what a general expression can read; a number
 * from 2^53 on that it computes), SAGA_E_LIMIT (result over SAGA_PAYLOAD_BYTES_MAX or SAGA_JSON_DEPTH_MAX);
 * `*ret_message` then says in one line what, with the expression and the value where jq names it. */
int saga_expression_eval(struct saga_expression *expression, const struct saga_bindings *bindings,
                         struct saga_arena *arena, struct saga_slice *ret_json,
                         struct saga_slice *ret_message);

/* For who may be told to leave. From now on `is_given_up` is asked before the calling thread evaluates what is not plain, and
 * ten times a second while that is evaluated elsewhere. Once it has said true, all that is not plain ends with SAGA_E_LIMIT:
 * what is then decided says nothing. NULL ends it. */
typedef bool saga_expression_given_up(void *context);
void saga_expression_give_up_by(saga_expression_given_up *is_given_up, void *context);
/* Has an evaluation of the calling thread been given up since? */
bool saga_expression_gave_up(void);

/* Processor time that other processes took to evaluate for the calling thread, or for this process: seconds since it began. */
double saga_expression_elsewhere_s(bool of_thread);

/* What is written out of what it gives, as JSON: objects and arrays of the plain form and their literals, and
 * SAGA_SCHEMA_HOLE for whatever only a saga can tell. In `arena`. */
struct saga_slice saga_expression_shape(const struct saga_expression *expression,
                                        struct saga_arena *arena);

/* Lets the program answer instead of the expression: who explores a definition has no data (explore/abstract.h). The
 * answer is as that of saga_expression_eval_bare. `context` must outlive the expression's use; NULL ends it. */
typedef int saga_expression_answer(void *context, struct saga_arena *arena,
                                   struct saga_slice *ret_json, struct saga_slice *ret_message);
void saga_expression_stand_in(struct saga_expression *expression, saga_expression_answer *answer,
                              void *context);

/* The source as written. */
struct saga_slice saga_expression_source(const struct saga_expression *expression);

/* Is it evaluated without jq? */
bool saga_expression_is_plain(const struct saga_expression *expression);

/* What it reads of `.steps`: calls `visit` for every step name that is written out literally
 * (`.steps.name`, `.steps["name"]`), in order. */
void saga_expression_steps(const struct saga_expression *expression,
                           void (*visit)(struct saga_slice step, void *context), void *context);
/* May it read the top-level member (`reply`, `error`, `steps` ...)? Conservative: what takes `.` as a whole reads
 * all. */
bool saga_expression_reads(const struct saga_expression *expression, const char *member);
/* Does it name the top-level member for sure (`.reply.x` at its beginning)? For checks, which must not cry wolf. */
bool saga_expression_names(const struct saga_expression *expression, const char *member);

/* jq's truth: everything but null and false. */
bool saga_json_is_true(struct saga_slice json);

#endif
