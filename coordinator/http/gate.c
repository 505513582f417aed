#include "http/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "http/oidc.h"
#include "http/rate.h"
#include "http/server.h"
#include "http/tokens.h"
#include "runtime/log.h"

/* Failed tries a second of one client. */
enum { TRIES_A_SECOND = 5, TRIES_BURST = 20, FILE_BYTES_MAX = 1024 * 1024 };

struct saga_gate {
    const struct saga_http_config *config;
    pthread_mutex_t lock;
    struct saga_arena *arena; /* of the tokens in force */
    struct saga_tokens tokens;
    struct stat seen; /* of the file, when it was read */
    struct saga_oidc *oidc;
    struct saga_rate rate;
    struct saga_rate tries;
};

static const char *const role_names[] = { [SAGA_ROLE_NONE] = "none",
                                          [SAGA_ROLE_VIEWER] = "viewer",
                                          [SAGA_ROLE_OPERATOR] = "operator",
                                          [SAGA_ROLE_DEPLOYER] = "deployer" };

const char *saga_role_name(enum saga_http_role role)
{
    return role_names[role];
}

enum saga_http_role saga_role_of(struct saga_slice name)
{
    for (int role = SAGA_ROLE_VIEWER; role <= SAGA_ROLE_DEPLOYER; role++)
        if (saga_slice_is(name, role_names[role])) return (enum saga_http_role)role;
    return SAGA_ROLE_NONE;
}

/* ---- the file of tokens ---- */

static int read_file(const char *path, struct saga_arena *arena, struct saga_slice *ret,
                     struct saga_diagnostic *diagnostic)
{
    FILE *file = fopen(path, "rb");
    char *text = saga_arena_take(arena, FILE_BYTES_MAX + 1);
    size_t size = file ? fread(text, 1, FILE_BYTES_MAX + 1, file) : 0;
    bool good = file && !ferror(file) && size <= FILE_BYTES_MAX;
    if (!good)
        saga_diagnostic_set(diagnostic, arena, "it cannot be read: %s",
                            size > FILE_BYTES_MAX ? "it is larger than 1 MiB" : strerror(errno));
    if (file) fclose(file);
    *ret = (struct saga_slice){ text, size };
    return good ? SAGA_OK : SAGA_E_INVALID;
}

/* On success the gate goes by what the file says now. */
static int read_tokens(struct saga_gate *gate, struct saga_arena *words,
                       struct saga_diagnostic *diagnostic)
{
    struct saga_arena *arena = saga_memory_zeroed(1, sizeof *arena), *old = arena;
    struct saga_tokens tokens;
    struct saga_slice text;
    struct stat now = { 0 };
    saga_arena_init(arena);
    (void)stat(gate->config->tokens, &now);
    int error = read_file(gate->config->tokens, arena, &text, diagnostic);
    if (error == SAGA_OK) error = saga_tokens_parse(text, arena, &tokens, diagnostic);
    if (error < 0) diagnostic->what = saga_arena_copy(words, diagnostic->what);
    pthread_mutex_lock(&gate->lock);
    gate->seen = now;
    if (error == SAGA_OK) {
        old = gate->arena;
        gate->arena = arena;
        gate->tokens = tokens;
    }
    pthread_mutex_unlock(&gate->lock);
    if (old) saga_arena_free(old);
    free(old);
    return error;
}

static void refresh_tokens(struct saga_gate *gate)
{
    struct stat now = { 0 };
    struct saga_arena words;
    struct saga_diagnostic diagnostic = { 0 };
    bool there = stat(gate->config->tokens, &now) == 0;
    if (there && now.st_mtim.tv_sec == gate->seen.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == gate->seen.st_mtim.tv_nsec && now.st_size == gate->seen.st_size &&
        now.st_ino == gate->seen.st_ino)
        return;
    if (!there && gate->seen.st_ino == 0) return; /* said already */
    saga_arena_init(&words);
    if (read_tokens(gate, &words, &diagnostic) == SAGA_OK)
        saga_log(SAGA_LOG_INFO, "http: tokens read", "file=\"%s\" tokens=%zu", gate->config->tokens,
                 gate->tokens.count);
    else
        saga_log(SAGA_LOG_ERROR, "http: the file of tokens cannot be used, the old ones stay",
                 "file=\"%s\" words=\"%.*s\"", gate->config->tokens,
                 SAGA_SLICE_ARG(diagnostic.what));
    saga_arena_free(&words);
}

/* ---- the gate ---- */

int saga_gate_new(const struct saga_http_config *config, struct saga_arena *arena,
                  struct saga_gate **ret, struct saga_diagnostic *diagnostic)
{
    struct saga_gate *gate = saga_memory_zeroed(1, sizeof *gate);
    int error = SAGA_OK;
    gate->config = config;
    pthread_mutex_init(&gate->lock, NULL);
    saga_rate_init(&gate->rate, config->rate, config->rate);
    saga_rate_init(&gate->tries, TRIES_A_SECOND, TRIES_BURST);
    if (config->tokens && read_tokens(gate, arena, diagnostic) < 0) {
        saga_diagnostic_set(diagnostic, arena, "the file of tokens %s cannot be used: %.*s",
                            config->tokens, SAGA_SLICE_ARG(diagnostic->what));
        saga_diagnostic_mend(diagnostic, arena, "`saga token NAME ROLE` makes a line of it");
        error = SAGA_E_INVALID;
    }
    if (error == SAGA_OK && config->oidc_issuer)
        error = saga_oidc_new(config, arena, &gate->oidc, diagnostic);
    if (error < 0) {
        saga_gate_free(gate);
        return error;
    }
    *ret = gate;
    return SAGA_OK;
}

