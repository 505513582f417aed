/* Whether what a new version decided differs from what was recorded, and how that is said. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "runtime/what_if_internal.h"

struct saga_slice saga_what_if_step(struct saga_slice path)
{
    const char *mark = path.size ? memchr(path.data, '[', path.size) : NULL;
    return mark ? (struct saga_slice){ path.data, (size_t)(mark - path.data) } : path;
}

/* ---- the same facts ---- */

static bool same_field(const struct saga_fact_field *field, const struct saga_fact *a,
                       const struct saga_fact *b)
{
    const char *left = (const char *)a + field->offset, *right = (const char *)b + field->offset;
    switch (field->type) {
    case SAGA_FIELD_STRING:
    case SAGA_FIELD_BYTES:
        return saga_slice_equal(*(const struct saga_slice *)left,
                                *(const struct saga_slice *)right);
    case SAGA_FIELD_INT: return *(const uint32_t *)left == *(const uint32_t *)right;
    case SAGA_FIELD_BOOL: return *(const bool *)left == *(const bool *)right;
    case SAGA_FIELD_TIME: return *(const int64_t *)left == *(const int64_t *)right;
    case SAGA_FIELD_STATUS:
        return *(const enum saga_status *)left == *(const enum saga_status *)right;
    case SAGA_FIELD_STUCK_ON:
        return *(const enum saga_stuck_on *)left == *(const enum saga_stuck_on *)right;
    case SAGA_FIELD_NOTE: return *(const enum saga_note *)left == *(const enum saga_note *)right;
    case SAGA_FIELD_ENTRY:
        return *(const enum saga_state_kind *)left == *(const enum saga_state_kind *)right;
    }
    SAGA_ASSERT(!"a field's type");
    return false;
}

static bool same_fact(const struct saga_fact *a, const struct saga_fact *b)
{
    if (a->kind != b->kind) return false;
    const struct saga_fact_type *type = &saga_fact_types[a->kind];
    for (size_t i = 0; i < type->field_count; i++)
        if (!same_field(&type->fields[i], a, b)) return false;
    return true;
}

/* A start names the version that it is on: that is the one thing that must differ. */
static bool same_start(struct saga_fact a, const struct saga_fact *b)
{
    a.version = b->version;
    a.sha256 = b->sha256;
    return same_fact(&a, b);
}

bool saga_what_if_same_facts(const struct saga_journal_record *record,
                             const struct saga_facts *facts)
{
    if (record->fact_count != facts->count) return false;
    for (size_t i = 0; i < facts->count; i++) {
        const struct saga_fact *a = &record->facts[i], *b = &facts->items[i];
        bool start = a->kind == SAGA_FACT_SAGA_STARTED;
        if (!(start ? same_start(*a, b) : same_fact(a, b))) return false;
    }
    return true;
}

/* ---- the same body ---- */

static bool same_json(struct saga_slice a, struct saga_slice b);

static bool same_array(struct saga_slice a, struct saga_slice b)
{
    struct saga_json_walk left, right;
    struct saga_slice name, x, y;
    saga_json_walk_init(&left, a);
    saga_json_walk_init(&right, b);
    while (saga_json_walk_next(&left, &name, &x))
        if (!saga_json_walk_next(&right, &name, &y) || !same_json(x, y)) return false;
    return !saga_json_walk_next(&right, &name, &y);
}

static bool find_member(struct saga_slice object, struct saga_slice name, struct saga_slice *ret)
{
    struct saga_json_walk walk;
    struct saga_slice found;
    saga_json_walk_init(&walk, object);
    while (saga_json_walk_next(&walk, &found, ret))
        if (saga_slice_equal(found, name)) return true;
    return false;
}

/* Members in any order. Bodies are compact and name no member twice, so equal ones have equal sizes and it is enough to
 * find all of one in the other. */
static bool same_object(struct saga_slice a, struct saga_slice b)
{
    struct saga_json_walk walk;
    struct saga_slice name, x, y;
    saga_json_walk_init(&walk, a);
    while (saga_json_walk_next(&walk, &name, &x))
        if (!find_member(b, name, &y) || !same_json(x, y)) return false;
    return true;
}

static bool same_json(struct saga_slice a, struct saga_slice b)
{
    if (a.size != b.size) return false;
    if (memcmp(a.data, b.data, a.size) == 0) return true;
    enum saga_json_kind kind = saga_json_kind(a);
    if (kind != saga_json_kind(b)) return false;
    if (kind == SAGA_JSON_OBJECT) return same_object(a, b);
    return kind == SAGA_JSON_ARRAY && same_array(a, b);
}

/* What a record holds was not looked at as JSON, for it may have been changed. */
static bool same_body(struct saga_slice recorded, struct saga_slice body)
{
    if (saga_slice_equal(recorded, body)) return true;
    return recorded.size == body.size && saga_json_validate(recorded, NULL, NULL) == SAGA_OK &&
           same_json(recorded, body);
}

