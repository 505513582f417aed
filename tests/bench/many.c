#include "many.h"

#include <string.h>

#include "alone.h"
#include "codec/codec.h"
#include "runtime/lane.h"

enum { BATCH = 1000, STEPS = 3, INPUT_BYTES = 500, STUCK = 10, BACK = 25, GOING_BACK = 5 };
enum { SELDOM = 1000, DAY_MS = 86400000 };

static const char *const names[] = { "order", "booking", "claim" };
static const char *const steps[STEPS] = { "reserve", "charge", "ship" };
static char input[INPUT_BYTES];

int bench_many_id(char *room, size_t size, unsigned number)
{
    return snprintf(room, size, "%s/%08u", names[number % 3], number);
}

/* ---- one of them ---- */

static enum saga_status status_of(const struct bench_many *many, unsigned number)
{
    unsigned kind = number * 7919u % 1000;
    if (kind < many->running) return SAGA_RUNNING;
    kind -= many->running;
    return kind < STUCK                       ? SAGA_STUCK
           : kind < STUCK + BACK              ? SAGA_COMPENSATED
           : kind < STUCK + BACK + GOING_BACK ? SAGA_COMPENSATING
                                              : SAGA_COMPLETED;
}

static void set_error(struct saga_state *state, unsigned number)
{
    state->has_error = true;
    state->error = (struct saga_error_value){
        SAGA_SLICE("charge"), SAGA_SLICE("Declined"),
        number % 97 == 0 ? SAGA_SLICE("limit of the card")
                         : saga_arena_printf(&state->arena, "there is no account %08u", number)
    };
    if (state->status != SAGA_STUCK) return;
    state->stuck_on = SAGA_STUCK_ON_COMPENSATION;
    state->stuck_step = SAGA_SLICE("charge");
    state->stuck_message = state->error.message;
}

static enum saga_compensation_status compensation_of(enum saga_status status, bool last)
{
    if (status == SAGA_COMPENSATED || (status == SAGA_COMPENSATING && !last))
        return SAGA_COMPENSATION_DONE;
    if (status == SAGA_COMPENSATING) return SAGA_COMPENSATION_SENT;
    return status == SAGA_STUCK && last ? SAGA_COMPENSATION_FAILED : SAGA_COMPENSATION_NONE;
}

static struct saga_slice step_of(unsigned number, size_t index, bool open)
{
    return open && number / 1000 % SELDOM == 1 ? SAGA_SLICE(BENCH_MANY_SELDOM)
                                               : saga_slice_of(steps[index]);
}

static void add_steps(struct saga_state *state, unsigned number)
{
    size_t count = state->status == SAGA_COMPLETED ? STEPS : 1 + number / 40 % STEPS;
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count, open = state->status == SAGA_RUNNING && last;
        struct saga_step_state step = {
            .path = step_of(number, i, open),
            .status = open ? SAGA_STEP_SENT : SAGA_STEP_SUCCEEDED,
            .attempt = 1,
            .ended_order = open ? 0 : ++state->ended_steps,
            .compensation = compensation_of(state->status, last),
            .topic = SAGA_SLICE("payments.commands"),
            .type = SAGA_SLICE("ChargeCard"),
            .reply_topic = SAGA_SLICE("payments.replies"),
            .sent_ms = state->started_ms,
            .answered_ms = open ? 0 : state->started_ms + 20 + number % 97 * (number % 13),
        };
        SAGA_PUSH(&state->arena, state->steps, state->step_count, state->step_capacity, step);
    }
}

static struct saga_state *saga_of(const struct bench_many *many, unsigned number)
{
    struct saga_state *state = saga_state_new();
    state->name = saga_slice_of(names[number % 3]);
    state->key = saga_arena_printf(&state->arena, "%08u", number);
    state->id = saga_arena_printf(&state->arena, "%.*s/%.*s", SAGA_SLICE_ARG(state->name),
                                  SAGA_SLICE_ARG(state->key));
    state->run = SAGA_SLICE("0000000000000001");
    state->version = 1 + number / 3 % 2;
    state->sequence = STEPS + 1;
    state->changed_ms = many->newest_ms - many->sagas + number;
    state->started_ms = state->changed_ms - 60 - number % 89 * (number % 17);
    state->input = (struct saga_slice){ input, sizeof input };
    SAGA_PUSH(&state->arena, state->scopes, state->scope_count, state->scope_capacity,
              (struct saga_scope){ 0 });
    state->status = status_of(many, number);
    if (saga_status_has_ended(state->status)) state->ended_ms = state->changed_ms;
    if (state->status != SAGA_RUNNING && state->status != SAGA_COMPLETED) set_error(state, number);
    add_steps(state, number);
    if (saga_status_has_ended(state->status))
        SAGA_PUSH(
            &state->arena, state->timers, state->timer_count, state->timer_capacity,
            ((struct saga_timer){ SAGA_SLICE("keep"), state->ended_ms + 7LL * DAY_MS, 1, false }));
    return state;
}

/* ---- all of them ---- */

static uint32_t lane_of(const struct bench_store *store, unsigned number)
{
    char key[16];
    snprintf(key, sizeof key, "%08u", number);
    return saga_lane_of_key(saga_slice_of(key), store->lanes);
}

struct batch {
    struct saga_state *states[BATCH];
    size_t count;
};

static void apply(struct bench_store *store, struct saga_codec *codec, uint32_t lane,
                  struct batch *batch, bool keep_offsets)
{
    struct saga_state_write writes[BATCH];
    struct saga_tally tally;
    int64_t at = bench_store_applied(store, lane);
    saga_tally_init(&tally, &store->arena);
    for (size_t i = 0; i < batch->count; i++) {
        struct saga_slice bytes;
        int64_t *history = SAGA_NEW(&store->arena, int64_t);
        if (saga_state_encode(codec, batch->states[i], &store->arena, &bytes) < 0)
            stop("a state is too large");
        *history = at + (int64_t)i;
        writes[i] = saga_lane_write_fresh(batch->states[i]->id, batch->states[i], bytes,
                                          &store->arena, &tally);
        writes[i].history = history;
        writes[i].history_count = 1;
    }
    bench_store_apply(store, lane, writes, batch->count, &tally,
                      keep_offsets ? at : at + (int64_t)batch->count);
    saga_tally_free(&tally);
    for (size_t i = 0; i < batch->count; i++) saga_state_free(batch->states[i]);
    batch->count = 0;
    saga_arena_reset(&store->arena);
}

void bench_many_fill(struct bench_store *store, const struct bench_many *many)
{
    struct saga_codec *codec;
    struct batch *batches = calloc(store->lanes, sizeof *batches);
    if (!batches || saga_codec_new(&codec) < 0) stop("out of memory");
    memset(input, 'x', sizeof input);
    for (unsigned n = 0; n < many->sagas; n++) {
        uint32_t lane = lane_of(store, n);
        batches[lane].states[batches[lane].count++] = saga_of(many, n);
        if (batches[lane].count == BATCH)
            apply(store, codec, lane, &batches[lane], many->keep_offsets);
    }
    for (uint32_t lane = 0; lane < store->lanes; lane++)
        if (batches[lane].count) apply(store, codec, lane, &batches[lane], many->keep_offsets);
    saga_codec_free(codec);
    free(batches);
}
