#include "operate/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/table.h"
#include "base/time.h"

static const char *const status_names[SAGA_JOB_STATUS_COUNT] = {
    [SAGA_JOB_WAITING] = "waiting", [SAGA_JOB_RUNNING] = "running", [SAGA_JOB_DONE] = "done",
    [SAGA_JOB_STOPPED] = "stopped", [SAGA_JOB_FAILED] = "failed",
};

const char *saga_job_status_name(enum saga_job_status status)
{
    SAGA_ASSERT(status < SAGA_JOB_STATUS_COUNT);
    return status_names[status];
}

bool saga_job_has_ended(enum saga_job_status status)
{
    return status == SAGA_JOB_DONE || status == SAGA_JOB_STOPPED || status == SAGA_JOB_FAILED;
}

bool saga_job_is_verb(enum saga_verb verb)
{
    return verb == SAGA_VERB_CANCEL || verb == SAGA_VERB_RETRY || verb == SAGA_VERB_SKIP ||
           verb == SAGA_VERB_PAUSE || verb == SAGA_VERB_RESUME;
}

/* ---- ids and keys ---- */

enum { ID_BYTES_MAX = 64 };

static bool is_id_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool saga_job_is_id(struct saga_slice id)
{
    if (id.size == 0 || id.size > ID_BYTES_MAX || id.data[0] == '-') return false;
    for (size_t i = 0; i < id.size; i++)
        if (!is_id_character(id.data[i])) return false;
    return true;
}

struct saga_slice saga_job_new_id(struct saga_arena *arena)
{
    uint8_t bytes[6];
    char text[2 * sizeof bytes + 1];
    int error = saga_random(bytes, sizeof bytes);
    SAGA_ASSERT(error == SAGA_OK);
    saga_hex(bytes, sizeof bytes, text);
    return saga_arena_copy(arena, saga_slice_of(text));
}

struct saga_slice saga_job_order_id(struct saga_arena *arena, struct saga_slice job,
                                    struct saga_slice saga_id)
{
    return saga_arena_join(arena, job, '/', saga_id);
}

static const char *const part_ends[] = {
    [SAGA_JOB_ORDER] = "", [SAGA_JOB_PROGRESS] = "/progress", [SAGA_JOB_STOP] = "/stop"
};

int saga_job_key_read(struct saga_slice key, struct saga_slice *ret_id,
                      enum saga_job_part *ret_part)
{
    const char *slash = key.size ? memchr(key.data, '/', key.size) : NULL;
    struct saga_slice id = { key.data, slash ? (size_t)(slash - key.data) : key.size };
    struct saga_slice end = saga_slice_skip(key, id.size);
    for (int part = SAGA_JOB_ORDER; part <= SAGA_JOB_STOP; part++) {
        if (!saga_slice_is(end, part_ends[part]) || !saga_job_is_id(id)) continue;
        *ret_id = id;
        *ret_part = (enum saga_job_part)part;
        return SAGA_OK;
    }
    return SAGA_E_INVALID;
}

/* ---- records ---- */

static void set_text(json_t *json, const char *name, struct saga_slice text)
{
    if (text.size) json_object_set_new(json, name, saga_json_string(text));
}

static void set_number(json_t *json, const char *name, uint64_t number)
{
    if (number) json_object_set_new(json, name, json_integer((json_int_t)number));
}

static json_t *order_json(const struct saga_job *job)
{
    json_t *json = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:i, s:I}", "format", 1, "verb",
                             saga_verb_name(job->verb), "where", saga_json_string(job->where),
                             "reason", saga_json_string(job->reason), "who",
                             saga_json_string(job->who), "from", saga_json_string(job->from),
                             "rate", (int)job->rate, "created", (json_int_t)job->created_ms);
    set_number(json, "expected", job->expected);
    return json;
}

static struct saga_message message_of(struct saga_slice topic, struct saga_slice id,
                                      enum saga_job_part part, json_t *json,
                                      struct saga_arena *arena)
{
    struct saga_message message = { .topic = topic };
    message.key = SAGA_CONCAT(arena, id, saga_slice_of(part_ends[part]));
    if (!json) return message;
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text) saga_memory_exhausted("jansson");
    message.value = saga_arena_copy(arena, saga_slice_of(text));
    free(text);
    json_decref(json);
    return message;
}

