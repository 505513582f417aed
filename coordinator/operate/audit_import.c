/* `saga audit import`: an export of the journal (AUDIT.md) into an empty cluster, for looking at. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/lines.h"
#include "bus/placer.h"
#include "operate/audit_folder.h"
#include "operate/definitions.h"
#include "operate/export.h"
#include "operate/import_states.h"
#include "operate/imported.h"
#include "operate/output.h"
#include "operate/progress.h"
#include "runtime/log.h"
#include "store/redis.h"

enum { KEY_UNVERIFIED = 256, KEY_ANEW, KEY_KEY };
enum { OPEN_MS = 30000 };

/* A lane of the export, as its lines are. */
struct lane {
    const struct saga_exported_lane *exported;
    uint64_t lines;
    int64_t first, last; /* offsets; -1: there is no line */
    bool cut;            /* its beginning is not there */
    int64_t gap;         /* the first line behind which something was left out; -1: none */
    bool built;          /* its states are in Redis */
};

struct importing {
    struct saga_call *call;
    struct saga_exported exported;
    struct saga_faults faults;
    struct lane *lanes;
    struct lane *lane; /* under way */
    struct saga_placer *placer;
    struct saga_slice topic; /* that lines go to, as they stand */
    struct saga_progress progress;
    uint64_t records, definitions, anchors, snapshots;
    size_t without_states;
    int error; /* writing */
};

/* ---- is the export one that can be imported? ---- */

static int verify(struct importing *im)
{
    struct saga_call *call = im->call;
    struct saga_audit_anchors anchors = { 0 };
    struct saga_audit_sum sum;
    int code = SAGA_EXIT_DONE;
    if (saga_call_has(call, KEY_UNVERIFIED)) return code;
    if (saga_call_has(call, KEY_KEY)) {
        if (!im->exported.has_anchors)
            return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "the export has no anchors");
        code = saga_audit_read_anchors(
            call, saga_exported_path(&im->exported, SAGA_EXPORT_ANCHORS, call->arena), KEY_KEY,
            &im->faults, &anchors);
    }
    fputs("the export is verified first\n", stderr);
    if (code == SAGA_EXIT_DONE)
        code = saga_audit_folder(call, &im->exported, anchors.given ? &anchors.anchors : NULL,
                                 &im->faults, &sum);
    if (code != SAGA_EXIT_DONE) return code;
    if (anchors.given && sum.anchors_held == 0)
        saga_faults_printf(&im->faults, "anchor", SAGA_EXPORT_ANCHORS, -1,
                           "none of its anchors holds here");
    if (im->faults.count == 0) return SAGA_EXIT_DONE;
    saga_faults_print(&im->faults);
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "to look at it all the same: --unverified; `saga audit verify` then "
                          "names the faults in the cluster too",
                          "nothing was imported: the export has %llu %s",
                          (unsigned long long)im->faults.count,
                          im->faults.count == 1 ? "fault" : "faults");
}

static void look_at_line(const struct saga_exported_line *line, void *context)
{
    struct lane *lane = context;
    bool gap = line->before != SAGA_EXPORTED_FOLLOWS;
    if (lane->lines++ == 0) {
        lane->first = line->message.offset;
        lane->cut = gap;
    } else if (gap && lane->gap < 0) {
        lane->gap = line->message.offset;
    }
    lane->last = line->message.offset;
}

static int refuse_part(struct importing *im, const struct lane *lane)
{
    struct saga_call *call = im->call;
    const char *mend = "export it with --whole-lane, or all of it: states are what all records of "
                       "a lane add up to. `saga audit verify` proves a part as it is";
    if (lane->gap >= 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, mend,
                              "nothing was imported: lane %u is a part, records were left out in "
                              "front of offset %lld",
                              lane->exported->lane, (long long)lane->gap);
    return saga_call_fail(call, SAGA_EXIT_FAILED, mend,
                          "nothing was imported: lane %u begins with offset %lld, and there are "
                          "no snapshots of what was before",
                          lane->exported->lane, (long long)lane->first);
}

