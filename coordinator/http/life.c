/* The life of the server: address, certificates, threads, and the end of them. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "http/changes.h"
#include "http/gate.h"
#include "http/known.h"
#include "http/peers.h"
#include "http/waiting.h"
#include "http/what_if.h"
#include "operate/letter_notes.h"
#include "runtime/log.h"

enum { QUICK_THREADS = 2, SLOW_THREADS = 6, BACKLOG = 511, KEEP_MS = 500, LEAVE_MS = 5000 };
enum { PEM_BYTES_MAX = 1024 * 1024 };
/* Where there is not enough processor for all, a thread of the API gets a tenth of what a lane's does: whoever asks waits, not the
 * sagas. */
enum { NICE = 10 };

/* ---- the address ---- */

/* "8080", ":8080", "host:8080", "[::1]:8080" */
static void split_address(const char *address, struct saga_arena *arena, const char **ret_host,
                          const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t host_size = colon ? (size_t)(colon - address) : 0;
    *ret_port = colon ? colon + 1 : address;
    if (host_size > 1 && address[0] == '[' && address[host_size - 1] == ']')
        *ret_host = saga_arena_string(arena, (struct saga_slice){ address + 1, host_size - 2 });
    else
        *ret_host = saga_arena_string(arena, (struct saga_slice){ address, host_size });
    if (!**ret_host) *ret_host = "127.0.0.1"; /* nobody else unless it is asked for */
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >>
                24) == 127;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static uint16_t port_of(int file)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(file, (struct sockaddr *)&bound, &size) < 0) return 0;
    return ntohs(bound.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&bound)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&bound)->sin_port);
}

static int bind_to(const struct addrinfo *where)
{
    int on = 1, file = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) return -1;
    (void)setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(file, where->ai_addr, where->ai_addrlen) == 0) return file;
    int error = errno;
    close(file);
    errno = error;
    return -1;
}

static int cannot_listen(const struct saga_http *http, const char *why, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    saga_diagnostic_set(diagnostic, arena, "the HTTP API cannot listen on %s: %s",
                        http->config->http.address, why);
    saga_diagnostic_mend(diagnostic, arena,
                         "does another program have the port? the setting is http.address");
    return SAGA_E_STOP;
}

/* Takes the address. Who connects is refused until it is listened to. */
static int take_address(struct saga_http *http, struct saga_arena *arena,
                        struct saga_diagnostic *diagnostic)
{
    const char *host, *port;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
    split_address(http->config->http.address, arena, &host, &port);
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed) return cannot_listen(http, gai_strerror(failed), arena, diagnostic);
    http->listener = bind_to(found);
    int number = errno;
    http->loopback = is_loopback(found->ai_addr);
    freeaddrinfo(found);
    if (http->listener < 0) return cannot_listen(http, strerror(number), arena, diagnostic);
    http->port = port_of(http->listener);
    return SAGA_OK;
}

/* ---- certificates ---- */

static int read_pem(const char *path, struct saga_arena *arena, char **ret,
                    struct saga_diagnostic *diagnostic)
{
    if (!path) return SAGA_OK;
    FILE *file = fopen(path, "rb");
    char *text = saga_arena_alloc(arena, PEM_BYTES_MAX + 1);
    size_t size = file ? fread(text, 1, PEM_BYTES_MAX, file) : 0;
    bool good = file && !ferror(file) && size > 0;
    if (!good)
        saga_diagnostic_set(diagnostic, arena, "the file %s cannot be read: %s", path,
                            file ? "there is nothing in it" : strerror(errno));
    if (file) fclose(file);
    *ret = text;
    return good ? SAGA_OK : SAGA_E_INVALID;
}

