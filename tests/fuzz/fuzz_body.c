/* Bodies against schemas: first a byte for the writer's schema and one for the reader's, then the datum as Avro, or JSON
 * to be written. What is read is JSON; what is written is read again. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/limits.h"
#include "fuzz.h"
#include "schema/schema_internal.h"

/* With ' for ". */
static const char *const texts[] = {
    "{'type':'record','name':'R','fields':["
    "{'name':'a','type':'int'},{'name':'b','type':['null','string']}]}",

    "{'type':'record','name':'R','fields':["
    "{'name':'a','type':'double'},{'name':'c','type':'bytes','default':'\\u00ff'}]}",

    "{'type':'record','name':'R','fields':["
    "{'name':'d','type':{'type':'bytes','logicalType':'decimal','precision':30,'scale':4}},"
    "{'name':'e','type':{'type':'int','logicalType':'date'}},"
    "{'name':'f','type':{'type':'long','logicalType':'timestamp-nanos'}},"
    "{'name':'g','type':{'type':'long','logicalType':'time-micros'}},"
    "{'name':'h','type':{'type':'string','logicalType':'uuid'}}]}",

    "{'type':'record','name':'R','fields':[{'name':'l','type':"
    "['null','R',{'type':'array','items':'R'},{'type':'map','values':'R'}]}]}",

    "{'type':'record','name':'R','fields':[{'name':'l','type':["
    "'null','float','long','bytes',{'type':'array','items':'null'},"
    "{'type':'enum','name':'E','symbols':['A','B'],'default':'A'},"
    "{'type':'fixed','name':'F','size':12,'logicalType':'duration'}]}]}",

    "{'type':'record','name':'R','fields':[{'name':'again','type':'R'}]}",

    "{'type':'record','name':'R','fields':[{'name':'x','type':['int','R',"
    "{'type':'record','name':'B','fields':[{'name':'x','type':['int','R','B']}]}]}]}",

    "{'type':'record','name':'R','fields':[{'name':'n','type':"
    "{'type':'array','items':{'type':'record','name':'Z','fields':[]}}}]}",

    "['null','boolean','string','double']",
};
enum { SCHEMAS = sizeof texts / sizeof texts[0] };

static const struct saga_schema *schema_of(uint8_t index, struct saga_arena *arena)
{
    struct saga_schema_scope scope = { .arena = arena };
    const struct saga_schema *schema;
    struct saga_slice words;
    char *text = saga_arena_string(arena, saga_slice_of(texts[index % SCHEMAS]));
    for (char *c = text; *c; c++)
        if (*c == '\'') *c = '"';
    int error = saga_schema_read(&scope, saga_slice_of(text), &schema, &words);
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
