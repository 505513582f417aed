#include "audit/audited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "codec/message.h"
#include "engine/engine.h"
#include "operate/export.h"
#include "runtime/chain.h"
#include "runtime/intake.h"

#define DEFINITION SAGA_SOURCE_DIR "/tests/audit/audited.yaml"

#define JOURNAL SAGA_SLICE("00112233445566778899aabbccddeeff")

enum { EVENTS_MAX = 8, SAGAS_MAX = 1000 };

static _Noreturn void stop(const char *words)
{
    fprintf(stderr, "recorded journal: %s\n", words);
    exit(99);
}

/* ---- records ---- */

static void append(struct saga_audited *r, unsigned lane, struct saga_slice key,
                   const struct saga_journal_record *record)
{
    struct saga_audited_lane *to = &r->lanes[lane];
    struct saga_message message = { .topic = SAGA_SLICE("saga.journal"),
                                    .partition = (int32_t)lane,
                                    .offset = to->next_offset,
                                    .timestamp_ms = record->cause.time_ms,
                                    .key = saga_arena_copy(&r->arena, key) };
    if (saga_journal_encode(r->codec, record, to->chain, &r->arena, &message.value, to->chain) < 0)
        stop("a record is over the limit");
    SAGA_PUSH(&r->arena, to->items, to->count, to->capacity, message);
    to->next_offset += to->count % 3 ? 1 : 2; /* what ends a transaction takes an offset too */
}

static void open_lane(struct saga_audited *r, unsigned lane)
{
    struct saga_fact fact = { .kind = SAGA_FACT_LANE_OPENED,
                              .lanes = SAGA_AUDITED_LANES,
                              .text = JOURNAL };
    const struct saga_journal_record record = { .cause = { .kind = SAGA_EVENT_LANE,
                                                           .time_ms = ++r->time_ms,
                                                           .source = { .partition = -1,
                                                                       .offset = -1 } },
                                                .facts = &fact,
                                                .fact_count = 1 };
    append(r, lane, SAGA_SLICE_NONE, &record);
}

static struct saga_message start_of(struct saga_audited *r, unsigned number)
{
    struct saga_header *headers = SAGA_NEW_ARRAY(&r->arena, struct saga_header, 2);
    headers[0] = (struct saga_header){ SAGA_SLICE("ce_type"), SAGA_SLICE("Asked") };
    headers[1] = (struct saga_header){ SAGA_SLICE("ce_id"),
                                       saga_arena_printf(&r->arena, "start-%u", number) };
    return (struct saga_message){ .topic = SAGA_SLICE("audit.starts"),
                                  .offset = number,
                                  .key = saga_arena_printf(&r->arena, "s-%u", number),
                                  .value = saga_arena_printf(
                                      &r->arena, "{\"id\":\"s-%u\",\"customer\":\"c-%u\"}", number,
                                      number % 3),
                                  .headers = headers,
                                  .header_count = 2 };
}

/* The service's answer to a command. */
static struct saga_message reply_to(struct saga_audited *r, const struct saga_message *command,
                                    bool fails)
{
    struct saga_header *headers = SAGA_NEW_ARRAY(&r->arena, struct saga_header, 3);
    struct saga_slice id = saga_message_header(command, "ce_id");
    struct saga_slice type = saga_message_header(command, "ce_type");
    bool failed = fails && saga_slice_is(type, "Two");
    headers[0] =
        (struct saga_header){ SAGA_SLICE("ce_type"),
                              SAGA_CONCAT(&r->arena, type,
                                          failed ? SAGA_SLICE("Failed") : SAGA_SLICE("Done")) };
    headers[1] = (struct saga_header){ SAGA_SLICE("ce_sagacommandid"), id };
    headers[2] = (struct saga_header){ SAGA_SLICE("ce_id"),
                                       SAGA_CONCAT(&r->arena, id, SAGA_SLICE("/reply")) };
    return (struct saga_message){ .topic = SAGA_SLICE("audit.replies"),
                                  .key = command->key,
                                  .value = SAGA_SLICE("{}"),
                                  .headers = headers,
                                  .header_count = 3 };
}

/* Takes a record; `*message` becomes the command that follows. False: none does. */
static bool take(struct saga_audited *r, struct saga_state *state, struct saga_message *message)
{
    const struct saga_intake intake = { r->catalog, SAGA_SLICE("saga.inbox"), SAGA_AUDITED_LANES,
                                        &r->arena };
    struct saga_intake_item *items;
    size_t count;
    struct saga_facts facts = { 0 };
    bool sent = false;
    saga_intake_read(&intake, message, &items, &count);
    if (count != 1 || items[0].fate != SAGA_INTAKE_EVENT) stop("a record is no event");
    items[0].event.time_ms = ++r->time_ms;
    if (items[0].event.kind == SAGA_EVENT_START)
        items[0].event.run = saga_run_of(&r->arena, JOURNAL, &items[0].event.source);
    saga_decide(saga_catalog_at(r->catalog, 0), state, &items[0].event, &r->arena, &facts);
    struct saga_journal_record record = saga_journal_record_of(state, &items[0].event, &facts);
    append(r, items[0].lane, state->key, &record);
    for (size_t i = 0; i < facts.count; i++) {
        if (!saga_fact_is_message(&facts.items[i])) continue;
        saga_fact_message(&facts.items[i], state, r->time_ms, &r->arena, message);
        sent = true;
    }
    return sent;
}

