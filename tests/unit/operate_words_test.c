/* Facts and causes in words: every kind has them, and what is empty leaves no hole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "in_arena.h"
#include "operate/words.h"

/* 2026-11-23T12:30:00Z */
static const int64_t noon_ms = 1795437000000;

static const char *words_of(struct saga_fact fact)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, &arena);
    saga_fact_words(&fact, noon_ms, &buffer);
    return saga_buffer_slice(&buffer).data;
}

static const char *words_of_cause(struct saga_event cause)
{
    struct saga_journal_record record = { .cause = cause };
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, &arena);
    saga_cause_words(&record, &buffer);
    return saga_buffer_slice(&buffer).data;
}

static void a_command_says_where_and_until_when(void **state)
{
    (void)state;
    struct saga_fact fact = { .kind = SAGA_FACT_STEP_SENT,
                              .step = SAGA_SLICE("charge-card"),
                              .topic = SAGA_SLICE("payments.commands"),
                              .type = SAGA_SLICE("ChargeCard"),
                              .attempt = 1,
                              .due_ms = noon_ms + 5000 };
    assert_string_equal(words_of(fact), "ChargeCard sent to payments.commands for charge-card, "
                                        "answer expected until 12:30:05.000");
    fact.attempt = 3;
    assert_non_null(strstr(words_of(fact), "for charge-card (attempt 3), answer"));
    fact.due_ms = noon_ms + 3 * 86400000LL;
    assert_non_null(strstr(words_of(fact), "until 2026-11-26T12:30:00.000Z"));
}

static void what_is_empty_leaves_no_hole(void **state)
{
    (void)state;
    struct saga_fact fact = { .kind = SAGA_FACT_STEP_FAILED,
                              .step = SAGA_SLICE("charge-card"),
                              .type = SAGA_SLICE("CardDeclined") };
    assert_string_equal(words_of(fact), "charge-card failed: CardDeclined");
    fact.message = SAGA_SLICE("no money");
    assert_string_equal(words_of(fact), "charge-card failed: CardDeclined, no money");
}

static void foreign_text_cannot_steer_the_terminal(void **state)
{
    (void)state;
    struct saga_fact fact = { .kind = SAGA_FACT_STEP_FAILED,
                              .step = SAGA_SLICE("s"),
                              .type = SAGA_SLICE("T"),
                              .message = SAGA_SLICE("a\033[2Jb") };
    assert_string_equal(words_of(fact), "s failed: T, a\\x1b[2Jb");
}

/* A fact of which every field is filled, and one of which none is: neither words of another kind,
 * nor a name of a value that there is not (which asserts), nor a bracket left over. */
static void every_kind_has_words(void **state)
{
    (void)state;
    for (int kind = 0; kind < SAGA_FACT_KIND_COUNT; kind++) {
        struct saga_fact full = {
            .kind = (enum saga_fact_kind)kind,
            .step = SAGA_SLICE("step"),
            .attempt = 2,
            .topic = SAGA_SLICE("topic"),
            .type = SAGA_SLICE("Type"),
            .due_ms = noon_ms,
            .reason = SAGA_SLICE("reason"),
            .message = SAGA_SLICE("message"),
            .status = SAGA_RUNNING,
            .stuck_on = SAGA_STUCK_ON_STEP,
            .name = SAGA_SLICE("name"),
            .text = SAGA_SLICE("text"),
            .version = 1,
            .lanes = 8,
            .id = SAGA_SLICE("saga/1"),
            .note = SAGA_NOTE_CHILD_CANCEL,
        };
        struct saga_fact empty = { .kind = (enum saga_fact_kind)kind };
        if (!saga_fact_template(full.kind)) fail_msg("no words for %s", saga_fact_types[kind].name);
        assert_null(strpbrk(words_of(full), "[]{}"));
        assert_null(strpbrk(words_of(empty), "[]{}"));
        assert_true(strlen(words_of(full)) > 5);
    }
}

/* What a kind carries and people need is not left out: each field that the table of facts gives it,
 * apart from places, ids and bodies, is in its words. */
