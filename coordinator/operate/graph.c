/* `saga graph`: a definition as a picture, and where a saga stands in it. */
#include "definition/graph.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "operate/definitions.h"
#include "operate/graph_marks.h"
#include "operate/sagas.h"

enum { KEY_FORMAT = 256, KEY_SAGA };

/* ---- Graphviz ---- */

/* As far as the other end reads. */
static void write_all(int file, struct saga_slice text)
{
    while (text.size) {
        ssize_t written = write(file, text.data, text.size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return;
        text = saga_slice_skip(text, (size_t)written);
    }
}

/* Starts `dot`, which reads from the pipe and writes to our standard output. */
static int spawn_dot(int ends[2], pid_t *ret_child)
{
    static char program[] = "dot", format[] = "-Tsvg";
    char *const arguments[] = { program, format, NULL };
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) saga_memory_exhausted("starting dot");
    int error = posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    if (error == 0) error = posix_spawn_file_actions_addclose(&actions, ends[1]);
    if (error == 0) error = posix_spawnp(ret_child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int draw_svg(struct saga_call *call, struct saga_slice dot)
{
    int ends[2], status = 0;
    pid_t child;
    if (pipe(ends) != 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "no pipe to Graphviz: %s",
                              strerror(errno));
    fflush(stdout);
    int error = spawn_dot(ends, &child);
    close(ends[0]);
    if (error != 0) {
        close(ends[1]);
        return saga_call_fail(
            call, SAGA_EXIT_FAILED,
            "install the package graphviz, or use --format mermaid or dot, which need nothing",
            "SVG is drawn by Graphviz's program dot, which cannot be started: %s", strerror(error));
    }
    signal(SIGPIPE, SIG_IGN); /* a dot that ends early says so by its status */
    write_all(ends[1], dot);
    close(ends[1]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`--format dot` shows what it was given",
                          "Graphviz's program dot did not draw it");
}

/* ---- the command ---- */

static int print_text(struct saga_slice text)
{
    fwrite(text.data, 1, text.size, stdout);
    return SAGA_EXIT_DONE;
}

static int draw(struct saga_call *call, const struct saga_definition *definition,
                const struct saga_state *state)
{
    const char *format = saga_call_option(call, KEY_FORMAT);
    struct saga_graph graph;
    struct saga_block_mark *marks = state ? saga_graph_marks(definition, state, call->arena) : NULL;
    saga_graph_build(definition, call->arena, &graph);
    if (!format || strcmp(format, "mermaid") == 0)
        return print_text(saga_graph_mermaid(&graph, marks));
    struct saga_slice title =
        state ? saga_arena_printf(call->arena, "%.*s, %s", SAGA_SLICE_ARG(state->id),
                                  saga_status_name(state->status))
              : saga_arena_printf(call->arena, "%.*s, version %u", SAGA_SLICE_ARG(definition->name),
                                  definition->version);
    struct saga_slice dot = saga_graph_dot(&graph, title, marks);
    return strcmp(format, "dot") == 0 ? print_text(dot) : draw_svg(call, dot);
}

static int read_saga(struct saga_call *call, const char *id, struct saga_state **ret)
{
    struct saga_address address;
    uint32_t lanes;
    int code = saga_call_settings(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_lanes(call, &lanes);
    if (code == SAGA_EXIT_DONE) code = saga_address_parse(call, id, lanes, &address);
    return code == SAGA_EXIT_DONE ? saga_state_read(call, &address, false, ret) : code;
}

/* The saga's own version, as it was deployed. */
static int read_definition(struct saga_call *call, const struct saga_state *state,
                           struct saga_definition **ret)
{
    const char *why;
    *ret = saga_definition_of_state(call, state, &why);
    if (*ret) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "give the file too: saga graph FILE --saga ID",
                          "its definition cannot be read: %s", why);
}

static int check_file(struct saga_call *call, const struct saga_definition *definition,
                      const struct saga_state *state)
{
    if (saga_slice_equal(definition->name, state->name) &&
        saga_slice_is(state->sha256, definition->sha256))
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga graph ID` takes the one it is on",
                          "%.*s is on %.*s version %u, and the file is another",
                          SAGA_SLICE_ARG(state->id), SAGA_SLICE_ARG(state->name), state->version);
}

static int graph(struct saga_call *call)
{
    static const char *const formats[] = { "mermaid", "dot", "svg" };
    const char *format = saga_call_option(call, KEY_FORMAT), *id = saga_call_option(call, KEY_SAGA);
    const char *given = call->arguments[0];
    struct saga_definition *definition = NULL;
    struct saga_state *state = NULL;
    int code = SAGA_EXIT_DONE;
    bool known = !format, is_file = access(given, F_OK) == 0;
    for (size_t i = 0; i < 3 && !known; i++) known = strcmp(format, formats[i]) == 0;
    if (!known)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "it is mermaid, dot or svg",
                              "there is no format \"%s\"", format);
    if (!is_file && !id && strchr(given, '/')) id = given; /* as in order-fulfilment/o-4711 */
    bool by_id = id == given;
    if (id) code = read_saga(call, id, &state);
    if (code == SAGA_EXIT_DONE)
        code = by_id ? read_definition(call, state, &definition)
                     : saga_load_files(call, NULL, &given, 1, &definition);
    if (code == SAGA_EXIT_DONE && state && !by_id) code = check_file(call, definition, state);
    if (code == SAGA_EXIT_DONE) code = draw(call, definition, state);
    saga_definition_free(definition);
    saga_state_free(state);
    return code;
}

static const struct argp_option graph_options[] = {
    { "format", KEY_FORMAT, "FORMAT", 0,
      "mermaid (the default), dot, or svg, which Graphviz's program dot draws", 0 },
    { "saga", KEY_SAGA, "ID", 0, "with colours for how far this saga is", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_graph = {
    .name = "graph",
    .arguments = "FILE|ID",
    .summary = "draw a definition, and how far a saga is in it",
    .details =
        "Mermaid goes into a Markdown page between ```mermaid and ```. Of a saga the steps "
        "are coloured: done, open, failed, unknown; and so are its compensations. In loops the "
        "round counts that is the least far.",
    .examples = "  saga graph order-fulfilment.saga.yaml > order-fulfilment.mmd\n"
                "  saga graph --format svg order-fulfilment.saga.yaml > order-fulfilment.svg\n"
                "  saga graph order-fulfilment/o-4711 --format svg > o-4711.svg",
    .options = graph_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .settings_late = true,
    .run = graph,
};
