#include "definition/yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/time.h"

static const char LIBFYAML[] = "reading YAML, in libfyaml";

/* ---- opening ---- */

/* libfyaml does not say that what is wrong with a line, or with the one before or behind it, is a tab that indents it. */
static void find_tab(struct saga_yaml *yaml, struct saga_diagnostic *finding, size_t line)
{
    for (size_t i = line > 0 ? line - 1 : 0; i <= line + 1 && i < yaml->line_count; i++) {
        size_t offset = yaml->line_starts[i];
        while (offset < yaml->text.size && yaml->text.data[offset] == ' ') offset++;
        if (offset == yaml->text.size || yaml->text.data[offset] != '\t') continue;
        saga_yaml_move(yaml, finding, offset, 1);
        if (!yaml->diagnostics->cut)
            finding->what =
                saga_arena_printf(yaml->diagnostics->arena, "a tab indents this line (%.*s)",
                                  SAGA_SLICE_ARG(finding->what));
        finding->mend = SAGA_SLICE("indent it with spaces: YAML takes no tabs there");
        return;
    }
}

static void take_errors(struct saga_yaml *yaml)
{
    void *iterator = NULL;
    size_t errors = yaml->diagnostics->errors;
    struct fy_diag_error *error = yaml->diag ? fy_diag_errors_iterate(yaml->diag, &iterator) : NULL;
    for (; error; error = fy_diag_errors_iterate(yaml->diag, &iterator)) {
        const char *words = error->msg ? error->msg : "this is no YAML";
        bool deep = strncmp(words, "Max depth", strlen("Max depth")) == 0;
        struct saga_diagnostic *finding =
            saga_yaml_find(yaml, NULL, deep ? SAGA_FINDING_LIMIT : SAGA_FINDING_NO_YAML, "%s",
                           deep ? "nested too deeply" : words);
        size_t line = error->line > 0 ? (size_t)error->line - 1 : 0;
        if (error->line <= 0 || line >= yaml->line_count) continue;
        size_t offset = yaml->line_starts[line];
        for (int column = 1; column < error->column && offset < yaml->text.size; column++) {
            offset++; /* columns are characters */
            while (offset < yaml->text.size && (yaml->text.data[offset] & 0xc0) == 0x80) offset++;
        }
        saga_yaml_move(yaml, finding, offset, 1);
        if (!deep) find_tab(yaml, finding, line);
    }
    if (yaml->diagnostics->errors == errors)
        saga_yaml_find(yaml, NULL, SAGA_FINDING_NO_YAML, "this is no YAML");
}

static int refuse(struct saga_yaml *yaml, enum saga_finding kind, const char *what,
                  const char *mend)
{
    saga_yaml_find(yaml, NULL, kind, "%s", what)->mend = saga_slice_of(mend);
    return SAGA_E_INVALID;
}

static int refuse_byte(struct saga_yaml *yaml, struct saga_slice rest, size_t size)
{
    unsigned byte = (unsigned char)rest.data[size - 1];
    struct saga_diagnostic *finding =
        saga_yaml_find(yaml, NULL, SAGA_FINDING_NO_YAML,
                       byte < 0x80 || size > 1 ? "a control character (byte 0x%02x) is in the file"
                                               : "a byte that is no UTF-8 (0x%02x) is in the file",
                       byte);
    finding->mend = SAGA_SLICE("take it out; is it a text file in UTF-8?");
    saga_yaml_move(yaml, finding, (size_t)(rest.data - yaml->text.data), size);
    finding->source_line = SAGA_SLICE_NONE; /* a terminal might obey it */
    return SAGA_E_INVALID;
}

static int check_text(struct saga_yaml *yaml)
{
    struct saga_slice rest = yaml->text;
    if (rest.size > SAGA_DEFINITION_BYTES_MAX)
        return refuse(yaml, SAGA_FINDING_LIMIT,
                      "the file is larger than a definition may be (1 MiB)",
                      "split it into several sagas");
    if (rest.size == 0)
        return refuse(yaml, SAGA_FINDING_NO_YAML, "the file is empty", "begin with `saga: name`");
    /* libfyaml takes a byte that is no UTF-8 for the end of the file */
    while (rest.size) {
        size_t control = saga_yaml_control(rest), size = saga_utf8_sequence(rest.data, rest.size);
        if (control || size == 0) return refuse_byte(yaml, rest, control ? control : 1);
        rest = saga_slice_skip(rest, size);
    }
    return SAGA_OK;
}

