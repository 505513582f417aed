#include "definition/compare.h"

#include <string.h>

#include "base/buffer.h"
#include "base/time.h"
#include "definition/schedule.h"

enum { FIELDS_MAX = 32, TEXT_BYTES_SHOWN = 200 };

struct field {
    const char *name;
    struct saga_slice text; /* absent: not said */
};

/* What a place says, field by field. */
struct fields {
    struct saga_arena *arena;
    struct field items[FIELDS_MAX];
    size_t count;
};

/* One of the two versions. */
struct side {
    const struct saga_definition *definition;
    struct saga_slice *identities;    /* by block: what tells it apart in both versions */
    const struct saga_block **others; /* by block: the same in the other version, or NULL */
};

struct comparing {
    struct saga_arena *arena;
    struct side before, after;
    struct saga_change *items;
    size_t count, capacity;
};

/* ---- fields as texts ---- */

static void put(struct fields *f, const char *name, struct saga_slice text)
{
    if (f->count < FIELDS_MAX) f->items[f->count++] = (struct field){ name, text };
}

static void put_expression(struct fields *f, const char *name,
                           const struct saga_expression *expression)
{
    put(f, name, expression ? saga_expression_source(expression) : SAGA_SLICE_NONE);
}

static void put_duration(struct fields *f, const char *name, int64_t ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (ms) saga_duration_format(ms, text);
    put(f, name, ms ? saga_arena_printf(f->arena, "%s", text) : SAGA_SLICE_NONE);
}

static void put_names(struct fields *f, const char *name, const struct saga_names *names)
{
    struct saga_buffer out;
    saga_buffer_init(&out, f->arena);
    for (size_t i = 0; i < names->count; i++)
        saga_buffer_printf(&out, "%s%.*s", i ? ", " : "", SAGA_SLICE_ARG(names->items[i]));
    put(f, name, names->count ? saga_buffer_slice(&out) : SAGA_SLICE_NONE);
}

static void put_number(struct fields *f, const char *name, uint32_t number)
{
    put(f, name, saga_arena_printf(f->arena, "%u", number));
}

static void put_flag(struct fields *f, const char *name, bool flag)
{
    put(f, name, flag ? SAGA_SLICE("true") : SAGA_SLICE_NONE);
}

static void put_retry(struct fields *f, const char *name, const struct saga_retry *retry)
{
    struct saga_buffer out;
    saga_buffer_init(&out, f->arena);
    char backoff[SAGA_TIME_TEXT_BYTES], max[SAGA_TIME_TEXT_BYTES];
    saga_duration_format(retry->backoff_ms, backoff);
    saga_duration_format(retry->max_ms, max);
    saga_buffer_printf(&out, "attempts %u, backoff %s, factor %g, max %s, jitter %s, on",
                       retry->attempts, backoff, retry->factor, max,
                       retry->jitter ? "true" : "false");
    for (size_t i = 0; i < retry->on.count; i++)
        saga_buffer_printf(&out, " %.*s", SAGA_SLICE_ARG(retry->on.items[i]));
    put(f, name, saga_buffer_slice(&out));
}

static struct saga_slice sent(struct fields *f, const struct saga_command *command)
{
    return saga_arena_printf(f->arena, "%.*s/%.*s", SAGA_SLICE_ARG(command->participant->name),
                             SAGA_SLICE_ARG(command->type));
}

static void put_step(struct fields *f, const struct saga_step *step)
{
    const struct saga_compensate *undo = &step->compensate;
    bool command = undo->kind == SAGA_COMPENSATE_COMMAND;
    put(f, "send", sent(f, &step->command));
    put_expression(f, "body", step->command.body);
    put_names(f, "success", &step->success);
    put_names(f, "failure", &step->failure);
    put_duration(f, "timeout", step->timeout_ms);
    put_retry(f, "retry", &step->retry);
    put_expression(f, "keep", step->keep);
    put_flag(f, "pivot", step->pivot);
    put_flag(f, "unknown: by-key", step->unknown_by_key);
    put(f, "compensate",
        command                              ? sent(f, &undo->command)
        : undo->kind == SAGA_COMPENSATE_NONE ? SAGA_SLICE("none")
                                             : SAGA_SLICE_NONE);
    if (!command) return;
    put_expression(f, "compensate.body", undo->command.body);
    put_expression(f, "compensate.unknown-body", undo->unknown_body);
    put_names(f, "compensate.success", &undo->success);
    put_names(f, "compensate.failure", &undo->failure);
    put_duration(f, "compensate.timeout", undo->timeout_ms);
    put_retry(f, "compensate.retry", &undo->retry);
}

