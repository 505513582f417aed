/* The filter's language: what is read, what is refused and where the caret stands, whom it means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "runtime/filter.h"
#include "unit/in_arena.h"

#define HOUR 3600000LL
static const int64_t now_ms = 100 * HOUR;

static struct saga_filter read_filter(const char *text)
{
    struct saga_filter filter;
    struct saga_filter_fault fault;
    if (saga_filter_parse(saga_slice_of(text), now_ms, &arena, &filter, &fault) < 0)
        fail_msg("%s", saga_filter_fault_words(saga_slice_of(text), &fault, &arena));
    return filter;
}

static void refused_slice(struct saga_slice text, const char *words)
{
    struct saga_filter filter;
    struct saga_filter_fault fault;
    if (saga_filter_parse(text, now_ms, &arena, &filter, &fault) == SAGA_OK)
        fail_msg("\"%.*s\" was taken", SAGA_SLICE_ARG(text));
    const char *is = saga_filter_fault_words(text, &fault, &arena);
    if (strcmp(is, words) != 0) fail_msg("expected:\n%s\nis:\n%s", words, is);
}

static void refused(const char *text, const char *words)
{
    refused_slice(saga_slice_of(text), words);
}

/* ---- a saga ---- */

static struct saga_state *stuck_saga(void)
{
    struct saga_state *state = saga_state_new();
    state->id = SAGA_SLICE("order/o-1");
    state->name = SAGA_SLICE("order");
    state->key = SAGA_SLICE("o-1");
    state->version = 3;
    state->status = SAGA_STUCK;
    state->stuck_on = SAGA_STUCK_ON_STEP;
    state->stuck_step = SAGA_SLICE("pay[2]");
    state->stuck_message = SAGA_SLICE("no answer: Timeout");
    state->has_error = true;
    state->error.type = SAGA_SLICE("BankAway");
    state->error.message = SAGA_SLICE("the bank is away");
    state->started_ms = now_ms - 5 * HOUR;
    state->changed_ms = now_ms - 2 * HOUR;
    state->search = SAGA_NEW_ARRAY(&state->arena, struct saga_search_value, 1);
    state->search[0] = (struct saga_search_value){ SAGA_SLICE("customer"), SAGA_SLICE("c 17") };
    state->search_count = 1;
    state->steps = SAGA_NEW_ARRAY(&state->arena, struct saga_step_state, 2);
    state->steps[0].path = SAGA_SLICE("reserve");
    state->steps[0].status = SAGA_STEP_SUCCEEDED;
    state->steps[1].path = SAGA_SLICE("call");
    state->steps[1].status = SAGA_STEP_SENT;
    state->step_count = 2;
    return state;
}

static void expect(const char *text, bool matches)
{
    struct saga_state *state = stuck_saga();
    struct saga_filter filter = read_filter(text);
    if (saga_filter_matches(&filter, state) != matches)
        fail_msg("%s %s it", text, matches ? "does not mean" : "means");
    saga_state_free(state);
}

static void every_word_means_what_it_says(void **unused)
{
    static const struct {
        const char *text;
        bool matches;
    } cases[] = {
        { "definition=order", true },
        { "definition=orders", false },
        { "definition!=order", false },
        { "definition~RDE", true },
        { "definition!~x", true },
        { "version=3", true },
        { "version!=3", false },
        { "version<3", false },
        { "version<=3", true },
        { "version>2", true },
        { "version>=4", false },
        { "key=o-1", true },
        { "key~1", true },
        { "key!~1", false },
        { "status=stuck", true },
        { "status!=stuck", false },
        { "status=running", false },
        { "step=pay", true },
        { "step=pay[2]", false },
        { "step=pa", false },
        { "step~a", true },
        { "step=call", true },
        { "step=reserve", false },
        { "step!=reserve", true },
        { "error=BankAway", true },
        { "error=bankaway", false },
        { "error~bankaway", true },
        { "error~TIMEOUT", true },
        { "error~\"is away\"", true },
        { "error!~away", false },
        { "error!=BankAway", false },
        { "paused=false", true },
        { "paused=true", false },
        { "changed<-1h", true },
        { "changed<-3h", false },
        { "changed>-3h", true },
        { "changed<=-2h", true },
        { "changed<-2h", false },
        { "started<-4h30m", true },
        { "started>=1970-01-04", true },
        { "started>=1970-01-05", false },
        { "started>=1970-01-04T23:00:01Z", false },
        { "search.customer=\"c 17\"", true },
        { "search.customer=c", false },
        { "search.other=\"c 17\"", false },
        { "  status=stuck\tstep=pay\n version=3 ", true },
        { "status=stuck step=pay version=4", false },
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i].text, cases[i].matches);
}

