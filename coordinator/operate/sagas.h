/* Looking at sagas in Redis. */
#ifndef SAGA_OPERATE_SAGAS_H
#define SAGA_OPERATE_SAGAS_H

#include "operate/command.h"
#include "operate/reading.h"

/* Reads a saga's state; SAGA_EXIT_NOT_FOUND when Redis has none. Words are said unless `quiet`. The caller frees it. */
int saga_state_read(struct saga_call *call, const struct saga_address *address, bool quiet,
                    struct saga_state **ret);

/* Fetches and prints the list that the call's options ask for, as text. */
int saga_list_print(struct saga_call *call, uint32_t lanes);
/* Prints one saga for people. */
void saga_state_print(struct saga_call *call, const struct saga_state *state, bool bodies);

/* The options of list, which watch takes too. */
enum { SAGA_LIST_DEFINITION = 'd', SAGA_LIST_STATUS = 's', SAGA_LIST_SEARCH = 256,
       SAGA_LIST_LIMIT = 'n' };
#define SAGA_LIST_OPTIONS                                                                          \
    { "definition", SAGA_LIST_DEFINITION, "NAME", 0, "only sagas of this definition", 0 },         \
    { "status", SAGA_LIST_STATUS, "STATUS", 0,                                                     \
      "only running, compensating, stuck, completed, compensated or abandoned ones", 0 },          \
    { "search", SAGA_LIST_SEARCH, "NAME:VALUE", 0, "only those with this search attribute", 0 },   \
    { "limit", SAGA_LIST_LIMIT, "NUMBER", 0, "at most so many, the newest (default 20)", 0 }

extern const struct saga_subcommand saga_subcommand_list;
extern const struct saga_subcommand saga_subcommand_show;
extern const struct saga_subcommand saga_subcommand_watch;

#endif
