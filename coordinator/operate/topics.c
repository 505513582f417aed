/* `saga topics create` and `saga topics check`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/time.h"
#include "operate/definitions.h"
#include "operate/health.h"
#include "operate/output.h"

/* ---- which topics there must be ---- */

struct needed {
    struct saga_arena *arena;
    uint32_t lanes;
    struct saga_topic_spec *specs;
    size_t count, capacity;
};

static void need(struct saga_slice topic, enum saga_topic_use use, void *context)
{
    struct needed *needed = context;
    (void)use; /* commands, replies and starts alike: lane p's records meet on partition p */
    for (size_t i = 0; i < needed->count; i++)
        if (saga_slice_is(topic, needed->specs[i].name)) return;
    struct saga_topic_spec spec = { .name = saga_arena_string(needed->arena, topic),
                                    .partitions = (int32_t)needed->lanes };
    SAGA_PUSH(needed->arena, needed->specs, needed->count, needed->capacity, spec);
}

void saga_needed_topics(struct saga_call *call, uint32_t lanes,
                        struct saga_definition *const *definitions, size_t count,
                        struct saga_topic_spec **ret, size_t *ret_count)
{
    struct needed needed = { .arena = call->arena, .lanes = lanes };
    saga_topics_specs(&call->topics, lanes, call->arena, &needed.specs, &needed.count);
    needed.capacity = needed.count;
    for (size_t i = 0; i < count; i++) saga_definition_topics(definitions[i], need, &needed);
    *ret = needed.specs;
    *ret_count = needed.count;
}

/* ---- how they are ---- */

enum { SPARED_INTERVALS = 10 }; /* a coordinator may be away for a while, and a snapshot fail */

static const char *setting_of(const struct saga_topic_state *state, const char *name)
{
    for (size_t i = 0; i < state->setting_count; i++)
        if (strcmp(state->settings[i].name, name) == 0) return state->settings[i].value;
    return NULL;
}

/* -1, without end, counts as the largest. */
static int64_t amount_of(const char *value)
{
    long long amount = strtoll(value, NULL, 10);
    return amount < 0 ? INT64_MAX : (int64_t)amount;
}

static const char *alter(struct saga_health *health, const char *topic, const char *name,
                         const char *value)
{
    return saga_arena_printf(health->arena,
                             "kafka-configs.sh --alter --entity-type topics --entity-name %s "
                             "--add-config %s=%s",
                             topic, name, value)
        .data;
}

/* What has been forgotten must go from the broker's files, and soon: more of these keeps it longer (PRIVACY.md). */
static bool keeps_what_was_forgotten(const char *name)
{
    static const char *const names[] = { "segment.ms", "max.compaction.lag.ms",
                                         "min.cleanable.dirty.ratio" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static size_t judge_setting(struct saga_health *health, const char *subject,
                            const struct saga_topic_spec *spec,
                            const struct saga_kafka_setting *wanted, const char *is,
                            int64_t spared_ms)
{
    const char *mend = alter(health, spec->name, wanted->name, wanted->value);
    if (strcmp(wanted->name, "cleanup.policy") == 0) {
        if (strcmp(is, wanted->value) == 0) return 0;
        saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend,
                        "cleanup.policy is %s: older records of a key would be lost", is);
        return 1;
    }
    if (keeps_what_was_forgotten(wanted->name)) {
        if (strtod(is, NULL) <= strtod(wanted->value, NULL)) return 0;
        saga_health_add(health, SAGA_HEALTH_WARNING, subject, mend,
                        "%s is %s, more than %s: what was forgotten stays in the broker's files "
                        "for longer",
                        wanted->name, is, wanted->value);
        return 1;
    }
    if (amount_of(is) >= amount_of(wanted->value)) return 0;
    if (strcmp(wanted->name, "segment.bytes") == 0) return 0; /* compacted the sooner */
    bool for_ever = strcmp(wanted->value, "-1") == 0;
    bool size = strcmp(wanted->name, "max.message.bytes") == 0;
    bool spared = spared_ms && strcmp(wanted->name, "retention.ms") == 0;
    if (spared && amount_of(is) >= spared_ms) return 0;
    if (spared)
        saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend,
                        "%s is %s, less than %" PRId64
                        " (%d times snapshot-interval): what is deleted before a snapshot has it "
                        "can not be built again when Redis is lost",
                        wanted->name, is, spared_ms, SPARED_INTERVALS);
    else if (for_ever && spared_ms)
        saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend,
                        "%s is %s: a journal that grows fast may lose what no snapshot has yet; "
                        "limit it by retention.ms instead",
                        wanted->name, is);
    else if (for_ever)
        saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend,
                        "%s is %s: it must be kept for ever, as the coordinator is rebuilt from it",
                        wanted->name, is);
    else if (size)
        saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend,
                        "%s is %s, less than %s: larger records would be refused", wanted->name, is,
                        wanted->value);
    else
        saga_health_add(health, SAGA_HEALTH_WARNING, subject, mend,
                        "%s is %s, less than %s: records may go before they were seen",
                        wanted->name, is, wanted->value);
    return 1;
}

