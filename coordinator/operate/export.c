#include "operate/export.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "operate/export_avro.h"
#include "operate/exported.h"
#include "operate/output.h"
#include "runtime/chain.h"
#include "schema/logical.h"

extern const char saga_schema_journal[];

/* A file of the export while it is written; its hash is taken on the way. */
struct file {
    FILE *file; /* NULL: none is open */
    char *name; /* in the folder */
    EVP_MD_CTX *hash;
    uint64_t bytes;
};

/* What is known of the lane that is being written. */
struct lane {
    uint32_t number;
    uint64_t records, left_out, gaps;
    bool cut;         /* its journal begins later than with its first record */
    bool known;       /* the chain's value behind the last record is */
    bool gap;         /* between the last line and the next, or before the first */
    bool some, whole; /* a record was taken; none was left out */
    char journal[33];
    uint8_t chain[SAGA_SHA256_BYTES];
    int64_t first_offset, last_offset;
    uint8_t first_chain[SAGA_SHA256_BYTES], last_chain[SAGA_SHA256_BYTES];
};

struct saga_export {
    const char *folder;
    struct saga_arena arena; /* a record's */
    uint32_t lanes;
    struct file journal, snapshots, definitions, anchors;
    bool with_avro;
    struct saga_export_avro *avro; /* of the lane */
    char avro_name[32];
    struct lane lane;
    uint64_t records, left_out, definition_records;
    uint32_t complete_lanes;
    json_t *manifest, *files, *lane_rows;
    json_t *written; /* names of all files that were made */
    bool made_folder, made_schemas, finished;
};

/* ---- files ---- */

static const char *path_of(struct saga_export *made, const char *name)
{
    return saga_arena_printf(&made->arena, "%s/%s", made->folder, name).data;
}

static int fail(struct saga_export *made, const char *name, struct saga_diagnostic *diagnostic)
{
    saga_diagnostic_set(diagnostic, &made->arena, "%s/%s cannot be written: %s", made->folder, name,
                        strerror(errno));
    return SAGA_E_INVALID;
}

static int open_file(struct saga_export *made, struct file *file, const char *name,
                     struct saga_diagnostic *diagnostic)
{
    SAGA_ASSERT(!file->file);
    file->file = fopen(path_of(made, name), "wxe");
    if (!file->file) return fail(made, name, diagnostic);
    json_array_append_new(made->written, json_string(name));
    file->name = saga_memory_text(name, strlen(name));
    file->bytes = 0;
    file->hash = EVP_MD_CTX_new();
    int done = file->hash && EVP_DigestInit_ex(file->hash, EVP_sha256(), NULL);
    SAGA_ASSERT(done);
    return SAGA_OK;
}

/* What fails is told when the file is closed. */
static void write_bytes(struct file *file, struct saga_slice bytes)
{
    (void)fwrite(bytes.data, 1, bytes.size, file->file);
    int done = EVP_DigestUpdate(file->hash, bytes.data, bytes.size);
    SAGA_ASSERT(done);
    file->bytes += bytes.size;
}

/* Closes the file for good; its hash goes to the manifest, and to `ret_sha256` unless that is NULL. */
static int close_file(struct saga_export *made, struct file *file, char *ret_sha256,
                      struct saga_diagnostic *diagnostic)
{
    uint8_t digest[SAGA_SHA256_BYTES];
    char hex[2 * SAGA_SHA256_BYTES + 1];
    if (!file->file) return SAGA_OK;
    bool failed = fflush(file->file) || ferror(file->file) || fsync(fileno(file->file));
    int cause = errno;
    failed = fclose(file->file) || failed;
    int done = EVP_DigestFinal_ex(file->hash, digest, NULL);
    SAGA_ASSERT(done);
    saga_hex(digest, sizeof digest, hex);
    if (ret_sha256)
        memcpy(ret_sha256, hex, sizeof hex);
    else
        json_array_append_new(made->files, json_pack("{s:s, s:I, s:s}", "name", file->name, "bytes",
                                                     (json_int_t)file->bytes, "sha256", hex));
    errno = cause;
    int error = failed ? fail(made, file->name, diagnostic) : SAGA_OK;
    EVP_MD_CTX_free(file->hash);
    free(file->name);
    *file = (struct file){ 0 };
    return error;
}

