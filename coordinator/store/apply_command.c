/* What a batch changed, as keys and arguments of apply.lua. Everything that removes comes before
 * everything that adds: a saga that was forgotten and started again within the batch is named
 * twice, leaving first. */
#include <string.h>

#include "store/layout.h"
#include "store/redis_internal.h"

struct builder {
    const char *prefix;
    const struct saga_apply *apply;
    struct saga_command keys;
    struct saga_command arguments;
    size_t step;      /* where the arguments of the step begin */
    size_t step_keys; /* how many keys there were before it */
};

/* An index that the batch changes, and the sagas that leave and enter it. */
struct index {
    struct saga_slice name, status;
    struct saga_command removed; /* ids */
    struct saga_command added;   /* scores and ids */
};

struct indexes {
    struct index *items;
    size_t count, capacity;
};

static void begin(struct builder *b, const char *command)
{
    saga_command_add_text(&b->arguments, command);
    saga_command_add(&b->arguments, SAGA_SLICE_NONE);
    saga_command_add(&b->arguments, SAGA_SLICE_NONE);
    b->step = b->arguments.count;
    b->step_keys = b->keys.count;
}

static void end(struct builder *b)
{
    struct saga_arena *arena = b->arguments.arena;
    size_t keys = b->keys.count - b->step_keys, count = b->arguments.count - b->step;
    if (keys == 0) {
        b->arguments.count = b->step - 3;
        return;
    }
    b->arguments.items[b->step - 2] = saga_arena_printf(arena, "%zu", keys);
    b->arguments.items[b->step - 1] = saga_arena_printf(arena, "%zu", count);
}

static void add_key(struct builder *b, const char *kind, struct saga_slice rest)
{
    saga_command_add(&b->keys,
                     saga_layout_key(b->keys.arena, b->prefix, b->apply->lane, kind, rest));
}

/* A step of one key with all that it takes. */
static void add_step(struct builder *b, const char *command, const char *kind,
                     struct saga_slice rest, const struct saga_command *arguments)
{
    if (arguments->count == 0) return;
    begin(b, command);
    add_key(b, kind, rest);
    saga_command_add_all(&b->arguments, arguments);
    end(b);
}

static bool leaves(const struct saga_state_write *write)
{
    return !write->timers_only && !write->state.data;
}

static bool stays(const struct saga_state_write *write)
{
    return !write->timers_only && write->state.data;
}

static void remove_sagas(struct builder *b)
{
    begin(b, "UNLINK");
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        if (!leaves(write)) continue;
        add_key(b, "state:", write->saga_id);
        add_key(b, "history:", write->saga_id);
    }
    end(b);
}

static void set_states(struct builder *b)
{
    begin(b, "SET");
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        if (!stays(write)) continue;
        add_key(b, "state:", write->saga_id);
        saga_command_add(&b->arguments, write->state);
    }
    end(b);
}

static void change_timers(struct builder *b)
{
    struct saga_arena *arena = b->keys.arena;
    struct saga_command removed, added;
    saga_command_init(&removed, arena);
    saga_command_init(&added, arena);
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        for (size_t t = 0; t < write->timers_removed_count; t++) {
            const struct saga_timer_write *timer = &write->timers_removed[t];
            saga_command_add(&removed,
                             saga_layout_timer(arena, write->saga_id, timer->name, timer->armed));
        }
        for (size_t t = 0; t < write->timers_added_count; t++) {
            const struct saga_timer_write *timer = &write->timers_added[t];
            saga_command_add_number(&added, timer->due_ms);
            saga_command_add(&added,
                             saga_layout_timer(arena, write->saga_id, timer->name, timer->armed));
        }
    }
    add_step(b, "ZREM", "timers", SAGA_SLICE_NONE, &removed);
    add_step(b, "ZADD", "timers", SAGA_SLICE_NONE, &added);
}

