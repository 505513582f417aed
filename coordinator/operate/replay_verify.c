/* saga replay --verify: reads the journal and proves it (runtime/replay.h), lane by lane. A lane is proved by itself, so several
 * are at the same time, each by a thread that has all to itself: a client, a Redis connection, a codec, loaded definitions. */
#include "runtime/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "operate/command.h"
#include "operate/definitions.h"
#include "operate/lane_reading.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "operate/replay.h"

enum { SHOWN_MAX = 20 };

/* What a lane gave. */
struct proved_lane {
    struct saga_replay_counts counts;
    json_t *differences; /* of the output, SHOWN_MAX at most */
    uint64_t difference_count;
    bool cut; /* its journal begins behind a snapshot */
};

struct verification {
    struct saga_call *call;
    bool with_redis;
    const struct saga_wrapping *wrapping; /* of keys of sealed values */
    struct saga_lane_reading reading;
    struct proved_lane *lanes;
    uint32_t lane_count;
    pthread_mutex_t lock; /* of the two below */
    uint32_t next;        /* lane that nobody has begun with */
    int code;             /* not SAGA_EXIT_DONE: no further lane is begun with */
    /* all lanes together */
    struct saga_replay_counts total;
    json_t *differences;
    uint64_t difference_count;
    unsigned cut_lanes;
};

/* Who proves lanes, one after the other, in a thread. */
struct prover {
    struct verification *verification;
    pthread_t thread;
    struct saga_call call;
    struct saga_arena arena;
    struct saga_call_problem problem;
    struct saga_catalog *catalog;
    struct saga_lane_reading reading;
    struct proved_lane *lane; /* under way */
    uint32_t number;          /* of that */
};

static void on_difference(const struct saga_difference *difference, void *context)
{
    struct proved_lane *lane = context;
    if (lane->difference_count++ >= SHOWN_MAX) return;
    json_t *row = json_object();
    json_object_set_new(row, "kind", json_string(saga_difference_name(difference->kind)));
    json_object_set_new(row, "lane", json_integer(difference->lane));
    if (difference->offset >= 0)
        json_object_set_new(row, "offset", json_integer(difference->offset));
    if (difference->saga_id.size)
        json_object_set_new(row, "saga", saga_json_string(difference->saga_id));
    json_object_set_new(row, "words", saga_json_string(difference->words));
    json_array_append_new(lane->differences, row);
}

/* ---- one lane ---- */

static void take_records(const struct saga_message *records, size_t count, void *context)
{
    saga_replay_records(context, records, count);
}

static bool take_snapshot(const struct saga_message *record, void *context)
{
    saga_replay_snapshot(context, record);
    return true;
}

/* Where the journal is read from: where the beginning was cut off, behind the lane's snapshot. */
static int find_beginning(struct prover *p, struct saga_replay *replay, int64_t low, int64_t *ret)
{
    struct saga_call *call = &p->call;
    *ret = low;
    if (low == 0) return SAGA_EXIT_DONE;
    int code = saga_read_to_end(call, call->topics.snapshots, (int32_t)p->number,
                                SAGA_READ_BEGINNING, take_snapshot, replay);
    if (code != SAGA_EXIT_DONE) return code;
    int64_t begin = saga_replay_begin(replay, low);
    if (begin >= 0) *ret = begin;
    p->lane->cut = true;
    return SAGA_EXIT_DONE;
}

static int read_and_compare(struct prover *p, struct saga_replay *replay)
{
    struct saga_call *call = &p->call;
    struct saga_reader *reader;
    int64_t low, high, position;
    uint32_t lane = p->number;
    int code = saga_lane_bounds(call, lane, &low, &high);
    if (code == SAGA_EXIT_DONE) code = find_beginning(p, replay, low, &position);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_reader_open(call->client, call->topics.journal, (int32_t)lane, position, &reader) < 0)
        return saga_lane_reading_fail(&p->reading, lane);
    int error = saga_lane_read_to(&p->reading, reader, high, &position, take_records, replay);
    if (error < 0)
        code = saga_lane_reading_fail(&p->reading, lane);
    else if (p->verification->with_redis)
        code =
            saga_lane_compare(&p->reading, lane, replay, reader, &position, take_records, replay);
    saga_reader_close(reader);
    return code;
}

