/* A record of saga.snapshots: a state, a marker, or the text of a log. What is taken can be written again, and gives the same. */
#include <string.h>

#include "base/assert.h"
#include "codec/codec.h"
#include "fuzz.h"
#include "runtime/operations.h"

static void try_state(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena)
{
    struct saga_snapshot snapshot, again;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice encoded;
    if (saga_snapshot_decode(codec, bytes, arena, &snapshot, &diagnostic) < 0) return;
    if (saga_snapshot_encode(codec, &snapshot, arena, &encoded) < 0) return;
    int error = saga_snapshot_decode(codec, encoded, arena, &again, &diagnostic);
    SAGA_ASSERT(error == 0 && again.as_of == snapshot.as_of && again.series == snapshot.series);
    SAGA_ASSERT(saga_slice_equal(again.state, snapshot.state));
}

static void try_marker(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena)
{
    struct saga_marker marker, again;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice encoded;
    uint8_t chain[SAGA_SHA256_BYTES];
    if (saga_marker_decode(codec, bytes, arena, &marker, &diagnostic) < 0) return;
    SAGA_ASSERT(saga_unhex(marker.chain, chain, sizeof chain) == 0);
    int error = saga_marker_encode(codec, &marker, arena, &encoded);
    SAGA_ASSERT(error == 0);
    error = saga_marker_decode(codec, encoded, arena, &again, &diagnostic);
    SAGA_ASSERT(error == 0 && again.offset == marker.offset && again.lanes == marker.lanes);
    SAGA_ASSERT(saga_slice_equal(again.journal, marker.journal));
}

static void try_log(struct saga_slice text, struct saga_arena *arena)
{
    struct saga_lane_log log, again;
    if (saga_operations_read_log(text, arena, &log) < 0) return;
    struct saga_slice written = saga_operations_write(&log, SIZE_MAX, arena);
    int error = saga_operations_read_log(written, arena, &again);
    SAGA_ASSERT(error == 0 && again.from == log.from && again.from_ms == log.from_ms);
    SAGA_ASSERT(again.count == log.count);
    for (size_t i = 0; i < log.count; i++)
        SAGA_ASSERT(saga_slice_equal(again.operations[i].entry, log.operations[i].entry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saga_codec *codec;
    struct saga_arena arena;
    if (!codec) saga_codec_new(&codec);
    saga_arena_init(&arena);
    try_state(codec, fuzz_slice(data, size), &arena);
    try_marker(codec, fuzz_slice(data, size), &arena);
    try_log(fuzz_slice(data, size), &arena);
    saga_arena_free(&arena);
    return 0;
}
