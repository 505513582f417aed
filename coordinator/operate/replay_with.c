/* saga replay --with: what if another version had been in force (runtime/what_if.h). */
#include <stdio.h>

#include "base/time.h"
#include "operate/definitions.h"
#include "operate/moment.h"
#include "operate/output.h"
#include "operate/replay.h"
#include "operate/trial.h"

enum { SHOWN_BODY_BYTES = 200 };

/* ---- as text ---- */

static void print_count(const struct saga_trial *t, enum saga_what_if_class class)
{
    static const char *const words[SAGA_WHAT_IF_CLASS_COUNT] = {
        [SAGA_WHAT_IF_SAME] = "go the same way",
        [SAGA_WHAT_IF_ENDED_OTHERWISE] = "end otherwise, with the same commands",
        [SAGA_WHAT_IF_OTHER_COMMANDS] = "send other commands",
        [SAGA_WHAT_IF_STUCK] = "get stuck",
        [SAGA_WHAT_IF_UNHANDLED] = "meet an event that the new version does not take",
        [SAGA_WHAT_IF_OTHER_TIME] = "part in time: a timer would have rung before or after",
        [SAGA_WHAT_IF_NOT_STARTED] = "would not have been started",
        [SAGA_WHAT_IF_NOT_JUDGED] = "cannot be judged",
    };
    uint64_t count = t->counts.by_class[class];
    if (count == 0 && class != SAGA_WHAT_IF_SAME) return;
    printf("%10llu  %s", (unsigned long long)count, words[class]);
    if (class == SAGA_WHAT_IF_SAME && t->counts.open)
        printf("; %llu of them %s not ended yet", (unsigned long long)t->counts.open,
               t->counts.open == 1 ? "has" : "have");
    else if (class != SAGA_WHAT_IF_SAME)
        printf("  (%s%s)", saga_what_if_class_name(class),
               t->asked.accepted[class] ? ", accepted" : "");
    putchar('\n');
}

static void print_side(const struct saga_trial *t, const char *title,
                       const struct saga_what_if_side *side)
{
    struct saga_arena *arena = t->call->arena;
    struct saga_slice body = saga_slice_clip(side->body, SHOWN_BODY_BYTES);
    if (!side->words.size) return;
    printf("      %-10s%s", title, saga_printable(arena, side->words));
    if (body.size) printf("  %s", saga_printable(arena, body));
    printf("%s\n", side->body_clipped || body.size < side->body.size ? "..." : "");
}

static void print_group(const struct saga_trial *t, const struct saga_what_if_group *group)
{
    struct saga_arena *arena = t->call->arena;
    char time[SAGA_TIME_TEXT_BYTES];
    printf("\n%s", saga_what_if_class_name(group->class));
    if (group->step.size) printf(", step %s", saga_printable(arena, group->step));
    printf(": %s (%llu %s)\n", saga_printable(arena, group->what), (unsigned long long)group->count,
           group->count == 1 ? "saga" : "sagas");
    for (size_t i = 0; i < group->example_count; i++) {
        const struct saga_what_if_example *example = &group->examples[i];
        saga_time_format(example->time_ms, time);
        printf("  %s  lane %u, ", saga_printable(arena, example->saga_id), example->lane);
        if (example->offset < 0)
            printf("at the journal's end, %s\n", time);
        else
            printf("offset %lld, %s\n", (long long)example->offset, time);
        print_side(t, "recorded", &example->recorded);
        print_side(t, "instead", &example->instead);
    }
}

static void print_unreadable(const struct saga_trial *t)
{
    const struct saga_what_if_unreadable *unreadable;
    size_t count = saga_what_if_unreadable(t->what_if, &unreadable);
    if (count == 0) return;
    printf("\n%llu %s of the journal cannot be read%s:\n", (unsigned long long)t->counts.unreadable,
           t->counts.unreadable == 1 ? "record" : "records",
           t->asked.unreadable_accepted ? " (accepted)" : "");
    for (size_t i = 0; i < count; i++)
        printf("  lane %u, offset %lld: %s\n", unreadable[i].lane, (long long)unreadable[i].offset,
               saga_printable(t->call->arena, unreadable[i].words));
}

