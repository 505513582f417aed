/* The configuration's file: YAML, flat or nested names. */
#include <errno.h>
#include <libfyaml.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "definition/yaml.h"
#include "runtime/config_internal.h"
#include "runtime/settings.h"

enum { FILE_BYTES_MAX = 1 << 20, GROUPS_MAX = 8 };

struct reader {
    struct saga_config_values *values;
    const char *path;
    struct saga_slice text;
};

static struct saga_slice line_of(struct saga_slice text, unsigned line)
{
    const char *end = text.data + text.size, *from = text.data;
    for (unsigned i = 1; i < line && from < end; i++) {
        const char *newline = memchr(from, '\n', (size_t)(end - from));
        if (!newline) return SAGA_SLICE_NONE;
        from = newline + 1;
    }
    const char *newline = memchr(from, '\n', (size_t)(end - from));
    return (struct saga_slice){ from, (size_t)((newline ? newline : end) - from) };
}

static void complain(struct reader *reader, unsigned line, unsigned column, const char *what,
                     const char *mend)
{
    struct saga_diagnostic *finding =
        saga_diagnostics_add(reader->values->diagnostics, SAGA_SEVERITY_ERROR, NULL, "%s", what);
    finding->file = reader->path;
    finding->line = line;
    finding->column = column;
    finding->width = 1;
    struct saga_slice source_line = line ? line_of(reader->text, line) : SAGA_SLICE_NONE;
    bool secret = saga_setting_is_secret(saga_arena_string(reader->values->arena, source_line));
    if (!secret) finding->source_line = source_line;
    finding->mend = saga_slice_of(mend);
}

static void place_of(struct fy_node *node, unsigned *ret_line, unsigned *ret_column)
{
    struct fy_token *token = node ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    *ret_line = mark ? (unsigned)mark->line + 1 : 0;
    *ret_column = mark ? (unsigned)mark->column + 1 : 0;
}

static const char LIBFYAML[] = "reading YAML, in libfyaml";

static const char *scalar_of(struct reader *reader, struct fy_node *node)
{
    size_t size;
    saga_memory_watch();
    const char *text = fy_node_get_scalar(node, &size);
    saga_memory_check(LIBFYAML); /* it gives "" then */
    return saga_arena_string(reader->values->arena,
                             (struct saga_slice){ text ? text : "", text ? size : 0 });
}

/* A list of scalars is their texts with commas between them, as brokers are written. */
static const char *list_of(struct reader *reader, struct fy_node *node)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, reader->values->arena);
    void *walk = NULL;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &walk));) {
        if (!fy_node_is_scalar(item)) return NULL;
        if (buffer.size) saga_buffer_add_char(&buffer, ',');
        saga_buffer_add(&buffer, saga_slice_of(scalar_of(reader, item)));
    }
    return saga_buffer_slice(&buffer).data;
}

static bool is_group(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < saga_settings_count; i++)
        if (strncmp(saga_settings[i].name, name, size) == 0 && saga_settings[i].name[size] == '.')
            return true;
    return false;
}

static bool is_nothing(struct fy_node *node)
{
    return !node || fy_node_is_null(node);
}

static void read_mapping(struct reader *reader, struct fy_node *mapping, const char *group,
                         unsigned depth);

static void read_pair(struct reader *reader, struct fy_node_pair *pair, const char *group,
                      unsigned depth)
{
    struct fy_node *key = fy_node_pair_key(pair), *node = fy_node_pair_value(pair);
    struct saga_config_value value = { .file = reader->path };
    place_of(key, &value.line, &value.column);
    if (!key || !fy_node_is_scalar(key)) {
        complain(reader, value.line, value.column, "a setting's name must be a text", NULL);
        return;
    }
    struct saga_arena *arena = reader->values->arena;
    value.name =
        saga_arena_printf(arena, "%s%s%s", group, *group ? "." : "", scalar_of(reader, key)).data;
    value.source = saga_arena_printf(arena, "%s:%u", reader->path, value.line).data;
    value.source_line = line_of(reader->text, value.line);
    if (is_nothing(node)) {
        /* a group of which everything is commented out is no mistake */
        if (!is_group(value.name))
            complain(reader, value.line, value.column, "this setting has no value",
                     "give it one, or take the line out; \"\" is an empty text");
    } else if (fy_node_is_mapping(node)) {
        read_mapping(reader, node, value.name, depth + 1);
    } else {
        value.value = fy_node_is_scalar(node) ? scalar_of(reader, node) : list_of(reader, node);
        if (value.value)
            saga_config_put(reader->values, &value);
        else
            complain(reader, value.line, value.column, "a list here may hold only texts", NULL);
    }
}

static void read_mapping(struct reader *reader, struct fy_node *mapping, const char *group,
                         unsigned depth)
{
    if (depth > GROUPS_MAX) {
        complain(reader, 0, 0, "settings are nested too deep", NULL);
        return;
    }
    void *walk = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &walk));)
        read_pair(reader, pair, group, depth);
}

