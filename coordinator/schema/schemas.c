#include "schema/schemas.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"

enum progress { UNREAD, BEING_READ, READ, BROKEN };

struct file {
    struct saga_slice path, text;
    enum progress progress;
    struct saga_schema_scope scope;
    const struct saga_schema *root; /* NULL until it is read */
    struct saga_schemas *schemas;
    unsigned depth; /* of files that are read for one another */
};

/* A record that a message can be, or an earlier version of one. */
struct record {
    const struct saga_schema *schema;
    const struct file *file;
    uint64_t fingerprint;
    bool current;
};

struct known_id {
    uint32_t id;
    const struct file *file;
};

struct known_fingerprint {
    uint64_t fingerprint;
    const struct saga_schema *schema;
};

struct saga_schemas {
    atomic_uint shares;
    struct saga_arena arena;
    struct file **files; /* sorted by path once they are read */
    size_t file_count, file_capacity;
    struct record *records;
    size_t record_count, record_capacity;
    struct known_id *ids;
    size_t id_count, id_capacity;
    struct known_fingerprint *fingerprints;
    size_t fingerprint_count, fingerprint_capacity;
    struct saga_diagnostics *diagnostics; /* while reading */
    const char *folder;
};

struct saga_schemas *saga_schemas_new(void)
{
    struct saga_schemas *schemas = saga_memory_zeroed(1, sizeof *schemas);
    atomic_init(&schemas->shares, 1);
    saga_arena_init(&schemas->arena);
    return schemas;
}

struct saga_schemas *saga_schemas_hold(struct saga_schemas *schemas)
{
    atomic_fetch_add(&schemas->shares, 1);
    return schemas;
}

void saga_schemas_free(struct saga_schemas *schemas)
{
    if (!schemas || atomic_fetch_sub(&schemas->shares, 1) > 1) return;
    saga_arena_free(&schemas->arena);
    free(schemas);
}

void saga_schemas_add(struct saga_schemas *schemas, struct saga_slice path, struct saga_slice text)
{
    struct file *file = SAGA_NEW(&schemas->arena, struct file);
    file->path = saga_arena_copy(&schemas->arena, path);
    file->text = saga_arena_copy(&schemas->arena, text.data ? text : SAGA_SLICE(""));
    file->schemas = schemas;
    SAGA_PUSH(&schemas->arena, schemas->files, schemas->file_count, schemas->file_capacity, file);
}

size_t saga_schemas_count(const struct saga_schemas *schemas)
{
    return schemas->file_count;
}

/* ---- findings ---- */

static struct saga_diagnostic *find_fault(struct saga_schemas *schemas, const struct file *file,
                                          const char *mend, struct saga_slice words)
{
    struct saga_diagnostic *finding =
        saga_diagnostics_add(schemas->diagnostics, SAGA_SEVERITY_ERROR, SAGA_SCHEMA_FINDING, "%.*s",
                             SAGA_SLICE_ARG(words));
    finding->file =
        saga_arena_string(schemas->diagnostics->arena,
                          saga_arena_printf(schemas->diagnostics->arena, "%s/%.*s", schemas->folder,
                                            SAGA_SLICE_ARG(file->path)));
    finding->why = SAGA_SLICE("a body whose schema is not known can be neither read nor written");
    finding->mend = saga_slice_of(mend);
    return finding;
}

/* ---- reading ---- */

static void read_file(struct file *file);

/* Does the text look as if it defined a type of that name? Saves reading all files for one of them. */
static bool may_define(const struct file *file, struct saga_slice short_name)
{
    return memmem(file->text.data, file->text.size, short_name.data, short_name.size) != NULL;
}

static const struct saga_schema *defined_in(const struct file *file, struct saga_slice full_name)
{
    for (size_t i = 0; i < file->scope.type_count; i++)
        if (saga_slice_equal(file->scope.types[i]->name, full_name)) return file->scope.types[i];
    return NULL;
}

