/* One saga's state: everything that deciding its next event needs. Made by saga_evolve alone, kept in
 * Redis as Avro (schemas/state.avsc). */
#ifndef SAGA_ENGINE_STATE_H
#define SAGA_ENGINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* What a lane keeps a state of: a saga, or one of the entries that sagas need beside them. They are journaled, kept in
 * Redis, in snapshots and rebuilt all alike. */
enum saga_state_kind {
    SAGA_KIND_SAGA,
    SAGA_KIND_CORRELATION, /* who waits for an event of one value, and which events came early (R21) */
    SAGA_KIND_SCHEDULE,    /* when a definition is started next */
    SAGA_KIND_FORGETTING, /* that a saga's values were forgotten: comes and goes in one record */
    SAGA_KIND_COUNT
};
const char *saga_state_kind_name(enum saga_state_kind kind);

/*
 *              +--------------------> completed ---> compensating (a child whose parent is compensated)
 *              |
 *   running ---+--> compensating --> compensated
 *      ^ |       |  ^
 *      | v       v  | retry, skip, resolve, a late answer
 *      +-------> stuck ------> compensated | completed | abandoned
 */
enum saga_status {
    SAGA_STATUS_NONE, /* before SagaStarted: there is no such saga */
    SAGA_RUNNING,
    SAGA_COMPENSATING,
    SAGA_STUCK,
    SAGA_COMPLETED,
    SAGA_COMPENSATED,
    SAGA_ABANDONED,
    SAGA_STATUS_COUNT
};
const char *saga_status_name(enum saga_status status);
/* Reads a name; SAGA_STATUS_COUNT if it is none. */
enum saga_status saga_status_of(struct saga_slice name);
bool saga_status_has_ended(enum saga_status status);
/* Is there an edge in the drawing above? */
bool saga_status_may_become(enum saga_status from, enum saga_status to);

enum saga_step_status {
    SAGA_STEP_SENT,    /* an attempt is open */
    SAGA_STEP_BACKOFF, /* waits to be tried again; any attempt may still be answered */
    SAGA_STEP_SUCCEEDED,
    SAGA_STEP_FAILED,  /* the service did nothing */
    SAGA_STEP_UNKNOWN, /* no answer in time on the last attempt (R18) */
    SAGA_STEP_SKIPPED, /* an operator counts it as done */
    SAGA_STEP_STATUS_COUNT
};
const char *saga_step_status_name(enum saga_step_status status);

enum saga_compensation_status {
    SAGA_COMPENSATION_NONE, /* not begun */
    SAGA_COMPENSATION_SENT,
    SAGA_COMPENSATION_BACKOFF,
    SAGA_COMPENSATION_DONE,
    SAGA_COMPENSATION_NOT_NEEDED, /* `compensate: none` */
    SAGA_COMPENSATION_FAILED,     /* the service refused it: stuck */
    SAGA_COMPENSATION_EXHAUSTED,  /* attempts used up: stuck */
    SAGA_COMPENSATION_SKIPPED,    /* an operator counts it as done */
    SAGA_COMPENSATION_STATUS_COUNT
};
const char *saga_compensation_status_name(enum saga_compensation_status status);

/* What a stuck saga hangs on, and so what `retry` and `skip` mean. */
enum saga_stuck_on {
    SAGA_STUCK_ON_NOTHING,
    SAGA_STUCK_ON_STEP,         /* behind the pivot: failed, or its attempts are used up */
    SAGA_STUCK_ON_PIVOT,        /* the pivot's outcome is unknown */
    SAGA_STUCK_ON_BODY,         /* a step's body could not be made; nothing was sent */
    SAGA_STUCK_ON_COMPENSATION, /* refused, attempts used up, or its body could not be made */
    SAGA_STUCK_ON_PUBLISH,      /* on-completed or on-compensated could not be made */
    SAGA_STUCK_ON_LIMIT,        /* over a limit (R23) */
    SAGA_STUCK_ON_DEFINITION,   /* its definition is not there at all (R19) */
    SAGA_STUCK_ON_COUNT
};
const char *saga_stuck_on_name(enum saga_stuck_on on);

/* What is waited for. */
enum saga_step_kind {
    SAGA_STEP_COMMAND, /* a service's reply */
    SAGA_STEP_AWAIT,   /* an outside event (R21) */
    SAGA_STEP_CHILD,   /* the end of a child saga (R22) */
    SAGA_STEP_KIND_COUNT
};
const char *saga_step_kind_name(enum saga_step_kind kind);

