/* Expressions: what they give, what is refused and why, and that no digit is lost
 * silently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/expression.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIG "9007199254740993" /* 2^53 + 1, which no double holds */

static struct saga_expression *compile(struct saga_arena *arena, const char *source)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_expression *expression = NULL;
    if (saga_expression_compile(saga_slice_of(source), arena, &diagnostic, &expression) < 0)
        fail_msg("%s: %.*s", source, SAGA_SLICE_ARG(diagnostic.what));
    return expression;
}

static const struct saga_binding steps[] = {
    { { "reserve", 7 }, { "{\"id\":\"r1\",\"n\":" BIG "}", 32 } },
    { { "charge-card", 11 }, { "{\"id\":\"c1\"}", 11 } },
};

static struct saga_bindings bindings(void)
{
    return (struct saga_bindings){
        .input = SAGA_SLICE("{\"id\":\"o1\",\"total\":12.5,\"lines\":[{\"sku\":\"a\",\"n\":2},"
                            "{\"sku\":\"b\",\"n\":1}],\"gift\":null,\"ok\":true,\"\xc3\xb6\":1}"),
        .saga = SAGA_SLICE("{\"id\":\"order/o1\",\"key\":\"o1\",\"version\":1}"),
        .reply = SAGA_SLICE(" { \"charge\" : [ 1 , 2 ] } "),
        .steps = steps,
        .step_count = 2,
    };
}

/* ---- results ---- */

enum form { PLAIN, JQ };

static const struct {
    const char *source;
    enum form form;
    const char *result;
} results[] = {
    { ".input.id", PLAIN, "\"o1\"" },
    { " .input . id # the order", JQ, NULL }, /* jq knows no blank behind a dot */
    { ".input .id # the order", PLAIN, "\"o1\"" },
    { ".input[\"id\"]", PLAIN, "\"o1\"" },
    { ".input.\"id\"", PLAIN, "\"o1\"" },
    { ".[\"input\"][\"id\"]", PLAIN, "\"o1\"" },
    { ".input[\"\\u00f6\"]", PLAIN, "1" },
    { ".input.lines[0].sku", PLAIN, "\"a\"" },
    { ".input.lines[-1].sku", PLAIN, "\"b\"" },
    { ".input.lines[2].sku", PLAIN, "null" },
    { ".input.gift.wrap", PLAIN, "null" },
    { ".input.nothing.there[3]", PLAIN, "null" },
    { ".steps.reserve.id", PLAIN, "\"r1\"" },
    { ".steps[\"charge-card\"].id", PLAIN, "\"c1\"" },
    { ".steps.nowhere.id", PLAIN, "null" },
    { ".vars.x", PLAIN, "null" },
    { ".nothing", PLAIN, "null" },
    { ".saga.key", PLAIN, "\"o1\"" },
    { ".reply", PLAIN, "{ \"charge\" : [ 1 , 2 ] }" },
    { ".reply.charge[1]", PLAIN, "2" },
    { "{id: .input.id, n: 1, \"a b\": [true, null, .input.ok]}", PLAIN,
      "{\"id\":\"o1\",\"n\":1,\"a b\":[true,null,true]}" },
    { "{}", PLAIN, "{}" },
    { "[]", PLAIN, "[]" },
    { "{a: 1, \"a\": 2}", JQ, "{\"a\":2}" },
    { "{now: 1, input: 2, env: .now}", PLAIN, "{\"now\":1,\"input\":2,\"env\":null}" },
    { "(.input.id)", PLAIN, "\"o1\"" },
    { "\"text \\n\"", PLAIN, "\"text \\n\"" },
    { ".input.total * 2", JQ, "25" },
    { ".input.total > 0", JQ, "true" },
    { "\"order \\(.input.id)\"", JQ, "\"order o1\"" },
    { "[.input.lines[] | .sku]", JQ, "[\"a\",\"b\"]" },
    { ".input.lines | map(.n) | add", JQ, "3" },
    { "reduce .input.lines[] as $l (0; . + $l.n)", JQ, "3" },
    { ".input.gift // \"none\"", JQ, "\"none\"" },
    { "if .input.ok then .saga.key else empty end", JQ, "\"o1\"" },
    { "empty", JQ, "null" },
    { ".input.lines[].sku", JQ, "\"a\"" }, /* the first value stands */
    { "try error(\"x\") catch .", JQ, "\"x\"" },
    { "{a: (.input.lines | length)}", JQ, "{\"a\":2}" },
    { ".steps[\"charge\" + \"-card\"].id", JQ, "\"c1\"" },
    /* what has no path reads all there is */
    { "keys | length", JQ, "9" },
    { "has(\"vars\")", JQ, "true" },
    { "getpath([\"in\" + \"put\", \"id\"])", JQ, "\"o1\"" },
    { "{k: (keys | length)}", JQ, "{\"k\":9}" },
    { "1 as $x | keys | length", JQ, "9" },
    { "[1] as [$x] | keys | length", JQ, "9" },
    { "def f: keys; .input.id as $i | f | length", JQ, "9" },
    { "if .input | .ok then (keys | length) else 0 end", JQ, "9" },
    { "(.input.x |= 1) | keys | length", JQ, "9" },
    { "(.input.x = 1) | keys | length", JQ, "9" },
    { "@json | length > 100", JQ, "true" },
};

