/* `saga show`. */
#include <stdlib.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/definitions.h"
#include "operate/lanes.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/to_come.h"
#include "operate/words.h"

enum { KEY_BODIES = 512 };

/* ---- one saga for people ---- */

static void print_field(FILE *out, const char *name, const char *value)
{
    if (*value) fprintf(out, "  %-11s %s\n", name, value);
}

static void print_time(struct saga_call *call, FILE *out, const char *name, int64_t time_ms,
                       int64_t now_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (time_ms == 0) return;
    saga_time_format(time_ms, text);
    fprintf(out, "  %-11s %s (%s)\n", name, text, saga_relative(call->arena, time_ms, now_ms));
}

static const char *flags_of(const struct saga_state *state, struct saga_arena *arena)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, arena);
    if (state->paused) saga_buffer_add(&buffer, SAGA_SLICE(", paused"));
    if (state->pivoted) saga_buffer_add(&buffer, SAGA_SLICE(", behind the pivot"));
    if (state->deadline_passed) saga_buffer_add(&buffer, SAGA_SLICE(", past its deadline"));
    if (state->has_deferred) saga_buffer_add(&buffer, SAGA_SLICE(", compensation deferred"));
    if (state->resolved) saga_buffer_add(&buffer, SAGA_SLICE(", resolved by an operator"));
    return saga_buffer_slice(&buffer).data;
}

const char *saga_mend(const struct saga_state *state)
{
    switch (state->stuck_on) {
    case SAGA_STUCK_ON_PIVOT:
        return "find out whether it was done, then saga resolve --as succeeded|failed; or saga "
               "retry, which asks its service again under the same idempotency key; each with "
               "--reason";
    case SAGA_STUCK_ON_DEFINITION: return "saga deploy the definition, then saga retry";
    case SAGA_STUCK_ON_LIMIT: return "saga retry, saga cancel, or saga resolve --as ...";
    default: return "saga retry, saga skip, or saga resolve --as ...; each with --reason";
    }
}

/* May the saga still come to steps that have not begun? */
static bool goes_forward(const struct saga_state *state)
{
    return state->status == SAGA_RUNNING || (state->status == SAGA_STUCK && state->stuck_forward);
}

/* What is done there: a command, an event, a child. */
static struct saga_slice doing(const struct saga_block *block, struct saga_arena *arena)
{
    const struct saga_command *c = &block->step.command;
    if (block->kind == SAGA_BLOCK_AWAIT)
        return saga_arena_printf(arena, "%.*s/%.*s", SAGA_SLICE_ARG(block->await.topic),
                                 SAGA_SLICE_ARG(block->await.event));
    if (block->kind == SAGA_BLOCK_CHILD)
        return saga_arena_printf(arena, "saga %.*s", SAGA_SLICE_ARG(block->child.saga));
    return saga_arena_printf(arena, "%.*s/%.*s", SAGA_SLICE_ARG(c->participant->commands),
                             SAGA_SLICE_ARG(c->type));
}

/* The steps of the definition that the state does not know yet. */
static void add_steps_to_come(struct saga_table *table, const struct saga_state *state,
                              const struct saga_definition *definition)
{
    struct saga_arena *arena = table->arena;
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (!saga_block_is_named(block)) continue;
        enum saga_to_come come = saga_to_come(state, definition, block);
        if (come == SAGA_HAS_BEGUN) continue;
        bool pivot = block->kind == SAGA_BLOCK_STEP && block->step.pivot;
        saga_table_add(table,
                       saga_arena_printf(arena, "%.*s%s",
                                         SAGA_SLICE_ARG(saga_path_to_come(block, arena)),
                                         pivot ? " (pivot)" : "")
                           .data,
                       !goes_forward(state)    ? "never began"
                       : come == SAGA_MAY_COME ? "may come"
                                               : "to come",
                       "", "", doing(block, arena).data);
    }
}

/* An event is waited for and a child asked for: only commands are sent. */
static const char *status_of(const struct saga_step_state *s)
{
    if (s->status == SAGA_STEP_SENT && s->kind == SAGA_STEP_AWAIT) return "waiting";
    if (s->status == SAGA_STEP_SENT && s->kind == SAGA_STEP_CHILD) return "asked for";
    return saga_step_status_name(s->status);
}

