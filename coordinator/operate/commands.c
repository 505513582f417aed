/* The table of commands, as the help lists them. */
#include "operate/commands.h"
#include "operate/audit.h"
#include "operate/definitions.h"
#include "operate/jobs.h"
#include "operate/operations.h"
#include "operate/sagas.h"

static const struct saga_subcommand *const definitions[] = {
    &saga_subcommand_check, &saga_subcommand_explain, &saga_subcommand_test,
    &saga_subcommand_graph, &saga_subcommand_deploy,  &saga_subcommand_definitions,
};
static const struct saga_subcommand *const sagas[] = {
    &saga_subcommand_start, &saga_subcommand_send,    &saga_subcommand_list,
    &saga_subcommand_show,  &saga_subcommand_history, &saga_subcommand_watch,
};
static const struct saga_subcommand *const operators[] = {
    &saga_subcommand_cancel,     &saga_subcommand_retry,     &saga_subcommand_skip,
    &saga_subcommand_resolve,    &saga_subcommand_pause,     &saga_subcommand_resume,
    &saga_subcommand_jobs_list,  &saga_subcommand_jobs_show, &saga_subcommand_jobs_stop,
    &saga_subcommand_operations,
};
static const struct saga_subcommand *const audit[] = {
    &saga_subcommand_audit_verify, &saga_subcommand_audit_export, &saga_subcommand_audit_import,
    &saga_subcommand_audit_anchor, &saga_subcommand_audit_forget,
};
static const struct saga_subcommand *const surroundings[] = {
    &saga_subcommand_dev,
    &saga_subcommand_run,
    &saga_subcommand_topics_create,
    &saga_subcommand_topics_check,
    &saga_subcommand_dead_letters_list,
    &saga_subcommand_dead_letters_show,
    &saga_subcommand_dead_letters_resend,
    &saga_subcommand_dead_letters_drop,
    &saga_subcommand_doctor,
    &saga_subcommand_config,
    &saga_subcommand_replay,
    &saga_subcommand_manual,
    &saga_subcommand_completion,
    &saga_subcommand_token,
    &saga_subcommand_version,
};

#define GROUP(title, commands)                                                                     \
    {                                                                                              \
        title, commands, sizeof(commands) / sizeof((commands)[0])                                  \
    }
const struct saga_subcommand_group saga_subcommand_groups[] = {
    GROUP("Definitions", definitions),
    GROUP("Sagas", sagas),
    GROUP("Operators' commands", operators),
    GROUP("Audit", audit),
    GROUP("The coordinator and its surroundings", surroundings),
};
const size_t saga_subcommand_group_count =
    sizeof saga_subcommand_groups / sizeof saga_subcommand_groups[0];
