#include "base/seal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

static EVP_CIPHER_CTX *new_context(void)
{
    saga_memory_watch();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context) saga_memory_exhausted("OpenSSL");
    return context;
}

void saga_seal(const uint8_t key[SAGA_SEAL_KEY_BYTES], const uint8_t nonce[SAGA_SEAL_NONCE_BYTES],
               struct saga_slice about, struct saga_slice plain, uint8_t *ret)
{
    EVP_CIPHER_CTX *context = new_context();
    int size = 0, rest = 0;
    bool done =
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
        EVP_EncryptUpdate(context, NULL, &size, (const uint8_t *)about.data, (int)about.size) == 1;
    size = 0;
    if (done && plain.size)
        done = EVP_EncryptUpdate(context, ret, &size, (const uint8_t *)plain.data,
                                 (int)plain.size) == 1;
    done = done && EVP_EncryptFinal_ex(context, ret + size, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, SAGA_SEAL_TAG_BYTES,
                               ret + plain.size) == 1;
    if (!done) saga_memory_check("OpenSSL");
    SAGA_ASSERT(done && (size_t)(size + rest) == plain.size);
    EVP_CIPHER_CTX_free(context);
}

int saga_unseal(const uint8_t key[SAGA_SEAL_KEY_BYTES], const uint8_t nonce[SAGA_SEAL_NONCE_BYTES],
                struct saga_slice about, struct saga_slice sealed, uint8_t *ret)
{
    if (sealed.size < SAGA_SEAL_TAG_BYTES) return SAGA_E_INVALID;
    size_t text = sealed.size - SAGA_SEAL_TAG_BYTES;
    uint8_t tag[SAGA_SEAL_TAG_BYTES];
    EVP_CIPHER_CTX *context = new_context();
    int size = 0, rest = 0;
    memcpy(tag, sealed.data + text, sizeof tag);
    bool begun =
        EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
        EVP_DecryptUpdate(context, NULL, &size, (const uint8_t *)about.data, (int)about.size) == 1;
    size = 0;
    if (begun && text)
        begun =
            EVP_DecryptUpdate(context, ret, &size, (const uint8_t *)sealed.data, (int)text) == 1;
    begun =
        begun && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, SAGA_SEAL_TAG_BYTES, tag) == 1;
    if (!begun) saga_memory_check("OpenSSL");
    SAGA_ASSERT(begun);
    bool opened = EVP_DecryptFinal_ex(context, ret + size, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    return opened ? SAGA_OK : SAGA_E_INVALID;
}

void saga_seal_nonce(const uint8_t key[SAGA_SEAL_KEY_BYTES], struct saga_slice about,
                     struct saga_slice plain, uint8_t ret[SAGA_SEAL_NONCE_BYTES])
{
    /* sizes in front, so that no two pairs of texts run together to the same bytes */
    uint8_t sizes[2][8];
    for (unsigned i = 0; i < 8; i++) {
        sizes[0][i] = (uint8_t)((uint64_t)about.size >> 8 * i);
        sizes[1][i] = (uint8_t)((uint64_t)plain.size >> 8 * i);
    }
    char digest_name[] = "SHA256";
    uint8_t digest[SAGA_SHA256_BYTES];
    size_t size = 0;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_end(),
    };
    saga_memory_watch();
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    bool done = context && EVP_MAC_init(context, key, SAGA_SEAL_KEY_BYTES, parameters) == 1 &&
                EVP_MAC_update(context, sizes[0], sizeof sizes) == 1 &&
                EVP_MAC_update(context, (const uint8_t *)about.data, about.size) == 1 &&
                EVP_MAC_update(context, (const uint8_t *)plain.data, plain.size) == 1 &&
                EVP_MAC_final(context, digest, &size, sizeof digest) == 1;
    if (!done) saga_memory_check("OpenSSL");
    SAGA_ASSERT(done && size == sizeof digest);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    memcpy(ret, digest, SAGA_SEAL_NONCE_BYTES);
}
