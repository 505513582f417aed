/* Simulated participants, for `saga dev` and the benchmark: services that only answer. They read the commands of
 * definitions and send the replies that rules say; without a rule the first success that the step declares. */
#ifndef SAGA_OPERATE_PARTICIPANTS_H
#define SAGA_OPERATE_PARTICIPANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "definition/definition.h"

/* What a participant does with a command. */
struct saga_answer_rule {
    const char *key;     /* business key; with * at the end: how it begins; NULL: any */
    const char *command; /* type, NULL: any */
    const char *
        reply; /* a reply's type; "silent": none at all; "silent-once": none to the first attempt */
};

/* Reads `[KEY:]COMMAND=REPLY`. The strings are the arena's. Errors: SAGA_E_INVALID. */
int saga_answer_rule_parse(const char *text, struct saga_arena *arena,
                           struct saga_answer_rule *ret);

struct saga_participants_config {
    const char *bootstrap_servers;
    struct saga_definition *const *definitions; /* read while starting only */
    size_t definition_count;
    const struct saga_schemas *schemas; /* for participants that want Avro; must outlive them */
    const struct saga_answer_rule
        *rules; /* the first that fits stands; must outlive the participants */
    size_t rule_count;
    bool
        mock; /* the mock endpoint: commands are read as they come (no transactions are aborted there) */
    int delay_ms;      /* before each batch of answers, so that a person can follow */
    const char *group; /* consumer group */
};

struct saga_participants;
/* Starts a thread. Errors: SAGA_E_STOP (a client could not be made). */
int saga_participants_start(const struct saga_participants_config *config,
                            struct saga_participants **ret);
/* Commands that were answered. */
uint64_t saga_participants_answered(const struct saga_participants *participants);
/* Ends the thread and leaves the consumer group; also where the broker has gone, some seconds later then. NULL: nothing. */
void saga_participants_stop(struct saga_participants *participants);

#endif