struct saga_step_state {
    enum saga_step_kind kind;
    struct saga_slice path; /* name and loop indexes: `pay-supplier[3]` */
    uint32_t scope;         /* which list of blocks it stands in */
    uint32_t block;         /* its block in the definition */
    enum saga_step_status status;
    uint32_t attempt;       /* the newest, from 1; 0: skipped before anything was sent */
    uint32_t first_attempt; /* since it was begun, or begun anew after it had ended */
    int64_t begun_ms;       /* when that was */
    bool pivot;
    bool unanswered;      /* some attempt timed out: without an answer its effect cannot be known */
    uint64_t ended_order; /* 1, 2, 3 ... in which steps succeeded or became unknown; 0: neither */
    struct saga_slice target; /* id of the child, or of the entry where the event is awaited */
    struct saga_slice error_type, error_message; /* why it failed */
    struct saga_slice topic, type, reply_topic;  /* of the command */
    struct saga_slice
        body; /* the command's, kept until the step ends: every attempt sends the same */
    struct saga_slice result; /* what the step kept, JSON; absent: null */
    enum saga_compensation_status compensation;
    uint32_t compensation_attempt;
    uint32_t compensation_first_attempt; /* as those of the step */
    int64_t compensation_begun_ms, compensation_sent_ms;
    struct saga_slice compensation_topic, compensation_type, compensation_reply_topic;
    struct saga_slice compensation_body;
    int64_t sent_ms; /* when its newest attempt was; 0: none was */
    int64_t
        answered_ms; /* when it succeeded, failed or became unknown; 0: it waits, or was given up */
};

/* An alarm. Redis rings it (R16); `armed` tells a ring for this alarm from one for an older one. */
struct saga_timer {
    struct saga_slice name; /* engine_internal.h has them all */
    int64_t due_ms;
    uint64_t armed; /* the saga's sequence at which it was armed */
    bool held;      /* rang while the saga was paused: it counts from the resume on */
};

/* A list of blocks that is being run, or was and has steps that may have to be compensated. The root list is scope 0;
 * branches and the rounds of a loop open further ones. A `for-each` opens one that runs nothing itself, and keeps its
 * elements: its rounds are the children of that. */
struct saga_scope {
    uint32_t id;
    uint32_t parent;   /* scope; of the root: 0 */
    uint32_t block;    /* the block that opened it; of the root: 0 */
    uint32_t index;    /* which branch, or which round of the loop, from 0 */
    uint32_t position; /* index in its list of the block that runs now, or of the next one */
    bool entered;      /* the block at `position` has begun */
    bool ended;
    bool loop; /* of a `for-each`: it keeps the elements */
    uint32_t
        open; /* scopes opened by the block at `position` (or by the loop) that have not ended */
    uint32_t next;           /* index of the next scope that it would open */
    uint32_t total;          /* of a loop: elements */
    struct saga_slice items; /* of a loop: JSON list */
};
#define SAGA_SCOPE_ROOT 0

struct saga_error_value {
    struct saga_slice step; /* absent: the saga as a whole */
    struct saga_slice type;
    struct saga_slice message;
};

struct saga_search_value {
    struct saga_slice name;
    struct saga_slice value;
};

/* Of a correlation entry: a saga that waits. */
struct saga_waiter {
    struct saga_slice id, run, step;
    struct saga_slice
        offered; /* id of the event that it was sent and has not taken yet; absent: none */
};

enum saga_kept_status {
    SAGA_KEPT_EARLY,   /* nobody has asked for it yet */
    SAGA_KEPT_OFFERED, /* sent to a waiter that has not answered yet */
    SAGA_KEPT_TAKEN,   /* only its id is kept, so that the same event is not taken twice */
    SAGA_KEPT_STATUS_COUNT
};
const char *saga_kept_status_name(enum saga_kept_status status);

/* Of a correlation entry: an event that came. */
struct saga_kept_event {
    struct saga_slice id;
    struct saga_slice type;
    struct saga_slice body; /* JSON */
    enum saga_kept_status status;
    int64_t expires_ms;
};

