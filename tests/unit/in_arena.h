/* A test that needs no more than an arena. */
#ifndef SAGA_TESTS_UNIT_IN_ARENA_H
#define SAGA_TESTS_UNIT_IN_ARENA_H

#include "base/arena.h"

static struct saga_arena arena;

static int setup(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    saga_arena_free(&arena);
    return 0;
}

#endif
