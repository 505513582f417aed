/* `saga check --explore`: what exploring a definition came to, for people and for machines. */
#ifndef SAGA_OPERATE_EXPLORE_H
#define SAGA_OPERATE_EXPLORE_H

#include "explore/explore.h"
#include "operate/output.h"

/* Keys of the options of `saga check` that exploring takes; above all others of that command. */
enum saga_explore_key {
    SAGA_KEY_EXPLORE = 1000,
    SAGA_KEY_MAX_STATES,
    SAGA_KEY_DEPTH,
    SAGA_KEY_SECONDS,
    SAGA_KEY_ROUNDS,
    SAGA_KEY_ATTEMPTS,
    SAGA_KEY_PAUSES,
    SAGA_KEY_FAILING,
    SAGA_KEY_INPUT
};
#define SAGA_EXPLORE_OPTIONS                                                                       \
    { "explore",                                                                                   \
      SAGA_KEY_EXPLORE,                                                                            \
      NULL,                                                                                        \
      0,                                                                                           \
      "run the real engine over all orders of answers, silence, alarms and operators' words",      \
      0 },                                                                                         \
        { "max-states", SAGA_KEY_MAX_STATES, "N", 0, "with --explore: stop there; 1000000", 0 },   \
        { "depth", SAGA_KEY_DEPTH, "N", 0, "with --explore: events in a row; 10000", 0 },          \
        { "seconds", SAGA_KEY_SECONDS, "N", 0, "with --explore: of the processor; 60", 0 },        \
        { "rounds",                                                                                \
          SAGA_KEY_ROUNDS,                                                                         \
          "N",                                                                                     \
          0,                                                                                       \
          "with --explore: so often a `repeat` is run at most; 2",                                 \
          0 },                                                                                     \
        { "attempts",                                                                              \
          SAGA_KEY_ATTEMPTS,                                                                       \
          "N",                                                                                     \
          0,                                                                                       \
          "with --explore: so often anything is tried at most; 2",                                 \
          0 },                                                                                     \
        { "pauses",                                                                                \
          SAGA_KEY_PAUSES,                                                                         \
          NULL,                                                                                    \
          0,                                                                                       \
          "with --explore: operators pause and resume too, at any time",                           \
          0 },                                                                                     \
        { "input",                                                                                 \
          SAGA_KEY_INPUT,                                                                          \
          "FILE",                                                                                  \
          0,                                                                                       \
          "with --explore: start with that body, JSON; what reads nothing else is evaluated",      \
          0 },                                                                                     \
    {                                                                                              \
        "failing", SAGA_KEY_FAILING, NULL, 0, "with --explore: every expression may fail too", 0   \
    }

/* The options of the call. An exit code. */
int saga_explore_options_of(struct saga_call *call, struct saga_explore_options *ret);

/* Explores a definition and adds what it finds to `findings`, told as text at once, or as an object in `rows` (NULL: as
 * text). Takes the definition's expressions away while it lasts. */
void saga_explore_definition(struct saga_call *call, const struct saga_explore_options *options,
                             const char *file, struct saga_definition *definition,
                             struct saga_diagnostics *findings, json_t *rows);

#endif
