/* `saga check` and `saga graph`: definitions without any server. */
#include <stdlib.h>

#include "base/error.h"
#include "definition/schema_folder.h"
#include "operate/definitions.h"
#include "operate/output.h"
#include "operate/sarif.h"

enum { KEY_STRICT = 256, KEY_SCHEMAS };

static json_t *finding_json(const struct saga_diagnostic *d)
{
    json_t *row = json_pack("{s:s, s:s?, s:s?, s:I, s:I, s:o}", "severity",
                            d->severity == SAGA_SEVERITY_ERROR ? "error" : "warning", "code",
                            d->code, "file", d->file, "line", (json_int_t)d->line, "column",
                            (json_int_t)d->column, "what", saga_json_string(d->what));
    if (d->why.size) json_object_set_new(row, "why", saga_json_string(d->why));
    if (d->mend.size) json_object_set_new(row, "mend", saga_json_string(d->mend));
    return row;
}

static void print_summary(const struct saga_definition *definition, const char *path)
{
    size_t steps = 0;
    for (size_t i = 0; i < definition->block_count; i++)
        steps += definition->blocks[i]->kind == SAGA_BLOCK_STEP;
    printf("%s: %.*s version %u is good: %zu %s, %zu %s\n", path, SAGA_SLICE_ARG(definition->name),
           definition->version, steps, steps == 1 ? "step" : "steps", definition->participant_count,
           definition->participant_count == 1 ? "participant" : "participants");
}

/* As the setting of that name, but without the file of settings: there may be none where definitions are checked. */
static const char *schema_folder(const struct saga_call *call)
{
    const char *given = saga_call_option(call, KEY_SCHEMAS), *set = getenv("SAGA_SCHEMAS");
    if (given) return given;
    return set && set[0] ? set : "schemas";
}

static int check(struct saga_call *call)
{
    struct saga_diagnostics diagnostics;
    saga_diagnostics_init(&diagnostics, call->arena);
    bool text = call->output == SAGA_OUTPUT_TEXT;
    struct saga_schemas *schemas = NULL; /* where they cannot be read, that is the finding */
    (void)saga_schema_folder_read(schema_folder(call), &diagnostics, &schemas);
    for (size_t i = 0; i < call->argument_count; i++) {
        struct saga_definition *definition;
        if (saga_definition_load_file(call->arguments[i], schemas, &diagnostics, &definition) < 0)
            continue;
        if (text) print_summary(definition, call->arguments[i]);
        saga_definition_free(definition);
    }
    if (text) {
        fflush(stdout);
        saga_diagnostics_print(&diagnostics, stderr);
    } else if (call->output == SAGA_OUTPUT_SARIF) {
        saga_sarif_print(&diagnostics, stdout);
    } else {
        json_t *rows = json_array();
        for (size_t i = 0; i < diagnostics.count; i++)
            json_array_append_new(rows, finding_json(&diagnostics.items[i]));
        saga_print_rows(call, rows);
    }
    saga_schemas_free(schemas);
    bool strict = saga_call_has(call, KEY_STRICT);
    bool bad = diagnostics.errors > 0 || (strict && diagnostics.count > 0);
    return bad ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

static const struct argp_option check_options[] = {
    { "strict", KEY_STRICT, NULL, 0, "warnings fail too", 0 },
    { "schemas", KEY_SCHEMAS, "FOLDER", 0,
      "the Avro schemas of bodies; default: SAGA_SCHEMAS, else the folder schemas", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_check = {
    .name = "check",
    .arguments = "FILE...",
    .summary = "look for mistakes in definitions, without any server",
    .details = "Every finding says where it is, why it matters and how to mend it; `saga "
               "explain CODE` says more. Exits with 1 if there is an error.",
    .examples = "  saga check order-fulfilment.saga.yaml\n"
                "  saga check --strict -o jsonl sagas/*.yaml\n"
                "  saga check -o sarif sagas/*.yaml > findings.sarif",
    .options = check_options,
    .arguments_min = 1,
    .arguments_max = 1000,
    .has_output = true,
    .has_sarif = true,
    .run = check,
};

static int graph(struct saga_call *call)
{
    struct saga_definition *definition;
    int code = saga_load_files(call, NULL, call->arguments, 1, &definition);
    if (code != SAGA_EXIT_DONE) return code;
    struct saga_slice text = saga_definition_mermaid(definition, call->arena);
    fwrite(text.data, 1, text.size, stdout);
    if (text.size && text.data[text.size - 1] != '\n') putchar('\n');
    saga_definition_free(definition);
    return SAGA_EXIT_DONE;
}

const struct saga_subcommand saga_subcommand_graph = {
    .name = "graph",
    .arguments = "FILE",
    .summary = "draw a definition as a Mermaid flowchart",
    .details = "The text goes into a Markdown page between ```mermaid and ```.",
    .examples = "  saga graph order-fulfilment.saga.yaml > order-fulfilment.mmd",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = graph,
};
