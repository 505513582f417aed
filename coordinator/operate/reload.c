#include "operate/reload.h"

#include <string.h>

#include "base/error.h"
#include "runtime/log.h"
#include "runtime/settings.h"

static int read_sources(struct saga_reload *reload, struct saga_arena *arena,
                        struct saga_setting_source **ret, size_t *ret_count)
{
    extern char **environ;
    struct saga_diagnostics diagnostics; /* the same were said as the configuration was loaded */
    const struct saga_call *call = reload->call;
    saga_diagnostics_init(&diagnostics, arena);
    return saga_config_sources(call->config_path, environ, call->flags, call->flag_count, arena,
                               &diagnostics, ret, ret_count);
}

void saga_reload_init(struct saga_reload *reload, const struct saga_call *call)
{
    *reload = (struct saga_reload){ .call = call, .level = SAGA_LOG_INFO };
    (void)saga_log_level_of(call->config.log_level, &reload->level); /* checked as it was loaded */
    saga_arena_init(&reload->arena);
    if (read_sources(reload, &reload->arena, &reload->sources, &reload->count) < 0)
        reload->count = 0;
}

void saga_reload_free(struct saga_reload *reload)
{
    saga_arena_free(&reload->arena);
}

/* ---- what is another now ---- */

/* NULL where it is not set. */
static const char *value_in(const struct saga_setting_source *sources, size_t count,
                            const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(sources[i].name, name) == 0) return sources[i].value;
    return NULL;
}

static void tell(const char *name, bool secret, const char *before, const char *after)
{
    static const char hidden[] = "********";
    before = !before ? "" : secret ? hidden : before;
    after = !after ? "" : secret ? hidden : after;
    if (saga_setting_is_live(name))
        saga_log(SAGA_LOG_INFO, "setting changed", "name=%s before=\"%s\" now=\"%s\"", name, before,
                 after);
    else
        saga_log(SAGA_LOG_WARNING, "a changed setting waits for the next start",
                 "name=%s in_force=\"%s\" configured=\"%s\"", name, before, after);
}

static bool differ(const char *before, const char *after)
{
    return before && after ? strcmp(before, after) != 0 : before != after;
}

static size_t tell_changes(const struct saga_reload *reload,
                           const struct saga_setting_source *sources, size_t count)
{
    size_t changes = 0;
    for (size_t i = 0; i < count; i++) {
        const char *before = value_in(reload->sources, reload->count, sources[i].name);
        if (!differ(before, sources[i].value)) continue;
        tell(sources[i].name, sources[i].secret, before, sources[i].value);
        changes++;
    }
    for (size_t i = 0; i < reload->count; i++) {
        if (value_in(sources, count, reload->sources[i].name)) continue;
        tell(reload->sources[i].name, reload->sources[i].secret, reload->sources[i].value, NULL);
        changes++;
    }
    return changes;
}

/* What is in force now: the live settings as they were read, the others as they were. */
static void remember(struct saga_reload *reload, const struct saga_setting_source *sources,
                     size_t count)
{
    for (size_t i = 0; i < reload->count; i++) {
        struct saga_setting_source *in_force = &reload->sources[i];
        const char *value = value_in(sources, count, in_force->name);
        if (value && saga_setting_is_live(in_force->name))
            in_force->value = saga_arena_string(&reload->arena, saga_slice_of(value));
    }
}

/* ---- the reload ---- */

static void complain(const struct saga_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct saga_diagnostic *finding = &diagnostics->items[i];
        enum saga_log_level level =
            finding->severity == SAGA_SEVERITY_ERROR ? SAGA_LOG_ERROR : SAGA_LOG_WARNING;
        saga_log(level, "configuration", "file=\"%s\" line=%u words=\"%.*s\" mend=\"%.*s\"",
                 finding->file ? finding->file : "", finding->line, SAGA_SLICE_ARG(finding->what),
                 SAGA_SLICE_ARG(finding->mend));
    }
}

static void take(struct saga_reload *reload, struct saga_daemon *daemon, struct saga_arena *arena,
                 const struct saga_config *config)
{
    struct saga_setting_source *sources;
    size_t count;
    enum saga_log_level level = SAGA_LOG_INFO;
    if (read_sources(reload, arena, &sources, &count) < 0) return; /* changed between two reads */
    (void)saga_log_level_of(config->log_level, &level);            /* checked as it was loaded */
    saga_daemon_reload(daemon, config);
    /* what changed is told at the level that tells more, the one before or the new one */
    if (level > reload->level) saga_log_open(config->log_format, level);
    size_t changes = tell_changes(reload, sources, count);
    saga_log(SAGA_LOG_INFO, "configuration read again", "changes=%zu", changes);
    saga_log_open(config->log_format, level);
    reload->level = level;
    remember(reload, sources, count);
}

void saga_reload_now(struct saga_reload *reload, struct saga_daemon *daemon)
{
    extern char **environ;
    const struct saga_call *call = reload->call;
    struct saga_arena arena;
    struct saga_diagnostics diagnostics;
    struct saga_config config = { 0 };
    saga_arena_init(&arena);
    saga_diagnostics_init(&diagnostics, &arena);
    int error = saga_config_load(call->config_path, environ, call->flags, call->flag_count, &arena,
                                 &diagnostics, &config);
    complain(&diagnostics);
    if (error < 0) {
        saga_daemon_reload(daemon, NULL);
        saga_log(SAGA_LOG_ERROR, "the configuration stays as it was",
                 "words=\"it has mistakes, which are listed above\"");
    } else {
        take(reload, daemon, &arena, &config);
    }
    saga_arena_free(&arena);
}
