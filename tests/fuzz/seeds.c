/* Writes seeds that are bytes and not text, into CORPUS/journal and CORPUS/state: what a saga of the example leaves behind
 * on its way through a success, a failure and its compensation. Usage: fuzz_seeds CORPUS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "codec/codec.h"
#include "engine/engine.h"

struct seeding {
    const char *corpus;
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition *definition;
    struct saga_state *state;
    unsigned number;
};

static void put(struct seeding *s, const char *target, struct saga_slice bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%02u", s->corpus, target, s->number);
    FILE *file = fopen(path, "wb");
    SAGA_ASSERT(file);
    size_t written = fwrite(bytes.data, 1, bytes.size, file);
    SAGA_ASSERT(written == bytes.size && fclose(file) == 0);
}

/* The state in a snapshot, and a marker. */
static void seed_snapshot(struct seeding *s, struct saga_slice state)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    struct saga_snapshot snapshot = { SAGA_SLICE("0123456789abcdef0123456789abcdef"), 7, 0, state };
    struct saga_marker marker = { snapshot.journal, 8, 7, 0, SAGA_SLICE_NONE, 1767225600000 };
    struct saga_slice bytes;
    saga_sha256_hex(state, chain);
    marker.chain = saga_slice_of(chain);
    int error = s->number % 2 ? saga_snapshot_encode(s->codec, &snapshot, &s->arena, &bytes)
                              : saga_marker_encode(s->codec, &marker, &s->arena, &bytes);
    SAGA_ASSERT(error == 0);
    put(s, "snapshot", bytes);
}

static void decide(struct seeding *s, struct saga_event event)
{
    uint8_t chain[SAGA_SHA256_BYTES] = { 0 };
    struct saga_facts facts = { 0 };
    struct saga_slice bytes;
    event.time_ms = 1750000000000 + 1000 * s->number;
    event.source = (struct saga_position){ SAGA_SLICE("t"), 0, s->number };
    saga_decide(s->definition, s->state, &event, &s->arena, &facts);
    struct saga_journal_record record = saga_journal_record_of(s->state, &event, &facts);
    int error = saga_journal_encode(s->codec, &record, chain, &s->arena, &bytes, chain);
    SAGA_ASSERT(error == 0);
    put(s, "journal", bytes);
    error = saga_state_encode(s->codec, s->state, &s->arena, &bytes);
    SAGA_ASSERT(error == 0);
    put(s, "state", bytes);
    seed_snapshot(s, bytes);
    s->number++;
}

static void reply(struct seeding *s, const char *step, const char *type, bool compensation)
{
    decide(s, (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                   .type = saga_slice_of(type),
                                   .body = SAGA_SLICE("{\"chargeId\":\"c-1\"}"),
                                   .run = s->state->run,
                                   .step = saga_slice_of(step),
                                   .attempt = 1,
                                   .compensation = compensation });
}

int main(int argc, char **argv)
{
    struct seeding s = { .corpus = argc == 2 ? argv[1] : NULL, .state = saga_state_new() };
    struct saga_diagnostics findings;
    if (!s.corpus) {
        fprintf(stderr, "usage: fuzz_seeds CORPUS\n");
        return 2;
    }
    saga_arena_init(&s.arena);
    saga_diagnostics_init(&findings, &s.arena);
    int error = saga_codec_new(&s.codec);
    if (error == 0)
        error = saga_definition_load_file(SAGA_SOURCE_DIR "/sagas/order-fulfilment.yaml", NULL,
                                          &findings, &s.definition);
    SAGA_ASSERT(error == 0);
    decide(&s, (struct saga_event){ .kind = SAGA_EVENT_START,
                                    .type = SAGA_SLICE("OrderPlaced"),
                                    .key = SAGA_SLICE("o-1"),
                                    .body = SAGA_SLICE("{\"orderId\":\"o-1\",\"total\":9}") });
    reply(&s, "reserve-stock", "StockReserved", false);
    reply(&s, "reserve-stock", "StockReserved", false);
    reply(&s, "check-fraud", "FraudCleared", false);
    reply(&s, "charge-card", "CardDeclined", false);
    reply(&s, "reserve-stock", "StockReleased", true);
    saga_state_free(s.state);
    saga_definition_free(s.definition);
    saga_codec_free(s.codec);
    saga_arena_free(&s.arena);
    return 0;
}
