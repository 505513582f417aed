/* What the explorer looks for. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explore/explore_internal.h"

const struct saga_flaw_kind saga_flaw_kinds[SAGA_FLAW_COUNT] = {
    [SAGA_FLAW_CUT_SHORT] = { "SX100", SAGA_SEVERITY_WARNING, "not all ways were explored",
                              "what is not explored may hold any fault",
                              "raise the limit that it names, or lower --rounds and --attempts" },
    [SAGA_FLAW_NOT_TAKEN_BACK] = { "SX101", SAGA_SEVERITY_ERROR,
                                   "something stays done though the saga is compensated",
                                   "whoever reads `compensated` believes that nothing is left",
                                   "give the step `compensate`, or `compensate: none` if there is "
                                   "nothing to take back" },
    [SAGA_FLAW_TAKEN_BACK_AFTER] = { "SX102", SAGA_SEVERITY_ERROR,
                                     "something is taken back though the pivot succeeded",
                                     "once the pivot is done, what came before it must stay",
                                     "move what can still fail before the pivot" },
    [SAGA_FLAW_PIVOT_UNKNOWN] = { "SX103", SAGA_SEVERITY_ERROR,
                                  "a saga is compensated though its pivot may be done",
                                  "a pivot cannot be taken back: the outcome must be known first",
                                  "nothing may end the way there before the pivot has" },
    [SAGA_FLAW_SAME_COMMAND] = { "SX104", SAGA_SEVERITY_ERROR, "two commands have one id",
                                 "services take the second for a repetition and do not do it",
                                 "give the steps names of their own" },
    [SAGA_FLAW_NOT_HANDLED] = { "SX105", SAGA_SEVERITY_ERROR,
                                "an answer or alarm that is due is not taken",
                                "the saga would wait on, though it was told",
                                "report it: no definition should do this" },
    [SAGA_FLAW_ENGINE] = { "SX106", SAGA_SEVERITY_ERROR, "a check of the engine fails",
                           "a coordinator would stop there",
                           "report it: no definition should do this" },
    [SAGA_FLAW_NO_END] = { "SX107", SAGA_SEVERITY_ERROR, "from there no end can be reached",
                           "the saga would stay under way for ever",
                           "give what is waited for a timeout, or the saga a `deadline`" },
    [SAGA_FLAW_WAITS_FOR_EVER] = { "SX108", SAGA_SEVERITY_WARNING, "the saga may wait for ever",
                                   "an event of the outside world may never come, and no timer "
                                   "ends "
                                   "the wait",
                                   "give the `await` a `timeout`, or the saga a `deadline`" },
    [SAGA_FLAW_TRIES_FOR_EVER] = { "SX109", SAGA_SEVERITY_WARNING,
                                   "a step may be tried again for ever",
                                   "a service that stays away would keep the saga, and what it has "
                                   "reserved, without end",
                                   "give `retry` its `attempts`, or the saga a `deadline`" },
    [SAGA_FLAW_NEVER_COMPLETES] = { "SX110", SAGA_SEVERITY_ERROR, "no way leads to `completed`",
                                    "whatever the services answer, no such saga ever succeeds",
                                    "look for a `fail` that every way runs into" },
    [SAGA_FLAW_NEVER_REACHED] = { "SX111", SAGA_SEVERITY_WARNING, "no way leads to this block",
                                  "it looks as if it would run, but no saga comes there",
                                  "take it out, or what ends every way before it" },
};

/* ---- findings ---- */

struct saga_explore_step *saga_explore_way(struct saga_exploration *x, uint32_t node,
                                           const struct saga_explore_step *last, size_t *ret_count)
{
    size_t count = last != NULL;
    for (uint32_t at = node; x->nodes[at].parent != SAGA_EXPLORE_NONE; at = x->nodes[at].parent)
        count++;
    struct saga_explore_step *way = SAGA_NEW_ARRAY(x->arena, struct saga_explore_step, count + 1);
    *ret_count = count;
    if (last) way[--count] = *last;
    for (uint32_t at = node; count > 0; at = x->nodes[at].parent)
        way[--count] = (struct saga_explore_step){ x->nodes[at].move, x->nodes[at].choices,
                                                   x->nodes[at].choice_count };
    return way;
}

