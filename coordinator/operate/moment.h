/* Moments of the journal, as people write them: a time, how long ago, or a place. */
#ifndef SAGA_OPERATE_MOMENT_H
#define SAGA_OPERATE_MOMENT_H

#include "operate/command.h"

struct saga_moment {
    bool is_place;
    int64_t time_ms; /* where it is no place */
    int64_t lane;    /* of a place; -1: not said */
    int64_t offset;
};

/* Reads 2026-11-23T12:13:14Z (any offset), a duration (10m: so long ago), OFFSET or LANE/OFFSET, the lane below the call's
 * `lanes`. SAGA_EXIT_USAGE with words. */
int saga_moment_parse(const struct saga_call *call, const char *text, struct saga_moment *ret);
/* A time or how long ago only. */
int saga_moment_parse_time(const struct saga_call *call, const char *text, int64_t *ret_ms);

#endif
