#include "runtime/topics.h"

#include <string.h>

#include "base/limits.h"

/* An inbox record is consumed within a moment; a week bridges a coordinator that is away over
 * holidays. What is deleted before it was consumed stops its lane, so too little here costs more
 * than the disk. A record may be a hop: a payload of another topic and, beyond that topic's limit,
 * the headers that say where it was read. Segments are short, since only whole ones are removed when a
 * saga is forgotten (coordinator/PRIVACY.md). */
static const struct saga_kafka_setting inbox_settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "604800000" },
    { "max.message.bytes", "2097152" },
    { "segment.ms", "3600000" },
};
/* The journal is the truth and is kept for ever. A record holds its cause (a payload) and all
 * commands that followed from it, hence the size: SAGA_JOURNAL_RECORD_BYTES_MAX. */
static const struct saga_kafka_setting journal_settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "-1" },
    { "retention.bytes", "-1" },
    { "max.message.bytes", "8388608" },
};
/* A saga's newest state and nothing older; what was forgotten leaves for good a day after its tombstone, which no reader
 * from the beginning takes so long to reach. */
static const struct saga_kafka_setting snapshots_settings[] = {
    { "cleanup.policy", "compact" },
    { "max.message.bytes", "2097152" },
};
_Static_assert(SAGA_SNAPSHOT_BYTES_MAX < 2097152, "max.message.bytes of the snapshots");
/* What was destroyed must be gone from the disk too, and soon: a segment is closed after an hour at most, and what is closed is
 * compacted within the hour, however little there is to gain. */
static const struct saga_kafka_setting keys_settings[] = {
    { "cleanup.policy", "compact" },
    { "segment.ms", "3600000" },
    { "max.compaction.lag.ms", "3600000" },
    { "min.cleanable.dirty.ratio", "0.01" },
};
/* Not compacted although it is keyed: of two records of one name and version the first stands, and
 * compaction would keep the last. A definition may be 1 MiB, and its record is a little larger. */
static const struct saga_kafka_setting definitions_settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "-1" },
    { "retention.bytes", "-1" },
    { "max.message.bytes", "2097152" },
};
/* A job's newest record of each kind. A job that runs writes some records a second: small segments, so that they are compacted
 * while it does, and whoever asks for jobs has little to read. */
static const struct saga_kafka_setting jobs_settings[] = {
    { "cleanup.policy", "compact" },
    { "segment.bytes", "16777216" },
};
/* 30 days: long enough for somebody to look at what could not be read, and yet an end, because a
 * dead letter holds foreign data as it was, and a flood of them must not fill the disk for ever.
 * They may be as large as the largest record that the broker took, and a little more for the
 * headers that say why. Segments are short for the inbox's reason. */
static const struct saga_kafka_setting dead_letters_settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "2592000000" },
    { "max.message.bytes", "8388608" },
    { "segment.ms", "3600000" },
};

_Static_assert(SAGA_JOURNAL_RECORD_BYTES_MAX == 8388608, "max.message.bytes of the journal");

static struct saga_slice name_of(const char *prefix, const char *name, struct saga_arena *arena)
{
    return saga_arena_printf(arena, "%s%s", prefix, name);
}

void saga_topics_name(const char *prefix, struct saga_arena *arena, struct saga_topics *ret)
{
    *ret = (struct saga_topics){
        .inbox = name_of(prefix, "inbox", arena),
        .journal = name_of(prefix, "journal", arena),
        .snapshots = name_of(prefix, "snapshots", arena),
        .keys = name_of(prefix, "keys", arena),
        .definitions = name_of(prefix, "definitions", arena),
        .dead_letters = name_of(prefix, "dead-letters", arena),
        .imported = name_of(prefix, "imported", arena),
        .anchors = name_of(prefix, "anchors", arena),
        .jobs = name_of(prefix, "jobs", arena),
    };
}

void saga_topics_specs(const struct saga_topics *topics, uint32_t lanes, struct saga_arena *arena,
                       struct saga_topic_spec **ret, size_t *ret_count)
{
#define SETTINGS(array) (array), sizeof(array) / sizeof((array)[0])
    const struct saga_topic_spec specs[] = {
        { topics->inbox.data, (int32_t)lanes, SETTINGS(inbox_settings) },
        { topics->journal.data, (int32_t)lanes, SETTINGS(journal_settings) },
        { topics->snapshots.data, (int32_t)lanes, SETTINGS(snapshots_settings) },
        { topics->keys.data, (int32_t)lanes, SETTINGS(keys_settings) },
        { topics->definitions.data, 1, SETTINGS(definitions_settings) },
        { topics->dead_letters.data, (int32_t)lanes, SETTINGS(dead_letters_settings) },
        { topics->jobs.data, 2, SETTINGS(jobs_settings) },
    };
#undef SETTINGS
    *ret_count = sizeof specs / sizeof specs[0];
    *ret = SAGA_NEW_ARRAY(arena, struct saga_topic_spec, *ret_count);
    memcpy(*ret, specs, sizeof specs);
}

bool saga_topics_is_own(const struct saga_topics *topics, const char *name)
{
    const struct saga_slice own[] = { topics->inbox,        topics->journal, topics->snapshots,
                                      topics->keys,         topics->jobs,    topics->definitions,
                                      topics->dead_letters, topics->imported };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (saga_slice_is(own[i], name)) return true;
    return false;
}

bool saga_topics_is_optional(const struct saga_topics *topics, const char *name)
{
    return saga_slice_is(topics->jobs, name);
}
