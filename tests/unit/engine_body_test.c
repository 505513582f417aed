/* Bodies in Avro while deciding: the journal keeps JSON, what is sent is made beside it; what does not fit is the step's
 * failure; a further attempt after the schemas have changed. */
#include "engine_world.h"

#include "base/error.h"
#include "base/hash.h"

#define AVRO                                                                                       \
    "saga: s\nversion: 1\nparticipants: { p: { commands: c, replies: r, format: "                  \
    "avro-single-object } }\nstart: { topic: t, event: Go, key: .k }\n" RETRY                      \
    "steps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone, failure: ANo,\n"     \
    "      compensate: { send: p/UndoA, body: '{n: .input.n}',\n"                                  \
    "        retry: { attempts: 3, backoff: 1s, jitter: false } } }\n"                             \
    "  - { step: b, send: p/B, body: '{n: .input.n}', success: BDone, failure: BNo, compensate: "  \
    "none }\n"                                                                                     \
    "on-completed: { publish: e/Done, format: avro-single-object, body: '{n: .input.n}' }\n"

#define SCHEMA(name, type)                                                                         \
    "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[{\"name\":\"n\",\"type\":\"" type      \
    "\"}]}"
#define SCHEMA_2                                                                                   \
    "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"n\",\"type\":\"int\"},{\"name\":" \
    "\"m\",\"type\":\"int\"}]}"

static struct saga_schemas *schemas_of(struct world *w, const char *const *texts)
{
    struct saga_schemas *schemas = saga_schemas_new();
    struct saga_diagnostics diagnostics;
    for (; *texts; texts += 2)
        saga_schemas_add(schemas, saga_slice_of(texts[0]), saga_slice_of(texts[1]));
    saga_diagnostics_init(&diagnostics, &w->arena);
    assert_int_equal(saga_schemas_read(schemas, "schemas", &diagnostics), SAGA_OK);
    return schemas;
}

static const char *const at_first[] = { "A.avsc",     SCHEMA("A", "int"),
                                        "UndoA.avsc", SCHEMA("UndoA", "int"),
                                        "B.avsc",     SCHEMA("B", "int"),
                                        "Done.avsc",  SCHEMA("Done", "string"),
                                        NULL };
static const char *const later[] = { "A.avsc",           SCHEMA_2,           "A-1.avsc",
                                     SCHEMA("A", "int"), "UndoA.avsc",       SCHEMA("UndoA", "int"),
                                     "B.avsc",           SCHEMA("B", "int"), NULL };

/* Bytes behind the fingerprint, which is that of `schema`. */
static void expect_sent(struct world *w, enum saga_fact_kind kind, const char *schema,
                        const char *datum)
{
    const struct saga_fact *fact = fact_of(w, kind);
    struct saga_schema_scope scope = { .arena = &w->arena };
    const struct saga_schema *type;
    struct saga_slice words;
    char hex[64];
    assert_int_equal(saga_schema_read(&scope, saga_slice_of(schema), &type, &words), SAGA_OK);
    uint64_t fingerprint = saga_schema_fingerprint(type);
    assert_true(fact->encoded.size > 10 && fact->encoded.size < 30);
    assert_memory_equal(fact->encoded.data, "\xC3\x01", 2);
    for (int i = 0; i < 8; i++)
        assert_int_equal((uint8_t)fact->encoded.data[2 + i], fingerprint >> 8 * i & 0xff);
    saga_hex((const uint8_t *)fact->encoded.data + 10, fact->encoded.size - 10, hex);
    assert_string_equal(hex, datum);
}

static void what_is_sent_is_made_beside_the_json(void **state)
{
    struct world *w = define(state, AVRO);
    struct saga_schemas *schemas = schemas_of(w, at_first);
    w->definition->schemas = schemas;
    start(w, "{\"k\":\"k/1\",\"n\":7}");
    EXPECT(w, "SagaStarted; StepSent a#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"n\":7}");
    expect_sent(w, SAGA_FACT_STEP_SENT, SCHEMA("A", "int"), "0e");
    EXPECT_TEXT(step_of(w, "a")->body, "{\"n\":7}");
    saga_schemas_free(schemas);
}

