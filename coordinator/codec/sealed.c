#include "codec/sealed.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

enum { VERSION = 1, HEAD_BYTES = 14, NONCE_AT = HEAD_BYTES };
enum { FRAME_BYTES = HEAD_BYTES + SAGA_SEAL_NONCE_BYTES + SAGA_SEAL_TAG_BYTES };

/* What a walk over values does with each. */
struct walk {
    const struct saga_data_key *key;
    struct saga_slice id, run;
    uint64_t sequence;
    uint32_t place; /* of the next value in its record */
    struct saga_arena *arena;
    struct saga_slice json, words; /* what a veil puts there */
    bool found, failed;
};
typedef void (*visitor)(struct walk *w, struct saga_slice *value);

/* ---- one value ---- */

static void put_number(uint8_t *at, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) at[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
}

/* What a value is authenticated with: its head, and whose it is. */
static struct saga_slice about(const struct walk *w, const uint8_t *head)
{
    return SAGA_CONCAT(w->arena, ((struct saga_slice){ (const char *)head, HEAD_BYTES }), w->id,
                       SAGA_SLICE("\n"), w->run);
}

static struct saga_slice seal(struct walk *w, struct saga_slice plain)
{
    uint8_t *bytes = saga_arena_take(w->arena, plain.size + FRAME_BYTES);
    bytes[0] = 0;
    bytes[1] = VERSION;
    put_number(bytes + 2, w->sequence, 8);
    put_number(bytes + 10, w->place++, 4);
    struct saga_slice where = about(w, bytes);
    saga_seal_nonce(w->key->nonce, where, plain, bytes + NONCE_AT);
    saga_seal(w->key->cipher, bytes + NONCE_AT, where, plain,
              bytes + NONCE_AT + SAGA_SEAL_NONCE_BYTES);
    return (struct saga_slice){ (const char *)bytes, plain.size + FRAME_BYTES };
}

static int unseal(struct walk *w, struct saga_slice sealed, struct saga_slice *ret)
{
    const uint8_t *bytes = (const uint8_t *)sealed.data;
    if (sealed.size < FRAME_BYTES || bytes[0] != 0 || bytes[1] != VERSION) return SAGA_E_INVALID;
    size_t size = sealed.size - FRAME_BYTES;
    uint8_t *plain = saga_arena_take(w->arena, size + 1);
    int error = saga_unseal(w->key->cipher, bytes + NONCE_AT, about(w, bytes),
                            saga_slice_skip(sealed, NONCE_AT + SAGA_SEAL_NONCE_BYTES), plain);
    if (error < 0) return error;
    plain[size] = '\0';
    *ret = size ? (struct saga_slice){ (const char *)plain, size } : SAGA_SLICE_NONE;
    return SAGA_OK;
}

static void seal_value(struct walk *w, struct saga_slice *value)
{
    if (value->data) *value = seal(w, *value);
}

static void seal_text(struct walk *w, struct saga_slice *text)
{
    const size_t head = strlen(SAGA_SEALED_TEXT);
    if (text->size == 0) return;
    struct saga_slice sealed = seal(w, *text);
    char *coded = saga_arena_take(w->arena, head + 4 * ((sealed.size + 2) / 3) + 1);
    memcpy(coded, SAGA_SEALED_TEXT, head);
    int size = EVP_EncodeBlock((unsigned char *)coded + head, (const unsigned char *)sealed.data,
                               (int)sealed.size);
    *text = (struct saga_slice){ coded, head + (size_t)size };
}

static void open_value(struct walk *w, struct saga_slice *value)
{
    if (!saga_is_sealed(*value)) return;
    w->failed = unseal(w, *value, value) < 0 || w->failed;
}

static void open_text(struct walk *w, struct saga_slice *text)
{
    if (!saga_slice_starts_with(*text, SAGA_SEALED_TEXT)) return;
    struct saga_slice coded = saga_slice_skip(*text, strlen(SAGA_SEALED_TEXT));
    unsigned char *bytes = saga_arena_take(w->arena, coded.size + 1);
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)coded.data, (int)coded.size);
    size_t padding = 0; /* is decoded to NULs, and counted */
    while (padding < 2 && padding < coded.size && coded.data[coded.size - 1 - padding] == '=')
        padding++;
    if (size < (int)padding) {
        w->failed = true;
        return;
    }
    struct saga_slice sealed = { (const char *)bytes, (size_t)size - padding };
    w->failed = unseal(w, sealed, text) < 0 || w->failed;
}

