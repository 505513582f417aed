/* Where values come from: defaults, the file, SAGA_... variables, flags. Each later one takes the
 * place of the earlier; only what is left in the end is read. */
#include "runtime/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"
#include "runtime/config_internal.h"
#include "runtime/settings.h"
#include "runtime/topics.h"

#define VARIABLE_PREFIX "SAGA_"
#define KAFKA_PREFIX "kafka."
static const char default_path[] = "saga.yaml";

static bool is_kafka_option(const char *name)
{
    return strncmp(name, KAFKA_PREFIX, strlen(KAFKA_PREFIX)) == 0 && name[strlen(KAFKA_PREFIX)];
}

static void put(struct saga_config_values *values, const struct saga_config_value *value)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i].name, value->name) != 0) continue;
        values->items[i] = *value;
        return;
    }
    SAGA_PUSH(values->arena, values->items, values->count, values->capacity, *value);
}

static struct saga_diagnostic *complain(struct saga_config_values *values,
                                        const struct saga_config_value *at, const char *what)
{
    struct saga_diagnostic *finding =
        saga_diagnostics_add(values->diagnostics, SAGA_SEVERITY_ERROR, NULL, "%s", what);
    finding->file = at->file;
    finding->line = at->line;
    finding->column = at->column;
    finding->width = 1;
    if (at->file && !saga_setting_is_secret(at->name)) finding->source_line = at->source_line;
    return finding;
}

static void complain_unknown(struct saga_config_values *values, const struct saga_config_value *at)
{
    const char **names = SAGA_NEW_ARRAY(values->arena, const char *, saga_settings_count);
    for (size_t i = 0; i < saga_settings_count; i++) names[i] = saga_settings[i].name;
    struct saga_slice name = saga_slice_of(at->name);
    const char *near = saga_nearest(name, names, saga_settings_count);
    const char *from = at->file ? "" : at->source;
    struct saga_slice what = saga_arena_printf(values->arena, "there is no setting \"%s\"%s%s",
                                               at->name, *from ? ", given by " : "", from);
    struct saga_diagnostic *finding = complain(values, at, what.data);
    /* a password under a mistyped name is a password still */
    if (near && saga_setting_is_secret(near)) finding->source_line = SAGA_SLICE_NONE;
    if (near)
        saga_diagnostic_mend(finding, values->arena, "did you mean \"%s\"?", near);
    else
        saga_diagnostic_mend(finding, values->arena,
                             "`saga config` lists all settings; options of librdkafka begin with "
                             "kafka.");
}

static void complain_no_option(struct saga_config_values *values,
                               const struct saga_config_value *value)
{
    const char *from = value->file ? "" : value->source;
    struct saga_slice what =
        saga_arena_printf(values->arena, "librdkafka has no option \"%s\"%s%s",
                          value->name + strlen(KAFKA_PREFIX), *from ? ", given by " : "", from);
    struct saga_diagnostic *finding = complain(values, value, what.data);
    finding->why = SAGA_SLICE("what stands under kafka. is passed on to it, and no client could be "
                              "made");
    finding->mend = SAGA_SLICE("write it as librdkafka's CONFIGURATION.md does, as in "
                               "kafka.sasl.username, or take it out");
}

/* Fields of one mapping are looked at by the file's reader; `redis.host` beside `redis: {host: ...}` is one name too. */
static bool is_twice_in_file(struct saga_config_values *values,
                             const struct saga_config_value *value)
{
    for (size_t i = 0; i < values->count && value->file; i++) {
        const struct saga_config_value *before = &values->items[i];
        if (!before->file || strcmp(before->name, value->name) != 0) continue;
        struct saga_slice what =
            saga_arena_printf(values->arena, "\"%s\" is set twice, on line %u and on line %u",
                              value->name, before->line, value->line);
        struct saga_diagnostic *finding = complain(values, value, what.data);
        finding->why = SAGA_SLICE("only one of the two could count");
        finding->mend = SAGA_SLICE("take one of them out");
        return true;
    }
    return false;
}

void saga_config_put(struct saga_config_values *values, const struct saga_config_value *value)
{
    if (is_twice_in_file(values, value)) return;
    if (saga_setting_find(value->name)) {
        put(values, value);
        return;
    }
    if (!is_kafka_option(value->name)) {
        complain_unknown(values, value);
        return;
    }
    const char *option = value->name + strlen(KAFKA_PREFIX);
    const char *why = saga_kafka_option_refused(option);
    if (!why && !saga_kafka_knows_option(option)) {
        complain_no_option(values, value);
        return;
    }
    if (!why) {
        put(values, value);
        return;
    }
    struct saga_slice what = saga_arena_printf(
        values->arena, "\"%s\" cannot be set: the coordinator sets it itself", value->name);
    struct saga_diagnostic *finding = complain(values, value, what.data);
    finding->why = saga_slice_of(why);
    finding->mend = SAGA_SLICE("take it out");
}

/* ---- defaults and variables ---- */

