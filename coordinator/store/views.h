/* What people and commands look at in Redis: read only, never the worker's. */
#ifndef SAGA_STORE_VIEWS_H
#define SAGA_STORE_VIEWS_H

#include "base/histogram.h"
#include "store/scan.h"
#include "store/store.h"

/* TLS to Redis: files in PEM. What is NULL is not given. */
struct saga_redis_tls {
    bool enabled;
    const char *ca;          /* whom to trust; NULL: whom this machine trusts */
    const char *certificate; /* what this client shows, and those that it hangs on */
    const char *key;         /* its private key */
    const char *server_name; /* what the server's certificate must be for; NULL: the host */
};

struct saga_redis_config {
    const char *host;        /* default 127.0.0.1 */
    int port;                /* default 6379 */
    const char *unix_socket; /* NULL: by host and port */
    const char *username;    /* NULL: none */
    const char *password;    /* NULL: none */
    int db;
    int timeout_ms;     /* for connecting and for each call; default 2000 */
    const char *prefix; /* of every key; default "saga:" */
    struct saga_redis_tls tls;
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

/* Newest first over all lanes; absent name or status, version 0: any. */
struct saga_view_filter {
    struct saga_slice name;
    uint32_t version;
    struct saga_slice status;
    struct saga_slice search; /* "<attribute>:<value>", absent: any */
    size_t limit;
    const bool *lanes; /* which are wanted, by number; NULL: all */
};
struct saga_view_row {
    struct saga_slice saga_id;
    struct saga_slice name, status; /* of the index that it was found in */
    int64_t changed_ms;             /* when it came to this status */
    struct saga_slice
        error; /* of a page of those with an error: its texts, a line each; absent: not known */
    uint32_t lane;
};
int saga_views_list(struct saga_views *views, uint32_t lanes, const struct saga_view_filter *filter,
                    struct saga_arena *arena, struct saga_view_row **ret_rows, size_t *ret_count);

struct saga_view_standing {
    struct saga_slice name, status;
    uint32_t version;
    struct saga_slice
        step; /* without loop indexes: a saga of several elements counts once; absent: all of the line's sagas */
    uint64_t count;
};

/* A page of that list, which begins behind a place: the order is that of the time, and of equal times that of the ids, both
 * downwards. Pages stay where they are when sagas come and go. */
struct saga_view_page {
    struct saga_slice name, status;  /* absent: any */
    uint32_t version;                /* 0: any */
    const struct saga_slice *search; /* all of these, "<attribute>:<value>" */
    size_t search_count;
    int64_t since_ms, until_ms; /* changed from, and before; INT64_MAX: no end */
    /* Sagas at this step; absent: anywhere. All that are there are among the rows, and where there are many others may be too, for
     * the caller to pass over. */
    struct saga_slice step;
    bool
        has_error; /* those with an error, by when they had it in their status; with a step or search values others may be among
                       them too */
    bool has_after;
    int64_t after_ms;
    struct saga_slice after_id;
    size_t limit;
};
/* So many sagas may have a search value that is asked for: all of them are looked at. */
#define SAGA_SEARCH_HITS_MAX 100000
/* `*ret_more`: there may be further rows. Errors: SAGA_E_LIMIT (too many have that search value). */
int saga_views_page(struct saga_views *views, uint32_t lanes, const struct saga_view_page *page,
                    struct saga_arena *arena, struct saga_view_row **ret_rows, size_t *ret_count,
                    bool *ret_more);

/* The states of rows of all lanes, absent of those that left meanwhile: `ret_states` has `count` places. */
int saga_views_rows_states(struct saga_views *views, uint32_t lanes,
                           const struct saga_view_row *rows, size_t count, struct saga_arena *arena,
                           struct saga_slice *ret_states);

struct saga_view_count {
    struct saga_slice name, status;
    uint64_t count;
};
/* Sagas by definition and status, over all lanes, sorted: those that the filter lets through,
 * whatever its limit; NULL: all. */
int saga_views_counts(struct saga_views *views, uint32_t lanes,
                      const struct saga_view_filter *filter, struct saga_arena *arena,
                      struct saga_view_count **ret, size_t *ret_count);

/* Sagas by definition, version and status, and those of a status by the steps that they are at: which wait for an answer, are
 * being taken back, or hang. Over all lanes, sorted, a status before its steps; the filter's search value and limit do not count. A
 * saga that is at several steps is counted at each. */
int saga_views_standings(struct saga_views *views, uint32_t lanes,
                         const struct saga_view_filter *filter, struct saga_arena *arena,
                         struct saga_view_standing **ret, size_t *ret_count);

struct saga_view_duration {
    struct saga_slice name;
    uint32_t version;
    struct saga_slice outcome; /* of a saga: its status; of a step: succeeded, failed or unknown */
    struct saga_slice step; /* without loop indexes; absent: the saga, from its start to its end */
    struct saga_histogram *histogram;
};
/* How long the sagas took that Redis holds, and their steps: from sending the newest attempt to its outcome. Over all lanes,
 * sorted as above; the filter's status, search value and limit do not count. What is held is what `keep` says, so
 * these are the durations of some days, and the same whatever Redis went through. */
int saga_views_durations(struct saga_views *views, uint32_t lanes,
                         const struct saga_view_filter *filter, struct saga_arena *arena,
                         struct saga_view_duration **ret, size_t *ret_count);
/* One lane's tables, as they lie there: for who compares. */
int saga_views_sums(struct saga_views *views, uint32_t lane, struct saga_arena *arena,
                    struct saga_tally_sum **ret, size_t *ret_count);
/* How many sagas are in the lists of these fields; `ret_sizes` has `count` places. */
int saga_views_list_sizes(struct saga_views *views, uint32_t lane,
                          const struct saga_tally_sum *const *fields, size_t count,
                          struct saga_arena *arena, int64_t *ret_sizes);

/* What a lane lacks of a saga beside its state; the first of them that is met. */
enum saga_view_lack {
    SAGA_VIEW_LACKS_NOTHING,
    SAGA_VIEW_LACKS_INDEX,  /* of its definition, version and status */
    SAGA_VIEW_LACKS_ALARM,  /* of one of its timers */
    SAGA_VIEW_ALARM_LATE,   /* one rings later than its timer is due */
    SAGA_VIEW_LACKS_SEARCH, /* it is not found by one of its search values */
};
/* Of each of the sagas, as they would be written if Redis had none of them (store.h): `ret` has `count` places. */
int saga_views_lacks(struct saga_views *views, uint32_t lane, const struct saga_state_write *sagas,
                     size_t count, struct saga_arena *arena, enum saga_view_lack *ret);

/* An entry of a lane's log of what operators said (VIEWS.md). */
struct saga_view_operation {
    uint32_t lane;
    int64_t offset; /* of its record in the lane's journal */
    int64_t time_ms;
    struct saga_slice entry; /* JSON, as runtime/operations.h makes it */
};
/* A page of all lanes' logs, newest first: by time, of equal times by lane and offset, both downwards. */
struct saga_view_operations_page {
    int64_t since_ms, until_ms; /* from, and before; INT64_MAX: no end */
    bool has_after;             /* begins behind this place */
    int64_t after_ms;
    uint32_t after_lane;
    int64_t after_offset;
    size_t limit;
};
/* `*ret_more`: there may be further ones. */
int saga_views_operations(struct saga_views *views, uint32_t lanes,
                          const struct saga_view_operations_page *page, struct saga_arena *arena,
                          struct saga_view_operation **ret, size_t *ret_count, bool *ret_more);
/* What a lane's log knows. */
struct saga_view_log {
    bool known;        /* where it begins, is known */
    int64_t from;      /* it has all that the journal has from this offset on */
    int64_t from_ms;   /* the time there */
    bool full;         /* as many as it keeps: what was before `oldest_ms` went */
    int64_t oldest_ms; /* of the oldest that it has; 0: none */
};
/* `ret` has `lanes` places. */
int saga_views_logs(struct saga_views *views, uint32_t lanes, struct saga_arena *arena,
                    struct saga_view_log *ret);
int saga_views_log(struct saga_views *views, uint32_t lane, struct saga_arena *arena,
                   struct saga_view_log *ret);
/* Up to `wanted` entries of one lane's log, the oldest first, behind the `first` oldest. One that is none has the offset -1, and is
 * as it stands there. */
int saga_views_log_entries(struct saga_views *views, uint32_t lane, size_t first, size_t wanted,
                           struct saga_arena *arena, struct saga_view_operation **ret,
                           size_t *ret_count);

/* Every saga id of a lane, in portions, until the cursor of `scan` is 0 again. Looks through all
 * keys of Redis; while sagas change, an id may come twice. */
int saga_views_scan(struct saga_views *views, uint32_t lane, struct saga_scan *scan,
                    struct saga_arena *arena, struct saga_slice **ret_ids, size_t *ret_count);

#endif
