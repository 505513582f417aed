/* Typed access to a YAML document with the place of everything: each reader says what is wrong
 * with a node, where, and what to do, and goes on, so that one run finds all mistakes. */
#ifndef SAGA_DEFINITION_YAML_H
#define SAGA_DEFINITION_YAML_H

#include <libfyaml.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "definition/findings.h"

/* Mappings and lists inside each other: as many as libfyaml reads. A `choose` in a `choose` is four deeper, so 15 of them
 * fit. */
#define SAGA_YAML_DEPTH_MAX 64
/* Members of one mapping: no mapping of the language has as many. */
#define SAGA_YAML_MEMBERS_MAX 1024

struct saga_yaml {
    struct fy_parser *parser;
    struct fy_document *document;
    struct fy_diag *diag;
    struct fy_node *root; /* a mapping */
    struct saga_slice text;
    const char *file;
    struct saga_diagnostics *diagnostics;
    uint32_t *line_starts; /* offsets of the lines in the text */
    size_t line_count;
};

/* Parses a text, and sees to it that what the readers get is a tree of mappings, lists and
 * scalars, without aliases, with plain words as names, each once, and not too deep.
 * Errors: SAGA_E_INVALID with findings. The text must outlive it. Close it in every case. */
int saga_yaml_open(struct saga_slice text, const char *file, struct saga_diagnostics *diagnostics,
                   struct saga_yaml *ret);
void saga_yaml_close(struct saga_yaml *yaml);

/* ---- yaml_find.c: places and findings ---- */

/* Reads the lines of the text; before anything is found. */
void saga_yaml_read_lines(struct saga_yaml *yaml);
/* Where a node begins, in lines and characters from 1. */
void saga_yaml_position(const struct saga_yaml *yaml, struct fy_node *node, unsigned *ret_line,
                        unsigned *ret_column);
/* Adds a finding at a node (NULL: the file as a whole), with the why and mend of its kind; gives
 * it back for better ones. */
struct saga_diagnostic *saga_yaml_find(struct saga_yaml *yaml, struct fy_node *node,
                                       enum saga_finding kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Moves a finding to the bytes [offset, offset + size) of the text. */
void saga_yaml_move(const struct saga_yaml *yaml, struct saga_diagnostic *finding, size_t offset,
                    size_t size);
/* Moves a finding at a scalar to a part of its value, where that stands in the file as it is. */
void saga_yaml_move_inside(const struct saga_yaml *yaml, struct saga_diagnostic *finding,
                           struct fy_node *node, size_t offset, size_t size);
/* Bytes of the control character that the text (not empty) begins with; 0: none, or white space. */
size_t saga_yaml_control(struct saga_slice text);

/* ---- yaml.c: members and values ---- */

/* The text of a scalar; empty for everything else. */
struct saga_slice saga_yaml_scalar(struct fy_node *node);
/* The name of a member before `pair` that is the same as that of `pair`, both scalars; NULL: none. */
struct fy_node *saga_yaml_key_before(struct fy_node *mapping, struct fy_node_pair *pair);
/* A member of a mapping; NULL where there is none (or the node is no mapping). */
struct fy_node *saga_yaml_get(struct fy_node *mapping, const char *name);
/* The name of that member, as a node. */
struct fy_node *saga_yaml_key(struct fy_node *mapping, const char *name);
/* Finds members that are none of `names`, and what is no mapping at all (then false). */
bool saga_yaml_check_mapping(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                             const char *const *names, size_t count);
/* The member, or a finding that it is missing. */
struct fy_node *saga_yaml_need(struct saga_yaml *yaml, struct fy_node *mapping, const char *name,
                               const char *what);

/* What a scalar is to a reader that goes by YAML's core schema, as editors and validators do. */
enum saga_yaml_kind {
    SAGA_YAML_TEXT,
    SAGA_YAML_NULL,
    SAGA_YAML_PLAIN, /* a number or a truth value */
    SAGA_YAML_OTHER  /* no scalar */
};
enum saga_yaml_kind saga_yaml_kind_of(struct fy_node *node);

/* Scalars. False with a finding where the node is something else; NULL nodes give false without
 * one. */
bool saga_yaml_text(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                    struct saga_slice *ret);
/* The same for an expression, which a number or a truth value is too. */
bool saga_yaml_source(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                      struct saga_slice *ret);
bool saga_yaml_whole(struct saga_yaml *yaml, struct fy_node *node, const char *what, uint32_t min,
                     uint32_t max, uint32_t *ret);
bool saga_yaml_number(struct saga_yaml *yaml, struct fy_node *node, const char *what, double min,
                      double max, double *ret);
bool saga_yaml_bool(struct saga_yaml *yaml, struct fy_node *node, const char *what, bool *ret);
/* Milliseconds, at least one. */
bool saga_yaml_duration(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                        int64_t *ret_ms);

#endif
