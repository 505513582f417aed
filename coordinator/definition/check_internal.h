/* What the checks of one definition share. Each looks at one block that some way leads to. */
#ifndef SAGA_DEFINITION_CHECK_INTERNAL_H
#define SAGA_DEFINITION_CHECK_INTERNAL_H

#include "definition/load_internal.h"

/* check_replies.c: what answers mean, and what `catch` catches. */
void saga_check_replies(struct saga_loading *l, const struct saga_block *block);
/* check_pivot.c: the way back, and that there is none behind a pivot. */
void saga_check_way_back(struct saga_loading *l, const struct saga_block *block);
/* check_blocks.c: what may wait for ever, is chosen by nothing, or is never reached. */
void saga_check_block(struct saga_loading *l, const struct saga_block *block);

/* check_errors.c: what .error.type is compared with. `expression` NULL: nothing to check. */
void saga_check_errors(struct saga_loading *l, struct fy_node *node,
                       const struct saga_expression *expression);

/* check_redact.c: that what is personal does not get where it cannot be sealed. */
void saga_check_redact(struct saga_loading *l);

/* check_schemas.c: message types and bodies, where there are schemas to check them against. */
void saga_check_schemas(struct saga_loading *l);
/* check_replies.c: the node of a type in a field that holds one or a list. */
struct fy_node *saga_yaml_type_node(struct fy_node *field, struct saga_slice type);

/* Can the saga fail with what the block answers: is there a failure that no `catch` of the block takes? */
bool saga_check_can_fail(const struct saga_block *block);

#endif
