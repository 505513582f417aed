/* Expressions that a careless jq would die of, hang in or answer wrongly: each is kept from that, and what is near to
 * it stays as jq's manual says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "definition/expression.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIG "9007199254740993" /* 2^53 + 1, which no double holds */

static bool holds(struct saga_slice text, const char *words)
{
    return text.data && memmem(text.data, text.size, words, strlen(words));
}

/* What the expression gives over an event; `*ret_text` is the value or the error. */
static int run(const char *source, const char *json, struct saga_arena *arena,
               struct saga_slice *ret_text)
{
    const struct saga_bindings b = { .root = saga_slice_of(json) };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_expression *e = NULL;
    struct saga_slice value = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
    if (saga_expression_compile(saga_slice_of(source), arena, &diagnostic, &e) < 0)
        fail_msg("%s: %.*s", source, SAGA_SLICE_ARG(diagnostic.what));
    int error = saga_expression_eval(e, &b, arena, &value, &message);
    *ret_text = error < 0 ? message : value;
    saga_expression_free(e);
    return error;
}

struct example {
    const char *json, *source;
    const char *value; /* NULL: an error */
    const char *words; /* in the error */
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *x = &examples[i];
        struct saga_arena arena;
        struct saga_slice text;
        saga_arena_init(&arena);
        int error = run(x->source, x->json, &arena, &text);
        bool right = x->value ? error == SAGA_OK && saga_slice_is(text, x->value)
                              : error == SAGA_E_INVALID && holds(text, x->words);
        if (!right) fail_msg("%s over %s: %.*s", x->source, x->json, SAGA_SLICE_ARG(text));
        saga_arena_free(&arena);
    }
}

static void a_remainder_of_any_number_is_no_trap(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "{\"m\":-1}", "1e300 % .m", "0", NULL },
        { "{\"m\":-1.5}", "[-1e300 % .m]", "[-0]", NULL },
        { "{\"x\":5}", ".x %= -1 | .x", "0", NULL },
        { "{\"x\":1e300,\"m\":-3}", ".x % .m", NULL, "1e300 has more digits" },
        { "[7,-3]", "[.[0] % 4, .[1] % 2, .[0] % .[1], 7 % -1]", "[3,-1,1,0]", NULL },
        { "[7,0]", ".[0] % .[1]", NULL, "divisor is zero" },
        { "[7,\"a\"]", ".[0] % .[1]", NULL, "cannot be divided" },
    };
    check(examples, COUNT(examples));
}

static void no_time_ends_the_process(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "1e300", "todate", NULL, "1e300 has more digits" },
        { "-1e300", "todateiso8601", NULL, "-1e300 has more digits" },
        { "1e300", "date", NULL, "1e300 has more digits" },
        { "1e18", "strftime(\"%Y\")", NULL, "1e18 has more digits" },
        { "9007199254740991", "strftime(\"%Y\")", "\"285428751\"", NULL },
        { "0", "strftime(null)", NULL, "string format" },
        { "{\"f\":1}", ".f as $f | 0 | strftime($f)", NULL, "string format" },
        { "1425599507", "[todate, date, todateiso8601]",
          "[\"2015-03-05T23:51:47Z\",\"2015-03-05T23:51:47Z\",\"2015-03-05T23:51:47Z\"]", NULL },
        { "1425599507", "strftime(\"%A %d\")", "\"Thursday 05\"", NULL },
        { "[2015,2,5,23,51,47,4,63]", "strftime(\"%H:%M\")", "\"23:51\"", NULL },
        { "\"2015-03-05T23:51:47Z\"", "fromdate", "1425599507", NULL },
    };
    check(examples, COUNT(examples));
}

static void a_text_becomes_no_other_number(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "\"" BIG "\"", "tonumber > 1", NULL, "the number " BIG " has more digits" },
        { "\"" BIG "\"", "[tonumber] | tostring", NULL, "keep it as a text" },
        { "\"0.1234567890123456789\"", "tonumber", NULL, "more digits" },
        { "\"1e400\"", "tonumber > 1", NULL, "more digits" },
        { "\"1e-400\"", "tonumber == 0", NULL, "more digits" },
        { "\"nan\"", "[1] | .[(\"nan\"|tonumber):]", NULL, "number" },
        { "\"ten\"", "tonumber", NULL, "" },
        { "[\"12.5\",\"-0.50\",\"100\",\"1e3\",\"1E-2\",\"0\",\"-0.0\",7,\"9007199254740991\"]",
          "map(tonumber + 0)", "[12.5,-0.5,100,1000,0.01,0,0,7,9007199254740991]", NULL },
        { "\"12345.678900000000000000\"", "tonumber", "12345.6789", NULL },
        { "\"0.30000000000000004\"", "tonumber", "0.30000000000000004", NULL },
    };
    check(examples, COUNT(examples));
}

