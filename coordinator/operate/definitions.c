/* `saga definitions`, and reading the topic of definitions. */
#include "operate/definitions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/time.h"
#include "operate/figures.h"
#include "operate/output.h"
#include "operate/reading.h"

/* How long showing a saga waits for a broker that is away: what it adds is welcome, no more. */
enum { LOOK_MS = 2000 };

struct collect {
    struct saga_arena *arena;
    struct saga_deployment *deployment;
};

/* The key is <name>/<version>. */
static bool parse_key(struct saga_slice key, struct saga_slice *ret_name, uint32_t *ret_version)
{
    size_t slash = key.size;
    unsigned long long version;
    while (slash > 0 && key.data[slash - 1] != '/') slash--;
    if (slash < 2) return false;
    if (saga_slice_to_u64(saga_slice_skip(key, slash), &version) < 0) return false;
    if (version == 0 || version > UINT32_MAX) return false;
    *ret_name = (struct saga_slice){ key.data, slash - 1 };
    *ret_version = (uint32_t)version;
    return true;
}

static void leave_out(struct saga_deployment *deployment, const struct saga_message *record,
                      const char *why, struct saga_arena *arena)
{
    struct saga_left_out left = { .offset = record->offset,
                                  .key =
                                      record->key.data ? saga_printable(arena, record->key) : NULL,
                                  .why = why };
    SAGA_PUSH(arena, deployment->left_out, deployment->left_out_count,
              deployment->left_out_capacity, left);
}

void saga_deployment_take(struct saga_deployment *deployment, const struct saga_message *record,
                          struct saga_arena *arena)
{
    struct saga_deployed deployed = { .deployed_ms = record->timestamp_ms,
                                      .offset = record->offset };
    if (!parse_key(record->key, &deployed.name, &deployed.version)) {
        leave_out(deployment, record, "its key is not a definition's NAME/VERSION", arena);
        return;
    }
    saga_sha256_hex(record->value, deployed.sha256);
    const struct saga_deployed *first =
        saga_deployment_find(deployment, deployed.name, deployed.version);
    if (first) {
        if (strcmp(first->sha256, deployed.sha256) != 0)
            leave_out(deployment, record, "another content was deployed first under that version",
                      arena);
        return;
    }
    deployed.name = saga_arena_copy(arena, deployed.name);
    deployed.source = saga_arena_copy(arena, record->value);
    deployed.who = saga_arena_copy(arena, saga_message_header(record, "saga_who"));
    deployed.from = saga_arena_copy(arena, saga_message_header(record, "saga_from"));
    SAGA_PUSH(arena, deployment->items, deployment->count, deployment->capacity, deployed);
}

static bool collect(const struct saga_message *record, void *context)
{
    struct collect *c = context;
    saga_deployment_take(c->deployment, record, c->arena);
    return true;
}

static int by_name_and_version(const void *a, const void *b)
{
    const struct saga_deployed *first = a, *second = b;
    int order = saga_slice_compare(first->name, second->name);
    return order ? order : (first->version > second->version) - (first->version < second->version);
}

int saga_deployment_read(struct saga_call *call, struct saga_deployment *ret)
{
    struct saga_topic_state state;
    struct collect c = { call->arena, ret };
    *ret = (struct saga_deployment){ 0 };
    int code = saga_call_topic(call, call->topics.definitions, &state);
    if (code != SAGA_EXIT_DONE) return code;
    code = saga_read_to_end(call, call->topics.definitions, 0, SAGA_READ_BEGINNING, collect, &c);
    if (ret->count) qsort(ret->items, ret->count, sizeof *ret->items, by_name_and_version);
    return code;
}

const struct saga_deployed *saga_deployment_find(const struct saga_deployment *deployment,
                                                 struct saga_slice name, uint32_t version)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->items[i].version == version &&
            saga_slice_equal(deployment->items[i].name, name))
            return &deployment->items[i];
    return NULL;
}