static void quotes_and_escapes_are_resolved(void **unused)
{
    (void)unused;
    struct saga_filter filter = read_filter("error~\"a \\\"b\\\" \\\\ c\" key=x\"y=z");
    assert_int_equal(filter.count, 2);
    assert_true(saga_slice_is(filter.terms[0].text, "a \"b\" \\ c"));
    assert_true(saga_slice_is(filter.terms[1].text, "x\"y=z"));
}

static void the_caret_stands_where_it_is_wrong(void **unused)
{
    (void)unused;
    refused("status=stuck stauts=x", "there is no such word in a filter\n"
                                     "  status=stuck stauts=x\n"
                                     "               ^~~~~~");
    refused("status=stuk", "there is no such status\n  status=stuk\n         ^~~~");
    refused("status<stuck", "this word cannot be asked after like that\n"
                            "  status<stuck\n"
                            "        ^");
    refused("status", "a word without what it must be\n  status\n  ^~~~~~");
    refused("status=", "a value is missing here\n  status=\n         ^");
    refused("=stuck", "a word is missing here\n  =stuck\n  ^");
    refused("version=0", "a version is a whole number from 1 on\n  version=0\n          ^");
    refused("version=4294967296",
            "a version is a whole number from 1 on\n  version=4294967296\n          ^~~~~~~~~~");
    refused("changed<yesterday", "this is no time\n  changed<yesterday\n          ^~~~~~~~~");
    refused("changed<-1", "this is no time\n  changed<-1\n          ^~");
    refused("paused=perhaps", "a saga is paused or is not\n  paused=perhaps\n         ^~~~~~~");
    refused("error~\"open", "this quote is never closed\n  error~\"open\n        ^");
    refused("error~\"a\"b", "a space is missing between two words\n  error~\"a\"b\n           ^");
    refused("search.=x", "a search names its attribute\n  search.=x\n  ^~~~~~~");
    refused("search.a:b=x", "a search names its attribute\n  search.a:b=x\n  ^~~~~~~~~~");
    refused("search.a~x", "this word cannot be asked after like that\n"
                          "  search.a~x\n          ^");
    refused("error~\xc3\xa4 stauts=x", "there is no such word in a filter\n"
                                       "  error~\xc3\xa4 stauts=x\n"
                                       "          ^~~~~~");
    refused("", "a filter says which sagas are meant\n  \n  ^");
    refused(" \t ", "a filter says which sagas are meant\n     \n  ^");
}

/* Catches mends that name no way on: a search attribute stands behind `search.`, and nothing stands between words. */
static void a_word_that_is_none_is_mended(void **unused)
{
    static const struct {
        const char *text, *mend;
    } cases[] = { { "stauts=x", "did you mean \"status\"?" },
                  { "guest=ann", "a search attribute is search.guest" },
                  { "status=stuck and step=a", "leave it out" },
                  { "status=stuck or step=a", "a filter has no \"or\"" } };
    struct saga_filter filter;
    struct saga_filter_fault fault;
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            saga_filter_parse(saga_slice_of(cases[i].text), now_ms, &arena, &filter, &fault),
            SAGA_E_INVALID);
        assert_non_null(strstr(fault.mend, cases[i].mend));
    }
}

static void hostile_texts_are_refused_and_shown_harmlessly(void **unused)
{
    char large[SAGA_FILTER_BYTES_MAX + 2];
    struct saga_filter filter;
    struct saga_filter_fault fault;
    (void)unused;
    refused("error~\x1b[2J", "a control character has no place in a filter\n"
                             "  error~ [2J\n"
                             "        ^");
    refused("error~\xff", "a filter is a text in UTF-8\n  error~?\n        ^");
    refused_slice((struct saga_slice){ "key=\0x", 6 },
                  "a control character has no place in a filter\n  key= x\n      ^");
    memset(large, 'x', sizeof large);
    memcpy(large, "key=", 4);
    large[sizeof large - 1] = '\0';
    assert_int_equal(saga_filter_parse(saga_slice_of(large), now_ms, &arena, &filter, &fault),
                     SAGA_E_INVALID);
    assert_true(strlen(saga_filter_fault_words(saga_slice_of(large), &fault, &arena)) < 300);
    struct saga_slice continued = { large, 160 };
    memset(large, 0xbd, continued.size);
    assert_int_equal(saga_filter_parse(continued, now_ms, &arena, &filter, &fault), SAGA_E_INVALID);
    assert_int_equal(strlen(saga_filter_fault_words(continued, &fault, &arena)),
                     strlen(fault.what) + strlen("\n  \n  ^") + 120 - 3);
    memset(large, 'x', continued.size);
    memcpy(large, "key=", 4);
    large[SAGA_FILTER_BYTES_MAX] = '\0';
    assert_int_equal(saga_filter_parse(saga_slice_of(large), now_ms, &arena, &filter, &fault), 0);
    struct saga_slice many = SAGA_SLICE("");
    for (int i = 0; i < SAGA_FILTER_TERMS_MAX; i++)
        many = saga_arena_printf(&arena, "%.*s key=x", SAGA_SLICE_ARG(many));
    assert_int_equal(saga_filter_parse(many, now_ms, &arena, &filter, &fault), 0);
    many = saga_arena_printf(&arena, "%.*s key=x", SAGA_SLICE_ARG(many));
    assert_int_equal(saga_filter_parse(many, now_ms, &arena, &filter, &fault), SAGA_E_INVALID);
}