/* ---- messages ---- */

static bool is_message(const struct saga_fact *fact)
{
    return fact->kind == SAGA_FACT_STEP_SENT || fact->kind == SAGA_FACT_COMPENSATION_SENT ||
           fact->kind == SAGA_FACT_EVENT_PUBLISHED || fact->kind == SAGA_FACT_NOTE_SENT;
}

/* The event of the saga's end, and what its parent hears: they differ wherever it ends otherwise. */
static bool tells_of_end(const struct saga_fact *fact)
{
    if (fact->kind == SAGA_FACT_NOTE_SENT)
        return fact->note == SAGA_NOTE_CHILD_ENDED || fact->note == SAGA_NOTE_CHILD_COMPENSATED ||
               fact->note == SAGA_NOTE_CHILD_REFUSED;
    return fact->kind == SAGA_FACT_EVENT_PUBLISHED && fact->step.size == 0;
}

/* A block that publishes is called by its place in the file, which says nothing. */
static bool same_addressee(const struct saga_fact *a, const struct saga_fact *b)
{
    bool step = a->kind == SAGA_FACT_EVENT_PUBLISHED || saga_slice_equal(a->step, b->step);
    return a->kind == b->kind && step && a->attempt == b->attempt && a->note == b->note &&
           saga_slice_equal(a->topic, b->topic) && saga_slice_equal(a->type, b->type) &&
           saga_slice_equal(a->id, b->id) && saga_slice_equal(a->run, b->run) &&
           saga_slice_equal(a->from_step, b->from_step) && saga_slice_equal(a->text, b->text);
}

static const struct saga_fact *next_message(const struct saga_fact *facts, size_t count,
                                            bool of_the_end, size_t *index)
{
    while (*index < count) {
        const struct saga_fact *fact = &facts[(*index)++];
        if (is_message(fact) && tells_of_end(fact) == of_the_end) return fact;
    }
    return NULL;
}

/* Whose it is: the step's, also of a note, whose `step` is its receiver's. */
static struct saga_slice step_of(const struct saga_fact *fact)
{
    if (fact->kind == SAGA_FACT_NOTE_SENT) return saga_what_if_step(fact->from_step);
    return fact->kind == SAGA_FACT_EVENT_PUBLISHED ? SAGA_SLICE_NONE
                                                   : saga_what_if_step(fact->step);
}

static struct saga_slice words_of(const struct saga_fact *fact, struct saga_arena *arena)
{
    if (fact->kind == SAGA_FACT_NOTE_SENT)
        return saga_arena_printf(arena, "%s to %.*s", saga_note_name(fact->note),
                                 SAGA_SLICE_ARG(fact->id));
    if (fact->kind == SAGA_FACT_COMPENSATION_SENT && fact->topic.size == 0)
        return saga_arena_printf(arena, "compensation of %.*s", SAGA_SLICE_ARG(fact->step));
    if (fact->attempt > 1)
        return saga_arena_printf(arena, "%.*s to %.*s, attempt %u", SAGA_SLICE_ARG(fact->type),
                                 SAGA_SLICE_ARG(fact->topic), fact->attempt);
    return saga_arena_printf(arena, "%.*s to %.*s", SAGA_SLICE_ARG(fact->type),
                             SAGA_SLICE_ARG(fact->topic));
}

static struct saga_what_if_side side_of(const struct saga_fact *fact, struct saga_arena *arena)
{
    if (!fact) return (struct saga_what_if_side){ .words = SAGA_SLICE("nothing") };
    return (struct saga_what_if_side){
        .words = words_of(fact, arena),
        .body = saga_slice_clip(fact->value, SAGA_WHAT_IF_BODY_BYTES_MAX),
        .body_clipped = fact->value.size > SAGA_WHAT_IF_BODY_BYTES_MAX
    };
}

/* What it is called in a group: without what differs from saga to saga. */
static struct saga_slice name_of(const struct saga_fact *fact)
{
    if (fact->kind == SAGA_FACT_NOTE_SENT) return saga_slice_of(saga_note_name(fact->note));
    return fact->type.size ? fact->type : SAGA_SLICE("its compensation");
}

static struct saga_slice difference(const struct saga_fact *recorded, const struct saga_fact *fact,
                                    struct saga_arena *arena)
{
    if (!fact)
        return saga_arena_printf(arena, "does not send %.*s", SAGA_SLICE_ARG(name_of(recorded)));
    if (!recorded)
        return saga_arena_printf(arena, "sends %.*s besides", SAGA_SLICE_ARG(name_of(fact)));
    if (same_addressee(recorded, fact))
        return saga_arena_printf(arena, "sends another body of %.*s",
                                 SAGA_SLICE_ARG(name_of(fact)));
    if (saga_slice_equal(name_of(recorded), name_of(fact)))
        return saga_arena_printf(arena, "sends another %.*s", SAGA_SLICE_ARG(name_of(fact)));
    return saga_arena_printf(arena, "sends %.*s instead of %.*s", SAGA_SLICE_ARG(name_of(fact)),
                             SAGA_SLICE_ARG(name_of(recorded)));
}

