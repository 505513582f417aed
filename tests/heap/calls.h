/* System calls that fail: the calls that hiredis and librdkafka make are defined in calls.c, which passes them on to libc
 * unless a fault is due. */
#ifndef SAGA_TEST_CALLS_H
#define SAGA_TEST_CALLS_H

#include <stdbool.h>
#include <stdint.h>

enum call {
    CALL_SOCKET,
    CALL_CONNECT,
    CALL_POLL,
    CALL_READ,  /* read, recv, recvmsg */
    CALL_WRITE, /* write, send, sendmsg */
    CALL_GETSOCKOPT,
    CALL_SETSOCKOPT,
    CALL_FCNTL,
    CALL_CLOSE,
    CALL_GETRANDOM,
    CALLS
};

enum fault_kind {
    FAULT_INSTEAD, /* nothing happens but the error */
    FAULT_AFTER,   /* it happens, and then says that it did not */
    FAULT_SHORT,   /* one byte at most is read or written; no error */
    FAULT_LOST     /* what is written is lost with the connection, which nobody has noticed yet */
};

extern const char *const call_names[CALLS];
/* Errors that such a call may give, with 0 behind the last. */
extern const int call_errors[CALLS][8];

/* From now on the calling thread's `nth` call of this kind fails (from 1), and so many behind it. */
void calls_fail(enum call call, unsigned nth, unsigned times, enum fault_kind kind, int error);
/* No further faults; how many calls of that kind were counted. */
unsigned calls_heal(void);

/* From now on one of `one_in` calls fails in every thread, with an error drawn from the seed. 0: none any more. */
void calls_fail_at_random(uint64_t seed, unsigned one_in);
/* How many did so far. */
unsigned calls_failed_at_random(void);

#endif
