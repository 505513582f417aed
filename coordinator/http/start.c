/* Starting a saga: put into the inbox of its lane, answered when it stands there, or when the saga has ended. */
#include <openssl/rand.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/trace_context.h"
#include "codec/message.h"
#include "engine/state.h"
#include "http/known.h"
#include "http/story.h"
#include "http/waiting.h"
#include "operate/opening.h"
#include "operate/start_key.h"

enum { DEFINITION, KEY, INPUT, ID, MEMBERS };
static const char *const member_names[MEMBERS] = { "definition", "key", "input", "id" };

/* What is known of it between the handler and the answer; in the exchange's arena. */
struct starting {
    struct saga_address address;
    int64_t wait_ms;
};

/* ---- the answer ---- */

static void begin_answer(struct saga_exchange *x, const struct starting *s, const char *outcome,
                         struct saga_buffer *out)
{
    saga_buffer_init(out, &x->arena);
    saga_buffer_add(out, SAGA_SLICE("{\"saga\":"));
    saga_buffer_add_json_string(out, s->address.saga_id);
    saga_buffer_printf(out, ",\"outcome\":\"%s\"", outcome);
}

static void set_location(struct saga_exchange *x, const struct starting *s)
{
    struct saga_buffer path;
    saga_buffer_init(&path, &x->arena);
    saga_buffer_printf(&path, "/api/v1/sagas/%.*s/", SAGA_SLICE_ARG(s->address.name));
    saga_target_escape(s->address.key, &path);
    x->location = saga_buffer_slice(&path);
}

static void answer_sent(struct saga_exchange *x, const struct starting *s)
{
    struct saga_buffer out;
    begin_answer(x, s, "sent", &out);
    saga_buffer_add_char(&out, '}');
    set_location(x, s);
    saga_exchange_answer(x, 202, &out);
}

/* Called where Redis is at hand (waiting.h). */
static void answer_state(struct saga_exchange *x, struct saga_state *state, bool ended)
{
    struct starting *s = x->handling;
    struct saga_buffer out;
    if (!state) {
        answer_sent(x, s);
        return;
    }
    saga_cover_state(state);
    struct saga_slice json = saga_state_json(state, false, &x->arena);
    begin_answer(x, s, saga_status_name(state->status), &out);
    saga_buffer_add(&out, SAGA_SLICE(",\"state\":"));
    saga_buffer_add(&out, (struct saga_slice){ json.data, json.size - 1 });
    saga_state_add_words(x, state, &out);
    saga_buffer_add_char(&out, '}');
    if (!ended) set_location(x, s);
    saga_exchange_answer(x, ended ? 200 : 202, &out);
}

/* ---- sending ---- */

static void on_sent(void *context, int error, const char *words)
{
    struct saga_exchange *x = context;
    struct starting *s = x->handling;
    if (error < 0) {
        x->retry_after_s = 1;
        saga_exchange_problem(x, 503, "not-acknowledged",
                              "start it again: a key starts one saga only",
                              "it is not known whether the inbox has it: %s", words);
    } else if (s->wait_ms > 0 && saga_waiting_for_end(x, &s->address, s->wait_ms, answer_state)) {
        return;
    } else {
        answer_sent(x, s);
    }
    saga_exchange_complete(x);
}

/* The trace that the request belongs to. What is none is as if it were not there (W3C Trace Context), and so is one that
 * comes twice. */
static struct saga_slice trace_of(struct saga_exchange *x)
{
    return saga_trace_context_join(saga_exchange_header(x, "traceparent"),
                                   saga_exchange_header(x, "tracestate"), &x->arena);
}

static void send(struct saga_exchange *x, struct starting *s, struct saga_slice id,
                 struct saga_slice input)
{
    struct saga_message message;
    const char *words = "";
    bool *later = x->later;
    saga_start_message(x->http->topics.inbox, s->address.lane, s->address.name, s->address.key, id,
                       input, &x->arena, &message);
    saga_start_message_by(&message, x->identity.subject, saga_slice_of(x->peer));
    saga_start_message_trace(&message, trace_of(x));
    x->handling = s;
    *later = true; /* the answer may come before the call returns */
    if (saga_sender_send(x->http->sender, &message, on_sent, x, &words) == SAGA_OK) return;
    *later = false;
    x->retry_after_s = 1;
    saga_exchange_problem(x, 503, "not-sent", "start it again: a key starts one saga only",
                          "it was not sent: %s", words);
}

