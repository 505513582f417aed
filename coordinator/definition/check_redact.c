/* What is redacted must not get where it cannot be sealed: into keys and search values, which are parts of names; and not to
 * other sagas and entries, whose values are not under this saga's key. */
#include <stdio.h>

#include "base/error.h"
#include "base/nearest.h"
#include "definition/check_internal.h"
#include "definition/expression_internal.h"

enum { NAMES_MAX = 32 };

/* A path as an expression writes it, as far as its names are written out. */
struct path {
    struct saga_slice names[NAMES_MAX];
    size_t count;
};

static bool is_punct(const struct saga_token *token, char c)
{
    return token->kind == SAGA_TOKEN_PUNCT && token->text.size == 1 && token->text.data[0] == c;
}

/* Adds the names from the token at `i` on. Gives the last token of the path back. */
static size_t follow(const struct saga_token *tokens, size_t i, struct path *path)
{
    path->names[path->count++] = tokens[i].text;
    while (path->count < NAMES_MAX) {
        const struct saga_token *next = &tokens[i + 1];
        if (next->kind == SAGA_TOKEN_FIELD) {
            i++;
        } else if (is_punct(next, '[') && next[1].kind == SAGA_TOKEN_STRING &&
                   !next[1].interpolates && is_punct(&next[2], ']')) {
            path->names[path->count++] = next[1].text;
            i += 3;
            continue;
        } else if (is_punct(next, '[') && is_punct(&next[1], ']')) {
            path->names[path->count++] = SAGA_SLICE("[]");
            i += 2;
            continue;
        } else {
            break;
        }
        path->names[path->count++] = tokens[i].text;
    }
    return i;
}

/* Is one of them all of the other, or a part of it? */
static bool overlap(const struct path *path, const struct saga_redact *redact, size_t skipped)
{
    for (size_t i = 0; i < path->count && i + skipped < redact->name_count; i++)
        if (!saga_slice_equal(path->names[i], redact->names[i + skipped])) return false;
    return true;
}

static const struct saga_redact *redacted(const struct saga_definition *d, const struct path *path,
                                          bool of_input)
{
    for (size_t i = 0; i < d->redact_count; i++) {
        bool input = saga_slice_is(d->redact[i].names[0], "input");
        if (of_input && !input) continue;
        if (overlap(path, &d->redact[i], of_input)) return &d->redact[i];
    }
    return NULL;
}

static struct saga_diagnostic *find(struct saga_loading *l, struct fy_node *node, const char *what,
                                    const struct saga_redact *redact)
{
    return saga_yaml_find(&l->yaml, node, SAGA_FINDING_REDACTED_IN_THE_OPEN,
                          "%s reads `%.*s`, which is redacted", what, SAGA_SLICE_ARG(redact->path));
}

/* An expression whose value ends in a name. `of_input`: its `.` is what becomes .input. */
static void look(struct saga_loading *l, struct fy_node *node, const char *what,
                 const struct saga_expression *expression, bool of_input)
{
    const struct saga_definition *d = l->definition;
    struct saga_token *tokens;
    size_t count = 0, offset;
    if (!expression ||
        saga_expression_lex(saga_expression_source(expression), l->yaml.diagnostics->arena, &tokens,
                            &count, &offset) < 0)
        return;
    for (size_t i = 0; i + 1 < count; i++) {
        struct path path = { .count = 0 };
        if (tokens[i].kind != SAGA_TOKEN_FIELD) continue;
        size_t first = i;
        i = follow(tokens, i, &path);
        const struct saga_redact *one = redacted(d, &path, of_input);
        if (!one) continue;
        size_t at = (size_t)(tokens[first].text.data - saga_expression_source(expression).data);
        saga_yaml_move_inside(&l->yaml, find(l, node, what, one), node, at,
                              tokens[first].text.size);
        return;
    }
    /* a member that none has is read only by what reads all */
    if (saga_expression_reads(expression, "*")) (void)find(l, node, what, &d->redact[0]);
}

static void look_at_start(struct saga_loading *l, struct fy_node *node,
                          const struct saga_start *start)
{
    look(l, saga_yaml_get(node, "key"), "the key", start->key, true);
}

static void look_at_starts(struct saga_loading *l)
{
    const struct saga_definition *d = l->definition;
    struct fy_node *node = saga_yaml_get(l->yaml.root, "start"), *item;
    void *iterator = NULL;
    if (node && fy_node_is_mapping(node) && d->start_count == 1)
        look_at_start(l, node, &d->starts[0]);
    if (!node || !fy_node_is_sequence(node)) return;
    for (size_t i = 0; i < d->start_count && (item = fy_node_sequence_iterate(node, &iterator));
         i++)
        look_at_start(l, item, &d->starts[i]);
}

static void look_at_search(struct saga_loading *l)
{
    const struct saga_definition *d = l->definition;
    for (size_t i = 0; i < d->search_count; i++) {
        char name[SAGA_NAME_BYTES_MAX + 1];
        snprintf(name, sizeof name, "%.*s", SAGA_SLICE_ARG(d->search[i].name));
        struct fy_node *node = saga_yaml_get(saga_yaml_get(l->yaml.root, "search"), name);
        look(l, node, "a search value", d->search[i].value, false);
    }
}

static void look_at_blocks(struct saga_loading *l)
{
    for (size_t i = 0; i < l->block_count; i++) {
        const struct saga_block *block = l->blocks[i];
        if (block->kind == SAGA_BLOCK_AWAIT)
            saga_yaml_find(&l->yaml, l->block_nodes[i], SAGA_FINDING_REDACTED_ELSEWHERE,
                           "the event that is awaited is kept where all sagas look for theirs");
        else if (block->kind == SAGA_BLOCK_CHILD)
            saga_yaml_find(&l->yaml, l->block_nodes[i], SAGA_FINDING_REDACTED_ELSEWHERE,
                           "the child saga keeps what it is given");
    }
}

/* .steps.name must be a step that there is; which members its answer has is not known. */
static void look_at_paths(struct saga_loading *l)
{
    struct fy_node *node = saga_yaml_get(l->yaml.root, "redact"), *item;
    const struct saga_definition *d = l->definition;
    void *iterator = NULL;
    for (size_t i = 0; i < d->redact_count && (item = fy_node_sequence_iterate(node, &iterator));
         i++) {
        const struct saga_redact *redact = &d->redact[i];
        if (redact->name_count < 2 || !saga_slice_is(redact->names[0], "steps")) continue;
        if (l->partial || saga_definition_step(d, redact->names[1])) continue;
        saga_yaml_find(&l->yaml, item, SAGA_FINDING_NO_STEP, "there is no step `%.*s`",
                       SAGA_SLICE_ARG(redact->names[1]));
    }
}

void saga_check_redact(struct saga_loading *l)
{
    if (l->definition->redact_count == 0) return;
    look_at_paths(l);
    look_at_starts(l);
    look_at_search(l);
    look_at_blocks(l);
}
