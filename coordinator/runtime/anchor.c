#include "runtime/anchor.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "schema/logical.h"

/* The form below is the first. */
enum { FORM = 1 };

struct saga_anchor_key {
    EVP_PKEY *pkey;
    char id[2 * SAGA_SHA256_BYTES + 1];
};

/* ---- keys ---- */

static void take_id(struct saga_anchor_key *key)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key->pkey, &der);
    SAGA_ASSERT(size > 0);
    saga_sha256_hex((struct saga_slice){ (const char *)der, (size_t)size }, key->id);
    OPENSSL_free(der);
}

/* Nobody is asked for a pass phrase: a daemon would wait for ever. `context` is told that one is needed. */
static int no_pass_phrase(char *text, int size, int writing, void *context)
{
    (void)text;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

static EVP_PKEY *read_pem(FILE *file, enum saga_anchor_key_kind kind, bool *ret_encrypted)
{
    *ret_encrypted = false;
    return kind == SAGA_ANCHOR_KEY_PRIVATE
               ? PEM_read_PrivateKey(file, NULL, no_pass_phrase, ret_encrypted)
               : PEM_read_PUBKEY(file, NULL, no_pass_phrase, ret_encrypted);
}

static int refuse(struct saga_diagnostic *diagnostic, struct saga_arena *arena, const char *path,
                  enum saga_anchor_key_kind kind, const char *why)
{
    bool secret = kind == SAGA_ANCHOR_KEY_PRIVATE;
    saga_diagnostic_set(diagnostic, arena, "%s is no %s key for anchors: %s", path,
                        secret ? "private" : "public", why);
    diagnostic->mend =
        secret ? SAGA_SLICE("make one: openssl genpkey -algorithm ed25519 -out anchor.key")
               : SAGA_SLICE("take it from the private one: openssl pkey -in anchor.key -pubout "
                            "-out anchor.pub");
    return SAGA_E_INVALID;
}

int saga_anchor_key_read(const char *path, enum saga_anchor_key_kind kind, struct saga_arena *arena,
                         struct saga_anchor_key **ret, struct saga_diagnostic *diagnostic)
{
    FILE *file = fopen(path, "re");
    if (!file) return refuse(diagnostic, arena, path, kind, strerror(errno));
    bool encrypted;
    EVP_PKEY *pkey = read_pem(file, kind, &encrypted);
    fclose(file);
    if (!pkey)
        return refuse(diagnostic, arena, path, kind,
                      encrypted
                          ? "it is encrypted, and nobody is there to be asked for its pass phrase"
                          : "there is none in PEM form in it");
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return refuse(diagnostic, arena, path, kind, "it is not Ed25519");
    }
    struct saga_anchor_key *key = saga_memory_zeroed(1, sizeof *key);
    key->pkey = pkey;
    take_id(key);
    *ret = key;
    return SAGA_OK;
}