static bool check_tree(struct saga_yaml *yaml, struct fy_node *node, int depth);

static bool check_key(struct saga_yaml *yaml, struct fy_node *mapping, struct fy_node_pair *pair)
{
    struct fy_node *key = fy_node_pair_key(pair);
    if (!key || !fy_node_is_scalar(key) || fy_node_is_alias(key)) {
        saga_yaml_find(yaml, key ? key : mapping, SAGA_FINDING_NO_YAML,
                       "the name of a field must be a plain word")
            ->mend = SAGA_SLICE("write it as `name: value`");
        return false;
    }
    struct fy_node *first = saga_yaml_key_before(mapping, pair);
    if (!first) return true;
    unsigned line, column;
    saga_yaml_position(yaml, first, &line, &column);
    saga_diagnostic_mend(
        saga_yaml_find(yaml, key, SAGA_FINDING_FIELD_TWICE, "`%.*s` is written twice",
                       SAGA_SLICE_ARG(saga_yaml_scalar(key))),
        yaml->diagnostics->arena, "take this one out, or the one on line %u", line);
    return true;
}

static bool check_mapping_tree(struct saga_yaml *yaml, struct fy_node *node, int depth)
{
    void *iterator = NULL;
    bool clean = true;
    if (fy_node_mapping_item_count(node) > SAGA_YAML_MEMBERS_MAX) {
        saga_yaml_find(yaml, node, SAGA_FINDING_LIMIT, "a mapping of more than %d fields",
                       SAGA_YAML_MEMBERS_MAX);
        return false;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        clean = check_key(yaml, node, pair) && clean;
        if (fy_node_pair_value(pair))
            clean = check_tree(yaml, fy_node_pair_value(pair), depth + 1) && clean;
        if (yaml->diagnostics->cut) return false;
    }
    return clean;
}

/* Aliases would make a file that is not what it looks like; a ring of them would never end. */
static bool check_tree(struct saga_yaml *yaml, struct fy_node *node, int depth)
{
    void *iterator = NULL;
    bool clean = true;
    if (depth > SAGA_YAML_DEPTH_MAX) {
        saga_yaml_find(yaml, node, SAGA_FINDING_LIMIT, "nested too deeply");
        return false;
    }
    if (fy_node_is_alias(node)) {
        saga_yaml_find(yaml, node, SAGA_FINDING_NO_YAML, "an alias (*name) cannot be used here")
            ->mend = SAGA_SLICE("write the value out");
        return false;
    }
    if (fy_node_is_mapping(node)) return check_mapping_tree(yaml, node, depth);
    if (!fy_node_is_sequence(node)) return true;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
        clean = check_tree(yaml, item, depth + 1) && clean;
        if (yaml->diagnostics->cut) return false;
    }
    return clean;
}

static int parse(struct saga_yaml *yaml)
{
    struct fy_diag_cfg diag_config;
    saga_memory_watch();
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    yaml->diag = fy_diag_create(&diag_config);
    if (!yaml->diag) saga_memory_exhausted(LIBFYAML);
    fy_diag_set_collect_errors(yaml->diag, true);
    /* libfyaml would stop at the first name that is there twice */
    struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = yaml->diag
    };
    yaml->parser = fy_parser_create(&config);
    if (yaml->parser && fy_parser_set_string(yaml->parser, yaml->text.data, yaml->text.size) == 0)
        yaml->document = fy_parse_load_document(yaml->parser);
    saga_memory_check(LIBFYAML);
    if (!yaml->document && yaml->parser && !fy_parser_get_stream_error(yaml->parser))
        return refuse(yaml, SAGA_FINDING_NO_YAML, "the file holds no definition",
                      "begin with `saga: name`");
    struct fy_document *second = yaml->document ? fy_parse_load_document(yaml->parser) : NULL;
    saga_memory_check(LIBFYAML);
    if (second) {
        struct fy_node *root = fy_document_root(second);
        saga_yaml_find(yaml, root, SAGA_FINDING_NO_YAML, "a second document in one file")->mend =
            SAGA_SLICE("put every saga into a file of its own");
        fy_parse_document_destroy(yaml->parser, second);
        return SAGA_E_INVALID;
    }
    if (yaml->document && !fy_parser_get_stream_error(yaml->parser)) return SAGA_OK;
    take_errors(yaml);
    return SAGA_E_INVALID;
}

