/* Hashes that others compute too: murmur2 as Java's Kafka clients, CRC-64-AVRO, SHA-256. */
#ifndef SAGA_BASE_HASH_H
#define SAGA_BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

#define SAGA_SHA256_BYTES 32

/* murmur2 of a record key as org.apache.kafka.common.utils.Utils does it, made positive. */
uint32_t saga_murmur2(struct saga_slice key);
/* The lane of a business key: murmur2(key) mod lanes (architecture.md, Words). */
uint32_t saga_lane_of_key(struct saga_slice key, uint32_t lanes);

/* SHA-256 over two runs of bytes, one behind the other; either may be empty. */
void saga_sha256(struct saga_slice first, struct saga_slice second, uint8_t ret[SAGA_SHA256_BYTES]);
/* The same as 64 lower-case hexadecimal digits and a NUL. */
void saga_sha256_hex(struct saga_slice bytes, char ret[2 * SAGA_SHA256_BYTES + 1]);
/* The first of those digits, an even number of them, without a NUL. */
void saga_sha256_digits(struct saga_slice bytes, size_t count, char *ret);
void saga_hex(const uint8_t *bytes, size_t size, char *ret);
/* The other way, digits of either case. SAGA_E_INVALID unless `hex` is exactly `size` bytes. */
int saga_unhex(struct saga_slice hex, uint8_t *ret, size_t size);
/* Is it this many hexadecimal digits, in lower case? What is signed or compared as a text must have one form alone. */
bool saga_is_lower_hex(struct saga_slice text, size_t digits);

/* CRC-64-AVRO (Rabin), the fingerprint of a schema in parsing canonical form (Avro 1.11 specification). */
uint64_t saga_crc64_avro(struct saga_slice bytes);

#endif
