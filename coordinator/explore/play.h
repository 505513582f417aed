/* A saga that is played without a broker: the real engine on a virtual clock. What scenarios (scenario.h) and the
 * explorer (explore.h) stand on. Pure, as the engine is. */
#ifndef SAGA_EXPLORE_PLAY_H
#define SAGA_EXPLORE_PLAY_H

#include "engine/engine.h"

/* When every play begins unless it says otherwise: 2026-01-01 08:00 UTC. */
#define SAGA_PLAY_BEGIN_MS 1767254400000LL

/* One event and what came of it, as a record of the journal would hold it. */
struct saga_play_record {
    struct saga_event event;
    struct saga_facts facts;
    enum saga_status status; /* behind it, as what follows is */
    bool paused;
    const struct saga_timer *timers;
    size_t timer_count;
};

struct saga_play {
    const struct saga_definition *definition; /* not owned */
    struct saga_arena *arena;                 /* not owned: for records and what they refer to */
    struct saga_state *state;
    int64_t begin_ms, time_ms;
    int64_t offset; /* of the next event that comes from a topic */
    struct saga_play_record *records;
    size_t count, capacity;
};

/* Free it with saga_play_end. Definition and arena must outlive it. */
void saga_play_begin(struct saga_play *play, const struct saga_definition *definition,
                     int64_t begin_ms, struct saga_arena *arena);
void saga_play_end(struct saga_play *play);

/* Lets an event happen now: sets its time, and its position unless it is an alarm. What it refers to must live as
 * long as the arena. The record is valid until the next event. A forgotten saga takes only a start, which begins
 * another one; before the first start nothing else can happen: NULL then. */
const struct saga_play_record *saga_play_event(struct saga_play *play, struct saga_event event);

/* Notes an event down without deciding it. */
void saga_play_note(struct saga_play *play, struct saga_event event);

/* The alarm of an armed timer comes, not before it is due: the clock moves on to then. NULL if there is no such timer. */
const struct saga_play_record *saga_play_ring(struct saga_play *play, struct saga_slice timer);
/* The timer that is due first; one that is held does not ring. NULL: none. */
const struct saga_timer *saga_play_next_timer(const struct saga_play *play);

/* The start of the definition that counts for such an event, and its key: as the coordinator takes it from the topic.
 * `topic` may be absent: any. Errors: SAGA_E_NOT_FOUND (it starts nothing), SAGA_E_INVALID (an expression failed, or its
 * key is none): `*ret_message` says why, in `arena`. */
int saga_play_start(const struct saga_definition *definition, struct saga_slice topic,
                    struct saga_slice type, struct saga_slice body, struct saga_arena *arena,
                    const struct saga_start **ret_start, struct saga_slice *ret_key,
                    struct saga_slice *ret_message);

#endif
