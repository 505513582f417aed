#include "definition/yaml.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"

struct saga_slice saga_yaml_line(const struct saga_yaml *yaml, unsigned line)
{
    struct saga_slice rest = yaml->text;
    while (line > 1 && rest.size) {
        const char *end = memchr(rest.data, '\n', rest.size);
        if (!end) return SAGA_SLICE_NONE;
        rest = saga_slice_skip(rest, (size_t)(end - rest.data) + 1);
        line--;
    }
    const char *end = rest.size ? memchr(rest.data, '\n', rest.size) : NULL;
    if (end) rest.size = (size_t)(end - rest.data);
    if (rest.size && rest.data[rest.size - 1] == '\r') rest.size--;
    return saga_slice_clip(rest, 200);
}

static struct fy_token *first_token(struct fy_node *node, int depth)
{
    void *iterator = NULL;
    if (!node || depth > SAGA_NESTING_MAX) return NULL;
    if (fy_node_is_scalar(node)) return fy_node_get_scalar_token(node);
    if (fy_node_is_sequence(node))
        return first_token(fy_node_sequence_iterate(node, &iterator), depth + 1);
    struct fy_node_pair *pair = fy_node_mapping_iterate(node, &iterator);
    return pair ? first_token(fy_node_pair_key(pair), depth + 1) : NULL;
}

void saga_yaml_position(struct fy_node *node, unsigned *ret_line, unsigned *ret_column)
{
    struct fy_token *token = first_token(node, 0);
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    *ret_line = mark ? (unsigned)mark->line + 1 : 0;
    *ret_column = mark ? (unsigned)mark->column + 1 : 0;
}

struct saga_diagnostic *saga_yaml_find(struct saga_yaml *yaml, struct fy_node *node,
                                       enum saga_severity severity, const char *code,
                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct saga_slice what = saga_arena_vprintf(yaml->diagnostics->arena, format, arguments);
    va_end(arguments);
    struct saga_diagnostic *finding =
        saga_diagnostics_add(yaml->diagnostics, severity, code, "%.*s", SAGA_SLICE_ARG(what));
    size_t length = 1;
    finding->file = yaml->file;
    saga_yaml_position(node, &finding->line, &finding->column);
    if (node && fy_node_is_scalar(node)) fy_node_get_scalar(node, &length);
    finding->source_line =
        saga_arena_copy(yaml->diagnostics->arena, saga_yaml_line(yaml, finding->line));
    size_t room = finding->source_line.size >= finding->column
                      ? finding->source_line.size - finding->column + 1
                      : 1;
    finding->width = (unsigned)(length < 1 ? 1 : length < room ? length : room);
    return finding;
}

/* ---- opening ---- */

static void take_errors(struct saga_yaml *yaml)
{
    void *iterator = NULL;
    struct fy_diag_error *error = yaml->diag ? fy_diag_errors_iterate(yaml->diag, &iterator) : NULL;
    for (; error; error = fy_diag_errors_iterate(yaml->diag, &iterator)) {
        struct saga_diagnostic *finding =
            saga_diagnostics_add(yaml->diagnostics, SAGA_SEVERITY_ERROR, "SG001", "%s",
                                 error->msg ? error->msg : "this is no YAML");
        finding->file = yaml->file;
        finding->line = error->line > 0 ? (unsigned)error->line : 0;
        finding->column = error->column > 0 ? (unsigned)error->column : 1;
        finding->width = 1;
        finding->source_line =
            saga_arena_copy(yaml->diagnostics->arena, saga_yaml_line(yaml, finding->line));
    }
    if (yaml->diagnostics->errors == 0)
        saga_yaml_find(yaml, NULL, SAGA_SEVERITY_ERROR, "SG001", "this is no YAML");
}

static int refuse_whole(struct saga_yaml *yaml, const char *what, const char *mend)
{
    struct saga_diagnostic *finding =
        saga_yaml_find(yaml, NULL, SAGA_SEVERITY_ERROR, "SG001", "%s", what);
    finding->mend = saga_slice_of(mend);
    return SAGA_E_INVALID;
}

