/* Commands to Redis as the bytes that go over the connection (RESP), written straight into one
 * growing run of bytes: for what a batch changes, where an item more to copy counts. What is
 * asked now and then is built with store/command.h. Private to the store. */
#ifndef SAGA_STORE_WIRE_H
#define SAGA_STORE_WIRE_H

#include <stdint.h>

#include "base/slice.h"

struct saga_wire {
    char *data;
    size_t size, capacity;
    size_t items; /* written since saga_wire_clear, commands' beginnings not counted */
};

/* Forgets what was written, keeps the memory unless there is unusually much of it. All zeros is
 * an empty wire. */
void saga_wire_clear(struct saga_wire *wire);
void saga_wire_free(struct saga_wire *wire);

/* Begins a command of `items` items, its name being the first. */
void saga_wire_begin(struct saga_wire *wire, size_t items);
void saga_wire_add(struct saga_wire *wire, struct saga_slice item);
void saga_wire_add_text(struct saga_wire *wire, const char *text);
void saga_wire_add_number(struct saga_wire *wire, int64_t number);
/* One item of three parts. */
void saga_wire_add_joined(struct saga_wire *wire, struct saga_slice first, struct saga_slice second,
                          struct saga_slice third);
/* What was written to another one. */
void saga_wire_add_wire(struct saga_wire *wire, const struct saga_wire *other);

/* Bytes as they are: commands that were formatted elsewhere. */
void saga_wire_add_bytes(struct saga_wire *wire, const char *bytes, size_t size);

/* The decimal digits of a number at the end of `digits`; a view of it. */
#define SAGA_WIRE_DIGITS 21
struct saga_slice saga_wire_digits(char digits[SAGA_WIRE_DIGITS], uint64_t number);

#endif