struct saga_message saga_job_order_message(struct saga_slice topic, const struct saga_job *job,
                                           struct saga_arena *arena)
{
    return message_of(topic, job->id, SAGA_JOB_ORDER, order_json(job), arena);
}

/* With the order as it was taken: the record alone says what is to be done and how far it is. */
struct saga_message saga_job_progress_message(struct saga_slice topic, const struct saga_job *job,
                                              struct saga_arena *arena)
{
    json_t *json = order_json(job);
    json_object_set_new(json, "status", json_string(saga_job_status_name(job->status)));
    set_number(json, "selected", job->selected);
    set_number(json, "position", job->position);
    set_number(json, "sent", job->sent);
    set_number(json, "began", (uint64_t)job->began_ms);
    set_number(json, "progress", (uint64_t)job->progress_ms);
    set_number(json, "ended", (uint64_t)job->ended_ms);
    set_text(json, "why", job->why);
    return message_of(topic, job->id, SAGA_JOB_PROGRESS, json, arena);
}

struct saga_message saga_job_stop_message(struct saga_slice topic, const struct saga_job *job,
                                          struct saga_arena *arena)
{
    json_t *json = json_pack("{s:i, s:o, s:I}", "format", 1, "who", saga_json_string(job->stop_who),
                             "time", (json_int_t)job->stop_ms);
    return message_of(topic, job->id, SAGA_JOB_STOP, json, arena);
}

struct saga_message saga_job_tombstone(struct saga_slice topic, struct saga_slice id,
                                       enum saga_job_part part, struct saga_arena *arena)
{
    return message_of(topic, id, part, NULL, arena);
}

/* ---- lists ---- */

size_t saga_job_lists(const struct saga_job *job)
{
    return (size_t)((job->selected + SAGA_JOB_PORTION_MAX - 1) / SAGA_JOB_PORTION_MAX);
}

struct saga_message saga_job_list_message(struct saga_slice topic, struct saga_slice id,
                                          size_t list, struct saga_slice lines,
                                          struct saga_arena *arena)
{
    return (
        struct saga_message){ .topic = topic,
                              .partition = SAGA_JOB_LISTS_PARTITION,
                              .key = saga_arena_printf(arena, "%.*s/%zu", SAGA_SLICE_ARG(id), list),
                              .value = lines };
}

int saga_job_list_key_read(struct saga_slice key, struct saga_slice *ret_id, size_t *ret_list)
{
    const char *slash = key.size ? memchr(key.data, '/', key.size) : NULL;
    unsigned long long list;
    if (!slash) return SAGA_E_INVALID;
    struct saga_slice id = { key.data, (size_t)(slash - key.data) };
    if (!saga_job_is_id(id) || saga_slice_to_u64(saga_slice_skip(key, id.size + 1), &list) < 0)
        return SAGA_E_INVALID;
    *ret_id = id;
    *ret_list = (size_t)list;
    return SAGA_OK;
}

/* ---- reading them ---- */

static struct saga_slice text_of(const json_t *json, const char *name, struct saga_arena *arena)
{
    const json_t *text = json_object_get(json, name);
    if (!json_is_string(text)) return SAGA_SLICE_NONE;
    return saga_arena_copy(
        arena, (struct saga_slice){ json_string_value(text), json_string_length(text) });
}

static int64_t number_of(const json_t *json, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(json, name));
    return number > 0 ? (int64_t)number : 0;
}

static int read_order(const json_t *json, struct saga_arena *arena, struct saga_job *job)
{
    job->verb = saga_verb_of(text_of(json, "verb", arena));
    job->where = text_of(json, "where", arena);
    job->reason = text_of(json, "reason", arena);
    job->who = text_of(json, "who", arena);
    job->from = text_of(json, "from", arena);
    job->rate = (unsigned)(number_of(json, "rate") & UINT32_MAX);
    job->expected = (uint64_t)number_of(json, "expected");
    job->created_ms = number_of(json, "created");
    bool good = saga_job_is_verb(job->verb) && job->where.size &&
                job->where.size <= SAGA_FILTER_BYTES_MAX && job->reason.size &&
                job->reason.size <= SAGA_MESSAGE_BYTES_MAX && job->created_ms > 0;
    if (job->rate < 1 || job->rate > SAGA_JOB_RATE_MAX) job->rate = SAGA_JOB_RATE_DEFAULT;
    return good ? SAGA_OK : SAGA_E_INVALID;
}

