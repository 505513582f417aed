/* What a scenario calls commands and events, held against the definition before it is played: a name
 * that is mistyped would never be met, and an answer under it never given. */
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "explore/scenario_run.h"

/* All names by which something goes (saga_scenario_goes_by). */
struct known {
    struct saga_arena *arena;
    const char **items;
    size_t count, capacity;
};

static void add(struct known *known, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct known *known, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *name = saga_arena_vprintf(known->arena, format, arguments).data;
    va_end(arguments);
    SAGA_PUSH(known->arena, known->items, known->count, known->capacity, name);
}

static void add_command(struct known *known, const struct saga_command *command)
{
    add(known, "%.*s", SAGA_SLICE_ARG(command->type));
    add(known, "%.*s/%.*s", SAGA_SLICE_ARG(command->participant->name),
        SAGA_SLICE_ARG(command->type));
}

static void add_event(struct known *known, const struct saga_publish *publish)
{
    if (!publish->event.size) return;
    add(known, "%.*s", SAGA_SLICE_ARG(publish->event));
    add(known, "%.*s/%.*s", SAGA_SLICE_ARG(publish->topic), SAGA_SLICE_ARG(publish->event));
}

static void add_sent(struct known *known, const struct saga_block *block)
{
    if (block->kind != SAGA_BLOCK_STEP && block->kind != SAGA_BLOCK_CHILD) return;
    add(known, "%.*s", SAGA_SLICE_ARG(block->label));
    add(known, "%.*s/compensate", SAGA_SLICE_ARG(block->label));
    if (block->kind == SAGA_BLOCK_CHILD) {
        add(known, "%.*s", SAGA_SLICE_ARG(block->child.saga));
        add(known, "saga/%.*s", SAGA_SLICE_ARG(block->child.saga));
        return;
    }
    add_command(known, &block->step.command);
    if (block->step.compensate.kind == SAGA_COMPENSATE_COMMAND)
        add_command(known, &block->step.compensate.command);
}

static void gather(struct known *known, const struct saga_definition *definition, bool commands,
                   bool events)
{
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (commands) add_sent(known, block);
        if (events && block->kind == SAGA_BLOCK_PUBLISH) add_event(known, &block->publish);
    }
    if (!events) return;
    add_event(known, &definition->on_completed);
    add_event(known, &definition->on_compensated);
}

/* A step in a loop is told from its others by `[0]`: the definition knows it without. */
static struct saga_slice without_rounds(struct saga_slice name, struct saga_arena *arena)
{
    const char *open = name.size ? memchr(name.data, '[', name.size) : NULL;
    const char *close = name.size ? memrchr(name.data, ']', name.size) : NULL;
    if (!open || !close || close < open) return name;
    size_t before = (size_t)(open - name.data), after = (size_t)(close - name.data) + 1;
    return saga_arena_printf(arena, "%.*s%.*s", (int)before, name.data,
                             SAGA_SLICE_ARG(saga_slice_skip(name, after)));
}

static int need(struct saga_scenario_run *r, const struct known *known, struct saga_slice name,
                struct saga_scenario_place place, const char *what)
{
    struct saga_slice plain = without_rounds(name, r->arena);
    if (!name.size || saga_slice_is(name, "*")) return SAGA_OK;
    for (size_t i = 0; i < known->count; i++)
        if (saga_slice_is(plain, known->items[i])) return SAGA_OK;
    const char *near = saga_nearest(plain, known->items, known->count);
    saga_scenario_fail(r, place, "the definition has no %s `%.*s`", what, SAGA_SLICE_ARG(name));
    if (near) r->failure->mend = saga_arena_printf(r->arena, "did you mean `%s`?", near);
    return SAGA_E_INVALID;
}

/* `to` and `type` of what is expected, as one name. */
static struct saga_slice name_of(const struct saga_scenario_message *message,
                                 struct saga_arena *arena)
{
    if (!message->to.size) return message->type;
    return saga_arena_printf(arena, "%.*s/%.*s", SAGA_SLICE_ARG(message->to),
                             SAGA_SLICE_ARG(message->type));
}

static int check_list(struct saga_scenario_run *r, const struct known *known,
                      const struct saga_scenario_names *names, const char *what)
{
    int error = SAGA_OK;
    for (size_t i = 0; i < names->count && error == SAGA_OK; i++)
        error = need(r, known, names->items[i], names->place, what);
    return error;
}

int saga_scenario_check_known(struct saga_scenario_run *r)
{
    const struct saga_scenario *scenario = r->scenario;
    struct known commands = { .arena = r->arena }, events = commands, all = commands;
    gather(&commands, r->definition, true, false);
    gather(&events, r->definition, false, true);
    gather(&all, r->definition, true, true);
    int error = SAGA_OK;
    for (size_t i = 0; i < scenario->answer_count && error == SAGA_OK; i++)
        error = need(r, &commands, scenario->answers[i].key, scenario->answers[i].place,
                     "command or step");
    for (size_t i = 0; i < scenario->step_count && error == SAGA_OK; i++) {
        const struct saga_scenario_step *step = &scenario->steps[i];
        if (step->kind == SAGA_SCENARIO_EXPECT)
            error =
                need(r, &all, name_of(&step->expect, r->arena), step->place, "command or event");
        else if (step->kind == SAGA_SCENARIO_REPLY)
            error = need(r, &commands, step->to, step->place, "command or step");
    }
    if (error == SAGA_OK) error = check_list(r, &commands, &scenario->sends, "command");
    if (error == SAGA_OK) error = check_list(r, &events, &scenario->publishes, "event");
    return error;
}
