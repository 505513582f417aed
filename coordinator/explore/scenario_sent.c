#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "explore/scenario_run.h"

/* ---- reading what was sent ---- */

static struct saga_slice first_body(const struct saga_scenario_run *r, const struct saga_fact *fact,
                                    bool compensation)
{
    if (fact->value.data) return fact->value;
    for (size_t i = 0; i < r->sent_count; i++)
        if (r->sent[i].compensation == compensation && !r->sent[i].event &&
            saga_slice_equal(r->sent[i].step, fact->step))
            return r->sent[i].body;
    return SAGA_SLICE("null");
}

/* A child is asked for by the note behind the fact that it started; its compensation names only the step. */
static void read_child(struct saga_scenario_run *r, const struct saga_fact *fact)
{
    struct saga_sent *last = NULL;
    for (size_t i = 0; i < r->sent_count; i++)
        if (r->sent[i].child && saga_slice_equal(r->sent[i].step, fact->step) &&
            !r->sent[i].compensation)
            last = &r->sent[i];
    struct saga_sent sent = { .child = true, .step = fact->step, .attempt = fact->attempt };
    if (fact->kind == SAGA_FACT_CHILD_STARTED) {
        sent.type = fact->name;
        sent.target = fact->target;
        sent.body = SAGA_SLICE("null");
    } else if (last) {
        sent.compensation = true;
        sent.type = last->type;
        sent.target = last->target;
        sent.body = last->body;
    }
    SAGA_PUSH(r->arena, r->sent, r->sent_count, r->sent_capacity, sent);
}

static void read_input(struct saga_scenario_run *r, const struct saga_fact *fact)
{
    for (size_t i = r->sent_count; i > 0; i--)
        if (r->sent[i - 1].child && saga_slice_equal(r->sent[i - 1].step, fact->from_step)) {
            r->sent[i - 1].body = fact->value;
            return;
        }
}

static void read_fact(struct saga_scenario_run *r, const struct saga_fact *fact)
{
    bool compensation = fact->kind == SAGA_FACT_COMPENSATION_SENT,
         event = fact->kind == SAGA_FACT_EVENT_PUBLISHED;
    if (fact->kind == SAGA_FACT_CHILD_STARTED || (compensation && !fact->topic.size)) {
        read_child(r, fact);
        return;
    }
    if (fact->kind == SAGA_FACT_NOTE_SENT && fact->note == SAGA_NOTE_CHILD_START &&
        fact->value.data)
        read_input(r, fact);
    if (fact->kind != SAGA_FACT_STEP_SENT && !compensation && !event) return;
    struct saga_sent sent = {
        .event = event,
        .compensation = compensation,
        .step = fact->step,
        .attempt = fact->attempt,
        .topic = fact->topic,
        .type = fact->type,
        .body = event ? fact->value : first_body(r, fact, compensation),
    };
    SAGA_PUSH(r->arena, r->sent, r->sent_count, r->sent_capacity, sent);
}

static void read_records(struct saga_scenario_run *r)
{
    for (; r->records_read < r->play->count; r->records_read++) {
        const struct saga_facts *facts = &r->play->records[r->records_read].facts;
        for (size_t i = 0; i < facts->count; i++) read_fact(r, &facts->items[i]);
    }
}

/* ---- names ---- */

const struct saga_step *saga_scenario_step_of(const struct saga_scenario_run *r,
                                              struct saga_slice path)
{
    const char *bracket = path.size ? memchr(path.data, '[', path.size) : NULL;
    struct saga_slice name = { path.data, bracket ? (size_t)(bracket - path.data) : path.size };
    const struct saga_block *block = saga_definition_step(r->definition, name);
    return block && block->kind == SAGA_BLOCK_STEP ? &block->step : NULL;
}

static const struct saga_command *command_of(const struct saga_scenario_run *r,
                                             const struct saga_sent *sent)
{
    const struct saga_step *step = sent->event ? NULL : saga_scenario_step_of(r, sent->step);
    if (!step) return NULL;
    return sent->compensation ? &step->compensate.command : &step->command;
}

static bool is_pair(struct saga_slice text, struct saga_slice left, struct saga_slice right)
{
    if (text.size != left.size + 1 + right.size || text.data[left.size] != '/') return false;
    return saga_slice_equal((struct saga_slice){ text.data, left.size }, left) &&
           saga_slice_equal(saga_slice_skip(text, left.size + 1), right);
}