static int read_progress(const json_t *json, struct saga_arena *arena, struct saga_job *job)
{
    struct saga_slice status = text_of(json, "status", arena);
    for (int i = 0; i < SAGA_JOB_STATUS_COUNT; i++)
        if (saga_slice_is(status, status_names[i])) job->status = (enum saga_job_status)i;
    job->selected = (uint64_t)number_of(json, "selected");
    job->position = (uint64_t)number_of(json, "position");
    job->sent = (uint64_t)number_of(json, "sent");
    job->began_ms = number_of(json, "began");
    job->progress_ms = number_of(json, "progress");
    job->ended_ms = number_of(json, "ended");
    job->why = text_of(json, "why", arena);
    bool good = job->sent <= job->position && job->position <= job->selected &&
                job->selected <= SAGA_JOB_SAGAS_MAX;
    return good ? read_order(json, arena, job) : SAGA_E_INVALID;
}

/* ---- all of them ---- */

struct saga_job_entry {
    struct saga_job job; /* first */
    UT_hash_handle hh;
    char id[ID_BYTES_MAX];
    struct saga_arena arena; /* of the order and the progress, made anew with each */
    struct saga_arena stop_arena;
    bool has_order, has_progress;
};

static void free_entry(struct saga_jobs *jobs, struct saga_job_entry *entry)
{
    HASH_DEL(jobs->entries, entry);
    saga_arena_free(&entry->arena);
    saga_arena_free(&entry->stop_arena);
    free(entry);
}

void saga_jobs_free(struct saga_jobs *jobs)
{
    struct saga_job_entry *entry, *next;
    HASH_ITER(hh, jobs->entries, entry, next) free_entry(jobs, entry);
}

static struct saga_job_entry *find_entry(const struct saga_jobs *jobs, struct saga_slice id)
{
    struct saga_job_entry *entry;
    HASH_FIND(hh, jobs->entries, id.data, id.size, entry);
    return entry;
}

/* An entry that only a stop has told of is no job yet. */
static struct saga_job *known(struct saga_job_entry *entry)
{
    while (entry && !entry->has_order && !entry->has_progress) entry = entry->hh.next;
    return entry ? &entry->job : NULL;
}

struct saga_job *saga_jobs_next(const struct saga_jobs *jobs, const struct saga_job *last)
{
    const struct saga_job_entry *entry = (const struct saga_job_entry *)last;
    return known(entry ? entry->hh.next : jobs->entries);
}

struct saga_job *saga_jobs_find(const struct saga_jobs *jobs, struct saga_slice id)
{
    struct saga_job_entry *entry = saga_job_is_id(id) ? find_entry(jobs, id) : NULL;
    return entry && (entry->has_order || entry->has_progress) ? &entry->job : NULL;
}

size_t saga_jobs_open(const struct saga_jobs *jobs)
{
    size_t count = 0;
    for (const struct saga_job *job = NULL; (job = saga_jobs_next(jobs, job)) != NULL;)
        count += !saga_job_has_ended(job->status);
    return count;
}

static int newest_first(const void *left, const void *right)
{
    const struct saga_job *a = *(struct saga_job *const *)left,
                          *b = *(struct saga_job *const *)right;
    if (a->created_ms != b->created_ms) return a->created_ms > b->created_ms ? -1 : 1;
    return saga_slice_compare(a->id, b->id);
}

void saga_jobs_sorted(const struct saga_jobs *jobs, struct saga_arena *arena,
                      struct saga_job ***ret, size_t *ret_count)
{
    struct saga_job **list = NULL;
    size_t count = 0, capacity = 0;
    for (struct saga_job *job = NULL; (job = saga_jobs_next(jobs, job)) != NULL;)
        SAGA_PUSH(arena, list, count, capacity, job);
    if (count) qsort(list, count, sizeof *list, newest_first);
    *ret = list;
    *ret_count = count;
}

