/* From records to events: which sagas a record concerns, in which lane, and what cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/hash.h"
#include "codec/message.h"
#include "runtime/intake.h"

enum { LANES = 8 };

static const char first[] =
    "saga: one\nversion: 1\n"
    "participants: { p: { commands: c, replies: r, correlate: .order, type: .kind } }\n"
    "start: { topic: t, event: Go, key: .id, when: .n > 0 }\n"
    "steps: [{ step: a, send: p/A, success: Done, compensate: none }]\n";
static const char second[] = "saga: two\nversion: 1\n"
                             "participants: { p: { commands: c, replies: r, correlate: .order } }\n"
                             "start: { topic: t, event: Go, key: .other }\n"
                             "steps: [{ step: a, send: p/A, success: Done, compensate: none }]\n";

/* two ways to begin, and two for one event */
static const char third_definition[] =
    "saga: three\nversion: 1\n"
    "participants: { p: { commands: c, replies: r } }\n"
    "start:\n"
    "  - { topic: u, event: Paid, key: .paid }\n"
    "  - { topic: u, event: Asked, key: .urgent, when: .urgent != null }\n"
    "  - { topic: u, event: Asked, key: .id }\n"
    "steps: [{ step: a, send: p/A, success: Done, compensate: none }]\n";

/* one topic that both begins a saga and goes on with it; two versions that match by other members */
static const char waiting[] = "saga: four\nversion: 1\n"
                              "participants: { p: { commands: c, replies: r } }\n"
                              "start: { topic: w, event: Go, key: .id }\n"
                              "steps: [{ await: go, topic: w, event: Go, match: .old, with: "
                              ".input.id, timeout: 1h }]\n";
static const char waiting_newer[] = "saga: four\nversion: 2\n"
                                    "participants: { p: { commands: c, replies: r } }\n"
                                    "start: { topic: w, event: Go, key: .id }\n"
                                    "steps: [{ await: go, topic: w, event: Go, match: .new, with: "
                                    ".input.id, timeout: 1h }]\n";

struct world {
    struct saga_arena arena;
    struct saga_catalog *catalog;
    struct saga_intake intake;
};

static void add(struct world *w, const char *text)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, &w->arena);
    assert_int_equal(saga_definition_load(saga_slice_of(text), "test", &findings, &definition), 0);
    assert_int_equal(saga_catalog_add(w->catalog, definition), 0);
}

static int set_up(void **state)
{
    static struct world world;
    saga_arena_init(&world.arena);
    assert_int_equal(saga_catalog_new(&world.catalog), 0);
    add(&world, first);
    add(&world, second);
    add(&world, third_definition);
    add(&world, waiting);
    add(&world, waiting_newer);
    world.intake =
        (struct saga_intake){ world.catalog, SAGA_SLICE("saga.inbox"), LANES, &world.arena };
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    saga_catalog_free(w->catalog);
    saga_arena_free(&w->arena);
    return 0;
}

static struct saga_intake_item *read_one(struct world *w, const char *topic, const char *body,
                                         struct saga_header *headers, size_t header_count,
                                         size_t *ret_count)
{
    struct saga_message *record = SAGA_NEW(&w->arena, struct saga_message);
    struct saga_intake_item *items;
    *record = (struct saga_message){ .topic = saga_slice_of(topic),
                                     .partition = 3,
                                     .offset = 5,
                                     .value = saga_slice_of(body),
                                     .headers = headers,
                                     .header_count = header_count };
    saga_intake_read(&w->intake, record, &items, ret_count);
    return items;
}