static void veil_value(struct walk *w, struct saga_slice *value)
{
    if (saga_is_sealed(*value)) *value = w->json;
}

static void veil_text(struct walk *w, struct saga_slice *text)
{
    if (saga_slice_starts_with(*text, SAGA_SEALED_TEXT)) *text = w->words;
}

static void look_at_value(struct walk *w, struct saga_slice *value)
{
    w->found = w->found || saga_is_sealed(*value);
}

static void look_at_text(struct walk *w, struct saga_slice *text)
{
    (void)w;
    (void)text; /* only who knows by the rest that a record is sealed takes a text for sealed */
}

/* ---- all of a record ---- */

/* Of all kinds of facts, the fields that hold what a saga is about: values, and the words made of them. */
static void walk_fact(struct walk *w, struct saga_fact *fact, visitor value, visitor text)
{
    if (!fact->value_from_cause) value(w, &fact->value);
    text(w, &fact->message);
}

static void walk_record(struct walk *w, struct saga_journal_record *record, visitor value,
                        visitor text)
{
    value(w, &record->cause.body);
    for (size_t i = 0; i < record->fact_count; i++) {
        struct saga_fact *fact = &record->facts[i];
        walk_fact(w, fact, value, text);
        if (fact->value_from_cause) fact->value = record->cause.body;
    }
}

static struct walk walk_of(const struct saga_data_key *key,
                           const struct saga_journal_record *record, struct saga_arena *arena)
{
    return (struct walk){ .key = key,
                          .id = record->saga_id,
                          .run = record->run,
                          .sequence = record->sequence,
                          .arena = arena };
}

bool saga_record_is_sealed(const struct saga_journal_record *record)
{
    struct walk w = { 0 };
    struct saga_journal_record looked_at = *record;
    look_at_value(&w, &looked_at.cause.body);
    for (size_t i = 0; i < record->fact_count && !w.found; i++) {
        struct saga_fact fact = record->facts[i];
        walk_fact(&w, &fact, look_at_value, look_at_text);
    }
    return w.found;
}

void saga_seal_record(const struct saga_data_key *key, struct saga_journal_record *record,
                      struct saga_arena *arena)
{
    struct walk w = walk_of(key, record, arena);
    /* a start without a body is told from one of a saga that is not sealed (saga_state_is_sealed) */
    if (record->cause.kind == SAGA_EVENT_START && !record->cause.body.data)
        record->cause.body = SAGA_SLICE("");
    walk_record(&w, record, seal_value, seal_text);
}

int saga_open_record(const struct saga_data_key *key, struct saga_journal_record *record,
                     struct saga_arena *arena)
{
    struct walk w = walk_of(key, record, arena);
    walk_record(&w, record, open_value, open_text);
    return w.failed ? SAGA_E_INVALID : SAGA_OK;
}

void saga_veil_record(struct saga_journal_record *record, struct saga_slice json,
                      struct saga_slice words)
{
    struct walk w = { .json = json, .words = words };
    walk_record(&w, record, veil_value, veil_text);
}

/* ---- all of a state ---- */

static void walk_state(struct walk *w, struct saga_state *state, visitor value, visitor text)
{
    value(w, &state->input);
    value(w, &state->vars);
    text(w, &state->error.message);
    text(w, &state->deferred.message);
    text(w, &state->stuck_message);
    for (size_t i = 0; i < state->scope_count; i++) value(w, &state->scopes[i].items);
    for (size_t i = 0; i < state->step_count; i++) {
        struct saga_step_state *step = &state->steps[i];
        value(w, &step->body);
        value(w, &step->result);
        value(w, &step->compensation_body);
        text(w, &step->error_message);
    }
}

int saga_open_state(const struct saga_data_key *key, struct saga_state *state)
{
    struct walk w = { .key = key, .id = state->id, .run = state->run, .arena = &state->arena };
    walk_state(&w, state, open_value, open_text);
    return w.failed ? SAGA_E_INVALID : SAGA_OK;
}

void saga_veil_state(struct saga_state *state, struct saga_slice json, struct saga_slice words)
{
    struct walk w = { .json = json, .words = words };
    walk_state(&w, state, veil_value, veil_text);
}
