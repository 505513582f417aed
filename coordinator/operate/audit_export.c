/* `saga audit export`: the journal, or a part of it, into a folder (operate/export.h). */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/table.h"
#include "base/time.h"
#include "operate/audit.h"
#include "operate/export.h"
#include "operate/lane_reading.h"
#include "operate/output.h"
#include "operate/reading.h"

enum { KEY_SINCE = 256, KEY_UNTIL, KEY_SAGA, KEY_SEARCH, KEY_WHOLE_LANE, KEY_ANCHORS, KEY_FORMAT };

/* A run of a saga that has the value that is searched for. */
struct chosen {
    UT_hash_handle hh;
    size_t size;
    char name[];
};

struct exporting {
    struct saga_call *call;
    struct saga_export *made;
    struct saga_export_selection selection; /* in words */
    bool with_avro;
    int64_t since_ms, until_ms;            /* of a record's time: from, and before */
    struct saga_slice saga_id, definition; /* what --saga names: one of the two */
    struct saga_slice attribute, value;    /* what --search names */
    struct chosen *chosen;
    struct saga_arena arena; /* a record's */
    bool choosing;           /* looking for what is to be exported */
    bool lane_chosen;        /* then: the lane has some */
    struct saga_diagnostic trouble;
    int error; /* writing */
};

/* ---- what is chosen ---- */

static bool by_saga(const struct exporting *e)
{
    return e->saga_id.data || e->definition.data || e->attribute.data;
}

static struct chosen *find_run(const struct exporting *e, struct saga_slice name)
{
    struct chosen *found;
    HASH_FIND(hh, e->chosen, name.data, name.size, found);
    return found;
}

static struct saga_slice run_name(const struct saga_journal_record *record,
                                  struct saga_arena *arena)
{
    return saga_arena_join(arena, record->saga_id, '\n', record->run);
}

static void choose_run(struct exporting *e, const struct saga_journal_record *record)
{
    struct saga_slice name = run_name(record, &e->arena);
    if (find_run(e, name)) return;
    struct chosen *chosen = saga_arena_alloc(e->call->arena, sizeof *chosen + name.size);
    memcpy(chosen->name, name.data, name.size);
    chosen->size = name.size;
    HASH_ADD_KEYPTR(hh, e->chosen, chosen->name, chosen->size, chosen);
}

static bool has_value(const struct exporting *e, const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++)
        if (record->facts[i].kind == SAGA_FACT_SEARCH_VALUE_SET &&
            saga_slice_equal(record->facts[i].name, e->attribute) &&
            saga_slice_equal(record->facts[i].text, e->value))
            return true;
    return false;
}

static bool is_saga(struct exporting *e, const struct saga_journal_record *record)
{
    if (e->saga_id.data) return saga_slice_equal(record->saga_id, e->saga_id);
    if (e->definition.data) return saga_slice_equal(record->name, e->definition);
    return find_run(e, run_name(record, &e->arena)) != NULL;
}

static bool is_chosen(struct exporting *e, const struct saga_message *message,
                      const struct saga_journal_record *record)
{
    int64_t time_ms = record ? record->cause.time_ms : message->timestamp_ms;
    if (time_ms < e->since_ms || time_ms >= e->until_ms) return false;
    return !by_saga(e) || (record && is_saga(e, record));
}

/* ---- reading ---- */

static bool take(const struct saga_message *message, void *context)
{
    struct exporting *e = context;
    struct saga_journal_record decoded, *record = NULL;
    saga_arena_reset(&e->arena);
    if (saga_journal_decode(e->call->codec, message->value, &e->arena, &decoded,
                            &(struct saga_diagnostic){ 0 }) == SAGA_OK)
        record = &decoded;
    if (e->choosing) {
        if (e->attribute.data && record && has_value(e, record)) choose_run(e, record);
        e->lane_chosen = e->lane_chosen || is_chosen(e, message, record);
    } else if (e->selection.whole_lane || is_chosen(e, message, record)) {
        saga_export_take(e->made, message, record);
    } else {
        saga_export_leave_out(e->made, message, record);
    }
    return true;
}

static bool take_snapshot(const struct saga_message *message, void *context)
{
    struct exporting *e = context;
    e->error = saga_export_snapshot(e->made, message, &e->trouble);
    return e->error == SAGA_OK;
}

static bool take_definition(const struct saga_message *message, void *context)
{
    struct exporting *e = context;
    saga_export_definition(e->made, message);
    return true;
}

static bool take_anchor(const struct saga_message *message, void *context)
{
    struct exporting *e = context;
    e->error = saga_export_anchor(e->made, message->value, &e->trouble);
    return e->error == SAGA_OK;
}

static int tell_trouble(struct exporting *e)
{
    return saga_call_fail_with(e->call, SAGA_EXIT_FAILED, &e->trouble);
}

static int read_journal(struct exporting *e, uint32_t lane)
{
    return saga_read_to_end(e->call, e->call->topics.journal, (int32_t)lane, SAGA_READ_BEGINNING,
                            take, e);
}

