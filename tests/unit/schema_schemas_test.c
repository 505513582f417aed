/* Schemas: canonical form and fingerprints as others compute them, what is refused and how, folders of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "schema/schemas.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int set_up(void **state)
{
    static struct saga_arena arena;
    saga_arena_init(&arena);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    saga_arena_free(*state);
    return 0;
}

/* ---- canonical form and fingerprints ---- */

static void fingerprints_are_those_of_other_implementations(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *canonical;
        uint64_t fingerprint;
    } cases[] = {
        { " \"null\" ", "\"null\"", 0x63dd24e7cc258f8a },
        { "{\"type\": \"int\", \"logicalType\": \"date\"}", "\"int\"", 0x7275d51a3f395c8f },
        { "{\"type\": {\"type\": \"long\"}}", "\"long\"", 0xd054e14493f41db7 },
        { "\"string\"", "\"string\"", 0x8f014872634503c7 },
        { "[ ]", "[]", 0xeec6e173d23fb9d1 },
        { "[\"int\", {\"type\": \"boolean\"}]", "[\"int\",\"boolean\"]", 0x4ad63578080c1602 },
        { "{\"fields\": [], \"doc\": \"\", \"type\": \"record\", \"name\": \"foo\", "
          "\"aliases\": [\"b\"], \"namespace\": \"x.y\"}",
          "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}", 0x521d1a6b830ec4ab },
        /* names inside are relative to the name outside: its own dots, not `namespace` */
        { "{\"type\": \"record\", \"name\": \"a.b.Outer\", \"namespace\": \"z\", \"fields\": ["
          "{\"name\": \"k\", \"default\": \"A\", \"type\": {\"type\": \"enum\", \"name\": \"Kind\","
          " \"symbols\": [\"A\", \"B\"]}},"
          "{\"name\": \"m\", \"type\": {\"type\": \"map\", \"values\": {\"type\": \"array\","
          " \"items\": [\"null\", {\"type\": \"fixed\", \"size\": 16, \"name\": \"Id\"}]}}},"
          "{\"name\": \"next\", \"type\": [\"null\", \"Outer\"]}]}",
          "{\"name\":\"a.b.Outer\",\"type\":\"record\",\"fields\":[{\"name\":\"k\",\"type\":"
          "{\"name\":\"a.b.Kind\",\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]}},{\"name\":\"m\","
          "\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":[\"null\","
          "{\"name\":\"a.b.Id\",\"type\":\"fixed\",\"size\":16}]}}},{\"name\":\"next\",\"type\":"
          "[\"null\",\"a.b.Outer\"]}]}",
          0xcb42622801640582 },
        /* computed by org.apache.avro's Python library */
        { "{\"type\": \"record\", \"name\": \"Order\", \"namespace\": \"shop\", \"doc\": \"d\", "
          "\"fields\": ["
          "{\"name\": \"id\", \"type\": \"string\"}, {\"name\": \"lines\", \"type\": {\"type\": "
          "\"array\","
          " \"items\": {\"type\": \"record\", \"name\": \"Line\", \"fields\": [{\"name\": \"sku\", "
          "\"type\":"
          " \"string\"}, {\"name\": \"quantity\", \"type\": \"int\"}]}}}]}",
          "{\"name\":\"shop.Order\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":"
          "\"string\"},"
          "{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"shop.Line\","
          "\"type\":"
          "\"record\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"quantity\","
          "\"type\":"
          "\"int\"}]}}}]}",
          0x3dd6796aa0c2b53a },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_schema_scope scope = { .arena = arena };
        const struct saga_schema *schema;
        struct saga_slice words;
        assert_int_equal(saga_schema_read(&scope, saga_slice_of(cases[i].schema), &schema, &words),
                         SAGA_OK);
        struct saga_slice canonical = saga_schema_canonical(schema, arena);
        assert_string_equal(saga_arena_string(arena, canonical), cases[i].canonical);
        assert_true(saga_schema_fingerprint(schema) == cases[i].fingerprint);
    }
}

/* ---- what is refused ---- */

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