#define WHY_LANES                                                                                  \
    ": a saga's lane comes from that number, so with another one its records would go where "      \
    "nothing is known of it, and no coordinator begins"
#define OR_BEGIN_ANEW                                                                              \
    " (file, SAGA_LANES or --lanes): the number is fixed when the topics are made; for another "   \
    "one begin anew, under another topics.prefix and redis.prefix"
#define WHY_DETOUR                                                                                 \
    ": correct, but a record that is not on its saga's partition takes a detour over the inbox"

/* Partitions can be added, but other readers then find a key elsewhere; they are never taken. */
static const char *mend_detour(struct saga_arena *arena, const struct saga_topic_spec *spec,
                               int32_t partitions)
{
    if (partitions > spec->partitions)
        return "nothing, unless the detour costs too much: partitions are never taken away again";
    return saga_arena_printf(arena,
                             "kafka-topics.sh --alter --topic %s --partitions %d, if its other "
                             "readers do not mind that keys move",
                             spec->name, (int)spec->partitions)
        .data;
}

static const char *mend_lanes(struct saga_health *health, int32_t partitions)
{
    return saga_arena_printf(health->arena, "set lanes to %d%s", (int)partitions, OR_BEGIN_ANEW)
        .data;
}

static size_t judge_partitions(struct saga_health *health, const char *subject,
                               const struct saga_topic_spec *spec, int32_t partitions, bool own,
                               uint32_t lanes)
{
    bool follows_lanes = spec->partitions == (int32_t)lanes;
    if (partitions == spec->partitions) return 0;
    if (own && follows_lanes && health->lanes_of) {
        saga_health_add(health, SAGA_HEALTH_FAILED, subject,
                        "begin anew, under another topics.prefix and redis.prefix: no number of "
                        "lanes is right for both",
                        "%d partitions, but %s has %u" WHY_LANES, (int)partitions, health->lanes_of,
                        lanes);
    } else if (own && follows_lanes) {
        saga_health_add(health, SAGA_HEALTH_FAILED, subject, mend_lanes(health, partitions),
                        "%d partitions, but the setting lanes is %u" WHY_LANES, (int)partitions,
                        lanes);
    } else if (own) {
        saga_health_add(health, SAGA_HEALTH_FAILED, subject,
                        "delete it, make it with `saga topics create` and deploy again",
                        "%d partitions; its order counts, so it must have %d", (int)partitions,
                        (int)spec->partitions);
    } else {
        saga_health_add(health, SAGA_HEALTH_WARNING, subject,
                        mend_detour(health->arena, spec, partitions),
                        "%d partitions, not %u" WHY_DETOUR, (int)partitions, lanes);
    }
    return 1;
}

