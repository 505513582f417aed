/* The server around libmicrohttpd: connections and their limits, the way of a request, headers of answers.
 *
 * One thread reads from the network. It looks at a request's head, refuses what is to be refused before a body is read, and
 * hands the whole request to a pool, with the connection suspended until the answer is there. Handlers that wait for nothing
 * run on it themselves. */
#include "http/server.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "http/gate.h"
#include "http/peers.h"
#include "http/stream.h"
#include "runtime/log.h"

/* ---- exchanges ---- */

struct saga_peer *saga_peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void name_peer(struct saga_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *bytes = NULL;
    if (address && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!bytes || !inet_ntop(address->sa_family, bytes, x->peer, sizeof x->peer))
        snprintf(x->peer, sizeof x->peer, "unknown");
}

/* The request line is there. What is returned is the request's context. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct saga_http *http = context;
    struct saga_exchange *x = saga_memory_zeroed(1, sizeof *x);
    x->http = http;
    x->connection = connection;
    x->began_ms = saga_monotonic_ms();
    saga_arena_init(&x->arena);
    x->raw_target = saga_arena_copy(&x->arena, saga_slice_of(target));
    saga_buffer_init(&x->body, &x->arena);
    saga_peer_enter(saga_peer_of(connection), SAGA_PEER_READS);
    return x;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode how)
{
    struct saga_exchange *x = *request;
    (void)context;
    (void)how;
    *request = NULL;
    if (!x) return;
    saga_stream_close(x->stream);
    atomic_fetch_sub(&x->http->bodies_bytes, x->body_bytes);
    saga_arena_free(&x->arena);
    free(x);
    saga_peer_enter(saga_peer_of(connection), SAGA_PEER_IDLES);
}

/* ---- answers ---- */

static const char api_policy[] = "default-src 'none'; frame-ancestors 'none'";
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static void add_headers(const struct saga_exchange *x, struct MHD_Response *response)
{
    char number[16];
    bool page = x->content_type && strncmp(x->content_type, "text/html", 9) == 0;
    if (x->content_type) add(response, "Content-Type", x->content_type);
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "Content-Security-Policy", page ? page_policy : api_policy);
    add(response, "Referrer-Policy", "no-referrer");
    add(response, "Cross-Origin-Resource-Policy", "same-origin");
    add(response, "Cross-Origin-Opener-Policy", "same-origin");
    add(response, "Cache-Control",
        x->cached ? "public, max-age=31536000, immutable"
        : x->etag ? "no-cache"
                  : "no-store");
    if (x->stream) add(response, "X-Accel-Buffering", "no"); /* nginx would keep it to its end */
    if (x->http->tls) add(response, "Strict-Transport-Security", "max-age=31536000");
    if (x->etag) add(response, "ETag", x->etag);
    if (x->gzipped) add(response, "Content-Encoding", "gzip");
    if (x->etag) add(response, "Vary", "Accept-Encoding");
    if (x->location.size) add(response, "Location", x->location.data);
    if (x->allow) add(response, "Allow", x->allow);
    if (x->challenge) add(response, "WWW-Authenticate", "Bearer realm=\"saga\"");
    if (x->retry_after_s) {
        snprintf(number, sizeof number, "%u", x->retry_after_s);
        add(response, "Retry-After", number);
    }
}

/* What was refused is told, and who did what; what was looked at only to who asks for it. */
static void log_answer(const struct saga_exchange *x)
{
    bool write = strcmp(x->method, "GET") != 0 && strcmp(x->method, "HEAD") != 0;
    bool refused = x->status >= 400 && x->status != 404 && x->status != 409 && x->status != 503;
    enum saga_log_level level = refused ? SAGA_LOG_WARNING
                                : write && x->route && x->route->role > SAGA_ROLE_VIEWER &&
                                        x->route->place != SAGA_PLACE_HERE
                                    ? SAGA_LOG_INFO
                                    : SAGA_LOG_DEBUG;
    struct saga_slice path = x->raw_target;
    const char *query = memchr(path.data, '?', path.size);
    if (query) path.size = (size_t)(query - path.data);
    path = saga_slice_clip(path, 300);
    if (level == SAGA_LOG_WARNING && !saga_peers_may_log(x->http)) return;
    saga_log(level, refused ? "request refused" : "request",
             "method=\"%s\" path=\"%.*s\" status=%u subject=\"%.*s\" client=%s", x->method,
             SAGA_SLICE_ARG(path), x->status, SAGA_SLICE_ARG(x->identity.subject), x->peer);
}

