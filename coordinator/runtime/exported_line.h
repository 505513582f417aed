/* A line of an export of the journal (AUDIT.md, Lines). */
#ifndef SAGA_RUNTIME_EXPORTED_LINE_H
#define SAGA_RUNTIME_EXPORTED_LINE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/message.h"

/* How a line follows on the one above it. */
enum saga_exported_before {
    SAGA_EXPORTED_FOLLOWS, /* directly; the first one on nothing */
    SAGA_EXPORTED_AFTER,   /* on records that are not here; the chain's value before it is said */
    SAGA_EXPORTED_UNKNOWN  /* and it is not known */
};
struct saga_exported_line {
    struct saga_message message; /* topic and partition are not set */
    enum saga_exported_before before;
    uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_slice sha256; /* a definition's, as the line says; absent elsewhere */
};
/* Reads a line, without its newline. Key and value are in `arena`, or absent; the hash points into the line. False: it is
 * none. */
bool saga_exported_line_parse(struct saga_slice text, struct saga_arena *arena,
                              struct saga_exported_line *ret);

#endif
