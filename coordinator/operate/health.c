#include "operate/health.h"

#include <stdarg.h>
#include <unistd.h>

#include "operate/output.h"

static const char *const level_names[] = {
    [SAGA_HEALTH_OK] = "ok", [SAGA_HEALTH_WARNING] = "warning", [SAGA_HEALTH_FAILED] = "failed"
};

void saga_health_init(struct saga_health *health, struct saga_arena *arena)
{
    *health = (struct saga_health){ .arena = arena };
}

void saga_health_add(struct saga_health *health, enum saga_health_level level, const char *subject,
                     const char *mend, const char *what_format, ...)
{
    va_list arguments;
    va_start(arguments, what_format);
    const char *what = saga_arena_vprintf(health->arena, what_format, arguments).data;
    va_end(arguments);
    struct saga_health_line line = {
        .level = level,
        .subject = saga_arena_string(health->arena, saga_slice_of(subject)),
        .what = what,
        .mend = mend ? saga_arena_string(health->arena, saga_slice_of(mend)) : NULL,
    };
    SAGA_PUSH(health->arena, health->lines, health->count, health->capacity, line);
}

static void print_text(const struct saga_health *health, const size_t counts[3])
{
    static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m" };
    bool colour = isatty(STDOUT_FILENO);
    for (size_t i = 0; i < health->count; i++) {
        const struct saga_health_line *line = &health->lines[i];
        printf("%s%-8s%s %s: %s\n", colour ? colours[line->level] : "", level_names[line->level],
               colour ? "\033[0m" : "", line->subject,
               saga_printable(health->arena, saga_slice_of(line->what)));
        if (line->mend) printf("         mend: %s\n", line->mend);
    }
    printf("%zu ok, %zu %s, %zu failed\n", counts[SAGA_HEALTH_OK], counts[SAGA_HEALTH_WARNING],
           counts[SAGA_HEALTH_WARNING] == 1 ? "warning" : "warnings", counts[SAGA_HEALTH_FAILED]);
}

int saga_health_print(const struct saga_call *call, const struct saga_health *health)
{
    size_t counts[3] = { 0 };
    json_t *rows = json_array();
    for (size_t i = 0; i < health->count; i++) {
        const struct saga_health_line *line = &health->lines[i];
        counts[line->level]++;
        json_array_append_new(rows, json_pack("{s:s, s:s, s:o, s:s?}", "level",
                                              level_names[line->level], "subject", line->subject,
                                              "what", saga_json_string(saga_slice_of(line->what)),
                                              "mend", line->mend));
    }
    if (call->output == SAGA_OUTPUT_TEXT) {
        json_decref(rows);
        print_text(health, counts);
    } else {
        saga_print_rows(call, rows);
    }
    return counts[SAGA_HEALTH_FAILED] ? SAGA_EXIT_UNHEALTHY : SAGA_EXIT_DONE;
}
