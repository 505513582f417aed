/* What the engine's files share. */
#ifndef SAGA_ENGINE_ENGINE_INTERNAL_H
#define SAGA_ENGINE_ENGINE_INTERNAL_H

#include "base/assert.h"
#include "engine/engine.h"

/* Timers by name: `step/<path>` and `compensation/<path>` mean the timeout of an open attempt, or the end of the
 * wait before the next one; `wait/<label>` the end of a block that waits. */
#define SAGA_TIMER_DEADLINE "deadline"
#define SAGA_TIMER_KEEP "keep"
#define SAGA_TIMER_STEP "step"
#define SAGA_TIMER_COMPENSATION "compensation"
#define SAGA_TIMER_WAIT "wait"

#define SAGA_REASON_TIMEOUT "timeout"
#define SAGA_REASON_RESOLVED "resolved"

struct saga_slice saga_timer_name(struct saga_arena *arena, const char *kind,
                                  struct saga_slice step);

/* One call of saga_decide. */
struct saga_decision {
    const struct saga_definition *definition; /* NULL: not to be had (R19) */
    struct saga_state *state;
    const struct saga_event *event;
    struct saga_arena *arena;
    struct saga_facts *facts;
};

/* Adds a fact and applies it. */
void saga_emit(struct saga_decision *d, struct saga_fact fact);

/* Evaluates `expression` over the state (and a reply's body, if given). */
int saga_evaluate(struct saga_decision *d, struct saga_expression *expression,
                  struct saga_slice reply, struct saga_slice *ret_json,
                  struct saga_slice *ret_message);

/* Would the state be over its limit with that many bytes more (R23)? Then `*ret_message` says so. */
bool saga_is_over_limit(struct saga_decision *d, size_t more, struct saga_slice *ret_message);

/* Goes on in whichever direction the saga moves, as far as it goes without an answer. */
void saga_proceed(struct saga_decision *d);
/* The deadline rang: compensates where there is a way back, else it is only an alarm. */
void saga_deadline_passed(struct saga_decision *d);
/* Ends being stuck: goes on the way it was going, and what rang meanwhile rings again. */
void saga_continue(struct saga_decision *d, const char *reason);
/* R19: it cannot go on without its definition. Does nothing unless running or compensating. */
void saga_stick_on_definition(struct saga_decision *d);

const struct saga_step *saga_step_of(const struct saga_decision *d,
                                     const struct saga_step_state *step);
bool saga_step_is_open(const struct saga_step_state *step);
/* May a step be done whose newest attempt was answered Unavailable (R18)? */
bool saga_step_may_be_done(const struct saga_step_state *step);

/* ---- forward.c: from block to block ---- */
/* Goes on in the forward direction as far as it goes without an answer. Does nothing unless running and not paused. */
void saga_advance(struct saga_decision *d);
/* Sends a further attempt of a step that was sent before. */
void saga_send_again(struct saga_decision *d, struct saga_step_state *step);
/* A step's attempt got no useful answer: tries again, or ends the step as failed or unknown. `type` and `message` are
 * what an error will say; `timed_out` tells a missing answer from an Unavailable. */
void saga_attempt_failed(struct saga_decision *d, struct saga_step_state *step, bool timed_out,
                         struct saga_slice type, struct saga_slice message);
/* After StepSucceeded: drops a compensation that waited for this pivot, and ends being stuck on this step. The
 * caller proceeds. */
void saga_step_succeeded(struct saga_decision *d, struct saga_slice path);
/* After StepFailed, StepUnknown: what it means for the saga. */
void saga_step_not_succeeded(struct saga_decision *d, struct saga_slice path,
                             struct saga_slice type, struct saga_slice message);
void saga_stick(struct saga_decision *d, enum saga_stuck_on on, struct saga_slice step,
                struct saga_slice message);
/* Publishes the event of the saga's end if the definition has it; false when its body could not be made
 * (`*ret_message`). */
bool saga_publish(struct saga_decision *d, const struct saga_publish *publish,
                  struct saga_slice *ret_message);
/* What a block or step needs could not be made, and nothing was sent: before the pivot the saga is compensated, behind
 * it it is stuck. */
void saga_body_failed(struct saga_decision *d, struct saga_slice path, struct saga_slice message);
int64_t saga_keep_until(const struct saga_decision *d);

/* ---- blocks.c: blocks that wait for no service ---- */
/* Does what the block says. True: it is passed, the next one's turn. */
bool saga_enter_block(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope);
/* The timer of a block that waits has rung. False: no such block waits. */
bool saga_wait_is_over(struct saga_decision *d, struct saga_slice label);
/* An operator counts the block as done that the saga is stuck on. */
void saga_skip_block(struct saga_decision *d);

/* ---- backward.c: compensation ---- */
/* Ends the forward way and begins to compensate, or defers that while the pivot is in flight. */
void saga_compensate_begin(struct saga_decision *d, struct saga_error_value error);
/* Goes on in the backward direction as far as it goes without an answer. Does nothing unless compensating and
 * not paused. */
void saga_compensate_next(struct saga_decision *d);
void saga_compensation_send_again(struct saga_decision *d, struct saga_step_state *step);
void saga_compensation_attempt_failed(struct saga_decision *d, struct saga_step_state *step,
                                      struct saga_slice reason, struct saga_slice message);

/* ---- one file a kind of event ---- */
void saga_decide_start(struct saga_decision *d);
void saga_decide_reply(struct saga_decision *d);
void saga_decide_timer(struct saga_decision *d);
void saga_decide_operator(struct saga_decision *d);

#endif
