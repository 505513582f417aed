#include "base/diagnostic.h"

#include <stdarg.h>

#include "base/json.h"
#include "base/limits.h"

void saga_diagnostics_init(struct saga_diagnostics *diagnostics, struct saga_arena *arena)
{
    *diagnostics = (struct saga_diagnostics){ .arena = arena };
}

struct saga_diagnostic *saga_diagnostics_add(struct saga_diagnostics *diagnostics,
                                             enum saga_severity severity, const char *code,
                                             const char *what_format, ...)
{
    struct saga_diagnostic *added;
    if (severity == SAGA_SEVERITY_ERROR) diagnostics->errors++;
    if (diagnostics->count == SAGA_DIAGNOSTICS_MAX) {
        diagnostics->cut++;
        added = SAGA_NEW(diagnostics->arena, struct saga_diagnostic);
    } else {
        SAGA_PUSH(diagnostics->arena, diagnostics->items, diagnostics->count, diagnostics->capacity,
                  (struct saga_diagnostic){ 0 });
        added = &diagnostics->items[diagnostics->count - 1];
    }
    va_list arguments;
    va_start(arguments, what_format);
    added->what = saga_arena_vprintf(diagnostics->arena, what_format, arguments);
    va_end(arguments);
    added->severity = severity;
    added->code = code;
    return added;
}

void saga_diagnostic_set(struct saga_diagnostic *diagnostic, struct saga_arena *arena,
                         const char *what_format, ...)
{
    va_list arguments;
    va_start(arguments, what_format);
    diagnostic->what = saga_arena_vprintf(arena, what_format, arguments);
    va_end(arguments);
}

void saga_diagnostic_mend(struct saga_diagnostic *diagnostic, struct saga_arena *arena,
                          const char *mend_format, ...)
{
    va_list arguments;
    va_start(arguments, mend_format);
    diagnostic->mend = saga_arena_vprintf(arena, mend_format, arguments);
    va_end(arguments);
}

static void print_source_line(const struct saga_diagnostic *diagnostic, FILE *out)
{
    fprintf(out, "%5u | %.*s\n      | ", diagnostic->line, SAGA_SLICE_ARG(diagnostic->source_line));
    struct saga_slice before = diagnostic->source_line;
    for (unsigned i = 1; i < diagnostic->column; i++) {
        size_t character = saga_utf8_sequence(before.data, before.size);
        fputc(before.size && before.data[0] == '\t' ? '\t' : ' ', out);
        before = saga_slice_skip(before, character ? character : 1);
    }
    fputc('^', out);
    for (unsigned i = 1; i < diagnostic->width; i++) fputc('~', out);
    fputc('\n', out);
}

void saga_diagnostic_print(const struct saga_diagnostic *diagnostic, FILE *out)
{
    if (diagnostic->file) {
        fprintf(out, "%s:", diagnostic->file);
        if (diagnostic->line) fprintf(out, "%u:%u:", diagnostic->line, diagnostic->column);
        fputc(' ', out);
    }
    fprintf(out, "%s: %.*s", diagnostic->severity == SAGA_SEVERITY_ERROR ? "error" : "warning",
            SAGA_SLICE_ARG(diagnostic->what));
    if (diagnostic->code) fprintf(out, " [%s]", diagnostic->code);
    fputc('\n', out);
    if (diagnostic->line && diagnostic->source_line.data) print_source_line(diagnostic, out);
    if (diagnostic->why.size) fprintf(out, "  why:  %.*s\n", SAGA_SLICE_ARG(diagnostic->why));
    if (diagnostic->mend.size) fprintf(out, "  mend: %.*s\n", SAGA_SLICE_ARG(diagnostic->mend));
}

void saga_diagnostics_print(const struct saga_diagnostics *diagnostics, FILE *out)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        saga_diagnostic_print(&diagnostics->items[i], out);
    if (diagnostics->cut) fprintf(out, "... and %zu more findings\n", diagnostics->cut);
}
