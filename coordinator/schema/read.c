/* From the JSON of a schema to a tree. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "schema/schema.h"

struct reading {
    struct saga_schema_scope *scope;
    struct saga_arena *arena;
    struct saga_slice where; /* the named type that is being read, for words */
    struct saga_slice words;
    int error;
};

static const struct saga_schema *read_type(struct reading *r, struct saga_slice json,
                                           struct saga_slice space);

/* ---- words ---- */

static const struct saga_schema *refuse(struct reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const struct saga_schema *refuse(struct reading *r, const char *format, ...)
{
    va_list arguments;
    if (r->error) return NULL;
    va_start(arguments, format);
    struct saga_slice words = saga_arena_vprintf(r->arena, format, arguments);
    va_end(arguments);
    r->words = r->where.size ? saga_arena_printf(r->arena, "%.*s: %.*s", SAGA_SLICE_ARG(r->where),
                                                 SAGA_SLICE_ARG(words))
                             : words;
    r->error = SAGA_E_INVALID;
    return NULL;
}

static const char *const kind_names[] = {
    [SAGA_SCHEMA_NULL] = "null",   [SAGA_SCHEMA_BOOLEAN] = "boolean",
    [SAGA_SCHEMA_INT] = "int",     [SAGA_SCHEMA_LONG] = "long",
    [SAGA_SCHEMA_FLOAT] = "float", [SAGA_SCHEMA_DOUBLE] = "double",
    [SAGA_SCHEMA_BYTES] = "bytes", [SAGA_SCHEMA_STRING] = "string",
    [SAGA_SCHEMA_FIXED] = "fixed", [SAGA_SCHEMA_ENUM] = "enum",
    [SAGA_SCHEMA_ARRAY] = "array", [SAGA_SCHEMA_MAP] = "map",
    [SAGA_SCHEMA_UNION] = "union", [SAGA_SCHEMA_RECORD] = "record",
};

struct saga_slice saga_schema_short_name(struct saga_slice full_name)
{
    size_t from = full_name.size;
    while (from > 0 && full_name.data[from - 1] != '.') from--;
    return saga_slice_skip(full_name, from);
}

struct saga_slice saga_schema_words(const struct saga_schema *schema, struct saga_arena *arena)
{
    const char *kind = kind_names[schema->kind];
    if (schema->logical == SAGA_LOGICAL_DECIMAL)
        return saga_arena_printf(arena, "a decimal(%u, %u)", schema->precision, schema->scale);
    return saga_arena_printf(arena, "%s %s%s%.*s", strchr("aei", kind[0]) ? "an" : "a", kind,
                             schema->name.size ? " " : "", SAGA_SLICE_ARG(schema->name));
}

/* ---- names ---- */

static bool is_start_of_name(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(struct saga_slice name)
{
    if (name.size == 0 || name.size > SAGA_NAME_BYTES_MAX || !is_start_of_name(name.data[0]))
        return false;
    for (size_t i = 1; i < name.size; i++)
        if (!is_start_of_name(name.data[i]) && !(name.data[i] >= '0' && name.data[i] <= '9'))
            return false;
    return true;
}

/* Names with dots between them. */
static bool is_full_name(struct saga_slice name)
{
    while (name.size <= SAGA_NAME_BYTES_MAX) {
        const char *dot = name.size ? memchr(name.data, '.', name.size) : NULL;
        if (!dot) return is_name(name);
        size_t size = (size_t)(dot - name.data);
        if (!is_name((struct saga_slice){ name.data, size })) return false;
        name = saga_slice_skip(name, size + 1);
    }
    return false;
}

static bool member(struct saga_slice json, const char *name, struct saga_slice *ret)
{
    return saga_json_member(json, saga_slice_of(name), ret) == SAGA_OK;
}

static struct saga_slice text_member(struct reading *r, struct saga_slice json, const char *name)
{
    struct saga_slice value, text = SAGA_SLICE_NONE;
    if (member(json, name, &value)) (void)saga_json_text(value, r->arena, &text);
    return text;
}

static struct saga_slice qualified(struct reading *r, struct saga_slice name,
                                   struct saga_slice space)
{
    bool whole = space.size == 0 || (name.size && memchr(name.data, '.', name.size));
    return whole ? name
                 : saga_arena_printf(r->arena, "%.*s.%.*s", SAGA_SLICE_ARG(space),
                                     SAGA_SLICE_ARG(name));
}

/* What names inside a named type are relative to: the dots of its name say it before `namespace` does. */
static struct saga_slice space_of(struct saga_slice full_name)
{
    size_t size = full_name.size - saga_schema_short_name(full_name).size;
    return (struct saga_slice){ full_name.data, size ? size - 1 : 0 };
}

static const struct saga_schema *primitive(struct saga_slice name)
{
    static const struct saga_schema primitives[SAGA_SCHEMA_PRIMITIVES] = {
        { .kind = SAGA_SCHEMA_NULL },  { .kind = SAGA_SCHEMA_BOOLEAN },
        { .kind = SAGA_SCHEMA_INT },   { .kind = SAGA_SCHEMA_LONG },
        { .kind = SAGA_SCHEMA_FLOAT }, { .kind = SAGA_SCHEMA_DOUBLE },
        { .kind = SAGA_SCHEMA_BYTES }, { .kind = SAGA_SCHEMA_STRING },
    };
    for (size_t i = 0; i < SAGA_SCHEMA_PRIMITIVES; i++)
        if (saga_slice_is(name, kind_names[i])) return &primitives[i];
    return NULL;
}

static const struct saga_schema *find_here(const struct reading *r, struct saga_slice full_name)
{
    for (size_t i = 0; i < r->scope->type_count; i++)
        if (saga_slice_equal(r->scope->types[i]->name, full_name)) return r->scope->types[i];
    return NULL;
}

static const struct saga_schema *find(struct reading *r, struct saga_slice full_name)
{
    const struct saga_schema *schema = find_here(r, full_name);
    struct saga_slice words = SAGA_SLICE_NONE;
    if (schema || !r->scope->find) return schema;
    schema = r->scope->find(r->scope->context, full_name, &words);
    return schema || !words.size ? schema : refuse(r, "%.*s", SAGA_SLICE_ARG(words));
}

/* A type by its name: of the namespace around it, else of none (as Java's implementation takes it). */
static const struct saga_schema *read_name(struct reading *r, struct saga_slice name,
                                           struct saga_slice space)
{
    const struct saga_schema *schema = primitive(name);
    if (!schema) schema = find(r, qualified(r, name, space));
    if (!schema && space.size) schema = find(r, name);
    return schema ? schema
                  : refuse(r, "there is no type `%.*s`",
                           SAGA_SLICE_ARG(saga_slice_clip(qualified(r, name, space), 200)));
}

static bool read_names(struct reading *r, struct saga_slice json, const char *what,
                       struct saga_slice space, struct saga_schema_names *ret)
{
    struct saga_json_walk walk;
    struct saga_slice ignored, value, name, *items = NULL;
    size_t count = 0, capacity = 0;
    if (saga_json_kind(json) != SAGA_JSON_ARRAY) return refuse(r, "%s must be a list", what);
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &ignored, &value)) {
        if (saga_json_text(value, r->arena, &name) < 0 || !is_full_name(name))
            return refuse(r, "%s: %.*s is no name", what,
                          SAGA_SLICE_ARG(saga_slice_clip(value, 60)));
        if (count == SAGA_SCHEMA_MEMBERS_MAX)
            return refuse(r, "%s: more than %d", what, SAGA_SCHEMA_MEMBERS_MAX);
        SAGA_PUSH(r->arena, items, count, capacity, qualified(r, name, space));
    }
    *ret = (struct saga_schema_names){ items, count };
    return true;
}

