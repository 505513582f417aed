/* Makes a journal, does to it what its first argument says, and exports it: for verify_test.py, which knows what must be
 * found. Anchors of the journal as it was are beside it, of lane 0 in its middle and of both lanes' last records.
 *
 * Usage: saga_tampered KIND KEY ANCHORS FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audited.h"
#include "base/error.h"
#include "runtime/anchor.h"
#include "runtime/chain.h"

enum { SAGAS = 12, MIDDLE = 12 };

static struct saga_audited recorded;
static struct saga_audited_part part;

/* ---- anchors ---- */

static void anchor(FILE *file, const struct saga_anchor_key *key, unsigned lane, size_t index)
{
    const struct saga_message *message = &recorded.lanes[lane].items[index];
    struct saga_anchor a = { .lane = lane, .offset = message->offset };
    strcpy(a.journal, "00112233445566778899aabbccddeeff");
    memcpy(a.chain, saga_chain_of(message->value), sizeof a.chain);
    saga_time_format(message->timestamp_ms, a.time);
    saga_anchor_sign(&a, key);
    struct saga_slice line = saga_anchor_json(&a, &recorded.arena);
    fprintf(file, "%.*s\n", SAGA_SLICE_ARG(line));
}

static void write_anchors(const char *key_path, const char *path)
{
    struct saga_anchor_key *key;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_anchor_key_read(key_path, SAGA_ANCHOR_KEY_PRIVATE, &recorded.arena, &key,
                             &diagnostic) < 0) {
        saga_diagnostic_print(&diagnostic, stderr);
        exit(99);
    }
    FILE *file = fopen(path, "w");
    if (!file) exit(99);
    anchor(file, key, 0, MIDDLE);
    for (unsigned lane = 0; lane < SAGA_AUDITED_LANES; lane++)
        anchor(file, key, lane, recorded.lanes[lane].count - 1);
    fclose(file);
    saga_anchor_key_free(key);
}

/* ---- what is done to lane 0 ---- */

static struct saga_audited_lane *const lane = &recorded.lanes[0];

/* A body's letter becomes another: it is a record as before. */
static void alter(size_t index)
{
    char *bytes = saga_arena_string(&recorded.arena, lane->items[index].value);
    struct saga_slice value = { bytes, lane->items[index].value.size };
    for (size_t i = 0; i + 9 < value.size; i++)
        if (memcmp(bytes + i, "audited/s-", 10) == 0) bytes[i + 8] = 'S';
    lane->items[index].value = value;
}

static void take_out(size_t index)
{
    memmove(&lane->items[index], &lane->items[index + 1],
            (lane->count - index - 1) * sizeof lane->items[0]);
    lane->count--;
}

/* Puts a record in front of another, where there is an offset that no record has. */
static void put_in(size_t index, struct saga_message message)
{
    message.offset = lane->items[index - 1].offset + 1;
    if (message.offset == lane->items[index].offset) exit(99);
    SAGA_PUSH(&recorded.arena, lane->items, lane->count, lane->capacity, message);
    for (size_t i = lane->count - 1; i > index; i--) lane->items[i] = lane->items[i - 1];
    lane->items[index] = message;
}

/* The two records, under each other's offsets. */
static void swap(size_t index)
{
    struct saga_message *a = &lane->items[index], *b = a + 1, first = *a;
    int64_t offset = b->offset;
    *a = *b;
    a->offset = first.offset;
    *b = first;
    b->offset = offset;
}

static void altered(void)
{
    alter(MIDDLE);
}

static void removed(void)
{
    take_out(MIDDLE);
}

static void inserted(void)
{
    put_in(MIDDLE, lane->items[MIDDLE - 4]);
}

/* A record of its own, with a chain value as it must be here. */
static void forged(void)
{
    inserted();
    saga_audited_chain_one(&recorded, 0, MIDDLE);
}

static void moved(void)
{
    struct saga_message message = lane->items[MIDDLE - 4];
    take_out(MIDDLE - 4);
    put_in(MIDDLE - 1, message);
}

static void reordered(void)
{
    swap(MIDDLE);
}

static void truncated(void)
{
    lane->count -= 3;
}

static void beheaded(void)
{
    take_out(0);
}

/* Kafka's key is in no hash. */
static void other_key(void)
{
    lane->items[MIDDLE].key = lane->items[MIDDLE - 1].key;
}

static void shortened(void)
{
    lane->items[MIDDLE].value.size -= 7;
}

static void emptied(void)
{
    lane->items[MIDDLE].value = SAGA_SLICE_NONE;
}

/* By somebody who can write everything: the chain holds, and only an anchor tells. */
static void rewritten(void)
{
    alter(MIDDLE);
    saga_audited_chain_anew(&recorded, 0, MIDDLE);
}

/* A record is written anew, with a chain that holds from there on. */
static void change(size_t index, void (*act)(struct saga_journal_record *record))
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    uint8_t chain[SAGA_SHA256_BYTES] = { 0 };
    struct saga_slice *value = &lane->items[index].value;
    if (index) memcpy(chain, saga_chain_of(lane->items[index - 1].value), sizeof chain);
    if (saga_journal_decode(recorded.codec, *value, &recorded.arena, &record, &diagnostic) < 0)
        exit(99);
    if (act) act(&record);
    if (saga_journal_encode(recorded.codec, &record, chain, &recorded.arena, value, chain) < 0)
        exit(99);
    saga_audited_chain_anew(&recorded, 0, index + 1);
}

