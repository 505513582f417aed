#include "operate/json_diff.h"

#include "base/json.h"

struct diff {
    struct saga_arena *arena;
    struct saga_json_change *items;
    size_t count, capacity;
};

/* A member, or an element: by its name as written, or by its place. */
struct entry {
    struct saga_slice name; /* absent: by its place */
    size_t place;
    struct saga_slice value;
};

static struct saga_slice name_of_element(struct saga_slice value)
{
    struct saga_json_walk walk;
    struct saga_slice member, name;
    if (saga_json_kind(value) != SAGA_JSON_OBJECT) return SAGA_SLICE_NONE;
    saga_json_walk_init(&walk, value);
    if (!saga_json_walk_next(&walk, &member, &name)) return SAGA_SLICE_NONE;
    return saga_json_kind(name) == SAGA_JSON_STRING ? saga_json_trim(name) : SAGA_SLICE_NONE;
}

static bool next(struct saga_json_walk *walk, bool named, struct entry *entry)
{
    bool there = saga_json_walk_next(walk, &entry->name, &entry->value);
    if (there && named && !walk->object) entry->name = name_of_element(entry->value);
    return there;
}

static bool find(struct saga_slice json, bool named, const struct entry *wanted,
                 struct saga_slice *ret)
{
    struct saga_json_walk walk;
    struct entry entry = { .place = 0 };
    saga_json_walk_init(&walk, json);
    for (; next(&walk, named, &entry); entry.place++) {
        bool same = wanted->name.data ? saga_slice_equal(entry.name, wanted->name)
                                      : !entry.name.data && entry.place == wanted->place;
        if (!same) continue;
        *ret = entry.value;
        return true;
    }
    return false;
}

static struct saga_slice path_of(struct diff *d, struct saga_slice path, bool object,
                                 const struct entry *entry)
{
    struct saga_slice name = SAGA_SLICE_NONE;
    if (!entry->name.data)
        return saga_arena_printf(d->arena, "%.*s[%zu]", SAGA_SLICE_ARG(path), entry->place);
    if (saga_json_text(entry->name, d->arena, &name) < 0) name = entry->name;
    if (!object)
        return saga_arena_printf(d->arena, "%.*s[%.*s]", SAGA_SLICE_ARG(path),
                                 SAGA_SLICE_ARG(name));
    return saga_arena_printf(d->arena, "%.*s%s%.*s", SAGA_SLICE_ARG(path), path.size ? "." : "",
                             SAGA_SLICE_ARG(name));
}

static void add(struct diff *d, struct saga_slice path, struct saga_slice before,
                struct saga_slice after)
{
    SAGA_PUSH(d->arena, d->items, d->count, d->capacity,
              (struct saga_json_change){ path, before, after });
}

static void compare(struct diff *d, struct saga_slice path, unsigned depth,
                    struct saga_slice before, struct saga_slice after);

static void compare_entries(struct diff *d, struct saga_slice path, unsigned depth,
                            struct saga_slice before, struct saga_slice after)
{
    bool object = saga_json_kind(before) == SAGA_JSON_OBJECT, named = depth == 1;
    struct saga_json_walk walk;
    struct entry entry = { .place = 0 };
    struct saga_slice other;
    saga_json_walk_init(&walk, before);
    for (; next(&walk, named, &entry); entry.place++) {
        struct saga_slice place = path_of(d, path, object, &entry);
        if (find(after, named, &entry, &other))
            compare(d, place, depth + 1, entry.value, other);
        else
            add(d, place, entry.value, SAGA_SLICE_NONE);
    }
    saga_json_walk_init(&walk, after);
    for (entry.place = 0; next(&walk, named, &entry); entry.place++)
        if (!find(before, named, &entry, &other))
            add(d, path_of(d, path, object, &entry), SAGA_SLICE_NONE, entry.value);
}

static void compare(struct diff *d, struct saga_slice path, unsigned depth,
                    struct saga_slice before, struct saga_slice after)
{
    enum saga_json_kind kind = saga_json_kind(before);
    if (saga_slice_equal(saga_json_trim(before), saga_json_trim(after))) return;
    if (kind == saga_json_kind(after) && (kind == SAGA_JSON_OBJECT || kind == SAGA_JSON_ARRAY))
        compare_entries(d, path, depth, before, after);
    else
        add(d, path, before, after);
}

void saga_json_diff(struct saga_slice before, struct saga_slice after, struct saga_arena *arena,
                    struct saga_json_change **ret, size_t *ret_count)
{
    struct diff d = { .arena = arena };
    compare(&d, SAGA_SLICE_NONE, 0, before, after);
    *ret = d.items;
    *ret_count = d.count;
}
