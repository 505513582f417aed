/* The catalog: names and versions, which one is newest, the first content of a version stands, and
 * what every topic is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "definition/catalog.h"

static struct saga_definition *make(const char *name, unsigned version, const char *start,
                                    const char *from, const char *replies)
{
    char text[512];
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    snprintf(text, sizeof text,
             "saga: %s\nversion: %u\n"
             "participants: { a: { commands: commands, replies: %s } }\n"
             "start: { topic: %s, event: E, key: .id, from: %s }\n"
             "steps: [{ step: one, send: a/Do, success: Done, compensate: none }]\n",
             name, version, replies, start, from);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    int error = saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    saga_diagnostics_print(&found, stderr);
    saga_arena_free(&arena);
    assert_int_equal(error, SAGA_OK);
    return definition;
}

static void add(struct saga_catalog *catalog, const char *name, unsigned version, int want)
{
    assert_int_equal(saga_catalog_add(catalog, make(name, version, "t", "latest", "r")), want);
}

static void definitions_are_found_by_name_and_version(void **state)
{
    (void)state;
    struct saga_catalog *catalog;
    assert_int_equal(saga_catalog_new(&catalog), SAGA_OK);
    assert_null(saga_catalog_newest(catalog, SAGA_SLICE("b")));
    add(catalog, "b", 10, SAGA_OK);
    add(catalog, "c", 1, SAGA_OK);
    add(catalog, "b", 9, SAGA_OK);
    add(catalog, "a", 3, SAGA_OK);
    add(catalog, "bb", 1, SAGA_OK);
    static const struct {
        const char *name;
        unsigned version;
    } sorted[] = { { "a", 3 }, { "b", 9 }, { "b", 10 }, { "bb", 1 }, { "c", 1 } };
    assert_int_equal(saga_catalog_count(catalog), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(saga_slice_is(saga_catalog_at(catalog, i)->name, sorted[i].name));
        assert_int_equal(saga_catalog_at(catalog, i)->version, sorted[i].version);
        assert_ptr_equal(
            saga_catalog_find(catalog, saga_slice_of(sorted[i].name), sorted[i].version),
            saga_catalog_at(catalog, i));
    }
    assert_null(saga_catalog_find(catalog, SAGA_SLICE("b"), 11));
    assert_null(saga_catalog_find(catalog, SAGA_SLICE("d"), 1));
    assert_int_equal(saga_catalog_newest(catalog, SAGA_SLICE("b"))->version, 10);
    assert_null(saga_catalog_newest(catalog, SAGA_SLICE("ba")));
    saga_catalog_free(catalog);
    saga_catalog_free(NULL);
}

static void the_first_content_of_a_version_stands(void **state)
{
    (void)state;
    struct saga_catalog *catalog;
    saga_catalog_new(&catalog);
    add(catalog, "a", 1, SAGA_OK);
    const struct saga_definition *first = saga_catalog_at(catalog, 0);
    add(catalog, "a", 1, SAGA_OK);
    assert_int_equal(saga_catalog_add(catalog, make("a", 1, "other", "latest", "r")),
                     SAGA_E_CONFLICT);
    assert_int_equal(saga_catalog_count(catalog), 1);
    assert_ptr_equal(saga_catalog_at(catalog, 0), first);
    saga_catalog_free(catalog);
}

static void check_topic(struct saga_catalog *catalog, const char *name, bool replies, bool starts,
                        enum saga_begin from)
{
    const struct saga_catalog_topic *topic = saga_catalog_topic(catalog, saga_slice_of(name));
    assert_non_null(topic);
    assert_true(saga_slice_is(topic->topic, name));
    assert_int_equal(topic->replies, replies);
    assert_int_equal(topic->starts, starts);
    assert_int_equal(topic->from, from);
}

static void topics_are_those_that_somebody_reads(void **state)
{
    (void)state;
    const struct saga_catalog_topic *topics;
    struct saga_catalog *catalog;
    saga_catalog_new(&catalog);
    assert_int_equal(saga_catalog_topics(catalog, &topics), 0);
    saga_catalog_add(catalog, make("a", 1, "old-orders", "latest", "r1"));
    check_topic(catalog, "old-orders", false, true, SAGA_BEGIN_LATEST);
    saga_catalog_add(catalog, make("a", 2, "orders", "latest", "r2"));
    saga_catalog_add(catalog, make("b", 1, "orders", "earliest", "r2"));
    saga_catalog_add(catalog, make("c", 1, "r1", "latest", "r3"));
    assert_int_equal(saga_catalog_topics(catalog, &topics), 4);
    for (size_t i = 1; i < 4; i++)
        assert_true(saga_slice_compare(topics[i - 1].topic, topics[i].topic) < 0);
    /* R19: only the newest version starts; R20: earliest where any start says so */
    assert_null(saga_catalog_topic(catalog, SAGA_SLICE("old-orders")));
    check_topic(catalog, "orders", false, true, SAGA_BEGIN_EARLIEST);
    /* running sagas of the old version are still answered */
    check_topic(catalog, "r1", true, true, SAGA_BEGIN_EARLIEST);
    check_topic(catalog, "r2", true, false, SAGA_BEGIN_EARLIEST);
    assert_null(saga_catalog_topic(catalog, SAGA_SLICE("commands")));
    saga_catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_are_found_by_name_and_version),
        cmocka_unit_test(the_first_content_of_a_version_stands),
        cmocka_unit_test(topics_are_those_that_somebody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