static void looking_for_nothing_ends(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "{\"n\":\"ab\",\"s\":\"\"}", ".s as $s | .n | index($s)", "null", NULL },
        { "\"ab\"", "rindex(\"\")", "null", NULL },
        { "\"ab\"", "indices(\"\")", "null", NULL },
        { "\"a,b,a\"", "[index(\",\"), rindex(\",\"), indices(\"a\")]", "[1,3,[0,4]]", NULL },
        { "[1,2,1]", "[index(1), rindex(1), indices([1,2])]", "[0,2,[0]]", NULL },
        { "\"ab\"", "index(\"c\")", "null", NULL },
    };
    check(examples, COUNT(examples));
}

static void empty_matches_are_left_out(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "\"Zo\xc3\xab\"", "[scan(\"\")]", "[]", NULL },
        { "\"Zo\xc3\xab\"", "[splits(\"\")]", "[\"Zo\xc3\xab\"]", NULL },
        { "\"Zo\xc3\xab\"", "split(\"x*\"; null)", "[\"Zo\xc3\xab\"]", NULL },
        { "\"Zo\xc3\xab\"", "[match(\"\"; \"g\")]", "[]", NULL },
        { "\"Zo\xc3\xab\"", "[match([\"\", \"g\"])]", "[]", NULL },
        { "\"Zo\xc3\xab\"", "[capture(\"(?<a>x)?\"; \"g\")]", "[]", NULL },
        { "\"ab\"", "gsub(\"^\"; \"x\")", "\"ab\"", NULL },
        { "\"ab\"", "gsub(\"\"; \"x\"; \"i\")", "\"ab\"", NULL },
        { "\"ab\"", "sub(\"$\"; \"x\"; \"g\")", "\"ab\"", NULL },
        { "\"Zo\xc3\xab  \"", "gsub(\"\\\\s*$\"; \"\")", "\"Zo\xc3\xab\"", NULL },
    };
    check(examples, COUNT(examples));
}

static void matches_are_as_in_the_manual(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "\"a-b-c\"", "gsub(\"-\"; \"+\")", "\"a+b+c\"", NULL },
        { "\"a-b-c\"", "sub(\"-\"; \"+\")", "\"a+b-c\"", NULL },
        { "\"ab\"", "sub(\"^\"; \"x\")", "\"xab\"", NULL },
        { "\"AbC\"", "gsub(\"[a-z]\"; \"_\"; \"i\")", "\"___\"", NULL },
        { "\"\xc3\xa4"
          "1\xc3\xb6\"",
          "gsub(\"(?<d>[0-9])\"; \"<\\(.d)>\")", "\"\xc3\xa4<1>\xc3\xb6\"", NULL },
        { "\"a,b, c\"", "[splits(\", *\")]", "[\"a\",\"b\",\"c\"]", NULL },
        { "\"a,b, c\"", "split(\", *\"; null)", "[\"a\",\"b\",\"c\"]", NULL },
        { "\"a,b\"", "split(\",\")", "[\"a\",\"b\"]", NULL },
        { "\"abc1d22\"", "[scan(\"[0-9]+\")]", "[\"1\",\"22\"]", NULL },
        { "\"abc1d22\"", "[scan(\"([a-z])([0-9])\")]", "[[\"c\",\"1\"],[\"d\",\"2\"]]", NULL },
        { "\"xyz\"", "capture(\"(?<a>.)(?<n>z)?\")", "{\"a\":\"x\",\"n\":null}", NULL },
        { "\"xyz\"", "[match(\"[xz]\"; \"g\").offset]", "[0,2]", NULL },
        { "\"xyz\"", "[match([\"[xz]\", \"g\"]).string, match(\"y\").string]",
          "[\"x\",\"z\",\"y\"]", NULL },
        { "\"xyz\"", "test(\"Y\"; \"i\")", "true", NULL },
    };
    check(examples, COUNT(examples));
}

static void no_computed_number_is_another(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "{\"n\":9007199254740991}", ".n + 0", "9007199254740991", NULL },
        { "{\"n\":9007199254740992}", ".n + 1", NULL, "9007199254740992 has more digits" },
        { "{\"n\":9007199254740991}", "(.n + 1) > 5", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":9007199254740991}", "\"\\(.n + 2)\"", NULL, "whole numbers from 2^53 on" },
        { "[9007199254740991,2,-5]", "add", NULL, "whole numbers from 2^53 on" },
        { "[9007199254740991,2,-5]", "map(.) | add | . > 1", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":94906267}", ".n * .n > 1", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":1e-200}", "1e200 / .n > 1", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":-9007199254740991}", ".n - 1 < 1", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":9007199254740991}", ".n += 5 | .n > 1", NULL, "whole numbers from 2^53 on" },
        { "60", "exp > 1", NULL, "whole numbers from 2^53 on" },
        { "60", "pow(2; .) > 1", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":9007199254740991}", "{a: [.n + 2]}", NULL, "whole numbers from 2^53 on" },
        { "{\"n\":-9007199254740991}", ".n - 2", NULL, "by a plain path, or as a text" },
        { "{\"n\":5}", ".n * 1e17", NULL, "5e+17" },
        { "{\"n\":5}", "infinite", NULL, "whole numbers" },
        { "{\"n\":-9007199254740992}", ".n", "-9007199254740992", NULL },
    };
    check(examples, COUNT(examples));
}

