/* Keys of sagas: where they come from, and what is held of them (runtime/wrapping.h, runtime/keyring.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "in_arena.h"
#include "runtime/keyring.h"

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"

static int read_keys(const char *text, struct saga_wrapping **ret, struct saga_slice *ret_words)
{
    struct saga_diagnostic diagnostic = { 0 };
    int error = saga_wrapping_of(saga_slice_of(text), &arena, ret, &diagnostic);
    *ret_words = diagnostic.what;
    return error;
}

static void make(const struct saga_wrapping *wrapping, const char *id, const char *run,
                 uint8_t seed, struct saga_key_record *record, struct saga_data_key *key)
{
    uint8_t random[SAGA_KEY_RANDOM_BYTES];
    memset(random, seed, sizeof random);
    saga_wrapping_make(wrapping, random, saga_slice_of(id), saga_slice_of(run), &arena, record,
                       key);
}

static void what_is_no_key_is_refused_in_words_that_show_none(void **state)
{
    static const struct {
        const char *text, *words;
    } wrong[] = {
        { "", "no key" },
        { "# a comment\n\n", "no key" },
        { "1234\n", "line 1" },
        { ONE "\n" ONE "0\n", "line 2" },
        { ONE "\n\nsecret-of-another-kind\n", "line 3" },
    };
    struct saga_wrapping *wrapping = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct saga_slice words;
        assert_int_equal(read_keys(wrong[i].text, &wrapping, &words), SAGA_E_INVALID);
        assert_non_null(strstr(words.data, wrong[i].words));
        assert_null(strstr(words.data, "secret"));
        assert_null(strstr(words.data, "1234"));
    }
    assert_null(wrapping);
}

static void keys_come_from_a_file_or_a_command(void **state)
{
    char path[] = "/tmp/saga-keys-XXXXXX";
    struct saga_wrapping *wrapping = NULL;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_key_record record;
    struct saga_data_key key, again;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "  " ONE " \r\n", 69), 69);
    close(fd);
    assert_int_equal(saga_wrapping_read(path, NULL, &arena, &wrapping, &diagnostic), SAGA_OK);
    make(wrapping, "s/1", "r", 7, &record, &key);
    saga_wrapping_free(wrapping);
    assert_int_equal(saga_wrapping_read(NULL, "echo " ONE, &arena, &wrapping, &diagnostic),
                     SAGA_OK);
    assert_int_equal(saga_wrapping_open(wrapping, &record, &arena, &again), SAGA_OK);
    assert_memory_equal(&key, &again, sizeof key);
    saga_wrapping_free(wrapping);
    assert_int_equal(saga_wrapping_read(NULL, NULL, &arena, &wrapping, &diagnostic), SAGA_OK);
    assert_null(wrapping);
    assert_int_equal(saga_wrapping_read(path, "true", &arena, &wrapping, &diagnostic),
                     SAGA_E_INVALID);
    unlink(path);
    assert_int_equal(saga_wrapping_read(path, NULL, &arena, &wrapping, &diagnostic),
                     SAGA_E_INVALID);
    assert_non_null(strstr(diagnostic.what.data, "privacy.key-file"));
    assert_int_equal(
        saga_wrapping_read(NULL, "echo " ONE "; exit 3", &arena, &wrapping, &diagnostic),
        SAGA_E_INVALID);
    assert_non_null(strstr(diagnostic.what.data, "the command failed"));
}

/* Catches a key that is given to another saga, and one that a replaced wrapping key does not open any more. */
static void a_key_opens_for_its_saga_alone(void **state)
{
    struct saga_wrapping *old, *rotated, *other;
    struct saga_slice words;
    struct saga_key_record record, moved;
    struct saga_data_key key, opened;
    (void)state;
    assert_int_equal(read_keys(ONE, &old, &words), SAGA_OK);
    assert_int_equal(read_keys(TWO "\n" ONE "\n", &rotated, &words), SAGA_OK);
    assert_int_equal(read_keys(TWO, &other, &words), SAGA_OK);
    make(old, "s/1", "r", 7, &record, &key);
    assert_int_equal(saga_wrapping_open(rotated, &record, &arena, &opened), SAGA_OK);
    assert_memory_equal(&key, &opened, sizeof key);
    assert_int_equal(saga_wrapping_open(other, &record, &arena, &opened), SAGA_E_NOT_FOUND);
    assert_int_equal(saga_wrapping_open(NULL, &record, &arena, &opened), SAGA_E_NOT_FOUND);
    moved = record;
    moved.saga_id = SAGA_SLICE("s/2");
    assert_int_equal(saga_wrapping_open(old, &moved, &arena, &opened), SAGA_E_INVALID);
    moved = record;
    moved.run = SAGA_SLICE("q");
    assert_int_equal(saga_wrapping_open(old, &moved, &arena, &opened), SAGA_E_INVALID);
    make(rotated, "s/1", "r", 7, &moved, &key);
    assert_false(saga_slice_equal(moved.wrapped_by, record.wrapped_by)); /* by the newest */
    saga_wrapping_free(old);
    saga_wrapping_free(rotated);
    saga_wrapping_free(other);
}

