/* `saga explain`: the long form of a finding. */
#include <string.h>
#include <strings.h>

#include "definition/explanations.h"
#include "explore/explore.h"
#include "operate/definitions.h"
#include "operate/output.h"

static void print_indented(const char *text)
{
    for (const char *end; *text; text = end) {
        end = strchr(text, '\n') + 1;
        printf("    %.*s", (int)(end - text), text);
    }
}

static void print_kind(struct saga_call *call, size_t i)
{
    const struct saga_finding_kind *kind = &saga_finding_kinds[i];
    struct saga_explanation explanation = saga_explanation_of((enum saga_finding)i, call->arena);
    printf("%s, %s: %s\n\n%s\nWhy it matters: %s.\nWhat to do: %s.\n", kind->code,
           kind->severity == SAGA_SEVERITY_ERROR ? "an error" : "a warning", kind->title,
           explanation.text, kind->why, kind->mend);
    if (!explanation.wrong) return;
    printf("\nFor example this has it:\n\n");
    print_indented(explanation.wrong);
    printf("\nand this has not:\n\n");
    print_indented(explanation.right);
}

/* As whole files. */
static json_t *file_json(struct saga_call *call, const char *example)
{
    return example ? saga_json_string(saga_explanation_files(example, call->arena)) : json_null();
}

static json_t *kind_json(struct saga_call *call, size_t i)
{
    const struct saga_finding_kind *kind = &saga_finding_kinds[i];
    struct saga_explanation explanation = saga_explanation_of((enum saga_finding)i, call->arena);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "code", kind->code, "severity",
                     kind->severity == SAGA_SEVERITY_ERROR ? "error" : "warning", "title",
                     kind->title, "text", explanation.text, "why", kind->why, "mend", kind->mend,
                     "wrong", file_json(call, explanation.wrong), "right",
                     file_json(call, explanation.right));
}

/* ---- what exploring finds ---- */

static const struct saga_flaw_kind *flaw_of(const char *code)
{
    for (size_t i = 0; i < SAGA_FLAW_COUNT; i++)
        if (strcasecmp(saga_flaw_kinds[i].code, code) == 0) return &saga_flaw_kinds[i];
    return NULL;
}

static const char *severity_name(enum saga_severity severity)
{
    return severity == SAGA_SEVERITY_ERROR ? "error" : "warning";
}

static void explain_flaw(struct saga_call *call, const struct saga_flaw_kind *flaw)
{
    if (call->output == SAGA_OUTPUT_TEXT)
        printf("%s, %s: %s\n\n`saga check --explore` finds it, and tells the shortest way there; "
               "sagas/TESTING.md says how.\n\nWhy it matters: %s.\nWhat to do: %s.\n",
               flaw->code, severity_name(flaw->severity), flaw->title, flaw->why, flaw->mend);
    else
        saga_print_object(call, json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", flaw->code,
                                          "severity", severity_name(flaw->severity), "title",
                                          flaw->title, "why", flaw->why, "mend", flaw->mend));
}

static void print_list(struct saga_call *call)
{
    struct saga_table table;
    saga_table_init(&table, call->arena, "CODE", "SEVERITY", "FINDING", NULL);
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++)
        saga_table_add(&table, saga_finding_kinds[i].code,
                       saga_finding_kinds[i].severity == SAGA_SEVERITY_ERROR ? "error" : "warning",
                       saga_finding_kinds[i].title);
    for (size_t i = 0; i < SAGA_FLAW_COUNT; i++)
        saga_table_add(&table, saga_flaw_kinds[i].code, severity_name(saga_flaw_kinds[i].severity),
                       saga_flaw_kinds[i].title);
    saga_table_print(&table, stdout);
}

static int explain(struct saga_call *call)
{
    const struct saga_finding_kind *wanted = NULL;
    bool text = call->output == SAGA_OUTPUT_TEXT;
    const struct saga_flaw_kind *flaw = call->argument_count ? flaw_of(call->arguments[0]) : NULL;
    if (flaw) {
        explain_flaw(call, flaw);
        return SAGA_EXIT_DONE;
    }
    json_t *rows = json_array();
    if (call->argument_count) {
        wanted = saga_finding_kind(saga_slice_of(call->arguments[0]));
        if (!wanted) {
            json_decref(rows);
            return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga explain` lists them all",
                                  "there is no finding %s", call->arguments[0]);
        }
    }
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++) {
        if (wanted && wanted != &saga_finding_kinds[i]) continue;
        if (text && wanted) print_kind(call, i);
        if (!text) json_array_append_new(rows, kind_json(call, i));
    }
    if (text && !wanted) print_list(call);
    if (text)
        json_decref(rows);
    else
        saga_print_rows(call, rows);
    return SAGA_EXIT_DONE;
}

const struct saga_subcommand saga_subcommand_explain = {
    .name = "explain",
    .arguments = "[CODE]",
    .summary = "explain a finding of `saga check`, with an example",
    .details = "Without a code: all of them, a line each.",
    .examples = "  saga explain SG301\n"
                "  saga explain",
    .arguments_max = 1,
    .has_output = true,
    .run = explain,
};
