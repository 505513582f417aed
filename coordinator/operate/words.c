#include "operate/words.h"

#include <string.h>

#include "base/assert.h"
#include "base/time.h"
#include "codec/sealed.h"
#include "engine/engine.h"
#include "operate/output.h"

enum { DAY_MS = 86400000 };

static const char *const templates[SAGA_FACT_KIND_COUNT] = {
    [SAGA_FACT_LANE_OPENED] = "the lane was opened, one of {lanes}, journal {text}",
    [SAGA_FACT_SAGA_STARTED] =
        "the saga began on {name} version {version}[, its deadline is {due}]",
    [SAGA_FACT_SEARCH_VALUE_SET] = "to be found by {name}[ {text}]",
    [SAGA_FACT_STEP_SENT] =
        "{type} sent to {topic} for {step}[ ({again})][, answer expected until {due}]",
    [SAGA_FACT_STEP_RETRY_SCHEDULED] = "{step} is tried again at {due} ({reason})[: {message}]",
    [SAGA_FACT_STEP_SUCCEEDED] = "{step} succeeded",
    [SAGA_FACT_STEP_FAILED] = "{step} failed[: {type}][, {message}]",
    [SAGA_FACT_STEP_UNKNOWN] =
        "the outcome of {step} is unknown after attempt {attempt}[: {type}][, {message}]",
    [SAGA_FACT_STEP_SKIPPED] = "{step} was skipped and counts as done",
    [SAGA_FACT_COMPENSATION_DEFERRED] =
        "the saga is to be compensated[ ({type})], but only if the pivot in flight does not "
        "succeed",
    [SAGA_FACT_COMPENSATION_DROPPED] =
        "the pivot succeeded, so nothing is compensated: the saga can only go forward",
    [SAGA_FACT_COMPENSATION_STARTED] = "compensation began[: {type}][ at {step}][, {message}]",
    [SAGA_FACT_COMPENSATION_SENT] =
        "{type} sent to {topic} to take back {step}[ ({again})][, answer expected until {due}]",
    [SAGA_FACT_COMPENSATION_RETRY_SCHEDULED] =
        "taking back {step} is tried again at {due} ({reason})[: {message}]",
    [SAGA_FACT_COMPENSATION_SUCCEEDED] = "{step} was taken back",
    [SAGA_FACT_COMPENSATION_FAILED] = "taking back {step} was refused[: {type}][, {message}]",
    [SAGA_FACT_COMPENSATION_EXHAUSTED] =
        "taking back {step} did not succeed in attempt {attempt}, the last",
    [SAGA_FACT_COMPENSATION_SKIPPED] = "taking back {step} was skipped and counts as done",
    [SAGA_FACT_COMPENSATION_NOT_NEEDED] = "{step} needs no compensation",
    [SAGA_FACT_SAGA_STUCK] = "the saga is stuck on {on}[ at {step}][: {message}]",
    [SAGA_FACT_SAGA_CONTINUED] = "the saga goes on, {status}[ ({reason})]",
    [SAGA_FACT_SAGA_PAUSED] = "the saga is paused: nothing new is sent",
    [SAGA_FACT_SAGA_UNPAUSED] = "the saga goes on after its pause",
    [SAGA_FACT_TIMER_HELD] = "the timer {name} waits for the end of the pause",
    [SAGA_FACT_TIMER_ARMED] = "the timer {name} is set to {due}",
    [SAGA_FACT_EVENT_PUBLISHED] = "{type} published on {topic}[ by {step}]",
    [SAGA_FACT_VARIABLES_SET] = "{step} set the saga's variables",
    [SAGA_FACT_WAIT_STARTED] = "{step} waits until {due}",
    [SAGA_FACT_BLOCK_PASSED] = "the saga goes on behind {step}[ ({reason})]",
    [SAGA_FACT_BRANCH_STARTED] = "{step} begins its part {index}",
    [SAGA_FACT_LOOP_STARTED] = "{step} begins, over {elements}",
    [SAGA_FACT_BRANCH_ENDED] = "a part has ended",
    [SAGA_FACT_GOES_ON_LATER] = "the saga goes on[, in a record of its own at {due}]",
    [SAGA_FACT_AWAIT_OPENED] = "{step} waits for {type} of {topic}[ until {due}]",
    [SAGA_FACT_AWAIT_CLOSED] = "{step} is not waited for any more",
    [SAGA_FACT_CHILD_STARTED] = "{step} asks for the child saga {target}",
    [SAGA_FACT_NOTE_SENT] = "{target} {note}",
    [SAGA_FACT_NOTE_IGNORED] = "changed nothing ({reason})[: {message}]",
    [SAGA_FACT_DEADLINE_PASSED] = "the saga's deadline has passed",
    [SAGA_FACT_SAGA_COMPLETED] = "the saga is completed[ ({reason})]",
    [SAGA_FACT_SAGA_COMPENSATED] = "the saga is compensated[ ({reason})]",
    [SAGA_FACT_SAGA_ABANDONED] = "the saga is abandoned[ ({reason})]",
    [SAGA_FACT_SAGA_FORGOTTEN] = "kept long enough: the saga left Redis, its key is free again",
    [SAGA_FACT_CHILD_RELEASED] = "the parent has ended[, this child is kept until {due}]",
    [SAGA_FACT_ENTRY_STARTED] = "an entry for {name} began",
    [SAGA_FACT_WAITER_ADDED] = "{target} waits here with {step}",
    [SAGA_FACT_WAITER_REMOVED] = "{target} does not wait here any more ({reason})",
    [SAGA_FACT_EVENT_KEPT] = "the event {text} is kept until {due}",
    [SAGA_FACT_EVENT_OFFERED] = "the event {text} is sent to {target}",
    [SAGA_FACT_EVENT_TAKEN] = "the event {text} was taken",
    [SAGA_FACT_EVENT_RETURNED] = "the event {text} was given back",
    [SAGA_FACT_EVENT_DROPPED] = "the event {text} is kept no longer ({reason})",
    [SAGA_FACT_SCHEDULE_SET] = "the schedule of version {version} is in force, next at {due}",
    [SAGA_FACT_SCHEDULE_TICKED] =
        "the tick of {text} was {reason}[, {missed} missed], next at {due}",
    [SAGA_FACT_SCHEDULE_ENDED] = "the definition has no schedule any more",
    [SAGA_FACT_START_IGNORED] = "started nothing ({reason})[: {message}]",
    [SAGA_FACT_REPLY_IGNORED] = "changed nothing ({reason})[: {message}]",
    [SAGA_FACT_TIMER_IGNORED] = "changed nothing ({reason})[: {message}]",
    [SAGA_FACT_OPERATOR_REFUSED] = "refused ({reason})[: {message}]",
    [SAGA_FACT_OPERATOR_IGNORED] = "nothing to do ({reason})[: {message}]",
};