/* ---- what is asked for ---- */

/* The key that the definition takes from the input, where none was given. */
static bool key_of_input(struct saga_exchange *x, const struct saga_known_item *item,
                         struct saga_slice input, struct saga_slice *ret)
{
    struct saga_slice words = SAGA_SLICE_NONE;
    int error = item->definition ? saga_start_key(item->definition, input, &x->arena, ret, &words)
                                 : SAGA_E_INVALID;
    if (error == SAGA_OK) return true;
    saga_exchange_problem(x, 422, "no-key", "put it into \"input\", or name it: \"key\"",
                          "the input gives no business key%s%.*s", words.size ? ": " : "",
                          SAGA_SLICE_ARG(words));
    return false;
}

static bool is_id(struct saga_slice id)
{
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] <= ' ' || id.data[i] > '~') return false;
    return id.size <= 128;
}

static struct saga_slice new_id(struct saga_arena *arena)
{
    uint8_t bytes[16];
    char text[2 * sizeof bytes + 1];
    (void)RAND_bytes(bytes, sizeof bytes); /* no system call for each, as saga_new_id has */
    saga_hex(bytes, sizeof bytes, text);
    return saga_arena_copy(arena, saga_slice_of(text));
}

static bool read_start(struct saga_exchange *x, struct starting *s, struct saga_slice *ret_id,
                       struct saga_slice *ret_input, const struct saga_known_item **ret_item)
{
    struct saga_slice members[MEMBERS], *key = &s->address.key;
    if (!saga_exchange_duration(x, "wait", 0, &s->wait_ms) ||
        !saga_exchange_members(x, member_names, MEMBERS, 1, members) ||
        !saga_exchange_text(x, "definition", members[DEFINITION], 1, SAGA_NAME_BYTES_MAX,
                            &s->address.name) ||
        !saga_exchange_text(x, "key", members[KEY], 1, SAGA_KEY_BYTES_MAX, key) ||
        !saga_exchange_text(x, "id", members[ID], 1, 128, ret_id) ||
        !saga_exchange_name(x, s->address.name, "\"definition\""))
        return false;
    *ret_input = members[INPUT].data ? members[INPUT] : SAGA_SLICE("{}");
    if (ret_input->size > SAGA_INPUT_BYTES_MAX) {
        saga_exchange_problem(x, 413, "too-large", NULL, "an input has at most %d bytes",
                              SAGA_INPUT_BYTES_MAX);
        return false;
    }
    if (!is_id(*ret_id)) {
        saga_exchange_problem(x, 400, "bad-id", NULL, "an id is printable, without spaces");
        return false;
    }
    if ((*ret_item = saga_exchange_newest(x, s->address.name)) == NULL) return false;
    if (saga_daemon_has_good_surroundings(x->http->coordinator)) return true;
    x->retry_after_s = 1;
    saga_exchange_problem(x, 503, "starting", "/readyz says more",
                          "the coordinator has not found everything that it needs yet");
    return false;
}

void saga_http_start_saga(struct saga_exchange *x)
{
    struct starting *s = SAGA_NEW(&x->arena, struct starting);
    struct saga_slice id = SAGA_SLICE_NONE, input;
    const struct saga_known_item *item;
    if (!read_start(x, s, &id, &input, &item)) return;
    if (!s->address.key.data) {
        /* an expression may take long: that is for a thread that nobody else waits for */
        if (!x->call) {
            *x->later = true;
            if (saga_pool_add(x->http->slow, x)) return;
            *x->later = false;
            x->retry_after_s = 1;
            saga_exchange_problem(x, 503, "busy", "ask again in a second",
                                  "too many requests are waiting already");
            return;
        }
        if (!key_of_input(x, item, input, &s->address.key)) return;
    }
    if (!id.data) id = new_id(&x->arena);
    s->address.saga_id = saga_id_make(&x->arena, s->address.name, s->address.key);
    s->address.lane = saga_lane_of_key(s->address.key, x->http->config->lanes);
    send(x, s, id, input);
}
