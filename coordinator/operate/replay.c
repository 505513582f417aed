/* saga replay --verify: reads the journal, lane by lane, and proves it (runtime/replay.h). */
#include "runtime/replay.h"

#include <malloc.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "operate/command.h"
#include "operate/definitions.h"
#include "operate/output.h"
#include "operate/reading.h"

enum { KEY_VERIFY = 256, KEY_FROM_JOURNAL };
enum { READ_TIMEOUT_MS = 500, CHUNK = 2000, TRIES = 40, SHOWN_MAX = 20 };
/* How often it says how far it is: a terminal's line is written over, a log's are many. */
enum { BAR_MS = 200, LINE_MS = 10000 };

struct verification {
    struct saga_call *call;
    struct saga_catalog *catalog;
    bool with_redis;
    bool bar; /* a terminal looks at standard error */
    struct saga_replay_counts total;
    json_t *differences; /* of the output */
    size_t difference_count;
    int64_t started_ms;
    clock_t started_clock; /* the processor's time, of all threads */
    int64_t shown_ms;
    unsigned waited;    /* tenths of a second for Redis, over all lanes */
    unsigned cut_lanes; /* whose journal begins behind a snapshot */
    uint64_t expected;  /* records, as the watermarks promise (markers count too) */
};

static void on_difference(const struct saga_difference *difference, void *context)
{
    struct verification *v = context;
    if (v->difference_count++ >= SHOWN_MAX) return;
    json_t *row = json_object();
    json_object_set_new(row, "kind", json_string(saga_difference_name(difference->kind)));
    json_object_set_new(row, "lane", json_integer(difference->lane));
    if (difference->offset >= 0)
        json_object_set_new(row, "offset", json_integer(difference->offset));
    if (difference->saga_id.size)
        json_object_set_new(row, "saga", saga_json_string(difference->saga_id));
    json_object_set_new(row, "words", saga_json_string(difference->words));
    json_array_append_new(v->differences, row);
}

static void show_bar(uint64_t records, uint64_t expected, uint64_t per_s)
{
    unsigned filled = expected ? (unsigned)(30 * records / expected) : 30;
    if (filled > 30) filled = 30;
    fprintf(stderr, "\r[%.*s%*s] %llu records, %llu/s ", (int)filled,
            "##############################", (int)(30 - filled), "", (unsigned long long)records,
            (unsigned long long)per_s);
    fflush(stderr);
}

static void show_progress(struct verification *v, const struct saga_replay *replay)
{
    struct saga_replay_counts counts;
    int64_t now_ms = saga_now_ms(), took_ms = now_ms - v->started_ms;
    if (now_ms - v->shown_ms < (v->bar ? BAR_MS : LINE_MS)) return;
    v->shown_ms = now_ms;
    saga_replay_count(replay, &counts);
    uint64_t records = v->total.records + counts.records;
    uint64_t per_s = took_ms > 0 ? records * 1000 / (uint64_t)took_ms : 0;
    if (v->bar)
        show_bar(records, v->expected, per_s);
    else
        fprintf(stderr, "%llu of at most %llu records, %llu/s\n", (unsigned long long)records,
                (unsigned long long)v->expected, (unsigned long long)per_s);
}

/* Takes records until the reader stands at `until`. */
static int read_to(struct verification *v, struct saga_reader *reader, struct saga_replay *replay,
                   int64_t until, int64_t *position)
{
    while (*position < until) {
        struct saga_bus_records records = { 0 };
        bool end;
        int error = saga_reader_read(reader, READ_TIMEOUT_MS, CHUNK, &records, position, &end);
        if (error == SAGA_E_AGAIN) continue;
        if (error < 0) return error;
        for (size_t i = 0; i < records.count; i++) saga_replay_record(replay, &records.items[i]);
        saga_reader_release(reader, &records);
        show_progress(v, replay);
    }
    return SAGA_OK;
}

static void say_waiting(struct verification *v, uint32_t lane, int64_t applied, int64_t behind)
{
    if (v->waited++) return;
    if (applied < 0)
        fprintf(stderr,
                "Redis has nothing of lane %u: waiting a moment for a coordinator to build it\n",
                lane);
    else
        fprintf(stderr, "Redis stands at %lld of lane %u, the journal at %lld: waiting a moment\n",
                (long long)applied, lane, (long long)behind);
}

