/* Anchors: what was signed is believed, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "runtime/anchors.h"

#define JOURNAL "00112233445566778899aabbccddeeff"

static struct {
    struct saga_arena arena;
    char folder[32], secret[64], public[64], file[64];
    struct saga_anchor_key *signer, *reader;
    unsigned faults, last_line;
    char words[256];
} t;

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    saga_arena_init(&t.arena);
    strcpy(t.folder, "/tmp/saga-anchors-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    snprintf(t.secret, sizeof t.secret, "%s/key", t.folder);
    snprintf(t.public, sizeof t.public, "%s/pub", t.folder);
    snprintf(t.file, sizeof t.file, "%s/anchors", t.folder);
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *file = fopen(t.secret, "w");
    assert_int_equal(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    file = fopen(t.public, "w");
    assert_int_equal(PEM_write_PUBKEY(file, pkey), 1);
    fclose(file);
    EVP_PKEY_free(pkey);
    struct saga_diagnostic diagnostic = { 0 };
    assert_int_equal(
        saga_anchor_key_read(t.secret, SAGA_ANCHOR_KEY_PRIVATE, &t.arena, &t.signer, &diagnostic),
        SAGA_OK);
    assert_int_equal(
        saga_anchor_key_read(t.public, SAGA_ANCHOR_KEY_PUBLIC, &t.arena, &t.reader, &diagnostic),
        SAGA_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_anchor_key_free(t.signer);
    saga_anchor_key_free(t.reader);
    unlink(t.secret);
    unlink(t.public);
    unlink(t.file);
    rmdir(t.folder);
    saga_arena_free(&t.arena);
    return 0;
}

static struct saga_anchor anchor_of(uint32_t lane, int64_t offset, uint8_t byte)
{
    struct saga_anchor anchor = {
        .lane = lane, .offset = offset, .journal = JOURNAL, .time = "2026-11-29T02:30:00.000Z"
    };
    memset(anchor.chain, byte, sizeof anchor.chain);
    saga_anchor_sign(&anchor, t.signer);
    return anchor;
}

static struct saga_slice line_of(uint32_t lane, int64_t offset, uint8_t byte)
{
    struct saga_anchor anchor = anchor_of(lane, offset, byte);
    return saga_anchor_json(&anchor, &t.arena);
}

static void note(const struct saga_anchor_fault *fault, void *context)
{
    assert_ptr_equal(context, &t);
    t.faults++;
    t.last_line = fault->line;
    snprintf(t.words, sizeof t.words, "%.*s", SAGA_SLICE_ARG(fault->words));
}

static struct saga_anchors read_back(void)
{
    struct saga_anchors anchors;
    struct saga_diagnostic diagnostic = { 0 };
    t.faults = 0;
    struct saga_anchors_intake *intake =
        saga_anchors_begin(&t.reader, 1, note, &t, &t.arena, &anchors);
    assert_int_equal(saga_anchors_read(t.file, intake, &t.arena, &diagnostic), SAGA_OK);
    saga_anchors_end(intake);
    return anchors;
}

static void write_lines(const struct saga_slice *lines, size_t count)
{
    FILE *file = fopen(t.file, "w");
    for (size_t i = 0; i < count; i++) fprintf(file, "%.*s\n", SAGA_SLICE_ARG(lines[i]));
    fclose(file);
}

static void an_anchor_comes_back_as_it_was(void **state)
{
    (void)state;
    struct saga_anchor anchor = anchor_of(3, INT64_MAX, 7), back;
    const char *why;
    assert_string_equal(saga_anchor_key_id(t.signer), saga_anchor_key_id(t.reader));
    struct saga_slice line = saga_anchor_json(&anchor, &t.arena);
    assert_int_equal(saga_anchor_parse(line, &t.arena, &back, &why), SAGA_OK);
    assert_int_equal(back.lane, anchor.lane);
    assert_int_equal(back.offset, anchor.offset);
    assert_memory_equal(back.chain, anchor.chain, sizeof anchor.chain);
    assert_true(saga_slice_equal(saga_anchor_json(&back, &t.arena), line));
    assert_true(saga_anchor_is_signed(&back, t.reader));
}

/* Catches a value that is not signed, and one that has several texts: no byte of a line can be another. */
static void no_byte_can_be_another(void **state)
{
    (void)state;
    const struct saga_slice line = line_of(1, 41, 0x5a);
    char *bytes = saga_arena_string(&t.arena, line);
    for (size_t i = 0; i < line.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct saga_anchor anchor;
            const char *why;
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
            if (saga_anchor_parse((struct saga_slice){ bytes, line.size }, &t.arena, &anchor,
                                  &why) == SAGA_OK &&
                strcmp(anchor.key, saga_anchor_key_id(t.reader)) == 0 &&
                saga_anchor_is_signed(&anchor, t.reader))
                fail_msg("byte %zu, bit %d of %s", i, bit, line.data);
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
        }
}

