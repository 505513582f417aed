/* What a trial came to, as JSON. */
#include "base/json.h"
#include "operate/output.h"
#include "operate/trial.h"

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

static json_t *unreadable_json(const struct saga_trial *t)
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

/* Of the lanes that were not looked at to their end, up to where they were; null: there is none. */
static json_t *truncated_json(const struct saga_trial *t)
{
    static const char *const names[] = {
        [SAGA_TRIAL_RECORDS] = "records", [SAGA_TRIAL_TIME] = "time", [SAGA_TRIAL_MEMORY] = "memory"
    };
    json_t *lanes = json_array();
    for (uint32_t i = 0; i < t->call->config.lanes; i++) {
        const struct saga_trial_lane *lane = &t->lanes[i];
        if (lane->bound == SAGA_TRIAL_WHOLE) continue;
        json_array_append_new(
            lanes, json_pack("{s:I, s:s, s:I, s:I, s:I, s:o}", "lane", (json_int_t)i, "by",
                             names[lane->bound], "from", (json_int_t)lane->from, "to",
                             (json_int_t)lane->to, "end", (json_int_t)lane->end, "time",
                             lane->last_ms < 0 ? json_null() : saga_json_time(lane->last_ms)));
    }
    if (json_array_size(lanes) > 0) return json_pack("{s:o}", "lanes", lanes);
    json_decref(lanes);
    return json_null();
}

static void set_count(json_t *object, const char *name, uint64_t count)
{
    json_object_set_new(object, name, json_integer((json_int_t)count));
}

json_t *saga_trial_json(const struct saga_trial *t)
{
    json_t *object = json_object(), *classes = json_object(), *groups = json_array();
    const struct saga_what_if_counts *c = &t->counts;
    struct saga_pace pace = saga_lane_reading_pace(&t->reading);
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
        set_count(classes, saga_what_if_class_name((enum saga_what_if_class)i), c->by_class[i]);
    for (size_t i = 0; i < t->group_count; i++)
        json_array_append_new(groups, group_json(t->groups[i]));
    json_object_set_new(object, "saga", saga_json_string(t->options.name));
    json_object_set_new(object, "version", json_integer(t->asked.definition->version));
    json_object_set_new(object, "file", json_string(t->asked.file));
    if (t->options.since_ms)
        json_object_set_new(object, "since", saga_json_time(t->options.since_ms));
    json_object_set_new(object, "passed", json_boolean(saga_trial_passed(t)));
    set_count(object, "sagas", c->sagas);
    json_object_set_new(object, "byClass", classes);
    set_count(object, "stillOpen", c->open);
    set_count(object, "events", c->events);
    set_count(object, "eventsUnknown", c->events - c->decided);
    set_count(object, "records", c->records);
    json_object_set_new(object, "truncated", truncated_json(t));
    set_count(object, "unreadable", c->unreadable);
    json_object_set_new(object, "firstUnreadable", unreadable_json(t));
    set_count(object, "lanesCut", t->cut_lanes);
    set_count(object, "heldAtMost", c->open_max);
    json_object_set_new(object, "seconds", json_real(pace.seconds));
    json_object_set_new(object, "processorSeconds", json_real(pace.processor_s));
    json_object_set_new(object, "recordsPerProcessorSecond",
                        json_integer((json_int_t)pace.per_processor_s));
    json_object_set_new(object, "parted", groups);
    return object;
}