static void put_defaults(struct saga_config_values *values)
{
    for (size_t i = 0; i < saga_settings_count; i++) {
        if (!saga_settings[i].default_value) continue;
        put(values, &(struct saga_config_value){ .name = saga_settings[i].name,
                                                 .value = saga_settings[i].default_value,
                                                 .source = "default" });
    }
    char host[256] = "saga";
    if (gethostname(host, sizeof host - 1) < 0 || !host[0]) strcpy(host, "saga");
    put(values, &(struct saga_config_value){
                    .name = "instance",
                    .value = saga_arena_string(values->arena, saga_slice_of(host)),
                    .source = "default",
                });
}

/* Kubernetes gives every container variables for every service, and a service may be called
 * saga-something. */
static bool is_service_link(const char *name, const char *value)
{
    static const char *const marks[] = { "_SERVICE_HOST", "_SERVICE_PORT", "_TCP_", "_UDP_" };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strstr(name, marks[i])) return true;
    return strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}

static bool is_variable_of(const char *variable, const char *setting)
{
    for (; *variable && *setting; variable++, setting++) {
        char expected = *setting == '.' || *setting == '-' ? '_' : (char)toupper(*setting);
        if (*variable != expected) return false;
    }
    return !*variable && !*setting;
}

/* SAGA_REDIS_HOST is redis.host; SAGA_KAFKA_SASL_USERNAME is kafka.sasl.username. NULL: none. */
static const char *setting_of_variable(const char *variable, struct saga_arena *arena)
{
    const char *rest = variable + strlen(VARIABLE_PREFIX);
    for (size_t i = 0; i < saga_settings_count; i++)
        if (is_variable_of(rest, saga_settings[i].name)) return saga_settings[i].name;
    char *name = saga_arena_string(arena, saga_slice_of(rest));
    for (char *c = name; *c; c++) *c = *c == '_' ? '.' : (char)tolower(*c);
    return is_kafka_option(name) ? name : NULL;
}

