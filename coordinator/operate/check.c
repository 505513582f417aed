/* `saga check`. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "definition/check_together.h"
#include "definition/schema_folder.h"
#include "operate/against.h"
#include "operate/definitions.h"
#include "operate/explore.h"
#include "operate/output.h"
#include "operate/sarif.h"
#include "operate/test.h"

enum { KEY_STRICT = 256, KEY_SCHEMAS, KEY_AGAINST };

json_t *saga_finding_json(const struct saga_diagnostic *d)
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

json_t *saga_findings_json(const struct saga_diagnostics *diagnostics)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < diagnostics->count; i++)
        json_array_append_new(rows, saga_finding_json(&diagnostics->items[i]));
    return rows;
}

/* What is deployed, where it was asked for; NULL: it was not, or words have been said. */
static int read_deployed(struct saga_call *call, struct saga_catalog **ret)
{
    const char *against = saga_call_option(call, KEY_AGAINST);
    *ret = NULL;
    if (!against || strcmp(against, "deployed") != 0) return SAGA_EXIT_DONE;
    int code = saga_call_settings(call);
    return code == SAGA_EXIT_DONE ? saga_call_catalog(call, ret) : code;
}

/* The definitions that can be read, and what is found in all of them. */
struct checking {
    struct saga_diagnostics diagnostics;
    struct saga_checked *files;
    struct saga_definition **definitions;
    size_t count;
};

/* Who checks a folder gives the scenarios beside the definitions too: these are read, and not played. */
static void check_scenarios(struct saga_call *call, const char *path,
                            struct saga_diagnostics *diagnostics)
{
    struct saga_scenarios scenarios;
    int error = saga_test_load(call, path, diagnostics, &scenarios);
    if (error == SAGA_OK && call->output == SAGA_OUTPUT_TEXT)
        printf("%s: %zu %s for %.*s can be read; `saga test` plays %s\n", path, scenarios.count,
               scenarios.count == 1 ? "scenario" : "scenarios", SAGA_SLICE_ARG(scenarios.saga),
               scenarios.count == 1 ? "it" : "them");
    saga_scenarios_close(&scenarios);
}

static void load_all(struct saga_call *call, struct checking *c)
{
    struct saga_schemas *schemas = NULL; /* where they cannot be read, that is the finding */
    c->files = SAGA_NEW_ARRAY(call->arena, struct saga_checked, call->argument_count);
    c->definitions = SAGA_NEW_ARRAY(call->arena, struct saga_definition *, call->argument_count);
    (void)saga_schema_folder_read(schema_folder(call), &c->diagnostics, &schemas);
    for (size_t i = 0; i < call->argument_count; i++) {
        /* as elsewhere, - is standard input */
        const char *path = strcmp(call->arguments[i], "-") == 0 ? "/dev/stdin" : call->arguments[i];
        struct saga_definition **place = &c->definitions[c->count];
        if (saga_test_holds_scenarios(path)) {
            check_scenarios(call, path, &c->diagnostics);
            continue;
        }
        if (saga_definition_load_file(path, schemas, &c->diagnostics, place) < 0) continue;
        c->files[c->count++] = (struct saga_checked){ path, *place };
    }
    saga_schemas_free(schemas);
}

/* Explores what was asked to be explored; as text at once, else into rows. The definitions are good for nothing else
 * then. */
static void explore(struct saga_call *call, struct checking *c,
                    const struct saga_explore_options *options, json_t *rows)
{
    for (size_t i = 0; saga_call_has(call, SAGA_KEY_EXPLORE) && i < c->count; i++)
        saga_explore_definition(call, options, c->files[i].file, c->definitions[i], &c->diagnostics,
                                rows);
}

