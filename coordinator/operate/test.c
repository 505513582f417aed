/* `saga test`: scenarios of sagas, played without any server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/limits.h"
#include "definition/findings.h"
#include "definition/schema_folder.h"
#include "explore/scenario.h"
#include "operate/commands.h"
#include "operate/story.h"
#include "operate/test.h"

enum { KEY_UPDATE = 256, KEY_ONLY, KEY_STORIES, KEY_SCHEMAS };

/* ---- files ---- */

struct saga_slice saga_test_path(struct saga_arena *arena, const char *file,
                                 struct saga_slice relative)
{
    const char *slash = strrchr(file, '/');
    if (relative.size && relative.data[0] == '/') return saga_arena_copy(arena, relative);
    return saga_arena_printf(arena, "%.*s%.*s", slash ? (int)(slash - file + 1) : 0, file,
                             SAGA_SLICE_ARG(relative));
}

/* Errors: SAGA_E_NOT_FOUND with errno, SAGA_E_LIMIT. */
static int read_file(const char *path, struct saga_arena *arena, struct saga_slice *ret)
{
    FILE *file = fopen(path, "rb");
    if (!file) return SAGA_E_NOT_FOUND;
    char *bytes = saga_arena_alloc(arena, SAGA_DEFINITION_BYTES_MAX + 1);
    size_t size = fread(bytes, 1, SAGA_DEFINITION_BYTES_MAX + 1, file);
    bool bad = ferror(file);
    fclose(file);
    if (bad) return SAGA_E_NOT_FOUND;
    *ret = (struct saga_slice){ bytes, size };
    return size > SAGA_DEFINITION_BYTES_MAX ? SAGA_E_LIMIT : SAGA_OK;
}

/* Makes the folders that a file's path names. What cannot be made is told by opening the file. */
static void make_folders(const char *path, struct saga_arena *arena)
{
    char *folder = saga_arena_string(arena, saga_slice_of(path));
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0777);
        *slash = '/';
    }
}

static bool write_file(const char *path, struct saga_slice text, struct saga_arena *arena)
{
    make_folders(path, arena);
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    bool written = fwrite(text.data, 1, text.size, file) == text.size;
    return fclose(file) == 0 && written;
}

/* ---- golden traces ---- */

static struct saga_slice trace_of(struct saga_test_result *result, struct saga_arena *arena)
{
    struct saga_buffer text;
    saga_buffer_init(&text, arena);
    saga_buffer_printf(&text, "# %.*s\ndefinition: %.*s\n", SAGA_SLICE_ARG(result->scenario->name),
                       SAGA_SLICE_ARG(result->saga));
    saga_buffer_add(&text, result->story);
    return saga_buffer_slice(&text);
}

static void fail_trace(struct saga_test_result *result, const char *what, const char *mend)
{
    result->failed = true;
    result->failure = (struct saga_scenario_failure){ .place = result->scenario->place,
                                                      .what = saga_slice_of(what),
                                                      .mend = saga_slice_of(mend) };
}

static void check_trace(struct saga_call *call, struct saga_test_result *result)
{
    struct saga_slice told = trace_of(result, call->arena), kept = SAGA_SLICE("");
    const char *path = saga_test_path(call->arena, result->file, result->scenario->trace).data;
    int error = read_file(path, call->arena, &kept);
    if (error == SAGA_OK && saga_slice_equal(told, kept)) return;
    if (saga_call_has(call, KEY_UPDATE)) {
        result->updated = write_file(path, told, call->arena);
        if (!result->updated)
            fail_trace(result,
                       saga_arena_printf(call->arena, "the trace %s cannot be written: %s", path,
                                         strerror(errno))
                           .data,
                       NULL);
        return;
    }
    if (error < 0) {
        fail_trace(result, saga_arena_printf(call->arena, "the trace %s cannot be read", path).data,
                   "write it with --update, read it, and keep it with the scenario");
        return;
    }
    fail_trace(result,
               saga_arena_printf(call->arena, "the saga goes another way than %s tells", path).data,
               "if it is meant to: --update, then read what changed");
    result->failure.difference = saga_story_difference(kept, told, call->arena);
}

/* ---- playing ---- */

static bool is_wanted(const struct saga_call *call, struct saga_slice name)
{
    const char *only = saga_call_option(call, KEY_ONLY);
    return !only || memmem(name.data, name.size, only, strlen(only));
}

/* A story that goes on and on is told by its beginning and its end. */
static struct saga_slice clip_story(struct saga_slice story, struct saga_arena *arena)
{
    enum { FIRST_LINES = 300, LAST_LINES = 100 };
    size_t lines = 0, first = 0, last = story.size;
    for (size_t i = 0; i < story.size; i++) {
        if (story.data[i] != '\n') continue;
        if (++lines == FIRST_LINES) first = i + 1;
    }
    if (lines <= FIRST_LINES + LAST_LINES) return story;
    for (size_t from_end = 0; from_end <= LAST_LINES; last--)
        from_end += story.data[last - 1] == '\n';
    return saga_arena_printf(arena, "%.*s... %zu lines are left out ...%.*s", (int)first,
                             story.data, lines - FIRST_LINES - LAST_LINES, (int)(story.size - last),
                             story.data + last);
}

