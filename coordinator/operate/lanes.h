/* How far a lane in Redis may be believed: an answer "there is none" is only true where Redis stands
 * where the journal does (R10). */
#ifndef SAGA_OPERATE_LANES_H
#define SAGA_OPERATE_LANES_H

#include "operate/command.h"

/* A lane confirms itself once a second (R9); after so long without, nobody works on it. */
#define SAGA_LANE_SILENT_MS 5000

enum saga_lane_standing {
    SAGA_LANE_CONFIRMED, /* all that the journal has of it is in Redis */
    SAGA_LANE_SILENT,    /* nobody says so any more: it may be old, or a part */
    SAGA_LANE_BUILDING,  /* from a snapshot (R11): a part */
    SAGA_LANE_MISSING,   /* Redis was emptied, or nobody has worked on it yet */
    SAGA_LANE_STANDINGS
};
/* While a lane is replayed its heartbeat is the time of its records: it is silent then too. */
enum saga_lane_standing saga_lane_standing(const struct saga_lane_status *status, int64_t now_ms);

/* A line for each standing that is not SAGA_LANE_CONFIRMED: which lanes, and what that means for
 * what was listed. Nothing where all is well. */
void saga_lanes_warn(const struct saga_lane_status *lanes, uint32_t count, int64_t now_ms,
                     struct saga_arena *arena, FILE *out);
/* The same of the lanes as they are in Redis now. An exit code, words said. */
int saga_call_warn_of_lanes(struct saga_call *call, uint32_t lanes, FILE *out);

/* Why what Redis has of a lane's sagas may be old, one line; NULL where there is no reason. */
const char *saga_lane_doubt(const struct saga_lane_status *status, int64_t now_ms,
                            struct saga_arena *arena);
/* The same of a lane as it is in Redis now; NULL also where Redis cannot be asked. */
const char *saga_call_lane_doubt(struct saga_call *call, uint32_t lane);

/* Redis has no such saga: says so and gives SAGA_EXIT_NOT_FOUND if its lane is to be believed, else
 * says why that is not known, SAGA_EXIT_FAILED. */
int saga_call_no_such_saga(struct saga_call *call, uint32_t lane, struct saga_slice saga_id);

/* What the journal has of a lane that Redis has not, without what is none of the coordinator's. */
struct saga_lane_ahead {
    size_t records;            /* not more than some thousands are looked at */
    int64_t unreadable_offset; /* of the first that cannot be read; -1: all can be */
    struct saga_slice why;     /* it cannot; in the call's arena */
};
/* Reads it, with the call's client. An exit code, words said. */
int saga_lane_ahead(struct saga_call *call, uint32_t lane, const struct saga_lane_status *status,
                    struct saga_lane_ahead *ret);

#endif
