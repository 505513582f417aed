#include "base/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not exit: that would run what others left for the end, which may want memory or wait for a thread that is here too. */
_Noreturn void saga_memory_exhausted(const char *who)
{
    char words[512];
    int size = snprintf(
        words, sizeof words,
        "saga: out of memory (%s)\n"
        "The process ends here, with exit code %d. Nothing is lost: what was not committed is done "
        "again when it is started again.\n"
        "Give it more memory (the limit of its container or service, `ulimit -v`), or let it need "
        "less: settings `cache`, `workers`, `batch-max`.\n",
        who, SAGA_EXIT_MEMORY);
    ssize_t written = size > 0 ? write(STDERR_FILENO, words, strlen(words)) : 0;
    (void)written; /* whom else to tell? */
    _exit(SAGA_EXIT_MEMORY);
}

static void *taken(void *bytes)
{
    if (!bytes) saga_memory_exhausted("the coordinator itself");
    return bytes;
}

void *saga_memory_take(size_t size)
{
    return taken(malloc(size ? size : 1));
}

void *saga_memory_zeroed(size_t count, size_t size)
{
    return taken(calloc(count ? count : 1, size ? size : 1));
}

void *saga_memory_grow(void *bytes, size_t size)
{
    return taken(realloc(bytes, size ? size : 1));
}

char *saga_memory_text(const char *text, size_t size_max)
{
    return taken(strndup(text, size_max));
}

void saga_memory_give_back(void)
{
    malloc_trim(0);
}

void saga_memory_share_pools(void)
{
    enum { POOLS = 4, KEPT_BYTES_MAX = 32 * 1024 * 1024 };
    mallopt(M_ARENA_MAX, POOLS);
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES_MAX);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES_MAX);
}

void saga_memory_watch(void)
{
    errno = 0;
}

void saga_memory_check(const char *who)
{
    if (errno == ENOMEM) saga_memory_exhausted(who);
}
