#include "operate/lane_reading.h"

#include <malloc.h>
#include <time.h>

#include "base/error.h"
#include "base/monotonic.h"
#include "definition/expression.h"
#include "operate/output.h"

enum { READ_TIMEOUT_MS = 500, CHUNK = 2000 };
/* How often Redis is looked at again while it follows the journal, all lanes together, and how long is waited. */
enum { TRIES = 40, WAIT_MS = 100 };

int saga_lane_bounds(struct saga_call *call, uint32_t lane, int64_t *ret_low, int64_t *ret_high)
{
    if (saga_client_watermarks(call->client, call->topics.journal, (int32_t)lane,
                               SAGA_CALL_TIMEOUT_MS, ret_low, ret_high) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "make the topics: saga topics create", "%s",
                          saga_client_problem(call->client));
}

int saga_lane_offset_at(struct saga_call *call, uint32_t lane, int64_t time_ms, int64_t *ret)
{
    if (saga_client_offset_at(call->client, call->topics.journal, (int32_t)lane, time_ms,
                              SAGA_CALL_TIMEOUT_MS, ret) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s", saga_client_problem(call->client));
}

/* What is read ahead is some megabytes at a time: given back to the system and taken again, each would be zeroed anew. A
 * daemon's memory is not for one of its threads to keep. */
static void keep_memory(const struct saga_call *call)
{
    enum { BLOCK_BYTES_MAX = 32 * 1024 * 1024, FREE_BYTES_MAX = 512 * 1024 * 1024 };
    if (call->command->is_daemon) return;
    mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES_MAX);
    mallopt(M_TRIM_THRESHOLD, FREE_BYTES_MAX);
}

static double processor_s(const struct saga_call *call)
{
    struct timespec now;
    bool of_thread = call->command->is_daemon;
    clock_gettime(of_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9 + saga_expression_elsewhere_s(of_thread);
}

void saga_lane_reading_begin_with(struct saga_lane_reading *reading, struct saga_call *call,
                                  uint64_t expected)
{
    *reading = (struct saga_lane_reading){ .call = call,
                                           .started_processor_s = processor_s(call),
                                           .lock = PTHREAD_MUTEX_INITIALIZER };
    saga_progress_begin(&reading->progress, call, expected);
    keep_memory(call);
}

int saga_lane_reading_begin(struct saga_lane_reading *reading, struct saga_call *call,
                            uint32_t first, uint32_t count)
{
    int64_t low, high;
    uint64_t expected = 0;
    *reading = (struct saga_lane_reading){ .call = call };
    for (uint32_t lane = first; lane < first + count; lane++) {
        int code = saga_lane_bounds(call, lane, &low, &high);
        if (code != SAGA_EXIT_DONE) return code;
        expected += (uint64_t)(high - low);
    }
    saga_lane_reading_begin_with(reading, call, expected);
    return SAGA_EXIT_DONE;
}

void saga_lane_reading_end(const struct saga_lane_reading *reading)
{
    saga_progress_end(&reading->progress);
}

int saga_lane_reading_fail(const struct saga_lane_reading *reading, uint32_t lane)
{
    struct saga_call *call = reading->call;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "are the coordinator's topics there? saga topics check", "lane %u: %s",
                          lane, saga_client_problem(call->client));
}

void saga_lane_reading_share(struct saga_lane_reading *part, struct saga_call *call,
                             struct saga_lane_reading *whole)
{
    *part = (struct saga_lane_reading){ .call = call, .whole = whole };
}

static struct saga_lane_reading *whole_of(struct saga_lane_reading *reading)
{
    return reading->whole ? reading->whole : reading;
}

static void count_read(struct saga_lane_reading *reading, size_t count)
{
    struct saga_lane_reading *whole = whole_of(reading);
    pthread_mutex_lock(&whole->lock);
    whole->progress.records += count;
    saga_progress_show(&whole->progress);
    pthread_mutex_unlock(&whole->lock);
}

/* Who takes what is read: one by one as long as more is wanted, or some at once. */
struct taker {
    saga_take_record one;
    saga_take_records some;
    void *context;
};

/* False: no more is wanted. */
static bool give(struct saga_lane_reading *reading, const struct taker *taker,
                 const struct saga_bus_records *records)
{
    size_t count = 0;
    bool wanted = true;
    if (taker->some) {
        taker->some(records->items, records->count, taker->context);
        count = records->count;
    }
    while (wanted && count < records->count)
        wanted = taker->one(&records->items[count++], taker->context);
    count_read(reading, count);
    return wanted;
}

