/* What definitions are written in: names, types, topics, expressions, `send`, `retry`. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "definition/load_internal.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_among(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c);
}

static bool is_made_of(struct saga_slice text, const char *first, const char *others)
{
    if (text.size == 0 || text.size > SAGA_NAME_BYTES_MAX || !is_among(text.data[0], first))
        return false;
    for (size_t i = 1; i < text.size; i++)
        if (!is_among(text.data[i], others)) return false;
    return true;
}

static bool is_type(struct saga_slice text)
{
    return is_made_of(text, LOWER UPPER, LOWER UPPER DIGITS "._-");
}

/* As Kafka has it (org.apache.kafka.common.internals.Topic). */
static bool is_topic(struct saga_slice text)
{
    return is_made_of(text, LOWER UPPER DIGITS "._-", LOWER UPPER DIGITS "._-") &&
           !saga_slice_is(text, ".") && !saga_slice_is(text, "..");
}

static bool take_word(struct saga_loading *l, struct fy_node *node, const char *what, bool good,
                      const char *mend, struct saga_slice text, struct saga_slice *ret)
{
    if (!good) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_NO_NAME, "\"%.*s\" cannot be the name of %s",
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
    struct saga_slice text;
    return saga_yaml_text(&l->yaml, node, what, &text) &&
           take_word(l, node, what, is_made_of(text, LOWER DIGITS, LOWER DIGITS "-"),
                     "use lower-case letters, digits and hyphens, as in reserve-stock", text, ret);
}

bool saga_load_type(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret)
{
    struct saga_slice text;
    return saga_yaml_text(&l->yaml, node, what, &text) &&
           take_word(l, node, what, is_type(text),
                     "begin with a letter, go on with letters, digits, dots, hyphens and "
                     "underscores, as in ReserveStock",
                     text, ret);
}

bool saga_load_topic(struct saga_loading *l, struct fy_node *node, struct saga_slice *ret)
{
    struct saga_slice text;
    return saga_yaml_text(&l->yaml, node, "a topic", &text) &&
           take_word(l, node, "a topic", is_topic(text),
                     "Kafka takes letters, digits, dots, hyphens and underscores, at most 249",
                     text, ret);
}

static bool is_empty_list(struct fy_node *node)
{
    return node && fy_node_is_sequence(node) && fy_node_sequence_item_count(node) == 0;
}

/* May a list of types stand here? */
static bool check_count(struct saga_loading *l, struct fy_node *node, const char *what)
{
    if (is_empty_list(node))
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "%s names no reply type", what)->mend =
            SAGA_SLICE("name the types of the answers, as in [CardDeclined, CardExpired], or take "
                       "the field out where none is needed");
    else if (fy_node_sequence_item_count(node) > SAGA_TYPES_MAX)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "more than %d reply types",
                       SAGA_TYPES_MAX);
    else
        return true;
    return false;
}

void saga_load_types(struct saga_loading *l, struct fy_node *node, const char *what,
                     struct saga_names *ret)
{
    struct saga_slice *items = NULL, type;
    size_t count = 0, capacity = 0;
    void *iterator = NULL;
    if (!node) return;
    if (!fy_node_is_sequence(node)) {
        if (!saga_load_type(l, node, "a reply type", &type)) return;
        SAGA_PUSH(saga_loading_arena(l), items, count, capacity, type);
        *ret = (struct saga_names){ items, count };
        return;
    }
    if (!check_count(l, node, what)) return;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
        if (!saga_load_type(l, item, "a reply type", &type)) continue;
        if (saga_names_contain(&(struct saga_names){ items, count }, type))
            saga_yaml_find(&l->yaml, item, SAGA_FINDING_WRONG_VALUE, "%s names `%.*s` twice", what,
                           SAGA_SLICE_ARG(type))
                ->mend = SAGA_SLICE("take it out, or write the type that is meant");
        else
            SAGA_PUSH(saga_loading_arena(l), items, count, capacity, type);
    }
    *ret = (struct saga_names){ items, count };
}

/* ---- expressions ---- */

/* Where in the source the compiler's line and column (in bytes, from 1) are. */
static size_t offset_of(struct saga_slice source, unsigned line, unsigned column)
{
    size_t offset = 0;
    while (line > 1 && offset < source.size) line -= source.data[offset++] == '\n';
    offset += column > 0 ? column - 1 : 0;
    return offset < source.size ? offset : source.size;
}

struct saga_expression *saga_load_expression(struct saga_loading *l, struct fy_node *node,
                                             const char *what)
{
    struct saga_definition *definition = l->definition;
    struct saga_diagnostic inner = { 0 };
    struct saga_expression *expression;
    struct saga_slice source;
    if (node && !fy_node_is_scalar(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "%s must be a jq expression, a text", what)
            ->mend = SAGA_SLICE("put it in quotes, as in body: '{orderId: .input.orderId}'");
        return NULL;
    }
    if (!saga_yaml_source(&l->yaml, node, what, &source)) return NULL;
    if (saga_expression_compile(source, l->yaml.diagnostics->arena, &inner, &expression) < 0) {
        struct saga_diagnostic *finding = saga_yaml_find(
            &l->yaml, node, SAGA_FINDING_EXPRESSION, "%s: %.*s", what, SAGA_SLICE_ARG(inner.what));
        struct saga_slice mend =
            inner.mend.size ? inner.mend
                            : saga_expression_mend(source, inner.what, l->yaml.diagnostics->arena);
        if (mend.size) finding->mend = mend;
        if (inner.line > 0)
            saga_yaml_move_inside(&l->yaml, finding, node,
                                  offset_of(source, inner.line, inner.column), inner.width);
        return NULL;
    }
    SAGA_PUSH(&definition->arena, definition->expressions, definition->expression_count,
              definition->expression_capacity, expression);
    return expression;
}

