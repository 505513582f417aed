/* The table of settings: what the file, the variables and the flags have in common. A new setting
 * is one row in settings.c and one member of struct saga_config. */
#ifndef SAGA_RUNTIME_SETTINGS_H
#define SAGA_RUNTIME_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/config.h"

struct saga_setting {
    const char *name;          /* as in the file, groups joined with dots */
    const char *flag;          /* of the command line, without dashes in front */
    const char *argument;      /* what the help calls its value */
    const char *default_value; /* NULL: none */
    const char *summary;
    /* Reads a value into the configuration, which takes the string as it is. Returns NULL, or in
     * words what it must be. */
    const char *(*read)(const char *value, struct saga_config *config);
};

extern const struct saga_setting saga_settings[];
extern const size_t saga_settings_count;

/* NULL where there is none of that name. */
const struct saga_setting *saga_setting_find(const char *name);

/* May a running coordinator take another value of it (SIGHUP)? What is fixed by what stands in Kafka, or by a connection
 * that was made, or by the number of threads, may not. */
bool saga_setting_is_live(const char *name);

/* Why an option may not be passed on to librdkafka, because the coordinator's promises rest on it;
 * NULL if it may. */
const char *saga_kafka_option_refused(const char *name);

/* Is the value of a setting of this name nobody's to see? Goes by words in the name, so that
 * options of librdkafka that are not known here are masked too. */
bool saga_setting_is_secret(const char *name);

#endif
