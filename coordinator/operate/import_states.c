#include "operate/import_states.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "base/random.h"
#include "runtime/worker.h"
#include "store/redis.h"

enum { STEP_MS = 100 };

/* ---- a bus that only reads ---- */

/* It gives its worker all lanes at once, and nobody else has a part in it. */
struct reading_bus {
    struct saga_client *client;
    struct saga_bus_listener listener;
    struct saga_position *partitions; /* of the inbox */
    size_t count;
    bool assigned;
    struct saga_reader *reader;
    const char *problem;
};

static const char *problem(void *self)
{
    struct reading_bus *bus = self;
    return bus->problem ? bus->problem : saga_client_problem(bus->client);
}

static void set_listener(void *self, struct saga_bus_listener listener)
{
    ((struct reading_bus *)self)->listener = listener;
}

static int subscribe(void *self, const struct saga_slice *topics, size_t count, size_t patient)
{
    (void)self, (void)topics, (void)count, (void)patient;
    return SAGA_OK;
}

static int poll_group(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret)
{
    struct reading_bus *bus = self;
    (void)max;
    *ret = (struct saga_bus_records){ 0 };
    if (bus->assigned) {
        saga_sleep_ms(timeout_ms);
        return SAGA_OK;
    }
    bus->assigned = true;
    bus->listener.assigned(bus->listener.context, bus->partitions, bus->count);
    return SAGA_OK;
}

static void release(void *self, struct saga_bus_records *records)
{
    saga_reader_release(((struct reading_bus *)self)->reader, records);
}

static int fetch(void *self, const struct saga_position *positions, size_t count)
{
    (void)self, (void)positions, (void)count;
    return SAGA_OK;
}

/* Nothing was ever consumed here, and nothing will be. */
static int committed(void *self, struct saga_position *positions, size_t count, int timeout_ms)
{
    (void)self, (void)timeout_ms;
    for (size_t i = 0; i < count; i++) positions[i].offset = 0;
    return SAGA_OK;
}

static int watermarks(void *self, struct saga_slice topic, int32_t partition, int timeout_ms,
                      int64_t *ret_low, int64_t *ret_high)
{
    return saga_client_watermarks(((struct reading_bus *)self)->client, topic, partition,
                                  timeout_ms, ret_low, ret_high);
}

static int refuse(struct reading_bus *bus)
{
    bus->problem = "an import sends nothing";
    return SAGA_E_STOP;
}

static int commit_positions(void *self, const struct saga_position *positions, size_t count,
                            int timeout_ms)
{
    (void)positions, (void)count, (void)timeout_ms;
    return refuse(self);
}

static int partition_count(void *self, struct saga_slice topic, int timeout_ms, int32_t *ret_count)
{
    (void)topic, (void)timeout_ms, (void)ret_count;
    return refuse(self);
}

static int refuse_transaction(void *self)
{
    return refuse(self);
}

static int send(void *self, const struct saga_message *message, int64_t *ret_offset)
{
    (void)message, (void)ret_offset;
    return refuse(self);
}

static int send_offsets(void *self, const struct saga_position *positions, size_t count)
{
    (void)positions, (void)count;
    return refuse(self);
}

static int nothing_to_renew(void *self)
{
    (void)self;
    return SAGA_OK;
}

static int warm(void *self, const struct saga_slice *topics, size_t count)
{
    (void)self, (void)topics, (void)count;
    return SAGA_OK;
}

static void drop_reader(struct reading_bus *bus)
{
    saga_reader_close(bus->reader);
    bus->reader = NULL;
}

/* It goes with the next one: records that it gave may still be in hand, and their client waits for them when it ends. */
static void reader_close(void *self)
{
    (void)self;
}

static int reader_open(void *self, struct saga_slice topic, int32_t partition, int64_t offset,
                       enum saga_reading reading)
{
    struct reading_bus *bus = self;
    (void)reading;
    drop_reader(bus);
    return saga_reader_open(bus->client, topic, partition, offset, &bus->reader);
}

static int reader_read(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret,
                       int64_t *ret_position)
{
    struct reading_bus *bus = self;
    bool end;
    return saga_reader_read(bus->reader, timeout_ms, max, ret, ret_position, &end);
}

static void close_bus(void *self)
{
    drop_reader(self);
}

static struct saga_bus bus_of(struct reading_bus *self)
{
    return (struct saga_bus){
        .self = self,
        .problem = problem,
        .listen = set_listener,
        .subscribe = subscribe,
        .poll = poll_group,
        .release = release,
        .fetch = fetch,
        .committed = committed,
        .commit_positions = commit_positions,
        .watermarks = watermarks,
        .partition_count = partition_count,
        .begin = refuse_transaction,
        .send = send,
        .flush = refuse_transaction,
        .send_offsets = send_offsets,
        .commit = refuse_transaction,
        .abort = refuse_transaction,
        .renew = nothing_to_renew,
        .warm = warm,
        .reader_open = reader_open,
        .reader_read = reader_read,
        .reader_close = reader_close,
        .close = close_bus,
    };
}

/* ---- a worker that recovers ---- */

static void random_bytes(void *context, uint8_t *bytes, size_t size)
{
    (void)context;
    int error = saga_random(bytes, size);
    SAGA_ASSERT(error == SAGA_OK);
}

static int recover(struct saga_call *call, struct saga_worker *worker)
{
    while (saga_worker_phase(worker) != SAGA_WORKER_RUNNING)
        if (saga_worker_step(worker, STEP_MS) == SAGA_E_STOP)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the states cannot be built: %s",
                                  saga_worker_problem(worker));
    return SAGA_EXIT_DONE;
}

static int run_worker(struct saga_call *call, struct reading_bus *bus)
{
    struct saga_worker_counts counts = { 0 };
    struct saga_worker *worker;
    struct saga_worker_config config = {
        .inbox = call->topics.inbox,
        .journal = call->topics.journal,
        .dead_letters = call->topics.dead_letters,
        .snapshots = call->topics.snapshots,
        .lanes = call->config.lanes,
        .batch_max = call->config.batch_max,
        .cache_bytes = call->config.cache_bytes,
        .load_bytes = SAGA_LOAD_BYTES_MAX,
        .snapshot_portion = SAGA_SNAPSHOT_PORTION_MAX,
        .long_recovery = INT64_MAX, /* there are no others to work meanwhile */
        .owner = SAGA_SLICE(SAGA_IMPORT_OWNER),
        .bus = bus_of(bus),
        .clock = saga_clock_system(),
        .registry = saga_registry_new(), /* facts need no definition */
        .random_bytes = random_bytes,
        .counts = &counts,
    };
    if (saga_redis_open(&call->config.redis, call->config.lanes, &config.store) < 0) {
        saga_registry_free(config.registry);
        return saga_call_fail(call, SAGA_EXIT_FAILED, "look at the settings redis.*",
                              "Redis cannot be used");
    }
    saga_registry_end_reached(config.registry);
    saga_worker_new(&config, &worker);
    int code = recover(call, worker);
    saga_worker_free(worker);
    saga_registry_free(config.registry);
    return code;
}

int saga_import_states(struct saga_call *call, const uint32_t *lanes, size_t count)
{
    struct reading_bus bus = { .client = call->client, .count = count };
    bus.partitions = SAGA_NEW_ARRAY(call->arena, struct saga_position, count);
    for (size_t i = 0; i < count; i++)
        bus.partitions[i] = (struct saga_position){ call->topics.inbox, (int32_t)lanes[i], 0 };
    return run_worker(call, &bus);
}
