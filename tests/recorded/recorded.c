#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "recorded/recorded.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "definition/schema_folder.h"

enum { PATH_BYTES = 1024, FINGERPRINT_AT = 2, FINGERPRINT_BYTES = 8 };

static void path_of(char ret[PATH_BYTES], const char *folder, const char *name)
{
    int size = snprintf(ret, PATH_BYTES, "%s/%s", folder, name);
    assert_true(size > 0 && size < PATH_BYTES);
}

void recorded_format(char ret[17])
{
    struct saga_codec *codec;
    struct saga_arena arena;
    struct saga_slice bytes;
    const uint8_t before[SAGA_SHA256_BYTES] = { 0 };
    uint8_t chain[SAGA_SHA256_BYTES];
    const struct saga_journal_record record = { .cause.kind = SAGA_EVENT_LANE };
    uint64_t fingerprint = 0;
    saga_arena_init(&arena);
    assert_int_equal(saga_codec_new(&codec), 0);
    assert_int_equal(saga_journal_encode(codec, &record, before, &arena, &bytes, chain), 0);
    for (size_t i = FINGERPRINT_BYTES; i-- > 0;)
        fingerprint = fingerprint << 8 | (unsigned char)bytes.data[FINGERPRINT_AT + i];
    snprintf(ret, 17, "%016" PRIx64, fingerprint);
    saga_codec_free(codec);
    saga_arena_free(&arena);
}

/* ---- records ---- */

static void write_base64(FILE *file, struct saga_slice bytes)
{
    unsigned char *text = malloc((bytes.size + 2) / 3 * 4 + 1);
    assert_non_null(text);
    EVP_EncodeBlock(text, (const unsigned char *)bytes.data, (int)bytes.size);
    fputs((char *)text, file);
    free(text);
}

void recorded_write(FILE *file, const struct saga_message *record)
{
    fprintf(file, "{\"offset\":%" PRId64 ",\"key\":\"", record->offset);
    write_base64(file, record->key);
    fputs("\",\"value\":\"", file);
    write_base64(file, record->value);
    fputs("\"}\n", file);
}

static struct saga_slice read_base64(const json_t *line, const char *member,
                                     struct saga_arena *arena)
{
    const char *text = json_string_value(json_object_get(line, member));
    assert_non_null(text);
    size_t size = strlen(text);
    unsigned char *bytes = saga_arena_alloc(arena, size / 4 * 3 + 1);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size);
    assert_true(decoded >= 0);
    for (size_t i = size; i > 0 && text[i - 1] == '='; i--) decoded--;
    return (struct saga_slice){ (char *)bytes, (size_t)decoded };
}

static void read_record(const char *text, size_t size, uint32_t lane, struct saga_arena *arena,
                        struct saga_message *ret)
{
    json_error_t error;
    json_t *line = json_loadb(text, size, 0, &error);
    if (!line) fail_msg("a recorded line is no JSON: %s", error.text);
    *ret = (struct saga_message){ .topic = SAGA_SLICE("saga.journal"),
                                  .partition = (int32_t)lane,
                                  .offset = json_integer_value(json_object_get(line, "offset")),
                                  .key = read_base64(line, "key", arena),
                                  .value = read_base64(line, "value", arena) };
    json_decref(line);
}

bool recorded_file(const char *folder, const char *name, uint32_t partition,
                   void (*visit)(const struct saga_message *record, void *context), void *context)
{
    char path[PATH_BYTES], *line = NULL;
    size_t capacity = 0;
    struct saga_arena arena;
    path_of(path, folder, name);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    saga_arena_init(&arena);
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        struct saga_message record;
        saga_arena_reset(&arena);
        read_record(line, (size_t)size, partition, &arena, &record);
        visit(&record, context);
    }
    saga_arena_free(&arena);
    free(line);
    fclose(file);
    return true;
}

bool recorded_lane(const char *folder, uint32_t lane,
                   void (*visit)(const struct saga_message *record, void *context), void *context)
{
    char name[32];
    snprintf(name, sizeof name, "lane-%u.jsonl", lane);
    return recorded_file(folder, name, lane, visit, context);
}

/* ---- definitions ---- */

