#include "operate/letter_notes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "operate/reading.h"

/* ---- one partition ---- */

/* With its texts behind it. */
struct saga_noted_item {
    int64_t offset, letter;
    size_t bytes;
    struct saga_letter_note note;
    char texts[];
};

void saga_noted_init(struct saga_noted *noted)
{
    *noted = (struct saga_noted){ .last = -1 };
}

void saga_noted_forget(struct saga_noted *noted)
{
    for (size_t i = 0; i < noted->count; i++) free(noted->items[i]);
    free(noted->items);
    saga_noted_init(noted);
}

static void drop_before(struct saga_noted *noted, int64_t begin)
{
    size_t gone = 0;
    for (; gone < noted->count && noted->items[gone]->offset < begin; gone++) {
        noted->bytes -= noted->items[gone]->bytes;
        free(noted->items[gone]);
    }
    if (!gone) return;
    noted->count -= gone;
    memmove(noted->items, noted->items + gone, noted->count * sizeof(struct saga_noted_item *));
}

int64_t saga_noted_begin(struct saga_noted *noted, int64_t low, int64_t high, int64_t offsets_max)
{
    int64_t begin = high - low > offsets_max ? high - offsets_max : low;
    noted->known_again = false;
    if (high < noted->next || noted->last < begin) {
        saga_noted_forget(noted);
        noted->known_again = true;
        return begin;
    }
    drop_before(noted, begin);
    return noted->next == high ? high : noted->last;
}

/* By which a record is told from one that has its offset in another topic of the same name. */
static uint64_t mark_of(const struct saga_message *record)
{
    uint64_t mark = (uint64_t)record->timestamp_ms * 31 + record->value.size;
    mark = mark * 31 + saga_crc64_avro(record->key);
    for (size_t i = 0; i < record->header_count; i++)
        mark = mark * 31 + saga_crc64_avro(record->headers[i].value);
    return mark;
}

static struct saga_slice put(char **at, struct saga_slice text)
{
    struct saga_slice copy = { text.data ? *at : NULL, text.size };
    if (text.size) memcpy(*at, text.data, text.size);
    *at += text.size;
    return copy;
}

static void keep(struct saga_noted *noted, int64_t offset, int64_t letter,
                 const struct saga_letter_note *note)
{
    size_t texts = note->who.size + note->from.size + note->reason.size;
    struct saga_noted_item *item = saga_memory_take(sizeof *item + texts);
    char *at = item->texts;
    *item = (struct saga_noted_item){
        .offset = offset, .letter = letter, .bytes = sizeof *item + texts, .note = *note
    };
    item->note.who = put(&at, note->who);
    item->note.from = put(&at, note->from);
    item->note.reason = put(&at, note->reason);
    if (noted->count == noted->capacity) {
        noted->capacity = noted->capacity ? 2 * noted->capacity : 16;
        noted->items =
            saga_memory_grow(noted->items, noted->capacity * sizeof(struct saga_noted_item *));
    }
    noted->items[noted->count++] = item;
    noted->bytes += item->bytes;
}

bool saga_noted_take(struct saga_noted *noted, const struct saga_message *record)
{
    struct saga_letter_note note;
    int64_t letter;
    uint64_t mark = mark_of(record);
    if (!noted->known_again) {
        noted->known_again = record->offset == noted->last && mark == noted->last_mark;
        if (!noted->known_again) saga_noted_forget(noted);
        return noted->known_again;
    }
    if (saga_letter_note_of(record, &letter, &note)) keep(noted, record->offset, letter, &note);
    noted->last = record->offset;
    noted->last_mark = mark;
    if (record->timestamp_ms > noted->newest_ms) noted->newest_ms = record->timestamp_ms;
    return true;
}

bool saga_noted_end(struct saga_noted *noted, int64_t high)
{
    if (!noted->known_again) {
        saga_noted_forget(noted);
        return false;
    }
    noted->next = noted->last >= high ? noted->last + 1 : high;
    return true;
}

void saga_noted_visit(const struct saga_noted *noted, int32_t partition,
                      saga_visit_letter_note *visit, void *context)
{
    for (size_t i = 0; i < noted->count; i++) {
        const struct saga_noted_item *item = noted->items[i];
        visit(partition, item->offset, item->letter, &item->note, context);
    }
}

/* ---- all of them ---- */

struct saga_letter_notes {
    pthread_mutex_t lock; /* also while it is read: who asks meanwhile finds it read */
    struct saga_noted *partitions;
    int32_t count;
};