static void drop_file(struct file *file)
{
    if (!file->file) return;
    fclose(file->file);
    EVP_MD_CTX_free(file->hash);
    free(file->name);
}

/* ---- beginning ---- */

static int make_folder(struct saga_export *made, struct saga_diagnostic *diagnostic)
{
    made->made_folder = mkdir(made->folder, 0777) == 0;
    if (!made->made_folder && errno != EEXIST) return fail(made, "", diagnostic);
    DIR *directory = opendir(made->folder);
    if (!directory) return fail(made, "", diagnostic);
    size_t entries = 0;
    for (const struct dirent *entry; (entry = readdir(directory));)
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    if (entries) {
        saga_diagnostic_set(diagnostic, &made->arena, "%s is not empty", made->folder);
        diagnostic->mend = SAGA_SLICE("name a folder that is not there yet: an export is never "
                                      "written over");
        return SAGA_E_INVALID;
    }
    made->made_schemas = mkdir(path_of(made, "schemas"), 0777) == 0;
    return made->made_schemas ? SAGA_OK : fail(made, "schemas", diagnostic);
}

static json_t *selection_json(const struct saga_export_selection *selection)
{
    return json_pack("{s:s?, s:s?, s:s?, s:s?, s:b}", "since", selection->since, "until",
                     selection->until, "saga", selection->saga, "search", selection->search,
                     "wholeLane", selection->whole_lane);
}

int saga_export_new(const char *folder, uint32_t lanes,
                    const struct saga_export_selection *selection, struct saga_arena *arena,
                    struct saga_export **ret, struct saga_diagnostic *diagnostic)
{
    struct saga_export *made = saga_memory_zeroed(1, sizeof *made);
    made->folder = folder;
    made->lanes = lanes;
    made->written = json_array();
    saga_arena_init(&made->arena);
    int error = make_folder(made, diagnostic);
    if (error == SAGA_OK)
        error = open_file(made, &made->definitions, SAGA_EXPORT_DEFINITIONS, diagnostic);
    if (error < 0) {
        diagnostic->what = saga_arena_copy(arena, diagnostic->what);
        saga_export_free(made);
        return error;
    }
    made->manifest = json_object();
    made->files = json_array();
    made->lane_rows = json_array();
    json_object_set_new(made->manifest, "format", json_string(SAGA_EXPORT_FORMAT));
    json_object_set_new(made->manifest, "version", json_integer(SAGA_EXPORT_VERSION));
    json_object_set_new(made->manifest, "created", saga_json_time(saga_now_ms()));
    json_object_set_new(made->manifest, "program", json_string("saga " SAGA_VERSION));
    json_object_set_new(made->manifest, "selection", selection_json(selection));
    *ret = made;
    return SAGA_OK;
}

/* What others may have put there stays. */
static void take_away(struct saga_export *made)
{
    size_t index;
    json_t *name;
    json_array_foreach(made->written, index, name)(void)
        unlink(path_of(made, json_string_value(name)));
    if (made->made_schemas) (void)rmdir(path_of(made, "schemas"));
    if (made->made_folder) (void)rmdir(made->folder);
}

void saga_export_free(struct saga_export *made)
{
    if (!made) return;
    drop_file(&made->journal);
    drop_file(&made->snapshots);
    drop_file(&made->definitions);
    drop_file(&made->anchors);
    (void)saga_export_avro_close(made->avro, &made->arena, &(struct saga_diagnostic){ 0 });
    if (!made->finished) take_away(made);
    json_decref(made->manifest);
    json_decref(made->files);
    json_decref(made->lane_rows);
    json_decref(made->written);
    saga_arena_free(&made->arena);
    free(made);
}

/* ---- lines ---- */

static void add_bytes(struct saga_buffer *line, const char *name, struct saga_slice bytes)
{
    if (!bytes.data) {
        saga_buffer_printf(line, ",\"%s\":null", name);
        return;
    }
    struct saga_slice text = saga_base64(bytes, line->arena);
    saga_buffer_printf(line, ",\"%s\":\"", name);
    saga_buffer_add(line, text);
    saga_buffer_add_char(line, '"');
}

