/* The process's log: one line an event on standard error, for people or as JSON. Only the runtime and the commands
 * log. Safe to call from any thread. */
#ifndef SAGA_RUNTIME_LOG_H
#define SAGA_RUNTIME_LOG_H

#include "runtime/config.h"

enum saga_log_level { SAGA_LOG_ERROR, SAGA_LOG_WARNING, SAGA_LOG_INFO, SAGA_LOG_DEBUG };

void saga_log_open(enum saga_log_format format, enum saga_log_level level);
/* `what` is a short constant ("lane recovered"), the rest name and value pairs by format:
 * saga_log(SAGA_LOG_INFO, "lane recovered", "lane=%u records=%zu", lane, records). Words are
 * written as name="%s"; what is in a value never looks like the next pair. NULL format: no pairs. */
void saga_log(enum saga_log_level level, const char *what, const char *pairs_format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same line at most once in `every_ms`, for what repeats while something is away. `last_ms` is the caller's. */
void saga_log_seldom(int64_t *last_ms, int64_t every_ms, enum saga_log_level level,
                     const char *what, const char *pairs_format, ...)
    __attribute__((format(printf, 5, 6)));
int saga_log_level_of(const char *name, enum saga_log_level *ret);

#endif