static void put_variable(struct saga_config_values *values, const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (!equals || strncmp(entry, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0) return;
    struct saga_slice name = { entry, (size_t)(equals - entry) };
    const char *variable = saga_arena_string(values->arena, name);
    if (is_service_link(variable, equals + 1) || strcmp(variable, "SAGA_CONFIG") == 0) return;
    const char *setting = setting_of_variable(variable, values->arena);
    if (setting) {
        saga_config_put(values,
                        &(struct saga_config_value){
                            .name = setting,
                            .value = saga_arena_string(values->arena, saga_slice_of(equals + 1)),
                            .source = variable });
        return;
    }
    /* only a warning: a variable of that prefix may be somebody else's */
    struct saga_diagnostic *finding =
        saga_diagnostics_add(values->diagnostics, SAGA_SEVERITY_WARNING, NULL,
                             "the variable %s is no setting and is not read", variable);
    finding->mend = SAGA_SLICE("`saga config` lists all settings: redis.host is SAGA_REDIS_HOST");
}

static const char *variable_value(char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
            return *environment + size + 1;
    return NULL;
}

/* ---- all of them together ---- */

static void put_file(struct saga_config_values *values, const char *path, char *const *environment)
{
    if (!path) path = variable_value(environment, "SAGA_CONFIG");
    if (path && *path)
        saga_config_read_file(values, path);
    else if (access(default_path, F_OK) == 0)
        saga_config_read_file(values, default_path);
}

static void put_flags(struct saga_config_values *values, const struct saga_config_flag *flags,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        saga_config_put(
            values, &(struct saga_config_value){
                        .name = saga_arena_string(values->arena, saga_slice_of(flags[i].name)),
                        .value = saga_arena_string(values->arena, saga_slice_of(flags[i].value)),
                        .source = flags[i].source });
}

/* https://user:password@host */
static bool may_hold_a_password(const char *value)
{
    return strstr(value, "://") && strchr(value, '@');
}

static void read_value(struct saga_config_values *values, const struct saga_config_value *value,
                       struct saga_config *config)
{
    const struct saga_setting *setting = saga_setting_find(value->name);
    if (!setting) return;
    const char *must_be = setting->read(value->value, config);
    if (!must_be) return;
    bool hidden = may_hold_a_password(value->value);
    struct saga_slice what =
        hidden
            ? saga_arena_printf(values->arena, "%s (%s) is not valid", value->name, value->source)
            : saga_arena_printf(values->arena, "%s = \"%s\" (%s) is not valid", value->name,
                                value->value, value->source);
    struct saga_diagnostic *finding = complain(values, value, what.data);
    if (hidden) finding->source_line = SAGA_SLICE_NONE;
    saga_diagnostic_mend(finding, values->arena, "it must be %s", must_be);
}

static void pass_on(struct saga_config_values *values, struct saga_config *config)
{
    struct saga_kafka_setting *settings =
        SAGA_NEW_ARRAY(values->arena, struct saga_kafka_setting, values->count);
    size_t count = 0;
    for (size_t i = 0; i < values->count; i++) {
        if (saga_setting_find(values->items[i].name)) continue;
        settings[count++] =
            (struct saga_kafka_setting){ values->items[i].name + strlen(KAFKA_PREFIX),
                                         values->items[i].value };
    }
    config->kafka.settings = settings;
    config->kafka.setting_count = count;
}

/* What belongs together. */
static void check_anchors(struct saga_config_values *values, const struct saga_config *config)
{
    const struct saga_anchor_schedule *anchors = &config->anchors;
    struct saga_topics topics;
    saga_topics_name(config->topic_prefix, values->arena, &topics);
    if (anchors->topic && saga_topics_is_own(&topics, anchors->topic))
        saga_diagnostics_add(values->diagnostics, SAGA_SEVERITY_ERROR, NULL,
                             "audit.anchor-topic is %s, which is the coordinator's own",
                             anchors->topic)
            ->mend = SAGA_SLICE("name a topic that nothing else is in");
    if (!anchors->every_ms || (anchors->key && (anchors->file || anchors->topic))) return;
    struct saga_diagnostic *finding = saga_diagnostics_add(
        values->diagnostics, SAGA_SEVERITY_ERROR, NULL, "audit.anchor-every is set, but not %s",
        anchors->key ? "audit.anchor-file or audit.anchor-topic" : "audit.anchor-key");
    finding->mend = SAGA_SLICE("say with which key anchors are signed, and where they go");
}

static void check_redis_tls(struct saga_config_values *values,
                            const struct saga_redis_config *redis)
{
    const struct saga_redis_tls *tls = &redis->tls;
    const char *what = NULL, *mend = NULL;
    if (!tls->enabled && (tls->ca || tls->certificate || tls->key || tls->server_name)) {
        what = "there are settings redis.tls.*, but TLS with Redis is off";
        mend = "set redis.tls.enabled to true, or take the others out";
    } else if (tls->enabled && redis->unix_socket) {
        what = "redis.tls.enabled is set, but Redis speaks no TLS over redis.unix-socket";
        mend = "set redis.host and redis.port, or leave TLS out";
    } else if (!tls->certificate != !tls->key) {
        what = tls->key ? "redis.tls.key is set, but not redis.tls.certificate"
                        : "redis.tls.certificate is set, but not redis.tls.key";
        mend = "set both, or neither";
    }
    if (!what) return;
    saga_diagnostics_add(values->diagnostics, SAGA_SEVERITY_ERROR, NULL, "%s", what)->mend =
        saga_slice_of(mend);
}

static int load(const char *path, char *const *environment, const struct saga_config_flag *flags,
                size_t flag_count, struct saga_config_values *values, struct saga_config *config)
{
    size_t errors_before = values->diagnostics->errors;
    put_defaults(values);
    put_file(values, path, environment);
    for (char *const *entry = environment; entry && *entry; entry++) put_variable(values, *entry);
    put_flags(values, flags, flag_count);
    saga_config_read_secrets(values);
    for (size_t i = 0; i < values->count; i++) read_value(values, &values->items[i], config);
    pass_on(values, config);
    check_anchors(values, config);
    check_redis_tls(values, &config->redis);
    return values->diagnostics->errors > errors_before ? SAGA_E_INVALID : SAGA_OK;
}

int saga_config_load(const char *path, char *const *environment,
                     const struct saga_config_flag *flags, size_t flag_count,
                     struct saga_arena *arena, struct saga_diagnostics *diagnostics,
                     struct saga_config *ret)
{
    struct saga_config_values values = { .arena = arena, .diagnostics = diagnostics };
    struct saga_config config = { 0 };
    int error = load(path, environment, flags, flag_count, &values, &config);
    if (error == SAGA_OK) *ret = config;
    return error;
}

/* What has no value is in force too, as nothing: whoever looks for a setting finds its name. */
static void put_unset(struct saga_config_values *values)
{
    for (size_t i = 0; i < saga_settings_count; i++) {
        bool found = false;
        for (size_t j = 0; j < values->count && !found; j++)
            found = strcmp(values->items[j].name, saga_settings[i].name) == 0;
        if (!found)
            put(values, &(struct saga_config_value){
                            .name = saga_settings[i].name, .value = "", .source = "default" });
    }
}

static int by_name(const void *a, const void *b)
{
    const struct saga_setting_source *first = a, *second = b;
    return strcmp(first->name, second->name);
}

int saga_config_sources(const char *path, char *const *environment,
                        const struct saga_config_flag *flags, size_t flag_count,
                        struct saga_arena *arena, struct saga_diagnostics *diagnostics,
                        struct saga_setting_source **ret, size_t *ret_count)
{
    struct saga_config_values values = { .arena = arena, .diagnostics = diagnostics };
    struct saga_config config = { 0 };
    int error = load(path, environment, flags, flag_count, &values, &config);
    if (error < 0) return error;
    put_unset(&values);
    struct saga_setting_source *sources =
        SAGA_NEW_ARRAY(arena, struct saga_setting_source, values.count);
    for (size_t i = 0; i < values.count; i++)
        sources[i] = (struct saga_setting_source){ values.items[i].name, values.items[i].value,
                                                   values.items[i].source,
                                                   saga_setting_is_secret(values.items[i].name) };
    qsort(sources, values.count, sizeof *sources, by_name);
    *ret = sources;
    *ret_count = values.count;
    return SAGA_OK;
}
