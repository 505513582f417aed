/* Bodies between Avro and JSON: every type both ways as other implementations write it, what does not fit, bytes
 * that lie. */
#include "schema_hex.h"

/* ---- every type, both ways ---- */

/* Bytes were computed by org.apache.avro's Python library (1.12.0), or stand in the specification. */
static void what_is_written_is_what_others_write(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *json, *hex;
    } cases[] = {
        { "\"null\"", "null", "" },
        { "\"boolean\"", "true", "01" },
        { "\"int\"", "-1", "01" },
        { "\"int\"", "2147483647", "feffffff0f" },
        { "\"long\"", "9007199254740993", "8280808080808020" },
        { "\"long\"", "-9223372036854775808", "ffffffffffffffffff01" },
        { "\"long\"", "9223372036854775807", "feffffffffffffffff01" },
        { "\"double\"", "0.1", "9a9999999999b93f" },
        { "\"double\"", "-0", "0000000000000080" },
        { "\"double\"", "1e+300", "9c7500883ce4377e" },
        { "\"float\"", "0.5", "0000003f" },
        { "\"float\"", "0.1", "cdcccc3d" },
        { "\"string\"", "\"héllo\"", "0c68c3a96c6c6f" },
        { "\"string\"", "\"a\\u0000\\\"\"", "06610022" },
        { "\"bytes\"", "\"AP8=\"", "0400ff" },
        { FIXED("3", ""), "\"AAEC\"", "000102" },
        { ENUM, "\"B\"", "02" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "[1,2]", "04020400" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "[]", "00" },
        { "{\"type\":\"map\",\"values\":\"string\"}", "{\"a\":\"b\"}", "020261026200" },
        { "[\"null\",\"string\"]", "null", "00" },
        { "[\"null\",\"string\"]", "\"x\"", "020278" },
        { ORDER, "{\"id\":\"7\",\"lines\":[{\"sku\":\"a\",\"quantity\":2}]}", "02370202610400" },
        { DECIMAL("30", "2"), "19.90", "0407c6" },
        { DECIMAL("30", "2"), "-1234567890123456789012345.67", "1699e1020ea70d57d360b479" },
        { DECIMAL("30", "2"), "0.00", "0200" },
        { DECIMAL("30", "2"), "-0.01", "02ff" },
        { DECIMAL("5", "0"), "128", "040080" },
        { DECIMAL("5", "0"), "-128", "0280" },
        { FIXED("8", ",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":3"), "-1.500",
          "fffffffffffffa24" },
        { LOGICAL("string", "uuid"), "\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
          "4866383164346661652d376465632d313164302d613736352d303061306339316536626636" },
        { FIXED("16", ",\"logicalType\":\"uuid\""), "\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
          "f81d4fae7dec11d0a76500a0c91e6bf6" },
        { LOGICAL("int", "date"), "\"2024-02-29\"", "8cb502" },
        { LOGICAL("int", "date"), "\"0000-01-01\"", "cfea57" },
        { LOGICAL("int", "time-millis"), "\"12:13:14.015\"", "beaefa29" },
        { LOGICAL("long", "time-micros"), "\"00:00:00.000001\"", "02" },
        { LOGICAL("long", "timestamp-millis"), "\"2026-11-23T12:13:14.015Z\"", "beee9885c168" },
        { LOGICAL("long", "timestamp-micros"), "\"1969-12-31T23:59:59.999999Z\"", "01" },
        { LOGICAL("long", "timestamp-nanos"), "\"1970-01-01T00:00:00.000000001Z\"", "02" },
        { LOGICAL("long", "local-timestamp-millis"), "\"1970-01-01T00:00:01.000\"", "d00f" },
        { FIXED("12", ",\"logicalType\":\"duration\""),
          "{\"months\":1,\"days\":2,\"millis\":4294967295}", "0100000002000000ffffffff" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *hex = encode(cases[i].schema, cases[i].json, arena, &words);
        if (!hex) fail_msg("%s as %s: %s", cases[i].json, cases[i].schema, words);
        assert_string_equal(hex, cases[i].hex);
        const char *json =
            decode(cases[i].schema, cases[i].schema, bytes_of(hex, arena), arena, &words);
        if (!json) fail_msg("%s as %s: %s", cases[i].hex, cases[i].schema, words);
        assert_string_equal(json, cases[i].json);
    }
}

/* JSON that is not in the form in which it comes out. */
static void other_forms_are_taken_too(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *json, *same;
    } cases[] = {
        { "\"long\"", "1e3", "1000" },
        { "\"long\"", "-2.50e1", "-25" },
        { "\"double\"", "3", "3" },
        { DECIMAL("9", "2"), "19.9", "19.90" },
        { DECIMAL("9", "2"), "1e2", "100.00" },
        { DECIMAL("9", "2"), "\"19.90\"", "19.90" },
        { LOGICAL("long", "timestamp-millis"), "\"2026-11-23T14:13:14+02:00\"",
          "\"2026-11-23T12:13:14.000Z\"" },
        { LOGICAL("long", "timestamp-millis"), "\"2026-11-23T12:13:14.015000Z\"",
          "\"2026-11-23T12:13:14.015Z\"" },
        { LOGICAL("long", "timestamp-millis"), "1795435994015", "\"2026-11-23T12:13:14.015Z\"" },
        { LOGICAL("int", "time-millis"), "\"12:13\"", "\"12:13:00.000\"" },
        { LOGICAL("int", "date"), "1", "\"1970-01-02\"" },
        { LINE, "{\"quantity\":1,\"sk\\u0075\":\"x\"}", "{\"sku\":\"x\",\"quantity\":1}" },
        { LINE, "{\"quantity\":1,\"sku\":\"x\",\"sku\":\"y\"}", "{\"sku\":\"y\",\"quantity\":1}" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *hex = encode(cases[i].schema, cases[i].json, arena, &words);
        if (!hex) fail_msg("%s as %s: %s", cases[i].json, cases[i].schema, words);
        const char *json =
            decode(cases[i].schema, cases[i].schema, bytes_of(hex, arena), arena, &words);
        assert_non_null(json);
        assert_string_equal(json, cases[i].same);
    }
}

/* ---- unions ---- */

#define SHAPES                                                                                     \
    "[\"null\",{\"type\":\"record\",\"name\":\"Round\",\"fields\":[{\"name\":\"r\",\"type\":"      \
    "\"int\"}]},{\"type\":\"record\",\"name\":\"Oblong\",\"fields\":[{\"name\":\"a\",\"type\":"    \
    "\"int\"},{\"name\":\"b\",\"type\":\"int\",\"default\":1}]},{\"type\":\"map\",\"values\":"     \
    "\"string\"}]"

static void a_value_finds_the_narrowest_branch(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *json, *hex;
    } cases[] = {
        { "[\"double\",\"long\",\"int\"]", "5", "040a" },
        { "[\"double\",\"long\",\"int\"]", "3000000000", "0280f882ad16" },
        { "[\"double\",\"long\",\"int\"]", "0.5", "00000000000000e03f" },
        { "[\"string\"," ENUM "]", "\"B\"", "0202" },
        { "[\"string\"," ENUM "]", "\"C\"", "000243" },
        { "[\"bytes\",\"string\"]", "\"AAAA\"", "020841414141" },
        { "[\"string\"," LOGICAL("long", "timestamp-millis") "]", "\"1970-01-01T00:00:00Z\"",
          "0200" },
        { "[\"string\"," LOGICAL("long", "timestamp-millis") "]", "\"yesterday\"",
          "0012796573746572646179" },
        { SHAPES, "{\"r\":1}", "0202" },
        { SHAPES, "{\"a\":1}", "040202" },
        { SHAPES, "{\"colour\":\"red\"}", "06020c636f6c6f75720672656400" },
        { SHAPES, "null", "00" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *hex = encode(cases[i].schema, cases[i].json, arena, &words);
        if (!hex) fail_msg("%s as %s: %s", cases[i].json, cases[i].schema, words);
        assert_string_equal(hex, cases[i].hex);
    }
}

/* ---- what does not fit ---- */

static void what_does_not_fit_is_named(void **state)
{
    struct saga_arena *arena = *state;
    static const struct {
        const char *schema, *json, *words;
    } cases[] = {
        { ORDER,
          "{\"id\":\"7\",\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"a\",\"quantity\":"
          "\"2\"}]}",
          "field lines[1].quantity: must be an int, is the text \"2\"" },
        { ORDER, "{\"id\":\"7\"}", "field lines: is missing and has no default" },
        { ORDER, "{\"id\":\"7\",\"lines\":[],\"total\":1}",
          "field total: shop.Order has no such field" },
        { ORDER, "{\"id\":null,\"lines\":[]}", "field id: must be a string, is null" },
        { ORDER, "7", "must be a record shop.Order, is the number 7" },
        { "\"int\"", "2147483648", "the number 2147483648 does not fit into an int of 32 bits" },
        { "\"long\"", "9223372036854775808", "does not fit into an integer of 64 bits" },
        { "\"long\"", "1e99999999999", "does not fit into an integer of 64 bits" },
        { "\"long\"", "0.5", "must be a whole number, is the number 0.5" },
        { "\"double\"", "1e400", "a double cannot hold the number 1e400" },
        { "\"double\"", "9007199254740993", "a double cannot hold" },
        { "\"float\"", "16777217", "a float cannot hold" },
        { "\"float\"", "true", "must be a float, is true" },
        { "\"bytes\"", "\"A\"", "must be bytes as a base64 text" },
        { "\"bytes\"", "\"AB==\"", "must be bytes as a base64 text" },
        { FIXED("3", ""), "\"AAE=\"", "must be 3 bytes, is 2" },
        { ENUM, "\"C\"", "the text \"C\" is no symbol of E" },
        { "[\"null\",\"int\"]", "\"x\"", "must be a null or an int, is the text \"x\"" },
        { "[\"null\"," LINE "]", "{\"sku\":1,\"quantity\":1}",
          "field sku: must be a string, is the number 1" },
        { SHAPES, "{\"r\":\"x\",\"q\":2}",
          "fits none of a null or a record Round or a record "
          "Oblong or a map (field q: Round has no such field)" },
        { DECIMAL("4", "2"), "1.234", "the number 1.234 has more than 2 decimals" },
        { DECIMAL("4", "2"), "100", "the number 100 has more than 4 digits" },
        { DECIMAL("4", "2"), "\"x\"", "must be a decimal(4, 2), is the text \"x\"" },
        { LOGICAL("string", "uuid"), "\"f81d4fae7dec11d0a76500a0c91e6bf6\"", "must be a uuid" },
        { LOGICAL("int", "date"), "\"2023-02-29\"", "must be a date as \"2026-11-23\"" },
        { LOGICAL("long", "timestamp-millis"), "\"2026-11-23T12:13:14.0151Z\"",
          "is more exact than" },
        { LOGICAL("long", "timestamp-millis"), "\"2026-11-23T12:13:14\"", "must be a time as" },
        { LOGICAL("long", "timestamp-nanos"), "\"9999-01-01T00:00:00Z\"", "too far away" },
        { FIXED("12", ",\"logicalType\":\"duration\""), "{\"days\":1}", "must be a duration" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *hex = encode(cases[i].schema, cases[i].json, arena, &words);
        if (hex) fail_msg("%s as %s gave %s", cases[i].json, cases[i].schema, hex);
        if (!strstr(words, cases[i].words))
            fail_msg("%s as %s: %s", cases[i].json, cases[i].schema, words);
    }
}

static void bytes_that_lie_are_refused(void **state)
{
    struct saga_arena *arena = *state;
    static const char nulls[] = "{\"type\":\"array\",\"items\":\"null\"}";
    static const char list[] = "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\","
                               "\"type\":[\"null\",\"L\"]}]}";
    static const char endless[] = "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":"
                                  "\"again\",\"type\":\"L\"}]}";
    char *deep = malloc(2001);
    assert_non_null(deep);
    memset(deep, '0', 2000);
    for (size_t i = 1; i < 2000; i += 2) deep[i] = '2'; /* 02 02 02 ... */
    deep[2000] = '\0';
    const struct {
        const char *schema, *hex, *words;
    } cases[] = {
        { "\"int\"", "", "the bytes end within a number" },
        { "\"int\"", "8080808010", "more than 32 bits" },
        { "\"long\"", "ffffffffffffffffff02", "more than 64 bits" },
        { "\"boolean\"", "02", "neither 0 nor 1" },
        { "\"string\"", "04c3", "2 bytes are announced, 1 are left" },
        { "\"string\"", "01", "a length of -1" },
        { "\"string\"", "02ff", "not UTF-8" },
        { "\"double\"", "000000000000f07f", "NaN or infinite" },
        { "\"float\"", "0000c0ff", "NaN or infinite" },
        { "\"double\"", "00", "8 bytes are announced" },
        { ENUM, "04", "symbol 2, the writer's schema has 2" },
        { ENUM, "01", "symbol -1" },
        { "[\"null\",\"int\"]", "04", "branch 2, the writer's schema has 2" },
        { ORDER, "0237020261", "field lines[0].quantity: the bytes end within a number" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "0402", "field [1]" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "0110", "a block of 8 bytes, 0 are left" },
        { nulls, "feffffffffffffffff01", "over the limit of 1048576 bytes" },
        { nulls, "ffffffffffffffffff0100", "over the limit of 1048576 bytes" },
        { list, deep, "nested more than" },
        { endless, "", "nested more than" },
        { DECIMAL("4", "2"), "00", "0 bytes that are no decimal" },
        { DECIMAL("4", "2"), "0800ffffff", "no decimal of 4 digits" },
        { LOGICAL("int", "date"), "feffffff0f", "2147483647 is outside of what a date" },
        { LOGICAL("int", "time-millis"), "01", "-1 is outside of what a time of day" },
        { LOGICAL("long", "timestamp-millis"), "feffffffffffffffff01", "is outside" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words, *json = decode(cases[i].schema, cases[i].schema,
                                          bytes_of(cases[i].hex, arena), arena, &words);
        if (json) fail_msg("%s as %s gave %s", cases[i].hex, cases[i].schema, json);
        if (!strstr(words, cases[i].words))
            fail_msg("%s as %s: %s", cases[i].hex, cases[i].schema, words);
    }
    free(deep);
}

/* What nobody wants is not endless either. */
static void what_is_skipped_is_bounded_too(void **state)
{
    struct saga_arena *arena = *state;
    const char *words;
    static const char writer[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\","
                                 "\"type\":{\"type\":\"array\",\"items\":\"null\"}}]}";
    static const char reader[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}";
    assert_null(decode(writer, reader, bytes_of("feffffffffffffffff01", arena), arena, &words));
    assert_non_null(strstr(words, "field a: more than"));
    assert_string_equal(decode(writer, reader, bytes_of("0400", arena), arena, &words), "{}");
}

/* ---- whole messages ---- */

static struct saga_schemas *two_versions(struct saga_arena *arena)
{
    struct saga_schemas *schemas = saga_schemas_new();
    struct saga_diagnostics diagnostics;
    saga_schemas_add(schemas, SAGA_SLICE("Paid-1.avsc"),
                     SAGA_SLICE("{\"type\":\"record\",\"name\":\"shop.Paid\",\"fields\":[{\"name\":"
                                "\"id\",\"type\":\"int\"}]}"));
    saga_schemas_add(schemas, SAGA_SLICE("Paid.avsc"),
                     SAGA_SLICE("{\"type\":\"record\",\"name\":\"shop.Paid\",\"fields\":[{\"name\":"
                                "\"id\",\"type\":\"long\"},{\"name\":\"by\",\"type\":\"string\","
                                "\"default\":\"card\"}]}"));
    saga_diagnostics_init(&diagnostics, arena);
    assert_int_equal(saga_schemas_read(schemas, "schemas", &diagnostics), SAGA_OK);
    assert_int_equal(saga_schemas_add_id(schemas, 258, SAGA_SLICE("Paid.avsc")), SAGA_OK);
    assert_int_equal(saga_schemas_add_id(schemas, 17, SAGA_SLICE("Paid-1.avsc")), SAGA_OK);
    return schemas;
}

static void a_message_names_its_schema(void **state)
{
    struct saga_arena *arena = *state;
    struct saga_schemas *schemas = two_versions(arena);
    struct saga_slice body, json, type, words;
    assert_int_equal(saga_body_make(schemas, SAGA_FORMAT_AVRO, SAGA_SLICE("Paid"),
                                    SAGA_SLICE("{\"id\":1}"), arena, &body, &words),
                     SAGA_OK);
    assert_string_equal(hex_of(body, arena), "0000000102020863617264");
    assert_int_equal(saga_body_from_avro(schemas, body, arena, &json, &type, &words), SAGA_OK);
    assert_true(saga_slice_is(json, "{\"id\":1,\"by\":\"card\"}"));
    assert_true(saga_slice_is(type, "Paid"));
    /* written by the earlier version */
    assert_int_equal(
        saga_body_from_avro(schemas, bytes_of("000000001102", arena), arena, &json, &type, &words),
        SAGA_OK);
    assert_true(saga_slice_is(json, "{\"id\":1,\"by\":\"card\"}"));
    assert_int_equal(saga_body_make(schemas, SAGA_FORMAT_AVRO_SINGLE_OBJECT,
                                    SAGA_SLICE("shop.Paid"), SAGA_SLICE("{\"id\":1}"), arena, &body,
                                    &words),
                     SAGA_OK);
    assert_int_equal(body.size, 16);
    assert_int_equal(saga_body_format_by_bytes(body), SAGA_FORMAT_AVRO_SINGLE_OBJECT);
    assert_int_equal(saga_body_from_avro(schemas, body, arena, &json, &type, &words), SAGA_OK);
    assert_true(saga_slice_is(json, "{\"id\":1,\"by\":\"card\"}"));
    saga_schemas_free(schemas);
}

static void a_message_that_cannot_be_read_says_why(void **state)
{
    struct saga_arena *arena = *state;
    struct saga_schemas *schemas = two_versions(arena);
    static const struct {
        const char *hex;
        int error;
        const char *words;
    } cases[] = {
        { "00", SAGA_E_INVALID, "Avro of 1 bytes, its head alone has 5" },
        { "c301", SAGA_E_INVALID, "its head alone has 10" },
        { "000000001202", SAGA_E_NOT_FOUND, "schema id 18, which registry.yaml" },
        { "c301080706050403020100", SAGA_E_NOT_FOUND, "fingerprint 0102030405060708" },
        { "00000000110202", SAGA_E_INVALID,
          "the body does not fit the schema of shop.Paid: 1 bytes too many" },
        { "0000000011", SAGA_E_INVALID,
          "the body does not fit the schema of shop.Paid: field id: the bytes end" },
    };
    struct saga_slice json, type, words;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(saga_body_from_avro(schemas, bytes_of(cases[i].hex, arena), arena, &json,
                                             &type, &words),
                         cases[i].error);
        if (!strstr(saga_arena_string(arena, words), cases[i].words))
            fail_msg("%s: %.*s", cases[i].hex, SAGA_SLICE_ARG(words));
    }
    assert_int_equal(
        saga_body_from_avro(NULL, bytes_of("000000001202", arena), arena, &json, &type, &words),
        SAGA_E_NOT_FOUND);
    assert_int_equal(saga_body_make(schemas, SAGA_FORMAT_AVRO, SAGA_SLICE("Paid"), SAGA_SLICE("{}"),
                                    arena, &json, &words),
                     SAGA_E_INVALID);
    assert_non_null(strstr(saga_arena_string(arena, words), "field id: is missing"));
    assert_int_equal(saga_body_make(schemas, SAGA_FORMAT_AVRO, SAGA_SLICE("Payed"),
                                    SAGA_SLICE("{}"), arena, &json, &words),
                     SAGA_E_NOT_FOUND);
    saga_schemas_free(schemas);
}

static void made_up_values_fit(void **state)
{
    struct saga_arena *arena = *state;
    static const char *const schemas[] = {
        ORDER,
        ENUM,
        SHAPES,
        DECIMAL("4", "2"),
        FIXED("3", ""),
        FIXED("16", ",\"logicalType\":\"uuid\""),
        FIXED("12", ",\"logicalType\":\"duration\""),
        LOGICAL("string", "uuid"),
        LOGICAL("int", "date"),
        LOGICAL("long", "timestamp-micros"),
        "\"double\"",
        "\"bytes\"",
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\",\"type\":[\"L\","
        "\"null\"]}]}",
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"all\",\"type\":{\"type\":"
        "\"array\","
        "\"items\":\"L\"}}]}",
    };
    for (size_t i = 0; i < COUNT(schemas); i++) {
        const char *words;
        struct saga_slice json = saga_schema_example(schema_of(schemas[i], arena), arena);
        if (!encode(schemas[i], saga_arena_string(arena, json), arena, &words))
            fail_msg("%s: %.*s: %s", schemas[i], SAGA_SLICE_ARG(json), words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_what_others_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_forms_are_taken_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_finds_the_narrowest_branch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_lie_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_skipped_is_bounded_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_names_its_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_that_cannot_be_read_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(made_up_values_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
