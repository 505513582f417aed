#include "explore/abstract.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

/* What an expression is for, and so what it may be answered with. */
enum role { ROLE_VALUE, ROLE_TEXT, ROLE_TRUTH, ROLE_LIST, ROLE_TIME, ROLE_COUNT };

static const struct {
    unsigned count;
    const char *values[3];
} answers[ROLE_COUNT] = {
    [ROLE_VALUE] = { 1, { "{}" } },
    [ROLE_TEXT] = { 1, { "\"k\"" } },
    [ROLE_TRUTH] = { 2, { "true", "false" } },
    [ROLE_LIST] = { 3, { "[0]", "[0,1]", "[]" } },
    [ROLE_TIME] = { 2, { "\"9000-01-01T00:00:00Z\"", "0" } },
};

struct stand_in {
    struct saga_abstract *abstract;
    enum role role;
};

struct saga_abstract {
    struct saga_definition *definition;
    struct stand_in roles[ROLE_COUNT];
    bool failing, cut, with_input;
    uint64_t given;
    unsigned given_count;
    unsigned taken[SAGA_CHOICES_MAX], of[SAGA_CHOICES_MAX], count;
    enum role role[SAGA_CHOICES_MAX];
    struct saga_json_walk list; /* what is followed; or empty */
    bool follows;
    unsigned followed, misled;
};

/* The value that stands for a failure, in a list that is followed. */
static const char FAILS[] = "\"fails\"";

static const char *value_of(enum role role, unsigned taken)
{
    return taken < answers[role].count ? answers[role].values[taken] : FAILS;
}

/* The next of the list. */
static unsigned follow(struct saga_abstract *a, enum role role, unsigned of)
{
    struct saga_slice name, value;
    if (!saga_json_walk_next(&a->list, &name, &value)) return 0;
    a->followed++;
    for (unsigned taken = 0; taken < of; taken++)
        if (saga_slice_is(saga_json_trim(value), value_of(role, taken))) return taken;
    if (a->misled == 0) a->misled = a->followed;
    return 0;
}

static unsigned choose(struct saga_abstract *a, enum role role, unsigned of)
{
    if (of == 1) return 0;
    if (a->follows) return follow(a, role, of);
    if (a->count == SAGA_CHOICES_MAX) {
        a->cut = true;
        return 0;
    }
    unsigned index = a->count++;
    a->of[index] = of;
    a->role[index] = role;
    a->taken[index] = index < a->given_count ? (unsigned)(a->given >> (4 * index)) & 15 : 0;
    SAGA_ASSERT(a->taken[index] < of);
    return a->taken[index];
}

static int answer(void *context, struct saga_arena *arena, struct saga_slice *ret_json,
                  struct saga_slice *ret_message)
{
    const struct stand_in *stand_in = context;
    struct saga_abstract *a = stand_in->abstract;
    unsigned count = answers[stand_in->role].count,
             taken = choose(a, stand_in->role, count + a->failing);
    (void)arena;
    if (taken == count) {
        *ret_message = SAGA_SLICE("the expression fails");
        return SAGA_E_INVALID;
    }
    *ret_json = saga_slice_of(answers[stand_in->role].values[taken]);
    return SAGA_OK;
}

static bool is_known(const struct saga_abstract *a, const struct saga_expression *expression,
                     const struct saga_block *block);

/* Are the elements of all loops around the block those of the input? */
static bool are_elements_known(const struct saga_abstract *a, const struct saga_block *block)
{
    if (!block) return false; /* nobody knows where the expression stands */
    for (block = block->parent; block; block = block->parent)
        if (block->kind == SAGA_BLOCK_FOR_EACH && !is_known(a, block->for_each.in, block))
            return false;
    return true;
}

/* Does it need no data but the input? */
static bool is_known(const struct saga_abstract *a, const struct saga_expression *expression,
                     const struct saga_block *block)
{
    static const char *const unknown[] = { "steps", "vars", "saga", "reply", "error" };
    static const char *const elements[] = { "item", "items", "index" };
    if (!a->with_input) return false;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (saga_expression_reads(expression, unknown[i])) return false;
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (saga_expression_reads(expression, elements[i])) return are_elements_known(a, block);
    return true;
}

static void play(struct saga_abstract *a, struct saga_expression *expression,
                 const struct saga_block *block, enum role role)
{
    if (!expression) return;
    bool evaluated = role != ROLE_TIME && is_known(a, expression, block);
    saga_expression_stand_in(expression, evaluated ? NULL : answer, &a->roles[role]);
}

