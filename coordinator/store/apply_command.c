/* What a batch changed, as one transaction of Redis: the states, and apply.lua with the rest.
 * Everything that removes comes before everything that adds: a saga that was forgotten and
 * started again within the batch is named twice, leaving first. */
#include <string.h>

#include "base/error.h"
#include "store/layout.h"
#include "store/redis_internal.h"

extern const char saga_lua_apply[];

/* Redis 6.2 closes the connection at more items of one command (7.0 does no longer). */
#define ITEMS_MAX (1024 * 1024)

struct builder {
    struct saga_slice lane; /* what every key of the lane begins with */
    const struct saga_apply *apply;
    struct saga_apply_wires *wires;
    struct saga_arena *arena;
    size_t step;      /* where the arguments of the step begin */
    size_t step_keys; /* how many keys there were before it */
};

typedef bool concerned_fn(const struct saga_state_write *write);

static bool leaves(const struct saga_state_write *write)
{
    return !write->timers_only && !write->state.data;
}

static bool stays(const struct saga_state_write *write)
{
    return !write->timers_only && write->state.data;
}

static size_t count_writes(const struct saga_apply *apply, concerned_fn *concerned)
{
    size_t count = 0;
    for (size_t i = 0; i < apply->write_count; i++) count += concerned(&apply->writes[i]);
    return count;
}

/* ---- beside the script ---- */

typedef void add_fn(const struct builder *b, struct saga_wire *wire,
                    const struct saga_state_write *write);

/* One command for all sagas concerned, of each of which it takes two items. Nothing where there are none. */
static int add_command(const struct builder *b, struct saga_transaction *t,
                       struct saga_slice command, concerned_fn *concerned, add_fn *add)
{
    size_t count = count_writes(b->apply, concerned), items = 1 + 2 * count;
    if (count == 0) return SAGA_OK;
    if (items > ITEMS_MAX) return SAGA_E_LIMIT;
    saga_wire_begin(&t->wire, items);
    saga_wire_add(&t->wire, command);
    for (size_t i = 0; i < b->apply->write_count; i++)
        if (concerned(&b->apply->writes[i])) add(b, &t->wire, &b->apply->writes[i]);
    t->queued++;
    return SAGA_OK;
}

static void add_keys(const struct builder *b, struct saga_wire *wire,
                     const struct saga_state_write *write)
{
    saga_wire_add_joined(wire, b->lane, SAGA_SLICE("state:"), write->saga_id);
    saga_wire_add_joined(wire, b->lane, SAGA_SLICE("history:"), write->saga_id);
}

static void add_state(const struct builder *b, struct saga_wire *wire,
                      const struct saga_state_write *write)
{
    saga_wire_add_joined(wire, b->lane, SAGA_SLICE("state:"), write->saga_id);
    saga_wire_add(wire, write->state);
}

/* ---- the script's steps ---- */

static void begin(struct builder *b)
{
    b->step = b->wires->arguments.items;
    b->step_keys = b->wires->keys.items;
}

static void end(struct builder *b, struct saga_slice command)
{
    struct saga_wire *steps = &b->wires->steps;
    size_t keys = b->wires->keys.items - b->step_keys;
    if (keys == 0) return;
    saga_wire_add(steps, command);
    saga_wire_add_number(steps, (int64_t)keys);
    saga_wire_add_number(steps, (int64_t)(b->wires->arguments.items - b->step));
}

static void add_key(struct builder *b, struct saga_slice kind, struct saga_slice rest)
{
    saga_wire_add_joined(&b->wires->keys, b->lane, kind, rest);
}

/* A step of one key with all that it takes: nothing is done where it takes nothing. */
static void end_with_key(struct builder *b, struct saga_slice command, struct saga_slice kind,
                         struct saga_slice rest)
{
    if (b->wires->arguments.items == b->step) return;
    add_key(b, kind, rest);
    end(b, command);
}

static void add_timer(struct builder *b, struct saga_slice id, const struct saga_timer_write *timer)
{
    char head[SAGA_LAYOUT_TIMER_HEAD];
    saga_wire_add_joined(&b->wires->arguments, saga_layout_timer_head(head, timer->armed, id.size),
                         id, timer->name);
}

