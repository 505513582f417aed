/* Typed access to a YAML document with the place of everything: each reader says what is wrong with a node, where, and
 * what to do, and goes on, so that one run finds all mistakes. */
#ifndef SAGA_DEFINITION_YAML_H
#define SAGA_DEFINITION_YAML_H

#include <libfyaml.h>
#include <stdbool.h>

#include "base/diagnostic.h"

struct saga_yaml {
    struct fy_document *document;
    struct fy_diag *diag;
    struct fy_node *root; /* a mapping */
    struct saga_slice text;
    const char *file;
    struct saga_diagnostics *diagnostics;
};

/* Parses a text. Errors: SAGA_E_INVALID, SAGA_E_LIMIT with findings. The text must outlive it. */
int saga_yaml_open(struct saga_slice text, const char *file, struct saga_diagnostics *diagnostics,
                   struct saga_yaml *ret);
void saga_yaml_close(struct saga_yaml *yaml);

/* Where a node begins, from 1. */
void saga_yaml_position(struct fy_node *node, unsigned *ret_line, unsigned *ret_column);
/* Adds a finding at a node (NULL: the file as a whole) and gives it back for why and mend. */
struct saga_diagnostic *saga_yaml_find(struct saga_yaml *yaml, struct fy_node *node,
                                       enum saga_severity severity, const char *code,
                                       const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The line of the source, without its end. */
struct saga_slice saga_yaml_line(const struct saga_yaml *yaml, unsigned line);

/* A member of a mapping; NULL where there is none (or the node is no mapping). */
struct fy_node *saga_yaml_get(struct fy_node *mapping, const char *name);
/* Finds members that are none of `names`, and what is no mapping at all (then false). */
bool saga_yaml_check_mapping(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                             const char *const *names, size_t count);
/* The member, or a finding that it is missing. */
struct fy_node *saga_yaml_need(struct saga_yaml *yaml, struct fy_node *mapping, const char *name,
                               const char *what);

/* Scalars. False with a finding where the node is something else; NULL nodes give false without one. */
bool saga_yaml_text(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                    struct saga_slice *ret);
bool saga_yaml_whole(struct saga_yaml *yaml, struct fy_node *node, const char *what, uint32_t min,
                     uint32_t max, uint32_t *ret);
bool saga_yaml_number(struct saga_yaml *yaml, struct fy_node *node, const char *what, double *ret);
bool saga_yaml_bool(struct saga_yaml *yaml, struct fy_node *node, const char *what, bool *ret);
bool saga_yaml_duration(struct saga_yaml *yaml, struct fy_node *node, const char *what,
                        int64_t *ret_ms);

#endif
