/* A schedule by cron (the first line) on the clocks of a zone file (the rest): whatever a machine's file holds, an offset
 * holds in the stretch that is said, and ticks come one after another. */
#include <stdlib.h>

#include "base/assert.h"
#include "definition/schedule.h"
#include "fuzz.h"

/* 1970, 2000, 2026, 2100 and 9990. */
static const int64_t times_s[] = { 0, 951782400, 1775000000, 4107542399, 253086940800 };

static void check_offset(const struct saga_zone *zone, int64_t time_s)
{
    int64_t from_s, until_s, from_again_s, until_again_s;
    int32_t offset_s = saga_zone_offset(zone, time_s, &from_s, &until_s);
    SAGA_ASSERT(from_s <= time_s && time_s < until_s);
    SAGA_ASSERT(abs(offset_s) < 26 * 3600);
    if (from_s > INT64_MIN)
        SAGA_ASSERT(saga_zone_offset(zone, from_s, &from_again_s, &until_again_s) == offset_s);
}

static void check_ticks(const struct saga_schedule *schedule, int64_t time_ms)
{
    const struct saga_start start = { .cron = schedule };
    for (int i = 0; i < 3; i++) {
        int64_t next_ms = saga_schedule_next(&start, time_ms);
        SAGA_ASSERT(next_ms > time_ms);
        if (next_ms == SAGA_SCHEDULE_NEVER) return;
        SAGA_ASSERT(saga_schedule_newest(&start, time_ms + 1, next_ms) == next_ms);
        time_ms = next_ms;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_slice bytes = fuzz_slice(data, size), text = fuzz_line(&bytes), message;
    struct saga_arena arena;
    struct saga_zone *zone;
    const struct saga_schedule *schedule;
    saga_arena_init(&arena);
    if (saga_zone_read(bytes, &arena, &zone) == 0) {
        bool ticks = saga_schedule_parse(text, zone, &arena, &schedule, &message) == 0;
        for (size_t i = 0; i < sizeof times_s / sizeof times_s[0]; i++) {
            check_offset(zone, times_s[i]);
            if (ticks) check_ticks(schedule, 1000 * times_s[i]);
        }
    }
    saga_arena_free(&arena);
    return 0;
}
