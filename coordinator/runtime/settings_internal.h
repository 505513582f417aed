/* What settings.c, which has the table, and settings_beside.c share. */
#ifndef SAGA_RUNTIME_SETTINGS_INTERNAL_H
#define SAGA_RUNTIME_SETTINGS_INTERNAL_H

#include <stdint.h>

#include "runtime/settings.h"

enum { SAGA_PORT_MAX = 65535 };

bool saga_setting_whole_number(const char *value, unsigned long long min, unsigned long long max,
                               unsigned long long *ret);
/* Milliseconds as librdkafka takes them, or a duration as this program writes them everywhere else. */
bool saga_setting_milliseconds(const char *value, int64_t min, int64_t max, int64_t *ret);

/* Readers, as `read` of struct saga_setting. */
typedef const char *saga_read_setting(const char *value, struct saga_config *config);
saga_read_setting saga_read_anchor_every;
saga_read_setting saga_read_anchor_key;
saga_read_setting saga_read_anchor_file;
saga_read_setting saga_read_anchor_topic;
saga_read_setting saga_read_privacy_key_file;
saga_read_setting saga_read_privacy_key_command;
saga_read_setting saga_read_traces_endpoint;
saga_read_setting saga_read_traces_headers;
saga_read_setting saga_read_traces_ca;
saga_read_setting saga_read_traces_service;
saga_read_setting saga_read_traces_timeout;
saga_read_setting saga_read_traces_sample;
saga_read_setting saga_read_http_connections;
saga_read_setting saga_read_http_rate;
saga_read_setting saga_read_http_address;
saga_read_setting saga_read_http_tokens;
saga_read_setting saga_read_http_certificate;
saga_read_setting saga_read_http_key;
saga_read_setting saga_read_http_client_ca;
saga_read_setting saga_read_http_oidc_issuer;
saga_read_setting saga_read_http_oidc_audience;
saga_read_setting saga_read_http_oidc_jwks;
saga_read_setting saga_read_http_oidc_ca;
saga_read_setting saga_read_http_oidc_roles;

#endif
