/* What tests of schemas share: an arena, and bodies between JSON and the hexadecimal digits of their bytes. */
#ifndef SAGA_TESTS_UNIT_SCHEMA_HEX_H
#define SAGA_TESTS_UNIT_SCHEMA_HEX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "schema/body.h"
#include "schema/schema_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(precision, scale)                                                                  \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" precision ",\"scale\":" scale \
    "}"
#define FIXED(size, more) "{\"type\":\"fixed\",\"name\":\"F\",\"size\":" size more "}"
#define ENUM "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}"
#define LINE                                                                                       \
    "{\"type\":\"record\",\"name\":\"Line\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},"   \
    "{\"name\":\"quantity\",\"type\":\"int\"}]}"
#define ORDER                                                                                      \
    "{\"type\":\"record\",\"name\":\"shop.Order\",\"fields\":[{\"name\":\"id\",\"type\":"          \
    "\"string\"},{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":" LINE "}}]}"

static inline int set_up(void **state)
{
    static struct saga_arena arena;
    saga_arena_init(&arena);
    *state = &arena;
    return 0;
}

static inline int tear_down(void **state)
{
    saga_arena_free(*state);
    return 0;
}

static inline const struct saga_schema *schema_of(const char *text, struct saga_arena *arena)
{
    struct saga_schema_scope scope = { .arena = arena };
    const struct saga_schema *schema;
    struct saga_slice words = SAGA_SLICE_NONE;
    if (saga_schema_read(&scope, saga_slice_of(text), &schema, &words) < 0 ||
        saga_schema_make_defaults(&scope, &words) < 0)
        fail_msg("%s: %.*s", text, SAGA_SLICE_ARG(words));
    return schema;
}

static inline struct saga_slice bytes_of(const char *hex, struct saga_arena *arena)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = saga_arena_alloc(arena, size);
    assert_int_equal(saga_unhex(saga_slice_of(hex), bytes, size), SAGA_OK);
    return (struct saga_slice){ (const char *)bytes, size };
}

static inline const char *hex_of(struct saga_slice bytes, struct saga_arena *arena)
{
    char *hex = saga_arena_alloc(arena, 2 * bytes.size + 1);
    saga_hex((const uint8_t *)bytes.data, bytes.size, hex);
    return hex;
}

/* NULL with the words in `*ret_words` when it does not fit. The bytes stand alone in memory, so that a read behind their
 * end shows. */
static inline const char *decode(const char *writer, const char *reader, struct saga_slice bytes,
                                 struct saga_arena *arena, const char **ret_words)
{
    const struct saga_schema *from = schema_of(writer, arena),
                             *to = reader == writer ? from : schema_of(reader, arena);
    struct saga_slice json, words = SAGA_SLICE_NONE;
    char *own = malloc(bytes.size ? bytes.size : 1);
    assert_non_null(own);
    memcpy(own, bytes.data, bytes.size);
    struct saga_slice rest = { own, bytes.size };
    int error = saga_schema_decode(from, to, &rest, arena, &json, &words);
    free(own);
    *ret_words = saga_arena_string(arena, words);
    if (error < 0) return NULL;
    assert_int_equal(rest.size, 0);
    size_t offset;
    const char *why;
    assert_int_equal(saga_json_validate(json, &offset, &why), SAGA_OK);
    return saga_arena_string(arena, json);
}

static inline const char *encode(const char *schema, const char *json, struct saga_arena *arena,
                                 const char **ret_words)
{
    struct saga_slice bytes, words = SAGA_SLICE_NONE;
    int error = saga_schema_encode(schema_of(schema, arena), saga_slice_of(json), false,
                                   SAGA_PAYLOAD_BYTES_MAX, arena, &bytes, &words);
    *ret_words = saga_arena_string(arena, words);
    return error < 0 ? NULL : hex_of(bytes, arena);
}

#endif
