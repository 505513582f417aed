/* `saga watch`. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "base/time.h"
#include "operate/definitions.h"
#include "operate/lanes.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/screen.h"
#include "operate/words.h"

enum { WATCH_MS = 500 };

/* A text that is printed into. */
struct sheet {
    FILE *file;
    char *text;
    size_t size;
};

static void open_sheet(struct sheet *sheet)
{
    *sheet = (struct sheet){ 0 };
    sheet->file = open_memstream(&sheet->text, &sheet->size);
    if (!sheet->file) saga_memory_exhausted("a text to be shown");
}

static struct saga_slice read_sheet(struct sheet *sheet)
{
    if (fflush(sheet->file) != 0 || ferror(sheet->file))
        saga_memory_exhausted("a text to be shown"); /* it fails for nothing else */
    return (struct saga_slice){ sheet->text, sheet->size };
}

static void pass_on(struct sheet *sheet, FILE *out)
{
    struct saga_slice text = read_sheet(sheet);
    fwrite(text.data, 1, text.size, out);
}

static void close_sheet(struct sheet *sheet)
{
    fclose(sheet->file);
    free(sheet->text);
}

/* ---- one saga ---- */

struct watching {
    struct saga_call *call;
    struct saga_address address;
    bool screen;
    bool asked; /* for the definition: once is enough */
    struct saga_definition *definition;
    struct saga_view view;
    struct saga_arena *whole; /* lives as long as the watch */
    uint64_t sequence;        /* seen last */
    bool ended;
};

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

static void ask_for_definition(struct watching *w, const struct saga_state *state)
{
    struct saga_arena *look = w->call->arena;
    if (w->asked) return;
    w->asked = true;
    w->call->arena = w->whole;
    w->definition = saga_definition_of_state(w->call, state, &w->view.why_not);
    w->view.definition = w->definition;
    w->call->arena = look;
}

static void draw_saga(struct watching *w, const struct saga_state *state)
{
    struct sheet sheet;
    ask_for_definition(w, state);
    w->view.doubt = saga_call_lane_doubt(w->call, w->address.lane);
    open_sheet(&sheet);
    saga_state_print(w->call, state, &w->view, sheet.file);
    struct saga_picture picture = { .body = read_sheet(&sheet), .noun = "lines" };
    if (!saga_status_has_ended(state->status)) {
        saga_screen_draw(&picture, w->call->arena);
    } else { /* the last one stays, as a whole */
        saga_screen_close();
        pass_on(&sheet, stdout);
    }
    close_sheet(&sheet);
}

static int look_once(struct watching *w)
{
    struct saga_state *state;
    int code = saga_state_read(w->call, &w->address, false, &state);
    if (code == SAGA_EXIT_DONE) saga_cover_state(state);
    if (code != SAGA_EXIT_DONE) return code;
    if (w->screen)
        draw_saga(w, state);
    else if (state->sequence != w->sequence)
        print_change(w->call, state);
    fflush(stdout);
    w->sequence = state->sequence;
    w->ended = saga_status_has_ended(state->status);
    saga_state_free(state);
    return SAGA_EXIT_DONE;
}

static void wait_a_little(bool screen)
{
    if (screen)
        saga_screen_wait(WATCH_MS);
    else
        saga_sleep_ms(WATCH_MS);
}

static int watch_one(struct saga_call *call, uint32_t lanes, bool screen)
{
    struct saga_arena look; /* given back after every look: a watch may last for days */
    struct watching w = { .call = call, .screen = screen, .whole = call->arena };
    struct sheet words;
    int code = saga_address_parse(call, call->arguments[0], lanes, &w.address);
    if (code != SAGA_EXIT_DONE) return code;
    saga_arena_init(&look);
    open_sheet(&words);
    call->arena = &look;
    call->words = words.file;
    if (screen) saga_screen_open();
    while (code == SAGA_EXIT_DONE && !w.ended && !ferror(stdout)) {
        code = look_once(&w);
        saga_arena_reset(&look);
        if (code == SAGA_EXIT_DONE && !w.ended) wait_a_little(screen);
    }
    if (screen && !w.ended) saga_screen_close();
    call->words = NULL;
    call->arena = w.whole;
    pass_on(&words, stderr);
    close_sheet(&words);
    saga_arena_free(&look);
    saga_definition_free(w.definition);
    return code;
}

/* ---- the list ---- */

/* Redis may be away for a while: the words then stand on the screen until it is back. */
static int draw_list(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter,
                     struct sheet *words)
{
    struct sheet rows, counts;
    open_sheet(&rows);
    open_sheet(&counts);
    int code = saga_list_print(call, lanes, filter, rows.file, counts.file, counts.file);
    struct saga_picture picture = { read_sheet(&rows), read_sheet(&counts), "sagas" };
    if (code != SAGA_EXIT_DONE)
        picture = (struct saga_picture){ read_sheet(words), SAGA_SLICE_NONE, "lines" };
    saga_screen_draw(&picture, call->arena);
    close_sheet(&rows);
    close_sheet(&counts);
    return code;
}

static int watch_all(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter)
{
    struct saga_arena *whole = call->arena, look;
    int code = SAGA_EXIT_DONE;
    saga_arena_init(&look);
    call->arena = &look;
    saga_screen_open();
    while ((code == SAGA_EXIT_DONE || code == SAGA_EXIT_FAILED) && !ferror(stdout)) {
        struct sheet words;
        open_sheet(&words);
        call->words = words.file;
        code = draw_list(call, lanes, filter, &words);
        call->words = NULL;
        saga_arena_reset(&look);
        close_sheet(&words);
        saga_screen_wait(WATCH_MS);
    }
    call->arena = whole;
    saga_arena_free(&look);
    return code;
}

static int watch(struct saga_call *call)
{
    uint32_t lanes;
    bool screen = call->output == SAGA_OUTPUT_TEXT && saga_screen_is_there();
    if (call->argument_count == 0 && !screen)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "`saga list` prints it once; `saga watch ID` goes on with a line for "
                              "every change of one saga, wherever it is written to",
                              "the list is kept up to date on a terminal, as text, and this is "
                              "none");
    struct saga_view_filter filter;
    int code = saga_list_filter(call, &filter);
    if (code == SAGA_EXIT_DONE) code = saga_call_lanes(call, &lanes);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    return call->argument_count ? watch_one(call, lanes, screen) : watch_all(call, lanes, &filter);
}

const struct saga_subcommand saga_subcommand_watch = {
    .name = "watch",
    .arguments = "[ID]",
    .summary = "watch a saga until it ends, or the list",
    .details = "On a terminal the picture is kept up to date and fitted to the window; elsewhere "
               "every change of the saga is a line, and the list cannot be watched. Ends with "
               "Ctrl-C.",
    .examples = "  saga watch order-fulfilment/o-4711\n"
                "  saga watch --status stuck",
    .options = saga_list_options,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = watch,
};
