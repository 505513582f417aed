#include "definition/schema_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "definition/yaml.h"

enum { FOLDER_DEPTH_MAX = 8 }; /* folders in folders; links may lead in a circle */
#define REGISTRY "registry.yaml"

struct listed {
    struct saga_slice path; /* below the folder */
    long long size, changed_s, changed_ns;
};

struct listing {
    struct saga_arena *arena;
    const char *folder;
    struct listed *items;
    size_t count, capacity;
    bool cut; /* more files than may be */
};

static const char *whole_path(const struct listing *listing, struct saga_slice path)
{
    return saga_arena_string(listing->arena,
                             saga_arena_printf(listing->arena, "%s%s%.*s", listing->folder,
                                               path.size ? "/" : "", SAGA_SLICE_ARG(path)));
}

static bool is_wanted(struct saga_slice path)
{
    static const char suffix[] = ".avsc";
    size_t size = sizeof suffix - 1;
    return saga_slice_is(path, REGISTRY) ||
           (path.size > size && memcmp(path.data + path.size - size, suffix, size) == 0);
}

/* ---- listing ---- */

static void list_folder(struct listing *listing, struct saga_slice below, int depth);

static void list_entry(struct listing *listing, struct saga_slice path, int depth)
{
    struct stat status;
    if (stat(whole_path(listing, path), &status) != 0) return; /* gone meanwhile */
    if (S_ISDIR(status.st_mode)) {
        list_folder(listing, path, depth + 1);
        return;
    }
    if (!S_ISREG(status.st_mode) || !is_wanted(path)) return;
    listing->cut = listing->cut || listing->count == SAGA_SCHEMA_FILES_MAX;
    if (listing->cut) return;
    SAGA_PUSH(
        listing->arena, listing->items, listing->count, listing->capacity,
        (struct listed){ path, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec });
}

static void list_folder(struct listing *listing, struct saga_slice below, int depth)
{
    if (depth > FOLDER_DEPTH_MAX) return;
    saga_memory_watch();
    DIR *folder = opendir(whole_path(listing, below));
    saga_memory_check("opening a folder");
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        struct saga_slice path =
            saga_arena_printf(listing->arena, "%.*s%s%s", SAGA_SLICE_ARG(below),
                              below.size ? "/" : "", entry->d_name);
        list_entry(listing, path, depth);
    }
    closedir(folder);
}

static int by_path(const void *left, const void *right)
{
    const struct listed *a = left, *b = right;
    return saga_slice_compare(a->path, b->path);
}

static void list_all(struct listing *listing)
{
    list_folder(listing, SAGA_SLICE_NONE, 0);
    if (listing->count) qsort(listing->items, listing->count, sizeof *listing->items, by_path);
}

uint64_t saga_schema_folder_look(const char *folder)
{
    struct saga_arena arena;
    struct saga_buffer text;
    saga_arena_init(&arena);
    struct listing listing = { .arena = &arena, .folder = folder };
    list_all(&listing);
    saga_buffer_init(&text, &arena);
    for (size_t i = 0; i < listing.count; i++) {
        const struct listed *file = &listing.items[i];
        saga_buffer_printf(&text, "%.*s %lld %lld %lld\n", SAGA_SLICE_ARG(file->path), file->size,
                           file->changed_s, file->changed_ns);
    }
    uint64_t state = saga_crc64_avro(saga_buffer_slice(&text));
    saga_arena_free(&arena);
    return state;
}

/* ---- reading ---- */

static void find_fault(struct saga_diagnostics *diagnostics, const char *file,
                       struct saga_slice words)
{
    const struct saga_finding_kind *kind = &saga_finding_kinds[SAGA_FINDING_SCHEMA];
    struct saga_diagnostic *finding = saga_diagnostics_add(diagnostics, kind->severity, kind->code,
                                                           "%.*s", SAGA_SLICE_ARG(words));
    finding->file = saga_arena_string(diagnostics->arena, saga_slice_of(file));
    finding->why = saga_slice_of(kind->why);
    finding->mend = saga_slice_of(kind->mend);
}

/* The bytes of a file, with one more than the limit where it is larger. */
static bool read_file(struct listing *listing, struct saga_slice path,
                      struct saga_diagnostics *diagnostics, struct saga_slice *ret)
{
    const char *name = whole_path(listing, path);
    saga_memory_watch();
    FILE *file = fopen(name, "rb");
    saga_memory_check("opening a file");
    char *bytes = saga_memory_take(SAGA_SCHEMA_BYTES_MAX + 1);
    size_t size = file ? fread(bytes, 1, SAGA_SCHEMA_BYTES_MAX + 1, file) : 0;
    bool good = file && !ferror(file);
    if (!good)
        find_fault(
            diagnostics, name,
            saga_arena_printf(diagnostics->arena, "the file cannot be read: %s", strerror(errno)));
    else
        *ret = saga_arena_copy(listing->arena, (struct saga_slice){ bytes, size });
    if (file) fclose(file);
    free(bytes);
    return good;
}

