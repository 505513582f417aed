/* Definitions: what is deployed, looking for mistakes, deploying. */
#include "operate/definitions.h"

#include "base/error.h"
#include "definition/check_together.h"
#include "http/known.h"
#include "operate/against.h"
#include "operate/graph_marks.h"
#include "operate/output.h"

enum { PAGE_DEFAULT = 100, KNOWN_MS = 10000 };

/* ---- what is deployed ---- */

static json_t *row_json(const struct saga_known_item *item)
{
    return saga_deployed_json(
        &item->deployed, item->definition ? item->definition->summary
                                          : SAGA_SLICE("(cannot be read by this version of saga)"));
}

static bool is_behind(const struct saga_deployed *deployed, struct saga_slice name, int64_t version)
{
    int order = saga_slice_compare(deployed->name, name);
    return order > 0 || (order == 0 && deployed->version > version);
}

/* Before the topic was read to its end, what is not known is not known not to be there. */
static bool is_read(struct saga_exchange *x)
{
    if (saga_known_is_read(x->http->known)) return true;
    x->retry_after_s = 1;
    saga_exchange_problem(x, 503, "starting", "is Kafka there? /readyz says more",
                          "what is deployed has not been read yet");
    return false;
}

void saga_http_definitions(struct saga_exchange *x)
{
    const struct saga_known_item **all;
    unsigned long long limit;
    struct saga_slice after, next = SAGA_SLICE_NONE;
    int64_t after_version;
    size_t count, i = 0;
    bool given;
    if (!saga_exchange_number(x, "limit", 1, SAGA_HTTP_PAGE_MAX, PAGE_DEFAULT, &limit) ||
        !saga_exchange_cursor(x, 'd', &given, &after_version, &after) || !is_read(x))
        return;
    json_t *items = json_array();
    saga_known_all(x->http->known, &x->arena, &all, &count);
    while (given && i < count && !is_behind(&all[i]->deployed, after, after_version)) i++;
    for (; i < count && json_array_size(items) < limit; i++)
        json_array_append_new(items, row_json(all[i]));
    if (i < count)
        next = saga_cursor_write(&x->arena, 'd', all[i - 1]->deployed.version,
                                 all[i - 1]->deployed.name);
    saga_exchange_answer_json(x, 200,
                              json_pack("{s:o, s:o}", "items", items, "next",
                                        next.data ? saga_json_string(next) : json_null()));
}

static bool read_version(struct saga_exchange *x, struct saga_slice text, uint32_t *ret)
{
    unsigned long long number;
    if (saga_slice_to_u64(text, &number) == SAGA_OK && number >= 1 && number <= UINT32_MAX) {
        *ret = (uint32_t)number;
        return true;
    }
    saga_exchange_problem(x, 400, "bad-version", NULL, "a version is a whole number from 1 on");
    return false;
}

const struct saga_known_item *saga_exchange_version(struct saga_exchange *x, struct saga_slice name,
                                                    struct saga_slice version_text)
{
    uint32_t version;
    if (!saga_exchange_name(x, name, "the path")) return NULL;
    if (!version_text.data) return saga_exchange_newest(x, name);
    if (!read_version(x, version_text, &version)) return NULL;
    const struct saga_known_item *item = saga_known_find(x->http->known, name, version);
    if (item || !saga_exchange_newest(x, name)) return item;
    saga_exchange_problem(x, 404, "no-definition", "/api/v1/definitions lists what is deployed",
                          "%.*s has no version %u", SAGA_SLICE_ARG(name), version);
    return NULL;
}

static json_t *versions_of(struct saga_exchange *x, struct saga_slice name)
{
    const struct saga_known_item **all;
    size_t count;
    json_t *list = json_array();
    saga_known_all(x->http->known, &x->arena, &all, &count);
    for (size_t i = 0; i < count; i++)
        if (saga_slice_equal(all[i]->deployed.name, name))
            json_array_append_new(list, json_integer(all[i]->deployed.version));
    return list;
}

static json_t *participants_of(const struct saga_definition *definition)
{
    json_t *list = json_array();
    for (size_t i = 0; i < definition->participant_count; i++) {
        const struct saga_participant *p = &definition->participants[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "name", saga_json_string(p->name),
                                              "commands", saga_json_string(p->commands), "replies",
                                              saga_json_string(p->replies)));
    }
    return list;
}

void saga_http_definition(struct saga_exchange *x)
{
    const struct saga_known_item *item =
        saga_exchange_version(x, x->path_values[0], x->path_values[1]);
    if (!item) return;
    json_t *json = row_json(item), *search = json_array();
    json_object_set_new(json, "source", saga_json_string(item->deployed.source));
    json_object_set_new(json, "versions", versions_of(x, item->deployed.name));
    if (item->definition) {
        const struct saga_definition *d = item->definition;
        for (size_t i = 0; i < d->search_count; i++)
            json_array_append_new(search, saga_json_string(d->search[i].name));
        json_object_set_new(json, "graph", saga_graph_json(d, NULL, &x->arena));
        json_object_set_new(json, "search", search);
        json_object_set_new(json, "participants", participants_of(d));
    } else {
        json_decref(search);
    }
    saga_exchange_answer_json(x, 200, json);
}

