#include "base/buffer.h"
#include "base/error.h"
#include "explore/body.h"
#include "explore/scenario_run.h"

/* ---- what was sent ---- */

static bool is_for(const struct saga_scenario_run *r, const struct saga_sent *sent,
                   const struct saga_scenario_message *expected)
{
    if (!saga_slice_equal(sent->type, expected->type)) return false;
    if (expected->attempt && sent->attempt != expected->attempt) return false;
    if (expected->step.size && !saga_slice_equal(sent->step, expected->step)) return false;
    if (!expected->to.size) return true;
    return saga_scenario_goes_by(r, sent,
                                 saga_arena_printf(r->arena, "%.*s/%.*s",
                                                   SAGA_SLICE_ARG(expected->to),
                                                   SAGA_SLICE_ARG(expected->type)));
}

static struct saga_slice expected_words(const struct saga_scenario_run *r,
                                        const struct saga_scenario_message *expected)
{
    struct saga_buffer words;
    saga_buffer_init(&words, r->arena);
    if (expected->to.size) saga_buffer_printf(&words, "%.*s/", SAGA_SLICE_ARG(expected->to));
    saga_buffer_add(&words, expected->type);
    if (expected->step.size)
        saga_buffer_printf(&words, " for %.*s", SAGA_SLICE_ARG(expected->step));
    if (expected->attempt) saga_buffer_printf(&words, " (attempt %u)", expected->attempt);
    if (expected->body.data)
        saga_buffer_printf(&words, " with %s%.*s", expected->exactly ? "exactly " : "",
                           SAGA_SLICE_ARG(expected->body));
    return saga_buffer_slice(&words);
}

/* What was sent and not expected yet, a line each. */
static struct saga_slice unexpected_words(const struct saga_scenario_run *r)
{
    struct saga_buffer words;
    saga_buffer_init(&words, r->arena);
    for (size_t i = 0; i < r->sent_count; i++) {
        if (r->sent[i].expected) continue;
        if (words.size) saga_buffer_add_char(&words, '\n');
        saga_buffer_add(&words, saga_scenario_sent_words(r, &r->sent[i]));
    }
    if (words.size == 0)
        saga_buffer_printf(&words, "nothing; the saga is %s",
                           saga_status_name(r->play->state->status));
    return saga_buffer_slice(&words);
}

int saga_scenario_check_expected(struct saga_scenario_run *r, const struct saga_scenario_step *step,
                                 struct saga_sent **ret)
{
    struct saga_slice difference = SAGA_SLICE_NONE;
    for (size_t i = 0; i < r->sent_count; i++) {
        struct saga_sent *sent = &r->sent[i];
        if (sent->expected || !is_for(r, sent, &step->expect)) continue;
        struct saga_slice lines = SAGA_SLICE_NONE;
        if (step->expect.body.data)
            lines = saga_body_differences(step->expect.body, sent->body, step->expect.exactly,
                                          r->arena);
        if (lines.size == 0) {
            sent->expected = true;
            *ret = sent;
            return SAGA_OK;
        }
        if (!difference.size) difference = lines;
    }
    saga_scenario_fail(r, step->place,
                       difference.size ? "%.*s was sent with another body" : "%.*s was not sent",
                       SAGA_SLICE_ARG(step->expect.type));
    r->failure->expected = expected_words(r, &step->expect);
    r->failure->came = unexpected_words(r);
    r->failure->difference = difference;
    return SAGA_E_INVALID;
}

int saga_scenario_check_rest(struct saga_scenario_run *r, struct saga_scenario_place place)
{
    if (r->play->count < SAGA_SCENARIO_EVENTS_MAX) return SAGA_OK;
    saga_scenario_fail(r, place, "the saga did not come to rest in %d events",
                       SAGA_SCENARIO_EVENTS_MAX);
    r->failure->mend = SAGA_SLICE("look at the end of the story for what is tried again and "
                                  "again, and answer it");
    return SAGA_E_INVALID;
}

