/* What is deployed, as this process has read it: a thread follows the topic of definitions. What it has read stays as long as
 * the server, so that whoever has got an item keeps it without a lock. */
#ifndef SAGA_HTTP_KNOWN_H
#define SAGA_HTTP_KNOWN_H

#include "definition/definition.h"
#include "http/server.h"
#include "operate/definitions.h"

struct saga_known_item {
    struct saga_deployed deployed;
    struct saga_definition *definition; /* NULL: this version of the program cannot read it */
};

int saga_known_new(struct saga_http *http, struct saga_known **ret);
void saga_known_free(struct saga_known *known);
/* Was the topic read to its end once? Before, what is not known may be there all the same. */
bool saga_known_is_read(struct saga_known *known);
/* NULL where there is none. */
const struct saga_known_item *saga_known_find(struct saga_known *known, struct saga_slice name,
                                              uint32_t version);
const struct saga_known_item *saga_known_newest(struct saga_known *known, struct saga_slice name);
/* All of them, sorted by name and version, in `arena`. */
void saga_known_all(struct saga_known *known, struct saga_arena *arena,
                    const struct saga_known_item ***ret, size_t *ret_count);
/* Waits at most `timeout_ms` until this one is known, which was just deployed. */
void saga_known_await(struct saga_known *known, struct saga_slice name, uint32_t version,
                      int timeout_ms);

/* The definition's newest version, for a handler; NULL: it has answered. */
const struct saga_known_item *saga_exchange_newest(struct saga_exchange *x, struct saga_slice name);
/* The version that a path or a parameter names, the newest where the text is absent; NULL: it has answered. */
const struct saga_known_item *saga_exchange_version(struct saga_exchange *x, struct saga_slice name,
                                                    struct saga_slice version_text);

/* What the text of a request's body is called in findings. */
#define SAGA_BODY_FILE "definition.yaml"
/* The definition that the body holds, which is the caller's; NULL with findings where it is none, or where it has answered. */
struct saga_definition *saga_exchange_load(struct saga_exchange *x,
                                           struct saga_diagnostics *findings);
/* Answers 422 with them. */
void saga_exchange_refuse_findings(struct saga_exchange *x,
                                   const struct saga_diagnostics *findings);

#endif
