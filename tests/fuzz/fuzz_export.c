/* A line of an export of the journal. What is taken can be written again, and gives the same. */
#include "base/assert.h"
#include "base/buffer.h"
#include "fuzz.h"
#include "runtime/exported_line.h"
#include "schema/logical.h"

static void add_bytes(struct saga_buffer *line, const char *name, struct saga_slice bytes)
{
    if (!bytes.data) {
        saga_buffer_printf(line, ",\"%s\":null", name);
        return;
    }
    struct saga_slice text = saga_base64(bytes, line->arena);
    saga_buffer_printf(line, ",\"%s\":\"%.*s\"", name, SAGA_SLICE_ARG(text));
}

static struct saga_slice write_line(const struct saga_exported_line *line, struct saga_arena *arena)
{
    struct saga_buffer text;
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_buffer_init(&text, arena);
    saga_buffer_printf(&text, "{\"offset\":%lld,\"time\":%lld", (long long)line->message.offset,
                       (long long)line->message.timestamp_ms);
    saga_hex(line->chain, sizeof line->chain, hex);
    if (line->before == SAGA_EXPORTED_AFTER) saga_buffer_printf(&text, ",\"before\":\"%s\"", hex);
    if (line->before == SAGA_EXPORTED_UNKNOWN) saga_buffer_printf(&text, ",\"before\":null");
    add_bytes(&text, "key", line->message.key);
    add_bytes(&text, "value", line->message.value);
    saga_buffer_add(&text, SAGA_SLICE("}"));
    return saga_buffer_slice(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_exported_line line, again;
    struct saga_arena arena;
    saga_arena_init(&arena);
    if (saga_exported_line_parse(fuzz_slice(data, size), &arena, &line)) {
        SAGA_ASSERT(line.message.offset >= 0);
        bool taken = saga_exported_line_parse(write_line(&line, &arena), &arena, &again);
        SAGA_ASSERT(taken && again.message.offset == line.message.offset);
        SAGA_ASSERT(again.message.timestamp_ms == line.message.timestamp_ms);
        SAGA_ASSERT(again.before == line.before);
        SAGA_ASSERT(saga_slice_equal(again.message.key, line.message.key));
        SAGA_ASSERT(saga_slice_equal(again.message.value, line.message.value));
        SAGA_ASSERT(!again.message.key.data == !line.message.key.data);
    }
    saga_arena_free(&arena);
    return 0;
}
