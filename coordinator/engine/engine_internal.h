/* What the engine's files share. */
#ifndef SAGA_ENGINE_ENGINE_INTERNAL_H
#define SAGA_ENGINE_ENGINE_INTERNAL_H

#include "base/assert.h"
#include "engine/engine.h"

/* Timers by name: `step/<path>` and `compensation/<path>` mean the timeout of an open attempt, or the end of the
 * wait before the next one; `wait/<path>` the end of a block that waits; `go-on` rings at once, when a saga had more to
 * do than fits one record; `expire`, `tick` and `again` are entries'. */
#define SAGA_TIMER_DEADLINE "deadline"
#define SAGA_TIMER_KEEP "keep"
#define SAGA_TIMER_STEP "step"
#define SAGA_TIMER_COMPENSATION "compensation"
#define SAGA_TIMER_WAIT "wait"
#define SAGA_TIMER_GO_ON "go-on"
#define SAGA_TIMER_EXPIRE "expire"
#define SAGA_TIMER_TICK "tick"
#define SAGA_TIMER_TICK_AGAIN "again"

#define SAGA_REASON_TIMEOUT "timeout"
#define SAGA_REASON_RESOLVED "resolved"
/* Type of the error of a step whose event cannot be waited for. */
#define SAGA_ERROR_TOO_MANY_WAIT "TooManyWait"

/* One call of saga_decide. */
struct saga_decision {
    const struct saga_definition *definition; /* NULL: not to be had (R19) */
    struct saga_state *state;
    const struct saga_event *event;
    struct saga_arena *arena;
    struct saga_facts *facts;
};

/* Adds a fact and applies it. */
void saga_emit_fact(struct saga_decision *d, const struct saga_fact *fact);
/* The same for one that is made where it is emitted; a fact is large, so it is not copied on the way. */
static inline void saga_emit(struct saga_decision *d, struct saga_fact fact)
{
    saga_emit_fact(d, &fact);
}

/* Would the state be over its limit with that many bytes more (R23)? Then `*ret_message` says so. */
bool saga_is_over_limit(struct saga_decision *d, size_t more, struct saga_slice *ret_message);

/* Goes on in whichever direction the saga moves, as far as it goes without an answer. */
void saga_proceed(struct saga_decision *d);
/* The deadline rang: compensates where there is a way back, else it is only an alarm. */
void saga_deadline_passed(struct saga_decision *d);
/* Ends being stuck, in that direction; what rang meanwhile rings again. The caller proceeds. */
void saga_go_on(struct saga_decision *d, enum saga_status status, const char *reason);
/* The same, the way it was going, and proceeds. */
void saga_continue(struct saga_decision *d, const char *reason);
/* R19: it cannot go on without its definition. Does nothing unless running or compensating. */
void saga_stick_on_definition(struct saga_decision *d);

const struct saga_step *saga_step_of(const struct saga_decision *d,
                                     const struct saga_step_state *step);
bool saga_step_is_open(const struct saga_step_state *step);
/* May a step be done whose newest attempt was answered Unavailable (R18)? */
bool saga_step_may_be_done(const struct saga_step_state *step);

/* ---- scopes.c: where a block stands, and what an expression sees there ---- */
/* Evaluates `expression` at a place (NULL: outside of all blocks), with a reply's body if given. NULL gives {}. */
int saga_evaluate(const struct saga_decision *d, const struct saga_scope *scope,
                  struct saga_expression *expression, struct saga_slice reply,
                  struct saga_slice *ret_json, struct saga_slice *ret_message);
/* The list of blocks that a scope (no loop's) runs. */
const struct saga_block_list *saga_scope_blocks(const struct saga_decision *d,
                                                const struct saga_scope *scope);
/* The label, and the round of each loop around it, outermost first: `pay-supplier[3]`. */
struct saga_slice saga_path(const struct saga_decision *d, const struct saga_scope *scope,
                            struct saga_slice label);
/* `.error` */
struct saga_slice saga_error_json(const struct saga_decision *d);

/* ---- forward.c: from block to block ---- */
/* Goes on in the forward direction as far as it goes without an answer. Does nothing unless running, not paused, and
 * with no compensation waiting for a pivot. */
