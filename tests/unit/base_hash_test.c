/* Hashes that others compute too: a value that differs sends a saga to a lane where nobody looks for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/hash.h"

static void murmur2_is_that_of_javas_kafka_clients(void **state)
{
    (void)state;
    /* Utils.toPositive(Utils.murmur2(bytes)) of kafka-clients 4.1.1 */
    static const struct {
        const char *key;
        uint32_t hash;
    } known[] = { { "", 0x106e08d9 },
                  { "a", 0x22d0b27c },
                  { "ab", 0x12d8262a },
                  { "abc", 0x1c94221b },
                  { "order-17", 0x5d7aa5f1 },
                  { "customer/42", 0x4541bd17 },
                  { "Z\xC3\xBCrich", 0x238b7831 },
                  { "0123456789abcdef0", 0x6eac3c7e },
                  { "\xFF\x80\xFE", 0x390b8ddd } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(saga_murmur2(saga_slice_of(known[i].key)), known[i].hash);
    char all[256];
    for (int i = 0; i < 256; i++) all[i] = (char)i;
    assert_int_equal(saga_murmur2((struct saga_slice){ all, sizeof all }), 0x0bde9476);
}

static void a_lane_is_the_hash_modulo_the_lanes(void **state)
{
    (void)state;
    assert_int_equal(saga_lane_of_key(SAGA_SLICE("order-17"), 8), 1);
    assert_int_equal(saga_lane_of_key(SAGA_SLICE("order-17"), 12), 9);
    assert_int_equal(saga_lane_of_key(SAGA_SLICE("order-17"), 1), 0);
}

static void crc64_is_that_of_the_avro_specification(void **state)
{
    (void)state;
    assert_true(saga_crc64_avro(SAGA_SLICE("")) == 0xc15d213aa4d7a795ULL);
    assert_true(saga_crc64_avro(SAGA_SLICE("\"null\"")) == 0x63dd24e7cc258f8aULL);
    assert_true(saga_crc64_avro(SAGA_SLICE("\"int\"")) == 0x7275d51a3f395c8fULL);
    assert_true(saga_crc64_avro(SAGA_SLICE("\"string\"")) == 0x8f014872634503c7ULL);
}

static void sha256_is_that_of_the_standard(void **state)
{
    (void)state;
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_sha256_hex(SAGA_SLICE("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char first[6] = "......";
    saga_sha256_digits(SAGA_SLICE("abc"), 4, first);
    assert_memory_equal(first, "ba78..", sizeof first);
    saga_sha256_hex(SAGA_SLICE_NONE, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha256_of_two_runs_is_that_of_one_behind_the_other(void **state)
{
    (void)state;
    uint8_t whole[SAGA_SHA256_BYTES], parts[SAGA_SHA256_BYTES];
    saga_sha256(SAGA_SLICE("chain of records"), SAGA_SLICE_NONE, whole);
    saga_sha256(SAGA_SLICE("chain of "), SAGA_SLICE("records"), parts);
    assert_memory_equal(whole, parts, sizeof whole);
    saga_sha256(SAGA_SLICE("records"), SAGA_SLICE("chain of "), parts);
    assert_memory_not_equal(whole, parts, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur2_is_that_of_javas_kafka_clients),
        cmocka_unit_test(a_lane_is_the_hash_modulo_the_lanes),
        cmocka_unit_test(crc64_is_that_of_the_avro_specification),
        cmocka_unit_test(sha256_is_that_of_the_standard),
        cmocka_unit_test(sha256_of_two_runs_is_that_of_one_behind_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