static void set_run(struct saga_journal_record *record)
{
    char *run = saga_arena_string(&recorded.arena, record->run);
    *run = *run == '0' ? '1' : '0';
    record->run.data = run;
}

static void other_run(void)
{
    change(MIDDLE, set_run);
}

static void set_begun_run(struct saga_journal_record *record)
{
    set_run(record);
    record->cause.run = record->facts[0].run = record->run;
}

/* The first saga begins a run that its place in this journal does not give. */
static void other_begun_run(void)
{
    change(1, set_begun_run);
}

static void beheaded_anew(void)
{
    take_out(0);
    change(0, NULL);
}

static void set_lanes(struct saga_journal_record *record)
{
    record->facts[0].lanes = SAGA_AUDITED_LANES + 1;
}

static void more_lanes(void)
{
    change(0, set_lanes);
}

static void set_id(struct saga_journal_record *record)
{
    record->facts[0].text = SAGA_SLICE("none");
}

static void opens_nothing(void)
{
    change(0, set_id);
}

static void opened_twice(void)
{
    put_in(MIDDLE, lane->items[0]);
    saga_audited_chain_anew(&recorded, 0, MIDDLE);
}

static void drop_sha256(struct saga_journal_record *record)
{
    record->sha256 = SAGA_SLICE("");
}

static void no_hash(void)
{
    change(MIDDLE, drop_sha256);
}

/* Each is whole, and its chain holds. */
static void swapped(void)
{
    struct saga_audited_lane first = recorded.lanes[0];
    recorded.lanes[0] = recorded.lanes[1];
    recorded.lanes[1] = first;
}

static void removed_anew(void)
{
    take_out(MIDDLE - 4);
    saga_audited_chain_anew(&recorded, 0, MIDDLE - 4);
}

static void foreign(void)
{
    put_in(MIDDLE, (struct saga_message){ .key = SAGA_SLICE("x"), .value = SAGA_SLICE("hello") });
    put_in(MIDDLE - 3, (struct saga_message){ 0 });
}

static void cut(void)
{
    lane->low = lane->items[MIDDLE - 2].offset;
}

static void no_definition(void)
{
    recorded.definition.key = SAGA_SLICE("audited/2");
}

static void other_definition(void)
{
    struct saga_slice source = recorded.definition.value;
    recorded.definition.value = SAGA_CONCAT(&recorded.arena, source, SAGA_SLICE("# \n"));
}

static void by_time(void)
{
    part.since_ms = lane->items[4].timestamp_ms;
    part.until_ms = lane->items[MIDDLE + 6].timestamp_ms;
}

/* A saga that began before the part has another run from its second record in it on. */
static void by_time_other_run(void)
{
    struct saga_slice key = lane->items[1].key;
    size_t index = 4, records = 0;
    by_time();
    while (records < 2)
        if (saga_slice_equal(lane->items[++index].key, key)) records++;
    change(index, set_run);
}

static void by_saga(void)
{
    part.saga = "audited/s-4";
}

static void by_time_removed(void)
{
    by_time();
    take_out(MIDDLE);
}

static void as_avro(void)
{
    foreign();
    part.avro = true;
}

static void nothing(void)
{
}

static const struct {
    const char *name;
    void (*act)(void);
} kinds[] = {
    { "nothing", nothing },
    { "altered", altered },
    { "removed", removed },
    { "inserted", inserted },
    { "forged", forged },
    { "moved", moved },
    { "reordered", reordered },
    { "truncated", truncated },
    { "beheaded", beheaded },
    { "rewritten", rewritten },
    { "other-key", other_key },
    { "shortened", shortened },
    { "emptied", emptied },
    { "other-run", other_run },
    { "other-begun-run", other_begun_run },
    { "removed-anew", removed_anew },
    { "beheaded-anew", beheaded_anew },
    { "more-lanes", more_lanes },
    { "opens-nothing", opens_nothing },
    { "opened-twice", opened_twice },
    { "no-hash", no_hash },
    { "swapped", swapped },
    { "by-time-other-run", by_time_other_run },
    { "foreign", foreign },
    { "cut", cut },
    { "no-definition", no_definition },
    { "other-definition", other_definition },
    { "by-time", by_time },
    { "by-saga", by_saga },
    { "by-time-removed", by_time_removed },
    { "avro", as_avro },
};

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: saga_tampered KIND KEY ANCHORS FOLDER\n");
        return 2;
    }
    saga_audited_make(&recorded, SAGAS);
    write_anchors(argv[2], argv[3]);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, argv[1]) != 0) continue;
        kinds[i].act();
        saga_audited_export(&recorded, argv[4], &part);
        saga_audited_free(&recorded);
        return 0;
    }
    fprintf(stderr, "there is no kind %s\n", argv[1]);
    return 2;
}
