/* A family of sagas that tell each other something, for engine_nesting_test.c: all states, the notes that are under way, a
 * book of what happened, and what must hold after each event (told there). */
#ifndef SAGA_TESTS_UNIT_ENGINE_FAMILY_H
#define SAGA_TESTS_UNIT_ENGINE_FAMILY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "engine/fits.h"
#include "made/made.h"

enum { FAMILY = 3, LANES = 4, BOXES_MAX = 512, NOTES_MAX = 8192 };

struct word {
    UT_hash_handle hh;
    const char *text;
};

/* Of a step, from the facts alone. */
struct book {
    struct saga_slice path;
    uint32_t scope;
    unsigned done; /* 1, 2, 3 ... in which steps succeeded or became unknown; 0: neither */
    bool undone, open;
};

struct box {
    const char *id;
    struct saga_state *state;    /* as decide leaves it */
    struct saga_state *replayed; /* as the facts alone give it */
    struct book *book;
    size_t book_count, book_capacity;
    unsigned done_count;
    bool went_back;
};

struct note {
    struct saga_message message;
    uint32_t from; /* lane */
};

struct family {
    uint64_t random;
    unsigned seed;
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition **definitions; /* FAMILY of them */
    struct box boxes[BOXES_MAX];
    size_t box_count;
    struct note notes[NOTES_MAX];
    size_t note_count;
    struct word *command_ids, *taken_events;
    int64_t time_ms, offset;
    bool definition_may_miss, tells;
    unsigned idle; /* how often nothing but events from outside could move a saga on */
};

#define MUST(f, holds, ...)                                                                        \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            print_error("seed %u: ", (f)->seed);                                                   \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

static inline unsigned dice(struct family *f, unsigned sides)
{
    return made_dice(&f->random, sides);
}

static inline const struct saga_definition *definition_of(const struct family *f,
                                                          struct saga_slice id)
{
    struct saga_slice name, key;
    assert_int_equal(saga_id_parse(id, &name, &key), 0);
    for (size_t i = 0; i < FAMILY; i++)
        if (saga_slice_equal(f->definitions[i]->name, name)) return f->definitions[i];
    return NULL;
}

static inline struct box *box_of(struct family *f, struct saga_slice id)
{
    for (size_t i = 0; i < f->box_count; i++)
        if (saga_slice_is(id, f->boxes[i].id)) return &f->boxes[i];
    assert_true(f->box_count < BOXES_MAX);
    f->boxes[f->box_count] = (struct box){ .id = saga_arena_string(&f->arena, id),
                                           .state = saga_state_new(),
                                           .replayed = saga_state_new() };
    return &f->boxes[f->box_count++];
}

/* False: it is there already. */
static inline bool add_word(struct family *f, struct word **words, struct saga_slice text)
{
    struct word *word;
    HASH_FIND(hh, *words, text.data, text.size, word);
    if (word) return false;
    word = SAGA_NEW(&f->arena, struct word);
    word->text = saga_arena_string(&f->arena, text);
    HASH_ADD_KEYPTR(hh, *words, word->text, text.size, word);
    return true;
}

/* ---- the book ---- */

static inline struct book *book_of(struct family *f, struct box *box, const struct saga_fact *fact)
{
    for (size_t i = 0; i < box->book_count; i++)
        if (saga_slice_equal(box->book[i].path, fact->step)) return &box->book[i];
    struct book book = { .path = saga_arena_copy(&f->arena, fact->step), .scope = fact->scope };
    SAGA_PUSH(&f->arena, box->book, box->book_count, box->book_capacity, book);
    return &box->book[box->book_count - 1];
}

/* Are two places in two branches of one `parallel`? Goes up from both to where they part. */
static inline bool side_by_side(const struct saga_definition *definition,
                                const struct saga_state *state, uint32_t a, uint32_t b)
{
    const struct saga_scope *one = saga_state_scope(state, a), *other = saga_state_scope(state, b);
    while (one && other && one->id != other->id) {
        bool first = one->id > other->id; /* what is inside has the greater number */
        const struct saga_scope *lower = first ? one : other, *upper = first ? other : one;
        if (one->id && other->id && one->parent == other->parent && one->block == other->block &&
            definition->blocks[one->block]->kind == SAGA_BLOCK_PARALLEL)
            return true;
        one = saga_state_scope(state, lower->parent);
        other = upper;
    }
    return false;
}

