/* When a schedule ticks: `every`, or `cron` in a time zone. A function of the definition and of the time that it is
 * asked with, so that deciding again gives the same ticks. */
#ifndef SAGA_DEFINITION_SCHEDULE_H
#define SAGA_DEFINITION_SCHEDULE_H

#include "base/arena.h"
#include "base/slice.h"
#include "definition/definition.h"
#include "definition/zone.h"

#define SAGA_SCHEDULE_NEVER INT64_MAX

/* Reads the five fields of cron(5): minute, hour, day of the month, month, day of the week. `*`, `?`, numbers, names of
 * months and days, ranges, lists, steps, and @yearly, @monthly, @weekly, @daily, @hourly. `*ret` is in the arena, and
 * keeps `zone`. Errors: SAGA_E_INVALID with words (static text, or in the arena). */
int saga_schedule_parse(struct saga_slice text, const struct saga_zone *zone,
                        struct saga_arena *arena, const struct saga_schedule **ret,
                        struct saga_slice *ret_message);
/* The text that it was read from, and the name of its zone, as they are shown to people. */
struct saga_slice saga_schedule_text(const struct saga_schedule *schedule);
struct saga_slice saga_schedule_zone(const struct saga_schedule *schedule);

/* Is it a start by schedule? */
bool saga_start_is_scheduled(const struct saga_start *start);
/* Has it such a start? */
bool saga_definition_is_scheduled(const struct saga_definition *definition);

/* The first tick after that time (milliseconds), SAGA_SCHEDULE_NEVER if none comes. `every` ticks at the multiples of its
 * duration since 1970. By the clock on the wall: a time that does not exist because clocks are put forward is the moment
 * at which they are; of a time that comes twice the first counts. What ticks in every hour goes by time that passes: it
 * neither waits nor hurries when clocks are changed. */
int64_t saga_schedule_next(const struct saga_start *start, int64_t after_ms);
/* The last tick in [from, until]; SAGA_SCHEDULE_NEVER if there is none. */
int64_t saga_schedule_newest(const struct saga_start *start, int64_t from_ms, int64_t until_ms);

#endif
