#include "runtime/lane_heads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct place {
    struct saga_lane_head head;
    int64_t noted;                                  /* the offset that was, if any was */
    char noted_journal[SAGA_JOURNAL_ID_DIGITS + 1]; /* empty: none was */
    bool moved;                                     /* since */
};

struct saga_lane_heads {
    uint32_t lanes;
    int64_t every_ms;
    pthread_mutex_t lock; /* of the places */
    struct place *places; /* by lane */
};

struct saga_lane_heads *saga_lane_heads_new(uint32_t lanes, int64_t every_ms)
{
    struct saga_lane_heads *heads = saga_memory_zeroed(1, sizeof *heads);
    heads->lanes = lanes;
    heads->every_ms = every_ms;
    heads->places = saga_memory_zeroed(lanes, sizeof *heads->places);
    pthread_mutex_init(&heads->lock, NULL);
    return heads;
}

void saga_lane_heads_free(struct saga_lane_heads *heads)
{
    if (!heads) return;
    pthread_mutex_destroy(&heads->lock);
    free(heads->places);
    free(heads);
}

int64_t saga_lane_heads_every_ms(const struct saga_lane_heads *heads)
{
    return heads->every_ms;
}

static void look_whether_moved(struct place *place)
{
    place->moved = place->noted != place->head.offset ||
                   strcmp(place->noted_journal, place->head.journal) != 0;
}

void saga_lane_heads_offer(struct saga_lane_heads *heads, const struct saga_lane_head *head)
{
    pthread_mutex_lock(&heads->lock);
    struct place *place = &heads->places[head->lane];
    place->head = *head;
    look_whether_moved(place);
    pthread_mutex_unlock(&heads->lock);
}

size_t saga_lane_heads_take(struct saga_lane_heads *heads, struct saga_lane_head *ret, size_t most)
{
    size_t count = 0;
    pthread_mutex_lock(&heads->lock);
    for (uint32_t lane = 0; lane < heads->lanes && count < most; lane++)
        if (heads->places[lane].moved) ret[count++] = heads->places[lane].head;
    pthread_mutex_unlock(&heads->lock);
    return count;
}

void saga_lane_heads_note(struct saga_lane_heads *heads, const struct saga_lane_head *noted,
                          size_t count)
{
    pthread_mutex_lock(&heads->lock);
    for (size_t i = 0; i < count; i++) {
        struct place *place = &heads->places[noted[i].lane];
        place->noted = noted[i].offset;
        memcpy(place->noted_journal, noted[i].journal, sizeof noted[i].journal);
        look_whether_moved(place);
    }
    pthread_mutex_unlock(&heads->lock);
}
