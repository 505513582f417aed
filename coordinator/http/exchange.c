#include "http/exchange.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "operate/output.h"

void saga_exchange_later(struct saga_exchange *x)
{
    *x->later = true;
}

/* ---- answers ---- */

static void answer(struct saga_exchange *x, unsigned status, const char *content_type,
                   struct saga_slice bytes)
{
    x->answered = true;
    x->status = status;
    x->content_type = content_type;
    x->answer = bytes;
}

void saga_exchange_answer(struct saga_exchange *x, unsigned status, struct saga_buffer *json)
{
    answer(x, status, "application/json", saga_buffer_slice(json));
}

void saga_buffer_add_json(struct saga_buffer *buffer, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text) saga_memory_exhausted("jansson");
    saga_buffer_add(buffer, saga_slice_of(text));
    free(text);
    json_decref(json);
}

void saga_buffer_add_members(struct saga_buffer *buffer, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text) saga_memory_exhausted("jansson");
    saga_buffer_add(buffer, saga_slice_of(text + 1));
    free(text);
    json_decref(object);
}

void saga_exchange_answer_json(struct saga_exchange *x, unsigned status, json_t *json)
{
    struct saga_buffer out;
    saga_buffer_init(&out, &x->arena);
    saga_buffer_add_json(&out, json);
    saga_exchange_answer(x, status, &out);
}

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        { 400, "The request cannot be understood" },
        { 401, "Nobody knows who is asking" },
        { 403, "Not allowed" },
        { 404, "There is no such thing" },
        { 405, "Not by this method" },
        { 409, "Refused as things stand" },
        { 413, "Too large" },
        { 414, "Too long" },
        { 415, "Not in this form" },
        { 421, "Meant for another host" },
        { 422, "Understood, but it cannot be" },
        { 429, "Too many requests" },
        { 503, "Not now" },
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status) return titles[i].title;
    return "It failed";
}

json_t *saga_problem_json(unsigned status, const char *word, const char *mend,
                          struct saga_slice detail)
{
    json_t *document =
        json_pack("{s:s+, s:s, s:i, s:o}", "type", "urn:saga:problem:", word, "title",
                  title_of(status), "status", (int)status, "detail", saga_json_string(detail));
    if (mend) json_object_set_new(document, "mend", saga_json_string(saga_slice_of(mend)));
    return document;
}

void saga_exchange_problem_with(struct saga_exchange *x, unsigned status, const char *word,
                                const char *mend, struct saga_slice detail, json_t *members)
{
    json_t *document = saga_problem_json(status, word, mend, detail);
    if (members) json_object_update(document, members);
    json_decref(members);
    saga_exchange_answer_json(x, status, document);
    x->content_type = "application/problem+json";
}

void saga_exchange_problem(struct saga_exchange *x, unsigned status, const char *word,
                           const char *mend, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct saga_slice detail = saga_arena_vprintf(&x->arena, format, arguments);
    va_end(arguments);
    saga_exchange_problem_with(x, status, word, mend, detail, NULL);
}

void saga_exchange_failed(struct saga_exchange *x, int code, unsigned status, const char *word)
{
    const struct saga_call_problem *problem = x->call->problem;
    if (code == SAGA_EXIT_NOT_FOUND) {
        status = 404;
        word = "not-found";
    } else if (code == SAGA_EXIT_USAGE) {
        status = 400;
        word = "bad-request";
    }
    if (status == 503) x->retry_after_s = 1;
    saga_exchange_problem_with(x, status, word, problem->mend,
                               saga_slice_of(problem->what ? problem->what : "it failed"), NULL);
}

/* ---- parameters ---- */

struct saga_slice saga_exchange_parameter(const struct saga_exchange *x, const char *name)
{
    for (size_t i = x->target.parameter_count; i-- > 0;)
        if (saga_slice_is(x->target.parameters[i].name, name)) return x->target.parameters[i].value;
    return SAGA_SLICE_NONE;
}

static bool bad(struct saga_exchange *x, const char *name, const char *must_be)
{
    saga_exchange_problem(x, 400, "bad-parameter", NULL, "the parameter %s must be %s", name,
                          must_be);
    return false;
}

bool saga_exchange_bool(struct saga_exchange *x, const char *name, bool otherwise, bool *ret)
{
    struct saga_slice value = saga_exchange_parameter(x, name);
    *ret = value.data ? saga_slice_is(value, "true") : otherwise;
    if (!value.data || *ret || saga_slice_is(value, "false")) return true;
    return bad(x, name, "true or false");
}

bool saga_exchange_number(struct saga_exchange *x, const char *name, unsigned long long min,
                          unsigned long long max, unsigned long long otherwise,
                          unsigned long long *ret)
{
    struct saga_slice value = saga_exchange_parameter(x, name);
    *ret = otherwise;
    if (!value.data || (saga_slice_to_u64(value, ret) == SAGA_OK && *ret >= min && *ret <= max))
        return true;
    return bad(x, name,
               saga_arena_printf(&x->arena, "a whole number from %llu to %llu", min, max).data);
}

