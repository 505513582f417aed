/* `saga doctor`: a look at everything that the coordinator needs, with the mend for what is wrong.
 * */
#include <hiredis/hiredis.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "operate/health.h"
#include "operate/imported.h"
#include "operate/lanes.h"
#include "operate/output.h"
#include "runtime/wrapping.h"
#include "store/redis.h"

enum { CLOCK_MS_MAX = 5000 };

static void add_diagnostic(struct saga_health *health, const char *subject,
                           const struct saga_diagnostic *diagnostic)
{
    const char *mend =
        diagnostic->mend.size ? saga_arena_string(health->arena, diagnostic->mend) : NULL;
    saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend, "%.*s",
                    SAGA_SLICE_ARG(diagnostic->what));
}

static bool look_at_broker(struct saga_call *call, struct saga_health *health)
{
    struct saga_diagnostic diagnostic = { 0 };
    int error = saga_client_new(&call->config.kafka, call->arena, &call->client, &diagnostic);
    if (error == SAGA_OK)
        error =
            saga_client_check_broker(call->client, SAGA_CALL_TIMEOUT_MS, call->arena, &diagnostic);
    if (error < 0)
        add_diagnostic(health, "Kafka", &diagnostic);
    else
        saga_health_add(health, SAGA_HEALTH_OK, "Kafka", NULL, "%s is there and new enough",
                        call->config.kafka.bootstrap_servers);
    return error == SAGA_OK;
}

static bool look_at_redis(struct saga_call *call, struct saga_health *health)
{
    struct saga_diagnostic diagnostic = { 0 };
    const struct saga_redis_config *redis = &call->config.redis;
    const char *where =
        redis->unix_socket ? redis->unix_socket
                           : saga_arena_printf(call->arena, "%s:%d", redis->host, redis->port).data;
    int error = saga_redis_check(redis, call->arena, &diagnostic);
    if (error < 0)
        add_diagnostic(health, "Redis", &diagnostic);
    else
        saga_health_add(health, SAGA_HEALTH_OK, "Redis", NULL,
                        "%s is there, new enough and never evicts", where);
    return error == SAGA_OK;
}

static bool has_definitions_topic(struct saga_call *call)
{
    struct saga_topic_spec spec = { .name = call->topics.definitions.data };
    struct saga_topic_state state = { 0 };
    return saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena,
                                      &state) == SAGA_OK &&
           state.exists;
}

/* Loads what is deployed, one line a definition that cannot be. `ret` has room for all of them. */
static size_t look_at_definitions(struct saga_call *call, const struct saga_deployment *deployment,
                                  struct saga_health *health, struct saga_definition **ret)
{
    size_t count = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct saga_deployed *d = &deployment->items[i];
        struct saga_diagnostics diagnostics;
        const char *subject = saga_arena_printf(call->arena, "definition %.*s@%u",
                                                SAGA_SLICE_ARG(d->name), d->version)
                                  .data;
        saga_diagnostics_init(&diagnostics, call->arena);
        if (saga_definition_load(d->source, subject, &diagnostics, &ret[count]) == SAGA_OK)
            count++;
        else
            saga_health_add(health, SAGA_HEALTH_FAILED, subject,
                            "run a version of saga that is as new as the one that deployed it",
                            "cannot be read: %.*s", SAGA_SLICE_ARG(diagnostics.items[0].what));
    }
    for (size_t i = 0; i < deployment->left_out_count; i++) {
        const struct saga_left_out *left = &deployment->left_out[i];
        saga_health_add(health, SAGA_HEALTH_WARNING, "definitions",
                        "deploy with `saga deploy` only; a record that is there stays, and does "
                        "nothing",
                        "the record at offset %lld of %s is left out, %s%s: %s",
                        (long long)left->offset, call->topics.definitions.data,
                        left->key ? "key " : "without a key", left->key ? left->key : "",
                        left->why);
    }
    if (deployment->count == 0)
        saga_health_add(health, SAGA_HEALTH_WARNING, "definitions", "saga deploy FILE",
                        "none is deployed, so no saga can start");
    else if (count == deployment->count)
        saga_health_add(health, SAGA_HEALTH_OK, "definitions", NULL,
                        "%zu deployed, all can be read", count);
    return count;
}

