/* Playing a scenario: step by step, then on to its end. */
#include <stdarg.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "explore/scenario_run.h"

int saga_scenario_fail(struct saga_scenario_run *r, struct saga_scenario_place place,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *r->failure =
        (struct saga_scenario_failure){ .place = place,
                                        .what = saga_arena_vprintf(r->arena, format, arguments) };
    va_end(arguments);
    return SAGA_E_INVALID;
}

/* ---- starting ---- */

static int start(struct saga_scenario_run *r, struct saga_scenario_place place,
                 const struct saga_scenario_start *given)
{
    const struct saga_start *found;
    struct saga_slice message = SAGA_SLICE_NONE;
    struct saga_event event = {
        .kind = SAGA_EVENT_START, .type = given->event, .body = given->body, .key = given->key
    };
    if (!event.type.size && r->definition->start_count) event.type = r->definition->starts[0].event;
    if (!event.key.size) {
        int error = saga_play_start(r->definition, given->topic, event.type, event.body, r->arena,
                                    &found, &event.key, &message);
        if (error == SAGA_E_NOT_FOUND &&
            saga_slice_is(r->scenario->end.status, SAGA_SCENARIO_NOT_STARTED))
            return SAGA_OK;
        if (error < 0)
            return saga_scenario_fail(r, place, "the saga does not start: %.*s",
                                      SAGA_SLICE_ARG(message));
    }
    saga_play_event(r->play, event);
    return saga_scenario_settle(r);
}

/* ---- replies ---- */

/* The only command that waits for an answer and goes by the name (absent: any). A command that was answered already may
 * be answered again where it is named: a duplicate. */
static struct saga_sent *addressee(struct saga_scenario_run *r,
                                   const struct saga_scenario_step *step)
{
    struct saga_sent *found = NULL, *fitting = NULL;
    size_t open = 0, fits = 0;
    for (size_t i = r->sent_count; i > 0; i--) {
        struct saga_sent *sent = &r->sent[i - 1];
        if (sent->event) continue;
        if (step->to.size) {
            if (!saga_scenario_goes_by(r, sent, step->to)) continue;
            if (!step->attempt || step->attempt == sent->attempt) return sent; /* the newest */
            continue;
        }
        if (sent->answered) continue;
        const struct saga_step *declared = saga_scenario_step_of(r, sent->step);
        bool takes = declared && !sent->compensation &&
                     (saga_names_contain(&declared->success, step->reply.type) ||
                      saga_names_contain(&declared->failure, step->reply.type));
        if (takes) {
            fitting = sent;
            fits++;
        }
        found = sent;
        open++;
    }
    if (step->to.size) return NULL;
    return fits == 1 ? fitting : open == 1 ? found : NULL;
}

static struct saga_slice open_words(struct saga_scenario_run *r)
{
    struct saga_buffer words;
    saga_buffer_init(&words, r->arena);
    for (size_t i = 0; i < r->sent_count; i++) {
        if (r->sent[i].event || r->sent[i].answered) continue;
        if (words.size) saga_buffer_add_char(&words, '\n');
        saga_buffer_add(&words, saga_scenario_sent_words(r, &r->sent[i]));
    }
    if (words.size == 0) saga_buffer_add(&words, SAGA_SLICE("nothing"));
    return saga_buffer_slice(&words);
}

static int reply(struct saga_scenario_run *r, const struct saga_scenario_step *step)
{
    struct saga_sent *command = addressee(r, step);
    if (command) {
        int error = saga_scenario_reply(r, step->place, command, &step->reply, step->attempt);
        return error < 0 ? error : saga_scenario_settle(r);
    }
    saga_scenario_fail(r, step->place,
                       step->to.size ? "there is no command that goes by `%.*s`"
                                     : "it is not clear which command %.*s answers",
                       SAGA_SLICE_ARG(step->to.size ? step->to : step->reply.type));
    r->failure->came = open_words(r);
    r->failure->mend = SAGA_SLICE("`to` takes a step (`charge-card`), its compensation "
                                  "(`charge-card/compensate`) or a command (`ChargeCard`)");
    return SAGA_E_INVALID;
}

static int expect(struct saga_scenario_run *r, const struct saga_scenario_step *step)
{
    struct saga_sent *sent;
    int error = saga_scenario_check_expected(r, step, &sent);
    if (error < 0 || !step->has_reply) return error;
    if (sent->event)
        return saga_scenario_fail(r, step->place, "%.*s is an event: nobody answers it",
                                  SAGA_SLICE_ARG(sent->type));
    error = saga_scenario_reply(r, step->place, sent, &step->reply, 0);
    return error < 0 ? error : saga_scenario_settle(r);
}

/* ---- time ---- */

static int ring(struct saga_scenario_run *r, struct saga_scenario_place place,
                struct saga_slice name)
{
    int error = saga_scenario_check_rest(r, place);
    if (error < 0) return error;
    if (saga_play_ring(r->play, name)) return saga_scenario_settle(r);
    struct saga_buffer words;
    saga_buffer_init(&words, r->arena);
    for (size_t i = 0; i < r->play->state->timer_count; i++)
        saga_buffer_printf(&words, "%s%.*s", i ? ", " : "",
                           SAGA_SLICE_ARG(r->play->state->timers[i].name));
    saga_scenario_fail(r, place, "no timer `%.*s` is armed", SAGA_SLICE_ARG(name));
    r->failure->came = words.size ? saga_buffer_slice(&words) : SAGA_SLICE("no timer at all");
    return SAGA_E_INVALID;
}

