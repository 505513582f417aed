/* The engine: decides (event + state -> facts) and evolves (state + fact -> state). Pure: it knows no
 * clock, no socket, no thread, and gives the same bytes for the same input (architecture.md, The engine). */
#ifndef SAGA_ENGINE_ENGINE_H
#define SAGA_ENGINE_ENGINE_H

#include "base/arena.h"
#include "definition/definition.h"
#include "engine/event.h"
#include "engine/fact.h"
#include "engine/state.h"

/* Begins a record of the saga: its sequence goes up by one, its time of last change is the cause's, and a cause that begins
 * the saga gives it its trace context. Decide and replay call it before the facts of the record; `cause` is the event, or
 * the record's cause. */
void saga_evolve_begin(struct saga_state *state, const struct saga_event *cause);

/* Applies one fact. Mechanical: evaluates no expression, reads no definition. What it keeps is copied
 * into the state. Errors: SAGA_E_INVALID (the fact cannot follow on this state; the journal is not one of
 * ours, or was changed), the state is then unusable. */
int saga_evolve(struct saga_state *state, const struct saga_fact *fact);

/* Decides one event: begins a record, appends its facts to `ret` (arena memory) and applies each to
 * `state` with saga_evolve as it goes; nothing else changes a state. A state of SAGA_STATUS_NONE takes only
 * what begins one (saga_event_begins); a forgotten one is replaced by the caller with a new state first. The definition is the one that the state
 * names (for a start: the one to start on), NULL if it is not to be had at all (R19): then the saga is stuck.
 * Every event gives at least one fact. `ret` must be empty. Never fails: what goes wrong is a fact. */
void saga_decide(const struct saga_definition *definition, struct saga_state *state,
                 const struct saga_event *event, struct saga_arena *arena, struct saga_facts *ret);

/* The id of a command: <saga id>/<run>/<step path>/<attempt>, for a compensation
 * <saga id>/<run>/<step path>/compensate/<attempt> (R15). */
struct saga_slice saga_command_id(struct saga_arena *arena, const struct saga_state *state,
                                  struct saga_slice step, bool compensation, uint32_t attempt);
/* <saga id>/<run>/<step path>, for a compensation with /compensate behind it (R15). */
struct saga_slice saga_idempotency_key(struct saga_arena *arena, const struct saga_state *state,
                                       struct saga_slice step, bool compensation);
/* Takes a command's id apart, from the right, because a business key may hold slashes. Slices point
 * into `id`. Errors: SAGA_E_INVALID. */
struct saga_command_parts {
    struct saga_slice saga_id, run, step;
    bool compensation;
    uint32_t attempt;
};
int saga_command_id_parse(struct saga_slice id, struct saga_command_parts *ret);

/* Ids of entries: the name of a definition, then this, then what kind of entry it is. No definition's name holds it. */
#define SAGA_ENTRY_MARK '~'
/* The entry where events of that definition and value are matched (R21); it lives in the lane of the value. */
struct saga_slice saga_correlation_id(struct saga_arena *arena, struct saga_slice definition,
                                      struct saga_slice topic, struct saga_slice event,
                                      struct saga_slice value);
/* The entry that starts a definition by its schedule; it lives in the lane of the definition's name. */
struct saga_slice saga_schedule_id(struct saga_arena *arena, struct saga_slice definition);
/* The entry by which it is journaled that a saga's values were forgotten; it lives in the saga's lane. */
struct saga_slice saga_forgetting_id(struct saga_arena *arena, struct saga_slice saga_id);
/* The version of the definition that a SAGA_NOTE_SCHEDULE_SET puts in force; 0: it says none. */
uint32_t saga_schedule_version(const struct saga_event *event);
bool saga_id_is_entry(struct saga_slice id);
/* The definition's name in an entry's id: what comes before the mark, or all of it. */
struct saga_slice saga_id_entry_name(struct saga_slice id);
/* What is wrong with a business key, or a value that events are matched by; NULL: nothing. */
const char *saga_key_fault(struct saga_slice key);

/* The run of what an event at this position began, in `arena`: SAGA_RUN_DIGITS hexadecimal digits, a hash of the position and
 * of the id of its lane's journal, so that where topics are made anew no saga gets the ids of an earlier one (R15). `journal`
 * absent: of the position alone, as entries have it, sagas where there is no journal, and those of journals whose starts do not
 * say which run they begin. */
enum { SAGA_RUN_DIGITS = 12 };
struct saga_slice saga_run_of(struct saga_arena *arena, struct saga_slice journal,
                              const struct saga_position *source);

/* How long to wait before the attempt `attempt` (from 2): backoff * factor^(attempt-2), at most max, with
 * jitter between half and all of it, taken from a hash of the command's id. */
int64_t saga_backoff_ms(const struct saga_retry *retry, uint32_t attempt,
                        struct saga_slice command_id);

#endif
