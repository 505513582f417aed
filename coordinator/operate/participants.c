#include "operate/participants.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/monotonic.h"
#include "engine/engine.h"

/* A batch of replies leaves as one: producing waits for more (LINGER_MS) unless told that there is none, which costs the
 * broker far less than a request for each few records. */
enum { BATCH = 1000, POLL_MS = 20, SEND_MS = 1, CLOSE_MS = 10000 };
#define LINGER_MS "2"

/* How commands of one type are answered where no rule says otherwise. */
struct manner {
    struct saga_slice type;
    enum saga_body_format format;
    struct saga_slice success;
    struct saga_slice
        body; /* of a success: an object with every member that the definition reads of it */
};

/* A topic that was answered on. */
struct reply_topic {
    struct saga_slice name;
    rd_kafka_topic_t *topic;
};

struct saga_participants {
    struct saga_participants_config config;
    struct saga_arena arena; /* manners, names of reply topics */
    struct manner *manners;
    size_t manner_count, manner_capacity;
    struct reply_topic *topics;
    size_t topic_count, topic_capacity;
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *queue;
    pthread_t thread;
    atomic_bool stopping;
    atomic_ullong answered;
};

int saga_answer_rule_parse(const char *text, struct saga_arena *arena, struct saga_answer_rule *ret)
{
    struct saga_answer_rule rule = { 0 };
    const char *equals = strrchr(text, '='), *colon = NULL;
    if (!equals || equals == text || equals[1] == '\0') return SAGA_E_INVALID;
    for (const char *at = text; at < equals; at++)
        if (*at == ':') colon = at; /* the last: a key may hold colons, a type may not */
    const char *command = colon ? colon + 1 : text;
    if (command == equals) return SAGA_E_INVALID;
    if (colon)
        rule.key = saga_arena_string(arena, (struct saga_slice){ text, (size_t)(colon - text) });
    rule.command =
        saga_arena_string(arena, (struct saga_slice){ command, (size_t)(equals - command) });
    rule.reply = saga_arena_string(arena, saga_slice_of(equals + 1));
    *ret = rule;
    return SAGA_OK;
}

/* ---- what to answer with ---- */

static bool is_name_char(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Several expressions may read the same one. */
static bool has_member(const struct saga_buffer *json, struct saga_slice name)
{
    for (size_t at = 0; at + name.size + 3 <= json->size; at++)
        if (json->data[at] == '"' && memcmp(json->data + at + 1, name.data, name.size) == 0 &&
            memcmp(json->data + at + 1 + name.size, "\":", 2) == 0)
            return true;
    return false;
}

/* Adds the members that `source` reads of the step's result: `.steps["name"].member` or `.steps.name.member`. */
static void add_members_read(struct saga_buffer *json, struct saga_slice source,
                             struct saga_slice step)
{
    for (size_t i = 0; i + step.size < source.size; i++) {
        if (memcmp(source.data + i, step.data, step.size) != 0) continue;
        size_t at = i + step.size;
        if (at + 1 < source.size && source.data[at] == '"' && source.data[at + 1] == ']') at += 2;
        if (at >= source.size || source.data[at] != '.') continue;
        size_t from = ++at;
        while (at < source.size && is_name_char(source.data[at])) at++;
        struct saga_slice name = { source.data + from, at - from };
        if (name.size == 0 || has_member(json, name)) continue;
        saga_buffer_printf(json, "%s\"%.*s\":\"%.*s-%%s\"", json->size > 1 ? "," : "",
                           SAGA_SLICE_ARG(name), SAGA_SLICE_ARG(step));
    }
}

static void add_manner(struct saga_participants *p, const struct saga_command *command,
                       struct saga_slice success, struct saga_slice body)
{
    SAGA_PUSH(&p->arena, p->manners, p->manner_count, p->manner_capacity,
              (struct manner){ saga_arena_copy(&p->arena, command->type),
                               command->participant->format, saga_arena_copy(&p->arena, success),
                               body });
}

static void learn(struct saga_participants *p, const struct saga_definition *definition)
{
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_step *step = &definition->blocks[i]->step;
        if (definition->blocks[i]->kind != SAGA_BLOCK_STEP) continue;
        struct saga_buffer json;
        saga_buffer_init(&json, &p->arena);
        saga_buffer_add_char(&json, '{');
        for (size_t e = 0; e < definition->expression_count; e++)
            add_members_read(&json, saga_expression_source(definition->expressions[e]), step->name);
        saga_buffer_add_char(&json, '}');
        add_manner(p, &step->command, step->success.items[0], saga_buffer_slice(&json));
        if (step->compensate.kind != SAGA_COMPENSATE_COMMAND) continue;
        struct saga_slice done =
            step->compensate.success.count
                ? step->compensate.success.items[0]
                : saga_arena_printf(&p->arena, "%.*sDone",
                                    SAGA_SLICE_ARG(step->compensate.command.type));
        add_manner(p, &step->compensate.command, done, SAGA_SLICE("{}"));
    }
}

