/* Settings of what stands beside the lanes: anchors, keys for sealed values, traces, the HTTP API. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/trace.h"
#include "runtime/settings_internal.h"
#include "traces/post.h"

/* A text; an empty one is none. */
#define READ_OPTIONAL(name, member)                                                                \
    const char *saga_read_##name(const char *value, struct saga_config *config)                    \
    {                                                                                              \
        config->member = value[0] ? value : NULL;                                                  \
        return NULL;                                                                               \
    }

/* ---- anchors, keys ---- */

const char *saga_read_anchor_every(const char *value, struct saga_config *config)
{
    int64_t ms;
    bool never = strcmp(value, "0") == 0;
    if (!never && !saga_setting_milliseconds(value, 1000, 30 * 86400000LL, &ms))
        return "a duration from 1s to 30d, such as 1h, or 0 for never";
    config->anchors.every_ms = never ? 0 : ms;
    return NULL;
}

READ_OPTIONAL(anchor_key, anchors.key)
READ_OPTIONAL(anchor_file, anchors.file)
READ_OPTIONAL(anchor_topic, anchors.topic)
READ_OPTIONAL(privacy_key_file, privacy_key_file)
READ_OPTIONAL(privacy_key_command, privacy_key_command)

/* ---- traces ---- */

const char *saga_read_traces_endpoint(const char *value, struct saga_config *config)
{
    config->traces.endpoint = value[0] ? value : NULL;
    return value[0] ? saga_post_endpoint_fault(value) : NULL;
}

READ_OPTIONAL(traces_headers, traces.headers_file)
READ_OPTIONAL(traces_ca, traces.ca_file)

const char *saga_read_traces_service(const char *value, struct saga_config *config)
{
    config->traces.service = value;
    return value[0] && strlen(value) <= SAGA_NAME_BYTES_MAX ? NULL : "a name";
}

const char *saga_read_traces_timeout(const char *value, struct saga_config *config)
{
    int64_t ms;
    if (!saga_setting_milliseconds(value, 100, 60000, &ms))
        return "a duration from 100ms to 1m, such as 10s";
    config->traces.timeout_ms = (int)ms;
    return NULL;
}

const char *saga_read_traces_sample(const char *value, struct saga_config *config)
{
    size_t digits = strspn(value, "0123456789.");
    double share = digits && digits <= 20 && !value[digits] ? strtod(value, NULL) : -1;
    if (share < 0 || share > 1 || strchr(value, '.') != strrchr(value, '.'))
        return "a share from 0 to 1, such as 0.1";
    config->traces.threshold = (uint64_t)(share * (double)SAGA_TRACE_ALL);
    return NULL;
}

/* ---- the HTTP API ---- */

#define READ_HTTP_TEXT(member, must_be)                                                            \
    const char *saga_read_http_##member(const char *value, struct saga_config *config)             \
    {                                                                                              \
        config->http.member = value;                                                               \
        return value[0] ? NULL : must_be;                                                          \
    }
READ_HTTP_TEXT(tokens, "a file")
READ_HTTP_TEXT(certificate, "a PEM file")
READ_HTTP_TEXT(key, "a PEM file")
READ_HTTP_TEXT(client_ca, "a PEM file")
READ_HTTP_TEXT(oidc_issuer, "the issuer's URL, as its tokens have it in `iss`")
READ_HTTP_TEXT(oidc_audience, "a name that tokens must have in `aud`")
READ_HTTP_TEXT(oidc_ca, "a PEM file")
READ_HTTP_TEXT(oidc_roles, "the name of a claim")

/* Where it is stands in the log, so it must give no access. */
const char *saga_read_http_oidc_jwks(const char *value, struct saga_config *config)
{
    bool url = strstr(value, "://") != NULL;
    config->http.oidc_jwks = value;
    if (!value[0] || (url && strncmp(value, "https://", 8) != 0)) return "a file, or an https URL";
    return url && saga_post_endpoint_fault(value) ? "a file, or an https URL without a password"
                                                  : NULL;
}

/* Whether there is such a host, and whether the port is free, is seen when it is taken. */
const char *saga_read_http_address(const char *value, struct saga_config *config)
{
    const char *colon = strrchr(value, ':');
    unsigned long long port;
    config->http.address = value;
    return saga_setting_whole_number(colon ? colon + 1 : value, 0, SAGA_PORT_MAX, &port)
               ? NULL
               : "a port up to 65535, or an address with a port, such as 127.0.0.1:8080";
}

const char *saga_read_http_connections(const char *value, struct saga_config *config)
{
    unsigned long long count;
    if (!saga_setting_whole_number(value, 1, SAGA_HTTP_CONNECTIONS_MAX, &count))
        return "a number from 1 to 10000";
    config->http.connections = (unsigned)count;
    return NULL;
}

const char *saga_read_http_rate(const char *value, struct saga_config *config)
{
    unsigned long long count;
    if (!saga_setting_whole_number(value, 1, 1000000, &count)) return "a number from 1 to 1000000";
    config->http.rate = (unsigned)count;
    return NULL;
}