static enum MHD_Result queue_answer(struct saga_exchange *x)
{
    struct MHD_Response *response =
        x->stream ? saga_stream_response(x->stream)
                  : MHD_create_response_from_buffer(
                        x->answer.size, (void *)(uintptr_t)x->answer.data, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    add_headers(x, response);
    log_answer(x);
    saga_peer_enter(saga_peer_of(x->connection),
                    x->stream ? SAGA_PEER_LISTENS : SAGA_PEER_IS_ANSWERED);
    enum MHD_Result result = MHD_queue_response(x->connection, x->status, response);
    MHD_destroy_response(response);
    return result;
}

void saga_exchange_complete(struct saga_exchange *x)
{
    struct saga_http *http = x->http;
    SAGA_ASSERT(x->answered);
    MHD_resume_connection(x->connection);
    atomic_fetch_sub(&http->in_hand, 1);
}

/* ---- the head of a request ---- */

static const char *header(const struct saga_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

struct joined {
    const char *name;
    struct saga_buffer text;
};

static enum MHD_Result join_value(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct joined *joined = context;
    (void)kind;
    if (!value || strcasecmp(name, joined->name) != 0) return MHD_YES;
    if (joined->text.size) saga_buffer_add_char(&joined->text, ',');
    saga_buffer_add(&joined->text, saga_slice_of(value));
    return MHD_YES;
}

struct saga_slice saga_exchange_header(struct saga_exchange *x, const char *name)
{
    struct joined joined = { .name = name };
    saga_buffer_init(&joined.text, &x->arena);
    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, join_value, &joined);
    return joined.text.size ? saga_buffer_slice(&joined.text) : SAGA_SLICE_NONE;
}

static bool is_local_name(const char *host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = strlen(names[i]);
        if (strncasecmp(host, names[i], size) == 0 && (host[size] == '\0' || host[size] == ':'))
            return true;
    }
    return false;
}

/* A page from elsewhere whose name was made to lead here must not be taken for this machine's own. */
static bool check_host(struct saga_exchange *x)
{
    const char *host = header(x, "Host");
    if (!x->http->loopback || !saga_gate_is_open(x->http->gate)) return true;
    if (!host || is_local_name(host)) return true;
    saga_exchange_problem(x, 421, "other-host",
                          "ask localhost, or give the API tokens: setting http.tokens",
                          "without tokens, only localhost is answered for");
    return false;
}

/* Pages of other sites may make a browser send things. */
static bool check_origin(struct saga_exchange *x)
{
    const char *origin = header(x, "Origin"), *host = header(x, "Host");
    const char *site = header(x, "Sec-Fetch-Site");
    if (strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0) return true;
    const char *slashes = origin ? strstr(origin, "://") : NULL;
    bool other = origin && (!slashes || !host || strcasecmp(slashes + 3, host) != 0);
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) other = true;
    if (!other) return true;
    saga_exchange_problem(x, 403, "cross-site", NULL, "the request comes from another site's page");
    return false;
}

static bool has_body(const struct saga_exchange *x, unsigned long long *ret_size)
{
    const char *length = header(x, "Content-Length");
    *ret_size = 0;
    if (header(x, "Transfer-Encoding")) return true;
    return length && saga_slice_to_u64(saga_slice_of(length), ret_size) == SAGA_OK && *ret_size > 0;
}

static bool refuse_size(struct saga_exchange *x)
{
    saga_exchange_problem(x, 413, "too-large", NULL, "a body here has at most %zu bytes",
                          x->route->body_bytes_max);
    return false;
}

static bool check_body(struct saga_exchange *x)
{
    unsigned long long size;
    const char *type = header(x, "Content-Type"), *wanted = x->route->body;
    bool there = has_body(x, &size);
    if (!wanted) {
        if (!there) return true;
        saga_exchange_problem(x, 400, "no-body", NULL, "no body is read here");
        return false;
    }
    if (size > x->route->body_bytes_max) return refuse_size(x);
    size_t main = type ? strcspn(type, "; ") : 0;
    if (type && main == strlen(wanted) && strncasecmp(type, wanted, main) == 0) return true;
    saga_exchange_problem(x, 415, "content-type", NULL, "Content-Type must be %s", wanted);
    return false;
}

/* The common name of a client certificate that one of ours has signed, in the arena; NULL: none. */
static const char *certificate_of(struct saga_exchange *x)
{
    unsigned status = 0, count = 0;
    char name[256];
    size_t size = sizeof name;
    const char *found = NULL;
    gnutls_x509_crt_t certificate;
    if (!x->http->config->http.client_ca) return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info ? (gnutls_session_t)info->tls_session : NULL;
    if (!session || gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
        return NULL;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (!chain || count == 0 || gnutls_x509_crt_init(&certificate) < 0) return NULL;
    if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
                                      &size) == 0)
        found = saga_arena_string(&x->arena, (struct saga_slice){ name, size });
    gnutls_x509_crt_deinit(certificate);
    return found;
}