static int read_until(struct saga_lane_reading *reading, struct saga_reader *reader, int64_t until,
                      int64_t *position, const struct taker *taker)
{
    bool wanted = true;
    while (wanted && *position < until) {
        struct saga_bus_records records = { 0 };
        bool end;
        int error = saga_reader_read(reader, READ_TIMEOUT_MS, CHUNK, &records, position, &end);
        if (error < 0 && error != SAGA_E_AGAIN) return error;
        if (error < 0 || records.count == 0)
            wanted = !reading->goes_on || reading->goes_on(reading->goes_on_context);
        if (error < 0) continue;
        if (records.count) wanted = give(reading, taker, &records);
        saga_reader_release(reader, &records);
    }
    return SAGA_OK;
}

int saga_lane_read_to(struct saga_lane_reading *reading, struct saga_reader *reader, int64_t until,
                      int64_t *position, saga_take_records take, void *context)
{
    const struct taker taker = { .some = take, .context = context };
    return read_until(reading, reader, until, position, &taker);
}

int saga_lane_read(struct saga_lane_reading *reading, uint32_t lane, int64_t from, int64_t until,
                   saga_take_record take, void *context)
{
    struct saga_call *call = reading->call;
    struct saga_reader *reader;
    if (saga_reader_open(call->client, call->topics.journal, (int32_t)lane, from, &reader) < 0)
        return saga_lane_reading_fail(reading, lane);
    const struct taker taker = { .one = take, .context = context };
    int error = read_until(reading, reader, until, &from, &taker);
    saga_reader_close(reader);
    return error == SAGA_OK ? SAGA_EXIT_DONE : saga_lane_reading_fail(reading, lane);
}

static void say_waiting(struct saga_lane_reading *reading, uint32_t lane, int64_t applied,
                        int64_t behind)
{
    struct saga_lane_reading *whole = whole_of(reading);
    if (reading->waited++) return;
    pthread_mutex_lock(&whole->lock);
    saga_progress_end(&whole->progress);
    if (applied == SAGA_REPLAY_APPLIED_UNKNOWN)
        fprintf(stderr, "lane %u: %s: waiting a moment\n", lane,
                saga_views_problem(reading->call->views));
    else if (applied == SAGA_REPLAY_APPLIED_NOTHING)
        fprintf(stderr,
                "Redis has nothing of lane %u: waiting a moment for a coordinator to build it\n",
                lane);
    else if (applied == behind)
        fprintf(stderr,
                "Redis holds something else of lane %u than the journal: waiting a moment\n", lane);
    else
        fprintf(stderr, "Redis stands at %lld of lane %u, the journal at %lld: waiting a moment\n",
                (long long)applied, lane, (long long)behind);
    pthread_mutex_unlock(&whole->lock);
}

int saga_lane_compare(struct saga_lane_reading *reading, uint32_t lane, struct saga_replay *replay,
                      struct saga_reader *reader, int64_t *position, saga_take_records take,
                      void *context)
{
    struct saga_views *views = reading->call->views;
    int64_t applied, low, high;
    int error = SAGA_E_AGAIN;
    while (error == SAGA_E_AGAIN && reading->waited < TRIES) {
        error = saga_replay_compare(replay, views, false, &applied);
        if (error != SAGA_E_AGAIN) break;
        int code = saga_lane_bounds(reading->call, lane, &low, &high);
        if (code != SAGA_EXIT_DONE) return code;
        /* Redis may name an offset that the journal does not have: of another one, or of an end that was cut off */
        if (applied > saga_replay_applied(replay) && applied <= high && *position < applied) {
            if (saga_lane_read_to(reading, reader, applied, position, take, context) < 0)
                return saga_lane_reading_fail(reading, lane);
        } else {
            say_waiting(reading, lane, applied, saga_replay_applied(replay));
            saga_sleep_ms(WAIT_MS);
        }
    }
    if (error == SAGA_E_AGAIN) error = saga_replay_compare(replay, views, true, &applied);
    if (error == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(reading->call, SAGA_EXIT_FAILED,
                          "is Redis there? --from-journal goes without", "lane %u: %s", lane,
                          saga_views_problem(views));
}

struct saga_pace saga_lane_reading_pace(const struct saga_lane_reading *reading)
{
    double records = (double)reading->progress.records;
    struct saga_pace pace = {
        .seconds = (double)(saga_now_ms() - reading->progress.started_ms) / 1000,
        .processor_s = processor_s(reading->call) - reading->started_processor_s,
    };
    if (pace.seconds > 0) pace.per_s = records / pace.seconds;
    if (pace.processor_s > 0) pace.per_processor_s = records / pace.processor_s;
    return pace;
}
