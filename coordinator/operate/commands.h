/* Commands that live in files of their own without anything else to share. */
#ifndef SAGA_OPERATE_COMMANDS_H
#define SAGA_OPERATE_COMMANDS_H

#include "operate/command.h"

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
extern const struct saga_subcommand saga_subcommand_dev;
extern const struct saga_subcommand saga_subcommand_run;
extern const struct saga_subcommand saga_subcommand_config;
extern const struct saga_subcommand saga_subcommand_doctor;
extern const struct saga_subcommand saga_subcommand_version;
extern const struct saga_subcommand saga_subcommand_test;

#endif
