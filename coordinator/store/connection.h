/* One connection to Redis: connects when needed, again after a loss, and says in words what is
 * wrong. Private to the store. Used by one thread. */
#ifndef SAGA_STORE_CONNECTION_H
#define SAGA_STORE_CONNECTION_H

#include <stdbool.h>

#include "store/command.h"
#include "store/views.h"

struct redisContext;
struct redisReply;
struct saga_tls;

enum saga_script {
    SAGA_SCRIPT_TIMERS_DUE,
    SAGA_SCRIPT_HEARTBEAT,
    SAGA_SCRIPT_RESET_BEGIN,
    SAGA_SCRIPT_RESET_PORTION,
    SAGA_SCRIPT_BUILT,
    SAGA_SCRIPTS
};

struct saga_connection {
    struct saga_redis_config config;
    struct redisContext *context; /* NULL: not connected */
    struct saga_tls *tls;         /* NULL: not connected, or not by TLS */
    bool scripted;                /* loads the scripts when it connects */
    bool hung_up;                 /* the last loss was Redis closing the connection */
    bool refused;                 /* the last answer announced too much (reader.h) */
    char hashes[SAGA_SCRIPTS][41];
    char problem[512];
};

/* Every function returns 0, SAGA_E_AGAIN or SAGA_E_STOP as in store.h; `problem` has the words.
 * After an error of the connection itself (not one that Redis answered) it is closed: nothing
 * more comes from it. */

/* The config's strings must outlive the connection. Takes nothing until saga_connection_open. */
void saga_connection_init(struct saga_connection *c, const struct saga_redis_config *config,
                          bool scripted);
void saga_connection_close(struct saga_connection *c);

/* Connects, unless it is connected already: password, database, scripts. */
int saga_connection_open(struct saga_connection *c);
/* Loads the scripts anew: Redis has forgotten them (NOSCRIPT). */
int saga_connection_load_scripts(struct saga_connection *c);

/* Queues a formatted command, sends what is queued, and takes the next answer, in order. The
 * connection must be open. An answer that is an error is given as an answer: see
 * saga_connection_judge. Freed with freeReplyObject. */
int saga_connection_append(struct saga_connection *c, const char *bytes, size_t size);
int saga_connection_flush(struct saga_connection *c);
int saga_connection_receive(struct saga_connection *c, struct redisReply **ret);

/* Has Redis closed a connection that is open, on which no answer is to come? Or did it say
 * something unasked? */
bool saga_connection_has_ended(const struct saga_connection *c);

/* What an answer means: 0 unless it is an error. */
int saga_connection_judge(struct saga_connection *c, const struct redisReply *reply);
/* NOSCRIPT: nothing was done, load the scripts and ask again. */
bool saga_connection_is_unscripted(const struct redisReply *reply);

/* Asks and awaits the answer; errors that Redis answered are judged, but NOSCRIPT is given as an
 * answer. Connects, and asks once more where a connection of before turns out to be closed: so
 * only for what may be done twice, and with nothing under way. */
int saga_connection_call(struct saga_connection *c, const struct saga_command *command,
                         struct redisReply **ret);
/* The same for several commands in one go: `ret` has a place for each. */
int saga_connection_call_all(struct saga_connection *c, const struct saga_command *commands,
                             size_t count, struct redisReply **ret);

/* Writes `problem`: "Redis at <where>: <words>". */
void saga_connection_complain(struct saga_connection *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An answer that no Redis gives to what was asked. Returns SAGA_E_STOP. */
int saga_connection_puzzled(struct saga_connection *c, const char *asked);

#endif
