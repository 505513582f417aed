#include "definition/check_together.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "definition/findings.h"

struct together {
    const struct saga_checked *files;
    size_t count;
    const struct saga_catalog *deployed;
    struct saga_diagnostics *found;
};

/* ---- findings ---- */

static struct saga_slice line_of(struct saga_slice text, unsigned line)
{
    while (line > 1 && text.size) {
        const char *end = memchr(text.data, '\n', text.size);
        if (!end) break;
        text = saga_slice_skip(text, (size_t)(end - text.data) + 1);
        line--;
    }
    const char *end = text.size ? memchr(text.data, '\n', text.size) : NULL;
    if (end) text.size = (size_t)(end - text.data);
    while (text.size && text.data[text.size - 1] == '\r') text.size--;
    return text;
}

/* The word that begins at a byte of a line, quotes and all. */
static unsigned word_at(struct saga_slice line, size_t from)
{
    size_t to = from;
    while (to < line.size && !strchr(" \t,:{}[]", line.data[to])) to++;
    return to > from ? (unsigned)(to - from) : 1;
}

/* A finding at a position of a definition. */
static struct saga_diagnostic *find(const struct together *t, const struct saga_checked *file,
                                    struct saga_source_position at, enum saga_finding finding,
                                    struct saga_slice what)
{
    const struct saga_finding_kind *kind = &saga_finding_kinds[finding];
    struct saga_diagnostic *d =
        saga_diagnostics_add(t->found, kind->severity, kind->code, "%.*s", SAGA_SLICE_ARG(what));
    d->file = file->file;
    d->line = at.line;
    d->column = at.column;
    d->why = saga_slice_of(kind->why);
    d->mend = saga_slice_of(kind->mend);
    struct saga_slice line = line_of(file->definition->source, at.line);
    if (at.line && line.size <= 200) d->source_line = saga_arena_copy(t->found->arena, line);
    d->width = at.column ? word_at(line, at.column - 1) : 1;
    return d;
}

#define WORDS(t, ...) saga_arena_printf((t)->found->arena, __VA_ARGS__)

static const struct saga_source_position top = { 1, 1 };

/* ---- versions ---- */

static void check_versions(const struct together *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct saga_definition *d = t->files[i].definition, *other = NULL;
        const char *where = "deployed";
        for (size_t j = 0; j < i && !other; j++)
            if (t->files[j].definition->version == d->version &&
                saga_slice_equal(t->files[j].definition->name, d->name)) {
                other = t->files[j].definition;
                where = WORDS(t, "in %s", t->files[j].file).data;
            }
        if (!other && t->deployed) other = saga_catalog_find(t->deployed, d->name, d->version);
        if (!other || strcmp(other->sha256, d->sha256) == 0) continue;
        find(t, &t->files[i], top, SAGA_FINDING_VERSION_CLASH,
             WORDS(t, "%.*s version %u is %s with another content", SAGA_SLICE_ARG(d->name),
                   d->version, where));
    }
}

/* ---- topics ---- */

/* Whose replies come on a topic, in another file than `not_in`. */
static const struct saga_participant *replies_on(const struct together *t, struct saga_slice topic,
                                                 size_t not_in, size_t *ret_file)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t p = 0; i != not_in && p < t->files[i].definition->participant_count; p++)
            if (saga_slice_equal(t->files[i].definition->participants[p].replies, topic)) {
                *ret_file = i;
                return &t->files[i].definition->participants[p];
            }
    return NULL;
}

static void check_topics(const struct together *t)
{
    size_t other;
    for (size_t i = 0; i < t->count; i++)
        for (size_t p = 0; p < t->files[i].definition->participant_count; p++) {
            const struct saga_participant *one = &t->files[i].definition->participants[p],
                                          *clash = replies_on(t, one->commands, i, &other);
            if (clash)
                find(t, &t->files[i], one->position, SAGA_FINDING_TOPIC_CLASH,
                     WORDS(t, "topic `%.*s` holds commands of `%.*s`, and in %s replies of `%.*s`",
                           SAGA_SLICE_ARG(one->commands), SAGA_SLICE_ARG(one->name),
                           t->files[other].file, SAGA_SLICE_ARG(clash->name)));
        }
}

