/* The definitions in force, as their texts: filled by whoever reads saga.definitions, read by every worker into a
 * catalog of its own (compiled expressions belong to one thread). Safe from any thread. */
#ifndef SAGA_RUNTIME_REGISTRY_H
#define SAGA_RUNTIME_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "definition/catalog.h"

struct saga_registry;

struct saga_registry *saga_registry_new(void);
void saga_registry_free(struct saga_registry *registry);

/* A record of the definitions topic was read. A text that does not load, or another content under a name and version
 * that are there, is left out: the first stands. Returns SAGA_OK when it was taken or was there already;
 * SAGA_E_INVALID, SAGA_E_CONFLICT with words. `*ret_new`: it was not there. */
int saga_registry_offer(struct saga_registry *registry, struct saga_slice text,
                        struct saga_arena *arena, bool *ret_new,
                        struct saga_diagnostic *diagnostic);
/* The end of the topic was reached once more. */
void saga_registry_end_reached(struct saga_registry *registry);
/* How often the end was reached: who waits for a definition waits for two more of these (R19). */
uint64_t saga_registry_rounds(struct saga_registry *registry);

/* Loads what `catalog` has not got. `*seen` is the caller's, 0 at first. Returns how many were added; `*ret_rounds`: the
 * rounds that the catalog has now. */
size_t saga_registry_update(struct saga_registry *registry, struct saga_catalog *catalog,
                            size_t *seen, uint64_t *ret_rounds);

#endif
