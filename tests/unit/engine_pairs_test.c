/* Every block that holds or waits for something, alone and inside of every block that holds lists, on three ways: all goes
 * well; the first thing inside of it fails; the last step of the saga fails, so that all is taken back. What the engine
 * decides is told in tests/golden/pairs.traces. Run with SAGA_GOLDEN_UPDATE=1 to write it anew, then read what changed. */
#include "unit/engine_world.h"

#include <stdlib.h>

#define GOLDEN SAGA_SOURCE_DIR "/tests/golden/pairs.traces"

enum { EVENTS_MAX = 40 };
enum way { ALL_GOES_WELL, THE_INNER_FAILS, THE_LAST_FAILS, WAYS };
static const char *const way_words[WAYS] = { "all goes well", "the first inside fails",
                                             "the last step fails" };

#define STEP(name, NAME)                                                                           \
    "- { step: " name ", send: p/" NAME ", success: " NAME "Done, failure: " NAME "No,\n"          \
    "    compensate: { send: p/Undo" NAME " } }\n"

/* What is looked at: lines of YAML. */
static const struct block {
    const char *name, *yaml;
} inners[] = {
    { "step", STEP("b", "B") },
    { "choose", "- choose:\n    - when: .input.yes\n      steps:\n        - { step: b, send: p/B, "
                "success: BDone, failure: BNo, compensate: { send: p/UndoB } }\n    - else: []\n" },
    { "parallel", "- parallel:\n    left:\n      - { step: b, send: p/B, success: BDone, failure: "
                  "BNo, compensate: { send: p/UndoB } }\n    right:\n      - { step: c, send: p/C, "
                  "success: CDone, failure: CNo, compensate: { send: p/UndoC } }\n" },
    { "for-each", "- for-each: { in: .input.list, at-once: 2 }\n  steps:\n    - { step: b, send: "
                  "p/B, body: .item, success: BDone, failure: BNo, compensate: { send: p/UndoB } "
                  "}\n" },
    { "repeat", "- repeat: { until: '.index >= 1', at-most: 3 }\n  steps:\n    - { step: b, send: "
                "p/B, success: BDone, failure: BNo, compensate: { send: p/UndoB } }\n" },
    { "await", "- await: b\n  topic: ev\n  event: Told\n  match: .v\n  with: .input.v\n"
               "  timeout: 10s\n  on-timeout:\n    - { step: c, send: p/C, success: CDone, "
               "compensate: { send: p/UndoC } }\n" },
    { "catch", "- step: b\n  send: p/B\n  success: BDone\n  failure: BNo\n  compensate: { send: "
               "p/UndoB }\n  catch:\n    BNo:\n      - { step: c, send: p/C, success: CDone, "
               "compensate: { send: p/UndoC } }\n" },
    { "child", "- { saga: other, as: b }\n" },
};

/* What it stands in: lines before it, and how deep it is inside. */
static const struct around {
    const char *name, *before;
    int indent;
    bool by_failure; /* one comes inside when `o` fails */
} arounds[] = {
    { "the saga", "", 0, false },
    { "choose", "- choose:\n    - when: .input.no\n      steps: []\n    - else:\n", 8, false },
    { "a branch of parallel",
      "- parallel:\n    one:\n      - { step: o, send: p/O, success: ODone, "
      "compensate: { send: p/UndoO } }\n    other:\n",
      6, false },
    { "for-each", "- for-each: { item: outer, in: .input.two, at-once: 2 }\n  steps:\n", 4, false },
    { "repeat", "- repeat: { until: '.index >= 1', at-most: 3 }\n  steps:\n", 4, false },
    { "catch",
      "- step: o\n  send: p/O\n  success: ODone\n  failure: ONo\n  compensate: { send: "
      "p/UndoO }\n  catch:\n    ONo:\n",
      6, true },
    { "on-timeout",
      "- await: o\n  topic: ev\n  event: Said\n  match: .v\n  with: .input.v\n"
      "  timeout: 5s\n  on-timeout:\n",
      4, true },
};

static void add_lines(struct saga_buffer *yaml, const char *lines, int indent)
{
    for (const char *end; *lines; lines = end + 1) {
        end = strchr(lines, '\n');
        saga_buffer_printf(yaml, "%*s%.*s\n", indent, "", (int)(end - lines), lines);
    }
}

/* ---- what happens ---- */

static struct saga_slice succeeds_as(struct world *w, const struct saga_step_state *step, bool well)
{
    return saga_arena_printf(&w->arena, "%c%s", step->path.data[0] - 'a' + 'A',
                             well ? "Done" : "No");
}

static void answer(struct world *w, const struct saga_step_state *step, bool well)
{
    struct saga_event event = { .kind = SAGA_EVENT_NOTE,
                                .run = w->state->run,
                                .step = saga_arena_copy(&w->arena, step->path),
                                .from_id = saga_arena_copy(&w->arena, step->target),
                                .body = SAGA_SLICE("{}") };
    if (step->kind == SAGA_STEP_COMMAND) {
        event.kind = SAGA_EVENT_REPLY;
        event.type = succeeds_as(w, step, well);
    } else if (step->kind == SAGA_STEP_CHILD) {
        event.note = SAGA_NOTE_CHILD_ENDED;
        event.type = saga_slice_of(well ? "completed" : "compensated");
    } else if (well) {
        event.note = SAGA_NOTE_AWAIT_MATCH;
        event.id = SAGA_SLICE("e-1");
    } else {
        ring(w, saga_arena_printf(&w->arena, "step/%.*s", SAGA_SLICE_ARG(step->path)).data);
        return;
    }
    decide(w, event);
}