int saga_yaml_open(struct saga_slice text, const char *file, struct saga_diagnostics *diagnostics,
                   struct saga_yaml *ret)
{
    *ret = (struct saga_yaml){ .text = text, .file = file, .diagnostics = diagnostics };
    saga_yaml_read_lines(ret);
    if (check_text(ret) < 0 || parse(ret) < 0) return SAGA_E_INVALID;
    ret->root = fy_document_root(ret->document);
    if (!ret->root || !fy_node_is_mapping(ret->root)) {
        saga_yaml_find(ret, ret->root, SAGA_FINDING_NO_YAML, "a definition is a mapping of fields")
            ->mend = SAGA_SLICE("begin with `saga: name`");
        return SAGA_E_INVALID;
    }
    return check_tree(ret, ret->root, 0) ? SAGA_OK : SAGA_E_INVALID;
}

void saga_yaml_close(struct saga_yaml *yaml)
{
    if (yaml->document) fy_parse_document_destroy(yaml->parser, yaml->document);
    if (yaml->parser) fy_parser_destroy(yaml->parser);
    if (yaml->diag) fy_diag_destroy(yaml->diag);
    free(yaml->line_starts);
}

/* ---- what a value looks like ---- */

/* By what findings call it. */
static const struct {
    const char *what, *mend;
} examples[] = {
    { "a reply type", "as in success: StockReserved, or failure: [CardDeclined, CardExpired]" },
    { "`send`", "as in send: inventory/ReserveStock" },
    { "`publish`", "as in publish: shop.order-events/OrderFulfilled" },
    { "a topic", "as in topic: shop.orders" },
    { "an event", "as in event: OrderPlaced" },
    { "an error", "as in fail: {type: TooLate, message: the shop is closed}" },
    { "`fail`", "as in fail: {type: TooLate, message: the shop is closed}" },
    { "a saga", "as in saga: order-fulfilment" },
    { "a step", "as in - step: reserve-stock, with `send:` and `success:`" },
    { "a participant", "as in inventory: {commands: inventory.commands, replies: "
                       "inventory.replies}" },
    { "`start`", "as in start: {topic: shop.orders, event: OrderPlaced, key: .orderId}" },
    { "a branch of `choose`", "as in - when: .input.total > 100, with `steps:`" },
    { "`for-each`", "as in for-each: {item: line, in: .input.lines}, with `steps:`" },
    { "`repeat`", "as in repeat: {until: .steps.ask.ready, at-most: 20}, with `steps:`" },
    { "`retry`", "as in retry: {attempts: 3, backoff: 1s, max: 30s}" },
    { "`defaults`", "as in defaults: {timeout: 30s, retry: {attempts: 3}}" },
    { "`summary`", "as in summary: Take an order from placement to shipment." },
    { "`cron`", "as in cron: \"0 6 * * 1-5\"" },
    { "`zone`", "as in zone: Europe/Berlin" },
    { "`body`", "put it in quotes, as in body: '{orderId: .input.orderId}'" },
    { "`key`", "as in key: .orderId" },
};

static void mend_by_example(struct saga_diagnostic *finding, const char *what)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        if (strcmp(examples[i].what, what) == 0) finding->mend = saga_slice_of(examples[i].mend);
}

/* ---- members ---- */

struct saga_slice saga_yaml_scalar(struct fy_node *node)
{
    size_t size = 0;
    saga_memory_watch();
    const char *text = node && fy_node_is_scalar(node) ? fy_node_get_scalar(node, &size) : NULL;
    saga_memory_check(LIBFYAML); /* it gives "" then */
    return (struct saga_slice){ text ? text : "", text ? size : 0 };
}

static struct fy_node_pair *pair_of(struct fy_node *mapping, const char *name)
{
    void *iterator = NULL;
    struct fy_node_pair *pair = NULL;
    if (!mapping || !fy_node_is_mapping(mapping)) return NULL;
    while ((pair = fy_node_mapping_iterate(mapping, &iterator)))
        if (saga_slice_is(saga_yaml_scalar(fy_node_pair_key(pair)), name)) break;
    return pair;
}

