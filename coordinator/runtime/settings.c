#include "runtime/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"
#include "runtime/settings_internal.h"

enum { DB_MAX = 1 << 20, BATCH_MAX_MAX = 100000 };
static const int64_t cache_bytes_min = 1 << 20, cache_bytes_max = 1LL << 40;

bool saga_setting_whole_number(const char *value, unsigned long long min, unsigned long long max,
                               unsigned long long *ret)
{
    return saga_slice_to_u64(saga_slice_of(value), ret) == SAGA_OK && *ret >= min && *ret <= max;
}

bool saga_setting_milliseconds(const char *value, int64_t min, int64_t max, int64_t *ret)
{
    unsigned long long number;
    if (saga_slice_to_u64(saga_slice_of(value), &number) == SAGA_OK && number <= INT32_MAX)
        *ret = (int64_t)number;
    else if (saga_duration_parse(saga_slice_of(value), ret) < 0)
        return false;
    return *ret >= min && *ret <= max;
}

static bool bytes(const char *value, int64_t min, int64_t max, int64_t *ret)
{
    static const struct {
        const char *suffix;
        int64_t bytes;
    } units[] = { { "", 1 },          { "B", 1 },       { "KiB", 1 << 10 }, { "K", 1 << 10 },
                  { "MiB", 1 << 20 }, { "M", 1 << 20 }, { "GiB", 1 << 30 }, { "G", 1 << 30 } };
    size_t digits = strspn(value, "0123456789");
    unsigned long long number;
    if (digits > 12 || saga_slice_to_u64((struct saga_slice){ value, digits }, &number) < 0)
        return false;
    const char *suffix = value + digits + strspn(value + digits, " ");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(suffix, units[i].suffix) != 0) continue;
        if (number > (unsigned long long)(max / units[i].bytes)) return false;
        *ret = (int64_t)number * units[i].bytes;
        return *ret >= min;
    }
    return false;
}

/* ---- one reader a setting ---- */

static const char *read_servers(const char *value, struct saga_config *config)
{
    config->kafka.bootstrap_servers = value;
    return value[0] ? NULL : "brokers as host:port, several with commas between them";
}

static const char *read_group(const char *value, struct saga_config *config)
{
    config->kafka.group = value;
    return value[0] ? NULL : "the name of a consumer group";
}

static const char *read_session_timeout(const char *value, struct saga_config *config)
{
    int64_t ms;
    if (!saga_setting_milliseconds(value, 1000, 1800000, &ms))
        return "milliseconds from 1000 to 1800000";
    config->kafka.session_timeout_ms = (int)ms;
    return NULL;
}

static const char *read_transaction_timeout(const char *value, struct saga_config *config)
{
    int64_t ms;
    if (!saga_setting_milliseconds(value, 1000, 900000, &ms))
        return "milliseconds from 1000 to 900000";
    config->kafka.transaction_timeout_ms = (int)ms;
    return NULL;
}

static const char *read_mock(const char *value, struct saga_config *config)
{
    config->kafka.mock = strcmp(value, "true") == 0;
    return config->kafka.mock || strcmp(value, "false") == 0 ? NULL : "true or false";
}

static const char *read_instance(const char *value, struct saga_config *config)
{
    config->kafka.instance = value;
    size_t size = strlen(value);
    size_t good =
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return size > 0 && size == good ? NULL : "a name of letters, digits, '.', '_' and '-'";
}

static const char *read_redis_host(const char *value, struct saga_config *config)
{
    config->redis.host = value;
    return value[0] ? NULL : "a host name or an address";
}

static const char *read_redis_port(const char *value, struct saga_config *config)
{
    unsigned long long port;
    if (!saga_setting_whole_number(value, 1, SAGA_PORT_MAX, &port)) return "a port from 1 to 65535";
    config->redis.port = (int)port;
    return NULL;
}

static const char *read_redis_socket(const char *value, struct saga_config *config)
{
    config->redis.unix_socket = value[0] ? value : NULL;
    return NULL;
}

