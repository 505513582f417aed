/* Reading what operators did: the lanes' logs in portions, the topics whole, as they are short; then merged. */
#include "operate/operations.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "operate/letter_notes.h"
#include "operate/operations_internal.h"
#include "operate/output.h"

/* Entries of the logs that are read at once, and that one question looks through; offsets of each partition of dead letters. */
enum { PORTION = 500, LOOKED_AT_MAX = 10000, LETTER_OFFSETS_MAX = 2000 };

/* Of equal times, what was said to sagas comes first: the first characters of places. */
#define PLACE_SAGA "s"
#define PLACE_LETTER "l"
#define PLACE_JOB "j"
#define PLACE_DEFINITION "d"

static const char *const other_verbs[] = { "stop", "deploy", "resend", "drop" };

bool saga_operation_is_verb(struct saga_slice verb)
{
    enum saga_verb known = saga_verb_of(verb);
    for (size_t i = 0; i < sizeof other_verbs / sizeof *other_verbs; i++)
        if (saga_slice_is(verb, other_verbs[i])) return true;
    return known != SAGA_VERB_NONE && known != SAGA_VERB_COUNT;
}

/* ---- which are wanted ---- */

static bool is_text(struct saga_slice wanted, struct saga_slice text)
{
    return !wanted.data || saga_slice_equal(wanted, text);
}

/* Below zero: `a` comes first. */
static int order(int64_t a_ms, struct saga_slice a, int64_t b_ms, struct saga_slice b)
{
    if (a_ms != b_ms) return a_ms > b_ms ? -1 : 1;
    return saga_slice_compare(b, a);
}

static int by_place(const void *left, const void *right)
{
    const struct saga_operation *a = left, *b = right;
    return order(a->time_ms, a->place, b->time_ms, b->place);
}

bool saga_operation_is_wanted(const struct saga_operations_wanted *wanted,
                              const struct saga_operation *o)
{
    if (o->time_ms < wanted->since_ms || o->time_ms >= wanted->until_ms) return false;
    if (wanted->has_after &&
        order(wanted->after_ms, wanted->after_place, o->time_ms, o->place) >= 0)
        return false;
    return is_text(wanted->who, o->who) && is_text(wanted->verb, o->verb) &&
           is_text(wanted->saga_id, o->saga_id) && is_text(wanted->job, o->job) &&
           is_text(wanted->definition, o->definition) &&
           (!wanted->version || wanted->version == o->version);
}

bool saga_operations_add(struct saga_operations_reading *r, const struct saga_operation *o)
{
    struct saga_operations *list = r->list;
    if (!saga_operation_is_wanted(r->wanted, o)) return false;
    SAGA_PUSH(r->call->arena, list->items, list->count, list->capacity, *o);
    return true;
}

static int fail(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                          saga_views_problem(call->views));
}

/* ---- what was said to sagas ---- */

enum { VERB, AS, SAGA, VERSION, WHO, FROM, REASON, OUTCOME, WORDS, MEMBERS };

static struct saga_slice text_of(struct saga_slice json, struct saga_arena *arena)
{
    struct saga_slice text;
    if (!json.data || saga_json_text(json, arena, &text) < 0) return SAGA_SLICE_NONE;
    return text;
}

/* False: it is none that this version of the program writes. */
bool saga_operation_read(const struct saga_view_operation *entry, struct saga_arena *arena,
                         struct saga_operation *ret)
{
    static const struct saga_slice names[MEMBERS] = {
        [VERB] = { "verb", 4 },       [AS] = { "as", 2 },           [SAGA] = { "saga", 4 },
        [VERSION] = { "version", 7 }, [WHO] = { "who", 3 },         [FROM] = { "from", 4 },
        [REASON] = { "reason", 6 },   [OUTCOME] = { "outcome", 7 }, [WORDS] = { "words", 5 },
    };
    struct saga_slice members[MEMBERS];
    size_t offset;
    const char *why;
    unsigned long long version = 0;
    if (saga_json_validate(entry->entry, &offset, &why) < 0 ||
        !saga_json_members(entry->entry, names, MEMBERS, members))
        return false;
    *ret = (struct saga_operation){
        .on = SAGA_OPERATION_ON_SAGA,
        .time_ms = entry->time_ms,
        .place = saga_arena_printf(arena, PLACE_SAGA "%08x/%016llx", entry->lane,
                                   (unsigned long long)entry->offset),
        .verb = text_of(members[VERB], arena),
        .as = text_of(members[AS], arena),
        .saga_id = text_of(members[SAGA], arena),
        .who = text_of(members[WHO], arena),
        .from = text_of(members[FROM], arena),
        .reason = text_of(members[REASON], arena),
        .outcome = text_of(members[OUTCOME], arena),
        .words = text_of(members[WORDS], arena),
    };
    if (members[VERSION].data && saga_slice_to_u64(members[VERSION], &version) < 0) return false;
    ret->version = (uint32_t)version;
    const char *slash =
        ret->saga_id.size ? memchr(ret->saga_id.data, '/', ret->saga_id.size) : NULL;
    if (!slash || !ret->verb.data || !ret->outcome.data) return false;
    ret->definition = (struct saga_slice){ ret->saga_id.data, (size_t)(slash - ret->saga_id.data) };
    return true;
}

