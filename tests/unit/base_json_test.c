/* JSON as slices: what is valid, finding members, resolving escapes, numbers that a double would change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

#define COUNT(items) (sizeof(items) / sizeof(items)[0])

/* Validates a copy that ends where the heap block ends, so that a sanitizer sees a read behind it. */
static int validate(struct saga_slice json, size_t *ret_offset, const char **ret_why)
{
    char *exact = malloc(json.size ? json.size : 1);
    assert_non_null(exact);
    if (json.size) memcpy(exact, json.data, json.size);
    int error = saga_json_validate((struct saga_slice){ exact, json.size }, ret_offset, ret_why);
    free(exact);
    return error;
}

static void valid_json_is_taken(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1.5e+10",
        "1E9",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "\t{ }\r\n",
        "{\"a\":[1,2,{\"b\":null}],\"\":\"x\"}",
        "\"\\u00e4\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"Z\xC3\xBCrich \xF0\x9F\x9A\x9A \x7F\"",
        "\"\\ud83d\"",
    };
    for (size_t i = 0; i < COUNT(valid); i++) {
        size_t offset = 0;
        const char *why = "";
        if (validate(saga_slice_of(valid[i]), &offset, &why) != SAGA_OK)
            fail_msg("%s was refused at %zu: %s", valid[i], offset, why);
    }
}

static void invalid_json_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        size_t offset;
    } invalid[] = {
        { "", 0 },
        { "  ", 2 },
        { "nul", 0 },
        { "nulL", 0 },
        { "True", 0 },
        { "01", 1 },
        { "-", 1 },
        { "1.", 2 },
        { ".5", 0 },
        { "1e", 2 },
        { "+1", 0 },
        { "0x10", 1 },
        { "NaN", 0 },
        { "[1,]", 3 },
        { "[1 2]", 3 },
        { "[", 1 },
        { "[1", 2 },
        { "{\"a\"}", 4 },
        { "{a:1}", 1 },
        { "{\"a\":1,}", 7 },
        { "{\"a\":}", 5 },
        { "\"a", 2 },
        { "\"\\x\"", 2 },
        { "\"\\u12g4\"", 5 },
        { "\"a\nb\"", 2 },
        { "\"\x1F\"", 1 },
        { "\"\xC3\"", 1 },
        { "\"\xC0\x80\"", 1 },
        { "\"\xED\xA0\x80\"", 1 },
        { "{} {}", 3 },
        { "'a'", 0 },
        { "[1]]", 3 },
        { "\"\xF4\x90\x80\x80\"", 1 },
    };
    for (size_t i = 0; i < COUNT(invalid); i++) {
        size_t offset = 999;
        const char *why = NULL;
        if (validate(saga_slice_of(invalid[i].json), &offset, &why) != SAGA_E_INVALID)
            fail_msg("%s was taken", invalid[i].json);
        if (offset != invalid[i].offset)
            fail_msg("%s: at %zu, not %zu", invalid[i].json, invalid[i].offset, offset);
        assert_non_null(why);
    }
    assert_int_equal(saga_json_validate(SAGA_SLICE_NONE, NULL, NULL), SAGA_E_INVALID);
    assert_int_equal(validate(SAGA_SLICE("\"a\0\""), NULL, NULL), SAGA_E_INVALID);
    assert_int_equal(validate(SAGA_SLICE("\"\\\0\""), NULL, NULL), SAGA_E_INVALID);
}

/* Texts are looked through eight bytes at a time: what is special must be seen at each place of them. */
static void each_byte_is_seen_at_each_place(void **state)
{
    (void)state;
    enum { TEXT = 24 };
    for (size_t place = 1; place <= TEXT; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char json[TEXT + 2];
            size_t offset = 0;
            memset(json, 'x', sizeof json);
            json[0] = json[TEXT + 1] = '"';
            json[place] = (char)byte;
            bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            struct saga_slice text = { json, sizeof json };
            int error = validate(text, &offset, NULL);
            assert_int_equal(error, plain ? SAGA_OK : SAGA_E_INVALID);
            if (!plain && byte != '\\' && byte != '"') assert_int_equal(offset, place);
            assert_int_equal(saga_utf8_valid(text), byte < 0x80 ? sizeof json : place);
        }
    }
}

