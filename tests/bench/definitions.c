/* How long it takes to load and check definitions: what `saga check` does with many files, and a worker when it starts. Time is
 * that of the processor, so that other work on the machine shows less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alone.h"
#include "definition/check_together.h"

enum { DEFINITIONS = 100, STEPS = 50 };

/* Bodies as files have them: most are paths. What computes is for libjq, which reads its own library for each program. */
static const char *const plain[] = {
    "{id: .input.id, customer: .input.customer}",
    "{id: .input.id, amount: .input.total}",
    "{id: .input.id, lines: .input.lines}",
    "{id: .input.id, before: .steps.first.id}",
    "{id: .input.id, step: \"%u\"}",
};
static const char computes[] = "{id: .input.id, sum: (.input.lines | map(.price) | add), step: %u}";

/* One step in `every` has a body that computes; 0: none. */
static char *make(unsigned number, unsigned every)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) exit(1);
    fprintf(out,
            "saga: saga-%u\nversion: 1\ndeadline: 1h\n"
            "participants:\n  service: { commands: service.commands, replies: service.replies }\n"
            "start: { topic: starts, event: Asked, key: .id }\nsteps:\n"
            "  - { step: first, send: service/First, success: Done, compensate: none }\n",
            number);
    for (unsigned i = 1; i < STEPS; i++) {
        const char *indent = "";
        if (i % 10 == 3) fprintf(out, "  - choose:\n    - when: .input.total\n      steps:\n");
        if (i % 10 == 7) fprintf(out, "  - for-each: { in: .input.lines }\n    steps:\n");
        if (i % 10 == 3 || i % 10 == 7) indent = "      ";
        fprintf(out, "%s  - step: step-%u\n%s    send: service/Do%u\n%s    body: '", indent, i,
                indent, i, indent);
        fprintf(out, every && i % every == 0 ? computes : plain[i % (sizeof plain / sizeof *plain)],
                number * STEPS + i);
        fprintf(out,
                "'\n%s    success: Done\n%s    failure: Refused\n"
                "%s    compensate: { send: service/Undo%u, body: '{id: .input.id}' }\n",
                indent, indent, indent, i);
        if (i % 10 == 3) fprintf(out, "    - else: []\n");
    }
    fclose(out);
    return text;
}

static double run(unsigned every)
{
    char *texts[DEFINITIONS];
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definitions[DEFINITIONS];
    struct saga_checked files[DEFINITIONS];
    for (unsigned i = 0; i < DEFINITIONS; i++) texts[i] = make(i, every);
    double from = processor_s();
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    for (size_t i = 0; i < DEFINITIONS; i++) {
        if (saga_definition_load(saga_slice_of(texts[i]), "bench.yaml", &found, &definitions[i]) <
            0) {
            saga_diagnostics_print(&found, stderr);
            exit(1);
        }
        files[i] = (struct saga_checked){ "bench.yaml", definitions[i] };
    }
    saga_check_together(files, DEFINITIONS, NULL, &found);
    double took = processor_s() - from;
    if (found.count) {
        saga_diagnostics_print(&found, stderr);
        exit(1);
    }
    for (size_t i = 0; i < DEFINITIONS; i++) {
        saga_definition_free(definitions[i]);
        free(texts[i]);
    }
    saga_arena_free(&arena);
    return took;
}

int main(int argc, char **argv)
{
    bool json = argc == 3 && strcmp(argv[1], "-o") == 0 && strcmp(argv[2], "json") == 0;
    if (argc > 1 && !json) {
        fprintf(stderr, "usage: saga_definitions [-o json]\n");
        return 2;
    }
    double paths = run(0), some = run(STEPS - 1), all = run(1);
    printf(json ? "{\"definitions\": %d, \"steps\": %d, \"paths_s\": %.3f, \"computing_s\": %.3f, "
                  "\"computing_all_s\": %.3f}\n"
                : "%d definitions of %d steps loaded and checked, in processor time:\n"
                  "  expressions that are paths and objects   %.3f s\n"
                  "  and one in each definition that computes %.3f s\n"
                  "  and one in each step that computes       %.3f s\n",
           DEFINITIONS, STEPS, paths, some, all);
    return 0;
}
