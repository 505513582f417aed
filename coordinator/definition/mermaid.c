/* A definition as a Mermaid flowchart: down the forward way, up the way back. */
#include "base/buffer.h"
#include "definition/definition.h"

static void write_names(struct saga_buffer *out, const struct saga_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        saga_buffer_printf(out, "%s%.*s", i ? " or " : "", SAGA_SLICE_ARG(names->items[i]));
}

static void write_step(struct saga_buffer *out, const struct saga_block *block)
{
    const struct saga_step *step = &block->step;
    const char *open = step->pivot ? "{{" : "[", *close = step->pivot ? "}}" : "]";
    saga_buffer_printf(out, "    s%u%s\"%.*s<br/>%.*s%s\"%s\n", block->id, open,
                       SAGA_SLICE_ARG(step->name), SAGA_SLICE_ARG(step->command.type),
                       step->pivot ? "<br/>(pivot)" : "", close);
    if (step->compensate.kind == SAGA_COMPENSATE_COMMAND)
        saga_buffer_printf(out, "    c%u([\"%.*s\"])\n", block->id,
                           SAGA_SLICE_ARG(step->compensate.command.type));
}

/* The nearest compensation of a step before `index`, or the end of the way back. */
static void write_back_target(struct saga_buffer *out, const struct saga_definition *d,
                              size_t index)
{
    while (index > 0) {
        index--;
        if (d->blocks[index]->step.compensate.kind != SAGA_COMPENSATE_COMMAND) continue;
        saga_buffer_printf(out, "c%zu\n", index);
        return;
    }
    saga_buffer_printf(out, "compensated\n");
}

static void write_edges(struct saga_buffer *out, const struct saga_definition *d, size_t i)
{
    const struct saga_step *step = &d->blocks[i]->step;
    bool last = i + 1 == d->block_count;
    saga_buffer_printf(out, "    s%zu -- \"", i);
    write_names(out, &step->success);
    if (last)
        saga_buffer_printf(out, "\" --> completed\n");
    else
        saga_buffer_printf(out, "\" --> s%zu\n", i + 1);
    if (step->failure.count) {
        saga_buffer_printf(out, "    s%zu -. \"", i);
        write_names(out, &step->failure);
        saga_buffer_printf(out, "\" .-> ");
        if (step->behind_pivot)
            saga_buffer_printf(out, "stuck\n");
        else
            write_back_target(out, d, i);
    }
    if (step->compensate.kind == SAGA_COMPENSATE_COMMAND) {
        saga_buffer_printf(out, "    s%zu -. \"unknown\" .-> c%zu\n    c%zu -.-> ", i, i, i);
        write_back_target(out, d, i);
    }
    if (step->pivot) saga_buffer_printf(out, "    s%zu -. \"unknown\" .-> stuck\n", i);
}

static bool can_stick(const struct saga_definition *d)
{
    for (size_t i = 0; i < d->block_count; i++) {
        const struct saga_step *step = &d->blocks[i]->step;
        if (step->pivot || (step->behind_pivot && step->failure.count)) return true;
    }
    return false;
}

struct saga_slice saga_definition_mermaid(const struct saga_definition *definition,
                                          struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    saga_buffer_printf(&out, "flowchart TD\n    start([\"%.*s\"]) --> s0\n",
                       SAGA_SLICE_ARG(definition->starts[0].event));
    for (size_t i = 0; i < definition->block_count; i++) write_step(&out, definition->blocks[i]);
    saga_buffer_printf(&out, "    completed((completed))\n    compensated((compensated))\n");
    if (can_stick(definition)) saga_buffer_printf(&out, "    stuck((stuck))\n");
    for (size_t i = 0; i < definition->block_count; i++) write_edges(&out, definition, i);
    return saga_buffer_slice(&out);
}
