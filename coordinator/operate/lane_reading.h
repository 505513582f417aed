/* Reading lanes of the journal from an offset to their end, which may take long: with a sign of life on standard error, and
 * how fast it was. */
#ifndef SAGA_OPERATE_LANE_READING_H
#define SAGA_OPERATE_LANE_READING_H

#include <time.h>

#include "operate/command.h"

/* One run over some lanes; all members are its own. */
struct saga_lane_reading {
    struct saga_call *call;
    bool bar;          /* a terminal looks at standard error */
    uint64_t records;  /* so far */
    uint64_t expected; /* as the watermarks promise (markers count too) */
    int64_t started_ms, shown_ms;
    clock_t started_clock; /* the processor's time, of all threads */
};

/* Asks how much there is in `count` lanes from `first` on. An exit code, words said. */
int saga_lane_reading_begin(struct saga_lane_reading *reading, struct saga_call *call,
                            uint32_t first, uint32_t count);
/* Takes the sign of life away again. */
void saga_lane_reading_end(const struct saga_lane_reading *reading);

/* Where a lane's journal begins and ends now. An exit code, words said. */
int saga_lane_bounds(struct saga_call *call, uint32_t lane, int64_t *ret_low, int64_t *ret_high);
/* Says that a lane could not be read; SAGA_EXIT_FAILED. */
int saga_lane_reading_fail(const struct saga_lane_reading *reading, uint32_t lane);

/* A record of the lane, in their order. False: no more is wanted. */
typedef bool (*saga_take_record)(const struct saga_message *record, void *context);
/* Takes records until the reader stands at `until`, or no more is wanted. Errors: the reader's. */
int saga_lane_read_to(struct saga_lane_reading *reading, struct saga_reader *reader, int64_t until,
                      int64_t *position, saga_take_record take, void *context);
/* The same from `from` to the lane's end, with a reader of its own. An exit code, words said. */
int saga_lane_read(struct saga_lane_reading *reading, uint32_t lane, int64_t from, int64_t until,
                   saga_take_record take, void *context);

/* How fast it was, all that was done meanwhile counted in. */
struct saga_pace {
    double seconds, processor_s;
    double per_s, per_processor_s; /* records */
};
struct saga_pace saga_lane_reading_pace(const struct saga_lane_reading *reading);

#endif
