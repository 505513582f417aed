/* Sagas as they stand in Redis: counts, lists, one of them, its graph. */
#include "operate/sagas.h"

#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "codec/message.h"
#include "engine/fits.h"
#include "http/known.h"
#include "http/story.h"
#include "operate/figures.h"
#include "operate/graph_marks.h"
#include "operate/lanes.h"
#include "operate/opening.h"
#include "operate/words.h"

enum { SEARCH_VALUES_MAX = 8, ERROR_CHARACTERS_MAX = 256, PAGE_DEFAULT = 100 };

/* Redis may have heard of no lane yet: then there is no saga. */
static bool find_lanes(struct saga_exchange *x, uint32_t *ret)
{
    int code = saga_call_views(x->call);
    if (code == SAGA_EXIT_DONE && saga_views_lanes(x->call->views, ret) == SAGA_OK) return true;
    x->retry_after_s = 1;
    saga_exchange_problem(x, 503, "redis", "what is told comes from Redis; /readyz says more", "%s",
                          saga_views_problem(x->call->views));
    return false;
}

static bool has_slept(struct saga_exchange *x, int error)
{
    if (error == SAGA_OK) return false;
    x->retry_after_s = 1;
    saga_exchange_problem(x, 503, "redis", "what is told comes from Redis; /readyz says more", "%s",
                          saga_views_problem(x->call->views));
    return true;
}

/* What is told may be old, or not all: as `saga list` warns. */
void saga_exchange_add_warnings(struct saga_exchange *x, uint32_t lanes, json_t *object)
{
    char *text = NULL;
    size_t size = 0;
    struct saga_lane_status *all = SAGA_NEW_ARRAY(&x->arena, struct saga_lane_status, lanes);
    if (saga_views_every_lane(x->call->views, lanes, &x->arena, all) < 0) return;
    FILE *out = open_memstream(&text, &size);
    if (!out) return;
    saga_lanes_warn(all, lanes, saga_now_ms(), &x->arena, out);
    fclose(out);
    json_t *list = json_array();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "warning: ", 9) == 0)
            json_array_append_new(list, saga_json_string(saga_slice_of(line + 9)));
    if (json_array_size(list))
        json_object_set_new(object, "warnings", list);
    else
        json_decref(list);
    free(text);
}

/* ---- what is asked for ---- */

static bool read_search(struct saga_exchange *x, struct saga_slice *values, size_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < x->target.parameter_count; i++) {
        const struct saga_parameter *p = &x->target.parameters[i];
        if (!saga_slice_is(p->name, "search")) continue;
        const char *colon = memchr(p->value.data, ':', p->value.size);
        const char *wrong =
            *ret_count == SEARCH_VALUES_MAX    ? "there are more than 8 search values"
            : !colon || colon == p->value.data ? "a search value lacks its attribute's name"
            : saga_utf8_valid(p->value) < p->value.size ? "a search value must be a text in UTF-8"
                                                        : NULL;
        if (wrong) {
            saga_exchange_problem(x, 400, "bad-parameter", "write it as search=customer:c-17", "%s",
                                  wrong);
            return false;
        }
        values[(*ret_count)++] = p->value;
    }
    return true;
}

static bool read_status(struct saga_exchange *x, struct saga_slice *ret)
{
    *ret = saga_exchange_parameter(x, "status");
    if (!ret->data || (ret->size && saga_status_of(*ret) < SAGA_STATUS_COUNT)) return true;
    saga_exchange_problem(x, 400, "bad-parameter",
                          "one of running, compensating, stuck, completed, compensated, abandoned",
                          "there is no such status");
    return false;
}

static bool read_name(struct saga_exchange *x, const char *name, struct saga_slice *ret)
{
    *ret = saga_exchange_parameter(x, name);
    return !ret->data || saga_exchange_name(x, *ret, name);
}

