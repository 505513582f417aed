/* Bodies of messages: which form they have on a topic, and between that and the JSON that expressions see. */
#ifndef SAGA_SCHEMA_BODY_H
#define SAGA_SCHEMA_BODY_H

#include "schema/schemas.h"

/* `format:` of a participant or an event. */
enum saga_body_format {
    SAGA_FORMAT_JSON,
    SAGA_FORMAT_AVRO, /* Confluent's wire format: 00, id (4 bytes, big endian), datum */
    SAGA_FORMAT_AVRO_SINGLE_OBJECT, /* C3 01, CRC-64-AVRO fingerprint (8 bytes, little endian), datum */
    SAGA_FORMAT_COUNT
};
/* "json", "avro", "avro-single-object" */
const char *saga_body_format_name(enum saga_body_format format);
/* SAGA_FORMAT_COUNT if it is none. */
enum saga_body_format saga_body_format_of(struct saga_slice name);

/* What a body is, by its first bytes: no JSON text begins as the two forms of Avro do. */
enum saga_body_format saga_body_format_by_bytes(struct saga_slice body);

/* A body in one of the two forms to JSON, read as the current schema of its name says. `*ret_type` is the record's name
 * without its namespace (absent: it is no record). `schemas` may be NULL: there are none.
 * Errors: SAGA_E_NOT_FOUND (its schema is not known), SAGA_E_INVALID (it does not fit its schema, or the reader's),
 * SAGA_E_LIMIT (as JSON over SAGA_PAYLOAD_BYTES_MAX, too deep); with words in `arena` that name the field. */
int saga_body_from_avro(const struct saga_schemas *schemas, struct saga_slice body,
                        struct saga_arena *arena, struct saga_slice *ret_json,
                        struct saga_slice *ret_type, struct saga_slice *ret_words);

/* JSON to a body of the message type `type`. In SAGA_FORMAT_JSON it is the JSON itself, whatever the type.
 * Errors: as above; SAGA_E_CONFLICT (several schemas have that name). */
int saga_body_make(const struct saga_schemas *schemas, enum saga_body_format format,
                   struct saga_slice type, struct saga_slice json, struct saga_arena *arena,
                   struct saga_slice *ret_body, struct saga_slice *ret_words);

/* The same for a body that was made before, perhaps by an earlier version of the schema: where it does not fit the
 * current one, an earlier one that it fits is written. The words are those about the current one. */
int saga_body_make_as_before(const struct saga_schemas *schemas, enum saga_body_format format,
                             struct saga_slice type, struct saga_slice json,
                             struct saga_arena *arena, struct saga_slice *ret_body,
                             struct saga_slice *ret_words);

/* In the JSON given to saga_body_check: a value that is not known yet, and may be any. */
#define SAGA_SCHEMA_HOLE "\"\\u0000\""

/* Is there a schema to write the type with in that format, and does a body of which not all is known fit it as far as it
 * is? Errors: SAGA_E_NOT_FOUND, SAGA_E_CONFLICT (no schema), SAGA_E_INVALID, SAGA_E_LIMIT (does not fit), with words. */
int saga_body_check(const struct saga_schemas *schemas, enum saga_body_format format,
                    struct saga_slice type, struct saga_slice json, struct saga_arena *arena,
                    struct saga_slice *ret_words);

/* A JSON value that fits the schema, made up: texts say the field's name and %s, for whoever wants to put a word there.
 * For simulated services. */
struct saga_slice saga_schema_example(const struct saga_schema *schema, struct saga_arena *arena);

#endif
