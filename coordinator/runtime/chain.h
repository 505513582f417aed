/* The hash chain of a lane's journal, and what became of it where it is broken.
 *
 * A record's chain value is a hash over the value of the record that it was written behind and its own bytes. So where a
 * record does not follow on the one before it, trying other values tells more than that: which record it was written
 * behind, and so what was put in between, or what was moved. What cannot be told by hashes alone is said to be open. */
#ifndef SAGA_RUNTIME_CHAIN_H
#define SAGA_RUNTIME_CHAIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/hash.h"

/* A record that does not follow. Slices are valid during the call. */
struct saga_chain_break {
    int64_t offset;
    struct saga_slice saga_id;
    struct saga_slice words;
};

struct saga_chain;
/* A chain before a lane's first record. `report` is called for each break, in no particular order. */
struct saga_chain *
saga_chain_new(void (*report)(const struct saga_chain_break *broken, void *context), void *context);
void saga_chain_free(struct saga_chain *chain);

/* What lies before the next record is not there: the chain's value is this, or (NULL) not known. */
void saga_chain_set(struct saga_chain *chain, const uint8_t value[SAGA_SHA256_BYTES]);

/* The next record, at least SAGA_SHA256_BYTES long. False: it does not follow on the one before; a report comes now, with
 * the next record or at the end. */
bool saga_chain_take(struct saga_chain *chain, int64_t offset, struct saga_slice bytes,
                     struct saga_slice saga_id);
/* There are no more. */
void saga_chain_end(struct saga_chain *chain);

/* The value behind the last record; NULL: not known. */
const uint8_t *saga_chain_value(const struct saga_chain *chain);
/* The last bytes of a record's value: its chain value, as it says. */
const uint8_t *saga_chain_of(struct saga_slice bytes);

#endif
