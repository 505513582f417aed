#include "operate/lanes.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "operate/output.h"
#include "operate/reading.h"

/* Lanes that are named one by one; records of one lane that are looked at; and how long a broker
 * that is away is waited for where the answer does without. */
enum { NAMED_MAX = 8, RECORDS_MAX = 10000, LOOK_MS = 2000 };

enum saga_lane_standing saga_lane_standing(const struct saga_lane_status *status, int64_t now_ms)
{
    if (!status->present) return SAGA_LANE_MISSING;
    if (status->applied < 0) return SAGA_LANE_BUILDING;
    return now_ms - status->heartbeat_ms > SAGA_LANE_SILENT_MS ? SAGA_LANE_SILENT
                                                               : SAGA_LANE_CONFIRMED;
}

/* ---- lists ---- */

/* The lanes of one standing. */
struct group {
    struct saga_slice names; /* "3, 5, 7 and 2 more" */
    uint32_t count;
    int64_t since_ms; /* nothing was heard of the one that is silent longest */
};

static void gather(const struct saga_lane_status *lanes, uint32_t count, int64_t now_ms,
                   enum saga_lane_standing standing, struct saga_arena *arena, struct group *ret)
{
    *ret = (struct group){ .since_ms = now_ms };
    struct saga_buffer names;
    saga_buffer_init(&names, arena);
    for (uint32_t lane = 0; lane < count; lane++) {
        if (saga_lane_standing(&lanes[lane], now_ms) != standing) continue;
        if (ret->count++ < NAMED_MAX)
            saga_buffer_printf(&names, "%s%" PRIu32, ret->count > 1 ? ", " : "", lane);
        if (lanes[lane].heartbeat_ms < ret->since_ms) ret->since_ms = lanes[lane].heartbeat_ms;
    }
    if (ret->count > NAMED_MAX)
        saga_buffer_printf(&names, " and %" PRIu32 " more", ret->count - NAMED_MAX);
    ret->names = saga_buffer_slice(&names);
}

static void warn_of(const struct group *group, enum saga_lane_standing standing, uint32_t lanes,
                    int64_t now_ms, struct saga_arena *arena, FILE *out)
{
    bool one = group->count == 1;
    if (group->count == 0) return;
    if (standing == SAGA_LANE_SILENT && group->count == lanes)
        fprintf(out, "warning: nobody has worked on any lane for %s: so they stood then",
                saga_age(arena, group->since_ms, now_ms));
    else
        fprintf(out, "warning: lane%s %.*s %s", one ? "" : "s", SAGA_SLICE_ARG(group->names),
                one ? "is " : "are ");
    if (standing == SAGA_LANE_MISSING)
        fputs("not in Redis at present: the sagas of it are not listed or counted", out);
    else if (standing == SAGA_LANE_BUILDING)
        fputs("being built anew: not all sagas of it are listed and counted", out);
    else if (group->count < lanes)
        fprintf(out, "not confirmed by anybody for %s: what is listed of it may be old, or not all",
                saga_age(arena, group->since_ms, now_ms));
    fputs("\n  mend: `saga doctor` says who has the lanes, and what is wrong\n", out);
}

void saga_lanes_warn(const struct saga_lane_status *lanes, uint32_t count, int64_t now_ms,
                     struct saga_arena *arena, FILE *out)
{
    for (int standing = SAGA_LANE_SILENT; standing < SAGA_LANE_STANDINGS; standing++) {
        struct group group;
        gather(lanes, count, now_ms, (enum saga_lane_standing)standing, arena, &group);
        warn_of(&group, (enum saga_lane_standing)standing, count, now_ms, arena, out);
    }
}

int saga_call_warn_of_lanes(struct saga_call *call, uint32_t lanes, FILE *out)
{
    struct saga_lane_status *all = SAGA_NEW_ARRAY(call->arena, struct saga_lane_status, lanes);
    if (saga_views_every_lane(call->views, lanes, call->arena, all) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                              saga_views_problem(call->views));
    saga_lanes_warn(all, lanes, saga_now_ms(), call->arena, out);
    return SAGA_EXIT_DONE;
}

/* ---- what the journal has ahead of Redis ---- */

struct looking {
    struct saga_call *call;
    struct saga_lane_ahead *ahead;
    uint8_t chain[SAGA_SHA256_BYTES];
    bool has_chain;
};