void saga_explore_find(struct saga_exploration *x, enum saga_flaw flaw, struct saga_slice subject,
                       const struct saga_block *block, uint32_t node,
                       const struct saga_explore_step *last)
{
    struct saga_explored *result = x->result;
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct saga_explore_finding *there = &result->findings[i];
        bool same = block ? there->block == block : saga_slice_equal(there->subject, subject);
        if (there->flaw == flaw && same) return;
    }
    struct saga_explore_finding finding = { .flaw = flaw,
                                            .subject = saga_arena_copy(x->arena, subject),
                                            .block = block };
    if (node != SAGA_EXPLORE_NONE)
        finding.way = saga_explore_way(x, node, last, &finding.way_count);
    SAGA_PUSH(x->arena, result->findings, result->finding_count, result->finding_capacity, finding);
}

static const struct saga_block *block_of(const struct saga_exploration *x,
                                         const struct saga_step_state *step)
{
    return step ? x->definition->blocks[step->block] : NULL;
}

static void find_step(struct saga_exploration *x, const struct saga_transition *t,
                      enum saga_flaw flaw, const struct saga_step_state *step)
{
    saga_explore_find(x, flaw, step ? step->path : SAGA_SLICE_NONE, block_of(x, step), t->from,
                      &t->step);
}

/* ---- events ---- */

static uint64_t hash_of(struct saga_slice text)
{
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a: ids of one way are few */
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3ULL;
    return hash ? hash : 1;
}

static bool was_sent(const struct saga_exploration *x, uint32_t node, uint64_t id)
{
    for (; node != SAGA_EXPLORE_NONE; node = x->nodes[node].parent)
        if (x->nodes[node].sent[0] == id || x->nodes[node].sent[1] == id) return true;
    return false;
}

/* R15: no two commands have one id. Two a record are remembered; a `parallel` or loop that sends more has paths of its
 * own for each. */
static void check_id(struct saga_exploration *x, struct saga_transition *t,
                     const struct saga_fact *fact)
{
    bool compensation = fact->kind == SAGA_FACT_COMPENSATION_SENT;
    uint64_t id =
        hash_of(saga_command_id(&x->decision, t->after, fact->step, compensation, fact->attempt));
    bool twice = t->sent[0] == id || t->sent[1] == id || was_sent(x, t->from, id);
    if (twice) find_step(x, t, SAGA_FLAW_SAME_COMMAND, saga_state_step(t->after, fact->step));
    t->sent[t->sent[0] != 0] = id;
}

/* A declared answer to what is open, or an alarm that is armed, must not be ignored. */
static void check_ignored(struct saga_exploration *x, const struct saga_transition *t,
                          const struct saga_fact *fact)
{
    static const char *const faults[] = { "unexpected-type", "ambiguous",     "unknown-step",
                                          "unknown-attempt", "unknown-timer", "block-ended",
                                          "unknown-note" };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (saga_slice_is(fact->reason, faults[i]))
            saga_explore_find(x, SAGA_FLAW_NOT_HANDLED, fact->reason, NULL, t->from, &t->step);
}

static void note_reached(struct saga_exploration *x, const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_EVENT_PUBLISHED:
    case SAGA_FACT_VARIABLES_SET:
    case SAGA_FACT_WAIT_STARTED:
    case SAGA_FACT_BLOCK_PASSED:
    case SAGA_FACT_BRANCH_STARTED:
    case SAGA_FACT_LOOP_STARTED:
    case SAGA_FACT_AWAIT_OPENED:
    case SAGA_FACT_CHILD_STARTED:
        if (fact->step.size) x->reached[fact->block] = true;
        return;
    default: return;
    }
}

static void check_fact(struct saga_exploration *x, struct saga_transition *t,
                       const struct saga_fact *fact)
{
    note_reached(x, fact);
    switch (fact->kind) {
    case SAGA_FACT_COMPENSATION_SENT:
        if (t->before->pivoted || t->after->pivoted)
            find_step(x, t, SAGA_FLAW_TAKEN_BACK_AFTER, saga_state_step(t->after, fact->step));
        check_id(x, t, fact);
        return;
    case SAGA_FACT_STEP_SENT: check_id(x, t, fact); return;
    case SAGA_FACT_REPLY_IGNORED:
    case SAGA_FACT_TIMER_IGNORED:
    case SAGA_FACT_NOTE_IGNORED: check_ignored(x, t, fact); return;
    default: return;
    }
}

void saga_explore_check_transition(struct saga_exploration *x, struct saga_transition *t)
{
    for (size_t i = 0; i < t->facts->count; i++) check_fact(x, t, &t->facts->items[i]);
}

/* ---- states ---- */

static bool is_done(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
}