static int prove_lane(struct prover *p, uint32_t number)
{
    struct saga_replay *replay;
    const struct saga_keyring *keys;
    p->number = number;
    p->lane = &p->verification->lanes[number];
    int code = saga_call_keys(&p->call, number, &keys);
    if (code != SAGA_EXIT_DONE) return code;
    saga_replay_new(p->call.codec, p->catalog, number, on_difference, p->lane, &replay);
    saga_replay_expect_lanes(replay, p->verification->lane_count);
    saga_replay_keys(replay, keys);
    code = read_and_compare(p, replay);
    saga_replay_count(replay, &p->lane->counts);
    saga_replay_free(replay);
    return code;
}

/* ---- threads ---- */

/* The next lane; false: there is none, or somebody failed. */
static bool begin_with(struct verification *v, uint32_t *ret)
{
    pthread_mutex_lock(&v->lock);
    bool there = v->code == SAGA_EXIT_DONE && v->next < v->lane_count;
    if (there) *ret = v->next++;
    pthread_mutex_unlock(&v->lock);
    return there;
}

/* The first that fails says why; the others would say the same. */
static void fail(struct prover *p, int code)
{
    struct verification *v = p->verification;
    pthread_mutex_lock(&v->lock);
    bool first = v->code == SAGA_EXIT_DONE;
    if (first) v->code = code;
    if (first && p->problem.what)
        saga_call_fail(v->call, (enum saga_exit)code, p->problem.mend, "%s", p->problem.what);
    pthread_mutex_unlock(&v->lock);
}