static void count_run(const struct saga_key_record *record, void *context)
{
    char *text = context;
    snprintf(text + strlen(text), 64 - strlen(text), "%.*s%s ", SAGA_SLICE_ARG(record->run),
             record->wrapped.data ? "" : "-");
}

static void a_ring_holds_the_newest_word_on_each_run(void **state)
{
    struct saga_wrapping *wrapping;
    struct saga_slice words;
    struct saga_key_record one, two, other;
    struct saga_data_key first, second, third, opened;
    char runs[64] = "";
    (void)state;
    assert_int_equal(read_keys(ONE, &wrapping, &words), SAGA_OK);
    struct saga_keyring *ring = saga_keyring_new(wrapping);
    make(wrapping, "s/1", "r", 1, &one, &first);
    make(wrapping, "s/1", "q", 2, &two, &second);
    make(wrapping, "s/1/x", "r", 3, &other, &third); /* a business key with a slash in it */
    saga_keyring_put(ring, &one);
    saga_keyring_put(ring, &two);
    saga_keyring_put(ring, &other);
    make(wrapping, "s/1", "r", 4, &one, &first); /* its batch was decided again */
    saga_keyring_put(ring, &one);
    assert_int_equal(saga_keyring_open(ring, SAGA_SLICE("s/1"), SAGA_SLICE("r"), &arena, &opened),
                     SAGA_OK);
    assert_memory_equal(&first, &opened, sizeof opened);
    const struct saga_key_record gone = { .saga_id = SAGA_SLICE("s/1"),
                                          .run = SAGA_SLICE("q"),
                                          .forgotten_ms = 5,
                                          .who = SAGA_SLICE("anna") };
    saga_keyring_put(ring, &gone);
    assert_int_equal(saga_keyring_open(ring, SAGA_SLICE("s/1"), SAGA_SLICE("q"), &arena, &opened),
                     SAGA_E_NOT_FOUND);
    assert_int_equal(saga_keyring_open(ring, SAGA_SLICE("s/1"), SAGA_SLICE("x"), &arena, &opened),
                     SAGA_E_NOT_FOUND);
    saga_keyring_each(ring, SAGA_SLICE("s/1"), count_run, runs);
    assert_string_equal(runs, "r q- ");
    assert_int_equal(saga_keyring_count(ring), 3);
    saga_keyring_free(ring);
    saga_wrapping_free(wrapping);
}

