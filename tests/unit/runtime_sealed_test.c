/* Sealed values (codec/sealed.h), and journals of sagas that have them, proved with and without the key. */
#include "runtime_recorded.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "codec/sealed.h"
#include "definition/catalog.h"
#include "recorded/recorded.h"
#include "runtime/replay.h"

#define SECRET "Ada-Lovelace-1815"
#define DEFINITION                                                                                 \
    "saga: s\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, "   \
    "event: Go, key: .k }\nkeep: 1h\nredact: [.input.name]\nsteps:\n"                              \
    "  - { step: a, send: p/A, body: '{n: .input.name}', success: ADone, failure: ANo, "           \
    "compensate: none }\n"                                                                         \
    "  - set: { who: .input.name }\n"                                                              \
    "  - { step: b, send: p/B, body: .vars, success: BDone, failure: BNo, compensate: none }\n"

/* A saga's life, decided in the open and then sealed, as a worker does it. */
struct life {
    struct recorded open, sealed;
    struct saga_wrapping *wrapping;
    struct saga_keyring *ring;
    struct saga_key_record record;
    struct saga_data_key key;
};

static void begin(struct life *life)
{
    static const char key[] = "1111111111111111111111111111111111111111111111111111111111111111";
    struct saga_diagnostic diagnostic;
    recorded_begin(&life->open, DEFINITION);
    recorded_begin(&life->sealed, DEFINITION);
    assert_int_equal(
        saga_wrapping_of(saga_slice_of(key), &life->open.arena, &life->wrapping, &diagnostic),
        SAGA_OK);
    life->ring = saga_keyring_new(life->wrapping);
    start(&life->open, "k", "{\"k\":\"k\",\"name\":\"" SECRET "\"}");
    reply(&life->open, "ADone", "a", "{\"said\":\"" SECRET "\"}");
    reply(&life->open, "BNo", "b", "{\"message\":\"no such person: " SECRET "\"}");
    ring(&life->open, "keep");
    const struct saga_state *state = life->open.state;
    uint8_t random[SAGA_KEY_RANDOM_BYTES] = "random";
    saga_wrapping_make(life->wrapping, random, state->id, state->run, &life->open.arena,
                       &life->record, &life->key);
}

static void seal(struct life *life)
{
    for (size_t i = 0; i < life->open.count; i++) {
        struct saga_journal_record record;
        struct saga_diagnostic diagnostic;
        struct saga_slice bytes;
        assert_int_equal(saga_journal_decode(life->open.codec, life->open.records[i].value,
                                             &life->open.arena, &record, &diagnostic),
                         SAGA_OK);
        saga_seal_record(&life->key, &record, &life->open.arena);
        assert_int_equal(saga_journal_encode(life->sealed.codec, &record, life->sealed.chain,
                                             &life->sealed.arena, &bytes, life->sealed.chain),
                         SAGA_OK);
        recorded_push(&life->sealed, bytes);
        life->sealed.records[i].key = life->open.records[i].key;
    }
}

static void end(struct life *life)
{
    saga_keyring_free(life->ring);
    saga_wrapping_free(life->wrapping);
    recorded_end(&life->open);
    recorded_end(&life->sealed);
}

static void count_difference(const struct saga_difference *difference, void *context)
{
    uint64_t *counts = context;
    counts[difference->kind]++;
}

/* The sum of all differences; `ring` may be NULL. `definition`: what is deployed; NULL: nothing. */
static uint64_t replay_with(struct life *life, const struct saga_keyring *ring,
                            const char *definition, struct saga_replay_counts *ret)
{
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT] = { 0 }, sum = 0;
    struct saga_catalog *catalog;
    struct saga_replay *replay;
    assert_int_equal(saga_catalog_new(&catalog), 0);
    if (definition) assert_int_equal(saga_catalog_add(catalog, recorded_load(definition)), 0);
    saga_replay_new(life->sealed.codec, catalog, 0, count_difference, differences, &replay);
    saga_replay_keys(replay, ring);
    for (size_t i = 0; i < life->sealed.count; i++)
        saga_replay_record(replay, &life->sealed.records[i]);
    saga_replay_count(replay, ret);
    for (size_t i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++)
        /* the journal begins without the record that opens it */
        sum += i == SAGA_DIFFERENCE_OPENING ? 0 : differences[i];
    saga_replay_free(replay);
    saga_catalog_free(catalog);
    return sum;
}

static uint64_t replay_all(struct life *life, const struct saga_keyring *ring,
                           struct saga_replay_counts *ret)
{
    return replay_with(life, ring, DEFINITION, ret);
}

static bool holds_secret(struct saga_slice bytes)
{
    return memmem(bytes.data, bytes.size, SECRET, strlen(SECRET)) != NULL;
}

