/* From YAML to a definition: the top level and what is used everywhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "definition/load_internal.h"

static const int64_t day_ms = 86400000;
static const struct saga_slice unavailable[] = { { "Unavailable", 11 } };
static const struct saga_retry retry_default = { .attempts = 3,
                                                 .backoff_ms = 1000,
                                                 .factor = 2,
                                                 .max_ms = 30000,
                                                 .jitter = true,
                                                 .on = { unavailable, 1 } };

struct saga_arena *saga_loading_arena(struct saga_loading *l)
{
    return &l->definition->arena;
}

/* ---- words ---- */

static bool is_made_of(struct saga_slice text, const char *first, const char *others)
{
    if (text.size == 0 || text.size > SAGA_NAME_BYTES_MAX || !strchr(first, text.data[0]))
        return false;
    for (size_t i = 1; i < text.size; i++)
        if (text.data[i] == '\0' || !strchr(others, text.data[i])) return false;
    return true;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool load_word(struct saga_loading *l, struct fy_node *node, const char *what,
                      const char *first, const char *others, const char *mend,
                      struct saga_slice *ret)
{
    struct saga_slice text;
    if (!saga_yaml_text(&l->yaml, node, what, &text)) return false;
    if (!is_made_of(text, first, others)) {
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG107", "\"%.*s\" is no name of a %s",
                       SAGA_SLICE_ARG(saga_slice_clip(text, 60)), what)
            ->mend = saga_slice_of(mend);
        return false;
    }
    *ret = saga_arena_copy(saga_loading_arena(l), text);
    return true;
}

bool saga_load_name(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret)
{
    return load_word(l, node, what, LOWER DIGITS, LOWER DIGITS "-",
                     "use lower-case letters, digits and hyphens, as in reserve-stock", ret);
}

bool saga_load_type(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret)
{
    return load_word(l, node, what, LOWER UPPER, LOWER UPPER DIGITS "._-",
                     "use letters, digits, dots, hyphens and underscores, as in ReserveStock", ret);
}

bool saga_load_topic(struct saga_loading *l, struct fy_node *node, const char *what,
                     struct saga_slice *ret)
{
    return load_word(l, node, what, LOWER UPPER DIGITS "_-", LOWER UPPER DIGITS "._-",
                     "Kafka takes letters, digits, dots, hyphens and underscores, at most 249",
                     ret);
}

bool saga_load_types(struct saga_loading *l, struct fy_node *node, const char *what,
                     struct saga_names *ret)
{
    struct saga_slice *items = NULL, type;
    size_t count = 0, capacity = 0;
    void *iterator = NULL;
    if (!node) return false;
    if (!fy_node_is_sequence(node)) {
        if (!saga_load_type(l, node, what, &type)) return false;
        SAGA_PUSH(saga_loading_arena(l), items, count, capacity, type);
    } else {
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
            if (!saga_load_type(l, item, what, &type)) return false;
            SAGA_PUSH(saga_loading_arena(l), items, count, capacity, type);
        }
    }
    *ret = (struct saga_names){ items, count };
    return true;
}

/* ---- expressions ---- */

struct saga_expression *saga_load_expression(struct saga_loading *l, struct fy_node *node,
                                             const char *what)
{
    struct saga_definition *definition = l->definition;
    struct saga_diagnostic inner = { 0 };
    struct saga_expression *expression;
    struct saga_slice source;
    if (!saga_yaml_text(&l->yaml, node, what, &source)) return NULL;
    if (saga_expression_compile(source, l->yaml.diagnostics->arena, &inner, &expression) < 0) {
        struct saga_diagnostic *finding =
            saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG201", "%s: %.*s", what,
                           SAGA_SLICE_ARG(inner.what));
        finding->mend = inner.mend;
        /* the place inside the expression, where it stands on one line as it is */
        size_t quote = finding->column <= finding->source_line.size && finding->column > 0 &&
                               strchr("'\"", finding->source_line.data[finding->column - 1])
                           ? 1
                           : 0;
        bool verbatim = inner.line == 1 &&
                        finding->column - 1 + quote + source.size <= finding->source_line.size &&
                        memcmp(finding->source_line.data + finding->column - 1 + quote, source.data,
                               source.size) == 0;
        if (verbatim) {
            finding->column += (unsigned)quote + inner.column - 1;
            finding->width = inner.width;
        }
        return NULL;
    }
    SAGA_PUSH(&definition->arena, definition->expressions, definition->expression_count,
              definition->expression_capacity, expression);
    return expression;
}