int saga_scenario_check_nothing(struct saga_scenario_run *r, struct saga_scenario_place place)
{
    for (size_t i = 0; i < r->sent_count; i++) {
        if (r->sent[i].expected || r->sent[i].answered) continue;
        saga_scenario_fail(r, place, "the saga sent something");
        r->failure->expected = SAGA_SLICE("nothing");
        r->failure->came = unexpected_words(r);
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

int saga_scenario_check_all_expected(struct saga_scenario_run *r, struct saga_scenario_place place)
{
    for (size_t i = 0; i < r->sent_count && r->scenario->strict; i++) {
        const struct saga_sent *sent = &r->sent[i];
        if (sent->event || sent->expected || sent->answered) continue;
        saga_scenario_fail(r, place,
                           "the saga sent a command that the scenario neither expects "
                           "nor answers");
        r->failure->came = saga_scenario_sent_words(r, sent);
        r->failure->mend =
            saga_arena_printf(r->arena,
                              "add `expect: %.*s` where it is sent, or name it under `answers` "
                              "(`no-answer` if nobody answers)",
                              SAGA_SLICE_ARG(sent->type));
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

/* ---- sends, publishes ---- */

static struct saga_slice join(struct saga_arena *arena, const struct saga_slice *items,
                              size_t count)
{
    struct saga_buffer words;
    saga_buffer_init(&words, arena);
    for (size_t i = 0; i < count; i++)
        saga_buffer_printf(&words, "%s%.*s", i ? ", " : "", SAGA_SLICE_ARG(items[i]));
    if (count == 0) saga_buffer_add(&words, SAGA_SLICE("nothing"));
    return saga_buffer_slice(&words);
}

static int check_names(struct saga_scenario_run *r, const struct saga_scenario_names *expected,
                       bool events)
{
    struct saga_slice *came = NULL;
    size_t count = 0, capacity = 0, same = 0;
    if (!expected->given) return SAGA_OK;
    for (size_t i = 0; i < r->sent_count; i++) {
        const struct saga_sent *sent = &r->sent[i];
        if (sent->event != events) continue;
        bool here =
            count < expected->count && saga_scenario_goes_by(r, sent, expected->items[count]);
        if (here && same == count) same++;
        struct saga_slice name = here ? expected->items[count] : sent->type;
        SAGA_PUSH(r->arena, came, count, capacity, name);
    }
    if (same == count && count == expected->count) return SAGA_OK;
    saga_scenario_fail(r, expected->place, "the saga %s something else",
                       events ? "published" : "sent");
    r->failure->expected = join(r->arena, expected->items, expected->count);
    r->failure->came = join(r->arena, came, count);
    struct saga_slice wanted = same < expected->count ? expected->items[same]
                                                      : SAGA_SLICE("nothing more"),
                      there = same < count ? came[same] : SAGA_SLICE("nothing more");
    r->failure->difference =
        saga_arena_printf(r->arena, "number %zu: expected %.*s, came %.*s", same + 1,
                          SAGA_SLICE_ARG(wanted), SAGA_SLICE_ARG(there));
    return SAGA_E_INVALID;
}

int saga_scenario_check_names(struct saga_scenario_run *r)
{
    int error = check_names(r, &r->scenario->sends, false);
    return error < 0 ? error : check_names(r, &r->scenario->publishes, true);
}

/* ---- states ---- */

static int differ(struct saga_scenario_run *r, struct saga_scenario_place place, const char *what,
                  struct saga_slice expected, struct saga_slice came)
{
    saga_scenario_fail(r, place, "%s is not as expected", what);
    r->failure->expected = expected;
    r->failure->came = came.size ? came : SAGA_SLICE("none");
    return SAGA_E_INVALID;
}

static int check_text(struct saga_scenario_run *r, struct saga_scenario_place place,
                      const char *what, struct saga_slice expected, struct saga_slice came)
{
    if (!expected.size || saga_slice_equal(expected, came)) return SAGA_OK;
    return differ(r, place, what, expected, came);
}

static int check_json(struct saga_scenario_run *r, struct saga_scenario_place place,
                      const char *what, struct saga_slice expected, struct saga_slice came)
{
    if (!expected.data) return SAGA_OK;
    if (!came.data) came = SAGA_SLICE("null");
    struct saga_slice lines = saga_body_differences(expected, came, false, r->arena);
    if (lines.size == 0) return SAGA_OK;
    (void)differ(r, place, what, expected, came);
    r->failure->difference = lines;
    return SAGA_E_INVALID;
}

static struct saga_slice results_of(const struct saga_scenario_run *r)
{
    struct saga_buffer json;
    bool first = true;
    saga_buffer_init(&json, r->arena);
    saga_buffer_add_char(&json, '{');
    for (size_t i = 0; i < r->play->state->step_count; i++) {
        const struct saga_step_state *step = &r->play->state->steps[i];
        if (step->status != SAGA_STEP_SUCCEEDED) continue;
        if (!first) saga_buffer_add_char(&json, ',');
        first = false;
        saga_buffer_add_json_string(&json, step->path);
        saga_buffer_add_char(&json, ':');
        saga_buffer_add(&json, step->result.data ? step->result : SAGA_SLICE("null"));
    }
    saga_buffer_add_char(&json, '}');
    return saga_buffer_slice(&json);
}

static bool is_open(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF ||
           step->compensation == SAGA_COMPENSATION_SENT ||
           step->compensation == SAGA_COMPENSATION_BACKOFF;
}

static int check_waiting(struct saga_scenario_run *r, struct saga_scenario_place place,
                         const struct saga_scenario_state *expected)
{
    struct saga_slice *open = NULL;
    size_t count = 0, capacity = 0, same = 0;
    if (!expected->has_waiting) return SAGA_OK;
    for (size_t i = 0; i < r->play->state->step_count; i++) {
        const struct saga_step_state *step = &r->play->state->steps[i];
        if (!is_open(step)) continue;
        SAGA_PUSH(r->arena, open, count, capacity, step->path);
        for (size_t k = 0; k < expected->waiting_count; k++)
            same += saga_slice_equal(step->path, expected->waiting[k]);
    }
    if (same == count && count == expected->waiting_count) return SAGA_OK;
    return differ(r, place, "what waits for an answer",
                  join(r->arena, expected->waiting, expected->waiting_count),
                  join(r->arena, open, count));
}

int saga_scenario_check_state(struct saga_scenario_run *r, struct saga_scenario_place place,
                              const struct saga_scenario_state *expected)
{
    const struct saga_state *state = r->play->state;
    struct saga_slice status =
        saga_slice_of(state->status == SAGA_STATUS_NONE ? SAGA_SCENARIO_NOT_STARTED
                                                        : saga_status_name(state->status));
    struct saga_slice stuck_on = state->status == SAGA_STUCK
                                     ? saga_slice_of(saga_stuck_on_name(state->stuck_on))
                                     : SAGA_SLICE_NONE;
    int error = check_text(r, place, "the saga's status", expected->status, status);
    if (error < 0) {
        if (state->status == SAGA_STUCK) r->failure->difference = state->stuck_message;
        return error;
    }
    if (check_text(r, place, "what the saga is stuck on", expected->stuck_on, stuck_on) < 0 ||
        check_text(r, place, "the type of the error", expected->error_type, state->error.type) <
            0 ||
        check_text(r, place, "the step of the error", expected->error_step, state->error.step) <
            0 ||
        check_json(r, place, "`.input`", expected->input, state->input) < 0 ||
        check_json(r, place, "`.vars`", expected->vars, state->vars) < 0 ||
        check_json(r, place, "what the steps kept", expected->steps, results_of(r)) < 0)
        return SAGA_E_INVALID;
    if (expected->has_paused && expected->paused != state->paused)
        return differ(r, place, "the pause", saga_slice_of(expected->paused ? "true" : "false"),
                      saga_slice_of(state->paused ? "true" : "false"));
    return check_waiting(r, place, expected);
}