const char *saga_fact_template(enum saga_fact_kind kind)
{
    SAGA_ASSERT(kind < SAGA_FACT_KIND_COUNT);
    return templates[kind];
}

/* ---- values by name ---- */

static const char *stuck_on_words(enum saga_stuck_on on)
{
    static const char *const words[SAGA_STUCK_ON_COUNT] = {
        [SAGA_STUCK_ON_NOTHING] = "nothing",
        [SAGA_STUCK_ON_STEP] = "a step",
        [SAGA_STUCK_ON_PIVOT] = "its pivot, whose outcome is unknown",
        [SAGA_STUCK_ON_BODY] = "a body that cannot be made",
        [SAGA_STUCK_ON_COMPENSATION] = "a compensation",
        [SAGA_STUCK_ON_PUBLISH] = "its last event, which cannot be made",
        [SAGA_STUCK_ON_LIMIT] = "a limit",
        [SAGA_STUCK_ON_DEFINITION] = "its definition, which is not there",
    };
    SAGA_ASSERT(on < SAGA_STUCK_ON_COUNT);
    return words[on];
}

static void add_number(struct saga_buffer *buffer, uint32_t number)
{
    if (number) saga_buffer_printf(buffer, "%u", number);
}

static void add_time(struct saga_buffer *buffer, int64_t due_ms, int64_t time_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (due_ms == 0) return;
    int64_t away_ms = saga_time_between(time_ms, due_ms);
    bool near = away_ms < DAY_MS && away_ms > -DAY_MS;
    if (near)
        saga_time_format_clock(due_ms, text);
    else
        saga_time_format(due_ms, text);
    saga_buffer_add(buffer, saga_slice_of(text));
}