static bool contains(struct saga_schema_names names, struct saga_slice name)
{
    for (size_t i = 0; i < names.count; i++)
        if (saga_slice_equal(names.items[i], name)) return true;
    return false;
}

/* Begins a record, enum or fixed: from here on its name is known, also to itself. */
static struct saga_schema *begin_named(struct reading *r, enum saga_schema_kind kind,
                                       struct saga_slice json, struct saga_slice *space)
{
    struct saga_slice name = text_member(r, json, "name"), given, value;
    if (!is_full_name(name)) {
        refuse(r, "a %s without a proper name", kind_names[kind]);
        return NULL;
    }
    if (member(json, "namespace", &value)) {
        given = text_member(r, json, "namespace");
        if (given.size && !is_full_name(given)) {
            refuse(r, "%.*s: its namespace is none", SAGA_SLICE_ARG(name));
            return NULL;
        }
        *space = given;
    }
    struct saga_schema *schema = SAGA_NEW(r->arena, struct saga_schema);
    schema->kind = kind;
    schema->name = saga_arena_copy(r->arena, qualified(r, name, *space));
    *space = space_of(schema->name);
    if (find_here(r, schema->name)) {
        refuse(r, "`%.*s` is defined twice", SAGA_SLICE_ARG(schema->name));
        return NULL;
    }
    if (r->scope->type_count == SAGA_SCHEMA_MEMBERS_MAX) {
        refuse(r, "more than %d named types", SAGA_SCHEMA_MEMBERS_MAX);
        return NULL;
    }
    SAGA_PUSH(r->arena, r->scope->types, r->scope->type_count, r->scope->type_capacity, schema);
    if (member(json, "aliases", &value) &&
        !read_names(r, value, "`aliases`", *space, &schema->aliases))
        return NULL;
    return schema;
}

