/* What the commands of `saga audit` share. */
#ifndef SAGA_OPERATE_AUDIT_H
#define SAGA_OPERATE_AUDIT_H

#include <jansson.h>

#include "operate/reading.h"
#include "runtime/audit.h"

/* What was found wrong: the first some with words, and how many in all. */
struct saga_faults {
    json_t *rows; /* kind, file, lane, offset, saga, words: as far as they apply */
    uint64_t count;
};
void saga_faults_init(struct saga_faults *faults);
void saga_faults_free(struct saga_faults *faults);
/* `file` may be NULL; `lane` and `offset` -1; `saga_id` absent. */
void saga_faults_add(struct saga_faults *faults, const char *kind, const char *file, int64_t lane,
                     int64_t offset, struct saga_slice saga_id, struct saga_slice words);
void saga_faults_printf(struct saga_faults *faults, const char *kind, const char *file,
                        int64_t lane, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* As saga_audit_config.report; the context is the faults. */
void saga_faults_take(const struct saga_difference *difference, void *context);
/* A line for each to standard output, and how many more there are. */
void saga_faults_print(const struct saga_faults *faults);

/* Anchors as options name them: the keys, and what the file says. */
struct saga_audit_anchors {
    bool given;
    struct saga_anchors anchors;
};
/* In front of the name of a topic that they are read from, instead of a file. */
#define SAGA_ANCHORS_KAFKA "kafka:"
/* That topic's name; NULL: it is a file. */
const char *saga_audit_anchors_topic(const char *path);
/* Is there such a topic? An exit code, words said: SAGA_EXIT_USAGE where there is none. */
int saga_audit_anchors_look(struct saga_call *call, const char *topic,
                            struct saga_topic_state *ret);
/* All records of such a topic, partition by partition. An exit code, words said. */
int saga_audit_visit_anchors(struct saga_call *call, const char *topic, saga_visit_record visit,
                             void *context);
/* Reads `path`, a file or kafka:TOPIC, against the public keys that the option `key_option` names, each time it was given. Lines that are not to
 * be believed become faults. An exit code, words said. */
int saga_audit_read_anchors(struct saga_call *call, const char *path, int key_option,
                            struct saga_faults *faults, struct saga_audit_anchors *ret);

/* How far a lane is covered by anchors. */
struct saga_audit_lane {
    uint32_t lane;
    struct saga_audit_counts counts;
};
/* All that was looked at. */
struct saga_audit_sum {
    struct saga_audit_lane *lanes; /* in an arena */
    size_t lane_count, lane_capacity;
    uint64_t records, definitions, carried; /* carried: sagas that began before the part */
    uint64_t gaps; /* places at which records were left out, each lane's beginning counted in */
    uint64_t sagas, entries, forgotten;
    uint64_t unproved_forgotten, unproved_sealed; /* records, as in replay.h */
    uint64_t by_status[SAGA_STATUS_COUNT];
    uint64_t snapshots, anchors_held, anchors_outside, anchors_behind;
};
void saga_audit_sum_add(struct saga_audit_sum *sum, struct saga_audit *audit, uint32_t lane,
                        struct saga_arena *arena);

extern const struct saga_subcommand saga_subcommand_audit_export;
extern const struct saga_subcommand saga_subcommand_audit_verify;
extern const struct saga_subcommand saga_subcommand_audit_anchor;
extern const struct saga_subcommand saga_subcommand_audit_import;
extern const struct saga_subcommand saga_subcommand_audit_forget;

#endif