void saga_anchor_key_free(struct saga_anchor_key *key)
{
    if (!key) return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

const char *saga_anchor_key_id(const struct saga_anchor_key *key)
{
    return key->id;
}

/* ---- signatures ---- */

/* What is signed: a line for each value. Enough for the longest. */
struct statement {
    char text[512];
    size_t size;
};

static struct statement statement_of(const struct saga_anchor *anchor)
{
    struct statement statement;
    char chain[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(anchor->chain, sizeof anchor->chain, chain);
    int size = snprintf(statement.text, sizeof statement.text,
                        "saga-anchor-%d\n%s\n%u\n%lld\n%s\n%s\n%s\n", FORM, anchor->journal,
                        anchor->lane, (long long)anchor->offset, chain, anchor->time, anchor->key);
    SAGA_ASSERT(size > 0 && (size_t)size < sizeof statement.text);
    statement.size = (size_t)size;
    return statement;
}

void saga_anchor_sign(struct saga_anchor *anchor, const struct saga_anchor_key *key)
{
    size_t size = sizeof anchor->signature;
    memcpy(anchor->key, key->id, sizeof anchor->key);
    struct statement statement = statement_of(anchor);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestSign(context, anchor->signature, &size,
                               (const unsigned char *)statement.text, statement.size) == 1;
    EVP_MD_CTX_free(context);
    SAGA_ASSERT(done && size == sizeof anchor->signature);
}

bool saga_anchor_is_signed(const struct saga_anchor *anchor, const struct saga_anchor_key *key)
{
    struct statement statement = statement_of(anchor);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestVerify(context, anchor->signature, sizeof anchor->signature,
                                 (const unsigned char *)statement.text, statement.size) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

/* ---- JSON ---- */

struct saga_slice saga_anchor_json(const struct saga_anchor *anchor, struct saga_arena *arena)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(anchor->chain, sizeof anchor->chain, chain);
    struct saga_slice signature = saga_base64(
        (struct saga_slice){ (const char *)anchor->signature, sizeof anchor->signature }, arena);
    return saga_arena_printf(
        arena,
        "{\"anchor\":%d,\"lane\":%u,\"journal\":\"%s\",\"offset\":%lld,\"chain\":\"%s\","
        "\"time\":\"%s\",\"key\":\"%s\",\"signature\":\"%.*s\"}",
        FORM, anchor->lane, anchor->journal, (long long)anchor->offset, chain, anchor->time,
        anchor->key, SAGA_SLICE_ARG(signature));
}

enum {
    FIELD_ANCHOR,
    FIELD_LANE,
    FIELD_JOURNAL,
    FIELD_OFFSET,
    FIELD_CHAIN,
    FIELD_TIME,
    FIELD_KEY,
    FIELD_SIGNATURE,
    FIELD_COUNT
};

/* A text without escapes. */
static bool take_text(struct saga_slice json, struct saga_slice *ret)
{
    if (json.size < 2 || json.data[0] != '"' || memchr(json.data, '\\', json.size)) return false;
    *ret = (struct saga_slice){ json.data + 1, json.size - 2 };
    return true;
}

static bool take_number(struct saga_slice json, unsigned long long max, unsigned long long *ret)
{
    char digits[SAGA_DECIMAL_BYTES];
    return saga_slice_to_u64(json, ret) == SAGA_OK && *ret <= max &&
           saga_slice_equal(json, saga_slice_of_number((int64_t)*ret, digits));
}

static const char *take_fields(const struct saga_slice *values, struct saga_arena *arena,
                               struct saga_anchor *ret)
{
    unsigned long long form, lane, offset;
    struct saga_slice journal, chain, time, key, text, signature;
    int64_t time_ms;
    if (!take_number(values[FIELD_ANCHOR], INT32_MAX, &form)) return "it is no anchor";
    if (form != FORM) return "it is of a later form than this program knows";
    if (!take_number(values[FIELD_LANE], UINT32_MAX, &lane)) return "its lane is no number";
    if (!take_text(values[FIELD_JOURNAL], &journal) ||
        !saga_is_lower_hex(journal, SAGA_JOURNAL_ID_DIGITS))
        return "its journal is no id";
    if (!take_number(values[FIELD_OFFSET], INT64_MAX, &offset)) return "its offset is no number";
    if (!take_text(values[FIELD_CHAIN], &chain) || !saga_is_lower_hex(chain, 2 * sizeof ret->chain))
        return "its chain value is none";
    if (!take_text(values[FIELD_TIME], &time) || time.size >= sizeof ret->time ||
        saga_time_parse(time, &time_ms) < 0)
        return "its time is none";
    if (!take_text(values[FIELD_KEY], &key) || !saga_is_lower_hex(key, sizeof ret->key - 1))
        return "its key is no id";
    if (!take_text(values[FIELD_SIGNATURE], &text) ||
        saga_base64_read(text, arena, &signature) < 0 || signature.size != sizeof ret->signature)
        return "its signature is none";
    *ret = (struct saga_anchor){ .lane = (uint32_t)lane, .offset = (int64_t)offset };
    memcpy(ret->journal, journal.data, journal.size);
    memcpy(ret->time, time.data, time.size);
    memcpy(ret->key, key.data, key.size);
    memcpy(ret->signature, signature.data, signature.size);
    int error = saga_unhex(chain, ret->chain, sizeof ret->chain);
    SAGA_ASSERT(error == SAGA_OK); /* saga_is_lower_hex has looked */
    return NULL;
}

int saga_anchor_parse(struct saga_slice line, struct saga_arena *arena, struct saga_anchor *ret,
                      const char **ret_why)
{
    const struct saga_slice names[FIELD_COUNT] = {
        [FIELD_ANCHOR] = SAGA_SLICE("anchor"),   [FIELD_LANE] = SAGA_SLICE("lane"),
        [FIELD_JOURNAL] = SAGA_SLICE("journal"), [FIELD_OFFSET] = SAGA_SLICE("offset"),
        [FIELD_CHAIN] = SAGA_SLICE("chain"),     [FIELD_TIME] = SAGA_SLICE("time"),
        [FIELD_KEY] = SAGA_SLICE("key"),         [FIELD_SIGNATURE] = SAGA_SLICE("signature"),
    };
    struct saga_slice values[FIELD_COUNT];
    size_t offset;
    if (saga_json_validate(line, &offset, ret_why) < 0 ||
        !saga_json_members(line, names, FIELD_COUNT, values)) {
        *ret_why = "it is no JSON object";
        return SAGA_E_INVALID;
    }
    const char *why = take_fields(values, arena, ret);
    if (!why) return SAGA_OK;
    *ret_why = why;
    return SAGA_E_INVALID;
}
