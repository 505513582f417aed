/* `saga audit anchor`: signs where each lane's hash chain stands (runtime/anchor.h). */
#include <string.h>

#include "base/error.h"
#include "operate/audit.h"
#include "operate/lane_reading.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "runtime/chain.h"

enum { KEY_KEY = 256, KEY_TO, KEY_TOPIC };
/* How many offsets back the last record is looked for at first: markers of transactions take offsets too. */
enum { WINDOW = 64, WINDOW_GROWTH = 16 };

struct anchoring {
    struct saga_call *call;
    struct saga_anchor_key *key;
    struct saga_arena arena; /* a record's */
    char journal[SAGA_JOURNAL_ID_DIGITS + 1];
    bool found; /* a record of the journal */
    struct saga_anchor anchor;
    struct saga_slice *lines; /* a lane's each */
    size_t count, capacity;
    unsigned empty; /* lanes without a record */
};

/* ---- what stands in a lane ---- */

static bool take_first(const struct saga_message *message, void *context)
{
    struct anchoring *a = context;
    struct saga_journal_record record;
    if (!saga_codec_is_encoded(message->value)) return true; /* of somebody else: the next one */
    saga_arena_reset(&a->arena);
    if (saga_journal_decode(a->call->codec, message->value, &a->arena, &record,
                            &(struct saga_diagnostic){ 0 }) < 0 ||
        record.cause.kind != SAGA_EVENT_LANE || record.fact_count != 1 ||
        record.facts[0].text.size != SAGA_JOURNAL_ID_DIGITS)
        return false;
    memcpy(a->journal, record.facts[0].text.data, SAGA_JOURNAL_ID_DIGITS);
    return false;
}

static bool take_marker(const struct saga_message *message, void *context)
{
    struct anchoring *a = context;
    struct saga_marker marker;
    saga_arena_reset(&a->arena);
    if (saga_slice_equal(message->key, SAGA_MARKER_KEY) &&
        saga_marker_decode(a->call->codec, message->value, &a->arena, &marker,
                           &(struct saga_diagnostic){ 0 }) == SAGA_OK)
        memcpy(a->journal, marker.journal.data, SAGA_JOURNAL_ID_DIGITS);
    return true;
}

/* The journal's id: its first record has it or, where that is gone, the snapshots. */
static int find_journal(struct anchoring *a, uint32_t lane, int64_t low)
{
    struct saga_call *call = a->call;
    memset(a->journal, 0, sizeof a->journal);
    int code = low == 0 ? saga_read_to_end(call, call->topics.journal, (int32_t)lane,
                                           SAGA_READ_BEGINNING, take_first, a)
                        : saga_read_to_end(call, call->topics.snapshots, (int32_t)lane,
                                           SAGA_READ_BEGINNING, take_marker, a);
    if (code != SAGA_EXIT_DONE || a->journal[0]) return code;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "saga audit verify says more",
                          "lane %u: neither its journal nor its snapshots say which journal it is",
                          lane);
}

static bool take_last(const struct saga_message *message, void *context)
{
    struct anchoring *a = context;
    struct saga_journal_record record;
    saga_arena_reset(&a->arena);
    if (saga_journal_decode(a->call->codec, message->value, &a->arena, &record,
                            &(struct saga_diagnostic){ 0 }) < 0)
        return true; /* it has no chain value */
    a->found = true;
    a->anchor.offset = message->offset;
    memcpy(a->anchor.chain, saga_chain_of(message->value), sizeof a->anchor.chain);
    return true;
}

/* From ever further back to the end, until there is a record. */
static int find_last(struct anchoring *a, uint32_t lane, int64_t low, int64_t high)
{
    int code = SAGA_EXIT_DONE;
    a->found = false;
    for (int64_t window = WINDOW; !a->found && code == SAGA_EXIT_DONE; window *= WINDOW_GROWTH) {
        int64_t from = high - window > low ? high - window : low;
        code =
            saga_read_to_end(a->call, a->call->topics.journal, (int32_t)lane, from, take_last, a);
        if (from == low) break;
    }
    return code;
}

static int anchor_lane(struct anchoring *a, uint32_t lane)
{
    struct saga_call *call = a->call;
    int64_t low, high;
    int code = saga_lane_bounds(call, lane, &low, &high);
    if (code != SAGA_EXIT_DONE) return code;
    a->anchor = (struct saga_anchor){ .lane = lane };
    code = find_last(a, lane, low, high);
    if (code != SAGA_EXIT_DONE) return code;
    if (!a->found) {
        a->empty++;
        return SAGA_EXIT_DONE;
    }
    code = find_journal(a, lane, low);
    if (code != SAGA_EXIT_DONE) return code;
    memcpy(a->anchor.journal, a->journal, sizeof a->anchor.journal);
    saga_time_format(saga_now_ms(), a->anchor.time);
    saga_anchor_sign(&a->anchor, a->key);
    struct saga_slice line = saga_anchor_json(&a->anchor, call->arena);
    SAGA_PUSH(call->arena, a->lines, a->count, a->capacity, line);
    return SAGA_EXIT_DONE;
}