/* What the numbers do not say. */
static void print_bounds(const struct saga_trial *t)
{
    uint64_t unknown = t->counts.events - t->counts.decided;
    putchar('\n');
    if (unknown)
        printf("What would have followed where the ways part is unknown: %llu recorded %s behind "
               "there not judged.\n",
               (unsigned long long)unknown, unknown == 1 ? "event is" : "events are");
    if (t->cut_lanes)
        printf("The journal of %u %s cut: sagas that had begun before are not judged.\n",
               t->cut_lanes, t->cut_lanes == 1 ? "lane was" : "lanes were");
    printf("Events that only this version would start on are not in the journal.\n");
}

static void print_text(const struct saga_trial *t, bool differs)
{
    const struct saga_what_if_counts *c = &t->counts;
    struct saga_pace pace = saga_lane_reading_pace(&t->reading);
    char since[SAGA_TIME_TEXT_BYTES];
    printf("%s by %s (version %u): %llu %s", saga_printable(t->call->arena, t->options.name),
           t->asked.file, t->asked.definition->version, (unsigned long long)c->sagas,
           c->sagas == 1 ? "saga" : "sagas");
    if (t->options.since_ms) {
        saga_time_format(t->options.since_ms, since);
        printf(" started since %s", since);
    }
    printf(", %llu %s\n", (unsigned long long)c->events, c->events == 1 ? "event" : "events");
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++) print_count(t, (enum saga_what_if_class)i);
    for (size_t i = 0; i < t->group_count; i++) print_group(t, t->groups[i]);
    print_unreadable(t);
    print_bounds(t);
    printf("%llu %s in %.1f s: %.0f for each second of a processor\n",
           (unsigned long long)c->records, c->records == 1 ? "record" : "records", pace.seconds,
           pace.per_processor_s);
    if (differs) printf("NOT the same\n");
}

/* ---- the whole ---- */

static int tell(const struct saga_trial *t)
{
    bool differs = saga_trial_differs(t);
    char since[SAGA_TIME_TEXT_BYTES] = "";
    if (t->options.since_ms) saga_time_format(t->options.since_ms, since);
    if (t->counts.sagas == 0 && !differs)
        return saga_call_fail(t->call, SAGA_EXIT_NOT_FOUND,
                              "`saga list` shows what there is; --saga says whose sagas are meant",
                              "the journal has no saga of a definition %.*s%s%s",
                              SAGA_SLICE_ARG(t->options.name),
                              since[0] ? " that was started since " : "", since);
    if (t->call->output == SAGA_OUTPUT_TEXT)
        print_text(t, differs);
    else
        saga_print_object(t->call, saga_trial_json(t));
    return differs ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

static int read_asked(struct saga_call *call, const struct saga_replay_with *asked,
                      struct saga_definition **ret_definition, struct saga_trial_asked *ret)
{
    int code = saga_trial_accept(call, asked->accept, ret);
    if (code == SAGA_EXIT_DONE && asked->since)
        code = saga_moment_parse_time(call, asked->since, &ret->since_ms);
    if (code == SAGA_EXIT_DONE) code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_load_files(call, call->schemas, &asked->file, 1, ret_definition);
    if (code == SAGA_EXIT_FAILED) code = SAGA_EXIT_USAGE; /* in CI that is no difference found */
    if (code != SAGA_EXIT_DONE) return code;
    ret->definition = *ret_definition;
    ret->file = asked->file;
    ret->name = saga_slice_of(asked->name);
    return SAGA_EXIT_DONE;
}

int saga_replay_with(struct saga_call *call, const struct saga_replay_with *asked)
{
    struct saga_trial_asked trial_asked = { 0 };
    struct saga_definition *definition = NULL;
    struct saga_trial trial = { 0 };
    int code = read_asked(call, asked, &definition, &trial_asked);
    if (code == SAGA_EXIT_DONE) code = saga_trial_run(call, &trial_asked, &trial);
    if (code == SAGA_EXIT_DONE) code = tell(&trial);
    saga_trial_free(&trial);
    saga_definition_free(definition);
    return code;
}
