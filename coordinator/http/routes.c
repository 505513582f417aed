/* The routes: a new one is a row of this table, a handler, and its part of openapi.yaml. */
#include "base/limits.h"
#include "base/nearest.h"
#include "http/server.h"

#define JSON "application/json"
#define YAML "application/yaml"
enum { SMALL = 16 * 1024, START = SAGA_PAYLOAD_BYTES_MAX };
#define PAGE "limit cursor "
#define SAGA "/api/v1/sagas/{definition}/{key}"
#define LETTER "/api/v1/dead-letters/{partition}/{offset}"
#define JOB "/api/v1/jobs/{job}"
#define DEFINITION "/api/v1/definitions/{name}"

#define ORDER(verb)                                                                                \
    {                                                                                              \
        "POST", SAGA "/" verb, SAGA_ROLE_OPERATOR, SAGA_PLACE_SLOW, JSON, SMALL, "wait ",          \
            saga_http_order                                                                        \
    }

static const struct saga_http_route routes[] = {
    { "GET", "/livez", SAGA_ROLE_NONE, SAGA_PLACE_HERE, NULL, 0, "", saga_http_live },
    { "GET", "/readyz", SAGA_ROLE_NONE, SAGA_PLACE_SLOW, NULL, 0, "", saga_http_ready },
    { "GET", "/openapi.yaml", SAGA_ROLE_NONE, SAGA_PLACE_HERE, NULL, 0, "", saga_http_contract },
    { "GET", "/metrics", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, NULL, saga_http_metrics },
    { "GET", "/api/v1/me", SAGA_ROLE_VIEWER, SAGA_PLACE_HERE, NULL, 0, "", saga_http_me },
    { "GET", "/api/v1/topology", SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0, "",
      saga_http_topology },
    { "GET", "/api/v1/events", SAGA_ROLE_VIEWER, SAGA_PLACE_HERE, NULL, 0, "saga definition ",
      saga_http_events },
    { "GET", "/api/v1/counts", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "definition search ",
      saga_http_counts },
    { "GET", "/api/v1/sagas", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0,
      "definition search status version step error since until where " PAGE, saga_http_list },
    { "POST", "/api/v1/sagas", SAGA_ROLE_OPERATOR, SAGA_PLACE_HERE, JSON, START, "wait ",
      saga_http_start_saga },
    { "GET", SAGA, SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "bodies verbs ", saga_http_saga },
    { "GET", SAGA "/history", SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0, "bodies " PAGE,
      saga_http_history },
    { "GET", SAGA "/graph", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "", saga_http_saga_graph },
    ORDER("cancel"),
    ORDER("retry"),
    ORDER("skip"),
    ORDER("resolve"),
    ORDER("pause"),
    ORDER("resume"),
    { "GET", "/api/v1/definitions", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, PAGE,
      saga_http_definitions },
    { "POST", "/api/v1/definitions", SAGA_ROLE_DEPLOYER, SAGA_PLACE_SLOW, YAML,
      SAGA_DEFINITION_BYTES_MAX, "createTopics allowMissingTopics ", saga_http_deploy },
    { "POST", "/api/v1/definitions/check", SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, YAML,
      SAGA_DEFINITION_BYTES_MAX, "", saga_http_check },
    { "POST", "/api/v1/definitions/what-if", SAGA_ROLE_OPERATOR, SAGA_PLACE_SLOW, YAML,
      SAGA_DEFINITION_BYTES_MAX, "saga since limit within accept ", saga_http_what_if },
    { "GET", DEFINITION, SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "", saga_http_definition },
    { "GET", DEFINITION "/{version}", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "",
      saga_http_definition },
    { "GET", DEFINITION "/{version}/changes", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "from ",
      saga_http_definition_changes },
    { "GET", DEFINITION "/{version}/figures", SAGA_ROLE_VIEWER, SAGA_PLACE_QUICK, NULL, 0, "",
      saga_http_figures },
    { "GET", "/api/v1/dead-letters", SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0,
      "reason handled " PAGE, saga_http_letters },
    { "GET", LETTER, SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0, "", saga_http_letter },
    { "POST", LETTER "/resend", SAGA_ROLE_OPERATOR, SAGA_PLACE_SLOW, JSON, SMALL, "",
      saga_http_resend },
    { "POST", LETTER "/drop", SAGA_ROLE_OPERATOR, SAGA_PLACE_SLOW, JSON, SMALL, "",
      saga_http_drop },
    { "GET", "/api/v1/operations", SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0,
      "who verb saga definition version job since until " PAGE, saga_http_operations },
    { "GET", "/api/v1/jobs", SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0, "", saga_http_jobs },
    { "POST", "/api/v1/jobs", SAGA_ROLE_OPERATOR, SAGA_PLACE_SLOW, JSON, SMALL, "dryRun ",
      saga_http_start_job },
    { "GET", JOB, SAGA_ROLE_VIEWER, SAGA_PLACE_SLOW, NULL, 0, "", saga_http_job },
    { "DELETE", JOB, SAGA_ROLE_OPERATOR, SAGA_PLACE_SLOW, NULL, 0, "", saga_http_stop_job },
};
enum { ROUTES = sizeof routes / sizeof routes[0], NAMES_MAX = 16 };

