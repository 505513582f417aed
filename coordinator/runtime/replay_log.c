/* What operators said by the journal, against the lane's log of it in Redis. Of each entry its hash is kept, and of so many as the
 * log keeps. What Redis says of itself is believed: from which offset on its log is whole, for a lane may have been built from a
 * snapshot that had less. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "runtime/operations.h"
#include "runtime/replay_internal.h"

/* Entries of which Redis is asked at once; bytes of one that are told. */
enum { PORTION = 500, TOLD_BYTES_MAX = 400 };

struct saga_replay_said {
    int64_t offset, time_ms;
    bool found;
    uint8_t sha256[SAGA_SHA256_BYTES];
    char *saga_id; /* of its own */
};

static struct saga_slice id_of(const struct saga_replay_said *said)
{
    return saga_slice_of(said->saga_id);
}

static void forget(struct saga_replay_log *log, size_t count)
{
    for (size_t i = 0; i < count; i++) free(log->items[i].saga_id);
    log->count -= count;
    if (log->count) memmove(log->items, log->items + count, log->count * sizeof *log->items);
}

void saga_replay_log_free(struct saga_replay_log *log)
{
    forget(log, log->count);
    free(log->items);
}

/* Redis keeps the newest. */
static void keep_newest(struct saga_replay_log *log)
{
    if (log->count <= SAGA_OPERATIONS_MAX) return;
    forget(log, log->count - SAGA_OPERATIONS_MAX);
    log->from = log->items[0].offset;
}

