/* The coordinator itself: is it well, who is asking, how the lanes stand. */
#include <stdio.h>

#include "base/error.h"
#include "http/gate.h"
#include "http/server.h"
#include "operate/lanes.h"
#include "operate/output.h"

enum { LOOK_MS = 2000 };

extern const char saga_openapi_openapi[];

static void answer_text(struct saga_exchange *x, const char *content_type, struct saga_slice text)
{
    x->answered = true;
    x->status = 200;
    x->content_type = content_type;
    x->answer = text;
}

void saga_http_live(struct saga_exchange *x)
{
    answer_text(x, "text/plain", SAGA_SLICE("ok\n"));
}

void saga_http_contract(struct saga_exchange *x)
{
    answer_text(x, "application/yaml", saga_slice_of(saga_openapi_openapi));
}

void saga_http_metrics(struct saga_exchange *x)
{
    struct saga_buffer out;
    saga_buffer_init(&out, &x->arena);
    saga_daemon_metrics(x->http->coordinator, &out);
    answer_text(x, "text/plain; version=0.0.4; charset=utf-8", saga_buffer_slice(&out));
}

void saga_http_me(struct saga_exchange *x)
{
    json_t *roles = json_array();
    for (int role = SAGA_ROLE_VIEWER; role <= (int)x->identity.role; role++)
        json_array_append_new(roles, json_string(saga_role_name((enum saga_http_role)role)));
    saga_exchange_answer_json(
        x, 200,
        json_pack("{s:o, s:o, s:s, s:s}", "subject", saga_json_string(x->identity.subject), "roles",
                  roles, "authentication", x->identity.how, "version", SAGA_VERSION));
}

/* ---- readiness ---- */

static bool add_check(json_t *checks, const char *name, bool ok, const char *reason)
{
    json_t *check = json_pack("{s:s, s:b}", "name", name, "ok", ok);
    if (!ok) json_object_set_new(check, "reason", saga_json_string(saga_slice_of(reason)));
    json_array_append_new(checks, check);
    return ok;
}

static bool check_kafka(struct saga_exchange *x, json_t *checks)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_call *call = x->call;
    int error = SAGA_OK;
    if (!call->client)
        error = saga_client_new(&call->config.kafka, &x->arena, &call->client, &diagnostic);
    if (error == SAGA_OK)
        error = saga_client_check_broker(call->client, LOOK_MS, &x->arena, &diagnostic);
    return add_check(checks, "kafka", error == SAGA_OK,
                     error < 0 ? saga_arena_string(&x->arena, diagnostic.what) : NULL);
}

static bool check_redis(struct saga_exchange *x, json_t *checks)
{
    uint32_t lanes;
    int code = saga_call_views(x->call);
    bool ok = code == SAGA_EXIT_DONE && saga_views_lanes(x->call->views, &lanes) == SAGA_OK;
    return add_check(checks, "redis", ok, ok ? NULL : saga_views_problem(x->call->views));
}

void saga_http_ready(struct saga_exchange *x)
{
    json_t *checks = json_array();
    bool workers = saga_daemon_is_ready(x->http->coordinator);
    bool ready = add_check(checks, "workers", workers,
                           "not all workers are in the group with their lanes recovered");
    ready = check_kafka(x, checks) && ready;
    ready = check_redis(x, checks) && ready;
    if (!ready) x->retry_after_s = 1;
    saga_exchange_answer_json(x, ready ? 200 : 503,
                              json_pack("{s:b, s:o}", "ready", ready, "checks", checks));
}

/* ---- topology ---- */

static const char *const standing_names[] = { [SAGA_LANE_CONFIRMED] = "confirmed",
                                              [SAGA_LANE_SILENT] = "silent",
                                              [SAGA_LANE_BUILDING] = "building",
                                              [SAGA_LANE_MISSING] = "missing" };

static json_t *lane_json(uint32_t lane, const struct saga_lane_status *status, int64_t now_ms)
{
    json_t *json = json_pack("{s:I, s:s}", "lane", (json_int_t)lane, "standing",
                             standing_names[saga_lane_standing(status, now_ms)]);
    if (!status->present) return json;
    json_object_set_new(json, "owner", saga_json_string(status->owner));
    json_object_set_new(json, "heartbeat", saga_json_time(status->heartbeat_ms));
    json_object_set_new(json, "journal", saga_json_string(status->journal));
    if (status->applied >= 0) json_object_set_new(json, "applied", json_integer(status->applied));
    return json;
}

static void add_number(json_t *json, const char *name, int64_t number)
{
    json_object_set_new(json, name, json_integer(number > 0 ? number : 0));
}

/* What the broker knows; without it the lanes are told as Redis has them. */
static void add_ends(struct saga_exchange *x, json_t *json, uint32_t lane,
                     const struct saga_lane_status *status, int64_t inbox_committed)
{
    struct saga_call *call = x->call;
    int64_t low, high;
    if (saga_client_watermarks(call->client, call->topics.journal, (int32_t)lane, LOOK_MS, &low,
                               &high) == SAGA_OK) {
        add_number(json, "journalEnd", high);
        if (status->present && status->applied >= 0)
            add_number(json, "behind", high - status->applied - 1); /* the end of its transaction */
    }
    if (saga_client_watermarks(call->client, call->topics.inbox, (int32_t)lane, LOOK_MS, &low,
                               &high) == SAGA_OK)
        add_number(json, "inboxLag", high - (inbox_committed >= 0 ? inbox_committed : low));
}

static json_t *counters_json(struct saga_daemon *daemon)
{
    struct saga_daemon_counts counts;
    saga_daemon_count(daemon, &counts);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "started", (json_int_t)counts.sagas_started,
                     "ended", (json_int_t)counts.sagas_ended, "events", (json_int_t)counts.events,
                     "batches", (json_int_t)counts.batches, "commands", (json_int_t)counts.commands,
                     "deadLetters", (json_int_t)counts.dead_letters);
}

void saga_http_topology(struct saga_exchange *x)
{
    struct saga_call *call = x->call;
    uint32_t lanes = call->config.lanes;
    struct saga_lane_status *all = SAGA_NEW_ARRAY(&x->arena, struct saga_lane_status, lanes);
    int64_t *committed = SAGA_NEW_ARRAY(&x->arena, int64_t, lanes);
    int code = saga_call_views(call);
    if (code == SAGA_EXIT_DONE && saga_views_every_lane(call->views, lanes, &x->arena, all) < 0)
        code = saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s", saga_views_problem(call->views));
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, code, 503, "redis");
        return;
    }
    bool kafka = saga_call_client(call) == SAGA_EXIT_DONE &&
                 saga_client_committed(call->client, call->config.kafka.group, call->topics.inbox,
                                       lanes, LOOK_MS, committed) == SAGA_OK;
    json_t *list = json_array();
    int64_t now_ms = saga_now_ms();
    for (uint32_t lane = 0; lane < lanes; lane++) {
        json_t *json = lane_json(lane, &all[lane], now_ms);
        if (kafka) add_ends(x, json, lane, &all[lane], committed[lane]);
        json_array_append_new(list, json);
    }
    saga_exchange_answer_json(
        x, 200,
        json_pack("{s:s, s:s, s:o, s:o}", "instance", call->config.kafka.instance, "version",
                  SAGA_VERSION, "lanes", list, "counters", counters_json(x->http->coordinator)));
}
