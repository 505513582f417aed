#include "operate/options.h"

#include <string.h>

struct list {
    struct saga_arena *arena;
    struct saga_option *items;
    size_t count, capacity;
};

static void add(struct list *list, const struct argp_option *option, bool is_setting)
{
    struct saga_option found = {
        .name = option->name,
        .letter = option->key > ' ' && option->key < 0x7f ? (char)option->key : 0,
        .argument = option->arg,
        .words = option->doc ? option->doc : "",
        .is_setting = is_setting,
    };
    if (option->flags & OPTION_HIDDEN) return;
    SAGA_PUSH(list->arena, list->items, list->count, list->capacity, found);
}

static void add_all(struct list *list, const struct argp_option *options, bool are_settings)
{
    for (; options && (options->name || options->key); options++) add(list, options, are_settings);
}

void saga_options_of(const struct saga_subcommand *command, struct saga_arena *arena,
                     struct saga_option **ret, size_t *ret_count)
{
    struct list list = { .arena = arena };
    add_all(&list, command->options, false);
    if (command->has_output) add_all(&list, saga_output_options(command), false);
    if (command->configured) add_all(&list, saga_common_options(command, arena), true);
    *ret = list.items;
    *ret_count = list.count;
}

static bool is_output(const struct saga_option *option)
{
    return option->letter == 'o' && option->name && strcmp(option->name, "output") == 0;
}

const char *saga_option_choices(const struct saga_subcommand *command,
                                const struct saga_option *option, struct saga_arena *arena)
{
    if (command->has_output && is_output(option)) return saga_output_formats(command);
    if (!option->argument || !strchr(option->argument, '|')) return NULL;
    if (saga_option_is_path(option)) return NULL;
    char *choices = saga_arena_string(arena, saga_slice_of(option->argument));
    for (char *c = choices; *c; c++)
        if (*c == '|') *c = ' ';
    return choices;
}

static bool names_a_path(const char *argument)
{
    return strstr(argument, "FILE") || strstr(argument, "FOLDER") || strstr(argument, "PATH") ||
           strstr(argument, "DIR");
}

bool saga_option_is_path(const struct saga_option *option)
{
    return option->argument && names_a_path(option->argument);
}

bool saga_subcommand_takes_files(const struct saga_subcommand *command)
{
    return command->arguments && names_a_path(command->arguments);
}
