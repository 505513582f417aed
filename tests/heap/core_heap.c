/* The core: base, schema, definition, engine, codec. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "definition/catalog.h"
#include "definition/schema_folder.h"
#include "engine/engine.h"
#include "heap.h"
#include "schema/body.h"

#define EXAMPLE SAGA_SOURCE_DIR "/sagas/order-fulfilment.yaml"
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- base ---- */

static int run_buffers(void)
{
    struct saga_arena arena;
    struct saga_buffer buffer;
    saga_arena_init(&arena);
    saga_buffer_init(&buffer, &arena);
    for (int i = 0; i < 2000; i++) saga_buffer_printf(&buffer, "%d,", i);
    heap_tell_slice(saga_buffer_slice(&buffer));
    saga_arena_reset(&arena);
    heap_tell_slice(saga_arena_printf(&arena, "%*d", 9000, 7));
    saga_arena_free(&arena);
    return SAGA_OK;
}

static int run_json_and_hash(void)
{
    struct saga_slice json = SAGA_SLICE("{\"a\\u0062\":[1,{\"c\":\"d\\n\"}],\"x\":2}"), found, text;
    struct saga_arena arena;
    char digest[2 * SAGA_SHA256_BYTES + 1];
    saga_arena_init(&arena);
    int error = saga_json_member(json, SAGA_SLICE("ab"), &found);
    if (error == SAGA_OK) error = saga_json_element(found, 1, &found);
    if (error == SAGA_OK) error = saga_json_member(found, SAGA_SLICE("c"), &found);
    if (error == SAGA_OK) error = saga_json_text(found, &arena, &text);
    if (error < 0) return error;
    heap_tell_slice(text);
    saga_sha256_hex(json, digest);
    heap_tell("%s", digest);
    saga_arena_free(&arena);
    return SAGA_OK;
}

static int run_findings(void)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    for (unsigned i = 0; i < 20; i++) {
        struct saga_diagnostic *finding =
            saga_diagnostics_add(&findings, SAGA_SEVERITY_ERROR, "SG000", "finding %u", i);
        saga_diagnostic_mend(finding, &arena, "mend %u", i);
    }
    saga_diagnostics_print(&findings, stdout);
    saga_arena_free(&arena);
    return SAGA_OK;
}

static const struct heap_scenario base_scenarios[] = {
    { .name = "base: JSON and the first hash", .cold = true, .run = run_json_and_hash },
    { .name = "base: arenas and buffers", .run = run_buffers },
    { .name = "base: findings", .run = run_findings, .own_stdout = true },
};
const struct heap_module heap_base = { "base", base_scenarios, COUNT(base_scenarios) };

/* ---- schema ---- */

/* The example's folder, and a body there and back. */
static int run_schemas(void)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_schemas *schemas;
    struct saga_slice body, json, type, words;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    int error = saga_schema_folder_read(SAGA_SOURCE_DIR "/schemas", &findings, &schemas);
    if (error < 0) {
        heap_tell_slice(findings.items[0].what);
        saga_arena_free(&arena);
        return error;
    }
    error = saga_body_make(schemas, SAGA_FORMAT_AVRO, SAGA_SLICE("InvoiceCreated"),
                           SAGA_SLICE("{\"invoiceNumber\":7,\"due\":\"2028-02-29\",\"total\":{"
                                      "\"amount\":19.90}}"),
                           &arena, &body, &words);
    if (error == SAGA_OK) error = saga_body_from_avro(schemas, body, &arena, &json, &type, &words);
    heap_tell_slice(error == SAGA_OK ? json : words);
    saga_schemas_free(schemas);
    saga_arena_free(&arena);
    return error;
}

static const struct heap_scenario schema_scenarios[] = {
    { .name = "schema: a folder, and a body there and back", .run = run_schemas },
};
const struct heap_module heap_schema = { "schema", schema_scenarios, COUNT(schema_scenarios) };

/* ---- definition ---- */

static int load(const char *path, struct saga_slice text, struct saga_definition **ret)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    int error = path ? saga_definition_load_file(path, NULL, &findings, ret)
                     : saga_definition_load(text, "here.yaml", &findings, ret);
    saga_diagnostics_print(&findings, stdout);
    saga_arena_free(&arena);
    return error;
}

static int run_load(void)
{
    struct saga_definition *definition;
    struct saga_arena arena;
    int error = load(EXAMPLE, SAGA_SLICE_NONE, &definition);
    if (error < 0) return error;
    saga_arena_init(&arena);
    heap_tell_slice(saga_definition_mermaid(definition, &arena));
    heap_tell("%s %zu", definition->sha256, definition->arena.used_bytes);
    saga_arena_free(&arena);
    saga_definition_free(definition);
    return SAGA_OK;
}

