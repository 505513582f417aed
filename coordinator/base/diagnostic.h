/* What a person is told: where, what, why it matters and what to do. Filled by whoever finds the
 * trouble, printed by the commands. */
#ifndef SAGA_BASE_DIAGNOSTIC_H
#define SAGA_BASE_DIAGNOSTIC_H

#include <stdio.h>

#include "base/arena.h"
#include "base/slice.h"

enum saga_severity { SAGA_SEVERITY_ERROR, SAGA_SEVERITY_WARNING };

/* One finding. Texts are in the arena of whoever filled it in, or static. */
struct saga_diagnostic {
    enum saga_severity severity;
    const char *code; /* stable, "SG101"; NULL where there is none */
    const char *file; /* NULL where there is none */
    unsigned line;    /* from 1; 0: none */
    unsigned column;  /* from 1, in characters */
    unsigned width;   /* characters that the caret underlines, at least 1 */
    struct saga_slice source_line;
    struct saga_slice what; /* one sentence */
    struct saga_slice why;  /* why it matters; may be absent */
    struct saga_slice mend; /* what to do; may be absent */
};

/* Several findings of one run, in the order in which they were found. */
struct saga_diagnostics {
    struct saga_arena *arena; /* owns the texts */
    struct saga_diagnostic *items;
    size_t count;
    size_t capacity;
    size_t errors; /* of the items and of what was cut, how many are errors */
    size_t cut;    /* findings beyond SAGA_DIAGNOSTICS_MAX, not kept */
};

void saga_diagnostics_init(struct saga_diagnostics *diagnostics, struct saga_arena *arena);
/* Adds a finding and gives it back to be completed; never NULL (past the limit: a spare one). */
struct saga_diagnostic *saga_diagnostics_add(struct saga_diagnostics *diagnostics,
                                             enum saga_severity severity, const char *code,
                                             const char *what_format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sets the words of one finding, printf-wise, in `arena`. */
void saga_diagnostic_set(struct saga_diagnostic *diagnostic, struct saga_arena *arena,
                         const char *what_format, ...) __attribute__((format(printf, 3, 4)));
void saga_diagnostic_mend(struct saga_diagnostic *diagnostic, struct saga_arena *arena,
                          const char *mend_format, ...) __attribute__((format(printf, 3, 4)));

/* file:line:column: error: what [code], the line with a caret, why, mend. */
void saga_diagnostic_print(const struct saga_diagnostic *diagnostic, FILE *out);
void saga_diagnostics_print(const struct saga_diagnostics *diagnostics, FILE *out);

#endif