/* ---- where they go ---- */

static int send(struct saga_call *call, const char *topic, const struct anchoring *a)
{
    struct saga_topic_state state;
    struct saga_diagnostic diagnostic = { 0 };
    int code = saga_audit_anchors_look(call, topic, &state);
    if (code == SAGA_EXIT_DONE &&
        saga_anchors_send(call->client, topic, a->lines, a->count, SAGA_CALL_TIMEOUT_MS,
                          call->arena, &diagnostic) < 0)
        code = saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    return code;
}

static int deliver(struct anchoring *a)
{
    struct saga_call *call = a->call;
    const char *path = saga_call_option(call, KEY_TO), *topic = saga_call_option(call, KEY_TOPIC);
    struct saga_buffer text;
    saga_buffer_init(&text, call->arena);
    for (size_t i = 0; i < a->count; i++) {
        saga_buffer_add(&text, a->lines[i]);
        saga_buffer_add_char(&text, '\n');
    }
    struct saga_slice all = saga_buffer_slice(&text);
    struct saga_diagnostic diagnostic = { 0 };
    int code = SAGA_EXIT_DONE;
    if (path && saga_anchors_append(path, all, call->arena, &diagnostic) < 0)
        code = saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    if (code == SAGA_EXIT_DONE && topic) code = send(call, topic, a);
    if (code == SAGA_EXIT_DONE && !path && !topic) fwrite(all.data, 1, all.size, stdout);
    if (code == SAGA_EXIT_DONE)
        fprintf(stderr,
                "saga audit anchor: %zu %s signed with key %.16s..., %u %s without a record\n",
                a->count, a->count == 1 ? "anchor" : "anchors", saga_anchor_key_id(a->key),
                a->empty, a->empty == 1 ? "lane" : "lanes");
    return code;
}

static int run(struct saga_call *call)
{
    struct anchoring a = { .call = call };
    struct saga_diagnostic diagnostic = { 0 };
    const char *path = saga_call_option(call, KEY_KEY);
    if (!path)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "--key anchor.key; make one with: openssl genpkey -algorithm ed25519 "
                              "-out anchor.key",
                              "who signs?");
    const char *topic = saga_call_option(call, KEY_TOPIC);
    if (topic && saga_topics_is_own(&call->topics, topic))
        return saga_call_fail(call, SAGA_EXIT_USAGE, "name a topic that nothing else is in",
                              "%s is the coordinator's own: an anchor in it would be a record that "
                              "it cannot read",
                              topic);
    if (saga_anchor_key_read(path, SAGA_ANCHOR_KEY_PRIVATE, call->arena, &a.key, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_USAGE, &diagnostic);
    saga_arena_init(&a.arena);
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    for (uint32_t lane = 0; lane < call->config.lanes && code == SAGA_EXIT_DONE; lane++)
        code = anchor_lane(&a, lane);
    if (code == SAGA_EXIT_DONE) code = deliver(&a);
    saga_arena_free(&a.arena);
    saga_anchor_key_free(a.key);
    return code;
}

static const struct argp_option options[] = {
    { "key", KEY_KEY, "FILE", 0, "private Ed25519 key to sign with (PEM)", 0 },
    { "to", KEY_TO, "FILE", 0, "append the anchors to this file", 0 },
    { "topic", KEY_TOPIC, "NAME", 0, "send them to this topic, which is there already", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_audit_anchor = {
    .name = "audit anchor",
    .summary = "sign where each lane's hash chain stands now",
    .details =
        "One JSON line a lane: journal, offset, chain value and time, signed with your key. Kept "
        "where nobody who can write to Kafka can write too, anchors prove that nothing up to them "
        "was changed, also by somebody who writes the whole journal anew: saga audit verify "
        "--anchors FILE --key PUB. Without --to and --topic they are printed. The key stays with "
        "you:\n"
        "  openssl genpkey -algorithm ed25519 -out anchor.key\n"
        "  openssl pkey -in anchor.key -pubout -out anchor.pub",
    .examples = "  saga audit anchor --key anchor.key --to /mnt/worm/anchors.jsonl",
    .options = options,
    .configured = true,
    .run = run,
};