/* Catches a field that was forgotten: a value, or words that were made of one. */
static void nothing_of_a_value_is_left_in_the_open(void **state)
{
    struct life life;
    (void)state;
    begin(&life);
    size_t told = 0;
    for (size_t i = 0; i < life.open.count; i++) told += holds_secret(life.open.records[i].value);
    assert_int_equal(told, 3);
    seal(&life);
    for (size_t i = 0; i < life.sealed.count; i++)
        assert_false(holds_secret(life.sealed.records[i].value));
    end(&life);
}

/* Evolving needs no key: the sealed facts give a state that opens to what the open ones gave. */
static void a_sealed_state_opens_to_the_open_one(void **state)
{
    struct life life;
    struct saga_state *sealed = saga_state_new(), *open = saga_state_new();
    struct saga_slice first, second;
    (void)state;
    begin(&life);
    seal(&life);
    for (size_t i = 0; i < 3; i++) { /* but for the last, in which the saga leaves */
        struct saga_journal_record a, b;
        struct saga_diagnostic diagnostic;
        saga_journal_decode(life.open.codec, life.open.records[i].value, &life.open.arena, &a,
                            &diagnostic);
        saga_journal_decode(life.open.codec, life.sealed.records[i].value, &life.open.arena, &b,
                            &diagnostic);
        saga_evolve_begin(open, &a.cause);
        saga_evolve_begin(sealed, &b.cause);
        assert_int_equal(a.fact_count, b.fact_count);
        for (size_t f = 0; f < a.fact_count; f++) {
            assert_int_equal(saga_evolve(open, &a.facts[f]), SAGA_OK);
            assert_int_equal(saga_evolve(sealed, &b.facts[f]), SAGA_OK);
        }
        assert_true(saga_state_is_sealed(sealed));
        assert_false(saga_state_is_sealed(open));
    }
    assert_int_equal(saga_state_encode(life.open.codec, sealed, &life.open.arena, &first), SAGA_OK);
    assert_false(holds_secret(first));
    assert_int_equal(saga_open_state(&life.key, sealed), SAGA_OK);
    saga_state_encode(life.open.codec, sealed, &life.open.arena, &first);
    saga_state_encode(life.open.codec, open, &life.open.arena, &second);
    assert_true(holds_secret(second));
    assert_true(saga_slice_equal(first, second));
    saga_state_free(sealed);
    saga_state_free(open);
    end(&life);
}

static void with_its_key_every_decision_is_proved(void **state)
{
    struct life life;
    struct saga_replay_counts counts;
    (void)state;
    begin(&life);
    seal(&life);
    saga_keyring_put(life.ring, &life.record);
    assert_int_equal(replay_all(&life, life.ring, &counts), 0);
    assert_int_equal(counts.unproved_forgotten + counts.unproved_sealed, 0);
    assert_int_equal(counts.forgotten, 1);
    end(&life);
}

/* Catches a replay that takes what it cannot decide for proved without a word, and one that takes it for a fault. The last
 * record needs no key: an ended saga leaves by what it is. */
static void without_its_key_it_is_counted_and_no_fault(void **state)
{
    struct life life;
    struct saga_replay_counts counts;
    (void)state;
    begin(&life);
    seal(&life);
    assert_int_equal(replay_all(&life, NULL, &counts), 0);
    assert_int_equal(counts.unproved_sealed, 3);
    assert_int_equal(counts.unproved_forgotten, 0);
    life.record.wrapped = SAGA_SLICE_NONE;
    life.record.forgotten_ms = 1;
    saga_keyring_put(life.ring, &life.record);
    assert_int_equal(replay_all(&life, life.ring, &counts), 0);
    assert_int_equal(counts.unproved_sealed, 0);
    assert_int_equal(counts.unproved_forgotten, 3);
    assert_int_equal(counts.forgotten, 1);
    end(&life);
}

/* Catches a definition that was exchanged or is missing, and is not noticed because nothing is decided by it again. */
static void without_its_key_its_definition_is_looked_at_all_the_same(void **state)
{
    struct life life;
    struct saga_replay_counts counts;
    (void)state;
    begin(&life);
    seal(&life);
    replay_with(&life, NULL, NULL, &counts);
    assert_true(counts.differences[SAGA_DIFFERENCE_DEFINITION] >= 3);
    replay_with(&life, NULL, DEFINITION "# another\n", &counts);
    assert_int_equal(counts.differences[SAGA_DIFFERENCE_DEFINITION], 4);
    end(&life);
}

/* Somebody who can write to Kafka puts another value there and mends the chain. Catches a replay that believes him. */
static void a_sealed_value_that_was_changed_is_a_difference(void **state)
{
    struct life life;
    struct saga_replay_counts counts;
    (void)state;
    begin(&life);
    seal(&life);
    saga_keyring_put(life.ring, &life.record);
    char *bytes = (char *)(uintptr_t)life.sealed.records[0].value.data;
    size_t size = life.sealed.records[0].value.size;
    uint8_t zero[SAGA_SHA256_BYTES] = { 0 }, chain[SAGA_SHA256_BYTES];
    for (size_t i = 0; i + 14 < size; i++)
        if (bytes[i] == 0 && bytes[i + 1] == 1 && bytes[i + 9] == 1) {
            bytes[i + 30] ^= 1; /* in the first value's text */
            break;
        }
    saga_journal_chain(life.sealed.records[0].value, zero, chain);
    memcpy(bytes + size - sizeof chain, chain, sizeof chain);
    assert_true(replay_all(&life, life.ring, &counts) > 0);
    end(&life);
}

