#include "runtime/audit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "runtime/audit_snapshots.h"
#include "runtime/chain.h"

struct saga_audit {
    struct saga_audit_config config;
    struct saga_replay *replay;
    struct saga_chain *chain;
    struct saga_audit_snapshots *snapshots;
    struct saga_arena arena; /* of what is said */
    /* of the record that is being taken, as the replay says */
    bool unreadable;
    struct saga_difference broken; /* words absent: its chain holds */
    bool chain_broken;             /* at some record up to here */
    bool left_out;                 /* records, before the next one */
    int64_t begin_at;              /* of the replay; 0: the first record */
    bool begun;                    /* it has taken a record */
    /* anchors of this lane that are still to come */
    const struct saga_anchor *anchors;
    size_t anchor_count;
    int64_t last_offset; /* -1: no record yet */
    struct saga_audit_counts counts;
};

static void report(struct saga_audit *audit, const struct saga_difference *difference)
{
    audit->counts.differences++;
    audit->config.report(difference, audit->config.context);
}

__attribute__((format(printf, 5, 6))) static void differ(struct saga_audit *audit,
                                                         enum saga_difference_kind kind,
                                                         int64_t offset, struct saga_slice saga_id,
                                                         const char *format, ...)
{
    struct saga_difference difference = { kind, audit->config.lane, offset, saga_id,
                                          SAGA_SLICE_NONE };
    va_list arguments;
    va_start(arguments, format);
    difference.words = saga_arena_vprintf(&audit->arena, format, arguments);
    va_end(arguments);
    report(audit, &difference);
}

/* What became of the chain is told by itself. */
static void on_difference(const struct saga_difference *difference, void *context)
{
    struct saga_audit *audit = context;
    if (difference->kind == SAGA_DIFFERENCE_CHAIN) {
        audit->broken = *difference;
        audit->broken.saga_id = saga_arena_copy(&audit->arena, difference->saga_id);
        audit->broken.words = saga_arena_copy(&audit->arena, difference->words);
        return;
    }
    if (difference->kind == SAGA_DIFFERENCE_UNREADABLE) audit->unreadable = true;
    report(audit, difference);
}

static void on_break(const struct saga_chain_break *broken, void *context)
{
    struct saga_audit *audit = context;
    const struct saga_difference difference = { SAGA_DIFFERENCE_CHAIN, audit->config.lane,
                                                broken->offset, broken->saga_id, broken->words };
    report(audit, &difference);
}

struct saga_audit *saga_audit_new(const struct saga_audit_config *config)
{
    struct saga_audit *audit = saga_memory_zeroed(1, sizeof *audit);
    audit->config = *config;
    audit->last_offset = audit->counts.anchored = -1;
    saga_arena_init(&audit->arena);
    saga_replay_new(config->codec, config->catalog, config->lane, on_difference, audit,
                    &audit->replay);
    saga_replay_expect_lanes(audit->replay, config->lanes);
    audit->chain = saga_chain_new(on_break, audit);
    audit->snapshots = saga_audit_snapshots_new(config->codec);
    if (config->anchors)
        audit->anchor_count = saga_anchors_of_lane(config->anchors, config->lane, &audit->anchors);
    return audit;
}

void saga_audit_free(struct saga_audit *audit)
{
    if (!audit) return;
    saga_audit_snapshots_free(audit->snapshots);
    saga_chain_free(audit->chain);
    saga_replay_free(audit->replay);
    saga_arena_free(&audit->arena);
    free(audit);
}

struct saga_replay *saga_audit_replay(struct saga_audit *audit)
{
    return audit->replay;
}

void saga_audit_leave_out(struct saga_audit *audit, const uint8_t chain[SAGA_SHA256_BYTES])
{
    saga_arena_reset(&audit->arena);
    audit->left_out = true;
    saga_chain_set(audit->chain, chain);
    saga_replay_leave_out(audit->replay, chain);
}

void saga_audit_begin_at(struct saga_audit *audit, int64_t offset)
{
    audit->begin_at = offset;
}

/* ---- snapshots ---- */

void saga_audit_snapshot(struct saga_audit *audit, const struct saga_message *message)
{
    struct saga_slice words;
    saga_arena_reset(&audit->arena);
    if (saga_audit_snapshots_take(audit->snapshots, message, &audit->arena, &words) == SAGA_OK)
        return;
    differ(audit, SAGA_DIFFERENCE_SNAPSHOT, -1, message->key,
           "its record %lld in the snapshots cannot be read: %.*s", (long long)message->offset,
           SAGA_SLICE_ARG(words));
}

static void on_snapshot(const struct saga_audit_snapshot_fault *fault, void *context)
{
    differ(context, SAGA_DIFFERENCE_SNAPSHOT, fault->as_of, fault->saga_id, "%.*s",
           SAGA_SLICE_ARG(fault->words));
}

static void check_snapshots(struct saga_audit *audit, int64_t until)
{
    audit->counts.snapshots +=
        saga_audit_snapshots_check(audit->snapshots, audit->replay, saga_chain_value(audit->chain),
                                   until, &audit->arena, on_snapshot, audit);
}

/* ---- anchors ---- */

static bool is_of_this_journal(struct saga_audit *audit, const struct saga_anchor *anchor)
{
    const char *journal = saga_replay_journal(audit->replay);
    if (!journal[0] || strcmp(journal, anchor->journal) == 0) return true;
    differ(audit, SAGA_DIFFERENCE_ANCHOR, anchor->offset, SAGA_SLICE_NONE,
           "the anchor of %s (line %u) is of another journal (%s) than this one (%s)", anchor->time,
           anchor->line, anchor->journal, journal);
    return false;
}