const struct saga_deployed *saga_deployment_newest(const struct saga_deployment *deployment,
                                                   struct saga_slice name)
{
    const struct saga_deployed *newest = NULL;
    for (size_t i = 0; i < deployment->count; i++)
        if (saga_slice_equal(deployment->items[i].name, name)) newest = &deployment->items[i];
    return newest;
}

int saga_deployment_miss(struct saga_call *call, const struct saga_deployment *deployment,
                         struct saga_slice name)
{
    const char **names = SAGA_NEW_ARRAY(call->arena, const char *, deployment->count);
    for (size_t i = 0; i < deployment->count; i++)
        names[i] = saga_arena_string(call->arena, deployment->items[i].name);
    const char *near = saga_nearest(name, names, deployment->count);
    const char *mend =
        near ? saga_arena_printf(call->arena, "did you mean \"%s\"?", near).data
             : "`saga definitions` lists what is deployed, `saga deploy FILE` deploys";
    return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, mend, "no definition \"%.*s\" is deployed",
                          SAGA_SLICE_ARG(name));
}

struct saga_definition *saga_deployed_load(struct saga_call *call,
                                           const struct saga_deployed *deployed)
{
    struct saga_diagnostics diagnostics;
    struct saga_definition *definition;
    const char *file =
        saga_arena_printf(call->arena, "%.*s@%u", SAGA_SLICE_ARG(deployed->name), deployed->version)
            .data;
    saga_diagnostics_init(&diagnostics, call->arena);
    if (saga_definition_load(deployed->source, file, &diagnostics, &definition) == SAGA_OK)
        return definition;
    saga_diagnostics_print(&diagnostics, saga_call_words(call));
    saga_call_fail(call, SAGA_EXIT_FAILED, "was it deployed by a newer version of saga?",
                   "the deployed definition %s cannot be read by this version", file);
    return NULL;
}

/* A look that many things may go wrong with; what they say goes into the call's words. */
static struct saga_definition *look_for(struct saga_call *call, const struct saga_state *state)
{
    struct saga_deployment deployment;
    struct saga_diagnostic diagnostic = { 0 };
    if (!call->client &&
        saga_client_new(&call->config.kafka, call->arena, &call->client, &diagnostic) < 0) {
        saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
        return NULL;
    }
    if (saga_client_check_broker(call->client, LOOK_MS, call->arena, &diagnostic) < 0) {
        saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
        return NULL;
    }
    if (saga_deployment_read(call, &deployment) != SAGA_EXIT_DONE) return NULL;
    const struct saga_deployed *deployed =
        saga_deployment_find(&deployment, state->name, state->version);
    if (deployed && saga_slice_is(state->sha256, deployed->sha256))
        return saga_deployed_load(call, deployed);
    saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%.*s version %u is not deployed here",
                   SAGA_SLICE_ARG(state->name), state->version);
    return NULL;
}

/* What is said until then is kept; hand_over ends it and gives what was said, which the caller frees. */
struct hush {
    FILE *before;
    char *said;
    size_t size;
};

static void hush(struct saga_call *call, struct hush *h)
{
    *h = (struct hush){ .before = call->words };
    call->words = open_memstream(&h->said, &h->size);
    if (!call->words) saga_memory_exhausted("a text to be shown");
}

static char *hand_over(struct saga_call *call, struct hush *h)
{
    if (fclose(call->words) != 0) saga_memory_exhausted("a text to be shown");
    call->words = h->before;
    return h->said;
}

struct saga_definition *saga_definition_of_state(struct saga_call *call,
                                                 const struct saga_state *state,
                                                 const char **ret_why)
{
    struct hush h;
    hush(call, &h);
    struct saga_definition *definition = look_for(call, state);
    char *said = hand_over(call, &h);
    /* the first line, without the command's name in front */
    const char *words = strstr(said, ": ");
    words = words ? words + 2 : said;
    struct saga_slice why = { words, strcspn(words, "\n") };
    *ret_why = definition ? NULL : saga_arena_string(call->arena, why);
    free(said);
    return definition;
}

