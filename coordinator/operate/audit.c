#include "operate/audit.h"

#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "operate/output.h"

enum { SHOWN_MAX = 50, KEYS_MAX = 16 };

/* ---- faults ---- */

void saga_faults_init(struct saga_faults *faults)
{
    *faults = (struct saga_faults){ .rows = json_array() };
}

void saga_faults_free(struct saga_faults *faults)
{
    json_decref(faults->rows);
    *faults = (struct saga_faults){ 0 };
}

void saga_faults_add(struct saga_faults *faults, const char *kind, const char *file, int64_t lane,
                     int64_t offset, struct saga_slice saga_id, struct saga_slice words)
{
    if (faults->count++ >= SHOWN_MAX) return;
    json_t *row = json_object();
    json_object_set_new(row, "kind", json_string(kind));
    if (file) json_object_set_new(row, "file", saga_json_string(saga_slice_of(file)));
    if (lane >= 0) json_object_set_new(row, "lane", json_integer(lane));
    if (offset >= 0) json_object_set_new(row, "offset", json_integer(offset));
    if (saga_id.size) json_object_set_new(row, "saga", saga_json_string(saga_id));
    json_object_set_new(row, "words", saga_json_string(words));
    json_array_append_new(faults->rows, row);
}

void saga_faults_printf(struct saga_faults *faults, const char *kind, const char *file,
                        int64_t lane, const char *format, ...)
{
    struct saga_arena arena;
    va_list arguments;
    saga_arena_init(&arena);
    va_start(arguments, format);
    struct saga_slice words = saga_arena_vprintf(&arena, format, arguments);
    va_end(arguments);
    saga_faults_add(faults, kind, file, lane, -1, SAGA_SLICE_NONE, words);
    saga_arena_free(&arena);
}

void saga_faults_take(const struct saga_difference *difference, void *context)
{
    saga_faults_add(context, saga_difference_name(difference->kind), NULL, difference->lane,
                    difference->offset, difference->saga_id, difference->words);
}

static const char *text_of(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

void saga_faults_print(const struct saga_faults *faults)
{
    struct saga_arena arena;
    size_t index;
    json_t *row;
    saga_arena_init(&arena);
    json_array_foreach(faults->rows, index, row)
    {
        const char *file = text_of(row, "file"), *saga = text_of(row, "saga");
        const json_t *lane = json_object_get(row, "lane"), *offset = json_object_get(row, "offset");
        printf("fault (%s)", text_of(row, "kind"));
        const char *between = ": ";
        if (file) printf("%s%s", between, saga_printable(&arena, saga_slice_of(file)));
        if (file) between = ", ";
        if (lane) printf("%slane %lld", between, (long long)json_integer_value(lane));
        if (lane) between = ", ";
        if (offset) printf("%soffset %lld", between, (long long)json_integer_value(offset));
        if (offset) between = ", ";
        if (saga) printf("%ssaga %s", between, saga_printable(&arena, saga_slice_of(saga)));
        printf(": %s\n", saga_printable(&arena, saga_slice_of(text_of(row, "words"))));
    }
    if (faults->count > SHOWN_MAX)
        printf("... and %llu more\n", (unsigned long long)faults->count - SHOWN_MAX);
    saga_arena_free(&arena);
}

/* ---- anchors ---- */

struct reading {
    struct saga_faults *faults;
    struct saga_arena *arena;
    const char *path;
};

static void on_line(const struct saga_anchor_fault *fault, void *context)
{
    const struct reading *reading = context;
    struct saga_slice words =
        saga_arena_printf(reading->arena, "line %u is not to be believed: %.*s", fault->line,
                          SAGA_SLICE_ARG(fault->words));
    saga_faults_add(reading->faults, "anchor", reading->path,
                    fault->anchor ? (int64_t)fault->anchor->lane : -1,
                    fault->anchor ? fault->anchor->offset : -1, SAGA_SLICE_NONE, words);
}

static int read_keys(struct saga_call *call, int key_option, struct saga_anchor_key **ret,
                     size_t *ret_count)
{
    struct saga_diagnostic diagnostic = { 0 };
    for (size_t i = 0; i < call->given_count; i++) {
        if (call->given[i].key != key_option) continue;
        if (*ret_count == KEYS_MAX)
            return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "more than %d keys", KEYS_MAX);
        if (saga_anchor_key_read(call->given[i].value, SAGA_ANCHOR_KEY_PUBLIC, call->arena,
                                 &ret[*ret_count], &diagnostic) < 0)
            return saga_call_fail_with(call, SAGA_EXIT_USAGE, &diagnostic);
        ++*ret_count;
    }
    if (*ret_count) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          "--key anchor.pub, from a place that the journal's writers do not reach",
                          "anchors are only worth what the key is that has signed them");
}