static bool parse_target(struct saga_exchange *x)
{
    const char *why = "";
    int error = saga_target_parse(x->raw_target, &x->arena, &x->target, &why);
    if (error < 0)
        saga_exchange_problem(x, error == SAGA_E_LIMIT ? 414 : 400, "bad-target", NULL,
                              "the target cannot be read: %s", why);
    return error == SAGA_OK;
}

/* False: it is answered. */
static bool look_at_head(struct saga_exchange *x)
{
    name_peer(x);
    if (!parse_target(x) || !check_host(x) || !saga_http_route(x) || !check_origin(x)) return false;
    if (!saga_gate_pass(x->http->gate, x, header(x, "Authorization"), certificate_of(x),
                        x->route->role))
        return false;
    return check_body(x);
}

/* ---- the way of a request ---- */

static void handle_here(struct saga_exchange *x, bool *later)
{
    x->later = later;
    x->route->handle(x);
}

/* On another thread, or by somebody later: the connection waits without being looked at. */
static void handle(struct saga_exchange *x)
{
    struct saga_http *http = x->http;
    struct saga_pool *pool = x->route->place == SAGA_PLACE_QUICK ? http->quick : http->slow;
    bool later = false;
    atomic_fetch_add(&http->in_hand, 1);
    MHD_suspend_connection(x->connection);
    if (x->route->place == SAGA_PLACE_HERE) {
        handle_here(x, &later);
        if (!later) saga_exchange_complete(x);
    } else if (!saga_pool_add(pool, x)) {
        x->retry_after_s = 1;
        saga_exchange_problem(x, 503, "busy", "ask again in a second",
                              "too many requests are waiting already");
        saga_exchange_complete(x);
    }
}

static bool take_body(struct saga_exchange *x, const char *bytes, size_t size)
{
    if (x->body.size + size > x->route->body_bytes_max) return refuse_size(x);
    x->body_bytes += size;
    if (atomic_fetch_add(&x->http->bodies_bytes, size) + size > SAGA_HTTP_BODIES_BYTES_MAX) {
        x->retry_after_s = 1;
        saga_exchange_problem(x, 503, "busy", "ask again in a second",
                              "too many large requests are being read already");
        return false;
    }
    saga_buffer_append(&x->body, bytes, size);
    return true;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request)
{
    struct saga_exchange *x = *request;
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    if (!x) return MHD_NO;
    if (!x->head_seen) {
        x->head_seen = true;
        x->method = saga_arena_string(&x->arena, saga_slice_of(method));
        if (!look_at_head(x)) return queue_answer(x);
        return MHD_YES;
    }
    if (*upload_size) {
        /* what was refused is read on to its end by MHD, and kept nowhere */
        if (!x->answered && !take_body(x, upload, *upload_size)) x->body.size = 0;
        *upload_size = 0;
        return MHD_YES;
    }
    if (x->answered) return queue_answer(x);
    saga_peer_enter(saga_peer_of(connection), SAGA_PEER_WAITS);
    handle(x);
    return MHD_YES;
}

/* ---- the daemon ---- */

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct saga_http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        int on = 1;
        /* else an answer waits for the acknowledgement of the one before */
        (void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        *socket_context = saga_peer_new(http, info->connect_fd);
    } else {
        saga_peer_free(*socket_context);
        *socket_context = NULL;
    }
}

static void log_of_mhd(void *context, const char *format, va_list arguments)
{
    char text[512];
    (void)context;
    int size = vsnprintf(text, sizeof text, format, arguments);
    while (size > 0 && (size_t)size < sizeof text && text[size - 1] == '\n') text[--size] = '\0';
    saga_log(SAGA_LOG_DEBUG, "http", "text=\"%s\"", text);
}

static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text); /* target.c does it, from what was sent */
}

int saga_http_listen(struct saga_http *http)
{
    const struct saga_http_pem *pem = &http->pem;
    /* Not epoll: where exactly 128 connections, as many as it asks for at once, are ready together, libmicrohttpd 0.9.75 leaves them
     * unread for ever (`./dev bench api starts -c 128`). */
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (pem->certificate ? MHD_USE_TLS : 0);
    unsigned connections = http->config->http.connections;
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, pem->certificate },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key },
        { MHD_OPTION_HTTPS_PRIORITIES, 0,
          (void *)(uintptr_t) "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE" },
        { pem->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, pem->client_ca },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, log_of_mhd, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->listener, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SAGA_HTTP_HEAD_BYTES_MAX,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)2048, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_ARRAY, pem->certificate ? tls : none, MHD_OPTION_END);
    if (!http->daemon) return SAGA_E_STOP;
    http->listener = -1;
    return SAGA_OK;
}

void saga_http_stop_listening(struct saga_http *http)
{
    (void)MHD_quiesce_daemon(http->daemon);
}

void saga_http_close(struct saga_http *http)
{
    MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
}