static void take_back(struct world *w, const struct saga_step_state *step)
{
    struct saga_event event = { .kind = SAGA_EVENT_REPLY,
                                .type = SAGA_SLICE("Undone"),
                                .compensation = true,
                                .run = w->state->run,
                                .step = saga_arena_copy(&w->arena, step->path),
                                .from_id = saga_arena_copy(&w->arena, step->target) };
    if (step->kind == SAGA_STEP_CHILD) {
        event.kind = SAGA_EVENT_NOTE;
        event.note = SAGA_NOTE_CHILD_COMPENSATED;
    }
    decide(w, event);
}

static bool goes_well(const struct saga_step_state *step, const struct around *around, enum way way,
                      bool *failed)
{
    char name = step->path.data[0];
    if (name == 'o') return !around->by_failure;
    if (name == 'z') return way != THE_LAST_FAILS;
    if (name != 'b' || way != THE_INNER_FAILS || *failed) return true;
    *failed = true;
    return false;
}

/* ---- telling ---- */

static void tell_event(struct world *w, const char *what, struct saga_slice path,
                       struct saga_buffer *out)
{
    saga_buffer_printf(out, "  %.*s%s:", SAGA_SLICE_ARG(path), what);
    for (size_t i = 0; i < w->facts.count; i++) {
        const struct saga_fact *fact = &w->facts.items[i];
        saga_buffer_printf(out, "%s", i ? "; " : " ");
        tell_fact(fact, out);
        if (fact->kind == SAGA_FACT_NOTE_SENT)
            saga_buffer_printf(out, " %s", saga_note_name(fact->note));
    }
    saga_buffer_add_char(out, '\n');
}

static void go_on(struct world *w, const struct around *around, enum way way,
                  struct saga_buffer *out)
{
    bool failed = false;
    for (int events = 0; !saga_status_has_ended(w->state->status); events++) {
        const struct saga_step_state *step = NULL;
        bool back = false;
        for (size_t i = 0; i < w->state->step_count && !step; i++) {
            const struct saga_step_state *at = &w->state->steps[i];
            back = at->compensation == SAGA_COMPENSATION_SENT;
            if (back || at->status == SAGA_STEP_SENT) step = at;
        }
        if (!step || events == EVENTS_MAX) fail_msg("it does not come to its end");
        struct saga_slice path = saga_arena_copy(&w->arena, step->path);
        bool well = back || goes_well(step, around, way, &failed);
        if (back)
            take_back(w, step);
        else
            answer(w, step, well);
        tell_event(w, back ? " is taken back" : well ? " succeeds" : " fails", path, out);
    }
    saga_buffer_printf(out, "  = %s\n", saga_status_name(w->state->status));
}

static void tell_pair(const struct block *inner, const struct around *around, enum way way,
                      struct saga_buffer *out)
{
    void *world;
    struct saga_buffer yaml;
    world_set_up(&world);
    struct world *w = world;
    saga_buffer_init(&yaml, &w->arena);
    add_lines(&yaml, HEAD "steps:\n", 0);
    add_lines(&yaml, STEP("a", "A"), 2);
    add_lines(&yaml, around->before, 2);
    add_lines(&yaml, inner->yaml, 2 + around->indent);
    add_lines(&yaml, STEP("z", "Z"), 2);
    define(&world, saga_arena_string(&w->arena, saga_buffer_slice(&yaml)));
    saga_buffer_printf(out, "%s in %s, %s\n", inner->name, around->name, way_words[way]);
    start(w, "{\"yes\":true,\"no\":false,\"v\":1,\"list\":[7,8],\"two\":[1,2]}");
    tell_event(w, "it starts", SAGA_SLICE_NONE, out);
    go_on(w, around, way, out);
    world_tear_down(&world);
}

static struct saga_slice read_golden(struct saga_arena *arena)
{
    FILE *file = fopen(GOLDEN, "rb");
    char chunk[4096];
    struct saga_buffer bytes;
    saga_buffer_init(&bytes, arena);
    for (size_t got; file && (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        saga_buffer_append(&bytes, chunk, got);
    if (file) fclose(file);
    return saga_buffer_slice(&bytes);
}

/* Prints the first line that differs. */
static void compare(struct saga_slice told, struct saga_slice golden)
{
    size_t at = 0, line = 0, number = 1;
    while (at < told.size && at < golden.size && told.data[at] == golden.data[at])
        if (told.data[at++] == '\n') line = at, number++;
    if (at == told.size && at == golden.size) return;
    int told_size = (int)strcspn(told.data + line, "\n"),
        golden_size = line < golden.size ? (int)strcspn(golden.data + line, "\n") : 0;
    fail_msg("%s:%zu tells another story now:\n%.*s\nit was:\n%.*s", GOLDEN, number, told_size,
             told.data + line, golden_size, golden.data + line);
}

static void every_pair_is_as_it_was(void **state)
{
    struct saga_arena arena;
    struct saga_buffer out;
    (void)state;
    saga_arena_init(&arena);
    saga_buffer_init(&out, &arena);
    for (size_t i = 0; i < sizeof inners / sizeof *inners; i++)
        for (size_t o = 0; o < sizeof arounds / sizeof *arounds; o++)
            for (int way = 0; way < WAYS; way++)
                tell_pair(&inners[i], &arounds[o], (enum way)way, &out);
    struct saga_slice told = saga_buffer_slice(&out);
    if (getenv("SAGA_GOLDEN_UPDATE")) {
        FILE *file = fopen(GOLDEN, "wb");
        assert_non_null(file);
        fwrite(told.data, 1, told.size, file);
        fclose(file);
    } else {
        compare((struct saga_slice){ saga_arena_string(&arena, told), told.size },
                read_golden(&arena));
    }
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_pair_is_as_it_was) };
    return cmocka_run_group_tests_name("engine: blocks in pairs", tests, NULL, NULL);
}
