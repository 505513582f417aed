/* What the broker refuses (R24), and what has no room in memory. After three refusals in a row a batch takes half as much,
 * until what does it is alone: a record goes to the dead letters, an alarm waits a minute. A batch that has no room for its
 * states takes half as much at once, and what is alone is taken whatever it comes to. As long as anything is suspected,
 * records and alarms are taken apart, so that no record is blamed for what an alarm sends; and a topic that takes only
 * small batches gets them. */
#include <stdio.h>

#include "base/hash.h"
#include "base/mutation.h"
#include "runtime/worker_internal.h"

enum { REFUSALS_MAX = 3, SKIP_MS = 60000, SMALL_MS = 10000 };

static bool is_narrow(const struct saga_worker *w, const struct saga_window *window)
{
    return window->refusals > 0 || window->size < w->config.batch_max || window->small_until_ms;
}

void saga_refusals_init(struct saga_worker *w)
{
    w->record_window = w->alarm_window = (struct saga_window){ .size = w->config.batch_max };
}

bool saga_refusals_suspected(const struct saga_worker *w)
{
    return is_narrow(w, &w->record_window) || is_narrow(w, &w->alarm_window);
}

/* True: what is refused was alone. */
static bool narrow(struct saga_window *window, size_t taken)
{
    if (++window->refusals < REFUSALS_MAX) return false;
    window->refusals = 0;
    window->size = taken > 1 ? taken / 2 : 1;
    return taken == 1;
}

static void skip(struct saga_worker *w)
{
    w->skipped[w->skipped_next++ % SAGA_SKIPPED_MAX] =
        (struct saga_skipped){ w->last_alarm, saga_worker_monotonic(w) + SKIP_MS };
    saga_log(SAGA_LOG_ERROR,
             "what an alarm leads to cannot be committed: it is tried again in a minute",
             "worker=%.*s words=\"%s\"", SAGA_SLICE_ARG(w->config.owner), w->problem);
}

void saga_refusals_note(struct saga_worker *w)
{
    if (w->taken_records && w->taken_alarms) { /* the next batches show which of them it is */
        w->record_window.refusals++;
        w->alarm_window.refusals++;
    } else if (w->taken_records) {
        bool alone = narrow(&w->record_window, w->taken_records);
        w->retained.last_is_poison = alone && !SAGA_WITHOUT(PUTTING_ASIDE);
    } else if (w->taken_alarms && narrow(&w->alarm_window, w->taken_alarms)) {
        skip(w);
    }
}

static void shrink(struct saga_window *window, size_t taken, int64_t now_ms)
{
    if (taken > 1) window->size = taken / 2;
    window->small_until_ms = now_ms + SMALL_MS;
}

void saga_refusals_too_large(struct saga_worker *w)
{
    int64_t now_ms = saga_worker_monotonic(w);
    SAGA_COUNT(w, made_smaller, 1);
    if (w->taken_records) shrink(&w->record_window, w->taken_records, now_ms);
    if (w->taken_alarms) shrink(&w->alarm_window, w->taken_alarms, now_ms);
}

static bool is_held_small(struct saga_worker *w, const struct saga_window *window)
{
    return window->small_until_ms && window->small_until_ms > saga_worker_monotonic(w);
}

/* Not at once where states were too many: those that come next are as large, and would be read in vain. */
static void widen(struct saga_worker *w, struct saga_window *window)
{
    window->refusals = 0;
    if (is_held_small(w, window)) return;
    window->small_until_ms = 0;
    window->size *= 2;
    if (window->size > w->config.batch_max) window->size = w->config.batch_max;
}

/* Nothing is due: the alarms that were too large together are over, and none may come for long that would say so. */
static void forget_small(struct saga_worker *w, struct saga_window *window)
{
    if (!window->small_until_ms || is_held_small(w, window)) return;
    window->small_until_ms = 0;
    window->size = w->config.batch_max;
}

void saga_refusals_end(struct saga_worker *w)
{
    if (w->taken_records) widen(w, &w->record_window);
    if (w->taken_alarms) widen(w, &w->alarm_window);
    if (!w->taken_records && !w->taken_alarms) forget_small(w, &w->alarm_window);
}

uint64_t saga_alarm_fingerprint(const struct saga_due_timer *alarm, struct saga_arena *arena)
{
    return saga_crc64_avro(saga_arena_printf(
        arena, "%zu/%.*s/%.*s/%llu", alarm->saga_id.size, SAGA_SLICE_ARG(alarm->saga_id),
        SAGA_SLICE_ARG(alarm->name), (unsigned long long)alarm->armed));
}

int64_t saga_alarm_skipped_ms(struct saga_worker *w, uint64_t alarm)
{
    int64_t now_ms = saga_worker_monotonic(w);
    for (size_t i = 0; i < SAGA_SKIPPED_MAX; i++)
        if (w->skipped[i].alarm == alarm && w->skipped[i].until_ms > now_ms)
            return w->skipped[i].until_ms - now_ms;
    return 0;
}