/* While the coordinator runs, Redis moves on between reading and comparing: follow it for a while, all lanes together. */
static int compare(struct verification *v, uint32_t lane, struct saga_reader *reader,
                   struct saga_replay *replay, int64_t *position)
{
    int64_t applied;
    while (v->waited < TRIES) {
        int error = saga_replay_compare(replay, v->call->views, false, &applied);
        if (error != SAGA_E_AGAIN) return error;
        if (applied > saga_replay_applied(replay)) {
            error = read_to(v, reader, replay, applied, position);
            if (error < 0) return error;
        } else {
            say_waiting(v, lane, applied, saga_replay_applied(replay));
            usleep(100000);
        }
    }
    return saga_replay_compare(replay, v->call->views, true, &applied);
}

static void add_counts(struct verification *v, const struct saga_replay *replay)
{
    struct saga_replay_counts counts;
    saga_replay_count(replay, &counts);
    v->total.records += counts.records;
    v->total.sagas += counts.sagas;
    v->total.entries += counts.entries;
    v->total.forgotten += counts.forgotten;
    for (int i = 0; i < SAGA_STATUS_COUNT; i++) v->total.by_status[i] += counts.by_status[i];
    for (int i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++)
        v->total.differences[i] += counts.differences[i];
}

static bool take_snapshot(const struct saga_message *record, void *context)
{
    saga_replay_snapshot(context, record);
    return true;
}

static int fail_to_read(struct verification *v, uint32_t lane)
{
    return saga_call_fail(v->call, SAGA_EXIT_FAILED,
                          "are the coordinator's topics there? saga topics check", "lane %u: %s",
                          lane, saga_client_problem(v->call->client));
}

/* Where the journal is read from: where the beginning was cut off, behind the lane's snapshot. */
static int find_beginning(struct verification *v, uint32_t lane, struct saga_replay *replay,
                          int64_t low, int64_t *ret)
{
    *ret = low;
    if (low == 0) return SAGA_EXIT_DONE;
    int code = saga_read_to_end(v->call, v->call->topics.snapshots, (int32_t)lane,
                                SAGA_READ_BEGINNING, take_snapshot, replay);
    if (code != SAGA_EXIT_DONE) return code;
    int64_t begin = saga_replay_begin(replay, low);
    if (begin >= 0) *ret = begin;
    v->cut_lanes++;
    return SAGA_EXIT_DONE;
}

static int read_and_compare(struct verification *v, uint32_t lane, struct saga_replay *replay)
{
    struct saga_call *call = v->call;
    struct saga_reader *reader;
    int64_t low, high, position;
    int error = saga_client_watermarks(call->client, call->topics.journal, (int32_t)lane,
                                       SAGA_CALL_TIMEOUT_MS, &low, &high);
    if (error < 0) return fail_to_read(v, lane);
    int code = find_beginning(v, lane, replay, low, &position);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_reader_open(call->client, call->topics.journal, (int32_t)lane, position, &reader) < 0)
        return fail_to_read(v, lane);
    error = read_to(v, reader, replay, high, &position);
    const char *problem = saga_client_problem(call->client);
    if (error == SAGA_OK && v->with_redis) {
        error = compare(v, lane, reader, replay, &position);
        problem = saga_views_problem(call->views);
    }
    saga_reader_close(reader);
    if (error == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "lane %u: %s", lane, problem);
}

static int verify_lane(struct verification *v, uint32_t lane)
{
    struct saga_replay *replay;
    saga_replay_new(v->call->codec, v->catalog, lane, on_difference, v, &replay);
    int code = read_and_compare(v, lane, replay);
    add_counts(v, replay);
    saga_replay_free(replay);
    return code;
}

static uint64_t count_differences(const struct saga_replay_counts *counts)
{
    uint64_t sum = 0;
    for (int i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++) sum += counts->differences[i];
    return sum;
}

/* How fast it was, all that was read and compared counted in. */
struct pace {
    double seconds, processor_s;
    double per_s, per_processor_s; /* records */
};

