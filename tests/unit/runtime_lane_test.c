/* What Redis is told of a lane whose batches are told together (lane_store.c), and what is read of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "runtime/lane.h"

static struct saga_arena arena;
static struct saga_codec *codec;
static struct saga_lane lane;
static int64_t offset;

static int setup(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    saga_lane_init(&lane, 0);
    offset = 0;
    return saga_codec_new(&codec);
}

static int teardown(void **state)
{
    (void)state;
    saga_lane_clear(&lane);
    saga_arena_free(&lane.unstored_arena);
    saga_codec_free(codec);
    saga_arena_free(&arena);
    return 0;
}

static struct saga_resident *resident_of(const char *id)
{
    return saga_lane_find(&lane, saga_slice_of(id));
}

/* The saga's working copy, to which one more event came. */
static struct saga_state *touch(const char *id)
{
    struct saga_resident *resident = resident_of(id);
    struct saga_state *state = saga_lane_work_on(&lane, resident);
    state->id = saga_arena_copy(&state->arena, saga_slice_of(id));
    state->run = SAGA_SLICE("r");
    state->name = SAGA_SLICE("order");
    state->sequence++;
    state->changed_ms = ++offset;
    if (state->status == SAGA_STATUS_NONE) state->status = SAGA_RUNNING;
    saga_lane_note_history(resident, &arena, offset);
    return state;
}

static void set_timer(struct saga_state *state, const char *name, int64_t due_ms)
{
    state->timer_count = 0;
    if (name)
        SAGA_PUSH(&state->arena, state->timers, state->timer_count, state->timer_capacity,
                  (struct saga_timer){ saga_slice_of(name), due_ms, state->sequence, false });
}

static void forget(const char *id)
{
    struct saga_state *state = touch(id);
    set_timer(state, NULL, 0);
    state->forgotten = true;
}

static size_t writes(struct saga_state_write **ret)
{
    struct saga_tally tally;
    size_t count;
    saga_tally_init(&tally, &arena);
    assert_int_equal(saga_lane_writes(&lane, codec, &arena, &tally, ret, &count), SAGA_OK);
    saga_tally_free(&tally);
    return count;
}

static size_t tell(struct saga_state_write **ret)
{
    size_t count = writes(ret);
    saga_lane_stored(&lane);
    return count;
}

static void changes_of_several_batches_are_one(void **state)
{
    struct saga_state_write *told;
    (void)state;
    set_timer(touch("order/a"), "step/one", 100);
    saga_lane_publish(&lane, 1);
    set_timer(touch("order/a"), "step/two", 200);
    touch("order/b");
    saga_lane_publish(&lane, 2);
    struct saga_state *last = touch("order/a");
    last->status = SAGA_COMPLETED;
    set_timer(last, "keep", 300);
    saga_lane_publish(&lane, 3);
    assert_int_equal(lane.unstored_since_ms, 1);
    assert_int_equal(lane.unstored_due_ms,
                     100); /* a timer that is gone is looked for in vain, once */
    assert_int_equal(writes(&told), 2);
    assert_true(saga_slice_is(told[0].saga_id, "order/a"));
    assert_null(told[0].status_before.data);
    assert_true(saga_slice_is(told[0].status_after, "completed"));
    assert_int_equal(told[0].timers_removed_count, 0);
    assert_int_equal(told[0].timers_added_count, 1);
    assert_true(saga_slice_is(told[0].timers_added[0].name, "keep"));
    assert_int_equal(told[0].history_count, 3);
    assert_int_equal(told[0].history[2], 4);
    saga_lane_stored(&lane);
    assert_int_equal(writes(&told), 0);
}

/* What is kept for Redis's sake has a limit in bytes too: a saga counts once, with what it has grown to. */
static void what_is_kept_for_redis_is_counted(void **state)
{
    struct saga_state_write *told;
    (void)state;
    touch("order/a");
    touch("order/b");
    saga_lane_publish(&lane, 1);
    assert_int_equal(lane.unstored_bytes,
                     resident_of("order/a")->bytes + resident_of("order/b")->bytes);
    saga_arena_alloc(&touch("order/a")->arena, 100000);
    saga_lane_publish(&lane, 2);
    assert_true(resident_of("order/a")->bytes > 100000);
    assert_int_equal(lane.unstored_bytes,
                     resident_of("order/a")->bytes + resident_of("order/b")->bytes);
    tell(&told);
    assert_int_equal(lane.unstored_bytes, 0);
    touch("order/a");
    saga_lane_publish(&lane, 3);
    assert_int_equal(lane.unstored_bytes, resident_of("order/a")->bytes);
}