bool saga_scenario_goes_by(const struct saga_scenario_run *r, const struct saga_sent *sent,
                           struct saga_slice name)
{
    const struct saga_command *command = command_of(r, sent);
    if (saga_slice_equal(name, sent->type)) return true;
    if (command && is_pair(name, command->participant->name, sent->type)) return true;
    if (sent->event) return is_pair(name, sent->topic, sent->type);
    if (sent->child && is_pair(name, SAGA_SLICE("saga"), sent->type)) return true;
    return sent->compensation ? is_pair(name, sent->step, SAGA_SLICE("compensate"))
                              : saga_slice_equal(name, sent->step);
}

struct saga_slice saga_scenario_sent_words(const struct saga_scenario_run *r,
                                           const struct saga_sent *sent)
{
    const struct saga_command *command = command_of(r, sent);
    struct saga_slice to = command       ? command->participant->name
                           : sent->child ? SAGA_SLICE("saga")
                                         : sent->topic,
                      body = saga_slice_clip(sent->body, 300), words;
    words =
        saga_arena_printf(r->arena, "%.*s/%.*s", SAGA_SLICE_ARG(to), SAGA_SLICE_ARG(sent->type));
    if (!sent->event)
        words = saga_arena_printf(r->arena, "%.*s %s %.*s", SAGA_SLICE_ARG(words),
                                  sent->compensation ? "to take back" : "for",
                                  SAGA_SLICE_ARG(sent->step));
    if (sent->attempt > 1)
        words =
            saga_arena_printf(r->arena, "%.*s (attempt %u)", SAGA_SLICE_ARG(words), sent->attempt);
    return saga_arena_printf(r->arena, "%.*s %.*s", SAGA_SLICE_ARG(words), SAGA_SLICE_ARG(body));
}

/* ---- answering ---- */

static int type_of(struct saga_scenario_run *r, struct saga_scenario_place place,
                   const struct saga_sent *command, struct saga_slice word, struct saga_slice *ret)
{
    const struct saga_step *step = saga_scenario_step_of(r, command->step);
    bool success = saga_slice_is(word, "success"), failure = saga_slice_is(word, "failure");
    *ret = word;
    if (!step || (!success && !failure)) return SAGA_OK;
    const struct saga_names *names = success ? &step->success : &step->failure;
    if (command->compensation)
        names = success ? &step->compensate.success : &step->compensate.failure;
    if (names->count) {
        *ret = names->items[0];
    } else if (success) {
        *ret = SAGA_SLICE("Done"); /* any answer to a compensation means that it is done */
    } else {
        return saga_scenario_fail(r, place, "%.*s declares no failure that could be answered",
                                  SAGA_SLICE_ARG(command->step));
    }
    return SAGA_OK;
}

static void add_member(struct saga_buffer *json, const char *name, struct saga_slice value,
                       bool text)
{
    saga_buffer_printf(json, "%s\"%s\":", json->size > 1 ? "," : "", name);
    if (text)
        saga_buffer_add_json_string(json, value);
    else
        saga_buffer_add(json, value.data ? value : SAGA_SLICE("null"));
}

/* How a child ended, as it would tell its parent. */
static struct saga_slice outcome(struct saga_scenario_run *r, const struct saga_sent *child,
                                 struct saga_slice status, struct saga_slice body)
{
    bool completed = saga_slice_is(status, saga_status_name(SAGA_COMPLETED));
    struct saga_buffer json;
    saga_buffer_init(&json, r->arena);
    saga_buffer_add_char(&json, '{');
    add_member(&json, "id", child->target, true);
    add_member(&json, "status", status, true);
    add_member(&json, "result", completed ? body : SAGA_SLICE_NONE, false);
    add_member(&json, "error", completed ? SAGA_SLICE_NONE : body, false);
    saga_buffer_add_char(&json, '}');
    return saga_buffer_slice(&json);
}

/* The note by which a child tells of its end, or of its compensation. */
static void note_of_child(struct saga_scenario_run *r, const struct saga_sent *child,
                          struct saga_event *event)
{
    bool success = saga_slice_is(event->type, "success"),
         failure = saga_slice_is(event->type, "failure");
    event->kind = SAGA_EVENT_NOTE;
    event->from_id = child->target;
    event->compensation = false;
    if (child->compensation) {
        bool refused = failure || saga_slice_is(event->type, "refused");
        event->note = refused ? SAGA_NOTE_CHILD_REFUSED : SAGA_NOTE_CHILD_COMPENSATED;
        event->type = refused ? SAGA_SLICE("refused") : SAGA_SLICE("compensated");
        return;
    }
    if (success || failure)
        event->type = saga_slice_of(saga_status_name(success ? SAGA_COMPLETED : SAGA_COMPENSATED));
    event->note = SAGA_NOTE_CHILD_ENDED;
    event->body = outcome(r, child, event->type, event->body);
}

