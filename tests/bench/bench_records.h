/* Records that a benchmark sends and reads, by librdkafka itself: many starts at once, one start and the event at the end
 * of its saga, and when the records of a topic were written. */
#ifndef SAGA_BENCH_RECORDS_H
#define SAGA_BENCH_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum {
    BENCH_LANES = 4,
    BENCH_LANES_MAX = 64,
    BENCH_CALL_MS = 20000,
    BENCH_ANY_LANE = -1,
    BENCH_KEY_BYTES = 48
};

extern int
    bench_lanes; /* of the coordinator, and partitions of each topic: BENCH_LANES unless said otherwise */

/* ---- sending ---- */

/* A producer of start events of one topic. */
struct bench_sender;
/* `many`: in large compressed batches; else each record at once, as a service would send it. */
struct bench_sender *bench_sender_open(const char *topic, const char *type, bool many);
/* Queues a record; waits where too many are queued. */
void bench_sender_send(struct bench_sender *sender, struct saga_slice key, struct saga_slice body);
/* Waits until all of them stand; ends the program if one does not. */
void bench_sender_close(struct bench_sender *sender);

/* Starts <prefix>0 ... of a saga. */
struct bench_starts {
    const char *topic, *type, *prefix;
    unsigned count;
    int lane;            /* only keys that live there, or BENCH_ANY_LANE */
    unsigned text_bytes; /* of `text` in the body; 0: enough for a body of about 250 B */
    /* The body of the start with that key and number, in the arena; NULL: {"id", "text"}. */
    struct saga_slice (*body)(struct saga_slice key, unsigned number, void *context,
                              struct saga_arena *arena);
    void *context;
};
void bench_send_starts(const struct bench_starts *starts);
/* {"id": key, "text": ...} */
struct saga_slice bench_plain_body(struct saga_slice key, unsigned text_bytes,
                                   struct saga_arena *arena);

/* ---- reading ---- */

/* A read_committed consumer of all lanes of a topic, from their ends on. */
struct bench_reader;
struct bench_reader *bench_reader_open(const char *topic);
/* The key of the next record, as text. Returns whether one came in time. */
bool bench_reader_next(struct bench_reader *reader, int timeout_ms, char key[BENCH_KEY_BYTES]);
void bench_reader_close(struct bench_reader *reader);

/* Where the lanes of a topic end now. */
struct bench_mark {
    int64_t offsets[BENCH_LANES_MAX];
};
struct bench_mark bench_mark_now(const char *topic);

/* When the committed records of a topic were written, from a mark on, by their timestamps. */
struct bench_times {
    int64_t *ms;
    size_t count, capacity;
    int64_t first_ms, last_ms;
};
struct bench_times bench_times_since(const char *topic, const struct bench_mark *mark);
/* How many in [from_ms, to_ms). */
size_t bench_times_between(const struct bench_times *times, int64_t from_ms, int64_t to_ms);
void bench_times_free(struct bench_times *times);

#endif