static const char *read_redis_username(const char *value, struct saga_config *config)
{
    config->redis.username = value[0] ? value : NULL;
    return NULL;
}

static const char *read_redis_password(const char *value, struct saga_config *config)
{
    config->redis.password = value[0] ? value : NULL;
    return NULL;
}

#define READ_REDIS_TLS(member)                                                                     \
    static const char *read_redis_tls_##member(const char *value, struct saga_config *config)      \
    {                                                                                              \
        config->redis.tls.member = value[0] ? value : NULL;                                        \
        return NULL;                                                                               \
    }
READ_REDIS_TLS(ca)
READ_REDIS_TLS(certificate)
READ_REDIS_TLS(key)
READ_REDIS_TLS(server_name)

static const char *read_redis_tls(const char *value, struct saga_config *config)
{
    config->redis.tls.enabled = strcmp(value, "true") == 0;
    return config->redis.tls.enabled || strcmp(value, "false") == 0 ? NULL : "true or false";
}

/* What it holds becomes the value of the setting itself (config_secrets.c). */
static const char *read_password_file(const char *value, struct saga_config *config)
{
    (void)value;
    (void)config;
    return NULL;
}

static const char *read_redis_db(const char *value, struct saga_config *config)
{
    unsigned long long db;
    if (!saga_setting_whole_number(value, 0, DB_MAX, &db))
        return "the number of a database, from 0";
    config->redis.db = (int)db;
    return NULL;
}

static const char *read_redis_timeout(const char *value, struct saga_config *config)
{
    int64_t ms;
    if (!saga_setting_milliseconds(value, 10, 600000, &ms))
        return "a duration from 10ms to 10m, such as 2s";
    config->redis.timeout_ms = (int)ms;
    return NULL;
}

static const char *read_redis_prefix(const char *value, struct saga_config *config)
{
    config->redis.prefix = value;
    /* braces are the hash tag's: one in the prefix would put every lane into the same slot */
    return value[0] && !strpbrk(value, "{}") ? NULL : "a text without { and }, such as saga:";
}

static const char *read_topic_prefix(const char *value, struct saga_config *config)
{
    size_t size = strlen(value);
    size_t good =
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    config->topic_prefix = value;
    return size == good && size <= 200
               ? NULL
               : "letters, digits, '.', '_' and '-', such as saga. or shop.";
}

static const char *read_schemas(const char *value, struct saga_config *config)
{
    config->schemas = value;
    return value[0] ? NULL : "a folder";
}

static const char *read_lanes(const char *value, struct saga_config *config)
{
    unsigned long long lanes;
    if (!saga_setting_whole_number(value, 1, SAGA_LANES_MAX, &lanes))
        return "a number from 1 to 4096";
    config->lanes = (uint32_t)lanes;
    return NULL;
}

static const char *read_workers(const char *value, struct saga_config *config)
{
    unsigned long long workers;
    if (!saga_setting_whole_number(value, 1, SAGA_WORKERS_MAX, &workers))
        return "a number from 1 to 64";
    config->workers = (unsigned)workers;
    return NULL;
}

static const char *read_batch_max(const char *value, struct saga_config *config)
{
    unsigned long long batch_max;
    if (!saga_setting_whole_number(value, 1, BATCH_MAX_MAX, &batch_max))
        return "a number from 1 to 100000";
    config->batch_max = (size_t)batch_max;
    return NULL;
}

static const char *read_stop_timeout(const char *value, struct saga_config *config)
{
    int64_t ms;
    if (!saga_setting_milliseconds(value, 100, 3600000, &ms))
        return "a duration from 100ms to 1h, such as 10s";
    config->stop_timeout_ms = ms;
    return NULL;
}

static const char *read_cache(const char *value, struct saga_config *config)
{
    int64_t size;
    if (!bytes(value, cache_bytes_min, cache_bytes_max, &size))
        return "bytes from 1MiB on, such as 64MiB";
    config->cache_bytes = (size_t)size;
    return NULL;
}

