/* A command's options as a list: what --help shows, for the pages of the manual and for completion in shells, so that neither
 * can say anything else. */
#ifndef SAGA_OPERATE_OPTIONS_H
#define SAGA_OPERATE_OPTIONS_H

#include "operate/command.h"

struct saga_option {
    const char *name;     /* without dashes; NULL: short only */
    char letter;          /* 0: none */
    const char *argument; /* what the help calls its value; NULL: it takes none */
    const char *words;
    bool is_setting; /* one that stands in the file too */
};

/* Those of the command itself, then -o, then the settings that its help shows. */
void saga_options_of(const struct saga_subcommand *command, struct saga_arena *arena,
                     struct saga_option **ret, size_t *ret_count);
/* The values that an option may have, one behind the other with spaces between; NULL: any. For -o those of the command. */
const char *saga_option_choices(const struct saga_subcommand *command,
                                const struct saga_option *option, struct saga_arena *arena);
/* Is its value a path? */
bool saga_option_is_path(const struct saga_option *option);
/* Does the command take files as arguments? */
bool saga_subcommand_takes_files(const struct saga_subcommand *command);

#endif
