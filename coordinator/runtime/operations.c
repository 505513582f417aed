#include "runtime/operations.h"

#include <string.h>

#include "base/error.h"
#include "codec/sealed.h"

/* What is forgotten has an entry of its own under another id. */
static struct saga_slice saga_of(const struct saga_journal_record *record, struct saga_arena *arena)
{
    return saga_arena_join(arena, record->name, '/', record->key);
}

/* A job's command bears the id JOB/SAGA (BULK.md). */
struct saga_slice saga_operation_job(const struct saga_journal_record *record,
                                     struct saga_arena *arena)
{
    struct saga_slice id = record->cause.id, saga_id = saga_of(record, arena);
    if (record->cause.kind != SAGA_EVENT_OPERATOR || id.size <= saga_id.size + 1)
        return SAGA_SLICE_NONE;
    struct saga_slice job = { id.data, id.size - saga_id.size - 1 };
    bool of_job = id.data[job.size] == '/' && !memchr(id.data, '/', job.size) &&
                  saga_slice_equal(saga_slice_skip(id, job.size + 1), saga_id);
    return of_job ? job : SAGA_SLICE_NONE;
}

static void add(struct saga_buffer *json, const char *name, struct saga_slice text)
{
    if (text.size == 0) return;
    saga_buffer_printf(json, "%s\"%s\":", json->size > 1 ? "," : "", name);
    saga_buffer_add_json_string(json, text);
}

/* What became of it stands in the facts; where nothing speaks against it, it was done. */
static void add_outcome(struct saga_buffer *json, const struct saga_journal_record *record)
{
    const char *outcome = "done";
    const struct saga_fact *against = NULL;
    for (size_t i = 0; i < record->fact_count && !against; i++)
        if (record->facts[i].kind == SAGA_FACT_OPERATOR_REFUSED ||
            record->facts[i].kind == SAGA_FACT_OPERATOR_IGNORED)
            against = &record->facts[i];
    if (against)
        outcome = against->kind == SAGA_FACT_OPERATOR_REFUSED ? "refused" : "nothing to do";
    add(json, "outcome", saga_slice_of(outcome));
    if (!against) return;
    /* the words of a saga whose values are sealed are sealed too: then the word that machines count by is told */
    bool sealed = saga_slice_starts_with(against->message, SAGA_SEALED_TEXT);
    add(json, "words", sealed ? against->reason : against->message);
}

struct saga_slice saga_operation_entry(const struct saga_journal_record *record,
                                       struct saga_arena *arena)
{
    if (record->cause.kind != SAGA_EVENT_OPERATOR || saga_operation_job(record, arena).data)
        return SAGA_SLICE_NONE;
    return saga_operation_text(record, arena);
}

struct saga_slice saga_operation_text(const struct saga_journal_record *record,
                                      struct saga_arena *arena)
{
    const struct saga_event *cause = &record->cause;
    struct saga_buffer json;
    saga_buffer_init(&json, arena);
    saga_buffer_add_char(&json, '{');
    add(&json, "verb", saga_slice_of(saga_verb_name(cause->verb)));
    add(&json, "as", cause->as);
    add(&json, "saga", saga_of(record, arena));
    if (record->version) saga_buffer_printf(&json, ",\"version\":%u", record->version);
    add(&json, "who", cause->who);
    add(&json, "from", cause->from);
    add(&json, "reason", cause->reason);
    add_outcome(&json, record);
    saga_buffer_add_char(&json, '}');
    return saga_buffer_slice(&json);
}

/* ---- in a snapshot ---- */

/* Numbers before an entry, with blanks and a line's end. */
enum { LINE_HEAD_MAX = 48 };

struct saga_slice saga_operations_write(const struct saga_lane_log *log, size_t bytes_max,
                                        struct saga_arena *arena)
{
    struct saga_buffer text;
    struct saga_lane_log kept = *log;
    size_t bytes = LINE_HEAD_MAX;
    for (kept.count = 0; kept.count < log->count; kept.count++) {
        bytes += LINE_HEAD_MAX + log->operations[kept.count].entry.size;
        if (bytes > bytes_max) break;
    }
    if (kept.count < log->count) {
        const struct saga_operation_write *next = &log->operations[kept.count];
        kept.from = next->offset + 1;
        kept.from_ms = next->time_ms;
    }
    saga_buffer_init(&text, arena);
    saga_buffer_printf(&text, "%lld %lld\n", (long long)kept.from, (long long)kept.from_ms);
    for (size_t i = 0; i < kept.count; i++) {
        const struct saga_operation_write *operation = &log->operations[i];
        saga_buffer_printf(&text, "%lld %lld ", (long long)operation->offset,
                           (long long)operation->time_ms);
        saga_buffer_add(&text, operation->entry); /* JSON, in which a line's end is escaped */
        saga_buffer_add_char(&text, '\n');
    }
    return saga_buffer_slice(&text);
}

/* A number and what is behind it, up to and with `end`. */
static bool take_number(struct saga_slice *rest, char end, int64_t *ret)
{
    unsigned long long number;
    const char *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;
    if (!at) return false;
    struct saga_slice digits = { rest->data, (size_t)(at - rest->data) };
    if (saga_slice_to_u64(digits, &number) < 0 || number > INT64_MAX) return false;
    *rest = saga_slice_skip(*rest, digits.size + 1);
    *ret = (int64_t)number;
    return true;
}

int saga_operations_read_log(struct saga_slice text, struct saga_arena *arena,
                             struct saga_lane_log *ret)
{
    struct saga_lane_log log = { .known = true };
    size_t capacity = 0;
    if (!take_number(&text, ' ', &log.from) || !take_number(&text, '\n', &log.from_ms))
        return SAGA_E_INVALID;
    while (text.size) {
        struct saga_operation_write operation;
        if (!take_number(&text, ' ', &operation.offset) ||
            !take_number(&text, ' ', &operation.time_ms))
            return SAGA_E_INVALID;
        const char *end = text.size ? memchr(text.data, '\n', text.size) : NULL;
        if (!end) return SAGA_E_INVALID;
        operation.entry = (struct saga_slice){ text.data, (size_t)(end - text.data) };
        text = saga_slice_skip(text, operation.entry.size + 1);
        SAGA_PUSH(arena, log.operations, log.count, capacity, operation);
    }
    *ret = log;
    return SAGA_OK;
}