/* ---- participants, sending, retrying ---- */

static const struct saga_participant *find_participant(const struct saga_loading *l,
                                                       struct saga_slice name)
{
    for (size_t i = 0; i < l->definition->participant_count; i++)
        if (saga_slice_equal(l->definition->participants[i].name, name))
            return &l->definition->participants[i];
    return NULL;
}

static bool split(struct saga_slice text, struct saga_slice *ret_left, struct saga_slice *ret_right)
{
    const char *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
    if (!slash) return false;
    *ret_left = (struct saga_slice){ text.data, (size_t)(slash - text.data) };
    *ret_right = saga_slice_skip(text, ret_left->size + 1);
    return ret_left->size > 0 && ret_right->size > 0;
}

bool saga_load_send(struct saga_loading *l, struct fy_node *node, struct saga_command *ret)
{
    struct saga_slice text, name, type;
    if (!saga_yaml_text(&l->yaml, node, "`send`", &text)) return false;
    if (!split(text, &name, &type) || !is_made_of(type, LOWER UPPER, LOWER UPPER DIGITS "._-")) {
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG102",
                       "`send` must be participant/Command")
            ->mend = SAGA_SLICE("as in inventory/ReserveStock");
        return false;
    }
    ret->participant = find_participant(l, name);
    ret->type = saga_arena_copy(saga_loading_arena(l), type);
    if (ret->participant) return true;
    saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG105", "there is no participant `%.*s`",
                   SAGA_SLICE_ARG(name))
        ->mend = SAGA_SLICE("name it under `participants`, with its topics");
    return false;
}

void saga_load_retry(struct saga_loading *l, struct fy_node *node, struct saga_retry *ret,
                     bool *ret_attempts)
{
    static const char *const names[] = { "attempts", "backoff", "factor", "max", "jitter", "on" };
    *ret_attempts = false;
    if (!node || !saga_yaml_check_mapping(&l->yaml, node, "`retry`", names, SAGA_COUNT_OF(names)))
        return;
    *ret_attempts = saga_yaml_whole(&l->yaml, saga_yaml_get(node, "attempts"), "`attempts`", 1,
                                    1000000, &ret->attempts);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "backoff"), "`backoff`", &ret->backoff_ms);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "max"), "`max`", &ret->max_ms);
    saga_yaml_bool(&l->yaml, saga_yaml_get(node, "jitter"), "`jitter`", &ret->jitter);
    saga_load_types(l, saga_yaml_get(node, "on"), "reply", &ret->on);
    struct fy_node *factor = saga_yaml_get(node, "factor");
    if (saga_yaml_number(&l->yaml, factor, "`factor`", &ret->factor) &&
        (ret->factor < 1 || ret->factor > 1000)) {
        saga_yaml_find(&l->yaml, factor, SAGA_SEVERITY_ERROR, "SG102",
                       "`factor` must be from 1 to 1000");
        ret->factor = 1;
    }
}

static void load_participant(struct saga_loading *l, struct fy_node *key, struct fy_node *node,
                             struct saga_participant *ret)
{
    static const char *const names[] = { "commands", "replies", "format", "correlate", "type" };
    struct saga_slice format;
    saga_load_name(l, key, "participant", &ret->name);
    if (!saga_yaml_check_mapping(&l->yaml, node, "a participant", names, SAGA_COUNT_OF(names)))
        return;
    saga_load_topic(l, saga_yaml_need(&l->yaml, node, "commands", "a participant"), "topic",
                    &ret->commands);
    saga_load_topic(l, saga_yaml_need(&l->yaml, node, "replies", "a participant"), "topic",
                    &ret->replies);
    ret->correlate = saga_load_expression(l, saga_yaml_get(node, "correlate"), "`correlate`");
    ret->type = saga_load_expression(l, saga_yaml_get(node, "type"), "`type`");
    struct fy_node *format_node = saga_yaml_get(node, "format");
    if (!format_node || !saga_yaml_text(&l->yaml, format_node, "`format`", &format)) return;
    if (saga_slice_is(format, "json")) return;
    bool known = saga_slice_is(format, "avro") || saga_slice_is(format, "avro-single-object");
    saga_yaml_find(&l->yaml, format_node, SAGA_SEVERITY_ERROR, known ? "SG106" : "SG102",
                   known ? "format `%.*s` is not built yet" : "there is no format `%.*s`",
                   SAGA_SLICE_ARG(format))
        ->mend = SAGA_SLICE("use json");
}