static void schemas_that_are_wrong_are_refused_with_their_place(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *words;
    } cases[] = {
        { "{", "no JSON" },
        { "7", "7 is no type" },
        { "{}", "an object without `type`" },
        { "\"Money\"", "there is no type `Money`" },
        { "{\"type\":\"record\",\"name\":\"9\",\"fields\":[]}", "a record without a proper name" },
        { "{\"type\":\"record\",\"name\":\"a..b\",\"fields\":[]}",
          "a record without a proper name" },
        { "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"7\",\"fields\":[]}", "namespace" },
        { "{\"type\":\"record\",\"name\":\"R\"}", "R: a record needs a list `fields`" },
        { RECORD("7"), "R: a field that is no object" },
        { RECORD("{\"name\":\"a\"}"), "R: field a has no type" },
        { RECORD("{\"name\":\"a b\",\"type\":\"int\"}"), "R: a field without a proper name" },
        { RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"a\",\"type\":\"int\"}"),
          "R: there are two fields a" },
        { RECORD("{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"Lime\"}}"),
          "R.a: there is no type `Lime`" },
        { RECORD("{\"name\":\"a\",\"type\":{\"type\":\"array\"}}"), "R.a: array without `items`" },
        { RECORD("{\"name\":\"a\",\"type\":" RECORD("") "}"), "R.a: `R` is defined twice" },
        { RECORD("{\"name\":\"a\",\"type\":[\"int\",\"null\",\"int\"]}"),
          "R.a: a union with int twice" },
        { RECORD("{\"name\":\"a\",\"type\":[\"int\",[\"null\"]]}"), "R.a: a union in a union" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"A\"]}", "symbol A twice" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"B\"}",
          "a default that is none of its symbols" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "fixed F needs a `size`" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4294967296}", "fixed F needs a `size`" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_schema_scope scope = { .arena = arena };
        const struct saga_schema *schema;
        struct saga_slice words;
        assert_int_equal(saga_schema_read(&scope, saga_slice_of(cases[i].schema), &schema, &words),
                         SAGA_E_INVALID);
        if (!strstr(saga_arena_string(arena, words), cases[i].words))
            fail_msg("%s: %.*s", cases[i].schema, SAGA_SLICE_ARG(words));
    }
}

static void defaults_that_do_not_fit_are_refused(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *words;
    } cases[] = {
        { RECORD("{\"name\":\"a\",\"type\":\"int\",\"default\":\"7\"}"),
          "the default of R.a does not fit: must be an int, is the text \"7\"" },
        { RECORD("{\"name\":\"a\",\"type\":\"R\",\"default\":{}}"), "contains itself" },
        { RECORD("{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":[1,"
                 "true]}"),
          "field [1]: must be an int, is true" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_schema_scope scope = { .arena = arena };
        const struct saga_schema *schema;
        struct saga_slice words;
        assert_int_equal(saga_schema_read(&scope, saga_slice_of(cases[i].schema), &schema, &words),
                         SAGA_OK);
        assert_int_equal(saga_schema_make_defaults(&scope, &words), SAGA_E_INVALID);
        if (!strstr(saga_arena_string(arena, words), cases[i].words))
            fail_msg("%s: %.*s", cases[i].schema, SAGA_SLICE_ARG(words));
    }
}

static void a_logical_type_that_does_not_fit_is_none(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema;
        enum saga_schema_logical logical;
    } cases[] = {
        { "{\"type\":\"int\",\"logicalType\":\"date\"}", SAGA_LOGICAL_DATE },
        { "{\"type\":\"string\",\"logicalType\":\"date\"}", SAGA_LOGICAL_NONE },
        { "{\"type\":\"int\",\"logicalType\":\"moon-phase\"}", SAGA_LOGICAL_NONE },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", SAGA_LOGICAL_NONE },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}",
          SAGA_LOGICAL_DECIMAL },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":5}",
          SAGA_LOGICAL_NONE },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"logicalType\":\"decimal\",\"precision\":"
          "4}",
          SAGA_LOGICAL_DECIMAL },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"logicalType\":\"decimal\",\"precision\":"
          "5}",
          SAGA_LOGICAL_NONE },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":15,\"logicalType\":\"uuid\"}",
          SAGA_LOGICAL_NONE },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_schema_scope scope = { .arena = arena };
        const struct saga_schema *schema;
        struct saga_slice words;
        assert_int_equal(saga_schema_read(&scope, saga_slice_of(cases[i].schema), &schema, &words),
                         SAGA_OK);
        assert_int_equal(schema->logical, cases[i].logical);
    }
}

/* ---- a folder of them ---- */

#define FILE_OF(namespace, name, fields)                                                           \
    "{\"type\":\"record\",\"namespace\":\"" namespace "\",\"name\":\"" name                        \
                                                      "\",\"fields\":[" fields "]}"