static void what_indexes_know_narrows_the_page(void **unused)
{
    struct saga_slice given = SAGA_SLICE("color:red");
    struct saga_view_page page = { .until_ms = INT64_MAX, .search = &given, .search_count = 1 };
    struct saga_filter filter = read_filter(
        "definition=order version=2 status=stuck search.size=9 changed<-1h changed<=-2h step=pay");
    (void)unused;
    assert_true(saga_filter_narrow(&filter, &arena, &page));
    assert_true(saga_slice_is(page.name, "order"));
    assert_true(saga_slice_is(page.status, "stuck"));
    assert_int_equal(page.version, 2);
    assert_int_equal(page.search_count, 2);
    assert_true(saga_slice_is(page.search[0], "color:red"));
    assert_true(saga_slice_is(page.search[1], "size:9"));
    assert_int_equal(page.until_ms, now_ms - 2 * HOUR + 1);
    filter = read_filter("status=running");
    assert_false(saga_filter_narrow(&filter, &arena, &page));
    page = (struct saga_view_page){ .until_ms = 7 };
    filter = read_filter("status!=stuck definition~x changed>-1h changed<-1h");
    assert_true(saga_filter_narrow(&filter, &arena, &page));
    assert_null(page.name.data);
    assert_null(page.status.data);
    assert_int_equal(page.until_ms, 7);
}

static struct saga_view_page narrowed(const char *text)
{
    struct saga_view_page page = { .until_ms = INT64_MAX };
    struct saga_filter filter = read_filter(text);
    assert_true(saga_filter_narrow(&filter, &arena, &page));
    return page;
}

/* What lists know: only where nobody else can match. */
static void lists_narrow_the_page(void **unused)
{
    (void)unused;
    assert_true(narrowed("error~timeout").has_error);
    assert_true(narrowed("error=Declined").has_error);
    assert_false(narrowed("error!~timeout").has_error);
    assert_false(narrowed("error!=Declined").has_error);
    assert_true(saga_slice_is(narrowed("step=pay step=ship").step, "pay"));
    assert_null(narrowed("step~pay").step.data);
    assert_null(narrowed("step!=pay").step.data);
}

static void texts_of_errors_tell_who_surely_does_not_match(void **unused)
{
    struct saga_slice texts = SAGA_SLICE("Declined\nlimit of the Card");
    struct saga_filter filter = read_filter("error~CARD error=Declined status=stuck");
    (void)unused;
    assert_true(saga_filter_may_have_errors(&filter, texts));
    filter = read_filter("error~card error~cash");
    assert_false(saga_filter_may_have_errors(&filter, texts));
    assert_true(saga_filter_may_have_errors(&filter, SAGA_SLICE("Declined\nsealed:")));
    filter = read_filter("error!~card");
    assert_true(saga_filter_may_have_errors(&filter, texts));
}

/* Without its lists: what is about them is left open. */
static void a_glance_tells_who_surely_does_not_match(void **unused)
{
    const struct saga_state head = { .name = SAGA_SLICE("order"),
                                     .version = 2,
                                     .status = SAGA_STUCK,
                                     .stuck_message = SAGA_SLICE("no answer") };
    struct saga_filter filter = read_filter("status=stuck error~answer step=pay search.size=9");
    (void)unused;
    assert_true(saga_filter_may_match(&filter, &head));
    assert_false(saga_filter_matches(&filter, &head));
    filter = read_filter("status=stuck error~card");
    assert_false(saga_filter_may_match(&filter, &head));
    filter = read_filter("status!=stuck");
    assert_false(saga_filter_may_match(&filter, &head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_word_means_what_it_says, setup, teardown),
        cmocka_unit_test_setup_teardown(quotes_and_escapes_are_resolved, setup, teardown),
        cmocka_unit_test_setup_teardown(the_caret_stands_where_it_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(a_word_that_is_none_is_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_texts_are_refused_and_shown_harmlessly, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_indexes_know_narrows_the_page, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_narrow_the_page, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_of_errors_tell_who_surely_does_not_match, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_glance_tells_who_surely_does_not_match, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