/* ---- one command, several steps ---- */

struct sender {
    const struct saga_checked *file;
    const struct saga_block *block;
};

static int by_command(const void *a, const void *b)
{
    const struct sender *one = a, *two = b;
    const struct saga_command *first = &one->block->step.command,
                              *second = &two->block->step.command;
    int order = saga_slice_compare(first->participant->commands, second->participant->commands);
    if (order == 0) order = saga_slice_compare(first->type, second->type);
    if (order == 0) order = (one->file > two->file) - (one->file < two->file);
    return order ? order : (one->block->id > two->block->id) - (one->block->id < two->block->id);
}

static bool is_same_command(const struct sender *a, const struct sender *b)
{
    const struct saga_command *one = &a->block->step.command, *two = &b->block->step.command;
    return saga_slice_equal(one->type, two->type) &&
           saga_slice_equal(one->participant->commands, two->participant->commands);
}

static bool knows_answer(const struct saga_step *step, struct saga_slice type)
{
    return saga_names_contain(&step->failure, type) || saga_names_contain(&step->success, type) ||
           saga_names_contain(&step->retry.on, type);
}

/* The first failure of `one` that `other` would not understand; absent: none. */
static struct saga_slice not_known(const struct sender *one, const struct sender *other)
{
    const struct saga_names *failures = &one->block->step.failure;
    for (size_t i = 0; i < failures->count; i++)
        if (!knows_answer(&other->block->step, failures->items[i])) return failures->items[i];
    return SAGA_SLICE_NONE;
}

static void check_senders(const struct together *t, const struct sender *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            struct saga_slice type = not_known(&items[j], &items[i]);
            if (!type.data) continue;
            find(
                t, items[i].file, items[i].block->position, SAGA_FINDING_NOBODY_HANDLES,
                WORDS(
                    t,
                    "`%.*s` does not know the answer `%.*s`, which `%.*s` of %s on line %u gets to "
                    "the same command",
                    SAGA_SLICE_ARG(items[i].block->label), SAGA_SLICE_ARG(type),
                    SAGA_SLICE_ARG(items[j].block->label), items[j].file->file,
                    items[j].block->position.line));
            break;
        }
}

static void check_commands(const struct together *t)
{
    struct sender *items = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct saga_definition *d = t->files[i].definition;
        for (size_t b = 0; b < d->block_count; b++)
            if (d->blocks[b]->kind == SAGA_BLOCK_STEP)
                SAGA_PUSH(t->found->arena, items, count, capacity,
                          (struct sender){ &t->files[i], d->blocks[b] });
    }
    if (count) qsort(items, count, sizeof *items, by_command);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && is_same_command(&items[from], &items[to]);) to++;
        check_senders(t, items + from, to - from);
    }
}

/* ---- child sagas ---- */

/* The newest of a name among the files, else of what is deployed. */
static const struct saga_definition *find_saga(const struct together *t, struct saga_slice name,
                                               size_t *ret_file)
{
    const struct saga_definition *newest = NULL;
    *ret_file = t->count;
    for (size_t i = 0; i < t->count; i++) {
        const struct saga_definition *d = t->files[i].definition;
        if (!saga_slice_equal(d->name, name) || (newest && newest->version >= d->version)) continue;
        newest = d;
        *ret_file = i;
    }
    return newest || !t->deployed ? newest : saga_catalog_newest(t->deployed, name);
}

static void find_no_child(const struct together *t, const struct saga_checked *file,
                          const struct saga_block *block)
{
    const char **names = SAGA_NEW_ARRAY(t->found->arena, const char *, t->count);
    for (size_t i = 0; i < t->count; i++)
        names[i] = saga_arena_string(t->found->arena, t->files[i].definition->name);
    struct saga_diagnostic *finding =
        find(t, file, block->position, SAGA_FINDING_NO_CHILD,
             WORDS(t, "there is no saga `%.*s` among the files%s",
                   SAGA_SLICE_ARG(block->child.saga), t->deployed ? ", and none is deployed" : ""));
    const char *near = saga_nearest(block->child.saga, names, t->count);
    if (near)
        saga_diagnostic_mend(finding, t->found->arena, "did you mean `%s`? If not, %s", near,
                             saga_finding_kinds[SAGA_FINDING_NO_CHILD].mend);
}

