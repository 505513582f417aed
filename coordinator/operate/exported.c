#include "operate/exported.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/lines.h"
#include "operate/export.h"
#include "schema/logical.h"

const char *saga_exported_path(const struct saga_exported *exported, const char *file,
                               struct saga_arena *arena)
{
    return saga_arena_printf(arena, "%s/%s", exported->folder, file).data;
}

/* ---- files ---- */

/* Of the folder, and of nowhere else. */
static bool is_name(const char *name)
{
    return name[0] && name[0] != '/' && !strstr(name, "..");
}

bool saga_exported_hash(FILE *file, char ret[2 * SAGA_SHA256_BYTES + 1], uint64_t *ret_bytes)
{
    unsigned char bytes[65536];
    uint8_t digest[SAGA_SHA256_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    *ret_bytes = 0;
    for (size_t size; (size = fread(bytes, 1, sizeof bytes, file)) > 0; *ret_bytes += size)
        done = done && EVP_DigestUpdate(context, bytes, size);
    done = done && EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    SAGA_ASSERT(done);
    saga_hex(digest, sizeof digest, ret);
    return !ferror(file);
}

static void check_file(struct saga_exported *exported, const json_t *row, struct saga_arena *arena,
                       struct saga_faults *faults)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *sha256 = json_string_value(json_object_get(row, "sha256"));
    char found[2 * SAGA_SHA256_BYTES + 1];
    uint64_t bytes;
    if (!name || !is_name(name) || !sha256) {
        saga_faults_printf(faults, "manifest", SAGA_EXPORT_MANIFEST, -1,
                           "it names a file without a name or a hash");
        return;
    }
    exported->files++;
    if (strcmp(name, SAGA_EXPORT_ANCHORS) == 0) exported->has_anchors = true;
    FILE *file = fopen(saga_exported_path(exported, name, arena), "re");
    if (!file) {
        saga_faults_printf(faults, "file", name, -1, "it is missing: %s", strerror(errno));
        return;
    }
    if (!saga_exported_hash(file, found, &bytes))
        saga_faults_printf(faults, "file", name, -1, "it cannot be read to its end");
    else if (strcmp(found, sha256) != 0)
        saga_faults_printf(faults, "file", name, -1,
                           "it is not as it was exported: its SHA-256 is %s, the manifest says %s",
                           found, sha256);
    fclose(file);
}

static bool is_listed(const struct saga_exported *exported, const char *name)
{
    size_t index;
    json_t *row;
    if (!is_name(name)) return false;
    json_array_foreach(json_object_get(exported->manifest, "files"), index, row)
    {
        const char *listed = json_string_value(json_object_get(row, "name"));
        if (listed && strcmp(listed, name) == 0) return true;
    }
    return false;
}

/* ---- manifest ---- */

static bool take_end(const json_t *row, const char *name, struct saga_exported_end *ret)
{
    const json_t *end = json_object_get(row, name);
    ret->offset = -1;
    if (json_is_null(end)) return true;
    const json_t *offset = json_object_get(end, "offset");
    const char *chain = json_string_value(json_object_get(end, "chain"));
    if (!json_is_integer(offset) || !chain) return false;
    ret->offset = json_integer_value(offset);
    return ret->offset >= 0 && saga_is_lower_hex(saga_slice_of(chain), 2 * sizeof ret->chain) &&
           saga_unhex(saga_slice_of(chain), ret->chain, sizeof ret->chain) == SAGA_OK;
}

static bool take_bool(const json_t *row, const char *name, bool *ret)
{
    const json_t *value = json_object_get(row, name);
    *ret = json_is_true(value);
    return json_is_boolean(value);
}

/* A whole journal has its beginning and its end: else a lane with its end cut off would pass for all of it. */
static bool is_sound(const struct saga_exported_lane *lane)
{
    return !lane->complete || (lane->to_end && !lane->cut);
}

static bool take_lane(const struct saga_exported *exported, const json_t *row,
                      struct saga_exported_lane *ret)
{
    const json_t *lane = json_object_get(row, "lane"), *records = json_object_get(row, "records");
    ret->file = json_string_value(json_object_get(row, "file"));
    ret->snapshots = json_string_value(json_object_get(row, "snapshots"));
    if (!json_is_integer(lane) || json_integer_value(lane) < 0 ||
        json_integer_value(lane) >= exported->lanes || !json_is_integer(records) ||
        json_integer_value(records) < 0)
        return false;
    ret->lane = (uint32_t)json_integer_value(lane);
    ret->records = (uint64_t)json_integer_value(records);
    return ret->file && is_listed(exported, ret->file) &&
           (!ret->snapshots || is_listed(exported, ret->snapshots)) &&
           take_bool(row, "complete", &ret->complete) && take_bool(row, "cut", &ret->cut) &&
           take_bool(row, "toEnd", &ret->to_end) && is_sound(ret) &&
           take_end(row, "first", &ret->first) && take_end(row, "last", &ret->last);
}

static bool is_repeated(const struct saga_exported *exported, uint32_t lane)
{
    for (size_t i = 0; i < exported->count; i++)
        if (exported->items[i].lane == lane) return true;
    return false;
}

