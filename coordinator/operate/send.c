/* `saga send`: one event of the outside world, by hand: for a saga that starts on it or waits for it. */
#include "base/error.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "operate/answer.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "operate/input.h"
#include "operate/output.h"
#include "operate/sagas.h"

enum { KEY_KEY = 'k', KEY_BODY = 'b', KEY_ID = 256 };

/* ---- does anybody take it? ---- */

/* What the definitions take from the event's topic. */
struct taken {
    struct saga_arena *arena;
    struct saga_slice topic, type;
    bool wanted;        /* the type is among them */
    const char **types; /* the others */
    size_t count, capacity;
};

static void take(struct taken *t, struct saga_slice topic, struct saga_slice type)
{
    if (!saga_slice_equal(topic, t->topic)) return;
    t->wanted = t->wanted || saga_slice_equal(type, t->type);
    SAGA_PUSH(t->arena, t->types, t->count, t->capacity, saga_arena_string(t->arena, type));
}

static void take_of(struct taken *t, const struct saga_definition *definition)
{
    for (size_t i = 0; i < definition->start_count; i++)
        take(t, definition->starts[i].topic, definition->starts[i].event);
    for (size_t i = 0; i < definition->block_count; i++)
        if (definition->blocks[i]->kind == SAGA_BLOCK_AWAIT)
            take(t, definition->blocks[i]->await.topic, definition->blocks[i]->await.event);
}

/* An event of a type that nobody knows changes nothing and is no dead letter: topics hold events for others, too. So who has
 * mistyped it would never hear of it. Only a warning, since a service may want it; and nothing of a reply topic, where any
 * type may be an answer. */
static void warn_if_nobody_takes(struct saga_call *call)
{
    struct taken t = { .arena = call->arena,
                       .topic = saga_slice_of(call->arguments[0]),
                       .type = saga_slice_of(call->arguments[1]) };
    struct saga_catalog *catalog;
    if (!saga_call_catalog_if_there(call, &catalog)) return;
    const struct saga_catalog_topic *topic = saga_catalog_topic(catalog, t.topic);
    bool replies = topic && topic->replies;
    for (size_t i = 0; i < saga_catalog_count(catalog); i++)
        take_of(&t, saga_catalog_at(catalog, i));
    saga_catalog_free(catalog);
    if (t.wanted || replies) return;
    const char *near = saga_nearest(t.type, t.types, t.count);
    fprintf(saga_call_words(call),
            "warning: no deployed definition starts on %s of %s, or waits for it\n",
            saga_printable(call->arena, t.type), saga_printable(call->arena, t.topic));
    if (near) fprintf(saga_call_words(call), "  mend: did you mean \"%s\"?\n", near);
}

/* ---- sending ---- */

static void say(struct saga_call *call, const struct saga_position *position, struct saga_slice id)
{
    if (call->output != SAGA_OUTPUT_TEXT) {
        saga_print_object(
            call, json_pack("{s:o, s:i, s:I, s:o}", "topic", saga_json_string(position->topic),
                            "partition", (int)position->partition, "offset",
                            (json_int_t)position->offset, "id", saga_json_string(id)));
        return;
    }
    printf("sent to %s, partition %d, offset %lld, with the id %s\n",
           saga_printable(call->arena, position->topic), (int)position->partition,
           (long long)position->offset, saga_printable(call->arena, id));
}

static int send(struct saga_call *call, struct saga_slice body)
{
    const char *given_id = saga_call_option(call, KEY_ID);
    struct saga_slice id = given_id ? saga_slice_of(given_id) : saga_new_id(call->arena);
    struct saga_header headers[] = {
        { SAGA_SLICE("ce_specversion"), SAGA_SLICE("1.0") },
        { SAGA_SLICE("ce_id"), id },
        { SAGA_SLICE("ce_source"), SAGA_SLICE("/saga/send") },
        { SAGA_SLICE("ce_type"), saga_slice_of(call->arguments[1]) },
        { SAGA_SLICE("content-type"), SAGA_SLICE("application/json") },
    };
    struct saga_message message = {
        .topic = saga_slice_of(call->arguments[0]),
        .partition = SAGA_PARTITION_BY_KEY,
        .key = saga_slice_of(saga_call_option(call, KEY_KEY)),
        .value = body,
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
    };
    struct saga_position position = { .topic = message.topic };
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &position) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "with the same --id again, a saga that waits takes it once",
                              "it was not sent: %s", saga_client_problem(call->client));
    position.topic = message.topic;
    say(call, &position, id);
    warn_if_nobody_takes(call);
    return SAGA_EXIT_DONE;
}

static int run(struct saga_call *call)
{
    struct saga_slice body;
    struct saga_topic_spec spec = { .name = call->arguments[0] };
    struct saga_topic_state state;
    int code = saga_input_read(call, KEY_BODY, SAGA_PAYLOAD_BYTES_MAX, &body);
    if (code == SAGA_EXIT_DONE) code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    /* a broker that makes topics by itself must not make one of a name that is mistyped */
    if (saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena, &state) <
        0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    if (!state.exists)
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND,
                              "`saga topics create FILE...` makes what definitions name",
                              "there is no topic %s", spec.name);
    return send(call, body);
}

static const struct argp_option options[] = {
    { "key", KEY_KEY, "KEY", 0, "the record's key; default: none", 0 },
    { "body", KEY_BODY, "FILE", 0, "the event's body, JSON; - is standard input; default {}", 0 },
    { "id", KEY_ID, "ID", 0, "the event's id; default: a new one", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_send = {
    .name = "send",
    .arguments = "TOPIC TYPE",
    .summary = "send an event, for sagas that start on it or wait for it",
    .details =
        "As a CloudEvent in Kafka's binary mode. Who waits for it, and for which value of "
        "its body, the definition says (await:); an event that nobody waits for yet is "
        "kept for as long as keep-early says. Where no deployed definition starts on such an "
        "event or waits for one, a warning says so.",
    .examples = "  echo '{\"loan\": \"L-1\", \"granted\": true}' |\n"
                "    saga send bank.decisions LoanDecided --body -\n"
                "  saga send shop.orders OrderPlaced --key o-1 --body order.json",
    .options = options,
    .arguments_min = 2,
    .arguments_max = 2,
    .configured = true,
    .has_output = true,
    .run = run,
};
