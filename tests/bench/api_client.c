#include "api_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_support.h"

enum { ROOM = 512 * 1024, REQUEST = 1024, TIMEOUT_MS = 30000, ASKED_MAX = 1000000 };

/* ---- one connection ---- */

void bench_peer_open(struct bench_peer *peer, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int on = 1;
    *peer = (struct bench_peer){ .file = socket(AF_INET, SOCK_STREAM, 0) };
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (connect(peer->file, (struct sockaddr *)&to, sizeof to) < 0)
        bench_stop("nobody answers on port %d", port);
    setsockopt(peer->file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer->room = malloc(ROOM + 1);
    if (!peer->room) bench_stop("out of memory");
}

void bench_peer_close(struct bench_peer *peer)
{
    close(peer->file);
    free(peer->room);
}

void bench_peer_send(struct bench_peer *peer, const char *request, size_t size)
{
    if (write(peer->file, request, size) != (ssize_t)size) bench_stop("a request cannot be sent");
    peer->asked_ms = bench_now_ms();
    peer->size = 0;
}

static void receive(struct bench_peer *peer)
{
    ssize_t size = read(peer->file, peer->room + peer->size, ROOM - peer->size);
    if (size <= 0) bench_stop("the API closed a connection: %s", strerror(errno));
    peer->size += (size_t)size;
    peer->room[peer->size] = '\0';
}

void bench_peer_await(struct bench_peer *peer, const char *text)
{
    struct pollfd file = { .fd = peer->file, .events = POLLIN };
    do {
        if (poll(&file, 1, TIMEOUT_MS) <= 0) bench_stop("no \"%s\" came in 30 s", text);
        receive(peer);
    } while (!strstr(peer->room, text));
    peer->size = 0;
}

/* Is all of the answer there? */
static bool is_whole(const struct bench_peer *peer)
{
    const char *end = strstr(peer->room, "\r\n\r\n"),
               *length = strcasestr(peer->room, "content-length:");
    if (!end || !length) return false;
    size_t head = (size_t)(end + 4 - peer->room);
    return peer->size >= head + strtoul(length + 15, NULL, 10);
}

/* ---- many of them ---- */

void bench_client_init(struct bench_client *client, int port)
{
    *client = (struct bench_client){ .port = port,
                                     .took_ms = calloc(ASKED_MAX, sizeof *client->took_ms) };
    if (!client->took_ms) bench_stop("out of memory");
}

void bench_client_free(struct bench_client *client)
{
    free(client->took_ms);
}

struct asking {
    struct bench_client *client;
    bench_request *make;
    struct bench_peer peers[BENCH_CONNECTIONS_MAX];
    struct pollfd files[BENCH_CONNECTIONS_MAX];
    unsigned connections, under_way;
    double every_ms; /* 0: no pauses */
    double due_ms;   /* the next request, where there are pauses */
    double until_ms;
};

static void ask(struct asking *a, struct bench_peer *peer)
{
    char request[REQUEST];
    int size = a->make(request, sizeof request, a->client->next++);
    bench_peer_send(peer, request, (size_t)size);
    a->under_way++;
    if (!a->every_ms) return;
    peer->asked_ms = a->due_ms;
    a->due_ms += a->every_ms;
}

/* Idle connections ask, as far as something is due. */
static void ask_what_is_due(struct asking *a)
{
    double now_ms = bench_now_ms();
    for (unsigned i = 0; i < a->connections && now_ms < a->until_ms; i++) {
        if (a->every_ms && a->due_ms > now_ms) return;
        if (a->peers[i].asked_ms == 0) ask(a, &a->peers[i]);
    }
}

static void take(struct asking *a, struct bench_peer *peer)
{
    struct bench_client *client = a->client;
    receive(peer);
    if (!is_whole(peer)) return;
    if (strncmp(peer->room, "HTTP/1.1 20", 11) != 0 && client->refused++ == 0)
        bench_say("refused: %.300s", peer->room);
    if (client->count < ASKED_MAX)
        client->took_ms[client->count++] = bench_now_ms() - peer->asked_ms;
    peer->asked_ms = 0;
    a->under_way--;
}

/* How long there is nothing to do but wait for answers. */
static int pause_ms(const struct asking *a)
{
    double left_ms = a->due_ms - bench_now_ms();
    bool must_wait = !a->every_ms || a->due_ms > a->until_ms || a->under_way == a->connections;
    if (must_wait) return TIMEOUT_MS;
    return left_ms > 0 ? (int)left_ms + 1 : 0;
}

static void run(struct asking *a)
{
    for (;;) {
        ask_what_is_due(a);
        if (!a->under_way && bench_now_ms() >= a->until_ms) return;
        int pause = pause_ms(a), ready = poll(a->files, a->connections, pause);
        if (ready == 0 && pause == TIMEOUT_MS && a->under_way) bench_stop("no answer in 30 s");
        for (unsigned i = 0; i < a->connections && ready > 0; i++)
            if (a->files[i].revents & (POLLIN | POLLHUP | POLLERR)) take(a, &a->peers[i]);
        if (!a->under_way && a->every_ms && a->due_ms > a->until_ms) return;
    }
}

double bench_client_ask(struct bench_client *client, bench_request *make, unsigned connections,
                        double rate, double seconds)
{
    static struct asking a;
    double began_ms = bench_now_ms();
    a = (struct asking){ .client = client,
                         .make = make,
                         .connections = connections,
                         .every_ms = rate > 0 ? 1000 / rate : 0,
                         .due_ms = began_ms,
                         .until_ms = began_ms + seconds * 1000 };
    client->count = client->refused = 0;
    for (unsigned i = 0; i < connections; i++) {
        bench_peer_open(&a.peers[i], client->port);
        a.files[i] = (struct pollfd){ .fd = a.peers[i].file, .events = POLLIN };
    }
    run(&a);
    double took_s = (bench_now_ms() - began_ms) / 1000;
    for (unsigned i = 0; i < connections; i++) bench_peer_close(&a.peers[i]);
    qsort(client->took_ms, client->count, sizeof *client->took_ms, bench_by_value);
    return took_s;
}

double bench_client_quantile(const struct bench_client *client, double share)
{
    size_t at = (size_t)((double)client->count * share);
    if (client->count == 0) return 0;
    return client->took_ms[at < client->count ? at : client->count - 1];
}

void bench_client_print(const struct bench_client *client, const char *name)
{
    printf("%s_p50_ms %12.1f\n", name, bench_client_quantile(client, 0.5));
    printf("%s_p99_ms %12.1f  of %zu\n", name, bench_client_quantile(client, 0.99), client->count);
    if (client->refused) printf("%s_refused %10zu\n", name, client->refused);
    fflush(stdout);
}
