/* saga replay --verify: reads the journal, lane by lane, and proves it (runtime/replay.h). */
#include "runtime/replay.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "operate/command.h"
#include "operate/definitions.h"
#include "operate/lane_reading.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "operate/replay.h"

enum { TRIES = 40, SHOWN_MAX = 20 };

struct verification {
    struct saga_call *call;
    struct saga_catalog *catalog;
    bool with_redis;
    struct saga_lane_reading reading;
    struct saga_replay_counts total;
    json_t *differences; /* of the output */
    size_t difference_count;
    unsigned waited;    /* tenths of a second for Redis, over all lanes */
    unsigned cut_lanes; /* whose journal begins behind a snapshot */
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

static bool take_record(const struct saga_message *record, void *context)
{
    saga_replay_record(context, record);
    return true;
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
            error = saga_lane_read_to(&v->reading, reader, applied, position, take_record, replay);
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
    int code = saga_lane_bounds(call, lane, &low, &high);
    if (code == SAGA_EXIT_DONE) code = find_beginning(v, lane, replay, low, &position);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_reader_open(call->client, call->topics.journal, (int32_t)lane, position, &reader) < 0)
        return saga_lane_reading_fail(&v->reading, lane);
    int error = saga_lane_read_to(&v->reading, reader, high, &position, take_record, replay);
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

static void print_json(struct verification *v, uint32_t lanes)
{
    json_t *object = json_object(), *status = json_object(), *kinds = json_object();
    struct saga_pace pace = saga_lane_reading_pace(&v->reading);
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
    struct saga_pace pace = saga_lane_reading_pace(&v->reading);
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

int saga_replay_verify(struct saga_call *call, bool with_redis)
{
    struct verification v = { .call = call, .with_redis = with_redis };
    uint32_t lanes = call->config.lanes;
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE && v.with_redis) code = saga_call_views(call);
    if (code == SAGA_EXIT_DONE) code = load_catalog(call, &v.catalog);
    if (code == SAGA_EXIT_DONE) code = saga_lane_reading_begin(&v.reading, call, 0, lanes);
    if (code != SAGA_EXIT_DONE) return code;
    v.differences = json_array();
    for (uint32_t lane = 0; lane < lanes && code == SAGA_EXIT_DONE; lane++)
        code = verify_lane(&v, lane);
    saga_lane_reading_end(&v.reading);
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
