/* What is kept of what was done about dead letters (operate/letter_notes.h): what is read again, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "operate/letter_notes.h"

enum { OFFSETS_MAX = 10, ROOM = 100 };

/* A partition: at each offset a letter, a note (of the letter before it), or nothing that a reader sees. */
static struct {
    char kinds[ROOM + 1]; /* "LN." */
    int64_t low, high, first_ms;
    unsigned given; /* records, when it was read last */
} topic;

static struct saga_noted noted;
static char found[1000]; /* "1:0 " for each note: its offset, and the letter's */

static int set_up(void **state)
{
    (void)state;
    saga_noted_init(&noted);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_noted_forget(&noted);
    return 0;
}

static void has(const char *kinds, int64_t low, int64_t first_ms)
{
    topic.low = low;
    topic.high = (int64_t)strlen(kinds);
    topic.first_ms = first_ms;
    strcpy(topic.kinds, kinds);
}

static bool give(int64_t offset)
{
    char letter[24];
    snprintf(letter, sizeof letter, "%lld", (long long)offset - 1);
    struct saga_header letters[] = { { SAGA_SLICE("saga_reason"), SAGA_SLICE("unreadable") } },
                       notes[] = { { SAGA_SLICE("saga_handled"), SAGA_SLICE("resent") },
                                   { SAGA_SLICE("saga_letter_offset"), saga_slice_of(letter) },
                                   { SAGA_SLICE("saga_who"), SAGA_SLICE("anna") } };
    bool note = topic.kinds[offset] == 'N';
    struct saga_message record = { .offset = offset,
                                   .timestamp_ms = topic.first_ms + offset,
                                   .headers = note ? notes : letters,
                                   .header_count = note ? 3 : 1 };
    topic.given++;
    return saga_noted_take(&noted, &record);
}

/* False: it is another topic. */
static bool read_once(int64_t *ret_begin)
{
    *ret_begin = saga_noted_begin(&noted, topic.low, topic.high, OFFSETS_MAX);
    if (*ret_begin == topic.high) return true;
    for (int64_t offset = *ret_begin; offset < topic.high; offset++)
        if (topic.kinds[offset] != '.' && !give(offset)) return false;
    return saga_noted_end(&noted, topic.high);
}

static void add(int32_t partition, int64_t note, int64_t letter,
                const struct saga_letter_note *said, void *context)
{
    char *end = found + strlen(found);
    (void)context;
    assert_int_equal(partition, 7);
    assert_string_equal(said->how, "resent");
    assert_true(saga_slice_is(said->who, "anna"));
    sprintf(end, "%lld:%lld ", (long long)note, (long long)letter);
}

static void finds(const char *notes)
{
    found[0] = '\0';
    saga_noted_visit(&noted, 7, add, NULL);
    assert_string_equal(found, notes);
}

/* Reads, as often as it must; so many records are given. */
static void reads(unsigned given, const char *notes)
{
    int64_t begin;
    topic.given = 0;
    if (!read_once(&begin)) assert_true(read_once(&begin));
    assert_int_equal(topic.given, given);
    finds(notes);
}

/* Catches that everything is read each time, and that what was read last is taken twice. */
static void only_what_is_new_is_read(void **state)
{
    (void)state;
    has("", 0, 1000);
    reads(0, "");
    has("L", 0, 1000);
    reads(1, "");
    has("LN", 0, 1000);
    reads(2, "1:0 "); /* the last one, by which the topic is known again, and the new one */
    reads(0, "1:0 ");
    has("LN.", 0, 1000);
    reads(1, "1:0 "); /* the end of a transaction is no record */
    reads(0, "1:0 ");
    has("LN.LLN", 0, 1000);
    reads(4, "1:0 5:4 ");
}

/* Catches that what is deleted, or too old, is told for ever. */
static void what_is_gone_is_gone(void **state)
{
    (void)state;
    has("LNLNLN", 0, 1000);
    reads(6, "1:0 3:2 5:4 ");
    topic.low = 2;
    reads(0, "3:2 5:4 ");
    has("LNLNLNLLLLLLLL", 0, 1000); /* of 14 offsets the newest ten */
    reads(9, "5:4 ");
    topic.low = 14;
    reads(0, "");
    has("LNLNLNLLLLLLLLLN", 14, 1000);
    reads(2, "15:14 ");
}

/* Catches that another topic of the same name is taken for the one before, shorter, as long or longer. */
static void another_topic_is_read_anew(void **state)
{
    (void)state;
    has("LNLN", 0, 1000);
    reads(4, "1:0 3:2 ");
    has("LN", 0, 2000);
    reads(2, "1:0 ");
    has("LLNN", 0, 3000);
    reads(5, "2:1 3:2 ");  /* one that is not known again, and all of it */
    has("LLN.N", 0, 4000); /* there is no record where the last one was */
    reads(5, "2:1 4:3 ");
    has("LL........", 0, 5000); /* nor one behind it */
    reads(2, "");
}

/* Reading that ends early: nothing is taken for read that was not. */
static void what_was_not_read_to_its_end_is_read_again(void **state)
{
    (void)state;
    has("LNLN", 0, 1000);
    assert_int_equal(saga_noted_begin(&noted, 0, 4, OFFSETS_MAX), 0);
    assert_true(give(0));
    saga_noted_forget(&noted);
    reads(4, "1:0 3:2 ");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_is_new_is_read),
        TEST(what_is_gone_is_gone),
        TEST(another_topic_is_read_anew),
        TEST(what_was_not_read_to_its_end_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
