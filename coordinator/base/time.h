/* Durations as people write them and times as RFC 3339. Times are milliseconds since 1970-01-01 UTC. */
#ifndef SAGA_BASE_TIME_H
#define SAGA_BASE_TIME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

#define SAGA_TIME_TEXT_BYTES 32

/* Reads `200ms`, `10s`, `5m`, `2h`, `7d` and sums like `1h30m`. Errors: SAGA_E_INVALID. */
int saga_duration_parse(struct saga_slice text, int64_t *ret_ms);
/* The shortest exact form: 90000 -> "1m30s", 0 -> "0s". */
void saga_duration_format(int64_t ms, char ret[SAGA_TIME_TEXT_BYTES]);

/* From one time to another. What is further apart than can be said, as a damaged journal may have it, is as far as can be. */
int64_t saga_time_between(int64_t from_ms, int64_t to_ms);

/* 2026-11-23T12:13:14.015Z */
void saga_time_format(int64_t time_ms, char ret[SAGA_TIME_TEXT_BYTES]);
/* 12:13:14.015, UTC, for logs and histories */
void saga_time_format_clock(int64_t time_ms, char ret[SAGA_TIME_TEXT_BYTES]);
/* Reads RFC 3339 with any offset. Errors: SAGA_E_INVALID. */
int saga_time_parse(struct saga_slice text, int64_t *ret_ms);

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar, and back. Errors: SAGA_E_INVALID (there is no
 * such date). */
void saga_date_of_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);
int saga_days_of_date(int64_t year, unsigned month, unsigned day, int64_t *ret_days);
/* The quotient rounded down, also of negative numbers. `b` > 0. */
int64_t saga_floor_divide(int64_t a, int64_t b);

#endif