static void put_await(struct fields *f, const struct saga_await *await)
{
    put(f, "topic", await->topic);
    put(f, "event", await->event);
    put_expression(f, "type", await->type);
    put_expression(f, "match", await->match);
    put_expression(f, "with", await->with);
    put_expression(f, "keep", await->keep);
    put_duration(f, "timeout", await->timeout_ms);
    put_duration(f, "keep-early", await->keep_early_ms);
    put(f, "from",
        await->from == SAGA_BEGIN_EARLIEST ? SAGA_SLICE("earliest") : SAGA_SLICE("latest"));
}

static void put_child(struct fields *f, const struct saga_child *child)
{
    put(f, "saga", child->saga);
    put_expression(f, "key", child->key);
    put_expression(f, "input", child->input);
    put_expression(f, "keep", child->keep);
}

static void put_publish(struct fields *f, const struct saga_publish *publish)
{
    put(f, "publish",
        publish->present ? saga_arena_printf(f->arena, "%.*s/%.*s", SAGA_SLICE_ARG(publish->topic),
                                             SAGA_SLICE_ARG(publish->event))
                         : SAGA_SLICE_NONE);
    put_expression(f, "body", publish->body);
}

static void put_set(struct fields *f, const struct saga_set *set)
{
    struct saga_buffer out;
    saga_buffer_init(&out, f->arena);
    for (size_t i = 0; i < set->count; i++)
        saga_buffer_printf(&out, "%s%.*s: %.*s", i ? ", " : "", SAGA_SLICE_ARG(set->items[i].name),
                           SAGA_SLICE_ARG(saga_expression_source(set->items[i].value)));
    put(f, "set", saga_buffer_slice(&out));
}

/* The conditions or names of the branches. */
static void put_branches(struct fields *f, const struct saga_block *block, const char *name)
{
    struct saga_buffer out;
    saga_buffer_init(&out, f->arena);
    for (size_t i = 0; i < block->branch_count; i++) {
        const struct saga_branch *branch = &block->branches[i];
        struct saga_slice text = branch->name.size ? branch->name
                                 : branch->when    ? saga_expression_source(branch->when)
                                                   : SAGA_SLICE("else");
        saga_buffer_printf(&out, "%s%.*s", i ? " | " : "", SAGA_SLICE_ARG(text));
    }
    put(f, name, block->branch_count ? saga_buffer_slice(&out) : SAGA_SLICE_NONE);
}

static void put_block(struct fields *f, const struct saga_block *block)
{
    switch (block->kind) {
    case SAGA_BLOCK_STEP:
        put_step(f, &block->step);
        put_branches(f, block, "catch");
        return;
    case SAGA_BLOCK_AWAIT:
        put_await(f, &block->await);
        put(f, "on-timeout", block->branch_count ? SAGA_SLICE("blocks") : SAGA_SLICE("compensate"));
        return;
    case SAGA_BLOCK_CHILD:
        put_child(f, &block->child);
        put_branches(f, block, "catch");
        return;
    case SAGA_BLOCK_SET: put_set(f, &block->set); return;
    case SAGA_BLOCK_PUBLISH: put_publish(f, &block->publish); return;
    case SAGA_BLOCK_WAIT:
        put_duration(f, "wait", block->wait.duration_ms);
        put_expression(f, "wait-until", block->wait.until);
        return;
    case SAGA_BLOCK_FAIL:
        put(f, "type", block->fail.type);
        put(f, "message", block->fail.message);
        return;
    case SAGA_BLOCK_CHOOSE: put_branches(f, block, "when"); return;
    case SAGA_BLOCK_PARALLEL: put_branches(f, block, "branches"); return;
    case SAGA_BLOCK_FOR_EACH:
        put(f, "item", block->for_each.item);
        put_expression(f, "in", block->for_each.in);
        put_number(f, "at-once", block->for_each.at_once);
        return;
    case SAGA_BLOCK_REPEAT:
        put_expression(f, "until", block->repeat.until);
        put_number(f, "at-most", block->repeat.at_most);
        return;
    case SAGA_BLOCK_KIND_COUNT: return;
    }
}

