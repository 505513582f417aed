/* What is asked of a journal afterwards, of each history's: where its sagas stood at every offset (runtime/as_of.h), also
 * when the journal was cut, and what would have been with the same definitions (runtime/what_if.h). */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "runtime/as_of.h"
#include "runtime/what_if.h"
#include "sim_check_internal.h"
#include "sim_kafka.h"
#include "sim_random.h"

static const struct saga_message *committed(const struct sim_partition *partition, size_t offset)
{
    const struct sim_entry *entry = &partition->entries[offset];
    return entry->state == SIM_ENTRY_COMMITTED ? &entry->message : NULL;
}

/* ---- where the sagas stood ---- */

/* The newest milestone of the saga at or before the offset; NULL: none. */
static const struct milestone *milestone_of(const struct lane *lane, const char *saga_id,
                                            int64_t offset)
{
    for (size_t i = lane->milestone_count; i-- > 0;) {
        const struct milestone *milestone = &lane->milestones[i];
        if (milestone->offset <= offset && strcmp(milestone->saga_id, saga_id) == 0)
            return milestone;
    }
    return NULL;
}

/* `cut`: of a saga that left no trace behind the cut nothing needs to be known. */
static void compare(struct sim_check *check, uint32_t number, struct saga_as_of *as_of,
                    const char *saga_id, int64_t offset, bool cut)
{
    const struct milestone *milestone = milestone_of(&check->lanes[number], saga_id, offset);
    struct saga_slice bytes = SAGA_SLICE_NONE;
    bool unknown, there = milestone && milestone->present;
    struct saga_state *state = saga_as_of_find(as_of, saga_slice_of(saga_id), &unknown);
    if (state) {
        int error = saga_state_encode(check->codec, state, &check->scratch, &bytes);
        SAGA_ASSERT(error == SAGA_OK);
        saga_state_free(state);
    }
    if (cut && !bytes.data) return;
    if (unknown || there != (bytes.data != NULL) ||
        (there && sim_check_fingerprint(bytes) != milestone->state))
        sim_violate(check->sim, "lane %u as of %lld%s: saga %s is another than it was then", number,
                    (long long)offset, cut ? ", cut" : "", saga_id);
}

static void compare_all(struct sim_check *check, uint32_t number, struct saga_as_of *as_of,
                        int64_t offset, bool cut)
{
    const struct lane *lane = &check->lanes[number];
    for (size_t i = 0; i < lane->milestone_count; i++)
        if (lane->milestones[i].saga_id[0])
            compare(check, number, as_of, lane->milestones[i].saga_id, offset, cut);
}

/* From record to record: behind each one its saga, and that no more was taken. */
static void walk(struct sim_check *check, uint32_t number, const struct sim_partition *partition)
{
    const struct lane *lane = &check->lanes[number];
    struct saga_as_of *as_of;
    size_t m = 0;
    saga_as_of_new(check->codec, SAGA_SLICE_NONE, &as_of);
    for (size_t offset = 0; offset < (size_t)partition->seen; offset++) {
        const struct saga_message *message = committed(partition, offset);
        if (!message) continue;
        saga_arena_reset(&check->scratch);
        saga_as_of_set(as_of, (struct saga_as_of_moment){ INT64_MAX, (int64_t)offset - 1 });
        if (saga_as_of_record(as_of, message))
            sim_violate(check->sim, "lane %u: a record behind the moment is taken", number);
        saga_as_of_set(as_of, (struct saga_as_of_moment){ INT64_MAX, (int64_t)offset });
        (void)saga_as_of_record(as_of, message);
        while (m < lane->milestone_count && lane->milestones[m].offset < (int64_t)offset) m++;
        if (m < lane->milestone_count && lane->milestones[m].saga_id[0])
            compare(check, number, as_of, lane->milestones[m].saga_id, (int64_t)offset, false);
    }
    saga_as_of_free(as_of);
}

/* All sagas at once, from some offset to another; `snapshots`: what there was before is only known by these. */
static void jump(struct sim_check *check, uint32_t number, const struct sim_partition *partition,
                 const struct sim_partition *snapshots, struct sim_random *random)
{
    struct saga_as_of *as_of;
    if (partition->seen == 0) return;
    size_t last = (size_t)sim_random_below(random, (uint64_t)partition->seen);
    size_t first = snapshots ? (size_t)sim_random_below(random, last + 1) : 0;
    saga_arena_reset(&check->scratch);
    saga_as_of_new(check->codec, SAGA_SLICE_NONE, &as_of);
    for (size_t i = 0; snapshots && i < (size_t)snapshots->seen; i++)
        if (committed(snapshots, i)) saga_as_of_snapshot(as_of, &snapshots->entries[i].message);
    if (snapshots) (void)saga_as_of_begin(as_of, (int64_t)first);
    saga_as_of_set(as_of, (struct saga_as_of_moment){ INT64_MAX, (int64_t)last });
    for (size_t offset = first; offset < (size_t)partition->seen; offset++)
        if (committed(partition, offset) && !saga_as_of_record(as_of, committed(partition, offset)))
            break;
    saga_as_of_stand(as_of);
    compare_all(check, number, as_of, (int64_t)last, snapshots != NULL);
    saga_as_of_free(as_of);
}

