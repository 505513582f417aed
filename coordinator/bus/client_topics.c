/* Topics: making them, looking at them; and what release the broker is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/monotonic.h"
#include "bus/client_internal.h"
#include "bus/kafka_error.h"

/* What to do about it; empty where there is nothing to say that the words do not say. */
static const char *mend_of(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        return "; start the brokers that are missing, or set default.replication.factor of the "
               "brokers to how many there are";
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return "; have it made by whoever sets the cluster's policy";
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR: return "; is there room on the broker's disk?";
    default: return saga_kafka_right_missing(code);
    }
}

static int fail(struct saga_client *client, rd_kafka_resp_err_t code, const char *name,
                const char *words)
{
    if (!words || !*words) words = rd_kafka_err2str(code);
    size_t size = strlen(words);
    while (size && words[size - 1] == '.') size--; /* more may follow */
    snprintf(client->problem, sizeof client->problem, "%s: %.*s%s", name, (int)size, words,
             mend_of(code));
    return saga_kafka_classify(code);
}

rd_kafka_event_t *saga_client_wait_for(struct saga_client *client, rd_kafka_queue_t *queue,
                                       int timeout_ms, const char *name, int *ret_error)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    if (!event) {
        *ret_error = fail(client, RD_KAFKA_RESP_ERR__TIMED_OUT, name, "the broker does not answer");
        return NULL;
    }
    if (rd_kafka_event_error(event)) {
        *ret_error =
            fail(client, rd_kafka_event_error(event), name, rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        return NULL;
    }
    *ret_error = SAGA_OK;
    return event;
}

rd_kafka_AdminOptions_t *saga_client_options(struct saga_client *client, rd_kafka_admin_op_t op,
                                             int timeout_ms)
{
    char ignored[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client->producer, op);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ignored, sizeof ignored);
    return options;
}

/* ---- looking ---- */

static int look(struct saga_client *client, const char *name, int timeout_ms,
                struct saga_topic_state *ret)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->producer, name, NULL);
    if (!handle) return fail(client, rd_kafka_last_error(), name, NULL);
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(client->producer, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (!code && metadata->topic_cnt == 1) code = metadata->topics[0].err;
    *ret = (struct saga_topic_state){ 0 };
    bool missing = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (!code) {
        const rd_kafka_metadata_topic_t *topic = &metadata->topics[0];
        ret->exists = topic->partition_cnt > 0;
        ret->partitions = topic->partition_cnt;
        ret->replication = topic->partition_cnt ? topic->partitions[0].replica_cnt : 0;
    }
    if (metadata) rd_kafka_metadata_destroy(metadata);
    if (missing) return SAGA_OK;
    return code ? fail(client, code, name, NULL) : SAGA_OK;
}

static void take_settings(const rd_kafka_event_t *event, const struct saga_topic_spec *spec,
                          struct saga_arena *arena, struct saga_topic_state *ret)
{
    size_t resource_count, entry_count;
    const rd_kafka_DescribeConfigs_result_t *result =
        rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)(uintptr_t)event);
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(result, &resource_count);
    if (resource_count == 0) return;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    ret->settings = SAGA_NEW_ARRAY(arena, struct saga_kafka_setting, spec->setting_count);
    for (size_t s = 0; s < spec->setting_count; s++)
        for (size_t i = 0; i < entry_count; i++) {
            const char *name = rd_kafka_ConfigEntry_name(entries[i]),
                       *value = rd_kafka_ConfigEntry_value(entries[i]);
            if (strcmp(name, spec->settings[s].name) != 0 || !value) continue;
            ret->settings[ret->setting_count++] =
                (struct saga_kafka_setting){ spec->settings[s].name,
                                             saga_arena_string(arena, saga_slice_of(value)) };
        }
}

int saga_client_describe_topic(struct saga_client *client, const struct saga_topic_spec *spec,
                               int timeout_ms, struct saga_arena *arena,
                               struct saga_topic_state *ret)
{
    int error = look(client, spec->name, timeout_ms, ret);
    if (error < 0 || !ret->exists || spec->setting_count == 0 || client->config.mock) return error;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->producer);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, spec->name);
    rd_kafka_AdminOptions_t *options =
        saga_client_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_DescribeConfigs(client->producer, &resource, 1, options, queue);
    rd_kafka_event_t *event = saga_client_wait_for(client, queue, timeout_ms, spec->name, &error);
    if (event) {
        take_settings(event, spec, arena, ret);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_queue_destroy(queue);
    return error;
}

/* ---- making ---- */