#define HEAD                                                                                       \
    "saga: \"s\"\nversion: 1\n"                                                                    \
    "summary: >-\n  of several\n  lines, folded\n"                                                 \
    "participants: { p: { commands: c, replies: r } }\n"                                           \
    "start: { topic: t, event: \"Go\\x41\", key: .k, when: '.n > 0 and (.k | test(\"^a+$\"))' }\n"
#define STEPS                                                                                      \
    "steps:\n  - { step: a, send: p/A, success: [ADone, AToo], failure: ANo, compensate: none }\n"

/* Texts that libfyaml puts together, and an expression for libjq and oniguruma. */
static int run_load_text(void)
{
    struct saga_definition *definition;
    int error = load(NULL, SAGA_SLICE(HEAD STEPS), &definition);
    if (error < 0) return error;
    heap_tell_slice(definition->summary);
    saga_definition_free(definition);
    return SAGA_OK;
}

/* Findings are what comes out; that they are there is the point. */
static int run_refuse(struct saga_slice text)
{
    struct saga_definition *definition = NULL;
    int error = load(NULL, text, &definition);
    heap_tell("%d", error);
    saga_definition_free(definition);
    return SAGA_OK;
}

static int run_refuse_fields(void)
{
    return run_refuse(SAGA_SLICE("saga: s\nversion: one\nstpes: []\nkeep: [1]\nsteps: {}\n"));
}

static int run_refuse_yaml(void)
{
    return run_refuse(SAGA_SLICE("saga: [s\nversion: 1\n"));
}

static struct saga_expression *expression;

static struct saga_expression *compile(const char *source)
{
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_expression *compiled = NULL;
    saga_arena_init(&arena);
    if (saga_expression_compile(saga_slice_of(source), &arena, &diagnostic, &compiled) < 0)
        heap_tell_slice(diagnostic.what);
    saga_arena_free(&arena);
    return compiled;
}

static void prepare_expression(void)
{
    expression =
        compile("{total: ([.input.lines[].n] | add), ok: (.input.k | test(\"^[a-c]+x?$\")), "
                "words: (.input.k | [scan(\"[a-z]\")]), s: \"\\(.input.k)-\\(1 + 1)\", "
                "caught: (try error(\"e\") catch .), "
                "sorted: (.input.lines | sort_by(.n) | map(.n))}");
}

static int run_eval(void)
{
    struct saga_arena arena;
    struct saga_slice json, message;
    struct saga_bindings bindings = {
        .input = SAGA_SLICE("{\"lines\":[{\"n\":3},{\"n\":1},{\"n\":2}],\"k\":\"abc\"}")
    };
    saga_arena_init(&arena);
    int error = saga_expression_eval(expression, &bindings, &arena, &json, &message);
    heap_tell_slice(error ? message : json);
    saga_arena_free(&arena);
    return SAGA_OK;
}

static int run_compile(void)
{
    struct saga_expression *good = compile(".input.n > 0 and (.input.k | test(\"^a+$\"))");
    struct saga_expression *bad = compile(".input.n >");
    heap_tell("%d %d", good != NULL, bad != NULL);
    saga_expression_free(good);
    saga_expression_free(bad);
    return SAGA_OK;
}

static int run_plain(void)
{
    struct saga_arena arena;
    struct saga_slice json, message;
    struct saga_bindings bindings = { .input = SAGA_SLICE("{\"a\":{\"b\":12345678901234567890}}") };
    struct saga_expression *plain = compile("{x: .input.a.b, y: [1, .input.none]}");
    saga_arena_init(&arena);
    int error = saga_expression_eval(plain, &bindings, &arena, &json, &message);
    heap_tell_slice(error ? message : json);
    saga_expression_free(plain);
    saga_arena_free(&arena);
    return SAGA_OK;
}

static int run_catalog(void)
{
    static const char format[] =
        "saga: s%d\nversion: 1\nparticipants: { p: { commands: c, replies: "
        "r } }\nstart: { topic: t%d, event: Go, key: .k }\n" STEPS;
    struct saga_catalog *catalog;
    int error = saga_catalog_new(&catalog);
    for (int i = 0; i < 20 && error == SAGA_OK; i++) {
        char text[512];
        struct saga_definition *definition;
        snprintf(text, sizeof text, format, i, i);
        error = load(NULL, saga_slice_of(text), &definition);
        if (error == SAGA_OK) error = saga_catalog_add(catalog, definition);
    }
    for (int i = 0; i < 20 && error == SAGA_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        heap_tell("%d", saga_catalog_newest(catalog, saga_slice_of(name)) != NULL);
    }
    saga_catalog_free(catalog);
    return error;
}