static void put_start(struct fields *f, const struct saga_start *start)
{
    bool scheduled = saga_start_is_scheduled(start), earliest = start->from == SAGA_BEGIN_EARLIEST;
    const char *from = earliest ? "earliest" : "latest";
    const char *missed = start->missed == SAGA_MISSED_SKIP ? "skip" : "run-once";
    put(f, "topic", start->topic);
    put(f, "event", start->event);
    put_expression(f, "key", start->key);
    put_expression(f, "when", start->when);
    put_expression(f, "type", start->type);
    put(f, "from", scheduled ? SAGA_SLICE_NONE : saga_slice_of(from));
    put_duration(f, "every", start->every_ms);
    put(f, "cron", start->cron ? saga_schedule_text(start->cron) : SAGA_SLICE_NONE);
    put(f, "zone", start->cron ? saga_schedule_zone(start->cron) : SAGA_SLICE_NONE);
    put(f, "missed", scheduled ? saga_slice_of(missed) : SAGA_SLICE_NONE);
}

static void put_participant(struct fields *f, const struct saga_participant *participant)
{
    put(f, "commands", participant->commands);
    put(f, "replies", participant->replies);
    put_number(f, "format", participant->format);
    put_expression(f, "correlate", participant->correlate);
    put_expression(f, "type", participant->type);
}

static void put_saga(struct fields *f, const struct saga_definition *d)
{
    put_duration(f, "deadline", d->deadline_ms);
    put_duration(f, "keep", d->keep_ms);
    for (size_t i = 0; i < d->search_count; i++)
        put_expression(
            f, saga_arena_printf(f->arena, "search.%.*s", SAGA_SLICE_ARG(d->search[i].name)).data,
            d->search[i].value);
    for (size_t i = 0; i < d->redact_count; i++)
        put(f, saga_arena_printf(f->arena, "redact %.*s", SAGA_SLICE_ARG(d->redact[i].path)).data,
            SAGA_SLICE("redacted"));
}

/* ---- changes ---- */

static struct saga_change *add(struct comparing *c, const char *kind, struct saga_slice place,
                               const struct saga_block *block)
{
    SAGA_PUSH(c->arena, c->items, c->count, c->capacity,
              (struct saga_change){ .kind = kind, .place = place, .block = block });
    return &c->items[c->count - 1];
}

static const struct field *field_of(const struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0) return &f->items[i];
    return NULL;
}

static void add_field(struct comparing *c, struct saga_slice place, const struct saga_block *block,
                      const char *name, struct saga_slice before, struct saga_slice after)
{
    struct saga_change *change = add(c, "changed", place, block);
    change->what = saga_slice_of(name);
    change->before = saga_slice_clip(before, TEXT_BYTES_SHOWN);
    change->after = saga_slice_clip(after, TEXT_BYTES_SHOWN);
}

static void compare_fields(struct comparing *c, struct saga_slice place,
                           const struct saga_block *block, const struct fields *before,
                           const struct fields *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct field *one = &before->items[i], *two = field_of(after, one->name);
        struct saga_slice text = two ? two->text : SAGA_SLICE_NONE;
        if (!saga_slice_equal(one->text, text))
            add_field(c, place, block, one->name, one->text, text);
    }
    for (size_t i = 0; i < after->count; i++)
        if (!field_of(before, after->items[i].name) && after->items[i].text.size)
            add_field(c, place, block, after->items[i].name, SAGA_SLICE_NONE, after->items[i].text);
}

/* ---- blocks ---- */

