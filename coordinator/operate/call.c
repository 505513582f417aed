/* What a command's run function asks for: its options, its surroundings, words for what went wrong.
 * */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "definition/schema_folder.h"
#include "operate/command.h"

const char *saga_call_option(const struct saga_call *call, int key)
{
    for (size_t i = call->given_count; i-- > 0;)
        if (call->given[i].key == key) return call->given[i].value ? call->given[i].value : "";
    return NULL;
}

bool saga_call_has(const struct saga_call *call, int key)
{
    return saga_call_option(call, key) != NULL;
}

int saga_call_duration(const struct saga_call *call, int key, int64_t otherwise, int64_t *ret_ms)
{
    const char *text = saga_call_option(call, key);
    *ret_ms = otherwise;
    if (!text || saga_duration_parse(saga_slice_of(text), ret_ms) == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE, "write it as 500ms, 10s, 5m, 2h or 7d",
                          "\"%s\" is not a duration", text);
}

int saga_call_number(const struct saga_call *call, int key, unsigned long long otherwise,
                     unsigned long long max, unsigned long long *ret)
{
    const char *text = saga_call_option(call, key);
    *ret = otherwise;
    if (!text) return SAGA_EXIT_DONE;
    if (saga_slice_to_u64(saga_slice_of(text), ret) == SAGA_OK && *ret >= 1 && *ret <= max)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "\"%s\" is not a number from 1 to %llu",
                          text, max);
}

int saga_call_definition(const struct saga_call *call, int key, struct saga_slice *ret_name,
                         uint32_t *ret_version)
{
    const char *given = saga_call_option(call, key);
    const char *at = given ? strchr(given, '@') : NULL;
    unsigned long long version;
    *ret_name = saga_slice_of(given);
    *ret_version = 0;
    if (!at) return SAGA_EXIT_DONE;
    if (saga_slice_to_u64(saga_slice_of(at + 1), &version) < 0 || version == 0 ||
        version > UINT32_MAX)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "write it as NAME@2",
                              "\"%s\" is not a version", at + 1);
    ret_name->size = (size_t)(at - given);
    *ret_version = (uint32_t)version;
    return SAGA_EXIT_DONE;
}

static int keep_problem(const struct saga_call *call, enum saga_exit code, const char *what,
                        const char *mend)
{
    if (!call->problem->what) *call->problem = (struct saga_call_problem){ what, mend };
    return code;
}

int saga_call_fail(const struct saga_call *call, enum saga_exit code, const char *mend,
                   const char *what_format, ...)
{
    va_list arguments;
    va_start(arguments, what_format);
    const char *what = saga_arena_vprintf(call->arena, what_format, arguments).data;
    va_end(arguments);
    if (call->problem) return keep_problem(call, code, what, mend);
    FILE *words = saga_call_words(call);
    fflush(stdout);
    fprintf(words, "saga %s: %s", call->command->name, what);
    fputc('\n', words);
    if (mend) fprintf(words, "  mend: %s\n", mend);
    return code;
}

int saga_call_fail_with(const struct saga_call *call, enum saga_exit code,
                        const struct saga_diagnostic *diagnostic)
{
    if (call->problem) {
        const char *mend =
            diagnostic->mend.size ? saga_arena_string(call->arena, diagnostic->mend) : NULL;
        return keep_problem(call, code, saga_arena_string(call->arena, diagnostic->what), mend);
    }
    FILE *words = saga_call_words(call);
    fflush(stdout);
    fprintf(words, "saga %s: ", call->command->name);
    if (diagnostic->file) {
        saga_diagnostic_print(diagnostic, words);
        return code;
    }
    fprintf(words, "%.*s\n", SAGA_SLICE_ARG(diagnostic->what)); /* as all that fails is said */
    if (diagnostic->why.size) fprintf(words, "  why:  %.*s\n", SAGA_SLICE_ARG(diagnostic->why));
    if (diagnostic->mend.size) fprintf(words, "  mend: %.*s\n", SAGA_SLICE_ARG(diagnostic->mend));
    return code;
}

bool saga_call_is_given_up(const struct saga_call *call)
{
    return call->given_up && atomic_load(call->given_up);
}

FILE *saga_call_words(const struct saga_call *call)
{
    return call->words ? call->words : stderr;
}

int saga_call_client(struct saga_call *call)
{
    struct saga_diagnostic diagnostic = { 0 };
    if (call->client) return SAGA_EXIT_DONE;
    if (saga_client_new(&call->config.kafka, call->arena, &call->client, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    if (call->readers > 1)
        saga_client_read_ahead(call->client, SAGA_READ_AHEAD_KIB / call->readers);
    if (saga_client_check_broker(call->client, SAGA_CALL_TIMEOUT_MS, call->arena, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    return SAGA_EXIT_DONE;
}

int saga_call_views(struct saga_call *call)
{
    if (call->views) return SAGA_EXIT_DONE;
    if (saga_views_new(&call->config.redis, &call->views) == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "look at the settings redis.*",
                          "Redis cannot be used");
}

int saga_call_codec(struct saga_call *call)
{
    if (call->codec || saga_codec_new(&call->codec) == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the schemas cannot be read");
}

int saga_call_schemas(struct saga_call *call)
{
    struct saga_diagnostics findings;
    if (call->schemas) return SAGA_EXIT_DONE;
    saga_diagnostics_init(&findings, call->arena);
    if (saga_schema_folder_read(call->config.schemas, &findings, &call->schemas) == SAGA_OK)
        return SAGA_EXIT_DONE;
    saga_diagnostics_print(&findings, saga_call_words(call));
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the schemas in %s cannot be used",
                          call->config.schemas);
}

int saga_call_lanes(struct saga_call *call, uint32_t *ret_lanes)
{
    int code = saga_call_views(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_views_lanes(call->views, ret_lanes) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "is Redis there (redis.host, redis.port)? `saga doctor` says more",
                              "%s", saga_views_problem(call->views));
    if (*ret_lanes > 0) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "has a coordinator run with this Redis? look at redis.db, redis.prefix",
                          "Redis has heard of no lane yet");
}

int saga_call_topic(struct saga_call *call, struct saga_slice name, struct saga_topic_state *ret)
{
    const struct saga_topic_spec spec = { .name = saga_arena_string(call->arena, name) };
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena, ret) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    if (ret->exists) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "make the topics with `saga topics create`, or look at topics.prefix",
                          "there is no topic %s", spec.name);
}

int saga_call_pinned(struct saga_call *call)
{
    struct saga_topic_state state;
    int code = saga_call_topic(call, call->topics.inbox, &state);
    if (code != SAGA_EXIT_DONE) return code;
    if (state.partitions == (int32_t)call->config.lanes) return SAGA_EXIT_DONE;
    return saga_call_fail(
        call, SAGA_EXIT_FAILED,
        saga_arena_printf(call->arena, "set lanes to %d (file, SAGA_LANES or --lanes)",
                          (int)state.partitions)
            .data,
        "the setting lanes is %u, but %s has %d partitions; the number is fixed when the topics "
        "are made",
        call->config.lanes, call->topics.inbox.data, (int)state.partitions);
}
