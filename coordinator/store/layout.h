/* How a lane lies in Redis: the names of its keys, its timers' members and its hash
 * (architecture.md, Redis). Private to the store. */
#ifndef SAGA_STORE_LAYOUT_H
#define SAGA_STORE_LAYOUT_H

#include "store/command.h"
#include "store/store.h"

struct redisReply;

/* <prefix>{<lane>}:<kind><rest>, with the lane as the hash tag; `rest` may be absent. */
struct saga_slice saga_layout_key(struct saga_arena *arena, const char *prefix, uint32_t lane,
                                  const char *kind, struct saga_slice rest);
/* A pattern of Redis for the keys of one lane that begin with `kind`. */
struct saga_slice saga_layout_pattern(struct saga_arena *arena, const char *prefix, uint32_t lane,
                                      const char *kind);
/* A pattern for the hashes of all lanes. */
struct saga_slice saga_layout_lanes_pattern(struct saga_arena *arena, const char *prefix);
/* How many bytes stand before the rest of a key of that kind. */
size_t saga_layout_key_prefix_bytes(const char *prefix, uint32_t lane, const char *kind);

/* "<definition>@<version>:<status>", as in the names of the indexes and in the counts (tally.h). */
struct saga_slice saga_layout_index(struct saga_arena *arena, struct saga_slice name,
                                    uint32_t version, struct saga_slice status);

/* The kind of the keys of a table's lists: its name and a colon. A view of `room`. */
#define SAGA_LAYOUT_LIST_KIND 16
struct saga_slice saga_layout_list_kind(char room[SAGA_LAYOUT_LIST_KIND],
                                        enum saga_tally_table table);

/* What stands before saga id and text in a member of an ERRORS list: "<bytes of the saga id>:". A view of `room`. */
#define SAGA_LAYOUT_ERROR_HEAD 22
struct saga_slice saga_layout_error_head(char room[SAGA_LAYOUT_ERROR_HEAD], size_t id_size);
/* The slices are views of `member`. Errors: SAGA_E_INVALID. */
int saga_layout_error_split(struct saga_slice member, struct saga_slice *ret_id,
                            struct saga_slice *ret_text);

/* What stands before saga id and name in a timer's member: "<armed>:<bytes of the saga id>:<saga
 * id><name>", as ids hold any byte. A view of `room`. */
#define SAGA_LAYOUT_TIMER_HEAD 44
struct saga_slice saga_layout_timer_head(char room[SAGA_LAYOUT_TIMER_HEAD], uint64_t armed,
                                         size_t id_size);
/* The slices are views of `member`. Errors: SAGA_E_INVALID. */
int saga_layout_timer_split(struct saga_slice member, struct saga_due_timer *ret);

/* What stands before the entry in a member of the log: the offset, so that entries of one time are in the order of the
 * journal. A view of `room`. */
#define SAGA_LAYOUT_OPERATION_HEAD 17
struct saga_slice saga_layout_operation_head(char room[SAGA_LAYOUT_OPERATION_HEAD], int64_t offset);
/* `*ret_entry` is a view of `member`. Errors: SAGA_E_INVALID. */
int saga_layout_operation_split(struct saga_slice member, int64_t *ret_offset,
                                struct saga_slice *ret_entry);
/* From where on the log is whole, as the lane's hash says it. */
#define SAGA_LAYOUT_LOG_BEGIN 48
struct saga_slice saga_layout_log_begin(char room[SAGA_LAYOUT_LOG_BEGIN], int64_t offset,
                                        int64_t time_ms);
/* Errors: SAGA_E_INVALID. */
int saga_layout_log_begin_read(struct saga_slice text, int64_t *ret_offset, int64_t *ret_time_ms);

/* Adds the key of the lane's hash and the fields that saga_layout_lane_status reads from the
 * answer. */
void saga_layout_ask_lane(struct saga_command *command, const char *prefix, uint32_t lane);
/* Errors: SAGA_E_INVALID (not the answer to that question). */
int saga_layout_lane_status(const struct redisReply *reply, struct saga_arena *arena,
                            struct saga_lane_status *ret);

/* What Redis writes for whole numbers, also beyond 2^53 as 1.5e+20. False: not a number. */
bool saga_layout_number(const struct redisReply *reply, int64_t *ret);

#endif