static void a_veil_covers_what_is_sealed_and_nothing_else(void **state)
{
    struct life life;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic;
    (void)state;
    begin(&life);
    seal(&life);
    saga_journal_decode(life.open.codec, life.sealed.records[2].value, &life.open.arena, &record,
                        &diagnostic);
    assert_true(saga_record_is_sealed(&record));
    saga_veil_record(&record, SAGA_SLICE("\"gone\""), SAGA_SLICE("gone"));
    assert_false(saga_record_is_sealed(&record));
    assert_true(saga_slice_is(record.cause.body, "\"gone\""));
    assert_int_equal(record.facts[0].kind, SAGA_FACT_STEP_FAILED);
    assert_true(saga_slice_is(record.facts[0].message, "gone"));
    assert_true(saga_slice_is(record.facts[0].step, "b"));
    end(&life);
}

/* ---- what a released version has sealed ---- */

static void golden_folder(char path[512])
{
    char format[17];
    recorded_format(format);
    snprintf(path, 512, "%s/%s/sealed", RECORDED_FOLDER, format);
}

static FILE *open_golden(const char *folder, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void write_golden(struct life *life, const char *folder)
{
    struct saga_message key = { .key = SAGA_SLICE("s/k") };
    mkdir(folder, 0755);
    FILE *lane = open_golden(folder, "lane-0.jsonl"), *keys = open_golden(folder, "keys.jsonl");
    for (size_t i = 0; i < life->sealed.count; i++) recorded_write(lane, &life->sealed.records[i]);
    assert_int_equal(
        saga_key_encode(life->open.codec, &life->record, &life->open.arena, &key.value), SAGA_OK);
    recorded_write(keys, &key);
    assert_int_equal(fclose(lane) + fclose(keys), 0);
}

static void take_golden(const struct saga_message *record, void *context)
{
    struct recorded *r = context;
    struct saga_message message = *record;
    message.key = saga_arena_copy(&r->arena, record->key);
    message.value = saga_arena_copy(&r->arena, record->value);
    SAGA_PUSH(&r->arena, r->records, r->count, r->capacity, message);
}

static void take_golden_key(const struct saga_message *record, void *context)
{
    struct life *life = context;
    struct saga_key_record key;
    struct saga_diagnostic diagnostic;
    assert_int_equal(saga_key_decode(life->sealed.codec,
                                     saga_arena_copy(&life->sealed.arena, record->value),
                                     &life->sealed.arena, &key, &diagnostic),
                     SAGA_OK);
    saga_keyring_put(life->ring, &key);
}

/* Values are sealed for as long as the journal is kept. Catches another form of a sealed value, of a wrapped key or of its record
 * that what is stored cannot be opened with any more; and other bytes for the same value, by which deciding again would not give
 * the record. */
static void what_was_sealed_once_can_be_opened(void **state)
{
    char folder[512];
    struct life life, once;
    struct saga_replay_counts counts;
    (void)state;
    begin(&life);
    seal(&life);
    golden_folder(folder);
    if (getenv("SAGA_GOLDEN_UPDATE")) write_golden(&life, folder);
    begin(&once);
    if (!recorded_lane(folder, 0, take_golden, &once.sealed) ||
        !recorded_file(folder, "keys.jsonl", 0, take_golden_key, &once))
        fail_msg("%s is not there: SAGA_GOLDEN_UPDATE=1 writes it", folder);
    assert_int_equal(replay_all(&once, once.ring, &counts), 0);
    assert_int_equal(counts.unproved_forgotten + counts.unproved_sealed, 0);
    assert_int_equal(counts.records, life.sealed.count);
    for (size_t i = 0; i < life.sealed.count; i++)
        assert_true(saga_slice_equal(once.sealed.records[i].value, life.sealed.records[i].value));
    end(&once);
    end(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_value_is_left_in_the_open),
        cmocka_unit_test(a_sealed_state_opens_to_the_open_one),
        cmocka_unit_test(with_its_key_every_decision_is_proved),
        cmocka_unit_test(without_its_key_it_is_counted_and_no_fault),
        cmocka_unit_test(without_its_key_its_definition_is_looked_at_all_the_same),
        cmocka_unit_test(a_sealed_value_that_was_changed_is_a_difference),
        cmocka_unit_test(a_veil_covers_what_is_sealed_and_nothing_else),
        cmocka_unit_test(what_was_sealed_once_can_be_opened),
    };
    return cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