static gnutls_datum_t datum_of(char *text)
{
    return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

/* What MHD will make of them, which only says that it cannot. */
static int try_certificates(const struct saga_http_config *c, const struct saga_http_pem *pem,
                            struct saga_arena *arena, struct saga_diagnostic *diagnostic)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t certificate = datum_of(pem->certificate), key = datum_of(pem->key), ca;
    if (gnutls_certificate_allocate_credentials(&credentials) < 0) saga_memory_exhausted("GnuTLS");
    int fits =
        gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    int count = 1;
    if (fits >= 0 && pem->client_ca) {
        ca = datum_of(pem->client_ca);
        count = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
    }
    gnutls_certificate_free_credentials(credentials);
    if (fits >= 0 && count > 0) return SAGA_OK;
    if (fits < 0) {
        saga_diagnostic_set(diagnostic, arena, "TLS cannot be served with %s and %s: %s",
                            c->certificate, c->key, gnutls_strerror(fits));
        saga_diagnostic_mend(diagnostic, arena,
                             "http.tls.certificate and http.tls.key are PEM files that belong "
                             "together, the key without a passphrase");
    } else {
        saga_diagnostic_set(diagnostic, arena, "there is no certificate in %s", c->client_ca);
        saga_diagnostic_mend(diagnostic, arena,
                             "http.tls.client-ca is a PEM file with those that sign clients'");
    }
    return SAGA_E_INVALID;
}

static int read_certificates(struct saga_http *http, struct saga_diagnostic *diagnostic)
{
    const struct saga_http_config *c = &http->config->http;
    struct saga_http_pem *pem = &http->pem;
    if (!c->certificate != !c->key || (c->client_ca && !c->certificate)) {
        saga_diagnostic_set(diagnostic, &http->arena,
                            "for TLS, the HTTP API needs a certificate and its key");
        saga_diagnostic_mend(diagnostic, &http->arena, "set http.tls.certificate and http.tls.key");
        return SAGA_E_INVALID;
    }
    int error = read_pem(c->certificate, &http->arena, &pem->certificate, diagnostic);
    if (error == SAGA_OK) error = read_pem(c->key, &http->arena, &pem->key, diagnostic);
    if (error == SAGA_OK) error = read_pem(c->client_ca, &http->arena, &pem->client_ca, diagnostic);
    http->tls = c->certificate != NULL;
    return error == SAGA_OK && http->tls ? try_certificates(c, pem, &http->arena, diagnostic)
                                         : error;
}

/* ---- threads ---- */

static void *keeper_main(void *context)
{
    struct saga_http *http = context;
    for (unsigned turn = 0; !atomic_load(&http->stopping); turn++) {
        saga_sleep_ms(KEEP_MS);
        saga_peers_sweep(http);
        if (turn % 2) saga_gate_refresh(http->gate);
    }
    return NULL;
}

static void warn(const struct saga_http *http)
{
    if (http->loopback) return;
    if (saga_gate_is_open(http->gate))
        saga_log(SAGA_LOG_WARNING, "http: everybody who reaches this address may do everything",
                 "address=%s words=\"set http.tokens or http.oidc.issuer, or listen on 127.0.0.1\"",
                 http->config->http.address);
    else if (!http->tls)
        saga_log(SAGA_LOG_WARNING, "http: tokens go over the network in the clear",
                 "address=%s words=\"set http.tls.certificate, or let a proxy on this machine do "
                 "TLS\"",
                 http->config->http.address);
}

/* On Linux each thread has a nice value, which it passes on to those that it makes. */
void saga_http_yield(int by)
{
    if (setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + by) < 0)
        saga_log(SAGA_LOG_WARNING, "http: a thread has too high a priority", "words=\"%s\"",
                 strerror(errno));
}

static void begin_threads(struct saga_http *http)
{
    saga_letter_notes_new(&http->letter_notes);
    (void)saga_known_new(http, &http->known);
    (void)saga_pool_new(http, QUICK_THREADS, &http->quick);
    (void)saga_pool_new(http, SLOW_THREADS, &http->slow);
    (void)saga_waiting_new(http, &http->waiting);
    (void)saga_changes_new(http, &http->changes);
    (void)saga_what_ifs_new(http, &http->what_ifs);
    int failed = pthread_create(&http->keeper, NULL, keeper_main, http);
    SAGA_ASSERT(!failed);
}

struct beginning {
    struct saga_http *http;
    int error;
};

