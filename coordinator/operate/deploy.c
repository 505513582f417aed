/* `saga deploy`: puts definitions in force. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "definition/findings.h"
#include "operate/answer.h"
#include "operate/definitions.h"
#include "operate/output.h"

enum { KEY_CREATE_TOPICS = 256, KEY_ALLOW_MISSING_TOPICS };

int saga_load_files(struct saga_call *call, const struct saga_schemas *schemas,
                    const char *const *paths, size_t count, struct saga_definition **ret)
{
    struct saga_diagnostics diagnostics;
    size_t bad = 0;
    saga_diagnostics_init(&diagnostics, call->arena);
    for (size_t i = 0; i < count; i++) {
        ret[i] = NULL;
        if (saga_definition_load_file(paths[i], schemas, &diagnostics, &ret[i]) < 0) bad++;
    }
    for (size_t i = 0; i < diagnostics.count; i++)
        if (strcmp(diagnostics.items[i].code, saga_finding_kinds[SAGA_FINDING_NO_FILE].code) == 0)
            diagnostics.items[i].why =
                SAGA_SLICE("nothing is done while one of the files is missing");
    saga_diagnostics_print(&diagnostics, stderr);
    if (bad == 0) return SAGA_EXIT_DONE;
    saga_free_definitions(ret, count);
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%zu of %zu files cannot be used", bad,
                          count);
}

void saga_free_definitions(struct saga_definition **definitions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        saga_definition_free(definitions[i]);
        definitions[i] = NULL;
    }
}

static int refuse_change(struct saga_call *call, const struct saga_definition *definition)
{
    const char *mend = saga_arena_printf(call->arena,
                                         "give the new content another version (version: %u); "
                                         "`saga definitions %.*s@%u` shows what is in force",
                                         definition->version + 1, SAGA_SLICE_ARG(definition->name),
                                         definition->version)
                           .data;
    return saga_call_fail(call, SAGA_EXIT_FAILED, mend,
                          "%.*s version %u is deployed with another content, and running sagas "
                          "rely on it",
                          SAGA_SLICE_ARG(definition->name), definition->version);
}

static int compare_with_deployed(struct saga_call *call, const struct saga_deployment *deployment,
                                 const struct saga_definition *definition, bool *ret_news)
{
    const struct saga_deployed *deployed =
        saga_deployment_find(deployment, definition->name, definition->version);
    *ret_news = !deployed;
    if (deployed && strcmp(deployed->sha256, definition->sha256) != 0)
        return refuse_change(call, definition);
    return SAGA_EXIT_DONE;
}

static int compare_with_each_other(struct saga_call *call,
                                   struct saga_definition *const *definitions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct saga_definition *a = definitions[i], *b = definitions[j];
            if (a->version != b->version || !saga_slice_equal(a->name, b->name)) continue;
            return saga_call_fail(call, SAGA_EXIT_FAILED, "give one of them another version",
                                  "two of the files are %.*s version %u", SAGA_SLICE_ARG(a->name),
                                  a->version);
        }
    return SAGA_EXIT_DONE;
}

static int send(struct saga_call *call, const struct saga_definition *definition,
                const struct saga_deployer *deployer)
{
    struct saga_position position;
    struct saga_header headers[] = {
        { SAGA_SLICE("saga_sha256"), saga_slice_of(definition->sha256) },
        { SAGA_SLICE("content-type"), SAGA_SLICE("application/yaml") },
        { SAGA_SLICE("saga_who"), deployer->who },
        { SAGA_SLICE("saga_from"), deployer->from },
    };
    struct saga_message message = {
        .topic = call->topics.definitions,
        .partition = 0,
        .key = saga_arena_printf(call->arena, "%.*s/%u", SAGA_SLICE_ARG(definition->name),
                                 definition->version),
        .value = definition->source,
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
    };
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &position) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "deploy again: doing it twice is doing it once",
                          "%.*s version %u was not deployed: %s", SAGA_SLICE_ARG(definition->name),
                          definition->version, saga_client_problem(call->client));
}

/* Somebody else may have deployed the same version at the same time: the first record stands. */
static int read_back(struct saga_call *call, struct saga_definition *const *definitions,
                     size_t count)
{
    struct saga_deployment deployment;
    bool news;
    int code = saga_deployment_read(call, &deployment);
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++)
        code = compare_with_deployed(call, &deployment, definitions[i], &news);
    if (code == SAGA_EXIT_DONE) code = saga_deploy_schedules(call, &deployment, definitions, count);
    return code;
}

/* The names of the topics that are needed and not there, with commas between them. An exit code. */
static int find_missing_topics(struct saga_call *call, struct saga_definition *const *definitions,
                               size_t count, struct saga_slice *ret)
{
    struct saga_topic_spec *specs;
    size_t spec_count;
    struct saga_buffer names;
    saga_buffer_init(&names, call->arena);
    saga_needed_topics(call, call->config.lanes, definitions, count, &specs, &spec_count);
    for (size_t i = 0; i < spec_count; i++) {
        struct saga_topic_spec bare = { .name = specs[i].name };
        struct saga_topic_state state;
        if (saga_client_describe_topic(call->client, &bare, SAGA_CALL_TIMEOUT_MS, call->arena,
                                       &state) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "topic %s cannot be looked at: %s",
                                  bare.name, saga_client_problem(call->client));
        if (!state.exists)
            saga_buffer_printf(&names, "%s%s", names.size ? ", " : "", specs[i].name);
    }
    *ret = saga_buffer_slice(&names);
    return SAGA_EXIT_DONE;
}

/* What a saga sends to a topic that is not there is put aside (R24), so that it cannot go on. What is in force already
 * stays so, and is only warned of. */
