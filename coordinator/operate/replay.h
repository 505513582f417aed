/* What `saga replay` does with the journal: one function, and one file, a purpose. Each returns an exit code, with words
 * said. */
#ifndef SAGA_OPERATE_REPLAY_H
#define SAGA_OPERATE_REPLAY_H

#include "operate/command.h"

/* Proves it, so many lanes at the same time at most, and Redis against it if asked to. SAGA_EXIT_FAILED: there is a difference. */
int saga_replay_verify(struct saga_call *call, bool with_redis, unsigned threads);

struct saga_replay_with {
    const char *file;   /* the other version */
    const char *name;   /* whose sagas; NULL: those of the file's name */
    const char *since;  /* a time, or how long ago; NULL: all */
    const char *accept; /* classes that are no failure, with commas between; NULL: none */
};
/* Decides what is recorded by another version (runtime/what_if.h). SAGA_EXIT_FAILED: some saga did not go the same way, or
 * something could not be read. */
int saga_replay_with(struct saga_call *call, const struct saga_replay_with *asked);

struct saga_replay_at {
    const char *moments[2];   /* --at has one, --diff two */
    const char *id;           /* NULL: all sagas */
    const char *name;         /* only of this definition; NULL: any */
    const char *status;       /* only those; NULL: any */
    unsigned long long limit; /* at most so many in a list, the newest; 0: all */
    bool bodies;
};
/* Where sagas stood then (runtime/as_of.h). SAGA_EXIT_NOT_FOUND: there was no such saga. */
int saga_replay_at(struct saga_call *call, const struct saga_replay_at *asked);
/* What is another way at the second moment. */
int saga_replay_diff(struct saga_call *call, const struct saga_replay_at *asked);

#endif