static const struct manner *manner_of(const struct saga_participants *p, struct saga_slice type)
{
    for (size_t i = 0; i < p->manner_count; i++)
        if (saga_slice_equal(p->manners[i].type, type)) return &p->manners[i];
    return NULL;
}

static bool key_fits(struct saga_slice key, const char *wanted)
{
    size_t size = strlen(wanted);
    if (size == 0 || wanted[size - 1] != '*') return saga_slice_is(key, wanted);
    return key.size >= size - 1 && memcmp(key.data, wanted, size - 1) == 0;
}

static const char *rule_for(const struct saga_participants *p, struct saga_slice key,
                            struct saga_slice type)
{
    for (size_t i = 0; i < p->config.rule_count; i++) {
        const struct saga_answer_rule *rule = &p->config.rules[i];
        if (rule->key && !key_fits(key, rule->key)) continue;
        if (rule->command && !saga_slice_is(type, rule->command)) continue;
        return rule->reply;
    }
    return NULL;
}

/* ---- a command ---- */

/* What a participant reads of a command. */
struct command {
    struct saga_slice key, id, type, reply_to;
};

static struct command read_command(const rd_kafka_message_t *message)
{
    struct command command = { .key = { message->key, message->key_len } };
    const struct {
        const char *name;
        struct saga_slice *ret;
    } wanted[] = { { "ce_id", &command.id },
                   { "ce_type", &command.type },
                   { "ce_sagareplyto", &command.reply_to } };
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return command;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++)
        for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++)
            if (strcmp(name, wanted[w].name) == 0)
                *wanted[w].ret = (struct saga_slice){ value, size };
    return command;
}

/* NULL: there can be no topic of that name. */
static rd_kafka_topic_t *topic_of(struct saga_participants *p, struct saga_slice name)
{
    for (size_t i = 0; i < p->topic_count; i++)
        if (saga_slice_equal(p->topics[i].name, name)) return p->topics[i].topic;
    const char *text = saga_arena_string(&p->arena, name);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(p->producer, text, NULL);
    if (topic)
        SAGA_PUSH(&p->arena, p->topics, p->topic_count, p->topic_capacity,
                  (struct reply_topic){ saga_slice_of(text), topic });
    return topic;
}

/* The members' made-up values name the saga's key, so that a person sees what belongs together. */
static struct saga_slice name_key(struct saga_slice body, struct saga_slice key,
                                  struct saga_arena *arena)
{
    struct saga_buffer json;
    saga_buffer_init(&json, arena);
    for (size_t i = 0; i < body.size; i++) {
        if (body.data[i] == '%' && body.data[i + 1] == 's') {
            struct saga_buffer quoted;
            saga_buffer_init(&quoted, arena);
            saga_buffer_add_json_string(&quoted, key);
            saga_buffer_append(&json, quoted.data + 1, quoted.size - 2);
            i++;
        } else {
            saga_buffer_add_char(&json, body.data[i]);
        }
    }
    return saga_buffer_slice(&json);
}