void saga_gate_free(struct saga_gate *gate)
{
    if (!gate) return;
    if (gate->arena) saga_arena_free(gate->arena);
    free(gate->arena);
    saga_oidc_free(gate->oidc);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

void saga_gate_refresh(struct saga_gate *gate)
{
    if (gate->config->tokens) refresh_tokens(gate);
    if (gate->oidc) saga_oidc_refresh(gate->oidc);
}

bool saga_gate_is_open(const struct saga_gate *gate)
{
    return !gate->config->tokens && !gate->config->oidc_issuer && !gate->config->client_ca;
}

/* ---- who is asking ---- */

static bool identify_by(struct saga_exchange *x, const struct saga_token *token, const char *how)
{
    if (!token) return false;
    x->identity =
        (struct saga_identity){ saga_arena_copy(&x->arena, token->name), token->role, how };
    return true;
}

/* `*ret_why`: what is wrong with a token of the provider's, for the log and for its bearer. */
static bool identify_bearer(struct saga_gate *gate, struct saga_exchange *x,
                            struct saga_slice token, const char **ret_why)
{
    pthread_mutex_lock(&gate->lock);
    bool known = identify_by(x, saga_tokens_find(&gate->tokens, token), "token");
    pthread_mutex_unlock(&gate->lock);
    if (known || !gate->oidc) return known;
    return saga_oidc_identify(gate->oidc, token, &x->arena, &x->identity, ret_why) == SAGA_OK;
}

static bool identify(struct saga_gate *gate, struct saga_exchange *x, const char *authorization,
                     const char *certificate, const char **ret_why)
{
    static const char scheme[] = "Bearer ";
    if (authorization) {
        struct saga_slice token = saga_slice_of(authorization);
        if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
            *ret_why = "Authorization must be Bearer and a token";
            return false;
        }
        token = saga_slice_skip(token, sizeof scheme - 1);
        if (token.size == 0 || token.size > SAGA_HTTP_TOKEN_BYTES_MAX) {
            *ret_why = "that is no token";
            return false;
        }
        return identify_bearer(gate, x, token, ret_why);
    }
    *ret_why = "a token is asked for: Authorization: Bearer TOKEN";
    if (!certificate) return false;
    *ret_why = "the certificate's name is not in the file of tokens";
    pthread_mutex_lock(&gate->lock);
    bool known = identify_by(
        x, saga_tokens_find_certificate(&gate->tokens, saga_slice_of(certificate)), "certificate");
    pthread_mutex_unlock(&gate->lock);
    return known;
}

static bool take_rate(struct saga_gate *gate, struct saga_rate *rate, struct saga_exchange *x,
                      struct saga_slice who)
{
    unsigned wait_s = 1;
    pthread_mutex_lock(&gate->lock);
    bool may = saga_rate_take(rate, who, saga_monotonic_ms(), &wait_s);
    pthread_mutex_unlock(&gate->lock);
    if (may) return true;
    x->retry_after_s = wait_s;
    saga_exchange_problem(x, 429, "too-many", "ask less often; Retry-After says when",
                          "too many requests");
    return false;
}

/* A good token is let in however many bad ones come from its address, which may be a proxy's: tokens are too long to be found
 * by trying, so what is bounded is what trying costs. */
static bool refuse_unknown(struct saga_gate *gate, struct saga_exchange *x, const char *why)
{
    if (!take_rate(gate, &gate->tries, x, saga_slice_of(x->peer))) return false;
    x->challenge = true;
    saga_exchange_problem(x, 401, "unauthorized", NULL, "%s", why);
    return false;
}

bool saga_gate_pass(struct saga_gate *gate, struct saga_exchange *x, const char *authorization,
                    const char *certificate, enum saga_http_role needed)
{
    const char *why = "the token is not known";
    bool open = saga_gate_is_open(gate);
    x->identity = (struct saga_identity){ SAGA_SLICE("anonymous"),
                                          open ? SAGA_ROLE_DEPLOYER : SAGA_ROLE_NONE, "none" };
    if (!open && needed > SAGA_ROLE_NONE) {
        if (!identify(gate, x, authorization, certificate, &why))
            return refuse_unknown(gate, x, why);
    }
    struct saga_slice who =
        x->identity.role == SAGA_ROLE_NONE || open ? saga_slice_of(x->peer) : x->identity.subject;
    if (!take_rate(gate, &gate->rate, x, who)) return false;
    if (x->identity.role >= needed) return true;
    saga_exchange_problem(x, 403, "role", NULL, "the role %s may not do this; %s may",
                          saga_role_name(x->identity.role), saga_role_name(needed));
    return false;
}
