/* From YAML to a definition: the top level. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
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

/* ---- participants ---- */

enum saga_body_format saga_load_format(struct saga_loading *l, struct fy_node *node)
{
    struct saga_slice name;
    if (!saga_yaml_text(&l->yaml, node, "`format`", &name)) return SAGA_FORMAT_JSON;
    enum saga_body_format format = saga_body_format_of(name);
    if (format != SAGA_FORMAT_COUNT) return format;
    saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "there is no format `%.*s`",
                   SAGA_SLICE_ARG(saga_slice_clip(name, 60)))
        ->mend = SAGA_SLICE("use json, the default, avro or avro-single-object");
    return SAGA_FORMAT_JSON;
}

static void load_participant(struct saga_loading *l, struct fy_node *key, struct fy_node *node,
                             struct saga_participant *ret)
{
    static const char *const names[] = { "commands", "replies", "format", "correlate", "type" };
    struct saga_yaml *yaml = &l->yaml;
    if (!saga_load_name(l, key, "a participant", &ret->name)) l->partial_participants = true;
    saga_yaml_position(yaml, key, &ret->position.line, &ret->position.column);
    if (!saga_yaml_check_mapping(yaml, node, "a participant", names, SAGA_COUNT_OF(names))) return;
    saga_load_topic(l, saga_yaml_need(yaml, node, "commands", "a participant"), &ret->commands);
    saga_load_topic(l, saga_yaml_need(yaml, node, "replies", "a participant"), &ret->replies);
    ret->correlate = saga_load_expression(l, saga_yaml_get(node, "correlate"), "`correlate`");
    ret->type = saga_load_expression(l, saga_yaml_get(node, "type"), "`type`");
    ret->format = saga_load_format(l, saga_yaml_get(node, "format"));
}

/* The coordinator reads every topic of replies: a command there would come back as a reply. */
static void check_topics(struct saga_loading *l, struct fy_node *participants)
{
    const struct saga_definition *d = l->definition;
    for (size_t i = 0; i < d->participant_count; i++) {
        const struct saga_participant *one = &d->participants[i];
        for (size_t j = 0; j < d->participant_count && one->commands.size; j++) {
            if (!saga_slice_equal(one->commands, d->participants[j].replies)) continue;
            char name[SAGA_NAME_BYTES_MAX + 1];
            snprintf(name, sizeof name, "%.*s", SAGA_SLICE_ARG(one->name));
            struct fy_node *node = saga_yaml_get(participants, name);
            saga_yaml_find(&l->yaml, node ? saga_yaml_get(node, "commands") : participants,
                           SAGA_FINDING_TOPIC_CLASH,
                           "topic `%.*s` holds commands of `%.*s` and replies of `%.*s`",
                           SAGA_SLICE_ARG(one->commands), SAGA_SLICE_ARG(one->name),
                           SAGA_SLICE_ARG(d->participants[j].name));
            break;
        }
    }
}

static void load_participants(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    size_t capacity = 0, count = 0;
    struct saga_participant *participants = NULL;
    if (!node) return;              /* a saga may do with events and children alone */
    l->partial_participants = true; /* until they are all there */
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`participants` must be a mapping of names")
            ->mend = SAGA_SLICE("as in inventory: {commands: inventory.commands, "
                                "replies: inventory.replies}");
        return;
    }
    if (fy_node_mapping_item_count(node) > SAGA_PARTICIPANTS_MAX) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "more than %d participants",
                       SAGA_PARTICIPANTS_MAX);
        return;
    }
    l->partial_participants = false;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        struct saga_participant participant = { .format = SAGA_FORMAT_JSON };
        load_participant(l, fy_node_pair_key(pair), fy_node_pair_value(pair), &participant);
        SAGA_PUSH(saga_loading_arena(l), participants, count, capacity, participant);
    }
    l->definition->participants = participants;
    l->definition->participant_count = count;
    check_topics(l, node);
}

/* ---- search, publish ---- */

