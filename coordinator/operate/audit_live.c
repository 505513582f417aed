#include "operate/audit_live.h"

#include "base/error.h"
#include "operate/audit_definitions.h"
#include "operate/lane_reading.h"
#include "operate/opening.h"
#include "operate/reading.h"

struct proving {
    struct saga_call *call;
    struct saga_audit_definitions definitions;
    struct saga_audit *audit; /* of the lane under way */
    bool whole;               /* its journal has its first record */
    unsigned cut;
    struct saga_lane_reading reading;
};

static bool take_definition(const struct saga_message *message, void *context)
{
    struct proving *p = context;
    saga_audit_definition(&p->definitions, message, saga_message_header(message, "saga_sha256"));
    return true;
}

static bool take_snapshot(const struct saga_message *message, void *context)
{
    struct proving *p = context;
    if (p->whole)
        saga_audit_snapshot(p->audit, message);
    else
        saga_replay_snapshot(saga_audit_replay(p->audit), message);
    return true;
}

static void take_records(const struct saga_message *records, size_t count, void *context)
{
    struct proving *p = context;
    for (size_t i = 0; i < count; i++) saga_audit_record(p->audit, &records[i]);
}

/* The snapshots first: what they say is then no newer than the journal that is read behind them. */
static int begin(struct proving *p, uint32_t lane, int64_t *ret_low, int64_t *ret_high)
{
    struct saga_call *call = p->call;
    int code = saga_lane_bounds(call, lane, ret_low, ret_high);
    if (code != SAGA_EXIT_DONE) return code;
    p->whole = *ret_low == 0;
    code = saga_read_to_end(call, call->topics.snapshots, (int32_t)lane, SAGA_READ_BEGINNING,
                            take_snapshot, p);
    if (code != SAGA_EXIT_DONE) return code;
    int64_t low_by_now;
    code = saga_lane_bounds(call, lane, &low_by_now, ret_high);
    if (code != SAGA_EXIT_DONE || p->whole) return code;
    int64_t offset = saga_replay_begin(saga_audit_replay(p->audit), *ret_low);
    if (offset >= 0) saga_audit_begin_at(p->audit, offset);
    saga_audit_leave_out(p->audit, NULL);
    p->cut++;
    return SAGA_EXIT_DONE;
}

static int prove_lane(struct proving *p, uint32_t lane, bool with_redis)
{
    struct saga_call *call = p->call;
    struct saga_reader *reader;
    int64_t position, high;
    int code = begin(p, lane, &position, &high);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_reader_open(call->client, call->topics.journal, (int32_t)lane, position, &reader) < 0)
        return saga_lane_reading_fail(&p->reading, lane);
    if (saga_lane_read_to(&p->reading, reader, high, &position, take_records, p) < 0)
        code = saga_lane_reading_fail(&p->reading, lane);
    else if (with_redis)
        code = saga_lane_compare(&p->reading, lane, saga_audit_replay(p->audit), reader, &position,
                                 take_records, p);
    saga_reader_close(reader);
    if (code == SAGA_EXIT_DONE) saga_audit_end(p->audit, true);
    return code;
}

int saga_audit_live(struct saga_call *call, bool with_redis, const struct saga_anchors *anchors,
                    struct saga_faults *faults, struct saga_audit_sum *ret, unsigned *ret_cut)
{
    struct proving p = { .call = call };
    p.definitions = (struct saga_audit_definitions){ .call = call,
                                                     .faults = faults,
                                                     .place = call->topics.definitions.data };
    *ret = (struct saga_audit_sum){ 0 };
    int code = saga_read_to_end(call, call->topics.definitions, 0, SAGA_READ_BEGINNING,
                                take_definition, &p);
    if (code == SAGA_EXIT_DONE) code = saga_audit_definitions_load(&p.definitions);
    ret->definitions = p.definitions.deployment.count;
    if (code == SAGA_EXIT_DONE)
        code = saga_lane_reading_begin(&p.reading, call, 0, call->config.lanes);
    for (uint32_t lane = 0; lane < call->config.lanes && code == SAGA_EXIT_DONE; lane++) {
        const struct saga_audit_config config = { .codec = call->codec,
                                                  .catalog = p.definitions.catalog,
                                                  .lane = lane,
                                                  .lanes = call->config.lanes,
                                                  .anchors = anchors,
                                                  .report = saga_faults_take,
                                                  .context = faults };
        const struct saga_keyring *keys;
        code = saga_call_keys(call, lane, &keys);
        if (code != SAGA_EXIT_DONE) break;
        p.audit = saga_audit_new(&config);
        saga_replay_keys(saga_audit_replay(p.audit), keys);
        saga_replay_expect_views(saga_audit_replay(p.audit));
        code = prove_lane(&p, lane, with_redis);
        saga_audit_sum_add(ret, p.audit, lane, call->arena);
        saga_audit_free(p.audit);
    }
    saga_lane_reading_end(&p.reading);
    saga_catalog_free(p.definitions.catalog);
    *ret_cut = p.cut;
    return code;
}