static void words_tell_what_the_fact_carries(void **state)
{
    (void)state;
    static const char *const told[] = { "step", "topic", "type", "due", "reason", "message" };
    static const struct {
        enum saga_fact_kind kind;
        const char *field;
    } left_out[] = {
        /* the answer's type stands in the cause */
        { SAGA_FACT_STEP_SUCCEEDED, "type" },
        { SAGA_FACT_COMPENSATION_SUCCEEDED, "type" },
        /* how long an ended saga is kept concerns nobody who reads its story */
        { SAGA_FACT_SAGA_COMPLETED, "due" },
        { SAGA_FACT_SAGA_COMPENSATED, "due" },
        { SAGA_FACT_SAGA_ABANDONED, "due" },
        /* the step's own end says it */
        { SAGA_FACT_COMPENSATION_DEFERRED, "step" },
        { SAGA_FACT_COMPENSATION_DEFERRED, "message" },
        { SAGA_FACT_REPLY_IGNORED, "step" },
        /* what is told stands in the record of who is told */
        { SAGA_FACT_NOTE_SENT, "step" },
        { SAGA_FACT_NOTE_SENT, "type" },
        { SAGA_FACT_EVENT_KEPT, "type" },
        { SAGA_FACT_EVENT_OFFERED, "step" },
        { SAGA_FACT_WAITER_REMOVED, "step" },
    };
    for (int kind = 0; kind < SAGA_FACT_KIND_COUNT; kind++)
        for (size_t f = 0; f < saga_fact_types[kind].field_count; f++)
            for (size_t t = 0; t < sizeof told / sizeof told[0]; t++) {
                char value[32] = "{";
                bool excused = false;
                if (strcmp(saga_fact_types[kind].fields[f].name, told[t]) != 0) continue;
                strcat(strcat(value, told[t]), "}");
                for (size_t l = 0; l < sizeof left_out / sizeof left_out[0]; l++)
                    excused |=
                        (int)left_out[l].kind == kind && strcmp(left_out[l].field, told[t]) == 0;
                if (!excused && !strstr(saga_fact_template((enum saga_fact_kind)kind), value))
                    fail_msg("%s does not tell its %s", saga_fact_types[kind].name, told[t]);
            }
}

static void causes_have_words(void **state)
{
    (void)state;
    assert_string_equal(words_of_cause((struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                                            .type = SAGA_SLICE("StockReserved"),
                                                            .step = SAGA_SLICE("reserve-stock"),
                                                            .attempt = 1 }),
                        "StockReserved came for reserve-stock (attempt 1)");
    assert_string_equal(words_of_cause((struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                                            .type = SAGA_SLICE("StockReleased"),
                                                            .step = SAGA_SLICE("reserve-stock"),
                                                            .compensation = true,
                                                            .attempt = 2 }),
                        "StockReleased came for taking back reserve-stock (attempt 2)");
    assert_string_equal(
        words_of_cause((struct saga_event){ .kind = SAGA_EVENT_START,
                                            .type = SAGA_SLICE("OrderPlaced"),
                                            .source = { .topic = SAGA_SLICE("shop.orders") } }),
        "OrderPlaced came from shop.orders");
    assert_string_equal(words_of_cause((struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                                            .timer = SAGA_SLICE("step/pay[3]") }),
                        "the timer rang for pay[3]");
    assert_string_equal(words_of_cause((struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                                            .timer = SAGA_SLICE("deadline") }),
                        "the saga's deadline came");
    assert_string_equal(words_of_cause((struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                                            .verb = SAGA_VERB_RESOLVE,
                                                            .as = SAGA_SLICE("abandoned"),
                                                            .who = SAGA_SLICE("ada"),
                                                            .from = SAGA_SLICE("desk"),
                                                            .reason = SAGA_SLICE("a test") }),
                        "ada said resolve as abandoned from desk: a test");
}