struct saga_state {
    struct saga_arena arena; /* owns everything below */
    enum saga_state_kind kind;
    struct saga_slice id; /* <definition>/<key>; of an entry: <definition>~.../<value> */
    struct saga_slice run;
    struct saga_slice key;
    struct saga_slice name; /* definition */
    uint32_t version;
    struct saga_slice sha256;
    struct saga_slice trace;        /* W3C trace id of the whole saga, 32 hexadecimal digits */
    struct saga_slice trace_parent; /* span that the start names, 16 of them; absent: none */
    struct saga_slice trace_state;  /* tracestate of the start; absent: none */
    bool trace_unsampled;           /* the start says that its trace is not recorded */
    uint64_t sequence;              /* of the newest journal record, from 1 */
    enum saga_status status;
    bool paused;
    bool pivoted; /* a pivot step succeeded: only forward from here */
    bool deadline_passed;
    bool forgotten; /* `keep` is over: leaves Redis */
    bool resolved;  /* an operator said how it ended */
    bool released;  /* of a child: its parent has ended, so it may be forgotten */
    bool reported;  /* of a child: it has told its parent that it completed */
    bool has_error;
    bool has_deferred; /* a reason to compensate that waits for the pivot in flight */
    int64_t started_ms;
    int64_t changed_ms;
    int64_t ended_ms;                                     /* 0: not yet */
    struct saga_slice input;                              /* JSON */
    struct saga_slice vars;                               /* JSON object, absent: none */
    struct saga_slice parent_id, parent_run, parent_step; /* whose child it is; absent: nobody's */
    struct saga_error_value error;
    struct saga_error_value deferred;
    enum saga_stuck_on stuck_on;
    struct saga_slice stuck_step;
    uint32_t stuck_scope; /* where that stands */
    struct saga_slice stuck_message;
    bool stuck_forward;   /* it was running, not compensating, when it got stuck */
    uint64_t ended_steps; /* counts ended_order */
    uint32_t scope_ids;   /* the newest scope's */

    struct saga_scope *scopes;
    size_t scope_count, scope_capacity;
    struct saga_step_state *steps; /* in the order in which they were begun */
    size_t step_count, step_capacity;
    struct saga_timer *timers;
    size_t timer_count, timer_capacity;
    struct saga_search_value *search;
    size_t search_count, search_capacity;
    struct saga_waiter *waiters; /* in the order in which they asked */
    size_t waiter_count, waiter_capacity;
    struct saga_kept_event *kept; /* in the order in which they came */
    size_t kept_count, kept_capacity;
};

/* A state of no saga yet, SAGA_STATUS_NONE. Never NULL (arena.h). */
struct saga_state *saga_state_new(void);
/* The same with room for so many bytes beside it, so that what is read into it takes no more than one piece of memory. */
struct saga_state *saga_state_new_for(size_t bytes);
/* The same of the memory of a state that is not needed any more, which is taken over. */
struct saga_state *saga_state_renew(struct saga_state *state);
/* A copy that shares nothing; compact. */
struct saga_state *saga_state_clone(const struct saga_state *state);
void saga_state_free(struct saga_state *state);

/* What a state is now, kept in `arena`, to go back to: for who tries an event and seldom has to take it back, as a copy of
 * all its texts costs much more. Texts are never changed where they stand, so those of the state serve both. */
struct saga_state_mark;
const struct saga_state_mark *saga_state_mark(const struct saga_state *state,
                                              struct saga_arena *arena);
/* Makes the state what it was then; what it took meanwhile stays in its arena until it is freed. */
void saga_state_go_back(struct saga_state *state, const struct saga_state_mark *mark);

/* Has the processor fetch what deciding reads of the state's lists: for who knows some events in advance, and has the state's
 * struct at hand (base/memory.h). */
void saga_state_fetch_lists(const struct saga_state *state);

/* NULL where there is none. */
struct saga_step_state *saga_state_step(const struct saga_state *state, struct saga_slice path);
/* NULL where there is none (any more). Also of a state that was read and not looked at yet: it takes no order for granted. */
struct saga_scope *saga_state_scope(const struct saga_state *state, uint32_t id);
struct saga_timer *saga_state_timer(const struct saga_state *state, struct saga_slice name);
/* Where the scope stands among the scopes, found by halves: for who looks for all of them, as there may be thousands, and where ids
 * are known to rise, as they do in a state that fits (fits.h); in another it may miss one. scope_count: there is none. */
size_t saga_scope_index(const struct saga_state *state, uint32_t id);

/* About how many bytes the state takes, encoded: against SAGA_STATE_BYTES_MAX (R23). */
size_t saga_state_bytes(const struct saga_state *state);

/* Asserts what always holds of a state; for tests and after every decision. */
void saga_state_check(const struct saga_state *state);

#endif