static void what_redis_has_is_what_changes_are_against(void **state)
{
    struct saga_state_write *told;
    (void)state;
    set_timer(touch("order/a"), "step/one", 100);
    saga_lane_publish(&lane, 1);
    tell(&told);
    set_timer(touch("order/a"), "step/two", 200);
    saga_lane_publish(&lane, 2);
    set_timer(touch("order/a"), NULL, 0);
    resident_of("order/a")->working->status = SAGA_COMPENSATING;
    saga_lane_publish(&lane, 3);
    assert_int_equal(tell(&told), 1);
    assert_true(saga_slice_is(told[0].status_before, "running"));
    assert_true(saga_slice_is(told[0].status_after, "compensating"));
    assert_int_equal(told[0].timers_removed_count, 1);
    assert_true(saga_slice_is(told[0].timers_removed[0].name, "step/one"));
    assert_int_equal(told[0].timers_added_count, 0);
    assert_int_equal(told[0].history_count, 2);
}

static void who_came_and_went_is_not_told_of(void **state)
{
    struct saga_state_write *told;
    (void)state;
    touch("order/a");
    saga_lane_publish(&lane, 1);
    forget("order/a");
    saga_lane_publish(&lane, 2);
    assert_int_equal(tell(&told), 0);
    assert_int_equal(HASH_COUNT(lane.residents), 0);
}

/* The run that Redis has leaves; another came and went since; the third is there. */
static void a_new_run_begins_behind_the_end_of_the_old(void **state)
{
    struct saga_state_write *told;
    (void)state;
    set_timer(touch("order/a"), "keep", 100);
    saga_lane_publish(&lane, 1);
    tell(&told);
    forget("order/a");
    saga_lane_publish(&lane, 2);
    assert_int_equal(writes(&told), 1);
    touch("order/a");
    forget("order/a");
    saga_lane_publish(&lane, 3);
    touch("order/a");
    saga_lane_publish(&lane, 4);
    assert_int_equal(tell(&told), 2);
    assert_null(told[0].state.data);
    assert_true(saga_slice_is(told[0].status_before, "running"));
    assert_int_equal(told[0].timers_removed_count, 1);
    assert_non_null(told[1].state.data);
    assert_null(told[1].status_before.data);
    assert_int_equal(told[1].history_count, 1);
    assert_int_equal(told[1].history[0], 5);
}

static void within_one_batch_too(void **state)
{
    struct saga_state_write *told;
    (void)state;
    touch("order/a");
    saga_lane_publish(&lane, 1);
    tell(&told);
    forget("order/a");
    touch("order/a"); /* which work_on begins anew */
    saga_lane_publish(&lane, 2);
    assert_int_equal(tell(&told), 2);
    assert_null(told[0].state.data);
    assert_non_null(told[1].state.data);
}

/* Catches a run that is given back while what the batch sends is still made of it: an entry is forgotten as soon as it has nothing
 * to do, and may begin several times in a batch. */
static void runs_of_one_batch_stay_until_its_end(void **state)
{
    struct saga_state_write *told;
    struct saga_slice keys[3];
    (void)state;
    touch("order/a");
    saga_lane_publish(&lane, 1);
    tell(&told);
    for (size_t i = 0; i < 3; i++) {
        struct saga_state *run = touch("order/a");
        run->key = keys[i] = saga_arena_copy(&run->arena, SAGA_SLICE("a"));
        forget("order/a");
    }
    touch("order/a");
    for (size_t i = 0; i < 3; i++) assert_true(saga_slice_is(keys[i], "a"));
    saga_lane_publish(&lane, 2);
    assert_int_equal(tell(&told), 2);
    assert_null(told[0].state.data);
    assert_non_null(told[1].state.data);
    for (size_t i = 0; i < 3; i++) {
        touch("order/b");
        forget("order/b");
    }
    saga_lane_abandon(&lane);
    assert_int_equal(tell(&told), 0);
}

static void an_abort_leaves_what_was_committed(void **state)
{
    struct saga_state_write *told;
    (void)state;
    touch("order/a");
    saga_lane_publish(&lane, 1);
    touch("order/a")->status = SAGA_COMPLETED;
    touch("order/b");
    saga_lane_abandon(&lane);
    assert_int_equal(tell(&told), 1);
    assert_true(saga_slice_is(told[0].status_after, "running"));
    assert_int_equal(told[0].history_count, 1);
}

/* Built from a snapshot, a lane may have had an earlier run, of another version, from a piece before. Catches one that is taken
 * out of the later version's index and counts. */