static struct index *find_index(struct indexes *indexes, struct saga_arena *arena,
                                struct saga_slice name, struct saga_slice status)
{
    for (size_t i = 0; i < indexes->count; i++) {
        struct index *index = &indexes->items[i];
        if (saga_slice_equal(index->status, status) && saga_slice_equal(index->name, name))
            return index;
    }
    struct index fresh = { .name = name, .status = status };
    saga_command_init(&fresh.removed, arena);
    saga_command_init(&fresh.added, arena);
    SAGA_PUSH(arena, indexes->items, indexes->count, indexes->capacity, fresh);
    return &indexes->items[indexes->count - 1];
}

static void change_indexes(struct builder *b)
{
    struct saga_arena *arena = b->keys.arena;
    struct indexes indexes = { 0 };
    struct saga_command known;
    saga_command_init(&known, arena);
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        struct saga_slice before = write->status_before, after = write->status_after;
        if (write->timers_only || (before.data && after.data && saga_slice_equal(before, after)))
            continue;
        if (before.data)
            saga_command_add(&find_index(&indexes, arena, write->name, before)->removed,
                             write->saga_id);
        if (!after.data) continue;
        struct index *entered = find_index(&indexes, arena, write->name, after);
        saga_command_add_number(&entered->added, write->changed_ms);
        saga_command_add(&entered->added, write->saga_id);
    }
    for (size_t i = 0; i < indexes.count; i++) {
        struct index *index = &indexes.items[i];
        struct saga_slice label = saga_layout_index(arena, index->name, index->status);
        add_step(b, "ZREM", "index:", label, &index->removed);
        add_step(b, "ZADD", "index:", label, &index->added);
        if (index->added.count) saga_command_add(&known, label);
    }
    add_step(b, "SADD", "indexes", SAGA_SLICE_NONE, &known);
}

static void change_search(struct builder *b, const char *command,
                          bool (*concerned)(const struct saga_state_write *write))
{
    begin(b, command);
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        if (!concerned(write)) continue;
        for (size_t v = 0; v < write->search_count; v++) {
            add_key(b, "search:", write->search[v]);
            saga_command_add(&b->arguments, write->saga_id);
        }
    }
    end(b);
}

static void add_history(struct builder *b)
{
    begin(b, "RPUSH");
    for (size_t i = 0; i < b->apply->write_count; i++) {
        const struct saga_state_write *write = &b->apply->writes[i];
        if (!stays(write)) continue;
        for (size_t h = 0; h < write->history_count; h++) {
            add_key(b, "history:", write->saga_id);
            saga_command_add_number(&b->arguments, write->history[h]);
        }
    }
    end(b);
}

void saga_redis_apply_command(struct saga_command *command, const char *prefix, const char *hash,
                              const struct saga_apply *apply)
{
    struct builder b = { .prefix = prefix, .apply = apply };
    saga_command_init(&b.keys, command->arena);
    saga_command_init(&b.arguments, command->arena);
    add_key(&b, "lane", SAGA_SLICE_NONE);
    add_key(&b, "timers", SAGA_SLICE_NONE);
    saga_command_add(&b.arguments, apply->journal);
    saga_command_add_number(&b.arguments, apply->expected);
    saga_command_add_number(&b.arguments, apply->applied);
    saga_command_add(&b.arguments, apply->chain);
    saga_command_add(&b.arguments, apply->owner);
    saga_command_add_number(&b.arguments, apply->now_ms);
    remove_sagas(&b);
    set_states(&b);
    change_timers(&b);
    change_indexes(&b);
    change_search(&b, "SREM", leaves);
    change_search(&b, "SADD", stays);
    add_history(&b);
    saga_command_add_text(command, "EVALSHA");
    saga_command_add_text(command, hash);
    saga_command_add_number(command, (int64_t)b.keys.count);
    saga_command_add_all(command, &b.keys);
    saga_command_add_all(command, &b.arguments);
}
