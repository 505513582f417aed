/* Reading lanes of the journal from an offset to their end, which may take long: with a sign of life on standard error, and
 * how fast it was. */
#ifndef SAGA_OPERATE_LANE_READING_H
#define SAGA_OPERATE_LANE_READING_H

#include <pthread.h>

#include "operate/progress.h"
#include "runtime/replay.h"

/* One run over some lanes; all members are its own. */
struct saga_lane_reading {
    struct saga_call *call;
    struct saga_progress progress; /* what the watermarks promise counts markers too */
    /* Of all threads, of a daemon's only of this one; with the processes that evaluate expressions for them. */
    double started_processor_s;
    unsigned waited; /* for Redis, over all lanes */
    bool (*goes_on)(
        void *
            context); /* asked while there is nothing to read; false: no more is wanted. NULL: it does */
    void *goes_on_context;
    struct saga_lane_reading
        *whole;           /* whose part it is, in a thread of its own; NULL: it is the whole */
    pthread_mutex_t lock; /* of a whole: what its parts count and say */
};

/* Asks how much there is in `count` lanes from `first` on. An exit code, words said. */
int saga_lane_reading_begin(struct saga_lane_reading *reading, struct saga_call *call,
                            uint32_t first, uint32_t count);
/* The same where the caller knows how many records that are, at most. */
void saga_lane_reading_begin_with(struct saga_lane_reading *reading, struct saga_call *call,
                                  uint64_t expected);
/* A part of a reading, in a thread and with a call of its own, that counts and shows its records in the whole. */
void saga_lane_reading_share(struct saga_lane_reading *part, struct saga_call *call,
                             struct saga_lane_reading *whole);
/* Takes the sign of life away again. */
void saga_lane_reading_end(const struct saga_lane_reading *reading);

/* Where a lane's journal begins and ends now. An exit code, words said. */
int saga_lane_bounds(struct saga_call *call, uint32_t lane, int64_t *ret_low, int64_t *ret_high);
/* The first offset whose record has this time or a later one (saga_client_offset_at). An exit code, words said. */
int saga_lane_offset_at(struct saga_call *call, uint32_t lane, int64_t time_ms, int64_t *ret);
/* Says that a lane could not be read; SAGA_EXIT_FAILED. */
int saga_lane_reading_fail(const struct saga_lane_reading *reading, uint32_t lane);

/* A record of the lane, in their order. False: no more is wanted. */
typedef bool (*saga_take_record)(const struct saga_message *record, void *context);
/* Some of them, as they come. */
typedef void (*saga_take_records)(const struct saga_message *records, size_t count, void *context);
/* Takes records until the reader stands at `until`. Errors: the reader's. */
int saga_lane_read_to(struct saga_lane_reading *reading, struct saga_reader *reader, int64_t until,
                      int64_t *position, saga_take_records take, void *context);
/* Takes records from `from` up to `until`, or until no more is wanted, with a reader of its own. An exit code, words said. */
int saga_lane_read(struct saga_lane_reading *reading, uint32_t lane, int64_t from, int64_t until,
                   saga_take_record take, void *context);

/* What the journal gives, held against Redis (saga_replay_compare). While the coordinator runs, Redis moves on between reading
 * and comparing: it is followed for a while, all lanes together, by the reader, which stands at `*position`. An exit code,
 * words said. */
int saga_lane_compare(struct saga_lane_reading *reading, uint32_t lane, struct saga_replay *replay,
                      struct saga_reader *reader, int64_t *position, saga_take_records take,
                      void *context);

/* How fast it was, all that was done meanwhile counted in. */
struct saga_pace {
    double seconds, processor_s;
    double per_s, per_processor_s; /* records */
};
struct saga_pace saga_lane_reading_pace(const struct saga_lane_reading *reading);

#endif
