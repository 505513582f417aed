/* What batch_take.c (what it is made of), batch.c (deciding) and batch_commit.c (the transaction and what follows it)
 * share. */
#ifndef SAGA_RUNTIME_BATCH_INTERNAL_H
#define SAGA_RUNTIME_BATCH_INTERNAL_H

#include "runtime/worker_internal.h"

/* One event to be taken, in the order of its lane. */
struct saga_item {
    struct saga_intake_item *in; /* in the batch's arena */
    size_t order;                /* in which it was read: what sorting by lane keeps */
};

/* A journal record that was sent, and whose history it belongs to. */
struct saga_noted {
    struct saga_lane *lane;
    struct saga_resident *resident;
    const struct saga_state *run; /* of the resident's runs the one that it is of */
    int64_t offset;               /* set when the flush is over */
};

/* An alarm in Redis that no state knows of: it is taken away, else it would ring for ever. */
struct saga_orphan {
    struct saga_lane *lane;
    struct saga_slice saga_id;
    struct saga_timer_write timer;
};

struct saga_batch {
    struct saga_worker *w;
    struct saga_arena *arena;
    int64_t time_ms;
    size_t from, to; /* window of the retained records */
    struct saga_item *items;
    size_t item_count, item_capacity;
    struct saga_outgoing *outgoing;
    size_t outgoing_count, outgoing_capacity;
    struct saga_noted *noted;
    size_t noted_count, noted_capacity;
    struct saga_orphan *orphans;
    size_t orphan_count, orphan_capacity;
    bool *written; /* by lane: does the transaction write its journal? */
    uint64_t hops, dead_letters, ignored, commands, events, timers, started, ended;
};

/* Takes records and alarms; one kind after the other as long as something is refused (R24). Errors: SAGA_E_AGAIN when a
 * definition is waited for (R19), SAGA_E_CONFLICT and SAGA_E_STOP as the store says. */
int saga_batch_take(struct saga_batch *b);
/* NULL when the lane is another worker's, or not recovered yet. */
struct saga_lane *saga_batch_owned_lane(struct saga_batch *b, uint32_t number);
/* A message of the transaction; `offset` may be NULL, and is set once the broker has given it one. */
void saga_batch_send(struct saga_batch *b, const struct saga_message *message, int64_t *offset);
/* A record that cannot be used, to the dead letters (R13). */
void saga_batch_put_aside(struct saga_batch *b, const struct saga_message *record,
                          struct saga_slice reason, struct saga_slice words);
/* A note that nobody's state stands behind: who asked for something that there is not, hears of it (R22). */
void saga_batch_answer_for_nobody(struct saga_batch *b, const struct saga_event *asked,
                                  enum saga_note note, const char *type, struct saga_slice words);
/* R19: SAGA_E_AGAIN until the definitions have been read twice more since one was missed first; then it is not there. */
int saga_batch_wait_for_definition(struct saga_batch *b);
/* Commits what was decided and publishes it (R2, R3, R6). As saga_batch_run. */
int saga_batch_commit(struct saga_batch *b);
/* Drops the working copies of all lanes. */
void saga_batch_abandon(struct saga_worker *w);

#endif