static const struct heap_scenario definition_scenarios[] = {
    { .name = "definition: loading the example", .run = run_load, .own_stdout = true },
    { .name = "definition: loading unusual YAML", .run = run_load_text, .own_stdout = true },
    { .name = "definition: refusing fields", .run = run_refuse_fields, .own_stdout = true },
    { .name = "definition: refusing YAML", .run = run_refuse_yaml, .own_stdout = true },
    { .name = "definition: compiling expressions", .run = run_compile },
    { .name = "definition: a general expression", .prepare = prepare_expression, .run = run_eval },
    { .name = "definition: a plain expression", .run = run_plain },
    { .name = "definition: the catalog", .run = run_catalog, .own_stdout = true },
};
const struct heap_module heap_definition = { "definition", definition_scenarios,
                                             COUNT(definition_scenarios) };

/* ---- engine and codec ---- */

static struct saga_definition *example;
static struct saga_codec *codec;

static void prepare_engine(void)
{
    if (load(EXAMPLE, SAGA_SLICE_NONE, &example) < 0 || saga_codec_new(&codec) < 0)
        saga_assert_failed("the example loads", __FILE__, __LINE__);
}

/* One saga on its way: each event is decided, its facts are evolved over a state beside, and both are told. */
struct story {
    struct saga_arena arena;
    struct saga_state *state, *replayed;
    uint8_t chain[SAGA_SHA256_BYTES];
    unsigned number;
    bool encodes; /* and decodes again */
    int error;
};

static void tell_record(struct story *s, const struct saga_event *event,
                        const struct saga_facts *facts)
{
    struct saga_journal_record record = saga_journal_record_of(s->state, event, facts),
                               again = { 0 };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_state *decoded = NULL;
    struct saga_slice bytes;
    if (s->error == SAGA_OK)
        s->error = saga_journal_encode(codec, &record, s->chain, &s->arena, &bytes, s->chain);
    if (s->error == SAGA_OK)
        s->error = saga_journal_decode(codec, bytes, &s->arena, &again, &diagnostic);
    if (s->error == SAGA_OK) heap_tell_slice(saga_journal_json(&again, true, &s->arena));
    if (s->error == SAGA_OK) s->error = saga_state_encode(codec, s->state, &s->arena, &bytes);
    if (s->error == SAGA_OK)
        s->error = saga_state_decode(codec, bytes, &s->arena, &decoded, &diagnostic);
    if (s->error == SAGA_OK) heap_tell_slice(saga_state_json(decoded, true, &s->arena));
    if (s->error < 0) heap_tell_slice(diagnostic.what);
    saga_state_free(decoded);
}

static void decide(struct story *s, struct saga_event event)
{
    struct saga_facts facts = { 0 };
    event.time_ms = 1750000000000 + 1000 * s->number;
    event.source = (struct saga_position){ SAGA_SLICE("t"), 0, s->number++ };
    saga_decide(example, s->state, &event, &s->arena, &facts);
    saga_evolve_begin(s->replayed, &event);
    for (size_t i = 0; i < facts.count; i++) {
        struct saga_message message;
        heap_tell("%s ", saga_fact_types[facts.items[i].kind].name);
        heap_tell_slice(facts.items[i].value);
        if (s->error == SAGA_OK) s->error = saga_evolve(s->replayed, &facts.items[i]);
        if (!s->encodes || !saga_fact_is_message(&facts.items[i])) continue;
        saga_fact_message(&facts.items[i], s->state, event.time_ms, &s->arena, &message);
        for (size_t h = 0; h < message.header_count; h++) heap_tell_slice(message.headers[h].value);
    }
    if (s->encodes) tell_record(s, &event, &facts);
}

static void reply(struct story *s, const char *step, const char *type, bool compensation)
{
    decide(s, (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                   .type = saga_slice_of(type),
                                   .body = SAGA_SLICE("{\"chargeId\":\"c-1\"}"),
                                   .run = s->state->run,
                                   .step = saga_slice_of(step),
                                   .attempt = 1,
                                   .compensation = compensation });
}