/* Are the keys there that protect what definitions redact? */
static void look_at_privacy(struct saga_call *call, struct saga_definition *const *definitions,
                            size_t count, struct saga_health *health)
{
    struct saga_wrapping *wrapping;
    struct saga_diagnostic diagnostic = { 0 };
    const struct saga_definition *redacting = NULL;
    for (size_t i = 0; i < count; i++)
        if (definitions[i]->redact_count) redacting = definitions[i];
    if (saga_wrapping_read(call->config.privacy_key_file, call->config.privacy_key_command,
                           call->arena, &wrapping, &diagnostic) < 0)
        add_diagnostic(health, "privacy", &diagnostic);
    else if (redacting && wrapping)
        saga_health_add(health, SAGA_HEALTH_OK, "privacy", NULL,
                        "there is a key for what definitions redact");
    else if (redacting)
        saga_health_add(health, SAGA_HEALTH_WARNING, "privacy",
                        "set privacy.key-file or privacy.key-command for every coordinator",
                        "%.*s says `redact`, and there is no key here: a coordinator without one "
                        "puts its sagas aside",
                        SAGA_SLICE_ARG(redacting->name));
    saga_wrapping_free(wrapping);
}

static void look_at_topics(struct saga_call *call, struct saga_health *health)
{
    struct saga_deployment deployment = { 0 };
    if (has_definitions_topic(call) && saga_deployment_read(call, &deployment) != SAGA_EXIT_DONE) {
        saga_health_add(health, SAGA_HEALTH_FAILED, "definitions", NULL, "cannot be read: %s",
                        saga_client_problem(call->client));
        return;
    }
    struct saga_definition **definitions =
        SAGA_NEW_ARRAY(call->arena, struct saga_definition *, deployment.count);
    size_t count = look_at_definitions(call, &deployment, health, definitions);
    saga_health_topics(call, definitions, count, health);
    look_at_privacy(call, definitions, count, health);
    saga_free_definitions(definitions, count);
}

/* Why nobody works on a lane, where the journal tells it. NULL: it does not, or cannot be asked. */
static const char *why_it_waits(struct saga_call *call, uint32_t lane,
                                const struct saga_lane_status *status, bool broker,
                                struct saga_lane_ahead *ret)
{
    *ret = (struct saga_lane_ahead){ .unreadable_offset = -1 };
    if (!broker || saga_lane_ahead(call, lane, status, ret) != SAGA_EXIT_DONE) return NULL;
    if (ret->unreadable_offset < 0) return NULL;
    return saga_arena_printf(call->arena,
                             "; its journal cannot be read at offset %lld (%.*s), so its sagas "
                             "wait",
                             (long long)ret->unreadable_offset, SAGA_SLICE_ARG(ret->why))
        .data;
}

#define MEND_JOURNAL                                                                               \
    "`saga replay --verify` says more; mend the topic, then restart the coordinator"

static void add_silent(struct saga_call *call, const char *subject,
                       const struct saga_lane_status *status, const char *why, int64_t now_ms,
                       struct saga_health *health)
{
    saga_health_add(health, SAGA_HEALTH_FAILED, subject,
                    why ? MEND_JOURNAL
                        : "is a coordinator running, and with the same lanes and Redis? its log "
                          "says what it waits for",
                    "nobody has confirmed it for %s; the last was %.*s%s",
                    saga_age(call->arena, status->heartbeat_ms, now_ms),
                    SAGA_SLICE_ARG(status->owner), why ? why : "");
}

static void add_missing(const char *subject, const struct saga_lane_ahead *ahead, const char *why,
                        struct saga_health *health)
{
    if (ahead->records == 0)
        saga_health_add(health, SAGA_HEALTH_WARNING, subject, "saga run",
                        "no coordinator has worked on it with this Redis yet");
    else
        saga_health_add(health, SAGA_HEALTH_FAILED, subject,
                        why ? MEND_JOURNAL : "a coordinator that runs builds it anew: saga run",
                        "Redis has nothing of it, though its journal has records: its sagas are "
                        "neither listed nor shown%s",
                        why ? why : "");
}

static void look_at_lane(struct saga_call *call, uint32_t lane,
                         const struct saga_lane_status *status, bool broker,
                         struct saga_health *health)
{
    const char *subject = saga_arena_printf(call->arena, "lane %u", lane).data, *why = NULL;
    struct saga_lane_ahead ahead;
    int64_t now_ms = saga_now_ms();
    enum saga_lane_standing standing = saga_lane_standing(status, now_ms);
    if (standing != SAGA_LANE_CONFIRMED) why = why_it_waits(call, lane, status, broker, &ahead);
    if (standing == SAGA_LANE_MISSING)
        add_missing(subject, &ahead, why, health);
    else if (standing == SAGA_LANE_BUILDING)
        saga_health_add(health, SAGA_HEALTH_WARNING, subject, why ? MEND_JOURNAL : NULL,
                        "is being built anew from its last snapshot: not all of its sagas are "
                        "listed and shown%s",
                        why ? why : "");
    else if (standing == SAGA_LANE_SILENT)
        add_silent(call, subject, status, why, now_ms, health);
    else
        saga_health_add(health, SAGA_HEALTH_OK, subject, NULL,
                        "%.*s has it, applied to offset %lld", SAGA_SLICE_ARG(status->owner),
                        (long long)status->applied);
    if (status->present && now_ms - status->heartbeat_ms < -CLOCK_MS_MAX)
        saga_health_add(health, SAGA_HEALTH_WARNING, "clock", "let NTP set both clocks",
                        "the coordinator's clock is %lld s ahead of this host's",
                        (long long)((status->heartbeat_ms - now_ms) / 1000));
}