/* Is the file called as the type is? */
static bool is_namesake(const struct file *file, struct saga_slice full_name)
{
    static const char suffix[] = ".avsc";
    struct saga_slice name = file->path;
    for (size_t i = name.size; i-- > 0;)
        if (name.data[i] == '/') {
            name = saga_slice_skip(name, i + 1);
            break;
        }
    if (name.size < sizeof suffix - 1) return false;
    name.size -= sizeof suffix - 1;
    return saga_slice_equal(name, full_name) ||
           saga_slice_equal(name, saga_schema_short_name(full_name));
}

/* A type that a file refers to and does not define. */
static const struct saga_schema *find_elsewhere(void *context, struct saga_slice full_name,
                                                struct saga_slice *ret_words)
{
    enum { DEPTH_MAX = 64 }; /* files that are read for one another, on the stack */
    struct file *asking = context;
    struct saga_schemas *schemas = asking->schemas;
    const struct saga_schema *found = NULL;
    const struct file *where = NULL;
    struct saga_slice short_name = saga_schema_short_name(full_name);
    for (size_t i = 0; i < schemas->file_count; i++) {
        struct file *file = schemas->files[i];
        if (file == asking || short_name.size == 0 || !may_define(file, short_name)) continue;
        if (file->progress == UNREAD && asking->depth < DEPTH_MAX) {
            file->depth = asking->depth + 1;
            read_file(file);
        }
        const struct saga_schema *here = defined_in(file, full_name);
        if (!here || (found && !is_namesake(file, full_name))) continue;
        if (found && is_namesake(where, full_name)) {
            *ret_words = saga_arena_printf(&schemas->arena, "`%.*s` is defined by %.*s and by %.*s",
                                           SAGA_SLICE_ARG(full_name), SAGA_SLICE_ARG(where->path),
                                           SAGA_SLICE_ARG(file->path));
            return NULL;
        }
        found = here;
        where = file;
    }
    return found;
}

static void read_file(struct file *file)
{
    struct saga_slice words = SAGA_SLICE_NONE;
    struct saga_schemas *schemas = file->schemas;
    file->progress = BEING_READ;
    file->scope = (struct saga_schema_scope){ .arena = &schemas->arena,
                                              .find = find_elsewhere,
                                              .context = file };
    int error = file->text.size > SAGA_SCHEMA_BYTES_MAX ? SAGA_E_LIMIT : SAGA_OK;
    if (error < 0)
        words = saga_arena_printf(&schemas->arena, "a schema of %zu bytes, the limit is %d",
                                  file->text.size, SAGA_SCHEMA_BYTES_MAX);
    else
        error = saga_schema_read(&file->scope, file->text, &file->root, &words);
    file->progress = error < 0 ? BROKEN : READ;
    if (error < 0) find_fault(schemas, file, "mend the schema, or take the file away", words);
}

static void make_defaults(struct file *file)
{
    struct saga_slice words;
    if (file->progress != READ) return;
    if (saga_schema_make_defaults(&file->scope, &words) == SAGA_OK) return;
    file->progress = BROKEN;
    find_fault(file->schemas, file, "give it a default that fits its type", words);
}

static void add_record(struct saga_schemas *schemas, const struct file *file,
                       const struct saga_schema *schema)
{
    if (schema->kind != SAGA_SCHEMA_RECORD) return;
    SAGA_PUSH(&schemas->arena, schemas->records, schemas->record_count, schemas->record_capacity,
              (struct record){ schema, file, saga_schema_fingerprint(schema), false });
}

static void add_known(struct saga_schemas *schemas, uint64_t fingerprint,
                      const struct saga_schema *schema)
{
    SAGA_PUSH(&schemas->arena, schemas->fingerprints, schemas->fingerprint_count,
              schemas->fingerprint_capacity, (struct known_fingerprint){ fingerprint, schema });
}

static void add_records(struct saga_schemas *schemas, const struct file *file)
{
    if (file->progress != READ) return;
    add_record(schemas, file, file->root);
    for (size_t i = 0; i < file->root->branch_count; i++)
        add_record(schemas, file, file->root->branches[i]);
    if (file->root->kind != SAGA_SCHEMA_RECORD)
        add_known(schemas, saga_schema_fingerprint(file->root), file->root);
}

