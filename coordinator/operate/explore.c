#include "operate/explore.h"
#include "base/limits.h"

#include "explore/way.h"
#include "operate/input.h"
#include "operate/story.h"

int saga_explore_options_of(struct saga_call *call, struct saga_explore_options *ret)
{
    unsigned long long states, depth, seconds, rounds, attempts;
    *ret = saga_explore_default;
    int code = saga_call_number(call, SAGA_KEY_MAX_STATES, ret->states_max, 100000000, &states);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, SAGA_KEY_DEPTH, ret->depth_max, 1000000, &depth);
    if (code == SAGA_EXIT_DONE)
        code =
            saga_call_number(call, SAGA_KEY_SECONDS, (unsigned)ret->seconds_max, 1000000, &seconds);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, SAGA_KEY_ROUNDS, ret->bounds.rounds, 100, &rounds);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, SAGA_KEY_ATTEMPTS, ret->bounds.attempts, 100, &attempts);
    if (code != SAGA_EXIT_DONE) return code;
    ret->states_max = (uint32_t)states;
    ret->depth_max = (uint32_t)depth;
    ret->seconds_max = (double)seconds;
    ret->bounds.rounds = (uint32_t)rounds;
    ret->bounds.attempts = (uint32_t)attempts;
    ret->pauses = saga_call_has(call, SAGA_KEY_PAUSES);
    ret->bounds.failing = saga_call_has(call, SAGA_KEY_FAILING);
    ret->bounds.with_input = saga_call_has(call, SAGA_KEY_INPUT);
    if (!ret->bounds.with_input) return SAGA_EXIT_DONE;
    if (!saga_call_has(call, SAGA_KEY_EXPLORE))
        return saga_call_fail(call, SAGA_EXIT_USAGE, "add --explore",
                              "--input says what a saga that is explored starts with");
    return saga_input_read(call, SAGA_KEY_INPUT, SAGA_INPUT_BYTES_MAX, &ret->input);
}

/* One exploration that is reported. */
struct report {
    struct saga_call *call;
    const struct saga_explore_options *options;
    const char *file;
    struct saga_definition *definition;
    struct saga_diagnostics *findings;
    const struct saga_explored *explored;
};

static struct saga_slice rest_words(const struct report *r, const struct saga_explore_rest *rest)
{
    const char *name = saga_status_name(rest->status);
    if (rest->status != SAGA_STUCK) return saga_slice_of(name);
    return saga_arena_printf(r->call->arena, "stuck on %s%s%.*s",
                             saga_stuck_on_name(rest->stuck_on), rest->stuck_step.size ? " " : "",
                             SAGA_SLICE_ARG(rest->stuck_step));
}

static struct saga_diagnostic *add_finding(const struct report *r,
                                           const struct saga_explore_finding *finding)
{
    const struct saga_flaw_kind *kind = &saga_flaw_kinds[finding->flaw];
    struct saga_diagnostic *added =
        saga_diagnostics_add(r->findings, kind->severity, kind->code, "%s%s%.*s", kind->title,
                             finding->subject.size ? ": " : "", SAGA_SLICE_ARG(finding->subject));
    added->file = r->file;
    added->why = saga_slice_of(kind->why);
    added->mend = saga_slice_of(kind->mend);
    if (finding->block) {
        added->line = finding->block->position.line;
        added->column = finding->block->position.column;
    }
    return added;
}

struct told {
    struct saga_slice story, scenario;
};

static struct told tell(const struct report *r, const struct saga_explore_finding *finding,
                        struct saga_slice name)
{
    const struct saga_explore_step *way = finding->way;
    size_t count = finding->way_count;
    /* where the engine fails it would fail once more */
    size_t decided = finding->flaw == SAGA_FLAW_ENGINE ? count - 1 : count;
    struct saga_buffer story;
    struct saga_play play;
    struct told told;
    saga_buffer_init(&story, r->call->arena);
    struct saga_slice choices =
        saga_explore_play(r->definition, r->options, way, count, decided, r->call->arena, &play);
    saga_story_tell(&play, &story);
    told.story = saga_buffer_slice(&story);
    told.scenario = saga_way_scenario(&play, name, choices, &r->options->bounds, r->call->arena);
    saga_play_end(&play);
    return told;
}

