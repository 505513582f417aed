/* Where things stand in a YAML text, and what is said of them. Places are counted in the text
 * itself: columns in characters, whatever a line ends with. */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "definition/yaml.h"

enum { SHOWN_BYTES_MAX = 200 }; /* of a line, in a finding */

void saga_yaml_read_lines(struct saga_yaml *yaml)
{
    size_t capacity = 256;
    yaml->line_starts = saga_memory_take(capacity * sizeof *yaml->line_starts);
    yaml->line_starts[0] = 0;
    yaml->line_count = 1;
    for (size_t i = 0; i < yaml->text.size; i++) {
        char c = yaml->text.data[i];
        bool crlf = c == '\r' && i + 1 < yaml->text.size && yaml->text.data[i + 1] == '\n';
        if ((c != '\n' && c != '\r') || crlf) continue;
        if (yaml->line_count == capacity) {
            capacity *= 2;
            yaml->line_starts =
                saga_memory_grow(yaml->line_starts, capacity * sizeof *yaml->line_starts);
        }
        yaml->line_starts[yaml->line_count++] = (uint32_t)(i + 1);
    }
}

static size_t line_of(const struct saga_yaml *yaml, size_t offset)
{
    size_t low = 0, high = yaml->line_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (yaml->line_starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A line, from 0, without its end. */
static struct saga_slice line_text(const struct saga_yaml *yaml, size_t line)
{
    size_t from = yaml->line_starts[line];
    size_t to = line + 1 < yaml->line_count ? yaml->line_starts[line + 1] : yaml->text.size;
    while (to > from && strchr("\r\n", yaml->text.data[to - 1])) to--;
    return (struct saga_slice){ yaml->text.data + from, to - from };
}

static unsigned characters(struct saga_slice text)
{
    unsigned count = 0;
    while (text.size) {
        size_t bytes = saga_utf8_sequence(text.data, text.size);
        text = saga_slice_skip(text, bytes ? bytes : 1);
        count++;
    }
    return count;
}

void saga_yaml_move(const struct saga_yaml *yaml, struct saga_diagnostic *finding, size_t offset,
                    size_t size)
{
    if (offset > yaml->text.size) offset = yaml->text.size;
    size_t line = line_of(yaml, offset), in_line = offset - yaml->line_starts[line];
    struct saga_slice text = line_text(yaml, line);
    if (in_line > text.size) in_line = text.size;
    if (size > text.size - in_line) size = text.size - in_line;
    finding->line = (unsigned)line + 1;
    finding->column = characters((struct saga_slice){ text.data, in_line }) + 1;
    finding->source_line = SAGA_SLICE_NONE;
    if (in_line < SHOWN_BYTES_MAX) { /* else the caret would stand beside what is shown */
        finding->source_line =
            saga_arena_copy(yaml->diagnostics->arena, saga_slice_clip(text, SHOWN_BYTES_MAX));
        if (size > SHOWN_BYTES_MAX - in_line) size = SHOWN_BYTES_MAX - in_line;
    }
    finding->width = characters((struct saga_slice){ text.data + in_line, size });
    if (finding->width == 0) finding->width = 1;
}

/* ---- nodes ---- */

/* The bytes of a scalar's value as they stand in the text, without quotes. */
static bool scalar_extent(const struct saga_yaml *yaml, struct fy_node *node, size_t *ret_from,
                          size_t *ret_to)
{
    struct fy_token *token = fy_node_get_scalar_token(node);
    const struct fy_mark *start = token ? fy_token_start_mark(token) : NULL;
    const struct fy_mark *end = token ? fy_token_end_mark(token) : NULL;
    if (!start || !end || end->input_pos < start->input_pos || end->input_pos > yaml->text.size)
        return false;
    *ret_from = start->input_pos;
    *ret_to = end->input_pos;
    return true;
}

/* A scalar as it is written, quotes and the asterisk of an alias with it; false where nothing is
 * written. */
static bool written_extent(const struct saga_yaml *yaml, struct fy_node *node, size_t *ret_from,
                           size_t *ret_to)
{
    size_t from, to;
    enum fy_node_style style = fy_node_get_style(node);
    bool quoted = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
    if (!scalar_extent(yaml, node, &from, &to) || (from == to && !quoted)) return false;
    if (from > 0 && (quoted || yaml->text.data[from - 1] == '*')) from--;
    if (quoted && to < yaml->text.size) to++;
    *ret_from = from;
    *ret_to = to;
    return true;
}

/* What stands for a node that leaves no trace (a missing value, an empty list): its name. */
static bool name_extent(const struct saga_yaml *yaml, struct fy_node *node, size_t *ret_from,
                        size_t *ret_to)
{
    for (struct fy_node *parent; (parent = fy_node_get_parent(node)); node = parent) {
        void *iterator = NULL;
        struct fy_node_pair *pair = NULL;
        if (!fy_node_is_mapping(parent)) continue;
        while ((pair = fy_node_mapping_iterate(parent, &iterator)))
            if (fy_node_pair_value(pair) == node) break;
        struct fy_node *key = pair ? fy_node_pair_key(pair) : NULL;
        if (key && fy_node_is_scalar(key) && written_extent(yaml, key, ret_from, ret_to))
            return true;
    }
    return false;
}

/* The first thing that is written of a node. */
static bool extent(const struct saga_yaml *yaml, struct fy_node *node, size_t *ret_from,
                   size_t *ret_to)
{
    struct fy_node *first = node;
    for (int depth = 0; first && depth <= SAGA_YAML_DEPTH_MAX; depth++) {
        void *iterator = NULL;
        if (fy_node_is_scalar(first)) {
            if (written_extent(yaml, first, ret_from, ret_to)) return true;
            break;
        }
        if (fy_node_is_sequence(first)) {
            first = fy_node_sequence_iterate(first, &iterator);
            continue;
        }
        struct fy_node_pair *pair = fy_node_mapping_iterate(first, &iterator);
        first = pair ? fy_node_pair_key(pair) : NULL;
    }
    return node && name_extent(yaml, node, ret_from, ret_to);
}

void saga_yaml_position(const struct saga_yaml *yaml, struct fy_node *node, unsigned *ret_line,
                        unsigned *ret_column)
{
    size_t from, to;
    *ret_line = *ret_column = 0;
    if (!extent(yaml, node, &from, &to)) return;
    size_t line = line_of(yaml, from), start = yaml->line_starts[line];
    *ret_line = (unsigned)line + 1;
    *ret_column = characters((struct saga_slice){ yaml->text.data + start, from - start }) + 1;
}

size_t saga_yaml_control(struct saga_slice text)
{
    unsigned char c = (unsigned char)text.data[0];
    if (c < 0x20 || c == 0x7f) return strchr("\t\r\n", c) && c ? 0 : 1;
    if (c != 0xc2 || text.size < 2) return 0;
    c = (unsigned char)text.data[1]; /* U+0080 to U+009F */
    return c >= 0x80 && c < 0xa0 ? 2 : 0;
}

/* A finding is one line on a terminal: what the file holds must not steer it. */
static struct saga_slice printable(struct saga_slice text, struct saga_arena *arena)
{
    char *copy = saga_arena_string(arena, text);
    for (size_t i = 0; i < text.size; i++) {
        size_t control = saga_yaml_control(saga_slice_skip(text, i));
        if (control || strchr("\t\r\n", text.data[i])) memset(copy + i, '?', control ? control : 1);
    }
    return (struct saga_slice){ copy, text.size };
}

struct saga_diagnostic *saga_yaml_find(struct saga_yaml *yaml, struct fy_node *node,
                                       enum saga_finding finding_kind, const char *format, ...)
{
    const struct saga_finding_kind *kind = &saga_finding_kinds[finding_kind];
    struct saga_diagnostics *all = yaml->diagnostics;
    struct saga_diagnostic *finding =
        saga_diagnostics_add(all, kind->severity, kind->code, "%s", kind->title);
    va_list arguments;
    size_t from, to;
    finding->file = yaml->file;
    finding->why = saga_slice_of(kind->why);
    finding->mend = saga_slice_of(kind->mend);
    if (all->cut) return finding; /* nobody sees it */
    va_start(arguments, format);
    struct saga_slice what = saga_arena_vprintf(all->arena, format, arguments);
    va_end(arguments);
    finding->what = printable(saga_slice_clip(what, SAGA_MESSAGE_BYTES_MAX), all->arena);
    if (extent(yaml, node, &from, &to)) saga_yaml_move(yaml, finding, from, to - from);
    return finding;
}

/* ---- inside a scalar ---- */

/* Line `wanted` of a literal block's value, in the text: there each line only gained its
 * indentation. */
static bool literal_offset(const struct saga_yaml *yaml, size_t from, struct saga_slice value,
                           size_t offset, size_t *ret)
{
    size_t line = line_of(yaml, from);
    size_t begin = offset;
    while (begin > 0 && value.data[begin - 1] != '\n') begin--;
    for (size_t i = 0; i < begin; i++) line += value.data[i] == '\n';
    if (line >= yaml->line_count) return false;
    const char *end = memchr(value.data + begin, '\n', value.size - begin);
    size_t size = (end ? (size_t)(end - value.data) : value.size) - begin;
    struct saga_slice shown = line_text(yaml, line);
    if (shown.size < size || memcmp(shown.data + shown.size - size, value.data + begin, size) != 0)
        return false;
    *ret = yaml->line_starts[line] + (shown.size - size) + (offset - begin);
    return true;
}

void saga_yaml_move_inside(const struct saga_yaml *yaml, struct saga_diagnostic *finding,
                           struct fy_node *node, size_t offset, size_t size)
{
    struct saga_slice value = saga_yaml_scalar(node);
    size_t from, to;
    if (yaml->diagnostics->cut || !node || !fy_node_is_scalar(node) || offset > value.size ||
        !scalar_extent(yaml, node, &from, &to))
        return;
    if (to - from >= value.size && memcmp(yaml->text.data + from, value.data, value.size) == 0)
        saga_yaml_move(yaml, finding, from + offset, size);
    else if (fy_node_get_style(node) == FYNS_LITERAL &&
             literal_offset(yaml, from, value, offset, &from))
        saga_yaml_move(yaml, finding, from, size);
}

/* ---- required fields ---- */

/* Of required fields whose name alone does not say what stands there. */
static const char *example_of(const char *name)
{
    static const struct {
        const char *name, *example;
    } fields[] = {
        { "version", "1" },
        { "start", "{topic: shop.orders, event: OrderPlaced, key: .orderId}" },
        { "topic", "bank.payments" },
        { "event", "PaymentReceived" },
        { "key", ".orderId, over the event's body" },
        { "send", "inventory/ReserveStock" },
        { "success", "StockReserved" },
        { "match", ".reference, over the event's body" },
        { "with", ".input.orderId, over the saga: the value that `match` must give" },
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0) return fields[i].example;
    return NULL;
}

struct fy_node *saga_yaml_need(struct saga_yaml *yaml, struct fy_node *mapping, const char *name,
                               const char *what)
{
    struct fy_node *node = saga_yaml_get(mapping, name);
    if (node) return node;
    const char *example = example_of(name);
    struct saga_diagnostic *finding =
        saga_yaml_find(yaml, mapping, SAGA_FINDING_LACKING, "%s lacks the field `%s`", what, name);
    if (example)
        saga_diagnostic_mend(finding, yaml->diagnostics->arena, "add `%s:`, as in %s: %s", name,
                             name, example);
    else
        saga_diagnostic_mend(finding, yaml->diagnostics->arena, "add `%s:`", name);
    return NULL;
}
