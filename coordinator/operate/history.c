/* `saga history`: a saga's story out of the journal, event by event. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "operate/sagas.h"
#include "operate/teller.h"
#include "operate/words.h"

enum { KEY_BODIES = 512, KEY_SCAN };
/* So many records on, going on with the open reader is cheaper than opening another. */
enum { NEAR_RECORDS = 2000, READ_MS = 500, READ_TRIES = 40, WATERMARKS_MS = 10000 };

struct story {
    struct saga_call *call;
    struct saga_address address;
    bool bodies;
    size_t count;
    uint64_t first_sequence; /* of the first record that was found */
    uint64_t sequence;       /* of the newest, as Redis has it; 0: it does not know */
    int64_t last_ms;
    struct saga_slice last_run;
    struct saga_teller teller;
    struct saga_slice *json; /* as JSON: all of it, since one document is printed at once */
    size_t json_count, json_capacity;
    int code;
};

/* ---- one event ---- */

static void print_body(struct story *story, struct saga_slice body)
{
    if (story->bodies && body.size)
        printf("%29s%s\n", "", saga_printable(story->call->arena, body));
}

static void print_head(struct story *story, const struct saga_journal_record *record)
{
    char time_text[SAGA_TIME_TEXT_BYTES];
    if (story->count > 0 && saga_slice_equal(story->last_run, record->run)) return;
    saga_time_format(record->cause.time_ms, time_text);
    printf("%s%s  run %.*s, version %u, %.10s\n", story->count ? "\n" : "",
           saga_printable(story->call->arena, record->saga_id), SAGA_SLICE_ARG(record->run),
           record->version, time_text);
    story->last_run = record->run;
    story->last_ms = 0;
    saga_teller_begin(&story->teller, record->sequence == 1, story->call->arena);
}

static void print_event(struct story *story, const struct saga_journal_record *record)
{
    char clock[SAGA_TIME_TEXT_BYTES], gap[SAGA_TIME_TEXT_BYTES] = "";
    struct saga_buffer words;
    int64_t time_ms = record->cause.time_ms;
    print_head(story, record);
    saga_time_format_clock(time_ms, clock);
    if (story->last_ms) saga_duration_format(time_ms - story->last_ms, gap);
    saga_buffer_init(&words, story->call->arena);
    saga_cause_words(record, &words);
    printf("%s  %s%-*s  %.*s\n", clock, story->last_ms ? "+" : " ", 10, gap,
           SAGA_SLICE_ARG(saga_buffer_slice(&words)));
    print_body(story, record->cause.body);
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        saga_buffer_init(&words, story->call->arena);
        if (saga_teller_tell(&story->teller, fact, time_ms, &words))
            printf("%25s-> %.*s\n", "", SAGA_SLICE_ARG(saga_buffer_slice(&words)));
        if (!fact->value_from_cause) print_body(story, fact->value);
    }
    story->last_ms = time_ms;
}

/* The record's own JSON, with where it stands in front. */
static struct saga_slice json_of(struct story *story, const struct saga_journal_record *record,
                                 int64_t offset)
{
    struct saga_slice json = saga_journal_json(record, story->bodies, story->call->arena);
    return saga_arena_printf(story->call->arena, "{\"lane\":%u,\"offset\":%" PRId64 ",%.*s",
                             story->address.lane, offset, SAGA_SLICE_ARG(saga_slice_skip(json, 1)));
}

/* False: go no further. */
static bool take(struct story *story, const struct saga_message *message)
{
    struct saga_call *call = story->call;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes = saga_arena_copy(call->arena, message->value);
    if (saga_journal_decode(call->codec, bytes, call->arena, &record, &diagnostic) < 0) {
        story->code =
            saga_call_fail(call, SAGA_EXIT_FAILED, "`saga replay --verify` says more",
                           "the journal record %u/%" PRId64 " cannot be read: %.*s",
                           story->address.lane, message->offset, SAGA_SLICE_ARG(diagnostic.what));
        return false;
    }
    if (!saga_slice_equal(record.saga_id, story->address.saga_id)) return true;
    if (story->first_sequence == 0) story->first_sequence = record.sequence;
    if (call->output == SAGA_OUTPUT_TEXT)
        print_event(story, &record);
    else
        SAGA_PUSH(call->arena, story->json, story->json_count, story->json_capacity,
                  json_of(story, &record, message->offset));
    story->count++;
    return true;
}

/* ---- by the offsets that Redis keeps ---- */