/* Behind which place the logs are read on. False: it is no place of this list. */
static bool find_begin(const struct saga_operations_wanted *wanted,
                       struct saga_view_operations_page *page)
{
    unsigned lane;
    unsigned long long offset;
    int end = 0;
    char place[32];
    struct saga_slice text = wanted->after_place;
    *page = (struct saga_view_operations_page){ .since_ms = wanted->since_ms,
                                                .until_ms = wanted->until_ms };
    if (!wanted->has_after) return true;
    if (text.size == 0) return false;
    if (text.data[0] != PLACE_SAGA[0]) { /* those of sagas of that time came before it */
        static const char others[] = PLACE_LETTER PLACE_JOB PLACE_DEFINITION;
        if (wanted->after_ms < page->until_ms) page->until_ms = wanted->after_ms;
        return memchr(others, text.data[0], sizeof others - 1) != NULL;
    }
    if (text.size >= sizeof place) return false;
    memcpy(place, text.data, text.size);
    place[text.size] = '\0';
    if (sscanf(place, PLACE_SAGA "%8x/%16llx%n", &lane, &offset, &end) != 2 ||
        (size_t)end != text.size || offset > INT64_MAX)
        return false;
    page->has_after = true;
    page->after_ms = wanted->after_ms;
    page->after_lane = lane;
    page->after_offset = (int64_t)offset;
    return true;
}

/* Up to where the logs were looked through: what is behind is for the next page. */
struct reach {
    bool more;
    int64_t time_ms;
    struct saga_slice place;
};

static int read_logs(struct saga_operations_reading *r, uint32_t lanes,
                     struct saga_view_operations_page *page, struct reach *ret)
{
    struct saga_call *call = r->call;
    const struct saga_operations_wanted *wanted = r->wanted;
    bool by_text = wanted->who.data || wanted->verb.data || wanted->saga_id.data ||
                   wanted->definition.data || wanted->version;
    size_t found = 0, looked_at = 0;
    for (ret->more = true; ret->more && found < wanted->limit && looked_at < LOOKED_AT_MAX;) {
        struct saga_view_operation *entries;
        size_t count, i = 0;
        page->limit = by_text ? PORTION : wanted->limit - found;
        if (saga_views_operations(call->views, lanes, page, call->arena, &entries, &count,
                                  &ret->more) < 0)
            return fail(call);
        for (; i < count && found < wanted->limit; i++) {
            struct saga_operation o;
            if (!saga_operation_read(&entries[i], call->arena, &o))
                return saga_call_fail(
                    call, SAGA_EXIT_FAILED, "was it written by a later version of saga?",
                    "an entry of the log of lane %u cannot be read", entries[i].lane);
            found += saga_operations_add(r, &o);
            ret->time_ms = o.time_ms;
            ret->place = o.place;
        }
        if (i < count) ret->more = true;
        if (count == 0) break;
        looked_at += count;
        page->has_after = true;
        page->after_ms = entries[i - 1].time_ms;
        page->after_lane = entries[i - 1].lane;
        page->after_offset = entries[i - 1].offset;
    }
    return SAGA_EXIT_DONE;
}

static int read_what_is_known(struct saga_call *call, uint32_t lanes, struct saga_operations *ret)
{
    struct saga_view_log *logs = SAGA_NEW_ARRAY(call->arena, struct saga_view_log, lanes);
    if (saga_views_logs(call->views, lanes, call->arena, logs) < 0) return fail(call);
    ret->whole = ret->since_known = lanes > 0;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        const struct saga_view_log *log = &logs[lane];
        int64_t since_ms = log->full ? log->oldest_ms : log->from_ms;
        if (!log->known) ret->since_known = ret->whole = false;
        if (log->known && log->from <= 1 && !log->full) continue; /* 0 opened the lane */
        ret->whole = false;
        if (since_ms > ret->since_ms) ret->since_ms = since_ms;
    }
    return SAGA_EXIT_DONE;
}

/* ---- what was said to others ---- */

