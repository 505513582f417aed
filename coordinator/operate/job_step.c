/* What is to be done of a job now. First its sagas are selected: a list that is written down, so that the job is about these and
 * no others, wherever they come to stand meanwhile. Then portions of the list are sent the command, each in one transaction
 * with how far the job has come in its list: a saga that was sent it is behind that place, whatever ends in between. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/monotonic.h"
#include "base/table.h"
#include "codec/message.h"
#include "operate/job_runner_internal.h"
#include "operate/lanes.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "runtime/log.h"

enum { PACE_MS = 250, LOG_MS = 30000, SELECT_PORTION = 1000, LISTS_AT_ONCE = 16 };

/* ---- a job in hand ---- */

struct saga_job_hand *saga_job_hand_of(struct saga_job_runner *runner, struct saga_slice id)
{
    struct saga_job_hand *hand;
    HASH_FIND(hh, runner->hands, id.data, id.size, hand);
    if (hand) return hand;
    hand = saga_memory_zeroed(1, sizeof *hand);
    memcpy(hand->id, id.data, id.size);
    hand->filled_ms = saga_monotonic_ms();
    saga_arena_init(&hand->arena);
    HASH_ADD_KEYPTR(hh, runner->hands, hand->id, id.size, hand);
    return hand;
}

static void lay_down(struct saga_job_runner *runner, struct saga_job_hand *hand)
{
    HASH_DEL(runner->hands, hand);
    saga_arena_free(&hand->arena);
    free(hand);
}

void saga_job_hands_free(struct saga_job_runner *runner)
{
    struct saga_job_hand *hand, *next;
    HASH_ITER(hh, runner->hands, hand, next) lay_down(runner, hand);
}

/* How many sagas may be sent something now: 0 until there is enough to be worth a transaction. A second's worth at most is
 * saved up. */
static size_t room_of(struct saga_job_hand *hand, const struct saga_job *job)
{
    int64_t now_ms = saga_monotonic_ms();
    double rate = job->rate, worth = rate * PACE_MS / 1000;
    hand->tokens += rate * (double)(now_ms - hand->filled_ms) / 1000;
    hand->filled_ms = now_ms;
    if (hand->tokens > rate) hand->tokens = rate;
    if (worth > SAGA_JOB_PORTION_MAX) worth = SAGA_JOB_PORTION_MAX;
    if (worth < 1) worth = 1;
    if (hand->tokens < worth) return 0;
    return hand->tokens < SAGA_JOB_PORTION_MAX ? (size_t)hand->tokens : SAGA_JOB_PORTION_MAX;
}

/* ---- what is written down ---- */

/* Makes `next` stand, together with the records before it, for which `messages` has room for one more; then the job is like
 * that. */
static int commit(struct saga_job_runner *runner, struct saga_job *job, struct saga_job *next,
                  struct saga_message *messages, size_t count)
{
    next->progress_ms = saga_now_ms();
    if (saga_job_has_ended(next->status)) next->ended_ms = next->progress_ms;
    messages[count] = saga_job_progress_message(runner->call.topics.jobs, next, runner->call.arena);
    int error = saga_outbox_commit(runner->outbox, messages, count + 1);
    if (error < 0) {
        saga_log_seldom(&runner->log_ms, LOG_MS, SAGA_LOG_WARNING, "a job waits",
                        "job=%.*s words=\"%s\"", SAGA_SLICE_ARG(job->id),
                        saga_outbox_problem(runner->outbox));
        return error;
    }
    enum saga_job_status before = job->status;
    error = saga_jobs_take(&runner->jobs, messages[count].key, messages[count].value);
    if (job->status != before)
        saga_log(SAGA_LOG_INFO, "job", "job=%.*s status=%s verb=%s selected=%llu sent=%llu",
                 SAGA_SLICE_ARG(job->id), saga_job_status_name(job->status),
                 saga_verb_name(job->verb), (unsigned long long)job->selected,
                 (unsigned long long)job->sent);
    return error == SAGA_OK ? SAGA_OK : SAGA_E_RECOVER;
}