static void add_text(struct saga_buffer *buffer, struct saga_slice text)
{
    saga_buffer_add(buffer, saga_slice_of(saga_printable(buffer->arena, text)));
}

void saga_party_words(struct saga_slice id, struct saga_buffer *buffer)
{
    struct saga_slice parts[3] = { 0 }, rest = id;
    size_t slash = 0;
    if (!saga_id_is_entry(id)) {
        add_text(buffer, id);
        return;
    }
    while (id.data[slash] != '/') slash++;
    struct saga_slice value = saga_slice_skip(id, slash + 1);
    rest.size = slash;
    for (size_t i = 0; i < 3; i++) {
        const char *mark = rest.size ? memchr(rest.data, SAGA_ENTRY_MARK, rest.size) : NULL;
        parts[i] = rest;
        if (mark) parts[i].size = (size_t)(mark - rest.data);
        rest = saga_slice_skip(rest, parts[i].size + (mark != NULL));
    }
    if (parts[2].size == 0) {
        saga_buffer_add(buffer, SAGA_SLICE("the schedule of "));
        add_text(buffer, parts[0]);
        return;
    }
    add_text(buffer, parts[2]);
    saga_buffer_add(buffer, SAGA_SLICE(" of "));
    add_text(buffer, parts[1]);
    saga_buffer_add(buffer, SAGA_SLICE(" with "));
    add_text(buffer, value);
}

/* What is said of a note behind the name of whom it is for. */
static const char *sent_words(enum saga_note note)
{
    static const char *const words[SAGA_NOTE_COUNT] = {
        [SAGA_NOTE_CHILD_START] = "is asked for",
        [SAGA_NOTE_CHILD_CANCEL] = "is told to compensate instead of going on",
        [SAGA_NOTE_CHILD_COMPENSATE] = "is told to compensate",
        [SAGA_NOTE_CHILD_RELEASE] = "is let go",
        [SAGA_NOTE_CHILD_ENDED] = "hears how this saga ended",
        [SAGA_NOTE_CHILD_COMPENSATED] = "hears that this saga is compensated",
        [SAGA_NOTE_CHILD_REFUSED] = "hears that this saga cannot be compensated",
        [SAGA_NOTE_AWAIT_OPEN] = "is asked for",
        [SAGA_NOTE_AWAIT_CLOSE] = "is asked for no longer",
        [SAGA_NOTE_AWAIT_TAKEN] = "was taken",
        [SAGA_NOTE_AWAIT_RETURNED] = "is given back, for others who wait",
        [SAGA_NOTE_AWAIT_MATCH] = "is sent the event",
        [SAGA_NOTE_AWAIT_REFUSED] = "hears that too many wait for this value",
        [SAGA_NOTE_SCHEDULE_START] = "is asked for",
    };
    SAGA_ASSERT(note < SAGA_NOTE_COUNT);
    return words[note] ? words[note] : saga_note_name(note);
}