/* Catches an order that the lanes do not find, and lines that are taken twice or silently. */
static void a_file_is_read_in_order(void **state)
{
    (void)state;
    const struct saga_slice lines[] = { line_of(1, 9, 1), line_of(0, 5, 1), line_of(0, 2, 1),
                                        line_of(1, 9, 1), line_of(3, 1, 1), SAGA_SLICE("hello") };
    const struct saga_anchor *of_lane;
    write_lines(lines, 6);
    struct saga_anchors anchors = read_back();
    assert_int_equal(anchors.count, 4);
    assert_int_equal(anchors.repeated, 1);
    assert_int_equal(t.faults, 1);
    assert_int_equal(t.last_line, 6);
    assert_int_equal(saga_anchors_of_lane(&anchors, 0, &of_lane), 2);
    assert_int_equal(of_lane[0].offset, 2);
    assert_int_equal(of_lane[1].offset, 5);
    assert_int_equal(saga_anchors_of_lane(&anchors, 1, &of_lane), 1);
    assert_int_equal(of_lane[0].line, 1);
    assert_int_equal(saga_anchors_of_lane(&anchors, 2, &of_lane), 0);
    assert_int_equal(saga_anchors_of_lane(&anchors, 3, &of_lane), 1);
}

/* Both were signed, so one journal was put in another's place meanwhile. */
static void contradictions_are_named(void **state)
{
    (void)state;
    const struct saga_slice lines[] = { line_of(0, 5, 1), line_of(0, 5, 2) };
    write_lines(lines, 2);
    read_back();
    assert_int_equal(t.faults, 1);
    assert_non_null(strstr(t.words, "another chain value than line 1"));
}

/* Catches a key with a pass phrase, for which a daemon would wait before a terminal that nobody sits at. */
static void nobody_is_asked_for_a_pass_phrase(void **state)
{
    struct saga_anchor_key *key;
    struct saga_diagnostic diagnostic = { 0 };
    (void)state;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *file = fopen(t.file, "w");
    assert_int_equal(PEM_write_PrivateKey(file, pkey, EVP_aes_256_cbc(), (unsigned char[]){ "x" },
                                          1, NULL, NULL),
                     1);
    fclose(file);
    EVP_PKEY_free(pkey);
    assert_int_equal(
        saga_anchor_key_read(t.file, SAGA_ANCHOR_KEY_PRIVATE, &t.arena, &key, &diagnostic),
        SAGA_E_INVALID);
    assert_non_null(strstr(saga_arena_string(&t.arena, diagnostic.what), "it is encrypted"));
}

static void keys_are_looked_at(void **state)
{
    (void)state;
    struct saga_anchor_key *key;
    struct saga_diagnostic diagnostic = { 0 };
    assert_int_equal(
        saga_anchor_key_read(t.public, SAGA_ANCHOR_KEY_PRIVATE, &t.arena, &key, &diagnostic),
        SAGA_E_INVALID);
    assert_int_equal(
        saga_anchor_key_read(t.secret, SAGA_ANCHOR_KEY_PUBLIC, &t.arena, &key, &diagnostic),
        SAGA_E_INVALID);
    assert_int_equal(
        saga_anchor_key_read(t.folder, SAGA_ANCHOR_KEY_PUBLIC, &t.arena, &key, &diagnostic),
        SAGA_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_anchor_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_byte_can_be_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_read_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(contradictions_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_asked_for_a_pass_phrase, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("anchors", tests, NULL, NULL);
}
