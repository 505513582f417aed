/* `saga audit verify`: proves an export, or the journal as it is in Kafka. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "operate/audit_folder.h"
#include "operate/audit_live.h"
#include "operate/export.h"
#include "operate/opening.h"
#include "operate/output.h"

enum { KEY_ANCHORS = 256, KEY_KEY, KEY_COMPLETE, KEY_FROM_JOURNAL };

/* ---- what is said ---- */

static void print_lanes(const struct saga_audit_sum *sum)
{
    struct saga_arena arena;
    struct saga_buffer with, without;
    saga_arena_init(&arena);
    saga_buffer_init(&with, &arena);
    saga_buffer_init(&without, &arena);
    for (size_t i = 0; i < sum->lane_count; i++) {
        const struct saga_audit_lane *lane = &sum->lanes[i];
        struct saga_buffer *buffer = lane->counts.anchored < 0 ? &without : &with;
        saga_buffer_printf(buffer, "%s%u", buffer->size ? ", " : "", lane->lane);
        if (lane->counts.anchored >= 0)
            saga_buffer_printf(buffer, " up to offset %lld", (long long)lane->counts.anchored);
    }
    printf("%llu %s: lane %.*s\n", (unsigned long long)sum->anchors_held,
           sum->anchors_held == 1 ? "anchor holds" : "anchors hold",
           SAGA_SLICE_ARG(saga_buffer_slice(&with)));
    if (without.size)
        printf("no anchor for lane %.*s\n", SAGA_SLICE_ARG(saga_buffer_slice(&without)));
    saga_arena_free(&arena);
}

static void print_anchors(const struct saga_audit_sum *sum,
                          const struct saga_audit_anchors *anchors)
{
    if (!anchors->given) {
        puts("not looked for, because only an anchor shows it: an end that was cut off, or a "
             "journal that was written anew as a whole (--anchors)");
        return;
    }
    if (sum->anchors_held) print_lanes(sum);
    if (sum->anchors_outside)
        printf("%llu more %s records that are not in this part of the journal: not looked at\n",
               (unsigned long long)sum->anchors_outside,
               sum->anchors_outside == 1 ? "is about" : "are about");
    if (sum->anchors_behind)
        printf("%llu more %s behind a break of the chain: nothing is proved by that\n",
               (unsigned long long)sum->anchors_behind, sum->anchors_behind == 1 ? "is" : "are");
    if (anchors->anchors.repeated)
        printf("%zu more %s there twice\n", anchors->anchors.repeated,
               anchors->anchors.repeated == 1 ? "is" : "are");
}

static void print_counts(const struct saga_audit_sum *sum)
{
    printf("%llu %s of %zu %s, %llu %s", (unsigned long long)sum->records,
           sum->records == 1 ? "record" : "records", sum->lane_count,
           sum->lane_count == 1 ? "lane" : "lanes", (unsigned long long)sum->sagas,
           sum->sagas == 1 ? "saga" : "sagas");
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        if (sum->by_status[i])
            printf(", %llu %s", (unsigned long long)sum->by_status[i],
                   saga_status_name((enum saga_status)i));
    printf("; %llu more %s left after `keep`\n", (unsigned long long)sum->forgotten,
           sum->forgotten == 1 ? "has" : "have");
    saga_unproved_print(sum->unproved_forgotten, sum->unproved_sealed);
    if (sum->carried)
        printf("%llu %s before this part of the journal: of those the chain and the sequences "
               "are proved, not what was decided\n",
               (unsigned long long)sum->carried, sum->carried == 1 ? "saga began" : "sagas began");
    if (sum->gaps)
        printf("records were left out at %llu %s: the chain is not proved across\n",
               (unsigned long long)sum->gaps, sum->gaps == 1 ? "place" : "places");
    if (sum->snapshots)
        printf("%llu %s of the snapshots are as the journal gives them\n",
               (unsigned long long)sum->snapshots, sum->snapshots == 1 ? "state" : "states");
}

static void print_end(const struct saga_faults *faults, const char *proved)
{
    saga_faults_print(faults);
    if (faults->count)
        printf("NOT verified: %llu %s\n", (unsigned long long)faults->count,
               faults->count == 1 ? "fault" : "faults");
    else
        printf("verified: %s\n", proved);
}

/* Anchors that were given and prove nothing must not look as if they did. */
static void check_any_held(struct saga_faults *faults, const char *path,
                           const struct saga_audit_anchors *anchors,
                           const struct saga_audit_sum *sum)
{
    if (anchors->given && sum->anchors_held == 0)
        saga_faults_printf(faults, "anchor", path, -1, "none of its anchors holds here");
}

/* Of lanes that are not looked at. */
static void count_outside(const struct saga_anchors *anchors, struct saga_audit_sum *sum)
{
    for (size_t i = 0; i < anchors->count; i++) {
        size_t lane = 0;
        while (lane < sum->lane_count && sum->lanes[lane].lane != anchors->items[i].lane) lane++;
        sum->anchors_outside += lane == sum->lane_count;
    }
}

