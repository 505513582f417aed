/* What a batch changed, as one transaction of Redis: the states, the lists and counts of the tables that rise, and apply.lua with
 * the rest.
 * Everything that removes comes before everything that adds: a saga that was forgotten and
 * started again within the batch is named twice, leaving first. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
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

/* What becomes more, a command each: Redis is done with it sooner than Lua with its arguments. */
static void add_increments(const struct builder *b, struct saga_transaction *t)
{
    enum { HINCRBY_ITEMS = 4 };
    for (size_t i = 0; i < b->apply->sum_count; i++) {
        const struct saga_tally_sum *sum = &b->apply->sums[i];
        if (sum->by <= 0) continue;
        saga_wire_begin(&t->wire, HINCRBY_ITEMS);
        saga_wire_add(&t->wire, SAGA_SLICE("HINCRBY"));
        saga_wire_add_joined(&t->wire, b->lane, saga_tally_table_name(sum->table), SAGA_SLICE_NONE);
        saga_wire_add(&t->wire, sum->field);
        saga_wire_add_number(&t->wire, sum->by);
        t->queued++;
    }
}

static void add_member(struct saga_wire *wire, const struct saga_tally_member *member, bool text)
{
    char head[SAGA_LAYOUT_ERROR_HEAD];
    if (text)
        saga_wire_add_joined(wire, saga_layout_error_head(head, member->id.size), member->id,
                             member->text);
    else
        saga_wire_add(wire, member->id);
}

/* Sagas that leave a list of the tables, or come into it. In the sorted ones they stand by time. */
static int move_members(const struct builder *b, struct saga_transaction *t,
                        const struct saga_tally_sum *sum, const struct saga_tally_member *members,
                        size_t count, bool enter)
{
    char room[SAGA_LAYOUT_LIST_KIND];
    bool sorted = sum->table == SAGA_TALLY_ERRORS, timed = sorted && enter;
    size_t items = 2 + count * (timed ? 2 : 1);
    if (count == 0) return SAGA_OK;
    if (items > ITEMS_MAX) return SAGA_E_LIMIT;
    saga_wire_begin(&t->wire, items);
    if (enter)
        saga_wire_add(&t->wire, sorted ? SAGA_SLICE("ZADD") : SAGA_SLICE("SADD"));
    else
        saga_wire_add(&t->wire, sorted ? SAGA_SLICE("ZREM") : SAGA_SLICE("SREM"));
    saga_wire_add_joined(&t->wire, b->lane, saga_layout_list_kind(room, sum->table), sum->field);
    for (size_t i = 0; i < count; i++) {
        if (timed) saga_wire_add_number(&t->wire, members[i].changed_ms);
        add_member(&t->wire, &members[i], sorted);
    }
    t->queued++;
    return SAGA_OK;
}

static int change_lists(const struct builder *b, struct saga_transaction *t)
{
    const struct saga_tally_sum *sums = b->apply->sums;
    int error = SAGA_OK;
    for (size_t i = 0; i < b->apply->sum_count && error == SAGA_OK; i++)
        error = move_members(b, t, &sums[i], sums[i].left, sums[i].left_count, false);
    for (size_t i = 0; i < b->apply->sum_count && error == SAGA_OK; i++)
        error = move_members(b, t, &sums[i], sums[i].entered, sums[i].entered_count, true);
    return error;
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
    uint32_t version;
    struct movers removed, added;
};

struct indexes {
    struct index *items;
    size_t count, capacity;
};

static struct index *find_index(struct indexes *indexes, struct saga_arena *arena,
                                const struct saga_state_write *write, struct saga_slice status)
{
    for (size_t i = 0; i < indexes->count; i++) {
        struct index *index = &indexes->items[i];
        if (index->version == write->version && saga_slice_equal(index->status, status) &&
            saga_slice_equal(index->name, write->name))
            return index;
    }
    struct index fresh = { .name = write->name, .status = status, .version = write->version };
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
            move(&find_index(&indexes, b->arena, write, before)->removed, b->arena, write);
        if (after.data) move(&find_index(&indexes, b->arena, write, after)->added, b->arena, write);
    }
    return indexes;
}

static void add_sum(struct builder *b, struct saga_slice field, int64_t by)
{
    saga_wire_add(&b->wires->arguments, field);
    saga_wire_add_number(&b->wires->arguments, by);
}