/* ---- sending, retrying ---- */

/* The participants by name, for "did you mean". */
static const char *nearest_participant(struct saga_loading *l, struct saga_slice typed)
{
    const struct saga_definition *d = l->definition;
    struct saga_arena *arena = l->yaml.diagnostics->arena;
    const char **names = SAGA_NEW_ARRAY(arena, const char *, d->participant_count);
    for (size_t i = 0; i < d->participant_count; i++)
        names[i] = saga_arena_string(arena, d->participants[i].name);
    return saga_nearest(typed, names, d->participant_count);
}

static const struct saga_participant *find_participant(struct saga_loading *l, struct fy_node *node,
                                                       struct saga_slice name)
{
    const struct saga_definition *d = l->definition;
    for (size_t i = 0; i < d->participant_count; i++)
        if (saga_slice_equal(d->participants[i].name, name)) return &d->participants[i];
    if (l->partial_participants) return NULL;
    struct saga_diagnostic *finding =
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_NO_PARTICIPANT,
                       "there is no participant `%.*s`", SAGA_SLICE_ARG(saga_slice_clip(name, 60)));
    const char *near = l->yaml.diagnostics->cut ? NULL : nearest_participant(l, name);
    if (near)
        saga_diagnostic_mend(finding, l->yaml.diagnostics->arena,
                             "did you mean `%s`? If not, name it under `participants`", near);
    return NULL;
}

static bool split(struct saga_slice text, struct saga_slice *ret_left, struct saga_slice *ret_right)
{
    const char *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
    if (!slash) return false;
    *ret_left = (struct saga_slice){ text.data, (size_t)(slash - text.data) };
    *ret_right = saga_slice_skip(text, ret_left->size + 1);
    return true;
}

bool saga_load_send(struct saga_loading *l, struct fy_node *node, struct saga_command *ret)
{
    struct saga_slice text, name, type;
    if (!saga_yaml_text(&l->yaml, node, "`send`", &text)) return false;
    if (!split(text, &name, &type) || name.size == 0 || !is_type(type)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`send` must be participant/Command")
            ->mend = SAGA_SLICE("as in inventory/ReserveStock");
        return false;
    }
    ret->participant = find_participant(l, node, name);
    ret->type = saga_arena_copy(saga_loading_arena(l), type);
    return ret->participant != NULL;
}

bool saga_load_event(struct saga_loading *l, struct fy_node *node, struct saga_slice *ret_topic,
                     struct saga_slice *ret_event)
{
    struct saga_slice text, topic, event;
    if (!saga_yaml_text(&l->yaml, node, "`publish`", &text)) return false;
    if (!split(text, &topic, &event) || !is_topic(topic) || !is_type(event)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "`publish` must be topic/Event")
            ->mend = SAGA_SLICE("as in shop.order-events/OrderFulfilled");
        return false;
    }
    *ret_topic = saga_arena_copy(saga_loading_arena(l), topic);
    *ret_event = saga_arena_copy(saga_loading_arena(l), event);
    return true;
}

void saga_load_from(struct saga_loading *l, struct fy_node *node, enum saga_begin *ret)
{
    struct saga_slice from;
    if (!saga_yaml_text(&l->yaml, node, "`from`", &from)) return;
    *ret = saga_slice_is(from, "earliest") ? SAGA_BEGIN_EARLIEST : SAGA_BEGIN_LATEST;
    if (*ret == SAGA_BEGIN_LATEST && !saga_slice_is(from, "latest"))
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`from` must be latest or earliest")
            ->mend = SAGA_SLICE("latest takes what comes from now on, earliest all that is there");
}

void saga_load_retry(struct saga_loading *l, struct fy_node *node, struct saga_retry *ret,
                     bool *ret_attempts)
{
    static const char *const names[] = { "attempts", "backoff", "factor", "max", "jitter", "on" };
    struct saga_yaml *yaml = &l->yaml;
    *ret_attempts = false;
    if (!saga_yaml_check_mapping(yaml, node, "`retry`", names, SAGA_COUNT_OF(names))) return;
    *ret_attempts = saga_yaml_whole(yaml, saga_yaml_get(node, "attempts"), "`attempts`", 1, 1000000,
                                    &ret->attempts);
    saga_yaml_duration(yaml, saga_yaml_get(node, "backoff"), "`backoff`", &ret->backoff_ms);
    saga_yaml_number(yaml, saga_yaml_get(node, "factor"), "`factor`", 1, 1000, &ret->factor);
    saga_yaml_duration(yaml, saga_yaml_get(node, "max"), "`max`", &ret->max_ms);
    saga_yaml_bool(yaml, saga_yaml_get(node, "jitter"), "`jitter`", &ret->jitter);
    if (is_empty_list(saga_yaml_get(node, "on"))) /* no answer is tried again */
        ret->on = (struct saga_names){ NULL, 0 };
    else
        saga_load_types(l, saga_yaml_get(node, "on"), "`on`", &ret->on);
    if (ret->backoff_ms <= ret->max_ms) return;
    struct fy_node *place = saga_yaml_get(node, "backoff");
    saga_yaml_find(yaml, place ? place : saga_yaml_get(node, "max"), SAGA_FINDING_WRONG_VALUE,
                   "`backoff`, the first wait, is longer than `max`, the longest")
        ->mend = SAGA_SLICE("give a `max` of at least `backoff`");
}