static void begin_line(struct saga_buffer *line, const struct saga_message *message,
                       struct saga_arena *arena)
{
    saga_buffer_init(line, arena);
    saga_buffer_printf(line, "{\"offset\":%lld,\"time\":%lld", (long long)message->offset,
                       (long long)message->timestamp_ms);
}

static void end_line(struct saga_buffer *line, const struct saga_message *message,
                     struct file *file)
{
    add_bytes(line, "key", message->key);
    add_bytes(line, "value", message->value);
    saga_buffer_add(line, SAGA_SLICE("}\n"));
    write_bytes(file, saga_buffer_slice(line));
}

static void add_before(struct saga_buffer *line, const struct lane *lane)
{
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(lane->chain, sizeof lane->chain, hex);
    if (lane->known)
        saga_buffer_printf(line, ",\"before\":\"%s\"", hex);
    else
        saga_buffer_add(line, SAGA_SLICE(",\"before\":null"));
}

/* ---- a lane ---- */

int saga_export_lane(struct saga_export *made, uint32_t lane, int64_t low,
                     struct saga_diagnostic *diagnostic)
{
    char name[32];
    made->lane = (struct lane){
        .number = lane, .cut = low > 0, .known = low == 0, .gap = low > 0, .whole = true
    };
    snprintf(name, sizeof name, "journal-%04u.jsonl", lane);
    int error = open_file(made, &made->journal, name, diagnostic);
    if (error < 0 || !made->with_avro) return error;
    snprintf(made->avro_name, sizeof made->avro_name, "journal-%04u.avro", lane);
    json_array_append_new(made->written, json_string(made->avro_name));
    return saga_export_avro_open(path_of(made, made->avro_name), &made->arena, &made->avro,
                                 diagnostic);
}

void saga_export_use_avro(struct saga_export *made)
{
    made->with_avro = true;
}

/* Closes the lane's file of Avro, and takes it into the manifest. */
static int close_avro(struct saga_export *made, struct saga_diagnostic *diagnostic)
{
    char sha256[2 * SAGA_SHA256_BYTES + 1];
    uint64_t bytes;
    if (!made->avro) return SAGA_OK;
    int error = saga_export_avro_close(made->avro, &made->arena, diagnostic);
    made->avro = NULL;
    if (error < 0) return error;
    FILE *file = fopen(path_of(made, made->avro_name), "re");
    bool read = file && saga_exported_hash(file, sha256, &bytes);
    if (file) fclose(file);
    if (!read) return fail(made, made->avro_name, diagnostic);
    json_array_append_new(made->files, json_pack("{s:s, s:I, s:s}", "name", made->avro_name,
                                                 "bytes", (json_int_t)bytes, "sha256", sha256));
    return SAGA_OK;
}

/* Where the chain stands behind a record, whether that is taken or not. */
static void move_on(struct lane *lane, const struct saga_message *message,
                    const struct saga_journal_record *record)
{
    if (!record) return;
    memcpy(lane->chain, saga_chain_of(message->value), sizeof lane->chain);
    lane->known = true;
    bool opens = record->cause.kind == SAGA_EVENT_LANE && record->fact_count == 1;
    if (opens && record->facts[0].text.size == sizeof lane->journal - 1)
        memcpy(lane->journal, record->facts[0].text.data, sizeof lane->journal - 1);
}

void saga_export_take(struct saga_export *made, const struct saga_message *message,
                      const struct saga_journal_record *record)
{
    struct lane *lane = &made->lane;
    struct saga_buffer line;
    saga_arena_reset(&made->arena);
    begin_line(&line, message, &made->arena);
    if (lane->gap) add_before(&line, lane);
    end_line(&line, message, &made->journal);
    if (made->avro) saga_export_avro_add(made->avro, message, record != NULL);
    lane->gaps += lane->gap && lane->some;
    lane->gap = false;
    move_on(lane, message, record);
    if (!lane->some) {
        lane->first_offset = message->offset;
        memcpy(lane->first_chain, lane->chain, sizeof lane->chain);
    }
    lane->some = true;
    lane->records++;
    lane->last_offset = message->offset;
    memcpy(lane->last_chain, lane->chain, sizeof lane->chain);
}