static void load_participants(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    size_t capacity = 0;
    struct saga_participant *participants = NULL;
    if (!node) return;
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG102",
                       "`participants` must be a mapping of names");
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        struct saga_participant participant = { .format = SAGA_FORMAT_JSON };
        load_participant(l, fy_node_pair_key(pair), fy_node_pair_value(pair), &participant);
        SAGA_PUSH(saga_loading_arena(l), participants, l->definition->participant_count, capacity,
                  participant);
    }
    l->definition->participants = participants;
}

/* ---- start, search, publish ---- */

static void load_start(struct saga_loading *l, struct fy_node *node)
{
    static const char *const names[] = { "topic", "event", "key", "when", "type", "from" };
    struct saga_start *start = SAGA_NEW(saga_loading_arena(l), struct saga_start);
    struct saga_slice from = SAGA_SLICE("latest");
    if (!node) return;
    if (fy_node_is_sequence(node) || saga_yaml_get(node, "every") || saga_yaml_get(node, "cron")) {
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG106",
                       "several starts and schedules are not built yet")
            ->mend = SAGA_SLICE("give one start with topic, event and key");
        return;
    }
    if (!saga_yaml_check_mapping(&l->yaml, node, "`start`", names, SAGA_COUNT_OF(names))) return;
    saga_load_topic(l, saga_yaml_need(&l->yaml, node, "topic", "`start`"), "topic", &start->topic);
    saga_load_type(l, saga_yaml_need(&l->yaml, node, "event", "`start`"), "event", &start->event);
    start->key = saga_load_expression(l, saga_yaml_need(&l->yaml, node, "key", "`start`"), "`key`");
    start->when = saga_load_expression(l, saga_yaml_get(node, "when"), "`when`");
    start->type = saga_load_expression(l, saga_yaml_get(node, "type"), "`type`");
    struct fy_node *from_node = saga_yaml_get(node, "from");
    if (from_node && saga_yaml_text(&l->yaml, from_node, "`from`", &from) &&
        !saga_slice_is(from, "latest") && !saga_slice_is(from, "earliest"))
        saga_yaml_find(&l->yaml, from_node, SAGA_SEVERITY_ERROR, "SG102",
                       "`from` must be latest or earliest");
    start->from = saga_slice_is(from, "earliest") ? SAGA_BEGIN_EARLIEST : SAGA_BEGIN_LATEST;
    l->definition->starts = start;
    l->definition->start_count = 1;
}

static void load_search(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    size_t capacity = 0;
    struct saga_search *search = NULL;
    if (!node) return;
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG102",
                       "`search` must be a mapping of expressions");
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        struct saga_search item = { 0 };
        if (!saga_load_type(l, fy_node_pair_key(pair), "search attribute", &item.name)) continue;
        item.value = saga_load_expression(l, fy_node_pair_value(pair), "`search`");
        if (item.value)
            SAGA_PUSH(saga_loading_arena(l), search, l->definition->search_count, capacity, item);
    }
    l->definition->search = search;
}

static void load_publish(struct saga_loading *l, struct fy_node *node, const char *what,
                         struct saga_publish *ret)
{
    static const char *const names[] = { "publish", "body" };
    struct saga_slice text, topic, event;
    if (!node || !saga_yaml_check_mapping(&l->yaml, node, what, names, SAGA_COUNT_OF(names)))
        return;
    struct fy_node *publish = saga_yaml_need(&l->yaml, node, "publish", what);
    ret->body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    if (!publish || !saga_yaml_text(&l->yaml, publish, "`publish`", &text)) return;
    if (!split(text, &topic, &event) ||
        !is_made_of(topic, LOWER UPPER DIGITS "_-", LOWER UPPER DIGITS "._-") ||
        !is_made_of(event, LOWER UPPER, LOWER UPPER DIGITS "._-")) {
        saga_yaml_find(&l->yaml, publish, SAGA_SEVERITY_ERROR, "SG102",
                       "`publish` must be topic/Event")
            ->mend = SAGA_SLICE("as in shop.order-events/OrderFulfilled");
        return;
    }
    ret->present = true;
    ret->topic = saga_arena_copy(saga_loading_arena(l), topic);
    ret->event = saga_arena_copy(saga_loading_arena(l), event);
}

