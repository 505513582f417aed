/* What is counted and kept of the sagas that part: by class, step and difference, with some examples each. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/limits.h"
#include "runtime/what_if_internal.h"

static const char *const class_names[SAGA_WHAT_IF_CLASS_COUNT] = {
    [SAGA_WHAT_IF_SAME] = "same",
    [SAGA_WHAT_IF_ENDED_OTHERWISE] = "ended-otherwise",
    [SAGA_WHAT_IF_OTHER_COMMANDS] = "other-commands",
    [SAGA_WHAT_IF_STUCK] = "stuck",
    [SAGA_WHAT_IF_UNHANDLED] = "unhandled-event",
    [SAGA_WHAT_IF_OTHER_TIME] = "other-time",
    [SAGA_WHAT_IF_NOT_STARTED] = "not-started",
    [SAGA_WHAT_IF_NOT_JUDGED] = "not-judged",
};

const char *saga_what_if_class_name(enum saga_what_if_class class)
{
    SAGA_ASSERT(class < SAGA_WHAT_IF_CLASS_COUNT);
    return class_names[class];
}

enum saga_what_if_class saga_what_if_class_of(struct saga_slice name)
{
    int class = 0;
    while (class < SAGA_WHAT_IF_CLASS_COUNT && !saga_slice_is(name, class_names[class])) class ++;
    return (enum saga_what_if_class) class;
}

static bool is_group(const struct saga_what_if_group *group, enum saga_what_if_class class,
                     struct saga_slice step, struct saga_slice what)
{
    return group->class == class && saga_slice_equal(group->step, step) &&
           saga_slice_equal(group->what, what);
}

static struct saga_what_if_group *find_or_add(struct saga_what_if_groups *groups,
                                              enum saga_what_if_class class, struct saga_slice step,
                                              struct saga_slice what)
{
    for (size_t i = 0; i < groups->count; i++)
        if (is_group(groups->items[i], class, step, what)) return groups->items[i];
    struct saga_what_if_group *group = SAGA_NEW(&groups->arena, struct saga_what_if_group);
    group->class = class;
    group->step = saga_arena_copy(&groups->arena, step);
    group->what = saga_arena_copy(&groups->arena, what);
    SAGA_PUSH(&groups->arena, groups->items, groups->count, groups->capacity, group);
    return group;
}

/* Names come out of records, which may be anybody's: past the limit the rest of a class is one group. */
static struct saga_what_if_group *group_of(struct saga_what_if_groups *groups,
                                           const struct saga_parting *parting)
{
    struct saga_slice step = saga_slice_clip(parting->step, SAGA_NAME_BYTES_MAX);
    struct saga_slice what = saga_slice_clip(parting->what, SAGA_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < groups->count; i++)
        if (is_group(groups->items[i], parting->class, step, what)) return groups->items[i];
    if (groups->count >= SAGA_WHAT_IF_GROUPS_MAX)
        return find_or_add(groups, parting->class, SAGA_SLICE_NONE, SAGA_SLICE("others"));
    return find_or_add(groups, parting->class, step, what);
}

static struct saga_what_if_side copy_side(struct saga_arena *arena, struct saga_what_if_side side)
{
    side.words = saga_arena_copy(arena, saga_slice_clip(side.words, SAGA_MESSAGE_BYTES_MAX));
    side.body = saga_arena_copy(arena, side.body);
    return side;
}

void saga_what_if_add(struct saga_what_if *what_if, const struct saga_parting *parting,
                      struct saga_slice saga_id, struct saga_slice run, int64_t offset,
                      int64_t time_ms)
{
    struct saga_what_if_groups *groups = &what_if->groups;
    what_if->counts.by_class[parting->class]++;
    if (parting->class == SAGA_WHAT_IF_SAME) return;
    struct saga_what_if_group *group = group_of(groups, parting);
    group->count++;
    if (group->example_count == SAGA_WHAT_IF_EXAMPLES_MAX) return;
    group->examples[group->example_count++] = (struct saga_what_if_example){
        .saga_id = saga_arena_copy(&groups->arena, saga_id),
        .run = saga_arena_copy(&groups->arena, run),
        .lane = what_if->lane,
        .offset = offset,
        .time_ms = time_ms,
        .recorded = copy_side(&groups->arena, parting->recorded),
        .instead = copy_side(&groups->arena, parting->instead),
    };
}

static int by_class_and_count(const void *left, const void *right)
{
    const struct saga_what_if_group *a = *(struct saga_what_if_group *const *)left;
    const struct saga_what_if_group *b = *(struct saga_what_if_group *const *)right;
    if (a->class != b->class) return a->class < b->class ? -1 : 1;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    int order = saga_slice_compare(a->step, b->step);
    return order ? order : saga_slice_compare(a->what, b->what);
}

size_t saga_what_if_groups(struct saga_what_if *what_if,
                           const struct saga_what_if_group *const **ret)
{
    struct saga_what_if_groups *groups = &what_if->groups;
    if (groups->count)
        qsort(groups->items, groups->count, sizeof(struct saga_what_if_group *),
              by_class_and_count);
    *ret = (const struct saga_what_if_group *const *)groups->items;
    return groups->count;
}

/* ---- what cannot be read, and how many there are of everything ---- */

void saga_what_if_add_unreadable(struct saga_what_if *what_if, int64_t offset,
                                 struct saga_slice words)
{
    if (what_if->counts.unreadable < SAGA_WHAT_IF_EXAMPLES_MAX)
        what_if->unreadable[what_if->counts.unreadable] =
            (struct saga_what_if_unreadable){ what_if->lane, offset,
                                              saga_arena_copy(&what_if->groups.arena, words) };
    what_if->counts.unreadable++;
}

size_t saga_what_if_unreadable(const struct saga_what_if *what_if,
                               const struct saga_what_if_unreadable **ret)
{
    *ret = what_if->unreadable;
    return what_if->counts.unreadable < SAGA_WHAT_IF_EXAMPLES_MAX
               ? (size_t)what_if->counts.unreadable
               : SAGA_WHAT_IF_EXAMPLES_MAX;
}

void saga_what_if_count(const struct saga_what_if *what_if, struct saga_what_if_counts *ret)
{
    *ret = what_if->counts;
}
