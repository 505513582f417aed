/* Memory that was freed goes back to the system: what a thread once needed is not kept for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCKS = 2000, BLOCK_BYTES = 32 * 1024, FREED_KB = BLOCKS * (BLOCK_BYTES / 1024) };

/* The address sanitizer has an allocator of its own, which is not asked. */
#ifndef __SANITIZE_ADDRESS__

static long resident_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0) kb = strtol(line + 6, NULL, 10);
    fclose(file);
    return kb;
}

/* Takes and frees much in a pool of the thread's own, below something that stays: so the pool cannot shrink. */
static void *use_for_a_while(void *ret_stays)
{
    static void *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = saga_memory_take(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    *(void **)ret_stays = saga_memory_take(64);
    for (unsigned i = 0; i < BLOCKS; i++) free(blocks[i]);
    return NULL;
}

static void what_was_freed_goes_back_to_the_system(void **state)
{
    (void)state;
    pthread_t thread;
    void *stays;
    assert_int_equal(pthread_create(&thread, NULL, use_for_a_while, &stays), 0);
    pthread_join(thread, NULL);
    long before_kb = resident_kb();
    saga_memory_give_back();
    assert_true(before_kb - resident_kb() > FREED_KB / 2);
    free(stays);
}

#endif

static void a_terminated_copy_ends_at_the_limit(void **state)
{
    (void)state;
    char *copy = saga_memory_text("held up", 4);
    assert_string_equal(copy, "held");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(what_was_freed_goes_back_to_the_system),
#endif
        cmocka_unit_test(a_terminated_copy_ends_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