static int make(struct saga_client *client, const struct saga_topic_spec *spec, int timeout_ms,
                bool *ret_created)
{
    char words[256];
    int error;
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(spec->name, spec->partitions, -1, words, sizeof words);
    if (!topic) return fail(client, RD_KAFKA_RESP_ERR__INVALID_ARG, spec->name, words);
    for (size_t i = 0; i < spec->setting_count; i++)
        rd_kafka_NewTopic_set_config(topic, spec->settings[i].name, spec->settings[i].value);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->producer);
    rd_kafka_AdminOptions_t *options =
        saga_client_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    rd_kafka_CreateTopics(client->producer, &topic, 1, options, queue);
    rd_kafka_event_t *event = saga_client_wait_for(client, queue, timeout_ms, spec->name, &error);
    if (event) {
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        rd_kafka_resp_err_t code =
            count ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
        *ret_created = code == RD_KAFKA_RESP_ERR_NO_ERROR;
        if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            error = fail(client, code, spec->name,
                         count ? rd_kafka_topic_result_error_string(results[0]) : NULL);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return error;
}

/* Until it `exists`, or not. */
static int wait_until(struct saga_client *client, const char *name, bool exists, int timeout_ms)
{
    enum { STEP_MS = 20 };
    struct saga_topic_state state;
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += STEP_MS) {
        int error = look(client, name, timeout_ms, &state);
        if (error < 0) return error;
        if (state.exists == exists) return SAGA_OK;
        saga_sleep_ms(STEP_MS);
    }
    return fail(client, RD_KAFKA_RESP_ERR__TIMED_OUT, name,
                exists ? "made, but not in use yet" : "deleted, but not gone yet");
}

int saga_client_create_topic(struct saga_client *client, const struct saga_topic_spec *spec,
                             int timeout_ms, bool *ret_created)
{
    struct saga_topic_state state;
    *ret_created = false;
    int error = look(client, spec->name, timeout_ms, &state);
    if (error < 0 || state.exists) return error;
    error = make(client, spec, timeout_ms, ret_created);
    return error < 0 ? error : wait_until(client, spec->name, true, timeout_ms);
}

/* ---- deleting ---- */

int saga_client_delete_topic(struct saga_client *client, const char *name, int timeout_ms)
{
    int error;
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->producer);
    rd_kafka_AdminOptions_t *options =
        saga_client_options(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout_ms);
    rd_kafka_DeleteTopics(client->producer, &topic, 1, options, queue);
    rd_kafka_event_t *event = saga_client_wait_for(client, queue, timeout_ms, name, &error);
    if (event) {
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
        rd_kafka_resp_err_t code =
            count ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
        if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            error = fail(client, code, name,
                         count ? rd_kafka_topic_result_error_string(results[0]) : NULL);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(topic);
    return error < 0 ? error : wait_until(client, name, false, timeout_ms);
}

/* ---- the broker's release ---- */

/* librdkafka keeps what a broker speaks to itself. The setting `group.coordinator.rebalance.protocols` is one that the
 * broker has had since 3.7, so asking for a broker's settings tells. Seen: 3.6.2 lacks it, 3.7.2 and 4.1.1 have it. */
int saga_client_check_version(struct saga_client *client, int timeout_ms)
{
    const rd_kafka_metadata_t *metadata = NULL;
    char id[16];
    int error;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->producer, 0, NULL, &metadata, timeout_ms);
    if (code) return fail(client, code, client->config.bootstrap_servers, NULL);
    snprintf(id, sizeof id, "%d", metadata->broker_cnt ? metadata->brokers[0].id : -1);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->producer);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, id);
    rd_kafka_AdminOptions_t *options =
        saga_client_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_DescribeConfigs(client->producer, &resource, 1, options, queue);
    rd_kafka_event_t *event = saga_client_wait_for(client, queue, timeout_ms, "broker", &error);
    if (event) {
        size_t resources, entries = 0;
        bool found = false;
        const rd_kafka_ConfigResource_t **results = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &resources);
        rd_kafka_resp_err_t denied = resources ? rd_kafka_ConfigResource_error(results[0]) : 0;
        const rd_kafka_ConfigEntry_t **items =
            resources ? rd_kafka_ConfigResource_configs(results[0], &entries) : NULL;
        for (size_t i = 0; i < entries; i++)
            found = found || strcmp(rd_kafka_ConfigEntry_name(items[i]),
                                    "group.coordinator.rebalance.protocols") == 0;
        rd_kafka_event_destroy(event);
        if (!found &&
            !denied) { /* who may not look is let through: the broker will say what it cannot do */
            snprintf(client->problem, sizeof client->problem,
                     "the broker at %s is older than Kafka 3.7", client->config.bootstrap_servers);
            error = SAGA_E_STOP;
        }
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_queue_destroy(queue);
    return error;
}
