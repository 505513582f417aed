/* Bodies against schemas: first a byte for the writer's schema and one for the reader's, then the datum as Avro, or JSON
 * to be written. What is read is JSON; what is written is read again. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/limits.h"
#include "fuzz.h"
#include "schema/schema_internal.h"

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"

static const char *const texts[] = {
    RECORD("R", FIELD("a", "\"int\"") "," FIELD("b", "[\"null\",\"string\"]")),
    RECORD("R",
           FIELD("a", "\"double\"") ",{\"name\":\"c\",\"type\":\"bytes\",\"default\":\"\\u00ff\"}"),
    RECORD(
        "R",
        FIELD("d",
              "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":30,\"scale\":"
              "4}") "," FIELD("e",
                              LOGICAL(
                                  "int",
                                  "date")) "," FIELD("f",
                                                     LOGICAL(
                                                         "long",
                                                         "timestamp-nanos")) "," FIELD("g",
                                                                                       LOGICAL(
                                                                                           "long",
                                                                                           "time-"
                                                                                           "micro"
                                                                                           "s")) "," FIELD("h",
                                                                                                           LOGICAL(
                                                                                                               "string",
                                                                                                               "uuid"))),
    RECORD("R", FIELD("l", "[\"null\",\"R\",{\"type\":\"array\",\"items\":\"R\"},{\"type\":\"map\","
                           "\"values\":\"R\"}]")),
    RECORD("R", FIELD("l", "[\"null\",\"float\",\"long\",\"bytes\",{\"type\":\"array\",\"items\":"
                           "\"null\"},{\"type\":\"enum\","
                           "\"name\":\"E\",\"symbols\":[\"A\",\"B\"],\"default\":\"A\"},{\"type\":"
                           "\"fixed\",\"name\":\"F\","
                           "\"size\":12,\"logicalType\":\"duration\"}]")),
    RECORD("R", FIELD("again", "\"R\"")),
    RECORD("R", FIELD("x", "[\"int\",\"R\"," RECORD("B", FIELD("x", "[\"int\",\"R\",\"B\"]")) "]")),
    RECORD("R", FIELD("n", "{\"type\":\"array\",\"items\":" RECORD("Z", "") "}")),
    "[\"null\",\"boolean\",\"string\",\"double\"]",
};
enum { SCHEMAS = sizeof texts / sizeof texts[0] };

static const struct saga_schema *schema_of(uint8_t index, struct saga_arena *arena)
{
    struct saga_schema_scope scope = { .arena = arena };
    const struct saga_schema *schema;
    struct saga_slice words;
    int error = saga_schema_read(&scope, saga_slice_of(texts[index % SCHEMAS]), &schema, &words);
    SAGA_ASSERT(error == 0 && saga_schema_make_defaults(&scope, &words) == 0);
    return schema;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_arena arena;
    struct saga_slice input, json, bytes, words;
    size_t offset;
    const char *why;
    if (size < 2) return 0;
    saga_arena_init(&arena);
    const struct saga_schema *writer = schema_of(data[0], &arena),
                             *reader = data[1] % SCHEMAS == data[0] % SCHEMAS
                                           ? writer
                                           : schema_of(data[1], &arena);
    input = fuzz_slice(data + 2, size - 2);
    bytes = input;
    if (saga_schema_decode(writer, reader, &bytes, &arena, &json, &words) == 0)
        SAGA_ASSERT(saga_json_validate(json, &offset, &why) == 0);
    else if (saga_json_validate(input, &offset, &why) == 0)
        json = input;
    else
        json = SAGA_SLICE("null");
    (void)saga_schema_check(writer, json, &arena, &words);
    if (saga_schema_encode(writer, json, false, SAGA_PAYLOAD_BYTES_MAX, &arena, &bytes, &words) ==
        0) {
        int error = saga_schema_decode(writer, writer, &bytes, &arena, &json, &words);
        SAGA_ASSERT((error == 0 && bytes.size == 0) ||
                    error == -3); /* as JSON it may be too large */
    }
    saga_arena_free(&arena);
    return 0;
}