static bool has_pivot(const struct saga_definition *d)
{
    for (size_t i = 0; i < d->block_count; i++)
        if (d->blocks[i]->kind == SAGA_BLOCK_STEP && d->blocks[i]->step.pivot) return true;
    return false;
}

static void check_child(const struct together *t, const struct saga_checked *file,
                        const struct saga_block *block)
{
    size_t at;
    const struct saga_definition *child = find_saga(t, block->child.saga, &at);
    if (!child) {
        /* of one file alone nobody knows what else there is */
        if (t->count > 1 || t->deployed) find_no_child(t, file, block);
        return;
    }
    if (child == file->definition) return; /* found in itself */
    if (child->redact_count && !file->definition->redact_count)
        find(t, file, block->position, SAGA_FINDING_REDACTED_ELSEWHERE,
             WORDS(t, "`%.*s` redacts what this saga, which does not, gives it as its input",
                   SAGA_SLICE_ARG(child->name)));
    if (!child->deadline_ms && !file->definition->deadline_ms)
        find(t, file, block->position, SAGA_FINDING_CHILD_FOR_EVER,
             WORDS(t, "`%.*s` may be waited for for ever: neither it nor `%.*s` has a deadline",
                   SAGA_SLICE_ARG(child->name), SAGA_SLICE_ARG(file->definition->name)));
    if (!block->child.behind_pivot && has_pivot(child))
        find(t, file, block->position, SAGA_FINDING_CHILD_PIVOT,
             WORDS(t, "`%.*s` has a pivot, and may have to be taken back",
                   SAGA_SLICE_ARG(child->name)));
}

/* Does a way lead from the definition through children to `wanted`? `seen` by file. */
static bool leads_to(const struct together *t, const struct saga_definition *from,
                     struct saga_slice wanted, bool *seen)
{
    for (size_t i = 0; i < from->block_count; i++) {
        size_t at;
        if (from->blocks[i]->kind != SAGA_BLOCK_CHILD) continue;
        if (saga_slice_equal(from->blocks[i]->child.saga, wanted)) return true;
        const struct saga_definition *child = find_saga(t, from->blocks[i]->child.saga, &at);
        if (!child || at == t->count || seen[at]) continue;
        seen[at] = true;
        if (leads_to(t, child, wanted, seen)) return true;
    }
    return false;
}

static void check_ring(const struct together *t, const struct saga_checked *file,
                       const struct saga_block *block)
{
    size_t at;
    const struct saga_definition *child = find_saga(t, block->child.saga, &at);
    if (!child || child == file->definition || at == t->count) return;
    bool *seen = SAGA_NEW_ARRAY(t->found->arena, bool, t->count);
    seen[at] = true;
    if (leads_to(t, child, file->definition->name, seen))
        find(t, file, block->position, SAGA_FINDING_RING,
             WORDS(t,
                   "`%.*s` is started as a child, and starts `%.*s` itself, by way of its children",
                   SAGA_SLICE_ARG(child->name), SAGA_SLICE_ARG(file->definition->name)));
}

static void check_children(const struct together *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct saga_definition *d = t->files[i].definition;
        for (size_t b = 0; b < d->block_count; b++) {
            if (d->blocks[b]->kind != SAGA_BLOCK_CHILD) continue;
            check_child(t, &t->files[i], d->blocks[b]);
            check_ring(t, &t->files[i], d->blocks[b]);
        }
    }
}

/* ---- the whole ---- */

static void (*const checks[])(const struct together *t) = { check_versions, check_topics,
                                                            check_commands, check_children };

void saga_check_together(const struct saga_checked *files, size_t count,
                         const struct saga_catalog *deployed, struct saga_diagnostics *diagnostics)
{
    const struct together t = { files, count, deployed, diagnostics };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) checks[i](&t);
}
