#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

const char *saga_error_name(int error)
{
    switch ((enum saga_error)error) {
    case SAGA_OK: return "ok";
    case SAGA_E_INVALID: return "invalid";
    case SAGA_E_NOT_FOUND: return "not found";
    case SAGA_E_LIMIT: return "over a limit";
    case SAGA_E_AGAIN: return "not available now";
    case SAGA_E_CONFLICT: return "conflict";
    case SAGA_E_FENCED: return "fenced";
    case SAGA_E_RECOVER: return "outcome unknown";
    case SAGA_E_ABORT: return "aborted";
    case SAGA_E_STOP: return "cannot go on";
    case SAGA_E_UNSUPPORTED: return "not supported";
    }
    return "unknown error";
}

_Noreturn void saga_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr,
            "saga: internal error at %s:%d: this must hold and does not: %s\n"
            "The process stops here; started again it recovers from the journal.\n",
            file, line, condition);
    abort();
}
