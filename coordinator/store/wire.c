#include "store/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* What a wire keeps for the next batch. A thousand states of a few KB fit; one batch of giants is
 * not remembered for ever. */
enum { KEPT_BYTES_MAX = 4 * 1024 * 1024, BYTES_MIN = 4096 };

void saga_wire_free(struct saga_wire *wire)
{
    free(wire->data);
    *wire = (struct saga_wire){ 0 };
}

void saga_wire_clear(struct saga_wire *wire)
{
    if (wire->capacity > KEPT_BYTES_MAX) saga_wire_free(wire);
    wire->size = wire->items = 0;
}

static char *reserve(struct saga_wire *wire, size_t bytes)
{
    if (wire->capacity - wire->size < bytes) {
        size_t wanted = wire->capacity ? 2 * wire->capacity : BYTES_MIN;
        if (wanted < wire->size + bytes) wanted = wire->size + bytes;
        wire->data = saga_memory_grow(wire->data, wanted);
        wire->capacity = wanted;
    }
    char *at = wire->data + wire->size;
    wire->size += bytes;
    return at;
}

void saga_wire_add_bytes(struct saga_wire *wire, const char *bytes, size_t size)
{
    if (size) memcpy(reserve(wire, size), bytes, size);
}

struct saga_slice saga_wire_digits(char digits[SAGA_WIRE_DIGITS], uint64_t number)
{
    char *at = digits + SAGA_WIRE_DIGITS;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return (struct saga_slice){ at, (size_t)(digits + SAGA_WIRE_DIGITS - at) };
}

/* "<type><number>\r\n" */
static void add_count(struct saga_wire *wire, char type, size_t number)
{
    char room[SAGA_WIRE_DIGITS];
    struct saga_slice digits = saga_wire_digits(room, number);
    char *at = reserve(wire, digits.size + 3);
    *at++ = type;
    memcpy(at, digits.data, digits.size);
    memcpy(at + digits.size, "\r\n", 2);
}

void saga_wire_begin(struct saga_wire *wire, size_t items)
{
    add_count(wire, '*', items);
}

static char *copy(char *at, struct saga_slice part)
{
    if (part.size) memcpy(at, part.data, part.size);
    return at + part.size;
}

void saga_wire_add_joined(struct saga_wire *wire, struct saga_slice first, struct saga_slice second,
                          struct saga_slice third)
{
    size_t size = first.size + second.size + third.size;
    add_count(wire, '$', size);
    char *at = reserve(wire, size + 2);
    at = copy(copy(copy(at, first), second), third);
    memcpy(at, "\r\n", 2);
    wire->items++;
}

void saga_wire_add(struct saga_wire *wire, struct saga_slice item)
{
    saga_wire_add_joined(wire, item, SAGA_SLICE_NONE, SAGA_SLICE_NONE);
}

void saga_wire_add_text(struct saga_wire *wire, const char *text)
{
    saga_wire_add(wire, saga_slice_of(text));
}

void saga_wire_add_number(struct saga_wire *wire, int64_t number)
{
    char room[SAGA_WIRE_DIGITS];
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    saga_wire_add_joined(wire, number < 0 ? SAGA_SLICE("-") : SAGA_SLICE_NONE,
                         saga_wire_digits(room, magnitude), SAGA_SLICE_NONE);
}

void saga_wire_add_wire(struct saga_wire *wire, const struct saga_wire *other)
{
    if (other->size) memcpy(reserve(wire, other->size), other->data, other->size);
    wire->items += other->items;
}
