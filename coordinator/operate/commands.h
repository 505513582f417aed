/* Commands that live in files of their own without anything else to share. */
#ifndef SAGA_OPERATE_COMMANDS_H
#define SAGA_OPERATE_COMMANDS_H

#include "operate/command.h"
#include "runtime/daemon.h"

extern const struct saga_subcommand saga_subcommand_start;
extern const struct saga_subcommand saga_subcommand_send;
extern const struct saga_subcommand saga_subcommand_cancel;
extern const struct saga_subcommand saga_subcommand_retry;
extern const struct saga_subcommand saga_subcommand_skip;
extern const struct saga_subcommand saga_subcommand_resolve;
extern const struct saga_subcommand saga_subcommand_pause;
extern const struct saga_subcommand saga_subcommand_resume;
extern const struct saga_subcommand saga_subcommand_replay;
extern const struct saga_subcommand saga_subcommand_topics_create;
extern const struct saga_subcommand saga_subcommand_topics_check;
extern const struct saga_subcommand saga_subcommand_dead_letters_list;
extern const struct saga_subcommand saga_subcommand_dead_letters_show;
extern const struct saga_subcommand saga_subcommand_dead_letters_resend;
extern const struct saga_subcommand saga_subcommand_dead_letters_drop;
extern const struct saga_subcommand saga_subcommand_dev;
extern const struct saga_subcommand saga_subcommand_run;
extern const struct saga_subcommand saga_subcommand_config;
extern const struct saga_subcommand saga_subcommand_doctor;
extern const struct saga_subcommand saga_subcommand_token;
extern const struct saga_subcommand saga_subcommand_version;
extern const struct saga_subcommand saga_subcommand_test;
extern const struct saga_subcommand saga_subcommand_manual;
extern const struct saga_subcommand saga_subcommand_completion;

/* What runs beside the workers of `saga run`: the HTTP API, which stands above this module. NULL: nothing does. */
struct saga_companion {
    /* Looks at its settings, and takes what it needs of the machine, before anything runs. `*ret` is given to the others;
     * NULL: it is not asked for. An exit code, words said. */
    int (*open)(struct saga_call *call, void **ret);
    /* Runs from then on. An exit code, words said. */
    int (*start)(struct saga_call *call, void *self, struct saga_daemon *daemon);
    /* Before the daemon is stopped; also where it was never started. */
    void (*stop)(void *self);
};
void saga_run_with(const struct saga_companion *companion);
/* For who runs a daemon. `*ret` is NULL where nothing runs beside it; starting and stopping that is fine. */
int saga_companion_open(struct saga_call *call, void **ret);
int saga_companion_start(struct saga_call *call, void *self, struct saga_daemon *daemon);
void saga_companion_stop(void *self);

#endif