struct fy_node *saga_yaml_key_before(struct fy_node *mapping, struct fy_node_pair *pair)
{
    void *iterator = NULL;
    struct saga_slice name = saga_yaml_scalar(fy_node_pair_key(pair));
    for (struct fy_node_pair *other;
         (other = fy_node_mapping_iterate(mapping, &iterator)) && other != pair;) {
        struct fy_node *key = fy_node_pair_key(other);
        bool scalar = key && fy_node_is_scalar(key);
        if (scalar && saga_slice_equal(saga_yaml_scalar(key), name)) return key;
    }
    return NULL;
}

struct fy_node *saga_yaml_get(struct fy_node *mapping, const char *name)
{
    struct fy_node_pair *pair = pair_of(mapping, name);
    return pair ? fy_node_pair_value(pair) : NULL;
}

struct fy_node *saga_yaml_key(struct fy_node *mapping, const char *name)
{
    struct fy_node_pair *pair = pair_of(mapping, name);
    return pair ? fy_node_pair_key(pair) : NULL;
}

static void find_unknown(struct saga_yaml *yaml, struct fy_node *key, const char *what,
                         const char *const *names, size_t count)
{
    struct saga_slice typed = saga_yaml_scalar(key);
    const char *near = saga_nearest(typed, names, count);
    struct saga_diagnostic *finding =
        saga_yaml_find(yaml, key, SAGA_FINDING_UNKNOWN_FIELD, "%s has no field `%.*s`", what,
                       SAGA_SLICE_ARG(saga_slice_clip(typed, 60)));
    if (near) {
        saga_diagnostic_mend(finding, yaml->diagnostics->arena, "did you mean `%s`?", near);
        return;
    }
    struct saga_slice list = SAGA_SLICE("");
    for (size_t i = 0; i < count && !yaml->diagnostics->cut; i++)
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
        mend_by_example(saga_yaml_find(yaml, node, SAGA_FINDING_WRONG_VALUE,
                                       "%s must be a mapping of fields", what),
                        what);
        return false;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || saga_slice_is(saga_yaml_scalar(fy_node_pair_key(pair)), names[i]);
        if (!known) find_unknown(yaml, fy_node_pair_key(pair), what, names, count);
    }
    return true;
}

/* ---- values ---- */

static struct saga_diagnostic *find_wrong(struct saga_yaml *yaml, struct fy_node *node,
                                          const char *what, const char *must_be)
{
    struct saga_diagnostic *finding =
        saga_yaml_find(yaml, node, SAGA_FINDING_WRONG_VALUE, "%s must be %s", what, must_be);
    mend_by_example(finding, what);
    return finding;
}

/* Numbers and truth values have no quotes: with them they are texts, as any reader of YAML says. */
static bool is_plain(struct fy_node *node)
{
    return saga_yaml_kind_of(node) == SAGA_YAML_PLAIN;
}

static void mend_number(struct saga_yaml *yaml, struct saga_diagnostic *finding, const char *what,
                        double min)
{
    struct saga_slice name = saga_slice_of(what);
    if (name.size > 2 && name.data[0] == '`')
        name = (struct saga_slice){ name.data + 1, name.size - 2 };
    saga_diagnostic_mend(finding, yaml->diagnostics->arena,
                         "write digits without quotes, as in %.*s: %g", SAGA_SLICE_ARG(name), min);
}

static bool is_one_of(struct saga_slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (saga_slice_is(text, words[i])) return true;
    return false;
}

