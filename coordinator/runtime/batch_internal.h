/* What batch_take.c (what it is made of), batch.c (deciding) and batch_commit.c (the transaction and what follows it)
 * share. */
#ifndef SAGA_RUNTIME_BATCH_INTERNAL_H
#define SAGA_RUNTIME_BATCH_INTERNAL_H

#include "runtime/batch_figures.h"
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
    struct saga_slice operation;  /* its entry in the lane's log (operations.h); absent: none */
};

/* An alarm in Redis that no state knows of: it is taken away, else it would ring for ever. Or one that is put off. */
struct saga_orphan {
    struct saga_lane *lane;
    struct saga_slice saga_id;
    struct saga_timer_write timer;
    bool later; /* its saga cannot be decided for now: it rings again when it is due then */
};

/* A saga's key that is destroyed by this batch: in memory as soon as it is committed. */
struct saga_destroyed {
    struct saga_lane *lane;
    struct saga_key_record record;
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
    struct saga_state **opened; /* states whose values are not sealed: until the batch is over */
    size_t opened_count, opened_capacity;
    struct saga_destroyed *destroyed;
    size_t destroyed_count, destroyed_capacity;
    bool *written;            /* by lane: does the transaction write its journal? */
    struct saga_spans *spans; /* of what has ended, for who traces; NULL: none yet */
    uint64_t hops, dead_letters, ignored, commands, events, timers, started, ended;
    struct saga_batch_figures figures; /* for the metrics */
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
                          enum saga_letter_reason reason, struct saga_slice words);
/* A note that nobody's state stands behind: who asked for something that there is not, hears of it (R22). */
void saga_batch_answer_for_nobody(struct saga_batch *b, const struct saga_event *asked,
                                  enum saga_note note, const char *type, struct saga_slice words);
/* R19: SAGA_E_AGAIN until the definitions have been read twice more since one was missed first; then it is not there. */
int saga_batch_wait_for_definition(struct saga_batch *b);
/* ---- batch_sealed.c ---- */
/* How an event of a saga is decided, and what is journaled of it. */
enum saga_sealing_kind {
    SAGA_SEALING_NONE,  /* as it is */
    SAGA_SEALING_KEYED, /* its values are sealed, with a key that is there */
    SAGA_SEALING_FRESH, /* it begins now, and gets a key */
    SAGA_SEALING_BLIND /* it has ended, and its key is not to be had: the event's body is dropped */
};
struct saga_sealing {
    enum saga_sealing_kind kind;
    struct saga_data_key key;
};
/* Finds the key of the saga that the event is for. False: it cannot be decided without; the record was put aside, or the alarm
 * put off. `before` NULL: it is not there yet. */
bool saga_batch_find_key(struct saga_batch *b, struct saga_lane *lane, struct saga_intake_item *in,
                         const struct saga_state *before, const struct saga_definition *definition,
                         struct saga_sealing *ret);
/* Puts aside what cannot be decided for now, to be sent again; an alarm rings again in a minute. The lane's other sagas go on. */
void saga_batch_leave_aside(struct saga_batch *b, struct saga_lane *lane,
                            const struct saga_intake_item *in, enum saga_letter_reason reason,
                            struct saga_slice words);
/* ---- batch_fit.c ---- */
/* A state that was not decided here is looked at before it is decided on for the first time. `before` NULL: there is none.
 * `*ret_fits` false: the event was put aside. Errors: SAGA_E_CONFLICT, the lane is to be built anew. */
int saga_batch_look_at(struct saga_batch *b, struct saga_lane *lane, struct saga_resident *resident,
                       const struct saga_intake_item *in, const struct saga_state *before,
                       const struct saga_definition *definition, const struct saga_sealing *sealing,
                       bool *ret_fits);

/* What deciding an event gave: `said` and `state` are what messages are made of, `cause` and `kept` what is journaled. */
struct saga_decided {
    struct saga_facts said, kept;
    const struct saga_state *state;
    struct saga_event cause;
};
/* Decides an event on a saga's opened state and evolves the sealed one, `working`. `*ret` has what belongs to the batch. */
void saga_batch_decide_sealed(struct saga_batch *b, struct saga_lane *lane,
                              const struct saga_event *event, struct saga_state *working,
                              const struct saga_definition *definition,
                              struct saga_sealing *sealing, struct saga_decided *ret);
/* The keys of a saga that is forgotten, to be destroyed with the batch: of the run that stands, and of those that the event
 * names. */
int saga_batch_destroy_keys(struct saga_batch *b, struct saga_lane *lane, struct saga_slice saga_id,
                            const struct saga_event *event);
/* The batch is committed. */
void saga_batch_keys_destroyed(struct saga_batch *b);
/* The batch is over, one way or the other. */
void saga_batch_close_opened(struct saga_batch *b);

/* Commits what was decided and publishes it (R2, R3, R6). As saga_batch_run. */
int saga_batch_commit(struct saga_batch *b);
/* Drops the working copies of all lanes. */
void saga_batch_abandon(struct saga_worker *w);

#endif