static void add_value(const struct saga_fact *fact, struct saga_slice name, int64_t time_ms,
                      struct saga_buffer *buffer)
{
    if (saga_slice_is(name, "due")) {
        add_time(buffer, fact->due_ms, time_ms);
    } else if (saga_slice_is(name, "attempt")) {
        add_number(buffer, fact->attempt);
    } else if (saga_slice_is(name, "again")) {
        if (fact->attempt > 1) saga_buffer_printf(buffer, "attempt %u", fact->attempt);
    } else if (saga_slice_is(name, "version")) {
        add_number(buffer, fact->version);
    } else if (saga_slice_is(name, "lanes")) {
        add_number(buffer, fact->lanes);
    } else if (saga_slice_is(name, "index")) {
        saga_buffer_printf(buffer, "%u", fact->index + 1);
    } else if (saga_slice_is(name, "elements")) {
        saga_buffer_printf(buffer, "%u %s", fact->total, fact->total == 1 ? "element" : "elements");
    } else if (saga_slice_is(name, "missed")) {
        if (fact->total) saga_buffer_printf(buffer, "%u", fact->total);
    } else if (saga_slice_is(name, "note")) {
        saga_buffer_add(buffer, saga_slice_of(sent_words(fact->note)));
    } else if (saga_slice_is(name, "target")) {
        saga_party_words(fact->target.size ? fact->target : fact->id, buffer);
    } else if (saga_slice_is(name, "status")) {
        saga_buffer_add(buffer, saga_slice_of(saga_status_name(fact->status)));
    } else if (saga_slice_is(name, "on")) {
        saga_buffer_add(buffer, saga_slice_of(stuck_on_words(fact->stuck_on)));
    } else {
        const struct {
            const char *name;
            struct saga_slice value;
        } texts[] = { { "step", fact->step },       { "type", fact->type },
                      { "topic", fact->topic },     { "reason", fact->reason },
                      { "message", fact->message }, { "name", fact->name },
                      { "text", fact->text } };
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            if (!saga_slice_is(name, texts[i].name)) continue;
            add_text(buffer, texts[i].value);
            return;
        }
        SAGA_ASSERT(!"a template names a value that there is not");
    }
}

/* Fills in a template's values up to `end`; false if one of them was empty. */
static bool fill(const char *template, const char *end, const struct saga_fact *fact,
                 int64_t time_ms, struct saga_buffer *buffer)
{
    bool whole = true;
    while (template <end) {
        if (*template == '[') {
            const char *close = memchr(template, ']', (size_t)(end - template));
            SAGA_ASSERT(close);
            size_t before = buffer->size;
            if (!fill(template + 1, close, fact, time_ms, buffer)) buffer->size = before;
            template = close + 1;
        } else if (*template == '{') {
            const char *close = memchr(template, '}', (size_t)(end - template));
            SAGA_ASSERT(close);
            size_t before = buffer->size;
            struct saga_slice name = { template + 1, (size_t)(close - template - 1) };
            add_value(fact, name, time_ms, buffer);
            if (buffer->size == before) whole = false;
            template = close + 1;
        } else {
            saga_buffer_add_char(buffer, *template ++);
        }
    }
    return whole;
}

void saga_fact_words(const struct saga_fact *fact, int64_t time_ms, struct saga_buffer *buffer)
{
    const char *template = saga_fact_template(fact->kind);
    (void)fill(template, template + strlen(template), fact, time_ms, buffer);
}

/* ---- causes ---- */

static void add_start(const struct saga_event *cause, struct saga_buffer *buffer)
{
    if (cause->note == SAGA_NOTE_CHILD_START) {
        saga_party_words(cause->from_id, buffer);
        saga_buffer_add(buffer, SAGA_SLICE(" asked for this saga as its child"));
        return;
    }
    if (cause->note == SAGA_NOTE_SCHEDULE_START) {
        saga_buffer_add(buffer, SAGA_SLICE("the schedule's time came"));
        return;
    }
    if (cause->type.size)
        add_text(buffer, cause->type);
    else
        saga_buffer_add(buffer, SAGA_SLICE("a start"));
    if (!cause->source.topic.size) return;
    saga_buffer_add(buffer, SAGA_SLICE(" came from "));
    add_text(buffer, cause->source.topic);
}

static void add_reply(const struct saga_event *cause, struct saga_buffer *buffer)
{
    if (cause->type.size)
        add_text(buffer, cause->type);
    else
        saga_buffer_add(buffer, SAGA_SLICE("an answer without a type"));
    if (!cause->step.size) {
        saga_buffer_add(buffer, SAGA_SLICE(" came, naming no command"));
        return;
    }
    saga_buffer_add(buffer, cause->compensation ? SAGA_SLICE(" came for taking back ")
                                                : SAGA_SLICE(" came for "));
    add_text(buffer, cause->step);
    if (cause->attempt) saga_buffer_printf(buffer, " (attempt %u)", cause->attempt);
}