static size_t judge_copies(struct saga_health *health, const char *subject,
                           const struct saga_topic_spec *spec, const struct saga_topic_state *state)
{
    const char *insync = setting_of(state, "min.insync.replicas");
    if (!insync || state->replication < 3 || amount_of(insync) >= 2) return 0;
    saga_health_add(health, SAGA_HEALTH_WARNING, subject,
                    alter(health, spec->name, "min.insync.replicas", "2"),
                    "min.insync.replicas is %s: a record may stand on one broker alone", insync);
    return 1;
}

void saga_health_topic(struct saga_health *health, const struct saga_topic_spec *spec,
                       const struct saga_topic_state *state, bool own, uint32_t lanes,
                       int64_t spared_ms)
{
    const char *subject = saga_arena_printf(health->arena, "topic %s", spec->name).data;
    if (!state->exists) {
        saga_health_add(health, SAGA_HEALTH_FAILED, subject,
                        health->create ? health->create : "saga topics create", "is not there");
        return;
    }
    size_t findings = judge_partitions(health, subject, spec, state->partitions, own, lanes);
    for (size_t i = 0; i < spec->setting_count; i++) {
        const char *is = setting_of(state, spec->settings[i].name);
        if (is) findings += judge_setting(health, subject, spec, &spec->settings[i], is, spared_ms);
    }
    findings += judge_copies(health, subject, spec, state);
    if (findings == 0)
        saga_health_add(health, SAGA_HEALTH_OK, subject, NULL, "%d %s, %d %s",
                        (int)state->partitions, state->partitions == 1 ? "partition" : "partitions",
                        (int)state->replication, state->replication == 1 ? "copy" : "copies");
}

/* How many lanes there are: as many as the journal has partitions, else as the setting says. Where the two differ, it is the
 * setting that is wrong, however the services' topics were made. */
static uint32_t find_lanes(struct saga_call *call, struct saga_health *health)
{
    struct saga_topic_spec journal = { .name = call->topics.journal.data };
    struct saga_topic_state state;
    uint32_t lanes = call->config.lanes;
    if (saga_client_describe_topic(call->client, &journal, SAGA_CALL_TIMEOUT_MS, call->arena,
                                   &state) < 0 ||
        !state.exists || state.partitions == (int32_t)lanes)
        return lanes;
    health->lanes_of = journal.name;
    saga_health_add(health, SAGA_HEALTH_FAILED, "lanes", mend_lanes(health, state.partitions),
                    "the setting lanes is %u, but %s has %d partitions" WHY_LANES, lanes,
                    journal.name, (int)state.partitions);
    return (uint32_t)state.partitions;
}

void saga_health_topics(struct saga_call *call, struct saga_definition *const *definitions,
                        size_t count, struct saga_health *health)
{
    struct saga_topic_spec *specs, *own_specs;
    size_t spec_count, own_count, single = 0;
    const struct saga_config *config = &call->config;
    /* a journal that has snapshots need not be kept for ever, only until they have it for sure (R12) */
    int64_t spared_ms =
        config->snapshot_records ? SPARED_INTERVALS * config->snapshot_interval_ms : 0;
    uint32_t lanes = find_lanes(call, health);
    saga_needed_topics(call, lanes, NULL, 0, &own_specs, &own_count);
    saga_needed_topics(call, lanes, definitions, count, &specs, &spec_count);
    for (size_t i = 0; i < spec_count; i++) {
        struct saga_topic_state state;
        struct saga_topic_spec asked = specs[i];
        struct saga_kafka_setting *settings =
            SAGA_NEW_ARRAY(call->arena, struct saga_kafka_setting, asked.setting_count + 1);
        if (asked.setting_count)
            memcpy(settings, asked.settings, asked.setting_count * sizeof *settings);
        settings[asked.setting_count++] = (struct saga_kafka_setting){ "min.insync.replicas", "" };
        asked.settings = settings;
        if (saga_client_describe_topic(call->client, &asked, SAGA_CALL_TIMEOUT_MS, call->arena,
                                       &state) < 0) {
            saga_health_add(health, SAGA_HEALTH_FAILED, specs[i].name, NULL,
                            "cannot be looked at: %s", saga_client_problem(call->client));
            continue;
        }
        saga_health_topic(health, &specs[i], &state, i < own_count, lanes,
                          saga_slice_is(call->topics.journal, specs[i].name) ? spared_ms : 0);
        single += state.exists && state.replication == 1;
    }
    if (single)
        saga_health_add(health, SAGA_HEALTH_WARNING, "copies",
                        "fine for trying out; else three copies on three brokers",
                        "%zu %s a single copy: what its broker's disk loses is lost", single,
                        single == 1 ? "topic has" : "topics have");
}