static void a_state_says_where_it_stands(void **state)
{
    (void)state;
    struct saga_step_state steps[] = {
        { .path = SAGA_SLICE("a"), .status = SAGA_STEP_SUCCEEDED, .attempt = 1 },
        { .path = SAGA_SLICE("b"), .status = SAGA_STEP_BACKOFF, .attempt = 2 },
        { .path = SAGA_SLICE("c"),
          .status = SAGA_STEP_SUCCEEDED,
          .attempt = 1,
          .compensation = SAGA_COMPENSATION_SENT,
          .compensation_attempt = 1 },
    };
    struct saga_timer timers[] = { { .name = SAGA_SLICE("deadline") },
                                   { .name = SAGA_SLICE("wait/wait#5") } };
    struct saga_state saga = { .status = SAGA_COMPENSATING,
                               .steps = steps,
                               .step_count = 3,
                               .timers = timers,
                               .timer_count = 2 };
    assert_string_equal(saga_standing(&saga, &arena).data,
                        "b (attempt 2, waits to try again), taking back c, wait#5");
    saga.status = SAGA_COMPENSATED;
    assert_int_equal(saga_standing(&saga, &arena).size, 0);
    saga.status = SAGA_STUCK;
    saga.step_count = saga.timer_count = 0;
    saga.stuck_on = SAGA_STUCK_ON_COMPENSATION;
    saga.stuck_step = SAGA_SLICE("c");
    saga.stuck_message = SAGA_SLICE("its service answered No");
    assert_string_equal(saga_standing(&saga, &arena).data, "c");
    assert_string_equal(saga_trouble(&saga, &arena).data,
                        "stuck on a compensation: its service answered No");
}

/* Catches ids of entries, which nobody has made up and nobody can read, and notes by their names alone. */
static void what_sagas_tell_each_other_reads_well(void **state)
{
    struct saga_fact sent = { .kind = SAGA_FACT_NOTE_SENT,
                              .note = SAGA_NOTE_AWAIT_OPEN,
                              .id = SAGA_SLICE("loan~bank.decisions~Decided/a/~1") };
    struct saga_event cause = { .kind = SAGA_EVENT_NOTE,
                                .note = SAGA_NOTE_AWAIT_MATCH,
                                .from_id = SAGA_SLICE("loan~bank.decisions~Decided/L-1") };
    (void)state;
    assert_string_equal(words_of(sent), "Decided of bank.decisions with a/~1 is asked for");
    assert_string_equal(words_of_cause(cause), "Decided of bank.decisions with L-1 came");
    sent.note = SAGA_NOTE_CHILD_COMPENSATE;
    sent.id = SAGA_SLICE("payment/a~b");
    assert_string_equal(words_of(sent), "payment/a~b is told to compensate");
    cause.note = SAGA_NOTE_CHILD_ENDED;
    cause.from_id = SAGA_SLICE("payment/1");
    cause.type = SAGA_SLICE("completed");
    assert_string_equal(words_of_cause(cause), "payment/1 ended: completed");
    cause.note = SAGA_NOTE_AWAIT_TAKEN;
    cause.from_step = SAGA_SLICE("decision[2]");
    assert_string_equal(words_of_cause(cause), "payment/1 took the event at decision[2]");
    cause.note = SAGA_NOTE_SCHEDULE_SET;
    cause.from_id = SAGA_SLICE("nightly~schedule/nightly");
    assert_string_equal(words_of_cause(cause), "the schedule of nightly was deployed");
    cause = (struct saga_event){ .kind = SAGA_EVENT_START,
                                 .note = SAGA_NOTE_CHILD_START,
                                 .from_id = SAGA_SLICE("loan/1"),
                                 .type = SAGA_SLICE("child-start") };
    assert_string_equal(words_of_cause(cause), "loan/1 asked for this saga as its child");
    for (int note = SAGA_NOTE_CHILD_START; note < SAGA_NOTE_COUNT; note++) {
        sent.note = cause.note = (enum saga_note)note;
        cause.kind = SAGA_EVENT_NOTE;
        assert_true(strlen(words_of(sent)) > strlen("payment/a~b "));
        assert_true(strlen(words_of_cause(cause)) > strlen("loan/1 "));
    }
}

static void times_are_told_from_now(void **state)
{
    (void)state;
    assert_string_equal(saga_relative(&arena, noon_ms + 300000, noon_ms), "in 5m");
    assert_string_equal(saga_relative(&arena, noon_ms - 7200000, noon_ms), "2h ago");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_command_says_where_and_until_when),    TEST(what_is_empty_leaves_no_hole),
        TEST(foreign_text_cannot_steer_the_terminal), TEST(every_kind_has_words),
        TEST(words_tell_what_the_fact_carries),       TEST(causes_have_words),
        TEST(a_state_says_where_it_stands),           TEST(times_are_told_from_now),
        TEST(what_sagas_tell_each_other_reads_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
