/* W3C Trace Context: what is one, what is none, and what is passed on of a tracestate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/trace_context.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define PARENT "00-" TRACE "-" SPAN "-01"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct saga_arena arena;

static bool reads(const char *text)
{
    struct saga_trace_context context;
    return saga_traceparent_read(saga_slice_of(text), &context);
}

static void assert_joined(const char *parent, const char *state, const char *expected)
{
    struct saga_slice text =
        saga_trace_context_join(saga_slice_of(parent), saga_slice_of(state), &arena);
    assert_string_equal(text.data ? text.data : "", expected);
}

static void a_traceparent_is_taken_apart(void **state)
{
    struct saga_trace_context context;
    (void)state;
    assert_true(saga_traceparent_read(SAGA_SLICE(PARENT), &context));
    assert_true(saga_slice_is(context.trace, TRACE));
    assert_true(saga_slice_is(context.parent, SPAN));
    assert_true(context.sampled);
    assert_true(saga_traceparent_read(SAGA_SLICE("00-" TRACE "-" SPAN "-00"), &context));
    assert_false(context.sampled);
    /* flags that are not known yet */
    assert_true(saga_traceparent_read(SAGA_SLICE("00-" TRACE "-" SPAN "-02"), &context));
    assert_false(context.sampled);
    assert_true(saga_traceparent_read(SAGA_SLICE("00-" TRACE "-" SPAN "-ff"), &context));
    assert_true(context.sampled);
    /* a later version, with and without what it has more */
    assert_true(reads("cc-" TRACE "-" SPAN "-01"));
    assert_true(reads("cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like"));
}

static void what_is_no_traceparent_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-1",
        "00-" TRACE "-" SPAN "-01-",
        "00-" TRACE "-" SPAN "-01 ",
        "ff-" TRACE "-" SPAN "-01",
        "cc-" TRACE "-" SPAN "-01.what",
        "0x-" TRACE "-" SPAN "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-" TRACE "-" SPAN "-0A",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "00-0af7651916cd43dd8448eb211c80319-" SPAN "1-01",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (reads(bad[i])) fail_msg("%s is taken", bad[i]);
        assert_joined(bad[i], "a=1", "");
    }
}

static void the_two_become_one_text_and_two_again(void **state)
{
    struct saga_trace_context context;
    (void)state;
    assert_joined(PARENT, NULL, PARENT);
    assert_joined(PARENT, "", PARENT);
    assert_joined(PARENT, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
                  PARENT " rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    assert_joined(PARENT, " a=1 ,\t,, 0b@c-d=x y , e/f*=~ ", PARENT " a=1,0b@c-d=x y,e/f*=~");
    assert_joined("cc-" TRACE "-" SPAN "-03-more", "a=1", PARENT " a=1");
    assert_true(saga_trace_context_split(SAGA_SLICE(PARENT " a=1,b=2"), &context));
    assert_true(saga_slice_is(context.state, "a=1,b=2"));
    assert_true(saga_slice_is(context.parent, SPAN));
    assert_true(saga_trace_context_split(SAGA_SLICE(PARENT), &context));
    assert_null(context.state.data);
    assert_false(saga_trace_context_split(SAGA_SLICE_NONE, &context));
    assert_false(saga_trace_context_split(SAGA_SLICE("a=1"), &context));
}

static void what_is_no_tracestate_is_left_out(void **state)
{
    static const char *const bad[] = { "a",          "=1",        "A=1",   "a=",
                                       "a=1,b",      "a==",       "_a=1",  "a=\x01",
                                       "a=\xc3\xb6", "a=1;b=2\n", "a b=1", "a=1,,=" };
    char long_key[300], many[40 * 5];
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_joined(PARENT, bad[i], PARENT);
    memset(long_key, 'k', sizeof long_key);
    memcpy(long_key + 257, "=1", 3);
    assert_joined(PARENT, long_key, PARENT);
    many[0] = '\0';
    for (int i = 0; i < SAGA_TRACESTATE_MEMBERS_MAX + 1; i++)
        snprintf(many + strlen(many), 6, "%ck=1,", 'a' + i % 26);
    assert_joined(PARENT, many, PARENT);
}

/* Catches one that grows without bound, and the wrong members going. */
static void a_long_tracestate_loses_long_members_and_then_the_last(void **state)
{
    char all[1024], expected[1024], value[140];
    (void)state;
    memset(value, 'v', sizeof value);
    value[135] = '\0';
    snprintf(all, sizeof all, "a=1,long=%s,b=2,c=%.100s,d=%.100s,e=%.100s,f=%.60s", value, value,
             value, value, value);
    snprintf(expected, sizeof expected, PARENT " a=1,b=2,c=%.100s,d=%.100s,e=%.100s,f=%.60s", value,
             value, value, value);
    assert_joined(PARENT, all, expected);
    snprintf(all, sizeof all, "a=%.100s,b=%.100s,c=%.100s,d=%.100s,e=%.100s,f=%.100s", value, value,
             value, value, value, value);
    snprintf(expected, sizeof expected, PARENT " a=%.100s,b=%.100s,c=%.100s,d=%.100s", value, value,
             value, value);
    assert_joined(PARENT, all, expected);
}

static int set_up(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_is_taken_apart),
        cmocka_unit_test(what_is_no_traceparent_is_none),
        cmocka_unit_test(the_two_become_one_text_and_two_again),
        cmocka_unit_test(what_is_no_tracestate_is_left_out),
        cmocka_unit_test(a_long_tracestate_loses_long_members_and_then_the_last),
    };
    return cmocka_run_group_tests_name("trace context", tests, set_up, tear_down);
}