const char *saga_audit_anchors_topic(const char *path)
{
    size_t size = strlen(SAGA_ANCHORS_KAFKA);
    return strncmp(path, SAGA_ANCHORS_KAFKA, size) == 0 ? path + size : NULL;
}

int saga_audit_anchors_look(struct saga_call *call, const char *topic, struct saga_topic_state *ret)
{
    const struct saga_topic_spec spec = { .name = topic };
    *ret = (struct saga_topic_state){ 0 };
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (topic[0] &&
        saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena, ret) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "topic %s: %s", topic,
                              saga_client_problem(call->client));
    if (ret->exists) return SAGA_EXIT_DONE;
    return saga_call_fail(
        call, SAGA_EXIT_USAGE,
        "make it, with one partition, or look at the name: kafka:TOPIC, --topic TOPIC",
        "there is no topic \"%s\" for anchors", topic);
}

int saga_audit_visit_anchors(struct saga_call *call, const char *topic, saga_visit_record visit,
                             void *context)
{
    struct saga_topic_state state;
    int code = saga_audit_anchors_look(call, topic, &state);
    for (int32_t p = 0; code == SAGA_EXIT_DONE && p < state.partitions; p++)
        code = saga_read_to_end(call, saga_slice_of(topic), p, SAGA_READ_BEGINNING, visit, context);
    return code;
}

/* Records of a topic. */
struct topic_reading {
    struct saga_anchors_intake *intake;
    int error;
};

static bool take_record(const struct saga_message *record, void *context)
{
    struct topic_reading *reading = context;
    reading->error = saga_anchors_take(reading->intake, record->value, true);
    return reading->error == SAGA_OK;
}

static int read_topic(struct saga_call *call, const char *topic, struct saga_anchors_intake *intake)
{
    struct topic_reading reading = { .intake = intake };
    int code = saga_audit_visit_anchors(call, topic, take_record, &reading);
    if (code != SAGA_EXIT_DONE || reading.error == SAGA_OK) return code;
    return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "topic %s has more than %d anchors", topic,
                          SAGA_ANCHORS_MAX);
}

static int read_all(struct saga_call *call, const char *path, struct saga_anchors_intake *intake)
{
    struct saga_diagnostic diagnostic = { 0 };
    const char *topic = saga_audit_anchors_topic(path);
    if (topic) return read_topic(call, topic, intake);
    if (saga_anchors_read(path, intake, call->arena, &diagnostic) == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail_with(call, SAGA_EXIT_USAGE, &diagnostic);
}

int saga_audit_read_anchors(struct saga_call *call, const char *path, int key_option,
                            struct saga_faults *faults, struct saga_audit_anchors *ret)
{
    struct saga_anchor_key *keys[KEYS_MAX];
    size_t count = 0;
    struct reading reading = { faults, call->arena, path };
    int code = read_keys(call, key_option, keys, &count);
    if (code == SAGA_EXIT_DONE) {
        struct saga_anchors_intake *intake =
            saga_anchors_begin(keys, count, on_line, &reading, call->arena, &ret->anchors);
        code = read_all(call, path, intake);
        saga_anchors_end(intake);
    }
    ret->given = code == SAGA_EXIT_DONE;
    for (size_t i = 0; i < count; i++) saga_anchor_key_free(keys[i]);
    return code;
}

/* ---- sums ---- */

void saga_audit_sum_add(struct saga_audit_sum *sum, struct saga_audit *audit, uint32_t lane,
                        struct saga_arena *arena)
{
    struct saga_audit_lane row = { .lane = lane };
    struct saga_replay_counts counts;
    saga_audit_count(audit, &row.counts);
    saga_replay_count(saga_audit_replay(audit), &counts);
    SAGA_PUSH(arena, sum->lanes, sum->lane_count, sum->lane_capacity, row);
    sum->records += row.counts.records;
    sum->snapshots += row.counts.snapshots;
    sum->anchors_held += row.counts.anchors_held;
    sum->anchors_outside += row.counts.anchors_outside;
    sum->anchors_behind += row.counts.anchors_behind;
    sum->sagas += counts.sagas;
    sum->entries += counts.entries;
    sum->forgotten += counts.forgotten;
    sum->unproved_forgotten += counts.unproved_forgotten;
    sum->unproved_sealed += counts.unproved_sealed;
    for (int i = 0; i < SAGA_STATUS_COUNT; i++) sum->by_status[i] += counts.by_status[i];
}