static const struct saga_block_list *list_around(const struct saga_definition *d,
                                                 const struct saga_block *block)
{
    return block->parent ? &block->parent->branches[block->branch].blocks : &d->root;
}

/* The word of a label like wait#4; of a named block what it is. */
static struct saga_slice word_of(const struct saga_block *block)
{
    static const char *const named[] = {
        [SAGA_BLOCK_STEP] = "step", [SAGA_BLOCK_AWAIT] = "await", [SAGA_BLOCK_CHILD] = "saga"
    };
    if (saga_block_is_named(block)) return saga_slice_of(named[block->kind]);
    const char *end = memchr(block->label.data, '#', block->label.size);
    return (struct saga_slice){ block->label.data,
                                end ? (size_t)(end - block->label.data) : block->label.size };
}

/* What tells a block apart in both versions: its name; else where it stands and the how-manieth of its kind it is there. The
 * block around it comes before it. */
static struct saga_slice identify(const struct side *side, const struct saga_block *block,
                                  struct saga_arena *arena)
{
    const struct saga_block_list *list = list_around(side->definition, block);
    struct saga_slice around = block->parent ? side->identities[block->parent->id] : SAGA_SLICE("");
    size_t number = 1;
    if (saga_block_is_named(block))
        return saga_arena_printf(arena, "step %.*s", SAGA_SLICE_ARG(block->label));
    for (size_t i = 0; i < list->count && list->items[i] != block; i++)
        number += saga_slice_equal(word_of(list->items[i]), word_of(block));
    return saga_arena_printf(arena, "%.*s %zu of branch %u of (%.*s)",
                             SAGA_SLICE_ARG(word_of(block)), number, block->branch + 1,
                             SAGA_SLICE_ARG(around));
}

static struct side make_side(const struct saga_definition *d, struct saga_arena *arena)
{
    struct side side = { d, SAGA_NEW_ARRAY(arena, struct saga_slice, d->block_count),
                         SAGA_NEW_ARRAY(arena, const struct saga_block *, d->block_count) };
    for (size_t i = 0; i < d->block_count; i++)
        side.identities[i] = identify(&side, d->blocks[i], arena);
    return side;
}

static void match(struct side *one, struct side *two)
{
    for (size_t i = 0; i < one->definition->block_count; i++)
        for (size_t j = 0; j < two->definition->block_count; j++) {
            const struct saga_block *a = one->definition->blocks[i],
                                    *b = two->definition->blocks[j];
            if (a->kind != b->kind || !saga_slice_equal(one->identities[i], two->identities[j]))
                continue;
            one->others[i] = b;
            two->others[j] = a;
        }
}

static struct saga_slice place_of(struct comparing *c, const struct saga_block *block)
{
    return saga_block_is_named(block)
               ? saga_arena_printf(c->arena, "%.*s %.*s", SAGA_SLICE_ARG(word_of(block)),
                                   SAGA_SLICE_ARG(block->label))
               : saga_arena_printf(c->arena, "%.*s on line %u", SAGA_SLICE_ARG(word_of(block)),
                                   block->position.line);
}

/* The nearest block before it in its list that the other version has too; NULL: none. */
static const struct saga_block *before_it(const struct side *side, const struct saga_block *block)
{
    const struct saga_block_list *list = list_around(side->definition, block);
    const struct saga_block *last = NULL;
    for (size_t i = 0; i < list->count && list->items[i] != block; i++)
        if (side->others[list->items[i]->id]) last = list->items[i];
    return last;
}

static bool is_moved(const struct comparing *c, const struct saga_block *one,
                     const struct saga_block *two)
{
    const struct saga_block *around = one->parent ? c->before.others[one->parent->id] : NULL,
                            *earlier = before_it(&c->before, one);
    if (!one->parent != !two->parent || around != two->parent || one->branch != two->branch)
        return true;
    return (earlier ? c->before.others[earlier->id] : NULL) != before_it(&c->after, two);
}

