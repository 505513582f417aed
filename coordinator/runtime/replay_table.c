#include "runtime/replay_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

/* A saga stands in its hash's place, or in the next one behind it that is nobody's: at least half of them are. */
enum { FIRST_PLACES = 1024, PLACES_EACH = 2 };

uint32_t saga_replay_hash(struct saga_slice id)
{
    return saga_murmur2(id);
}

static size_t next_place(const struct saga_replay_table *table, size_t place)
{
    return (place + 1) & (table->place_count - 1);
}

const struct saga_replay_place *saga_replay_table_place(const struct saga_replay_table *table,
                                                        uint32_t hash)
{
    return &table->places[hash & (table->place_count - 1)];
}

static bool is_called(const struct saga_replayed *saga, struct saga_slice id)
{
    return saga->id_size == id.size && memcmp(saga->id, id.data, id.size) == 0;
}

struct saga_replayed *saga_replay_table_find(const struct saga_replay_table *table,
                                             struct saga_slice id, uint32_t hash)
{
    if (table->count == 0) return NULL;
    size_t place = hash & (table->place_count - 1);
    for (; table->places[place].saga; place = next_place(table, place))
        if (table->places[place].hash == hash && is_called(table->places[place].saga, id))
            return table->places[place].saga;
    return NULL;
}

static void put(struct saga_replay_table *table, struct saga_replay_place item)
{
    size_t place = item.hash & (table->place_count - 1);
    while (table->places[place].saga) place = next_place(table, place);
    table->places[place] = item;
}

static void grow(struct saga_replay_table *table)
{
    struct saga_replay_table larger = {
        .place_count = table->place_count ? 2 * table->place_count : FIRST_PLACES,
        .count = table->count,
    };
    larger.places = saga_memory_zeroed(larger.place_count, sizeof *larger.places);
    for (size_t i = 0; i < table->place_count; i++)
        if (table->places[i].saga) put(&larger, table->places[i]);
    free(table->places);
    *table = larger;
}

struct saga_replayed *saga_replay_table_add(struct saga_replay_table *table, struct saga_slice id,
                                            uint32_t hash)
{
    struct saga_replayed *saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    if (id.size) memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    if (PLACES_EACH * (table->count + 1) > table->place_count) grow(table);
    put(table, (struct saga_replay_place){ hash, saga });
    table->count++;
    return saga;
}

static void free_saga(struct saga_replayed *saga)
{
    saga_resting_set(&saga->at, NULL);
    free(saga);
}

/* Those behind it come nearer to their places, so that none is looked for beyond one that is empty. */
static void close_up(struct saga_replay_table *table, size_t empty)
{
    for (size_t i = next_place(table, empty); table->places[i].saga; i = next_place(table, i)) {
        size_t wanted = table->places[i].hash & (table->place_count - 1);
        size_t moved = (i - wanted) & (table->place_count - 1);
        size_t gap = (i - empty) & (table->place_count - 1);
        if (moved < gap) continue;
        table->places[empty] = table->places[i];
        empty = i;
    }
    table->places[empty] = (struct saga_replay_place){ 0 };
}

void saga_replay_table_remove(struct saga_replay_table *table, struct saga_replayed *saga)
{
    uint32_t hash = saga_replay_hash((struct saga_slice){ saga->id, saga->id_size });
    size_t place = hash & (table->place_count - 1);
    while (table->places[place].saga != saga) {
        SAGA_ASSERT(table->places[place].saga);
        place = next_place(table, place);
    }
    close_up(table, place);
    table->count--;
    free_saga(saga);
}

void saga_replay_table_free(struct saga_replay_table *table)
{
    for (size_t i = 0; i < table->place_count; i++)
        if (table->places[i].saga) free_saga(table->places[i].saga);
    free(table->places);
    *table = (struct saga_replay_table){ 0 };
}

struct saga_replayed *saga_replay_table_next(const struct saga_replay_table *table, size_t *place)
{
    while (*place < table->place_count) {
        struct saga_replayed *saga = table->places[(*place)++].saga;
        if (saga) return saga;
    }
    return NULL;
}