static bool look_at_record(const struct saga_message *message, void *context)
{
    struct looking *l = context;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    uint8_t expected[SAGA_SHA256_BYTES];
    if (!saga_codec_is_encoded(message->value)) return true; /* coordinators pass over it */
    saga_arena_init(&arena);
    struct saga_slice why = SAGA_SLICE_NONE;
    if (saga_journal_decode(l->call->codec, message->value, &arena, &record, &diagnostic) < 0)
        why = diagnostic.what;
    else if (l->has_chain && (saga_journal_chain(message->value, l->chain, expected) < 0 ||
                              memcmp(expected, record.chain, sizeof expected) != 0))
        why = SAGA_SLICE("its chain value does not follow from the record before it");
    if (why.size) {
        l->ahead->unreadable_offset = message->offset;
        l->ahead->why = saga_arena_copy(l->call->arena, why);
    } else {
        memcpy(l->chain, record.chain, sizeof l->chain);
        l->has_chain = true;
    }
    saga_arena_free(&arena);
    return ++l->ahead->records < RECORDS_MAX && !why.size;
}

int saga_lane_ahead(struct saga_call *call, uint32_t lane, const struct saga_lane_status *status,
                    struct saga_lane_ahead *ret)
{
    struct looking looking = { .call = call, .ahead = ret };
    *ret = (struct saga_lane_ahead){ .unreadable_offset = -1 };
    int code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    bool has_place = status->present && status->applied >= 0;
    looking.has_chain =
        has_place && saga_unhex(status->chain, looking.chain, SAGA_SHA256_BYTES) == SAGA_OK;
    return saga_read_to_end(call, call->topics.journal, (int32_t)lane,
                            has_place ? status->applied : SAGA_READ_BEGINNING, look_at_record,
                            &looking);
}

/* ---- one saga ---- */

const char *saga_lane_doubt(const struct saga_lane_status *status, int64_t now_ms,
                            struct saga_arena *arena)
{
    switch (saga_lane_standing(status, now_ms)) {
    case SAGA_LANE_MISSING: return "its lane is not in Redis at present: this may be old";
    case SAGA_LANE_BUILDING: return "its lane is being built anew in Redis: this may be old";
    case SAGA_LANE_SILENT:
        return saga_arena_printf(arena, "nobody has confirmed its lane for %s: this may be old",
                                 saga_age(arena, status->heartbeat_ms, now_ms))
            .data;
    default: return NULL;
    }
}

const char *saga_call_lane_doubt(struct saga_call *call, uint32_t lane)
{
    struct saga_lane_status status;
    if (saga_views_lane(call->views, lane, call->arena, &status) < 0) return NULL;
    return saga_lane_doubt(&status, saga_now_ms(), call->arena);
}

/* Nobody confirms the lane: does Redis stand where the journal ends all the same? False where that
 * cannot be looked at. */
static bool is_at_end(struct saga_call *call, uint32_t lane, const struct saga_lane_status *status)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_lane_ahead ahead;
    if (!call->client &&
        saga_client_new(&call->config.kafka, call->arena, &call->client, &diagnostic) < 0)
        return false;
    if (saga_client_check_broker(call->client, LOOK_MS, call->arena, &diagnostic) < 0) return false;
    return saga_lane_ahead(call, lane, status, &ahead) == SAGA_EXIT_DONE && ahead.records == 0;
}

int saga_call_no_such_saga(struct saga_call *call, uint32_t lane, struct saga_slice saga_id)
{
    struct saga_lane_status status;
    if (saga_views_lane(call->views, lane, call->arena, &status) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                              saga_views_problem(call->views));
    int64_t now_ms = saga_now_ms();
    enum saga_lane_standing standing = saga_lane_standing(&status, now_ms);
    if (standing == SAGA_LANE_CONFIRMED ||
        (standing == SAGA_LANE_SILENT && is_at_end(call, lane, &status)))
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND,
                              "`saga list` shows what there is; ended sagas leave after `keep`, "
                              "and `saga history` then still has their story",
                              "there is no saga %.*s", SAGA_SLICE_ARG(saga_id));
    const char *lane_is =
        standing == SAGA_LANE_MISSING ? "is not in Redis at present"
        : standing == SAGA_LANE_BUILDING
            ? "is being built anew, and Redis has a part of it"
            : saga_arena_printf(call->arena,
                                "was not confirmed by anybody for %s, "
                                "and Redis may have a part of it",
                                saga_age(call->arena, status.heartbeat_ms, now_ms))
                  .data;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "`saga doctor` says what is wrong with the lane; `saga history` reads "
                          "the saga's story from the journal meanwhile",
                          "it is not known where %.*s stands: its lane, %" PRIu32 ", %s",
                          SAGA_SLICE_ARG(saga_id), lane, lane_is);
}
