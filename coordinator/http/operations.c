/* What operators did. */
#include "operate/operations.h"

#include "http/known.h"
#include "operate/jobs.h"
#include "operate/output.h"

enum { PAGE_DEFAULT = 50 };

static bool read_name(struct saga_exchange *x, struct saga_slice *ret)
{
    *ret = saga_exchange_parameter(x, "definition");
    return !ret->data || saga_exchange_name(x, *ret, "definition");
}

static bool read_job(struct saga_exchange *x, struct saga_slice *ret)
{
    *ret = saga_exchange_parameter(x, "job");
    if (!ret->data || saga_job_is_id(*ret)) return true;
    saga_exchange_problem(x, 400, "bad-parameter", NULL, "the parameter job is no job's id");
    return false;
}

static bool read_verb(struct saga_exchange *x, struct saga_slice *ret)
{
    *ret = saga_exchange_parameter(x, "verb");
    if (!ret->data || saga_operation_is_verb(*ret)) return true;
    saga_exchange_problem(x, 400, "bad-parameter", "one of " SAGA_OPERATION_VERBS,
                          "operators have no such command");
    return false;
}

/* What is deployed is known here: its topic need not be read. */
static void take_known(struct saga_exchange *x, struct saga_operations_wanted *wanted)
{
    const struct saga_known_item **all;
    size_t count;
    if (!saga_known_is_read(x->http->known)) return;
    saga_known_all(x->http->known, &x->arena, &all, &count);
    wanted->deployed = SAGA_NEW_ARRAY(&x->arena, const struct saga_deployed *, count);
    for (size_t i = 0; i < count; i++) wanted->deployed[i] = &all[i]->deployed;
    wanted->deployed_count = count;
    wanted->has_deployed = true;
}

static bool read_wanted(struct saga_exchange *x, struct saga_operations_wanted *ret)
{
    unsigned long long limit, version;
    *ret = (struct saga_operations_wanted){ 0 };
    bool good = saga_exchange_words(x, "who", SAGA_MESSAGE_BYTES_MAX, &ret->who) &&
                read_verb(x, &ret->verb) &&
                saga_exchange_words(x, "saga", SAGA_NAME_BYTES_MAX + 1 + SAGA_KEY_BYTES_MAX,
                                    &ret->saga_id) &&
                read_name(x, &ret->definition) && read_job(x, &ret->job) &&
                saga_exchange_time(x, "since", 0, &ret->since_ms) &&
                saga_exchange_time(x, "until", INT64_MAX, &ret->until_ms) &&
                saga_exchange_number(x, "version", 1, UINT32_MAX, 0, &version) &&
                saga_exchange_number(x, "limit", 1, SAGA_HTTP_PAGE_MAX, PAGE_DEFAULT, &limit) &&
                saga_exchange_cursor(x, 'o', &ret->has_after, &ret->after_ms, &ret->after_place);
    if (!good) return false;
    if (ret->since_ms < 0) ret->since_ms = 0;
    ret->version = (uint32_t)version;
    ret->limit = (size_t)limit;
    ret->job_records_max = SAGA_HTTP_JOB_RECORDS_MAX;
    take_known(x, ret);
    ret->notes = x->http->letter_notes;
    return true;
}

void saga_http_operations(struct saga_exchange *x)
{
    struct saga_operations_wanted wanted;
    struct saga_operations list;
    if (!read_wanted(x, &wanted)) return;
    int code = saga_operations_read(x->call, &wanted, &list);
    if (list.too_many) {
        saga_exchange_failed(x, SAGA_EXIT_FAILED, 422, "too-many-records");
        return;
    }
    if (code == SAGA_EXIT_USAGE) {
        saga_exchange_problem(x, 400, "bad-cursor", "take the `next` of the page before, as it is",
                              "the cursor is none of this list's");
        return;
    }
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 503, "redis");
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(items, saga_operation_json(&list.items[i]));
    json_t *page = json_pack("{s:o, s:b}", "items", items, "whole", list.whole);
    if (!list.whole && list.since_known)
        json_object_set_new(page, "since", saga_json_time(list.since_ms));
    struct saga_slice next = SAGA_SLICE_NONE;
    if (list.more) next = saga_cursor_write(&x->arena, 'o', list.last_ms, list.last_place);
    json_object_set_new(page, "next", next.data ? saga_json_string(next) : json_null());
    saga_exchange_add_warnings(x, list.lanes, page);
    saga_exchange_answer_json(x, 200, page);
}