static void add_definition(struct saga_catalog *catalog, const char *path)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load_file(path, NULL, &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("%s cannot be loaded any more", path);
    }
    assert_int_equal(saga_catalog_add(catalog, definition), 0);
    saga_arena_free(&arena);
}

void recorded_catalog(const char *folder, struct saga_catalog **ret,
                      struct saga_schemas **ret_schemas)
{
    char path[PATH_BYTES], name[300];
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct dirent **files;
    assert_int_equal(saga_catalog_new(ret), 0);
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    path_of(path, folder, "schemas");
    assert_int_equal(saga_schema_folder_read(path, &findings, ret_schemas), 0);
    saga_catalog_use_schemas(*ret, *ret_schemas);
    path_of(path, folder, "definitions");
    int count = scandir(path, &files, NULL, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "definitions/%s", files[i]->d_name);
        path_of(path, folder, name);
        if (files[i]->d_name[0] != '.') add_definition(*ret, path);
        free(files[i]);
    }
    free(files);
    saga_arena_free(&arena);
}

/* ---- replaying ---- */

static void print_difference(const struct saga_difference *difference, void *context)
{
    (void)context;
    print_error("lane %u, offset %" PRId64 ", %.*s (%s): %.*s\n", difference->lane,
                difference->offset, SAGA_SLICE_ARG(difference->saga_id),
                saga_difference_name(difference->kind), SAGA_SLICE_ARG(difference->words));
}

static void replay_record(const struct saga_message *record, void *context)
{
    saga_replay_record(context, record);
}

static void add_counts(struct saga_replay_counts *sum, const struct saga_replay_counts *counts)
{
    sum->records += counts->records;
    sum->sagas += counts->sagas;
    sum->entries += counts->entries;
    sum->forgotten += counts->forgotten;
    for (int i = 0; i < SAGA_STATUS_COUNT; i++) sum->by_status[i] += counts->by_status[i];
    for (int i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++)
        sum->differences[i] += counts->differences[i];
}

void recorded_replay(const char *folder, struct saga_replay_counts *ret)
{
    struct saga_catalog *catalog;
    struct saga_schemas *schemas;
    struct saga_codec *codec;
    bool more = true;
    *ret = (struct saga_replay_counts){ 0 };
    recorded_catalog(folder, &catalog, &schemas);
    assert_int_equal(saga_codec_new(&codec), 0);
    for (uint32_t lane = 0; more; lane++) {
        struct saga_replay *replay;
        struct saga_replay_counts counts;
        assert_int_equal(saga_replay_new(codec, catalog, lane, print_difference, NULL, &replay), 0);
        more = recorded_lane(folder, lane, replay_record, replay);
        saga_replay_count(replay, &counts);
        add_counts(ret, &counts);
        saga_replay_free(replay);
    }
    saga_codec_free(codec);
    saga_catalog_free(catalog);
    saga_schemas_free(schemas);
}

char *recorded_counts(const struct saga_replay_counts *counts)
{
    json_t *object = json_object(), *status = json_object();
    uint64_t differences = 0;
    for (int i = 0; i < SAGA_DIFFERENCE_KIND_COUNT; i++) differences += counts->differences[i];
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        json_object_set_new(status, saga_status_name((enum saga_status)i),
                            json_integer((json_int_t)counts->by_status[i]));
    json_object_set_new(object, "records", json_integer((json_int_t)counts->records));
    json_object_set_new(object, "sagas", json_integer((json_int_t)counts->sagas));
    json_object_set_new(object, "entries", json_integer((json_int_t)counts->entries));
    json_object_set_new(object, "forgotten", json_integer((json_int_t)counts->forgotten));
    json_object_set_new(object, "byStatus", status);
    json_object_set_new(object, "differences", json_integer((json_int_t)differences));
    char *json = json_dumps(object, JSON_INDENT(2)), *text = NULL;
    assert_non_null(json);
    assert_true(asprintf(&text, "%s\n", json) > 0);
    free(json);
    json_decref(object);
    return text;
}

char *recorded_text(const char *folder, const char *name)
{
    char path[PATH_BYTES], *text = NULL;
    size_t capacity = 0;
    path_of(path, folder, name);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s cannot be read", path);
    if (getdelim(&text, &capacity, '\0', file) < 0) fail_msg("%s is empty", path);
    fclose(file);
    return text;
}