/* `filter` is filled in where there is one. */
static bool read_where(struct saga_exchange *x, struct saga_filter *filter, struct saga_wanted *ret)
{
    struct saga_slice where = saga_exchange_parameter(x, "where");
    if (!where.data) return true;
    if (!saga_exchange_where(x, where, saga_now_ms(), filter)) return false;
    ret->filter = filter;
    if (!saga_filter_narrow(filter, &x->arena, &ret->page)) ret->page.until_ms = 0; /* none */
    return true;
}

static bool read_wanted(struct saga_exchange *x, struct saga_slice *values,
                        struct saga_filter *filter, struct saga_wanted *ret)
{
    unsigned long long limit, version;
    struct saga_view_page *page = &ret->page;
    *ret = (struct saga_wanted){ .page.search = values };
    bool good = read_name(x, "definition", &page->name) && read_status(x, &page->status) &&
                read_search(x, values, &page->search_count) &&
                saga_exchange_time(x, "since", 0, &page->since_ms) &&
                saga_exchange_time(x, "until", INT64_MAX, &page->until_ms) &&
                read_name(x, "step", &ret->step) &&
                saga_exchange_words(x, "error", ERROR_CHARACTERS_MAX, &ret->error) &&
                saga_exchange_number(x, "version", 1, UINT32_MAX, 0, &version) &&
                saga_exchange_number(x, "limit", 1, SAGA_HTTP_PAGE_MAX, PAGE_DEFAULT, &limit) &&
                saga_exchange_cursor(x, 's', &page->has_after, &page->after_ms, &page->after_id);
    if (!good) return false;
    if (page->since_ms < 0) page->since_ms = 0;
    page->version = (uint32_t)version;
    page->limit = (size_t)limit;
    return read_where(x, filter, ret);
}

/* ---- lists ---- */

struct rows {
    struct saga_arena *arena;
    struct saga_buffer text; /* of the answer, as far as it is written */
    size_t count;
};

static void add_row(const struct saga_state *state, void *context)
{
    struct rows *rows = context;
    if (rows->count++) saga_buffer_add_char(&rows->text, ',');
    saga_list_write(state, rows->arena, &rows->text);
}

void saga_http_list(struct saga_exchange *x)
{
    struct saga_slice values[SEARCH_VALUES_MAX];
    struct saga_filter filter;
    struct saga_wanted wanted;
    struct saga_view_row last = { 0 };
    uint32_t lanes;
    bool more;
    if (!read_wanted(x, values, &filter, &wanted) || !find_lanes(x, &lanes)) return;
    struct rows rows = { .arena = &x->arena };
    saga_buffer_init(&rows.text, &x->arena);
    saga_buffer_add(&rows.text, SAGA_SLICE("{\"items\":["));
    int code = saga_find(x->call, lanes, &wanted, add_row, &rows, &more, &last);
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 503, "redis");
        return;
    }
    struct saga_slice next = SAGA_SLICE_NONE;
    if (more && last.saga_id.size)
        next = saga_cursor_write(&x->arena, 's', last.changed_ms, last.saga_id);
    json_t *rest = json_pack("{s:o}", "next", next.data ? saga_json_string(next) : json_null());
    saga_exchange_add_warnings(x, lanes, rest);
    saga_buffer_add(&rows.text, SAGA_SLICE("],"));
    saga_buffer_add_members(&rows.text, rest);
    saga_exchange_answer(x, 200, &rows.text);
}

void saga_http_counts(struct saga_exchange *x)
{
    struct saga_slice values[SEARCH_VALUES_MAX];
    struct saga_view_filter filter = { 0 };
    struct saga_view_count *counts;
    size_t value_count, count;
    uint32_t lanes;
    if (!read_name(x, "definition", &filter.name) || !read_search(x, values, &value_count)) return;
    if (value_count > 1) {
        saga_exchange_problem(x, 400, "bad-parameter", NULL,
                              "sagas are counted by one search value");
        return;
    }
    if (value_count) filter.search = values[0];
    if (!find_lanes(x, &lanes)) return;
    if (has_slept(x, saga_views_counts(x->call->views, lanes, &filter, &x->arena, &counts, &count)))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, json_pack("{s:o, s:o, s:I}", "definition",
                                               saga_json_string(counts[i].name), "status",
                                               saga_json_string(counts[i].status), "count",
                                               (json_int_t)counts[i].count));
    json_t *answer = json_pack("{s:o}", "items", items);
    saga_exchange_add_warnings(x, lanes, answer);
    saga_exchange_answer_json(x, 200, answer);
}

