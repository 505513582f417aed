/* `saga start`: starts a saga by hand, past the topics of the outside world. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/monotonic.h"
#include "codec/message.h"
#include "operate/answer.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "operate/imported.h"
#include "operate/input.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/start_key.h"
#include "operate/words.h"

enum { KEY_KEY = 'k', KEY_INPUT = 'i', KEY_ID = 256, KEY_WAIT, KEY_NO_WAIT, KEY_TIMEOUT };
enum { ANSWER_MS = 10000, ENDED_MS = 600000, POLL_MS = 200 };

/* Where no key is given, the one that the definition takes from such an event. */
static int key_of_input(struct saga_call *call, const struct saga_deployed *deployed,
                        struct saga_slice input, struct saga_slice *ret)
{
    struct saga_definition *definition = saga_deployed_load(call, deployed);
    struct saga_slice message = SAGA_SLICE_NONE;
    if (!definition) return SAGA_EXIT_FAILED;
    int error = saga_start_key(definition, input, call->arena, ret, &message);
    saga_definition_free(definition);
    if (error == SAGA_OK) return SAGA_EXIT_DONE;
    if (!saga_call_option(call, KEY_INPUT))
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "--input FILE (- for standard input), or --key",
                              "there is neither an input nor a business key");
    return saga_call_fail(call, SAGA_EXIT_FAILED, "put it into the input, or name it with --key",
                          "the input gives no business key%s%.*s", message.size ? ": " : "",
                          SAGA_SLICE_ARG(message));
}

static int read_key(struct saga_call *call, const struct saga_deployed *deployed,
                    struct saga_slice input, struct saga_slice *ret)
{
    const char *key = saga_call_option(call, KEY_KEY);
    int code = SAGA_EXIT_DONE;
    if (key)
        *ret = saga_slice_of(key);
    else
        code = key_of_input(call, deployed, input, ret);
    if (code != SAGA_EXIT_DONE) return code;
    if (ret->size >= 1 && ret->size <= SAGA_KEY_BYTES_MAX) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "a key has 1 to %d bytes, this one %zu",
                          SAGA_KEY_BYTES_MAX, ret->size);
}

static void say(struct saga_call *call, const struct saga_address *address, const char *outcome,
                const struct saga_journal_record *record)
{
    if (call->output != SAGA_OUTPUT_TEXT) {
        json_t *object =
            json_pack("{s:o, s:s}", "saga", saga_json_string(address->saga_id), "outcome", outcome);
        if (record) json_object_set_new(object, "run", saga_json_string(record->run));
        saga_print_object(call, object);
        return;
    }
    printf("%s %s\n", saga_printable(call->arena, address->saga_id), outcome);
}

/* What the coordinator made of it; a start that started nothing says why. */
static int judge(struct saga_call *call, const struct saga_address *address,
                 const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++) {
        if (record->facts[i].kind != SAGA_FACT_START_IGNORED) continue;
        struct saga_buffer words;
        saga_buffer_init(&words, call->arena);
        saga_fact_words(&record->facts[i], record->cause.time_ms, &words);
        say(call, address, "not started", record);
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga show` says where it stands", "%.*s",
                              SAGA_SLICE_ARG(saga_buffer_slice(&words)));
    }
    return SAGA_EXIT_DONE;
}

static int wait_for_end(struct saga_call *call, const struct saga_address *address,
                        int64_t timeout_ms)
{
    int64_t until_ms = saga_now_ms() + timeout_ms;
    int code = saga_call_views(call);
    while (code == SAGA_EXIT_DONE || code == SAGA_EXIT_NOT_FOUND) {
        struct saga_state *state;
        /* its journal record may be there a moment before its state is */
        code = saga_state_read(call, address, true, &state);
        if (code == SAGA_EXIT_DONE) {
            enum saga_status status = state->status;
            const char *trouble = saga_trouble(state, call->arena).data;
            saga_state_free(state);
            if (saga_status_has_ended(status) || status == SAGA_STUCK) {
                say(call, address, saga_status_name(status), NULL);
                if (*trouble && call->output == SAGA_OUTPUT_TEXT) printf("  %s\n", trouble);
                return status == SAGA_COMPLETED ? SAGA_EXIT_DONE : SAGA_EXIT_FAILED;
            }
        }
        if (saga_now_ms() > until_ms)
            return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga watch` goes on watching",
                                  "the saga has not ended yet");
        saga_sleep_ms(POLL_MS);
    }
    return code;
}