/* ---- logical types ---- */

static bool whole_member(struct saga_slice json, const char *name, unsigned long long max,
                         unsigned long long *ret)
{
    struct saga_slice value;
    return member(json, name, &value) && saga_slice_to_u64(saga_json_trim(value), ret) == SAGA_OK &&
           *ret <= max;
}

/* Can so many bytes hold every number of that many digits? 8 bits are a little over 2.4 digits. */
static bool holds_digits(size_t bytes, unsigned long long digits)
{
    return (double)digits <= ((double)bytes * 8 - 1) * 0.30103;
}

static void read_decimal(struct saga_schema *schema, struct saga_slice json)
{
    unsigned long long precision, scale = 0;
    struct saga_slice value;
    if (!whole_member(json, "precision", SAGA_DECIMAL_DIGITS_MAX, &precision) || precision == 0)
        return;
    if (member(json, "scale", &value) && !whole_member(json, "scale", precision, &scale)) return;
    if (schema->kind == SAGA_SCHEMA_FIXED && !holds_digits(schema->size, precision)) return;
    schema->logical = SAGA_LOGICAL_DECIMAL;
    schema->precision = (uint32_t)precision;
    schema->scale = (uint32_t)scale;
}

/* One that is not known or does not fit is none (specification, Logical Types). */
static void read_logical(struct reading *r, struct saga_schema *schema, struct saga_slice json)
{
    static const struct {
        const char *name;
        enum saga_schema_kind kind;
        enum saga_schema_logical logical;
        size_t size; /* of a fixed */
    } rows[] = {
        { "uuid", SAGA_SCHEMA_STRING, SAGA_LOGICAL_UUID, 0 },
        { "uuid", SAGA_SCHEMA_FIXED, SAGA_LOGICAL_UUID, 16 },
        { "date", SAGA_SCHEMA_INT, SAGA_LOGICAL_DATE, 0 },
        { "time-millis", SAGA_SCHEMA_INT, SAGA_LOGICAL_TIME_MILLIS, 0 },
        { "time-micros", SAGA_SCHEMA_LONG, SAGA_LOGICAL_TIME_MICROS, 0 },
        { "timestamp-millis", SAGA_SCHEMA_LONG, SAGA_LOGICAL_TIMESTAMP_MILLIS, 0 },
        { "timestamp-micros", SAGA_SCHEMA_LONG, SAGA_LOGICAL_TIMESTAMP_MICROS, 0 },
        { "timestamp-nanos", SAGA_SCHEMA_LONG, SAGA_LOGICAL_TIMESTAMP_NANOS, 0 },
        { "local-timestamp-millis", SAGA_SCHEMA_LONG, SAGA_LOGICAL_LOCAL_TIMESTAMP_MILLIS, 0 },
        { "local-timestamp-micros", SAGA_SCHEMA_LONG, SAGA_LOGICAL_LOCAL_TIMESTAMP_MICROS, 0 },
        { "local-timestamp-nanos", SAGA_SCHEMA_LONG, SAGA_LOGICAL_LOCAL_TIMESTAMP_NANOS, 0 },
        { "duration", SAGA_SCHEMA_FIXED, SAGA_LOGICAL_DURATION, 12 },
    };
    struct saga_slice name = text_member(r, json, "logicalType");
    bool sized = schema->kind == SAGA_SCHEMA_FIXED;
    if (saga_slice_is(name, "decimal") && (sized || schema->kind == SAGA_SCHEMA_BYTES))
        read_decimal(schema, json);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (saga_slice_is(name, rows[i].name) && schema->kind == rows[i].kind &&
            (!sized || schema->size == rows[i].size))
            schema->logical = rows[i].logical;
}

/* ---- the kinds ---- */

