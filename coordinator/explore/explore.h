/* `saga check --explore`: the real engine over all orders of what can happen to a saga (moves.h), breadth first, until
 * nothing new comes of it. States are merged by what decides about their future (canonical.h), the data is left out
 * (abstract.h). What is found holds for every saga of the definition; each finding has the shortest way there. */
#ifndef SAGA_EXPLORE_EXPLORE_H
#define SAGA_EXPLORE_EXPLORE_H

#include "explore/abstract.h"
#include "explore/moves.h"
#include "explore/play.h"

struct saga_explore_options {
    uint32_t states_max;
    uint32_t depth_max; /* events from the start on */
    double seconds_max; /* of the processor; 0: no limit */
    bool pauses;        /* operators pause and resume */
    struct saga_slice
        input; /* JSON that the saga starts with; absent: whatever it is (bounds.with_input) */
    struct saga_abstract_bounds bounds;
};
extern const struct saga_explore_options saga_explore_default;

enum saga_flaw {
    SAGA_FLAW_CUT_SHORT,        /* of the exploration: not all ways were explored */
    SAGA_FLAW_NOT_TAKEN_BACK,   /* done or unknown, and not compensated at the end */
    SAGA_FLAW_TAKEN_BACK_AFTER, /* compensated though a pivot has succeeded */
    SAGA_FLAW_PIVOT_UNKNOWN,    /* compensated though a pivot may be done */
    SAGA_FLAW_SAME_COMMAND,     /* two commands with one id */
    SAGA_FLAW_NOT_HANDLED,      /* an answer or alarm that is declared or armed, and nobody takes */
    SAGA_FLAW_ENGINE,           /* the engine's own checks fail */
    SAGA_FLAW_NO_END,           /* from there no end can be reached */
    SAGA_FLAW_WAITS_FOR_EVER,   /* no alarm will ring, and an outside event may never come */
    SAGA_FLAW_TRIES_FOR_EVER,   /* before the pivot: tried again without end, and no deadline */
    /* of no single input: */
    SAGA_FLAW_NEVER_COMPLETES, /* no way leads to `completed` */
    SAGA_FLAW_NEVER_REACHED,   /* a block that no way leads to */
    SAGA_FLAW_COUNT
};

struct saga_flaw_kind {
    const char *code;            /* "SX101"; keeps its meaning */
    enum saga_severity severity; /* a warning: it may be meant so */
    const char *title;
    const char *why, *mend;
};
extern const struct saga_flaw_kind saga_flaw_kinds[SAGA_FLAW_COUNT];

/* One event of a way: which of the moves there, and how its choices went. */
struct saga_explore_step {
    uint32_t move;
    uint64_t choices;
    unsigned choice_count;
};

struct saga_explore_finding {
    enum saga_flaw flaw;
    struct saga_slice subject;      /* the step or block that it is about; may be absent */
    const struct saga_block *block; /* or NULL */
    struct saga_explore_step *way;  /* from the start on */
    size_t way_count;
};

/* Where sagas come to rest, and the shortest way there. */
struct saga_explore_rest {
    enum saga_status status;
    enum saga_stuck_on stuck_on;
    struct saga_slice stuck_step;
    uint32_t states;
    struct saga_explore_step *way;
    size_t way_count;
};

struct saga_explored {
    uint32_t states;
    uint64_t transitions;
    uint32_t depth;
    double seconds;  /* of the processor */
    const char *cut; /* why it is not complete; NULL: it is */
    struct saga_explore_finding *findings;
    size_t finding_count, finding_capacity;
    struct saga_explore_rest *rests;
    size_t rest_count, rest_capacity;
};

/* Explores the definition, which is abstract while that lasts. Everything in `ret` is in `arena`. */
void saga_explore(struct saga_definition *definition, const struct saga_explore_options *options,
                  struct saga_arena *arena, struct saga_explored *ret);

/* Plays a way, with alarms at their time: for telling it. Gives what was chosen on it as a JSON list, in `arena`; the
 * caller ends the play. The definition is abstract while this lasts. Only the first `decided` events are decided, the others
 * are only noted down. */
struct saga_slice saga_explore_play(struct saga_definition *definition,
                                    const struct saga_explore_options *options,
                                    const struct saga_explore_step *way, size_t count,
                                    size_t decided, struct saga_arena *arena,
                                    struct saga_play *ret);

#endif
