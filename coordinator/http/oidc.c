#include "http/oidc.h"

#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "http/jwt.h"
#include "http/server.h"
#include "runtime/log.h"

/* A provider's keys change seldom, and are announced before they are used; one that is asked for and not there is looked for
 * at once, but not for every token that somebody makes up. */
enum { OLD_MS = 300000, AGAIN_MS = 10000, FETCH_S = 3, BYTES_MAX = 1024 * 1024 };

struct saga_oidc {
    const struct saga_http_config *config;
    bool is_url;
    pthread_rwlock_t lock;
    struct saga_jwt_keys *keys; /* NULL: none came yet */
    atomic_bool lacks;          /* a token was signed with another key */
    int64_t asked_ms, read_ms;  /* monotonic */
    struct stat seen;
};

struct fetched {
    char *bytes;
    size_t size;
};

static size_t on_bytes(char *bytes, size_t one, size_t count, void *context)
{
    struct fetched *f = context;
    size_t size = one * count;
    if (f->size + size > BYTES_MAX) return 0;
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
    return size;
}

/* A redirect is not followed: whoever may answer for another address has no word in whose tokens are good. */
static const char *fetch_url(const struct saga_http_config *config, struct fetched *ret)
{
    static _Thread_local char words[CURL_ERROR_SIZE];
    CURL *curl = curl_easy_init();
    long status = 0;
    if (!curl) saga_memory_exhausted("libcurl");
    curl_easy_setopt(curl, CURLOPT_URL, config->oidc_jwks);
    if (config->oidc_ca) curl_easy_setopt(curl, CURLOPT_CAINFO, config->oidc_ca);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)FETCH_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) return words[0] ? words : curl_easy_strerror(code);
    return status == 200 ? NULL : "the provider did not answer with its keys";
}

static const char *fetch_file(const char *path, struct fetched *ret)
{
    FILE *file = fopen(path, "rb");
    if (!file) return strerror(errno);
    ret->size = fread(ret->bytes, 1, BYTES_MAX, file);
    fclose(file);
    return NULL;
}

/* NULL, or why there are no new keys. */
static const char *read_keys(struct saga_oidc *oidc)
{
    struct fetched fetched = { saga_memory_take(BYTES_MAX), 0 };
    struct saga_jwt_keys *keys, *old = NULL;
    const char *why = oidc->is_url ? fetch_url(oidc->config, &fetched)
                                   : fetch_file(oidc->config->oidc_jwks, &fetched);
    oidc->asked_ms = saga_monotonic_ms();
    if (!why && saga_jwt_keys_read((struct saga_slice){ fetched.bytes, fetched.size }, &keys,
                                   &why) == SAGA_OK) {
        pthread_rwlock_wrlock(&oidc->lock);
        old = oidc->keys;
        oidc->keys = keys;
        pthread_rwlock_unlock(&oidc->lock);
        oidc->read_ms = oidc->asked_ms;
        why = NULL;
    }
    saga_jwt_keys_free(old);
    free(fetched.bytes);
    return why;
}

