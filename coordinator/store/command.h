/* A command to Redis while it is put together. Private to the store. */
#ifndef SAGA_STORE_COMMAND_H
#define SAGA_STORE_COMMAND_H

#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct saga_command {
    struct saga_arena *arena;
    struct saga_slice *items; /* views: they must live until the command was formatted */
    size_t count;
    size_t capacity;
};

void saga_command_init(struct saga_command *command, struct saga_arena *arena);
void saga_command_add(struct saga_command *command, struct saga_slice item);
/* `text` must outlive the command. */
void saga_command_add_text(struct saga_command *command, const char *text);
void saga_command_add_number(struct saga_command *command, int64_t number);
void saga_command_add_all(struct saga_command *command, const struct saga_command *more);

/* In the protocol's form; `*ret` is freed with redisFreeCommand. Errors: SAGA_E_LIMIT (more
 * arguments than Redis takes). */
int saga_command_format(const struct saga_command *command, char **ret, size_t *ret_size);

#endif