static void one_event_starts_every_saga_that_waits_for_it(void **state)
{
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Go") } };
    size_t count;
    struct saga_intake_item *items = read_one(
        *state, "t", "{\"id\":\"a/1\",\"other\":12345678901234567890,\"n\":1}", headers, 1, &count);
    assert_int_equal(count, 2);
    assert_true(saga_slice_is(items[0].saga_id, "one/a/1"));
    assert_int_equal(items[0].lane, saga_lane_of_key(SAGA_SLICE("a/1"), LANES));
    assert_true(saga_slice_is(items[1].saga_id, "two/12345678901234567890")); /* digit for digit */
    read_one(*state, "t", "{\"id\":\"a\",\"other\":\"b\",\"n\":0}", headers, 1, &count);
    assert_int_equal(count, 1); /* `when` leaves the first out */
    headers[0].value = SAGA_SLICE("Other");
    items = read_one(*state, "t", "{}", headers, 1, &count);
    assert_int_equal(count, 1);
    assert_int_equal(items[0].fate, SAGA_INTAKE_NOTHING);
}

/* Catches two sagas, or one saga twice, that one record starts. */
static void the_first_start_that_fits_counts(void **state)
{
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Paid") } };
    size_t count;
    struct saga_intake_item *items =
        read_one(*state, "u", "{\"paid\":\"p\",\"id\":\"i\"}", headers, 1, &count);
    assert_int_equal(count, 1);
    assert_true(saga_slice_is(items[0].saga_id, "three/p"));
    headers[0].value = SAGA_SLICE("Asked");
    items = read_one(*state, "u", "{\"urgent\":\"x\",\"id\":\"i\"}", headers, 1, &count);
    assert_int_equal(count, 1);
    assert_true(saga_slice_is(items[0].saga_id, "three/x"));
    items = read_one(*state, "u", "{\"id\":\"i\"}", headers, 1, &count);
    assert_int_equal(count, 1);
    assert_true(saga_slice_is(items[0].saga_id, "three/i"));
    items = read_one(*state, "u", "{\"urgent\":[]}", headers, 1, &count); /* it fits and is wrong */
    assert_int_equal(count, 1);
    assert_int_equal(items[0].reason, SAGA_LETTER_BAD_KEY);
}