static void bound(uint32_t *number, uint32_t most)
{
    if (*number > most) *number = most;
}

/* Bodies without data fit no schema. */
static void leave_schemas_out(struct saga_definition *d)
{
    for (size_t i = 0; i < d->participant_count; i++)
        ((struct saga_participant *)d->participants)[i].format = SAGA_FORMAT_JSON;
    for (size_t i = 0; i < d->block_count; i++)
        if (d->blocks[i]->kind == SAGA_BLOCK_PUBLISH)
            ((struct saga_block *)d->blocks[i])->publish.format = SAGA_FORMAT_JSON;
    d->on_completed.format = d->on_compensated.format = SAGA_FORMAT_JSON;
}

/* All expressions are values but for those that decide about the way. */
static void take_roles(struct saga_abstract *a, const struct saga_abstract_bounds *bounds)
{
    struct saga_definition *d = a->definition;
    for (size_t i = 0; i < d->expression_count; i++) play(a, d->expressions[i], NULL, ROLE_VALUE);
    for (size_t i = 0; i < d->search_count; i++) play(a, d->search[i].value, NULL, ROLE_TEXT);
    for (size_t i = 0; i < d->block_count; i++) {
        /* the loader made them, and nobody else has them */
        struct saga_block *block = (struct saga_block *)d->blocks[i];
        switch (block->kind) {
        case SAGA_BLOCK_AWAIT: play(a, block->await.with, block, ROLE_TEXT); break;
        case SAGA_BLOCK_CHILD: play(a, block->child.key, block, ROLE_TEXT); break;
        case SAGA_BLOCK_WAIT: play(a, block->wait.until, block, ROLE_TIME); break;
        case SAGA_BLOCK_FOR_EACH: play(a, block->for_each.in, block, ROLE_LIST); break;
        case SAGA_BLOCK_REPEAT:
            play(a, block->repeat.until, block, ROLE_TRUTH);
            bound(&block->repeat.at_most, bounds->rounds);
            break;
        case SAGA_BLOCK_STEP:
            bound(&block->step.retry.attempts, bounds->attempts);
            bound(&block->step.compensate.retry.attempts, bounds->attempts);
            break;
        case SAGA_BLOCK_CHOOSE:
            for (size_t b = 0; b < block->branch_count; b++)
                play(a, block->branches[b].when, block, ROLE_TRUTH);
            break;
        default: break;
        }
    }
}

struct saga_abstract *saga_abstract_new(struct saga_definition *definition,
                                        const struct saga_abstract_bounds *bounds)
{
    struct saga_abstract *a = saga_memory_zeroed(1, sizeof *a);
    a->definition = definition;
    a->failing = bounds->failing;
    a->with_input = bounds->with_input;
    for (int role = 0; role < ROLE_COUNT; role++)
        a->roles[role] = (struct stand_in){ a, (enum role)role };
    take_roles(a, bounds);
    leave_schemas_out(definition);
    return a;
}

void saga_abstract_free(struct saga_abstract *a)
{
    if (!a) return;
    for (size_t i = 0; i < a->definition->expression_count; i++)
        saga_expression_stand_in(a->definition->expressions[i], NULL, NULL);
    free(a);
}

void saga_abstract_choose(struct saga_abstract *a, uint64_t choices, unsigned count)
{
    a->given = choices;
    a->given_count = count;
    a->count = 0;
    a->cut = false;
}

bool saga_abstract_next(struct saga_abstract *a, uint64_t *ret_choices, unsigned *ret_count)
{
    uint64_t choices = 0;
    unsigned last = a->count;
    while (last > 0 && a->taken[last - 1] + 1 == a->of[last - 1]) last--;
    if (last == 0) return false;
    for (unsigned i = 0; i < last; i++) {
        uint64_t value = a->taken[i] + (i == last - 1);
        choices |= value << (4 * i);
    }
    *ret_choices = choices;
    *ret_count = last;
    return true;
}

void saga_abstract_follow(struct saga_abstract *a, struct saga_slice choices)
{
    a->follows = true;
    a->followed = a->misled = 0;
    saga_json_walk_init(&a->list, choices);
}

unsigned saga_abstract_misled(const struct saga_abstract *a)
{
    return a->misled;
}

void saga_abstract_tell(const struct saga_abstract *a, struct saga_buffer *out)
{
    for (unsigned i = 0; i < a->count; i++)
        saga_buffer_printf(out, ", %s", value_of(a->role[i], a->taken[i]));
}

bool saga_abstract_was_cut(const struct saga_abstract *a)
{
    return a->cut;
}
