/* The processor's part of a step, in one thread, without Kafka and Redis: a record is read as an event, decided on a copy
 * of its saga's state, its journal record and the state are encoded, and its command is made. What the worker does with
 * every event between two calls of librdkafka. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alone.h"
#include "base/memory.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "count.h"
#include "engine/engine.h"
#include "runtime/intake.h"

enum { STEPS = 3, EVENTS = STEPS + 1, BATCH_MAX = 1000, COUNT_MAX = 100000 };

static const char order[] =
    "{\"id\":\"order-12345\",\"text\":\"Two hundred bytes of something that a service may want to "
    "know: who ordered what, when, for how much, to be sent where, and what else the customer said "
    "about it, in words that nobody reads.\"}";

static struct {
    unsigned batches, rounds, sagas;
    const char *definition;
} options = { .batches = 100, .rounds = 5, .sagas = BATCH_MAX };

static struct saga_catalog *catalog;
static struct saga_codec *codec;
static struct saga_arena arena;

static void load(const char *path)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load_file(path, NULL, &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        stop("the definition does not load");
    }
    if (saga_catalog_new(&catalog) < 0 || saga_catalog_add(catalog, definition) < 0 ||
        saga_codec_new(&codec) < 0)
        stop("out of memory");
}

/* ---- what comes ---- */

static struct saga_message start_of(unsigned number)
{
    struct saga_header *headers = SAGA_NEW_ARRAY(&arena, struct saga_header, 2);
    headers[0] = (struct saga_header){ SAGA_SLICE("ce_type"), SAGA_SLICE("Asked") };
    headers[1] = (struct saga_header){ SAGA_SLICE("ce_id"), SAGA_SLICE("start-1") };
    struct saga_slice id = saga_arena_printf(&arena, "order-%u", number);
    return (struct saga_message){ .topic = SAGA_SLICE("bench.starts"),
                                  .key = id,
                                  .value =
                                      saga_arena_printf(&arena, "{\"id\":\"%.*s\",%s",
                                                        SAGA_SLICE_ARG(id), strchr(order, ',') + 1),
                                  .headers = headers,
                                  .header_count = 2 };
}

/* The answer to a command, as a service gives it. */
static struct saga_message reply_to(const struct saga_message *command)
{
    struct saga_header *headers = SAGA_NEW_ARRAY(&arena, struct saga_header, 4);
    struct saga_slice id = saga_message_header(command, "ce_id");
    struct saga_slice type = saga_message_header(command, "ce_type");
    headers[0] = (struct saga_header){ SAGA_SLICE("ce_type"),
                                       SAGA_CONCAT(&arena, type, SAGA_SLICE("Done")) };
    headers[1] = (struct saga_header){ SAGA_SLICE("ce_sagacommandid"), id };
    headers[2] =
        (struct saga_header){ SAGA_SLICE("ce_id"), SAGA_CONCAT(&arena, id, SAGA_SLICE("/reply")) };
    headers[3] = (struct saga_header){ SAGA_SLICE("content-type"), SAGA_SLICE("application/json") };
    return (struct saga_message){ .topic = SAGA_SLICE("bench.replies"),
                                  .key = command->key,
                                  .value = command->value,
                                  .headers = headers,
                                  .header_count = 4 };
}

/* ---- what is done with it ---- */

/* Returns the state that is left; `record` becomes the command. */
static struct saga_state *take(const struct saga_state *before, struct saga_message *record,
                               uint8_t chain[SAGA_SHA256_BYTES])
{
    const struct saga_intake intake = { catalog, SAGA_SLICE("saga.inbox"), 4, &arena };
    struct saga_intake_item *items;
    size_t count;
    struct saga_facts facts = { 0 };
    struct saga_slice bytes;
    saga_intake_read(&intake, record, &items, &count);
    if (count != 1 || items[0].fate != SAGA_INTAKE_EVENT) stop("a record is no event");
    struct saga_state *state = before ? saga_state_clone(before) : saga_state_new();
    struct saga_definition *definition =
        before ? saga_catalog_find(catalog, state->name, state->version) : items[0].definition;
    items[0].event.time_ms = 1750000000000;
    saga_decide(definition, state, &items[0].event, &arena, &facts);
    struct saga_journal_record journal = saga_journal_record_of(state, &items[0].event, &facts);
    if (saga_journal_encode(codec, &journal, chain, &arena, &bytes, chain) < 0 ||
        saga_state_encode(codec, state, &arena, &bytes) < 0)
        stop("a record or a state is over the limit");
    for (size_t i = 0; i < facts.count; i++)
        if (saga_fact_is_message(&facts.items[i]))
            saga_fact_message(&facts.items[i], state, 1750000000000, &arena, record);
    return state;
}

/* As many sagas at once as a batch has events. */
static void run_batch(void)
{
    static struct saga_state *states[BATCH_MAX];
    static struct saga_message records[BATCH_MAX];
    uint8_t chain[SAGA_SHA256_BYTES] = { 0 };
    saga_arena_reset(&arena);
    for (unsigned i = 0; i < options.sagas; i++) records[i] = start_of(i);
    for (unsigned event = 0; event < EVENTS; event++)
        for (unsigned i = 0; i < options.sagas; i++) {
            if (event > 0) records[i] = reply_to(&records[i]);
            struct saga_state *after = take(event ? states[i] : NULL, &records[i], chain);
            if (event > 0) saga_state_free(states[i]);
            states[i] = after;
        }
    for (unsigned i = 0; i < options.sagas; i++) {
        if (states[i]->status != SAGA_COMPLETED) stop("a saga is not completed");
        saga_state_free(states[i]);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'n': options.batches = read_count(argument, 1, COUNT_MAX, state); return 0;
    case 'r': options.rounds = read_count(argument, 1, COUNT_MAX, state); return 0;
    case 's': options.sagas = read_count(argument, 1, BATCH_MAX, state); return 0;
    case ARGP_KEY_ARG: options.definition = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "batches", 'n', "NUMBER", 0, "in each round (100)", 0 },
        { "sagas", 's', "NUMBER", 0, "of a batch (1000)", 0 },
        { "rounds", 'r', "NUMBER", 0, "of which the best counts (5)", 0 },
        { 0 }
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .args_doc = "[FILE]",
                               .doc = "Measures what a worker computes for each event." };
    double best = 0;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    saga_memory_share_pools(); /* as the daemon does */
    load(options.definition ? options.definition : SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml");
    for (unsigned round = 0; round < options.rounds; round++) {
        double begin_s = processor_s();
        for (unsigned i = 0; i < options.batches; i++) run_batch();
        double rate = options.batches * options.sagas * EVENTS / (processor_s() - begin_s);
        if (rate > best) best = rate;
    }
    printf("   hot_events_per_s %10.0f  an event's way from its record to those that it makes\n",
           best);
    return 0;
}