static void compare_anchor(struct saga_audit *audit, const struct saga_anchor *anchor,
                           const uint8_t *chain)
{
    if (!is_of_this_journal(audit, anchor)) return;
    if (chain && memcmp(chain, anchor->chain, sizeof anchor->chain) == 0) {
        if (audit->chain_broken) {
            audit->counts.anchors_behind++;
        } else {
            audit->counts.anchors_held++;
            audit->counts.anchored = anchor->offset;
        }
        return;
    }
    struct saga_slice from =
        audit->counts.anchored < 0
            ? SAGA_SLICE_NONE
            : saga_arena_printf(&audit->arena, ", behind offset %lld, where an anchor holds",
                                (long long)audit->counts.anchored);
    differ(audit, SAGA_DIFFERENCE_ANCHOR, anchor->offset, SAGA_SLICE_NONE,
           "the chain has another value here than when the anchor of %s (line %u) was signed: what "
           "stands up to this record was changed since%.*s",
           anchor->time, anchor->line, SAGA_SLICE_ARG(from));
}

/* Anchors up to a record; `chain` is NULL where that cannot be read. */
static void check_anchors(struct saga_audit *audit, int64_t offset, const uint8_t *chain)
{
    for (; audit->anchor_count && audit->anchors->offset <= offset;
         audit->anchors++, audit->anchor_count--) {
        if (audit->anchors->offset == offset)
            compare_anchor(audit, audit->anchors, chain);
        else if (audit->left_out)
            audit->counts.anchors_outside++;
        else
            differ(audit, SAGA_DIFFERENCE_ANCHOR, audit->anchors->offset, SAGA_SLICE_NONE,
                   "there is no such record, but there was one when the anchor of %s (line %u) was "
                   "signed: it was taken out",
                   audit->anchors->time, audit->anchors->line);
    }
}

static void check_last_anchors(struct saga_audit *audit, bool to_end)
{
    for (; audit->anchor_count; audit->anchors++, audit->anchor_count--) {
        if (!to_end)
            audit->counts.anchors_outside++;
        else if (is_of_this_journal(audit, audit->anchors))
            differ(audit, SAGA_DIFFERENCE_ANCHOR, audit->anchors->offset, SAGA_SLICE_NONE,
                   "the journal ends before it (offset %lld), but when the anchor of %s (line %u) "
                   "was signed this record was there: the journal's end was cut off",
                   (long long)audit->last_offset, audit->anchors->time, audit->anchors->line);
    }
}

/* ---- records ---- */

/* A record before the snapshot with which the replay begins. */
static void look_at_early(struct saga_audit *audit, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_journal_decode(audit->config.codec, message->value, &audit->arena, &record,
                            &diagnostic) == SAGA_OK) {
        audit->broken.saga_id = record.saga_id;
        saga_replay_look_at(audit->replay, message, &record);
        if (record.cause.kind != SAGA_EVENT_LANE)
            (void)saga_replay_has_definition(audit->replay, message, &record);
        return;
    }
    audit->unreadable = true;
    differ(audit, SAGA_DIFFERENCE_UNREADABLE, message->offset, SAGA_SLICE_NONE, "%.*s",
           SAGA_SLICE_ARG(diagnostic.what));
}

/* The chain is told of once, by who knows more of it. `first`: the replay began with a snapshot, and this is its first
 * record, which alone shows whether the snapshot's chain value is the journal's. */
static void take_into_chain(struct saga_audit *audit, const struct saga_message *message,
                            bool first)
{
    bool follows =
        saga_chain_take(audit->chain, message->offset, message->value, audit->broken.saga_id);
    audit->chain_broken = audit->chain_broken || !follows;
    if (first && follows && audit->broken.words.data)
        differ(audit, SAGA_DIFFERENCE_SNAPSHOT, message->offset, audit->broken.saga_id,
               "the snapshot says another chain value before this record than the journal has");
}

void saga_audit_record(struct saga_audit *audit, const struct saga_message *message)
{
    bool early = message->offset < audit->begin_at;
    bool first = audit->begin_at && !early && !audit->begun;
    saga_arena_reset(&audit->arena);
    check_snapshots(audit, message->offset);
    audit->counts.records++;
    audit->unreadable = false;
    audit->broken = (struct saga_difference){ 0 };
    if (early)
        look_at_early(audit, message);
    else
        saga_replay_record(audit->replay, message);
    audit->begun = audit->begun || !early;
    if (!audit->unreadable) take_into_chain(audit, message, first);
    check_anchors(audit, message->offset, audit->unreadable ? NULL : saga_chain_of(message->value));
    audit->last_offset = message->offset;
    audit->left_out = false;
}

void saga_audit_end(struct saga_audit *audit, bool to_end)
{
    saga_arena_reset(&audit->arena);
    saga_chain_end(audit->chain);
    check_snapshots(audit, INT64_MAX);
    saga_audit_snapshots_end(audit->snapshots, audit->replay, on_snapshot, audit);
    check_last_anchors(audit, to_end);
}

const uint8_t *saga_audit_chain(const struct saga_audit *audit)
{
    return saga_chain_value(audit->chain);
}

void saga_audit_count(const struct saga_audit *audit, struct saga_audit_counts *ret)
{
    *ret = audit->counts;
}