/* Every lane must be whole from its first record on, or from a snapshot on; it may end anywhere. */
static int look_at_lanes(struct importing *im)
{
    im->lanes = SAGA_NEW_ARRAY(im->call->arena, struct lane, im->exported.count + 1);
    for (size_t i = 0; i < im->exported.count; i++) {
        struct lane *lane = &im->lanes[i];
        *lane =
            (struct lane){ .exported = &im->exported.items[i], .first = -1, .last = -1, .gap = -1 };
        bool unverified = saga_call_has(im->call, KEY_UNVERIFIED);
        saga_exported_walk(&im->exported, lane->exported->file, lane->exported->lane,
                           unverified ? &im->faults : NULL, look_at_line, lane);
        if (lane->gap >= 0 || (lane->cut && !lane->exported->snapshots))
            return refuse_part(im, lane);
        im->records += lane->lines;
    }
    return SAGA_EXIT_DONE;
}

static int check_number_of_lanes(struct importing *im)
{
    struct saga_call *call = im->call;
    if (im->exported.lanes == call->config.lanes) return SAGA_EXIT_DONE;
    return saga_call_fail(
        call, SAGA_EXIT_FAILED,
        saga_arena_printf(call->arena, "set lanes to %u (file, SAGA_LANES or --lanes)",
                          im->exported.lanes)
            .data,
        "nothing was imported: the export is of a journal with %u lanes, the setting lanes is %u",
        im->exported.lanes, call->config.lanes);
}

/* ---- is the cluster empty? ---- */

static int check_topic(struct importing *im, const struct saga_topic_spec *spec)
{
    struct saga_call *call = im->call;
    const struct saga_topic_spec bare = { .name = spec->name };
    struct saga_topic_state state;
    int64_t low, high;
    if (saga_client_describe_topic(call->client, &bare, SAGA_CALL_TIMEOUT_MS, call->arena, &state) <
        0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    for (int32_t p = 0; state.exists && p < state.partitions; p++) {
        if (saga_client_watermarks(call->client, saga_slice_of(spec->name), p, SAGA_CALL_TIMEOUT_MS,
                                   &low, &high) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                                  saga_client_problem(call->client));
        if (high == 0) continue;
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "import into another cluster, or under another topics.prefix and "
                              "redis.prefix",
                              "nothing was imported: topic %s has records, and an import must not "
                              "be mixed with anything",
                              spec->name);
    }
    return SAGA_EXIT_DONE;
}

