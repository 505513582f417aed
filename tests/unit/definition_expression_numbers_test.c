/* Numbers that no double holds, through general jq: passed on digit for digit, compared and put into texts exactly, and
 * never computed with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "definition/expression.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIG "9007199254740993"  /* 2^53 + 1 */
#define NEXT "9007199254740992" /* the same double */
#define MONEY "19.99000000000000000001"

struct example {
    const char *json, *source;
    const char *value; /* NULL: an error */
    const char *words; /* in the error */
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *x = &examples[i];
        const struct saga_bindings b = { .root = saga_slice_of(x->json) };
        struct saga_arena arena;
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_expression *e = NULL;
        struct saga_slice json = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
        saga_arena_init(&arena);
        if (saga_expression_compile(saga_slice_of(x->source), &arena, &diagnostic, &e) < 0)
            fail_msg("%s: %.*s", x->source, SAGA_SLICE_ARG(diagnostic.what));
        assert_false(saga_expression_is_plain(e));
        int error = saga_expression_eval(e, &b, &arena, &json, &message);
        bool right = x->value ? error == SAGA_OK && saga_slice_is(json, x->value)
                              : error == SAGA_E_INVALID &&
                                    memmem(message.data, message.size, x->words, strlen(x->words));
        if (!right)
            fail_msg("%s over %s: %.*s%.*s", x->source, x->json, SAGA_SLICE_ARG(json),
                     SAGA_SLICE_ARG(message));
        saga_expression_free(e);
        saga_arena_free(&arena);
    }
}

static void they_are_passed_on(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "[" BIG ",-" BIG "," MONEY ",1e400,-1E-400,0.1]", ".|.",
          "[" BIG ",-" BIG "," MONEY ",1e400,-1E-400,0.1]", NULL },
        { "{\"a\":[{\"id\":" BIG "},{\"id\":2}]}", "[.a[] | select(.id != 2) | {id, x: 1}]",
          "[{\"id\":" BIG ",\"x\":1}]", NULL },
        { "{\"id\":" BIG "}", ". + {at: 1} | del(.at)", "{\"id\":" BIG "}", NULL },
        { "{\"id\":" BIG "}", "to_entries | map({(.key): .value}) | add", "{\"id\":" BIG "}",
          NULL },
        { "{\"id\":" BIG "}", "with_entries(.value |= [.])", "{\"id\":[" BIG "]}", NULL },
        { "{\"id\":" BIG "}", "[paths, getpath([\"id\"])]", "[[\"id\"]," BIG "]", NULL },
        { "{\"id\":" BIG "}", ".id as $id | {id: $id, ids: [$id, $id]}",
          "{\"id\":" BIG ",\"ids\":[" BIG "," BIG "]}", NULL },
        { "{\"id\":" BIG "}", ".id // 1", BIG, NULL },
        { "{\"id\":" BIG "}", "[.id | numbers, type, tonumber]", "[" BIG ",\"number\"," BIG "]",
          NULL },
        { "[[1," BIG "],[" MONEY "]]", "flatten", "[1," BIG "," MONEY "]", NULL },
        { "[" BIG "]", "try error(.[0]) catch .", BIG, NULL },
        { "[" BIG "]", "reduce .[] as $x ([]; . + [$x])", "[" BIG "]", NULL },
        { "{\"id\":" BIG "}", "def same: .; .id | same", BIG, NULL },
        { "[" NEXT "]", "[.[] | .]", "[" NEXT "]", NULL },
        { "[100000000000000000000]", "[.[] | .]", "[100000000000000000000]", NULL },
        { "[1.50,2.0,1e3,-0.0,0,12,-7,0.000001]", "[.[] | .]", "[1.5,2,1000,-0,0,12,-7,1e-06]",
          NULL },
    };
    check(examples, COUNT(examples));
}

static void they_are_compared_exactly(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "[" BIG "," NEXT "]", ".[0] == .[1]", "false", NULL },
        { "[" BIG "," BIG "]", ".[0] == .[1]", "true", NULL },
        { "[1e20,100000000000000000000]", ".[0] == .[1]", "true", NULL },
        { "[" BIG ",\"" BIG "\"]", ".[0] == .[1]", "false", NULL },
        { "[" BIG ",null,1]", "map(. == null)", "[false,true,false]", NULL },
        { "[" BIG "," NEXT ",1,-" BIG "]", "sort", "[-" BIG ",1," NEXT "," BIG "]", NULL },
        { "[" BIG "," NEXT ",1]", "[.[] | . > 5]", "[true,true,false]", NULL },
        { "[" BIG "," NEXT "]", "[max, min, (.[0] > .[1]), (.[1] >= .[0])]",
          "[" BIG "," NEXT ",true,false]", NULL },
        { "[" BIG "," NEXT "," BIG "]", "unique", "[" NEXT "," BIG "]", NULL },
        { "[{\"k\":" BIG "},{\"k\":" NEXT "}]", "group_by(.k) | length", "2", NULL },
        { "[" BIG "," NEXT "]",
          "index("
          "1"
          ") // (. | length)",
          "2", NULL },
        { "[[" BIG "],[" NEXT "]]", ".[0] == .[1] or (.[0] | contains([1]))", "false", NULL },
        { "[" MONEY ",19.99]", ".[0] == .[1]", "false", NULL },
        { "[" MONEY ",1]", ".[0] > .[1]", NULL, MONEY " has more digits than jq compares" },
        { "[" MONEY ",1]", "sort", NULL, MONEY },
        { "[{\"m\":" MONEY "},{\"m\":1}]", "map(select(.m > 1))", NULL, MONEY },
        { "[{\"m\":" MONEY ",\"n\":1}]", "sort_by(.n)", "[{\"m\":" MONEY ",\"n\":1}]", NULL },
        { "[{\"m\":" MONEY ",\"n\":1}]", "max_by(.m)", NULL, MONEY },
    };
    check(examples, COUNT(examples));
}