/* Where records are found by what others say of their saga, or all of a lane is wanted: looks which. */
static int choose(struct exporting *e, uint32_t lane, bool *ret_wanted)
{
    *ret_wanted = true;
    if (!e->attribute.data && !e->selection.whole_lane) return SAGA_EXIT_DONE;
    e->choosing = true;
    e->lane_chosen = false;
    int code = read_journal(e, lane);
    e->choosing = false;
    *ret_wanted = e->lane_chosen;
    return code;
}

/* A journal whose beginning is gone is proved from the snapshots on: they belong to it. */
static int export_snapshots(struct exporting *e, uint32_t lane, int64_t low)
{
    bool all = e->selection.whole_lane || (!by_saga(e) && e->since_ms == INT64_MIN);
    if (low == 0 || !all) return SAGA_EXIT_DONE;
    int code = saga_read_to_end(e->call, e->call->topics.snapshots, (int32_t)lane,
                                SAGA_READ_BEGINNING, take_snapshot, e);
    return e->error < 0 ? tell_trouble(e) : code;
}

static int export_lane(struct exporting *e, uint32_t lane)
{
    struct saga_call *call = e->call;
    int64_t low, high;
    bool wanted;
    int code = choose(e, lane, &wanted);
    if (code != SAGA_EXIT_DONE || !wanted) return code;
    code = saga_lane_bounds(call, lane, &low, &high);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_export_lane(e->made, lane, low, &e->trouble) < 0) return tell_trouble(e);
    code = export_snapshots(e, lane, low);
    if (code == SAGA_EXIT_DONE) code = read_journal(e, lane);
    if (code != SAGA_EXIT_DONE) return code;
    return saga_export_lane_end(e->made, &e->trouble) < 0 ? tell_trouble(e) : SAGA_EXIT_DONE;
}

static int export_lanes(struct exporting *e)
{
    struct saga_call *call = e->call;
    struct saga_address address;
    uint32_t from = 0, to = call->config.lanes;
    if (e->saga_id.data) {
        int code = saga_address_parse(call, e->selection.saga, to, &address);
        if (code != SAGA_EXIT_DONE) return code;
        from = address.lane;
        to = from + 1;
    }
    int code = SAGA_EXIT_DONE;
    for (uint32_t lane = from; lane < to && code == SAGA_EXIT_DONE; lane++)
        code = export_lane(e, lane);
    if (code != SAGA_EXIT_DONE) return code;
    return saga_read_to_end(call, call->topics.definitions, 0, SAGA_READ_BEGINNING, take_definition,
                            e);
}

/* ---- the command ---- */

/* A time, or how long ago. */
static int read_time(struct saga_call *call, int key, int64_t otherwise, int64_t *ret_ms,
                     const char **ret_text)
{
    const char *text = saga_call_option(call, key);
    int64_t ago_ms;
    *ret_ms = otherwise;
    if (!text) return SAGA_EXIT_DONE;
    if (saga_duration_parse(saga_slice_of(text), &ago_ms) == SAGA_OK)
        *ret_ms = saga_now_ms() - ago_ms;
    else if (saga_time_parse(saga_slice_of(text), ret_ms) < 0)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "write it as 2026-11-29T12:00:00Z, or as how long ago: 90m, 7d",
                              "\"%s\" is not a time", text);
    char *words = saga_arena_alloc(call->arena, SAGA_TIME_TEXT_BYTES);
    saga_time_format(*ret_ms, words);
    *ret_text = words;
    return SAGA_EXIT_DONE;
}

static int read_options(struct exporting *e)
{
    struct saga_call *call = e->call;
    struct saga_export_selection *selection = &e->selection;
    selection->saga = saga_call_option(call, KEY_SAGA);
    selection->search = saga_call_option(call, KEY_SEARCH);
    selection->whole_lane = saga_call_has(call, KEY_WHOLE_LANE);
    int code = read_time(call, KEY_SINCE, INT64_MIN, &e->since_ms, &selection->since);
    if (code == SAGA_EXIT_DONE)
        code = read_time(call, KEY_UNTIL, INT64_MAX, &e->until_ms, &selection->until);
    if (code != SAGA_EXIT_DONE) return code;
    if (e->since_ms >= e->until_ms)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "say the earlier one as --since",
                              "nothing is from %s on and before %s", selection->since,
                              selection->until);
    const char *format = saga_call_option(call, KEY_FORMAT);
    e->with_avro = format && strcmp(format, "avro") == 0;
    if (format && !e->with_avro && strcmp(format, "jsonl") != 0)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "--format takes jsonl or avro",
                              "\"%s\" is not a form", format);
    if (selection->saga && selection->search)
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "say --saga or --search, not both");
    if (selection->saga && strchr(selection->saga, '/'))
        e->saga_id = saga_slice_of(selection->saga);
    else
        e->definition = saga_slice_of(selection->saga);
    if (!selection->search) return SAGA_EXIT_DONE;
    const char *equals = strchr(selection->search, '=');
    if (!equals || equals == selection->search)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "write it as customer=4711",
                              "\"%s\" is not a search attribute with a value", selection->search);
    e->attribute = (struct saga_slice){ selection->search, (size_t)(equals - selection->search) };
    e->value = saga_slice_of(equals + 1);
    return SAGA_EXIT_DONE;
}

