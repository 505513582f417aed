/* A definition as a Mermaid flowchart: down the forward way, dashed up the way back. */
#include "base/buffer.h"
#include "base/time.h"
#include "definition/definition.h"

/* NULL: another block. */
static const struct saga_step *step_at(const struct saga_definition *d, size_t i)
{
    return d->blocks[i]->kind == SAGA_BLOCK_STEP ? &d->blocks[i]->step : NULL;
}

static bool has_compensation(const struct saga_step *step)
{
    return step && step->compensate.kind == SAGA_COMPENSATE_COMMAND;
}

/* Can the step end without an answer, in a way that makes the saga stuck? */
static bool sticks_unanswered(const struct saga_step *step)
{
    return step->pivot || (step->behind_pivot && step->attempts_given);
}

static bool compensation_sticks(const struct saga_step *step)
{
    return has_compensation(step) &&
           (step->compensate.failure.count > 0 || step->compensate.retry.attempts > 0);
}

/* ---- nodes ---- */

static void write_start(struct saga_buffer *out, const struct saga_definition *d, size_t i)
{
    saga_buffer_printf(out, "    start");
    if (d->start_count > 1) saga_buffer_printf(out, "%zu", i + 1);
    saga_buffer_printf(out, "([\"%.*s\"]) --> s0\n", SAGA_SLICE_ARG(d->starts[i].event));
}

static void write_set(struct saga_buffer *out, const struct saga_set *set)
{
    saga_buffer_printf(out, "[/\"set ");
    for (size_t i = 0; i < set->count; i++)
        saga_buffer_printf(out, "%s%.*s", i ? ", " : "", SAGA_SLICE_ARG(set->items[i].name));
    saga_buffer_printf(out, "\"/]\n");
}

static void write_wait(struct saga_buffer *out, const struct saga_wait *wait)
{
    char duration[SAGA_TIME_TEXT_BYTES];
    saga_duration_format(wait->duration_ms, duration);
    saga_buffer_printf(out, "(\"wait%s%s\")\n", wait->until ? " until a time" : " ",
                       wait->until ? "" : duration);
}

/* A block that is no step. */
static void write_block(struct saga_buffer *out, const struct saga_block *block)
{
    saga_buffer_printf(out, "    s%u", block->id);
    if (block->kind == SAGA_BLOCK_SET) write_set(out, &block->set);
    if (block->kind == SAGA_BLOCK_WAIT) write_wait(out, &block->wait);
    if (block->kind == SAGA_BLOCK_PUBLISH)
        saga_buffer_printf(out, ">\"publish %.*s\"]\n", SAGA_SLICE_ARG(block->publish.event));
    if (block->kind == SAGA_BLOCK_FAIL)
        saga_buffer_printf(out, "[\"fail %.*s\"]\n", SAGA_SLICE_ARG(block->fail.type));
}

static void write_step(struct saga_buffer *out, const struct saga_block *block)
{
    const struct saga_step *step = &block->step;
    const char *open = step->pivot ? "{{" : "[", *close = step->pivot ? "}}" : "]";
    saga_buffer_printf(out, "    s%u%s\"%s%.*s<br/>%.*s\"%s\n", block->id, open,
                       step->pivot ? "pivot: " : "", SAGA_SLICE_ARG(step->name),
                       SAGA_SLICE_ARG(step->command.type), close);
    if (has_compensation(step))
        saga_buffer_printf(out, "    c%u([\"%.*s\"])\n", block->id,
                           SAGA_SLICE_ARG(step->compensate.command.type));
}

static void write_classes(struct saga_buffer *out, const struct saga_definition *d)
{
    const char *before = "    class ";
    saga_buffer_printf(out, "    classDef pivot stroke-width:4px\n"
                            "    classDef back stroke-dasharray:5 5\n");
    for (size_t i = 0; i < d->block_count; i++)
        if (step_at(d, i) && step_at(d, i)->pivot)
            saga_buffer_printf(out, "    class s%zu pivot\n", i);
    for (size_t i = 0; i < d->block_count; i++) {
        if (!has_compensation(step_at(d, i))) continue;
        saga_buffer_printf(out, "%sc%zu", before, i);
        before = ",";
    }
    if (before[0] == ',') saga_buffer_printf(out, " back\n");
}

/* ---- edges ---- */