static void change_timers(struct builder *b)
{
    begin(b);
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        for (size_t t = 0; t < write->timers_removed_count; t++)
            add_timer(b, write->saga_id, &write->timers_removed[t]);
    }
    end_with_key(b, SAGA_SLICE("ZREM"), SAGA_SLICE("timers"), SAGA_SLICE_NONE);
    begin(b);
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        for (size_t t = 0; t < write->timers_added_count; t++) {
            saga_wire_add_number(&b->wires->arguments, write->timers_added[t].due_ms);
            add_timer(b, write->saga_id, &write->timers_added[t]);
        }
    }
    end_with_key(b, SAGA_SLICE("ZADD"), SAGA_SLICE("timers"), SAGA_SLICE_NONE);
}

/* Sagas that enter an index or leave it. */
struct movers {
    const struct saga_state_write **items;
    size_t count, capacity;
};

/* An index that the batch changes. */
struct index {
    struct saga_slice name, status;
    struct movers removed, added;
};

struct indexes {
    struct index *items;
    size_t count, capacity;
};

static struct index *find_index(struct indexes *indexes, struct saga_arena *arena,
                                struct saga_slice name, struct saga_slice status)
{
    for (size_t i = 0; i < indexes->count; i++) {
        struct index *index = &indexes->items[i];
        if (saga_slice_equal(index->status, status) && saga_slice_equal(index->name, name))
            return index;
    }
    struct index fresh = { .name = name, .status = status };
    SAGA_PUSH(arena, indexes->items, indexes->count, indexes->capacity, fresh);
    return &indexes->items[indexes->count - 1];
}

static void move(struct movers *movers, struct saga_arena *arena,
                 const struct saga_state_write *write)
{
    SAGA_PUSH(arena, movers->items, movers->count, movers->capacity, write);
}

static struct indexes find_indexes(struct builder *b)
{
    struct indexes indexes = { 0 };
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        struct saga_slice before = write->status_before, after = write->status_after;
        if (write->timers_only || (before.data && after.data && saga_slice_equal(before, after)))
            continue;
        if (before.data)
            move(&find_index(&indexes, b->arena, write->name, before)->removed, b->arena, write);
        if (after.data)
            move(&find_index(&indexes, b->arena, write->name, after)->added, b->arena, write);
    }
    return indexes;
}

static void change_indexes(struct builder *b)
{
    struct saga_wire *arguments = &b->wires->arguments;
    struct indexes indexes = find_indexes(b);
    for (size_t i = 0; i < indexes.count; i++) {
        struct index *index = &indexes.items[i];
        struct saga_slice label = saga_layout_index(b->arena, index->name, index->status);
        begin(b);
        for (size_t m = 0; m < index->removed.count; m++)
            saga_wire_add(arguments, index->removed.items[m]->saga_id);
        end_with_key(b, SAGA_SLICE("ZREM"), SAGA_SLICE("index:"), label);
        begin(b);
        for (size_t m = 0; m < index->added.count; m++) {
            saga_wire_add_number(arguments, index->added.items[m]->changed_ms);
            saga_wire_add(arguments, index->added.items[m]->saga_id);
        }
        end_with_key(b, SAGA_SLICE("ZADD"), SAGA_SLICE("index:"), label);
    }
    begin(b);
    for (size_t i = 0; i < indexes.count; i++)
        if (indexes.items[i].added.count)
            saga_wire_add(arguments, saga_layout_index(b->arena, indexes.items[i].name,
                                                       indexes.items[i].status));
    end_with_key(b, SAGA_SLICE("SADD"), SAGA_SLICE("indexes"), SAGA_SLICE_NONE);
}

static void change_search(struct builder *b, struct saga_slice command, concerned_fn *concerned)
{
    begin(b);
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        if (!concerned(write)) continue;
        for (size_t v = 0; v < write->search_count; v++) {
            add_key(b, SAGA_SLICE("search:"), write->search[v]);
            saga_wire_add(&b->wires->arguments, write->saga_id);
        }
    }
    end(b, command);
}

