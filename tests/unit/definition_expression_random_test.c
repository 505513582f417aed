/* Expressions by chance, from a seed: the plain form gives what jq gives, and no source that was
 * changed somewhere makes it crash. Worth most under the address sanitizer. */
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
#include "base/json.h"
#include "definition/expression.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the plain form against jq ---- */

static uint64_t seed;

static unsigned random_below(unsigned bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 16) % bound);
}

/* `id` is there on every level, so that paths often meet something. */
static const char *const words[] = { "id", "a", "b", "input", "steps", "x_1" };

static void make_value(FILE *out, int depth)
{
    static const char *const scalars[] = {
        "null", "true", "false",           "0",   "-12.5",
        "17",   "\"\"", "\"t\\n\\u00f6\"", "1e3", "\"\xc3\xb6\""
    };
    unsigned kind = depth > 3 ? 0 : random_below(4);
    if (kind < 2 && depth > 0) {
        fputs(scalars[random_below(COUNT(scalars))], out);
        return;
    }
    unsigned count = random_below(4);
    bool object = kind != 2;
    fputc(object ? '{' : '[', out);
    for (unsigned i = 0; i < count; i++) {
        if (i) fputs(" , ", out);
        if (object) fprintf(out, "\"%s\": ", words[random_below(COUNT(words))]);
        make_value(out, depth + 1);
    }
    fputc(object ? '}' : ']', out);
}

static void make_path(FILE *out)
{
    unsigned count = 1 + random_below(4);
    for (unsigned i = 0; i < count; i++) {
        const char *word = words[random_below(COUNT(words))];
        switch (random_below(5)) {
        case 0: fprintf(out, i ? "[\"%s\"]" : ".[\"%s\"]", word); break;
        case 1: fprintf(out, ".\"%s\"", word); break;
        case 2: fprintf(out, i ? "[%d]" : ".[%d]", (int)random_below(5) - 2); break;
        default: fprintf(out, ".%s", word); break;
        }
    }
}

static void make_source(FILE *out, int depth)
{
    static const char *const literals[] = { "1", "\"a\\tb\"", "null", "true", "2.50", "false" };
    unsigned kind = random_below(depth > 2 ? 4 : 8);
    if (kind < 3) {
        make_path(out);
    } else if (kind == 3) {
        fputs(literals[random_below(COUNT(literals))], out);
    } else if (kind == 4) {
        fputc('(', out);
        make_source(out, depth + 1);
        fputc(')', out);
    } else {
        unsigned count = random_below(3) + 1;
        fputc(kind == 5 ? '[' : '{', out);
        for (unsigned i = 0; i < count; i++) {
            const char *word = words[random_below(COUNT(words))];
            if (i) fputs(", ", out);
            if (kind == 6 && random_below(4) == 0) {
                fputs(word, out);
                continue;
            }
            if (kind != 5) fprintf(out, random_below(2) ? "\"%s\": " : "%s: ", word);
            make_source(out, depth + 1);
        }
        fputc(kind == 5 ? ']' : '}', out);
    }
}

static char *make(void (*maker)(FILE *out, int depth))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    maker(out, 0);
    fclose(out);
    return text;
}

static void ignore_message(void *context, jv message)
{
    (void)context;
    jv_free(message);
}

/* Does jq itself give the same value, or an error too? */
static void compare(jq_state *jq, const char *document, int error, struct saga_slice json,
                    const char *source)
{
    jq_start(jq, jv_parse(document), 0);
    jv want = jq_next(jq);
    if (error < 0) {
        if (jv_is_valid(want)) fail_msg("%s over %s: an error here, none in jq", source, document);
        jv_free(want);
        return;
    }
    if (!jv_is_valid(want)) fail_msg("%s over %s: an error in jq, none here", source, document);
    if (!jv_equal(jv_copy(want), jv_parse_sized(json.data, (int)json.size)))
        fail_msg("%s over %s: %.*s here, %s in jq", source, document, SAGA_SLICE_ARG(json),
                 jv_string_value(jv_dump_string(want, 0)));
    jv_free(want);
}