static void look_at_lanes(struct saga_call *call, bool broker, struct saga_health *health)
{
    uint32_t lanes = 0;
    if (saga_call_views(call) != SAGA_EXIT_DONE) return;
    if (saga_views_lanes(call->views, &lanes) < 0) {
        saga_health_add(health, SAGA_HEALTH_FAILED, "lanes", NULL, "%s",
                        saga_views_problem(call->views));
    } else if (lanes == 0) {
        saga_health_add(health, SAGA_HEALTH_WARNING, "lanes", "saga run",
                        "no coordinator has run with this Redis yet");
    } else if (lanes != call->config.lanes) {
        saga_health_add(health, SAGA_HEALTH_FAILED, "lanes",
                        "set lanes to the number with which the topics were made",
                        "Redis was written with %u lanes, the setting lanes is %u", lanes,
                        call->config.lanes);
    }
    struct saga_lane_status *all = SAGA_NEW_ARRAY(call->arena, struct saga_lane_status, lanes);
    if (lanes && saga_views_every_lane(call->views, lanes, call->arena, all) < 0) {
        saga_health_add(health, SAGA_HEALTH_FAILED, "lanes", NULL, "%s",
                        saga_views_problem(call->views));
        return;
    }
    for (uint32_t lane = 0; lane < lanes; lane++)
        look_at_lane(call, lane, &all[lane], broker, health);
}

/* 2023-11-14: a clock before that has not been set since the machine began. */
static void look_at_clock(struct saga_health *health)
{
    const int64_t sensible_ms = 1700000000000;
    char text[SAGA_TIME_TEXT_BYTES];
    int64_t now_ms = saga_now_ms();
    saga_time_format(now_ms, text);
    if (now_ms < sensible_ms)
        saga_health_add(health, SAGA_HEALTH_FAILED, "clock", "set it, and let NTP keep it",
                        "this host believes that it is %s", text);
    else
        saga_health_add(health, SAGA_HEALTH_OK, "clock", NULL, "%s", text);
}

static int doctor(struct saga_call *call)
{
    struct saga_health health;
    saga_health_init(&health, call->arena);
    look_at_clock(&health);
    bool broker = look_at_broker(call, &health);
    if (broker) look_at_topics(call, &health);
    if (broker && saga_imported_is_here(call))
        saga_health_add(&health, SAGA_HEALTH_WARNING, "import", NULL,
                        "these topics were made by `saga audit import`, for looking at: no "
                        "coordinator works on them");
    if (look_at_redis(call, &health)) look_at_lanes(call, broker, &health);
    return saga_health_print(call, &health);
}

const struct saga_subcommand saga_subcommand_doctor = {
    .name = "doctor",
    .summary = "look at the surroundings, and say what is wrong and how to mend it",
    .details = "Clock, Kafka, definitions, topics, Redis, and who has the lanes. Exits with 10 if "
               "something must be mended.",
    .examples = "  saga doctor\n"
                "  saga doctor -o jsonl --bootstrap-servers broker:9092",
    .configured = true,
    .has_output = true,
    .run = doctor,
};

/* ---- version ---- */

static int version(struct saga_call *call)
{
    const char *redis =
        saga_arena_printf(call->arena, "%d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH)
            .data;
    if (call->output == SAGA_OUTPUT_TEXT)
        printf("saga %s (librdkafka %s, hiredis %s)\n", SAGA_VERSION, rd_kafka_version_str(),
               redis);
    else
        saga_print_object(call, json_pack("{s:s, s:s, s:s}", "saga", SAGA_VERSION, "librdkafka",
                                          rd_kafka_version_str(), "hiredis", redis));
    return SAGA_EXIT_DONE;
}

const struct saga_subcommand saga_subcommand_version = {
    .name = "version",
    .summary = "print the version, and those of the libraries",
    .examples = "  saga version -o json",
    .has_output = true,
    .run = version,
};