static void add_timer(const struct saga_event *cause, struct saga_buffer *buffer)
{
    static const struct {
        const char *prefix, *words;
    } kinds[] = { { "deadline", "the saga's deadline came" },
                  { "keep", "the time to keep the ended saga was over" },
                  { "step/", "the timer rang for " },
                  { "wait/", "the wait was over at " },
                  { "go-on", "the saga's turn came again" },
                  { "expire", "the time to keep an event was over" },
                  { "tick", "the schedule's time came" },
                  { "again", "the schedule is looked at again" },
                  { "compensation/", "the timer rang for taking back " } };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!saga_slice_starts_with(cause->timer, kinds[i].prefix)) continue;
        saga_buffer_add(buffer, saga_slice_of(kinds[i].words));
        add_text(buffer, saga_slice_skip(cause->timer, strlen(kinds[i].prefix)));
        return;
    }
    saga_buffer_add(buffer, SAGA_SLICE("the timer rang: "));
    add_text(buffer, cause->timer);
}

static void add_operator(const struct saga_event *cause, struct saga_buffer *buffer)
{
    if (cause->who.size)
        add_text(buffer, cause->who);
    else
        saga_buffer_add(buffer, SAGA_SLICE("somebody"));
    saga_buffer_printf(buffer, " said %s", saga_verb_name(cause->verb));
    if (cause->as.size) {
        saga_buffer_add(buffer, SAGA_SLICE(" as "));
        add_text(buffer, cause->as);
    }
    if (cause->from.size) {
        saga_buffer_add(buffer, SAGA_SLICE(" from "));
        add_text(buffer, cause->from);
    }
    if (cause->reason.size) {
        saga_buffer_add(buffer, SAGA_SLICE(": "));
        add_text(buffer, cause->reason);
    }
}

/* What is said of a note behind the name of whom it is from. */
static const char *told_words(enum saga_note note)
{
    static const char *const words[SAGA_NOTE_COUNT] = {
        [SAGA_NOTE_CHILD_CANCEL] = "is compensated, so this child is cancelled",
        [SAGA_NOTE_CHILD_COMPENSATE] = "is compensated, and this child with it",
        [SAGA_NOTE_CHILD_RELEASE] = "has ended and lets this child go",
        [SAGA_NOTE_CHILD_ENDED] = "ended: ",
        [SAGA_NOTE_CHILD_COMPENSATED] = "is compensated",
        [SAGA_NOTE_CHILD_REFUSED] = "cannot be compensated",
        [SAGA_NOTE_AWAIT_OPEN] = "began to wait at ",
        [SAGA_NOTE_AWAIT_CLOSE] = "waits no longer at ",
        [SAGA_NOTE_AWAIT_TAKEN] = "took the event at ",
        [SAGA_NOTE_AWAIT_RETURNED] = "gave the event back at ",
        [SAGA_NOTE_AWAIT_MATCH] = "came",
        [SAGA_NOTE_AWAIT_REFUSED] = "cannot be waited for: too many sagas wait for the same value",
        [SAGA_NOTE_SCHEDULE_SET] = "was deployed",
    };
    SAGA_ASSERT(note < SAGA_NOTE_COUNT);
    return words[note] ? words[note] : saga_note_name(note);
}

static void add_note(const struct saga_event *cause, struct saga_buffer *buffer)
{
    if (cause->note == SAGA_NOTE_AWAIT_EVENT) {
        add_start(cause, buffer);
        return;
    }
    const char *words = told_words(cause->note);
    bool open = words[strlen(words) - 1] == ' ';
    saga_party_words(cause->from_id, buffer);
    saga_buffer_printf(buffer, " %s", words);
    if (open)
        add_text(buffer, cause->note == SAGA_NOTE_CHILD_ENDED ? cause->type : cause->from_step);
}