void saga_advance(struct saga_decision *d);
/* A fact about a block at a place. */
struct saga_fact saga_fact_at(const struct saga_decision *d, enum saga_fact_kind kind,
                              const struct saga_block *block, const struct saga_scope *scope);
void saga_pass_block(struct saga_decision *d, const struct saga_block *block,
                     const struct saga_scope *scope, const char *reason);
/* A block could not be done, and nothing was sent: before the pivot the saga is compensated, behind it it is stuck.
 * The second: because an expression gave nothing to go on with. */
void saga_block_failed(struct saga_decision *d, const struct saga_scope *scope,
                       struct saga_slice path, struct saga_slice type, struct saga_slice message);
void saga_body_failed(struct saga_decision *d, const struct saga_scope *scope,
                      struct saga_slice path, struct saga_slice message);
void saga_stick(struct saga_decision *d, enum saga_stuck_on on, uint32_t scope,
                struct saga_slice path, struct saga_slice message);
/* Publishes the event of the saga's end if the definition has it; false when its body could not be made
 * (`*ret_message`). */
bool saga_publish(struct saga_decision *d, const struct saga_publish *publish,
                  struct saga_slice *ret_body, struct saga_slice *ret_message);
/* The saga's end, and everybody who must hear of it. `result`: what a parent is told (R22). */
void saga_end(struct saga_decision *d, enum saga_fact_kind kind, const char *reason,
              struct saga_slice result);
/* Until when a saga is kept that ends now. */
int64_t saga_kept_until(const struct saga_decision *d);

/* ---- steps.c: attempts and their ends ---- */
/* Sends a further attempt of a step that was sent before; the second whatever it waits for. */
void saga_send_again(struct saga_decision *d, struct saga_step_state *step);
void saga_try_again(struct saga_decision *d, struct saga_step_state *step);
/* How many attempts a step has, also behind the pivot; 0: as many as it takes. */
uint32_t saga_attempts_of(const struct saga_decision *d, const struct saga_step *declared);
/* A step's attempt got no useful answer: tries again, or ends the step as failed or unknown. `type` and `message` are
 * what an error will say; `timed_out` tells a missing answer from an Unavailable. */
void saga_attempt_failed(struct saga_decision *d, struct saga_step_state *step, bool timed_out,
                         struct saga_slice type, struct saga_slice message);
/* After StepSucceeded: drops a compensation that waited for this pivot, and ends being stuck on this step. The
 * caller proceeds. */
void saga_step_succeeded(struct saga_decision *d, struct saga_slice path);
/* After StepFailed, StepUnknown: what it means for the saga. */
void saga_step_not_succeeded(struct saga_decision *d, struct saga_slice path);
/* The same where nothing else stands in the way: runs the blocks that are for this failure, compensates, or is stuck. */
void saga_step_settled(struct saga_decision *d, const struct saga_step_state *step);

/* ---- decide_reply.c: what an answer means, whoever gave it ---- */
void saga_succeed(struct saga_decision *d, const struct saga_step_state *step);
void saga_fail(struct saga_decision *d, const struct saga_step_state *step);
void saga_compensation_succeeded(struct saga_decision *d, const struct saga_step_state *step);
void saga_compensation_refused(struct saga_decision *d, const struct saga_step_state *step);

/* ---- blocks.c: blocks that wait for no service ---- */
void saga_enter_simple(struct saga_decision *d, const struct saga_block *block,
                       const struct saga_scope *scope);
/* The timer of a block that waits has rung. False: no such block waits. */
bool saga_wait_is_over(struct saga_decision *d, struct saga_slice path);

/* ---- compose.c: blocks that hold lists of blocks ---- */
void saga_enter_composite(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope);
/* All that it had opened has ended. */
void saga_leave_composite(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope);
/* Opens the next round of a `for-each`, or ends it. False: its rounds are under way. */
bool saga_move_loop(struct saga_decision *d, const struct saga_scope *loop);
/* Runs the blocks that a step has for its failure. */
void saga_start_catch(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope, size_t branch);

/* ---- await.c: outside events (R21) ---- */
void saga_await_open(struct saga_decision *d, const struct saga_block *block,
                     const struct saga_scope *scope, uint32_t attempt);
