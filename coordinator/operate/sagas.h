/* Looking at sagas in Redis. */
#ifndef SAGA_OPERATE_SAGAS_H
#define SAGA_OPERATE_SAGAS_H

#include "definition/definition.h"
#include "operate/command.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "runtime/filter.h"

/* Reads a saga's state. When Redis has none: SAGA_EXIT_NOT_FOUND, or SAGA_EXIT_FAILED where that
 * proves nothing (lanes.h); if `quiet` always the first, without words, and what is sealed is covered (opening.h). The
 * caller frees it. */
int saga_state_read(struct saga_call *call, const struct saga_address *address, bool quiet,
                    struct saga_state **ret);

/* What the call's options ask for (saga_list_options). An exit code, words said. */
int saga_list_filter(struct saga_call *call, struct saga_view_filter *ret);
/* Fetches and prints that list as text: a title and a line a saga to `rows`, how many there are of
 * each to `counts`, what is missing to `warnings`. */
int saga_list_print(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter,
                    FILE *rows, FILE *counts, FILE *warnings);
/* Where nothing was found: a line that says what may be mistyped, as far as the counts of all sagas
 * tell. */
void saga_list_hint(const struct saga_view_filter *filter, const struct saga_view_count *counts,
                    size_t count, struct saga_arena *arena, FILE *out);

/* A saga in a list: as a row of a table that saga_list_table began, as JSON, and as JSON's text behind what `out` has. */
void saga_list_table(struct saga_table *table, struct saga_arena *arena);
void saga_list_add(struct saga_table *table, const struct saga_state *state, int64_t now_ms);
json_t *saga_list_json(const struct saga_state *state, struct saga_arena *arena);
void saga_list_write(const struct saga_state *state, struct saga_arena *arena,
                     struct saga_buffer *out);
/* The option's status, absent where none is asked for. SAGA_EXIT_USAGE with words. */
int saga_list_status(struct saga_call *call, const char *status, struct saga_slice *ret);

/* What an operator can do about a saga that is stuck. */
const char *saga_mend(const struct saga_state *state);

/* Which sagas are asked for, beyond what indexes know (store/views.h). */
struct saga_wanted {
    struct saga_view_page page;
    struct saga_slice step;           /* they stand there, or hang on it; absent: anywhere */
    struct saga_slice error;          /* a part of their error, whatever its case; absent: any */
    const struct saga_filter *filter; /* NULL: any; the page has been narrowed by it */
};
/* Calls `visit` for each, in the page's order, at most page.limit times. After looking at some thousands of sagas it stops,
 * whatever it has found. `*ret_more`: there may be further ones behind `*ret_last`, the last that was looked at. An exit code,
 * words said. */
typedef void saga_visit_state(const struct saga_state *state, void *context);
int saga_find(struct saga_call *call, uint32_t lanes, const struct saga_wanted *wanted,
              saga_visit_state *visit, void *context, bool *ret_more,
              struct saga_view_row *ret_last);

/* What is told of one saga beside its state. */
struct saga_view {
    const struct saga_definition *definition; /* names the steps to come; NULL: not to be had */
    const char *why_not;                      /* then, and may be NULL */
    const char *doubt;                        /* why it may be old (lanes.h), or NULL */
    bool bodies;
    int64_t now_ms; /* when it stands so; 0: now */
    struct saga_slice
        forgotten; /* by whom and why its values were forgotten; absent: they were not */
};
/* Prints one saga for people. */
void saga_state_print(struct saga_call *call, const struct saga_state *state,
                      const struct saga_view *view, FILE *out);

/* The options of list, which watch takes too. */
extern const struct argp_option saga_list_options[];

extern const struct saga_subcommand saga_subcommand_list;
extern const struct saga_subcommand saga_subcommand_show;
extern const struct saga_subcommand saga_subcommand_history;
extern const struct saga_subcommand saga_subcommand_watch;

#endif