bool saga_what_if_other_messages(const struct saga_journal_record *record,
                                 const struct saga_facts *facts, bool of_the_end,
                                 struct saga_arena *arena, struct saga_parting *ret)
{
    const struct saga_fact *recorded, *fact;
    size_t left = 0, right = 0;
    do {
        recorded = next_message(record->facts, record->fact_count, of_the_end, &left);
        fact = next_message(facts->items, facts->count, of_the_end, &right);
        if (!recorded && !fact) return false;
    } while (recorded && fact && same_addressee(recorded, fact) &&
             same_body(recorded->value, fact->value));
    *ret = (struct saga_parting){ .class = SAGA_WHAT_IF_OTHER_COMMANDS,
                                  .step = step_of(fact ? fact : recorded),
                                  .what = difference(recorded, fact, arena),
                                  .recorded = side_of(recorded, arena),
                                  .instead = side_of(fact, arena) };
    return true;
}

/* ---- events that change nothing ---- */

static bool is_refusal(const struct saga_fact *fact)
{
    return fact->kind == SAGA_FACT_REPLY_IGNORED || fact->kind == SAGA_FACT_NOTE_IGNORED ||
           fact->kind == SAGA_FACT_TIMER_IGNORED || fact->kind == SAGA_FACT_OPERATOR_REFUSED ||
           fact->kind == SAGA_FACT_OPERATOR_IGNORED || fact->kind == SAGA_FACT_START_IGNORED;
}

static const struct saga_fact *find_refusal(const struct saga_fact *facts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_refusal(&facts[i])) return &facts[i];
    return NULL;
}

/* A deadline that passed without any consequence. */
static bool is_alarm(const struct saga_journal_record *record)
{
    return record->fact_count == 1 && record->facts[0].kind == SAGA_FACT_DEADLINE_PASSED;
}

static struct saga_slice event_name(const struct saga_event *event)
{
    if (event->kind == SAGA_EVENT_OPERATOR) return saga_slice_of(saga_verb_name(event->verb));
    if (event->kind == SAGA_EVENT_NOTE) return saga_slice_of(saga_note_name(event->note));
    if (event->kind == SAGA_EVENT_TIMER) return SAGA_SLICE("a timer");
    return event->type;
}

bool saga_what_if_unhandled(const struct saga_journal_record *record,
                            const struct saga_facts *facts, struct saga_arena *arena,
                            struct saga_parting *ret)
{
    const struct saga_event *cause = &record->cause;
    const struct saga_fact *fact = find_refusal(facts->items, facts->count);
    if (!fact || find_refusal(record->facts, record->fact_count) || is_alarm(record)) return false;
    struct saga_slice name = event_name(cause);
    bool timer = cause->kind == SAGA_EVENT_TIMER;
    *ret = (struct saga_parting){
        .class = timer ? SAGA_WHAT_IF_OTHER_TIME : SAGA_WHAT_IF_UNHANDLED,
        .step = saga_what_if_step(cause->step),
        .what = saga_arena_printf(arena, "%.*s: %.*s", SAGA_SLICE_ARG(name),
                                  SAGA_SLICE_ARG(fact->reason)),
        .recorded.words = saga_arena_printf(arena, "%.*s is taken", SAGA_SLICE_ARG(name)),
        .recorded.body = saga_slice_clip(cause->body, SAGA_WHAT_IF_BODY_BYTES_MAX),
        .recorded.body_clipped = cause->body.size > SAGA_WHAT_IF_BODY_BYTES_MAX,
        .instead.words = fact->message,
    };
    return true;
}

/* ---- stuck ---- */

bool saga_what_if_stuck(const struct saga_state *state, const struct saga_state *recorded,
                        struct saga_arena *arena, struct saga_parting *ret)
{
    if (state->status != SAGA_STUCK) return false;
    bool too = recorded->status == SAGA_STUCK;
    if (too && state->stuck_on == recorded->stuck_on &&
        saga_slice_equal(state->stuck_step, recorded->stuck_step))
        return false;
    *ret = (struct saga_parting){
        .class = SAGA_WHAT_IF_STUCK,
        .step = saga_what_if_step(state->stuck_step),
        .what = saga_arena_printf(arena, "on %s", saga_stuck_on_name(state->stuck_on)),
        .recorded.words =
            saga_arena_printf(arena, "%s%s%.*s", saga_status_name(recorded->status),
                              too ? ": " : "", SAGA_SLICE_ARG(recorded->stuck_message)),
        .instead.words = saga_arena_copy(arena, state->stuck_message),
    };
    return true;
}