/* jq is shown what an expression names, and so is not troubled by what stands beside it. */
static void only_what_is_named_is_read(void **state)
{
    (void)state;
    static const char json[] =
        "{\"a\":{\"x\":1,\"big\":" BIG ",\"l\":[{\"q\":2},{\"q\":3}]},\"big\":" BIG ",\"s\":\"t\"}";
    static const struct example examples[] = {
        { json, ".a.x + 1", "2", NULL },
        { json, ".a[\"x\"] + .a.\"x\"", "2", NULL },
        { json, "[.a.l[] | .q] | add", "5", NULL },
        { json, "reduce .a.l[] as $l (0; . + $l.q)", "5", NULL },
        { json, ".a.x as $x | .s | length + $x", "2", NULL },
        { json, "{s} | .s", "\"t\"", NULL },
        { "{\"a\":1,\"l\":[2]}", "reduce .l[] as $x (def empty: 0; .a; . + $x)", "3", NULL },
        { json, "if .a.x == 1 then \"\\(.s)-\" else empty end", "\"t-\"", NULL },
        { json, ".s.x + 1", NULL, "Cannot index string" },
        { json, ".a | .x + 1", "2", NULL },
        { json, ".a.x as $x | $x + length", "4", NULL },
        { json, "def f: .big; f + 1", NULL, BIG },
        { json, ".a[.s]? // length", "3", NULL },
        /* where nobody knows what jq does with a number, jq is shown none that it cannot hold */
        { json, "[tostream] | length", NULL, BIG },
        { json, ".a | tostream | length", NULL, BIG },
        { json, "first(.a) | .x + 1 | pow(.; 2)", NULL, BIG },
        { json, "if .a.x == 1 then 1 else (.a | tostream) end", NULL, BIG },
        { json, ".s | [tostream] | length", "1", NULL },
    };
    check(examples, COUNT(examples));
}

/* ---- what is refused ---- */

static void words_that_are_refused_say_what_to_write(void **state)
{
    (void)state;
    static const struct {
        const char *source, *what, *mend;
        unsigned line, column;
    } refused[] = {
        { "_input", "_input cannot", "function of the manual", 1, 1 },
        { "def _f: 1; _f", "_f cannot", "another name", 1, 5 },
        { "[1, _nwise(2)]", "_nwise cannot", "jq's own", 1, 5 },
        { "0 | strftime(\"%Z\")", "%Z cannot", "time zone of the machine", 1, 15 },
        { "0 | strftime(\"at %-10Z\")", "%-10Z cannot", "write Z", 1, 15 },
        { "0 | strftime(\"%s\")", "%s cannot", "mktime", 1, 15 },
        { "\"1\" | strptime(\"%Es\")", "%Es cannot", "time zone", 1, 17 },
        { "$\n ENV", "$ENV cannot", "pure function", 2, 2 },
        { "1 + " BIG, BIG, "2^53", 1, 5 },
        { "1 # a\rb", "carriage return", "take that character out", 1, 3 },
        { "1 # a\r\n + 1", "carriage return", "take that character out", 1, 3 },
        { "1 # a\\\n + 1", "backslash", "take that character out", 1, 3 },
        { "1 # a\\\r\n + 1", "backslash", "take that character out", 1, 3 },
        { "1 + \"\xff\"", "not UTF-8", "", 1, 6 },
        { "1 + nosuch(1)", "nosuch/1", "", 1, 5 },
        { "1 + $nosuch", "nosuch", "", 1, 6 },
        { "1 + $", "no jq", "", 0, 0 },
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct saga_arena arena;
        struct saga_diagnostic d = { 0 };
        struct saga_expression *e = NULL;
        saga_arena_init(&arena);
        int error = saga_expression_compile(saga_slice_of(refused[i].source), &arena, &d, &e);
        bool placed =
            !refused[i].line || (d.line == refused[i].line && d.column == refused[i].column);
        bool mended = !*refused[i].mend || holds(d.mend, refused[i].mend);
        if (error != SAGA_E_INVALID || !holds(d.what, refused[i].what) || !mended || !placed)
            fail_msg("%s: %u:%u: %.*s: %.*s", refused[i].source, d.line, d.column,
                     SAGA_SLICE_ARG(d.what), SAGA_SLICE_ARG(d.mend));
        saga_arena_free(&arena);
    }
}

