/* A journal of sagas of three steps, made in memory by deciding: for the benchmarks that look at one without servers. */
#ifndef SAGA_BENCH_THREE_STEPS_H
#define SAGA_BENCH_THREE_STEPS_H

#include "base/message.h"
#include "codec/codec.h"
#include "definition/definition.h"

enum { THREE_STEPS_EVENTS = 4 }; /* of a saga: its start and three replies */
#define THREE_STEPS_FILE SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml"

struct three_steps {
    struct saga_message *records;
    size_t count;
    struct saga_arena arena;
};

/* The records of `sagas` sagas of the benchmark's definition, of which `at_once` are under way at the same time; chained, without
 * the record that opens a lane. Ends the program where one cannot be made. */
void three_steps_make(struct saga_codec *codec, const struct saga_definition *definition,
                      unsigned sagas, unsigned at_once, struct three_steps *ret);
void three_steps_free(struct three_steps *journal);

#endif