static void compare_block(struct comparing *c, const struct saga_block *one)
{
    struct saga_slice place = place_of(c, one);
    const struct saga_block *two = c->before.others[one->id];
    struct fields before = { .arena = c->arena }, after = { .arena = c->arena };
    if (!two) {
        add(c, "removed", place, one);
        return;
    }
    if (is_moved(c, one, two)) add(c, "moved", place, one);
    put_block(&before, one);
    put_block(&after, two);
    compare_fields(c, place, one, &before, &after);
}

static void find_new_blocks(struct comparing *c)
{
    const struct saga_definition *d = c->after.definition;
    for (size_t i = 0; i < d->block_count; i++)
        if (!c->after.others[i]) add(c, "added", place_of(c, d->blocks[i]), NULL);
}

/* ---- the rest ---- */

static void compare_starts(struct comparing *c)
{
    size_t count = c->before.definition->start_count > c->after.definition->start_count
                       ? c->before.definition->start_count
                       : c->after.definition->start_count;
    for (size_t i = 0; i < count; i++) {
        struct fields before = { .arena = c->arena }, after = { .arena = c->arena };
        struct saga_slice place =
            count > 1 ? saga_arena_printf(c->arena, "start %zu", i + 1) : SAGA_SLICE("start");
        if (i >= c->before.definition->start_count) {
            add(c, "added", place, NULL);
        } else if (i >= c->after.definition->start_count) {
            add(c, "removed", place, NULL);
        } else {
            put_start(&before, &c->before.definition->starts[i]);
            put_start(&after, &c->after.definition->starts[i]);
            compare_fields(c, place, NULL, &before, &after);
        }
    }
}

static const struct saga_participant *participant_of(const struct saga_definition *d,
                                                     struct saga_slice name)
{
    for (size_t i = 0; i < d->participant_count; i++)
        if (saga_slice_equal(d->participants[i].name, name)) return &d->participants[i];
    return NULL;
}

static void compare_participants(struct comparing *c)
{
    for (size_t i = 0; i < c->before.definition->participant_count; i++) {
        const struct saga_participant *one = &c->before.definition->participants[i],
                                      *two = participant_of(c->after.definition, one->name);
        struct fields before = { .arena = c->arena }, after = { .arena = c->arena };
        struct saga_slice place =
            saga_arena_printf(c->arena, "participant %.*s", SAGA_SLICE_ARG(one->name));
        if (!two) {
            add(c, "removed", place, NULL);
            continue;
        }
        put_participant(&before, one);
        put_participant(&after, two);
        compare_fields(c, place, NULL, &before, &after);
    }
    for (size_t i = 0; i < c->after.definition->participant_count; i++)
        if (!participant_of(c->before.definition, c->after.definition->participants[i].name))
            add(c, "added",
                saga_arena_printf(c->arena, "participant %.*s",
                                  SAGA_SLICE_ARG(c->after.definition->participants[i].name)),
                NULL);
}

static void compare_event(struct comparing *c, const char *place, const struct saga_publish *one,
                          const struct saga_publish *two)
{
    struct fields before = { .arena = c->arena }, after = { .arena = c->arena };
    put_publish(&before, one);
    put_publish(&after, two);
    compare_fields(c, saga_slice_of(place), NULL, &before, &after);
}

void saga_definition_compare(const struct saga_definition *before,
                             const struct saga_definition *after, struct saga_arena *arena,
                             struct saga_change **ret, size_t *ret_count)
{
    struct comparing c = { .arena = arena,
                           .before = make_side(before, arena),
                           .after = make_side(after, arena) };
    struct fields one = { .arena = arena }, two = { .arena = arena };
    match(&c.before, &c.after);
    compare_participants(&c);
    compare_starts(&c);
    put_saga(&one, before);
    put_saga(&two, after);
    compare_fields(&c, SAGA_SLICE("saga"), NULL, &one, &two);
    for (size_t i = 0; i < before->block_count; i++) compare_block(&c, before->blocks[i]);
    find_new_blocks(&c);
    compare_event(&c, "on-completed", &before->on_completed, &after->on_completed);
    compare_event(&c, "on-compensated", &before->on_compensated, &after->on_compensated);
    *ret = c.items;
    *ret_count = c.count;
}