static int tell_story(bool encodes)
{
    struct story s = { .encodes = encodes };
    saga_arena_init(&s.arena);
    s.state = saga_state_new();
    s.replayed = saga_state_new();
    decide(&s, (struct saga_event){ .kind = SAGA_EVENT_START,
                                    .type = SAGA_SLICE("OrderPlaced"),
                                    .key = SAGA_SLICE("o-1"),
                                    .body = SAGA_SLICE("{\"orderId\":\"o-1\",\"total\":9}") });
    reply(&s, "reserve-stock", "StockReserved", false);
    reply(&s, "check-fraud", "FraudCleared", false);
    reply(&s, "charge-card", "CardDeclined", false);
    reply(&s, "reserve-stock", "StockReleased", true);
    struct saga_state *copy = saga_state_clone(s.state);
    heap_tell_slice(saga_state_json(copy, true, &s.arena));
    heap_tell_slice(saga_state_json(s.replayed, true, &s.arena));
    saga_state_free(copy);
    saga_state_free(s.state);
    saga_state_free(s.replayed);
    saga_arena_free(&s.arena);
    return s.error;
}

static int run_engine(void)
{
    return tell_story(false);
}

static int run_codec(void)
{
    return tell_story(true);
}

static int run_codec_new(void)
{
    struct saga_codec *another;
    int error = saga_codec_new(&another);
    if (error == SAGA_OK) saga_codec_free(another);
    return error;
}

static int run_messages(void)
{
    struct saga_header headers[] = { { SAGA_SLICE("content-type"),
                                       SAGA_SLICE("application/cloudevents+json") } };
    struct saga_message record = { .topic = SAGA_SLICE("t"),
                                   .key = SAGA_SLICE("k"),
                                   .value = SAGA_SLICE("{\"specversion\":\"1.0\",\"type\":\"Go\","
                                                       "\"id\":\"\\u0041\",\"data\":{\"a\":1}}"),
                                   .headers = headers,
                                   .header_count = 1 },
                        hop, opened;
    struct saga_arena arena;
    struct saga_event event = { 0 };
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_init(&arena);
    saga_hop_message(&record, SAGA_SLICE("saga.inbox"), 3, SAGA_SLICE("k"), &arena, &hop);
    int error = saga_hop_open(&hop, &arena, &opened, &diagnostic);
    if (error == SAGA_OK) error = saga_event_open(&opened, NULL, &arena, &event, &diagnostic);
    heap_tell_slice(error ? diagnostic.what : event.body);
    heap_tell_slice(event.id);
    saga_dead_letter_message(&record, SAGA_SLICE("saga.dead-letters"), 3, SAGA_SLICE("unreadable"),
                             SAGA_SLICE("words"), &arena, &hop);
    for (size_t i = 0; i < hop.header_count; i++) heap_tell_slice(hop.headers[i].value);
    saga_arena_free(&arena);
    return error;
}

static int run_snapshot(void)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    struct saga_snapshot snapshot = { SAGA_SLICE("0123456789abcdef0123456789abcdef"), 7, 0,
                                      SAGA_SLICE("state") },
                         read;
    struct saga_marker marker = { snapshot.journal, 8, 7, 0, SAGA_SLICE_NONE, 1767225600000 }, sign;
    struct saga_arena arena;
    struct saga_slice bytes;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_init(&arena);
    saga_sha256_hex(snapshot.state, chain);
    marker.chain = saga_slice_of(chain);
    int error = saga_snapshot_encode(codec, &snapshot, &arena, &bytes);
    if (error == SAGA_OK) error = saga_snapshot_decode(codec, bytes, &arena, &read, &diagnostic);
    if (error == SAGA_OK) heap_tell_slice(read.state);
    if (error == SAGA_OK) error = saga_marker_encode(codec, &marker, &arena, &bytes);
    if (error == SAGA_OK) error = saga_marker_decode(codec, bytes, &arena, &sign, &diagnostic);
    if (error == SAGA_OK) heap_tell_slice(sign.chain);
    saga_arena_free(&arena);
    return error;
}

static const struct heap_scenario engine_scenarios[] = {
    { .name = "engine: a saga and its compensation", .prepare = prepare_engine, .run = run_engine },
};
const struct heap_module heap_engine = { "engine", engine_scenarios, COUNT(engine_scenarios) };

static const struct heap_scenario codec_scenarios[] = {
    { .name = "codec: schemas", .run = run_codec_new },
    { .name = "codec: records, states, commands", .prepare = prepare_engine, .run = run_codec },
    { .name = "codec: snapshots", .prepare = prepare_engine, .run = run_snapshot },
    { .name = "codec: messages", .run = run_messages },
};
const struct heap_module heap_codec = { "codec", codec_scenarios, COUNT(codec_scenarios) };
