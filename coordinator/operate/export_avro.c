#include "operate/export_avro.h"

#include <avro.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"

extern const char saga_schema_journal[];

/* A block ends behind so many bytes; avro-c refuses a datum that is larger than its buffer for one. */
enum { BLOCK_BYTES = 64 * 1024, BUFFER_BYTES = SAGA_JOURNAL_RECORD_BYTES_MAX + 64 * 1024 };
/* Of single-object encoding: marker and fingerprint. */
enum { HEAD_BYTES = 10, LONG_BYTES_MAX = 10 };

struct saga_export_avro {
    FILE *file;
    const char *path;
    avro_schema_t schema;
    avro_file_writer_t writer;
    char *datum;
    size_t size, capacity;
    size_t in_block;
    bool failed;
    const char *why;
};

/* ---- a datum ---- */

static void put(struct saga_export_avro *avro, const void *bytes, size_t size)
{
    if (avro->size + size > avro->capacity) {
        avro->capacity = 2 * (avro->size + size);
        avro->datum = saga_memory_grow(avro->datum, avro->capacity);
    }
    if (size) memcpy(avro->datum + avro->size, bytes, size);
    avro->size += size;
}

/* Zigzag, then seven bits a byte (Avro specification, binary encoding). */
static void put_long(struct saga_export_avro *avro, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    unsigned char bytes[LONG_BYTES_MAX];
    size_t size = 0;
    do {
        bytes[size++] = (unsigned char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>= 7;
    } while (rest);
    put(avro, bytes, size);
}

/* Of ["null", "bytes"]. */
static void put_bytes(struct saga_export_avro *avro, struct saga_slice bytes)
{
    put_long(avro, bytes.data != NULL);
    if (!bytes.data) return;
    put_long(avro, (int64_t)bytes.size);
    put(avro, bytes.data, bytes.size);
}

/* ---- the file ---- */

static const char *schema_text(struct saga_arena *arena)
{
    return saga_arena_printf(
               arena,
               "{\"type\":\"record\",\"name\":\"ExportedRecord\",\"namespace\":\"saga\",\"fields\":"
               "["
               "{\"name\":\"offset\",\"type\":\"long\"},{\"name\":\"time\",\"type\":\"long\"},"
               "{\"name\":\"key\",\"type\":[\"null\",\"bytes\"]},"
               "{\"name\":\"foreign\",\"type\":[\"null\",\"bytes\"]},"
               "{\"name\":\"record\",\"type\":[\"null\",%s]}]}",
               saga_schema_journal)
        .data;
}

static int refuse(const char *path, const char *why, struct saga_arena *arena,
                  struct saga_diagnostic *diagnostic)
{
    saga_diagnostic_set(diagnostic, arena, "%s cannot be written: %s", path, why);
    return SAGA_E_INVALID;
}

int saga_export_avro_open(const char *path, struct saga_arena *arena, struct saga_export_avro **ret,
                          struct saga_diagnostic *diagnostic)
{
    const char *text = schema_text(arena);
    FILE *file = fopen(path, "wxe");
    if (!file) return refuse(path, strerror(errno), arena, diagnostic);
    struct saga_export_avro *avro = saga_memory_zeroed(1, sizeof *avro);
    avro->file = file;
    avro->path = saga_memory_text(path, strlen(path));
    int failed = avro_schema_from_json_length(text, strlen(text), &avro->schema);
    SAGA_ASSERT(!failed); /* of a schema that is part of the binary */
    if (avro_file_writer_create_with_codec_fp(file, path, 0, avro->schema, &avro->writer, "null",
                                              BUFFER_BYTES)) {
        avro->failed = true;
        avro->why = avro_strerror();
        avro->writer = NULL;
        return saga_export_avro_close(avro, arena, diagnostic);
    }
    *ret = avro;
    return SAGA_OK;
}

static void check(struct saga_export_avro *avro, int failed)
{
    if (!failed || avro->failed) return;
    avro->failed = true;
    avro->why = avro_strerror();
}

void saga_export_avro_add(struct saga_export_avro *avro, const struct saga_message *message,
                          bool readable)
{
    avro->size = 0;
    put_long(avro, message->offset);
    put_long(avro, message->timestamp_ms);
    put_bytes(avro, message->key);
    put_bytes(avro, readable ? SAGA_SLICE_NONE : message->value);
    put_long(avro, readable);
    if (readable) put(avro, message->value.data + HEAD_BYTES, message->value.size - HEAD_BYTES);
    if (avro->failed) return;
    check(avro, avro_file_writer_append_encoded(avro->writer, avro->datum, (int64_t)avro->size));
    avro->in_block += avro->size;
    if (avro->in_block < BLOCK_BYTES || avro->failed) return;
    check(avro, avro_file_writer_sync(avro->writer));
    avro->in_block = 0;
}

int saga_export_avro_close(struct saga_export_avro *avro, struct saga_arena *arena,
                           struct saga_diagnostic *diagnostic)
{
    int error = SAGA_OK;
    if (!avro) return SAGA_OK;
    if (avro->writer) check(avro, avro_file_writer_close(avro->writer));
    avro_schema_decref(avro->schema);
    bool failed = fflush(avro->file) || ferror(avro->file) || fsync(fileno(avro->file));
    failed = fclose(avro->file) || failed;
    if (failed && !avro->failed) avro->why = strerror(errno);
    if (failed || avro->failed) error = refuse(avro->path, avro->why, arena, diagnostic);
    free((char *)(uintptr_t)avro->path);
    free(avro->datum);
    free(avro);
    return error;
}
