/* SIGHUP: the configuration of a running coordinator is read again. What may change while it runs is in force at once; of
 * what may not, the log says so; of what cannot be read, nothing is taken. */
#ifndef SAGA_OPERATE_RELOAD_H
#define SAGA_OPERATE_RELOAD_H

#include "operate/command.h"
#include "runtime/daemon.h"
#include "runtime/log.h"

/* What was in force at the start, or by the last reload. */
struct saga_reload {
    const struct saga_call *call;
    enum saga_log_level level;
    struct saga_arena arena;
    struct saga_setting_source *sources; /* in the arena */
    size_t count;
};

/* Remembers what is in force. `call` has its settings, and outlives it. */
void saga_reload_init(struct saga_reload *reload, const struct saga_call *call);
void saga_reload_free(struct saga_reload *reload);
/* Reads file, environment and flags as at the start, and tells daemon and log. */
void saga_reload_now(struct saga_reload *reload, struct saga_daemon *daemon);

#endif