bool saga_exchange_duration(struct saga_exchange *x, const char *name, int64_t otherwise,
                            int64_t *ret_ms)
{
    struct saga_slice value = saga_exchange_parameter(x, name);
    *ret_ms = otherwise;
    if (value.data && (value.size > SAGA_TIME_TEXT_BYTES || saga_duration_parse(value, ret_ms) < 0))
        return bad(x, name, "a duration, such as 10s");
    if (*ret_ms > SAGA_HTTP_WAIT_MS_MAX) *ret_ms = SAGA_HTTP_WAIT_MS_MAX;
    return true;
}

bool saga_exchange_time(struct saga_exchange *x, const char *name, int64_t otherwise,
                        int64_t *ret_ms)
{
    struct saga_slice value = saga_exchange_parameter(x, name);
    *ret_ms = otherwise;
    if (!value.data || saga_time_parse(value, ret_ms) == SAGA_OK) return true;
    return bad(x, name, "a time such as 2030-01-31T12:00:00Z");
}

/* How many characters a valid UTF-8 text has. */
static size_t characters(struct saga_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

bool saga_exchange_words(struct saga_exchange *x, const char *name, size_t max,
                         struct saga_slice *ret)
{
    *ret = saga_exchange_parameter(x, name);
    if (!ret->data || (ret->size && saga_utf8_valid(*ret) == ret->size && characters(*ret) <= max))
        return true;
    return bad(x, name, saga_arena_printf(&x->arena, "a text of 1 to %zu characters", max).data);
}

bool saga_exchange_name(struct saga_exchange *x, struct saga_slice value, const char *what)
{
    bool good = value.size > 0 && value.size <= SAGA_NAME_BYTES_MAX && value.data[0] != '-';
    for (size_t i = 0; i < value.size && good; i++)
        good = (value.data[i] >= 'a' && value.data[i] <= 'z') ||
               (value.data[i] >= '0' && value.data[i] <= '9') || value.data[i] == '-';
    if (good) return true;
    saga_exchange_problem(x, 400, "bad-name", "small letters, digits and `-`, at most 249 of them",
                          "%s must be a name", what);
    return false;
}

/* ---- bodies ---- */

static bool bad_body(struct saga_exchange *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool bad_body(struct saga_exchange *x, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct saga_slice detail = saga_arena_vprintf(&x->arena, format, arguments);
    va_end(arguments);
    saga_exchange_problem_with(x, 400, "bad-body", NULL, detail, NULL);
    return false;
}

static bool is_known(struct saga_slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (saga_slice_is(name, names[i])) return true;
    return false;
}

bool saga_exchange_members(struct saga_exchange *x, const char *const *names, size_t count,
                           size_t required, struct saga_slice *ret)
{
    struct saga_slice body = saga_buffer_slice(&x->body), raw_name, value, name;
    struct saga_json_walk walk;
    const char *why = "";
    size_t offset = 0;
    if (saga_json_validate(body, &offset, &why) < 0)
        return bad_body(x, "the body is no JSON: %s, at byte %zu", why, offset);
    if (saga_json_kind(body) != SAGA_JSON_OBJECT)
        return bad_body(x, "the body must be a JSON object");
    for (size_t i = 0; i < count; i++) ret[i] = SAGA_SLICE_NONE;
    saga_json_walk_init(&walk, body);
    while (saga_json_walk_next(&walk, &raw_name, &value)) {
        if (saga_json_text(raw_name, &x->arena, &name) < 0 || !is_known(name, names, count))
            return bad_body(x, "the body has a member \"%.*s\", which means nothing here",
                            SAGA_SLICE_ARG(saga_slice_clip(name, 100)));
        for (size_t i = 0; i < count; i++) {
            if (!saga_slice_is(name, names[i])) continue;
            if (ret[i].data) return bad_body(x, "the body has the member \"%s\" twice", names[i]);
            ret[i] = saga_json_trim(value);
        }
    }
    for (size_t i = 0; i < required; i++)
        if (!ret[i].data) return bad_body(x, "the body lacks the member \"%s\"", names[i]);
    return true;
}

bool saga_exchange_text(struct saga_exchange *x, const char *name, struct saga_slice json,
                        size_t min, size_t max, struct saga_slice *ret)
{
    *ret = SAGA_SLICE_NONE;
    if (!json.data) return true;
    if (saga_json_kind(json) != SAGA_JSON_STRING || saga_json_text(json, &x->arena, ret) < 0)
        return bad_body(x, "the member \"%s\" must be a text", name);
    if (characters(*ret) >= min && ret->size <= max) return true;
    return bad_body(x, "the member \"%s\" must have %zu to %zu bytes, and has %zu", name, min, max,
                    ret->size);
}
