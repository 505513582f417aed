/* AES-256-GCM: what others could open too, and that nothing opens that was changed or moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/seal.h"

static struct saga_slice of_hex(const char *hex, uint8_t *bytes)
{
    size_t size = strlen(hex) / 2;
    assert_int_equal(saga_unhex(saga_slice_of(hex), bytes, size), SAGA_OK);
    return (struct saga_slice){ (const char *)bytes, size };
}

/* Test case 16 of McGrew and Viega, The Galois/Counter Mode of Operation. Catches another mode, tag or order. */
static void it_is_that_of_the_specification(void **state)
{
    uint8_t key[32], nonce[12], about[32], plain[64], sealed[64 + 16], known[80];
    (void)state;
    of_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    of_hex("cafebabefacedbaddecaf888", nonce);
    struct saga_slice where = of_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", about);
    struct saga_slice text =
        of_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
               plain);
    of_hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
           "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
           "76fc6ece0f4e1768cddf8853bb2d551b",
           known);
    saga_seal(key, nonce, where, text, sealed);
    assert_memory_equal(sealed, known, text.size + 16);
}

static const uint8_t key[32] = "01234567890123456789012345678901", nonce[12] = "a nonce, 12";
static const uint8_t other[32] = "0123456789012345678901234567890x";

static void what_was_sealed_opens(void **state)
{
    static const char *const texts[] = { "", "x", "{\"name\":\"Ada\"}" };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t sealed[64], opened[64];
        struct saga_slice text = saga_slice_of(texts[i]);
        saga_seal(key, nonce, SAGA_SLICE("here"), text, sealed);
        struct saga_slice whole = { (const char *)sealed, text.size + 16 };
        assert_int_equal(saga_unseal(key, nonce, SAGA_SLICE("here"), whole, opened), SAGA_OK);
        assert_memory_equal(opened, texts[i], text.size);
    }
}

static void what_was_changed_or_moved_does_not_open(void **state)
{
    uint8_t sealed[32], opened[32];
    struct saga_slice text = SAGA_SLICE("a secret"), whole = { (const char *)sealed, 8 + 16 };
    (void)state;
    saga_seal(key, nonce, SAGA_SLICE("here"), text, sealed);
    for (size_t i = 0; i < whole.size; i++) {
        sealed[i] ^= 1;
        assert_int_equal(saga_unseal(key, nonce, SAGA_SLICE("here"), whole, opened),
                         SAGA_E_INVALID);
        sealed[i] ^= 1;
    }
    assert_int_equal(saga_unseal(key, nonce, SAGA_SLICE("there"), whole, opened), SAGA_E_INVALID);
    assert_int_equal(saga_unseal(other, nonce, SAGA_SLICE("here"), whole, opened), SAGA_E_INVALID);
    whole.size = 15;
    assert_int_equal(saga_unseal(key, nonce, SAGA_SLICE("here"), whole, opened), SAGA_E_INVALID);
}

/* Catches a nonce that is the same for two texts, which gives both away. */
static void a_nonce_follows_from_text_place_and_key(void **state)
{
    uint8_t one[12], two[12];
    (void)state;
    saga_seal_nonce(key, SAGA_SLICE("ab"), SAGA_SLICE("c"), one);
    saga_seal_nonce(key, SAGA_SLICE("ab"), SAGA_SLICE("c"), two);
    assert_memory_equal(one, two, sizeof one);
    saga_seal_nonce(key, SAGA_SLICE("a"), SAGA_SLICE("bc"), two);
    assert_memory_not_equal(one, two, sizeof one);
    saga_seal_nonce(key, SAGA_SLICE("ab"), SAGA_SLICE("d"), two);
    assert_memory_not_equal(one, two, sizeof one);
    saga_seal_nonce(other, SAGA_SLICE("ab"), SAGA_SLICE("c"), two);
    assert_memory_not_equal(one, two, sizeof one);
    saga_seal_nonce(key, SAGA_SLICE_NONE, SAGA_SLICE_NONE, two);
    assert_memory_not_equal(one, two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_that_of_the_specification),
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(what_was_changed_or_moved_does_not_open),
        cmocka_unit_test(a_nonce_follows_from_text_place_and_key),
    };
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
