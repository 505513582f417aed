/* What is said to be jq for sure is: libjq is asked, about every function and about sources that were made wrong by
 * chance. It takes some 24 ms for each program, so many sources are put into one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jq.h>
#include <jv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "definition/expression_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_sure(const char *source)
{
    struct saga_arena arena;
    struct saga_token *tokens;
    size_t count, offset;
    bool strict, sure = false;
    saga_arena_init(&arena);
    if (saga_expression_lex(saga_slice_of(source), &arena, &tokens, &count, &offset) == SAGA_OK) {
        const struct saga_tree *tree = saga_expression_tree(tokens, &arena, &strict);
        sure = tree && strict && saga_expression_surely_compiles(tree, saga_slice_of(source));
    }
    saga_arena_free(&arena);
    return sure;
}

static void ignore_message(void *context, jv message)
{
    (void)context;
    jv_free(message);
}

static bool compiles(const char *program)
{
    jq_state *jq = jq_init();
    jq_set_error_cb(jq, ignore_message, NULL);
    bool taken = jq_compile(jq, program) != 0;
    jq_teardown(&jq);
    return taken;
}

/* All sources in one program, each in a function that is called: what is not called is not looked at closely. */
static bool compile_together(char *const *sources, size_t count)
{
    char *program;
    size_t size;
    FILE *out = open_memstream(&program, &size);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) fprintf(out, "def e%zu: (%s\n); ", i, sources[i]);
    for (size_t i = 0; i < count; i++) fprintf(out, "%se%zu", i ? ", " : "", i);
    fclose(out);
    bool taken = compiles(program);
    free(program);
    return taken;
}

/* ---- functions ---- */

static void every_known_function_is_there(void **state)
{
    (void)state;
    char *sources[512];
    const char *name;
    size_t count = 0;
    for (unsigned arguments; saga_expression_known_function(count, &name, &arguments); count++) {
        assert_true(count < COUNT(sources));
        sources[count] = malloc(64);
        snprintf(sources[count], 64, "%s%s", name,
                 (const char *[]){ "", "(.)", "(.; .)", "(.; .; .)" }[arguments]);
        if (!is_sure(sources[count])) fail_msg("%s is known, and not sure", sources[count]);
    }
    assert_true(count > 100);
    if (!compile_together(sources, count))
        for (size_t i = 0; i < count; i++)
            if (!compiles(sources[i])) fail_msg("jq has no %s", sources[i]);
    for (size_t i = 0; i < count; i++) free(sources[i]);
}

/* ---- what sagas have ---- */

static const char *const sound[] = {
    "{id: .input.id, sum: (.input.lines | map(.price) | add), step: 5}",
    "{id: .input.id, lines: [.input.lines[] | select(.qty > 0) | {sku, qty}]}",
    "{label: \"\\(.input.address.city), \\(.input.name | ascii_upcase)\", \"x y\": -1}",
    "if .input.total > 100 and .input.vip then \"a\" elif .x == null then 2 else 3 end",
    ".input.lines | map(.qty * .price) | add / 100 | floor",
    "reduce .input.lines[] as $l ({n: 0}; .n += $l.qty)",
    ".input as {id: $id, $total} | {id: $id, total: ($total // 0)}",
    "[.input.lines[]? | .sku[2:5] + \"-\" + (.qty|tostring)] | join(\",\")",
    ".steps[\"charge-card\"].chargeId // .input[0:2] // error(\"none\")",
    ".input.date | strptime(\"%Y-%m-%d\") | mktime + 86400 | todate",
    "@base64 \"id=\\(.input.id)\"",
    "(.a, .b) as [$x] | $x | not",
    ".error.type == \"Timeout\" or (.reply.status | test(\"^4\"; \"x\"))",
    "foreach .input.lines[] as $l (0; . + 1; {n: ., l: $l}) # counts",
    "try (.a | tonumber) catch \"x\"",
    ".. | numbers",
    "{a: .b | -.c, (.k): .v, \"l\"}",
    "del(.input.secret) | .input |= . + {at: 1.5e3}",
};

static void what_sagas_have_is_sure(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sound); i++)
        if (!is_sure(sound[i])) fail_msg("not sure: %s", sound[i]);
}

