/* Passwords that stand in files of their own, as systemd's credentials and Kubernetes' secrets do: neither the list of processes
 * nor the environment has them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/config_internal.h"

enum { PASSWORD_BYTES_MAX = 4096 };

static const struct secret {
    const char *file, *setting;
} secrets[] = {
    { "kafka.sasl.password-file", "kafka.sasl.password" },
    { "redis.password-file", "redis.password" },
};

static const struct saga_config_value *find(const struct saga_config_values *values,
                                            const char *name)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->items[i].name, name) == 0) return &values->items[i];
    return NULL;
}

static void complain(struct saga_config_values *values, const struct saga_config_value *at,
                     const char *what, const char *mend)
{
    struct saga_diagnostic *finding =
        saga_diagnostics_add(values->diagnostics, SAGA_SEVERITY_ERROR, NULL, "%s = \"%s\" (%s): %s",
                             at->name, at->value, at->source, what);
    finding->file = at->file;
    finding->line = at->line;
    finding->column = at->column;
    finding->mend = saga_slice_of(mend);
}

/* Its bytes without the line's end. NULL: it cannot be had, which is complained of. */
static const char *read_password(struct saga_config_values *values,
                                 const struct saga_config_value *at)
{
    char text[PASSWORD_BYTES_MAX + 1];
    FILE *file = fopen(at->value, "re");
    size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    int failed = !file || ferror(file) ? errno : 0;
    if (file) fclose(file);
    if (failed) {
        complain(values, at, strerror(failed), "it must be a file that this user may read");
        return NULL;
    }
    struct saga_slice password = { text, size };
    if (password.size && password.data[password.size - 1] == '\n') password.size--;
    if (password.size && password.data[password.size - 1] == '\r') password.size--;
    if (password.size == 0 || size > PASSWORD_BYTES_MAX ||
        memchr(password.data, '\0', password.size)) {
        complain(values, at, "there is no password in it",
                 "write the password into it, and nothing else: up to 4096 bytes, one line's end "
                 "behind it does not count");
        return NULL;
    }
    return saga_arena_string(values->arena, password);
}

void saga_config_read_secrets(struct saga_config_values *values)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        const struct saga_config_value *at = find(values, secrets[i].file);
        const struct saga_config_value *before = find(values, secrets[i].setting);
        if (!at || !at->value[0]) continue;
        if (before && before->value[0]) {
            complain(values, at, "the password is given already",
                     "take this out, or the setting of the password itself");
            continue;
        }
        const char *password = read_password(values, at);
        if (password)
            saga_config_put(values, &(struct saga_config_value){ .name = secrets[i].setting,
                                                                 .value = password,
                                                                 .source = at->value });
    }
}