static void take_lanes(struct saga_exported *exported, struct saga_arena *arena,
                       struct saga_faults *faults)
{
    const json_t *rows = json_object_get(exported->manifest, "journal");
    uint32_t complete = 0;
    size_t index;
    json_t *row;
    exported->items = SAGA_NEW_ARRAY(arena, struct saga_exported_lane, json_array_size(rows));
    json_array_foreach(rows, index, row)
    {
        struct saga_exported_lane lane = { 0 };
        if (!take_lane(exported, row, &lane) || is_repeated(exported, lane.lane)) {
            saga_faults_printf(faults, "manifest", SAGA_EXPORT_MANIFEST, -1,
                               "what it says of lane number %zu in its list cannot be", index + 1);
            continue;
        }
        exported->items[exported->count++] = lane;
        complete += lane.complete;
    }
    if (exported->complete && complete != exported->lanes)
        saga_faults_printf(faults, "manifest", SAGA_EXPORT_MANIFEST, -1,
                           "it says that all %u lanes are complete, but that is so of %u",
                           exported->lanes, complete);
}

static int refuse(struct saga_diagnostic *diagnostic, struct saga_arena *arena, const char *folder,
                  const char *why)
{
    saga_diagnostic_set(diagnostic, arena, "%s cannot be read as an export: %s", folder, why);
    diagnostic->mend = SAGA_SLICE("name a folder that `saga audit export` has written to its end");
    return SAGA_E_INVALID;
}

static const char *take_head(struct saga_exported *exported)
{
    const json_t *manifest = exported->manifest, *lanes = json_object_get(manifest, "lanes");
    const char *format = json_string_value(json_object_get(manifest, "format"));
    const json_t *version = json_object_get(manifest, "version");
    if (!format || strcmp(format, SAGA_EXPORT_FORMAT) != 0 || !json_is_integer(version))
        return "its manifest is none";
    if (json_integer_value(version) != SAGA_EXPORT_VERSION)
        return "its form is a later one than this program knows";
    if (!json_is_integer(lanes) || json_integer_value(lanes) < 1 ||
        json_integer_value(lanes) > SAGA_LANES_MAX)
        return "its manifest says no number of lanes";
    exported->lanes = (uint32_t)json_integer_value(lanes);
    exported->created = json_string_value(json_object_get(manifest, "created"));
    exported->definitions =
        json_string_value(json_object_get(json_object_get(manifest, "definitions"), "file"));
    const char *schema = json_string_value(json_object_get(manifest, "schema"));
    if (!exported->created || !schema || !is_listed(exported, schema) || !exported->definitions ||
        !is_listed(exported, exported->definitions))
        return "its manifest names no definitions, no schema, or no time";
    if (!take_bool(manifest, "complete", &exported->complete))
        return "its manifest does not say whether it is complete";
    return NULL;
}

static const char *read_manifest(struct saga_exported *exported, struct saga_arena *arena)
{
    const char *path = saga_exported_path(exported, SAGA_EXPORT_MANIFEST, arena);
    FILE *file = fopen(path, "re");
    if (!file) return "there is no manifest.json in it";
    char *text = saga_arena_take(arena, SAGA_EXPORT_MANIFEST_BYTES_MAX + 1);
    size_t size = fread(text, 1, SAGA_EXPORT_MANIFEST_BYTES_MAX + 1, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed || size > SAGA_EXPORT_MANIFEST_BYTES_MAX) return "its manifest cannot be read";
    saga_sha256_hex((struct saga_slice){ text, size }, exported->sha256);
    exported->manifest = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(exported->manifest) ? take_head(exported) : "its manifest is no JSON";
}

int saga_exported_open(const char *folder, struct saga_arena *arena, struct saga_faults *faults,
                       struct saga_exported *ret, struct saga_diagnostic *diagnostic)
{
    struct saga_exported exported = { .folder = folder };
    size_t index;
    json_t *row;
    const char *why = read_manifest(&exported, arena);
    if (why) {
        json_decref(exported.manifest);
        return refuse(diagnostic, arena, folder, why);
    }
    json_array_foreach(json_object_get(exported.manifest, "files"), index, row)
        check_file(&exported, row, arena, faults);
    take_lanes(&exported, arena, faults);
    *ret = exported;
    return SAGA_OK;
}

void saga_exported_close(struct saga_exported *exported)
{
    json_decref(exported->manifest);
    *exported = (struct saga_exported){ 0 };
}

/* ---- lines ---- */

void saga_exported_walk(const struct saga_exported *exported, const char *file, int64_t lane,
                        struct saga_faults *faults,
                        void (*visit)(const struct saga_exported_line *line, void *context),
                        void *context)
{
    struct saga_arena arena;
    struct saga_lines lines;
    struct saga_slice text;
    struct saga_exported_line line;
    int64_t last = -1;
    bool whole;
    saga_arena_init(&arena);
    FILE *opened = fopen(saga_exported_path(exported, file, &arena), "re");
    saga_lines_init(&lines, opened, SAGA_EXPORT_LINE_BYTES_MAX);
    while (opened && saga_lines_next(&lines, &text, &whole)) {
        saga_arena_reset(&arena);
        if (!whole || !saga_exported_line_parse(text, &arena, &line)) {
            if (faults)
                saga_faults_printf(faults, "line", file, lane, "line %u is no record", lines.line);
            continue;
        }
        if (line.message.offset <= last && faults)
            saga_faults_printf(faults, "order", file, lane,
                               "line %u: offset %lld cannot come behind offset %lld", lines.line,
                               (long long)line.message.offset, (long long)last);
        last = line.message.offset;
        visit(&line, context);
    }
    saga_lines_free(&lines);
    if (opened) fclose(opened);
    saga_arena_free(&arena);
}