void saga_http_definition_changes(struct saga_exchange *x)
{
    struct saga_slice name = x->path_values[0];
    const struct saga_known_item *after = saga_exchange_version(x, name, x->path_values[1]);
    const struct saga_known_item *before;
    struct saga_slice from = saga_exchange_parameter(x, "from");
    struct saga_change *changes;
    size_t count;
    if (!after) return;
    if (!from.data) {
        saga_exchange_problem(x, 400, "bad-parameter", "as in from=1",
                              "the version to compare with is lacking");
        return;
    }
    if ((before = saga_exchange_version(x, name, from)) == NULL) return;
    if (!after->definition || !before->definition) {
        saga_exchange_problem(x, 422, "unreadable", NULL,
                              "one of the two cannot be read by this version of saga");
        return;
    }
    saga_definition_compare(before->definition, after->definition, &x->arena, &changes, &count);
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(items, saga_change_json(&changes[i]));
    saga_exchange_answer_json(x, 200,
                              json_pack("{s:o, s:I, s:I, s:o}", "name",
                                        saga_json_string(after->deployed.name), "from",
                                        (json_int_t)before->deployed.version, "to",
                                        (json_int_t)after->deployed.version, "items", items));
}

/* ---- checking and deploying ---- */

struct saga_definition *saga_exchange_load(struct saga_exchange *x,
                                           struct saga_diagnostics *findings)
{
    struct saga_definition *definition = NULL;
    saga_diagnostics_init(findings, &x->arena);
    int code = saga_call_schemas(x->call);
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 503, "schemas");
        return NULL;
    }
    (void)saga_definition_load_with(saga_buffer_slice(&x->body), SAGA_BODY_FILE, x->call->schemas,
                                    findings, &definition);
    return definition;
}

void saga_exchange_refuse_findings(struct saga_exchange *x, const struct saga_diagnostics *findings)
{
    saga_exchange_problem_with(x, 422, "findings", "mend what the findings say",
                               SAGA_SLICE("the definition has mistakes"),
                               json_pack("{s:o}", "findings", saga_findings_json(findings)));
}

/* Beside what is deployed. A catalog owns its definitions, and these are shared: so they are read again for it. */
static void check_together(struct saga_exchange *x, const struct saga_definition *definition,
                           struct saga_diagnostics *findings)
{
    const struct saga_known_item **all;
    struct saga_diagnostics unheard;
    struct saga_catalog *catalog;
    struct saga_checked file = { SAGA_BODY_FILE, definition };
    size_t count;
    saga_diagnostics_init(&unheard, &x->arena);
    if (saga_catalog_new(&catalog) < 0) return;
    saga_known_all(x->http->known, &x->arena, &all, &count);
    for (size_t i = 0; i < count; i++) {
        struct saga_definition *copy;
        if (saga_definition_load(all[i]->deployed.source, "", &unheard, &copy) == SAGA_OK)
            (void)saga_catalog_add(catalog, copy);
    }
    saga_check_together(&file, 1, catalog, findings);
    saga_catalog_free(catalog);
}

void saga_http_check(struct saga_exchange *x)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition = saga_exchange_load(x, &findings);
    if (x->answered) return;
    json_t *answer = json_object();
    if (definition) {
        check_together(x, definition, &findings);
        json_object_set_new(answer, "name", saga_json_string(definition->name));
        json_object_set_new(answer, "version", json_integer(definition->version));
        json_object_set_new(answer, "graph", saga_graph_json(definition, NULL, &x->arena));
    }
    json_object_set_new(answer, "findings", saga_findings_json(&findings));
    saga_definition_free(definition);
    saga_exchange_answer_json(x, 200, answer);
}

static void answer_deployed(struct saga_exchange *x, const struct saga_definition *definition,
                            const struct saga_diagnostics *findings, bool news)
{
    if (news) {
        saga_known_await(x->http->known, definition->name, definition->version, KNOWN_MS);
        x->location = saga_arena_printf(&x->arena, "/api/v1/definitions/%.*s/%u",
                                        SAGA_SLICE_ARG(definition->name), definition->version);
    }
    saga_exchange_answer_json(
        x, news ? 201 : 200,
        json_pack("{s:o, s:I, s:s, s:s, s:o}", "name", saga_json_string(definition->name),
                  "version", (json_int_t)definition->version, "sha256", definition->sha256,
                  "outcome", news ? "deployed" : "unchanged", "findings",
                  saga_findings_json(findings)));
}

void saga_http_deploy(struct saga_exchange *x)
{
    bool create, allow, news = false;
    struct saga_diagnostics findings;
    const struct saga_deployer deployer = { x->identity.subject, saga_slice_of(x->peer) };
    if (!saga_exchange_bool(x, "createTopics", false, &create) ||
        !saga_exchange_bool(x, "allowMissingTopics", false, &allow))
        return;
    struct saga_definition *definition = saga_exchange_load(x, &findings);
    if (x->answered) return;
    if (!definition) {
        saga_exchange_refuse_findings(x, &findings);
        return;
    }
    int code = saga_call_client(x->call);
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 503, "kafka");
    } else {
        code = saga_deploy_loaded(x->call, &definition, 1,
                                  create  ? SAGA_MISSING_TOPICS_MADE
                                  : allow ? SAGA_MISSING_TOPICS_ALLOWED
                                          : SAGA_MISSING_TOPICS_REFUSED,
                                  &deployer, &news);
        if (code == SAGA_EXIT_DONE)
            answer_deployed(x, definition, &findings, news);
        else
            saga_exchange_failed(x, code, 409, "not-deployed");
    }
    saga_definition_free(definition);
}
