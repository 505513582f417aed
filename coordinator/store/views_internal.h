/* What the parts of the views share. Private to the store. */
#ifndef SAGA_STORE_VIEWS_INTERNAL_H
#define SAGA_STORE_VIEWS_INTERNAL_H

#include "store/connection.h"
#include "store/views.h"

struct redisReply;

struct saga_views {
    struct saga_connection connection;
};

/* Begins a command about one key. */
void saga_views_ask_key(const struct saga_views *views, struct saga_arena *arena,
                        struct saga_command *command, const char *name, uint32_t lane,
                        const char *kind, struct saga_slice rest);

/* A portion of a sorted set by time, newest first: the `wanted` members behind the `read` newest of those from `since_ms` on,
 * before `until_ms` (INT64_MAX: no end) and, where `has_after`, not after `after_ms`. */
struct saga_view_portion {
    uint32_t lane;
    const char *kind;
    struct saga_slice rest; /* of the key, as with saga_views_ask_key */
    int64_t since_ms, until_ms;
    bool has_after;
    int64_t after_ms;
    size_t read, wanted;
};
/* The answer has each member with its time. */
void saga_views_ask_portion(const struct saga_views *views, struct saga_arena *arena,
                            struct saga_command *command, const struct saga_view_portion *portion);

/* An index of one lane. */
struct saga_view_index {
    uint32_t lane;
    struct saga_slice label; /* as it is named in the key */
    struct saga_slice name, status;
    uint32_t version;
    uint64_t count; /* of its sagas */
};
struct saga_view_indexes {
    struct saga_view_index *items;
    size_t count, capacity;
};
/* Those that the filter lets through; NULL: all. By the table ERRORS: those that have sagas with an error, and how many of
 * them; by STEPS: those that have sagas at `step`. */
int saga_views_find_indexes(struct saga_views *views, uint32_t lanes, enum saga_tally_table table,
                            struct saga_slice step, const struct saga_view_filter *filter,
                            struct saga_arena *arena, struct saga_view_indexes *ret);
/* A saga id begins with its definition's name and a slash. */
bool saga_views_may_be_in(const struct saga_view_row *hit, const struct saga_view_index *index);

/* What to do with the answer to question number `index`. */
typedef int saga_views_take(void *context, size_t index, const struct redisReply *reply);
/* Asks in portions without waiting between. */
int saga_views_ask_all(struct saga_views *views, struct saga_arena *arena,
                       const struct saga_command *commands, size_t count, saga_views_take *take,
                       void *context);

#endif