void saga_cause_words(const struct saga_journal_record *record, struct saga_buffer *buffer)
{
    switch (record->cause.kind) {
    case SAGA_EVENT_LANE: saga_buffer_add(buffer, SAGA_SLICE("the coordinator began")); return;
    case SAGA_EVENT_START: add_start(&record->cause, buffer); return;
    case SAGA_EVENT_REPLY: add_reply(&record->cause, buffer); return;
    case SAGA_EVENT_TIMER: add_timer(&record->cause, buffer); return;
    case SAGA_EVENT_OPERATOR: add_operator(&record->cause, buffer); return;
    case SAGA_EVENT_NOTE: add_note(&record->cause, buffer); return;
    case SAGA_EVENT_KIND_COUNT: break;
    }
    SAGA_ASSERT(!"a kind of event");
}

/* ---- states ---- */

static void add_open(struct saga_buffer *buffer, const char *what, struct saga_slice path,
                     uint32_t attempt, bool waits)
{
    if (buffer->size) saga_buffer_add(buffer, SAGA_SLICE(", "));
    saga_buffer_add(buffer, saga_slice_of(what));
    add_text(buffer, path);
    const char *again = waits ? "waits to try again" : "";
    if (attempt > 1)
        saga_buffer_printf(buffer, " (attempt %u%s%s)", attempt, waits ? ", " : "", again);
    else if (waits)
        saga_buffer_printf(buffer, " (%s)", again);
}

/* The blocks that wait for a time: no step of the saga says so, only their timers. */
static void add_waits(struct saga_buffer *buffer, const struct saga_state *state)
{
    static const char wait[] = "wait/";
    for (size_t i = 0; i < state->timer_count; i++)
        if (saga_slice_starts_with(state->timers[i].name, wait))
            add_open(buffer, "", saga_slice_skip(state->timers[i].name, strlen(wait)), 0, false);
}

struct saga_slice saga_standing(const struct saga_state *state, struct saga_arena *arena)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, arena);
    if (saga_status_has_ended(state->status)) return saga_buffer_slice(&buffer);
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *s = &state->steps[i];
        if (s->status == SAGA_STEP_SENT || s->status == SAGA_STEP_BACKOFF)
            add_open(&buffer, "", s->path, s->attempt, s->status == SAGA_STEP_BACKOFF);
        if (s->compensation == SAGA_COMPENSATION_SENT ||
            s->compensation == SAGA_COMPENSATION_BACKOFF)
            add_open(&buffer, "taking back ", s->path, s->compensation_attempt,
                     s->compensation == SAGA_COMPENSATION_BACKOFF);
    }
    add_waits(&buffer, state);
    if (buffer.size == 0 && state->status == SAGA_STUCK) add_text(&buffer, state->stuck_step);
    if (state->paused)
        saga_buffer_add(&buffer, buffer.size ? SAGA_SLICE(" (paused)") : SAGA_SLICE("(paused)"));
    return saga_buffer_slice(&buffer);
}

static void join(struct saga_buffer *buffer, struct saga_slice text)
{
    if (!text.size) return;
    if (buffer->size) saga_buffer_add(buffer, SAGA_SLICE(": "));
    add_text(buffer, text);
}

struct saga_slice saga_shown_message(const struct saga_state *state, struct saga_slice message)
{
    bool sealed = saga_state_is_sealed(state) && saga_slice_starts_with(message, SAGA_SEALED_TEXT);
    return sealed ? SAGA_SLICE("(sealed)") : message;
}

struct saga_slice saga_trouble(const struct saga_state *state, struct saga_arena *arena)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, arena);
    if (state->status == SAGA_STUCK) {
        saga_buffer_printf(&buffer, "stuck on %s", stuck_on_words(state->stuck_on));
        join(&buffer, saga_shown_message(state, state->stuck_message));
    } else if (state->has_error) {
        join(&buffer, state->error.type);
        join(&buffer, saga_shown_message(state, state->error.message));
    }
    return saga_buffer_slice(&buffer);
}

const char *saga_relative(struct saga_arena *arena, int64_t time_ms, int64_t now_ms)
{
    if (time_ms > now_ms)
        return saga_arena_printf(arena, "in %s", saga_age(arena, now_ms, time_ms)).data;
    return saga_arena_printf(arena, "%s ago", saga_age(arena, time_ms, now_ms)).data;
}