/* The definition must say so where nothing is taken back: that none was declared is no reason. */
static bool is_taken_back(const struct saga_exploration *x, const struct saga_step_state *step)
{
    if (step->kind == SAGA_STEP_AWAIT) return true;
    if (step->compensation == SAGA_COMPENSATION_NOT_NEEDED)
        return step->kind == SAGA_STEP_COMMAND &&
               block_of(x, step)->step.compensate.kind == SAGA_COMPENSATE_NONE;
    return step->compensation == SAGA_COMPENSATION_DONE ||
           step->compensation == SAGA_COMPENSATION_SKIPPED;
}

static void check_compensated(struct saga_exploration *x, const struct saga_transition *t)
{
    for (size_t i = 0; i < t->after->step_count; i++) {
        const struct saga_step_state *step = &t->after->steps[i];
        if (is_done(step) && !step->pivot && !is_taken_back(x, step))
            find_step(x, t, SAGA_FLAW_NOT_TAKEN_BACK, step);
    }
}

static void check_pivots(struct saga_exploration *x, const struct saga_transition *t)
{
    for (size_t i = 0; i < t->after->step_count; i++) {
        const struct saga_step_state *step = &t->after->steps[i];
        if (!step->pivot || !is_done(step)) continue;
        find_step(x, t,
                  step->status == SAGA_STEP_UNKNOWN ? SAGA_FLAW_PIVOT_UNKNOWN
                                                    : SAGA_FLAW_TAKEN_BACK_AFTER,
                  step);
    }
}

static void check_waiting(struct saga_exploration *x, const struct saga_transition *t)
{
    const struct saga_step_state *awaits = NULL;
    const struct saga_state *state = t->after;
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        bool open = step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
        if (open && step->kind == SAGA_STEP_CHILD) return; /* it ends by itself */
        if (open && step->kind == SAGA_STEP_AWAIT) awaits = step;
        bool endless = step->kind == SAGA_STEP_COMMAND && step->status == SAGA_STEP_BACKOFF &&
                       block_of(x, step)->step.retry.attempts == 0;
        if (endless && !state->pivoted && state->status == SAGA_RUNNING && !state->has_deferred &&
            !saga_state_timer(state, SAGA_SLICE("deadline")))
            find_step(x, t, SAGA_FLAW_TRIES_FOR_EVER, step);
    }
    if (awaits && state->timer_count == 0 && state->status == SAGA_RUNNING && !state->paused)
        find_step(x, t, SAGA_FLAW_WAITS_FOR_EVER, awaits);
}

void saga_explore_check_state(struct saga_exploration *x, const struct saga_transition *t)
{
    if (t->after->status == SAGA_COMPENSATED) check_compensated(x, t);
    if (t->after->status == SAGA_COMPENSATING || t->after->status == SAGA_COMPENSATED)
        check_pivots(x, t);
    check_waiting(x, t);
    x->completes = x->completes || t->after->status == SAGA_COMPLETED;
}

/* ---- the whole ---- */

/* Backwards over the edges, from where sagas come to rest. */
static void check_ends(struct saga_exploration *x)
{
    bool *good = saga_memory_zeroed(x->node_count, sizeof *good);
    for (size_t i = 0; i < x->node_count; i++) good[i] = x->nodes[i].rests;
    for (bool changed = true; changed;) {
        changed = false;
        /* edges lead forward mostly, so few rounds will do */
        for (size_t i = x->edge_count; i > 0; i--) {
            const struct saga_explore_edge *edge = &x->edges[i - 1];
            if (good[edge->from] || !good[edge->to]) continue;
            good[edge->from] = changed = true;
        }
    }
    for (size_t i = 0; i < x->node_count; i++) {
        if (good[i]) continue;
        saga_explore_find(x, SAGA_FLAW_NO_END, SAGA_SLICE_NONE, NULL, (uint32_t)i, NULL);
        break;
    }
    free(good);
}

void saga_explore_check_whole(struct saga_exploration *x)
{
    check_ends(x);
    if (x->options->input.data) return; /* another one may lead elsewhere */
    if (!x->completes)
        saga_explore_find(x, SAGA_FLAW_NEVER_COMPLETES, SAGA_SLICE_NONE, NULL, SAGA_EXPLORE_NONE,
                          NULL);
    for (size_t i = 0; i < x->definition->block_count; i++) {
        const struct saga_block *block = x->definition->blocks[i];
        if (x->reached[i] || block->kind == SAGA_BLOCK_FAIL) continue;
        saga_explore_find(x, SAGA_FLAW_NEVER_REACHED, block->label, block, SAGA_EXPLORE_NONE, NULL);
    }
}