/* Counts and durations of one version of a definition. */
void saga_http_figures(struct saga_exchange *x)
{
    const struct saga_known_item *item =
        saga_exchange_version(x, x->path_values[0], x->path_values[1]);
    struct saga_figures figures;
    uint32_t lanes;
    if (!item) return;
    const struct saga_view_filter filter = { .name = item->deployed.name,
                                             .version = item->deployed.version };
    if (!find_lanes(x, &lanes) ||
        has_slept(x, saga_figures_read(x->call->views, lanes, &filter, &x->arena, &figures)))
        return;
    json_t *answer = saga_figures_json(&figures, filter.name, filter.version);
    saga_exchange_add_warnings(x, lanes, answer);
    saga_exchange_answer_json(x, 200, answer);
}

/* ---- one saga ---- */

bool saga_exchange_address(struct saga_exchange *x, struct saga_address *ret)
{
    struct saga_slice name = x->path_values[0], key = x->path_values[1];
    if (!saga_exchange_name(x, name, "the first part of the saga's id")) return false;
    if (key.size > SAGA_KEY_BYTES_MAX) {
        saga_exchange_problem(x, 400, "bad-key", NULL, "a key has 1 to %d bytes",
                              SAGA_KEY_BYTES_MAX);
        return false;
    }
    *ret = (struct saga_address){ .name = name, .key = key };
    ret->saga_id = saga_id_make(&x->arena, name, key);
    ret->lane = saga_lane_of_key(key, x->http->config->lanes);
    return true;
}

bool saga_exchange_state(struct saga_exchange *x, const struct saga_address *address, bool values,
                         struct saga_state **ret)
{
    int code = saga_call_views(x->call);
    if (code == SAGA_EXIT_DONE) code = saga_state_read(x->call, address, false, ret);
    if (code == SAGA_EXIT_DONE) {
        if (values)
            saga_open_state_for_people(x->call, address->lane, *ret);
        else
            saga_cover_state(*ret); /* no values are shown, so nobody waits for their key */
        return true;
    }
    saga_exchange_failed(x, code, 503, "redis");
    return false;
}

/* How the engine would answer, tried on a copy of the state; NULL: it would do it, or nobody can tell here: nothing is decided
 * on values that are sealed. */
static const char *refusal_of(struct saga_exchange *x, const struct saga_state *state,
                              struct saga_slice bytes, enum saga_verb verb, const char *as)
{
    const struct saga_known_item *item =
        saga_known_find(x->http->known, state->name, state->version);
    struct saga_event event = {
        .kind = SAGA_EVENT_OPERATOR,
        .verb = verb,
        .type = saga_slice_of(saga_verb_name(verb)),
        .who = x->identity.subject,
        .reason = SAGA_SLICE("?"),
        .as = saga_slice_of(as),
        .time_ms = saga_now_ms(),
        .id = SAGA_SLICE("?"),
    };
    struct saga_facts facts = { 0 };
    struct saga_state *copy;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_state_decode(x->call->codec, bytes, &x->arena, &copy, &diagnostic) < 0) return "?";
    if (saga_state_is_sealed(copy) && !saga_status_has_ended(copy->status)) {
        saga_state_free(copy);
        return NULL;
    }
    const struct saga_definition *definition = item ? item->definition : NULL;
    if (!saga_state_fits(copy, definition, &x->arena, &diagnostic) ||
        (!saga_state_is_sealed(copy) && !saga_state_values_fit(copy, &x->arena, &diagnostic))) {
        saga_state_free(copy);
        return "its state does not fit its definition: the coordinator builds it anew when the "
               "saga is told something";
    }
    if (event.time_ms < copy->changed_ms) event.time_ms = copy->changed_ms;
    saga_decide(definition, copy, &event, &x->arena, &facts);
    saga_state_free(copy);
    for (size_t i = 0; i < facts.count; i++) {
        const struct saga_fact *fact = &facts.items[i];
        if (fact->kind != SAGA_FACT_OPERATOR_REFUSED && fact->kind != SAGA_FACT_OPERATOR_IGNORED)
            continue;
        struct saga_buffer words;
        saga_buffer_init(&words, &x->arena);
        saga_fact_words(fact, event.time_ms, &words);
        return saga_buffer_slice(&words).data;
    }
    return NULL;
}