static inline void note_forward(struct family *f, struct box *box, const struct saga_fact *fact)
{
    struct book *book = book_of(f, box, fact);
    bool sends = fact->kind == SAGA_FACT_STEP_SENT || fact->kind == SAGA_FACT_AWAIT_OPENED ||
                 fact->kind == SAGA_FACT_CHILD_STARTED;
    if (sends) {
        MUST(f, !box->went_back, "%s: %.*s is sent by a saga that compensates", box->id,
             SAGA_SLICE_ARG(fact->step));
        book->open = true;
        book->done = 0; /* an unknown pivot that is asked again */
        book->scope = fact->scope;
        struct saga_slice id =
            saga_command_id(&f->arena, box->state, fact->step, false, fact->attempt);
        MUST(f, add_word(f, &f->command_ids, id), "command %.*s was sent twice",
             SAGA_SLICE_ARG(id));
        return;
    }
    book->open = false;
    bool done = fact->kind == SAGA_FACT_STEP_SUCCEEDED || fact->kind == SAGA_FACT_STEP_UNKNOWN;
    if (!done)
        book->done = 0;
    else if (book->done == 0)
        book->done = ++box->done_count;
}

static inline bool was_done(const struct saga_state *state, const struct book *book)
{
    const struct saga_step_state *step = saga_state_step(state, book->path);
    return book->done > 0 && step && step->kind != SAGA_STEP_AWAIT;
}

static inline void check_order(struct family *f, const struct box *box, const struct book *of)
{
    MUST(f, of->done > 0, "%s: %.*s was not done", box->id, SAGA_SLICE_ARG(of->path));
    for (size_t i = 0; i < box->book_count; i++) {
        const struct book *book = &box->book[i];
        MUST(f, !book->open, "%s: %.*s is taken back while %.*s is open", box->id,
             SAGA_SLICE_ARG(of->path), SAGA_SLICE_ARG(book->path));
        if (book->done <= of->done || book->undone || !was_done(box->state, book)) continue;
        const struct saga_definition *definition = definition_of(f, box->state->id);
        MUST(f, side_by_side(definition, box->state, of->scope, book->scope),
             "%s: %.*s is taken back before %.*s", box->id, SAGA_SLICE_ARG(of->path),
             SAGA_SLICE_ARG(book->path));
    }
}

static inline void note_backward(struct family *f, struct box *box, const struct saga_fact *fact)
{
    struct book *book = book_of(f, box, fact);
    MUST(f, box->went_back && !box->state->pivoted, "%s: %.*s is taken back on the forward way",
         box->id, SAGA_SLICE_ARG(fact->step));
    check_order(f, box, book);
    if (fact->kind == SAGA_FACT_COMPENSATION_SENT) {
        struct saga_slice id =
            saga_command_id(&f->arena, box->state, fact->step, true, fact->attempt);
        MUST(f, add_word(f, &f->command_ids, id), "command %.*s was sent twice",
             SAGA_SLICE_ARG(id));
    } else {
        book->undone = true;
    }
}

/* ---- after each event ---- */

static inline bool sends_something(enum saga_fact_kind kind)
{
    return kind == SAGA_FACT_STEP_SENT || kind == SAGA_FACT_COMPENSATION_SENT ||
           kind == SAGA_FACT_CHILD_STARTED || kind == SAGA_FACT_AWAIT_OPENED;
}

static inline void note_fact(struct family *f, struct box *box, const struct saga_fact *fact,
                             const struct saga_event *event)
{
    switch (fact->kind) {
    case SAGA_FACT_STEP_SUCCEEDED:
        if (event->note == SAGA_NOTE_AWAIT_MATCH) {
            struct saga_slice name = saga_arena_printf(
                &f->arena, "%.*s %.*s", SAGA_SLICE_ARG(event->from_id), SAGA_SLICE_ARG(event->id));
            MUST(f, add_word(f, &f->taken_events, name), "the event %.*s is taken twice",
                 SAGA_SLICE_ARG(name));
        }
        note_forward(f, box, fact);
        break;
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_AWAIT_OPENED:
    case SAGA_FACT_CHILD_STARTED:
    case SAGA_FACT_AWAIT_CLOSED:
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_STEP_UNKNOWN:
    case SAGA_FACT_STEP_SKIPPED: note_forward(f, box, fact); break;
    case SAGA_FACT_COMPENSATION_STARTED: box->went_back = true; break;
    case SAGA_FACT_COMPENSATION_SENT:
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
    case SAGA_FACT_COMPENSATION_SKIPPED:
    case SAGA_FACT_COMPENSATION_NOT_NEEDED: note_backward(f, box, fact); break;
    default: break;
    }
    MUST(f, !sends_something(fact->kind) || !box->state->paused,
         "%s: a command is sent while the saga is paused", box->id);
}

