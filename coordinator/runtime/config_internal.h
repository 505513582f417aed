/* What the configuration's two files share: values with where they came from. */
#ifndef SAGA_RUNTIME_CONFIG_INTERNAL_H
#define SAGA_RUNTIME_CONFIG_INTERNAL_H

#include "runtime/config.h"

struct saga_config_value {
    const char *name;
    const char *value;
    const char *source; /* for people: "default", "saga.yaml:3", "SAGA_WORKERS", "--workers" */
    const char *file;   /* NULL: not from a file */
    unsigned line, column;
    struct saga_slice source_line;
};

struct saga_config_values {
    struct saga_arena *arena;
    struct saga_diagnostics *diagnostics;
    struct saga_config_value *items;
    size_t count;
    size_t capacity;
};

/* Puts a value in the place of an earlier one of that name. What is no setting, or must not be set,
 * becomes a finding instead. */
void saga_config_put(struct saga_config_values *values, const struct saga_config_value *value);

/* Reads the files with passwords, and puts what they hold as the values of the settings that they stand for. A file that
 * cannot be read, or a password that is given twice, is a finding. */
void saga_config_read_secrets(struct saga_config_values *values);

/* Puts all values of a YAML file; `redis: {host: h}` is `redis.host: h`. What is wrong with it is a
 * finding. */
void saga_config_read_file(struct saga_config_values *values, const char *path);

#endif