static void *prove_lanes(void *context)
{
    struct prover *p = context;
    struct verification *v = p->verification;
    uint32_t lane;
    int code = saga_call_client(&p->call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(&p->call);
    if (code == SAGA_EXIT_DONE && v->with_redis) code = saga_call_views(&p->call);
    while (code == SAGA_EXIT_DONE && begin_with(v, &lane)) code = prove_lane(p, lane);
    if (code != SAGA_EXIT_DONE) fail(p, code);
    return NULL;
}

/* Definitions belong to a thread. What cannot be read is said once, by the verification's own call: the others leave out what
 * `first` (NULL: it is the first) has not. */
static void load_catalog(struct prover *p, const struct saga_deployment *deployment,
                         const struct saga_catalog *first)
{
    saga_catalog_new(&p->catalog);
    saga_catalog_use_schemas(p->catalog, p->call.schemas);
    for (size_t i = 0; i < deployment->count; i++) {
        const struct saga_deployed *deployed = &deployment->items[i];
        if (first && !saga_catalog_find(first, deployed->name, deployed->version)) continue;
        struct saga_definition *definition = saga_deployed_load(p->verification->call, deployed);
        if (definition) saga_catalog_add(p->catalog, definition);
    }
}

static void prover_begin(struct prover *p, struct verification *v, unsigned provers)
{
    struct saga_call *call = &p->call;
    *p = (struct prover){ .verification = v, .call = *v->call };
    saga_arena_init(&p->arena);
    call->arena = &p->arena;
    call->problem = &p->problem;
    call->client = NULL;
    call->views = NULL;
    call->codec = NULL;
    call->openings = NULL;
    call->wrapping = v->wrapping;
    call->readers = provers;
    saga_lane_reading_share(&p->reading, call, &v->reading);
}

static void prover_end(struct prover *p)
{
    saga_openings_free(p->call.openings);
    saga_client_free(p->call.client);
    saga_views_free(p->call.views);
    saga_codec_free(p->call.codec);
    saga_catalog_free(p->catalog);
    saga_arena_free(&p->arena);
}

static void prove_all(struct verification *v, const struct saga_deployment *deployment,
                      unsigned count)
{
    struct prover *provers = saga_memory_zeroed(count, sizeof *provers);
    for (unsigned i = 0; i < count; i++) {
        prover_begin(&provers[i], v, count);
        load_catalog(&provers[i], deployment, i ? provers[0].catalog : NULL);
    }
    for (unsigned i = 0; i < count; i++) {
        int failed = pthread_create(&provers[i].thread, NULL, prove_lanes, &provers[i]);
        SAGA_ASSERT(!failed);
    }
    for (unsigned i = 0; i < count; i++) pthread_join(provers[i].thread, NULL);
    for (unsigned i = 0; i < count; i++) prover_end(&provers[i]);
    free(provers);
}

/* ---- what is said ---- */

static void add_counts(struct verification *v, const struct saga_replay_counts *counts)
{
    v->total.records += counts->records;
    v->total.sagas += counts->sagas;
    v->total.entries += counts->entries;
    v->total.forgotten += counts->forgotten;
    v->total.unproved_forgotten += counts->unproved_forgotten;
    v->total.unproved_sealed += counts->unproved_sealed;
    for (int i = 0; i < SAGA_STATUS_COUNT; i++) v->total.by_status[i] += counts->by_status[i];
    for (int i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++)
        v->total.differences[i] += counts->differences[i];
}

/* In the order of the lanes, whoever was ready first. */
static void add_lanes(struct verification *v)
{
    size_t index;
    json_t *row;
    for (uint32_t i = 0; i < v->lane_count; i++) {
        const struct proved_lane *lane = &v->lanes[i];
        add_counts(v, &lane->counts);
        v->difference_count += lane->difference_count;
        v->cut_lanes += lane->cut;
        json_array_foreach(lane->differences, index, row)
        {
            if (json_array_size(v->differences) < SHOWN_MAX) json_array_append(v->differences, row);
        }
    }
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
    saga_unproved_json(object, v->total.unproved_forgotten, v->total.unproved_sealed);
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
        printf("... and %llu more\n", (unsigned long long)v->difference_count - SHOWN_MAX);
    saga_unproved_print(v->total.unproved_forgotten, v->total.unproved_sealed);
    if (differences)
        printf("NOT verified: %llu %s\n", (unsigned long long)differences,
               differences == 1 ? "difference" : "differences");
    else
        printf("verified: sequences unbroken, hash chain holds, causes decide to the recorded "
               "facts%s\n",
               v->with_redis ? ", states equal those in Redis" : "; not compared with Redis");
}

static int prepare(struct verification *v, struct saga_deployment *deployment)
{
    struct saga_call *call = v->call;
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_wrapping(call, &v->wrapping);
    if (code == SAGA_EXIT_DONE) code = saga_deployment_read(call, deployment);
    if (code == SAGA_EXIT_DONE) code = saga_lane_reading_begin(&v->reading, call, 0, v->lane_count);
    return code;
}

int saga_replay_verify(struct saga_call *call, bool with_redis, unsigned threads)
{
    struct verification v = { .call = call,
                              .with_redis = with_redis,
                              .lane_count = call->config.lanes,
                              .lock = PTHREAD_MUTEX_INITIALIZER };
    struct saga_deployment deployment = { 0 };
    int code = prepare(&v, &deployment);
    if (code != SAGA_EXIT_DONE) return code;
    v.differences = json_array();
    v.lanes = saga_memory_zeroed(v.lane_count, sizeof *v.lanes);
    for (uint32_t i = 0; i < v.lane_count; i++) v.lanes[i].differences = json_array();
    prove_all(&v, &deployment, threads < v.lane_count ? threads : v.lane_count);
    saga_lane_reading_end(&v.reading);
    code = v.code;
    if (code == SAGA_EXIT_DONE) {
        add_lanes(&v);
        if (call->output == SAGA_OUTPUT_TEXT)
            print_text(&v, v.lane_count);
        else
            print_json(&v, v.lane_count);
        if (count_differences(&v.total)) code = SAGA_EXIT_FAILED;
    }
    for (uint32_t i = 0; i < v.lane_count; i++) json_decref(v.lanes[i].differences);
    free(v.lanes);
    json_decref(v.differences);
    return code;
}
