/* saga replay --with: what if another version had been in force (runtime/what_if.h). */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/time.h"
#include "operate/definitions.h"
#include "operate/lane_reading.h"
#include "operate/moment.h"
#include "operate/output.h"
#include "operate/replay.h"
#include "runtime/what_if.h"

/* Beside the classes: what --accept takes for records that cannot be read. */
#define UNREADABLE "unreadable"
enum { SHOWN_BODY_BYTES = 200 };

struct trial {
    struct saga_call *call;
    const char *file;
    struct saga_definition *definition;
    struct saga_what_if_options options;
    struct saga_what_if *what_if;
    struct saga_lane_reading reading;
    struct saga_what_if_counts counts;
    const struct saga_what_if_group *const *groups;
    size_t group_count;
    uint32_t cut_lanes; /* whose journal does not begin at its beginning */
    bool accepted[SAGA_WHAT_IF_CLASS_COUNT], unreadable_accepted;
};

/* ---- what is asked for ---- */

static int refuse_class(struct saga_call *call, struct saga_slice name)
{
    const char *names[SAGA_WHAT_IF_CLASS_COUNT];
    size_t count = 0;
    for (int i = SAGA_WHAT_IF_SAME + 1; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
        names[count++] = saga_what_if_class_name((enum saga_what_if_class)i);
    names[count++] = UNREADABLE;
    const char *near = saga_nearest(name, names, count);
    const char *mend =
        near ? saga_arena_printf(call->arena, "did you mean \"%s\"?", near).data
             : "some of ended-otherwise, other-commands, stuck, unhandled-event, other-time, "
               "not-started, not-judged, unreadable, with commas between";
    return saga_call_fail(call, SAGA_EXIT_USAGE, mend, "--accept knows no class \"%.*s\"",
                          SAGA_SLICE_ARG(name));
}

static int read_accepted(struct trial *t, const char *text)
{
    while (text) {
        const char *comma = strchr(text, ',');
        struct saga_slice name = { text, comma ? (size_t)(comma - text) : strlen(text) };
        enum saga_what_if_class class = saga_what_if_class_of(name);
        if (saga_slice_is(name, UNREADABLE))
            t->unreadable_accepted = true;
        else if (class != SAGA_WHAT_IF_CLASS_COUNT)
            t->accepted[class] = true;
        else
            return refuse_class(t->call, name);
        text = comma ? comma + 1 : NULL;
    }
    t->accepted[SAGA_WHAT_IF_SAME] = true;
    return SAGA_EXIT_DONE;
}

static int read_asked(struct trial *t, const struct saga_replay_with *asked)
{
    struct saga_call *call = t->call;
    int code = read_accepted(t, asked->accept);
    if (code == SAGA_EXIT_DONE && asked->since)
        code = saga_moment_parse_time(call, asked->since, &t->options.since_ms);
    if (code == SAGA_EXIT_DONE) code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_load_files(call, call->schemas, &asked->file, 1, &t->definition);
    if (code != SAGA_EXIT_DONE) return code;
    t->options.name = asked->name ? saga_slice_of(asked->name) : t->definition->name;
    t->options.inbox = call->topics.inbox;
    t->options.schemas = call->schemas;
    return SAGA_EXIT_DONE;
}

/* ---- reading ---- */

static bool take(const struct saga_message *record, void *context)
{
    saga_what_if_record(context, record);
    return true;
}

/* A journal that was cut is read from where it begins, not from a snapshot: a state of then is the old version's, and what a
 * new one would have made of the events before nobody knows. */
static int try_lane(struct trial *t, uint32_t lane)
{
    int64_t low, high;
    int code = saga_lane_bounds(t->reading.call, lane, &low, &high);
    if (code != SAGA_EXIT_DONE) return code;
    t->cut_lanes += low > 0;
    saga_what_if_lane_begin(t->what_if, lane);
    code = saga_lane_read(&t->reading, lane, low, high, take, t->what_if);
    saga_what_if_lane_end(t->what_if);
    return code;
}

static int try_all(struct trial *t)
{
    struct saga_call *call = t->call;
    uint32_t lanes = call->config.lanes;
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE) code = saga_lane_reading_begin(&t->reading, call, 0, lanes);
    if (code != SAGA_EXIT_DONE) return code;
    saga_what_if_new(call->codec, t->definition, &t->options, &t->what_if);
    for (uint32_t lane = 0; lane < lanes && code == SAGA_EXIT_DONE; lane++)
        code = try_lane(t, lane);
    saga_lane_reading_end(&t->reading);
    saga_what_if_count(t->what_if, &t->counts);
    t->group_count = saga_what_if_groups(t->what_if, &t->groups);
    return code;
}

