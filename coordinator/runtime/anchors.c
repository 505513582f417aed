#include "runtime/anchors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/lines.h"
#include "base/table.h"

/* An anchor has less than 500 bytes. */
enum { LINE_BYTES_MAX = 4096 };

/* A line that was seen, by its hash. */
struct seen {
    UT_hash_handle hh;
    uint8_t digest[SAGA_SHA256_BYTES];
};

struct reading {
    struct saga_anchor_key *const *keys;
    size_t key_count;
    void (*report)(const struct saga_anchor_fault *fault, void *context);
    void *context;
    struct saga_arena *arena;
    struct seen *seen;
    struct saga_anchors *anchors;
};

static void refuse(struct reading *r, unsigned line, const struct saga_anchor *anchor,
                   struct saga_slice words)
{
    struct saga_anchor_fault fault = { line, anchor, words };
    r->report(&fault, r->context);
}

static bool is_repeated(struct reading *r, struct saga_slice line)
{
    struct seen *seen = SAGA_NEW(r->arena, struct seen), *found;
    saga_sha256(line, SAGA_SLICE_NONE, seen->digest);
    HASH_FIND(hh, r->seen, seen->digest, sizeof seen->digest, found);
    if (found) return true;
    HASH_ADD(hh, r->seen, digest, sizeof seen->digest, seen);
    return false;
}

static void check_signature(struct reading *r, const struct saga_anchor *anchor)
{
    const struct saga_anchor_key *key = NULL;
    for (size_t i = 0; i < r->key_count; i++)
        if (strcmp(saga_anchor_key_id(r->keys[i]), anchor->key) == 0) key = r->keys[i];
    if (!key)
        refuse(r, anchor->line, anchor,
               saga_arena_printf(r->arena,
                                 "it was signed with another key (%.16s...) than was given",
                                 anchor->key));
    else if (!saga_anchor_is_signed(anchor, key))
        refuse(r, anchor->line, anchor,
               SAGA_SLICE("its signature is wrong: it was changed after it was signed"));
    else
        SAGA_PUSH(r->arena, r->anchors->items, r->anchors->count, r->anchors->capacity, *anchor);
}

static void take_line(struct reading *r, struct saga_slice text, unsigned line)
{
    struct saga_anchor anchor;
    const char *why;
    if (is_repeated(r, text)) {
        r->anchors->repeated++;
        return;
    }
    if (saga_anchor_parse(text, r->arena, &anchor, &why) < 0) {
        refuse(r, line, NULL, saga_slice_of(why));
        return;
    }
    anchor.line = line;
    check_signature(r, &anchor);
}

static int in_order(const void *a, const void *b)
{
    const struct saga_anchor *first = a, *second = b;
    if (first->lane != second->lane) return first->lane < second->lane ? -1 : 1;
    if (first->offset != second->offset) return first->offset < second->offset ? -1 : 1;
    return (first->line > second->line) - (first->line < second->line);
}

static void find_contradictions(struct reading *r)
{
    struct saga_anchors *anchors = r->anchors;
    for (size_t i = 1; i < anchors->count; i++) {
        const struct saga_anchor *a = &anchors->items[i - 1], *b = &anchors->items[i];
        if (a->lane != b->lane || a->offset != b->offset || strcmp(a->journal, b->journal) != 0 ||
            memcmp(a->chain, b->chain, sizeof a->chain) == 0)
            continue;
        refuse(r, b->line, b,
               saga_arena_printf(r->arena,
                                 "it says another chain value than line %u, and both are signed: "
                                 "the journal was rewritten between them",
                                 a->line));
    }
}

static int read_lines(struct reading *r, FILE *file)
{
    struct saga_lines lines;
    struct saga_slice text;
    bool whole;
    int error = SAGA_OK;
    saga_lines_init(&lines, file, LINE_BYTES_MAX);
    while (error == SAGA_OK && saga_lines_next(&lines, &text, &whole)) {
        if (text.size && text.data[text.size - 1] == '\r') text.size--;
        if (lines.line > SAGA_ANCHORS_MAX)
            error = SAGA_E_LIMIT;
        else if (!whole)
            refuse(r, lines.line, NULL, SAGA_SLICE("it is longer than any anchor"));
        else if (text.size)
            take_line(r, text, lines.line);
    }
    saga_lines_free(&lines);
    return error == SAGA_OK && ferror(file) ? SAGA_E_INVALID : error;
}

int saga_anchors_read(const char *path, struct saga_anchor_key *const *keys, size_t key_count,
                      void (*report)(const struct saga_anchor_fault *fault, void *context),
                      void *context, struct saga_arena *arena, struct saga_anchors *ret,
                      struct saga_diagnostic *diagnostic)
{
    struct reading r = { keys, key_count, report, context, arena, NULL, ret };
    *ret = (struct saga_anchors){ 0 };
    FILE *file = fopen(path, "re");
    int error = file ? read_lines(&r, file) : SAGA_E_INVALID;
    if (error == SAGA_E_LIMIT)
        saga_diagnostic_set(diagnostic, arena, "%s has more than %d lines", path, SAGA_ANCHORS_MAX);
    else if (error < 0)
        saga_diagnostic_set(diagnostic, arena, "%s cannot be read: %s", path, strerror(errno));
    if (file) fclose(file);
    HASH_CLEAR(hh, r.seen);
    if (error < 0) return error;
    if (ret->count) qsort(ret->items, ret->count, sizeof *ret->items, in_order);
    find_contradictions(&r);
    return SAGA_OK;
}

size_t saga_anchors_of_lane(const struct saga_anchors *anchors, uint32_t lane,
                            const struct saga_anchor **ret)
{
    size_t from = 0, to;
    while (from < anchors->count && anchors->items[from].lane < lane) from++;
    for (to = from; to < anchors->count && anchors->items[to].lane == lane;) to++;
    *ret = anchors->items + from;
    return to - from;
}
