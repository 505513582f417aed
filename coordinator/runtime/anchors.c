#include "runtime/anchors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/lines.h"
#include "base/table.h"

/* A line that was seen, by its hash. */
struct seen {
    UT_hash_handle hh;
    uint8_t digest[SAGA_SHA256_BYTES];
};

struct saga_anchors_intake {
    struct saga_anchor_key *const *keys;
    size_t key_count;
    void (*report)(const struct saga_anchor_fault *fault, void *context);
    void *context;
    struct saga_arena *arena;
    struct seen *seen;
    unsigned line; /* of the last one */
    struct saga_anchors *anchors;
};

static void refuse(struct saga_anchors_intake *r, unsigned line, const struct saga_anchor *anchor,
                   struct saga_slice words)
{
    struct saga_anchor_fault fault = { line, anchor, words };
    r->report(&fault, r->context);
}

static bool is_repeated(struct saga_anchors_intake *r, struct saga_slice line)
{
    struct seen *seen = SAGA_NEW(r->arena, struct seen), *found;
    saga_sha256(line, SAGA_SLICE_NONE, seen->digest);
    HASH_FIND(hh, r->seen, seen->digest, sizeof seen->digest, found);
    if (found) return true;
    HASH_ADD(hh, r->seen, digest, sizeof seen->digest, seen);
    return false;
}

static void check_signature(struct saga_anchors_intake *r, const struct saga_anchor *anchor)
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

static void take_line(struct saga_anchors_intake *r, struct saga_slice text, unsigned line)
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

static void find_contradictions(struct saga_anchors_intake *r)
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

struct saga_anchors_intake *
saga_anchors_begin(struct saga_anchor_key *const *keys, size_t key_count,
                   void (*report)(const struct saga_anchor_fault *fault, void *context),
                   void *context, struct saga_arena *arena, struct saga_anchors *ret)
{
    struct saga_anchors_intake *r = SAGA_NEW(arena, struct saga_anchors_intake);
    *ret = (struct saga_anchors){ 0 };
    *r = (struct saga_anchors_intake){ keys, key_count, report, context, arena, NULL, 0, ret };
    return r;
}

int saga_anchors_take(struct saga_anchors_intake *r, struct saga_slice line, bool whole)
{
    if (++r->line > SAGA_ANCHORS_MAX) return SAGA_E_LIMIT;
    if (!whole || line.size > SAGA_ANCHOR_LINE_BYTES_MAX) {
        refuse(r, r->line, NULL, SAGA_SLICE("it is longer than any anchor"));
        return SAGA_OK;
    }
    if (line.size && line.data[line.size - 1] == '\r') line.size--;
    if (line.size) take_line(r, line, r->line);
    return SAGA_OK;
}

void saga_anchors_end(struct saga_anchors_intake *r)
{
    struct saga_anchors *anchors = r->anchors;
    HASH_CLEAR(hh, r->seen);
    if (anchors->count) qsort(anchors->items, anchors->count, sizeof *anchors->items, in_order);
    find_contradictions(r);
}

int saga_anchors_read(const char *path, struct saga_anchors_intake *intake,
                      struct saga_arena *arena, struct saga_diagnostic *diagnostic)
{
    struct saga_lines lines;
    struct saga_slice text;
    bool whole;
    int error = SAGA_OK;
    FILE *file = fopen(path, "re");
    saga_lines_init(&lines, file, SAGA_ANCHOR_LINE_BYTES_MAX);
    while (file && error == SAGA_OK && saga_lines_next(&lines, &text, &whole))
        error = saga_anchors_take(intake, text, whole);
    saga_lines_free(&lines);
    if (error == SAGA_E_LIMIT)
        saga_diagnostic_set(diagnostic, arena, "%s has more than %d lines", path, SAGA_ANCHORS_MAX);
    else if (!file || ferror(file))
        error = SAGA_E_INVALID;
    if (error == SAGA_E_INVALID)
        saga_diagnostic_set(diagnostic, arena, "%s cannot be read: %s", path, strerror(errno));
    if (file) fclose(file);
    return error;
}

/* ---- writing ---- */

/* In one write behind what is there. */
int saga_anchors_append(const char *path, struct saga_slice lines, struct saga_arena *arena,
                        struct saga_diagnostic *diagnostic)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool done = file >= 0 && write(file, lines.data, lines.size) == (ssize_t)lines.size &&
                (lines.size == 0 || fsync(file) == 0);
    int cause = errno;
    if (file >= 0) close(file);
    if (done) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena, "%s cannot be written: %s", path, strerror(cause));
    return SAGA_E_INVALID;
}

int saga_anchors_send(struct saga_client *client, const char *topic, const struct saga_slice *lines,
                      size_t count, int timeout_ms, struct saga_arena *arena,
                      struct saga_diagnostic *diagnostic)
{
    struct saga_position position;
    int error = SAGA_OK;
    for (size_t i = 0; i < count && error == SAGA_OK; i++) {
        const struct saga_message message = { .topic = saga_slice_of(topic),
                                              .partition = 0,
                                              .key = SAGA_SLICE("anchor"),
                                              .value = lines[i] };
        error = saga_client_send(client, &message, timeout_ms, &position);
    }
    if (error < 0)
        saga_diagnostic_set(diagnostic, arena, "an anchor was not sent: %s",
                            saga_client_problem(client));
    return error;
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
