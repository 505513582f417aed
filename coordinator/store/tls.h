/* TLS under a connection to Redis. hiredis has it from 1.0 on, Debian 12 brings 0.14: so its reader and its words are used,
 * and what goes over the socket passes through here. Private to the store. Used by one thread. */
#ifndef SAGA_STORE_TLS_H
#define SAGA_STORE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/views.h"

struct redisContext;
struct saga_tls;

/* Can certificates and key be used? Asks no server. Errors: SAGA_E_STOP, `problem` has the words. */
int saga_tls_try_files(const struct saga_redis_tls *config, char *problem, size_t problem_size);
/* Shakes hands over the context's socket, TLS 1.2 or 1.3, and looks whether the server's certificate is for `host` (or the
 * config's server_name). The files are read anew with each connection, so that a renewed certificate is taken.
 * Errors: SAGA_E_STOP (files or certificates will not do), SAGA_E_AGAIN; `problem` has the words.
 * `*ret` is freed with saga_tls_free, before the context. */
int saga_tls_open(const struct saga_redis_tls *config, const char *host,
                  struct redisContext *context, char *problem, size_t problem_size,
                  struct saga_tls **ret);
void saga_tls_free(struct saga_tls *tls);

/* As redisAppendFormattedCommand, a full redisBufferWrite and redisGetReply. On trouble they return false, with `err` and
 * `errstr` of the context, and errno, as hiredis sets them. */
void saga_tls_append(struct saga_tls *tls, const char *bytes, size_t size);
bool saga_tls_flush(struct saga_tls *tls);
bool saga_tls_receive(struct saga_tls *tls, void **ret_reply);

/* Was the last trouble one that only another setting mends? In words with what to do; NULL: it was not. With TLS 1.3 a
 * server tells only after the handshake that it does not like a client's certificate. */
const char *saga_tls_refusal(const struct saga_tls *tls);

/* Has the server ended it, or said something unasked? Does not wait. */
bool saga_tls_has_ended(struct saga_tls *tls);

#endif