/* In Avro every field of the reply's record; without a schema JSON, which the coordinator takes too. */
static struct saga_slice body_of(const struct saga_participants *p, const struct manner *manner,
                                 struct saga_slice reply, struct saga_slice key,
                                 struct saga_arena *arena)
{
    struct saga_slice json = SAGA_SLICE("{}"), body, words;
    const struct saga_schema *schema;
    if (manner->format != SAGA_FORMAT_JSON && p->config.schemas &&
        saga_schemas_type(p->config.schemas, reply, arena, &schema, &words) == SAGA_OK) {
        json = name_key(saga_schema_example(schema, arena), key, arena);
        if (saga_body_make(p->config.schemas, manner->format, reply, json, arena, &body, &words) ==
            SAGA_OK)
            return body;
    }
    return saga_slice_equal(reply, manner->success) ? name_key(manner->body, key, arena) : json;
}

static struct saga_slice id_of_reply(struct saga_slice command_id, struct saga_arena *arena)
{
    static const char suffix[] = "/reply";
    size_t size = command_id.size + sizeof suffix - 1;
    char *id = saga_arena_alloc(arena, size);
    memcpy(id, command_id.data, command_id.size);
    memcpy(id + command_id.size, suffix, sizeof suffix - 1);
    return (struct saga_slice){ id, size };
}

static void send_reply(struct saga_participants *p, const struct command *command,
                       struct saga_slice type, struct saga_slice body, struct saga_arena *arena)
{
    rd_kafka_topic_t *topic = topic_of(p, command->reply_to);
    struct saga_slice reply_id = id_of_reply(command->id, arena);
    const char *content = saga_body_format_by_bytes(body) == SAGA_FORMAT_JSON ? "application/json"
                                                                              : "application/avro";
    rd_kafka_resp_err_t error;
    if (!topic) return;
    do {
        error = rd_kafka_producev(
            p->producer, RD_KAFKA_V_RKT(topic),
            RD_KAFKA_V_KEY(command->key.data, command->key.size),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)body.data, body.size),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADER("ce_specversion", "1.0", 3),
            RD_KAFKA_V_HEADER("ce_id", reply_id.data, (ssize_t)reply_id.size),
            RD_KAFKA_V_HEADER("ce_source", "/simulated", 10),
            RD_KAFKA_V_HEADER("ce_type", type.data, (ssize_t)type.size),
            RD_KAFKA_V_HEADER("ce_sagacommandid", command->id.data, (ssize_t)command->id.size),
            RD_KAFKA_V_HEADER("content-type", content, -1), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) rd_kafka_poll(p->producer, 10);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL);
}

static void answer(struct saga_participants *p, const rd_kafka_message_t *message,
                   struct saga_arena *arena)
{
    struct command command = read_command(message);
    struct saga_command_parts parts;
    const struct manner *manner = manner_of(p, command.type);
    const char *rule = rule_for(p, command.key, command.type);
    if (!manner || saga_command_id_parse(command.id, &parts) < 0) return;
    if (rule && strcmp(rule, "silent") == 0) return;
    bool now_answers = rule && strcmp(rule, "silent-once") == 0;
    if (now_answers && parts.attempt == 1) return;
    struct saga_slice reply = rule && !now_answers ? saga_slice_of(rule) : manner->success;
    send_reply(p, &command, reply, body_of(p, manner, reply, command.key, arena), arena);
    atomic_fetch_add_explicit(&p->answered, 1, memory_order_relaxed);
}

static void *participants_main(void *context)
{
    struct saga_participants *p = context;
    rd_kafka_message_t *commands[BATCH];
    struct saga_arena arena;
    saga_arena_init(&arena);
    while (!atomic_load(&p->stopping)) {
        ssize_t count = rd_kafka_consume_batch_queue(p->queue, 0, commands, BATCH);
        if (count <= 0) count = rd_kafka_consume_batch_queue(p->queue, POLL_MS, commands, 1);
        rd_kafka_poll(p->producer, 0);
        if (count > 0 && p->config.delay_ms) saga_sleep_ms(p->config.delay_ms);
        for (ssize_t i = 0; i < count; i++) {
            if (!commands[i]->err) answer(p, commands[i], &arena);
            rd_kafka_message_destroy(commands[i]);
        }
        if (count > 0) rd_kafka_flush(p->producer, SEND_MS); /* begun; nobody waits for its end */
        saga_arena_reset(&arena);
    }
    saga_arena_free(&arena);
    return NULL;
}

/* ---- clients ---- */

