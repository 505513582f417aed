#include "http/peers.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/monotonic.h"
#include "runtime/log.h"

enum { LOGS_A_SECOND = 20 };

struct saga_peer {
    struct saga_http *http;
    struct saga_peer *before, *next;
    int file;
    enum saga_peer_phase phase;
    int64_t since_ms; /* monotonic */
    bool cut_off;
};

struct saga_peer *saga_peer_new(struct saga_http *http, int file)
{
    struct saga_peer *peer = saga_memory_zeroed(1, sizeof *peer);
    peer->http = http;
    peer->file = file;
    peer->since_ms = saga_monotonic_ms();
    pthread_mutex_lock(&http->lock);
    peer->next = http->peers;
    if (peer->next) peer->next->before = peer;
    http->peers = peer;
    pthread_mutex_unlock(&http->lock);
    return peer;
}

void saga_peer_free(struct saga_peer *peer)
{
    if (!peer) return;
    struct saga_http *http = peer->http;
    pthread_mutex_lock(&http->lock);
    if (peer->before)
        peer->before->next = peer->next;
    else
        http->peers = peer->next;
    if (peer->next) peer->next->before = peer->before;
    pthread_mutex_unlock(&http->lock);
    free(peer);
}

void saga_peer_enter(struct saga_peer *peer, enum saga_peer_phase phase)
{
    if (!peer) return;
    pthread_mutex_lock(&peer->http->lock);
    peer->phase = phase;
    peer->since_ms = saga_monotonic_ms();
    pthread_mutex_unlock(&peer->http->lock);
}

static int64_t limit_of(enum saga_peer_phase phase)
{
    switch (phase) {
    case SAGA_PEER_IDLES: return SAGA_HTTP_IDLE_MS_MAX;
    case SAGA_PEER_READS: return SAGA_HTTP_REQUEST_MS_MAX;
    case SAGA_PEER_IS_ANSWERED: return SAGA_HTTP_ANSWER_MS_MAX;
    case SAGA_PEER_WAITS:
    case SAGA_PEER_LISTENS: break;
    }
    return INT64_MAX;
}

void saga_peer_cut_off(struct saga_peer *peer)
{
    if (!peer) return;
    pthread_mutex_lock(&peer->http->lock);
    (void)shutdown(peer->file, SHUT_RDWR); /* the network's thread sees its end and closes it */
    peer->cut_off = true;
    pthread_mutex_unlock(&peer->http->lock);
}

bool saga_peer_has_gone(const struct saga_peer *peer)
{
    struct pollfd file = { .fd = peer ? peer->file : -1, .events = POLLRDHUP };
    return poll(&file, 1, 0) > 0;
}

void saga_peers_sweep(struct saga_http *http)
{
    int64_t now_ms = saga_monotonic_ms();
    unsigned slow = 0;
    pthread_mutex_lock(&http->lock);
    for (struct saga_peer *peer = http->peers; peer; peer = peer->next) {
        if (peer->cut_off || now_ms - peer->since_ms <= limit_of(peer->phase)) continue;
        /* the network's thread sees its end and closes it */
        (void)shutdown(peer->file, SHUT_RDWR);
        peer->cut_off = true;
        slow += peer->phase != SAGA_PEER_IDLES;
    }
    pthread_mutex_unlock(&http->lock);
    if (slow) saga_log(SAGA_LOG_WARNING, "slow clients cut off", "connections=%u", slow);
}

bool saga_peers_may_log(struct saga_http *http)
{
    int64_t second = saga_monotonic_ms() / 1000;
    pthread_mutex_lock(&http->lock);
    if (second != http->log_second) {
        http->log_second = second;
        http->logged = 0;
    }
    bool may = http->logged++ < LOGS_A_SECOND;
    pthread_mutex_unlock(&http->lock);
    return may;
}
