#include "operate/sarif.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "definition/explanations.h"
#include "explore/explore.h"
#include "operate/output.h"

static const char *level_of(enum saga_severity severity)
{
    return severity == SAGA_SEVERITY_ERROR ? "error" : "warning";
}

static json_t *rule(const char *code, enum saga_severity severity, const char *title,
                    const char *text, const char *mend)
{
    return json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}", "id", code, "shortDescription",
                     "text", title, "fullDescription", "text", text, "help", "text", mend,
                     "defaultConfiguration", "level", level_of(severity));
}

/* Of the file, and of what exploring it finds. */
static json_t *rules(struct saga_arena *arena)
{
    json_t *list = json_array();
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++) {
        const struct saga_finding_kind *kind = &saga_finding_kinds[i];
        struct saga_explanation explanation = saga_explanation_of((enum saga_finding)i, arena);
        json_array_append_new(
            list, rule(kind->code, kind->severity, kind->title, explanation.text, kind->mend));
    }
    for (size_t i = 0; i < SAGA_FLAW_COUNT; i++) {
        const struct saga_flaw_kind *kind = &saga_flaw_kinds[i];
        json_array_append_new(list,
                              rule(kind->code, kind->severity, kind->title, kind->why, kind->mend));
    }
    return list;
}

/* A path as a URI reference: what may not stand in one is escaped (RFC 3986). */
static const char *uri_of(const char *path, struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    for (; *path; path++)
        if (isalnum((unsigned char)*path) || strchr("-._~/!$&'()*+,;=@", *path))
            saga_buffer_add_char(&out, *path);
        else
            saga_buffer_printf(&out, "%%%02X", (unsigned)(unsigned char)*path);
    return saga_buffer_slice(&out).data;
}

static json_t *location(const struct saga_diagnostic *d, struct saga_arena *arena)
{
    json_t *physical = json_pack("{s:{s:s}}", "artifactLocation", "uri",
                                 uri_of(d->file ? d->file : "unknown", arena));
    if (d->line)
        json_object_set_new(physical, "region",
                            json_pack("{s:I, s:I, s:I}", "startLine", (json_int_t)d->line,
                                      "startColumn", (json_int_t)d->column, "endColumn",
                                      (json_int_t)d->column + (d->width ? d->width : 1)));
    return json_pack("{s:o}", "physicalLocation", physical);
}

static json_t *result(const struct saga_diagnostic *d, struct saga_arena *arena)
{
    struct saga_slice text = saga_arena_printf(
        arena, "%.*s%s%.*s%s%.*s", SAGA_SLICE_ARG(d->what), d->why.size ? ". Why it matters: " : "",
        SAGA_SLICE_ARG(d->why), d->mend.size ? ". What to do: " : "", SAGA_SLICE_ARG(d->mend));
    return json_pack("{s:s, s:s, s:{s:o}, s:[o]}", "ruleId", d->code, "level",
                     level_of(d->severity), "message", "text", saga_json_string(text), "locations",
                     location(d, arena));
}

void saga_sarif_print(const struct saga_diagnostics *diagnostics, FILE *out)
{
    json_t *results = json_array();
    for (size_t i = 0; i < diagnostics->count; i++)
        json_array_append_new(results, result(&diagnostics->items[i], diagnostics->arena));
    json_t *document =
        json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "$schema",
                  "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs",
                  "tool", "driver", "name", "saga", "version", SAGA_VERSION, "rules",
                  rules(diagnostics->arena), "columnKind", "unicodeCodePoints", "results", results);
    if (!document) saga_memory_exhausted("jansson");
    json_dumpf(document, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(document);
}