struct text {
    const char *path, *schema;
};

static struct saga_schemas *read_all(const struct text *texts, size_t count,
                                     struct saga_arena *arena, int expected,
                                     struct saga_diagnostics *ret)
{
    struct saga_schemas *schemas = saga_schemas_new();
    for (size_t i = 0; i < count; i++)
        saga_schemas_add(schemas, saga_slice_of(texts[i].path), saga_slice_of(texts[i].schema));
    saga_diagnostics_init(ret, arena);
    int error = saga_schemas_read(schemas, "schemas", ret);
    if (error != expected && ret->count) fail_msg("%.*s", SAGA_SLICE_ARG(ret->items[0].what));
    assert_int_equal(error, expected);
    return schemas;
}

static const struct saga_schema *type_of(const struct saga_schemas *schemas, const char *name,
                                         struct saga_arena *arena, int expected)
{
    const struct saga_schema *schema = NULL;
    struct saga_slice words;
    assert_int_equal(saga_schemas_type(schemas, saga_slice_of(name), arena, &schema, &words),
                     expected);
    return schema;
}

static void files_name_each_others_types(void **state)
{
    struct saga_arena *arena = *state;
    static const struct text texts[] = {
        { "z/Order.avsc",
          FILE_OF("shop", "Order", "{\"name\":\"total\",\"type\":\"money.Money\"}") },
        { "b/Money.avsc",
          FILE_OF("money", "Money", "{\"name\":\"currency\",\"type\":\"Currency\"}") },
        { "a/Currency.avsc",
          "{\"type\":\"enum\",\"name\":\"money.Currency\",\"symbols\":[\"EUR\"]}" },
        { "a/Left.avsc",
          FILE_OF("ring", "Left", "{\"name\":\"r\",\"type\":[\"null\",\"Right\"]}") },
        { "a/Right.avsc",
          FILE_OF("ring", "Right", "{\"name\":\"l\",\"type\":[\"null\",\"Left\"]}") },
    };
    struct saga_diagnostics diagnostics;
    struct saga_schemas *schemas = read_all(texts, COUNT(texts), arena, SAGA_OK, &diagnostics);
    const struct saga_schema *order = type_of(schemas, "Order", arena, SAGA_OK);
    /* what the fingerprint is taken of holds the other files' types, as in other implementations */
    assert_string_equal(
        saga_arena_string(arena, saga_schema_canonical(order, arena)),
        "{\"name\":\"shop.Order\",\"type\":\"record\",\"fields\":[{\"name\":\"total\",\"type\":"
        "{\"name\":\"money.Money\",\"type\":\"record\",\"fields\":[{\"name\":\"currency\",\"type\":"
        "{\"name\":\"money.Currency\",\"type\":\"enum\",\"symbols\":[\"EUR\"]}}]}}]}");
    assert_ptr_equal(saga_schemas_by_fingerprint(schemas, saga_schema_fingerprint(order)), order);
    const struct saga_schema *left = type_of(schemas, "ring.Left", arena, SAGA_OK);
    assert_ptr_equal(left->fields[0].type->branches[1], type_of(schemas, "Right", arena, SAGA_OK));
    type_of(schemas, "Currency", arena, SAGA_E_NOT_FOUND); /* no message is an enum */
    saga_schemas_free(schemas);
}

