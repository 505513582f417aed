/* `saga send`: one event of the outside world, by hand: for a saga that starts on it or waits for it. */
#include "base/error.h"
#include "base/limits.h"
#include "operate/answer.h"
#include "operate/commands.h"
#include "operate/input.h"
#include "operate/output.h"
#include "operate/sagas.h"

enum { KEY_KEY = 'k', KEY_BODY = 'b', KEY_ID = 256 };

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
    .details = "As a CloudEvent in Kafka's binary mode. Who waits for it, and for which value of "
               "its body, the definition says (await:); an event that nobody waits for yet is "
               "kept for as long as keep-early says.",
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