int saga_call_catalog(struct saga_call *call, struct saga_catalog **ret)
{
    struct saga_deployment deployment;
    struct saga_catalog *catalog;
    int code = saga_deployment_read(call, &deployment);
    if (code != SAGA_EXIT_DONE) return code;
    int error = saga_catalog_new(&catalog);
    SAGA_ASSERT(error == SAGA_OK);
    for (size_t i = 0; i < deployment.count; i++) {
        struct saga_definition *definition = saga_deployed_load(call, &deployment.items[i]);
        /* a conflict cannot be: the first of a name and version is the only one that was read */
        if (definition) (void)saga_catalog_add(catalog, definition);
    }
    *ret = catalog;
    return SAGA_EXIT_DONE;
}

bool saga_call_catalog_if_there(struct saga_call *call, struct saga_catalog **ret)
{
    struct hush h;
    hush(call, &h);
    int code = saga_call_catalog(call, ret);
    free(hand_over(call, &h));
    return code == SAGA_EXIT_DONE;
}

/* ---- the command ---- */

json_t *saga_deployed_json(const struct saga_deployed *deployed, struct saga_slice summary)
{
    return json_pack("{s:o, s:I, s:s, s:o, s:I, s:o}", "name", saga_json_string(deployed->name),
                     "version", (json_int_t)deployed->version, "sha256", deployed->sha256,
                     "deployed", saga_json_time(deployed->deployed_ms), "offset",
                     (json_int_t)deployed->offset, "summary", saga_json_string(summary));
}

static struct saga_slice summary_of(struct saga_call *call, const struct saga_deployed *deployed)
{
    struct saga_diagnostics diagnostics;
    struct saga_definition *definition;
    saga_diagnostics_init(&diagnostics, call->arena);
    if (saga_definition_load(deployed->source, "", &diagnostics, &definition) < 0)
        return SAGA_SLICE("(cannot be read by this version of saga)");
    struct saga_slice summary = saga_arena_copy(call->arena, definition->summary);
    saga_definition_free(definition);
    return summary;
}

/* How many sagas of each there are is welcome, but definitions are Kafka's: without Redis they are listed all the same, and
 * why is said. False: not known. */
static bool read_figures(struct saga_call *call, struct saga_figures *ret)
{
    struct saga_call_problem problem = { 0 }, *before = call->problem;
    uint32_t lanes;
    call->problem = &problem;
    int code = saga_call_lanes(call, &lanes);
    call->problem = before;
    if (code == SAGA_EXIT_DONE &&
        saga_figures_read(call->views, lanes, NULL, call->arena, ret) == SAGA_OK)
        return true;
    fprintf(saga_call_words(call), "saga definitions: warning: sagas are not counted: %s\n",
            code == SAGA_EXIT_DONE ? saga_views_problem(call->views) : problem.what);
    return false;
}

/* "1.2s", "850ms": three digits are enough for a table. */
static const char *took(struct saga_arena *arena, const struct saga_histogram *histogram,
                        unsigned of_a_thousand)
{
    if (!histogram) return "";
    int64_t ms = saga_histogram_quantile_ms(histogram, of_a_thousand);
    double seconds = (double)ms / 1000;
    if (ms < 1000) return saga_arena_printf(arena, "%dms", (int)ms).data;
    if (seconds < 100) return saga_arena_printf(arena, "%.1fs", seconds).data;
    return saga_age(arena, 0, ms);
}

static void add_text_row(struct saga_table *table, const struct saga_deployed *deployed,
                         struct saga_slice summary, const struct saga_figures *figures)
{
    struct saga_arena *arena = table->arena;
    const char *open = "", *ended = "", *half = "", *most = "";
    char time_text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(deployed->deployed_ms, time_text);
    if (figures) {
        uint64_t open_count, ended_count;
        const struct saga_histogram *completed =
            saga_figures_completed(figures, deployed->name, deployed->version);
        saga_figures_totals(figures, deployed->name, deployed->version, &open_count, &ended_count);
        open = saga_arena_printf(arena, "%" PRIu64, open_count).data;
        ended = saga_arena_printf(arena, "%" PRIu64, ended_count).data;
        half = took(arena, completed, 500);
        most = took(arena, completed, 950);
    }
    saga_table_add(table, saga_arena_string(arena, deployed->name),
                   saga_arena_printf(arena, "%u", deployed->version).data,
                   saga_arena_printf(arena, "%.12s", deployed->sha256).data, time_text, open, ended,
                   half, most, saga_arena_string(arena, summary));
}