static bool read_field(struct reading *r, struct saga_slice json, struct saga_slice space,
                       struct saga_schema_field *ret)
{
    struct saga_slice type, aliases;
    if (saga_json_kind(json) != SAGA_JSON_OBJECT) return refuse(r, "a field that is no object");
    ret->name = text_member(r, json, "name");
    if (!is_name(ret->name)) return refuse(r, "a field without a proper name");
    if (!member(json, "type", &type))
        return refuse(r, "field %.*s has no type", SAGA_SLICE_ARG(ret->name));
    if (member(json, "aliases", &aliases) &&
        !read_names(r, aliases, "`aliases`", SAGA_SLICE_NONE, &ret->aliases))
        return false;
    if (member(json, "default", &ret->default_json))
        ret->default_json = saga_arena_copy(r->arena, saga_json_trim(ret->default_json));
    struct saga_slice outside = r->where;
    r->where = outside.size ? saga_arena_printf(r->arena, "%.*s.%.*s", SAGA_SLICE_ARG(outside),
                                                SAGA_SLICE_ARG(ret->name))
                            : ret->name;
    ret->type = read_type(r, type, space);
    r->where = outside;
    return ret->type != NULL;
}

static const struct saga_schema *read_record(struct reading *r, struct saga_slice json,
                                             struct saga_slice space)
{
    struct saga_json_walk walk;
    struct saga_slice fields, ignored, value, outside = r->where;
    struct saga_schema *schema = begin_named(r, SAGA_SCHEMA_RECORD, json, &space);
    size_t capacity = 0;
    if (!schema) return NULL;
    r->where = schema->name;
    if (!member(json, "fields", &fields) || saga_json_kind(fields) != SAGA_JSON_ARRAY)
        return refuse(r, "a record needs a list `fields`");
    saga_json_walk_init(&walk, fields);
    while (saga_json_walk_next(&walk, &ignored, &value)) {
        struct saga_schema_field field = { 0 };
        if (schema->field_count == SAGA_SCHEMA_MEMBERS_MAX)
            return refuse(r, "more than %d fields", SAGA_SCHEMA_MEMBERS_MAX);
        if (!read_field(r, value, space, &field)) return NULL;
        for (size_t i = 0; i < schema->field_count; i++)
            if (saga_slice_equal(schema->fields[i].name, field.name))
                return refuse(r, "there are two fields %.*s", SAGA_SLICE_ARG(field.name));
        SAGA_PUSH(r->arena, schema->fields, schema->field_count, capacity, field);
    }
    r->where = outside;
    return schema;
}

static const struct saga_schema *read_enum(struct reading *r, struct saga_slice json,
                                           struct saga_slice space)
{
    struct saga_slice value;
    struct saga_schema *schema = begin_named(r, SAGA_SCHEMA_ENUM, json, &space);
    if (!schema) return NULL;
    if (!member(json, "symbols", &value))
        return refuse(r, "enum %.*s has no symbols", SAGA_SLICE_ARG(schema->name));
    if (!read_names(r, value, "`symbols`", SAGA_SLICE_NONE, &schema->symbols)) return NULL;
    for (size_t i = 0; i < schema->symbols.count; i++)
        if (contains((struct saga_schema_names){ schema->symbols.items, i },
                     schema->symbols.items[i]))
            return refuse(r, "enum %.*s has symbol %.*s twice", SAGA_SLICE_ARG(schema->name),
                          SAGA_SLICE_ARG(schema->symbols.items[i]));
    if (!member(json, "default", &value)) return schema;
    schema->symbol_default = text_member(r, json, "default");
    if (!contains(schema->symbols, schema->symbol_default))
        return refuse(r, "enum %.*s has a default that is none of its symbols",
                      SAGA_SLICE_ARG(schema->name));
    return schema;
}

static const struct saga_schema *read_fixed(struct reading *r, struct saga_slice json,
                                            struct saga_slice space)
{
    unsigned long long size;
    struct saga_schema *schema = begin_named(r, SAGA_SCHEMA_FIXED, json, &space);
    if (!schema) return NULL;
    if (!whole_member(json, "size", SAGA_PAYLOAD_BYTES_MAX, &size))
        return refuse(r, "fixed %.*s needs a `size` of 0 to %d bytes", SAGA_SLICE_ARG(schema->name),
                      SAGA_PAYLOAD_BYTES_MAX);
    schema->size = (size_t)size;
    read_logical(r, schema, json);
    return schema;
}

