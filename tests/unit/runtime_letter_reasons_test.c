/* The reasons of dead letters: that each can be understood and acted upon, and that the contract of the HTTP API and the page on
 * messages have the same ones, neither more nor fewer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "runtime/letter_reasons.h"

static struct saga_arena arena;

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

/* What stands in the file between the first `begin` and the next `end`. */
static struct saga_slice part_of(const char *path, const char *begin, const char *end)
{
    static char text[256 * 1024];
    char name[512];
    snprintf(name, sizeof name, "%s/%s", SAGA_SOURCE_DIR, path);
    FILE *in = fopen(name, "r");
    assert_non_null(in);
    size_t size = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    assert_true(size < sizeof text - 1);
    text[size] = '\0';
    const char *from = strstr(text, begin);
    if (!from) fail_msg("%s has no \"%s\"", path, begin);
    from += strlen(begin);
    const char *to = strstr(from, end);
    if (!to) fail_msg("%s has no \"%s\" behind \"%s\"", path, end, begin);
    return (struct saga_slice){ from, (size_t)(to - from) };
}

static void each_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++) {
        const char *word = saga_letter_reasons[i].word;
        assert_true(strlen(word) > 0);
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
        assert_ptr_equal(saga_letter_reason_find(saga_slice_of(word)), &saga_letter_reasons[i]);
    }
    assert_null(saga_letter_reason_find(SAGA_SLICE("of-a-newer-coordinator")));
    assert_null(saga_letter_reason_find(SAGA_SLICE_NONE));
}

static void assert_is_part_of_a_sentence(const char *words)
{
    size_t size = strlen(words);
    assert_true(size > 10 && words[size - 1] != '.' && words[size - 1] != ' ');
    assert_null(strpbrk(words, "|\n"));
}

static void each_says_what_it_means_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++) {
        assert_is_part_of_a_sentence(saga_letter_reasons[i].means);
        assert_is_part_of_a_sentence(saga_letter_reasons[i].mend);
    }
}

static void the_contract_has_the_same(void **state)
{
    (void)state;
    struct saga_slice schema =
        part_of("coordinator/http/openapi.yaml", "\n    LetterReason:\n", "]\n");
    char *text = saga_arena_string(&arena, schema), *at = strchr(text, '[');
    assert_non_null(at);
    size_t count = 0;
    for (char *word = strtok(at + 1, ", \n"); word; word = strtok(NULL, ", \n")) {
        assert_true(count < SAGA_LETTER_REASON_COUNT);
        assert_string_equal(word, saga_letter_reasons[count++].word);
    }
    assert_int_equal(count, SAGA_LETTER_REASON_COUNT);
}

static void the_page_has_the_same(void **state)
{
    (void)state;
    struct saga_slice table = part_of("sagas/MESSAGES.md", "\n| `saga_reason` |", "\n\n");
    char *text = saga_arena_string(&arena, table);
    char *row = strtok(text, "\n");
    assert_non_null(row);
    row = strtok(NULL, "\n");
    assert_string_equal(row, "| --- | --- | --- |");
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++) {
        const struct saga_letter_reason_kind *reason = &saga_letter_reasons[i];
        const char *wanted = saga_arena_printf(&arena, "| `%s` | %s | %s |", reason->word,
                                               reason->means, reason->mend)
                                 .data;
        row = strtok(NULL, "\n");
        if (!row) fail_msg("sagas/MESSAGES.md lacks this row:\n%s", wanted);
        assert_string_equal(row, wanted);
    }
    assert_null(strtok(NULL, "\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_a_word_of_its_own),
        cmocka_unit_test(each_says_what_it_means_and_what_to_do),
        cmocka_unit_test_setup_teardown(the_contract_has_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_has_the_same, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("reasons of dead letters", tests, NULL, NULL);
}
