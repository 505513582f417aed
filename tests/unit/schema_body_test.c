/* Bodies between Avro and JSON: every type both ways as other implementations write it, resolution, what does not fit,
 * bytes that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "schema/body.h"
#include "schema/schema_internal.h"

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

static const struct saga_schema *schema_of(const char *text, struct saga_arena *arena)
{
    struct saga_schema_scope scope = { .arena = arena };
    const struct saga_schema *schema;
    struct saga_slice words = SAGA_SLICE_NONE;
    if (saga_schema_read(&scope, saga_slice_of(text), &schema, &words) < 0 ||
        saga_schema_make_defaults(&scope, &words) < 0)
        fail_msg("%s: %.*s", text, SAGA_SLICE_ARG(words));
    return schema;
}

static struct saga_slice bytes_of(const char *hex, struct saga_arena *arena)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = saga_arena_alloc(arena, size);
    assert_int_equal(saga_unhex(saga_slice_of(hex), bytes, size), SAGA_OK);
    return (struct saga_slice){ (const char *)bytes, size };
}

static const char *hex_of(struct saga_slice bytes, struct saga_arena *arena)
{
    char *hex = saga_arena_alloc(arena, 2 * bytes.size + 1);
    saga_hex((const uint8_t *)bytes.data, bytes.size, hex);
    return hex;
}

/* NULL with the words in `*ret_words` when it does not fit. The bytes stand alone in memory, so that a read behind their
 * end shows. */
static const char *decode(const char *writer, const char *reader, struct saga_slice bytes,
                          struct saga_arena *arena, const char **ret_words)
{
    const struct saga_schema *from = schema_of(writer, arena),
                             *to = reader == writer ? from : schema_of(reader, arena);
    struct saga_slice json, words = SAGA_SLICE_NONE;
    char *own = malloc(bytes.size ? bytes.size : 1);
    assert_non_null(own);
    memcpy(own, bytes.data, bytes.size);
    struct saga_slice rest = { own, bytes.size };
    int error = saga_schema_decode(from, to, &rest, arena, &json, &words);
    free(own);
    *ret_words = saga_arena_string(arena, words);
    if (error < 0) return NULL;
    assert_int_equal(rest.size, 0);
    size_t offset;
    const char *why;
    assert_int_equal(saga_json_validate(json, &offset, &why), SAGA_OK);
    return saga_arena_string(arena, json);
}

static const char *encode(const char *schema, const char *json, struct saga_arena *arena,
                          const char **ret_words)
{
    struct saga_slice bytes, words = SAGA_SLICE_NONE;
    int error = saga_schema_encode(schema_of(schema, arena), saga_slice_of(json), false,
                                   SAGA_PAYLOAD_BYTES_MAX, arena, &bytes, &words);
    *ret_words = saga_arena_string(arena, words);
    return error < 0 ? NULL : hex_of(bytes, arena);
}

/* ---- every type, both ways ---- */

#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(precision, scale)                                                                  \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" precision ",\"scale\":" scale \
    "}"
#define FIXED(size, more) "{\"type\":\"fixed\",\"name\":\"F\",\"size\":" size more "}"
#define ENUM "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}"
#define LINE                                                                                       \
    "{\"type\":\"record\",\"name\":\"Line\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},"   \
    "{\"name\":\"quantity\",\"type\":\"int\"}]}"
#define ORDER                                                                                      \
    "{\"type\":\"record\",\"name\":\"shop.Order\",\"fields\":[{\"name\":\"id\",\"type\":"          \
    "\"string\"},{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":" LINE "}}]}"

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
        cmocka_unit_test_setup_teardown(a_reader_sees_what_a_writer_meant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_resolved_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(branches_are_not_tried_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_names_its_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_that_cannot_be_read_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(made_up_values_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
