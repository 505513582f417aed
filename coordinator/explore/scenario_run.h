/* What the files that play a scenario share. */
#ifndef SAGA_EXPLORE_SCENARIO_RUN_H
#define SAGA_EXPLORE_SCENARIO_RUN_H

#include "explore/scenario_internal.h"

/* Events of one scenario: more is a saga that goes in circles. */
#define SAGA_SCENARIO_EVENTS_MAX 100000

/* What the saga sent: a command, the start of a child saga, or an event that nobody answers. */
struct saga_sent {
    bool event, child, compensation;
    struct saga_slice target; /* of a child: its id */
    struct saga_slice step;   /* path, or the label of a block */
    uint32_t attempt;
    struct saga_slice topic, type, body;
    bool expected; /* some `expect` took it */
    bool answered; /* or is left without an answer on purpose */
};

/* An event of the outside world that came. */
struct saga_outside {
    const struct saga_scenario_step *step;
    struct saga_slice id;
    int64_t time_ms;
    bool taken;
};

struct saga_scenario_run {
    const struct saga_scenario *scenario;
    const struct saga_definition *definition;
    struct saga_arena *arena;
    struct saga_play *play;
    struct saga_sent *sent;
    size_t sent_count, sent_capacity;
    size_t sent_settled; /* so many have the answer that the scenario has for them, or none */
    size_t records_read;
    struct saga_outside *outside;
    size_t outside_count, outside_capacity;
    size_t *answers_used; /* by answer of the scenario */
    struct saga_scenario_failure *failure;
};

/* ---- scenario_run.c ---- */
/* Says what went wrong; SAGA_E_INVALID. The text that a format gives stands in `what`. */
int saga_scenario_fail(struct saga_scenario_run *r, struct saga_scenario_place place,
                       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- scenario_names.c ---- */
/* Every command, step and event that the scenario names is one of the definition. */
int saga_scenario_check_known(struct saga_scenario_run *r);

/* ---- scenario_sent.c: what was sent, and what comes back ---- */
/* Reads what the newest records sent, and gives the answers that the scenario has for it, until nothing is left to
 * answer. Errors: SAGA_E_INVALID with the failure. */
int saga_scenario_settle(struct saga_scenario_run *r);
/* Answers one command. `attempt` 0: that of the command. */
int saga_scenario_reply(struct saga_scenario_run *r, struct saga_scenario_place place,
                        struct saga_sent *command, const struct saga_scenario_reply *reply,
                        uint32_t attempt);
/* Does the command go by that name: its path, <path>/compensate, or its type with or without the participant? */
bool saga_scenario_goes_by(const struct saga_scenario_run *r, const struct saga_sent *sent,
                           struct saga_slice name);
/* "payments/ChargeCard for charge-card (attempt 2)" */
struct saga_slice saga_scenario_sent_words(const struct saga_scenario_run *r,
                                           const struct saga_sent *sent);
/* The step that a path belongs to, NULL if it is none. */
const struct saga_step *saga_scenario_step_of(const struct saga_scenario_run *r,
                                              struct saga_slice path);

/* ---- scenario_event.c: outside events ---- */
/* Lets it come: the saga that waits for it takes it, now or when it asks for it. */
int saga_scenario_event(struct saga_scenario_run *r, const struct saga_scenario_step *step);
/* Gives the saga what came before it asked. True: it took something. */
bool saga_scenario_deliver(struct saga_scenario_run *r);
/* Every event was taken that was to be taken. */
int saga_scenario_check_taken(struct saga_scenario_run *r);

/* ---- scenario_check.c: what a scenario asks for ---- */
int saga_scenario_check_expected(struct saga_scenario_run *r, const struct saga_scenario_step *step,
                                 struct saga_sent **ret);
int saga_scenario_check_nothing(struct saga_scenario_run *r, struct saga_scenario_place place);
/* It does not go on for ever. */
int saga_scenario_check_rest(struct saga_scenario_run *r, struct saga_scenario_place place);
/* Every command is expected or answered. */
int saga_scenario_check_all_expected(struct saga_scenario_run *r, struct saga_scenario_place place);
int saga_scenario_check_state(struct saga_scenario_run *r, struct saga_scenario_place place,
                              const struct saga_scenario_state *expected);
/* `sends` and `publishes`. */
int saga_scenario_check_names(struct saga_scenario_run *r);

#endif
