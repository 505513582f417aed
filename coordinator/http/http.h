/* The HTTP API (openapi.yaml), served by `saga run --http ADDRESS` beside the workers: threads and connections of its own,
 * so that no request is ever waited for by a lane. */
#ifndef SAGA_HTTP_HTTP_H
#define SAGA_HTTP_HTTP_H

#include "base/diagnostic.h"
#include "runtime/config.h"
#include "runtime/daemon.h"

struct saga_http;

/* Looks at all that the settings name, and takes the address; nobody is answered yet. `config`, which has an `http.address`,
 * must outlive it. Errors: SAGA_E_INVALID (tokens, keys, certificates), SAGA_E_STOP (the port is taken ...), with words. */
int saga_http_open(const struct saga_config *config, struct saga_arena *arena,
                   struct saga_http **ret, struct saga_diagnostic *diagnostic);
/* Listens and answers from then on, whether Kafka and Redis are there or not. `daemon`, of which the API tells, must outlive
 * it. Errors: SAGA_E_STOP with words. */
int saga_http_start(struct saga_http *http, struct saga_daemon *daemon, struct saga_arena *arena,
                    struct saga_diagnostic *diagnostic);
/* Answers what is in hand, cuts off who only listens, and frees it, started or not. NULL is fine. */
void saga_http_stop(struct saga_http *http);
/* The port that it listens on, where port 0 was asked for. */
uint16_t saga_http_port(const struct saga_http *http);

#endif