static json_t *sum_json(const struct saga_audit_sum *sum, const struct saga_audit_anchors *anchors,
                        const struct saga_faults *faults)
{
    json_t *object = json_object(), *lanes = json_array(), *status = json_object();
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        json_object_set_new(status, saga_status_name((enum saga_status)i),
                            json_integer((json_int_t)sum->by_status[i]));
    for (size_t i = 0; i < sum->lane_count; i++) {
        const struct saga_audit_counts *counts = &sum->lanes[i].counts;
        json_t *row =
            json_pack("{s:I, s:I, s:I, s:I}", "lane", (json_int_t)sum->lanes[i].lane, "records",
                      (json_int_t)counts->records, "anchorsHeld", (json_int_t)counts->anchors_held,
                      "anchorsOutside", (json_int_t)counts->anchors_outside);
        json_object_set_new(row, "anchoredTo",
                            counts->anchored < 0 ? json_null() : json_integer(counts->anchored));
        json_array_append_new(lanes, row);
    }
    json_object_set_new(object, "verified", json_boolean(faults->count == 0));
    json_object_set_new(object, "records", json_integer((json_int_t)sum->records));
    json_object_set_new(object, "definitions", json_integer((json_int_t)sum->definitions));
    json_object_set_new(object, "sagas", json_integer((json_int_t)sum->sagas));
    json_object_set_new(object, "entries", json_integer((json_int_t)sum->entries));
    json_object_set_new(object, "forgotten", json_integer((json_int_t)sum->forgotten));
    saga_unproved_json(object, sum->unproved_forgotten, sum->unproved_sealed);
    json_object_set_new(object, "carried", json_integer((json_int_t)sum->carried));
    json_object_set_new(object, "gaps", json_integer((json_int_t)sum->gaps));
    json_object_set_new(object, "byStatus", status);
    json_object_set_new(object, "snapshotStates", json_integer((json_int_t)sum->snapshots));
    json_object_set_new(object, "anchorsGiven", json_boolean(anchors->given));
    json_object_set_new(object, "anchorsRepeated",
                        json_integer((json_int_t)anchors->anchors.repeated));
    json_object_set_new(object, "lanes", lanes);
    json_object_set_new(object, "faults", json_integer((json_int_t)faults->count));
    json_object_set(object, "first", faults->rows);
    return object;
}

/* ---- an export ---- */

static void print_folder(struct saga_call *call, const struct saga_exported *exported,
                         const struct saga_audit_sum *sum, const struct saga_audit_anchors *anchors,
                         const struct saga_faults *faults)
{
    if (call->output != SAGA_OUTPUT_TEXT) {
        json_t *object = sum_json(sum, anchors, faults);
        json_object_set_new(object, "export", saga_json_string(saga_slice_of(exported->folder)));
        json_object_set_new(object, "complete", json_boolean(exported->complete));
        json_object_set_new(object, "manifestSha256", json_string(exported->sha256));
        saga_print_object(call, object);
        return;
    }
    printf("%s, exported %s, %zu files, SHA-256 of the manifest %s\n", exported->folder,
           saga_printable(call->arena, saga_slice_of(exported->created)), exported->files,
           exported->sha256);
    print_counts(sum);
    print_anchors(sum, anchors);
    if (!exported->complete)
        puts("it is NOT all of the journal: nothing is proved of what was left out");
    print_end(faults, "files are as exported, chain and sequences hold, causes decide to the "
                      "recorded facts");
}

static int verify_opened(struct saga_call *call, const struct saga_exported *exported,
                         struct saga_faults *faults)
{
    struct saga_audit_anchors anchors = { 0 };
    struct saga_audit_sum sum;
    const char *path = saga_call_option(call, KEY_ANCHORS);
    int code = SAGA_EXIT_DONE;
    if (!path && exported->has_anchors && saga_call_has(call, KEY_KEY))
        path = saga_exported_path(exported, SAGA_EXPORT_ANCHORS, call->arena);
    if (path) code = saga_audit_read_anchors(call, path, KEY_KEY, faults, &anchors);
    if (code == SAGA_EXIT_DONE)
        code = saga_audit_folder(call, exported, anchors.given ? &anchors.anchors : NULL, faults,
                                 &sum);
    if (code != SAGA_EXIT_DONE) return code;
    count_outside(&anchors.anchors, &sum);
    check_any_held(faults, path, &anchors, &sum);
    if (saga_call_has(call, KEY_COMPLETE) && !exported->complete)
        saga_faults_printf(faults, "manifest", SAGA_EXPORT_MANIFEST, -1,
                           "it is not all of the journal, as --complete asks for");
    print_folder(call, exported, &sum, &anchors, faults);
    return faults->count ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

static int verify_folder(struct saga_call *call)
{
    struct saga_faults faults;
    struct saga_exported exported;
    struct saga_diagnostic diagnostic = { 0 };
    int code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    saga_faults_init(&faults);
    if (saga_exported_open(call->arguments[0], call->arena, &faults, &exported, &diagnostic) < 0) {
        code = saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    } else {
        code = verify_opened(call, &exported, &faults);
        saga_exported_close(&exported);
    }
    saga_faults_free(&faults);
    return code;
}

/* ---- Kafka ---- */

static void print_live(struct saga_call *call, const struct saga_audit_sum *sum, unsigned cut,
                       bool with_redis, const struct saga_audit_anchors *anchors,
                       const struct saga_faults *faults)
{
    if (call->output != SAGA_OUTPUT_TEXT) {
        json_t *object = sum_json(sum, anchors, faults);
        json_object_set_new(object, "comparedWithRedis", json_boolean(with_redis));
        json_object_set_new(object, "lanesCut", json_integer(cut));
        saga_print_object(call, object);
        return;
    }
    print_counts(sum);
    if (cut)
        printf("the %s of %u %s cut: deciding begins with the last snapshot there\n",
               cut == 1 ? "journal" : "journals", cut, cut == 1 ? "lane was" : "lanes were");
    print_anchors(sum, anchors);
    print_end(faults, with_redis ? "chain and sequences hold, causes decide to the recorded facts, "
                                   "states equal those in Redis"
                                 : "chain and sequences hold, causes decide to the recorded facts; "
                                   "not compared with Redis");
}

static int open_all(struct saga_call *call, bool with_redis)
{
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE && with_redis) code = saga_call_views(call);
    return code;
}