/* ---- text ---- */

static void print_text(const struct report *r)
{
    const struct saga_explored *e = r->explored;
    double rate = e->seconds > 0 ? (double)e->transitions / e->seconds : 0;
    printf("%s: explored %s: %u states, %llu transitions, at most %u events in a row, %.2f s (%.0f "
           "transitions/s)\n",
           r->file, e->cut ? "in part" : "completely", e->states,
           (unsigned long long)e->transitions, e->depth, e->seconds, rate);
    if (e->cut) printf("  not all of it: %s\n", e->cut);
    for (size_t i = 0; i < e->rest_count; i++) {
        struct saga_slice words = rest_words(r, &e->rests[i]);
        printf("  %.*s: after %zu %s at the earliest\n", SAGA_SLICE_ARG(words),
               e->rests[i].way_count, e->rests[i].way_count == 1 ? "event" : "events");
    }
    for (size_t i = 0; i < e->finding_count; i++) {
        const struct saga_explore_finding *finding = &e->findings[i];
        const struct saga_diagnostic *added = add_finding(r, finding);
        if (finding->way_count == 0) continue;
        printf("\n%s: %.*s [%s]\n", r->file, SAGA_SLICE_ARG(added->what), added->code);
        struct told told = tell(r, finding, added->what);
        printf("the shortest way there:\n%.*sto keep it, for saga test:\n%.*s",
               SAGA_SLICE_ARG(told.story), SAGA_SLICE_ARG(told.scenario));
    }
}

/* ---- JSON ---- */

static json_t *rests_json(const struct report *r)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < r->explored->rest_count; i++) {
        const struct saga_explore_rest *rest = &r->explored->rests[i];
        json_array_append_new(
            rows, json_pack("{s:s, s:o, s:I, s:I}", "status", saga_status_name(rest->status),
                            "words", saga_json_string(rest_words(r, rest)), "states",
                            (json_int_t)rest->states, "events", (json_int_t)rest->way_count));
    }
    return rows;
}

static void add_json(const struct report *r, json_t *rows)
{
    const struct saga_explored *e = r->explored;
    json_t *found = json_array();
    for (size_t i = 0; i < e->finding_count; i++) {
        const struct saga_explore_finding *finding = &e->findings[i];
        const struct saga_diagnostic *added = add_finding(r, finding);
        json_t *row =
            json_pack("{s:s, s:o}", "code", added->code, "what", saga_json_string(added->what));
        if (finding->way_count) {
            struct told told = tell(r, finding, added->what);
            json_object_set_new(row, "story", saga_json_string(told.story));
            json_object_set_new(row, "scenario", saga_json_string(told.scenario));
        }
        json_array_append_new(found, row);
    }
    json_t *row = json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:f, s:o, s:o}", "explored", r->file, "saga",
        saga_arena_string(r->call->arena, r->definition->name), "complete", e->cut == NULL,
        "states", (json_int_t)e->states, "transitions", (json_int_t)e->transitions, "depth",
        (json_int_t)e->depth, "seconds", e->seconds, "rests", rests_json(r), "findings", found);
    if (e->cut) json_object_set_new(row, "cut", json_string(e->cut));
    json_array_append_new(rows, row);
}

void saga_explore_definition(struct saga_call *call, const struct saga_explore_options *options,
                             const char *file, struct saga_definition *definition,
                             struct saga_diagnostics *findings, json_t *rows)
{
    struct saga_explored explored;
    struct report report = { call, options, file, definition, findings, &explored };
    saga_explore(definition, options, call->arena, &explored);
    if (explored.cut)
        add_finding(&report,
                    &(struct saga_explore_finding){ .flaw = SAGA_FLAW_CUT_SHORT,
                                                    .subject = saga_slice_of(explored.cut) });
    if (rows)
        add_json(&report, rows);
    else
        print_text(&report);
}
