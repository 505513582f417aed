#include "operate/imported.h"

#include <string.h>

#include "base/error.h"
#include "operate/output.h"
#include "operate/reading.h"

/* It says what the topics are, for as long as they are. */
static const struct saga_kafka_setting settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "-1" },
    { "retention.bytes", "-1" },
};

static struct saga_topic_spec spec_of(const struct saga_call *call)
{
    return (struct saga_topic_spec){ call->topics.imported.data, 1, settings,
                                     sizeof settings / sizeof settings[0] };
}

static bool take_mark(const struct saga_message *record, void *context)
{
    struct saga_imported *imported = context;
    json_t *mark =
        json_loadb(record->value.data ? record->value.data : "", record->value.size, 0, NULL);
    const char *state = json_string_value(json_object_get(mark, "state"));
    const char *time = json_string_value(json_object_get(mark, "time"));
    imported->done = state && strcmp(state, "done") == 0;
    snprintf(imported->time, sizeof imported->time, "%s", time ? time : "");
    json_decref(mark);
    return true;
}

int saga_imported_look(struct saga_call *call, struct saga_imported *ret)
{
    const struct saga_topic_spec spec = spec_of(call);
    struct saga_topic_state state;
    *ret = (struct saga_imported){ .present = false };
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena, &state) <
        0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    if (!state.exists) return SAGA_EXIT_DONE;
    ret->present = true;
    return saga_read_to_end(call, call->topics.imported, 0, SAGA_READ_BEGINNING, take_mark, ret);
}

int saga_imported_mark(struct saga_call *call, bool done, const char *manifest_sha256)
{
    const struct saga_topic_spec spec = spec_of(call);
    struct saga_position position;
    bool created;
    char time[SAGA_TIME_TEXT_BYTES];
    saga_time_format(saga_now_ms(), time);
    const struct saga_message message = {
        .topic = call->topics.imported,
        .key = SAGA_SLICE("import"),
        .value = saga_arena_printf(call->arena,
                                   "{\"state\":\"%s\",\"time\":\"%s\",\"manifestSha256\":\"%s\"}",
                                   done ? "done" : "begun", time, manifest_sha256),
    };
    if (saga_client_create_topic(call->client, &spec, 3 * SAGA_CALL_TIMEOUT_MS, &created) < 0 ||
        saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &position) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the mark of an import, %s: %s",
                              spec.name, saga_client_problem(call->client));
    return SAGA_EXIT_DONE;
}

bool saga_imported_is_here(struct saga_call *call)
{
    const struct saga_topic_spec bare = { .name = call->topics.imported.data };
    struct saga_topic_state state;
    if (call->config.kafka.mock) return false;
    return saga_client_describe_topic(call->client, &bare, SAGA_CALL_TIMEOUT_MS, call->arena,
                                      &state) == SAGA_OK &&
           state.exists;
}

int saga_imported_refuse(struct saga_call *call)
{
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE || !saga_imported_is_here(call)) return code;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "look at topics.prefix and redis.prefix: is this the cluster you mean?",
                          "these topics were made by `saga audit import`, for looking at: no "
                          "coordinator works on them (topic %s)",
                          call->topics.imported.data);
}