/* ---- what would have been ---- */

/* The definition, with a block in front that sends nothing: no state is the recorded one, and yet all is the same. NULL: it
 * cannot be made so. */
static struct saga_definition *with_a_block(const struct saga_definition *definition,
                                            struct saga_arena *arena)
{
    static const char steps[] = "\nsteps:\n";
    struct saga_definition *changed;
    struct saga_diagnostics ignored;
    const char *text = saga_arena_string(arena, definition->source), *at = strstr(text, steps);
    if (!at) return NULL;
    const char *item = at + sizeof steps - 1;
    int indent = (int)strspn(item, " ");
    if (item[indent] != '-') return NULL;
    struct saga_slice source = saga_arena_printf(
        arena, "%.*s%s%*s- choose: [{ when: 'true', steps: [] }, { else: [] }]\n%s",
        (int)(at - text), text, steps, indent, "", item);
    saga_diagnostics_init(&ignored, arena);
    return saga_definition_load(source, "changed", &ignored, &changed) < 0 ? NULL : changed;
}

/* The error of a block without a name says its place in the file: a body that holds it is truly another one. */
static bool names_a_place(const struct saga_what_if_group *group)
{
    const struct saga_slice body = group->examples[0].recorded.body;
    return group->class == SAGA_WHAT_IF_OTHER_COMMANDS && body.size &&
           memchr(body.data, '#', body.size);
}

static void tell_parting(struct sim_check *check, const struct saga_definition *definition,
                         const char *which, const struct saga_what_if_group *group)
{
    sim_violate(check->sim, "by %s version of %.*s %.*s would part at %.*s: %s, %.*s", which,
                SAGA_SLICE_ARG(definition->name), SAGA_SLICE_ARG(group->examples[0].saga_id),
                SAGA_SLICE_ARG(group->step), saga_what_if_class_name(group->class),
                SAGA_SLICE_ARG(group->what));
}

static void try_definition(struct sim_check *check, const struct sim_topic *journal,
                           const struct saga_definition *definition, const char *which)
{
    const struct saga_what_if_options options = { .name = definition->name,
                                                  .inbox = SAGA_SLICE("saga.inbox") };
    const struct saga_what_if_group *const *groups;
    struct saga_what_if_counts counts;
    struct saga_what_if *what_if;
    uint64_t foreign = 0;
    saga_what_if_new(check->codec, definition, &options, &what_if);
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        const struct sim_partition *partition = &journal->partitions[n];
        saga_what_if_lane_begin(what_if, n);
        saga_what_if_keys(what_if, check->lanes[n].keys);
        for (size_t offset = 0; offset < (size_t)partition->seen; offset++) {
            if (!committed(partition, offset)) continue;
            saga_what_if_record(what_if, committed(partition, offset));
            foreign += !saga_codec_is_encoded(committed(partition, offset)->value);
        }
        saga_what_if_lane_end(what_if);
    }
    saga_what_if_count(what_if, &counts);
    size_t count = saga_what_if_groups(what_if, &groups);
    /* what was forgotten cannot be judged, and is all that is not */
    uint64_t same = counts.by_class[SAGA_WHAT_IF_SAME] + counts.by_class[SAGA_WHAT_IF_NOT_JUDGED];
    for (size_t i = 0; i < count; i++) {
        if (saga_slice_is(groups[i]->what, "its values were forgotten")) continue;
        if (names_a_place(groups[i]))
            same += groups[i]->count;
        else
            tell_parting(check, definition, which, groups[i]);
    }
    if (counts.unreadable != foreign || same != counts.sagas)
        sim_violate(check->sim, "by %s version of %.*s not all sagas are judged", which,
                    SAGA_SLICE_ARG(definition->name));
    saga_what_if_free(what_if);
}

/* Of those that have one version, so that it is known by which each saga was recorded. */
static void try_definitions(struct sim_check *check, const struct sim_topic *journal,
                            const struct saga_catalog *catalog)
{
    for (size_t i = 0; i < saga_catalog_count(catalog); i++) {
        const struct saga_definition *definition = saga_catalog_at(catalog, i);
        if (definition != saga_catalog_newest(catalog, definition->name) ||
            (i > 0 && saga_slice_equal(saga_catalog_at(catalog, i - 1)->name, definition->name)))
            continue;
        struct saga_definition *changed = with_a_block(definition, &check->arena);
        try_definition(check, journal, definition, "the same");
        if (changed) try_definition(check, journal, changed, "a like");
        saga_definition_free(changed);
    }
}

void sim_check_past(struct sim_check *check, const struct saga_catalog *catalog)
{
    const struct sim_topic *journal = sim_kafka_topic(check->kafka, SAGA_SLICE("saga.journal"));
    const struct sim_topic *snapshots = sim_kafka_topic(check->kafka, SAGA_SLICE("saga.snapshots"));
    struct sim_random random;
    sim_random_init(&random, check->digest); /* of its own: who looks back changes nothing */
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        walk(check, n, &journal->partitions[n]);
        jump(check, n, &journal->partitions[n], NULL, &random);
        jump(check, n, &journal->partitions[n], &snapshots->partitions[n], &random);
    }
    try_definitions(check, journal, catalog);
}
