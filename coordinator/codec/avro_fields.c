#include "codec/avro_fields.h"

#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "codec/avro_walk.h"

static void check(int failed)
{
    SAGA_ASSERT(!failed); /* our own schemas and values: nothing can be of another type */
}

/* Hands over a view: avro-c keeps the pointer and frees nothing. A string's size counts a NUL that is not written. */
void saga_avro_put_string(avro_value_t *value, struct saga_slice text)
{
    avro_wrapped_buffer_t view;
    avro_wrapped_buffer_new(&view, text.data ? text.data : "", text.size + 1);
    check(avro_value_give_string_len(value, &view));
}

static void put_bytes(avro_value_t *value, struct saga_slice bytes)
{
    avro_value_t branch;
    check(avro_value_set_branch(value, bytes.data ? 1 : 0, &branch));
    if (!bytes.data) {
        check(avro_value_set_null(&branch));
        return;
    }
    avro_wrapped_buffer_t view;
    avro_wrapped_buffer_new(&view, bytes.data, bytes.size);
    check(avro_value_give_bytes(&branch, &view));
}

void saga_avro_put(avro_value_t *record, size_t first, const struct saga_avro_field *fields,
                   size_t count, const void *from)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = (const char *)from + fields[i].offset;
        avro_value_t value;
        check(avro_value_get_by_index(record, first + i, &value, NULL));
        switch (fields[i].kind) {
        case SAGA_AVRO_STRING:
            saga_avro_put_string(&value, *(const struct saga_slice *)(const void *)at);
            break;
        case SAGA_AVRO_BYTES:
            put_bytes(&value, *(const struct saga_slice *)(const void *)at);
            break;
        case SAGA_AVRO_INT:
            check(avro_value_set_int(&value, *(const int32_t *)(const void *)at));
            break;
        case SAGA_AVRO_LONG:
            check(avro_value_set_long(&value, *(const int64_t *)(const void *)at));
            break;
        case SAGA_AVRO_BOOL:
            check(avro_value_set_boolean(&value, *(const bool *)(const void *)at));
            break;
        case SAGA_AVRO_NAME:
            saga_avro_put_string(&value,
                                 saga_slice_of(fields[i].name(*(const int *)(const void *)at)));
            break;
        }
    }
}

static struct saga_slice get_string(avro_value_t *value, struct saga_arena *arena)
{
    const char *text;
    size_t size;
    check(avro_value_get_string(value, &text, &size));
    if (size <= 1) return SAGA_SLICE_NONE;
    return saga_arena_copy(arena, (struct saga_slice){ text, size - 1 });
}

static struct saga_slice get_bytes(avro_value_t *value, struct saga_arena *arena)
{
    avro_value_t branch;
    const void *bytes;
    size_t size;
    int discriminant;
    check(avro_value_get_discriminant(value, &discriminant));
    if (discriminant == 0) return SAGA_SLICE_NONE;
    check(avro_value_get_current_branch(value, &branch));
    check(avro_value_get_bytes(&branch, &bytes, &size));
    return saga_arena_copy(arena, (struct saga_slice){ bytes ? bytes : "", size });
}

static int get_name(avro_value_t *value, const struct saga_avro_field *field, int *ret)
{
    const char *text;
    size_t size;
    check(avro_value_get_string(value, &text, &size));
    for (int i = 0; i < field->names; i++) {
        if (strlen(field->name(i)) != size - 1 || memcmp(field->name(i), text, size - 1) != 0)
            continue;
        *ret = i;
        return SAGA_OK;
    }
    return SAGA_E_INVALID;
}

