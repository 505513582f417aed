#include "operate/reading.h"

#include "base/error.h"
#include "base/hash.h"
#include "codec/message.h"
#include "operate/output.h"

/* Without any progress for so long, the broker is taken as away. */
enum { SILENCE_MS_MAX = 30000, POLL_MS = 500, RECORDS_MAX = 1000 };

static bool visit_all(const struct saga_bus_records *records, saga_visit_record visit,
                      void *context)
{
    for (size_t i = 0; i < records->count; i++)
        if (!visit(&records->items[i], context)) return false;
    return true;
}

static int fail(struct saga_call *call, struct saga_slice topic, int32_t partition)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%.*s [%d] cannot be read: %s",
                          SAGA_SLICE_ARG(topic), (int)partition, saga_client_problem(call->client));
}

int saga_read_to_end(struct saga_call *call, struct saga_slice topic, int32_t partition,
                     int64_t offset, saga_visit_record visit, void *context)
{
    struct saga_reader *reader;
    struct saga_bus_records records;
    int64_t position = offset, last_position = offset, last_ms = saga_now_ms();
    bool end = false, wanted = true;
    if (saga_reader_open(call->client, topic, partition, offset, &reader) < 0)
        return fail(call, topic, partition);
    while (!end && wanted && !saga_call_is_given_up(call)) {
        int error = saga_reader_read(reader, POLL_MS, RECORDS_MAX, &records, &position, &end);
        if (error == SAGA_OK) {
            wanted = visit_all(&records, visit, context);
            saga_reader_release(reader, &records);
        }
        if (position != last_position) last_ms = saga_now_ms();
        last_position = position;
        bool silent = saga_now_ms() - last_ms > SILENCE_MS_MAX;
        if ((error < 0 && error != SAGA_E_AGAIN) || (silent && !end)) {
            saga_reader_close(reader);
            return fail(call, topic, partition);
        }
    }
    saga_reader_close(reader);
    return SAGA_EXIT_DONE;
}

struct saga_message saga_message_copy(const struct saga_message *record, struct saga_arena *arena)
{
    struct saga_message copy = *record;
    copy.topic = saga_arena_copy(arena, record->topic);
    copy.key = saga_arena_copy(arena, record->key);
    copy.value = saga_arena_copy(arena, record->value);
    copy.headers = SAGA_NEW_ARRAY(arena, struct saga_header, record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        copy.headers[i].name = saga_arena_copy(arena, record->headers[i].name);
        copy.headers[i].value = saga_arena_copy(arena, record->headers[i].value);
    }
    return copy;
}

int saga_address_parse(const struct saga_call *call, const char *id, uint32_t lanes,
                       struct saga_address *ret)
{
    ret->saga_id = saga_slice_of(id);
    if (saga_id_parse(ret->saga_id, &ret->name, &ret->key) < 0)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "write it as DEFINITION/KEY, as `saga list` does",
                              "\"%s\" is not a saga's id", id);
    ret->lane = saga_lane_of_key(ret->key, lanes);
    return SAGA_EXIT_DONE;
}
