/* Avro in and out: journal records (schemas/journal.avsc), states (schemas/state.avsc), snapshots
 * (schemas/snapshot.avsc, schemas/marker.avsc). Each is single-object encoded: C3 01, the schema's CRC-64-AVRO
 * fingerprint (little endian), the datum.
 *
 * Structs are written and read by tables (codec/avro_fields.h), which the first codec compares with the schemas, as avro-c
 * has parsed them. Bytes from outside are checked while they are read. */
#ifndef SAGA_CODEC_CODEC_H
#define SAGA_CODEC_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/diagnostic.h"
#include "base/hash.h"
#include "base/slice.h"
#include "engine/event.h"
#include "engine/fact.h"
#include "engine/state.h"

/* What is used again and again to write; belongs to one thread. The schemas are read by the first codec of the process, so
 * that the others are made at once; threads may make and free codecs as they like. */
struct saga_codec;
int saga_codec_new(struct saga_codec **ret);
void saga_codec_free(struct saga_codec *codec);

/* Does it begin as all of these do? What does not was never written by a coordinator, of whatever version. */
bool saga_codec_is_encoded(struct saga_slice bytes);

/* One record of a lane's journal: an event taken, and what followed from it. */
struct saga_journal_record {
    struct saga_slice saga_id; /* empty for the lane's first record */
    struct saga_slice run;
    struct saga_slice key;
    struct saga_slice name; /* definition */
    uint32_t version;
    struct saga_slice sha256; /* of the definition, hexadecimal */
    uint64_t sequence;        /* 1, 2, 3 ... of this run of the saga */
    struct saga_event cause;  /* with the record's time */
    struct saga_fact *facts;
    size_t fact_count;
    uint8_t chain[SAGA_SHA256_BYTES];
};

/* The record of an event: `state` as the facts have left it. Its slices are those of the three; its chain is encode's. */
struct saga_journal_record saga_journal_record_of(const struct saga_state *state,
                                                  const struct saga_event *cause,
                                                  const struct saga_facts *facts);

/* Encodes a record. `chain` is the value of the lane's previous committed record (32 zero bytes before the
 * first); `ret_chain` gets the new one: SHA-256(previous chain, the record's bytes before its chain field). The
 * chain field is the last of the schema, so those bytes are all but the last 32.
 * A fact with value_from_cause is written with a null value. `record->chain` is not read.
 * Errors: SAGA_E_LIMIT (over SAGA_JOURNAL_RECORD_BYTES_MAX). */
int saga_journal_encode(struct saga_codec *codec, const struct saga_journal_record *record,
                        const uint8_t chain[SAGA_SHA256_BYTES], struct saga_arena *arena,
                        struct saga_slice *ret_bytes, uint8_t ret_chain[SAGA_SHA256_BYTES]);

/* Decodes a record; its facts are in `arena`. Slices point into `bytes`, so they live as long as those, and none is
 * terminated. Facts with value_from_cause get the cause's body as value.
 * Absent and empty strings: what is written as "" is read as an absent slice.
 * Errors: SAGA_E_INVALID with words (no single-object encoding, unknown fingerprint, bytes that do not fit). */
int saga_journal_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                        struct saga_journal_record *ret, struct saga_diagnostic *diagnostic);

/* The same but for the facts, whose bytes are given as they stand (`*ret_facts`, within `bytes`) without a look at them: for
 * who only asks whether they are certain facts. */
int saga_journal_decode_cause(struct saga_codec *codec, struct saga_slice bytes,
                              struct saga_arena *arena, struct saga_journal_record *ret,
                              struct saga_slice *ret_facts, struct saga_diagnostic *diagnostic);
/* Are these facts written as exactly these bytes? */
bool saga_journal_are_facts(struct saga_codec *codec, const struct saga_facts *facts,
                            struct saga_slice bytes);

/* What the record's chain field must be, given the chain value of the record before it. */
int saga_journal_chain(struct saga_slice bytes, const uint8_t previous[SAGA_SHA256_BYTES],
                       uint8_t ret[SAGA_SHA256_BYTES]);

/* A state in its Redis form. Equal states give equal bytes. Errors: SAGA_E_LIMIT. */
int saga_state_encode(struct saga_codec *codec, const struct saga_state *state,
                      struct saga_arena *arena, struct saga_slice *ret_bytes);
/* `*ret` is the caller's (saga_state_free) and needs `bytes` no longer: it has its own copy. Errors: SAGA_E_INVALID with
 * words (in `arena`); the result also passed the checks of saga_state_check, so a damaged state is refused, never asserted
 * on. */
int saga_state_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                      struct saga_state **ret, struct saga_diagnostic *diagnostic);
/* What stands before the state's lists, as views of `bytes`: all but its scopes, steps, timers, search values, waiters and kept
 * events. For who looks through many for what a few are like; nothing is checked that only the whole could show. `*ret` owns
 * nothing. Errors: SAGA_E_INVALID with words (in `arena`). */
int saga_state_glance(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                      struct saga_state *ret, struct saga_diagnostic *diagnostic);

/* A saga in saga.snapshots (R12). Its record's key is the saga's id. */
struct saga_snapshot {
    struct saga_slice journal; /* id of the journal that it belongs to */
    int64_t as_of;             /* the state contains all of the saga's records before this offset */
    int64_t series;            /* as in the marker */
    struct saga_slice state;   /* as saga_state_encode gives it; absent: there was no such saga */
};
/* The key of the record that ends a snapshot; a saga's id has a slash in it. */
#define SAGA_MARKER_KEY SAGA_SLICE("marker")
/* The key of the one that has a lane's log of what operators said, in place of a state (runtime/operations.h). */
#define SAGA_LOG_KEY SAGA_SLICE("operations")
struct saga_marker {
    struct saga_slice journal;
    uint32_t lanes;
    int64_t offset; /* a rebuild replays the journal from here */
    int64_t series; /* where the unbroken series of snapshots began: a full one begins another */
    struct saga_slice chain; /* hexadecimal: the chain's value before that offset */
    int64_t time_ms;         /* the lane's time there */
};
/* As the records: what is encoded and words are in `arena`, what is decoded points into `bytes`; LIMIT, or INVALID with
 * words. A marker that was decoded has an id and a chain of the right form. */
int saga_snapshot_encode(struct saga_codec *codec, const struct saga_snapshot *snapshot,
                         struct saga_arena *arena, struct saga_slice *ret_bytes);
int saga_snapshot_decode(struct saga_codec *codec, struct saga_slice bytes,
                         struct saga_arena *arena, struct saga_snapshot *ret,
                         struct saga_diagnostic *diagnostic);
int saga_marker_encode(struct saga_codec *codec, const struct saga_marker *marker,
                       struct saga_arena *arena, struct saga_slice *ret_bytes);
int saga_marker_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                       struct saga_marker *ret, struct saga_diagnostic *diagnostic);

/* The same things for people and scripts, as JSON (one object, no newline). `bodies`: with the bodies of
 * causes, commands and results, else without. */
struct saga_slice saga_journal_json(const struct saga_journal_record *record, bool bodies,
                                    struct saga_arena *arena);
struct saga_slice saga_state_json(const struct saga_state *state, bool bodies,
                                  struct saga_arena *arena);
/* One fact as an object {"fact":"StepSent","step":…}: the fields of saga_fact_types that are not empty. */
void saga_fact_json(const struct saga_fact *fact, bool bodies, struct saga_buffer *buffer);

#endif
