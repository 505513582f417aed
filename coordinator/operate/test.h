/* What scenarios came to, for `saga test`. */
#ifndef SAGA_OPERATE_TEST_H
#define SAGA_OPERATE_TEST_H

#include "explore/scenario.h"
#include "operate/command.h"

struct saga_test_result {
    const char *file;
    struct saga_slice saga; /* file of the definition, as the scenarios name it */
    const struct saga_scenario *scenario;
    bool failed, updated;
    struct saga_scenario_failure failure; /* where it failed */
    enum saga_status status;              /* of the saga in the end */
    size_t events;
    struct saga_slice story; /* story.h */
};

struct saga_tests {
    struct saga_test_result *items;
    size_t count, capacity;
    size_t failed;
    bool stories;                            /* tell them all */
    const struct saga_diagnostics *findings; /* why files could not be played, and warnings */
};

/* A path that a file of scenarios names, from that file's folder. Terminated. */
struct saga_slice saga_test_path(struct saga_arena *arena, const char *file,
                                 struct saga_slice relative);

/* By its name: *.test.yaml, beside the definition. */
bool saga_test_holds_scenarios(const char *file);
/* Reads a file of scenarios; what is wrong with it goes into `findings`. Give them back with saga_scenarios_close in every
 * case. Errors: SAGA_E_INVALID, SAGA_E_NOT_FOUND, SAGA_E_LIMIT. */
int saga_test_load(struct saga_call *call, const char *file, struct saga_diagnostics *findings,
                   struct saga_scenarios *ret);

/* test_print.c: in the call's output format, to standard output. */
void saga_test_print(const struct saga_call *call, const struct saga_tests *tests);

#endif
