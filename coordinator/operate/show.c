/* `saga show` and `saga watch`. */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/words.h"

enum { KEY_BODIES = 512, WATCH_MS = 500 };

/* ---- one saga for people ---- */

static void print_field(const char *name, const char *value)
{
    if (*value) printf("  %-11s %s\n", name, value);
}

static void print_time(struct saga_call *call, const char *name, int64_t time_ms, int64_t now_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (time_ms == 0) return;
    saga_time_format(time_ms, text);
    printf("  %-11s %s (%s)\n", name, text, saga_relative(call->arena, time_ms, now_ms));
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

static const char *mend_of(const struct saga_state *state)
{
    switch (state->stuck_on) {
    case SAGA_STUCK_ON_PIVOT:
        return "find out whether it was done, then saga resolve --as succeeded|failed";
    case SAGA_STUCK_ON_DEFINITION: return "saga deploy the definition, then saga retry";
    case SAGA_STUCK_ON_LIMIT: return "saga retry, saga cancel, or saga resolve --as ...";
    default: return "saga retry, saga skip, or saga resolve --as ...; each with --reason";
    }
}

static void print_steps(struct saga_call *call, const struct saga_state *state)
{
    struct saga_arena *arena = call->arena;
    struct saga_table table;
    if (state->step_count == 0) return;
    saga_table_init(&table, arena, "STEP", "STATUS", "ATTEMPT", "TAKEN BACK", "COMMAND", NULL);
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *s = &state->steps[i];
        bool compensation = s->compensation != SAGA_COMPENSATION_NONE;
        saga_table_add(
            &table,
            saga_arena_printf(arena, "%.*s%s", SAGA_SLICE_ARG(s->path), s->pivot ? " (pivot)" : "")
                .data,
            saga_step_status_name(s->status), saga_arena_printf(arena, "%u", s->attempt).data,
            compensation ? saga_compensation_status_name(s->compensation) : "",
            saga_arena_printf(arena, "%.*s%s%.*s", SAGA_SLICE_ARG(s->topic),
                              s->type.size ? "/" : "", SAGA_SLICE_ARG(s->type))
                .data);
    }
    putchar('\n');
    saga_table_print(&table, stdout);
}

static void print_timers(struct saga_call *call, const struct saga_state *state, int64_t now_ms)
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
    putchar('\n');
    saga_table_print(&table, stdout);
}

static void print_body(struct saga_call *call, const char *what, struct saga_slice path,
                       struct saga_slice body)
{
    if (body.size)
        printf("%s%s%.*s: %s\n", what, path.size ? " of " : "", SAGA_SLICE_ARG(path),
               saga_printable(call->arena, body));
}

static void print_bodies(struct saga_call *call, const struct saga_state *state)
{
    putchar('\n');
    print_body(call, "input", SAGA_SLICE_NONE, state->input);
    print_body(call, "vars", SAGA_SLICE_NONE, state->vars);
    for (size_t i = 0; i < state->step_count; i++) {
        print_body(call, "command", state->steps[i].path, state->steps[i].body);
        print_body(call, "result", state->steps[i].path, state->steps[i].result);
        print_body(call, "compensation", state->steps[i].path, state->steps[i].compensation_body);
    }
}

