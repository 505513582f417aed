/* Where memory ends, in one place. A coordinator that is refused memory stops in order: it says so on standard error and
 * ends with exit code SAGA_EXIT_MEMORY. It does not go on without: half a batch would be a torn one, and what cannot be
 * computed for want of memory would look like an expression that fails or a definition that is wrong, and be journaled
 * as that. Ending is no more than a crash between two calls: what was not committed is done again (R3, R5, R6).
 *
 * Libraries are told to take their memory here, where they let themselves be told (avro-c, jansson, libjq, OpenSSL,
 * uthash: operate/libraries.c, definition/expression_jq.c, base/table.h). The others report a failure as any other: saga_memory_watch before such a call, saga_memory_check behind it. */
#ifndef SAGA_BASE_MEMORY_H
#define SAGA_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define SAGA_EXIT_MEMORY 71 /* EX_OSERR */

/* As malloc, calloc and realloc, but they never return NULL; given back with free. No bytes give a valid pointer. */
void *saga_memory_take(size_t size);
void *saga_memory_zeroed(size_t count, size_t size);
void *saga_memory_grow(void *bytes, size_t size);
/* A terminated copy, as strndup makes it. */
char *saga_memory_text(const char *text, size_t size_max);

/* Has the processor fetch memory into its caches, some of it where it is much: a hint for who knows what will be needed soon, and
 * has something else to do meanwhile. Any address will do, NULL too. */
enum { SAGA_LINE_BYTES = 64, SAGA_FETCH_BYTES_MAX = 2048 };
static inline void saga_fetch(const void *memory, size_t size)
{
    if (size > SAGA_FETCH_BYTES_MAX) size = SAGA_FETCH_BYTES_MAX;
    for (size_t at = 0; at < size; at += SAGA_LINE_BYTES)
        __builtin_prefetch((const void *)((uintptr_t)memory + at));
}

/* Gives the system what was freed and the C library still keeps for each of some 50 threads, as much as there once was.
 * Without this a process grows for ever by ever smaller steps although it uses no more (tests/README.md, a long run).
 * Takes about a millisecond; for now and then, by a thread that nobody waits for. */
void saga_memory_give_back(void);

/* Has all threads share few pools of memory; before there are threads. By itself the C library makes up to eight for each
 * processor, and librdkafka takes in one thread what another gives back: each pool then keeps what others ask the system for.
 * And each pool keeps some megabytes that are free: what a batch gives back the next one takes, and each page that went to
 * the system meanwhile would be zeroed anew. saga_memory_give_back has those too. */
void saga_memory_share_pools(void);

/* Ends the process: `who` was refused memory. Takes none itself. */
_Noreturn void saga_memory_exhausted(const char *who);

/* Around a call of a library (`who`): ends the process if the call was refused memory, whatever it made of it. Goes by
 * errno, so nothing else is called in between. */
void saga_memory_watch(void);
void saga_memory_check(const char *who);

#endif