/* What was sent or is waited for. */
static const char *object_of(const struct saga_step_state *s, struct saga_arena *arena)
{
    if (s->kind == SAGA_STEP_CHILD)
        return saga_arena_printf(arena, "saga %s", saga_printable(arena, s->target)).data;
    return saga_arena_printf(arena, "%.*s%s%.*s", SAGA_SLICE_ARG(s->topic), s->type.size ? "/" : "",
                             SAGA_SLICE_ARG(s->type))
        .data;
}

static void print_steps(struct saga_call *call, const struct saga_state *state,
                        const struct saga_view *view, FILE *out)
{
    struct saga_arena *arena = call->arena;
    struct saga_table table;
    if (state->step_count == 0 && !view->definition) return;
    saga_table_init(&table, arena, "STEP", "STATUS", "ATTEMPT", "TAKEN BACK", "COMMAND", NULL);
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *s = &state->steps[i];
        bool compensation = s->compensation != SAGA_COMPENSATION_NONE;
        saga_table_add(
            &table,
            saga_arena_printf(arena, "%.*s%s", SAGA_SLICE_ARG(s->path), s->pivot ? " (pivot)" : "")
                .data,
            status_of(s), saga_arena_printf(arena, "%u", s->attempt).data,
            compensation ? saga_compensation_status_name(s->compensation) : "",
            object_of(s, arena));
    }
    if (view->definition) add_steps_to_come(&table, state, view->definition);
    fputc('\n', out);
    saga_table_print(&table, out);
    if (view->why_not)
        fprintf(out,
                "Steps that have not begun are not shown, as the definition cannot be read: %s\n",
                saga_printable(arena, saga_slice_of(view->why_not)));
}

static void print_timers(struct saga_call *call, const struct saga_state *state, int64_t now_ms,
                         FILE *out)
{
    struct saga_table table;
    if (state->timer_count == 0) return;
    saga_table_init(&table, call->arena, "TIMER", "DUE", "", NULL);
    for (size_t i = 0; i < state->timer_count; i++) {
        char text[SAGA_TIME_TEXT_BYTES];
        saga_time_format(state->timers[i].due_ms, text);
        saga_table_add(&table, saga_arena_string(call->arena, state->timers[i].name), text,
                       state->timers[i].held
                           ? "waits for the end of the pause"
                           : saga_relative(call->arena, state->timers[i].due_ms, now_ms));
    }
    fputc('\n', out);
    saga_table_print(&table, out);
}

static void print_body(struct saga_call *call, FILE *out, const char *what, struct saga_slice path,
                       struct saga_slice body)
{
    if (body.size)
        fprintf(out, "%s%s%.*s: %s\n", what, path.size ? " of " : "", SAGA_SLICE_ARG(path),
                saga_printable(call->arena, body));
}

static void print_bodies(struct saga_call *call, const struct saga_state *state, FILE *out)
{
    fputc('\n', out);
    print_body(call, out, "input", SAGA_SLICE_NONE, state->input);
    print_body(call, out, "vars", SAGA_SLICE_NONE, state->vars);
    for (size_t i = 0; i < state->step_count; i++) {
        print_body(call, out, "command", state->steps[i].path, state->steps[i].body);
        print_body(call, out, "result", state->steps[i].path, state->steps[i].result);
        print_body(call, out, "compensation", state->steps[i].path,
                   state->steps[i].compensation_body);
    }
}

