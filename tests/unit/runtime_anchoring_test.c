/* Anchors on a schedule: what moved on is signed and written once, whatever is in the way in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "runtime/anchoring.h"
#include "runtime/anchors.h"

#define JOURNAL "00112233445566778899aabbccddeeff"
enum { LANES = 150 };

static struct {
    struct saga_arena arena;
    char folder[32], secret[64], public[64], file[64];
    struct saga_anchoring *anchoring;
    unsigned faults;
} t;

static void write_keys(void)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *file = fopen(t.secret, "w");
    assert_int_equal(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    file = fopen(t.public, "w");
    assert_int_equal(PEM_write_PUBKEY(file, pkey), 1);
    fclose(file);
    EVP_PKEY_free(pkey);
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    saga_arena_init(&t.arena);
    strcpy(t.folder, "/tmp/saga-anchoring-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    snprintf(t.secret, sizeof t.secret, "%s/key", t.folder);
    snprintf(t.public, sizeof t.public, "%s/pub", t.folder);
    snprintf(t.file, sizeof t.file, "%s/anchors", t.folder);
    const struct saga_anchor_schedule schedule = { 1000, t.secret, t.file, NULL };
    t.anchoring = saga_anchoring_new(&schedule, LANES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_anchoring_free(t.anchoring);
    unlink(t.secret);
    unlink(t.public);
    unlink(t.file);
    rmdir(t.folder);
    saga_arena_free(&t.arena);
    return 0;
}

static void offer(uint32_t lane, int64_t offset)
{
    struct saga_lane_head head = { .lane = lane, .journal = JOURNAL, .offset = offset };
    memset(head.chain, (int)(offset & 0xff), sizeof head.chain);
    saga_lane_heads_offer(saga_anchoring_heads(t.anchoring), &head);
}

static void note(const struct saga_anchor_fault *fault, void *context)
{
    (void)fault, (void)context;
    t.faults++;
}

/* All that was written; each line must be signed. */
static struct saga_anchors written(void)
{
    struct saga_anchors anchors;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_anchor_key *key;
    assert_int_equal(
        saga_anchor_key_read(t.public, SAGA_ANCHOR_KEY_PUBLIC, &t.arena, &key, &diagnostic),
        SAGA_OK);
    struct saga_anchors_intake *intake =
        saga_anchors_begin(&key, 1, note, NULL, &t.arena, &anchors);
    assert_int_equal(saga_anchors_read(t.file, intake, &t.arena, &diagnostic), SAGA_OK);
    saga_anchors_end(intake);
    saga_anchor_key_free(key);
    assert_int_equal(t.faults, 0);
    assert_int_equal(anchors.repeated, 0);
    return anchors;
}

/* Catches a lane that is forgotten, one that is written again although it stands where it stood, and another place or chain value
 * than was said. */
static void what_moved_on_is_written_once(void **state)
{
    (void)state;
    write_keys();
    offer(1, 41);
    offer(0, 7);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_OK);
    struct saga_anchors anchors = written();
    assert_int_equal(anchors.count, 2);
    assert_int_equal(anchors.items[0].offset, 7);
    assert_int_equal(anchors.items[1].offset, 41);
    assert_int_equal(anchors.items[1].chain[0], 41);
    assert_string_equal(anchors.items[1].journal, JOURNAL);
    offer(0, 7);
    offer(1, 42);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_OK);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_OK);
    anchors = written();
    assert_int_equal(anchors.count, 3);
    assert_int_equal(anchors.items[2].offset, 42);
}

/* Catches a portion behind which lanes are left. */
static void many_lanes_are_written_in_portions(void **state)
{
    (void)state;
    write_keys();
    for (uint32_t lane = 0; lane < LANES; lane++) offer(lane, 5);
    for (int i = 0; i < 4; i++) assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_OK);
    assert_int_equal(written().count, LANES);
}

/* Catches an anchor that is lost because it could not be written at first, and a key that is not exchanged. */
static void what_is_in_the_way_is_waited_for(void **state)
{
    (void)state;
    offer(0, 1);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_E_AGAIN); /* no key */
    write_keys();
    assert_int_equal(mkdir(t.file, 0700), 0);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_E_AGAIN); /* no file */
    offer(0, 2);
    assert_int_equal(rmdir(t.file), 0);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_OK);
    assert_int_equal(written().items[0].offset, 2);
    unlink(t.file);
    write_keys();
    offer(0, 3);
    assert_int_equal(saga_anchoring_write(t.anchoring, NULL), SAGA_OK);
    assert_int_equal(written().count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_moved_on_is_written_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_lanes_are_written_in_portions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_the_way_is_waited_for, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("runtime_anchoring", tests, NULL, NULL);
}