static void load_search(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    size_t capacity = 0;
    struct saga_search *search = NULL;
    if (!node) return;
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`search` must be a mapping of expressions")
            ->mend = SAGA_SLICE("as in customer: .input.customerId");
        return;
    }
    if (fy_node_mapping_item_count(node) > SAGA_SEARCH_MAX) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "more than %d search attributes",
                       SAGA_SEARCH_MAX);
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        struct saga_search item = { 0 };
        if (!saga_load_type(l, fy_node_pair_key(pair), "a search attribute", &item.name)) continue;
        item.value = saga_load_expression(l, fy_node_pair_value(pair), "`search`");
        if (item.value)
            SAGA_PUSH(saga_loading_arena(l), search, l->definition->search_count, capacity, item);
    }
    l->definition->search = search;
}

void saga_load_publish(struct saga_loading *l, struct fy_node *node, const char *what,
                       struct saga_publish *ret)
{
    static const char *const names[] = { "publish", "body", "format" };
    if (!saga_yaml_check_mapping(&l->yaml, node, what, names, SAGA_COUNT_OF(names))) return;
    struct fy_node *publish = saga_yaml_need(&l->yaml, node, "publish", what);
    ret->body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    ret->format = saga_load_format(l, saga_yaml_get(node, "format"));
    ret->present = saga_load_event(l, publish, &ret->topic, &ret->event);
}

/* ---- the top level ---- */

static void load_defaults(struct saga_loading *l, struct fy_node *node)
{
    static const char *const names[] = { "timeout", "retry" };
    bool attempts;
    if (!saga_yaml_check_mapping(&l->yaml, node, "`defaults`", names, SAGA_COUNT_OF(names))) return;
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &l->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &l->retry, &attempts);
}

static void load_summary(struct saga_loading *l, struct fy_node *node)
{
    struct saga_slice summary;
    if (!saga_yaml_text(&l->yaml, node, "`summary`", &summary)) return;
    if (summary.size > SAGA_MESSAGE_BYTES_MAX)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "a summary of more than %d bytes",
                       SAGA_MESSAGE_BYTES_MAX)
            ->mend = SAGA_SLICE("one sentence will do; the rest may be a comment");
    l->definition->summary = saga_arena_copy(saga_loading_arena(l), summary);
}

/* Behind a pivot a saga only goes forward: what does not say how often is tried until it succeeds. */
static void find_flows(struct saga_loading *l)
{
    saga_flow_find(l->definition, l->yaml.diagnostics->arena, &l->flows);
    for (size_t i = 0; i < l->block_count; i++) {
        bool behind = l->flows.entries[i].reached && l->flows.entries[i].pivot_must;
        struct saga_block *block = l->blocks[i];
        if (block->kind == SAGA_BLOCK_CHILD) block->child.behind_pivot = behind;
        if (block->kind != SAGA_BLOCK_STEP) continue;
        block->step.behind_pivot = behind;
        if (behind && !block->step.attempts_given) block->step.retry.attempts = 0;
    }
}

static void load_top(struct saga_loading *l)
{
    static const char *const names[] = { "saga",     "version",  "summary",      "participants",
                                         "start",    "deadline", "keep",         "search",
                                         "defaults", "steps",    "on-completed", "on-compensated",
                                         "redact" };
    static const char what[] = "a definition";
    struct saga_definition *d = l->definition;
    struct saga_yaml *yaml = &l->yaml;
    struct fy_node *root = yaml->root;
    saga_yaml_check_mapping(yaml, root, what, names, SAGA_COUNT_OF(names));
    saga_load_name(l, saga_yaml_need(yaml, root, "saga", what), "a saga", &d->name);
    saga_yaml_whole(yaml, saga_yaml_need(yaml, root, "version", what), "`version`", 1, 1000000000,
                    &d->version);
    load_summary(l, saga_yaml_get(root, "summary"));
    load_participants(l, saga_yaml_get(root, "participants"));
    saga_load_starts(l, saga_yaml_need(yaml, root, "start", what));
    saga_yaml_duration(yaml, saga_yaml_get(root, "deadline"), "`deadline`", &d->deadline_ms);
    saga_yaml_duration(yaml, saga_yaml_get(root, "keep"), "`keep`", &d->keep_ms);
    load_search(l, saga_yaml_get(root, "search"));
    saga_load_redact(l, saga_yaml_get(root, "redact"));
    load_defaults(l, saga_yaml_get(root, "defaults"));
    saga_load_blocks(l, saga_yaml_need(yaml, root, "steps", what), "steps", NULL, 0, &d->root);
    d->blocks = (const struct saga_block *const *)l->blocks;
    d->block_count = l->block_count;
    find_flows(l);
    saga_load_publish(l, saga_yaml_get(root, "on-completed"), "`on-completed`", &d->on_completed);
    saga_load_publish(l, saga_yaml_get(root, "on-compensated"), "`on-compensated`",
                      &d->on_compensated);
}