static struct saga_job_entry *add_entry(struct saga_jobs *jobs, struct saga_slice id)
{
    struct saga_job_entry *entry = saga_memory_zeroed(1, sizeof *entry);
    memcpy(entry->id, id.data, id.size);
    entry->job.id = (struct saga_slice){ entry->id, id.size };
    saga_arena_init(&entry->arena);
    saga_arena_init(&entry->stop_arena);
    HASH_ADD_KEYPTR(hh, jobs->entries, entry->id, id.size, entry);
    return entry;
}

static int take_work(struct saga_job_entry *entry, enum saga_job_part part, const json_t *json)
{
    struct saga_arena arena;
    struct saga_job job = { .id = entry->job.id,
                            .stop_ms = entry->job.stop_ms,
                            .stop_who = entry->job.stop_who };
    saga_arena_init(&arena);
    int error =
        part == SAGA_JOB_ORDER ? read_order(json, &arena, &job) : read_progress(json, &arena, &job);
    if (error < 0) {
        saga_arena_free(&arena);
        return error;
    }
    saga_arena_free(&entry->arena);
    entry->arena = arena;
    entry->job = job;
    if (part == SAGA_JOB_ORDER) entry->has_order = true;
    if (part == SAGA_JOB_PROGRESS) entry->has_progress = true;
    return SAGA_OK;
}

static int take_stop(struct saga_job_entry *entry, const json_t *json)
{
    saga_arena_reset(&entry->stop_arena);
    entry->job.stop_who = text_of(json, "who", &entry->stop_arena);
    entry->job.stop_ms = number_of(json, "time");
    if (entry->job.stop_ms == 0) entry->job.stop_ms = 1; /* it shall stop, whenever that was said */
    return SAGA_OK;
}

int saga_jobs_take(struct saga_jobs *jobs, struct saga_slice key, struct saga_slice value)
{
    struct saga_slice id;
    enum saga_job_part part;
    if (saga_job_key_read(key, &id, &part) < 0) return SAGA_E_INVALID;
    struct saga_job_entry *entry = find_entry(jobs, id);
    if (!value.data) {
        if (entry) free_entry(jobs, entry);
        return SAGA_OK;
    }
    if (part == SAGA_JOB_ORDER && entry && (entry->has_order || entry->has_progress))
        return SAGA_OK;
    json_t *json =
        value.size <= SAGA_JOB_BYTES_MAX
            ? json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)
            : NULL;
    if (!json_is_object(json)) {
        json_decref(json);
        return SAGA_E_INVALID;
    }
    bool is_new = !entry;
    if (is_new) entry = add_entry(jobs, id);
    int error = part == SAGA_JOB_STOP ? take_stop(entry, json) : take_work(entry, part, json);
    json_decref(json);
    if (error < 0 && is_new) free_entry(jobs, entry);
    return error;
}

/* ---- for people and programs ---- */

static void set_time(json_t *json, const char *name, int64_t time_ms)
{
    if (time_ms) json_object_set_new(json, name, saga_json_time(time_ms));
}

json_t *saga_job_json(const struct saga_job *job)
{
    bool stopping = job->stop_ms && !saga_job_has_ended(job->status);
    json_t *json =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:i, s:s, s:I, s:b}", "id", saga_json_string(job->id),
                  "verb", saga_verb_name(job->verb), "where", saga_json_string(job->where),
                  "reason", saga_json_string(job->reason), "who", saga_json_string(job->who),
                  "rate", (int)job->rate, "status", saga_job_status_name(job->status), "sent",
                  (json_int_t)job->sent, "stopping", stopping);
    set_number(json, "expected", job->expected);
    if (job->began_ms) {
        json_object_set_new(json, "selected", json_integer((json_int_t)job->selected));
        json_object_set_new(json, "passedOver",
                            json_integer((json_int_t)(job->position - job->sent)));
    }
    set_time(json, "created", job->created_ms);
    set_time(json, "began", job->began_ms);
    set_time(json, "progress", job->progress_ms);
    set_time(json, "ended", job->ended_ms);
    if (job->stop_who.size) json_object_set_new(json, "stoppedBy", saga_json_string(job->stop_who));
    if (job->why.size) json_object_set_new(json, "why", saga_json_string(job->why));
    return json;
}