static void a_body_that_does_not_fit_fails_its_step(void **state)
{
    struct world *w = define(state, AVRO);
    struct saga_schemas *schemas = schemas_of(w, at_first);
    w->definition->schemas = schemas;
    start(w, "{\"k\":\"k/1\",\"n\":\"seven\"}");
    EXPECT(w, "SagaStarted; CompensationStarted a <ExpressionFailed>; SagaCompensated");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_STARTED)->message,
                "the body does not fit the schema of A: field n: must be an int, is the text "
                "\"seven\"");
    saga_schemas_free(schemas);
}

static void an_event_that_does_not_fit_holds_the_end(void **state)
{
    struct world *w = define(state, AVRO);
    struct saga_schemas *schemas = schemas_of(w, at_first);
    w->definition->schemas = schemas;
    go_to(w, "AB");
    EXPECT(w, "StepSucceeded b; SagaStuck on publish");
    saga_schemas_free(schemas);
}

static void a_further_attempt_is_written_as_before(void **state)
{
    struct world *w = define(state, AVRO);
    struct saga_schemas *schemas = schemas_of(w, at_first), *changed = schemas_of(w, later);
    w->definition->schemas = schemas;
    start(w, "{\"k\":\"k/1\",\"n\":7}");
    ring(w, "step/a");
    w->definition->schemas = changed;
    ring(w, "step/a");
    EXPECT(w, "StepSent a#2");
    expect_sent(w, SAGA_FACT_STEP_SENT, SCHEMA("A", "int"), "0e");
    saga_schemas_free(schemas);
    saga_schemas_free(changed);
}

static void a_step_whose_schema_is_gone_ends_as_unknown(void **state)
{
    struct world *w = define(state, AVRO);
    struct saga_schemas *schemas = schemas_of(w, at_first), *none = saga_schemas_new();
    w->definition->schemas = schemas;
    start(w, "{\"k\":\"k/1\",\"n\":7}");
    ring(w, "step/a");
    w->definition->schemas = none;
    ring(w, "step/a");
    EXPECT(w, "StepUnknown a; CompensationStarted a <BodyDoesNotFit>; SagaStuck a on "
              "compensation");
    w->definition->schemas = schemas; /* put back, and tried again */
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); CompensationSent a#1");
    expect_sent(w, SAGA_FACT_COMPENSATION_SENT, SCHEMA("UndoA", "int"), "0e");
    saga_schemas_free(schemas);
    saga_schemas_free(none);
}

static void a_compensation_whose_schema_is_gone_is_stuck(void **state)
{
    struct world *w = define(state, AVRO);
    struct saga_schemas *schemas = schemas_of(w, at_first), *none = saga_schemas_new();
    w->definition->schemas = schemas;
    go_to(w, "A");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationStarted b <BNo>; CompensationSent a#1");
    ring(w, "compensation/a");
    w->definition->schemas = none;
    ring(w, "compensation/a");
    EXPECT(w, "CompensationFailed a <BodyDoesNotFit>; SagaStuck a on compensation");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); SagaStuck a on compensation");
    w->definition->schemas = schemas;
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); CompensationSent a#2");
    saga_schemas_free(schemas);
    saga_schemas_free(none);
}

/* Exploring, and proving a journal: nothing is sent, so bodies need not be made. */
static void who_sends_nothing_needs_no_schemas(void **state)
{
    struct world *w = define(state, AVRO);
    start(w, "{\"k\":\"k/1\",\"n\":\"seven\"}");
    EXPECT(w, "SagaStarted; StepSent a#1");
    assert_null(fact_of(w, SAGA_FACT_STEP_SENT)->encoded.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_is_sent_is_made_beside_the_json),
        WORLD_TEST(a_body_that_does_not_fit_fails_its_step),
        WORLD_TEST(an_event_that_does_not_fit_holds_the_end),
        WORLD_TEST(a_further_attempt_is_written_as_before),
        WORLD_TEST(a_step_whose_schema_is_gone_ends_as_unknown),
        WORLD_TEST(a_compensation_whose_schema_is_gone_is_stuck),
        WORLD_TEST(who_sends_nothing_needs_no_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
