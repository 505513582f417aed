/* What the two parts of the views share. Private to the store. */
#ifndef SAGA_STORE_VIEWS_INTERNAL_H
#define SAGA_STORE_VIEWS_INTERNAL_H

#include "store/connection.h"

struct saga_views {
    struct saga_connection connection;
};

/* Begins a command about one key. */
void saga_views_ask_key(const struct saga_views *views, struct saga_arena *arena,
                        struct saga_command *command, const char *name, uint32_t lane,
                        const char *kind, struct saga_slice rest);

#endif