/* Only later versions of jq take it, so that none but jq may say what it gives. */
static void a_keyword_is_left_to_jq(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostic d = { 0 };
    struct saga_expression *e = NULL;
    saga_arena_init(&arena);
    if (saga_expression_compile(SAGA_SLICE("{if}"), &arena, &d, &e) == SAGA_OK)
        assert_false(saga_expression_is_plain(e));
    else
        assert_true(holds(d.what, "no jq"));
    saga_expression_free(e);
    saga_arena_free(&arena);
}

static void append(char *text, const char *piece, int count)
{
    while (count-- > 0) strcat(text, piece);
}

/* Brackets deeper than anybody follows them must not make a call look like the key of an object. */
static void depth_hides_nothing(void **state)
{
    (void)state;
    char text[4096] = "";
    struct saga_arena arena;
    struct saga_diagnostic d = { 0 };
    struct saga_expression *e = NULL;
    append(text, "{a:", 156);
    append(text, "[", 144);
    append(text, "1", 1);
    append(text, "]", 100);
    append(text, ",now", 1);
    append(text, "]", 44);
    append(text, "}", 156);
    saga_arena_init(&arena);
    assert_int_equal(saga_expression_compile(saga_slice_of(text), &arena, &d, &e), SAGA_E_INVALID);
    assert_true(holds(d.what, "now cannot"));
    saga_arena_free(&arena);
}

static void what_looks_like_it_is_taken(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "{\"_id\":1}", "._id + 1", "2", NULL },
        { "{\"_id\":1}", "{_id} | ._id", "1", NULL },
        { "{}", "1 as $_x | $_x + 1", "2", NULL },
        { "0", "strftime(\"%SZ %%Z %d\")", "\"00Z %Z 01\"", NULL },
        { "{}", "\"%s\" | length", "2", NULL },
        { "{}", "# \\ a\n 1 + 1", "2", NULL },
    };
    check(examples, COUNT(examples));
}

/* ---- ~/.jq ---- */

static void definitions_at_home_change_nothing(void **state)
{
    (void)state;
    char home[] = "/tmp/saga-expression-XXXXXX", path[64];
    char *before = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    struct saga_arena arena;
    struct saga_diagnostic d = { 0 };
    struct saga_expression *e = NULL;
    assert_non_null(mkdtemp(home));
    snprintf(path, sizeof path, "%s/.jq", home);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("def length: 42;\n", file);
    fclose(file);
    saga_arena_init(&arena);
    setenv("HOME", home, 1);
    int error = saga_expression_compile(SAGA_SLICE("[1] | length"), &arena, &d, &e);
    int plain = saga_expression_compile(SAGA_SLICE(".input"), &arena, &d, &e);
    saga_expression_free(e);
    unlink(path);
    int without = saga_expression_compile(SAGA_SLICE("[1] | length"), &arena, &d, &e);
    saga_expression_free(e);
    assert_int_equal(mkdir(path, 0700), 0); /* modules, which only `import` reads */
    int folder = saga_expression_compile(SAGA_SLICE("[1] | length"), &arena, &d, &e);
    saga_expression_free(e);
    rmdir(path);
    rmdir(home);
    if (before)
        setenv("HOME", before, 1);
    else
        unsetenv("HOME");
    free(before);
    assert_int_equal(error, SAGA_E_INVALID);
    assert_true(holds(d.what, path) && holds(d.what, "move that file away"));
    assert_int_equal(plain, SAGA_OK);
    assert_int_equal(without, SAGA_OK);
    assert_int_equal(folder, SAGA_OK);
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_remainder_of_any_number_is_no_trap),
        cmocka_unit_test(no_time_ends_the_process),
        cmocka_unit_test(a_text_becomes_no_other_number),
        cmocka_unit_test(looking_for_nothing_ends),
        cmocka_unit_test(empty_matches_are_left_out),
        cmocka_unit_test(matches_are_as_in_the_manual),
        cmocka_unit_test(no_computed_number_is_another),
        cmocka_unit_test(only_what_is_named_is_read),
        cmocka_unit_test(words_that_are_refused_say_what_to_write),
        cmocka_unit_test(a_keyword_is_left_to_jq),
        cmocka_unit_test(depth_hides_nothing),
        cmocka_unit_test(what_looks_like_it_is_taken),
        cmocka_unit_test(definitions_at_home_change_nothing),
    };
    alarm(600); /* what never ends ends the test */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