static int send(struct saga_call *call, const struct saga_address *address, struct saga_slice id,
                struct saga_slice input, struct saga_answer *answer)
{
    struct saga_message message;
    saga_start_message(call->topics.inbox, address->lane, address->name, address->key, id, input,
                       call->arena, &message);
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &answer->sent) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "start it again: a key starts one saga only",
                          "it was not sent: %s", saga_client_problem(call->client));
}

static int wait_for_answer(struct saga_call *call, struct saga_answer *answer, struct saga_slice id,
                           int64_t timeout_ms, struct saga_journal_record *ret)
{
    int64_t first_ms = timeout_ms < ANSWER_MS ? timeout_ms : ANSWER_MS;
    bool found;
    int code = saga_answer_wait(call, answer, id, first_ms, ret, &found);
    if (code == SAGA_EXIT_DONE && !found && timeout_ms > first_ms) {
        saga_answer_missed(call, first_ms); /* whoever waits for long is told why */
        code = saga_answer_wait(call, answer, id, timeout_ms - first_ms, ret, &found);
    }
    if (code != SAGA_EXIT_DONE || found) return code;
    saga_answer_missed(call, timeout_ms);
    return SAGA_EXIT_FAILED;
}

static int start(struct saga_call *call, const struct saga_address *address,
                 struct saga_slice input)
{
    const char *given_id = saga_call_option(call, KEY_ID);
    struct saga_slice id = given_id ? saga_slice_of(given_id) : saga_new_id(call->arena);
    struct saga_answer answer;
    struct saga_journal_record record;
    bool wait = saga_call_has(call, KEY_WAIT);
    int64_t timeout_ms;
    int code = saga_call_duration(call, KEY_TIMEOUT, wait ? ENDED_MS : ANSWER_MS, &timeout_ms);
    if (code == SAGA_EXIT_DONE) code = saga_answer_prepare(call, address->lane, &answer);
    if (code == SAGA_EXIT_DONE) code = send(call, address, id, input, &answer);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_call_has(call, KEY_NO_WAIT)) {
        say(call, address, "sent", NULL);
        return SAGA_EXIT_DONE;
    }
    code = wait_for_answer(call, &answer, id, timeout_ms, &record);
    if (code == SAGA_EXIT_DONE) code = judge(call, address, &record);
    if (code != SAGA_EXIT_DONE) return code;
    if (wait) return wait_for_end(call, address, timeout_ms);
    say(call, address, "started", &record);
    return SAGA_EXIT_DONE;
}

static int run(struct saga_call *call)
{
    struct saga_deployment deployment;
    struct saga_slice input;
    struct saga_address address = { .name = saga_slice_of(call->arguments[0]) };
    int code = saga_input_read(call, KEY_INPUT, SAGA_INPUT_BYTES_MAX, &input);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_imported_refuse(call);
    if (code == SAGA_EXIT_DONE) code = saga_deployment_read(call, &deployment);
    if (code != SAGA_EXIT_DONE) return code;
    const struct saga_deployed *deployed = saga_deployment_newest(&deployment, address.name);
    if (!deployed) return saga_deployment_miss(call, &deployment, address.name);
    code = read_key(call, deployed, input, &address.key);
    if (code != SAGA_EXIT_DONE) return code;
    address.saga_id = saga_id_make(call->arena, address.name, address.key);
    address.lane = saga_lane_of_key(address.key, call->config.lanes);
    return start(call, &address, input);
}

static const struct argp_option options[] = {
    { "key", KEY_KEY, "KEY", 0, "business key; default: what the definition takes from the input",
      0 },
    { "input", KEY_INPUT, "FILE", 0, "the start event's body, JSON; - is standard input", 0 },
    { "id", KEY_ID, "ID", 0, "id of the start event; default: a new one", 0 },
    { "wait", KEY_WAIT, NULL, 0, "wait until the saga has ended; 0 only if it completed", 0 },
    { "no-wait", KEY_NO_WAIT, NULL, 0, "only send it, without waiting for it to be taken", 0 },
    { "timeout", KEY_TIMEOUT, "DURATION", 0, "how long to wait (default 10s, with --wait 10m)", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_start = {
    .name = "start",
    .arguments = "DEFINITION",
    .summary = "start a saga by hand",
    .details = "On the newest version of the definition. A key that has a saga already starts "
               "nothing.",
    .examples = "  saga start order-fulfilment --key o-4711 --input order.json\n"
                "  echo '{\"orderId\": \"o-1\"}' | saga start order-fulfilment --input - --wait",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run,
};
