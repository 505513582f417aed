/* What scenarios came to: for people, as JSON, and as JUnit's XML, which CI servers read. */
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "operate/output.h"
#include "operate/test.h"

/* ---- text ---- */

/* Lines of a text, the first behind a title of so many places, the others below it. */
static void print_lines(const char *title, int width, struct saga_slice text)
{
    while (text.size) {
        const char *end = memchr(text.data, '\n', text.size);
        int size = end ? (int)(end - text.data) : (int)text.size;
        printf("%-*s%.*s\n", width, title, size, text.data);
        text = saga_slice_skip(text, (size_t)size + (end ? 1 : 0));
        title = "";
    }
}

static void print_failure(const struct saga_test_result *result)
{
    const struct saga_scenario_failure *failure = &result->failure;
    printf("%s:%u:%u: %.*s: %.*s\n", result->file, failure->place.line, failure->place.column,
           SAGA_SLICE_ARG(result->scenario->name), SAGA_SLICE_ARG(failure->what));
    print_lines("  expected", 12, failure->expected);
    print_lines("  came", 12, failure->came);
    print_lines("  differs", 12, failure->difference);
    print_lines("  mend", 12, failure->mend);
}

static void print_story(const struct saga_test_result *result)
{
    printf("  what happened:\n");
    print_lines("", 4, result->story);
}

static void print_text(const struct saga_tests *tests)
{
    const char *file = NULL;
    for (size_t i = 0; i < tests->count; i++) {
        const struct saga_test_result *result = &tests->items[i];
        if (file != result->file) printf("%s\n", result->file);
        file = result->file;
        printf("  %s %.*s%s\n", result->failed ? "FAILED" : "ok",
               SAGA_SLICE_ARG(result->scenario->name),
               result->updated ? " (its trace was written)" : "");
        if (tests->stories && !result->failed) print_story(result);
    }
    for (size_t i = 0; i < tests->count; i++) {
        if (!tests->items[i].failed) continue;
        printf("\n");
        print_failure(&tests->items[i]);
        print_story(&tests->items[i]);
    }
    printf("%s%zu %s, %zu failed", tests->failed ? "\n" : "", tests->count,
           tests->count == 1 ? "scenario" : "scenarios", tests->failed);
    if (tests->findings->errors)
        printf("; not all could be played: %zu %s", tests->findings->errors,
               tests->findings->errors == 1 ? "error" : "errors");
    printf("\n");
}

/* ---- JSON ---- */

static void add_text(json_t *row, const char *name, struct saga_slice text)
{
    if (text.size) json_object_set_new(row, name, saga_json_string(text));
}

/* A file that could not be played: a row without a scenario. */
static json_t *error_json(const struct saga_diagnostic *finding)
{
    json_t *row = json_pack("{s:s?, s:n, s:b, s:I, s:I, s:s, s:o}", "file", finding->file,
                            "scenario", "failed", true, "line", (json_int_t)finding->line, "column",
                            (json_int_t)finding->column, "code", finding->code, "what",
                            saga_json_string(finding->what));
    add_text(row, "mend", finding->mend);
    return row;
}

static void print_json(const struct saga_call *call, const struct saga_tests *tests)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < tests->count; i++) {
        const struct saga_test_result *result = &tests->items[i];
        const struct saga_scenario_failure *failure = &result->failure;
        struct saga_scenario_place place =
            result->failed ? failure->place : result->scenario->place;
        json_t *row =
            json_pack("{s:s, s:o, s:b, s:I, s:I, s:s, s:I}", "file", result->file, "scenario",
                      saga_json_string(result->scenario->name), "failed", result->failed, "line",
                      (json_int_t)place.line, "column", (json_int_t)place.column, "status",
                      saga_status_name(result->status), "events", (json_int_t)result->events);
        add_text(row, "what", failure->what);
        add_text(row, "expected", failure->expected);
        add_text(row, "came", failure->came);
        add_text(row, "difference", failure->difference);
        add_text(row, "mend", failure->mend);
        if (result->updated) json_object_set_new(row, "updated", json_true());
        if (result->failed || tests->stories) add_text(row, "story", result->story);
        json_array_append_new(rows, row);
    }
    for (size_t i = 0; i < tests->findings->count; i++)
        if (tests->findings->items[i].severity == SAGA_SEVERITY_ERROR)
            json_array_append_new(rows, error_json(&tests->findings->items[i]));
    saga_print_rows(call, rows);
}

