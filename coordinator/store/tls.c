#include "store/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/wire.h"

enum { READ_BYTES = 16 * 1024 }; /* a record of TLS */

struct saga_tls {
    redisContext *context;
    SSL *ssl;
    const char *refusal;
    struct saga_wire out; /* what is to be sent */
};

/* What the server says by an alert, and what its first bytes tell. */
static const struct {
    int reason;
    const char *words;
} refusals[] = {
    { SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
      "it wants a certificate of this client: set redis.tls.certificate and redis.tls.key" },
    { SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
      "it refuses the handshake; it may want a certificate of this client: set "
      "redis.tls.certificate and redis.tls.key" },
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA,
      "it does not trust this client's certificate: redis.tls.certificate must be signed by an "
      "authority of its tls-ca-cert-file" },
    { SSL_R_TLSV1_ALERT_DECRYPT_ERROR,
      "it does not trust this client's certificate: redis.tls.certificate must be signed by an "
      "authority of its tls-ca-cert-file" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      "this client's certificate has expired: renew redis.tls.certificate" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
      "it does not take this client's certificate: look at redis.tls.certificate" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
      "it does not take this client's certificate: look at redis.tls.certificate" },
    { SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
      "it speaks an older TLS than 1.2: look at its tls-protocols" },
    { SSL_R_WRONG_VERSION_NUMBER,
      "it does not speak TLS on this port: give its tls-port, or set redis.tls.enabled to false" },
};

static const char *refusal_of(unsigned long code)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (ERR_GET_REASON(code) == refusals[i].reason) return refusals[i].words;
    return NULL;
}

/* ---- settings ---- */

/* A key with a passphrase fails: nobody sits there to be asked. */
static int no_passphrase(char *room, int size, int writing, void *context)
{
    (void)room, (void)size, (void)writing, (void)context;
    return -1;
}

static int cannot_use(const char *setting, const char *file, char *problem, size_t size)
{
    unsigned long code = ERR_peek_last_error();
    const char *why = code ? ERR_reason_error_string(code) : NULL;
    snprintf(problem, size,
             "%s: %s cannot be used (%s): it must be a PEM file that this user may "
             "read, without a passphrase",
             setting, file, why ? why : "unknown reason");
    return SAGA_E_STOP;
}

static int use_files(SSL_CTX *ctx, const struct saga_redis_tls *config, char *problem, size_t size)
{
    ERR_clear_error();
    if (config->ca ? SSL_CTX_load_verify_locations(ctx, config->ca, NULL) != 1
                   : SSL_CTX_set_default_verify_paths(ctx) != 1)
        return cannot_use("redis.tls.ca", config->ca ? config->ca : "of this machine", problem,
                          size);
    if (!config->certificate) return SAGA_OK;
    if (SSL_CTX_use_certificate_chain_file(ctx, config->certificate) != 1)
        return cannot_use("redis.tls.certificate", config->certificate, problem, size);
    if (SSL_CTX_use_PrivateKey_file(ctx, config->key, SSL_FILETYPE_PEM) != 1)
        return cannot_use("redis.tls.key", config->key, problem, size);
    return SAGA_OK;
}

/* Whom the certificate must be for; only names are told to the server beforehand (RFC 6066). */
static bool expect(SSL *ssl, const char *name)
{
    unsigned char address[16];
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* ---- the handshake ---- */

static int shake_hands(SSL *ssl, const char *name, char *problem, size_t size)
{
    ERR_clear_error();
    int done = SSL_connect(ssl);
    if (done == 1) return SAGA_OK;
    int number = errno, kind = SSL_get_error(ssl, done);
    long verified = SSL_get_verify_result(ssl);
    unsigned long code = ERR_peek_last_error();
    const char *refusal = kind == SSL_ERROR_SSL ? refusal_of(code) : NULL;
    if (kind == SSL_ERROR_SSL && verified != X509_V_OK) {
        snprintf(problem, size,
                 "its certificate is not trusted, or not for %s (%s): redis.tls.ca must have the "
                 "authority that signed it, redis.tls.server-name the name in it",
                 name, X509_verify_cert_error_string(verified));
        return SAGA_E_STOP;
    }
    if (refusal) {
        snprintf(problem, size, "%s", refusal);
        return SAGA_E_STOP;
    }
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        snprintf(problem, size, "no answer to TLS in time: does it speak TLS on this port?");
    else if (kind == SSL_ERROR_SSL)
        snprintf(problem, size, "TLS fails: %s", ERR_reason_error_string(code));
    else
        snprintf(problem, size, "it closed the connection during the TLS handshake%s%s",
                 number ? ": " : "", number ? strerror(number) : "");
    return SAGA_E_AGAIN;
}

/* NULL: the files will not do; words in `problem`. */
static SSL_CTX *make_context(const struct saga_redis_tls *config, char *problem, size_t size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) saga_memory_exhausted("OpenSSL");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (use_files(ctx, config, problem, size) == SAGA_OK) return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

int saga_tls_try_files(const struct saga_redis_tls *config, char *problem, size_t problem_size)
{
    SSL_CTX *ctx = make_context(config, problem, problem_size);
    SSL_CTX_free(ctx);
    return ctx ? SAGA_OK : SAGA_E_STOP;
}

int saga_tls_open(const struct saga_redis_tls *config, const char *host, redisContext *context,
                  char *problem, size_t problem_size, struct saga_tls **ret)
{
    const char *name = config->server_name ? config->server_name : host;
    int error = SAGA_OK;
    SSL_CTX *ctx = make_context(config, problem, problem_size);
    if (!ctx) return SAGA_E_STOP;
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx); /* the SSL holds it */
    if (!ssl || SSL_set_fd(ssl, context->fd) != 1) saga_memory_exhausted("OpenSSL");
    if (!expect(ssl, name)) {
        snprintf(problem, problem_size, "redis.tls.server-name: %s is no name", name);
        error = SAGA_E_STOP;
    }
    if (error == SAGA_OK) error = shake_hands(ssl, name, problem, problem_size);
    if (error < 0) {
        SSL_free(ssl);
        return error;
    }
    struct saga_tls *tls = saga_memory_zeroed(1, sizeof *tls);
    tls->context = context;
    tls->ssl = ssl;
    *ret = tls;
    return SAGA_OK;
}