static void they_become_texts_exactly(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "{\"id\":" BIG "}", "\"order \\(.id)\"", "\"order " BIG "\"", NULL },
        { "{\"id\":-" BIG "}", ".id | tostring", "\"-" BIG "\"", NULL },
        { "{\"id\":[" BIG ",{\"m\":" MONEY ",\"s\":\"a\\\"b\"}]}", ".id | tojson | .",
          "\"[" BIG ",{\\\"m\\\":" MONEY ",\\\"s\\\":\\\"a\\\\\\\"b\\\"}]\"", NULL },
        { "{\"id\":" BIG "}", ".id | @text, @json", "\"" BIG "\"", NULL },
        { "{\"id\":" BIG "}", "@uri \"/orders/\\(.id)\"", "\"/orders/" BIG "\"", NULL },
        { "{\"id\":" BIG "}", "@json \"[\\(.id),\\([.id])]\"", "\"[" BIG ",[" BIG "]]\"", NULL },
        { "[" BIG ",\"a\",null,true]", "join(\"-\")", "\"" BIG "-a--true\"", NULL },
        { "[" BIG ",1]", "@csv", NULL, BIG },
        { "[\"a\",1]", "@csv", "\"\\\"a\\\",1\"", NULL },
    };
    check(examples, COUNT(examples));
}

static void nothing_is_computed_with_them(void **state)
{
    (void)state;
    static const char *const sources[] = {
        ".n + 1",
        "1 + .n",
        ".n - 1",
        ".n * 2",
        "2 / .n",
        ".n % 3",
        "-.n",
        "[.n, 1] | add",
        ".n += 1",
        ".n | length",
        ".n | floor",
        ".n | todate",
        ".n | gmtime",
        "[.n][] | fabs",
        ".n | sqrt",
        ".n | strftime(\"%Y\")",
        "pow(.n; 2)",
        ".n | tostream",
        ".n | exp10",
        "\"x\" * .n",
        "[.n] | implode",
        "{(.n | tojson): 1, a: (.n * 1)}",
        "[{key: .n, value: 1}] | from_entries",
    };
    for (size_t i = 0; i < COUNT(sources); i++) {
        const struct example big = { "{\"n\":" BIG "}", sources[i], NULL, BIG };
        const struct example money = { "{\"n\":" MONEY "}", sources[i], NULL, MONEY };
        check(&big, 1);
        check(&money, 1);
    }
}

static void a_text_is_parsed_to_no_other_number(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { "\"{\\\"id\\\":" BIG "}\"", "fromjson", NULL, BIG " has more digits" },
        { "\"[1," MONEY "]\"", "fromjson | length", NULL, MONEY },
        { "\"1e400\"", "fromjson == 1", NULL, "1e400" },
        { "\"[nan]\"", "fromjson | .[0]", NULL, "nan is not a number" },
        { "\"{\\\"text\\\":\\\"" BIG " nan \\\\\\\" 1e999 \\\\\\\\\\\",\\\"n\\\":12.5}\"",
          "fromjson | .n", "12.5", NULL },
        { "\"[0.30000000000000004,1e3,-0.5,9007199254740991]\"", "fromjson",
          "[0.30000000000000004,1000,-0.5,9007199254740991]", NULL },
        { "\"[1,\\\"a\\\",{}]\"", "fromjson", "[1,\"a\",{}]", NULL },
        { "\"{\"", "fromjson", NULL, "" },
        { "1", "fromjson", NULL, "" },
        { "{\"id\":" BIG ",\"t\":\"[1]\"}", "{id, t: (.t | fromjson)}",
          "{\"id\":" BIG ",\"t\":[1]}", NULL },
    };
    check(examples, COUNT(examples));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_passed_on),
        cmocka_unit_test(they_are_compared_exactly),
        cmocka_unit_test(they_become_texts_exactly),
        cmocka_unit_test(nothing_is_computed_with_them),
        cmocka_unit_test(a_text_is_parsed_to_no_other_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
