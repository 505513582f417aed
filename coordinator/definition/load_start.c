/* `start`: events, and schedules. */
#include "base/error.h"
#include "base/limits.h"
#include "definition/load_internal.h"
#include "definition/schedule.h"

/* ---- schedules ---- */

static void load_missed(struct saga_loading *l, struct fy_node *node, enum saga_missed *ret)
{
    struct saga_slice missed;
    if (!saga_yaml_text(&l->yaml, node, "`missed`", &missed)) return;
    if (saga_slice_is(missed, "skip"))
        *ret = SAGA_MISSED_SKIP;
    else if (!saga_slice_is(missed, "run-once"))
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`missed` is run-once or skip, not \"%.*s\"",
                       SAGA_SLICE_ARG(saga_slice_clip(missed, 60)))
            ->mend = SAGA_SLICE("run-once, the default, makes up for all ticks that came while no "
                                "coordinator ran with one run");
}

static void load_every(struct saga_loading *l, struct fy_node *node, int64_t *ret_ms)
{
    if (!saga_yaml_duration(&l->yaml, node, "`every`", ret_ms)) return;
    if (*ret_ms >= SAGA_SCHEDULE_EVERY_MS_MIN && *ret_ms <= SAGA_SCHEDULE_EVERY_MS_MAX &&
        *ret_ms % 1000 == 0)
        return;
    saga_yaml_find(&l->yaml, node, SAGA_FINDING_SCHEDULE,
                   "`every` is whole seconds, from 1s to 366d")
        ->mend = SAGA_SLICE("what comes more seldom is written as `cron`");
}

static const struct saga_zone *load_zone(struct saga_loading *l, struct fy_node *node)
{
    const struct saga_zone *zone = NULL;
    struct saga_slice name = SAGA_SLICE("UTC");
    if (node && !saga_yaml_text(&l->yaml, node, "`zone`", &name)) return NULL;
    int error = saga_zone_load(name, saga_loading_arena(l), &zone);
    if (error == SAGA_OK) return zone;
    saga_yaml_find(&l->yaml, node, SAGA_FINDING_ZONE, "there is no time zone \"%.*s\" here%s",
                   SAGA_SLICE_ARG(saga_slice_clip(name, 60)),
                   error == SAGA_E_INVALID ? " that can be read" : "");
    return NULL;
}

static void load_cron(struct saga_loading *l, struct fy_node *node, struct fy_node *zone_node,
                      struct saga_start *ret)
{
    struct saga_slice text, message;
    const struct saga_schedule *schedule;
    const struct saga_zone *zone = load_zone(l, zone_node);
    if (!saga_yaml_text(&l->yaml, node, "`cron`", &text)) return;
    if (!zone) /* both are told when both are wrong */
        (void)saga_zone_load(SAGA_SLICE("UTC"), saga_loading_arena(l), &zone);
    if (saga_schedule_parse(text, zone, saga_loading_arena(l), &schedule, &message) < 0) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_SCHEDULE, "`cron` cannot be read: %.*s",
                       SAGA_SLICE_ARG(message));
        return;
    }
    ret->cron = schedule;
    if (saga_schedule_next(ret, 0) != SAGA_SCHEDULE_NEVER) return;
    saga_yaml_find(&l->yaml, node, SAGA_FINDING_SCHEDULE,
                   "there is no such day: this schedule would never start anything")
        ->mend = SAGA_SLICE("correct the day of the month, or the month");
    ret->cron = NULL;
}