int saga_scenario_reply(struct saga_scenario_run *r, struct saga_scenario_place place,
                        struct saga_sent *command, const struct saga_scenario_reply *reply,
                        uint32_t attempt)
{
    struct saga_slice message = SAGA_SLICE_NONE, body = reply->body;
    command->answered = true;
    if (reply->silent) return SAGA_OK;
    if (r->play->count >= SAGA_SCENARIO_EVENTS_MAX)
        return saga_scenario_fail(r, place, "the saga did not come to rest in %d events",
                                  SAGA_SCENARIO_EVENTS_MAX);
    struct saga_event event = { .kind = SAGA_EVENT_REPLY,
                                .step = command->step,
                                .attempt = attempt ? attempt : command->attempt,
                                .compensation = command->compensation,
                                .run = saga_arena_copy(r->arena, r->play->state->run) };
    int error = type_of(r, place, command, reply->type, &event.type);
    if (error < 0) return error;
    struct saga_bindings bindings = { .root = command->body };
    if (reply->jq && saga_expression_eval(reply->jq, &bindings, r->arena, &body, &message) < 0)
        return saga_scenario_fail(r, place, "the answer to %.*s cannot be made: %.*s",
                                  SAGA_SLICE_ARG(command->type), SAGA_SLICE_ARG(message));
    event.body = body;
    if (command->child) note_of_child(r, command, &event);
    if (!saga_play_event(r->play, event))
        return saga_scenario_fail(r, place, "the saga is forgotten: nothing can be answered");
    return SAGA_OK;
}

/* Does a step of the scenario answer this command itself? */
static bool is_answered_by_hand(const struct saga_scenario_run *r, const struct saga_sent *sent)
{
    const struct saga_step *declared = saga_scenario_step_of(r, sent->step);
    for (size_t i = 0; i < r->scenario->step_count; i++) {
        const struct saga_scenario_step *step = &r->scenario->steps[i];
        if (!step->has_reply) continue;
        if (step->kind == SAGA_SCENARIO_EXPECT) {
            if (saga_slice_equal(step->expect.type, sent->type)) return true;
        } else if (step->to.size) {
            if (saga_scenario_goes_by(r, sent, step->to)) return true;
        } else if (declared && !sent->compensation &&
                   (saga_names_contain(&declared->success, step->reply.type) ||
                    saga_names_contain(&declared->failure, step->reply.type))) {
            return true;
        }
    }
    return false;
}

/* The answer for a command: one that names it closest. */
static const struct saga_scenario_answer *answer_for(const struct saga_scenario_run *r,
                                                     const struct saga_sent *sent)
{
    const struct saga_scenario_answer *all = NULL;
    for (size_t i = 0; i < r->scenario->answer_count; i++) {
        const struct saga_scenario_answer *answer = &r->scenario->answers[i];
        if (saga_slice_is(answer->key, "*"))
            all = all ? all : answer;
        else if (saga_scenario_goes_by(r, sent, answer->key))
            return answer;
    }
    return all;
}

static int answer(struct saga_scenario_run *r, struct saga_sent *command)
{
    const struct saga_scenario_answer *found = answer_for(r, command);
    if (!found) return SAGA_OK;
    size_t *used = &r->answers_used[found - r->scenario->answers];
    const struct saga_scenario_reply *reply =
        &found->replies[*used < found->count ? *used : found->count - 1];
    if (!reply->silent && is_answered_by_hand(r, command)) return SAGA_OK;
    ++*used;
    return saga_scenario_reply(r, found->place, command, reply, 0);
}

int saga_scenario_settle(struct saga_scenario_run *r)
{
    read_records(r);
    while (r->sent_settled < r->sent_count) {
        struct saga_sent *sent = &r->sent[r->sent_settled++];
        if (sent->event || sent->answered) continue;
        int error = saga_scenario_check_rest(r, r->scenario->place);
        if (error == SAGA_OK) error = answer(r, sent);
        if (error < 0) return error;
        read_records(r); /* may move r->sent */
    }
    return saga_scenario_deliver(r) ? saga_scenario_settle(r) : SAGA_OK;
}
