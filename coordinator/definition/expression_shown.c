#include "definition/expression_shown.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"

/* A member of the value that the place around it has. */
struct place {
    struct saga_slice name;
    jv key;               /* the same: jq counts its uses and keeps its hash */
    struct places *inner; /* NULL: all of it is shown */
};

struct places {
    struct place *items;
    size_t count, capacity;
    struct saga_slice *names, *values; /* of the items, for one pass over an object */
};

struct saga_shown {
    struct saga_arena arena;
    bool whole;
    struct places top;
};

/* ---- the tree ---- */

static struct place *place_for(struct saga_shown *shown, struct places *places,
                               struct saga_slice name)
{
    for (size_t i = 0; i < places->count; i++)
        if (saga_slice_equal(places->items[i].name, name)) return &places->items[i];
    struct place place = { name, jv_string_sized(name.data, (int)name.size), NULL };
    SAGA_PUSH(&shown->arena, places->items, places->count, places->capacity, place);
    return &places->items[places->count - 1];
}

static void add_read(struct saga_shown *shown, const struct saga_read *read)
{
    struct places *places = &shown->top;
    for (size_t i = 0; i < read->count; i++) {
        struct place *place = place_for(shown, places, read->names[i]);
        if (i + 1 < read->count && !place->inner)
            place->inner = SAGA_NEW(&shown->arena, struct places);
        places = place->inner;
    }
}

static void prepare(struct saga_shown *shown, struct places *places)
{
    places->names = SAGA_NEW_ARRAY(&shown->arena, struct saga_slice, places->count);
    places->values = SAGA_NEW_ARRAY(&shown->arena, struct saga_slice, places->count);
    for (size_t i = 0; i < places->count; i++) {
        places->names[i] = places->items[i].name;
        if (places->items[i].inner) prepare(shown, places->items[i].inner);
    }
}

struct saga_shown *saga_shown_new(const struct saga_reads *reads)
{
    struct saga_shown *shown = saga_memory_zeroed(1, sizeof *shown);
    saga_arena_init(&shown->arena);
    shown->whole = reads->whole;
    for (size_t i = 0; i < reads->count && !reads->whole; i++)
        if (!reads->items[i].covered) add_read(shown, &reads->items[i]);
    prepare(shown, &shown->top);
    return shown;
}

static void free_keys(struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        jv_free(places->items[i].key);
        if (places->items[i].inner) free_keys(places->items[i].inner);
    }
}

void saga_shown_free(struct saga_shown *shown)
{
    if (!shown) return;
    free_keys(&shown->top);
    saga_arena_free(&shown->arena);
    free(shown);
}

/* ---- the value ---- */

static jv parse(struct saga_numbers *numbers, struct saga_slice json)
{
    return json.data ? saga_numbers_parse(numbers, json) : jv_null();
}

static jv show(const struct places *places, struct saga_slice json, struct saga_numbers *numbers);

static jv show_place(const struct place *place, struct saga_slice json,
                     struct saga_numbers *numbers)
{
    return place->inner ? show(place->inner, json, numbers) : parse(numbers, json);
}

/* What is no object is shown as it is, for jq to say so. */
static jv show(const struct places *places, struct saga_slice json, struct saga_numbers *numbers)
{
    if (!json.data || !saga_json_members(json, places->names, places->count, places->values))
        return parse(numbers, json);
    jv object = jv_object();
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->items[i];
        if (places->values[i].data)
            object = jv_object_set(object, jv_copy(place->key),
                                   show_place(place, places->values[i], numbers));
    }
    return object;
}

static jv show_steps(const struct saga_bindings *bindings, struct saga_numbers *numbers)
{
    jv steps = jv_object();
    for (size_t i = 0; i < bindings->step_count; i++) {
        const struct saga_binding *step = &bindings->steps[i];
        steps = jv_object_set(steps, jv_string_sized(step->name.data, (int)step->name.size),
                              parse(numbers, step->json));
    }
    return steps;
}

static jv show_some_steps(const struct places *steps, const struct saga_bindings *bindings,
                          struct saga_numbers *numbers)
{
    jv object = jv_object();
    for (size_t i = 0; i < steps->count; i++) {
        const struct place *step = &steps->items[i];
        object = jv_object_set(object, jv_copy(step->key),
                               show_place(step, saga_bindings_step(bindings, step->name), numbers));
    }
    return object;
}

static jv show_member(const struct place *place, const struct saga_bindings *bindings,
                      struct saga_numbers *numbers)
{
    if (!saga_slice_is(place->name, saga_member_names[SAGA_MEMBER_STEPS]))
        return show_place(place, saga_bindings_member(bindings, place->name), numbers);
    return place->inner ? show_some_steps(place->inner, bindings, numbers)
                        : show_steps(bindings, numbers);
}

static jv show_all(const struct saga_bindings *bindings, struct saga_numbers *numbers)
{
    jv object = jv_object();
    object = jv_object_set(object, jv_string(saga_member_names[SAGA_MEMBER_STEPS]),
                           show_steps(bindings, numbers));
    for (int i = SAGA_MEMBER_STEPS + 1; i < SAGA_MEMBER_COUNT; i++) {
        const char *name = saga_member_names[i];
        struct saga_slice json = saga_bindings_member(bindings, saga_slice_of(name));
        object = jv_object_set(object, jv_string(name), parse(numbers, json));
    }
    return object;
}

jv saga_shown_make(const struct saga_shown *shown, const struct saga_bindings *bindings,
                   struct saga_numbers *numbers)
{
    if (bindings->root.data)
        return shown->whole ? parse(numbers, bindings->root)
                            : show(&shown->top, bindings->root, numbers);
    if (shown->whole) return show_all(bindings, numbers);
    jv object = jv_object();
    for (size_t i = 0; i < shown->top.count; i++) {
        const struct place *place = &shown->top.items[i];
        object = jv_object_set(object, jv_copy(place->key), show_member(place, bindings, numbers));
    }
    return object;
}
