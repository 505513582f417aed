/* Bytes that nobody can guess, from the kernel: ids and tokens that must not meet another process's. */
#ifndef SAGA_BASE_RANDOM_H
#define SAGA_BASE_RANDOM_H

#include <stddef.h>

/* Fills in `size` bytes (at most 256). Errors: SAGA_E_AGAIN, with errno. */
int saga_random(void *bytes, size_t size);

#endif