int saga_avro_get(avro_value_t *record, size_t first, const struct saga_avro_field *fields,
                  size_t count, struct saga_arena *arena, void *to)
{
    for (size_t i = 0; i < count; i++) {
        void *at = (char *)to + fields[i].offset;
        avro_value_t value;
        int truth;
        check(avro_value_get_by_index(record, first + i, &value, NULL));
        switch (fields[i].kind) {
        case SAGA_AVRO_STRING: *(struct saga_slice *)at = get_string(&value, arena); break;
        case SAGA_AVRO_BYTES: *(struct saga_slice *)at = get_bytes(&value, arena); break;
        case SAGA_AVRO_INT: check(avro_value_get_int(&value, at)); break;
        case SAGA_AVRO_LONG: check(avro_value_get_long(&value, at)); break;
        case SAGA_AVRO_BOOL:
            check(avro_value_get_boolean(&value, &truth));
            *(bool *)at = truth != 0;
            break;
        case SAGA_AVRO_NAME:
            if (get_name(&value, &fields[i], at) < 0) return SAGA_E_INVALID;
            break;
        }
    }
    return SAGA_OK;
}

/* ---- single-object encoding ---- */

int saga_avro_encode(avro_value_t *value, uint64_t fingerprint, size_t bytes_max,
                     struct saga_arena *arena, struct saga_slice *ret)
{
    size_t size;
    check(avro_value_sizeof(value, &size));
    if (size + SAGA_AVRO_HEAD_BYTES > bytes_max) return SAGA_E_LIMIT;
    char *bytes = saga_arena_alloc(arena, size + SAGA_AVRO_HEAD_BYTES);
    bytes[0] = (char)0xC3;
    bytes[1] = 0x01;
    for (unsigned i = 0; i < 8; i++) bytes[2 + i] = (char)(fingerprint >> 8 * i & 0xff);
    avro_writer_t writer = avro_writer_memory(bytes + SAGA_AVRO_HEAD_BYTES, (int64_t)size);
    SAGA_ASSERT(writer);
    check(avro_value_write(writer, value));
    avro_writer_free(writer);
    *ret = (struct saga_slice){ bytes, size + SAGA_AVRO_HEAD_BYTES };
    return SAGA_OK;
}

static uint64_t fingerprint_of(struct saga_slice bytes)
{
    uint64_t fingerprint = 0;
    for (unsigned i = 0; i < 8; i++)
        fingerprint |= (uint64_t)(unsigned char)bytes.data[2 + i] << 8 * i;
    return fingerprint;
}

int saga_avro_decode(struct saga_slice bytes, uint64_t fingerprint, avro_schema_t schema,
                     avro_value_t *value, struct saga_arena *arena, struct saga_slice *ret_words)
{
    size_t offset;
    const char *why;
    if (bytes.size < SAGA_AVRO_HEAD_BYTES || (unsigned char)bytes.data[0] != 0xC3 ||
        bytes.data[1] != 0x01) {
        *ret_words = SAGA_SLICE("it is not in Avro's single-object encoding (C3 01)");
        return SAGA_E_INVALID;
    }
    if (fingerprint_of(bytes) != fingerprint) {
        *ret_words = saga_arena_printf(
            arena,
            "its schema has the fingerprint %016llx, which this version does not know "
            "(it knows %016llx): was it written by a newer one?",
            (unsigned long long)fingerprint_of(bytes), (unsigned long long)fingerprint);
        return SAGA_E_INVALID;
    }
    struct saga_slice datum = saga_slice_skip(bytes, SAGA_AVRO_HEAD_BYTES);
    if (saga_avro_walk(schema, datum, &offset, &why) < 0) {
        *ret_words = saga_arena_printf(arena, "its bytes do not fit their schema at %zu: %s",
                                       offset + SAGA_AVRO_HEAD_BYTES, why);
        return SAGA_E_INVALID;
    }
    avro_reader_t reader = avro_reader_memory(datum.data, (int64_t)datum.size);
    SAGA_ASSERT(reader);
    avro_value_reset(value);
    int failed = avro_value_read(reader, value);
    avro_reader_free(reader);
    if (!failed) return SAGA_OK;
    *ret_words = saga_arena_printf(arena, "it cannot be read: %s", avro_strerror());
    return SAGA_E_INVALID;
}