static bool load_schedule(struct saga_loading *l, struct fy_node *node, struct saga_start *ret)
{
    static const char *const names[] = { "every", "cron", "zone", "missed" };
    struct saga_yaml *yaml = &l->yaml;
    struct fy_node *every = saga_yaml_get(node, "every"), *cron = saga_yaml_get(node, "cron"),
                   *zone = saga_yaml_get(node, "zone");
    if (!saga_yaml_check_mapping(yaml, node, "a start by schedule", names, SAGA_COUNT_OF(names)))
        return false;
    load_missed(l, saga_yaml_get(node, "missed"), &ret->missed);
    if (every && cron)
        saga_yaml_find(yaml, saga_yaml_key(node, "every"), SAGA_FINDING_WRONG_VALUE,
                       "a schedule is `every` or `cron`, not both")
            ->mend = SAGA_SLICE("make two starts of it: `start` may be a list");
    else if (cron)
        load_cron(l, cron, zone, ret);
    else
        load_every(l, every, &ret->every_ms);
    if (zone && !cron)
        saga_yaml_find(yaml, saga_yaml_key(node, "zone"), SAGA_FINDING_WRONG_VALUE,
                       "`every` goes by time that passes: no zone changes it")
            ->mend = SAGA_SLICE("take the zone out, or write the times as `cron`");
    return saga_start_is_scheduled(ret);
}

/* ---- events ---- */

/* A start that comes behind one of the same event counts where that one's `when` does not let it pass. */
static void check_reached(struct saga_loading *l, struct fy_node *node,
                          const struct saga_start *starts, size_t count,
                          const struct saga_start *start)
{
    for (size_t i = 0; i < count && start->topic.size; i++)
        if (!starts[i].when && saga_slice_equal(starts[i].topic, start->topic) &&
            saga_slice_equal(starts[i].event, start->event))
            saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                           "this start never counts: an earlier one takes every %.*s of %.*s",
                           SAGA_SLICE_ARG(start->event), SAGA_SLICE_ARG(start->topic))
                ->mend = SAGA_SLICE("take it out, or give the earlier one a `when`");
}

static bool load_event(struct saga_loading *l, struct fy_node *node, struct saga_start *ret)
{
    static const char *const names[] = {
        "topic", "event", "key", "when", "type", "from", "format"
    };
    struct saga_yaml *yaml = &l->yaml;
    if (!saga_yaml_check_mapping(yaml, node, "`start`", names, SAGA_COUNT_OF(names))) return false;
    ret->from = SAGA_BEGIN_LATEST;
    saga_load_topic(l, saga_yaml_need(yaml, node, "topic", "`start`"), &ret->topic);
    saga_load_type(l, saga_yaml_need(yaml, node, "event", "`start`"), "an event", &ret->event);
    ret->key = saga_load_expression(l, saga_yaml_need(yaml, node, "key", "`start`"), "`key`");
    ret->when = saga_load_expression(l, saga_yaml_get(node, "when"), "`when`");
    ret->type = saga_load_expression(l, saga_yaml_get(node, "type"), "`type`");
    saga_load_from(l, saga_yaml_get(node, "from"), &ret->from);
    ret->format = saga_load_format(l, saga_yaml_get(node, "format"));
    return true;
}

void saga_load_starts(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    struct saga_definition *d = l->definition;
    bool many = node && fy_node_is_sequence(node);
    int count = many ? fy_node_sequence_item_count(node) : 1;
    if (!node) return;
    if (count < 1) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "`start` names nothing that starts it")
            ->mend = SAGA_SLICE("as in start: {topic: shop.orders, event: OrderPlaced, key: "
                                ".orderId}, or {every: 1h}");
        return;
    }
    if (count > SAGA_STARTS_MAX) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "%d starts; 1 to %d are possible", count,
                       SAGA_STARTS_MAX);
        return;
    }
    struct saga_start *starts =
        SAGA_NEW_ARRAY(saga_loading_arena(l), struct saga_start, (size_t)count);
    for (int i = 0; i < count; i++) {
        struct fy_node *item = many ? fy_node_sequence_iterate(node, &iterator) : node;
        struct saga_start *start = &starts[d->start_count];
        bool scheduled = saga_yaml_key(item, "every") || saga_yaml_key(item, "cron");
        if (!(scheduled ? load_schedule : load_event)(l, item, start)) continue;
        check_reached(l, item, starts, d->start_count, start);
        d->start_count++;
    }
    d->starts = starts;
}