/* As many of a saga's entries as one call of the script takes. */
static void add_entries(struct builder *b, const struct saga_state_write *write)
{
    enum { ENTRIES_MAX = 1000 };
    for (size_t from = 0; from < write->history_count; from += ENTRIES_MAX) {
        size_t rest = write->history_count - from;
        size_t count = rest < ENTRIES_MAX ? rest : ENTRIES_MAX;
        add_key(b, SAGA_SLICE("history:"), write->saga_id);
        saga_wire_add_number(&b->wires->arguments, (int64_t)count);
        for (size_t i = 0; i < count; i++)
            saga_wire_add_number(&b->wires->arguments, write->history[from + i]);
    }
}

static void add_history(struct builder *b)
{
    begin(b);
    for (size_t i = 0; i < b->apply->write_count; i++)
        if (stays(&b->apply->writes[i])) add_entries(b, &b->apply->writes[i]);
    end(b, SAGA_SLICE("RPUSH"));
}

/* ---- the whole ---- */

static int run_script(struct builder *b, struct saga_transaction *t)
{
    enum { SCRIPT_ITEMS = 3, LANE_ITEMS = 7 };
    struct saga_apply_wires *w = b->wires;
    const struct saga_apply *apply = b->apply;
    size_t items = SCRIPT_ITEMS + w->keys.items + LANE_ITEMS + w->steps.items + w->arguments.items;
    if (items > ITEMS_MAX) return SAGA_E_LIMIT;
    saga_wire_begin(&t->wire, items);
    saga_wire_add(&t->wire, SAGA_SLICE("EVAL"));
    saga_wire_add_text(&t->wire, saga_lua_apply);
    saga_wire_add_number(&t->wire, (int64_t)w->keys.items);
    saga_wire_add_wire(&t->wire, &w->keys);
    saga_wire_add(&t->wire, apply->journal);
    saga_wire_add_number(&t->wire, apply->expected);
    saga_wire_add_number(&t->wire, apply->applied);
    saga_wire_add(&t->wire, apply->chain);
    saga_wire_add(&t->wire, apply->owner);
    saga_wire_add_number(&t->wire, apply->now_ms);
    saga_wire_add_number(&t->wire, (int64_t)(w->steps.items / 3));
    saga_wire_add_wire(&t->wire, &w->steps);
    saga_wire_add_wire(&t->wire, &w->arguments);
    t->queued++;
    return SAGA_OK;
}

static void make_steps(struct builder *b)
{
    saga_wire_clear(&b->wires->keys);
    saga_wire_clear(&b->wires->steps);
    saga_wire_clear(&b->wires->arguments);
    add_key(b, SAGA_SLICE("lane"), SAGA_SLICE_NONE);
    add_key(b, SAGA_SLICE("timers"), SAGA_SLICE_NONE);
    change_timers(b);
    change_indexes(b);
    change_search(b, SAGA_SLICE("SREM"), leaves);
    change_search(b, SAGA_SLICE("SADD"), stays);
    add_history(b);
}

static void add_word(struct saga_wire *wire, struct saga_slice word)
{
    saga_wire_begin(wire, 1);
    saga_wire_add(wire, word);
}

int saga_redis_apply_transaction(struct saga_transaction *t, struct saga_apply_wires *wires,
                                 struct saga_arena *arena, const char *prefix,
                                 const struct saga_apply *apply)
{
    struct builder b = { .apply = apply, .wires = wires, .arena = arena };
    b.lane = saga_layout_key(arena, prefix, apply->lane, "", SAGA_SLICE_NONE);
    saga_wire_clear(&t->wire);
    t->queued = 0;
    make_steps(&b);
    add_word(&t->wire, SAGA_SLICE("MULTI"));
    int error = add_command(&b, t, SAGA_SLICE("UNLINK"), leaves, add_keys);
    if (error == SAGA_OK) error = add_command(&b, t, SAGA_SLICE("MSET"), stays, add_state);
    if (error == SAGA_OK) error = run_script(&b, t);
    add_word(&t->wire, SAGA_SLICE("EXEC"));
    return error;
}
