/* Definitions, each held against the hash that is said of it, before they are believed. */
#ifndef SAGA_OPERATE_AUDIT_DEFINITIONS_H
#define SAGA_OPERATE_AUDIT_DEFINITIONS_H

#include "operate/audit.h"
#include "operate/definitions.h"

struct saga_audit_definitions {
    struct saga_call *call;
    struct saga_faults *faults;
    const char *place; /* where they are: a file or a topic */
    struct saga_deployment deployment;
    struct saga_catalog *catalog; /* the caller's to free; made by saga_audit_definitions_load */
};

/* The next record of the topic; `sha256`: what is said of its content, absent where nothing is. */
void saga_audit_definition(struct saga_audit_definitions *definitions,
                           const struct saga_message *message, struct saga_slice sha256);
/* There are no more: loads them. The call's schemas are there. An exit code, words said. */
int saga_audit_definitions_load(struct saga_audit_definitions *definitions);

#endif
