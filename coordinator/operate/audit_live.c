#include "operate/audit_live.h"

#include <unistd.h>

#include "base/error.h"
#include "operate/audit_definitions.h"
#include "operate/lane_reading.h"
#include "operate/reading.h"

/* How often Redis is looked at again while it follows the journal, all lanes together, and how long is waited. */
enum { TRIES = 40, WAIT_US = 100000 };

struct proving {
    struct saga_call *call;
    struct saga_audit_definitions definitions;
    struct saga_audit *audit; /* of the lane under way */
    bool whole;               /* its journal has its first record */
    unsigned tried, cut;
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

static bool take_record(const struct saga_message *message, void *context)
{
    struct proving *p = context;
    saga_audit_record(p->audit, message);
    return true;
}

/* The snapshots first: what they say is then no newer than the journal that is read behind them. */
static int begin(struct proving *p, uint32_t lane)
{
    struct saga_call *call = p->call;
    int64_t low, high;
    int code = saga_lane_bounds(call, lane, &low, &high);
    if (code != SAGA_EXIT_DONE) return code;
    p->whole = low == 0;
    code = saga_read_to_end(call, call->topics.snapshots, (int32_t)lane, SAGA_READ_BEGINNING,
                            take_snapshot, p);
    if (code != SAGA_EXIT_DONE || p->whole) return code;
    int64_t offset = saga_replay_begin(saga_audit_replay(p->audit), low);
    if (offset >= 0) saga_audit_begin_at(p->audit, offset);
    saga_audit_leave_out(p->audit, NULL);
    p->cut++;
    return SAGA_EXIT_DONE;
}

static int read_from(struct proving *p, uint32_t lane, int64_t offset)
{
    return saga_read_to_end(p->call, p->call->topics.journal, (int32_t)lane, offset, take_record,
                            p);
}

/* While the coordinator runs, Redis moves on between reading and comparing: follow it for a while. */
static int compare(struct proving *p, uint32_t lane)
{
    struct saga_replay *replay = saga_audit_replay(p->audit);
    struct saga_views *views = p->call->views;
    int64_t applied;
    int error = SAGA_E_AGAIN;
    for (; error == SAGA_E_AGAIN && p->tried < TRIES; p->tried++) {
        error = saga_replay_compare(replay, views, false, &applied);
        if (error != SAGA_E_AGAIN) break;
        if (applied <= saga_replay_applied(replay)) {
            usleep(WAIT_US);
            continue;
        }
        int code = read_from(p, lane, saga_replay_applied(replay));
        if (code != SAGA_EXIT_DONE) return code;
    }
    if (error == SAGA_E_AGAIN) error = saga_replay_compare(replay, views, true, &applied);
    if (error == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(p->call, SAGA_EXIT_FAILED, "is Redis there? --from-journal goes without",
                          "lane %u: %s", lane, saga_views_problem(views));
}

static int prove_lane(struct proving *p, uint32_t lane, bool with_redis)
{
    int code = begin(p, lane);
    if (code == SAGA_EXIT_DONE) code = read_from(p, lane, SAGA_READ_BEGINNING);
    if (code == SAGA_EXIT_DONE && with_redis) code = compare(p, lane);
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
    for (uint32_t lane = 0; lane < call->config.lanes && code == SAGA_EXIT_DONE; lane++) {
        const struct saga_audit_config config = { call->codec, p.definitions.catalog, lane,
                                                  anchors,     saga_faults_take,      faults };
        p.audit = saga_audit_new(&config);
        code = prove_lane(&p, lane, with_redis);
        saga_audit_sum_add(ret, p.audit, lane, call->arena);
        saga_audit_free(p.audit);
    }
    saga_catalog_free(p.definitions.catalog);
    *ret_cut = p.cut;
    return code;
}