static void forget_all(struct saga_letter_notes *notes)
{
    for (int32_t p = 0; p < notes->count; p++) saga_noted_forget(&notes->partitions[p]);
}

void saga_letter_notes_new(struct saga_letter_notes **ret)
{
    *ret = saga_memory_zeroed(1, sizeof **ret);
    pthread_mutex_init(&(*ret)->lock, NULL);
}

void saga_letter_notes_free(struct saga_letter_notes *notes)
{
    if (!notes) return;
    forget_all(notes);
    pthread_mutex_destroy(&notes->lock);
    free(notes->partitions);
    free(notes);
}

static void set_partitions(struct saga_letter_notes *notes, int32_t count)
{
    if (notes->count == count) return;
    forget_all(notes);
    notes->partitions =
        saga_memory_grow(notes->partitions, (size_t)count * sizeof *notes->partitions);
    notes->count = count;
    for (int32_t p = 0; p < count; p++) saga_noted_init(&notes->partitions[p]);
}

static bool take(const struct saga_message *record, void *context)
{
    return saga_noted_take(context, record);
}

static int fail(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s", saga_client_problem(call->client));
}

/* Another topic may have come to the same offsets, but not without a newer record. */
static int look_for_newer(struct saga_call *call, struct saga_noted *noted, int32_t partition)
{
    int64_t offset;
    if (noted->last < 0) return SAGA_EXIT_DONE;
    if (saga_client_offset_at(call->client, call->topics.dead_letters, partition,
                              noted->newest_ms + 1, SAGA_CALL_TIMEOUT_MS, &offset) < 0)
        return fail(call);
    if (offset >= 0 && offset != INT64_MAX) saga_noted_forget(noted);
    return SAGA_EXIT_DONE;
}

static int read_partition(struct saga_call *call, struct saga_noted *noted, int32_t partition,
                          int64_t offsets_max)
{
    enum { TRIES = 3 }; /* the second reads anew, unless the topic becomes another one meanwhile */
    struct saga_slice topic = call->topics.dead_letters;
    int64_t low, high;
    for (int i = 0; i < TRIES; i++) {
        if (saga_client_watermarks(call->client, topic, partition, SAGA_CALL_TIMEOUT_MS, &low,
                                   &high) < 0)
            return fail(call);
        int64_t begin = saga_noted_begin(noted, low, high, offsets_max);
        if (begin == high) {
            int code = look_for_newer(call, noted, partition);
            if (code != SAGA_EXIT_DONE || noted->last >= 0 || low == high) return code;
            continue;
        }
        int code = saga_read_to_end(call, topic, partition, begin, take, noted);
        if (code == SAGA_EXIT_DONE && !saga_call_is_given_up(call) && saga_noted_end(noted, high))
            return code;
        saga_noted_forget(noted);
        if (code != SAGA_EXIT_DONE) return code;
    }
    return saga_call_fail(call, SAGA_EXIT_FAILED, "ask again", "%.*s [%d] cannot be read",
                          SAGA_SLICE_ARG(topic), (int)partition);
}

static int read_all(struct saga_call *call, struct saga_letter_notes *notes, int64_t offsets_max)
{
    struct saga_topic_state state;
    int code = saga_call_topic(call, call->topics.dead_letters, &state);
    if (code != SAGA_EXIT_DONE) return code;
    set_partitions(notes, state.partitions);
    for (int32_t p = 0; code == SAGA_EXIT_DONE && p < notes->count; p++)
        code = read_partition(call, &notes->partitions[p], p, offsets_max);
    return code;
}

/* Too much to be kept is read anew each time. */
static void keep_to_bound(struct saga_letter_notes *notes)
{
    size_t bytes = 0;
    for (int32_t p = 0; p < notes->count; p++) bytes += notes->partitions[p].bytes;
    if (bytes > SAGA_LETTER_NOTES_BYTES_MAX) forget_all(notes);
}

int saga_letter_notes_visit(struct saga_call *call, struct saga_letter_notes *kept,
                            int64_t offsets_max, saga_visit_letter_note *visit, void *context)
{
    struct saga_letter_notes *notes = kept;
    if (!notes) saga_letter_notes_new(&notes);
    pthread_mutex_lock(&notes->lock);
    int code = read_all(call, notes, offsets_max);
    for (int32_t p = 0; code == SAGA_EXIT_DONE && p < notes->count; p++)
        saga_noted_visit(&notes->partitions[p], p, visit, context);
    keep_to_bound(notes);
    pthread_mutex_unlock(&notes->lock);
    if (!kept) saga_letter_notes_free(notes);
    return code;
}