/* The first that is at `offset` or behind. */
static size_t place_of(const struct saga_replay_log *log, int64_t offset)
{
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->items[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add(struct saga_replay_log *log, int64_t offset, int64_t time_ms,
                struct saga_slice entry, struct saga_slice saga_id)
{
    struct saga_replay_said said = { .offset = offset, .time_ms = time_ms };
    size_t place = place_of(log, offset);
    if (place < log->count && log->items[place].offset == offset) return;
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? 2 * log->capacity : 16;
        log->items = saga_memory_grow(log->items, log->capacity * sizeof *log->items);
    }
    saga_sha256(entry, SAGA_SLICE_NONE, said.sha256);
    said.saga_id = saga_memory_text(saga_id.data ? saga_id.data : "", saga_id.size);
    memmove(&log->items[place + 1], &log->items[place], (log->count - place) * sizeof said);
    log->items[place] = said;
    if (++log->count == 2 * SAGA_OPERATIONS_MAX) keep_newest(log);
}

/* ---- from the journal and the snapshots ---- */

void saga_replay_log_take(struct saga_replay *replay, const struct saga_message *message,
                          const struct saga_journal_record *record)
{
    struct saga_journal_record whole;
    struct saga_diagnostic diagnostic = { 0 };
    if (replay->log.from < 0) replay->log.from = message->offset;
    if (record->cause.kind != SAGA_EVENT_OPERATOR) return;
    /* with its facts, and nothing of it opened that is sealed */
    if (saga_journal_decode(replay->codec, message->value, &replay->arena, &whole, &diagnostic) < 0)
        return;
    struct saga_slice entry = saga_operation_entry(&whole, &replay->arena);
    if (entry.data)
        add(&replay->log, message->offset, whole.cause.time_ms, entry,
            saga_arena_join(&replay->arena, whole.name, '/', whole.key));
}

void saga_replay_log_snapshot(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_snapshot snapshot;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_lane_log log;
    struct saga_replay_log *own = &replay->log;
    forget(own, own->count);
    own->from = -1;
    if (!message->value.data ||
        saga_snapshot_decode(replay->codec, message->value, &replay->arena, &snapshot,
                             &diagnostic) < 0 ||
        saga_operations_read_log(snapshot.state, &replay->arena, &log) < 0)
        return; /* then it is known from the marker on */
    own->series = snapshot.series;
    own->from = log.from;
    for (size_t i = log.count; i-- > 0;)
        add(own, log.operations[i].offset, log.operations[i].time_ms, log.operations[i].entry,
            SAGA_SLICE_NONE);
}

void saga_replay_log_begin(struct saga_replay *replay)
{
    struct saga_replay_log *log = &replay->log;
    if (log->from < 0 || log->series == replay->series) return;
    forget(log, log->count);
    log->from = -1;
}

/* ---- against Redis ---- */

struct comparing {
    struct saga_replay *replay;
    bool final, fits;
    int64_t end; /* entries from there on are of what Redis took meanwhile */
};

__attribute__((format(printf, 4, 5))) static void
differ(struct comparing *c, int64_t offset, struct saga_slice saga_id, const char *format, ...)
{
    va_list arguments;
    c->fits = false;
    if (!c->final) return;
    va_start(arguments, format);
    struct saga_slice words = saga_arena_vprintf(&c->replay->arena, format, arguments);
    va_end(arguments);
    saga_replay_differ(c->replay, SAGA_DIFFERENCE_REDIS, offset, saga_id,
                       "Redis' log of what operators said %.*s", SAGA_SLICE_ARG(words));
}

static void compare_entry(struct comparing *c, const struct saga_view_operation *held)
{
    struct saga_replay_log *log = &c->replay->log;
    struct saga_slice told = saga_slice_clip(held->entry, TOLD_BYTES_MAX);
    size_t place = place_of(log, held->offset);
    uint8_t sha256[SAGA_SHA256_BYTES];
    if (held->offset >= c->end) return;
    if (place == log->count || log->items[place].offset != held->offset) {
        if (held->offset < 0 || held->offset >= log->from)
            differ(c, held->offset, SAGA_SLICE_NONE, "has one that no record gives: %.*s",
                   SAGA_SLICE_ARG(told));
        return;
    }
    struct saga_replay_said *said = &log->items[place];
    saga_sha256(held->entry, SAGA_SLICE_NONE, sha256);
    said->found = true;
    if (memcmp(sha256, said->sha256, sizeof sha256) != 0)
        differ(c, held->offset, id_of(said), "has another one than the journal gives: %.*s",
               SAGA_SLICE_ARG(told));
    else if (held->time_ms != said->time_ms)
        differ(c, held->offset, id_of(said), "has it under another time: %.*s",
               SAGA_SLICE_ARG(told));
}

/* What a lane takes while it is read has been said behind the journal's end. */
static int find_end(struct comparing *c, struct saga_views *views, struct saga_arena *arena)
{
    struct saga_lane_status status;
    int64_t applied = c->replay->applied;
    int error = saga_views_lane(views, c->replay->lane, arena, &status);
    if (error < 0) return error;
    c->end = status.present && status.applied > applied ? applied : INT64_MAX;
    return SAGA_OK;
}

static int compare_held(struct comparing *c, struct saga_views *views)
{
    struct saga_view_operation *items;
    struct saga_arena arena;
    size_t first = 0, count = PORTION;
    int error = SAGA_OK;
    saga_arena_init(&arena);
    for (; error == SAGA_OK && count == PORTION; first += count) {
        saga_arena_reset(&arena);
        error =
            saga_views_log_entries(views, c->replay->lane, first, PORTION, &arena, &items, &count);
        if (error == SAGA_OK && count) error = find_end(c, views, &arena);
        for (size_t i = 0; i < count && error == SAGA_OK; i++) compare_entry(c, &items[i]);
    }
    saga_arena_free(&arena);
    return error;
}

/* A full log has lost those of before its oldest. */
static void compare_unfound(struct comparing *c, const struct saga_view_log *held)
{
    const struct saga_replay_log *log = &c->replay->log;
    for (size_t i = 0; i < log->count; i++) {
        const struct saga_replay_said *said = &log->items[i];
        if (said->found || said->offset < held->from) continue;
        if (held->full && said->time_ms <= held->oldest_ms) continue;
        differ(c, said->offset, id_of(said), "has lost what the record there says");
    }
}

int saga_replay_compare_log(struct saga_replay *replay, struct saga_views *views, bool final,
                            bool *ret_fits)
{
    struct comparing c = { .replay = replay, .final = final, .fits = true };
    struct saga_replay_log *log = &replay->log;
    struct saga_view_log held;
    keep_newest(log);
    for (size_t i = 0; i < log->count; i++) log->items[i].found = false;
    int error = saga_views_log(views, replay->lane, &replay->arena, &held);
    if (error == SAGA_OK) error = compare_held(&c, views);
    if (error == SAGA_OK && held.known) compare_unfound(&c, &held);
    *ret_fits = c.fits;
    return error;
}