void saga_state_print(struct saga_call *call, const struct saga_state *state, bool bodies)
{
    struct saga_arena *arena = call->arena;
    int64_t now_ms = saga_now_ms();
    printf("%s  %s%s\n", saga_printable(arena, state->id), saga_status_name(state->status),
           flags_of(state, arena));
    print_field("definition", saga_arena_printf(arena, "%.*s version %u (%.*s)",
                                                SAGA_SLICE_ARG(state->name), state->version,
                                                SAGA_SLICE_ARG(saga_slice_clip(state->sha256, 12)))
                                  .data);
    print_field("run", saga_arena_printf(arena, "%.*s, trace %.*s", SAGA_SLICE_ARG(state->run),
                                         SAGA_SLICE_ARG(state->trace))
                           .data);
    print_time(call, "started", state->started_ms, now_ms);
    print_time(call, "changed", state->changed_ms, now_ms);
    print_time(call, "ended", state->ended_ms, now_ms);
    for (size_t i = 0; i < state->search_count; i++)
        print_field(
            i ? "" : "search",
            saga_printable(arena, saga_arena_printf(arena, "%.*s:%.*s",
                                                    SAGA_SLICE_ARG(state->search[i].name),
                                                    SAGA_SLICE_ARG(state->search[i].value))));
    if (state->has_error)
        print_field("error",
                    saga_printable(arena, saga_arena_printf(arena, "%.*s%s%.*s%s%.*s",
                                                            SAGA_SLICE_ARG(state->error.step),
                                                            state->error.step.size ? ": " : "",
                                                            SAGA_SLICE_ARG(state->error.type),
                                                            state->error.message.size ? ": " : "",
                                                            SAGA_SLICE_ARG(state->error.message))));
    print_field("at", saga_standing(state, arena).data);
    if (state->status == SAGA_STUCK) {
        print_field("trouble", saga_trouble(state, arena).data);
        print_field("mend", mend_of(state));
    }
    print_steps(call, state);
    print_timers(call, state, now_ms);
    if (bodies) print_bodies(call, state);
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
    bool bodies = saga_call_has(call, KEY_BODIES);
    if (call->output == SAGA_OUTPUT_TEXT) {
        saga_state_print(call, state, bodies);
    } else {
        struct saga_slice json = saga_state_json(state, bodies, call->arena);
        fwrite(json.data, 1, json.size, stdout);
        putchar('\n');
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
    .examples = "  saga show order-fulfilment/o-4711\n"
                "  saga show order-fulfilment/o-4711 --bodies -o json",
    .options = show_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = show,
};

/* ---- watching ---- */

static void print_change(struct saga_call *call, const struct saga_state *state)
{
    if (call->output != SAGA_OUTPUT_TEXT) {
        struct saga_slice json = saga_state_json(state, false, call->arena);
        printf("%.*s\n", SAGA_SLICE_ARG(json));
        return;
    }
    char clock[SAGA_TIME_TEXT_BYTES];
    saga_time_format_clock(state->changed_ms, clock);
    struct saga_slice at = saga_standing(state, call->arena);
    struct saga_slice trouble = saga_trouble(state, call->arena);
    printf("%s  %-12s %.*s%s%.*s\n", clock, saga_status_name(state->status), SAGA_SLICE_ARG(at),
           at.size && trouble.size ? "  " : "", SAGA_SLICE_ARG(trouble));
}

static void clear_screen(void)
{
    fputs("\033[H\033[2J", stdout);
}

/* Memory of one look is given back before the next: a watch may last for days. */
static int look_once(struct saga_call *call, const struct saga_address *address, bool screen,
                     uint64_t *sequence, bool *ret_ended)
{
    struct saga_state *state;
    int code = saga_state_read(call, address, false, &state);
    if (code != SAGA_EXIT_DONE) return code;
    if (screen) {
        clear_screen();
        saga_state_print(call, state, false);
    } else if (state->sequence != *sequence) {
        print_change(call, state);
    }
    fflush(stdout);
    *sequence = state->sequence;
    *ret_ended = saga_status_has_ended(state->status);
    saga_state_free(state);
    return SAGA_EXIT_DONE;
}

static int watch_one(struct saga_call *call, uint32_t lanes, bool screen)
{
    struct saga_arena *whole = call->arena, look;
    struct saga_address address;
    uint64_t sequence = 0;
    bool ended = false;
    int code = saga_address_parse(call, call->arguments[0], lanes, &address);
    saga_arena_init(&look);
    call->arena = &look;
    while (code == SAGA_EXIT_DONE && !ended && !ferror(stdout)) {
        code = look_once(call, &address, screen, &sequence, &ended);
        saga_arena_reset(&look);
        if (code == SAGA_EXIT_DONE && !ended) usleep(WATCH_MS * 1000);
    }
    call->arena = whole;
    saga_arena_free(&look);
    return code;
}

static int watch_all(struct saga_call *call, uint32_t lanes)
{
    struct saga_arena *whole = call->arena, look;
    int code = SAGA_EXIT_DONE;
    saga_arena_init(&look);
    call->arena = &look;
    /* Redis may be away for a while: the words stand on the screen until it is back */
    while ((code == SAGA_EXIT_DONE || code == SAGA_EXIT_FAILED) && !ferror(stdout)) {
        clear_screen();
        fflush(stdout);
        code = saga_list_print(call, lanes);
        fflush(stdout);
        saga_arena_reset(&look);
        usleep(WATCH_MS * 1000);
    }
    call->arena = whole;
    saga_arena_free(&look);
    return code;
}

static int watch(struct saga_call *call)
{
    uint32_t lanes;
    bool screen = call->output == SAGA_OUTPUT_TEXT && isatty(STDOUT_FILENO);
    int code = saga_call_lanes(call, &lanes);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (call->argument_count) return watch_one(call, lanes, screen);
    if (screen) return watch_all(call, lanes);
    return saga_call_fail(call, SAGA_EXIT_USAGE, "name a saga: saga watch ID",
                          "the list can only be watched on a terminal");
}

const struct saga_subcommand saga_subcommand_watch = {
    .name = "watch",
    .arguments = "[ID]",
    .summary = "watch a saga until it ends, or the list",
    .details = "On a terminal the picture is kept up to date; elsewhere every change of the saga "
               "is a line, and the list cannot be watched. Ends with Ctrl-C.",
    .examples = "  saga watch order-fulfilment/o-4711\n"
                "  saga watch --status stuck",
    .options = saga_list_options,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = watch,
};
