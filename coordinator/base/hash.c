#include "base/hash.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <threads.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"

uint32_t saga_murmur2(struct saga_slice key)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *b = (const unsigned char *)key.data;
    uint32_t h = 0x9747b28cu ^ (uint32_t)key.size;
    size_t words = key.size / 4;
    for (size_t i = 0; i < words; i++, b += 4) {
        uint32_t k =
            (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    switch (key.size & 3) {
    case 3: h ^= (uint32_t)b[2] << 16; /* fall through */
    case 2: h ^= (uint32_t)b[1] << 8;  /* fall through */
    case 1:
        h ^= b[0];
        h *= m;
        break;
    default: break;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h & 0x7fffffffu;
}

uint32_t saga_lane_of_key(struct saga_slice key, uint32_t lanes)
{
    SAGA_ASSERT(lanes > 0);
    return saga_murmur2(key) % lanes;
}

/* Looked up once, and one context a thread: OpenSSL would do both for every hash, the one under a lock. */
static EVP_MD *sha256;
static tss_t contexts;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256) saga_memory_check("OpenSSL");
    int failed = tss_create(&contexts, free_context);
    SAGA_ASSERT(sha256 && failed == thrd_success);
}

static EVP_MD_CTX *context_of_thread(void)
{
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, find_sha256);
    EVP_MD_CTX *context = tss_get(contexts);
    if (context) return context;
    context = EVP_MD_CTX_new();
    if (!context || tss_set(contexts, context) != thrd_success) saga_memory_exhausted("OpenSSL");
    return context;
}

void saga_sha256(struct saga_slice first, struct saga_slice second, uint8_t ret[SAGA_SHA256_BYTES])
{
    saga_memory_watch();
    EVP_MD_CTX *context = context_of_thread();
    bool done = EVP_DigestInit_ex(context, sha256, NULL) == 1 &&
                EVP_DigestUpdate(context, first.data, first.size) == 1 &&
                EVP_DigestUpdate(context, second.data, second.size) == 1 &&
                EVP_DigestFinal_ex(context, ret, NULL) == 1;
    if (!done) saga_memory_check("OpenSSL");
    SAGA_ASSERT(done);
}

static void write_hex(const uint8_t *bytes, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void saga_hex(const uint8_t *bytes, size_t size, char *ret)
{
    write_hex(bytes, size, ret);
    ret[2 * size] = '\0';
}

void saga_sha256_hex(struct saga_slice bytes, char ret[2 * SAGA_SHA256_BYTES + 1])
{
    uint8_t digest[SAGA_SHA256_BYTES];
    saga_sha256(bytes, SAGA_SLICE_NONE, digest);
    saga_hex(digest, sizeof digest, ret);
}

void saga_sha256_digits(struct saga_slice bytes, size_t count, char *ret)
{
    uint8_t digest[SAGA_SHA256_BYTES];
    SAGA_ASSERT(count % 2 == 0 && count <= 2 * sizeof digest);
    saga_sha256(bytes, SAGA_SLICE_NONE, digest);
    write_hex(digest, count / 2, ret);
}

uint64_t saga_crc64_avro(struct saga_slice bytes)
{
    const uint64_t empty = 0xc15d213aa4d7a795ULL;
    uint64_t crc = empty;
    for (size_t i = 0; i < bytes.size; i++) {
        uint64_t row = (crc ^ (unsigned char)bytes.data[i]) & 0xff;
        for (int bit = 0; bit < 8; bit++) row = row >> 1 ^ (empty & (0ULL - (row & 1)));
        crc = crc >> 8 ^ row;
    }
    return crc;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool saga_is_lower_hex(struct saga_slice text, size_t digits)
{
    if (text.size != digits) return false;
    for (size_t i = 0; i < digits; i++)
        if (!memchr("0123456789abcdef", text.data[i], 16)) return false;
    return true;
}

int saga_unhex(struct saga_slice hex, uint8_t *ret, size_t size)
{
    if (hex.size != 2 * size) return SAGA_E_INVALID;
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(hex.data[2 * i]), low = digit_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) return SAGA_E_INVALID;
        ret[i] = (uint8_t)(16 * high + low);
    }
    return SAGA_OK;
}