/* ---- the top level ---- */

static void load_defaults(struct saga_loading *l, struct fy_node *node)
{
    static const char *const names[] = { "timeout", "retry" };
    bool attempts;
    if (!node ||
        !saga_yaml_check_mapping(&l->yaml, node, "`defaults`", names, SAGA_COUNT_OF(names)))
        return;
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &l->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &l->retry, &attempts);
}

static void load_top(struct saga_loading *l)
{
    static const char *const names[] = { "saga",     "version",  "summary",      "participants",
                                         "start",    "deadline", "keep",         "search",
                                         "defaults", "steps",    "on-completed", "on-compensated" };
    struct saga_definition *d = l->definition;
    struct fy_node *root = l->yaml.root;
    struct saga_slice summary;
    saga_yaml_check_mapping(&l->yaml, root, "a definition", names, SAGA_COUNT_OF(names));
    saga_load_name(l, saga_yaml_need(&l->yaml, root, "saga", "a definition"), "saga", &d->name);
    saga_yaml_whole(&l->yaml, saga_yaml_need(&l->yaml, root, "version", "a definition"),
                    "`version`", 1, 1000000000, &d->version);
    if (saga_yaml_text(&l->yaml, saga_yaml_get(root, "summary"), "`summary`", &summary))
        d->summary = saga_arena_copy(&d->arena, summary);
    load_participants(l, saga_yaml_need(&l->yaml, root, "participants", "a definition"));
    load_start(l, saga_yaml_need(&l->yaml, root, "start", "a definition"));
    saga_yaml_duration(&l->yaml, saga_yaml_get(root, "deadline"), "`deadline`", &d->deadline_ms);
    saga_yaml_duration(&l->yaml, saga_yaml_get(root, "keep"), "`keep`", &d->keep_ms);
    load_search(l, saga_yaml_get(root, "search"));
    load_defaults(l, saga_yaml_get(root, "defaults"));
    saga_load_blocks(l, saga_yaml_need(&l->yaml, root, "steps", "a definition"), &d->root);
    d->blocks = (const struct saga_block *const *)l->blocks;
    d->block_count = l->block_count;
    load_publish(l, saga_yaml_get(root, "on-completed"), "`on-completed`", &d->on_completed);
    load_publish(l, saga_yaml_get(root, "on-compensated"), "`on-compensated`", &d->on_compensated);
}

int saga_definition_load(struct saga_slice text, const char *file,
                         struct saga_diagnostics *diagnostics, struct saga_definition **ret)
{
    struct saga_loading l = { .timeout_ms = 30000, .retry = retry_default };
    size_t errors = diagnostics->errors;
    l.definition = calloc(1, sizeof *l.definition);
    SAGA_ASSERT(l.definition);
    saga_arena_init(&l.definition->arena);
    l.definition->keep_ms = 7 * day_ms;
    l.definition->source = saga_arena_copy(&l.definition->arena, text.data ? text : SAGA_SLICE(""));
    saga_sha256_hex(text, l.definition->sha256);
    if (saga_yaml_open(l.definition->source, file, diagnostics, &l.yaml) == SAGA_OK) {
        load_top(&l);
        if (diagnostics->errors == errors) saga_check_definition(&l);
    }
    saga_yaml_close(&l.yaml);
    if (diagnostics->errors != errors) {
        saga_definition_free(l.definition);
        return SAGA_E_INVALID;
    }
    *ret = l.definition;
    return SAGA_OK;
}

int saga_definition_load_file(const char *path, struct saga_diagnostics *diagnostics,
                              struct saga_definition **ret)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(SAGA_DEFINITION_BYTES_MAX + 1);
    SAGA_ASSERT(bytes);
    errno = file ? 0 : errno;
    size_t size = file ? fread(bytes, 1, SAGA_DEFINITION_BYTES_MAX + 1, file) : 0;
    if (!file || ferror(file)) {
        struct saga_diagnostic *finding =
            saga_diagnostics_add(diagnostics, SAGA_SEVERITY_ERROR, "SG002",
                                 "the file cannot be read: %s", strerror(errno));
        finding->file = path;
        if (file) fclose(file);
        free(bytes);
        return SAGA_E_INVALID;
    }
    fclose(file);
    int error = saga_definition_load((struct saga_slice){ bytes, size }, path, diagnostics, ret);
    free(bytes);
    return error;
}