static inline void check_box(struct family *f, const struct box *box)
{
    const struct saga_state *state = box->state;
    for (size_t i = 0; i < state->step_count; i++)
        MUST(f, saga_state_step(state, state->steps[i].path) == &state->steps[i],
             "%s: two steps are called %.*s", box->id, SAGA_SLICE_ARG(state->steps[i].path));
    const struct saga_definition *definition =
        state->kind == SAGA_KIND_SAGA ? definition_of(f, state->id) : NULL;
    for (size_t i = 0; i < state->scope_count; i++) {
        const struct saga_scope *scope = &state->scopes[i];
        MUST(f, !scope->loop || scope->open <= definition->blocks[scope->block]->for_each.at_once,
             "%s: too many rounds are open", box->id);
    }
    bool by_word = state->resolved, back = state->status == SAGA_COMPENSATED;
    MUST(f, state->status != SAGA_COMPLETED || !box->went_back || by_word,
         "%s completed after it began to compensate", box->id);
    for (size_t i = 0; back && !by_word && i < box->book_count; i++)
        MUST(f, box->book[i].undone || !was_done(state, &box->book[i]),
             "%s: %.*s was not taken back", box->id, SAGA_SLICE_ARG(box->book[i].path));
}

static inline struct saga_slice encoded(struct family *f, const struct saga_state *state)
{
    struct saga_slice bytes;
    assert_int_equal(saga_state_encode(f->codec, state, &f->arena, &bytes), 0);
    return bytes;
}

static inline struct saga_slice journaled(struct family *f, const struct saga_state *state,
                                          const struct saga_event *event,
                                          const struct saga_facts *facts)
{
    static const uint8_t zero[SAGA_SHA256_BYTES];
    struct saga_journal_record record = saga_journal_record_of(state, event, facts);
    struct saga_slice bytes;
    uint8_t chain[SAGA_SHA256_BYTES];
    assert_int_equal(saga_journal_encode(f->codec, &record, zero, &f->arena, &bytes, chain), 0);
    return bytes;
}

/* The state as a worker would find it in Redis. */
static inline struct saga_state *read_back(struct family *f, const struct saga_state *from)
{
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (from->status == SAGA_STATUS_NONE) return saga_state_new();
    MUST(f, saga_state_decode(f->codec, encoded(f, from), &f->arena, &state, &diagnostic) == 0,
         "the state of %.*s cannot be read back: %.*s", SAGA_SLICE_ARG(from->id),
         SAGA_SLICE_ARG(diagnostic.what));
    return state;
}