static bool fits(const struct saga_http_route *route, const struct saga_target *target,
                 struct saga_slice *ret_values)
{
    const char *at = route->path;
    size_t values = 0, i = 0;
    for (; *at == '/'; i++) {
        struct saga_slice segment = { at + 1, strcspn(at + 1, "/") };
        if (i == target->segment_count) return false;
        if (segment.data[0] == '{')
            ret_values[values++] = target->segments[i];
        else if (!saga_slice_equal(segment, target->segments[i]))
            return false;
        at += 1 + segment.size;
    }
    return i == target->segment_count;
}

static void refuse_method(struct saga_exchange *x, const char *allowed)
{
    x->allow = allowed;
    saga_exchange_problem(x, 405, "method", NULL, "here it is %s", allowed);
}

/* The methods so far, and one more. What can be read can be asked for by HEAD too. */
static const char *and_method(struct saga_exchange *x, const char *allowed, const char *method)
{
    if (strcmp(method, "GET") == 0) method = "GET, HEAD";
    return allowed ? saga_arena_printf(&x->arena, "%s, %s", allowed, method).data : method;
}

static bool is_method(const char *asked, const char *method)
{
    return strcmp(asked, method) == 0 || (strcmp(asked, "HEAD") == 0 && strcmp(method, "GET") == 0);
}

static bool is_name_in(const char *names, struct saga_slice name)
{
    for (const char *at = names; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == name.size && memcmp(at, name.data, name.size) == 0) return true;
    return false;
}

/* Several values have only those that are all to hold. */
static bool is_said_before(const struct saga_target *target, size_t at)
{
    struct saga_slice name = target->parameters[at].name;
    for (size_t i = 0; i < at; i++)
        if (saga_slice_equal(target->parameters[i].name, name))
            return !saga_slice_is(name, "search");
    return false;
}

/* Each name of a route ends in a space. */
static const char *known_here(struct saga_exchange *x)
{
    const char *names = x->route->parameters;
    if (!*names) return "there are none here";
    return saga_arena_printf(&x->arena, "known here: %.*s", (int)strlen(names) - 1, names).data;
}

/* A parameter that means nothing is a mistake that would else give another answer than was asked for; so is a second value. */
static bool check_parameters(struct saga_exchange *x)
{
    const char *names = x->route->parameters;
    for (size_t i = 0; names && i < x->target.parameter_count; i++) {
        struct saga_slice name = x->target.parameters[i].name;
        bool known = is_name_in(names, name);
        if (known && !is_said_before(&x->target, i)) continue;
        if (known) {
            saga_exchange_problem(x, 400, "bad-parameter", NULL,
                                  "the parameter %.*s has one value, and is given several times",
                                  SAGA_SLICE_ARG(name));
            return false;
        }
        saga_exchange_problem(x, 400, "bad-parameter", known_here(x),
                              "there is no parameter \"%.*s\" here",
                              SAGA_SLICE_ARG(saga_slice_clip(name, 100)));
        return false;
    }
    return true;
}

bool saga_http_route(struct saga_exchange *x)
{
    const char *allowed = NULL;
    static const struct saga_http_route file = { "GET", "/", SAGA_ROLE_NONE, SAGA_PLACE_HERE,
                                                 NULL,  0,   NULL,           saga_http_file };
    for (size_t i = 0; i < ROUTES && !x->route; i++) {
        struct saga_slice values[4] = { SAGA_SLICE_NONE };
        if (!fits(&routes[i], &x->target, values)) continue;
        if (!is_method(x->method, routes[i].method)) {
            allowed = and_method(x, allowed, routes[i].method);
            continue;
        }
        x->route = &routes[i];
        memcpy(x->path_values, values, sizeof values);
    }
    if (x->route) return check_parameters(x);
    if (allowed) {
        refuse_method(x, allowed);
        return false;
    }
    bool api = x->target.segment_count && saga_slice_is(x->target.segments[0], "api");
    if (!api && is_method(x->method, "GET")) {
        x->route = &file;
        return true;
    }
    saga_exchange_problem(x, 404, "not-found", "/openapi.yaml says what there is",
                          "there is nothing at this path");
    return false;
}