/* With its list, which nobody needs any more. */
static int end(struct saga_job_runner *runner, struct saga_job *job, enum saga_job_status status,
               const char *why)
{
    struct saga_call *call = &runner->call;
    size_t lists = saga_job_lists(job);
    struct saga_message *messages = SAGA_NEW_ARRAY(call->arena, struct saga_message, lists + 1);
    struct saga_job next = *job;
    next.status = status;
    next.why = saga_slice_of(why);
    if (status == SAGA_JOB_DONE && !next.began_ms) next.began_ms = saga_now_ms();
    for (size_t i = 0; i < lists; i++)
        messages[i] =
            saga_job_list_message(call->topics.jobs, job->id, i, SAGA_SLICE_NONE, call->arena);
    int error = commit(runner, job, &next, messages, lists);
    if (error == SAGA_OK) lay_down(runner, saga_job_hand_of(runner, job->id));
    return error;
}

/* What it waits for is written down once, for whoever asks. */
static int hold_up(struct saga_job_runner *runner, struct saga_job *job, const char *why)
{
    struct saga_message message[1];
    struct saga_job next = *job;
    if (saga_slice_is(job->why, why)) return SAGA_OK;
    next.why = saga_slice_of(why);
    return commit(runner, job, &next, message, 0);
}

/* NULL: Redis has all that the journal has of every lane, so that what is not found is not there. */
static const char *doubt(struct saga_job_runner *runner)
{
    struct saga_call *call = &runner->call;
    uint32_t lanes = call->config.lanes;
    struct saga_lane_status *all = SAGA_NEW_ARRAY(call->arena, struct saga_lane_status, lanes);
    if (saga_views_every_lane(call->views, lanes, call->arena, all) < 0)
        return saga_views_problem(call->views);
    for (uint32_t lane = 0; lane < lanes; lane++)
        if (saga_lane_standing(&all[lane], saga_now_ms()) != SAGA_LANE_CONFIRMED)
            return saga_arena_printf(call->arena,
                                     "lane %u is not at hand: not all of its sagas may be in Redis",
                                     lane)
                .data;
    return NULL;
}

/* ---- which sagas ---- */

static void begin_selecting(struct saga_job_hand *hand)
{
    saga_arena_reset(&hand->arena);
    hand->ids = NULL;
    hand->count = hand->capacity = 0;
    hand->has_after = false;
}

static void select_one(const struct saga_state *state, void *context)
{
    struct saga_job_hand *hand = context;
    SAGA_PUSH(&hand->arena, hand->ids, hand->count, hand->capacity,
              saga_arena_copy(&hand->arena, state->id));
}

static int by_id(const void *left, const void *right)
{
    return saga_slice_compare(*(const struct saga_slice *)left, *(const struct saga_slice *)right);
}

/* A saga that went from one index to another meanwhile was met twice. */
static void leave_out_doubles(struct saga_job_hand *hand)
{
    size_t kept = 0;
    if (hand->count) qsort(hand->ids, hand->count, sizeof *hand->ids, by_id);
    for (size_t i = 0; i < hand->count; i++)
        if (kept == 0 || !saga_slice_equal(hand->ids[kept - 1], hand->ids[i]))
            hand->ids[kept++] = hand->ids[i];
    hand->count = kept;
}

static struct saga_message list_of(struct saga_job_runner *runner, const struct saga_job *job,
                                   const struct saga_job_hand *hand, size_t list)
{
    struct saga_call *call = &runner->call;
    struct saga_buffer lines;
    size_t from = list * SAGA_JOB_PORTION_MAX, to = from + SAGA_JOB_PORTION_MAX;
    saga_buffer_init(&lines, call->arena);
    for (size_t i = from; i < to && i < hand->count; i++) {
        saga_buffer_add(&lines, hand->ids[i]);
        saga_buffer_add_char(&lines, '\n');
    }
    return saga_job_list_message(call->topics.jobs, job->id, list, saga_buffer_slice(&lines),
                                 call->arena);
}