/* ---- names that stand twice ---- */

static void check_repeated(struct reader *reader, struct fy_node *mapping,
                           struct fy_node_pair *pair)
{
    struct fy_node *key = fy_node_pair_key(pair);
    unsigned line, column, first, ignored;
    if (!key || !fy_node_is_scalar(key)) return;
    struct fy_node *before = saga_yaml_key_before(mapping, pair);
    if (!before) return;
    place_of(key, &line, &column);
    place_of(before, &first, &ignored);
    complain(reader, line, column,
             saga_arena_printf(reader->values->arena,
                               "\"%s\" is set twice, on line %u and on line %u",
                               scalar_of(reader, key), first, line)
                 .data,
             "take one of them out, or put what stands in both into one");
}

/* Of two values of one name only one could count. libfyaml would refuse them too, and tell neither line. */
static void find_repeated(struct reader *reader, struct fy_node *node, unsigned depth)
{
    void *walk = NULL;
    if (!node || !fy_node_is_mapping(node) || depth > GROUPS_MAX) return;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &walk));) {
        check_repeated(reader, node, pair);
        find_repeated(reader, fy_node_pair_value(pair), depth + 1);
    }
}

static void complain_of_yaml(struct reader *reader, struct fy_diag *diag)
{
    void *walk = NULL;
    for (struct fy_diag_error *error; (error = fy_diag_errors_iterate(diag, &walk));) {
        struct saga_slice what =
            saga_arena_printf(reader->values->arena, "this is not YAML: %s", error->msg);
        complain(reader, (unsigned)error->line, (unsigned)error->column, what.data, NULL);
    }
}

static void drop_output(struct fy_diag *diag, void *user, const char *text, size_t size)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)size;
}

/* libfyaml 0.7 scans some bytes that are no text for ever. */
static bool is_text(struct reader *reader)
{
    unsigned line = 1;
    for (size_t i = 0, size; i < reader->text.size; i += size) {
        unsigned char byte = (unsigned char)reader->text.data[i];
        size = saga_utf8_sequence(reader->text.data + i, reader->text.size - i);
        bool control = byte < ' ' && !strchr("\t\r\n", byte);
        if (size == 0 || byte == 0 || control) {
            struct saga_slice what = saga_arena_printf(
                reader->values->arena, "byte 0x%02x is no text: the file must be UTF-8", byte);
            complain(reader, line, 1, what.data, NULL);
            return false;
        }
        line += byte == '\n';
    }
    return true;
}

static void read_yaml(struct reader *reader)
{
    if (!is_text(reader)) return;
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL; /* nothing to standard error: findings are ours to print */
    diag_cfg.output_fn = drop_output;
    saga_memory_watch();
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    if (!diag) saga_memory_exhausted(LIBFYAML);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = diag };
    size_t errors = reader->values->diagnostics->errors;
    struct fy_document *document =
        fy_document_build_from_string(&cfg, reader->text.data, reader->text.size);
    saga_memory_check(LIBFYAML);
    if (document) find_repeated(reader, fy_document_root(document), 0);
    bool good = document && reader->values->diagnostics->errors == errors;
    saga_memory_watch();
    if (good && fy_document_resolve(document) != 0) {
        saga_memory_check(LIBFYAML);
        complain_of_yaml(reader, diag);
        good = false;
    }
    saga_memory_check(LIBFYAML);
    if (!document) { /* an empty file has no document and no error either */
        complain_of_yaml(reader, diag);
        fy_diag_destroy(diag);
        return;
    }
    struct fy_node *root = good ? fy_document_root(document) : NULL;
    if (root && fy_node_is_mapping(root))
        read_mapping(reader, root, "", 0);
    else if (!is_nothing(root))
        complain(reader, 1, 1, "the file must hold settings, such as `workers: 4`", NULL);
    fy_document_destroy(document);
    fy_diag_destroy(diag);
}

void saga_config_read_file(struct saga_config_values *values, const char *path)
{
    struct reader reader = { values, saga_arena_string(values->arena, saga_slice_of(path)),
                             SAGA_SLICE_NONE };
    saga_memory_watch();
    FILE *file = fopen(path, "re");
    if (!file) {
        saga_memory_check("opening a file");
        struct saga_slice what =
            saga_arena_printf(values->arena, "cannot be read: %s", strerror(errno));
        complain(&reader, 0, 0, what.data, "give the file's path with --config");
        return;
    }
    char *text = saga_arena_alloc(values->arena, FILE_BYTES_MAX + 1);
    size_t size = fread(text, 1, FILE_BYTES_MAX, file);
    int failed = ferror(file), rest = fgetc(file);
    fclose(file);
    if (failed || rest != EOF) {
        complain(&reader, 0, 0,
                 failed ? "cannot be read to its end" : "is larger than 1 MiB, so no configuration",
                 NULL);
        return;
    }
    reader.text = (struct saga_slice){ text, size };
    read_yaml(&reader);
}
