/* Arenas and what is built in them: blocks that grow, arrays that double, buffers that never tear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct saga_arena arena;
    unsigned char *pieces[200];
    saga_arena_init(&arena);
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = saga_arena_alloc(&arena, i + 1);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j <= i; j++) assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j <= i; j++) assert_int_equal(pieces[i][j], (unsigned char)i);
    saga_arena_free(&arena);
}

static void a_piece_larger_than_a_block_fits(void **state)
{
    (void)state;
    struct saga_arena arena;
    saga_arena_init(&arena);
    char *small = saga_arena_alloc(&arena, 10);
    char *large = saga_arena_alloc(&arena, 3 * 1024 * 1024);
    memset(large, 'x', 3 * 1024 * 1024);
    memset(small, 'y', 10);
    assert_true(arena.used_bytes >= 3 * 1024 * 1024 + 10);
    assert_int_equal(large[3 * 1024 * 1024 - 1], 'x');
    saga_arena_free(&arena);
    assert_int_equal(arena.used_bytes, 0);
}

static void a_reset_arena_gives_zeroed_memory_again_from_one_block(void **state)
{
    (void)state;
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (int i = 0; i < 100; i++) memset(saga_arena_alloc(&arena, 1000), 0xAA, 1000);
    saga_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    void *kept = arena.blocks;
    assert_non_null(kept);
    unsigned char *again = saga_arena_alloc(&arena, 1000);
    assert_ptr_equal(arena.blocks, kept);
    for (int i = 0; i < 1000; i++) assert_int_equal(again[i], 0);
    saga_arena_free(&arena);
}

static void copies_are_terminated_and_absence_is_kept(void **state)
{
    (void)state;
    struct saga_arena arena;
    saga_arena_init(&arena);
    char source[] = "order";
    struct saga_slice copy = saga_arena_copy(&arena, (struct saga_slice){ source, 3 });
    source[0] = 'X';
    assert_int_equal(copy.size, 3);
    assert_string_equal(copy.data, "ord");
    assert_null(saga_arena_copy(&arena, SAGA_SLICE_NONE).data);
    struct saga_slice empty = saga_arena_copy(&arena, SAGA_SLICE(""));
    assert_non_null(empty.data);
    assert_int_equal(empty.size, 0);
    assert_string_equal(saga_arena_printf(&arena, "%s/%d", "a", 7).data, "a/7");
    assert_int_equal(saga_arena_printf(&arena, "%0*d", 9000, 1).size, 9000);
    saga_arena_free(&arena);
}

static void texts_are_put_one_behind_the_other(void **state)
{
    (void)state;
    struct saga_arena arena;
    saga_arena_init(&arena);
    struct saga_slice text = SAGA_CONCAT(&arena, SAGA_SLICE("a"), SAGA_SLICE_NONE, SAGA_SLICE(""),
                                         SAGA_SLICE("bcd"), SAGA_SLICE("/"));
    assert_string_equal(text.data, "abcd/");
    assert_int_equal(text.size, 5);
    assert_string_equal(SAGA_CONCAT(&arena, SAGA_SLICE_NONE).data, "");
    assert_string_equal(text.data, "abcd/");
    saga_arena_free(&arena);
}

/* What was handed out last grows where it stands; nothing else does, nor beyond its block. */
static void the_last_piece_may_grow(void **state)
{
    (void)state;
    struct saga_arena arena;
    saga_arena_init(&arena);
    assert_false(saga_arena_extend(&arena, NULL, 0, 8));
    char *first = saga_arena_take(&arena, 5);
    memcpy(first, "first", 5);
    assert_true(saga_arena_extend(&arena, first, 5, 9));
    assert_int_equal(arena.used_bytes, 9);
    char *second = saga_arena_take(&arena, 8);
    assert_true(second >= first + 9);
    assert_int_equal((uintptr_t)second % _Alignof(max_align_t), 0);
    assert_false(saga_arena_extend(&arena, first, 9, 10));
    assert_false(saga_arena_extend(&arena, second, 8, 1024 * 1024));
    assert_true(saga_arena_extend(&arena, second, 8, 8));
    assert_memory_equal(first, "first", 5);
    saga_arena_free(&arena);
}

static void pushed_items_survive_growth(void **state)
{
    (void)state;
    struct saga_arena arena;
    int *items = NULL;
    size_t count = 0, capacity = 0;
    saga_arena_init(&arena);
    for (int i = 0; i < 1000; i++) SAGA_PUSH(&arena, items, count, capacity, i);
    assert_int_equal(count, 1000);
    for (int i = 0; i < 1000; i++) assert_int_equal(items[i], i);
    saga_arena_free(&arena);
}

static void a_buffer_holds_what_was_appended(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_buffer buffer;
    saga_arena_init(&arena);
    saga_buffer_init(&buffer, &arena);
    assert_string_equal(saga_buffer_slice(&buffer).data, "");
    for (int i = 0; i < 1000; i++) saga_buffer_printf(&buffer, "%d,", i % 10);
    struct saga_slice text = saga_buffer_slice(&buffer);
    assert_int_equal(text.size, 2000);
    assert_memory_equal(text.data, "0,1,2,3,4,5,6,7,8,9,0,", 22);
    assert_int_equal(text.data[2000], '\0');
    saga_arena_free(&arena);
}

static void a_buffer_writes_json_strings(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_buffer buffer;
    saga_arena_init(&arena);
    saga_buffer_init(&buffer, &arena);
    saga_buffer_add_json_string(&buffer, SAGA_SLICE("a\"b\\c\n\t\x01\x7F\0z"));
    saga_buffer_add_json_string(&buffer, SAGA_SLICE("Z\xC3\xBCrich \xF0\x9F\x9A\x9A"));
    saga_buffer_add_json_string(&buffer, SAGA_SLICE("cut \xC3"));
    assert_string_equal(saga_buffer_slice(&buffer).data,
                        "\"a\\\"b\\\\c\\n\\u0009\\u0001\\u007f\\u0000z\""
                        "\"Z\xC3\xBCrich \xF0\x9F\x9A\x9A\""
                        "\"cut \xEF\xBF\xBD\"");
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_larger_than_a_block_fits),
        cmocka_unit_test(a_reset_arena_gives_zeroed_memory_again_from_one_block),
        cmocka_unit_test(copies_are_terminated_and_absence_is_kept),
        cmocka_unit_test(texts_are_put_one_behind_the_other),
        cmocka_unit_test(the_last_piece_may_grow),
        cmocka_unit_test(pushed_items_survive_growth),
        cmocka_unit_test(a_buffer_holds_what_was_appended),
        cmocka_unit_test(a_buffer_writes_json_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