/* ---- as JSON ---- */

static json_t *side_json(const struct saga_what_if_side *side)
{
    json_t *object = json_object(), *body = NULL;
    json_object_set_new(object, "words", saga_json_string(side->words));
    if (!side->body.data) return object;
    if (!side->body_clipped)
        body = json_loadb(side->body.data, side->body.size, JSON_DECODE_ANY, NULL);
    json_object_set_new(object, "body", body ? body : saga_json_string(side->body));
    if (side->body_clipped) json_object_set_new(object, "bodyClipped", json_true());
    return object;
}

static json_t *example_json(const struct saga_what_if_example *example)
{
    json_t *object = json_object();
    json_object_set_new(object, "saga", saga_json_string(example->saga_id));
    json_object_set_new(object, "run", saga_json_string(example->run));
    json_object_set_new(object, "lane", json_integer(example->lane));
    json_object_set_new(object, "offset",
                        example->offset < 0 ? json_null() : json_integer(example->offset));
    json_object_set_new(object, "time", saga_json_time(example->time_ms));
    json_object_set_new(object, "recorded", side_json(&example->recorded));
    json_object_set_new(object, "instead", side_json(&example->instead));
    return object;
}

static json_t *group_json(const struct saga_what_if_group *group)
{
    json_t *object = json_object(), *examples = json_array();
    for (size_t i = 0; i < group->example_count; i++)
        json_array_append_new(examples, example_json(&group->examples[i]));
    json_object_set_new(object, "class", json_string(saga_what_if_class_name(group->class)));
    json_object_set_new(object, "step",
                        group->step.size ? saga_json_string(group->step) : json_null());
    json_object_set_new(object, "what", saga_json_string(group->what));
    json_object_set_new(object, "sagas", json_integer((json_int_t)group->count));
    json_object_set_new(object, "examples", examples);
    return object;
}

static json_t *unreadable_json(const struct trial *t)
{
    const struct saga_what_if_unreadable *unreadable;
    size_t count = saga_what_if_unreadable(t->what_if, &unreadable);
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows,
                              json_pack("{s:I, s:I, s:o}", "lane", (json_int_t)unreadable[i].lane,
                                        "offset", (json_int_t)unreadable[i].offset, "words",
                                        saga_json_string(unreadable[i].words)));
    return rows;
}

static void set_count(json_t *object, const char *name, uint64_t count)
{
    json_object_set_new(object, name, json_integer((json_int_t)count));
}

static void print_json(struct trial *t, bool passed)
{
    json_t *object = json_object(), *classes = json_object(), *groups = json_array();
    const struct saga_what_if_counts *c = &t->counts;
    struct saga_pace pace = saga_lane_reading_pace(&t->reading);
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
        set_count(classes, saga_what_if_class_name((enum saga_what_if_class)i), c->by_class[i]);
    for (size_t i = 0; i < t->group_count; i++)
        json_array_append_new(groups, group_json(t->groups[i]));
    json_object_set_new(object, "saga", saga_json_string(t->options.name));
    json_object_set_new(object, "version", json_integer(t->definition->version));
    json_object_set_new(object, "file", json_string(t->file));
    if (t->options.since_ms)
        json_object_set_new(object, "since", saga_json_time(t->options.since_ms));
    json_object_set_new(object, "passed", json_boolean(passed));
    set_count(object, "sagas", c->sagas);
    json_object_set_new(object, "byClass", classes);
    set_count(object, "stillOpen", c->open);
    set_count(object, "events", c->events);
    set_count(object, "eventsUnknown", c->events - c->decided);
    set_count(object, "records", c->records);
    set_count(object, "unreadable", c->unreadable);
    json_object_set_new(object, "firstUnreadable", unreadable_json(t));
    set_count(object, "lanesCut", t->cut_lanes);
    set_count(object, "heldAtMost", c->open_max);
    json_object_set_new(object, "seconds", json_real(pace.seconds));
    json_object_set_new(object, "processorSeconds", json_real(pace.processor_s));
    json_object_set_new(object, "recordsPerProcessorSecond",
                        json_integer((json_int_t)pace.per_processor_s));
    json_object_set_new(object, "parted", groups);
    saga_print_object(t->call, object);
}