/* Some lists a transaction; with the last of them, the job is about these sagas. */
static int write_selection(struct saga_job_runner *runner, struct saga_job *job,
                           struct saga_job_hand *hand)
{
    struct saga_message messages[LISTS_AT_ONCE + 1];
    struct saga_job next = *job;
    int error = SAGA_OK;
    leave_out_doubles(hand);
    if (hand->count == 0) return end(runner, job, SAGA_JOB_DONE, NULL);
    next.status = SAGA_JOB_RUNNING;
    next.selected = hand->count;
    next.began_ms = saga_now_ms();
    next.why = SAGA_SLICE_NONE;
    size_t lists = saga_job_lists(&next), count = 0;
    for (size_t i = 0; i < lists && error == SAGA_OK; i++) {
        messages[count++] = list_of(runner, job, hand, i);
        if (count < LISTS_AT_ONCE || i + 1 == lists) continue;
        error = saga_outbox_commit(runner->outbox, messages, count);
        count = 0;
    }
    if (error == SAGA_OK) error = commit(runner, job, &next, messages, count);
    if (error < 0) begin_selecting(hand);
    return error;
}

/* Looks at some thousands of sagas. What is not all at hand is looked for from the beginning later. */
static int select_some(struct saga_job_runner *runner, struct saga_job *job,
                       struct saga_job_hand *hand, struct saga_wanted *wanted)
{
    struct saga_call *call = &runner->call;
    struct saga_view_row last = { 0 };
    bool more = false;
    wanted->page.limit = SELECT_PORTION;
    wanted->page.has_after = hand->has_after;
    wanted->page.after_ms = hand->after_ms;
    wanted->page.after_id = hand->after_id;
    const char *why = doubt(runner);
    int code = SAGA_EXIT_DONE;
    if (!why) code = saga_find(call, call->config.lanes, wanted, select_one, hand, &more, &last);
    if (code == SAGA_EXIT_USAGE) return end(runner, job, SAGA_JOB_FAILED, runner->problem.what);
    if (!why) why = code == SAGA_EXIT_DONE ? doubt(runner) : runner->problem.what;
    if (why) {
        begin_selecting(hand);
        return hold_up(runner, job, why);
    }
    if (hand->count > SAGA_JOB_SAGAS_MAX)
        return end(runner, job, SAGA_JOB_FAILED, "it means more sagas than a job may have");
    if (!more || !last.saga_id.data) return write_selection(runner, job, hand);
    hand->has_after = true;
    hand->after_ms = last.changed_ms;
    hand->after_id = saga_arena_copy(&hand->arena, last.saga_id);
    return SAGA_OK;
}

/* ---- a portion ---- */

struct portion {
    const struct saga_slice *ids;
    size_t count;
    struct saga_slice *states; /* absent: it has left */
};

static int read_portion(struct saga_job_runner *runner, struct portion *p)
{
    struct saga_call *call = &runner->call;
    struct saga_slice *ids = SAGA_NEW_ARRAY(call->arena, struct saga_slice, p->count);
    struct saga_slice *states = SAGA_NEW_ARRAY(call->arena, struct saga_slice, p->count);
    size_t *places = SAGA_NEW_ARRAY(call->arena, size_t, p->count);
    p->states = SAGA_NEW_ARRAY(call->arena, struct saga_slice, p->count);
    for (uint32_t lane = 0; lane < call->config.lanes; lane++) {
        size_t found = 0;
        for (size_t i = 0; i < p->count; i++) {
            struct saga_slice name, key;
            if (saga_id_parse(p->ids[i], &name, &key) < 0) continue;
            if (saga_lane_of_key(key, call->config.lanes) != lane) continue;
            places[found] = i;
            ids[found++] = p->ids[i];
        }
        int error = saga_views_states(call->views, lane, ids, found, call->arena, states);
        if (error < 0) return error;
        for (size_t i = 0; i < found; i++) p->states[places[i]] = states[i];
    }
    return SAGA_OK;
}

