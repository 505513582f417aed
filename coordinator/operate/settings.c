/* `saga config`: what is in force, and where every value came from. */
#include "runtime/settings.h"
#include "base/error.h"
#include "operate/commands.h"
#include "operate/output.h"

static const char masked[] = "********";

static int run(struct saga_call *call)
{
    extern char **environ;
    struct saga_diagnostics diagnostics;
    struct saga_setting_source *sources;
    struct saga_table table;
    size_t count;
    saga_diagnostics_init(&diagnostics, call->arena);
    /* what there was to complain about was said as the configuration was loaded for this command */
    if (saga_config_sources(call->config_path, environ, call->flags, call->flag_count, call->arena,
                            &diagnostics, &sources, &count) < 0)
        return SAGA_EXIT_USAGE;
    json_t *rows = json_array();
    saga_table_init(&table, call->arena, "SETTING", "VALUE", "FROM", NULL);
    for (size_t i = 0; i < count; i++) {
        const char *value = sources[i].secret && *sources[i].value ? masked : sources[i].value;
        saga_table_add(&table, sources[i].name, value, sources[i].source);
        json_array_append_new(rows,
                              json_pack("{s:s, s:o, s:s, s:b}", "name", sources[i].name, "value",
                                        saga_json_string(saga_slice_of(value)), "source",
                                        sources[i].source, "secret", sources[i].secret));
    }
    if (call->output == SAGA_OUTPUT_TEXT) {
        json_decref(rows);
        saga_table_print(&table, stdout);
    } else {
        saga_print_rows(call, rows);
    }
    return SAGA_EXIT_DONE;
}

const struct saga_subcommand saga_subcommand_config = {
    .name = "config",
    .summary = "show the settings in force and where each came from",
    .details = "In rising order: defaults; the file (--config, else $SAGA_CONFIG, else saga.yaml); "
               "variables (redis.host is SAGA_REDIS_HOST); flags. Options of librdkafka stand "
               "under kafka. Secrets are masked.",
    .examples = "  saga config\n"
                "  SAGA_WORKERS=4 saga config -X linger.ms=5 -o json",
    .configured = true,
    .has_output = true,
    .all_settings = true,
    .run = run,
};