/* ---- as text ---- */

static void print_count(const struct trial *t, enum saga_what_if_class class)
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
        printf("  (%s%s)", saga_what_if_class_name(class), t->accepted[class] ? ", accepted" : "");
    putchar('\n');
}

static void print_side(const struct trial *t, const char *title,
                       const struct saga_what_if_side *side)
{
    struct saga_arena *arena = t->call->arena;
    struct saga_slice body = saga_slice_clip(side->body, SHOWN_BODY_BYTES);
    if (!side->words.size) return;
    printf("      %-10s%s", title, saga_printable(arena, side->words));
    if (body.size) printf("  %s", saga_printable(arena, body));
    printf("%s\n", side->body_clipped || body.size < side->body.size ? "..." : "");
}

static void print_group(const struct trial *t, const struct saga_what_if_group *group)
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

static void print_unreadable(const struct trial *t)
{
    const struct saga_what_if_unreadable *unreadable;
    size_t count = saga_what_if_unreadable(t->what_if, &unreadable);
    if (count == 0) return;
    printf("\n%llu %s of the journal cannot be read%s:\n", (unsigned long long)t->counts.unreadable,
           t->counts.unreadable == 1 ? "record" : "records",
           t->unreadable_accepted ? " (accepted)" : "");
    for (size_t i = 0; i < count; i++)
        printf("  lane %u, offset %lld: %s\n", unreadable[i].lane, (long long)unreadable[i].offset,
               saga_printable(t->call->arena, unreadable[i].words));
}

/* What the numbers do not say. */
static void print_bounds(const struct trial *t)
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

static void print_text(const struct trial *t, bool passed)
{
    const struct saga_what_if_counts *c = &t->counts;
    struct saga_pace pace = saga_lane_reading_pace(&t->reading);
    char since[SAGA_TIME_TEXT_BYTES];
    printf("%s by %s (version %u): %llu %s", saga_printable(t->call->arena, t->options.name),
           t->file, t->definition->version, (unsigned long long)c->sagas,
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
    if (!passed) printf("NOT the same\n");
}

/* ---- the whole ---- */

static bool is_passed(const struct trial *t)
{
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
        if (t->counts.by_class[i] && !t->accepted[i]) return false;
    return t->counts.unreadable == 0 || t->unreadable_accepted;
}

static int tell(struct trial *t)
{
    bool passed = is_passed(t);
    if (t->counts.events == 0 && passed)
        return saga_call_fail(t->call, SAGA_EXIT_NOT_FOUND,
                              "`saga list` shows what there is; --saga says whose sagas are meant",
                              "the journal has no saga of a definition %.*s",
                              SAGA_SLICE_ARG(t->options.name));
    if (t->call->output == SAGA_OUTPUT_TEXT)
        print_text(t, passed);
    else
        print_json(t, passed);
    return passed ? SAGA_EXIT_DONE : SAGA_EXIT_FAILED;
}

int saga_replay_with(struct saga_call *call, const struct saga_replay_with *asked)
{
    struct trial t = { .call = call, .file = asked->file };
    int code = read_asked(&t, asked);
    if (code == SAGA_EXIT_DONE) code = try_all(&t);
    if (code == SAGA_EXIT_DONE) code = tell(&t);
    saga_what_if_free(t.what_if);
    saga_definition_free(t.definition);
    return code;
}