/* Catches a key that stays when its saga leaves, one that goes with another saga's, and a list that is left in pieces. */
static void a_ring_lets_go_of_all_runs_but_one(void **state)
{
    struct saga_wrapping *wrapping;
    struct saga_slice words;
    static const char *const of_one[] = { "r", "q", "p" };
    struct saga_key_record record;
    struct saga_data_key key;
    char runs[64] = "", others[64] = "";
    (void)state;
    assert_int_equal(read_keys(ONE, &wrapping, &words), SAGA_OK);
    struct saga_keyring *ring = saga_keyring_new(wrapping);
    for (uint8_t i = 0; i < 3; i++) {
        make(wrapping, "s/1", of_one[i], i, &record, &key);
        saga_keyring_put(ring, &record);
    }
    make(wrapping, "s/1/x", "r", 7, &record, &key);
    saga_keyring_put(ring, &record);
    saga_keyring_keep(ring, SAGA_SLICE("s/1"), SAGA_SLICE("q"));
    saga_keyring_keep(ring, SAGA_SLICE("s/2"), SAGA_SLICE("q")); /* never there */
    assert_int_equal(saga_keyring_count(ring), 2);
    make(wrapping, "s/1", "o", 8, &record, &key);
    saga_keyring_put(ring, &record);
    saga_keyring_each(ring, SAGA_SLICE("s/1"), count_run, runs);
    assert_string_equal(runs, "q o ");
    saga_keyring_keep(ring, SAGA_SLICE("s/1"), SAGA_SLICE_NONE);
    saga_keyring_each(ring, SAGA_SLICE("s/1"), count_run, others);
    saga_keyring_each(ring, SAGA_SLICE_NONE, count_run, others);
    assert_string_equal(others, "r ");
    saga_keyring_put(ring, &record); /* the id again */
    assert_int_equal(saga_keyring_count(ring), 2);
    saga_keyring_free(ring);
    saga_wrapping_free(wrapping);
}

/* Catches a record that is read for another saga's than it stands under. */
static void a_record_of_saga_keys_stands_under_its_name(void **state)
{
    struct saga_wrapping *wrapping;
    struct saga_slice words;
    struct saga_codec *codec;
    struct saga_key_record record;
    struct saga_data_key key, opened;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_message message = { 0 };
    (void)state;
    assert_int_equal(read_keys(ONE, &wrapping, &words), SAGA_OK);
    assert_int_equal(saga_codec_new(&codec), SAGA_OK);
    struct saga_keyring *ring = saga_keyring_new(wrapping);
    make(wrapping, "s/1", "r", 1, &record, &key);
    record.created_ms = 17;
    assert_int_equal(saga_key_encode(codec, &record, &arena, &message.value), SAGA_OK);
    message.key = SAGA_SLICE("s/2/r");
    assert_int_equal(saga_keyring_take(ring, codec, &message, &arena, &diagnostic), SAGA_E_INVALID);
    message.key = SAGA_SLICE("s/1/r");
    assert_int_equal(saga_keyring_take(ring, codec, &message, &arena, &diagnostic), SAGA_OK);
    assert_int_equal(saga_keyring_open(ring, SAGA_SLICE("s/1"), SAGA_SLICE("r"), &arena, &opened),
                     SAGA_OK);
    assert_memory_equal(&key, &opened, sizeof key);
    message.value.size--;
    assert_int_equal(saga_keyring_take(ring, codec, &message, &arena, &diagnostic), SAGA_E_INVALID);
    message.value = SAGA_SLICE_NONE;
    assert_int_equal(saga_keyring_take(ring, codec, &message, &arena, &diagnostic), SAGA_E_INVALID);
    saga_keyring_free(ring);
    saga_codec_free(codec);
    saga_wrapping_free(wrapping);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_key_is_refused_in_words_that_show_none),
        TEST(keys_come_from_a_file_or_a_command),
        TEST(a_key_opens_for_its_saga_alone),
        TEST(a_ring_holds_the_newest_word_on_each_run),
        TEST(a_ring_lets_go_of_all_runs_but_one),
        TEST(a_record_of_saga_keys_stands_under_its_name),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