static int check_topics(struct saga_call *call, struct saga_definition *const *definitions,
                        size_t count, const bool *news)
{
    struct saga_slice missing = SAGA_SLICE_NONE;
    bool any_news = false;
    for (size_t i = 0; i < count; i++) any_news = any_news || news[i];
    if (call->config.kafka.mock) return SAGA_EXIT_DONE; /* it makes them when they are asked for */
    int code = find_missing_topics(call, definitions, count, &missing);
    if (code != SAGA_EXIT_DONE || missing.size == 0) return code;
    if (any_news)
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "`saga topics create FILE`, or --create-topics here, makes them; "
                              "`saga deploy --allow-missing-topics` is for services that make "
                              "their topics when they begin",
                              "nothing was deployed: these topics are not there: %.*s",
                              SAGA_SLICE_ARG(missing));
    fprintf(saga_call_words(call),
            "warning: these topics are not there: %.*s; `saga topics create FILE` makes them\n",
            SAGA_SLICE_ARG(missing));
    return SAGA_EXIT_DONE;
}

static void report(const struct saga_call *call, struct saga_definition *const *definitions,
                   const bool *news, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct saga_definition *d = definitions[i];
        const char *outcome = news[i] ? "deployed" : "unchanged";
        if (call->output == SAGA_OUTPUT_TEXT)
            printf("%-9s %.*s version %u (%.12s)\n", outcome, SAGA_SLICE_ARG(d->name), d->version,
                   d->sha256);
        json_array_append_new(
            rows, json_pack("{s:o, s:I, s:s, s:s}", "name", saga_json_string(d->name), "version",
                            (json_int_t)d->version, "sha256", d->sha256, "outcome", outcome));
    }
    if (call->output == SAGA_OUTPUT_TEXT)
        json_decref(rows);
    else
        saga_print_rows(call, rows);
}

int saga_deploy_loaded(struct saga_call *call, struct saga_definition *const *definitions,
                       size_t count, enum saga_missing_topics missing,
                       const struct saga_deployer *deployer, bool *ret_news)
{
    struct saga_deployment deployment;
    int code = compare_with_each_other(call, definitions, count);
    if (code == SAGA_EXIT_DONE) code = saga_call_client(call);
    if (code == SAGA_EXIT_DONE && missing == SAGA_MISSING_TOPICS_MADE)
        code = saga_make_topics(call, definitions, count, call->output != SAGA_OUTPUT_TEXT);
    if (code == SAGA_EXIT_DONE) code = saga_deployment_read(call, &deployment);
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++)
        code = compare_with_deployed(call, &deployment, definitions[i], &ret_news[i]);
    if (code == SAGA_EXIT_DONE && missing == SAGA_MISSING_TOPICS_REFUSED)
        code = check_topics(call, definitions, count, ret_news);
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++)
        if (ret_news[i]) code = send(call, definitions[i], deployer);
    if (code == SAGA_EXIT_DONE) code = read_back(call, definitions, count);
    return code;
}

int saga_deploy_and_report(struct saga_call *call, struct saga_definition *const *definitions,
                           size_t count, enum saga_missing_topics missing)
{
    bool *news = SAGA_NEW_ARRAY(call->arena, bool, count);
    const struct saga_deployer deployer = { saga_slice_of(saga_user_name(call->arena)),
                                            saga_slice_of(saga_host_name(call->arena)) };
    int code = saga_deploy_loaded(call, definitions, count, missing, &deployer, news);
    if (code == SAGA_EXIT_DONE) report(call, definitions, news, count);
    return code;
}

static int deploy(struct saga_call *call, const char *const *paths, size_t count,
                  enum saga_missing_topics missing)
{
    struct saga_definition **definitions =
        SAGA_NEW_ARRAY(call->arena, struct saga_definition *, count);
    int code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_load_files(call, call->schemas, paths, count, definitions);
    if (code != SAGA_EXIT_DONE) return code;
    code = saga_deploy_and_report(call, definitions, count, missing);
    saga_free_definitions(definitions, count);
    return code;
}

int saga_deploy_files(struct saga_call *call, const char *const *paths, size_t count,
                      bool create_topics)
{
    return deploy(call, paths, count,
                  create_topics ? SAGA_MISSING_TOPICS_MADE : SAGA_MISSING_TOPICS_REFUSED);
}

static int run(struct saga_call *call)
{
    return deploy(call, call->arguments, call->argument_count,
                  saga_call_has(call, KEY_CREATE_TOPICS)          ? SAGA_MISSING_TOPICS_MADE
                  : saga_call_has(call, KEY_ALLOW_MISSING_TOPICS) ? SAGA_MISSING_TOPICS_ALLOWED
                                                                  : SAGA_MISSING_TOPICS_REFUSED);
}

static const struct argp_option options[] = {
    { "create-topics", KEY_CREATE_TOPICS, NULL, 0,
      "make the coordinator's topics and those that the files name, where they are missing", 0 },
    { "allow-missing-topics", KEY_ALLOW_MISSING_TOPICS, NULL, 0,
      "put them in force though topics are missing: for services that make theirs when they begin",
      0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_deploy = {
    .name = "deploy",
    .arguments = "FILE...",
    .summary = "put definitions in force",
    .details = "New sagas start on the newest version; running ones stay on theirs. A version that "
               "is deployed never changes: the same content again does nothing, another content "
               "is refused, and so is a definition that needs topics that are not there.",
    .examples = "  saga deploy order-fulfilment.saga.yaml\n"
                "  saga deploy --create-topics sagas/*.yaml",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1000,
    .configured = true,
    .has_output = true,
    .run = run,
};