static const char *read_snapshot_records(const char *value, struct saga_config *config)
{
    unsigned long long records;
    if (!saga_setting_whole_number(value, 0, INT32_MAX, &records))
        return "a number of journal records, or 0 for no snapshots";
    config->snapshot_records = (int64_t)records;
    return NULL;
}

static const char *read_snapshot_interval(const char *value, struct saga_config *config)
{
    int64_t ms;
    if (!saga_setting_milliseconds(value, 1000, 7 * 86400000LL, &ms))
        return "a duration from 1s to 7d, such as 10m";
    config->snapshot_interval_ms = ms;
    return NULL;
}

static const char *read_log_level(const char *value, struct saga_config *config)
{
    static const char *const levels[] = { "error", "warning", "info", "debug" };
    config->log_level = value;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(value, levels[i]) == 0) return NULL;
    return "error, warning, info or debug";
}

static const char *read_log(const char *value, struct saga_config *config)
{
    static const char *const formats[] = {
        [SAGA_LOG_AUTO] = "auto", [SAGA_LOG_TEXT] = "text", [SAGA_LOG_JSON] = "json"
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(value, formats[i]) != 0) continue;
        config->log_format = (enum saga_log_format)i;
        return NULL;
    }
    return "auto, text or json";
}

/* Kafka's settings have librdkafka's names. Sorted as `saga config` prints them. */
const struct saga_setting saga_settings[] = {
    { "kafka.bootstrap.servers", "bootstrap-servers", "HOST:PORT,...", "localhost:9092",
      "Kafka brokers to begin with", read_servers },
    { "kafka.group.id", "group-id", "NAME", "saga",
      "consumer group of all workers of all processes", read_group },
    { "kafka.session.timeout.ms", "session-timeout-ms", "MS", "6000",
      "a worker that is silent for so long loses its lanes", read_session_timeout },
    { "kafka.transaction.timeout.ms", "transaction-timeout-ms", "MS", "10000",
      "the broker aborts a transaction that stays open for so long", read_transaction_timeout },
    { "kafka.sasl.password-file", "kafka-sasl-password-file", "FILE", NULL,
      "file with the password of kafka.sasl.username", read_password_file },
    { "kafka.mock", "mock", "true|false", "false",
      "the brokers are the endpoint of a `saga dev` that runs elsewhere", read_mock },
    { "instance", "instance", "NAME", NULL,
      "stable name of this process, part of its transactional ids; default: the host's name",
      read_instance },
    { "redis.host", "redis-host", "HOST", "127.0.0.1", "Redis server", read_redis_host },
    { "redis.port", "redis-port", "PORT", "6379", "its port", read_redis_port },
    { "redis.unix-socket", "redis-unix-socket", "PATH", NULL,
      "a socket to connect to instead of host and port", read_redis_socket },
    { "redis.username", "redis-username", "NAME", NULL, "user, where Redis has users",
      read_redis_username },
    { "redis.password", "redis-password", "TEXT", NULL,
      "password; better in the file or in SAGA_REDIS_PASSWORD, since other users see flags",
      read_redis_password },
    { "redis.password-file", "redis-password-file", "FILE", NULL,
      "file with the password, instead of redis.password", read_password_file },
    { "redis.tls.enabled", "redis-tls", "true|false", "false", "speak TLS with Redis",
      read_redis_tls },
    { "redis.tls.ca", "redis-tls-ca", "FILE", NULL,
      "whom to trust, PEM; default: whom this machine trusts", read_redis_tls_ca },
    { "redis.tls.certificate", "redis-tls-certificate", "FILE", NULL,
      "certificate to show to Redis, PEM", read_redis_tls_certificate },
    { "redis.tls.key", "redis-tls-key", "FILE", NULL, "its private key, PEM", read_redis_tls_key },
    { "redis.tls.server-name", "redis-tls-server-name", "NAME", NULL,
      "what Redis's certificate must be for; default: redis.host", read_redis_tls_server_name },
    { "redis.db", "redis-db", "NUMBER", "0", "database", read_redis_db },
    { "redis.timeout", "redis-timeout", "DURATION", "2s", "for connecting and for each call",
      read_redis_timeout },
    { "redis.prefix", "redis-prefix", "TEXT", "saga:", "in front of every key", read_redis_prefix },
    { "topics.prefix", "topics-prefix", "TEXT", "saga.",
      "in front of the names of the coordinator's own topics", read_topic_prefix },
    { "schemas", "schemas", "FOLDER", "schemas",
      "folder with the Avro schemas of bodies, and registry.yaml with their ids", read_schemas },
    { "lanes", "lanes", "NUMBER", "8",
      "partitions of inbox and journal; fixed once the topics are made", read_lanes },
    { "workers", "workers", "NUMBER", "2", "threads of this process", read_workers },
    { "batch-max", "batch-max", "NUMBER", "2000", "events in one transaction at most",
      read_batch_max },
    { "stop-timeout", "stop-timeout", "DURATION", "10s",
      "how long stopping may take to finish what is in hand", read_stop_timeout },
    { "snapshot-records", "snapshot-records", "NUMBER", "50000",
      "a lane's snapshot is due when its journal has grown by so many records; 0: never",
      read_snapshot_records },
    { "snapshot-interval", "snapshot-interval", "DURATION", "10m",
      "a lane's snapshot is due, too, when the last one is so old; the journal must be kept longer "
      "than this",
      read_snapshot_interval },
    { "cache", "cache", "BYTES", "32MiB", "states that a worker keeps in memory", read_cache },
    { "audit.anchor-every", "audit-anchor-every", "DURATION", "0",
      "how often each lane's hash chain is signed (AUDIT.md); 0: never", saga_read_anchor_every },
    { "audit.anchor-key", "audit-anchor-key", "FILE", NULL,
      "private Ed25519 key to sign with (PEM)", saga_read_anchor_key },
    { "audit.anchor-file", "audit-anchor-file", "FILE", NULL, "file to append the anchors to",
      saga_read_anchor_file },
    { "audit.anchor-topic", "audit-anchor-topic", "NAME", NULL,
      "topic to send them to, which is there already", saga_read_anchor_topic },
    { "privacy.key-file", "privacy-key-file", "PATH", NULL,
      "file with the keys that protect what `redact:` names, one a line, the newest first",
      saga_read_privacy_key_file },
    { "privacy.key-command", "privacy-key-command", "COMMAND", NULL,
      "a command of the shell that prints them, instead of a file", saga_read_privacy_key_command },
    { "http.address", "http", "[HOST:]PORT", NULL,
      "serve the HTTP API there; a port alone: on this machine only", saga_read_http_address },
    { "http.tokens", "http-tokens", "FILE", NULL,
      "who may use the API, by the hashes of their tokens", saga_read_http_tokens },
    { "http.tls.certificate", "http-tls-certificate", "FILE", NULL,
      "the API's certificate and those that it hangs on, PEM", saga_read_http_certificate },
    { "http.tls.key", "http-tls-key", "FILE", NULL, "its private key, PEM", saga_read_http_key },
    { "http.tls.client-ca", "http-tls-client-ca", "FILE", NULL,
      "clients may show a certificate signed by one of these, PEM", saga_read_http_client_ca },
    { "http.oidc.issuer", "http-oidc-issuer", "URL", NULL,
      "OpenID Connect provider whose tokens are taken", saga_read_http_oidc_issuer },
    { "http.oidc.audience", "http-oidc-audience", "NAME", NULL,
      "whom these tokens must be meant for", saga_read_http_oidc_audience },
    { "http.oidc.jwks", "http-oidc-jwks", "FILE|URL", NULL, "the provider's public keys",
      saga_read_http_oidc_jwks },
    { "http.oidc.ca-file", "http-oidc-ca-file", "FILE", NULL,
      "certificates that the provider's is checked with, PEM; default: whom this machine trusts",
      saga_read_http_oidc_ca },
    { "http.oidc.roles", "http-oidc-roles", "CLAIM", "roles",
      "the claim with the roles, with dots into objects", saga_read_http_oidc_roles },
    { "http.connections", "http-connections", "NUMBER", "1000", "at the same time, at most",
      saga_read_http_connections },
    { "http.rate", "http-rate", "NUMBER", "10000", "requests a second of one subject",
      saga_read_http_rate },
    { "traces.endpoint", "traces-endpoint", "URL", NULL,
      "OTLP/HTTP collector to send spans to (TRACES.md), such as http://localhost:4318",
      saga_read_traces_endpoint },
    { "traces.headers-file", "traces-headers-file", "FILE", NULL,
      "lines `Name: value` that go with each request, for what gives access",
      saga_read_traces_headers },
    { "traces.ca-file", "traces-ca-file", "FILE", NULL,
      "certificates that the collector's is checked with; default: the system's",
      saga_read_traces_ca },
    { "traces.service-name", "traces-service-name", "NAME", "saga", "service.name of the spans",
      saga_read_traces_service },
    { "traces.sample", "traces-sample", "SHARE", "1",
      "share of the sagas that are recorded, of those whose start names no trace",
      saga_read_traces_sample },
    { "traces.timeout", "traces-timeout", "DURATION", "10s", "for one request to the collector",
      saga_read_traces_timeout },
    { "log-level", "log-level", "LEVEL", "info", "error, warning, info or debug", read_log_level },
    { "log", "log", "FORMAT", "auto",
      "text, json, or auto: text, for the journal of systemd without the time", read_log },
};
const size_t saga_settings_count = sizeof saga_settings / sizeof saga_settings[0];