static void the_plain_form_gives_what_jq_gives(void **state)
{
    (void)state;
    enum { SOURCES = 60, DOCUMENTS = 12 };
    size_t errors = 0, values = 0;
    seed = 0x5a6a;
    for (int s = 0; s < SOURCES; s++) {
        char *source = make(make_source);
        struct saga_arena arena;
        saga_arena_init(&arena);
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_expression *e = NULL;
        assert_int_equal(saga_expression_compile(saga_slice_of(source), &arena, &diagnostic, &e),
                         SAGA_OK);
        if (!saga_expression_is_plain(e)) { /* two keys of one name */
            saga_expression_free(e);
            saga_arena_free(&arena);
            free(source);
            continue;
        }
        jq_state *jq = jq_init();
        jq_set_error_cb(jq, ignore_message, NULL);
        if (!jq_compile(jq, source)) fail_msg("plain, but no jq: %s", source);
        for (int d = 0; d < DOCUMENTS; d++) {
            char *document = make(make_value);
            struct saga_slice json = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
            const struct saga_bindings b = { .root = saga_slice_of(document) };
            int error = saga_expression_eval(e, &b, &arena, &json, &message);
            compare(jq, document, error, json, source);
            errors += error < 0;
            values += error == SAGA_OK && !saga_slice_is(json, "null");
            free(document);
        }
        jq_teardown(&jq);
        saga_expression_free(e);
        saga_arena_free(&arena);
        free(source);
    }
    /* the comparison is worth something: both outcomes are common */
    assert_true(errors > 100 && values > 100);
}

/* ---- mutations ---- */

/* libjq itself leaks what it has read of a text with \( ) in it when it refuses the source behind it.
 * That one call is not watched, where a sanitizer watches at all. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static int compile_unwatched(struct saga_slice source, struct saga_arena *arena,
                             struct saga_diagnostic *diagnostic, struct saga_expression **ret)
{
    if (__lsan_disable) __lsan_disable();
    int error = saga_expression_compile(source, arena, diagnostic, ret);
    if (__lsan_enable) __lsan_enable();
    return error;
}

static void a_mutated_source_never_crashes(void **state)
{
    (void)state;
    static const char bytes[] = "{}[]()\"\\.,:;|$#@?/=+-*<>!09aeN_ \n\r\x01\x80\xff";
    static const char *const sources[] = {
        "{id: .input.id, lines: .input.lines}",
        "{a: \"x \\(.input.id)\", \"b\": [.steps[\"charge-card\"].id, -1, 2.5e3, null]}",
        ".input.lines | map(.n) | add",
        "if .input.total > 0 then .saga.id else error(\"x\") end",
        "reduce .input.lines[] as $l (0; . + $l.n)",
    };
    const struct saga_binding step = { SAGA_SLICE("charge-card"), SAGA_SLICE("{\"id\":\"c1\"}") };
    const struct saga_bindings b = {
        .input = SAGA_SLICE("{\"id\":\"o1\",\"total\":12.5,\"lines\":[{\"n\":2},{\"n\":1}]}"),
        .saga = SAGA_SLICE("{\"id\":\"order/o1\"}"),
        .steps = &step,
        .step_count = 1,
    };
    size_t taken = 0;
    seed = 0x77;
    for (int i = 0; i < 1000; i++) {
        const char *source = sources[random_below(COUNT(sources))];
        size_t size = strlen(source);
        char *text = malloc(size); /* memory of its own: a read behind the end must show */
        assert_non_null(text);
        memcpy(text, source, size);
        for (unsigned n = 1 + random_below(2); n > 0; n--)
            text[random_below((unsigned)size)] = bytes[random_below(sizeof bytes)];
        if (random_below(8) == 0) size = random_below((unsigned)size + 1);
        struct saga_arena arena;
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_expression *e = NULL;
        struct saga_slice json = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
        saga_arena_init(&arena);
        int error = compile_unwatched((struct saga_slice){ text, size }, &arena, &diagnostic, &e);
        free(text); /* it keeps a copy */
        assert_int_equal(error == SAGA_OK, e != NULL);
        if (!e) assert_true(diagnostic.what.size > 0);
        if (e) {
            taken++;
            error = saga_expression_eval(e, &b, &arena, &json, &message);
            if (error == SAGA_OK)
                assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
            else
                assert_true(message.size > 0);
        }
        saga_expression_free(e);
        saga_arena_free(&arena);
    }
    assert_true(taken > 50 && taken < 950);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_form_gives_what_jq_gives),
        cmocka_unit_test(a_mutated_source_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