/* ---- making them ---- */

/* What is there of the topics that are needed. */
struct found {
    struct saga_topic_spec *specs;
    struct saga_topic_state *states;
    size_t count, own; /* the coordinator's own come first */
};

static int look(struct saga_call *call, struct saga_definition *const *definitions, size_t count,
                struct found *ret)
{
    struct saga_topic_spec *own;
    *ret = (struct found){ 0 };
    saga_needed_topics(call, call->config.lanes, NULL, 0, &own, &ret->own);
    saga_needed_topics(call, call->config.lanes, definitions, count, &ret->specs, &ret->count);
    ret->states = SAGA_NEW_ARRAY(call->arena, struct saga_topic_state, ret->count);
    for (size_t i = 0; i < ret->count; i++) {
        struct saga_topic_spec bare = { .name = ret->specs[i].name };
        if (saga_client_describe_topic(call->client, &bare, SAGA_CALL_TIMEOUT_MS, call->arena,
                                       &ret->states[i]) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "topic %s cannot be looked at: %s",
                                  bare.name, saga_client_problem(call->client));
    }
    return SAGA_EXIT_DONE;
}

/* Says a line once for all topics of which it is said, at the first of them. */
static void say_of_all(struct saga_call *call, const struct saga_health *health, size_t at)
{
    struct saga_buffer names;
    saga_buffer_init(&names, call->arena);
    for (size_t i = 0; i < health->count; i++) {
        if (strcmp(health->lines[i].what, health->lines[at].what) != 0) continue;
        if (i < at) return;
        saga_buffer_printf(&names, "%s%s", names.size ? ", " : "", health->lines[i].subject);
    }
    saga_call_fail(call, SAGA_EXIT_FAILED, health->lines[at].mend, "%.*s: %s",
                   SAGA_SLICE_ARG(saga_buffer_slice(&names)), health->lines[at].what);
}

/* Topics of another number of lanes: nothing is made then, as it would be made wrong too. */
static int refuse_other_lanes(struct saga_call *call, const struct found *found)
{
    struct saga_health health;
    saga_health_init(&health, call->arena);
    for (size_t i = 0; i < found->own; i++)
        if (found->states[i].exists)
            judge_partitions(&health, found->specs[i].name, &found->specs[i],
                             found->states[i].partitions, true, call->config.lanes);
    for (size_t i = 0; i < health.count; i++) say_of_all(call, &health, i);
    if (health.count == 0) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "nothing was made");
}

static int make_one(struct saga_call *call, const struct saga_topic_spec *spec,
                    const struct saga_topic_state *state, bool quiet)
{
    bool created = false;
    if (!state->exists &&
        saga_client_create_topic(call->client, spec, 3 * SAGA_CALL_TIMEOUT_MS, &created) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "topic %s was not made: %s", spec->name,
                              saga_client_problem(call->client));
    if (!quiet) printf("%s topic %s\n", created ? "made     " : "is there ", spec->name);
    if (!state->exists || state->partitions == spec->partitions) return SAGA_EXIT_DONE;
    fflush(stdout);
    fprintf(saga_call_words(call),
            "warning: topic %s has %d partitions, not %d" WHY_DETOUR "\n"
            "  mend: %s\n",
            spec->name, (int)state->partitions, (int)spec->partitions,
            mend_detour(call->arena, spec, state->partitions));
    return SAGA_EXIT_DONE;
}

