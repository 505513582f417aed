/* What `saga replay` does with the journal: one function, and one file, a purpose. Each returns an exit code, with words
 * said. */
#ifndef SAGA_OPERATE_REPLAY_H
#define SAGA_OPERATE_REPLAY_H

#include "operate/command.h"

/* Proves it, and Redis against it if asked to. SAGA_EXIT_FAILED: there is a difference. */
int saga_replay_verify(struct saga_call *call, bool with_redis);

struct saga_replay_with {
    const char *file;   /* the other version */
    const char *name;   /* whose sagas; NULL: those of the file's name */
    const char *since;  /* a time, or how long ago; NULL: all */
    const char *accept; /* classes that are no failure, with commas between; NULL: none */
};
/* Decides what is recorded by another version (runtime/what_if.h). SAGA_EXIT_FAILED: some saga did not go the same way, or
 * something could not be read. */
int saga_replay_with(struct saga_call *call, const struct saga_replay_with *asked);

#endif
