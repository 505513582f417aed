/* The topic of definitions: what is deployed, and deploying. */
#ifndef SAGA_OPERATE_DEFINITIONS_H
#define SAGA_OPERATE_DEFINITIONS_H

#include <jansson.h>

#include "base/hash.h"
#include "definition/catalog.h"
#include "operate/command.h"

/* A deployed definition: the first record of its name and version. */
struct saga_deployed {
    struct saga_slice name;
    uint32_t version;
    struct saga_slice source;
    char sha256[2 * SAGA_SHA256_BYTES + 1];
    int64_t deployed_ms;
    int64_t offset;
    struct saga_slice who, from; /* absent: the record does not say it */
};
/* Who deploys, and from where. */
struct saga_deployer {
    struct saga_slice who, from;
};
/* A record of the topic that puts nothing in force. */
struct saga_left_out {
    int64_t offset;
    const char *key; /* printable; NULL: none */
    const char *why;
};
struct saga_deployment {
    struct saga_deployed *items; /* sorted by name, then version */
    size_t count;
    size_t capacity;
    struct saga_left_out *left_out; /* in their order */
    size_t left_out_count;
    size_t left_out_capacity;
};

/* One record of the topic, in their order: the first of a name and version stands, the same one
 * again says nothing. Copies what it keeps into `arena`. */
void saga_deployment_take(struct saga_deployment *deployment, const struct saga_message *record,
                          struct saga_arena *arena);

/* Reads the topic to its end. An exit code; a topic that is not there yet is SAGA_EXIT_FAILED with
 * words. */
int saga_deployment_read(struct saga_call *call, struct saga_deployment *ret);
/* NULL where there is none. */
const struct saga_deployed *saga_deployment_find(const struct saga_deployment *deployment,
                                                 struct saga_slice name, uint32_t version);
const struct saga_deployed *saga_deployment_newest(const struct saga_deployment *deployment,
                                                   struct saga_slice name);
/* Says that no such definition is deployed, with the nearest name. SAGA_EXIT_NOT_FOUND. */
int saga_deployment_miss(struct saga_call *call, const struct saga_deployment *deployment,
                         struct saga_slice name);

/* Loads a definition that somebody else checked when it was deployed. NULL with words said if this
 * version of the program cannot read it. The caller frees it. */
struct saga_definition *saga_deployed_load(struct saga_call *call,
                                           const struct saga_deployed *deployed);

/* The definition that a saga is on, read from its topic, without words said and without a long wait
 * for a broker that is away. NULL where it is not to be had: `*ret_why` says why, in the call's
 * arena. The caller frees it. */
struct saga_definition *saga_definition_of_state(struct saga_call *call,
                                                 const struct saga_state *state,
                                                 const char **ret_why);

/* Everything that is deployed, loaded. What this version cannot read is left out, with words said.
 * An exit code; the catalog is the caller's. */
int saga_call_catalog(struct saga_call *call, struct saga_catalog **ret);
/* The same for who only adds a word by it: false, without words, where it is not to be had. */
bool saga_call_catalog_if_there(struct saga_call *call, struct saga_catalog **ret);

/* One as `saga definitions -o json` lists it. */
json_t *saga_deployed_json(const struct saga_deployed *deployed, struct saga_slice summary);
/* A finding, and all of them, as `saga check -o json` tells them. */
json_t *saga_finding_json(const struct saga_diagnostic *finding);
json_t *saga_findings_json(const struct saga_diagnostics *findings);

/* Loads every file and prints all findings to standard error; message types and bodies are checked
 * against `schemas` (NULL: they are not). On SAGA_EXIT_DONE the `count` definitions are the caller's. */
int saga_load_files(struct saga_call *call, const struct saga_schemas *schemas,
                    const char *const *paths, size_t count, struct saga_definition **ret);
void saga_free_definitions(struct saga_definition **definitions, size_t count);

/* Deploys files: all are loaded and compared with what is there before anything is sent. Says on
 * standard output what became of each. */
int saga_deploy_files(struct saga_call *call, const char *const *paths, size_t count,
                      bool create_topics);

/* Topics that are needed and not there. */
enum saga_missing_topics {
    SAGA_MISSING_TOPICS_REFUSED,
    SAGA_MISSING_TOPICS_MADE,
    SAGA_MISSING_TOPICS_ALLOWED
};
/* Deploys what is loaded. Says nothing but what goes wrong; `ret_news` has `count` places: was it not in force before? */
int saga_deploy_loaded(struct saga_call *call, struct saga_definition *const *definitions,
                       size_t count, enum saga_missing_topics missing,
                       const struct saga_deployer *deployer, bool *ret_news);
/* The same in the name of who gave the command; says on standard output what became of each. */
int saga_deploy_and_report(struct saga_call *call, struct saga_definition *const *definitions,
                           size_t count, enum saga_missing_topics missing);

/* Tells the schedules of these definitions which version is in force now (the newest that is deployed, read back). Twice
 * is once. An exit code. */
int saga_deploy_schedules(struct saga_call *call, const struct saga_deployment *deployment,
                          struct saga_definition *const *definitions, size_t count);

/* Makes the topics that are missing: the coordinator's own, and those that the definitions name,
 * with as many partitions as there are lanes. Says what it made, unless `quiet`. Makes nothing and
 * fails where one of the coordinator's own is there with another number; of others it warns. */
int saga_make_topics(struct saga_call *call, struct saga_definition *const *definitions,
                     size_t count, bool quiet);
/* All topics that the coordinator and these definitions need with so many lanes, each once; the coordinator's own come first. In
 * the call's arena. */
void saga_needed_topics(struct saga_call *call, uint32_t lanes,
                        struct saga_definition *const *definitions, size_t count,
                        struct saga_topic_spec **ret, size_t *ret_count);

extern const struct saga_subcommand saga_subcommand_check;
extern const struct saga_subcommand saga_subcommand_explain;
extern const struct saga_subcommand saga_subcommand_graph;
extern const struct saga_subcommand saga_subcommand_deploy;
extern const struct saga_subcommand saga_subcommand_definitions;

#endif
