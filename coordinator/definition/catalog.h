/* All definitions that one thread knows: by name and version, and by the topics they concern. */
#ifndef SAGA_DEFINITION_CATALOG_H
#define SAGA_DEFINITION_CATALOG_H

#include "definition/definition.h"

struct saga_catalog;

int saga_catalog_new(struct saga_catalog **ret);
/* Frees the definitions too. NULL is fine. */
void saga_catalog_free(struct saga_catalog *catalog);

/* Takes over `definition`. The first of a name and version stands.
 * Errors: SAGA_E_CONFLICT (name and version are there with another content); the same content
 * again is SAGA_OK. In both cases the definition given is freed. */
int saga_catalog_add(struct saga_catalog *catalog, struct saga_definition *definition);

/* What bodies of all its definitions are read and written by, also of those that are added later. Not owned. */
void saga_catalog_use_schemas(struct saga_catalog *catalog, const struct saga_schemas *schemas);
/* NULL: none. */
const struct saga_schemas *saga_catalog_schemas(const struct saga_catalog *catalog);

/* NULL where there is none. */
struct saga_definition *saga_catalog_find(const struct saga_catalog *catalog,
                                          struct saga_slice name, uint32_t version);
/* The highest version of a name: what a new saga starts on (R19). */
struct saga_definition *saga_catalog_newest(const struct saga_catalog *catalog,
                                            struct saga_slice name);

/* All of them, sorted by name, then version. */
size_t saga_catalog_count(const struct saga_catalog *catalog);
struct saga_definition *saga_catalog_at(const struct saga_catalog *catalog, size_t index);

/* A topic that the coordinator reads: what of the catalog concerns it. */
struct saga_catalog_topic {
    struct saga_slice topic;
    bool replies;         /* participants of some definition (any version) answer there */
    bool starts;          /* the newest version of some definition starts from there */
    bool awaits;          /* sagas of some definition (any version) await events from there */
    enum saga_begin from; /* R20: earliest for replies and where a start or an `await` says so */
};
/* Sorted by name, each topic once. The array is the catalog's, valid until the next add. */
size_t saga_catalog_topics(struct saga_catalog *catalog, const struct saga_catalog_topic **ret);
const struct saga_catalog_topic *saga_catalog_topic(struct saga_catalog *catalog,
                                                    struct saga_slice topic);

#endif