/* Is the saga still meant? Then `*ret` is the command for it. */
static bool make_order(struct saga_job_runner *runner, const struct saga_job *job,
                       const struct saga_filter *filter, struct saga_slice bytes,
                       struct saga_message *ret)
{
    struct saga_call *call = &runner->call;
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (!bytes.data || saga_state_decode(call->codec, bytes, call->arena, &state, &diagnostic) < 0)
        return false;
    saga_cover_state(state); /* as it was selected */
    bool meant = saga_filter_matches(filter, state);
    struct saga_slice id = saga_arena_copy(call->arena, state->id);
    struct saga_slice key = saga_arena_copy(call->arena, state->key);
    saga_state_free(state);
    if (!meant) return false;
    const struct saga_event event = {
        .kind = SAGA_EVENT_OPERATOR,
        .verb = job->verb,
        .type = saga_slice_of(saga_verb_name(job->verb)),
        .who = job->who,
        .from = job->from,
        .reason = job->reason,
        .id = saga_job_order_id(call->arena, job->id, id),
    };
    saga_operator_message(call->topics.inbox, saga_lane_of_key(key, call->config.lanes), id, key,
                          &event, call->arena, ret);
    return true;
}

static int send_portion(struct saga_job_runner *runner, struct saga_job *job,
                        struct saga_job_hand *hand, const struct saga_filter *filter, size_t room)
{
    struct saga_call *call = &runner->call;
    struct saga_job next = *job;
    size_t left = hand->count - (size_t)job->position, count = 0;
    struct portion p = { .ids = hand->ids + job->position, .count = left < room ? left : room };
    const char *why = doubt(runner);
    if (!why && read_portion(runner, &p) < 0) why = saga_views_problem(call->views);
    if (!why) why = doubt(runner); /* a lane may have been emptied since */
    if (why) return hold_up(runner, job, why);
    struct saga_message *messages = SAGA_NEW_ARRAY(call->arena, struct saga_message, p.count + 1);
    for (size_t i = 0; i < p.count; i++)
        count += make_order(runner, job, filter, p.states[i], &messages[count]);
    next.position += p.count;
    next.sent += count;
    next.why = SAGA_SLICE_NONE;
    hand->tokens -= (double)count;
    return commit(runner, job, &next, messages, count);
}

int saga_job_step(struct saga_job_runner *runner, struct saga_job *job)
{
    struct saga_arena *arena = runner->call.arena;
    struct saga_filter_fault fault;
    struct saga_filter filter;
    struct saga_wanted wanted = { .page.until_ms = INT64_MAX, .filter = &filter };
    struct saga_job_hand *hand = saga_job_hand_of(runner, job->id);
    runner->problem = (struct saga_call_problem){ 0 };
    if (job->stop_ms) return end(runner, job, SAGA_JOB_STOPPED, NULL);
    /* a later version may have asked for it in words of its own */
    if (saga_filter_parse(job->where, job->created_ms, arena, &filter, &fault) < 0)
        return end(runner, job, SAGA_JOB_FAILED, fault.what);
    if (job->status == SAGA_JOB_WAITING)
        return saga_filter_narrow(&filter, arena, &wanted.page)
                   ? select_some(runner, job, hand, &wanted)
                   : end(runner, job, SAGA_JOB_DONE, NULL);
    if (hand->count != job->selected)
        return end(runner, job, SAGA_JOB_FAILED, "the list of its sagas is not there any more");
    if (job->position >= job->selected) return end(runner, job, SAGA_JOB_DONE, NULL);
    size_t room = room_of(hand, job);
    return room ? send_portion(runner, job, hand, &filter, room) : SAGA_OK;
}
