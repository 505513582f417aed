/* Hash tables: uthash, with the end of memory that everything here has. Include this instead of uthash.h. */
#ifndef SAGA_BASE_TABLE_H
#define SAGA_BASE_TABLE_H

#include "base/memory.h"

#define uthash_malloc(size) saga_memory_take(size)
#define uthash_fatal(words) saga_memory_exhausted(words)
#include <uthash.h>

#endif
