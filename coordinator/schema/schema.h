/* Avro schemas of message bodies as trees, and what they are called in JSON (Avro 1.12 specification).
 *
 * Bodies do not go through avro-c: its schemas keep neither defaults nor aliases nor logical types, which resolving
 * between a writer's and a reader's schema needs. The coordinator's own records do (codec/). */
#ifndef SAGA_SCHEMA_SCHEMA_H
#define SAGA_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum saga_schema_kind { /* the primitive ones first */
                        SAGA_SCHEMA_NULL,
                        SAGA_SCHEMA_BOOLEAN,
                        SAGA_SCHEMA_INT,
                        SAGA_SCHEMA_LONG,
                        SAGA_SCHEMA_FLOAT,
                        SAGA_SCHEMA_DOUBLE,
                        SAGA_SCHEMA_BYTES,
                        SAGA_SCHEMA_STRING,
                        SAGA_SCHEMA_FIXED,
                        SAGA_SCHEMA_ENUM,
                        SAGA_SCHEMA_ARRAY,
                        SAGA_SCHEMA_MAP,
                        SAGA_SCHEMA_UNION,
                        SAGA_SCHEMA_RECORD
};
enum { SAGA_SCHEMA_PRIMITIVES = SAGA_SCHEMA_STRING + 1 };

enum saga_schema_logical {
    SAGA_LOGICAL_NONE, /* also where the schema names one that is not known, or that does not fit */
    SAGA_LOGICAL_DECIMAL,
    SAGA_LOGICAL_UUID,
    SAGA_LOGICAL_DATE,
    SAGA_LOGICAL_TIME_MILLIS,
    SAGA_LOGICAL_TIME_MICROS,
    SAGA_LOGICAL_TIMESTAMP_MILLIS,
    SAGA_LOGICAL_TIMESTAMP_MICROS,
    SAGA_LOGICAL_TIMESTAMP_NANOS,
    SAGA_LOGICAL_LOCAL_TIMESTAMP_MILLIS,
    SAGA_LOGICAL_LOCAL_TIMESTAMP_MICROS,
    SAGA_LOGICAL_LOCAL_TIMESTAMP_NANOS,
    SAGA_LOGICAL_DURATION
};

struct saga_schema;

struct saga_schema_names {
    const struct saga_slice *items;
    size_t count;
};

struct saga_schema_field {
    struct saga_slice name;
    struct saga_schema_names aliases;
    const struct saga_schema *type;
    struct saga_slice default_json;  /* as the schema says it; absent: none */
    struct saga_slice default_bytes; /* the same as Avro, once the defaults were made */
    bool default_is_being_made;
};

/* One type. Never changes once its file was read and its defaults were made; lives in the arena of its reader. */
struct saga_schema {
    enum saga_schema_kind kind;
    enum saga_schema_logical logical;
    uint32_t precision, scale;        /* of a decimal */
    struct saga_slice name;           /* of record, enum and fixed: the full name */
    struct saga_schema_names aliases; /* full names */
    struct saga_schema_field *fields; /* of a record */
    size_t field_count;
    struct saga_schema_names symbols;          /* of an enum */
    struct saga_slice symbol_default;          /* of an enum, or absent */
    const struct saga_schema *item;            /* of array and map */
    const struct saga_schema *const *branches; /* of a union */
    size_t branch_count;
    size_t size; /* of a fixed, in bytes */
};

/* A full name without its namespace. */
struct saga_slice saga_schema_short_name(struct saga_slice full_name);
/* "a long", "a record shop.Order": for people. */
struct saga_slice saga_schema_words(const struct saga_schema *schema, struct saga_arena *arena);

/* Where names are looked up while a schema is read. */
struct saga_schema_scope {
    struct saga_arena *arena;   /* owns the types */
    struct saga_schema **types; /* named ones, in the order of their definition */
    size_t type_count, type_capacity;
    /* A type that the text itself does not define: NULL where there is none, with words in `*ret_words` if there is
     * more to say. May be NULL. */
    const struct saga_schema *(*find)(void *context, struct saga_slice full_name,
                                      struct saga_slice *ret_words);
    void *context;
};

/* Reads a schema. What names the text defines is in the scope afterwards, also when it fails.
 * Errors: SAGA_E_INVALID, SAGA_E_LIMIT with words in `*ret_words` (in the scope's arena). */
int saga_schema_read(struct saga_schema_scope *scope, struct saga_slice json,
                     const struct saga_schema **ret, struct saga_slice *ret_words);
/* Checks the defaults of the scope's records and makes their bytes. All types that they refer to have been read.
 * Errors: as above. */
int saga_schema_make_defaults(struct saga_schema_scope *scope, struct saga_slice *ret_words);

/* The Parsing Canonical Form (specification, Schema Fingerprints), in `arena`. */
struct saga_slice saga_schema_canonical(const struct saga_schema *schema, struct saga_arena *arena);
/* CRC-64-AVRO of that. */
uint64_t saga_schema_fingerprint(const struct saga_schema *schema);

#endif
