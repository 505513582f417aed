/* A reader's schema that is another than the writer's: what is seen, what cannot be resolved, and that trying branches ends. */
#include "schema_hex.h"

/* ---- resolution ---- */

#define FIELDS(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

static void a_reader_sees_what_a_writer_meant(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *writer, *reader, *hex, *json;
    } cases[] = {
        { "\"int\"", "\"long\"", "03", "-2" },
        { "\"int\"", "\"float\"", "06", "3" },
        { "\"int\"", "\"double\"", "06", "3" },
        { "\"long\"", "\"float\"", "8280808080808020", "9007199254740993" }, /* digit for digit */
        { "\"long\"", "\"double\"", "06", "3" },
        { "\"float\"", "\"double\"", "cdcccc3d", "0.10000000149011612" },
        { "\"string\"", "\"bytes\"", "026e", "\"bg==\"" },
        { "\"bytes\"", "\"string\"", "026e", "\"n\"" },
        { "\"int\"", "[\"null\",\"double\",\"long\"]", "06", "3" },
        { "[\"null\",\"int\"]", "\"long\"", "0206", "3" },
        { "[\"int\",\"string\"]", "[\"string\",\"null\",\"long\"]", "0006", "3" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "{\"type\":\"array\",\"items\":\"double\"}",
          "020600", "[3]" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "{\"type\":\"map\",\"values\":\"long\"}",
          "0202610600", "{\"a\":3}" },
        /* a field that was added, one that was taken away, one that was renamed */
        { FIELDS(FIELD("a", "\"int\"")),
          FIELDS(FIELD("a", "\"long\"") ",{\"name\":\"b\",\"type\":[\"null\",\"string\"],"
                                        "\"default\":null},{\"name\":\"c\",\"type\":{\"type\":"
                                        "\"array\",\"items\":\"int\"},\"default\":[1,2]}"),
          "06", "{\"a\":3,\"b\":null,\"c\":[1,2]}" },
        { FIELDS(FIELD("gone", LINE) "," FIELD("a", "\"int\"")), FIELDS(FIELD("a", "\"int\"")),
          "02610406", "{\"a\":3}" },
        { FIELDS(FIELD("old", "\"int\"")),
          FIELDS("{\"name\":\"new\",\"aliases\":[\"old\"],\"type\":\"int\"}"), "06",
          "{\"new\":3}" },
        { FIELDS(""), FIELDS("{\"name\":\"b\",\"type\":\"bytes\",\"default\":\"\\u00ff\\u0001\"}"),
          "", "{\"b\":\"/wE=\"}" },
        { FIELDS(""),
          FIELDS("{\"name\":\"d\",\"type\":" DECIMAL("9", "2") ",\"default\":\"\\u0001\\u0000\"}"),
          "", "{\"d\":2.56}" },
        { FIELDS(""), FIELDS("{\"name\":\"u\",\"type\":[\"bytes\",\"string\"],\"default\":\"a\"}"),
          "", "{\"u\":\"YQ==\"}" },
        { FIELDS(""),
          FIELDS("{\"name\":\"r\",\"type\":" LINE ",\"default\":{\"sku\":\"x\",\"quantity\":1}}"),
          "", "{\"r\":{\"sku\":\"x\",\"quantity\":1}}" },
        /* enums */
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\",\"B\"]}", ENUM, "02", "\"B\"" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}",
          "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"],\"default\":\"A\"}", "00",
          "\"A\"" },
        /* names: without the namespace, or by an alias */
        { "{\"type\":\"record\",\"name\":\"a.R\",\"fields\":[]}",
          "{\"type\":\"record\",\"name\":\"b.R\",\"fields\":[]}", "", "{}" },
        { "{\"type\":\"record\",\"name\":\"a.Old\",\"fields\":[]}",
          "{\"type\":\"record\",\"name\":\"a.New\",\"aliases\":[\"Old\"],\"fields\":[]}", "",
          "{}" },
        /* logical types: the reader's form, the writer's unit and scale */
        { "\"long\"", LOGICAL("long", "timestamp-millis"), "00", "\"1970-01-01T00:00:00.000Z\"" },
        { LOGICAL("long", "timestamp-millis"), "\"long\"", "02", "1" },
        { LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"), "02",
          "\"1970-01-01T00:00:00.001Z\"" },
        { DECIMAL("9", "2"), DECIMAL("9", "4"), "0407c6", "19.90" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *json = decode(cases[i].writer, cases[i].reader,
                                          bytes_of(cases[i].hex, arena), arena, &words);
        if (!json) fail_msg("%s as %s: %s", cases[i].writer, cases[i].reader, words);
        assert_string_equal(json, cases[i].json);
    }
}

static void what_cannot_be_resolved_is_named(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *writer, *reader, *hex, *words;
    } cases[] = {
        { "\"long\"", "\"int\"", "00",
          "the writer's schema has a long here, which cannot be read as an int" },
        { FIELDS(FIELD("a", "\"string\"")), FIELDS(FIELD("a", "\"int\"")), "00",
          "field a: the writer's schema has a string here, which cannot be read as an int" },
        { FIELDS(""), FIELDS(FIELD("a", "\"int\"")), "",
          "field a: the writer's schema has no such field, and it has no default" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}", ENUM, "00",
          "X is no symbol of E, which has no default" },
        { FIXED("1", ""), FIXED("2", ""), "00", "cannot be read as a fixed F" },
        { "\"string\"", "[\"null\",\"int\"]", "00", "cannot be read as a union" },
        { LINE, FIELDS(""), "0000", "a record Line here, which cannot be read as a record R" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *json = decode(cases[i].writer, cases[i].reader,
                                          bytes_of(cases[i].hex, arena), arena, &words);
        assert_null(json);
        if (!strstr(words, cases[i].words))
            fail_msg("%s as %s: %s", cases[i].writer, cases[i].reader, words);
    }
}

/* ---- work is bounded ---- */

/* Each level has two branches that fit all but at the innermost: 2^60 ways to try. */
static void branches_are_not_tried_without_end(void **state)
{
    struct saga_arena *arena = *state;
    struct saga_buffer json;
    const char *words;
    static const char tree[] =
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\",\"type\":[\"int\",\"A\","
        "{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"x\",\"type\":[\"int\",\"A\","
        "\"B\"]}]}]}]}";
    saga_buffer_init(&json, arena);
    for (int i = 0; i < 60; i++) saga_buffer_add(&json, SAGA_SLICE("{\"x\":"));
    saga_buffer_add(&json, SAGA_SLICE("true"));
    for (int i = 0; i < 60; i++) saga_buffer_add_char(&json, '}');
    saga_buffer_slice(&json);
    assert_null(encode(tree, json.data, arena, &words));
    assert_non_null(strstr(words, "too many values"));
    assert_true(arena->used_bytes < 512 * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reader_sees_what_a_writer_meant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_resolved_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(branches_are_not_tried_without_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
