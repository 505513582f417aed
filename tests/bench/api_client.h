/* A client of the HTTP API, for what is measured with it: connections with keep-alive, each with one request under way. */
#ifndef SAGA_BENCH_API_CLIENT_H
#define SAGA_BENCH_API_CLIENT_H

#include <stddef.h>

enum { BENCH_CONNECTIONS_MAX = 512 };

/* Writes a request, the `number`th; gives its size. */
typedef int bench_request(char *room, size_t size, unsigned number);

struct bench_client {
    int port;
    unsigned next;   /* number of the next request */
    double *took_ms; /* of what was asked last, ascending */
    size_t count, refused;
};
void bench_client_init(struct bench_client *client, int port);
void bench_client_free(struct bench_client *client);

/* Asks for so long, by so many connections. `rate`: requests a second, evenly; how long one takes counts from when it was due.
 * 0: each connection asks as soon as it is answered. Gives the seconds until all were answered. */
double bench_client_ask(struct bench_client *client, bench_request *make, unsigned connections,
                        double rate, double seconds);
/* In ascending order, of what was asked last; `share` of 1. */
double bench_client_quantile(const struct bench_client *client, double share);
/* "<name>_p50_ms", "<name>_p99_ms", and "<name>_refused" if there are any. */
void bench_client_print(const struct bench_client *client, const char *name);

/* ---- one connection by itself ---- */

struct bench_peer {
    int file;
    char *room;
    size_t size;
    double asked_ms; /* 0: nothing is under way */
};
void bench_peer_open(struct bench_peer *peer, int port);
void bench_peer_close(struct bench_peer *peer);
void bench_peer_send(struct bench_peer *peer, const char *request, size_t size);
/* Reads until the text comes, and forgets all up to what came with it. */
void bench_peer_await(struct bench_peer *peer, const char *text);

#endif