static int verify_live(struct saga_call *call)
{
    struct saga_audit_anchors anchors = { 0 };
    struct saga_faults faults;
    struct saga_audit_sum sum;
    unsigned cut;
    const char *path = saga_call_option(call, KEY_ANCHORS);
    bool with_redis = !saga_call_has(call, KEY_FROM_JOURNAL);
    saga_faults_init(&faults);
    int code =
        path ? saga_audit_read_anchors(call, path, KEY_KEY, &faults, &anchors) : SAGA_EXIT_DONE;
    if (code == SAGA_EXIT_DONE) code = open_all(call, with_redis);
    if (code == SAGA_EXIT_DONE)
        code = saga_audit_live(call, with_redis, anchors.given ? &anchors.anchors : NULL, &faults,
                               &sum, &cut);
    if (code == SAGA_EXIT_DONE) {
        count_outside(&anchors.anchors, &sum);
        check_any_held(&faults, path, &anchors, &sum);
        if (saga_call_has(call, KEY_COMPLETE) && cut)
            saga_faults_printf(
                &faults, "opening", call->topics.journal.data, -1,
                "%u of its lanes do not begin with their first record, as --complete "
                "asks for",
                cut);
        print_live(call, &sum, cut, with_redis, &anchors, &faults);
        if (faults.count) code = SAGA_EXIT_FAILED;
    }
    saga_faults_free(&faults);
    return code;
}

static int run(struct saga_call *call)
{
    bool folder = call->argument_count > 0;
    if (saga_call_has(call, KEY_KEY) && !saga_call_has(call, KEY_ANCHORS) && !folder)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "--anchors FILE", "which anchors?");
    if (saga_call_has(call, KEY_FROM_JOURNAL) && folder)
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL,
                              "--from-journal is for the journal in Kafka: an export has no Redis");
    int code = saga_call_settings(call);
    if (code != SAGA_EXIT_DONE) return code;
    return folder ? verify_folder(call) : verify_live(call);
}

static const struct argp_option options[] = {
    { "anchors", KEY_ANCHORS, "FILE|kafka:TOPIC", 0,
      "hold it against these anchors; default: those in the export, if there is a --key", 0 },
    { "key", KEY_KEY, "PUB", 0, "public key of who signed them (PEM); again for each further key",
      0 },
    { "complete", KEY_COMPLETE, NULL, 0,
      "fail unless it is all of the journal, from each lane's first record to its end", 0 },
    { "from-journal", KEY_FROM_JOURNAL, NULL, 0, "look at the journal alone, without Redis", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_audit_verify = {
    .name = "audit verify",
    .arguments = "[DIR]",
    .summary = "prove the journal, or an export of it",
    .details =
        "Without DIR: all of the journal in Kafka, and what Redis and the snapshots say against "
        "it. "
        "With DIR: what `saga audit export` wrote there, without a connection. Proves the hash "
        "chain, the sequences, the definitions' contents, and that each cause decides to the "
        "recorded facts; names every record that was altered, removed, inserted or moved. An end "
        "that was cut off, or a journal that was written anew as a whole, only anchors show "
        "(saga audit anchor). Exit status 0 only when all of it holds, 2 where the command line, a "
        "key or the anchors cannot be used.",
    .examples = "  saga audit verify\n"
                "  saga audit verify 2026-q4 --anchors anchors.jsonl --key anchor.pub",
    .options = options,
    .arguments_max = 1,
    .configured = true,
    .settings_late = true,
    .has_output = true,
    .run = run,
};