static int list_all(struct saga_call *call, const struct saga_deployment *deployment)
{
    struct saga_table table;
    struct saga_figures figures;
    json_t *rows = json_array();
    bool known = deployment->count > 0 && read_figures(call, &figures);
    saga_table_init(&table, call->arena, "NAME", "VERSION", "SHA-256", "DEPLOYED", "OPEN", "ENDED",
                    "P50", "P95", "SUMMARY", NULL);
    for (size_t i = 0; i < deployment->count; i++) {
        const struct saga_deployed *deployed = &deployment->items[i];
        struct saga_slice summary = summary_of(call, deployed);
        json_t *row = saga_deployed_json(deployed, summary);
        add_text_row(&table, deployed, summary, known ? &figures : NULL);
        json_object_set_new(row, "sagas",
                            known ? saga_figures_json(&figures, deployed->name, deployed->version)
                                  : json_null());
        json_array_append_new(rows, row);
    }
    if (call->output != SAGA_OUTPUT_TEXT) {
        saga_print_rows(call, rows);
        return SAGA_EXIT_DONE;
    }
    json_decref(rows);
    if (deployment->count == 0)
        puts("nothing is deployed yet: saga deploy FILE");
    else
        saga_table_print(&table, stdout);
    return SAGA_EXIT_DONE;
}

static int show_one(struct saga_call *call, const struct saga_deployment *deployment,
                    const char *argument)
{
    struct saga_slice name = saga_slice_of(argument);
    const struct saga_deployed *deployed;
    const char *at = strrchr(argument, '@');
    if (at) {
        unsigned long long version;
        name.size = (size_t)(at - argument);
        if (saga_slice_to_u64(saga_slice_of(at + 1), &version) < 0 || version > UINT32_MAX)
            return saga_call_fail(call, SAGA_EXIT_USAGE, "write it as NAME@2",
                                  "\"%s\" is not a version", at + 1);
        deployed = saga_deployment_find(deployment, name, (uint32_t)version);
        if (!deployed && saga_deployment_newest(deployment, name))
            return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga definitions` lists them",
                                  "%.*s has no version %llu", SAGA_SLICE_ARG(name), version);
    } else {
        deployed = saga_deployment_newest(deployment, name);
    }
    if (!deployed) return saga_deployment_miss(call, deployment, name);
    if (call->output == SAGA_OUTPUT_TEXT) {
        fwrite(deployed->source.data, 1, deployed->source.size, stdout);
        return SAGA_EXIT_DONE;
    }
    json_t *row = saga_deployed_json(deployed, summary_of(call, deployed));
    json_object_set_new(row, "source", saga_json_string(deployed->source));
    saga_print_object(call, row);
    return SAGA_EXIT_DONE;
}

static int run(struct saga_call *call)
{
    struct saga_deployment deployment;
    int code = saga_deployment_read(call, &deployment);
    if (code != SAGA_EXIT_DONE) return code;
    if (call->argument_count == 0) return list_all(call, &deployment);
    return show_one(call, &deployment, call->arguments[0]);
}

const struct saga_subcommand saga_subcommand_definitions = {
    .name = "definitions",
    .arguments = "[NAME[@VERSION]]",
    .summary = "list what is deployed, or show one definition's source",
    .details =
        "Without a version, the newest: the one that new sagas start on. OPEN and ENDED count "
        "its sagas that Redis holds, of which ended ones leave after `keep`; half of those "
        "that completed took no longer than P50, 95 of 100 no longer than P95. -o json "
        "tells the same of every step.",
    .examples = "  saga definitions\n"
                "  saga definitions order-fulfilment@1 > order-fulfilment.yaml",
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run,
};