void saga_tls_free(struct saga_tls *tls)
{
    if (!tls) return;
    SSL_free(tls->ssl);
    saga_wire_free(&tls->out);
    free(tls);
}

/* ---- bytes ---- */

/* Says it as hiredis does. `number` is errno as the call left it. */
static bool trouble(struct saga_tls *tls, int number)
{
    redisContext *context = tls->context;
    unsigned long code = ERR_peek_last_error();
    int kind = SSL_get_error(tls->ssl, 0);
    const char *words = strerror(number);
    context->err = REDIS_ERR_IO;
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
        number = EAGAIN; /* the socket's timeout */
    } else if (kind == SSL_ERROR_ZERO_RETURN || (kind == SSL_ERROR_SYSCALL && number == 0) ||
               (code && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        context->err = REDIS_ERR_EOF;
        words = "Server closed the connection";
    } else if (kind == SSL_ERROR_SSL) {
        context->err = REDIS_ERR_OTHER;
        tls->refusal = refusal_of(code);
        words = code ? ERR_reason_error_string(code) : "TLS fails";
    }
    snprintf(context->errstr, sizeof context->errstr, "%s", words ? words : "TLS fails");
    errno = number;
    return false;
}

void saga_tls_append(struct saga_tls *tls, const char *bytes, size_t size)
{
    saga_wire_add_bytes(&tls->out, bytes, size);
}

/* A server that hung up may have said why before. */
static void hear_why(struct saga_tls *tls)
{
    char byte;
    size_t size;
    int number = errno;
    if (tls->context->err != REDIS_ERR_IO || (number != EPIPE && number != ECONNRESET)) return;
    ERR_clear_error();
    errno = 0;
    if (SSL_peek_ex(tls->ssl, &byte, 1, &size) != 1) trouble(tls, errno ? errno : number);
}

bool saga_tls_flush(struct saga_tls *tls)
{
    size_t written;
    if (tls->out.size == 0) return true;
    ERR_clear_error();
    errno = 0;
    if (SSL_write_ex(tls->ssl, tls->out.data, tls->out.size, &written) != 1) {
        trouble(tls, errno);
        hear_why(tls);
        return false;
    }
    saga_wire_clear(&tls->out);
    return true;
}

bool saga_tls_receive(struct saga_tls *tls, void **ret_reply)
{
    char bytes[READ_BYTES];
    *ret_reply = NULL;
    if (!saga_tls_flush(tls)) return false;
    for (;;) {
        size_t size;
        if (redisGetReplyFromReader(tls->context, ret_reply) != REDIS_OK) return false;
        if (*ret_reply) return true;
        ERR_clear_error();
        errno = 0;
        if (SSL_read_ex(tls->ssl, bytes, sizeof bytes, &size) != 1) return trouble(tls, errno);
        redisReaderFeed(tls->context->reader, bytes,
                        size); /* an error of it is the reader's next */
    }
}

const char *saga_tls_refusal(const struct saga_tls *tls)
{
    return tls->refusal;
}

/* What is there may be of TLS alone, such as a ticket for another connection. */
bool saga_tls_has_ended(struct saga_tls *tls)
{
    char byte;
    size_t size;
    int fd = tls->context->fd, flags = fcntl(fd, F_GETFL);
    if (SSL_pending(tls->ssl) > 0) return true;
    if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return true;
    ERR_clear_error();
    bool alive = SSL_peek_ex(tls->ssl, &byte, 1, &size) != 1 &&
                 SSL_get_error(tls->ssl, 0) == SSL_ERROR_WANT_READ;
    return fcntl(fd, F_SETFL, flags) < 0 || !alive;
}
