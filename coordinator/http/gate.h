/* Who may do what: the file of tokens, client certificates, OpenID Connect; roles; how many requests a second. */
#ifndef SAGA_HTTP_GATE_H
#define SAGA_HTTP_GATE_H

#include "base/diagnostic.h"
#include "http/exchange.h"
#include "runtime/config.h"

struct saga_gate;

/* Reads what the settings name. Errors: SAGA_E_INVALID with words. */
int saga_gate_new(const struct saga_http_config *config, struct saga_arena *arena,
                  struct saga_gate **ret, struct saga_diagnostic *diagnostic);
void saga_gate_free(struct saga_gate *gate);
/* Reads what has changed since; logs what cannot be used, and goes on with what was. To be called about once a second, by one
 * thread that nobody waits for. */
void saga_gate_refresh(struct saga_gate *gate);
/* Is there anything that tells people apart? Where not, everybody may do everything. */
bool saga_gate_is_open(const struct saga_gate *gate);

/* Fills in who is asking, and whether they may: else it has answered 401, 403 or 429. `authorization`: that header, or
 * NULL; `certificate`: the common name of a client certificate that was verified, or NULL. */
bool saga_gate_pass(struct saga_gate *gate, struct saga_exchange *x, const char *authorization,
                    const char *certificate, enum saga_http_role needed);

const char *saga_role_name(enum saga_http_role role);
/* SAGA_ROLE_NONE: no such role. */
enum saga_http_role saga_role_of(struct saga_slice name);

#endif