static json_t *verbs_json(struct saga_exchange *x, const struct saga_state *state,
                          struct saga_slice bytes)
{
    json_t *list = json_array();
    for (int verb = SAGA_VERB_NONE + 1; verb < SAGA_VERB_FORGET; verb++) {
        bool resolve = verb == SAGA_VERB_RESOLVE;
        const char *why =
            refusal_of(x, state, bytes, (enum saga_verb)verb, resolve ? "abandoned" : NULL);
        if (why && resolve)
            why = refusal_of(x, state, bytes, (enum saga_verb)verb, "succeeded") ? why : NULL;
        json_t *row = json_pack("{s:s, s:b}", "verb", saga_verb_name((enum saga_verb)verb),
                                "allowed", why == NULL);
        if (why) json_object_set_new(row, "reason", saga_json_string(saga_slice_of(why)));
        json_array_append_new(list, row);
    }
    return list;
}

void saga_state_add_words(struct saga_exchange *x, const struct saga_state *state,
                          struct saga_buffer *out)
{
    json_t *words = json_pack("{s:o, s:o}", "at", saga_json_string(saga_standing(state, &x->arena)),
                              "trouble", saga_json_string(saga_trouble(state, &x->arena)));
    uint32_t lane = saga_lane_of_key(state->key, x->http->config->lanes);
    const char *doubt = saga_call_lane_doubt(x->call, lane);
    if (state->status == SAGA_STUCK)
        json_object_set_new(words, "mend", json_string(saga_mend(state)));
    if (doubt) json_object_set_new(words, "warnings", json_pack("[s]", doubt));
    saga_buffer_add_char(out, ',');
    saga_buffer_add_members(out, words);
}

void saga_http_saga(struct saga_exchange *x)
{
    struct saga_address address;
    struct saga_state *state;
    struct saga_slice bytes = SAGA_SLICE_NONE;
    struct saga_buffer out;
    bool bodies, verbs;
    if (!saga_exchange_address(x, &address) || !saga_exchange_bool(x, "bodies", false, &bodies) ||
        !saga_exchange_bool(x, "verbs", false, &verbs) ||
        !saga_exchange_state(x, &address, bodies, &state))
        return;
    struct saga_slice json = saga_state_json(state, bodies, &x->arena);
    saga_buffer_init(&out, &x->arena);
    saga_buffer_add(&out, (struct saga_slice){ json.data, json.size - 1 });
    if (verbs && saga_views_state(x->call->views, address.lane, address.saga_id, &x->arena,
                                  &bytes) == SAGA_OK) {
        saga_buffer_add(&out, SAGA_SLICE(",\"verbs\":"));
        saga_buffer_add_json(&out, verbs_json(x, state, bytes));
    }
    saga_state_add_words(x, state, &out);
    saga_state_free(state);
    saga_exchange_answer(x, 200, &out);
}

void saga_http_saga_graph(struct saga_exchange *x)
{
    struct saga_address address;
    struct saga_state *state;
    if (!saga_exchange_address(x, &address) || !saga_exchange_state(x, &address, false, &state))
        return;
    const struct saga_known_item *item =
        saga_known_find(x->http->known, state->name, state->version);
    if (item && item->definition)
        saga_exchange_answer_json(x, 200, saga_graph_json(item->definition, state, &x->arena));
    else
        saga_exchange_problem(x, 404, "no-definition", "/readyz says whether Kafka is there",
                              "%.*s version %u, which the saga is on, is not known here",
                              SAGA_SLICE_ARG(state->name), state->version);
    saga_state_free(state);
}
