/* Schema files, with a line "---" between one and the next: reading, defaults, canonical form; and with what can be
 * used, a made-up body there and back. */
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "fuzz.h"
#include "schema/body.h"

enum { FILES_MAX = 8 };

static void add_files(struct saga_schemas *schemas, struct saga_slice input)
{
    static const struct saga_slice paths[FILES_MAX] = { { "A.avsc", 6 },   { "B.avsc", 6 },
                                                        { "A-1.avsc", 8 }, { "b/R.avsc", 8 },
                                                        { "c/R.avsc", 8 }, { "D.avsc", 6 },
                                                        { "E.avsc", 6 },   { "F.avsc", 6 } };
    for (size_t i = 0; i < FILES_MAX; i++) {
        const char *end = input.size ? memmem(input.data, input.size, "\n---\n", 5) : NULL;
        struct saga_slice file = { input.data, end ? (size_t)(end - input.data) : input.size };
        saga_schemas_add(schemas, paths[i], file);
        if (!end) return;
        input = saga_slice_skip(input, file.size + 5);
    }
}

/* Whatever is written must be read again, and be JSON. */
static void there_and_back(const struct saga_schemas *schemas, const char *type,
                           struct saga_arena *arena)
{
    const struct saga_schema *schema;
    struct saga_slice words, json, body, name;
    size_t offset;
    const char *why;
    if (saga_schemas_type(schemas, saga_slice_of(type), arena, &schema, &words) < 0) return;
    SAGA_ASSERT(saga_schemas_by_fingerprint(schemas, saga_schema_fingerprint(schema)));
    json = saga_schema_example(schema, arena);
    (void)saga_body_check(schemas, SAGA_FORMAT_AVRO_SINGLE_OBJECT, saga_slice_of(type), json, arena,
                          &words);
    if (saga_json_validate(json, &offset, &why) < 0 ||
        saga_body_make(schemas, SAGA_FORMAT_AVRO_SINGLE_OBJECT, saga_slice_of(type), json, arena,
                       &body, &words) < 0)
        return;
    if (saga_body_from_avro(schemas, body, arena, &json, &name, &words) == 0)
        SAGA_ASSERT(saga_json_validate(json, &offset, &why) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_arena arena;
    struct saga_diagnostics diagnostics;
    struct saga_schemas *schemas = saga_schemas_new();
    saga_arena_init(&arena);
    saga_diagnostics_init(&diagnostics, &arena);
    add_files(schemas, fuzz_slice(data, size));
    if (saga_schemas_read(schemas, "schemas", &diagnostics) == 0) {
        static const char *const types[] = { "A", "B", "R", "n.R" };
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            there_and_back(schemas, types[i], &arena);
    }
    saga_schemas_free(schemas);
    saga_arena_free(&arena);
    return 0;
}