static int pass(struct saga_scenario_run *r, const struct saga_scenario_step *step)
{
    int error = saga_scenario_check_all_expected(r, step->place);
    int64_t until_ms = r->play->time_ms + step->after_ms;
    while (error == SAGA_OK) {
        const struct saga_timer *next = saga_play_next_timer(r->play);
        if (!next || next->due_ms > until_ms) break;
        error = ring(r, step->place, next->name);
    }
    r->play->time_ms = until_ms;
    return error;
}

/* ---- the whole ---- */

static int say(struct saga_scenario_run *r, const struct saga_scenario_step *step)
{
    struct saga_event event = { .kind = SAGA_EVENT_OPERATOR,
                                .type = saga_slice_of(saga_verb_name(step->verb)),
                                .verb = step->verb,
                                .as = step->as,
                                .who = step->who,
                                .reason = step->reason };
    if (!saga_play_event(r->play, event))
        return saga_scenario_fail(r, step->place, "there is no saga to operate");
    return saga_scenario_settle(r);
}

static int play_step(struct saga_scenario_run *r, const struct saga_scenario_step *step)
{
    switch (step->kind) {
    case SAGA_SCENARIO_START: return start(r, step->place, &step->start);
    case SAGA_SCENARIO_EXPECT: return expect(r, step);
    case SAGA_SCENARIO_EXPECT_NOTHING: return saga_scenario_check_nothing(r, step->place);
    case SAGA_SCENARIO_REPLY: return reply(r, step);
    case SAGA_SCENARIO_AFTER: return pass(r, step);
    case SAGA_SCENARIO_RING: return ring(r, step->place, step->timer);
    case SAGA_SCENARIO_OPERATOR: return say(r, step);
    case SAGA_SCENARIO_EVENT: return saga_scenario_event(r, step);
    case SAGA_SCENARIO_STATE: return saga_scenario_check_state(r, step->place, &step->state);
    }
    SAGA_ASSERT(!"a kind of step");
    return SAGA_E_INVALID;
}

/* Where the scenario wants the saga to end, alarms ring until it does. */
static bool is_to_go_on(const struct saga_scenario_run *r)
{
    enum saga_status wanted = saga_status_of(r->scenario->end.status);
    enum saga_status status = r->play->state->status;
    if (saga_status_has_ended(status) || status == SAGA_STUCK || status == SAGA_STATUS_NONE)
        return false;
    return wanted == SAGA_STUCK || (wanted < SAGA_STATUS_COUNT && saga_status_has_ended(wanted));
}

static int finish(struct saga_scenario_run *r)
{
    int error = saga_scenario_check_all_expected(r, r->scenario->end_place);
    while (error == SAGA_OK && r->scenario->end.status.size && is_to_go_on(r)) {
        const struct saga_timer *next = saga_play_next_timer(r->play);
        if (!next) break; /* the state says what is wrong */
        error = ring(r, r->scenario->end_place, next->name);
        if (error == SAGA_OK) error = saga_scenario_check_all_expected(r, r->scenario->end_place);
    }
    if (error == SAGA_OK) error = saga_scenario_check_taken(r);
    if (error == SAGA_OK) error = saga_scenario_check_names(r);
    if (error == SAGA_OK)
        error = saga_scenario_check_state(r, r->scenario->end_place, &r->scenario->end);
    return error;
}

static int play_whole(struct saga_scenario_run *r)
{
    const struct saga_scenario *scenario = r->scenario;
    int error = start(r, scenario->place, &scenario->start);
    for (size_t i = 0; i < scenario->step_count && error == SAGA_OK; i++)
        error = play_step(r, &scenario->steps[i]);
    return error < 0 ? error : finish(r);
}

/* The same without data: what decides about the way is what the scenario says. */
static int play_abstract(struct saga_scenario_run *r, struct saga_definition *definition)
{
    struct saga_abstract_bounds bounds = r->scenario->bounds;
    bounds.failing =
        memmem(r->scenario->choices.data, r->scenario->choices.size, "fails", 5) != NULL;
    struct saga_abstract *abstract = saga_abstract_new(definition, &bounds);
    saga_abstract_follow(abstract, r->scenario->choices);
    int error = play_whole(r);
    unsigned misled = saga_abstract_misled(abstract);
    saga_abstract_free(abstract);
    if (misled == 0) return error;
    return saga_scenario_fail(r, r->scenario->place,
                              "choice number %u of `explored` cannot be made where the saga is",
                              misled);
}

int saga_scenario_run(const struct saga_scenario *scenario, struct saga_definition *definition,
                      struct saga_arena *arena, struct saga_play *play,
                      struct saga_scenario_failure *ret)
{
    struct saga_scenario_run r = {
        .scenario = scenario, .definition = definition, .arena = arena, .play = play, .failure = ret
    };
    r.answers_used = SAGA_NEW_ARRAY(arena, size_t, scenario->answer_count);
    saga_play_begin(play, definition, scenario->begin_ms, arena);
    if (saga_scenario_check_known(&r) < 0) return SAGA_E_INVALID;
    return scenario->choices.data ? play_abstract(&r, definition) : play_whole(&r);
}