static void load(struct saga_audited *r)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, &r->arena);
    if (saga_definition_load_file(DEFINITION, NULL, &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        stop("the definition does not load");
    }
    r->definition = (struct saga_message){ .topic = SAGA_SLICE("saga.definitions"),
                                           .timestamp_ms = r->time_ms,
                                           .key = SAGA_SLICE("audited/1"),
                                           .value = definition->source };
    if (saga_catalog_new(&r->catalog) < 0 || saga_catalog_add(r->catalog, definition) < 0 ||
        saga_codec_new(&r->codec) < 0)
        stop("out of memory");
}

void saga_audited_make(struct saga_audited *r, unsigned sagas)
{
    static struct saga_state *states[SAGAS_MAX];
    static struct saga_message messages[SAGAS_MAX];
    static bool over[SAGAS_MAX];
    if (sagas > SAGAS_MAX) stop("too many sagas");
    *r = (struct saga_audited){ .time_ms = 1764400000000 };
    saga_arena_init(&r->arena);
    load(r);
    for (unsigned lane = 0; lane < SAGA_AUDITED_LANES; lane++) open_lane(r, lane);
    for (unsigned i = 0; i < sagas; i++) {
        states[i] = saga_state_new();
        messages[i] = start_of(r, i);
        over[i] = !take(r, states[i], &messages[i]);
    }
    for (unsigned event = 0; event < EVENTS_MAX; event++)
        for (unsigned i = 0; i < sagas; i++) {
            if (over[i]) continue;
            messages[i] = reply_to(r, &messages[i], i % 5 == 4);
            over[i] = !take(r, states[i], &messages[i]);
        }
    for (unsigned i = 0; i < sagas; i++) saga_state_free(states[i]);
}

void saga_audited_free(struct saga_audited *r)
{
    saga_catalog_free(r->catalog);
    saga_codec_free(r->codec);
    saga_arena_free(&r->arena);
}

void saga_audited_chain_one(struct saga_audited *r, unsigned lane, size_t index)
{
    struct saga_message *items = r->lanes[lane].items;
    uint8_t chain[SAGA_SHA256_BYTES];
    size_t size = items[index].value.size, body = size - sizeof chain;
    char *bytes = saga_arena_string(&r->arena, items[index].value);
    memcpy(chain, saga_chain_of(items[index - 1].value), sizeof chain);
    saga_journal_chain((struct saga_slice){ bytes, size }, chain, chain);
    memcpy(bytes + body, chain, sizeof chain);
    items[index].value.data = bytes;
}

void saga_audited_chain_anew(struct saga_audited *r, unsigned lane, size_t from)
{
    for (size_t i = from; i < r->lanes[lane].count; i++) saga_audited_chain_one(r, lane, i);
}

/* ---- exporting ---- */

static void check(int error, const struct saga_diagnostic *diagnostic)
{
    if (error == SAGA_OK) return;
    saga_diagnostic_print(diagnostic, stderr);
    stop("the export failed");
}

static bool is_wanted(const struct saga_audited_part *part,
                      const struct saga_journal_record *record)
{
    if (part->since_ms && record->cause.time_ms < part->since_ms) return false;
    if (part->until_ms && record->cause.time_ms >= part->until_ms) return false;
    return !part->saga || saga_slice_is(record->saga_id, part->saga);
}

static void export_record(const struct saga_audited *r, struct saga_export *made,
                          const struct saga_message *message, const struct saga_audited_part *part)
{
    struct saga_arena arena;
    struct saga_journal_record record;
    struct saga_diagnostic ignored = { 0 };
    saga_arena_init(&arena);
    bool readable =
        saga_journal_decode(r->codec, message->value, &arena, &record, &ignored) == SAGA_OK;
    bool all = !part->since_ms && !part->until_ms && !part->saga;
    if (all || (readable && is_wanted(part, &record)))
        saga_export_take(made, message, readable ? &record : NULL);
    else
        saga_export_leave_out(made, message, readable ? &record : NULL);
    saga_arena_free(&arena);
}

void saga_audited_export(const struct saga_audited *r, const char *folder,
                         const struct saga_audited_part *part)
{
    const struct saga_export_selection selection = { .saga = part->saga };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    struct saga_export *made;
    char sha256[2 * SAGA_SHA256_BYTES + 1];
    saga_arena_init(&arena);
    check(saga_export_new(folder, SAGA_AUDITED_LANES, &selection, &arena, &made, &diagnostic),
          &diagnostic);
    if (part->avro) saga_export_use_avro(made);
    for (uint32_t lane = 0; lane < SAGA_AUDITED_LANES; lane++) {
        const struct saga_audited_lane *from = &r->lanes[lane];
        check(saga_export_lane(made, lane, from->low, &diagnostic), &diagnostic);
        for (size_t i = 0; i < from->count; i++)
            if (from->items[i].offset >= from->low) export_record(r, made, &from->items[i], part);
        check(saga_export_lane_end(made, &diagnostic), &diagnostic);
    }
    saga_export_definition(made, &r->definition);
    check(saga_export_finish(made, part->anchors, sha256, &diagnostic), &diagnostic);
    saga_export_free(made);
    saga_arena_free(&arena);
}
