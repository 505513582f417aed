/* What became of a broken chain: every record of a chain is tampered with in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "codec/codec.h"
#include "runtime/chain.h"

enum { RECORDS = 9, SIZE = 8 + SAGA_SHA256_BYTES, REPORTS_MAX = 8 };

/* A record is a text of eight bytes and its chain value: more a chain does not look at. */
struct record {
    int64_t offset;
    char bytes[SIZE];
};

static struct {
    struct record records[2 * RECORDS];
    size_t count;
    int64_t offsets[REPORTS_MAX];
    char words[REPORTS_MAX][256];
    size_t reports;
} t;

static struct saga_slice bytes_of(const struct record *record)
{
    return (struct saga_slice){ record->bytes, SIZE };
}

/* Its chain value anew, behind the record before it. */
static void chain_on(struct record *record, const struct record *before)
{
    uint8_t value[SAGA_SHA256_BYTES] = { 0 };
    if (before) memcpy(value, saga_chain_of(bytes_of(before)), sizeof value);
    saga_journal_chain(bytes_of(record), value, value);
    memcpy(record->bytes + SIZE - sizeof value, value, sizeof value);
}

static void make(void)
{
    memset(&t, 0, sizeof t);
    for (t.count = 0; t.count < RECORDS; t.count++) {
        struct record *record = &t.records[t.count];
        record->offset = 10 * (int64_t)t.count;
        snprintf(record->bytes, 9, "text %03zu", t.count);
        chain_on(record, t.count ? record - 1 : NULL);
    }
}

static void note(const struct saga_chain_break *broken, void *context)
{
    assert_ptr_equal(context, &t);
    assert_true(t.reports < REPORTS_MAX);
    assert_true(saga_slice_is(broken->saga_id, "order/1"));
    t.offsets[t.reports] = broken->offset;
    snprintf(t.words[t.reports++], sizeof t.words[0], "%.*s", SAGA_SLICE_ARG(broken->words));
}

static void run(void)
{
    struct saga_chain *chain = saga_chain_new(note, &t);
    for (size_t i = 0; i < t.count; i++)
        saga_chain_take(chain, t.records[i].offset, bytes_of(&t.records[i]), SAGA_SLICE("order/1"));
    saga_chain_end(chain);
    saga_chain_free(chain);
}

static void expect_one(int64_t offset, const char *words)
{
    if (t.reports != 1 || t.offsets[0] != offset || !strstr(t.words[0], words))
        fail_msg("%zu breaks, at %lld: %s; expected one at %lld: %s", t.reports,
                 (long long)t.offsets[0], t.words[0], (long long)offset, words);
}

static void remove_at(size_t index)
{
    memmove(&t.records[index], &t.records[index + 1], (t.count - index - 1) * sizeof t.records[0]);
    t.count--;
}

static void insert_at(size_t index, struct record record)
{
    memmove(&t.records[index + 1], &t.records[index], (t.count - index) * sizeof t.records[0]);
    t.records[index] = record;
    t.count++;
}

static void a_chain_holds(void **state)
{
    (void)state;
    make();
    run();
    assert_int_equal(t.reports, 0);
}

/* Catches a byte that the hash does not cover, be it of the value itself, and a fault that is told twice. */
static void an_altered_record_is_named(void **state)
{
    (void)state;
    for (size_t at = 0; at < RECORDS; at++) {
        make();
        t.records[at].bytes[3] ^= 1;
        run();
        expect_one(10 * (int64_t)at, at ? "one of the two was changed" : "was changed");
        make();
        t.records[at].bytes[SIZE - 1] ^=
            1; /* its chain value: the next one does not follow either */
        run();
        assert_int_equal(t.reports, at + 1 < RECORDS ? 2 : 1);
        assert_int_equal(t.offsets[0], 10 * (int64_t)at);
    }
}

static void a_removed_record_is_missed(void **state)
{
    (void)state;
    for (size_t at = 0; at + 1 < RECORDS; at++) {
        make();
        remove_at(at);
        run();
        expect_one(10 * (int64_t)(at + 1), "taken out");
    }
    make();
    remove_at(RECORDS - 1); /* only an anchor shows that */
    run();
    assert_int_equal(t.reports, 0);
}

static void an_inserted_record_is_named(void **state)
{
    struct record foreign = { .offset = 5, .bytes = "foreign" };
    (void)state;
    for (size_t at = 0; at < RECORDS; at++) {
        make();
        insert_at(at, foreign);
        run();
        expect_one(5, "it was put in: the record behind it");
        make();
        struct record copy = t.records[at];
        copy.offset = 7;
        insert_at(at + 2 < t.count ? at + 2 : t.count, copy);
        run();
        if (at + 2 < RECORDS) expect_one(7, "it is a copy of the record at offset");
    }
    make(); /* with a chain value as it must be: then the next one shows it */
    insert_at(4, foreign);
    chain_on(&t.records[4], &t.records[3]);
    run();
    expect_one(40, "it was written behind offset 30, not behind offset 5");
}

static void records_that_changed_places_are_named(void **state)
{
    (void)state;
    for (size_t at = 0; at + 1 < RECORDS; at++) {
        make();
        struct record first = t.records[at];
        t.records[at] = t.records[at + 1];
        t.records[at + 1] = first;
        int64_t offset = t.records[at].offset;
        run();
        expect_one(offset, "have changed places");
    }
}

/* Catches what was left out taken for what was removed, and a value that is said and not looked at. */
static void what_is_left_out_breaks_nothing(void **state)
{
    (void)state;
    make();
    struct saga_chain *chain = saga_chain_new(note, &t);
    saga_chain_set(chain, NULL);
    assert_null(saga_chain_value(chain));
    assert_true(saga_chain_take(chain, 30, bytes_of(&t.records[3]), SAGA_SLICE("order/1")));
    saga_chain_set(chain, saga_chain_of(bytes_of(&t.records[5])));
    assert_true(saga_chain_take(chain, 60, bytes_of(&t.records[6]), SAGA_SLICE("order/1")));
    saga_chain_set(chain, saga_chain_of(bytes_of(&t.records[2])));
    assert_false(saga_chain_take(chain, 70, bytes_of(&t.records[7]), SAGA_SLICE("order/1")));
    saga_chain_end(chain);
    saga_chain_free(chain);
    assert_int_equal(t.reports, 1);
    assert_int_equal(t.offsets[0], 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_holds),
        cmocka_unit_test(an_altered_record_is_named),
        cmocka_unit_test(a_removed_record_is_missed),
        cmocka_unit_test(an_inserted_record_is_named),
        cmocka_unit_test(records_that_changed_places_are_named),
        cmocka_unit_test(what_is_left_out_breaks_nothing),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
