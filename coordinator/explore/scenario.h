/* Scenarios: how a saga is tested without a broker. A YAML file names a definition and tells stories: what starts the
 * saga, which commands are expected, what the services answer, how time passes, and where the saga stands in the end. The
 * real engine plays them on a virtual clock (sagas/README.md, Testing a saga).
 *
 * Strict: a command that a scenario neither expects nor answers is a failure. */
#ifndef SAGA_EXPLORE_SCENARIO_H
#define SAGA_EXPLORE_SCENARIO_H

#include "definition/definition.h"
#include "explore/abstract.h"
#include "explore/play.h"

struct saga_scenario_place {
    unsigned line, column;
};

/* What a service answers; or how a child saga ended: `completed` with its result as body, else with its error. */
struct saga_scenario_reply {
    bool silent; /* `no-answer` */
    struct saga_slice
        type; /* or the words `success`, `failure`: the first type that the step declares */
    struct saga_slice body;     /* JSON; absent: none */
    struct saga_expression *jq; /* over the command's body, gives the reply's; or NULL */
};

/* `answers`: the first command that goes by the key gets the first reply, and so on; the last one stays. */
struct saga_scenario_answer {
    struct saga_slice
        key; /* Command, participant/Command, a step's path, <path>/compensate, or * */
    const struct saga_scenario_reply *replies;
    size_t count;
    struct saga_scenario_place place;
};

struct saga_scenario_start {
    struct saga_slice topic; /* absent: any */
    struct saga_slice event; /* absent: that of the definition's first start */
    struct saga_slice body;  /* JSON */
    struct saga_slice key;   /* absent: as the definition takes it from the body */
};

/* A message that the saga is expected to send. */
struct saga_scenario_message {
    struct saga_slice to;   /* participant, or topic of an event; absent: any */
    struct saga_slice type; /* of the command or event */
    struct saga_slice body; /* JSON; absent: any */
    bool exactly;           /* no other members than these */
    uint32_t attempt;       /* 0: any */
    struct saga_slice step; /* path; absent: any */
};

enum saga_scenario_kind {
    SAGA_SCENARIO_START,
    SAGA_SCENARIO_EXPECT, /* and `reply`, where it has one */
    SAGA_SCENARIO_EXPECT_NOTHING,
    SAGA_SCENARIO_REPLY,
    SAGA_SCENARIO_AFTER,
    SAGA_SCENARIO_RING,
    SAGA_SCENARIO_OPERATOR,
    SAGA_SCENARIO_EVENT,
    SAGA_SCENARIO_STATE
};

struct saga_scenario_state {
    struct saga_slice status; /* absent members are not looked at */
    struct saga_slice stuck_on, error_type, error_step;
    bool has_paused, paused;
    struct saga_slice vars, steps, input; /* JSON, partial */
    const struct saga_slice *waiting;     /* paths of steps that wait for an answer */
    size_t waiting_count;
    bool has_waiting;
};

/* An event of the outside world, for an `await`. */
struct saga_scenario_event {
    struct saga_slice topic; /* absent: any */
    struct saga_slice type;
    struct saga_slice body; /* JSON */
    bool not_taken;         /* the saga is expected not to take it */
    struct saga_slice
        to; /* the await that takes it, whatever `match` says; absent: as the coordinator matches it */
};

struct saga_scenario_step {
    enum saga_scenario_kind kind;
    struct saga_scenario_place place;
    struct saga_scenario_start start;
    struct saga_scenario_message expect;
    bool has_reply;
    struct saga_scenario_reply reply;
    struct saga_slice to; /* of a reply: path, <path>/compensate or Command; absent: what is open */
    uint32_t attempt;     /* of a reply; 0: the newest */
    int64_t after_ms;
    struct saga_slice timer; /* ring */
    enum saga_verb verb;
    struct saga_slice as, who, reason;
    struct saga_scenario_event event;
    struct saga_scenario_state state;
};

struct saga_scenario_names {
    bool given;
    const struct saga_slice *items;
    size_t count;
    struct saga_scenario_place place;
};

struct saga_scenario {
    struct saga_slice name;
    struct saga_scenario_place place;
    bool strict;
    int64_t begin_ms;
    struct saga_scenario_start start;
    const struct saga_scenario_answer *answers; /* its own, then those of the file */
    size_t answer_count;
    const struct saga_scenario_step *steps;
    size_t step_count;
    struct saga_scenario_names sends;     /* all commands in their order */
    struct saga_scenario_names publishes; /* all events */
    struct saga_scenario_state end;
    struct saga_scenario_place end_place;
    /* `explored`: without data, or with no other than its input, as the explorer plays (abstract.h); a JSON list; absent:
     * with its data */
    struct saga_slice choices;
    struct saga_abstract_bounds bounds;
    struct saga_slice
        trace; /* file of the golden trace, from the scenarios' folder; absent: none */
};

struct saga_scenarios {
    struct saga_arena *arena; /* not owned: holds everything here */
    struct saga_slice saga;   /* file of the definition, from the scenarios' folder */
    struct saga_scenario_place saga_place;
    struct saga_scenario *items;
    size_t count, capacity;
    struct saga_expression **expressions;
    size_t expression_count, expression_capacity;
};

/* Reads the scenarios of a YAML text; `file` names it in findings. Everything is in `arena`, but for the expressions:
 * give it back with saga_scenarios_close in every case.
 * Errors: SAGA_E_INVALID with findings. */
int saga_scenarios_load(struct saga_slice text, const char *file, struct saga_arena *arena,
                        struct saga_diagnostics *diagnostics, struct saga_scenarios *ret);
void saga_scenarios_close(struct saga_scenarios *scenarios);

/* Where a scenario went another way than expected; texts in the arena of the run. */
struct saga_scenario_failure {
    struct saga_scenario_place place;
    struct saga_slice what;       /* one sentence */
    struct saga_slice expected;   /* may be absent */
    struct saga_slice came;       /* may be absent */
    struct saga_slice difference; /* lines; may be absent */
    struct saga_slice mend;       /* may be absent */
};

/* Plays one scenario. The records of `play` tell what happened, also where it failed; the caller ends the play.
 * SAGA_OK, or SAGA_E_INVALID with the failure. A scenario with `choices` makes the definition abstract while it lasts, and
 * shortens its loops for good: give it one of its own. */
int saga_scenario_run(const struct saga_scenario *scenario, struct saga_definition *definition,
                      struct saga_arena *arena, struct saga_play *play,
                      struct saga_scenario_failure *ret);

#endif