static void change_indexes(struct builder *b)
{
    struct saga_wire *arguments = &b->wires->arguments;
    struct indexes indexes = find_indexes(b);
    struct saga_slice *labels = SAGA_NEW_ARRAY(b->arena, struct saga_slice, indexes.count);
    for (size_t i = 0; i < indexes.count; i++) {
        struct index *index = &indexes.items[i];
        labels[i] = saga_layout_index(b->arena, index->name, index->version, index->status);
        begin(b);
        for (size_t m = 0; m < index->removed.count; m++)
            saga_wire_add(arguments, index->removed.items[m]->saga_id);
        end_with_key(b, SAGA_SLICE("ZREM"), SAGA_SLICE("index:"), labels[i]);
        begin(b);
        for (size_t m = 0; m < index->added.count; m++) {
            saga_wire_add_number(arguments, index->added.items[m]->changed_ms);
            saga_wire_add(arguments, index->added.items[m]->saga_id);
        }
        end_with_key(b, SAGA_SLICE("ZADD"), SAGA_SLICE("index:"), labels[i]);
    }
    begin(b);
    for (size_t i = 0; i < indexes.count; i++) {
        int64_t by =
            (int64_t)indexes.items[i].added.count - (int64_t)indexes.items[i].removed.count;
        if (by) add_sum(b, labels[i], by);
    }
    end_with_key(b, SAGA_SLICE("HINCRBY"), saga_tally_table_name(SAGA_TALLY_COUNTS),
                 SAGA_SLICE_NONE);
}

/* What becomes less: a field that comes to 0 goes. */
static void take_sums_away(struct builder *b, enum saga_tally_table table)
{
    begin(b);
    for (size_t i = 0; i < b->apply->sum_count; i++)
        if (b->apply->sums[i].table == table && b->apply->sums[i].by < 0)
            add_sum(b, b->apply->sums[i].field, b->apply->sums[i].by);
    end_with_key(b, SAGA_SLICE("HINCRBY"), saga_tally_table_name(table), SAGA_SLICE_NONE);
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

/* ---- what operators said ---- */

static void add_operations(struct builder *b)
{
    struct saga_wire *arguments = &b->wires->arguments;
    char room[SAGA_LAYOUT_OPERATION_HEAD];
    begin(b);
    for (size_t i = 0; i < b->apply->operation_count; i++) {
        const struct saga_operation_write *operation = &b->apply->operations[i];
        saga_wire_add_number(arguments, operation->time_ms);
        saga_wire_add_joined(arguments, saga_layout_operation_head(room, operation->offset),
                             operation->entry, SAGA_SLICE_NONE);
    }
    end_with_key(b, SAGA_SLICE("ZADD"), SAGA_SLICE("operations"), SAGA_SLICE_NONE);
    begin(b);
    saga_wire_add_number(arguments, 0);
    saga_wire_add_number(arguments, -(int64_t)SAGA_OPERATIONS_MAX - 1);
    end_with_key(b, SAGA_SLICE("ZREMRANGEBYRANK"), SAGA_SLICE("operations"), SAGA_SLICE_NONE);
}

/* With each apply: a Redis that went back may stand where it stood, and not know it any more. */
static void begin_log(struct builder *b)
{
    char room[SAGA_LAYOUT_LOG_BEGIN];
    begin(b);
    saga_wire_add(&b->wires->arguments, SAGA_SLICE("operations"));
    saga_wire_add(&b->wires->arguments,
                  saga_layout_log_begin(room, b->apply->log_from, b->apply->log_from_ms));
    end_with_key(b, b->apply->log_is_known ? SAGA_SLICE("HSET") : SAGA_SLICE("HSETNX"),
                 SAGA_SLICE("lane"), SAGA_SLICE_NONE);
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
    take_sums_away(b, SAGA_TALLY_STEPS);
    take_sums_away(b, SAGA_TALLY_ERRORS);
    take_sums_away(b, SAGA_TALLY_DURATIONS);
    change_search(b, SAGA_SLICE("SREM"), leaves);
    change_search(b, SAGA_SLICE("SADD"), stays);
    add_history(b);
    if (b->apply->operation_count) add_operations(b);
    begin_log(b);
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
    if (error == SAGA_OK) error = change_lists(&b, t);
    if (error == SAGA_OK) add_increments(&b, t);
    if (error == SAGA_OK) error = run_script(&b, t);
    add_word(&t->wire, SAGA_SLICE("EXEC"));
    return error;
}