/* Aliases would make a file that is not what it looks like; a ring of them would never end. */
static bool find_aliases(struct saga_yaml *yaml, struct fy_node *node, int depth)
{
    void *iterator = NULL;
    bool clean = true;
    if (depth > SAGA_NESTING_MAX * 2) {
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG108", "nested too deeply");
        return false;
    }
    if (fy_node_is_alias(node)) {
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG001",
                       "an alias (*name) cannot be used here")
            ->mend = SAGA_SLICE("write the value out");
        return false;
    }
    if (fy_node_is_sequence(node)) {
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));)
            clean = find_aliases(yaml, item, depth + 1) && clean;
    } else if (fy_node_is_mapping(node)) {
        for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
            if (!fy_node_pair_key(pair) || !fy_node_is_scalar(fy_node_pair_key(pair))) {
                saga_yaml_find(yaml, fy_node_pair_value(pair), SAGA_SEVERITY_ERROR, "SG001",
                               "the name of a member must be a plain word");
                clean = false;
            }
            if (fy_node_pair_value(pair))
                clean = find_aliases(yaml, fy_node_pair_value(pair), depth + 1) && clean;
        }
    }
    return clean;
}

int saga_yaml_open(struct saga_slice text, const char *file, struct saga_diagnostics *diagnostics,
                   struct saga_yaml *ret)
{
    struct saga_yaml yaml = { .text = text, .file = file, .diagnostics = diagnostics };
    *ret = yaml;
    if (text.size > SAGA_DEFINITION_BYTES_MAX)
        return refuse_whole(&yaml, "the file is larger than a definition may be (1 MiB)",
                            "split it into several sagas");
    if (text.size == 0) return refuse_whole(&yaml, "the file is empty", "begin with `saga: name`");
    if (memchr(text.data, '\0', text.size))
        return refuse_whole(&yaml, "the file holds a NUL byte", "is it a text file?");
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    yaml.diag = fy_diag_create(&diag_config);
    if (yaml.diag) fy_diag_set_collect_errors(yaml.diag, true);
    struct fy_parse_cfg config = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = yaml.diag };
    yaml.document = fy_document_build_from_string(&config, text.data, text.size);
    *ret = yaml;
    if (!yaml.document) {
        take_errors(&yaml);
        return SAGA_E_INVALID;
    }
    yaml.root = fy_document_root(yaml.document);
    *ret = yaml;
    if (!yaml.root || !fy_node_is_mapping(yaml.root))
        return refuse_whole(&yaml, "a definition is a mapping of fields",
                            "begin with `saga: name`");
    return find_aliases(&yaml, yaml.root, 0) ? SAGA_OK : SAGA_E_INVALID;
}

void saga_yaml_close(struct saga_yaml *yaml)
{
    if (yaml->document) fy_document_destroy(yaml->document);
    if (yaml->diag) fy_diag_destroy(yaml->diag);
}

/* ---- members ---- */

static struct saga_slice scalar(struct fy_node *node)
{
    size_t size;
    const char *text = fy_node_get_scalar(node, &size);
    return (struct saga_slice){ text ? text : "", text ? size : 0 };
}

struct fy_node *saga_yaml_get(struct fy_node *mapping, const char *name)
{
    void *iterator = NULL;
    if (!mapping || !fy_node_is_mapping(mapping)) return NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &iterator));)
        if (saga_slice_is(scalar(fy_node_pair_key(pair)), name)) return fy_node_pair_value(pair);
    return NULL;
}

static unsigned distance(struct saga_slice a, struct saga_slice b)
{
    unsigned row[64];
    if (a.size >= 60 || b.size >= 60) return 60;
    for (unsigned j = 0; j <= b.size; j++) row[j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned cost = diagonal + (a.data[i - 1] != b.data[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < cost) cost = row[j] + 1;
            if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1;
            row[j] = cost;
        }
    }
    return row[b.size];
}

static const char *nearest(struct saga_slice typed, const char *const *names, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = 3;
    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(typed, saga_slice_of(names[i]));
        if (d >= best_distance) continue;
        best = names[i];
        best_distance = d;
    }
    return best;
}

