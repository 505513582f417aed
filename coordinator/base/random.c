#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/error.h"

int saga_random(void *bytes, size_t size)
{
    ssize_t got;
    SAGA_ASSERT(size <= 256); /* so many come in one piece */
    do {
        got = getrandom(bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size ? SAGA_OK : SAGA_E_AGAIN;
}
