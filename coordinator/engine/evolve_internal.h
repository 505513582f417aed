/* What the files of saga_evolve share. Each function of a fact is mechanical: it reads the state and the fact alone, and
 * refuses a fact that cannot follow (SAGA_E_INVALID), so that a journal that was altered is found and not believed. */
#ifndef SAGA_ENGINE_EVOLVE_INTERNAL_H
#define SAGA_ENGINE_EVOLVE_INTERNAL_H

#include "base/error.h"
#include "engine/engine_internal.h"

/* A copy in the state's memory. */
static inline struct saga_slice saga_kept(struct saga_state *state, struct saga_slice s)
{
    return saga_arena_copy(&state->arena, s);
}

/* ---- evolve.c ---- */
int saga_move_to(struct saga_state *state, enum saga_status status);
void saga_arm(struct saga_state *state, struct saga_slice name, int64_t due_ms);
void saga_disarm(struct saga_state *state, struct saga_slice name);
/* Timers of one thing by its path: `kind`/`path`. A due of 0 arms nothing. */
void saga_arm_path(struct saga_state *state, const char *kind, const struct saga_fact *fact);
void saga_disarm_path(struct saga_state *state, const char *kind, struct saga_slice path);

/* ---- evolve_step.c ---- */
int saga_evolve_step(struct saga_state *state, const struct saga_fact *fact);
int saga_evolve_compensation(struct saga_state *state, const struct saga_fact *fact);

/* ---- evolve_block.c ---- */
/* The scope where the fact says that it is; NULL: no fact of a block can follow there. */
struct saga_scope *saga_scope_at(struct saga_state *state, const struct saga_fact *fact);
/* The block at the scope's position is done. */
void saga_leave_block(struct saga_scope *scope);
int saga_evolve_block(struct saga_state *state, const struct saga_fact *fact);

/* ---- evolve_entry.c ---- */
int saga_evolve_entry(struct saga_state *state, const struct saga_fact *fact);

#endif
