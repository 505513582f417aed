/* The error numbers of every module. Functions return 0 or one of these; what a person needs to know
 * goes into the caller's `struct saga_diagnostic` or `struct saga_diagnostics`. */
#ifndef SAGA_BASE_ERROR_H
#define SAGA_BASE_ERROR_H

enum saga_error {
    SAGA_OK = 0,
    SAGA_E_INVALID = -1,   /* the input is wrong: a diagnostic says how */
    SAGA_E_NOT_FOUND = -2, /* nothing there by that name */
    SAGA_E_LIMIT = -3,     /* larger than limits.h allows (R23) */
    SAGA_E_AGAIN = -4,     /* not now: the other side is away or busy, ask again (R25) */
    SAGA_E_CONFLICT = -5,  /* the other side is not where the caller believed (R9) */
    SAGA_E_FENCED =
        -6, /* somebody else owns it now (R6): drop the work, wait for the next assignment */
    SAGA_E_RECOVER =
        -7,            /* the outcome is unknown or the handle is dead (R5): recover, never retry */
    SAGA_E_ABORT = -8, /* the transaction must be aborted; then it may be tried again (R6) */
    SAGA_E_STOP = -9,  /* the process cannot go on: say so and stop (R26) */
    SAGA_E_UNSUPPORTED = -10 /* known, but not of this release */
};

/* A short English name of an error, for logs and assertions; never NULL. */
const char *saga_error_name(int error);

#endif