/* Wrong, or read by some jq only. */
static void what_some_jq_does_not_take_is_not_sure(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "{a: 1 + 2}",
        ".a == .b == .c",
        ".a = .b = 1",
        "if . then 1 end",
        "if . then 1 else 2 end.a",
        "{a: if . then 1 else 2 end}",
        "{a: try .b}",
        "{a: map(.)?}",
        ".a.[0]",
        "1 / 0",
        "(1 + 1) % (2 - 2)",
        "{(1): 2}",
        "{({}): 2}",
        "{(.a)}",
        "{if}",
        "{$x: 1}",
        "$x",
        ". as $x | 1 | $y",
        "reduce .[] as $x ($x; .)",
        ". as [$x, $x] | $x",
        ". as $ x | $ x",
        "nothing",
        "map",
        "map(.; .)",
        "\"\\q\"",
        "\"\\(\"\\q\")\"",
        "(.a) \"\\(.b)\"",
        "(.a) (.b) \"\\(.b)\"",
        "@ text",
        "@text (.a) \"x\"",
        "1.2.3",
        "1.",
        ".[:]",
        "def f: .; f",
        "label $out | 1",
        "tojson::x",
        ". as $and | 1",
        "(.a)?.b",
        "[.[] | .a?]?.b",
        "if . then 1 else 2 end as $x | $x",
        ".a |\r\n.b",
        "1 + . as $x | $x",
        "1, . as $x | $x",
        "reduce if . then 1 else 2 end as $x (0; .)",
    };
    for (size_t i = 0; i < COUNT(sources); i++)
        if (is_sure(sources[i])) fail_msg("sure: %s", sources[i]);
}

/* ---- by chance ---- */

static uint64_t seed;

static unsigned random_below(size_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 16) % bound);
}

static const char *const pieces[] = {
    "(",    ")",    "[",     "]",         "{",     "}",      "|",       ",",       ":",
    ";",    "?",    ".",     "..",        ".a",    "$x",     "as",      "as $x |", "1",
    "-",    "+",    "/",     "%",         "=",     "|=",     "==",      "//",      "and",
    "or",   "if",   "then",  "else",      "end",   "elif",   "try",     "catch",   "map",
    "add",  "null", "\"t\"", "\"\\(1)\"", "@text", "reduce", "foreach", "0",       ".[0]",
    "[1:]", "not",  "(1)",   "error(.)",  "$"
};

/* The source with a token or two taken out, put in, or put elsewhere. */
static char *mutate(const char *source)
{
    struct saga_arena arena;
    struct saga_token *tokens;
    size_t count, offset, size = strlen(source) + 64;
    char *text = malloc(size);
    saga_arena_init(&arena);
    assert_int_equal(saga_expression_lex(saga_slice_of(source), &arena, &tokens, &count, &offset),
                     SAGA_OK);
    const char *at = tokens[random_below(count)].text.data;
    const char *other = tokens[random_below(count)].text.data, *end = source + strlen(source);
    const char *first = at < other ? at : other, *last = at < other ? other : at;
    const char *piece = pieces[random_below(COUNT(pieces))];
    switch (random_below(4)) {
    case 0: /* without what stands between two places, if that is not much */
        if (last - first > 12) last = first + (random_below(12) < (size_t)(end - first) ? 1 : 0);
        snprintf(text, size, "%.*s%s", (int)(first - source), source, last);
        break;
    case 1: snprintf(text, size, "%.*s%s%s", (int)(at - source), source, piece, at); break;
    case 2: snprintf(text, size, "%.*s %s %s", (int)(at - source), source, piece, at); break;
    default: /* a part twice */
        if (last - first > 20) last = first + 1;
        snprintf(text, size, "%.*s%s", (int)(last - source), source, first);
        break;
    }
    saga_arena_free(&arena);
    return text;
}

static void check_together(char *const *sources, size_t count)
{
    if (!compile_together(sources, count))
        for (size_t i = 0; i < count; i++)
            if (!compiles(sources[i])) fail_msg("sure, but no jq: %s", sources[i]);
}

static void what_is_sure_compiles(void **state)
{
    (void)state;
    enum { MUTATIONS = 20000, TOGETHER = 200 };
    char *sources[TOGETHER];
    size_t count = 0, sure = 0;
    seed = 0x5a6a;
    for (int i = 0; i < MUTATIONS; i++) {
        char *once = mutate(sound[random_below(COUNT(sound))]);
        struct saga_arena arena;
        struct saga_token *tokens;
        size_t token_count, offset;
        saga_arena_init(&arena);
        bool lexes = saga_expression_lex(saga_slice_of(once), &arena, &tokens, &token_count,
                                         &offset) == SAGA_OK;
        saga_arena_free(&arena);
        char *twice = lexes && random_below(2) ? mutate(once) : NULL;
        char *source = twice ? twice : once;
        if (twice) free(once);
        if (!is_sure(source)) {
            free(source);
            continue;
        }
        sure++;
        sources[count++] = source;
        if (count < TOGETHER) continue;
        check_together(sources, count);
        while (count > 0) free(sources[--count]);
    }
    check_together(sources, count);
    while (count > 0) free(sources[--count]);
    assert_true(sure > MUTATIONS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_function_is_there),
        cmocka_unit_test(what_sagas_have_is_sure),
        cmocka_unit_test(what_some_jq_does_not_take_is_not_sure),
        cmocka_unit_test(what_is_sure_compiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