/* libcurl would only say that it cannot, each time that it is asked. */
static bool has_certificates(const char *path)
{
    gnutls_certificate_credentials_t credentials;
    if (gnutls_certificate_allocate_credentials(&credentials) < 0) saga_memory_exhausted("GnuTLS");
    int count = gnutls_certificate_set_x509_trust_file(credentials, path, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return count > 0;
}

int saga_oidc_new(const struct saga_http_config *config, struct saga_arena *arena,
                  struct saga_oidc **ret, struct saga_diagnostic *diagnostic)
{
    if (!config->oidc_jwks || !config->oidc_audience) {
        saga_diagnostic_set(diagnostic, arena, "OpenID Connect needs %s",
                            config->oidc_jwks ? "an audience" : "the provider's keys");
        saga_diagnostic_mend(diagnostic, arena, "set http.oidc.jwks and http.oidc.audience");
        return SAGA_E_INVALID;
    }
    if (config->oidc_ca && !has_certificates(config->oidc_ca)) {
        saga_diagnostic_set(diagnostic, arena, "there is no certificate in %s", config->oidc_ca);
        saga_diagnostic_mend(diagnostic, arena,
                             "http.oidc.ca-file is a PEM file with those that sign the provider's");
        return SAGA_E_INVALID;
    }
    struct saga_oidc *oidc = saga_memory_zeroed(1, sizeof *oidc);
    oidc->config = config;
    oidc->is_url = strncmp(config->oidc_jwks, "https://", 8) == 0;
    pthread_rwlock_init(&oidc->lock, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!oidc->is_url) (void)stat(config->oidc_jwks, &oidc->seen);
    const char *why = oidc->is_url ? NULL : read_keys(oidc); /* a provider is asked by the keeper */
    if (why) {
        saga_diagnostic_set(diagnostic, arena, "the keys in %s cannot be used: %s",
                            config->oidc_jwks, why);
        saga_diagnostic_mend(diagnostic, arena,
                             "http.oidc.jwks is a file with a JSON Web Key Set, or an https URL");
        saga_oidc_free(oidc);
        return SAGA_E_INVALID;
    }
    *ret = oidc;
    return SAGA_OK;
}

void saga_oidc_free(struct saga_oidc *oidc)
{
    if (!oidc) return;
    saga_jwt_keys_free(oidc->keys);
    pthread_rwlock_destroy(&oidc->lock);
    free(oidc);
}

static bool is_due(struct saga_oidc *oidc)
{
    int64_t now_ms = saga_monotonic_ms();
    struct stat now = { 0 };
    if (oidc->is_url) {
        if (oidc->asked_ms && now_ms - oidc->asked_ms < AGAIN_MS) return false;
        return !oidc->read_ms || now_ms - oidc->read_ms > OLD_MS || atomic_load(&oidc->lacks);
    }
    if (stat(oidc->config->oidc_jwks, &now) < 0 ||
        (now.st_mtim.tv_sec == oidc->seen.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == oidc->seen.st_mtim.tv_nsec && now.st_ino == oidc->seen.st_ino &&
         now.st_size == oidc->seen.st_size))
        return false;
    oidc->seen = now;
    return true;
}

void saga_oidc_refresh(struct saga_oidc *oidc)
{
    if (!is_due(oidc)) return;
    atomic_store(&oidc->lacks, false);
    const char *why = read_keys(oidc);
    if (why)
        saga_log(SAGA_LOG_WARNING, "http: the provider's keys cannot be read",
                 "from=\"%s\" words=\"%s\"", oidc->config->oidc_jwks, why);
    else
        saga_log(SAGA_LOG_INFO, "http: the provider's keys read", "from=\"%s\"",
                 oidc->config->oidc_jwks);
}

int saga_oidc_identify(struct saga_oidc *oidc, struct saga_slice token, struct saga_arena *arena,
                       struct saga_identity *ret, const char **ret_why)
{
    const struct saga_jwt_wanted wanted = {
        .issuer = oidc->config->oidc_issuer,
        .audience = oidc->config->oidc_audience,
        .roles = oidc->config->oidc_roles,
        .now_s = time(NULL),
    };
    struct saga_jwt_bearer bearer;
    *ret_why = "the provider's keys are not there yet";
    pthread_rwlock_rdlock(&oidc->lock);
    int error = oidc->keys ? saga_jwt_verify(oidc->keys, token, &wanted, arena, &bearer, ret_why)
                           : SAGA_E_AGAIN;
    pthread_rwlock_unlock(&oidc->lock);
    if (error == SAGA_E_NOT_FOUND) atomic_store(&oidc->lacks, true);
    if (error < 0) return error;
    *ret = (struct saga_identity){ bearer.subject, (enum saga_http_role)bearer.role, "oidc" };
    return SAGA_OK;
}
