/* Journals of every released format stay readable, and deciding again gives what was decided then: each folder of
 * golden/journals is replayed. Fails where the schema of the journal is changed and the old one is read no longer, where
 * the engine decides otherwise than it did, and where there is no recording of the format that is written now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "recorded/recorded.h"

enum { FORMAT_LETTERS = 16 };

static bool is_format(const char *name)
{
    return strlen(name) == FORMAT_LETTERS && strspn(name, "0123456789abcdef") == FORMAT_LETTERS;
}

static void check_format(const char *name)
{
    char folder[512];
    struct saga_replay_counts counts;
    snprintf(folder, sizeof folder, RECORDED_FOLDER "/%s", name);
    recorded_replay(folder, &counts);
    char *came = recorded_counts(&counts), *expected = recorded_text(folder, "expected.json");
    assert_string_equal(came, expected);
    free(came);
    free(expected);
}

static void every_format_is_replayed(void **state)
{
    struct dirent **files;
    unsigned formats = 0;
    (void)state;
    int count = scandir(RECORDED_FOLDER, &files, NULL, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        if (is_format(files[i]->d_name)) {
            check_format(files[i]->d_name);
            formats++;
        }
        free(files[i]);
    }
    free(files);
    assert_true(formats >= 1);
}

static void nobody(const struct saga_message *record, void *context)
{
    (void)record;
    (void)context;
}

static void the_format_of_today_is_recorded(void **state)
{
    char folder[512], format[FORMAT_LETTERS + 1];
    (void)state;
    recorded_format(format);
    snprintf(folder, sizeof folder, RECORDED_FOLDER "/%s", format);
    if (!recorded_lane(folder, 0, nobody, NULL))
        fail_msg("no journal of the format %s is recorded: tests/golden/journals/README.md",
                 format);
}

/* ---- that it would be noticed ---- */

struct damaged {
    struct saga_replay *replay;
    unsigned at;
};

static void take_damaged(const struct saga_message *record, void *context)
{
    struct damaged *damaged = context;
    struct saga_message changed = *record;
    struct saga_arena arena;
    saga_arena_init(&arena);
    char *bytes = saga_arena_string(&arena, record->value);
    if (damaged->at-- == 0) bytes[2] ^= 1; /* as if another schema had written it */
    changed.value.data = bytes;
    saga_replay_record(damaged->replay, &changed);
    saga_arena_free(&arena);
}

static void ignore(const struct saga_difference *difference, void *context)
{
    (void)difference;
    (void)context;
}

static void a_record_of_an_unknown_format_is_a_difference(void **state)
{
    char folder[512], format[FORMAT_LETTERS + 1];
    struct saga_catalog *catalog;
    struct saga_schemas *schemas;
    struct saga_codec *codec;
    struct damaged damaged = { .at = 3 };
    struct saga_replay_counts counts;
    (void)state;
    recorded_format(format);
    snprintf(folder, sizeof folder, RECORDED_FOLDER "/%s", format);
    recorded_catalog(folder, &catalog, &schemas);
    assert_int_equal(saga_codec_new(&codec), 0);
    assert_int_equal(saga_replay_new(codec, catalog, 0, ignore, NULL, &damaged.replay), 0);
    assert_true(recorded_lane(folder, 0, take_damaged, &damaged));
    saga_replay_count(damaged.replay, &counts);
    assert_int_equal(counts.differences[SAGA_DIFFERENCE_UNREADABLE], 1);
    saga_replay_free(damaged.replay);
    saga_codec_free(codec);
    saga_catalog_free(catalog);
    saga_schemas_free(schemas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_replayed),
        cmocka_unit_test(the_format_of_today_is_recorded),
        cmocka_unit_test(a_record_of_an_unknown_format_is_a_difference),
    };
    return cmocka_run_group_tests_name("recorded journals", tests, NULL, NULL);
}