void saga_operations_add_job(struct saga_operations_reading *r, const struct saga_job *job)
{
    struct saga_arena *arena = r->call->arena;
    struct saga_operation o = {
        .on = SAGA_OPERATION_ON_JOB,
        .time_ms = job->created_ms,
        .place = SAGA_CONCAT(arena, SAGA_SLICE(PLACE_JOB), job->id),
        .verb = saga_slice_of(saga_verb_name(job->verb)),
        .who = saga_arena_copy(arena, job->who),
        .from = saga_arena_copy(arena, job->from),
        .reason = saga_arena_copy(arena, job->reason),
        .outcome = saga_slice_of(saga_job_status_name(job->status)),
        .words = saga_arena_copy(arena, job->why),
        .job = saga_arena_copy(arena, job->id),
        .where = saga_arena_copy(arena, job->where),
        .sent = job->sent,
    };
    (void)saga_operations_add(r, &o);
    if (!job->stop_ms) return;
    (void)saga_operations_add(r, &(struct saga_operation){
                                     .on = SAGA_OPERATION_ON_JOB,
                                     .time_ms = job->stop_ms,
                                     .place = SAGA_CONCAT(arena, o.place, SAGA_SLICE("/stop")),
                                     .verb = SAGA_SLICE("stop"),
                                     .who = saga_arena_copy(arena, job->stop_who),
                                     .outcome = SAGA_SLICE("done"),
                                     .job = o.job,
                                     .where = o.where,
                                     .sent = job->sent,
                                 });
}

static int add_jobs(struct saga_operations_reading *r)
{
    struct saga_jobs jobs;
    int code = saga_jobs_read(r->call, &jobs);
    if (code != SAGA_EXIT_DONE) return code;
    for (struct saga_job *job = NULL; (job = saga_jobs_next(&jobs, job));)
        saga_operations_add_job(r, job);
    saga_jobs_free(&jobs);
    return SAGA_EXIT_DONE;
}

static void add_deployed(struct saga_operations_reading *r, const struct saga_deployed *deployed)
{
    (void)saga_operations_add(
        r, &(struct saga_operation){
               .on = SAGA_OPERATION_ON_DEFINITION,
               .time_ms = deployed->deployed_ms,
               .place = saga_arena_printf(r->call->arena, PLACE_DEFINITION "%016llx",
                                          (unsigned long long)deployed->offset),
               .verb = SAGA_SLICE("deploy"),
               .who = deployed->who,
               .from = deployed->from,
               .outcome = SAGA_SLICE("done"),
               .definition = deployed->name,
               .version = deployed->version,
           });
}

static int add_deployment(struct saga_operations_reading *r)
{
    struct saga_deployment deployment;
    const struct saga_operations_wanted *wanted = r->wanted;
    if (wanted->has_deployed) {
        for (size_t i = 0; i < wanted->deployed_count; i++) add_deployed(r, wanted->deployed[i]);
        return SAGA_EXIT_DONE;
    }
    int code = saga_deployment_read(r->call, &deployment);
    for (size_t i = 0; i < deployment.count && code == SAGA_EXIT_DONE; i++)
        add_deployed(r, &deployment.items[i]);
    return code;
}

static void add_note(int32_t partition, int64_t note, int64_t letter,
                     const struct saga_letter_note *noted, void *context)
{
    struct saga_operations_reading *r = context;
    struct saga_arena *arena = r->call->arena;
    bool resent = strcmp(noted->how, "resent") == 0;
    struct saga_operation o = {
        .on = SAGA_OPERATION_ON_LETTER,
        .time_ms = noted->time_ms,
        .place = saga_arena_printf(arena, PLACE_LETTER "%08x/%016llx", (unsigned)partition,
                                   (unsigned long long)note),
        .verb = resent ? SAGA_SLICE("resend") : SAGA_SLICE("drop"),
        .who = noted->who,
        .from = noted->from,
        .reason = noted->reason,
        .outcome = SAGA_SLICE("done"),
        .partition = partition,
        .offset = letter,
    };
    if (!saga_operation_is_wanted(r->wanted, &o)) return;
    o.who = saga_arena_copy(arena, o.who);
    o.from = saga_arena_copy(arena, o.from);
    o.reason = saga_arena_copy(arena, o.reason);
    (void)saga_operations_add(r, &o);
}