static void expressions_give_their_values(void **state)
{
    (void)state;
    /* no number that jq would change: that has tests of its own */
    const struct saga_binding own[] = { { SAGA_SLICE("reserve"), SAGA_SLICE("{\"id\":\"r1\"}") },
                                        steps[1] };
    struct saga_bindings b = bindings();
    b.steps = own;
    for (size_t i = 0; i < COUNT(results); i++) {
        struct saga_arena arena;
        struct saga_slice json = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_expression *e = NULL;
        saga_arena_init(&arena);
        int error =
            saga_expression_compile(saga_slice_of(results[i].source), &arena, &diagnostic, &e);
        if (!results[i].result) {
            assert_int_equal(error, SAGA_E_INVALID);
        } else {
            assert_int_equal(error, SAGA_OK);
            error = saga_expression_eval(e, &b, &arena, &json, &message);
            if (error < 0 || !saga_slice_is(json, results[i].result) ||
                saga_expression_is_plain(e) != (results[i].form == PLAIN))
                fail_msg("%s gives %.*s %.*s, %s", results[i].source, SAGA_SLICE_ARG(json),
                         SAGA_SLICE_ARG(message), saga_expression_is_plain(e) ? "plain" : "jq");
            assert_true(saga_slice_is(saga_expression_source(e), results[i].source));
        }
        saga_expression_free(e);
        saga_arena_free(&arena);
    }
}

static void an_event_is_the_root(void **state)
{
    (void)state;
    static const char *const sources[] = { ".input", ".steps.x", ".id", "(.id | .)",
                                           ".steps | .x" };
    static const char *const want[] = { "7", "8", "\"e\"", "\"e\"", "8" };
    const struct saga_bindings b = {
        .root = SAGA_SLICE("{\"input\":7,\"steps\":{\"x\":8},\"id\":\"e\"}"),
        .input = SAGA_SLICE("0"),
    };
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct saga_arena arena;
        struct saga_slice json, message;
        saga_arena_init(&arena);
        struct saga_expression *e = compile(&arena, sources[i]);
        assert_int_equal(saga_expression_eval(e, &b, &arena, &json, &message), SAGA_OK);
        if (!saga_slice_is(json, want[i])) fail_msg("%s: %.*s", sources[i], SAGA_SLICE_ARG(json));
        saga_expression_free(e);
        saga_arena_free(&arena);
    }
}

/* A step that ran more than once: the newest result stands in both forms. */
static void the_newest_result_of_a_step_stands(void **state)
{
    (void)state;
    static const char *const sources[] = { ".steps.a.n", ".steps.a.n + 0", ".steps",
                                           ".steps | add | .n" };
    static const char *const want[] = { "2", "2", "{\"a\":{\"n\":2}}", "2" };
    const struct saga_binding twice[] = { { SAGA_SLICE("a"), SAGA_SLICE("{\"n\":1}") },
                                          { SAGA_SLICE("a"), SAGA_SLICE("{\"n\":2}") } };
    const struct saga_bindings b = { .steps = twice, .step_count = 2 };
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct saga_arena arena;
        struct saga_slice json, message;
        saga_arena_init(&arena);
        struct saga_expression *e = compile(&arena, sources[i]);
        assert_int_equal(saga_expression_eval(e, &b, &arena, &json, &message), SAGA_OK);
        assert_true(saga_slice_is(json, want[i]));
        saga_expression_free(e);
        saga_arena_free(&arena);
    }
}

/* ---- what is refused ---- */

