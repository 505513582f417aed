/* The coordinator's configuration: a file, SAGA_... variables, flags, in rising order. */
#ifndef SAGA_RUNTIME_CONFIG_H
#define SAGA_RUNTIME_CONFIG_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "bus/kafka.h"
#include "store/views.h"

enum saga_log_format { SAGA_LOG_AUTO, SAGA_LOG_TEXT, SAGA_LOG_JSON };

/* Anchors of the journal that are written while the coordinator runs (anchoring.h). */
struct saga_anchor_schedule {
    int64_t every_ms;  /* audit.anchor-every; 0: never */
    const char *key;   /* audit.anchor-key, a file */
    const char *file;  /* audit.anchor-file; NULL: none */
    const char *topic; /* audit.anchor-topic; NULL: none */
};

/* The HTTP API (http/): nothing of it runs without an address. */
struct saga_http_config {
    const char *address;     /* http.address, "127.0.0.1:8080"; NULL: no API */
    const char *tokens;      /* http.tokens, the file of tokens; NULL: none */
    const char *certificate; /* http.tls.certificate and .key, PEM files; NULL: no TLS */
    const char *key;
    const char *
        client_ca; /* http.tls.client-ca, PEM: clients show a certificate of one of these; NULL: they do not */
    const char *oidc_issuer; /* http.oidc.*; NULL: no OpenID Connect */
    const char *oidc_audience;
    const char *oidc_jwks;  /* a file, or an https URL */
    const char *oidc_ca;    /* http.oidc.ca-file, PEM; NULL: whom this machine trusts */
    const char *oidc_roles; /* the claim with the roles, "realm_access.roles" */
    unsigned connections;   /* http.connections, at the same time; default 1000 */
    unsigned rate;          /* http.rate, requests a second of one subject; default 10000 */
};

/* Spans that are sent to a collector (tracing.h). */
struct saga_traces_config {
    const char *endpoint;     /* traces.endpoint; NULL: none are made */
    const char *headers_file; /* traces.headers-file; NULL: none */
    const char *ca_file;      /* traces.ca-file; NULL: the system's */
    const char *service;      /* traces.service-name */
    int timeout_ms;           /* traces.timeout */
    uint64_t threshold;       /* traces.sample, as of saga_trace_is_sampled */
};

/* Everything in force. Strings are in the arena given to saga_config_load. */
struct saga_config {
    struct saga_kafka_config kafka; /* kafka.bootstrap.servers, kafka.* passed on */
    struct saga_redis_config
        redis; /* redis.host, .port, .unix-socket, .username, .password, .db, .timeout, .tls.* */
    const char *schemas;      /* schemas, the folder of schemas, default "schemas" */
    const char *topic_prefix; /* topics.prefix, default "saga." */
    uint32_t lanes;           /* lanes, default 8; checked against the topics (R: pinned) */
    unsigned workers;         /* workers, default 2 */
    size_t batch_max;         /* batch-max, default 2000 */
    int64_t stop_timeout_ms;  /* stop-timeout, default 10s (R27) */
    int64_t snapshot_records; /* 0: no snapshots */
    int64_t snapshot_interval_ms;
    size_t cache_bytes; /* cache, bytes of states a worker keeps, default 32 MiB */
    struct saga_anchor_schedule anchors;
    struct saga_traces_config traces;
    const char *
        privacy_key_file; /* privacy.key-file, privacy.key-command: where the keys come from that */
    const char *privacy_key_command; /* sagas' keys are wrapped with; NULL: not set */
    const char *log_level;           /* log-level: error, warning, info, debug; default info */
    enum saga_log_format
        log_format; /* log: auto (text on a terminal... and elsewhere), text, json */
    struct saga_http_config http;
};

/* One setting with where its value came from, for `saga config`. */
struct saga_setting_source {
    const char *name;
    const char *value;
    const char *source; /* "default", "saga.yaml:3", "SAGA_WORKERS", "--workers" */
    bool secret;
};

/* A flag of the command line: name as in the file, or kafka.* from -X. */
struct saga_config_flag {
    const char *name;
    const char *value;
    const char *source; /* as the user wrote it */
};

/* Reads the configuration. `path` NULL: saga.yaml in the current folder if there is one. Names are checked: an
 * unknown one is an error with the nearest known name. `environment` is environ or a test's.
 * Errors: SAGA_E_INVALID with findings. */
int saga_config_load(const char *path, char *const *environment,
                     const struct saga_config_flag *flags, size_t flag_count,
                     struct saga_arena *arena, struct saga_diagnostics *diagnostics,
                     struct saga_config *ret);
/* What is in force and where it came from, by name. For the same inputs. */
int saga_config_sources(const char *path, char *const *environment,
                        const struct saga_config_flag *flags, size_t flag_count,
                        struct saga_arena *arena, struct saga_diagnostics *diagnostics,
                        struct saga_setting_source **ret, size_t *ret_count);

#endif