const struct saga_setting *saga_setting_find(const char *name)
{
    for (size_t i = 0; i < saga_settings_count; i++)
        if (strcmp(saga_settings[i].name, name) == 0) return &saga_settings[i];
    return NULL;
}

bool saga_setting_is_live(const char *name)
{
    static const char *const live[] = {
        "batch-max",        "cache",       "log", "log-level", "snapshot-interval",
        "snapshot-records", "stop-timeout"
    };
    for (size_t i = 0; i < sizeof live / sizeof live[0]; i++)
        if (strcmp(live[i], name) == 0) return true;
    return false;
}

const char *saga_kafka_option_refused(const char *name)
{
    static const struct {
        const char *name, *why;
    } refused[] = {
        { "enable.auto.commit",
          "consumed offsets are committed in the transaction of their batch" },
        { "enable.auto.offset.store",
          "consumed offsets are committed in the transaction of their batch" },
        { "auto.offset.reset", "a position that is gone stops its lane, it never jumps silently" },
        { "isolation.level", "what was aborted must not be read" },
        { "enable.idempotence", "every producer is transactional" },
        { "transactional.id", "it is made of group, instance and worker (setting: instance)" },
        { "acks", "a transaction needs all of them" },
        { "partitioner", "lanes are found by the hash that Java's clients use" },
        { "partition.assignment.strategy", "same-numbered partitions must meet in one worker" },
        { "group.protocol", "fencing rests on the classic protocol's generations" },
        { "group.instance.id", "a static member would keep its lanes while it is away" },
        { "enable.partition.eof", "recovery goes by it" },
        { "message.max.bytes", "it must fit the largest journal record" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strcmp(refused[i].name, name) == 0) return refused[i].why;
    return NULL;
}

bool saga_setting_is_secret(const char *name)
{
    const struct saga_setting *setting = saga_setting_find(name);
    if (setting && strcmp(setting->argument, "FILE") == 0) return false; /* where it is, not what */
    static const char *const words[] = { "password", "secret", "key", "sasl.jaas", "oauth" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(name, words[i])) return true;
    return false;
}