static void refuse(struct saga_slice source, const char *words, unsigned line, unsigned column)
{
    struct saga_arena arena;
    struct saga_diagnostic d = { 0 };
    struct saga_expression *e = NULL;
    saga_arena_init(&arena);
    int error = saga_expression_compile(source, &arena, &d, &e);
    saga_expression_free(e);
    if (error >= 0) fail_msg("taken: %.*s", SAGA_SLICE_ARG(saga_slice_clip(source, 200)));
    assert_true(d.what.size > 0);
    if (!memmem(d.what.data, d.what.size, words, strlen(words)) ||
        (line && (d.line != line || d.column != column)))
        fail_msg("%.*s: %u:%u: %.*s", SAGA_SLICE_ARG(saga_slice_clip(source, 200)), d.line,
                 d.column, SAGA_SLICE_ARG(d.what));
    saga_arena_free(&arena);
}

static void what_is_not_pure_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *source, *name;
        unsigned line, column;
    } impure[] = {
        { "now", "now cannot", 1, 1 },
        { ".input | now", "now cannot", 1, 10 },
        { "{at:\n now}", "now cannot", 2, 2 },
        { "{now: now}", "now cannot", 1, 7 },
        { "{(now|tostring): 1}", "now cannot", 1, 3 },
        { "{a: [1, now]}", "now cannot", 1, 9 },
        { "[{a: 1}, now]", "now cannot", 1, 10 },
        { "\"at \\(now)\"", "now cannot", 1, 7 },
        { "{a: \"\\(1, now)\"}", "now cannot", 1, 11 },
        { "{a: if true then 1, now, 2 else 3 end}", "now cannot", 1, 21 },
        { "input", "input cannot", 1, 1 },
        { "[inputs]", "inputs cannot", 1, 2 },
        { "env.HOME", "env cannot", 1, 1 },
        { "$ENV.HOME", "$ENV cannot", 1, 2 },
        { "{$ENV}", "$ENV cannot", 1, 3 },
        { "$ ENV.HOME", "ENV cannot", 1, 3 },
        { "$#x\nENV.HOME", "ENV cannot", 2, 1 },
        { "{$ ENV}", "ENV cannot", 1, 4 },
        { "$__loc__", "$__loc__ cannot", 1, 2 },
        { "$ __loc__", "__loc__ cannot", 1, 3 },
        { "$__prog_args", "$__prog_args cannot", 1, 2 },
        { "input_line_number", "input_line_number cannot", 1, 1 },
        { "input_filename", "input_filename cannot", 1, 1 },
        { ".input | debug", "debug cannot", 1, 10 },
        { "debug(\"x\")", "debug cannot", 1, 1 },
        { "stderr", "stderr cannot", 1, 1 },
        { "halt", "halt cannot", 1, 1 },
        { "halt_error", "halt_error cannot", 1, 1 },
        { "get_search_list", "get_search_list cannot", 1, 1 },
        { "import \"a\" as a; 1", "import cannot", 1, 1 },
        { "include \"a\"; 1", "include cannot", 1, 1 },
        { "0 | localtime", "localtime cannot", 1, 5 },
        { "0 | strflocaltime(\"%H\")", "strflocaltime cannot", 1, 5 },
        { "\"a\" | modulemeta", "modulemeta cannot", 1, 7 },
    };
    static const char *const pure[] = {
        ".now",
        "{now: 1}",
        "{now}",
        ".input.env",
        "[.input[\"now\"]]",
        "\"now\"",
        "# now\n1",
        "{input}",
        "{a: 1, halt: 2}",
        ".import.include",
        "0 | mktime?",
        "0 | gmtime",
        "{a: {b: 1, now: 2}, debug}",
        "$__x? // 1",
    };
    for (size_t i = 0; i < COUNT(impure); i++)
        refuse(saga_slice_of(impure[i].source), impure[i].name, impure[i].line, impure[i].column);
    for (size_t i = 0; i + 1 < COUNT(pure); i++) {
        struct saga_arena arena;
        saga_arena_init(&arena);
        saga_expression_free(compile(&arena, pure[i]));
        saga_arena_free(&arena);
    }
}