static void a_run_of_another_version_leaves_what_it_stands_in(void **state)
{
    struct saga_state_write *told;
    struct saga_state *later = saga_state_new();
    (void)state;
    struct saga_state *first = touch("order/a");
    first->version = 7;
    first->status = SAGA_COMPLETED;
    set_timer(first, "keep", 100);
    saga_lane_publish(&lane, 1);
    tell(&told);
    later->id = SAGA_SLICE("order/a");
    later->run = SAGA_SLICE("later");
    later->name = SAGA_SLICE("order");
    later->version = 8;
    later->status = SAGA_RUNNING;
    saga_lane_put(&lane, resident_of("order/a"), later);
    saga_lane_publish(&lane, 2);
    assert_int_equal(writes(&told), 2);
    assert_int_equal(told[0].version, 7);
    assert_null(told[0].state.data);
    assert_true(saga_slice_is(told[0].status_before, "completed"));
    assert_null(told[0].status_after.data);
    assert_int_equal(told[0].timers_removed_count, 1);
    assert_int_equal(told[1].version, 8);
    assert_non_null(told[1].state.data);
    assert_null(told[1].status_before.data);
    assert_true(saga_slice_is(told[1].status_after, "running"));
}

static void what_redis_lacks_stays_at_hand(void **state)
{
    struct saga_state_write *told;
    (void)state;
    touch("order/a");
    saga_lane_publish(&lane, 1);
    tell(&told);
    touch("order/b");
    saga_lane_publish(&lane, 2);
    saga_lane_cut(&lane, 0);
    assert_int_equal(HASH_COUNT(lane.residents), 1);
    assert_non_null(resident_of("order/b")->clean);
    tell(&told);
    saga_lane_cut(&lane, 0);
    assert_int_equal(HASH_COUNT(lane.residents), 0);
    assert_int_equal(lane.resident_bytes, 0);
}

enum { INPUT_BYTES = 100000, SAGAS = 200 };

static size_t most_at_once, reads;

/* A Redis in which all sagas are large. */
static int read_large(void *self, uint32_t number, int64_t expected, const struct saga_slice *ids,
                      size_t count, struct saga_arena *to, struct saga_slice *ret)
{
    static char input[INPUT_BYTES];
    (void)self, (void)number, (void)expected;
    for (size_t i = 0; i < count; i++) {
        struct saga_state *state = saga_state_new();
        state->id = ids[i];
        state->run = state->name = SAGA_SLICE("r");
        state->kind = SAGA_KIND_CORRELATION; /* which has no blocks */
        state->sequence = 1;
        state->status = SAGA_RUNNING;
        state->input = (struct saga_slice){ memset(input, '1', sizeof input), sizeof input };
        assert_int_equal(saga_state_encode(codec, state, to, &ret[i]), 0);
        saga_state_free(state);
    }
    if (count > most_at_once) most_at_once = count;
    reads++;
    return SAGA_OK;
}

static const char *no_problem(void *self)
{
    (void)self;
    return "";
}

static int load(size_t count, size_t *room)
{
    struct saga_store store = { .states_read = read_large, .problem = no_problem };
    struct saga_slice ids[SAGAS];
    struct saga_diagnostic diagnostic = { 0 };
    most_at_once = reads = 0;
    for (size_t i = 0; i < count; i++) ids[i] = saga_arena_printf(&arena, "order/%zu", i);
    int error = saga_lane_load(&lane, &store, codec, ids, count, room, &arena, &diagnostic);
    if (error && error != SAGA_E_LIMIT) fail_msg("%.*s", SAGA_SLICE_ARG(diagnostic.what));
    return error;
}

/* Catches a batch of large sagas that takes gigabytes, and one that is never small enough. */
static void no_more_is_read_than_there_is_room_for(void **state)
{
    size_t room = 20 * INPUT_BYTES;
    (void)state;
    assert_int_equal(load(1, NULL), SAGA_OK); /* how large they are is known now */
    assert_int_equal(load(SAGAS, &room), SAGA_E_LIMIT);
    assert_int_equal(room, 0);
    assert_int_equal(reads, 1);
    assert_true(lane.resident_bytes < SAGAS * INPUT_BYTES);
    assert_int_equal(load(most_at_once, &room), SAGA_OK); /* at hand by now */
    assert_int_equal(reads, 0);
    saga_lane_cut(&lane, 0);
    assert_int_equal(load(SAGAS, NULL), SAGA_OK);
    assert_true(reads > 1);
    assert_int_equal(HASH_COUNT(lane.residents), SAGAS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_of_several_batches_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept_for_redis_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_redis_has_is_what_changes_are_against, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_came_and_went_is_not_told_of, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_run_begins_behind_the_end_of_the_old, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(within_one_batch_too, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_of_one_batch_stay_until_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(an_abort_leaves_what_was_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_of_another_version_leaves_what_it_stands_in, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_redis_lacks_stays_at_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_is_read_than_there_is_room_for, setup, teardown),
    };
    return cmocka_run_group_tests_name("a lane and its Redis", tests, NULL, NULL);
}