static rd_kafka_t *make_client(const struct saga_participants *p, rd_kafka_type_t type)
{
    const char *const settings[][2] = {
        { "bootstrap.servers", p->config.bootstrap_servers },
        { "client.id", "saga-participants" },
        { "log_level", "2" },
        { type == RD_KAFKA_CONSUMER ? "group.id" : "linger.ms",
          type == RD_KAFKA_CONSUMER ? p->config.group : LINGER_MS },
        { type == RD_KAFKA_CONSUMER ? "auto.offset.reset" : "partitioner",
          type == RD_KAFKA_CONSUMER ? "earliest" : "murmur2_random" },
        { type == RD_KAFKA_CONSUMER ? "isolation.level" : "acks",
          type == RD_KAFKA_CONSUMER ? (p->config.mock ? "read_uncommitted" : "read_committed")
                                    : "all" },
        { "socket.nagle.disable", "true" },
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char words[256];
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], words, sizeof words) !=
            RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    rd_kafka_t *client = rd_kafka_new(type, conf, words, sizeof words);
    if (!client) rd_kafka_conf_destroy(conf);
    return client;
}

static int subscribe(struct saga_participants *p)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(8);
    for (size_t d = 0; d < p->config.definition_count; d++) {
        const struct saga_definition *definition = p->config.definitions[d];
        for (size_t i = 0; i < definition->participant_count; i++) {
            char *topic = saga_arena_string(&p->arena, definition->participants[i].commands);
            if (!rd_kafka_topic_partition_list_find(topics, topic, RD_KAFKA_PARTITION_UA))
                rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
        }
    }
    rd_kafka_resp_err_t error = rd_kafka_subscribe(p->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return error ? SAGA_E_STOP : SAGA_OK;
}

/* Leaves the group. rd_kafka_consumer_close waits without an end when the broker went away in the middle of something; a
 * consumer that is not closed in time is left to the end of the process, as rd_kafka_destroy would wait in the same way. */
static void close_consumer(rd_kafka_t *consumer)
{
    int64_t until_ms = saga_monotonic_ms() + CLOSE_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer, queue);
    while (!error && !rd_kafka_consumer_closed(consumer) && saga_monotonic_ms() < until_ms) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, POLL_MS);
        if (event) rd_kafka_event_destroy(event);
    }
    bool closed = rd_kafka_consumer_closed(consumer);
    rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
    if (closed) rd_kafka_destroy(consumer);
}

static void free_participants(struct saga_participants *p)
{
    if (p->queue) rd_kafka_queue_destroy(p->queue);
    if (p->consumer) close_consumer(p->consumer);
    if (p->producer) {
        rd_kafka_flush(p->producer, 1000);
        for (size_t i = 0; i < p->topic_count; i++) rd_kafka_topic_destroy(p->topics[i].topic);
        rd_kafka_destroy(p->producer);
    }
    saga_arena_free(&p->arena);
    free(p);
}

int saga_participants_start(const struct saga_participants_config *config,
                            struct saga_participants **ret)
{
    struct saga_participants *p = saga_memory_zeroed(1, sizeof *p);
    p->config = *config;
    saga_arena_init(&p->arena);
    for (size_t i = 0; i < config->definition_count; i++) learn(p, config->definitions[i]);
    p->consumer = make_client(p, RD_KAFKA_CONSUMER);
    p->producer = make_client(p, RD_KAFKA_PRODUCER);
    bool made = p->consumer && p->producer;
    if (made) rd_kafka_poll_set_consumer(p->consumer);
    if (made) p->queue = rd_kafka_queue_get_consumer(p->consumer);
    if (!made || subscribe(p) < 0 || pthread_create(&p->thread, NULL, participants_main, p) != 0) {
        free_participants(p);
        return SAGA_E_STOP;
    }
    *ret = p;
    return SAGA_OK;
}

uint64_t saga_participants_answered(const struct saga_participants *participants)
{
    return atomic_load_explicit(&participants->answered, memory_order_relaxed);
}

void saga_participants_stop(struct saga_participants *participants)
{
    if (!participants) return;
    atomic_store(&participants->stopping, true);
    pthread_join(participants->thread, NULL);
    free_participants(participants);
}
