/* The connections: how long each has been doing what it does. Who is slow on purpose is cut off, however little of it comes
 * at a time. */
#ifndef SAGA_HTTP_PEERS_H
#define SAGA_HTTP_PEERS_H

#include "http/server.h"

enum saga_peer_phase {
    SAGA_PEER_IDLES, /* between requests */
    SAGA_PEER_READS, /* its request comes */
    SAGA_PEER_WAITS, /* for an answer that is being made */
    SAGA_PEER_IS_ANSWERED,
    SAGA_PEER_LISTENS /* to an answer that goes on */
};

struct saga_peer;
struct saga_peer *saga_peer_new(struct saga_http *http, int file);
void saga_peer_free(struct saga_peer *peer); /* before its file is closed */
void saga_peer_enter(struct saga_peer *peer, enum saga_peer_phase phase); /* NULL is fine */
struct saga_peer *saga_peer_of(struct MHD_Connection *connection);        /* server.c */
/* Its connection ends, whatever it is doing. */
void saga_peer_cut_off(struct saga_peer *peer);
/* It sends nothing any more: closed, or broken. */
bool saga_peer_has_gone(const struct saga_peer *peer);
/* Cuts off who takes too long. */
void saga_peers_sweep(struct saga_http *http);
/* May one more refusal be logged? Few a second, so that nobody fills a disk with them. */
bool saga_peers_may_log(struct saga_http *http);

/* ---- server.c, for life.c ---- */

/* Takes the listener over. */
int saga_http_listen(struct saga_http *http);
void saga_http_stop_listening(struct saga_http *http);
void saga_http_close(struct saga_http *http);

#endif
