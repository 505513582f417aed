/* A record from Kafka: lines "name: value" are headers, then an empty line and the value. Taken as whatever it may be. */
#include <string.h>

#include "base/arena.h"
#include "codec/message.h"
#include "fuzz.h"

enum { HEADERS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_header headers[HEADERS_MAX];
    struct saga_slice input = fuzz_slice(data, size), saga_id, name, key;
    struct saga_message record = { .topic = SAGA_SLICE("t"), .headers = headers }, hop;
    struct saga_arena arena;
    while (record.header_count < HEADERS_MAX && input.size) {
        struct saga_slice line = fuzz_line(&input);
        const char *colon = line.size ? memchr(line.data, ':', line.size) : NULL;
        if (!colon) break;
        size_t at = (size_t)(colon - line.data);
        headers[record.header_count++] =
            (struct saga_header){ { line.data, at }, saga_slice_skip(line, at + 1) };
    }
    record.value = input;
    saga_arena_init(&arena);
    struct saga_event event = { 0 };
    struct saga_diagnostic diagnostic = { 0 };
    saga_inbox_kind_of(&record);
    if (saga_event_open(&record, NULL, &arena, &event, &diagnostic) == 0 &&
        saga_reply_address(&record, &arena, &event, &saga_id, &diagnostic) == 0)
        saga_id_parse(saga_id, &name, &key);
    event = (struct saga_event){ 0 };
    saga_start_open(&record, &arena, &name, &event, &diagnostic);
    event = (struct saga_event){ 0 };
    saga_operator_open(&record, &arena, &saga_id, &event, &diagnostic);
    if (saga_hop_open(&record, &arena, &hop, &diagnostic) == 0)
        saga_event_open(&hop, NULL, &arena, &event, &diagnostic);
    saga_arena_free(&arena);
    return 0;
}