/* Chooses the current one of all that have a record's name, when the first of them is met. */
static void choose_current(struct saga_schemas *schemas, size_t first)
{
    struct record *current = &schemas->records[first], *again = NULL;
    struct saga_slice name = current->schema->name;
    bool namesake = is_namesake(current->file, name), several = false;
    for (size_t i = 0; i < first; i++)
        if (saga_slice_equal(schemas->records[i].schema->name, name)) return;
    for (size_t i = first + 1; i < schemas->record_count; i++) {
        struct record *other = &schemas->records[i];
        if (!saga_slice_equal(other->schema->name, name)) continue;
        several = true;
        if (!is_namesake(other->file, name)) continue;
        if (namesake) again = other;
        namesake = true;
        current = other;
    }
    if ((several && !namesake) || again) {
        find_fault(schemas, current->file,
                   "call the file of the current version as the record, and those of earlier "
                   "versions otherwise, as in ChargeCard.avsc and ChargeCard-1.avsc",
                   saga_arena_printf(&schemas->arena,
                                     "several files define %.*s, and it is not clear which is the "
                                     "current version",
                                     SAGA_SLICE_ARG(name)));
        return;
    }
    current->current = true;
}

static int by_path(const void *left, const void *right)
{
    const struct file *const *a = left, *const *b = right;
    return saga_slice_compare((*a)->path, (*b)->path);
}

int saga_schemas_read(struct saga_schemas *schemas, const char *folder,
                      struct saga_diagnostics *diagnostics)
{
    size_t errors = diagnostics->errors;
    schemas->diagnostics = diagnostics;
    schemas->folder = folder;
    if (schemas->file_count) /* folders list their files in no order */
        qsort(schemas->files, schemas->file_count, sizeof *schemas->files, by_path);
    for (size_t i = 0; i < schemas->file_count; i++)
        if (schemas->files[i]->progress == UNREAD) read_file(schemas->files[i]);
    for (size_t i = 0; i < schemas->file_count; i++) make_defaults(schemas->files[i]);
    for (size_t i = 0; i < schemas->file_count; i++) add_records(schemas, schemas->files[i]);
    for (size_t i = 0; i < schemas->record_count; i++) choose_current(schemas, i);
    /* of two with one fingerprint, which differ in no more than names of no consequence, the current one counts */
    for (int current = 1; current >= 0; current--)
        for (size_t i = 0; i < schemas->record_count; i++)
            if (schemas->records[i].current == (current == 1))
                add_known(schemas, schemas->records[i].fingerprint, schemas->records[i].schema);
    schemas->diagnostics = NULL;
    return diagnostics->errors == errors ? SAGA_OK : SAGA_E_INVALID;
}

/* ---- what they are known as elsewhere ---- */

static const struct file *file_of(const struct saga_schemas *schemas, struct saga_slice path)
{
    for (size_t i = 0; i < schemas->file_count; i++)
        if (saga_slice_equal(schemas->files[i]->path, path)) return schemas->files[i];
    return NULL;
}

int saga_schemas_add_id(struct saga_schemas *schemas, uint32_t id, struct saga_slice path)
{
    const struct file *file = file_of(schemas, path);
    if (!file || !file->root) return SAGA_E_NOT_FOUND;
    for (size_t i = 0; i < schemas->id_count; i++)
        if (schemas->ids[i].id == id) return SAGA_E_CONFLICT;
    SAGA_PUSH(&schemas->arena, schemas->ids, schemas->id_count, schemas->id_capacity,
              (struct known_id){ id, file });
    return SAGA_OK;
}

int saga_schemas_add_fingerprint(struct saga_schemas *schemas, uint64_t fingerprint,
                                 struct saga_slice path)
{
    const struct file *file = file_of(schemas, path);
    if (!file || !file->root) return SAGA_E_NOT_FOUND;
    const struct saga_schema *known = saga_schemas_by_fingerprint(schemas, fingerprint);
    if (known) return known == file->root ? SAGA_OK : SAGA_E_CONFLICT;
    add_known(schemas, fingerprint, file->root);
    return SAGA_OK;
}