/* A number as in YAML's core schema (1.2, 10.3.2): what JSON has, and octal, hexadecimal, infinity. */
static bool is_number(struct saga_slice text)
{
    static const char *const others[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN" };
    char copy[64], *end = copy;
    bool sign = text.size && (text.data[0] == '-' || text.data[0] == '+');
    struct saga_slice digits = saga_slice_skip(text, sign);
    if (digits.size == 0 || digits.size >= sizeof copy) return false;
    if (is_one_of(digits, others, sizeof others / sizeof others[0])) return true;
    memcpy(copy, digits.data, digits.size);
    copy[digits.size] = '\0';
    if (strncmp(copy, "0o", 2) == 0) return strspn(copy + 2, "01234567") == digits.size - 2;
    if (strncmp(copy, "0x", 2) == 0)
        return strspn(copy + 2, "0123456789abcdefABCDEF") == digits.size - 2;
    if (strspn(copy, "0123456789.eE+-") != digits.size) return false;
    (void)strtod(copy, &end);
    return *end == '\0' && end != copy;
}

enum saga_yaml_kind saga_yaml_kind_of(struct fy_node *node)
{
    static const char *const nulls[] = { "null", "Null", "NULL", "~" }, *const truths[] = {
        "true", "True", "TRUE", "false", "False", "FALSE"
    };
    struct saga_slice text = saga_yaml_scalar(node);
    if (!node || !fy_node_is_scalar(node)) return SAGA_YAML_OTHER;
    if (fy_node_get_style(node) != FYNS_PLAIN) return SAGA_YAML_TEXT;
    if (text.size == 0 || is_one_of(text, nulls, sizeof nulls / sizeof nulls[0]))
        return SAGA_YAML_NULL;
    bool plain = is_one_of(text, truths, sizeof truths / sizeof truths[0]) || is_number(text);
    return plain ? SAGA_YAML_PLAIN : SAGA_YAML_TEXT;
}

bool saga_yaml_text(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                    struct saga_slice *ret)
{
    if (!node) return false;
    struct saga_slice text = saga_yaml_scalar(node);
    if (text.size == 0) {
        find_wrong(yaml, node, what, "a text");
        return false;
    }
    if (saga_yaml_kind_of(node) != SAGA_YAML_TEXT) {
        find_wrong(yaml, node, what, "a text")->mend =
            SAGA_SLICE("YAML takes it for a number, a truth value or null: put it in quotes");
        return false;
    }
    *ret = text;
    return true;
}

bool saga_yaml_source(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                      struct saga_slice *ret)
{
    if (!node) return false;
    if (saga_yaml_kind_of(node) != SAGA_YAML_PLAIN) return saga_yaml_text(yaml, node, what, ret);
    *ret = saga_yaml_scalar(node);
    return true;
}

bool saga_yaml_whole(struct saga_yaml *yaml, struct fy_node *node, const char *what, uint32_t min,
                     uint32_t max, uint32_t *ret)
{
    unsigned long long value;
    if (!node) return false;
    if (!is_plain(node) || saga_slice_to_u64(saga_yaml_scalar(node), &value) < 0 || value < min ||
        value > max) {
        mend_number(yaml,
                    saga_yaml_find(yaml, node, SAGA_FINDING_WRONG_VALUE,
                                   "%s must be a whole number from %u to %u", what, min, max),
                    what, min);
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

bool saga_yaml_number(struct saga_yaml *yaml, struct fy_node *node, const char *what, double min,
                      double max, double *ret)
{
    char digits[32] = "", *end = digits;
    struct saga_slice text = saga_yaml_scalar(node);
    if (!node) return false;
    bool plain = is_plain(node) && text.size < sizeof digits;
    for (size_t i = 0; i < text.size && plain; i++)
        plain = (text.data[i] >= '0' && text.data[i] <= '9') || text.data[i] == '.';
    if (plain) memcpy(digits, text.data, text.size);
    double value = strtod(digits, &end);
    if (!plain || end == digits || *end != '\0' || value < min || value > max) {
        mend_number(yaml,
                    saga_yaml_find(yaml, node, SAGA_FINDING_WRONG_VALUE,
                                   "%s must be a number from %g to %g", what, min, max),
                    what, min);
        return false;
    }
    *ret = value;
    return true;
}

bool saga_yaml_bool(struct saga_yaml *yaml, struct fy_node *node, const char *what, bool *ret)
{
    if (!node) return false;
    bool yes = saga_slice_is(saga_yaml_scalar(node), "true");
    if (!is_plain(node) || (!yes && !saga_slice_is(saga_yaml_scalar(node), "false"))) {
        find_wrong(yaml, node, what, "true or false")->mend =
            SAGA_SLICE("write true or false, without quotes");
        return false;
    }
    *ret = yes;
    return true;
}

bool saga_yaml_duration(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                        int64_t *ret_ms)
{
    int64_t ms;
    if (!node) return false;
    if (saga_duration_parse(saga_yaml_scalar(node), &ms) < 0 || ms == 0) {
        find_wrong(yaml, node, what, "a duration of at least 1ms")->mend =
            SAGA_SLICE("write it as 200ms, 10s, 5m, 2h or 7d");
        return false;
    }
    *ret_ms = ms;
    return true;
}
