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
    bool stories; /* tell them all */
};

/* A path that a file of scenarios names, from that file's folder. Terminated. */
struct saga_slice saga_test_path(struct saga_arena *arena, const char *file,
                                 struct saga_slice relative);

/* test_print.c: in the call's output format, to standard output. */
void saga_test_print(const struct saga_call *call, const struct saga_tests *tests);

#endif
