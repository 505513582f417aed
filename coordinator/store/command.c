#include "store/command.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/memory.h"

/* Redis 6.2 closes the connection at more (7.0 does no longer). */
#define ARGUMENTS_MAX (1024 * 1024)

void saga_command_init(struct saga_command *command, struct saga_arena *arena)
{
    *command = (struct saga_command){ .arena = arena };
}

void saga_command_add(struct saga_command *command, struct saga_slice item)
{
    SAGA_PUSH(command->arena, command->items, command->count, command->capacity, item);
}

void saga_command_add_text(struct saga_command *command, const char *text)
{
    saga_command_add(command, saga_slice_of(text));
}

void saga_command_add_number(struct saga_command *command, int64_t number)
{
    saga_command_add(command, saga_arena_printf(command->arena, "%" PRId64, number));
}

void saga_command_add_all(struct saga_command *command, const struct saga_command *more)
{
    for (size_t i = 0; i < more->count; i++) saga_command_add(command, more->items[i]);
}

int saga_command_format(const struct saga_command *command, char **ret, size_t *ret_size)
{
    if (command->count > ARGUMENTS_MAX) return SAGA_E_LIMIT;
    const char **arguments = SAGA_NEW_ARRAY(command->arena, const char *, command->count);
    size_t *sizes = SAGA_NEW_ARRAY(command->arena, size_t, command->count);
    for (size_t i = 0; i < command->count; i++) {
        arguments[i] = command->items[i].data ? command->items[i].data : "";
        sizes[i] = command->items[i].size;
    }
    char *formatted = NULL;
    long long size = redisFormatCommandArgv(&formatted, (int)command->count, arguments, sizes);
    if (size <= 0) saga_memory_exhausted("hiredis"); /* it fails for nothing else */
    *ret = formatted;
    *ret_size = (size_t)size;
    return SAGA_OK;
}
