/* Numbers between their JSON text and Avro, digit for digit: whole numbers and decimals of any length as digits, float
 * and double as the shortest text that reads back as the same value. */
#ifndef SAGA_SCHEMA_NUMBER_H
#define SAGA_SCHEMA_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/slice.h"

/* A number as it is written: digits * 10^exponent. */
struct saga_number {
    bool negative;
    struct saga_slice digits; /* without zeros at either end; empty: zero */
    long exponent;
};

/* Reads the text of a JSON number. Digits are in `arena`. Errors: SAGA_E_INVALID (no JSON number). */
int saga_number_read(struct saga_slice text, struct saga_arena *arena, struct saga_number *ret);

/* A whole number within [min, max]. Errors: SAGA_E_INVALID (a fraction), SAGA_E_LIMIT (out of range). */
int saga_number_to_whole(const struct saga_number *number, int64_t min, int64_t max, int64_t *ret);

/* number * 10^scale as a two's-complement number, most significant byte first, as short as it can be, in `arena`.
 * Errors: SAGA_E_INVALID (more decimals than `scale`), SAGA_E_LIMIT (more digits than `precision`). */
int saga_number_to_decimal(const struct saga_number *number, uint32_t precision, uint32_t scale,
                           struct saga_arena *arena, struct saga_slice *ret_bytes);
/* The other way: appends the JSON number with `scale` decimals. Errors: SAGA_E_INVALID (no bytes at all),
 * SAGA_E_LIMIT (more digits than `precision`); nothing is appended then. */
int saga_decimal_write(struct saga_slice bytes, uint32_t precision, uint32_t scale,
                       struct saga_buffer *out);

/* Appends a double or a float. Errors: SAGA_E_INVALID (NaN or infinite, which JSON cannot say). */
int saga_double_write(double value, struct saga_buffer *out);
int saga_float_write(float value, struct saga_buffer *out);
/* The nearest double or float. Errors: SAGA_E_LIMIT (too large for one; a whole number of which it would lose digits). */
int saga_number_to_double(struct saga_slice text, struct saga_arena *arena, double *ret);
int saga_number_to_float(struct saga_slice text, struct saga_arena *arena, float *ret);

#endif
