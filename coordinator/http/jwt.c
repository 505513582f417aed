#include "http/jwt.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "http/exchange.h"
#include "http/gate.h"

/* Clocks differ; a claim's text is bounded as a saga's key is. */
enum { SKEW_S = 60, RSA_BITS_MIN = 2048, EC_BITS = 256, CLAIM_DEPTH_MAX = 8 };

struct saga_jwt_keys {
    cjose_jwk_t *items[SAGA_HTTP_KEYS_MAX];
    size_t count;
};

/* RFC 7515, 2: something, never padded. cjose (0.6.2) ends the process by an assertion where what it decodes is none, so it is never
 * given one. */
static bool is_base64url(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return size > 0 && size % 4 != 1;
}

/* ---- keys ---- */

static bool is_text(const json_t *object, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(object, name));
    return !value || strcmp(value, text) == 0; /* absent says nothing against it */
}

/* The public key alone, as JSON's text: RFC 7518, 6.2.1 and 6.3.1. NULL where a number of it is none. */
static char *public_text(const json_t *json, bool rsa)
{
    const char *const numbers[] = { rsa ? "n" : "x", rsa ? "e" : "y" };
    const char *const names[] = { "kty", "crv", "kid" };
    json_t *key = json_object();
    bool good = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_t *number = json_object_get(json, numbers[i]);
        good = good && json_is_string(number) &&
               is_base64url(json_string_value(number), json_string_length(number));
        json_object_set(key, numbers[i], number);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_is_string(json_object_get(json, names[i])))
            json_object_set(key, names[i], json_object_get(json, names[i]));
    char *text = good ? json_dumps(key, JSON_COMPACT) : NULL;
    if (good && !text) saga_memory_exhausted("jansson");
    json_decref(key);
    return text;
}

static cjose_jwk_t *read_key(const json_t *json)
{
    cjose_err error;
    const char *kty = json_string_value(json_object_get(json, "kty"));
    bool rsa = kty && strcmp(kty, "RSA") == 0, ec = kty && strcmp(kty, "EC") == 0;
    if (!is_text(json, "use", "sig") || (rsa && !is_text(json, "alg", "RS256")) ||
        (ec && !is_text(json, "alg", "ES256")) || (!rsa && !ec) ||
        (ec && !is_text(json, "crv", "P-256")))
        return NULL;
    char *text = public_text(json, rsa);
    cjose_jwk_t *key = text ? cjose_jwk_import(text, strlen(text), &error) : NULL;
    free(text);
    size_t bits = key ? cjose_jwk_get_keysize(key, &error) : 0;
    if (key && (rsa ? bits < RSA_BITS_MIN : bits != EC_BITS)) {
        cjose_jwk_release(key);
        key = NULL;
    }
    return key;
}

int saga_jwt_keys_read(struct saga_slice jwks, struct saga_jwt_keys **ret, const char **ret_why)
{
    json_t *document =
        json_loadb(jwks.data ? jwks.data : "", jwks.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(document, "keys"), *item;
    struct saga_jwt_keys *keys = saga_memory_zeroed(1, sizeof *keys);
    size_t index;
    json_array_foreach(list, index, item)
    {
        cjose_jwk_t *key = keys->count < SAGA_HTTP_KEYS_MAX ? read_key(item) : NULL;
        if (key) keys->items[keys->count++] = key;
    }
    *ret_why = !document              ? "it is no JSON"
               : !json_is_array(list) ? "it has no list of keys"
                                      : "it has no key for RS256 or ES256";
    json_decref(document);
    if (keys->count == 0) {
        saga_jwt_keys_free(keys);
        return SAGA_E_INVALID;
    }
    *ret = keys;
    return SAGA_OK;
}

void saga_jwt_keys_free(struct saga_jwt_keys *keys)
{
    if (!keys) return;
    for (size_t i = 0; i < keys->count; i++) cjose_jwk_release(keys->items[i]);
    free(keys);
}

/* ---- the signature ---- */

/* The way of signing is the key's: a token cannot choose another (as HS256 with a public key would be). */
static bool fits(cjose_jwk_t *key, const char *alg, const char *kid)
{
    cjose_err error;
    const char *id = cjose_jwk_get_kid(key, &error);
    if (kid && (!id || strcmp(kid, id) != 0)) return false;
    return cjose_jwk_get_kty(key, &error) ==
           (strcmp(alg, "RS256") == 0 ? CJOSE_JWK_KTY_RSA : CJOSE_JWK_KTY_EC);
}

static int check_signature(const struct saga_jwt_keys *keys, cjose_jws_t *jws, const char **ret_why)
{
    cjose_err error;
    cjose_header_t *header = cjose_jws_get_protected(jws);
    const char *alg = header ? cjose_header_get(header, CJOSE_HDR_ALG, &error) : NULL;
    const char *kid = header ? cjose_header_get(header, CJOSE_HDR_KID, &error) : NULL;
    bool tried = false;
    if (!alg || (strcmp(alg, "RS256") != 0 && strcmp(alg, "ES256") != 0)) {
        *ret_why = "the token is not signed with RS256 or ES256";
        return SAGA_E_INVALID;
    }
    char *critical = cjose_header_get_raw(header, "crit", &error);
    free(critical);
    if (critical) {
        *ret_why = "the token asks for what is not known here";
        return SAGA_E_INVALID;
    }
    for (size_t i = 0; i < keys->count; i++) {
        if (!fits(keys->items[i], alg, kid)) continue;
        tried = true;
        if (cjose_jws_verify(jws, keys->items[i], &error)) return SAGA_OK;
    }
    *ret_why = tried ? "the token's signature is not good" : "the token is signed with another key";
    return tried ? SAGA_E_INVALID : SAGA_E_NOT_FOUND;
}

/* ---- the claims ---- */

static const char *text_of(const json_t *claims, const char *name)
{
    const json_t *value = json_object_get(claims, name);
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool is_for(const json_t *claims, const char *audience)
{
    const json_t *aud = json_object_get(claims, "aud"), *item;
    size_t index;
    if (json_is_string(aud)) return strcmp(json_string_value(aud), audience) == 0;
    json_array_foreach(aud, index, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), audience) == 0) return true;
    }
    return false;
}