/* Findings go to standard error as text, else they are the output; so is what `--against` tells. */
static int tell(struct saga_call *call, struct checking *c,
                const struct saga_explore_options *options, const struct saga_catalog *deployed)
{
    const char *against = saga_call_option(call, KEY_AGAINST);
    bool text = call->output == SAGA_OUTPUT_TEXT;
    json_t *compared = text ? NULL : json_array(), *explored = text ? NULL : json_array();
    int code = SAGA_EXIT_DONE;
    for (size_t i = 0; text && i < c->count; i++)
        print_summary(c->files[i].definition, c->files[i].file);
    if (against)
        code = saga_compare_against(call, against, c->definitions, c->count, deployed, compared);
    explore(call, c, options, explored);
    if (text) {
        fflush(stdout);
        saga_diagnostics_print(&c->diagnostics, stderr);
    } else if (call->output == SAGA_OUTPUT_SARIF) {
        saga_sarif_print(&c->diagnostics, stdout);
    } else if (against) {
        saga_print_object(call, json_pack("{s:o, s:O, s:O}", "findings",
                                          saga_findings_json(&c->diagnostics), "compared", compared,
                                          "explored", explored));
    } else {
        json_t *rows = saga_findings_json(&c->diagnostics);
        json_array_extend(rows, explored);
        saga_print_rows(call, rows);
    }
    json_decref(compared);
    json_decref(explored);
    return code;
}

static int check(struct saga_call *call)
{
    struct checking c = { .count = 0 };
    struct saga_catalog *deployed;
    struct saga_explore_options options;
    int code = saga_explore_options_of(call, &options);
    if (code == SAGA_EXIT_DONE) code = read_deployed(call, &deployed);
    if (code != SAGA_EXIT_DONE) return code;
    saga_diagnostics_init(&c.diagnostics, call->arena);
    load_all(call, &c);
    saga_check_together(c.files, c.count, deployed, &c.diagnostics);
    code = tell(call, &c, &options, deployed);
    saga_free_definitions(c.definitions, c.count);
    saga_catalog_free(deployed);
    bool strict = saga_call_has(call, KEY_STRICT);
    bool bad = c.diagnostics.errors > 0 || (strict && c.diagnostics.count > 0);
    return code != SAGA_EXIT_DONE ? code : bad ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

static const struct argp_option check_options[] = {
    { "strict", KEY_STRICT, NULL, 0, "warnings fail too", 0 },
    SAGA_EXPLORE_OPTIONS,
    { "schemas", KEY_SCHEMAS, "FOLDER", 0,
      "the Avro schemas of bodies; default: SAGA_SCHEMAS, else the folder schemas", 0 },
    { "against", KEY_AGAINST, "FILE|deployed", 0,
      "what changes against that version, and how many sagas run where it does", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_check = {
    .name = "check",
    .arguments = "FILE...",
    .summary = "look for mistakes in definitions, without any server",
    .details =
        "Every finding says where it is, why it matters and how to mend it; `saga "
        "explain CODE` says more. - is standard input. Several files are also checked together: "
        "topics, answers, "
        "child sagas. Files called *.test.yaml are scenarios: they are read as `saga test` does. "
        "Exits with 1 if there is an error. Running sagas stay on their "
        "version, so what --against tells is no error, unless name and version are the same. "
        "With --explore the real engine runs over all orders of what can happen to a saga, "
        "whatever its data; each finding has the shortest way there. With --input as well, it "
        "starts "
        "with that body, and expressions over `.input` alone are evaluated: what is found holds "
        "for that input, and blocks that it does not lead to are no finding.",
    .examples = "  saga check order-fulfilment.saga.yaml\n"
                "  saga check --strict -o jsonl sagas/*.yaml\n"
                "  saga check --against deployed order-fulfilment.saga.yaml\n"
                "  saga check -o sarif sagas/*.yaml > findings.sarif\n"
                "  saga check --explore order-fulfilment.saga.yaml\n"
                "  saga check --explore --input order.json order-fulfilment.saga.yaml",
    .options = check_options,
    .arguments_min = 1,
    .arguments_max = 1000,
    .configured = true,
    .settings_late = true,
    .has_output = true,
    .has_sarif = true,
    .run = check,
};