/* Before hours of reading: can the anchors that are asked for be read? */
static int look_at_anchors(struct saga_call *call)
{
    const char *path = saga_call_option(call, KEY_ANCHORS);
    const char *topic = path ? saga_audit_anchors_topic(path) : NULL;
    struct saga_topic_state state;
    if (topic) return saga_audit_anchors_look(call, topic, &state);
    FILE *file = path ? fopen(path, "re") : NULL;
    if (path && !file)
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "%s cannot be read: %s", path,
                              strerror(errno));
    if (file) fclose(file);
    return SAGA_EXIT_DONE;
}

/* Anchors, schema and manifest. */
static int finish(struct exporting *e, char *ret_sha256)
{
    const char *anchors = saga_call_option(e->call, KEY_ANCHORS);
    const char *topic = anchors ? saga_audit_anchors_topic(anchors) : NULL;
    int code = topic ? saga_audit_visit_anchors(e->call, topic, take_anchor, e) : SAGA_EXIT_DONE;
    if (code != SAGA_EXIT_DONE) return code;
    if (e->error < 0 ||
        saga_export_finish(e->made, topic ? NULL : anchors, ret_sha256, &e->trouble) < 0)
        return tell_trouble(e);
    return SAGA_EXIT_DONE;
}

static void print(const struct exporting *e, const char *sha256)
{
    const struct saga_call *call = e->call;
    unsigned long long records = saga_export_records(e->made),
                       left_out = saga_export_left_out(e->made);
    bool complete = saga_export_is_complete(e->made);
    if (call->output != SAGA_OUTPUT_TEXT) {
        saga_print_object(call,
                          json_pack("{s:s, s:I, s:I, s:b, s:s}", "folder", call->arguments[0],
                                    "records", (json_int_t)records, "leftOut", (json_int_t)left_out,
                                    "complete", complete, "manifestSha256", sha256));
        return;
    }
    printf("%s: %llu %s exported, %llu left out\n", call->arguments[0], records,
           records == 1 ? "record" : "records", left_out);
    if (complete)
        puts("complete: every lane from its first record on");
    else
        puts("NOT complete: it proves what is in it as far as the lines hang together; what was "
             "left out or deleted is not proved (saga audit verify says how far)");
    printf("SHA-256 of the manifest, which stands for all of it: %s\n", sha256);
}

static int run(struct saga_call *call)
{
    struct exporting e = { .call = call };
    char sha256[2 * SAGA_SHA256_BYTES + 1];
    int code = read_options(&e);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE) code = look_at_anchors(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_export_new(call->arguments[0], call->config.lanes, &e.selection, call->arena, &e.made,
                        &e.trouble) < 0)
        return tell_trouble(&e);
    if (e.with_avro) saga_export_use_avro(e.made);
    saga_arena_init(&e.arena);
    code = export_lanes(&e);
    if (code == SAGA_EXIT_DONE && by_saga(&e) && saga_export_records(e.made) == 0)
        code = saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga list` shows what there is",
                              "the journal has no such saga");
    if (code == SAGA_EXIT_DONE) code = finish(&e, sha256);
    if (code == SAGA_EXIT_DONE) print(&e, sha256);
    HASH_CLEAR(hh, e.chosen);
    saga_arena_free(&e.arena);
    saga_export_free(e.made);
    return code;
}

static const struct argp_option options[] = {
    { "since", KEY_SINCE, "TIME", 0, "records from this time on: RFC 3339, or how long ago", 0 },
    { "until", KEY_UNTIL, "TIME", 0, "records before this time", 0 },
    { "saga", KEY_SAGA, "NAME|ID", 0, "those of this saga, or of all sagas of a definition", 0 },
    { "search", KEY_SEARCH, "NAME=VALUE", 0, "those of sagas with this search attribute", 0 },
    { "whole-lane", KEY_WHOLE_LANE, NULL, 0,
      "everything of the lanes in which something is found, so that their chains are proved", 0 },
    { "format", KEY_FORMAT, "FORMAT", 0,
      "jsonl; or avro, that is Avro container files of the decoded records beside those", 0 },
    { "anchors", KEY_ANCHORS, "FILE|kafka:TOPIC", 0, "put these anchors beside it", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_audit_export = {
    .name = "audit export",
    .arguments = "DIR",
    .summary = "write the journal, or a part of it, into a folder that proves itself",
    .details =
        "Writes each lane's records byte by byte as JSON Lines, the definitions, the schema, and a "
        "manifest with a SHA-256 of each file, into a folder that is not there yet or empty. `saga "
        "audit verify DIR` proves it without Kafka and Redis, tools/verify-journal.py without this "
        "program. A part (--since, --until, --saga, --search) proves what is in it, but not that "
        "nothing else was there; --whole-lane takes all that stands around it.",
    .examples = "  saga audit export 2026-q4 --since 2026-10-01T00:00:00Z\n"
                "  saga audit export case-4711 --search customer=4711 --whole-lane",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run,
};