/* ---- looking up ---- */

int saga_schemas_type(const struct saga_schemas *schemas, struct saga_slice type,
                      struct saga_arena *arena, const struct saga_schema **ret,
                      struct saga_slice *ret_words)
{
    const struct saga_schema *found = NULL, *second = NULL;
    for (size_t i = 0; i < schemas->record_count; i++) {
        const struct record *record = &schemas->records[i];
        if (!record->current) continue;
        if (saga_slice_equal(record->schema->name, type)) {
            *ret = record->schema;
            return SAGA_OK;
        }
        if (!saga_slice_equal(saga_schema_short_name(record->schema->name), type)) continue;
        second = found;
        found = record->schema;
    }
    if (second) {
        *ret_words = saga_arena_printf(arena, "`%.*s` may be %.*s or %.*s: write the full name",
                                       SAGA_SLICE_ARG(type), SAGA_SLICE_ARG(second->name),
                                       SAGA_SLICE_ARG(found->name));
        return SAGA_E_CONFLICT;
    }
    if (!found) {
        *ret_words = saga_arena_printf(arena, "no schema file has a record `%.*s`",
                                       SAGA_SLICE_ARG(saga_slice_clip(type, SAGA_NAME_BYTES_MAX)));
        return SAGA_E_NOT_FOUND;
    }
    *ret = found;
    return SAGA_OK;
}

const struct saga_schema *saga_schemas_by_id(const struct saga_schemas *schemas, uint32_t id)
{
    for (size_t i = 0; i < schemas->id_count; i++)
        if (schemas->ids[i].id == id) return schemas->ids[i].file->root;
    return NULL;
}

const struct saga_schema *saga_schemas_by_fingerprint(const struct saga_schemas *schemas,
                                                      uint64_t fingerprint)
{
    for (size_t i = 0; i < schemas->fingerprint_count; i++)
        if (schemas->fingerprints[i].fingerprint == fingerprint)
            return schemas->fingerprints[i].schema;
    return NULL;
}

const struct saga_schema *saga_schemas_earlier(const struct saga_schemas *schemas,
                                               const struct saga_schema *current, size_t *place)
{
    while (*place < schemas->record_count) {
        const struct record *record = &schemas->records[(*place)++];
        if (!record->current && saga_slice_equal(record->schema->name, current->name))
            return record->schema;
    }
    return NULL;
}

static const struct record *record_of(const struct saga_schemas *schemas,
                                      const struct saga_schema *schema)
{
    for (size_t i = 0; i < schemas->record_count; i++)
        if (schemas->records[i].schema == schema) return &schemas->records[i];
    return NULL;
}

int saga_schemas_id_of(const struct saga_schemas *schemas, const struct saga_schema *schema,
                       uint32_t *ret)
{
    for (size_t i = schemas->id_count; i-- > 0;) {
        if (schemas->ids[i].file->root != schema) continue;
        *ret = schemas->ids[i].id;
        return SAGA_OK;
    }
    return SAGA_E_NOT_FOUND;
}

uint64_t saga_schemas_fingerprint_of(const struct saga_schemas *schemas,
                                     const struct saga_schema *schema)
{
    const struct record *record = record_of(schemas, schema);
    return record ? record->fingerprint : saga_schema_fingerprint(schema);
}

static bool has_alias(const struct saga_schema *schema, struct saga_slice name)
{
    for (size_t i = 0; i < schema->aliases.count; i++)
        if (saga_slice_equal(schema->aliases.items[i], name)) return true;
    return false;
}

const struct saga_schema *saga_schemas_reader(const struct saga_schemas *schemas,
                                              const struct saga_schema *writer)
{
    const struct saga_schema *alias = NULL;
    for (size_t i = 0; i < schemas->record_count; i++) {
        const struct record *record = &schemas->records[i];
        if (!record->current) continue;
        if (saga_slice_equal(record->schema->name, writer->name)) return record->schema;
        if (!alias && has_alias(record->schema, writer->name)) alias = record->schema;
    }
    return alias ? alias : writer;
}