static inline void replay(struct family *f, struct box *box, struct saga_slice record)
{
    struct saga_journal_record read;
    struct saga_diagnostic diagnostic = { 0 };
    MUST(f, saga_journal_decode(f->codec, record, &f->arena, &read, &diagnostic) == 0,
         "the record cannot be read: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    saga_evolve_begin(box->replayed, &read.cause);
    for (size_t i = 0; i < read.fact_count; i++)
        MUST(f, saga_evolve(box->replayed, &read.facts[i]) == 0, "%s: %s cannot follow", box->id,
             saga_fact_types[read.facts[i].kind].name);
    MUST(f, saga_slice_equal(encoded(f, box->state), encoded(f, box->replayed)),
         "%s: the facts give another state", box->id);
}

/* ---- the post ---- */

static inline void post(struct family *f, const struct saga_fact *fact,
                        const struct saga_state *from)
{
    struct saga_slice name, key;
    assert_true(f->note_count < NOTES_MAX);
    struct note *note = &f->notes[f->note_count++];
    assert_int_equal(saga_id_parse(from->id, &name, &key), 0);
    note->from = saga_lane_of_key(key, LANES);
    struct saga_message *message = &note->message;
    saga_note_message(SAGA_SLICE("in"), LANES, fact, from, &f->arena, message);
    /* it may be under way for longer than its sender's state is there */
    message->key = saga_arena_copy(&f->arena, message->key);
    message->value = saga_arena_copy(&f->arena, message->value);
    for (size_t i = 0; i < message->header_count; i++)
        message->headers[i].value = saga_arena_copy(&f->arena, message->headers[i].value);
}

/* What the worker does of a note that is for no state. */
static inline void answer_for_nobody(struct family *f, const struct saga_event *event)
{
    struct saga_state nobody = { .id = event->target, .run = SAGA_SLICE("none") };
    struct saga_fact fact = { .kind = SAGA_FACT_NOTE_SENT,
                              .id = event->from_id,
                              .text = event->id,
                              .from_step = event->step };
    if (event->kind == SAGA_EVENT_START) {
        fact.note = SAGA_NOTE_CHILD_ENDED;
        fact.run = event->from_run;
        fact.step = event->from_step;
        fact.type = SAGA_SLICE("NoSuchSaga");
        fact.value = SAGA_SLICE("{\"message\":\"there is none\"}");
    } else if (event->note == SAGA_NOTE_AWAIT_MATCH) {
        fact.note = SAGA_NOTE_AWAIT_RETURNED;
        nobody.run = event->run;
    } else {
        return;
    }
    post(f, &fact, &nobody);
}

static inline void begin_anew(struct box *box)
{
    saga_state_free(box->state);
    saga_state_free(box->replayed);
    *box = (struct box){ box->id, saga_state_new(), saga_state_new(), NULL, 0, 0, 0, false };
}

static inline void tell(const struct box *box, const struct saga_event *event,
                        const struct saga_facts *facts)
{
    struct saga_slice what = event->kind == SAGA_EVENT_TIMER ? event->timer : event->type;
    fprintf(stderr, "%s <- %s %.*s %.*s:", box->id, saga_event_kind_name(event->kind),
            SAGA_SLICE_ARG(what), SAGA_SLICE_ARG(event->step));
    for (size_t i = 0; i < facts->count; i++) {
        const struct saga_fact *fact = &facts->items[i];
        struct saga_slice note = fact->kind == SAGA_FACT_NOTE_SENT
                                     ? saga_slice_of(saga_note_name(fact->note))
                                     : fact->reason;
        fprintf(stderr, " %s %.*s %.*s;", saga_fact_types[fact->kind].name,
                SAGA_SLICE_ARG(fact->step), SAGA_SLICE_ARG(note));
    }
    fprintf(stderr, " = %s\n", saga_status_name(box->state->status));
}

static inline void decide(struct family *f, struct saga_slice id, struct saga_event *event)
{
    struct saga_facts facts = { 0 }, again = { 0 };
    bool entry = saga_id_is_entry(id), unknown = !entry && !definition_of(f, id);
    struct box *box = unknown ? NULL : box_of(f, id);
    if (box && box->state->forgotten) begin_anew(box);
    if (!box || (box->state->status == SAGA_STATUS_NONE && !saga_event_begins(event))) {
        answer_for_nobody(f, event);
        return;
    }
    bool missing = f->definition_may_miss && box->state->status != SAGA_STATUS_NONE &&
                   dice(f, 12) == 0; /* R19 */
    const struct saga_definition *definition = entry || missing ? NULL : definition_of(f, id);
    struct saga_state *other = read_back(f, box->state);
    bool was_completed = box->state->status == SAGA_COMPLETED;
    event->time_ms = f->time_ms;
    event->source = (struct saga_position){ SAGA_SLICE("in"), 0, f->offset++ };
    struct saga_diagnostic misfit = { 0 };
    bool began = box->state->status != SAGA_STATUS_NONE;
    MUST(f,
         !began || (saga_state_fits(box->state, definition, &f->arena, &misfit) &&
                    saga_state_values_fit(box->state, &f->arena, &misfit)),
         "%s: %.*s", box->id, SAGA_SLICE_ARG(misfit.what));
    saga_decide(definition, box->state, event, &f->arena, &facts);
    saga_decide(definition, other, event, &f->arena, &again);
    struct saga_slice record = journaled(f, box->state, event, &facts);
    MUST(f, saga_slice_equal(record, journaled(f, other, event, &again)),
         "%s: decided again it is something else", box->id);
    saga_state_free(other);
    replay(f, box, record);
    if (f->tells) tell(box, event, &facts);
    for (size_t i = 0; i < facts.count; i++) {
        note_fact(f, box, &facts.items[i], event);
        if (facts.items[i].kind == SAGA_FACT_NOTE_SENT) post(f, &facts.items[i], box->state);
    }
    MUST(f, !was_completed || !box->went_back || box->state->parent_id.size,
         "%s: who has no parent goes back after the end", box->id);
    check_box(f, box);
}

/* Delivers a note, some one that no other of the same two lanes was sent before. */
static inline void deliver_one(struct family *f)
{
    size_t chosen = dice(f, (unsigned)f->note_count), first = 0;
    struct saga_event event;
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    while (f->notes[first].from != f->notes[chosen].from ||
           f->notes[first].message.partition != f->notes[chosen].message.partition)
        first++;
    struct note note = f->notes[first];
    memmove(f->notes + first, f->notes + first + 1, (f->note_count - first - 1) * sizeof note);
    f->note_count--;
    MUST(f, saga_note_open(&note.message, &f->arena, &id, &event, &diagnostic) == 0, "a note: %.*s",
         SAGA_SLICE_ARG(diagnostic.what));
    decide(f, id, &event);
}

#endif