void saga_export_leave_out(struct saga_export *made, const struct saga_message *message,
                           const struct saga_journal_record *record)
{
    made->lane.gap = true;
    made->lane.whole = false;
    made->lane.left_out++;
    move_on(&made->lane, message, record);
}

int saga_export_snapshot(struct saga_export *made, const struct saga_message *message,
                         struct saga_diagnostic *diagnostic)
{
    struct saga_buffer line;
    char name[32];
    saga_arena_reset(&made->arena);
    if (!made->snapshots.file) {
        snprintf(name, sizeof name, "snapshots-%04u.jsonl", made->lane.number);
        int error = open_file(made, &made->snapshots, name, diagnostic);
        if (error < 0) return error;
    }
    begin_line(&line, message, &made->arena);
    end_line(&line, message, &made->snapshots);
    return SAGA_OK;
}

static json_t *end_json(const struct lane *lane, int64_t offset,
                        const uint8_t chain[SAGA_SHA256_BYTES])
{
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(chain, SAGA_SHA256_BYTES, hex);
    if (!lane->some) return json_null();
    return json_pack("{s:I, s:s}", "offset", (json_int_t)offset, "chain", hex);
}

int saga_export_lane_end(struct saga_export *made, struct saga_diagnostic *diagnostic)
{
    const struct lane *lane = &made->lane;
    bool complete = lane->whole && !lane->cut;
    json_t *row = json_object();
    json_object_set_new(row, "lane", json_integer(lane->number));
    json_object_set_new(row, "file", json_string(made->journal.name));
    json_object_set_new(row, "journal",
                        lane->journal[0] ? json_string(lane->journal) : json_null());
    json_object_set_new(row, "complete", json_boolean(complete));
    json_object_set_new(row, "cut", json_boolean(lane->cut));
    json_object_set_new(row, "toEnd", json_boolean(!lane->gap));
    json_object_set_new(row, "records", json_integer((json_int_t)lane->records));
    json_object_set_new(row, "leftOut", json_integer((json_int_t)lane->left_out));
    json_object_set_new(row, "gaps", json_integer((json_int_t)lane->gaps));
    json_object_set_new(row, "first", end_json(lane, lane->first_offset, lane->first_chain));
    json_object_set_new(row, "last", end_json(lane, lane->last_offset, lane->last_chain));
    if (made->snapshots.file)
        json_object_set_new(row, "snapshots", json_string(made->snapshots.name));
    if (made->avro) json_object_set_new(row, "avro", json_string(made->avro_name));
    json_array_append_new(made->lane_rows, row);
    made->records += lane->records;
    made->left_out += lane->left_out;
    made->complete_lanes += complete;
    int error = close_file(made, &made->snapshots, NULL, diagnostic);
    if (error == SAGA_OK) error = close_avro(made, diagnostic);
    return error < 0 ? error : close_file(made, &made->journal, NULL, diagnostic);
}

/* ---- the rest ---- */

void saga_export_definition(struct saga_export *made, const struct saga_message *message)
{
    struct saga_buffer line;
    char sha256[2 * SAGA_SHA256_BYTES + 1];
    saga_arena_reset(&made->arena);
    saga_sha256_hex(message->value, sha256);
    begin_line(&line, message, &made->arena);
    saga_buffer_add(&line, SAGA_SLICE(",\"definition\":"));
    saga_buffer_add_json_string(&line, message->key);
    saga_buffer_printf(&line, ",\"sha256\":\"%s\"", sha256);
    end_line(&line, message, &made->definitions);
    made->definition_records++;
}

static int write_file(struct saga_export *made, const char *name, struct saga_slice content,
                      char *ret_sha256, struct saga_diagnostic *diagnostic)
{
    struct file file = { 0 };
    int error = open_file(made, &file, name, diagnostic);
    if (error < 0) return error;
    write_bytes(&file, content);
    return close_file(made, &file, ret_sha256, diagnostic);
}

