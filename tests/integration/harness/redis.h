/* A real redis-server of the test's own, on a free port of 127.0.0.1, in a temporary folder.
 * Trouble fails the test at once (cmocka), so nothing returns an error. */
#ifndef SAGA_TEST_REDIS_H
#define SAGA_TEST_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

#include "store/views.h"

struct saga_test_redis;

struct saga_test_redis_options {
    bool append_only; /* keeps what it was told over a kill; else a restart begins with nothing */
    const char *password; /* NULL: none */
    int timeout_ms; /* of the config that is given out; 0: 30000, enough for a loaded machine */
};

/* Starts a server; NULL options: no persistence, no password. Stopped and freed by
 * saga_test_redis_free, which also removes its folder. */
struct saga_test_redis *saga_test_redis_start(const struct saga_test_redis_options *options);
void saga_test_redis_free(struct saga_test_redis *redis);

/* Where it is, for the store and the views; lives as long as the server's struct. */
const struct saga_redis_config *saga_test_redis_config(const struct saga_test_redis *redis);
/* Its process; 0 while it does not run. */
pid_t saga_test_redis_pid(const struct saga_test_redis *redis);
/* What it has written to its log. */
const char *saga_test_redis_log(const struct saga_test_redis *redis);

/* SIGTERM, as an operator does it; and SIGKILL. Both wait for the end. */
void saga_test_redis_stop(struct saga_test_redis *redis);
void saga_test_redis_kill(struct saga_test_redis *redis);
/* Starts it again on its port after one of these, and waits until it answers. */
void saga_test_redis_restart(struct saga_test_redis *redis);
/* SIGSTOP and SIGCONT: the connections stay, but nobody answers. */
void saga_test_redis_freeze(struct saga_test_redis *redis);
void saga_test_redis_thaw(struct saga_test_redis *redis);
void saga_test_redis_flushall(struct saga_test_redis *redis);

/* One command over a connection of its own: words as of printf, split at spaces (no quoting).
 * Gives the answer as text: a string as it is, a number in decimals, nil "(nil)", an array's
 * elements with '\n' between, an error as "(error) words". Valid until the next call. */
const char *saga_test_redis_ask(struct saga_test_redis *redis, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