static int fail_to_read(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga topics check` looks at the topics",
                          "the journal cannot be read: %s", saga_client_problem(call->client));
}

/* Goes forward to `offset`; the records up to there are passed over. */
static int read_to_offset(struct story *story, struct saga_reader *reader, int64_t offset,
                          int64_t *position)
{
    bool seen = false, found = false;
    for (int tries = 0; tries < READ_TRIES && *position <= offset && !seen;) {
        struct saga_bus_records records;
        bool end;
        /* no more than up to the one that is wanted, for the reader goes on from here */
        size_t most = offset - *position < NEAR_RECORDS ? (size_t)(offset - *position + 1) : 1;
        int error = saga_reader_read(reader, READ_MS, most, &records, position, &end);
        if (error == SAGA_E_AGAIN) {
            tries++;
            continue;
        }
        if (error < 0) return fail_to_read(story->call);
        if (records.count == 0) tries++;
        for (size_t i = 0; i < records.count && !seen; i++) {
            seen = records.items[i].offset >= offset;
            found = records.items[i].offset == offset;
            if (found) (void)take(story, &records.items[i]);
        }
        saga_reader_release(reader, &records);
    }
    if (found) return story->code;
    if (!seen && *position <= offset) return fail_to_read(story->call);
    return saga_call_fail(story->call, SAGA_EXIT_FAILED,
                          "--scan reads the journal without asking Redis",
                          "Redis knows of a record %u/%" PRId64 " that the journal has not",
                          story->address.lane, offset);
}

static int read_by_offsets(struct story *story, const int64_t *offsets, size_t count)
{
    struct saga_call *call = story->call;
    struct saga_reader *reader = NULL;
    int64_t position = 0;
    int code = SAGA_EXIT_DONE;
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++) {
        bool near = reader && offsets[i] >= position && offsets[i] - position < NEAR_RECORDS;
        if (!near) {
            if (reader) saga_reader_close(reader);
            reader = NULL;
            position = offsets[i];
            if (saga_reader_open(call->client, call->topics.journal, (int32_t)story->address.lane,
                                 offsets[i], &reader) < 0)
                return fail_to_read(call);
        }
        code = read_to_offset(story, reader, offsets[i], &position);
    }
    if (reader) saga_reader_close(reader);
    return code;
}

/* ---- by reading all of the lane ---- */

static bool take_any(const struct saga_message *message, void *context)
{
    struct story *story = context;
    /* the record's key is the saga's: most records are passed over without decoding them */
    if (!saga_slice_equal(message->key, story->address.key)) return true;
    return take(story, message);
}

/* It may take long, so `why` is said; NULL: it was asked for. */
static int scan(struct story *story, const char *why)
{
    struct saga_call *call = story->call;
    if (why)
        fprintf(stderr, "saga history: %s; reading all of lane %u from its beginning\n", why,
                story->address.lane);
    int code = saga_read_to_end(call, call->topics.journal, (int32_t)story->address.lane,
                                SAGA_READ_BEGINNING, take_any, story);
    return code == SAGA_EXIT_DONE ? story->code : code;
}

/* A saga that was rebuilt from a snapshot has the offsets of what came behind it only. */
static bool has_all(struct story *story, size_t count)
{
    struct saga_call *call = story->call;
    struct saga_slice bytes;
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_views_state(call->views, story->address.lane, story->address.saga_id, call->arena,
                         &bytes) < 0 ||
        saga_state_decode(call->codec, bytes, call->arena, &state, &diagnostic) < 0)
        return false;
    story->sequence = state->sequence;
    saga_state_free(state);
    return count >= story->sequence;
}

/* The offsets that the journal still has. */
static int pass_over_cut(struct story *story, const int64_t **offsets, size_t *count)
{
    struct saga_call *call = story->call;
    int64_t low, high;
    if (saga_client_watermarks(call->client, call->topics.journal, (int32_t)story->address.lane,
                               WATERMARKS_MS, &low, &high) < 0)
        return fail_to_read(call);
    while (*count > 0 && **offsets < low) {
        ++*offsets;
        --*count;
    }
    return SAGA_EXIT_DONE;
}

static int read_story(struct story *story)
{
    struct saga_call *call = story->call;
    int64_t *offsets;
    size_t count;
    if (saga_call_has(call, KEY_SCAN)) return scan(story, NULL);
    if (saga_call_views(call) != SAGA_EXIT_DONE) return SAGA_EXIT_FAILED;
    int error = saga_views_history(call->views, story->address.lane, story->address.saga_id,
                                   call->arena, &offsets, &count);
    if (error < 0 && error != SAGA_E_NOT_FOUND) return scan(story, "Redis is not there");
    bool all = has_all(story, count);
    if (story->sequence == 0 && count == 0)
        return scan(story, "Redis does not know this saga (any more)");
    if (!all)
        return scan(story, "Redis was rebuilt from a snapshot and does not know all the records");
    const int64_t *left = offsets;
    int code = pass_over_cut(story, &left, &count);
    return code == SAGA_EXIT_DONE ? read_by_offsets(story, left, count) : code;
}

/* What retention has deleted is missing, and is said to be. */
static void tell_cut(const struct story *story)
{
    if (story->count == 0)
        fprintf(stderr,
                "saga history: all %" PRIu64 " records were deleted from the journal by its "
                "retention; `saga show` tells where the saga stands\n",
                story->sequence);
    else if (story->first_sequence > 1)
        fprintf(stderr,
                "saga history: the %" PRIu64 " records before these were deleted from the journal "
                "by its retention\n",
                story->first_sequence - 1);
}

static int run(struct saga_call *call)
{
    struct story story = { .call = call, .bodies = saga_call_has(call, KEY_BODIES) };
    int code = saga_address_parse(call, call->arguments[0], call->config.lanes, &story.address);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE) code = read_story(&story);
    if (code != SAGA_EXIT_DONE) return code;
    if (story.count == 0 && story.sequence == 0)
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga list` shows what there is",
                              "the journal has nothing of a saga %s", call->arguments[0]);
    if (call->output != SAGA_OUTPUT_TEXT)
        saga_print_json_slices(call, story.json, story.json_count);
    tell_cut(&story);
    return SAGA_EXIT_DONE;
}

static const struct argp_option options[] = {
    { "bodies", KEY_BODIES, NULL, 0, "with the bodies of events, commands and results", 0 },
    { "scan", KEY_SCAN, NULL, 0, "read all of the lane's journal: earlier runs of the id too", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_history = {
    .name = "history",
    .arguments = "ID",
    .summary = "tell a saga's story: every event, and what followed from it",
    .details =
        "Out of the journal, as far back as that is kept. Times are UTC. What Redis no longer "
        "knows is looked for in all of the lane's journal.",
    .examples = "  saga history order-fulfilment/o-4711\n"
                "  saga history order-fulfilment/o-4711 --bodies -o jsonl",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run,
};