int saga_make_topics(struct saga_call *call, struct saga_definition *const *definitions,
                     size_t count, bool quiet)
{
    struct found found;
    int code = look(call, definitions, count, &found);
    if (code == SAGA_EXIT_DONE) code = refuse_other_lanes(call, &found);
    for (size_t i = 0; i < found.count && code == SAGA_EXIT_DONE; i++)
        code = make_one(call, &found.specs[i], &found.states[i], quiet);
    return code;
}

/* ---- the commands ---- */

/* The definitions of the files, or where none are given those that are deployed. */
static int load_definitions(struct saga_call *call, struct saga_definition ***ret,
                            size_t *ret_count)
{
    struct saga_deployment deployment = { 0 };
    struct saga_topic_spec spec = { .name = call->topics.definitions.data };
    struct saga_topic_state state = { 0 };
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    *ret_count = call->argument_count;
    *ret = SAGA_NEW_ARRAY(call->arena, struct saga_definition *, *ret_count);
    if (*ret_count) return saga_load_files(call, NULL, call->arguments, *ret_count, *ret);
    if (saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena, &state) <
            0 ||
        !state.exists)
        return SAGA_EXIT_DONE; /* nothing can be deployed yet */
    code = saga_deployment_read(call, &deployment);
    *ret = SAGA_NEW_ARRAY(call->arena, struct saga_definition *, deployment.count);
    for (size_t i = 0; i < deployment.count; i++) {
        struct saga_definition *definition = saga_deployed_load(call, &deployment.items[i]);
        if (definition) (*ret)[(*ret_count)++] = definition;
    }
    return code;
}

static int create(struct saga_call *call)
{
    struct saga_definition **definitions;
    size_t count;
    int code = load_definitions(call, &definitions, &count);
    if (code != SAGA_EXIT_DONE) return code;
    code = saga_make_topics(call, definitions, count, false);
    saga_free_definitions(definitions, count);
    return code;
}

/* What makes the topics that these definitions name: they need not be deployed. */
static const char *command_to_create(const struct saga_call *call)
{
    struct saga_buffer command;
    saga_buffer_init(&command, call->arena);
    saga_buffer_add(&command, SAGA_SLICE("saga topics create"));
    for (size_t i = 0; i < call->argument_count; i++)
        saga_buffer_printf(&command, " %s", call->arguments[i]);
    return saga_buffer_slice(&command).data;
}

static int check(struct saga_call *call)
{
    struct saga_definition **definitions;
    struct saga_health health;
    size_t count;
    int code = load_definitions(call, &definitions, &count);
    if (code != SAGA_EXIT_DONE) return code;
    saga_health_init(&health, call->arena);
    health.create = command_to_create(call);
    saga_health_topics(call, definitions, count, &health);
    saga_free_definitions(definitions, count);
    return saga_health_print(call, &health);
}

const struct saga_subcommand saga_subcommand_topics_create = {
    .name = "topics create",
    .arguments = "[FILE...]",
    .summary = "make the topics that are missing",
    .details = "The coordinator's own, and those that the definitions name: of the files, or "
               "without any, those that are deployed. All get as many partitions as the setting "
               "lanes says, so that a saga's records meet in one worker. What exists is left as "
               "it is; where one of the coordinator's own has another number, nothing is made "
               "and it is said what to do.",
    .examples = "  saga topics create\n"
                "  saga topics create --lanes 16 sagas/*.yaml",
    .arguments_max = 1000,
    .configured = true,
    .run = create,
};

const struct saga_subcommand saga_subcommand_topics_check = {
    .name = "topics check",
    .arguments = "[FILE...]",
    .summary = "say what is wrong with the topics that exist",
    .details = "Missing topics, other partition counts, retention, sizes, copies. Exits with 10 "
               "if something must be mended.",
    .examples = "  saga topics check\n"
                "  saga topics check -o json order-fulfilment.saga.yaml",
    .arguments_max = 1000,
    .configured = true,
    .has_output = true,
    .run = check,
};