static struct pace pace_of(const struct verification *v)
{
    double records = (double)v->total.records;
    struct pace pace = { .seconds = (double)(saga_now_ms() - v->started_ms) / 1000,
                         .processor_s =
                             (double)(clock() - v->started_clock) / (double)CLOCKS_PER_SEC };
    if (pace.seconds > 0) pace.per_s = records / pace.seconds;
    if (pace.processor_s > 0) pace.per_processor_s = records / pace.processor_s;
    return pace;
}

static void print_json(struct verification *v, uint32_t lanes)
{
    json_t *object = json_object(), *status = json_object(), *kinds = json_object();
    struct pace pace = pace_of(v);
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        json_object_set_new(status, saga_status_name((enum saga_status)i),
                            json_integer((json_int_t)v->total.by_status[i]));
    for (int i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++)
        json_object_set_new(kinds, saga_difference_name((enum saga_difference_kind)i),
                            json_integer((json_int_t)v->total.differences[i]));
    json_object_set_new(object, "lanes", json_integer(lanes));
    json_object_set_new(object, "records", json_integer((json_int_t)v->total.records));
    json_object_set_new(object, "seconds", json_real(pace.seconds));
    json_object_set_new(object, "recordsPerSecond", json_integer((json_int_t)pace.per_s));
    json_object_set_new(object, "processorSeconds", json_real(pace.processor_s));
    json_object_set_new(object, "recordsPerProcessorSecond",
                        json_integer((json_int_t)pace.per_processor_s));
    json_object_set_new(object, "sagas", json_integer((json_int_t)v->total.sagas));
    json_object_set_new(object, "entries", json_integer((json_int_t)v->total.entries));
    json_object_set_new(object, "forgotten", json_integer((json_int_t)v->total.forgotten));
    json_object_set_new(object, "lanesFromSnapshot", json_integer(v->cut_lanes));
    json_object_set_new(object, "byStatus", status);
    json_object_set_new(object, "comparedWithRedis", json_boolean(v->with_redis));
    json_object_set_new(object, "differences",
                        json_integer((json_int_t)count_differences(&v->total)));
    json_object_set_new(object, "differencesByKind", kinds);
    json_object_set_new(object, "first", json_incref(v->differences));
    saga_print_object(v->call, object);
}

static void print_text(struct verification *v, uint32_t lanes)
{
    uint64_t differences = count_differences(&v->total);
    struct pace pace = pace_of(v);
    size_t index;
    json_t *row;
    printf("%llu %s of %u %s in %.1f s: %.0f/s, %.0f for each second of a processor\n",
           (unsigned long long)v->total.records, v->total.records == 1 ? "record" : "records",
           lanes, lanes == 1 ? "lane" : "lanes", pace.seconds, pace.per_s, pace.per_processor_s);
    printf("%llu %s", (unsigned long long)v->total.sagas, v->total.sagas == 1 ? "saga" : "sagas");
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        if (v->total.by_status[i])
            printf(", %llu %s", (unsigned long long)v->total.by_status[i],
                   saga_status_name((enum saga_status)i));
    printf("; %llu more %s left after `keep`\n", (unsigned long long)v->total.forgotten,
           v->total.forgotten == 1 ? "has" : "have");
    if (v->total.entries)
        printf("%llu %s beside them: where events are awaited or kept, schedules\n",
               (unsigned long long)v->total.entries, v->total.entries == 1 ? "entry" : "entries");
    if (v->cut_lanes)
        printf(v->cut_lanes == 1
                   ? "the journal of %u lane was cut: it is proved from its last snapshot on\n"
                   : "the journals of %u lanes were cut: they are proved from their last snapshot "
                     "on\n",
               v->cut_lanes);
    json_array_foreach(v->differences, index, row)
    {
        const char *saga = json_string_value(json_object_get(row, "saga"));
        json_t *offset = json_object_get(row, "offset");
        printf("difference (%s): lane %lld", json_string_value(json_object_get(row, "kind")),
               (long long)json_integer_value(json_object_get(row, "lane")));
        if (offset) printf(", offset %lld", (long long)json_integer_value(offset));
        if (saga) printf(", saga %s", saga);
        printf(": %s\n", json_string_value(json_object_get(row, "words")));
    }
    if (v->difference_count > SHOWN_MAX)
        printf("... and %zu more\n", v->difference_count - SHOWN_MAX);
    if (differences)
        printf("NOT verified: %llu %s\n", (unsigned long long)differences,
               differences == 1 ? "difference" : "differences");
    else
        printf("verified: sequences unbroken, hash chain holds, causes decide to the recorded "
               "facts%s\n",
               v->with_redis ? ", states equal those in Redis" : "; not compared with Redis");
}