static void the_file_called_as_the_record_is_the_current_version(void **state)
{
    struct saga_arena *arena = *state;
    static const struct text texts[] = {
        { "Order-1.avsc", FILE_OF("shop", "Order", "") },
        { "Order.avsc", FILE_OF("shop", "Order", "{\"name\":\"a\",\"type\":\"int\"}") },
        { "shop.Paid.avsc", FILE_OF("shop", "Paid", "") },
        { "other/Paid.avsc", FILE_OF("other", "Paid", "") },
        { "Renamed.avsc",
          "{\"type\":\"record\",\"name\":\"Renamed\",\"aliases\":[\"Named\"],\"fields\":[]}" },
        { "old/Named.avsc", "{\"type\":\"record\",\"name\":\"Gone\",\"fields\":[]}" },
    };
    struct saga_diagnostics diagnostics;
    struct saga_slice words = SAGA_SLICE_NONE;
    const struct saga_schema *schema;
    struct saga_schemas *schemas = read_all(texts, COUNT(texts), arena, SAGA_OK, &diagnostics);
    const struct saga_schema *order = type_of(schemas, "Order", arena, SAGA_OK);
    assert_int_equal(order->field_count, 1);
    assert_int_equal(saga_schemas_add_id(schemas, 7, SAGA_SLICE("Order-1.avsc")), SAGA_OK);
    assert_int_equal(saga_schemas_add_id(schemas, 8, SAGA_SLICE("Order.avsc")), SAGA_OK);
    assert_int_equal(saga_schemas_add_id(schemas, 9, SAGA_SLICE("Order.avsc")), SAGA_OK);
    assert_int_equal(saga_schemas_add_id(schemas, 7, SAGA_SLICE("Order.avsc")), SAGA_E_CONFLICT);
    assert_int_equal(saga_schemas_add_id(schemas, 5, SAGA_SLICE("no.avsc")), SAGA_E_NOT_FOUND);
    assert_int_equal(saga_schemas_add_fingerprint(schemas, 0x1234, SAGA_SLICE("Order-1.avsc")),
                     SAGA_OK);
    assert_int_equal(saga_schemas_add_fingerprint(schemas, 0x1234, SAGA_SLICE("Order.avsc")),
                     SAGA_E_CONFLICT);
    const struct saga_schema *first = saga_schemas_by_id(schemas, 7);
    assert_int_equal(first->field_count, 0);
    assert_ptr_equal(saga_schemas_by_fingerprint(schemas, 0x1234), first);
    assert_ptr_equal(saga_schemas_by_fingerprint(schemas, saga_schema_fingerprint(first)), first);
    assert_ptr_equal(saga_schemas_reader(schemas, first), order);
    uint32_t id;
    assert_int_equal(saga_schemas_id_of(schemas, order, &id), SAGA_OK);
    assert_int_equal(id, 9); /* the last one given */
    assert_int_equal(saga_schemas_type(schemas, SAGA_SLICE("Paid"), arena, &schema, &words),
                     SAGA_E_CONFLICT);
    assert_non_null(strstr(saga_arena_string(arena, words), "write the full name"));
    type_of(schemas, "other.Paid", arena, SAGA_OK);
    static const struct saga_schema named = { .kind = SAGA_SCHEMA_RECORD, .name = { "Named", 5 } };
    assert_ptr_equal(saga_schemas_reader(schemas, &named),
                     type_of(schemas, "Renamed", arena, SAGA_OK));
    saga_schemas_free(schemas);
}

static void what_is_wrong_with_files_is_found(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        struct text texts[2];
        const char *file, *words;
    } cases[] = {
        { { { "A.avsc", "{" }, { "B.avsc", "\"int\"" } }, "schemas/A.avsc", "no JSON" },
        { { { "1.avsc", FILE_OF("a", "R", "") }, { "2.avsc", FILE_OF("a", "R", "") } },
          "schemas/1.avsc",
          "several files define a.R" },
        { { { "x/R.avsc", FILE_OF("a", "R", "") }, { "y/R.avsc", FILE_OF("a", "R", "") } },
          "schemas/y/R.avsc",
          "several files define a.R" },
        { { { "A.avsc", FILE_OF("a", "A", "{\"name\":\"b\",\"type\":\"B\"}") },
            { "B.avsc", FILE_OF("a", "B", "{\"name\":\"c\",\"type\":\"C\"}") } },
          "schemas/B.avsc",
          "a.B.c: there is no type `a.C`" },
        { { { "A.avsc", FILE_OF("a", "A", "{\"name\":\"x\",\"type\":\"int\",\"default\":null}") },
            { "B.avsc", "\"int\"" } },
          "schemas/A.avsc",
          "the default of a.A.x does not fit" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_diagnostics diagnostics;
        struct saga_schemas *schemas =
            read_all(cases[i].texts, 2, arena, SAGA_E_INVALID, &diagnostics);
        assert_string_equal(diagnostics.items[0].file, cases[i].file);
        if (!strstr(saga_arena_string(arena, diagnostics.items[0].what), cases[i].words))
            fail_msg("%s: %.*s", cases[i].words, SAGA_SLICE_ARG(diagnostics.items[0].what));
        saga_schemas_free(schemas);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fingerprints_are_those_of_other_implementations, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(schemas_that_are_wrong_are_refused_with_their_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(defaults_that_do_not_fit_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_logical_type_that_does_not_fit_is_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(files_name_each_others_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_called_as_the_record_is_the_current_version,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_files_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