static void write_label(struct saga_buffer *out, const struct saga_names *names, const char *more)
{
    for (size_t i = 0; i < names->count; i++)
        saga_buffer_printf(out, "%s%.*s", i ? " or " : "", SAGA_SLICE_ARG(names->items[i]));
    if (more) saga_buffer_printf(out, "%s%s", names->count ? " or " : "", more);
}

/* The nearest compensation of a step before `index`, or the end of the way back. */
static void write_back_target(struct saga_buffer *out, const struct saga_definition *d,
                              size_t index)
{
    while (index > 0)
        if (has_compensation(step_at(d, --index))) {
            saga_buffer_printf(out, "c%zu\n", index);
            return;
        }
    saga_buffer_printf(out, "compensated\n");
}

static void write_forward(struct saga_buffer *out, const struct saga_definition *d, size_t i)
{
    if (d->blocks[i]->kind == SAGA_BLOCK_FAIL) {
        saga_buffer_printf(out, "    s%zu -.-> ", i);
        write_back_target(out, d, i);
        return;
    }
    saga_buffer_printf(out, "    s%zu ", i);
    if (step_at(d, i)) {
        saga_buffer_printf(out, "-- \"");
        write_label(out, &step_at(d, i)->success, NULL);
        saga_buffer_printf(out, "\" ");
    }
    if (i + 1 == d->block_count)
        saga_buffer_printf(out, "--> completed\n");
    else
        saga_buffer_printf(out, "--> s%zu\n", i + 1);
}

/* Failures, and what comes of a step that was never answered. */
static void write_trouble(struct saga_buffer *out, const struct saga_definition *d, size_t i)
{
    const struct saga_step *step = step_at(d, i);
    if (!step) return;
    bool nothing_to_undo = step->compensate.kind == SAGA_COMPENSATE_NONE;
    const char *unknown = nothing_to_undo ? "unknown" : NULL;
    if (step->failure.count || unknown) {
        saga_buffer_printf(out, "    s%zu -. \"", i);
        write_label(out, &step->failure, unknown);
        saga_buffer_printf(out, "\" .-> ");
        if (step->behind_pivot)
            saga_buffer_printf(out, "stuck\n");
        else
            write_back_target(out, d, i);
    }
    if (has_compensation(step)) saga_buffer_printf(out, "    s%zu -. \"unknown\" .-> c%zu\n", i, i);
    if (sticks_unanswered(step)) saga_buffer_printf(out, "    s%zu -. \"unknown\" .-> stuck\n", i);
}

static void write_back(struct saga_buffer *out, const struct saga_definition *d, size_t i)
{
    const struct saga_step *step = step_at(d, i);
    if (!has_compensation(step)) return;
    saga_buffer_printf(out, "    c%zu -.-> ", i);
    write_back_target(out, d, i);
    if (!compensation_sticks(step)) return;
    saga_buffer_printf(out, "    c%zu -. \"", i);
    write_label(out, &step->compensate.failure,
                step->compensate.retry.attempts > 0 ? "no answer" : NULL);
    saga_buffer_printf(out, "\" .-> stuck\n");
}

static bool can_stick(const struct saga_definition *d)
{
    for (size_t i = 0; i < d->block_count; i++) {
        const struct saga_step *step = step_at(d, i);
        if (!step) continue;
        if (sticks_unanswered(step) || compensation_sticks(step) ||
            (step->behind_pivot && step->failure.count))
            return true;
    }
    return false;
}

struct saga_slice saga_definition_mermaid(const struct saga_definition *definition,
                                          struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    saga_buffer_printf(&out, "flowchart TD\n");
    for (size_t i = 0; i < definition->start_count; i++) write_start(&out, definition, i);
    for (size_t i = 0; i < definition->block_count; i++)
        (step_at(definition, i) ? write_step : write_block)(&out, definition->blocks[i]);
    saga_buffer_printf(&out, "    completed((completed))\n    compensated((compensated))\n");
    if (can_stick(definition)) saga_buffer_printf(&out, "    stuck((stuck))\n");
    for (size_t i = 0; i < definition->block_count; i++) write_forward(&out, definition, i);
    for (size_t i = 0; i < definition->block_count; i++) write_trouble(&out, definition, i);
    for (size_t i = definition->block_count; i-- > 0;) write_back(&out, definition, i);
    write_classes(&out, definition);
    return saga_buffer_slice(&out);
}
