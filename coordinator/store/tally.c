#include "store/tally.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/table.h"
#include "store/wire.h"

struct list {
    struct saga_tally_member *items;
    size_t count, capacity;
};

struct saga_tally_entry {
    UT_hash_handle hh;
    enum saga_tally_table table;
    struct saga_slice field;
    int64_t by;
    struct list left, entered;
};

struct saga_slice saga_tally_table_name(enum saga_tally_table table)
{
    static const struct saga_slice names[SAGA_TALLY_TABLE_COUNT] = {
        [SAGA_TALLY_COUNTS] = { "counts", 6 },
        [SAGA_TALLY_STEPS] = { "steps", 5 },
        [SAGA_TALLY_ERRORS] = { "errors", 6 },
        [SAGA_TALLY_DURATIONS] = { "durations", 9 },
    };
    SAGA_ASSERT(table < SAGA_TALLY_TABLE_COUNT);
    return names[table];
}

bool saga_tally_has_lists(enum saga_tally_table table)
{
    return table == SAGA_TALLY_STEPS || table == SAGA_TALLY_ERRORS;
}

void saga_tally_init(struct saga_tally *tally, struct saga_arena *arena)
{
    *tally = (struct saga_tally){ .arena = arena };
}

void saga_tally_free(struct saga_tally *tally)
{
    HASH_CLEAR(hh, tally->entries);
}

/* ---- writing ---- */

/* A field that is being written. By hand, as there are some for each event. */
struct writing {
    char *at;
};

static void put(struct writing *w, struct saga_slice text)
{
    if (text.size) memcpy(w->at, text.data, text.size);
    w->at += text.size;
}

static void put_number(struct writing *w, uint64_t number)
{
    char digits[SAGA_WIRE_DIGITS];
    put(w, saga_wire_digits(digits, number));
}

static void put_char(struct writing *w, char c)
{
    *w->at++ = c;
}

/* The same field in two tables are two entries: what tells them apart stands in front. */
static struct saga_tally_entry *add(struct saga_tally *tally, enum saga_tally_table table,
                                    char *key, size_t size, int64_t by)
{
    struct saga_tally_entry *entry;
    key[0] = (char)('0' + table);
    HASH_FIND(hh, tally->entries, key, size, entry);
    if (!entry) {
        const char *copy = saga_arena_copy(tally->arena, (struct saga_slice){ key, size }).data;
        entry = SAGA_NEW(tally->arena, struct saga_tally_entry);
        *entry =
            (struct saga_tally_entry){ .table = table, .field = { copy + 1, size - 1 }, .by = by };
        HASH_ADD_KEYPTR(hh, tally->entries, copy, size, entry);
    } else {
        entry->by += by;
    }
    return entry;
}

static size_t room_for(const struct saga_tally_place *place)
{
    return 1 + place->name.size + 1 + SAGA_WIRE_DIGITS + 1 + place->word.size + 1 +
           SAGA_WIRE_DIGITS + 1 + place->step.size;
}

static void put_place(struct writing *w, const struct saga_tally_place *place)
{
    w->at++;
    put(w, place->name);
    put_char(w, '@');
    put_number(w, place->version);
    put_char(w, ':');
    put(w, place->word);
}

static void put_step(struct writing *w, const struct saga_tally_place *place)
{
    if (!place->step.data) return;
    put_char(w, ':');
    put(w, place->step);
}

static struct saga_tally_entry *count(struct saga_tally *tally, enum saga_tally_table table,
                                      const struct saga_tally_place *place, int64_t by)
{
    char room[512], *key = room;
    SAGA_ASSERT((table == SAGA_TALLY_STEPS) == (place->step.data != NULL));
    if (room_for(place) > sizeof room) key = saga_arena_take(tally->arena, room_for(place));
    struct writing w = { key };
    put_place(&w, place);
    put_step(&w, place);
    return add(tally, table, key, (size_t)(w.at - key), by);
}