static bool seconds_of(const json_t *claims, const char *name, double *ret)
{
    const json_t *value = json_object_get(claims, name);
    *ret = json_number_value(value);
    return json_is_number(value);
}

static const char *check_claims(const json_t *claims, const struct saga_jwt_wanted *wanted)
{
    const char *issuer = text_of(claims, "iss"), *subject = text_of(claims, "sub");
    double time, now = (double)wanted->now_s;
    if (!issuer || strcmp(issuer, wanted->issuer) != 0) return "the token is of another issuer";
    if (!is_for(claims, wanted->audience)) return "the token is meant for somebody else";
    if (!seconds_of(claims, "exp", &time)) return "the token has no end";
    if (time + SKEW_S < now) return "the token is over";
    if (seconds_of(claims, "nbf", &time) && time - SKEW_S > now)
        return "the token has not begun yet";
    if (seconds_of(claims, "iat", &time) && time - SKEW_S > now)
        return "the token was made in the future";
    if (!subject || !*subject || strlen(subject) > SAGA_KEY_BYTES_MAX)
        return "the token names no subject";
    return NULL;
}

static int role_of_word(const char *word)
{
    static const char prefix[] = "saga-"; /* where a provider's roles are of many programs */
    struct saga_slice name = saga_slice_of(word);
    if (saga_slice_starts_with(name, prefix)) name = saga_slice_skip(name, sizeof prefix - 1);
    return (int)saga_role_of(name);
}

/* "realm_access.roles": through objects, to a text or a list of them. */
static int role_of(const json_t *claims, const char *path, struct saga_arena *arena)
{
    const json_t *value = claims, *item;
    size_t index;
    int best = SAGA_ROLE_NONE;
    /* a claim's own name may have dots, as one that is a URL */
    if (json_object_get(claims, path)) {
        value = json_object_get(claims, path);
    } else {
        for (int depth = 0; *path && value && depth < CLAIM_DEPTH_MAX; depth++) {
            struct saga_slice name = { path, strcspn(path, ".") };
            value = json_object_get(value, saga_arena_string(arena, name));
            path += name.size + (path[name.size] == '.');
        }
    }
    if (json_is_string(value)) return role_of_word(json_string_value(value));
    json_array_foreach(value, index, item)
    {
        int role = json_is_string(item) ? role_of_word(json_string_value(item)) : SAGA_ROLE_NONE;
        if (role > best) best = role;
    }
    return best;
}

static int read_claims(cjose_jws_t *jws, const struct saga_jwt_wanted *wanted,
                       struct saga_arena *arena, struct saga_jwt_bearer *ret, const char **ret_why)
{
    cjose_err error;
    uint8_t *bytes = NULL;
    size_t size = 0;
    *ret_why = "the token's claims cannot be read";
    if (!cjose_jws_get_plaintext(jws, &bytes, &size, &error)) return SAGA_E_INVALID;
    /* jansson's own recursion is bounded far above any claim's (JSON_PARSER_MAX_DEPTH) */
    json_t *claims = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong = json_is_object(claims) ? check_claims(claims, wanted) : *ret_why;
    if (wrong) {
        *ret_why = wrong;
    } else {
        ret->subject = saga_arena_copy(arena, saga_slice_of(text_of(claims, "sub")));
        ret->role = role_of(claims, wanted->roles, arena);
    }
    json_decref(claims);
    return wrong ? SAGA_E_INVALID : SAGA_OK;
}

/* RFC 7515, 7.1: three parts. */
static bool is_compact(struct saga_slice token)
{
    size_t parts = 1;
    for (const char *dot; token.size && (dot = memchr(token.data, '.', token.size)); parts++) {
        size_t size = (size_t)(dot - token.data);
        if (!is_base64url(token.data, size)) return false;
        token = saga_slice_skip(token, size + 1);
    }
    return parts == 3 && is_base64url(token.data, token.size);
}

int saga_jwt_verify(const struct saga_jwt_keys *keys, struct saga_slice token,
                    const struct saga_jwt_wanted *wanted, struct saga_arena *arena,
                    struct saga_jwt_bearer *ret, const char **ret_why)
{
    cjose_err error;
    *ret_why = "the token is not known";
    if (token.size > SAGA_HTTP_TOKEN_BYTES_MAX || !is_compact(token)) return SAGA_E_INVALID;
    cjose_jws_t *jws = cjose_jws_import(token.data, token.size, &error);
    if (!jws) return SAGA_E_INVALID;
    int failed = check_signature(keys, jws, ret_why);
    if (failed == SAGA_OK) failed = read_claims(jws, wanted, arena, ret, ret_why);
    cjose_jws_release(jws);
    return failed;
}
