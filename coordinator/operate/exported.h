/* Reading an export of the journal (AUDIT.md): its manifest, its files' hashes, its lines. Nothing in it is believed:
 * what does not fit becomes a fault, and reading goes on as well as can be. */
#ifndef SAGA_OPERATE_EXPORTED_H
#define SAGA_OPERATE_EXPORTED_H

#include "operate/audit.h"
#include "runtime/exported_line.h"

/* An end of a lane's part, as the manifest says it. */
struct saga_exported_end {
    int64_t offset; /* -1: none */
    uint8_t chain[SAGA_SHA256_BYTES];
};
struct saga_exported_lane {
    uint32_t lane;
    const char *file, *snapshots; /* `snapshots` may be NULL */
    bool complete, cut, to_end;
    uint64_t records;
    struct saga_exported_end first, last;
};
struct saga_exported {
    const char *folder;
    json_t *manifest;
    char sha256[2 * SAGA_SHA256_BYTES + 1]; /* of the manifest */
    uint32_t lanes;                         /* of the journal */
    bool complete;
    const char *created;
    const char *definitions; /* file */
    bool has_anchors;
    struct saga_exported_lane *items;
    size_t count;
    size_t files;
};

/* Reads the manifest, and holds each file against its hash. The texts are in `arena`.
 * Errors: SAGA_E_INVALID with words: it cannot be told what there is. */
int saga_exported_open(const char *folder, struct saga_arena *arena, struct saga_faults *faults,
                       struct saga_exported *ret, struct saga_diagnostic *diagnostic);
void saga_exported_close(struct saga_exported *exported);

/* Calls `visit` for each line of a file that is one; the others become faults of `lane` (-1: of none), unless `faults` is
 * NULL. What it is given lives during the call. */
void saga_exported_walk(const struct saga_exported *exported, const char *file, int64_t lane,
                        struct saga_faults *faults,
                        void (*visit)(const struct saga_exported_line *line, void *context),
                        void *context);

/* The SHA-256 of what is left of a file, hexadecimal, and how many bytes that are. False: it cannot be read to its end. */
bool saga_exported_hash(FILE *file, char ret[2 * SAGA_SHA256_BYTES + 1], uint64_t *ret_bytes);

/* A file of the folder, in `arena`. */
const char *saga_exported_path(const struct saga_exported *exported, const char *file,
                               struct saga_arena *arena);

#endif
