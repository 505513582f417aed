/* `saga check --against`: what a new version of a definition changes, and how many running sagas stand where it does. */
#ifndef SAGA_OPERATE_AGAINST_H
#define SAGA_OPERATE_AGAINST_H

#include <jansson.h>

#include "definition/compare.h"
#include "operate/definitions.h"

/* Compares each definition with the file `against`, or with what is deployed ("deployed"), and prints it as the call's output
 * says. `ret_json`: a list that rows are added to; NULL: as text. An exit code. */
int saga_compare_against(struct saga_call *call, const char *against,
                         struct saga_definition *const *definitions, size_t count,
                         const struct saga_catalog *deployed, json_t *ret_json);
/* One of the changes, without the sagas that stand there. */
json_t *saga_change_json(const struct saga_change *change);

#endif
