/* `saga list`: what is asked for wrongly, and what is said where nothing is found. */
#include "unit/operate_run.h"

#include "operate/sagas.h"

static void what_there_cannot_be_is_refused_before_redis_is_asked(void **state)
{
    (void)state;
    assert_int_equal(saga("list --status weird --redis-port 1"), SAGA_EXIT_USAGE);
    assert_says("there is no status \"weird\"");
    assert_int_equal(saga("list --search customer --redis-port 1"), SAGA_EXIT_USAGE);
}

static void expect_hint(const char *name, const char *search, const char *words)
{
    const struct saga_view_count counts[] = { { SAGA_SLICE("dinner"), SAGA_SLICE("running"), 1 },
                                              { SAGA_SLICE("dinner"), SAGA_SLICE("stuck"), 1 },
                                              { SAGA_SLICE("order"), SAGA_SLICE("running"), 1 } };
    struct saga_view_filter filter = { .name = saga_slice_of(name),
                                       .search = saga_slice_of(search) };
    struct saga_arena arena;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    saga_arena_init(&arena);
    saga_list_hint(&filter, counts, 3, &arena, out);
    fclose(out);
    if (*words ? !strstr(text, words) : size > 0) fail_msg("expected \"%s\" in:\n%s", words, text);
    free(text);
    saga_arena_free(&arena);
}

static void a_mistyped_name_gets_the_nearest(void **state)
{
    (void)state;
    expect_hint("diner", NULL, "of a definition \"diner\"; did you mean \"dinner\"?\n");
    expect_hint("payment", NULL, "of a definition \"payment\"\n");
    expect_hint("order", NULL, "");
    expect_hint(NULL, "customer:c-1", "by its whole value\n");
    expect_hint(NULL, NULL, "");
}

static const char *text_of(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

/* A saga that is stuck though nothing failed; and bytes of a damaged state that are no text. */
static void a_row_says_why_a_saga_is_stuck(void **state)
{
    struct saga_state stuck = {
        .id = SAGA_SLICE("order/\xff"),
        .key = SAGA_SLICE("\xff"),
        .name = SAGA_SLICE("order"),
        .status = SAGA_STUCK,
        .stuck_on = SAGA_STUCK_ON_PIVOT,
        .stuck_step = SAGA_SLICE("charge"),
        .stuck_message = SAGA_SLICE("no answer\xc3"),
        .has_error = true,
        .error = { .step = SAGA_SLICE("earlier"), .type = SAGA_SLICE("Declined") },
    };
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
    json_t *row = saga_list_json(&stuck, &arena), *error = json_object_get(row, "error");
    assert_string_equal(text_of(row, "key"), "\xef\xbf\xbd");
    assert_string_equal(text_of(error, "step"), "charge");
    assert_string_equal(text_of(error, "type"), "pivot");
    assert_string_equal(text_of(error, "message"), "no answer\xef\xbf\xbd");
    json_decref(row);
    stuck.status = SAGA_COMPENSATING;
    row = saga_list_json(&stuck, &arena);
    assert_string_equal(text_of(json_object_get(row, "error"), "type"), "Declined");
    json_decref(row);
    stuck.has_error = false;
    row = saga_list_json(&stuck, &arena);
    assert_true(json_is_null(json_object_get(row, "error")));
    json_decref(row);
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_cannot_be_is_refused_before_redis_is_asked),
        cmocka_unit_test(a_mistyped_name_gets_the_nearest),
        cmocka_unit_test(a_row_says_why_a_saga_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