/* ---- JUnit ---- */

/* Text of XML 1.0: what it cannot hold becomes U+FFFD. */
static void print_xml(struct saga_slice text)
{
    while (text.size) {
        unsigned char c = (unsigned char)text.data[0];
        size_t size = saga_utf8_sequence(text.data, text.size);
        if (size == 0 || (c < 0x20 && c != '\n' && c != '\t'))
            fputs("\xef\xbf\xbd", stdout);
        else if (c == '<')
            fputs("&lt;", stdout);
        else if (c == '>')
            fputs("&gt;", stdout);
        else if (c == '&')
            fputs("&amp;", stdout);
        else if (c == '"')
            fputs("&quot;", stdout);
        else if (c == '\n')
            fputs("&#10;", stdout);
        else
            fwrite(text.data, 1, size, stdout);
        text = saga_slice_skip(text, size ? size : 1);
    }
}

static void print_xml_part(const char *title, struct saga_slice text)
{
    if (!text.size) return;
    printf("%s: ", title);
    print_xml(text);
    printf("\n");
}

static void print_case(const struct saga_test_result *result)
{
    const struct saga_scenario_failure *failure = &result->failure;
    printf("    <testcase name=\"");
    print_xml(result->scenario->name);
    printf("\" classname=\"");
    print_xml(saga_slice_of(result->file));
    printf("\" file=\"");
    print_xml(saga_slice_of(result->file));
    printf("\" line=\"%u\"", result->failed ? failure->place.line : result->scenario->place.line);
    if (!result->failed) {
        printf("/>\n");
        return;
    }
    printf(">\n      <failure message=\"");
    print_xml(failure->what);
    printf("\">");
    print_xml_part("expected", failure->expected);
    print_xml_part("came", failure->came);
    print_xml_part("differs", failure->difference);
    print_xml_part("what happened", result->story);
    printf("</failure>\n    </testcase>\n");
}

/* A file that could not be played: a suite of one case that is an error, so that no build is green. */
static void print_error(const struct saga_diagnostic *finding)
{
    struct saga_slice file = saga_slice_of(finding->file ? finding->file : "");
    printf("  <testsuite name=\"");
    print_xml(file);
    printf("\" tests=\"1\" failures=\"0\" errors=\"1\">\n    <testcase name=\"can be played\" "
           "classname=\"");
    print_xml(file);
    printf("\" file=\"");
    print_xml(file);
    printf("\" line=\"%u\">\n      <error message=\"", finding->line);
    print_xml(finding->what);
    printf("\">");
    print_xml_part(finding->code, finding->what);
    print_xml_part("mend", finding->mend);
    printf("</error>\n    </testcase>\n  </testsuite>\n");
}

static void print_junit(const struct saga_tests *tests)
{
    const struct saga_diagnostics *findings = tests->findings;
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
           tests->count + findings->errors, tests->failed, findings->errors);
    for (size_t i = 0; i < tests->count;) {
        const char *file = tests->items[i].file;
        size_t end = i, failed = 0;
        for (; end < tests->count && tests->items[end].file == file; end++)
            failed += tests->items[end].failed;
        printf("  <testsuite name=\"");
        print_xml(saga_slice_of(file));
        printf("\" tests=\"%zu\" failures=\"%zu\">\n", end - i, failed);
        for (; i < end; i++) print_case(&tests->items[i]);
        printf("  </testsuite>\n");
    }
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].severity == SAGA_SEVERITY_ERROR) print_error(&findings->items[i]);
    printf("</testsuites>\n");
}

void saga_test_print(const struct saga_call *call, const struct saga_tests *tests)
{
    if (call->output == SAGA_OUTPUT_TEXT)
        print_text(tests);
    else if (call->output == SAGA_OUTPUT_JUNIT)
        print_junit(tests);
    else
        print_json(call, tests);
}
