#include "operate/lane_reading.h"

#include <malloc.h>
#include <unistd.h>

#include "base/error.h"
#include "operate/output.h"

enum { READ_TIMEOUT_MS = 500, CHUNK = 2000 };
/* How often it says how far it is: a terminal's line is written over, a log's are many. */
enum { BAR_MS = 200, LINE_MS = 10000 };

static void show_bar(uint64_t records, uint64_t expected, uint64_t per_s)
{
    unsigned filled = expected ? (unsigned)(30 * records / expected) : 30;
    if (filled > 30) filled = 30;
    fprintf(stderr, "\r[%.*s%*s] %llu records, %llu/s ", (int)filled,
            "##############################", (int)(30 - filled), "", (unsigned long long)records,
            (unsigned long long)per_s);
    fflush(stderr);
}

static void show_progress(struct saga_lane_reading *r)
{
    int64_t now_ms = saga_now_ms(), took_ms = now_ms - r->started_ms;
    if (now_ms - r->shown_ms < (r->bar ? BAR_MS : LINE_MS)) return;
    r->shown_ms = now_ms;
    uint64_t per_s = took_ms > 0 ? r->records * 1000 / (uint64_t)took_ms : 0;
    if (r->bar)
        show_bar(r->records, r->expected, per_s);
    else
        fprintf(stderr, "%llu of at most %llu records, %llu/s\n", (unsigned long long)r->records,
                (unsigned long long)r->expected, (unsigned long long)per_s);
}

int saga_lane_bounds(struct saga_call *call, uint32_t lane, int64_t *ret_low, int64_t *ret_high)
{
    if (saga_client_watermarks(call->client, call->topics.journal, (int32_t)lane,
                               SAGA_CALL_TIMEOUT_MS, ret_low, ret_high) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "make the topics: saga topics create", "%s",
                          saga_client_problem(call->client));
}

/* What is read ahead is some megabytes at a time: given back to the system and taken again, each would be zeroed anew. */
static void keep_memory(void)
{
    enum { BLOCK_BYTES_MAX = 32 * 1024 * 1024, FREE_BYTES_MAX = 512 * 1024 * 1024 };
    mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES_MAX);
    mallopt(M_TRIM_THRESHOLD, FREE_BYTES_MAX);
}

int saga_lane_reading_begin(struct saga_lane_reading *reading, struct saga_call *call,
                            uint32_t first, uint32_t count)
{
    int64_t now_ms = saga_now_ms(), low, high;
    *reading = (struct saga_lane_reading){
        .call = call,
        .bar = call->output == SAGA_OUTPUT_TEXT && isatty(STDERR_FILENO),
        .started_ms = now_ms,
        .shown_ms = now_ms,
        .started_clock = clock(),
    };
    for (uint32_t lane = first; lane < first + count; lane++) {
        int code = saga_lane_bounds(call, lane, &low, &high);
        if (code != SAGA_EXIT_DONE) return code;
        reading->expected += (uint64_t)(high - low);
    }
    keep_memory();
    return SAGA_EXIT_DONE;
}

void saga_lane_reading_end(const struct saga_lane_reading *reading)
{
    if (reading->bar) fprintf(stderr, "\r%60s\r", "");
}

int saga_lane_reading_fail(const struct saga_lane_reading *reading, uint32_t lane)
{
    struct saga_call *call = reading->call;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "are the coordinator's topics there? saga topics check", "lane %u: %s",
                          lane, saga_client_problem(call->client));
}

/* False: no more is wanted. */
static bool take_all(struct saga_lane_reading *reading, const struct saga_bus_records *records,
                     saga_take_record take, void *context)
{
    for (size_t i = 0; i < records->count; i++) {
        reading->records++;
        if (!take(&records->items[i], context)) return false;
    }
    return true;
}

int saga_lane_read_to(struct saga_lane_reading *reading, struct saga_reader *reader, int64_t until,
                      int64_t *position, saga_take_record take, void *context)
{
    bool wanted = true;
    while (wanted && *position < until) {
        struct saga_bus_records records = { 0 };
        bool end;
        int error = saga_reader_read(reader, READ_TIMEOUT_MS, CHUNK, &records, position, &end);
        if (error == SAGA_E_AGAIN) continue;
        if (error < 0) return error;
        wanted = take_all(reading, &records, take, context);
        saga_reader_release(reader, &records);
        show_progress(reading);
    }
    return SAGA_OK;
}

int saga_lane_read(struct saga_lane_reading *reading, uint32_t lane, int64_t from, int64_t until,
                   saga_take_record take, void *context)
{
    struct saga_call *call = reading->call;
    struct saga_reader *reader;
    if (saga_reader_open(call->client, call->topics.journal, (int32_t)lane, from, &reader) < 0)
        return saga_lane_reading_fail(reading, lane);
    int error = saga_lane_read_to(reading, reader, until, &from, take, context);
    saga_reader_close(reader);
    return error == SAGA_OK ? SAGA_EXIT_DONE : saga_lane_reading_fail(reading, lane);
}

struct saga_pace saga_lane_reading_pace(const struct saga_lane_reading *reading)
{
    double records = (double)reading->records;
    struct saga_pace pace = {
        .seconds = (double)(saga_now_ms() - reading->started_ms) / 1000,
        .processor_s = (double)(clock() - reading->started_clock) / (double)CLOCKS_PER_SEC,
    };
    if (pace.seconds > 0) pace.per_s = records / pace.seconds;
    if (pace.processor_s > 0) pace.per_processor_s = records / pace.processor_s;
    return pace;
}