/* What an earlier import has left may be emptied by this one. */
static int check_redis(struct importing *im, bool anew)
{
    struct saga_call *call = im->call;
    struct saga_diagnostic diagnostic = { 0 };
    uint32_t lanes = call->config.lanes;
    struct saga_lane_status *status = SAGA_NEW_ARRAY(call->arena, struct saga_lane_status, lanes);
    int code = saga_call_views(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_redis_check(&call->config.redis, call->arena, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    if (saga_views_every_lane(call->views, lanes, call->arena, status) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s", saga_views_problem(call->views));
    for (uint32_t lane = 0; lane < lanes; lane++) {
        if (!status[lane].present) continue;
        bool known = false;
        for (size_t i = 0; i < im->exported.count; i++)
            known = known || (im->lanes[i].exported->lane == lane && im->lanes[i].lines);
        if (anew && known && saga_slice_is(status[lane].owner, SAGA_IMPORT_OWNER)) continue;
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "import into an empty Redis, or under another redis.prefix or "
                              "redis.db",
                              "nothing was imported: Redis has something of lane %u", lane);
    }
    return SAGA_EXIT_DONE;
}

static int delete_topics(struct saga_call *call, const struct saga_topic_spec *specs, size_t count)
{
    for (size_t i = 0; i <= count; i++) {
        const char *name = i < count ? specs[i].name : call->topics.anchors.data;
        if (saga_client_delete_topic(call->client, name, 3 * SAGA_CALL_TIMEOUT_MS) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "topic %s was not deleted: %s",
                                  name, saga_client_problem(call->client));
    }
    return SAGA_EXIT_DONE;
}

/* Makes sure that there is nothing, as far as `--anew` allows; from then on the topics are marked as an import's. */
static int prepare(struct importing *im)
{
    struct saga_call *call = im->call;
    struct saga_topic_spec *specs;
    struct saga_imported imported;
    size_t count;
    saga_topics_specs(&call->topics, call->config.lanes, call->arena, &specs, &count);
    int code = saga_imported_look(call, &imported);
    if (code != SAGA_EXIT_DONE) return code;
    bool anew = imported.present && saga_call_has(call, KEY_ANEW);
    if (imported.present && !anew)
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "--anew deletes these topics and begins anew; or import under "
                              "another topics.prefix and redis.prefix",
                              "nothing was imported: there is an import already, which %s %s",
                              imported.done ? "was done" : "did not come to its end; it began",
                              imported.time);
    const struct saga_topic_spec anchors = { .name = call->topics.anchors.data };
    for (size_t i = 0; i <= count && code == SAGA_EXIT_DONE && !anew; i++)
        code = check_topic(im, i < count ? &specs[i] : &anchors);
    if (code == SAGA_EXIT_DONE) code = check_redis(im, anew);
    if (code == SAGA_EXIT_DONE) code = saga_imported_mark(call, false, im->exported.sha256);
    if (code == SAGA_EXIT_DONE && anew) code = delete_topics(call, specs, count);
    if (code == SAGA_EXIT_DONE) code = saga_make_topics(call, NULL, 0, true);
    return code;
}

/* ---- writing ---- */

static int tell_placer(struct importing *im)
{
    return saga_call_fail(im->call, SAGA_EXIT_FAILED,
                          "the import is not whole; begin it anew: --anew", "writing failed: %s",
                          saga_placer_problem(im->placer));
}

static void put_line(const struct saga_exported_line *line, void *context)
{
    struct importing *im = context;
    if (im->error < 0) return;
    im->error = saga_placer_put(im->placer, &line->message);
    im->progress.records++;
    saga_progress_show(&im->progress);
}

static void send_line(const struct saga_exported_line *line, void *context)
{
    struct importing *im = context;
    struct saga_header headers[] = {
        { SAGA_SLICE("saga_sha256"), line->sha256 },
        { SAGA_SLICE("content-type"), SAGA_SLICE("application/yaml") },
    };
    struct saga_message message = line->message;
    if (im->error < 0) return;
    message.topic = im->topic;
    message.partition = im->lane ? (int32_t)im->lane->exported->lane : 0;
    if (line->sha256.data) message.headers = headers, message.header_count = 2;
    im->error = saga_placer_send(im->placer, &message);
    if (im->lane)
        im->snapshots++;
    else
        im->definitions++;
}

static int send_file(struct importing *im, const char *file, struct saga_slice topic)
{
    im->topic = topic;
    saga_exported_walk(&im->exported, file, im->lane ? (int64_t)im->lane->exported->lane : -1, NULL,
                       send_line, im);
    if (im->error == SAGA_OK) im->error = saga_placer_flush(im->placer);
    return im->error < 0 ? tell_placer(im) : SAGA_EXIT_DONE;
}

static int write_lane(struct importing *im)
{
    const struct saga_exported_lane *exported = im->lane->exported;
    int code = SAGA_EXIT_DONE;
    if (im->lane->cut) code = send_file(im, exported->snapshots, im->call->topics.snapshots);
    if (code != SAGA_EXIT_DONE) return code;
    saga_placer_begin(im->placer, im->call->topics.journal.data, (int32_t)exported->lane);
    if (im->lane->cut) im->error = saga_placer_skip(im->placer, im->lane->first);
    saga_exported_walk(&im->exported, exported->file, exported->lane, NULL, put_line, im);
    if (im->error == SAGA_OK) im->error = saga_placer_end(im->placer);
    return im->error < 0 ? tell_placer(im) : SAGA_EXIT_DONE;
}

/* The lines as they stand, into a topic from which `--anchors kafka:TOPIC` reads them. */
static int write_anchors(struct importing *im)
{
    static const struct saga_kafka_setting settings[] = { { "cleanup.policy", "delete" },
                                                          { "retention.ms", "-1" } };
    struct saga_call *call = im->call;
    const struct saga_topic_spec spec = { call->topics.anchors.data, 1, settings, 2 };
    struct saga_lines lines;
    struct saga_slice text;
    bool created, whole;
    if (!im->exported.has_anchors) return SAGA_EXIT_DONE;
    if (saga_client_create_topic(call->client, &spec, 3 * SAGA_CALL_TIMEOUT_MS, &created) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    FILE *file = fopen(saga_exported_path(&im->exported, SAGA_EXPORT_ANCHORS, call->arena), "re");
    if (!file)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s/%s cannot be read",
                              im->exported.folder, SAGA_EXPORT_ANCHORS);
    saga_lines_init(&lines, file, SAGA_ANCHOR_LINE_BYTES_MAX);
    while (im->error == SAGA_OK && saga_lines_next(&lines, &text, &whole)) {
        const struct saga_message message = { .topic = call->topics.anchors,
                                              .key = SAGA_SLICE("anchor"),
                                              .value = text };
        im->error = saga_placer_send(im->placer, &message);
        im->anchors++;
    }
    saga_lines_free(&lines);
    fclose(file);
    if (im->error == SAGA_OK) im->error = saga_placer_flush(im->placer);
    return im->error < 0 ? tell_placer(im) : SAGA_EXIT_DONE;
}

static int write_all(struct importing *im)
{
    struct saga_call *call = im->call;
    struct saga_kafka_config kafka = call->config.kafka;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_placer_open(&kafka, OPEN_MS, call->arena, &im->placer, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    saga_progress_begin(&im->progress, call, im->records);
    int code = send_file(im, im->exported.definitions, call->topics.definitions);
    if (code == SAGA_EXIT_DONE) code = write_anchors(im);
    for (size_t i = 0; i < im->exported.count && code == SAGA_EXIT_DONE; i++) {
        im->lane = &im->lanes[i];
        if (im->lane->lines) code = write_lane(im);
    }
    saga_progress_end(&im->progress);
    saga_placer_close(im->placer);
    return code;
}

/* ---- states ---- */

/* Which lanes Redis has as far as their journals go. */
static int find_built(struct importing *im)
{
    struct saga_call *call = im->call;
    for (size_t i = 0; i < im->exported.count; i++) {
        struct lane *lane = &im->lanes[i];
        struct saga_lane_status status;
        if (lane->lines == 0) continue;
        if (saga_views_lane(call->views, lane->exported->lane, call->arena, &status) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                                  saga_views_problem(call->views));
        lane->built = status.present && status.applied == lane->last + 1;
        im->without_states += !lane->built;
    }
    return SAGA_EXIT_DONE;
}

static int build_states(struct importing *im)
{
    struct saga_call *call = im->call;
    uint32_t *lanes = SAGA_NEW_ARRAY(call->arena, uint32_t, im->exported.count + 1);
    enum saga_log_level level;
    size_t count = 0;
    for (size_t i = 0; i < im->exported.count; i++)
        if (im->lanes[i].lines) lanes[count++] = im->lanes[i].exported->lane;
    if (saga_log_level_of(call->config.log_level, &level) == SAGA_OK)
        saga_log_open(call->config.log_format, level);
    int code = saga_import_states(call, lanes, count);
    return code == SAGA_EXIT_DONE ? find_built(im) : code;
}

/* ---- the command ---- */

static int print(const struct importing *im)
{
    const struct saga_call *call = im->call;
    if (call->output != SAGA_OUTPUT_TEXT) {
        saga_print_object(
            call, json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "records",
                            (json_int_t)im->records, "lanes", (json_int_t)im->exported.count,
                            "definitions", (json_int_t)im->definitions, "snapshots",
                            (json_int_t)im->snapshots, "anchors", (json_int_t)im->anchors,
                            "verified", !saga_call_has(call, KEY_UNVERIFIED), "lanesWithoutStates",
                            (json_int_t)im->without_states));
    } else {
        printf("%llu %s of %zu %s imported, at the offsets that they had; %llu %s of definitions",
               (unsigned long long)im->records, im->records == 1 ? "record" : "records",
               im->exported.count, im->exported.count == 1 ? "lane" : "lanes",
               (unsigned long long)im->definitions, im->definitions == 1 ? "record" : "records");
        if (im->anchors)
            printf(", %llu %s in topic %s", (unsigned long long)im->anchors,
                   im->anchors == 1 ? "anchor" : "anchors", call->topics.anchors.data);
        puts("");
        puts("for looking at: saga list, show, history, replay, audit verify; no coordinator runs "
             "on it");
        if (saga_call_has(call, KEY_UNVERIFIED)) puts("it was NOT verified before");
        saga_faults_print(
            &im->faults); /* what was seen all the same: files, and lines that are none */
    }
    if (im->without_states == 0) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga audit verify --from-journal` says why",
                          "%zu %s no states: the journal there cannot be believed",
                          im->without_states, im->without_states == 1 ? "lane has" : "lanes have");
}

static int import_opened(struct importing *im)
{
    int code = check_number_of_lanes(im);
    if (code == SAGA_EXIT_DONE) code = verify(im);
    if (code == SAGA_EXIT_DONE) code = look_at_lanes(im);
    if (code == SAGA_EXIT_DONE) code = prepare(im);
    if (code == SAGA_EXIT_DONE) code = write_all(im);
    if (code == SAGA_EXIT_DONE) code = build_states(im);
    if (code == SAGA_EXIT_DONE) code = saga_imported_mark(im->call, true, im->exported.sha256);
    return code == SAGA_EXIT_DONE ? print(im) : code;
}

static int run(struct saga_call *call)
{
    struct importing im = { .call = call };
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_call_has(call, KEY_KEY) && saga_call_has(call, KEY_UNVERIFIED))
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL,
                              "--key is for verifying, which --unverified leaves out");
    int code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    saga_faults_init(&im.faults);
    if (saga_exported_open(call->arguments[0], call->arena, &im.faults, &im.exported, &diagnostic) <
        0) {
        code = saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    } else {
        code = import_opened(&im);
        saga_exported_close(&im.exported);
    }
    saga_faults_free(&im.faults);
    return code;
}

static const struct argp_option options[] = {
    { "unverified", KEY_UNVERIFIED, NULL, 0,
      "do not verify the export first: to look at one that has faults", 0 },
    { "key", KEY_KEY, "PUB", 0,
      "public key of who signed the export's anchors (PEM): they are verified too; again for each "
      "further key",
      0 },
    { "anew", KEY_ANEW, NULL, 0,
      "where there is an import already, whole or not: delete its topics and begin anew", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_audit_import = {
    .name = "audit import",
    .arguments = "DIR",
    .summary = "write an export into an empty cluster, for looking at",
    .details =
        "Verifies what `saga audit export` wrote, makes the coordinator's topics, writes the "
        "journal byte by byte at the offsets that it had, the definitions and the anchors (to "
        "topic <prefix>anchors), and builds states and views in Redis, so that list, show, "
        "history, replay and audit verify work on it. Kafka and Redis must have nothing of a "
        "coordinator under topics.prefix and redis.prefix. The topics are marked: no coordinator "
        "runs on them, so that no timer of the past sends a command. Every lane in the export must "
        "be whole, from its first record on or from a snapshot on.",
    .examples = "  saga audit import 2026-q4 --topics-prefix audit. --redis-prefix audit:\n"
                "  saga list --topics-prefix audit. --redis-prefix audit:",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run,
};
