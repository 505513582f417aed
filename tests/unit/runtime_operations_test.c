/* An entry of the log is what the record says, and of a job's commands there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "codec/sealed.h"
#include "runtime/operations.h"
#include "unit/in_arena.h"

static struct saga_journal_record order(struct saga_fact *facts, size_t count)
{
    return (struct saga_journal_record){ .saga_id = SAGA_SLICE("order/a/b"),
                                         .key = SAGA_SLICE("a/b"),
                                         .name = SAGA_SLICE("order"),
                                         .version = 3,
                                         .cause = { .kind = SAGA_EVENT_OPERATOR,
                                                    .verb = SAGA_VERB_RESOLVE,
                                                    .as = SAGA_SLICE("abandoned"),
                                                    .id = SAGA_SLICE("0f"),
                                                    .who = SAGA_SLICE("an\"na"),
                                                    .from = SAGA_SLICE("10.0.0.7"),
                                                    .reason = SAGA_SLICE("two\nlines") },
                                         .facts = facts,
                                         .fact_count = count };
}

static const char *entry_of(const struct saga_journal_record *record)
{
    struct saga_slice entry = saga_operation_entry(record, &arena);
    return entry.data ? saga_arena_string(&arena, entry) : NULL;
}

static void what_was_done_is_told(void **state)
{
    struct saga_fact fact = { .kind = SAGA_FACT_SAGA_ABANDONED };
    struct saga_journal_record record = order(&fact, 1);
    (void)state;
    assert_string_equal(entry_of(&record),
                        "{\"verb\":\"resolve\",\"as\":\"abandoned\",\"saga\":\"order/a/b\","
                        "\"version\":3,\"who\":\"an\\\"na\",\"from\":\"10.0.0.7\","
                        "\"reason\":\"two\\nlines\",\"outcome\":\"done\"}");
}

static void what_was_not_done_is_told_with_the_reason(void **state)
{
    struct saga_fact fact = { .kind = SAGA_FACT_OPERATOR_REFUSED,
                              .reason = SAGA_SLICE("saga-ended"),
                              .message = SAGA_SLICE("the saga has ended") };
    struct saga_journal_record record = order(&fact, 1);
    record.cause.verb = SAGA_VERB_CANCEL;
    record.cause.as = record.cause.who = record.cause.from = SAGA_SLICE_NONE;
    (void)state;
    assert_string_equal(entry_of(&record),
                        "{\"verb\":\"cancel\",\"saga\":\"order/a/b\",\"version\":3,"
                        "\"reason\":\"two\\nlines\",\"outcome\":\"refused\","
                        "\"words\":\"the saga has ended\"}");
    fact.kind = SAGA_FACT_OPERATOR_IGNORED;
    assert_non_null(strstr(entry_of(&record), "\"outcome\":\"nothing to do\""));
}

/* What is sealed in the journal is no words to anybody. */
static void sealed_words_are_not_told(void **state)
{
    struct saga_fact fact = { .kind = SAGA_FACT_OPERATOR_REFUSED,
                              .reason = SAGA_SLICE("saga-ended"),
                              .message = SAGA_SLICE(SAGA_SEALED_TEXT "AAAA") };
    struct saga_journal_record record = order(&fact, 1);
    (void)state;
    assert_non_null(strstr(entry_of(&record), "\"words\":\"saga-ended\""));
}

/* The act of forgetting has an entry of its own, whose id is not the saga's. */
static void what_was_forgotten_is_told_of_its_saga(void **state)
{
    struct saga_journal_record record = order(NULL, 0);
    record.saga_id = SAGA_SLICE("order~forget/a/b");
    record.cause.verb = SAGA_VERB_FORGET;
    (void)state;
    assert_non_null(strstr(entry_of(&record), "\"saga\":\"order/a/b\""));
}

static void other_events_and_jobs_are_not_told(void **state)
{
    struct saga_journal_record record = order(NULL, 0);
    (void)state;
    record.cause.id = SAGA_SLICE("3f9a/order/a/b");
    assert_null(entry_of(&record));
    static const char *const others[] = { "3f9a/order/a/c", "3f/9a/order/a/b", "order/a/b", "" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        record.cause.id = saga_slice_of(others[i]);
        assert_non_null(entry_of(&record));
    }
    record.cause.kind = SAGA_EVENT_REPLY;
    assert_null(entry_of(&record));
}

static struct saga_lane_log log_of(struct saga_operation_write *operations, size_t count)
{
    return (struct saga_lane_log){ true, 3, 1000, operations, count };
}

static void a_log_is_read_as_it_was_written(void **state)
{
    struct saga_operation_write operations[] = {
        { 9, 2000, SAGA_SLICE("{\"reason\":\"two\\nlines\"}") }, { 5, 1500, SAGA_SLICE("{}") }
    };
    struct saga_lane_log log = log_of(operations, 2), again;
    (void)state;
    struct saga_slice text = saga_operations_write(&log, 4096, &arena);
    assert_int_equal(saga_operations_read_log(text, &arena, &again), 0);
    assert_true(again.known);
    assert_int_equal(again.from, 3);
    assert_int_equal(again.from_ms, 1000);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.operations[1].offset, 5);
    assert_int_equal(again.operations[0].time_ms, 2000);
    assert_true(saga_slice_equal(again.operations[0].entry, operations[0].entry));
    for (size_t size = 0; size < text.size; size++) {
        int error =
            saga_operations_read_log((struct saga_slice){ text.data, size }, &arena, &again);
        bool line = size && text.data[size - 1] == '\n'; /* it ends between two entries */
        assert_int_equal(error, line ? 0 : SAGA_E_INVALID);
    }
}

/* Catches one that is cut, and says that it has all. */
static void what_does_not_fit_is_not_claimed(void **state)
{
    struct saga_operation_write operations[] = { { 9, 2000, SAGA_SLICE("{}") },
                                                 { 5, 1500, SAGA_SLICE("{}") },
                                                 { 4, 1400, SAGA_SLICE("{}") } };
    struct saga_lane_log log = log_of(operations, 3), again;
    (void)state;
    struct saga_slice text = saga_operations_write(&log, 48 + 2 * 50, &arena);
    assert_int_equal(saga_operations_read_log(text, &arena, &again), 0);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.from, 5); /* behind the newest that is missing */
    assert_int_equal(again.from_ms, 1400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_done_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_done_is_told_with_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(sealed_words_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_forgotten_is_told_of_its_saga, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_is_read_as_it_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(other_events_and_jobs_are_not_told, setup, teardown),
    };
    return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