static void play(struct saga_call *call, struct saga_tests *tests, const char *file,
                 struct saga_slice saga, const struct saga_scenario *scenario,
                 struct saga_definition *definition)
{
    struct saga_test_result result = { .file = file, .saga = saga, .scenario = scenario };
    struct saga_buffer story;
    struct saga_play played;
    result.failed =
        saga_scenario_run(scenario, definition, call->arena, &played, &result.failure) < 0;
    saga_buffer_init(&story, call->arena);
    saga_story_tell(&played, &story);
    result.story = saga_buffer_slice(&story);
    result.status = played.state->status;
    result.events = played.count;
    saga_play_end(&played);
    if (!result.failed && scenario->trace.size) check_trace(call, &result);
    result.story = clip_story(result.story, call->arena);
    tests->failed += result.failed;
    SAGA_PUSH(call->arena, tests->items, tests->count, tests->capacity, result);
}

static void lack(struct saga_diagnostics *findings, const char *file, const char *what)
{
    saga_diagnostics_add(findings, SAGA_SEVERITY_ERROR,
                         saga_finding_kinds[SAGA_FINDING_NO_FILE].code, "%s", what)
        ->file = file;
}

bool saga_test_holds_scenarios(const char *file)
{
    const char *end = strrchr(file, '.');
    if (!end || (strcmp(end, ".yaml") != 0 && strcmp(end, ".yml") != 0)) return false;
    return end - file > 5 && strncmp(end - 5, ".test", 5) == 0;
}

int saga_test_load(struct saga_call *call, const char *file, struct saga_diagnostics *findings,
                   struct saga_scenarios *ret)
{
    struct saga_slice text;
    int error = read_file(file, call->arena, &text);
    *ret = (struct saga_scenarios){ .arena = call->arena };
    if (error == SAGA_OK) return saga_scenarios_load(text, file, call->arena, findings, ret);
    lack(findings, file,
         error == SAGA_E_LIMIT
             ? "the file is larger than a file of scenarios may be (1 MiB)"
             : saga_arena_printf(call->arena, "the file cannot be read: %s", strerror(errno)).data);
    return error;
}

/* The scenarios live as long as the call: results refer to them. */
static void test_file(struct saga_call *call, const char *file, const struct saga_schemas *schemas,
                      struct saga_diagnostics *findings, struct saga_tests *tests)
{
    struct saga_scenarios scenarios;
    struct saga_definition *definition;
    int error = saga_test_load(call, file, findings, &scenarios);
    const char *path = saga_test_path(call->arena, file, scenarios.saga).data;
    /* loaded anew for each: what is played without data changes it */
    for (size_t i = 0; i < scenarios.count && error == SAGA_OK; i++) {
        if (!is_wanted(call, scenarios.items[i].name)) continue;
        error = saga_definition_load_file(path, schemas, findings, &definition);
        if (error < 0) break;
        definition->schemas = schemas;
        play(call, tests, file, scenarios.saga, &scenarios.items[i], definition);
        saga_definition_free(definition);
    }
    saga_scenarios_close(&scenarios);
}

/* As `saga check` has it: there may be no settings where sagas are tested. */
static const char *schema_folder(const struct saga_call *call)
{
    const char *given = saga_call_option(call, KEY_SCHEMAS), *set = getenv("SAGA_SCHEMAS");
    if (given) return given;
    return set && set[0] ? set : "schemas";
}

static int test(struct saga_call *call)
{
    struct saga_diagnostics findings;
    struct saga_tests tests = { .stories = saga_call_has(call, KEY_STORIES) };
    struct saga_schemas *schemas = NULL; /* where they cannot be read, that is a finding */
    saga_diagnostics_init(&findings, call->arena);
    (void)saga_schema_folder_read(schema_folder(call), &findings, &schemas);
    for (size_t i = 0; i < call->argument_count; i++)
        test_file(call, call->arguments[i], schemas, &findings, &tests);
    saga_schemas_free(schemas);
    tests.findings = &findings;
    saga_diagnostics_print(&findings, stderr);
    saga_test_print(call, &tests);
    if (findings.errors == 0 && tests.count == 0 && saga_call_option(call, KEY_ONLY))
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, NULL, "no scenario has \"%s\" in its name",
                              saga_call_option(call, KEY_ONLY));
    return findings.errors || tests.failed ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

static const struct argp_option test_options[] = {
    { "update", KEY_UPDATE, NULL, 0, "write the golden traces anew where the saga goes another way",
      0 },
    { "only", KEY_ONLY, "TEXT", 0, "only scenarios that have this text in their names", 0 },
    { "schemas", KEY_SCHEMAS, "FOLDER", 0,
      "the Avro schemas of bodies; default: SAGA_SCHEMAS, else the folder schemas", 0 },
    { "stories", KEY_STORIES, NULL, 0,
      "tell what happened in every scenario, not only in failed ones", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_test = {
    .name = "test",
    .arguments = "FILE...",
    .summary = "play scenarios of a saga, without any server",
    .details =
        "A file of scenarios names a definition and tells stories: what starts the saga, what the "
        "services answer, how time passes, and where the saga stands in the end. The real engine "
        "plays them on a virtual clock. sagas/TESTING.md describes the format. Exits with 1 if a "
        "scenario fails.",
    .examples = "  saga test sagas/order-fulfilment.test.yaml\n"
                "  saga test --update sagas/*.test.yaml\n"
                "  saga test -o junit sagas/*.test.yaml > report.xml",
    .options = test_options,
    .arguments_min = 1,
    .arguments_max = 1000,
    .has_output = true,
    .has_junit = true,
    .run = test,
};