/* A topic is only read where something in it may be wanted. */
static int add_others(struct saga_operations_reading *r)
{
    const struct saga_operations_wanted *wanted = r->wanted;
    struct saga_slice verb = wanted->verb;
    enum saga_verb of_sagas = verb.data ? saga_verb_of(verb) : SAGA_VERB_NONE;
    bool of_job = !verb.data || saga_slice_is(verb, "stop") ||
                  (of_sagas != SAGA_VERB_COUNT && saga_job_is_verb(of_sagas));
    bool of_letter = !verb.data || saga_slice_is(verb, "resend") || saga_slice_is(verb, "drop");
    bool deploy = !verb.data || saga_slice_is(verb, "deploy");
    int code = SAGA_EXIT_DONE;
    if (wanted->saga_id.data) return code;
    if (deploy) code = add_deployment(r);
    if (wanted->definition.data || wanted->version) return code;
    if (code == SAGA_EXIT_DONE && of_job) code = add_jobs(r);
    if (code == SAGA_EXIT_DONE && of_letter)
        code = saga_letter_notes_visit(r->call, wanted->notes, LETTER_OFFSETS_MAX, add_note, r);
    return code;
}

/* ---- all of it ---- */

/* What comes behind the point up to which the logs were looked through, is for the next page. */
static void keep_up_to(struct saga_operations *list, const struct reach *reach)
{
    while (list->count && reach->more) {
        const struct saga_operation *last = &list->items[list->count - 1];
        if (order(last->time_ms, last->place, reach->time_ms, reach->place) <= 0) return;
        list->count--;
    }
}

static int read_all(struct saga_operations_reading *r, uint32_t lanes,
                    struct saga_view_operations_page *page, struct reach *ret)
{
    int code = read_what_is_known(r->call, lanes, r->list);
    if (code == SAGA_EXIT_DONE) code = read_logs(r, lanes, page, ret);
    if (code == SAGA_EXIT_DONE) code = add_others(r);
    return code;
}

int saga_operations_read(struct saga_call *call, const struct saga_operations_wanted *wanted,
                         struct saga_operations *ret)
{
    struct saga_operations_reading r = { call, wanted, ret };
    struct saga_view_operations_page page;
    struct reach reach = { 0 };
    uint32_t lanes;
    *ret = (struct saga_operations){ 0 };
    if (!find_begin(wanted, &page))
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "it is no place of this list");
    int code = saga_call_views(call);
    if (code == SAGA_EXIT_DONE && saga_views_lanes(call->views, &lanes) < 0) code = fail(call);
    if (code == SAGA_EXIT_DONE) ret->lanes = lanes;
    if (code == SAGA_EXIT_DONE)
        code = wanted->job.data ? saga_operations_read_job(&r) : read_all(&r, lanes, &page, &reach);
    if (code != SAGA_EXIT_DONE) return code;
    if (ret->count) qsort(ret->items, ret->count, sizeof *ret->items, by_place);
    keep_up_to(ret, &reach);
    ret->more = reach.more || ret->count > wanted->limit;
    ret->last_ms = reach.time_ms;
    ret->last_place = reach.place;
    if (ret->count >= wanted->limit) {
        ret->count = wanted->limit;
        ret->last_ms = ret->items[ret->count - 1].time_ms;
        ret->last_place = ret->items[ret->count - 1].place;
    }
    return SAGA_EXIT_DONE;
}

/* ---- as JSON ---- */

static void set(json_t *json, const char *name, struct saga_slice text)
{
    if (text.size) json_object_set_new(json, name, saga_json_string(text));
}

json_t *saga_operation_json(const struct saga_operation *o)
{
    static const char *const on[SAGA_OPERATION_ON_COUNT] = {
        [SAGA_OPERATION_ON_SAGA] = "saga",
        [SAGA_OPERATION_ON_JOB] = "job",
        [SAGA_OPERATION_ON_DEFINITION] = "definition",
        [SAGA_OPERATION_ON_LETTER] = "dead letter",
    };
    json_t *json = json_pack("{s:o, s:o, s:s, s:o, s:o}", "time", saga_json_time(o->time_ms), "who",
                             saga_json_string(o->who), "on", on[o->on], "verb",
                             saga_json_string(o->verb), "outcome", saga_json_string(o->outcome));
    set(json, "from", o->from);
    set(json, "reason", o->reason);
    set(json, "words", o->words);
    set(json, "saga", o->saga_id);
    set(json, "as", o->as);
    set(json, "job", o->job);
    set(json, "where", o->where);
    set(json, "definition", o->definition);
    if (o->version) json_object_set_new(json, "version", json_integer(o->version));
    if (o->on == SAGA_OPERATION_ON_JOB)
        json_object_set_new(json, "sent", json_integer((json_int_t)o->sent));
    if (o->on == SAGA_OPERATION_ON_LETTER) {
        json_object_set_new(json, "partition", json_integer(o->partition));
        json_object_set_new(json, "offset", json_integer((json_int_t)o->offset));
    }
    return json;
}