static void what_is_no_expression_is_refused_with_words(void **state)
{
    (void)state;
    char *large = malloc(SAGA_EXPRESSION_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', SAGA_EXPRESSION_BYTES_MAX + 1);
    large[0] = '1';
    refuse((struct saga_slice){ large, SAGA_EXPRESSION_BYTES_MAX + 1 }, "the limit is", 0, 0);
    refuse(SAGA_SLICE(""), "empty", 1, 1);
    refuse(SAGA_SLICE_NONE, "empty", 1, 1);
    refuse(SAGA_SLICE(" # nothing"), "empty", 1, 1);
    refuse(SAGA_SLICE("{a: \"b}"), "does not end", 1, 5);
    refuse(SAGA_SLICE("\"\\(1\""), "does not end", 0, 0);
    refuse(SAGA_SLICE(".input |"), "no jq", 1, 1);
    refuse(SAGA_SLICE("nosuch(1)"), "nosuch", 1, 1);
    refuse(SAGA_SLICE(".input.id)"), "no jq", 1, 1);
    refuse(SAGA_SLICE(".a::b"), "no jq", 1, 1);
    refuse(SAGA_SLICE("1\0+ 2"), "NUL", 0, 0);
    /* whether the next line still is comment depends on jq's version */
    refuse(SAGA_SLICE("1 # \\\n+ 1"), "backslash", 1, 3);
    refuse(SAGA_SLICE("1 #\r| now"), "carriage return", 1, 3);
    free(large);
}

/* ---- digits ---- */

static void evaluate(const char *source, const struct saga_bindings *b, int want,
                     const char *want_text)
{
    struct saga_arena arena;
    struct saga_slice json = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
    saga_arena_init(&arena);
    struct saga_expression *e = compile(&arena, source);
    int error = saga_expression_eval(e, b, &arena, &json, &message);
    struct saga_slice told = error < 0 ? message : json;
    bool right = error == want &&
                 (want < 0 ? memmem(told.data, told.size, want_text, strlen(want_text)) != NULL
                           : saga_slice_is(told, want_text));
    if (!right) fail_msg("%s: %d, %.*s", source, error, SAGA_SLICE_ARG(told));
    saga_expression_free(e);
    saga_arena_free(&arena);
}

static void the_plain_form_keeps_every_digit(void **state)
{
    (void)state;
    const struct saga_bindings b = { .input = SAGA_SLICE(
                                         "{\"n\":" BIG ",\"d\":0.10000000000000000000000001,"
                                         "\"e\":1e999,\"l\":[123456789012345678901234567890]}") };
    evaluate(".input.n", &b, SAGA_OK, BIG);
    evaluate("-" BIG, &b, SAGA_OK, "-" BIG);
    evaluate("{n: .input.n, l: .input.l[0], c: " BIG "}", &b, SAGA_OK,
             "{\"n\":" BIG ",\"l\":123456789012345678901234567890,\"c\":" BIG "}");
    evaluate("[.input.d, .input.e]", &b, SAGA_OK, "[0.10000000000000000000000001,1e999]");
}

static void jq_computes_with_no_number_that_it_cannot_hold(void **state)
{
    (void)state;
    struct saga_bindings b = bindings();
    b.input = SAGA_SLICE("{\"n\":" BIG ",\"ok\":true,\"x\":1,\"deep\":{\"n\":" BIG "}}");
    static const char *const changed[] = {
        ".input.n + 0",
        ".input.deep.n * 1",
        ".input[\"n\"] + 0",
        ".input[\"\\u006e\"] + 0",
        ".input[\"n\" + \"\"] + 0",
        "(.input).n + 0",
        "(.steps.reserve).n + 0",
        ".[\"input\"].n + 0",
        ".input.n += 1",
        ".input | .n | length",
        ".steps.reserve | [.n, 1] | add",
    };
    for (size_t i = 0; i < COUNT(changed); i++) evaluate(changed[i], &b, SAGA_E_INVALID, BIG);
    evaluate(".input.x + 1", &b, SAGA_OK, "2");
    evaluate("if .saga.key then error(\"x\") else 1 end", &b, SAGA_E_INVALID, ": x");
    evaluate(".saga.version | . + 1", &b, SAGA_OK, "2");
    evaluate("[.saga.version | tostring]", &b, SAGA_OK, "[\"1\"]");
    b.root = b.input;
    evaluate(".n + 1", &b, SAGA_E_INVALID, BIG);
    evaluate("[.x, .]|length", &b, SAGA_OK, "2");
}

static void jq_passes_numbers_on_digit_for_digit(void **state)
{
    (void)state;
    struct saga_bindings b = bindings();
    b.input = SAGA_SLICE("{\"n\":" BIG ",\"ok\":true,\"x\":1,\"deep\":{\"n\":" BIG "}}");
    static const char *const passed[][2] = {
        { "[.input.n | .]", "[" BIG "]" },
        { "if .input.ok then .input else null end",
          "{\"n\":" BIG ",\"ok\":true,\"x\":1,\"deep\":{\"n\":" BIG "}}" },
        { "(.input + .saga) | del(.ok) | {n, key}", "{\"n\":" BIG ",\"key\":\"o1\"}" },
        { ".input == .steps.reserve", "false" },
        { ".input.n == .steps.reserve.n", "true" },
        { ".input.x += 1 | .input | {n, x}", "{\"n\":" BIG ",\"x\":2}" },
        { "\"order \\(.input.n)\"", "\"order " BIG "\"" },
        { ".input.deep | tojson", "\"{\\\"n\\\":" BIG "}\"" },
        { ".input | keys", "[\"deep\",\"n\",\"ok\",\"x\"]" },
        { ".input.x == 1 and .steps.reserve.id == \"r1\"", "true" },
        { "reduce .saga.version as $v (length; . + $v)", "10" },
    };
    for (size_t i = 0; i < COUNT(passed); i++) evaluate(passed[i][0], &b, SAGA_OK, passed[i][1]);
}

static void a_literal_that_jq_would_change_is_refused(void **state)
{
    (void)state;
    refuse(SAGA_SLICE(".input.x + " BIG), BIG, 1, 12);
    refuse(SAGA_SLICE("1 - " BIG), BIG, 1, 5);
    refuse(SAGA_SLICE(".x > 9007199254740991 + 2"), "computes the number 9007199254740992", 1, 1);
    refuse(SAGA_SLICE("[.a] | (900719925474099 * 10 * 10) > 1"), "computes the number", 1, 1);
    refuse(SAGA_SLICE("[.a[]] |\n 1e400"), "1e400", 2, 2);
    refuse(SAGA_SLICE("0.12345678901234567890 + 1"), "0.12345678901234567890", 1, 1);
    const struct saga_bindings b = { .input = SAGA_SLICE("{}") };
    evaluate("9007199254740991 + 0", &b, SAGA_OK, "9007199254740991");
    evaluate("0.1 + .5", &b, SAGA_OK, "0.6");
}

/* ---- errors ---- */

static void errors_name_the_expression(void **state)
{
    (void)state;
    const struct saga_bindings b = bindings();
    evaluate(".input.id.x", &b, SAGA_E_INVALID, ".input.id.x: Cannot index string with \"x\"");
    evaluate(".input.lines.x", &b, SAGA_E_INVALID, "Cannot index array with \"x\"");
    evaluate(".input.id[0]", &b, SAGA_E_INVALID, "Cannot index string with number");
    evaluate("{a: {b: .input.total[0]}}", &b, SAGA_E_INVALID, "Cannot index number with number");
    evaluate(".input.id | .x", &b, SAGA_E_INVALID, ".input.id | .x: Cannot index string with");
    evaluate("error(\"out of stock\")", &b, SAGA_E_INVALID, "out of stock");
    evaluate("error({why: \"b\\nc\"})", &b, SAGA_E_INVALID, "{\"why\":\"b\\nc\"}");
    evaluate("error(\"b\\nc\")", &b, SAGA_E_INVALID, ": b c");
    evaluate(".input.total + .input.id", &b, SAGA_E_INVALID, "cannot be added");
    /* the limits: of the size, and of the depth that others read */
    evaluate("[range(300000)]", &b, SAGA_E_LIMIT, "the limit is");
    evaluate("reduce range(255) as $i (0; [.]) | length", &b, SAGA_OK, "1");
    evaluate("reduce range(257) as $i (0; [.])", &b, SAGA_E_LIMIT, "deep");
    evaluate("reduce range(20000) as $i (0; [.])", &b, SAGA_E_LIMIT, "deep");
    /* an error leaves nothing behind */
    struct saga_arena arena;
    struct saga_slice json, message;
    saga_arena_init(&arena);
    struct saga_expression *e = compile(&arena, ".x | if . > 1 then error(\"big\") else . end");
    for (int i = 0; i < 4; i++) {
        const struct saga_bindings r = { .root = i % 2 ? SAGA_SLICE("{\"x\":1}")
                                                       : SAGA_SLICE("{\"x\":2}") };
        int error = saga_expression_eval(e, &r, &arena, &json, &message);
        assert_int_equal(error, i % 2 ? SAGA_OK : SAGA_E_INVALID);
        if (i % 2) assert_true(saga_slice_is(json, "1"));
    }
    saga_expression_free(e);
    saga_arena_free(&arena);
    saga_expression_free(NULL);
}

static void truth_is_as_in_jq(void **state)
{
    (void)state;
    assert_false(saga_json_is_true(SAGA_SLICE("null")));
    assert_false(saga_json_is_true(SAGA_SLICE(" false ")));
    assert_true(saga_json_is_true(SAGA_SLICE("0")));
    assert_true(saga_json_is_true(SAGA_SLICE("\"\"")));
    assert_true(saga_json_is_true(SAGA_SLICE("{}")));
}

static void list_step(struct saga_slice step, void *context)
{
    char *out = context;
    sprintf(out + strlen(out), "%.*s ", SAGA_SLICE_ARG(step));
}

static void it_is_known_what_an_expression_reads(void **state)
{
    (void)state;
    struct saga_arena arena;
    char names[128] = "";
    saga_arena_init(&arena);
    struct saga_expression *e =
        compile(&arena, "[.steps.a.id, .steps[\"b-c\"], .steps.\"d\" + .steps[.input.x]]");
    saga_expression_steps(e, list_step, names);
    assert_string_equal(names, "a b-c d ");
    assert_true(saga_expression_reads(e, "steps"));
    assert_true(saga_expression_reads(e, "input"));
    assert_false(saga_expression_reads(e, "reply"));
    assert_true(saga_expression_names(e, "input"));
    assert_false(saga_expression_names(e, "reply"));
    saga_expression_free(e);
    static const char *const all[] = { ".", "keys", "..", "{a: tojson}", "[.[]]", "del(.x)" };
    for (size_t i = 0; i < COUNT(all); i++) {
        e = compile(&arena, all[i]);
        if (!saga_expression_reads(e, "reply")) fail_msg("%s", all[i]);
        saga_expression_free(e);
    }
    static const char *const unsure[] = { "first(.reply)", "try 1 catch .reply", "1 | .reply",
                                          "reduce 1 as $x (0; .reply)" };
    for (size_t i = 0; i < COUNT(unsure); i++) {
        e = compile(&arena, unsure[i]);
        if (saga_expression_names(e, "reply")) fail_msg("%s", unsure[i]);
        saga_expression_free(e);
    }
    e = compile(&arena, "[.input.lines[] | .]");
    assert_false(saga_expression_reads(e, "reply"));
    saga_expression_free(e);
    saga_arena_free(&arena);
}

static void what_is_written_out_is_known_without_data(void **state)
{
    (void)state;
    static const char *const shapes[][2] = {
        { "{a: 1, b: .input.b, c: [true, {}, []], \"d\": {e: \"x\"}}",
          "{\"a\":1,\"b\":\"\\u0000\",\"c\":[true,{},[]],\"d\":{\"e\":\"x\"}}" },
        { ".input", "\"\\u0000\"" },
        { "{a: (1 + 1)}", "\"\\u0000\"" },
    };
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct saga_arena arena;
        saga_arena_init(&arena);
        struct saga_expression *e = compile(&arena, shapes[i][0]);
        struct saga_slice shape = saga_expression_shape(e, &arena);
        if (!saga_slice_is(shape, shapes[i][1]))
            fail_msg("%s: %.*s", shapes[i][0], SAGA_SLICE_ARG(shape));
        saga_expression_free(e);
        saga_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_give_their_values),
        cmocka_unit_test(an_event_is_the_root),
        cmocka_unit_test(the_newest_result_of_a_step_stands),
        cmocka_unit_test(what_is_not_pure_is_refused_by_name),
        cmocka_unit_test(what_is_no_expression_is_refused_with_words),
        cmocka_unit_test(the_plain_form_keeps_every_digit),
        cmocka_unit_test(jq_computes_with_no_number_that_it_cannot_hold),
        cmocka_unit_test(jq_passes_numbers_on_digit_for_digit),
        cmocka_unit_test(a_literal_that_jq_would_change_is_refused),
        cmocka_unit_test(errors_name_the_expression),
        cmocka_unit_test(truth_is_as_in_jq),
        cmocka_unit_test(it_is_known_what_an_expression_reads),
        cmocka_unit_test(what_is_written_out_is_known_without_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