static const struct saga_schema *read_container(struct reading *r, enum saga_schema_kind kind,
                                                struct saga_slice json, const char *name,
                                                struct saga_slice space)
{
    struct saga_slice item;
    struct saga_schema *schema = SAGA_NEW(r->arena, struct saga_schema);
    schema->kind = kind;
    if (!member(json, name, &item)) return refuse(r, "%s without `%s`", kind_names[kind], name);
    schema->item = read_type(r, item, space);
    return schema->item ? schema : NULL;
}

/* Two branches of one kind could not be told apart, unless they have names. */
static bool is_branch_twice(const struct saga_schema *const *branches, size_t count,
                            const struct saga_schema *branch)
{
    for (size_t i = 0; i < count; i++)
        if (branches[i]->kind == branch->kind && saga_slice_equal(branches[i]->name, branch->name))
            return true;
    return false;
}

static const struct saga_schema *read_union(struct reading *r, struct saga_slice json,
                                            struct saga_slice space)
{
    struct saga_json_walk walk;
    struct saga_slice ignored, value;
    const struct saga_schema **branches = NULL;
    size_t count = 0, capacity = 0;
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &ignored, &value)) {
        const struct saga_schema *branch = read_type(r, value, space);
        if (!branch) return NULL;
        if (branch->kind == SAGA_SCHEMA_UNION) return refuse(r, "a union in a union");
        if (count == SAGA_SCHEMA_MEMBERS_MAX || is_branch_twice(branches, count, branch))
            return refuse(r, "a union with %s twice, or with more than %d branches",
                          kind_names[branch->kind], SAGA_SCHEMA_MEMBERS_MAX);
        SAGA_PUSH(r->arena, branches, count, capacity, branch);
    }
    struct saga_schema *schema = SAGA_NEW(r->arena, struct saga_schema);
    schema->kind = SAGA_SCHEMA_UNION;
    schema->branches = branches;
    schema->branch_count = count;
    return schema;
}

static const struct saga_schema *read_object(struct reading *r, struct saga_slice json,
                                             struct saga_slice space)
{
    struct saga_slice value, type;
    if (!member(json, "type", &value)) return refuse(r, "an object without `type`");
    if (saga_json_kind(value) != SAGA_JSON_STRING) return read_type(r, value, space);
    if (saga_json_text(value, r->arena, &type) < 0) return refuse(r, "a `type` that is no text");
    if (saga_slice_is(type, "record") || saga_slice_is(type, "error"))
        return read_record(r, json, space);
    if (saga_slice_is(type, "enum")) return read_enum(r, json, space);
    if (saga_slice_is(type, "fixed")) return read_fixed(r, json, space);
    if (saga_slice_is(type, "array"))
        return read_container(r, SAGA_SCHEMA_ARRAY, json, "items", space);
    if (saga_slice_is(type, "map"))
        return read_container(r, SAGA_SCHEMA_MAP, json, "values", space);
    const struct saga_schema *plain = primitive(type);
    if (!plain || !member(json, "logicalType", &value)) return read_name(r, type, space);
    struct saga_schema *schema = SAGA_NEW(r->arena, struct saga_schema);
    *schema = *plain;
    read_logical(r, schema, json);
    return schema;
}

static const struct saga_schema *read_type(struct reading *r, struct saga_slice json,
                                           struct saga_slice space)
{
    struct saga_slice name;
    switch (saga_json_kind(json)) {
    case SAGA_JSON_STRING:
        if (saga_json_text(json, r->arena, &name) < 0) return refuse(r, "a name that is no text");
        return read_name(r, name, space);
    case SAGA_JSON_ARRAY: return read_union(r, json, space);
    case SAGA_JSON_OBJECT: return read_object(r, json, space);
    default: return refuse(r, "%.*s is no type", SAGA_SLICE_ARG(saga_slice_clip(json, 60)));
    }
}

int saga_schema_read(struct saga_schema_scope *scope, struct saga_slice json,
                     const struct saga_schema **ret, struct saga_slice *ret_words)
{
    struct reading r = { .scope = scope, .arena = scope->arena };
    size_t offset = 0;
    const char *why = "";
    int error = saga_json_validate(json, &offset, &why);
    if (error < 0) {
        *ret_words = saga_arena_printf(scope->arena, "no JSON: %s at byte %zu", why, offset);
        return error;
    }
    const struct saga_schema *schema = read_type(&r, json, SAGA_SLICE_NONE);
    if (!schema) {
        *ret_words = r.words;
        return r.error;
    }
    *ret = schema;
    return SAGA_OK;
}