/* The end of a text is found with a quote in it that is escaped, at each place. */
static void escaped_quotes_are_seen_at_each_place(void **state)
{
    (void)state;
    enum { TEXT = 24 };
    for (size_t place = 0; place < TEXT; place++) {
        char text[TEXT + 3], json[100];
        memset(text, 'x', sizeof text);
        memcpy(text + place, "\\\"", 2);
        text[TEXT + 2] = '\0';
        snprintf(json, sizeof json, "{\"%s\":\"%s\",\"z\":[\"%s\",1]}", text, text, text);
        struct saga_slice value, name, last;
        struct saga_json_walk walk;
        assert_int_equal(validate(saga_slice_of(json), NULL, NULL), SAGA_OK);
        saga_json_walk_init(&walk, saga_slice_of(json));
        assert_true(saga_json_walk_next(&walk, &name, &value));
        assert_int_equal(name.size, TEXT + 4);
        assert_int_equal(value.size, TEXT + 4);
        assert_int_equal(saga_json_member(saga_slice_of(json), SAGA_SLICE("z"), &value), SAGA_OK);
        assert_int_equal(saga_json_element(value, -1, &last), SAGA_OK);
        assert_true(saga_slice_is(last, "1"));
    }
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    enum { LEVELS = SAGA_JSON_DEPTH_MAX + 1 };
    char json[2 * LEVELS];
    const char *why = NULL;
    memset(json, '[', LEVELS);
    memset(json + LEVELS, ']', LEVELS);
    struct saga_slice deepest = { json + 1, 2 * (LEVELS - 1) }, deeper = { json, 2 * LEVELS };
    assert_int_equal(saga_json_validate(deepest, NULL, NULL), SAGA_OK);
    assert_int_equal(saga_json_validate(deeper, NULL, &why), SAGA_E_LIMIT);
    assert_string_equal(why, "nested too deeply");
}

/* A value cut anywhere is no value, and finding that out reads nothing behind the cut. */
static void every_cut_is_refused(void **state)
{
    (void)state;
    struct saga_slice whole =
        SAGA_SLICE("{\"a\":[1,-2.5e3,true],\"b\":{\"\\u00e4\":\"Z\xC3\xBCrich\"},\"c\":null}");
    assert_int_equal(validate(whole, NULL, NULL), SAGA_OK);
    for (size_t size = 0; size < whole.size; size++)
        assert_int_equal(validate((struct saga_slice){ whole.data, size }, NULL, NULL),
                         SAGA_E_INVALID);
}

static void assert_member(const char *json, const char *name, const char *value)
{
    struct saga_slice found;
    int error = saga_json_member(saga_slice_of(json), saga_slice_of(name), &found);
    if (!value) {
        assert_int_equal(error, SAGA_E_NOT_FOUND);
        return;
    }
    assert_int_equal(error, SAGA_OK);
    if (!saga_slice_is(found, value)) fail_msg("%s: %.*s", name, SAGA_SLICE_ARG(found));
}

static void members_are_found(void **state)
{
    (void)state;
    const char *json =
        " { \"a\" : [1, {\"b\": 2}] , \"b\":\"x,\\\"}\", \"\\u00e4\":-1.5, \"\": null,\"z\":{} } ";
    assert_member(json, "a", "[1, {\"b\": 2}]");
    assert_member(json, "b", "\"x,\\\"}\"");
    assert_member(json, "\xC3\xA4", "-1.5");
    assert_member(json, "", "null");
    assert_member(json, "z", "{}");
    assert_member(json, "x", NULL);
    assert_member("{\"a\":1,\"a\":2}", "a", "2");
    assert_member("[\"a\",1]", "a", NULL);
    assert_member("\"a\"", "a", NULL);
    assert_member("{}", "a", NULL);
}

static void elements_are_found_from_both_ends(void **state)
{
    (void)state;
    struct saga_slice json = SAGA_SLICE("[ 1 , \"b,]\" , [3,4] ]"), found = SAGA_SLICE("kept");
    assert_int_equal(saga_json_element(json, 0, &found), SAGA_OK);
    assert_true(saga_slice_is(found, "1"));
    assert_int_equal(saga_json_element(json, 1, &found), SAGA_OK);
    assert_true(saga_slice_is(found, "\"b,]\""));
    assert_int_equal(saga_json_element(json, -1, &found), SAGA_OK);
    assert_true(saga_slice_is(found, "[3,4]"));
    assert_int_equal(saga_json_element(json, 3, &found), SAGA_E_NOT_FOUND);
    assert_int_equal(saga_json_element(json, -4, &found), SAGA_E_NOT_FOUND);
    assert_int_equal(saga_json_element(SAGA_SLICE("[]"), 0, &found), SAGA_E_NOT_FOUND);
    assert_int_equal(saga_json_element(SAGA_SLICE("{\"a\":1}"), 0, &found), SAGA_E_NOT_FOUND);
    assert_true(saga_slice_is(found, "[3,4]"));
}

static void a_walk_sees_every_entry_in_order(void **state)
{
    (void)state;
    struct saga_json_walk walk;
    struct saga_slice name, value;
    char seen[128] = "";
    saga_json_walk_init(&walk, SAGA_SLICE("\n{ \"a\" : 1 , \"b\\\"\":[ ],\"c\":{\"d\":2} }"));
    while (saga_json_walk_next(&walk, &name, &value))
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s=%.*s;",
                 SAGA_SLICE_ARG(name), SAGA_SLICE_ARG(value));
    assert_string_equal(seen, "\"a\"=1;\"b\\\"\"=[ ];\"c\"={\"d\":2};");
    saga_json_walk_init(&walk, SAGA_SLICE("[true]"));
    assert_true(saga_json_walk_next(&walk, &name, &value));
    assert_null(name.data);
    assert_true(saga_slice_is(value, "true"));
    assert_false(saga_json_walk_next(&walk, &name, &value));
    saga_json_walk_init(&walk, SAGA_SLICE("17"));
    assert_false(saga_json_walk_next(&walk, &name, &value));
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(saga_json_kind(SAGA_SLICE(" null")), SAGA_JSON_NULL);
    assert_int_equal(saga_json_kind(SAGA_SLICE("false")), SAGA_JSON_FALSE);
    assert_int_equal(saga_json_kind(SAGA_SLICE("true")), SAGA_JSON_TRUE);
    assert_int_equal(saga_json_kind(SAGA_SLICE("-1")), SAGA_JSON_NUMBER);
    assert_int_equal(saga_json_kind(SAGA_SLICE("\"\"")), SAGA_JSON_STRING);
    assert_int_equal(saga_json_kind(SAGA_SLICE("[]")), SAGA_JSON_ARRAY);
    assert_int_equal(saga_json_kind(SAGA_SLICE("\t{}")), SAGA_JSON_OBJECT);
    assert_true(saga_slice_is(saga_json_trim(SAGA_SLICE(" \r\n[1 ]\t")), "[1 ]"));
}

