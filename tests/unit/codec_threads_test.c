/* Codecs of several threads: each has its own, and all have the same schemas. Worth most under the sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>

#include "codec/codec.h"

enum { THREADS = 4, CODECS_EACH = 50 };

/* Is a record read as it was written? */
static bool is_sound(struct saga_codec *codec)
{
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_journal_record record = { .saga_id = SAGA_SLICE("a/1"), .version = 7 }, got;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    struct saga_slice bytes;
    saga_arena_init(&arena);
    bool sound = saga_journal_encode(codec, &record, zero, &arena, &bytes, chain) == 0 &&
                 saga_journal_decode(codec, bytes, &arena, &got, &diagnostic) == 0 &&
                 saga_slice_is(got.saga_id, "a/1") && got.version == 7;
    saga_arena_free(&arena);
    return sound;
}

static void what_codecs_share_outlives_them(void **state)
{
    struct saga_codec *first, *second;
    (void)state;
    assert_int_equal(saga_codec_new(&first), 0);
    assert_int_equal(saga_codec_new(&second), 0);
    saga_codec_free(first);
    assert_true(is_sound(second));
    saga_codec_free(second);
    assert_int_equal(saga_codec_new(&first), 0);
    assert_true(is_sound(first));
    saga_codec_free(first);
}

/* Codecs come and go; one of them is the first of the process. */
static void *make_codecs(void *context)
{
    bool *sound = context;
    *sound = true;
    for (int i = 0; i < CODECS_EACH; i++) {
        struct saga_codec *codec;
        *sound = saga_codec_new(&codec) == 0 && is_sound(codec) && *sound;
        saga_codec_free(codec);
    }
    return NULL;
}

static void threads_make_and_free_as_they_like(void **state)
{
    pthread_t threads[THREADS];
    bool sound[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_codecs, &sound[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(sound[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_make_and_free_as_they_like), /* while there is none yet */
        cmocka_unit_test(what_codecs_share_outlives_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