void saga_tally_count(struct saga_tally *tally, const struct saga_tally_place *place, int64_t by)
{
    (void)count(tally, SAGA_TALLY_COUNTS, place, by);
}

void saga_tally_enter(struct saga_tally *tally, enum saga_tally_table table,
                      const struct saga_tally_place *place, const struct saga_tally_member *member)
{
    struct list *list = &count(tally, table, place, 1)->entered;
    SAGA_PUSH(tally->arena, list->items, list->count, list->capacity, *member);
}

void saga_tally_leave(struct saga_tally *tally, enum saga_tally_table table,
                      const struct saga_tally_place *place, const struct saga_tally_member *member)
{
    struct list *list = &count(tally, table, place, -1)->left;
    SAGA_PUSH(tally->arena, list->items, list->count, list->capacity, *member);
}

void saga_tally_took(struct saga_tally *tally, const struct saga_tally_place *place, int64_t ms,
                     int64_t by)
{
    char room[512], *key = room;
    if (room_for(place) > sizeof room) key = saga_arena_take(tally->arena, room_for(place));
    struct writing w = { key };
    put_place(&w, place);
    put_char(&w, ':');
    put_number(&w, saga_histogram_bucket(ms));
    put_step(&w, place);
    add(tally, SAGA_TALLY_DURATIONS, key, (size_t)(w.at - key), by);
}

struct saga_tally_sum *saga_tally_sums(const struct saga_tally *tally, size_t *ret_count)
{
    struct saga_tally_sum *sums =
        SAGA_NEW_ARRAY(tally->arena, struct saga_tally_sum, HASH_COUNT(tally->entries));
    size_t count = 0;
    for (const struct saga_tally_entry *e = tally->entries; e; e = e->hh.next)
        if (e->by || e->left.count || e->entered.count)
            sums[count++] = (struct saga_tally_sum){ .table = e->table,
                                                     .field = e->field,
                                                     .by = e->by,
                                                     .left = e->left.items,
                                                     .left_count = e->left.count,
                                                     .entered = e->entered.items,
                                                     .entered_count = e->entered.count };
    *ret_count = count;
    return sums;
}

/* ---- reading ---- */

/* What stands before the next `end`, or all; `*rest` is what is behind it. */
static struct saga_slice take_part(struct saga_slice *rest, char end, bool *ret_ended)
{
    const char *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;
    struct saga_slice part = { rest->data, at ? (size_t)(at - rest->data) : rest->size };
    *ret_ended = at != NULL;
    *rest = saga_slice_skip(*rest, part.size + (at != NULL));
    return part;
}

int saga_tally_read(enum saga_tally_table table, struct saga_slice field,
                    struct saga_tally_place *ret, unsigned *ret_bucket)
{
    struct saga_tally_place place = { 0 };
    struct saga_slice rest = field, digits;
    unsigned long long version, bucket = 0;
    bool more;
    place.name = take_part(&rest, '@', &more);
    if (!more) return SAGA_E_INVALID;
    digits = take_part(&rest, ':', &more);
    if (!more || saga_slice_to_u64(digits, &version) < 0 || version > UINT32_MAX)
        return SAGA_E_INVALID;
    place.version = (uint32_t)version;
    place.word = take_part(&rest, ':', &more);
    if (table == SAGA_TALLY_DURATIONS) {
        if (!more) return SAGA_E_INVALID;
        digits = take_part(&rest, ':', &more);
        if (saga_slice_to_u64(digits, &bucket) < 0 || bucket >= SAGA_HISTOGRAM_BUCKETS)
            return SAGA_E_INVALID;
        *ret_bucket = (unsigned)bucket;
    }
    if (more != (table == SAGA_TALLY_STEPS) && table != SAGA_TALLY_DURATIONS) return SAGA_E_INVALID;
    if (more) place.step = rest;
    *ret = place;
    return SAGA_OK;
}