static bool stands_before(const struct saga_diagnostic *a, const struct saga_diagnostic *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* In the order of the file; what stands at one place in the order in which it was found. */
static void sort_findings(struct saga_diagnostic *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct saga_diagnostic item = items[i];
        size_t place = i;
        for (; place > 0 && stands_before(&item, &items[place - 1]); place--)
            items[place] = items[place - 1];
        items[place] = item;
    }
}

static int load(struct saga_slice text, const char *file, const struct saga_schemas *schemas,
                struct saga_diagnostics *diagnostics, struct saga_definition **ret)
{
    struct saga_loading l = { .schemas = schemas, .timeout_ms = 30000, .retry = retry_default };
    size_t errors = diagnostics->errors, before = diagnostics->count;
    l.definition = saga_memory_zeroed(1, sizeof *l.definition);
    saga_arena_init(&l.definition->arena);
    l.definition->keep_ms = 7 * day_ms;
    l.definition->source = saga_arena_copy(&l.definition->arena, text.data ? text : SAGA_SLICE(""));
    saga_sha256_hex(l.definition->source, l.definition->sha256);
    if (saga_yaml_open(l.definition->source, file, diagnostics, &l.yaml) == SAGA_OK) {
        load_top(&l);
        saga_check_definition(&l);
    }
    saga_yaml_close(&l.yaml);
    if (diagnostics->count > before)
        sort_findings(diagnostics->items + before, diagnostics->count - before);
    if (diagnostics->errors != errors) {
        saga_definition_free(l.definition);
        return SAGA_E_INVALID;
    }
    *ret = l.definition;
    return SAGA_OK;
}

int saga_definition_load(struct saga_slice text, const char *file,
                         struct saga_diagnostics *diagnostics, struct saga_definition **ret)
{
    return load(text, file, NULL, diagnostics, ret);
}

int saga_definition_load_with(struct saga_slice text, const char *file,
                              const struct saga_schemas *schemas,
                              struct saga_diagnostics *diagnostics, struct saga_definition **ret)
{
    return load(text, file, schemas, diagnostics, ret);
}

int saga_definition_load_file(const char *path, const struct saga_schemas *schemas,
                              struct saga_diagnostics *diagnostics, struct saga_definition **ret)
{
    char *bytes = saga_memory_take(SAGA_DEFINITION_BYTES_MAX + 1);
    saga_memory_watch();
    FILE *file = fopen(path, "rb");
    saga_memory_check("opening a file");
    size_t size = file ? fread(bytes, 1, SAGA_DEFINITION_BYTES_MAX + 1, file) : 0;
    if (!file || ferror(file)) {
        const struct saga_finding_kind *kind = &saga_finding_kinds[SAGA_FINDING_NO_FILE];
        struct saga_diagnostic *finding =
            saga_diagnostics_add(diagnostics, kind->severity, kind->code,
                                 "the file cannot be read: %s", strerror(errno));
        finding->file = path;
        finding->why = saga_slice_of(kind->why);
        finding->mend = saga_slice_of(kind->mend);
        if (file) fclose(file);
        free(bytes);
        return SAGA_E_INVALID;
    }
    fclose(file);
    int error = load((struct saga_slice){ bytes, size }, path, schemas, diagnostics, ret);
    free(bytes);
    return error;
}