static void add_files(struct listing *listing, struct saga_schemas *schemas,
                      struct saga_diagnostics *diagnostics)
{
    size_t bytes = 0;
    if (listing->cut)
        find_fault(
            diagnostics, listing->folder,
            saga_arena_printf(diagnostics->arena, "more than %d files", SAGA_SCHEMA_FILES_MAX));
    for (size_t i = 0; i < listing->count && !listing->cut; i++) {
        struct saga_slice text, path = listing->items[i].path;
        if (saga_slice_is(path, REGISTRY) || !read_file(listing, path, diagnostics, &text))
            continue;
        bytes += text.size;
        if (bytes > SAGA_SCHEMA_FOLDER_BYTES_MAX) {
            find_fault(diagnostics, listing->folder,
                       saga_arena_printf(diagnostics->arena, "more than %d bytes of schemas",
                                         SAGA_SCHEMA_FOLDER_BYTES_MAX));
            return;
        }
        saga_schemas_add(schemas, path, text);
    }
}

/* ---- registry.yaml ---- */

static void find_registry_fault(struct saga_yaml *yaml, struct fy_node *node, int error,
                                struct saga_slice path)
{
    saga_yaml_find(yaml, node, SAGA_FINDING_SCHEMA,
                   error == SAGA_E_NOT_FOUND ? "there is no schema file `%.*s`"
                                             : "`%.*s` has what another file has already",
                   SAGA_SLICE_ARG(saga_slice_clip(path, 200)))
        ->mend = SAGA_SLICE("paths are relative to the folder that registry.yaml stands in");
}

static bool read_fingerprint(struct saga_slice text, uint64_t *ret)
{
    uint8_t bytes[8];
    *ret = 0;
    if (saga_unhex(text, bytes, sizeof bytes) < 0) return false;
    for (size_t i = 0; i < sizeof bytes; i++) *ret = *ret << 8 | bytes[i];
    return true;
}

static void read_entry(struct saga_yaml *yaml, struct fy_node_pair *pair, bool ids,
                       struct saga_schemas *schemas)
{
    struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
    struct saga_slice name = saga_yaml_scalar(key), path;
    unsigned long long id = 0;
    uint64_t fingerprint = 0;
    bool good = ids ? saga_slice_to_u64(name, &id) == SAGA_OK && id <= UINT32_MAX
                    : read_fingerprint(name, &fingerprint);
    if (!good) {
        saga_yaml_find(yaml, key, SAGA_FINDING_SCHEMA, "`%.*s` is no %s",
                       SAGA_SLICE_ARG(saga_slice_clip(name, 60)),
                       ids ? "id of a schema, which is a number below 2^32"
                           : "fingerprint, which has 16 hexadecimal digits");
        return;
    }
    if (!saga_yaml_text(yaml, value, "the path of a schema file", &path)) return;
    int error = ids ? saga_schemas_add_id(schemas, (uint32_t)id, path)
                    : saga_schemas_add_fingerprint(schemas, fingerprint, path);
    if (error < 0) find_registry_fault(yaml, value, error, path);
}

static void read_entries(struct saga_yaml *yaml, struct fy_node *node, bool ids,
                         struct saga_schemas *schemas)
{
    void *iterator = NULL;
    if (!node) return;
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(yaml, node, SAGA_FINDING_SCHEMA, "`%s` must be a mapping to files",
                       ids ? "ids" : "fingerprints");
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));)
        read_entry(yaml, pair, ids, schemas);
}

static void read_registry(struct listing *listing, struct saga_schemas *schemas,
                          struct saga_diagnostics *diagnostics)
{
    static const char *const names[] = { "ids", "fingerprints" };
    struct saga_slice text;
    struct saga_yaml yaml;
    bool there = false;
    for (size_t i = 0; i < listing->count; i++)
        there = there || saga_slice_is(listing->items[i].path, REGISTRY);
    if (!there || !read_file(listing, SAGA_SLICE(REGISTRY), diagnostics, &text)) return;
    const char *file = saga_arena_string(diagnostics->arena,
                                         saga_slice_of(whole_path(listing, SAGA_SLICE(REGISTRY))));
    if (saga_yaml_open(text, file, diagnostics, &yaml) == SAGA_OK &&
        saga_yaml_check_mapping(&yaml, yaml.root, REGISTRY, names, 2)) {
        read_entries(&yaml, saga_yaml_get(yaml.root, "ids"), true, schemas);
        read_entries(&yaml, saga_yaml_get(yaml.root, "fingerprints"), false, schemas);
    }
    saga_yaml_close(&yaml);
}

int saga_schema_folder_read(const char *folder, struct saga_diagnostics *diagnostics,
                            struct saga_schemas **ret)
{
    struct saga_arena arena;
    size_t errors = diagnostics->errors;
    struct saga_schemas *schemas = saga_schemas_new();
    saga_arena_init(&arena);
    struct listing listing = { .arena = &arena, .folder = folder };
    list_all(&listing);
    add_files(&listing, schemas, diagnostics);
    if (diagnostics->errors == errors && saga_schemas_read(schemas, folder, diagnostics) == SAGA_OK)
        read_registry(&listing, schemas, diagnostics);
    saga_arena_free(&arena);
    if (diagnostics->errors != errors) {
        saga_schemas_free(schemas);
        return SAGA_E_INVALID;
    }
    *ret = schemas;
    return SAGA_OK;
}
