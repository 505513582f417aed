#include "operate/libraries.h"

#include <avro.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

static void *grow(void *bytes, size_t size)
{
    if (size) return saga_memory_grow(bytes, size);
    free(bytes);
    return NULL;
}

static void *avro_memory(void *context, void *bytes, size_t size_before, size_t size)
{
    (void)context;
    (void)size_before;
    return grow(bytes, size);
}

static void *openssl_take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return grow(NULL, size);
}

static void *openssl_grow(void *bytes, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return grow(bytes, size);
}

#if HIREDIS_MAJOR >= 1
static char *copy_text(const char *text)
{
    return saga_memory_text(text, SIZE_MAX);
}
#endif

static void openssl_free(void *bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    free(bytes);
}

void saga_tell_libraries(void)
{
    avro_set_allocator(avro_memory, NULL);
    json_set_alloc_funcs(saga_memory_take, free);
    CRYPTO_set_mem_functions(openssl_take, openssl_grow, openssl_free);
#if HIREDIS_MAJOR >= 1 /* older ones abort by themselves */
    hiredisSetAllocators(&(hiredisAllocFuncs){ .mallocFn = saga_memory_take,
                                               .callocFn = saga_memory_zeroed,
                                               .reallocFn = saga_memory_grow,
                                               .strdupFn = copy_text,
                                               .freeFn = free });
#endif
}