/* On a thread of its own, which others than those of the API do not come from. */
static void *begin_main(void *context)
{
    struct beginning *b = context;
    saga_http_yield(NICE);
    begin_threads(b->http);
    b->error = saga_http_listen(b->http);
    return NULL;
}

static int begin(struct saga_http *http)
{
    struct beginning b = { http, SAGA_OK };
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, begin_main, &b);
    SAGA_ASSERT(!failed);
    pthread_join(thread, NULL);
    return b.error;
}

static void end_threads(struct saga_http *http)
{
    saga_waiting_free(http->waiting); /* first: it hands things to the pools */
    saga_pool_free(http->quick);
    saga_pool_free(http->slow);
    saga_what_ifs_free(http->what_ifs);
    saga_known_free(http->known);
    pthread_join(http->keeper, NULL);
}

static void release(struct saga_http *http)
{
    saga_changes_free(http->changes); /* streams are closed with their connections */
    saga_sender_free(http->sender);
    saga_gate_free(http->gate);
    saga_letter_notes_free(http->letter_notes);
    if (http->listener >= 0) close(http->listener);
    pthread_mutex_destroy(&http->lock);
    saga_arena_free(&http->arena);
    free(http);
}

int saga_http_open(const struct saga_config *config, struct saga_arena *arena,
                   struct saga_http **ret, struct saga_diagnostic *diagnostic)
{
    struct saga_http *http = saga_memory_zeroed(1, sizeof *http);
    http->config = config;
    http->listener = -1;
    saga_arena_init(&http->arena);
    pthread_mutex_init(&http->lock, NULL);
    saga_topics_name(config->topic_prefix, &http->arena, &http->topics);
    int error = saga_gate_new(&config->http, arena, &http->gate, diagnostic);
    if (error == SAGA_OK) error = read_certificates(http, diagnostic);
    if (error == SAGA_OK) error = saga_sender_new(&config->kafka, arena, &http->sender, diagnostic);
    if (error == SAGA_OK) error = take_address(http, arena, diagnostic);
    if (error < 0) {
        diagnostic->what = saga_arena_copy(arena, diagnostic->what);
        diagnostic->mend = saga_arena_copy(arena, diagnostic->mend);
        release(http);
        return error;
    }
    *ret = http;
    return SAGA_OK;
}

int saga_http_start(struct saga_http *http, struct saga_daemon *daemon, struct saga_arena *arena,
                    struct saga_diagnostic *diagnostic)
{
    http->coordinator = daemon;
    if (listen(http->listener, BACKLOG) < 0)
        return cannot_listen(http, strerror(errno), arena, diagnostic);
    if (begin(http) < 0) {
        saga_diagnostic_set(diagnostic, arena, "the HTTP API cannot be served");
        saga_diagnostic_mend(diagnostic, arena, "--log-level=debug has libmicrohttpd's words");
        atomic_store(&http->stopping, true);
        end_threads(http);
        return SAGA_E_STOP;
    }
    warn(http);
    saga_log(SAGA_LOG_INFO, "http api", "address=%s port=%u tls=%s tokens=%s",
             http->config->http.address, http->port, http->tls ? "yes" : "no",
             saga_gate_is_open(http->gate) ? "no" : "yes");
    return SAGA_OK;
}

static void leave(struct saga_http *http)
{
    saga_http_stop_listening(http);
    atomic_store(&http->stopping, true);
    saga_changes_wake(http->changes);
    saga_what_ifs_stop(http->what_ifs);
    int64_t until_ms = saga_monotonic_ms() + LEAVE_MS;
    while (atomic_load(&http->in_hand) > 0 && saga_monotonic_ms() < until_ms) saga_sleep_ms(10);
    /* what a broker that is away never answers is answered by the sender's end */
    saga_sender_free(http->sender);
    http->sender = NULL;
    end_threads(http);
    saga_http_close(http);
}

void saga_http_stop(struct saga_http *http)
{
    if (!http) return;
    if (http->daemon) leave(http);
    release(http);
}

uint16_t saga_http_port(const struct saga_http *http)
{
    return http->port;
}