void saga_await_timed_out(struct saga_decision *d, const struct saga_step_state *step);
/* Tells everybody who keeps events for it that it waits no more. */
void saga_close_waits(struct saga_decision *d);
/* AwaitOpen or AwaitClose to the entry of an open step. */
void saga_await_ask(struct saga_decision *d, enum saga_note note,
                    const struct saga_step_state *step);
/* The step to which the event was sent, if it is still the same attempt; NULL: none. */
struct saga_step_state *saga_await_waiting(const struct saga_decision *d);
/* An event was sent to the step (NULL: there is none): takes it, or gives it back. */
void saga_await_matched(struct saga_decision *d, struct saga_step_state *step);
/* The entry has no room for the step as one more that waits (NULL: there is none): it fails, without on-timeout. */
void saga_await_refused(struct saga_decision *d, const struct saga_step_state *step);
/* Evaluates to a text or a number, as a business key may be; false with words. */
bool saga_text_of(struct saga_decision *d, struct saga_expression *expression,
                  const struct saga_scope *scope, struct saga_slice *ret,
                  struct saga_slice *ret_message);

/* ---- child.c: child sagas (R22) ---- */
void saga_send_note(struct saga_decision *d, enum saga_note note, struct saga_slice id,
                    struct saga_slice from_step);
void saga_child_start(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope, uint32_t attempt);
/* Asks everybody once more whom the saga waits for, because it could not take what they said. */
void saga_ask_again(struct saga_decision *d);
void saga_cancel_children(struct saga_decision *d);
void saga_release_children(struct saga_decision *d);
void saga_tell_parent(struct saga_decision *d, struct saga_slice result);
/* Is the event from the saga whose child this is? */
bool saga_is_from_parent(const struct saga_decision *d);
/* Its parent asks for it though it is there: it did not hear of its end. */
void saga_child_start_again(struct saga_decision *d);
/* A note of each kind came; `step` of the parent's may be NULL. */
void saga_child_ended(struct saga_decision *d, struct saga_step_state *step);
void saga_child_compensated(struct saga_decision *d, struct saga_step_state *step);
void saga_child_cancel(struct saga_decision *d);
void saga_child_compensate(struct saga_decision *d);
void saga_child_release(struct saga_decision *d);

/* ---- backward.c: compensation ---- */
/* Ends the forward way and begins to compensate, or defers that while the pivot is in flight; of a running saga also while
 * nobody knows whether it was done. */
void saga_compensate_begin(struct saga_decision *d, struct saga_error_value error);
/* The pivot of which nobody knows whether it was done; NULL: there is none. */
struct saga_step_state *saga_unknown_pivot(const struct saga_state *state);
/* Is there such a one, or one in flight? */
bool saga_pivot_may_be_done(const struct saga_state *state);
/* Goes on in the backward direction as far as it goes without an answer. Does nothing unless compensating and
 * not paused. */
void saga_compensate_next(struct saga_decision *d);
void saga_compensation_send_again(struct saga_decision *d, struct saga_step_state *step);
void saga_compensation_attempt_failed(struct saga_decision *d, struct saga_step_state *step,
                                      struct saga_slice reason, struct saga_slice message);
/* Unless the saga is stuck already: then this one is looked at when it goes on. */
void saga_stick_on_compensation(struct saga_decision *d, struct saga_slice path,
                                struct saga_slice message);

/* ---- entries ---- */
struct saga_waiter *saga_state_waiter(const struct saga_state *state, struct saga_slice id,
                                      struct saga_slice run, struct saga_slice step);
struct saga_kept_event *saga_state_kept_event(const struct saga_state *state, struct saga_slice id);
void saga_decide_entry(struct saga_decision *d);
/* The run of an entry that the event begins. No service is told of it, so that it is of the event's place alone. */
struct saga_slice saga_entry_run(struct saga_decision *d);
void saga_decide_correlation(struct saga_decision *d);
void saga_decide_schedule(struct saga_decision *d);
void saga_ignore_note(struct saga_decision *d, const char *reason, const char *message);

/* ---- one file a kind of event ---- */
void saga_decide_start(struct saga_decision *d);
void saga_decide_reply(struct saga_decision *d);
void saga_decide_timer(struct saga_decision *d);
void saga_decide_operator(struct saga_decision *d);
void saga_decide_note(struct saga_decision *d);

#endif
