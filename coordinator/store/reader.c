#include "store/reader.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/memory.h"

/* hiredis 1.0 widened the count. */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static redisReplyObjectFunctions original, guarded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *create_array(const redisReadTask *task, element_count elements)
{
    if (elements <= SAGA_REDIS_ELEMENTS_MAX) return original.createArray(task, elements);
    bool *refused = task->privdata;
    *refused = true;
    return NULL;
}

/* hiredis shows its own functions only through a reader that it made. */
static void look_up(void)
{
    redisReader *reader = redisReaderCreate();
    if (!reader) saga_memory_exhausted("hiredis");
    original = guarded = *reader->fn;
    guarded.createArray = create_array;
    redisReaderFree(reader);
}

void saga_reader_guard(struct redisContext *context, bool *refused)
{
    pthread_once(&once, look_up);
    *refused = false;
    context->reader->fn = &guarded;
    context->reader->privdata = refused;
}
