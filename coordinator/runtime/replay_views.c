/* What Redis has of the lane beside the states, against what the journal gives: the alarms without which a saga would wait for ever,
 * the indexes and search values without which nobody would find it. */
#include "base/error.h"
#include "runtime/lane.h"
#include "runtime/replay_internal.h"

/* Sagas of which is asked at once. */
enum { PORTION = 100 };

struct portion {
    struct saga_replay *replay;
    struct saga_views *views;
    bool final, fits;
    struct saga_arena arena; /* of what is asked */
    struct saga_state_write writes[PORTION];
    struct saga_state *made[PORTION]; /* of those that rest; else NULL */
    bool sealed[PORTION];
    size_t count;
};

static const char *words_of(enum saga_view_lack lack, bool sealed)
{
    switch (lack) {
    case SAGA_VIEW_LACKS_ALARM: return "Redis has lost an alarm of it: nothing would wake the saga";
    case SAGA_VIEW_ALARM_LATE: /* a saga that could not be opened is woken again later */
        return sealed ? NULL : "an alarm of it rings later in Redis than the journal says";
    case SAGA_VIEW_LACKS_INDEX: return "Redis does not have it in the index of its status";
    case SAGA_VIEW_LACKS_SEARCH: return "Redis does not find it by its search values";
    case SAGA_VIEW_LACKS_NOTHING: break;
    }
    return NULL;
}

static int ask(struct portion *p)
{
    enum saga_view_lack lacks[PORTION];
    int error = p->count == 0 ? SAGA_OK
                              : saga_views_lacks(p->views, p->replay->lane, p->writes, p->count,
                                                 &p->arena, lacks);
    for (size_t i = 0; i < p->count && error == SAGA_OK; i++) {
        const char *words = words_of(lacks[i], p->sealed[i]);
        if (!words) continue;
        p->fits = false;
        if (p->final)
            saga_replay_differ(p->replay, SAGA_DIFFERENCE_REDIS, -1, p->writes[i].saga_id, "%s",
                               words);
    }
    for (size_t i = 0; i < p->count; i++) saga_state_free(p->made[i]);
    p->count = 0;
    saga_arena_reset(&p->arena);
    return error;
}

static void add(struct portion *p, const struct saga_replayed *saga, struct saga_tally *ignored)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_state *made = NULL;
    const struct saga_state *state = saga->at.state;
    if (!state) {
        if (!saga->at.bytes.data ||
            saga_state_decode(p->replay->codec, saga->at.bytes, &p->arena, &made, &diagnostic) < 0)
            return; /* has been told of where it was met */
        state = made;
    }
    if (state->status != SAGA_STATUS_NONE) {
        p->made[p->count] = made;
        p->sealed[p->count] = saga_state_is_sealed(state);
        p->writes[p->count++] =
            saga_lane_write_fresh((struct saga_slice){ saga->id, saga->id_size }, state,
                                  SAGA_SLICE_NONE, &p->arena, ignored);
    } else {
        saga_state_free(made);
    }
}

int saga_replay_compare_views(struct saga_replay *replay, struct saga_views *views, bool final,
                              bool *ret_fits)
{
    struct portion p = { .replay = replay, .views = views, .final = final, .fits = true };
    const struct saga_replayed *saga;
    size_t place = 0;
    int error;
    saga_arena_init(&p.arena);
    do {
        struct saga_tally ignored;
        saga_tally_init(&ignored, &p.arena);
        while ((saga = saga_replay_table_next(&replay->sagas, &place))) {
            add(&p, saga, &ignored);
            if (p.count == PORTION) break;
        }
        saga_tally_free(&ignored);
        error = ask(&p);
    } while (saga && error == SAGA_OK);
    saga_arena_free(&p.arena);
    *ret_fits = p.fits;
    return error;
}