static void find_unknown(struct saga_yaml *yaml, struct fy_node *key, const char *what,
                         const char *const *names, size_t count)
{
    struct saga_slice typed = scalar(key);
    const char *near = nearest(typed, names, count);
    struct saga_diagnostic *finding =
        saga_yaml_find(yaml, key, SAGA_SEVERITY_ERROR, "SG101", "%s has no field `%.*s`", what,
                       SAGA_SLICE_ARG(typed));
    if (near) {
        saga_diagnostic_mend(finding, yaml->diagnostics->arena, "did you mean `%s`?", near);
        return;
    }
    struct saga_slice list = SAGA_SLICE("");
    for (size_t i = 0; i < count; i++)
        list = saga_arena_printf(yaml->diagnostics->arena, "%.*s%s%s", SAGA_SLICE_ARG(list),
                                 i ? ", " : "", names[i]);
    saga_diagnostic_mend(finding, yaml->diagnostics->arena, "it knows %.*s", SAGA_SLICE_ARG(list));
}

bool saga_yaml_check_mapping(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                             const char *const *names, size_t count)
{
    void *iterator = NULL;
    if (!node) return false;
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG102", "%s must be a mapping of fields",
                       what);
        return false;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || saga_slice_is(scalar(fy_node_pair_key(pair)), names[i]);
        if (!known) find_unknown(yaml, fy_node_pair_key(pair), what, names, count);
    }
    return true;
}

struct fy_node *saga_yaml_need(struct saga_yaml *yaml, struct fy_node *mapping, const char *name,
                               const char *what)
{
    struct fy_node *node = saga_yaml_get(mapping, name);
    if (!node)
        saga_yaml_find(yaml, mapping, SAGA_SEVERITY_ERROR, "SG103", "%s lacks the field `%s`", what,
                       name);
    return node;
}

/* ---- scalars ---- */

bool saga_yaml_text(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                    struct saga_slice *ret)
{
    if (!node) return false;
    if (!fy_node_is_scalar(node) || scalar(node).size == 0) {
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG102", "%s must be a text", what);
        return false;
    }
    *ret = scalar(node);
    return true;
}

bool saga_yaml_whole(struct saga_yaml *yaml, struct fy_node *node, const char *what, uint32_t min,
                     uint32_t max, uint32_t *ret)
{
    unsigned long long value;
    if (!node) return false;
    if (!fy_node_is_scalar(node) || saga_slice_to_u64(scalar(node), &value) < 0 || value < min ||
        value > max) {
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG102",
                       "%s must be a whole number from %u to %u", what, min, max);
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

bool saga_yaml_number(struct saga_yaml *yaml, struct fy_node *node, const char *what, double *ret)
{
    char digits[32], *end;
    struct saga_slice text;
    if (!node) return false;
    text = fy_node_is_scalar(node) ? scalar(node) : SAGA_SLICE("");
    bool plain = text.size > 0 && text.size < sizeof digits;
    for (size_t i = 0; i < text.size && plain; i++)
        plain = (text.data[i] >= '0' && text.data[i] <= '9') || text.data[i] == '.';
    if (plain) {
        memcpy(digits, text.data, text.size);
        digits[text.size] = '\0';
        *ret = strtod(digits, &end);
        plain = *end == '\0';
    }
    if (!plain)
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG102", "%s must be a number", what);
    return plain;
}

bool saga_yaml_bool(struct saga_yaml *yaml, struct fy_node *node, const char *what, bool *ret)
{
    if (!node) return false;
    bool yes = fy_node_is_scalar(node) && saga_slice_is(scalar(node), "true");
    bool no = fy_node_is_scalar(node) && saga_slice_is(scalar(node), "false");
    if (!yes && !no)
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG102", "%s must be true or false", what);
    if (yes || no) *ret = yes;
    return yes || no;
}

bool saga_yaml_duration(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                        int64_t *ret_ms)
{
    int64_t ms;
    if (!node) return false;
    if (!fy_node_is_scalar(node) || saga_duration_parse(scalar(node), &ms) < 0 || ms == 0) {
        saga_yaml_find(yaml, node, SAGA_SEVERITY_ERROR, "SG102", "%s must be a duration", what)
            ->mend = SAGA_SLICE("write it as 200ms, 10s, 5m, 2h or 7d");
        return false;
    }
    *ret_ms = ms;
    return true;
}
