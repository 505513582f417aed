/* A what-if over the journal (runtime/what_if.h): which records are looked at, up to which bounds, and what it came to, as JSON.
 * For `saga replay --with` and for the HTTP API. */
#ifndef SAGA_OPERATE_TRIAL_H
#define SAGA_OPERATE_TRIAL_H

#include <jansson.h>

#include "operate/lane_reading.h"
#include "runtime/what_if.h"

struct saga_trial;

/* All that it names must outlive the trial. */
struct saga_trial_asked {
    const struct saga_definition *definition; /* the other version; belongs to the calling thread */
    const char *file;                         /* what its text is called */
    struct saga_slice name; /* whose sagas; absent: those of the definition's name */
    int64_t since_ms;       /* only sagas that were started since; 0: all */
    bool accepted[SAGA_WHAT_IF_CLASS_COUNT], unreadable_accepted; /* are no failure */

    /* Bounds, of which each lane gets its share; 0: none. */
    uint64_t records_max; /* that are looked at */
    int64_t ms_max;       /* real time */
    size_t bytes_max;     /* of the sagas that one lane has open at a time */

    /* Told how it goes, some times a second; NULL: nobody. */
    void (*tell)(const struct saga_trial *trial, void *context);
    void *context;
};

/* "ended-otherwise,other-time": classes that are no failure, and "unreadable". SAGA_EXIT_USAGE with words. */
int saga_trial_accept(struct saga_call *call, const char *text, struct saga_trial_asked *ret);

enum saga_trial_bound {
    SAGA_TRIAL_WHOLE, /* none: the lane was looked at to its end */
    SAGA_TRIAL_RECORDS,
    SAGA_TRIAL_TIME,
    SAGA_TRIAL_MEMORY,
};

/* What was looked at of a lane's journal: offsets `from` up to before `to`. It ended before `end`. */
struct saga_trial_lane {
    int64_t from, to, end;
    bool skipped; /* records in front of `from` were there and are too old */
    uint64_t records;
    int64_t last_ms; /* the broker's time of the last of them; -1: there was none */
    enum saga_trial_bound bound;
};

/* All members are the trial's, to be read. */
struct saga_trial {
    struct saga_call *call;
    struct saga_trial_asked asked;
    struct saga_what_if_options options;
    struct saga_what_if *what_if;
    struct saga_lane_reading reading;
    struct saga_trial_lane *lanes;
    uint32_t lane;                            /* that is being looked at */
    uint32_t cut_lanes;                       /* whose journal does not begin at its beginning */
    int64_t began_ms, told_ms, lane_until_ms; /* monotonic */
    uint64_t lane_records_max;

    struct saga_what_if_counts counts;
    const struct saga_what_if_group *const *groups;
    size_t group_count;
};

/* Looks at all lanes as they are now. An exit code, words said; SAGA_EXIT_FAILED also where the call was given up. To be freed
 * in any case. */
int saga_trial_run(struct saga_call *call, const struct saga_trial_asked *asked,
                   struct saga_trial *ret);
void saga_trial_free(struct saga_trial *trial);

/* How much of what is to be looked at has been: 0 to 1. */
double saga_trial_part(const struct saga_trial *trial);
/* Did one go another way that is not accepted, or cannot a record be read? */
bool saga_trial_differs(const struct saga_trial *trial);
/* Did all sagas go the same way, or one that is accepted? Not where none was looked at: that proves nothing. */
bool saga_trial_passed(const struct saga_trial *trial);
/* All of it. The caller's. */
json_t *saga_trial_json(const struct saga_trial *trial);

#endif