void saga_state_print(struct saga_call *call, const struct saga_state *state,
                      const struct saga_view *view, FILE *out)
{
    struct saga_arena *arena = call->arena;
    int64_t now_ms = view->now_ms ? view->now_ms : saga_now_ms();
    fprintf(out, "%s  %s%s\n", saga_printable(arena, state->id), saga_status_name(state->status),
            flags_of(state, arena));
    print_field(out, "definition",
                saga_arena_printf(arena, "%.*s version %u (%.*s)", SAGA_SLICE_ARG(state->name),
                                  state->version,
                                  SAGA_SLICE_ARG(saga_slice_clip(state->sha256, 12)))
                    .data);
    print_field(out, "run",
                saga_arena_printf(arena, "%.*s%s%.*s", SAGA_SLICE_ARG(state->run),
                                  state->trace.size ? ", trace " : "", SAGA_SLICE_ARG(state->trace))
                    .data);
    if (state->parent_id.size)
        print_field(
            out, "child of",
            saga_printable(arena, saga_arena_printf(arena, "%.*s, step %.*s%s",
                                                    SAGA_SLICE_ARG(state->parent_id),
                                                    SAGA_SLICE_ARG(state->parent_step),
                                                    state->released ? "" : ", which keeps it")));
    print_time(call, out, "started", state->started_ms, now_ms);
    print_time(call, out, "changed", state->changed_ms, now_ms);
    print_time(call, out, "ended", state->ended_ms, now_ms);
    for (size_t i = 0; i < state->search_count; i++)
        print_field(
            out, i ? "" : "search",
            saga_printable(arena, saga_arena_printf(arena, "%.*s:%.*s",
                                                    SAGA_SLICE_ARG(state->search[i].name),
                                                    SAGA_SLICE_ARG(state->search[i].value))));
    if (state->has_error)
        print_field(out, "error",
                    saga_printable(arena, saga_arena_printf(arena, "%.*s%s%.*s%s%.*s",
                                                            SAGA_SLICE_ARG(state->error.step),
                                                            state->error.step.size ? ": " : "",
                                                            SAGA_SLICE_ARG(state->error.type),
                                                            state->error.message.size ? ": " : "",
                                                            SAGA_SLICE_ARG(state->error.message))));
    if (state->resolved)
        print_field(out, "resolved", "by an operator: saga history tells by whom, and why");
    print_field(out, "at", saga_standing(state, arena).data);
    if (state->status == SAGA_STUCK) {
        print_field(out, "trouble", saga_trouble(state, arena).data);
        print_field(out, "mend", saga_mend(state));
    }
    if (view->forgotten.size) print_field(out, "values", view->forgotten.data);
    if (view->doubt) print_field(out, "warning", view->doubt);
    print_steps(call, state, view, out);
    print_timers(call, state, now_ms, out);
    if (view->bodies) print_bodies(call, state, out);
}

/* A saga that has come to its end by itself has begun all its steps. */
static bool may_have_steps_to_come(const struct saga_state *state)
{
    return state->kind == SAGA_KIND_SAGA && (state->status != SAGA_COMPLETED || state->resolved);
}

static int show(struct saga_call *call)
{
    struct saga_address address;
    struct saga_state *state;
    uint32_t lanes;
    int code = saga_call_lanes(call, &lanes);
    if (code == SAGA_EXIT_DONE)
        code = saga_address_parse(call, call->arguments[0], lanes, &address);
    if (code == SAGA_EXIT_DONE) code = saga_state_read(call, &address, false, &state);
    if (code != SAGA_EXIT_DONE) return code;
    struct saga_view view = { .bodies = saga_call_has(call, KEY_BODIES),
                              .doubt = saga_call_lane_doubt(call, address.lane) };
    if (saga_state_is_sealed(state))
        view.forgotten = saga_forgotten_by(call, address.lane, state->id, state->run);
    saga_open_state_for_people(call, address.lane, state);
    if (call->output == SAGA_OUTPUT_TEXT) {
        struct saga_definition *definition = NULL;
        if (may_have_steps_to_come(state))
            definition = saga_definition_of_state(call, state, &view.why_not);
        view.definition = definition;
        saga_state_print(call, state, &view, stdout);
        saga_definition_free(definition);
    } else {
        struct saga_slice json = saga_state_json(state, view.bodies, call->arena);
        fwrite(json.data, 1, json.size, stdout);
        putchar('\n');
        fflush(stdout);
        if (view.doubt) fprintf(stderr, "warning: %s\n", view.doubt);
    }
    saga_state_free(state);
    return SAGA_EXIT_DONE;
}

static const struct argp_option show_options[] = {
    { "bodies", KEY_BODIES, NULL, 0, "with input, commands and results", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_show = {
    .name = "show",
    .arguments = "ID",
    .summary = "show where a saga stands: its steps, timers, trouble",
    .details = "The steps that have not begun are listed too if Kafka is there to be asked for "
               "the definition; as JSON it is the saga's state alone.",
    .examples = "  saga show order-fulfilment/o-4711\n"
                "  saga show order-fulfilment/o-4711 --bodies -o json",
    .options = show_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = show,
};