static void what_cannot_be_read_is_put_aside_with_words(void **state)
{
    struct saga_header go[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Go") } };
    struct saga_header reply[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Done") },
                                   { SAGA_SLICE("ce_sagacommandid"),
                                     SAGA_SLICE("one/k/run/a/zero") } };
    size_t count;
    struct saga_intake_item *items = read_one(*state, "t", "{", go, 1, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_DEAD_LETTER);
    assert_int_equal(items[0].reason, SAGA_LETTER_UNREADABLE);
    assert_true(items[0].words.size > 0);
    items = read_one(*state, "t", "{\"n\":1,\"other\":\"x\"}", go, 1,
                     &count); /* no id for the first saga */
    assert_int_equal(count, 2);
    assert_int_equal(items[0].reason, SAGA_LETTER_BAD_KEY);
    assert_int_equal(items[1].fate, SAGA_INTAKE_EVENT); /* the second starts all the same */
    items = read_one(*state, "r", "{}", reply, 2, &count);
    assert_int_equal(items[0].reason, SAGA_LETTER_BAD_ADDRESS);
    items = read_one(*state, "r", "{}", reply, 1, &count);
    assert_int_equal(items[0].reason, SAGA_LETTER_NO_SAGA_NAMED);
    items = read_one(*state, "r", "{\"order\":\"k\"}", NULL, 0, &count);
    assert_int_equal(items[0].reason, SAGA_LETTER_NO_TYPE); /* .kind is asked, and finds none */
    assert_non_null(strstr(items[0].words.data, ".kind gives null"));
}

/* Nobody's, as events of other types are; but somebody has probably forgotten a header. */
static void an_event_without_a_type_is_noted(void **state)
{
    struct saga_header other[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Other") } };
    size_t count;
    struct saga_intake_item *items =
        read_one(*state, "t", "{\"id\":\"a\",\"n\":1}", NULL, 0, &count);
    assert_int_equal(count, 1);
    assert_int_equal(items[0].fate, SAGA_INTAKE_NOTHING);
    assert_non_null(strstr(items[0].words.data, "ce_type"));
    items = read_one(*state, "t", "{\"id\":\"a\",\"n\":1}", other, 1, &count);
    assert_int_equal(items[0].words.size, 0);
    items = read_one(*state, "elsewhere", "{}", NULL, 0, &count);
    assert_int_equal(items[0].words.size, 0);
    add(*state, "saga: five\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"
                "start: { topic: x, event: Go, type: .what, key: .id }\n"
                "steps: [{ step: a, send: p/A, success: Done, compensate: none }]\n");
    items = read_one(*state, "x", "{\"id\":\"a\",\"what\":\"Other\"}", NULL, 0, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_NOTHING);
    assert_int_equal(items[0].words.size, 0); /* it has one, by the definition's `type` */
    items = read_one(*state, "x", "{\"id\":\"a\"}", NULL, 0, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_NOTHING);
    assert_true(items[0].words.size > 0);
}

static void replies_find_their_saga(void **state)
{
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Done") },
                                     { SAGA_SLICE("ce_sagacommandid"),
                                       SAGA_SLICE("one/k/x/run/a/compensate/2") } };
    size_t count;
    struct saga_intake_item *items = read_one(*state, "r", "{}", headers, 2, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_EVENT);
    assert_true(saga_slice_is(items[0].saga_id, "one/k/x"));
    assert_true(saga_slice_is(items[0].event.step, "a") && items[0].event.compensation);
    assert_int_equal(items[0].event.attempt, 2);
    headers[1] = (struct saga_header){ SAGA_SLICE("ce_subject"), SAGA_SLICE("two/k") };
    items = read_one(*state, "r", "{}", headers, 2, &count);
    assert_true(saga_slice_is(items[0].saga_id, "two/k") && items[0].event.step.size == 0);
    /* by the body alone: key and type; both definitions may be meant */
    items = read_one(*state, "r", "{\"order\":\"k\",\"kind\":\"Done\"}", NULL, 0, &count);
    assert_int_equal(items[0].candidate_count, 2);
    assert_true(saga_slice_is(items[0].event.type, "Done"));
}

/* A hop is taken for the lane that it was sent to and for no other; what nobody takes is not lost silently. */
static void hops_are_for_one_lane(void **state)
{
    struct world *w = *state;
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Go") } };
    struct saga_message record = { .topic = SAGA_SLICE("t"),
                                   .partition = 3,
                                   .offset = 5,
                                   .value = SAGA_SLICE("{\"id\":\"k1\",\"other\":\"k5\",\"n\":1}"),
                                   .headers = headers,
                                   .header_count = 1 };
    struct saga_message hop;
    struct saga_intake_item *items;
    size_t count;
    uint32_t lane = saga_lane_of_key(SAGA_SLICE("k1"), LANES),
             other = saga_lane_of_key(SAGA_SLICE("k5"), LANES);
    assert_int_not_equal(lane, other);
    saga_hop_message(&record, SAGA_SLICE("saga.inbox"), lane, SAGA_SLICE("k1"), &w->arena, &hop);
    saga_intake_read(&w->intake, &hop, &items, &count);
    assert_int_equal(count, 1);
    assert_true(saga_slice_is(items[0].saga_id, "one/k1"));
    assert_int_equal(items[0].event.source.offset, 5); /* where it was read first */
    uint32_t third = 0;
    while (third == lane || third == other) third++;
    hop.partition = (int32_t)third;
    saga_intake_read(&w->intake, &hop, &items, &count);
    assert_int_equal(count, 1);
    assert_int_equal(items[0].fate, SAGA_INTAKE_DEFINITION_MISSING);
}

static struct saga_intake_item *read_awaited(struct world *w, const char *body, size_t *ret_count)
{
    struct saga_header *headers = SAGA_NEW(&w->arena, struct saga_header);
    *headers = (struct saga_header){ SAGA_SLICE("ce_type"), SAGA_SLICE("Go") };
    return read_one(w, "w", body, headers, 1, ret_count);
}

/* Catches an event that a version no saga runs on makes a dead letter, and one that only half of the record's readers get. */
static void an_event_is_for_who_starts_and_for_who_waits(void **state)
{
    struct world *w = *state;
    size_t count;
    struct saga_intake_item *items = read_awaited(w, "{\"id\":\"k\",\"new\":\"v\"}", &count);
    assert_int_equal(count, 2);
    assert_true(saga_slice_is(items[0].saga_id, "four/k"));
    assert_true(saga_slice_is(items[1].saga_id, "four~w~Go/v"));
    assert_int_equal(items[1].lane, saga_lane_of_key(SAGA_SLICE("v"), LANES));
    items = read_awaited(w, "{\"id\":\"k\",\"old\":7,\"new\":7}", &count);
    assert_int_equal(count, 2); /* both versions wait at one entry, which gets it once */
    assert_true(saga_slice_is(items[1].saga_id, "four~w~Go/7"));
    read_awaited(w, "{\"id\":\"k\",\"old\":1,\"new\":2}", &count);
    assert_int_equal(count, 3);
    items = read_awaited(w, "{\"id\":\"k\"}", &count);
    assert_int_equal(count, 2);
    assert_int_equal(items[1].fate, SAGA_INTAKE_DEAD_LETTER);
    assert_int_equal(items[1].reason, SAGA_LETTER_MATCH_FAILED);
}

/* Catches a record that stands in the dead letters once for each lane that it hops to. */
static void what_cannot_be_matched_is_put_aside_where_it_was_read(void **state)
{
    struct world *w = *state;
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Go") } };
    struct saga_message hop, record = { .topic = SAGA_SLICE("w"),
                                        .partition = 3,
                                        .offset = 5,
                                        .value = SAGA_SLICE("{\"id\":\"k\"}"),
                                        .headers = headers,
                                        .header_count = 1 };
    struct saga_intake_item *items;
    size_t count;
    uint32_t lane = saga_lane_of_key(SAGA_SLICE("k"), LANES);
    saga_hop_message(&record, SAGA_SLICE("saga.inbox"), lane, SAGA_SLICE("k"), &w->arena, &hop);
    saga_intake_read(&w->intake, &hop, &items, &count);
    assert_int_equal(count, 1);
    assert_true(saga_slice_is(items[0].saga_id, "four/k"));
}

/* The record's name is the type where no header says one; a schema that is not known has a reason of its own. */
static void a_reply_in_avro_is_read_by_its_schema(void **state)
{
    struct world *w = *state;
    struct saga_schemas *schemas = saga_schemas_new();
    struct saga_diagnostics diagnostics;
    struct saga_intake_item *items;
    size_t count;
    saga_schemas_add(schemas, SAGA_SLICE("Done.avsc"),
                     SAGA_SLICE("{\"type\":\"record\",\"name\":\"n.Done\",\"fields\":[{\"name\":"
                                "\"id\",\"type\":\"long\"}]}"));
    saga_diagnostics_init(&diagnostics, &w->arena);
    assert_int_equal(saga_schemas_read(schemas, "schemas", &diagnostics), 0);
    assert_int_equal(saga_schemas_add_id(schemas, 5, SAGA_SLICE("Done.avsc")), 0);
    saga_catalog_use_schemas(w->catalog, schemas);
    struct saga_header headers[] = { { SAGA_SLICE("ce_subject"), SAGA_SLICE("first/k") } };
    struct saga_message record = { .topic = SAGA_SLICE("r"),
                                   .value = { "\0\0\0\0\5\x0e", 6 },
                                   .headers = headers,
                                   .header_count = 1 };
    saga_intake_read(&w->intake, &record, &items, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_EVENT);
    assert_true(saga_slice_is(items[0].event.type, "Done"));
    assert_true(saga_slice_is(items[0].event.body, "{\"id\":7}"));
    assert_int_equal(items[0].record.value.size, 6); /* a hop carries it as it was read */
    record.value.data = "\0\0\0\0\6\x0e";
    saga_intake_read(&w->intake, &record, &items, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_DEAD_LETTER);
    assert_int_equal(items[0].reason, SAGA_LETTER_NO_SCHEMA);
    record.value = (struct saga_slice){ "\0\0\0\0\5", 5 };
    saga_intake_read(&w->intake, &record, &items, &count);
    assert_int_equal(items[0].fate, SAGA_INTAKE_DEAD_LETTER);
    assert_int_equal(items[0].reason, SAGA_LETTER_UNREADABLE);
    saga_schemas_free(schemas);
}

static struct saga_intake_item *read_note(struct world *w, const struct saga_message *note)
{
    struct saga_intake_item *items;
    size_t count;
    struct saga_message *record = SAGA_NEW(&w->arena, struct saga_message);
    *record = *note;
    record->topic = w->intake.inbox;
    saga_intake_read(&w->intake, record, &items, &count);
    assert_int_equal(count, 1);
    return items;
}

/* The version that the note names, not the newest that this worker happens to know. */
static void a_schedule_is_set_with_the_version_that_is_named(void **state)
{
    struct world *w = *state;
    struct saga_message note;
    struct saga_slice inbox = w->intake.inbox, id = SAGA_SLICE("d-1");
    saga_schedule_message(inbox, LANES, SAGA_SLICE("one"), 1, id, &w->arena, &note);
    struct saga_intake_item *item = read_note(w, &note);
    assert_int_equal(item->fate, SAGA_INTAKE_EVENT);
    assert_true(saga_slice_is(item->saga_id, "one~schedule/one"));
    assert_int_equal(item->lane, saga_lane_of_key(SAGA_SLICE("one"), LANES));
    assert_ptr_equal(item->definition, saga_catalog_newest(w->intake.catalog, SAGA_SLICE("one")));
    saga_schedule_message(inbox, LANES, SAGA_SLICE("one"), 2, id, &w->arena, &note);
    item = read_note(w, &note);
    assert_int_equal(item->fate, SAGA_INTAKE_DEFINITION_MISSING); /* R19: not read yet */
    note.value = SAGA_SLICE("{}");
    item = read_note(w, &note);
    assert_int_equal(item->fate, SAGA_INTAKE_DEAD_LETTER);
    for (size_t i = 0; i < note.header_count; i++) /* an entry of another kind */
        if (saga_slice_is(note.headers[i].name, "saga_to"))
            note.headers[i].value = SAGA_SLICE("one~t~Go/one");
    note.value = SAGA_SLICE("{\"version\":1}");
    item = read_note(w, &note);
    assert_int_equal(item->fate, SAGA_INTAKE_DEAD_LETTER);
}

static void a_tick_starts_a_saga(void **state)
{
    struct world *w = *state;
    struct saga_message note;
    const struct saga_state entry = { .id = SAGA_SLICE("one~schedule/one"),
                                      .run = SAGA_SLICE("r") };
    const struct saga_fact fact = { .kind = SAGA_FACT_NOTE_SENT,
                                    .note = SAGA_NOTE_SCHEDULE_START,
                                    .id = SAGA_SLICE("one/2030-01-01T06:00:00Z"),
                                    .value = SAGA_SLICE("{}") };
    saga_note_message(w->intake.inbox, LANES, &fact, &entry, &w->arena, &note);
    struct saga_intake_item *item = read_note(w, &note);
    assert_int_equal(item->fate, SAGA_INTAKE_EVENT);
    assert_int_equal(item->event.kind, SAGA_EVENT_START);
    assert_true(saga_slice_is(item->event.key, "2030-01-01T06:00:00Z"));
    assert_int_equal(item->event.from_id.size, 0); /* nobody's child */
    assert_non_null(item->definition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_for_who_starts_and_for_who_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_matched_is_put_aside_where_it_was_read,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reply_in_avro_is_read_by_its_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_start_that_fits_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_event_starts_every_saga_that_waits_for_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_put_aside_with_words, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_event_without_a_type_is_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replies_find_their_saga, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hops_are_for_one_lane, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_schedule_is_set_with_the_version_that_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_tick_starts_a_saga, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
