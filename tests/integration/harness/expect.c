#include "harness/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "harness/process.h"

enum { STEP_MS = 200, WORDS = 262144 };

static char said[WORDS];

void saga_test_expect(struct saga_test_cluster *cluster, int code, const char *words,
                      const char *format, ...)
{
    char line[900];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    int exited = saga_test_cli(cluster, said, sizeof said, "%s", line);
    if (exited != code || !strstr(said, words))
        fail_msg("saga %s: exit %d, not %d; expected \"%s\" in\n%s", line, exited, code, words,
                 said);
}

const char *saga_test_said(void)
{
    return said;
}

void saga_test_anchor_keys(const struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder;
    assert_int_equal(
        saga_test_shell("openssl genpkey -algorithm ed25519 -out %s/anchor.key 2>/dev/null &&"
                        "openssl pkey -in %s/anchor.key -pubout -out %s/anchor.pub",
                        folder, folder, folder),
        0);
}

struct markers {
    struct saga_codec *codec;
    struct saga_arena arena;
    int64_t *places; /* by lane */
};

static void note_marker(const struct saga_message *record, void *context)
{
    struct markers *markers = context;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_marker marker;
    if (!saga_slice_equal(record->key, SAGA_MARKER_KEY)) return;
    assert_int_equal(
        saga_marker_decode(markers->codec, record->value, &markers->arena, &marker, &diagnostic),
        0);
    markers->places[record->partition] = marker.offset;
}

void saga_test_wait_snapshots(struct saga_test_cluster *cluster, int64_t place, int64_t *ret)
{
    struct markers markers = { .places = ret };
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    uint32_t behind = 0;
    memset(ret, 0, cluster->lanes * sizeof *ret);
    assert_int_equal(saga_codec_new(&markers.codec), 0);
    saga_arena_init(&markers.arena);
    while (behind < cluster->lanes && saga_test_now_ms() < until_ms) {
        saga_test_visit_topic(cluster, "saga.snapshots", note_marker, &markers);
        for (behind = 0; behind < cluster->lanes && ret[behind] > place;) behind++;
        saga_arena_reset(&markers.arena);
        if (behind < cluster->lanes) saga_test_sleep_ms(STEP_MS);
    }
    saga_arena_free(&markers.arena);
    saga_codec_free(markers.codec);
    if (behind < cluster->lanes) fail_msg("there are no snapshots; logs in %s", cluster->folder);
}
