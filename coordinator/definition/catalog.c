#include "definition/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"

struct saga_catalog {
    struct saga_definition **items; /* sorted by name, then version */
    size_t count, capacity;
    const struct saga_schemas *schemas;
    struct saga_arena topics_arena;
    struct saga_catalog_topic *topics; /* sorted by name */
    size_t topic_count, topic_capacity;
    bool topics_known;
};

int saga_catalog_new(struct saga_catalog **ret)
{
    *ret = saga_memory_zeroed(1, sizeof **ret);
    saga_arena_init(&(*ret)->topics_arena);
    return SAGA_OK;
}

void saga_catalog_free(struct saga_catalog *catalog)
{
    if (!catalog) return;
    for (size_t i = 0; i < catalog->count; i++) saga_definition_free(catalog->items[i]);
    saga_arena_free(&catalog->topics_arena);
    free(catalog->items);
    free(catalog);
}

/* Place of a name and version, or where it belongs. */
static bool place_of(const struct saga_catalog *catalog, struct saga_slice name, uint32_t version,
                     size_t *ret)
{
    size_t low = 0, high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct saga_definition *there = catalog->items[middle];
        int order = saga_slice_compare(there->name, name);
        if (order == 0) order = (there->version > version) - (there->version < version);
        if (order == 0) {
            *ret = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return false;
}

int saga_catalog_add(struct saga_catalog *catalog, struct saga_definition *definition)
{
    size_t place;
    if (place_of(catalog, definition->name, definition->version, &place)) {
        bool same = strcmp(catalog->items[place]->sha256, definition->sha256) == 0;
        saga_definition_free(definition);
        return same ? SAGA_OK : SAGA_E_CONFLICT;
    }
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity ? 2 * catalog->capacity : 16;
        catalog->items =
            saga_memory_grow(catalog->items, catalog->capacity * sizeof *catalog->items);
    }
    memmove(catalog->items + place + 1, catalog->items + place,
            (catalog->count - place) * sizeof *catalog->items);
    catalog->items[place] = definition;
    definition->schemas = catalog->schemas;
    catalog->count++;
    catalog->topics_known = false;
    return SAGA_OK;
}

void saga_catalog_use_schemas(struct saga_catalog *catalog, const struct saga_schemas *schemas)
{
    catalog->schemas = schemas;
    for (size_t i = 0; i < catalog->count; i++) catalog->items[i]->schemas = schemas;
}

const struct saga_schemas *saga_catalog_schemas(const struct saga_catalog *catalog)
{
    return catalog->schemas;
}

struct saga_definition *saga_catalog_find(const struct saga_catalog *catalog,
                                          struct saga_slice name, uint32_t version)
{
    size_t place;
    return place_of(catalog, name, version, &place) ? catalog->items[place] : NULL;
}

struct saga_definition *saga_catalog_newest(const struct saga_catalog *catalog,
                                            struct saga_slice name)
{
    size_t place;
    if (place_of(catalog, name, UINT32_MAX, &place)) return catalog->items[place];
    bool there = place > 0 && saga_slice_equal(catalog->items[place - 1]->name, name);
    return there ? catalog->items[place - 1] : NULL;
}

size_t saga_catalog_count(const struct saga_catalog *catalog)
{
    return catalog->count;
}

struct saga_definition *saga_catalog_at(const struct saga_catalog *catalog, size_t index)
{
    SAGA_ASSERT(index < catalog->count);
    return catalog->items[index];
}

/* ---- topics ---- */

struct adding {
    struct saga_catalog *catalog;
    const struct saga_definition *definition;
    bool newest;
};

/* Does the definition say that the topic is begun at its beginning? */
static bool is_begun_earliest(const struct saga_definition *definition, struct saga_slice topic,
                              bool starts, bool awaits)
{
    for (size_t i = 0; starts && i < definition->start_count; i++)
        if (saga_slice_equal(definition->starts[i].topic, topic) &&
            definition->starts[i].from == SAGA_BEGIN_EARLIEST)
            return true;
    for (size_t i = 0; awaits && i < definition->block_count; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (block->kind == SAGA_BLOCK_AWAIT && saga_slice_equal(block->await.topic, topic) &&
            block->await.from == SAGA_BEGIN_EARLIEST)
            return true;
    }
    return false;
}

static void add_topic(struct saga_slice topic, enum saga_topic_use use, void *context)
{
    struct adding *adding = context;
    struct saga_catalog *catalog = adding->catalog;
    bool starts = use == SAGA_TOPIC_STARTS && adding->newest, replies = use == SAGA_TOPIC_REPLIES,
         awaits = use == SAGA_TOPIC_AWAITED;
    bool earliest = replies || is_begun_earliest(adding->definition, topic, starts, awaits);
    size_t i = 0;
    if (!starts && !replies && !awaits) return;
    while (i < catalog->topic_count && saga_slice_compare(catalog->topics[i].topic, topic) < 0) i++;
    if (i == catalog->topic_count || !saga_slice_equal(catalog->topics[i].topic, topic)) {
        SAGA_PUSH(&catalog->topics_arena, catalog->topics, catalog->topic_count,
                  catalog->topic_capacity, (struct saga_catalog_topic){ 0 });
        memmove(catalog->topics + i + 1, catalog->topics + i,
                (catalog->topic_count - 1 - i) * sizeof *catalog->topics);
        catalog->topics[i] =
            (struct saga_catalog_topic){ .topic = topic, .from = SAGA_BEGIN_LATEST };
    }
    catalog->topics[i].starts |= starts;
    catalog->topics[i].replies |= replies;
    catalog->topics[i].awaits |= awaits;
    if (earliest) catalog->topics[i].from = SAGA_BEGIN_EARLIEST;
}

static void find_topics(struct saga_catalog *catalog)
{
    saga_arena_reset(&catalog->topics_arena);
    catalog->topics = NULL;
    catalog->topic_count = catalog->topic_capacity = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        struct adding adding = { catalog, catalog->items[i], false };
        adding.newest = saga_catalog_newest(catalog, catalog->items[i]->name) == catalog->items[i];
        saga_definition_topics(catalog->items[i], add_topic, &adding);
    }
    catalog->topics_known = true;
}

size_t saga_catalog_topics(struct saga_catalog *catalog, const struct saga_catalog_topic **ret)
{
    if (!catalog->topics_known) find_topics(catalog);
    *ret = catalog->topics;
    return catalog->topic_count;
}

const struct saga_catalog_topic *saga_catalog_topic(struct saga_catalog *catalog,
                                                    struct saga_slice topic)
{
    const struct saga_catalog_topic *topics;
    size_t count = saga_catalog_topics(catalog, &topics);
    for (size_t i = 0; i < count; i++)
        if (saga_slice_equal(topics[i].topic, topic)) return &topics[i];
    return NULL;
}