static int expect_records(struct verification *v, uint32_t lanes)
{
    for (uint32_t lane = 0; lane < lanes; lane++) {
        int64_t low, high;
        if (saga_client_watermarks(v->call->client, v->call->topics.journal, (int32_t)lane,
                                   SAGA_CALL_TIMEOUT_MS, &low, &high) < 0)
            return saga_call_fail(v->call, SAGA_EXIT_FAILED, "make the topics: saga topics create",
                                  "%s", saga_client_problem(v->call->client));
        v->expected += (uint64_t)(high - low);
    }
    return SAGA_EXIT_DONE;
}

static int load_catalog(struct saga_call *call, struct saga_catalog **ret)
{
    struct saga_deployment deployment = { 0 };
    int code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE) code = saga_deployment_read(call, &deployment);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_catalog_new(ret) < 0) return SAGA_EXIT_FAILED;
    saga_catalog_use_schemas(*ret, call->schemas);
    for (size_t i = 0; i < deployment.count; i++) {
        struct saga_definition *definition = saga_deployed_load(call, &deployment.items[i]);
        if (definition) saga_catalog_add(*ret, definition);
    }
    return SAGA_EXIT_DONE;
}

/* What is read ahead is some megabytes at a time: given back to the system and taken again, each would be zeroed anew. */
static void keep_memory(void)
{
    enum { BLOCK_BYTES_MAX = 32 * 1024 * 1024, FREE_BYTES_MAX = 512 * 1024 * 1024 };
    mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES_MAX);
    mallopt(M_TRIM_THRESHOLD, FREE_BYTES_MAX);
}

static int run_replay(struct saga_call *call)
{
    struct verification v = { .call = call, .with_redis = !saga_call_has(call, KEY_FROM_JOURNAL) };
    uint32_t lanes = call->config.lanes;
    if (!saga_call_has(call, KEY_VERIFY))
        return saga_call_fail(call, SAGA_EXIT_USAGE, "say --verify",
                              "what is to be done with the journal?");
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE && v.with_redis) code = saga_call_views(call);
    if (code == SAGA_EXIT_DONE) code = load_catalog(call, &v.catalog);
    if (code == SAGA_EXIT_DONE) code = expect_records(&v, lanes);
    if (code != SAGA_EXIT_DONE) return code;
    keep_memory();
    v.differences = json_array();
    v.started_ms = v.shown_ms = saga_now_ms();
    v.started_clock = clock();
    v.bar = call->output == SAGA_OUTPUT_TEXT && isatty(STDERR_FILENO);
    for (uint32_t lane = 0; lane < lanes && code == SAGA_EXIT_DONE; lane++)
        code = verify_lane(&v, lane);
    if (v.bar) fprintf(stderr, "\r%60s\r", "");
    if (code == SAGA_EXIT_DONE) {
        if (call->output == SAGA_OUTPUT_TEXT)
            print_text(&v, lanes);
        else
            print_json(&v, lanes);
        if (count_differences(&v.total)) code = SAGA_EXIT_FAILED;
    }
    json_decref(v.differences);
    saga_catalog_free(v.catalog);
    return code;
}

static const struct argp_option options[] = {
    { "verify", KEY_VERIFY, NULL, 0, "prove the journal, and Redis against it", 0 },
    { "from-journal", KEY_FROM_JOURNAL, NULL, 0, "look at the journal alone, without Redis", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_replay = {
    .name = "replay",
    .summary = "replay the journal and prove it",
    .details = "Proves lane by lane that the sequences are unbroken, that the hash chain holds, "
               "that deciding each "
               "recorded cause again gives exactly the recorded facts, and that the facts add up "
               "to exactly the "
               "states that Redis holds. Exit status 0 only when all of it holds.",
    .examples = "  saga replay --verify\n"
                "  saga replay --verify --from-journal -o json\n",
    .options = options,
    .configured = true,
    .has_output = true,
    .run = run_replay,
};