int saga_export_anchor(struct saga_export *made, struct saga_slice line,
                       struct saga_diagnostic *diagnostic)
{
    saga_arena_reset(&made->arena);
    if (!made->anchors.file) {
        int error = open_file(made, &made->anchors, SAGA_EXPORT_ANCHORS, diagnostic);
        if (error < 0) return error;
    }
    char *text = saga_arena_string(&made->arena, line);
    for (size_t i = 0; i < line.size; i++)
        if (text[i] == '\n') text[i] = ' '; /* what is no anchor must not become two lines */
    write_bytes(&made->anchors, (struct saga_slice){ text, line.size });
    write_bytes(&made->anchors, SAGA_SLICE("\n"));
    return SAGA_OK;
}

static int copy_anchors(struct saga_export *made, const char *path,
                        struct saga_diagnostic *diagnostic)
{
    struct file file = { 0 };
    char bytes[65536];
    FILE *from = fopen(path, "re");
    if (!from) {
        saga_diagnostic_set(diagnostic, &made->arena, "%s cannot be read: %s", path,
                            strerror(errno));
        return SAGA_E_INVALID;
    }
    int error = open_file(made, &file, SAGA_EXPORT_ANCHORS, diagnostic);
    for (size_t size; error == SAGA_OK && (size = fread(bytes, 1, sizeof bytes, from)) > 0;)
        write_bytes(&file, (struct saga_slice){ bytes, size });
    bool failed = ferror(from);
    fclose(from);
    if (error < 0) return error;
    if (failed) {
        drop_file(&file);
        saga_diagnostic_set(diagnostic, &made->arena, "%s cannot be read to its end", path);
        return SAGA_E_INVALID;
    }
    return close_file(made, &file, NULL, diagnostic);
}

static int write_manifest(struct saga_export *made, char *ret_sha256,
                          struct saga_diagnostic *diagnostic)
{
    json_t *manifest = made->manifest;
    json_object_set_new(manifest, "complete", json_boolean(saga_export_is_complete(made)));
    json_object_set_new(manifest, "lanes", json_integer(made->lanes));
    json_object_set_new(manifest, "records", json_integer((json_int_t)made->records));
    json_object_set_new(manifest, "schema", json_string(SAGA_EXPORT_SCHEMA));
    json_object_set_new(manifest, "definitions",
                        json_pack("{s:s, s:I}", "file", SAGA_EXPORT_DEFINITIONS, "records",
                                  (json_int_t)made->definition_records));
    json_object_set(manifest, "journal", made->lane_rows);
    json_object_set(manifest, "files", made->files);
    char *text = json_dumps(manifest, JSON_INDENT(2));
    SAGA_ASSERT(text);
    struct saga_slice content = saga_arena_printf(&made->arena, "%s\n", text);
    free(text);
    return write_file(made, SAGA_EXPORT_MANIFEST, content, ret_sha256, diagnostic);
}

int saga_export_finish(struct saga_export *made, const char *anchors,
                       char ret_sha256[2 * SAGA_SHA256_BYTES + 1],
                       struct saga_diagnostic *diagnostic)
{
    saga_arena_reset(&made->arena);
    int error = close_file(made, &made->definitions, NULL, diagnostic);
    if (error == SAGA_OK)
        error = write_file(made, SAGA_EXPORT_SCHEMA, saga_slice_of(saga_schema_journal), NULL,
                           diagnostic);
    if (error == SAGA_OK && anchors) error = copy_anchors(made, anchors, diagnostic);
    if (error == SAGA_OK) error = close_file(made, &made->anchors, NULL, diagnostic);
    if (error == SAGA_OK) error = write_manifest(made, ret_sha256, diagnostic);
    made->finished = error == SAGA_OK;
    return error;
}

uint64_t saga_export_records(const struct saga_export *made)
{
    return made->records;
}

uint64_t saga_export_left_out(const struct saga_export *made)
{
    return made->left_out;
}

bool saga_export_is_complete(const struct saga_export *made)
{
    return made->complete_lanes == made->lanes;
}