static void assert_text(struct saga_slice json, struct saga_slice text)
{
    struct saga_arena arena;
    struct saga_slice found;
    saga_arena_init(&arena);
    assert_int_equal(saga_json_text(json, &arena, &found), SAGA_OK);
    if (!saga_slice_equal(found, text)) fail_msg("%.*s", SAGA_SLICE_ARG(found));
    saga_arena_free(&arena);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    assert_text(SAGA_SLICE(" \"\" "), SAGA_SLICE(""));
    assert_text(SAGA_SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SAGA_SLICE("\"\\/\b\f\n\r\t"));
    assert_text(SAGA_SLICE("\"A\\u0042\\u00e4\\u20AC\""), SAGA_SLICE("AB\xC3\xA4\xE2\x82\xAC"));
    assert_text(SAGA_SLICE("\"\\ud83d\\ude9a\""), SAGA_SLICE("\xF0\x9F\x9A\x9A"));
    assert_text(SAGA_SLICE("\"a\\u0000b\""), SAGA_SLICE("a\0b"));
    /* surrogates that have no partner */
    assert_text(SAGA_SLICE("\"\\ud83d\""), SAGA_SLICE("\xEF\xBF\xBD"));
    assert_text(SAGA_SLICE("\"\\ude9ax\""), SAGA_SLICE("\xEF\xBF\xBDx"));
    assert_text(SAGA_SLICE("\"\\ud83d\\u0041\""), SAGA_SLICE("\xEF\xBF\xBD"
                                                             "A"));
    assert_text(SAGA_SLICE("\"\\ud83d\\n\""), SAGA_SLICE("\xEF\xBF\xBD\n"));
    struct saga_arena arena;
    struct saga_slice found;
    saga_arena_init(&arena);
    assert_int_equal(saga_json_text(SAGA_SLICE("17"), &arena, &found), SAGA_E_INVALID);
    saga_arena_free(&arena);
}

static void numbers_that_a_double_would_change_are_found(void **state)
{
    (void)state;
    static const char *const safe[] = {
        "0",
        "-0",
        "0.0",
        "9007199254740992",
        "-9007199254740992",
        "999999999999999",
        "0.1",
        "19.99",
        "13.404953999999975",
        "0.30000000000000004",
        "0.00030000000000000003",
        "100.00000000000000000",
        "1e23",
        "-1.5E-7",
        "1e308",
        "5e-324",
        "0.000000000000000000000000000001",
        "\"9007199254740993\"",
        "\"a\\\"12345678901234567890\"",
        "{\"12345678901234567890\":1}",
    };
    static const char *const unsafe[] = {
        "9007199254740993",
        "-9007199254740993",
        "12345678901234567890",
        "1152921504606846976",
        "9007199254740993.0",
        "52.520006599999999",
        "123456789012345678e-5",
        "0.1234567890123456789",
        "1e400",
        "-1e400",
        "1e-400",
        "1e99999999999999999999",
        "90071992547409920",
    };
    struct saga_slice number;
    for (size_t i = 0; i < COUNT(safe); i++)
        if (saga_json_has_unsafe_number(saga_slice_of(safe[i]), &number))
            fail_msg("%s was called unsafe", safe[i]);
    for (size_t i = 0; i < COUNT(unsafe); i++) {
        char json[128];
        snprintf(json, sizeof json, "{\"a\": [1, \"]\", %s ,0]}", unsafe[i]);
        if (!saga_json_has_unsafe_number(saga_slice_of(json), &number))
            fail_msg("%s was called safe", unsafe[i]);
        assert_true(saga_slice_is(number, unsafe[i]));
    }
    assert_true(saga_json_has_unsafe_number(SAGA_SLICE("9007199254740993"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_json_is_taken),
        cmocka_unit_test(invalid_json_is_refused_at_its_place),
        cmocka_unit_test(each_byte_is_seen_at_each_place),
        cmocka_unit_test(escaped_quotes_are_seen_at_each_place),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(elements_are_found_from_both_ends),
        cmocka_unit_test(a_walk_sees_every_entry_in_order),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(numbers_that_a_double_would_change_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
