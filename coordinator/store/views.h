/* What people and commands look at in Redis: read only, never the worker's. */
#ifndef SAGA_STORE_VIEWS_H
#define SAGA_STORE_VIEWS_H

#include "store/scan.h"
#include "store/store.h"

struct saga_redis_config {
    const char *host;        /* default 127.0.0.1 */
    int port;                /* default 6379 */
    const char *unix_socket; /* NULL: by host and port */
    const char *username;    /* NULL: none */
    const char *password;    /* NULL: none */
    int db;
    int timeout_ms;     /* for connecting and for each call; default 2000 */
    const char *prefix; /* of every key; default "saga:" */
};

struct saga_views;
/* Connects at the first call. `*ret` is freed with saga_views_free. */
int saga_views_new(const struct saga_redis_config *config, struct saga_views **ret);
void saga_views_free(struct saga_views *views);
const char *saga_views_problem(const struct saga_views *views);

/* How many lanes Redis has heard of; 0: none yet. */
int saga_views_lanes(struct saga_views *views, uint32_t *ret_lanes);
int saga_views_lane(struct saga_views *views, uint32_t lane, struct saga_arena *arena,
                    struct saga_lane_status *ret);
/* The same of all lanes at once: `ret` has `lanes` places. */
int saga_views_every_lane(struct saga_views *views, uint32_t lanes, struct saga_arena *arena,
                          struct saga_lane_status *ret);
/* Encoded state of a saga; SAGA_E_NOT_FOUND. */
int saga_views_state(struct saga_views *views, uint32_t lane, struct saga_slice saga_id,
                     struct saga_arena *arena, struct saga_slice *ret_state);
/* The same of many with one question, absent where there is none: `ret_states` has `count`
 * places. Some 1000 at a time hold nobody else up. */
int saga_views_states(struct saga_views *views, uint32_t lane, const struct saga_slice *ids,
                      size_t count, struct saga_arena *arena, struct saga_slice *ret_states);
/* Journal offsets of the saga's records, ascending. */
int saga_views_history(struct saga_views *views, uint32_t lane, struct saga_slice saga_id,
                       struct saga_arena *arena, int64_t **ret_offsets, size_t *ret_count);

/* Newest first over all lanes; absent name or status: any. */
struct saga_view_filter {
    struct saga_slice name;
    struct saga_slice status;
    struct saga_slice search; /* "<attribute>:<value>", absent: any */
    size_t limit;
};
struct saga_view_row {
    struct saga_slice saga_id;
    struct saga_slice name, status; /* of the index that it was found in */
    int64_t changed_ms;             /* when it came to this status */
    uint32_t lane;
};
int saga_views_list(struct saga_views *views, uint32_t lanes, const struct saga_view_filter *filter,
                    struct saga_arena *arena, struct saga_view_row **ret_rows, size_t *ret_count);

struct saga_view_count {
    struct saga_slice name, status;
    uint64_t count;
};
/* Sagas by definition and status, over all lanes, sorted: those that the filter lets through,
 * whatever its limit; NULL: all. */
int saga_views_counts(struct saga_views *views, uint32_t lanes,
                      const struct saga_view_filter *filter, struct saga_arena *arena,
                      struct saga_view_count **ret, size_t *ret_count);

/* Every saga id of a lane, in portions, until the cursor of `scan` is 0 again. Looks through all
 * keys of Redis; while sagas change, an id may come twice. */
int saga_views_scan(struct saga_views *views, uint32_t lane, struct saga_scan *scan,
                    struct saga_arena *arena, struct saga_slice **ret_ids, size_t *ret_count);

#endif
