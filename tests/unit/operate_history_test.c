/* The forms in which a saga's story is told: of the recorded journals (golden/journals) as golden/history keeps them, and of
 * texts that would like to be more than text. SAGA_GOLDEN_UPDATE=1 writes the golden ones anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "in_arena.h"
#include "operate/history.h"
#include "operate/history_steps.h"
#include "recorded/recorded.h"

#define STORIES SAGA_SOURCE_DIR "/tests/golden/history/"
enum { BEGIN_MS = 1000000, FORMAT_LETTERS = 16 };

/* ---- stories of the recorded journals ---- */

struct reading {
    struct saga_call call;
    struct saga_history history;
    FILE *words;
    char *said;
    size_t said_size;
};

static void take(const struct saga_message *record, void *context)
{
    struct reading *r = context;
    (void)saga_history_take(&r->call, &r->history, record);
}

static void begin_reading(struct reading *r, const char *saga_id)
{
    *r = (struct reading){ .history = { .arena = &arena,
                                        .saga_id = saga_slice_of(saga_id),
                                        .topic = SAGA_SLICE("saga.journal") } };
    r->words = open_memstream(&r->said, &r->said_size);
    assert_non_null(r->words);
    r->call = (struct saga_call){ .arena = &arena, .words = r->words };
    assert_int_equal(saga_codec_new(&r->call.codec), 0);
}

static void end_reading(struct reading *r)
{
    saga_codec_free(r->call.codec);
    fclose(r->words);
    free(r->said);
}

static void folder_of_today(char ret[512])
{
    char format[FORMAT_LETTERS + 1];
    recorded_format(format);
    snprintf(ret, 512, RECORDED_FOLDER "/%s", format);
}

static void read_recorded(struct reading *r, const char *saga_id)
{
    char folder[512];
    bool more = true;
    folder_of_today(folder);
    begin_reading(r, saga_id);
    for (uint32_t lane = 0; more && r->history.count == 0; lane++) {
        r->history.lane = lane;
        more = recorded_lane(folder, lane, take, r);
    }
    assert_true(r->history.count > 0);
}

static void compare_or_update(const char *name, struct saga_slice told)
{
    char path[512];
    snprintf(path, sizeof path, STORIES "%s", name);
    if (getenv("SAGA_GOLDEN_UPDATE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fwrite(told.data, 1, told.size, file);
        fclose(file);
        return;
    }
    char *expected = recorded_text(SAGA_SOURCE_DIR "/tests/golden/history", name);
    assert_string_equal(told.data, expected);
    free(expected);
}

static void check_story(const char *saga_id, const char *name)
{
    static const struct {
        const char *ending;
        void (*tell)(const struct saga_history *history, const struct saga_history_view *view,
                     struct saga_buffer *out);
    } forms[] = { { "txt", saga_history_text },
                  { "mmd", saga_history_mermaid },
                  { "html", saga_history_html } };
    char folder[512], file[128];
    struct saga_catalog *catalog;
    struct saga_schemas *schemas;
    struct reading r;
    folder_of_today(folder);
    recorded_catalog(folder, &catalog, &schemas);
    read_recorded(&r, saga_id);
    const struct saga_journal_record *first = &r.history.records[0].record;
    struct saga_history_view view = { saga_catalog_find(catalog, first->name, first->version),
                                      true };
    assert_non_null(view.definition);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct saga_buffer out;
        saga_buffer_init(&out, &arena);
        forms[i].tell(&r.history, &view, &out);
        snprintf(file, sizeof file, "%s.%s", name, forms[i].ending);
        compare_or_update(file, saga_buffer_slice(&out));
    }
    end_reading(&r);
    saga_catalog_free(catalog);
    saga_schemas_free(schemas);
}

/* Catches a change of the words, of what is left out, of gaps and places, that nobody meant. */
static void stories_are_told_as_they_were(void **state)
{
    (void)state;
    check_story("order-fulfilment/ok-1", "completed");
    check_story("order-fulfilment/nocourier-1", "unknown");
    check_story("order-fulfilment/stuck-2", "operator");
    check_story("trip/off-1", "children");
}

/* ---- a story that is made up ---- */

static struct saga_history one_run(struct saga_told_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        records[i].offset = (int64_t)i;
        records[i].record.saga_id = SAGA_SLICE("s/1");
        if (!records[i].record.sequence) records[i].record.sequence = i + 1;
    }
    return (struct saga_history){ .arena = &arena,
                                  .saga_id = SAGA_SLICE("s/1"),
                                  .topic = SAGA_SLICE("saga.journal"),
                                  .records = records,
                                  .count = count };
}

static const char *tell(void (*form)(const struct saga_history *, const struct saga_history_view *,
                                     struct saga_buffer *),
                        const struct saga_history *history)
{
    struct saga_history_view view = { .bodies = true };
    struct saga_buffer out;
    saga_buffer_init(&out, &arena);
    form(history, &view, &out);
    return saga_buffer_slice(&out).data;
}

/* Whatever stands in a text from outside, in every place where one can stand. */
static const char *const hostile[] = {
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "'; end\nparticipant evil; evil->>evil: x",
    "%%{init: {\"theme\": \"dark\"}}%%",
    "#quot; #35; #9829; &lt; &#60;",
    "style a:#x; classDef b:#y;",
    "--> ->> -x end loop alt rect title:",
    "a\xff\xfe\x1b[31m\xe2\x80\xae\xc2\x85 z",
    "wrap: `javascript:` @{ \"type\": \"database\" } {{}} \\ | ~ ^ $ ;",
    "",
    "   ",
};
enum { HOSTILE = sizeof hostile / sizeof hostile[0] };

static struct saga_history hostile_history(const char *words)
{
    struct saga_slice w = saga_slice_of(words);
    struct saga_fact *facts = SAGA_NEW_ARRAY(&arena, struct saga_fact, 8);
    struct saga_told_record *records = SAGA_NEW_ARRAY(&arena, struct saga_told_record, 4);
    facts[0] = (struct saga_fact){ .kind = SAGA_FACT_SAGA_STARTED, .name = w, .value = w };
    facts[1] = (struct saga_fact){
        .kind = SAGA_FACT_STEP_SENT, .step = w, .type = w, .topic = w, .value = w, .due_ms = 5
    };
    facts[2] = (struct saga_fact){ .kind = SAGA_FACT_STEP_UNKNOWN, .step = w, .message = w };
    facts[3] = (struct saga_fact){
        .kind = SAGA_FACT_COMPENSATION_SENT, .step = w, .type = w, .topic = w, .value = w
    };
    facts[4] = (struct saga_fact){ .kind = SAGA_FACT_EVENT_PUBLISHED, .topic = w, .type = w };
    facts[5] = (struct saga_fact){ .kind = SAGA_FACT_CHILD_STARTED, .step = w, .target = w };
    facts[6] = (struct saga_fact){ .kind = SAGA_FACT_OPERATOR_REFUSED, .reason = w, .message = w };
    const struct saga_event causes[] = {
        { .kind = SAGA_EVENT_START, .type = w, .body = w, .source = { w, 0, 1 } },
        { .kind = SAGA_EVENT_REPLY, .type = w, .step = w, .body = w, .source = { w, 0, 1 } },
        { .kind = SAGA_EVENT_OPERATOR,
          .verb = SAGA_VERB_SKIP,
          .who = w,
          .from = w,
          .as = w,
          .reason = w,
          .source = { w, 0, 1 } },
        { .kind = SAGA_EVENT_TIMER, .timer = w },
    };
    for (size_t i = 0; i < 4; i++) {
        records[i].record = (struct saga_journal_record){
            .run = w, .key = w, .name = w, .version = 1, .sha256 = w, .cause = causes[i]
        };
        records[i].record.cause.time_ms = BEGIN_MS + (int64_t)i * 1500;
    }
    records[0].record.facts = facts;
    records[0].record.fact_count = 2;
    records[1].record.facts = facts + 2;
    records[1].record.fact_count = 4;
    records[2].record.facts = facts + 6;
    records[2].record.fact_count = 1;
    struct saga_history history = one_run(records, 4);
    history.saga_id = w;
    return history;
}

/* Every line of a diagram is one of the statements that the writer makes; what a text adds are letters, digits, a few signs
 * and entities. */
static void check_diagram(const char *text)
{
    static const char *const begins[] = { "sequenceDiagram",   "    title ",
                                          "    participant p", "    actor p",
                                          "    Note over p",   "    rect rgba(",
                                          "    end",           "    p" };
    char *copy = saga_arena_string(&arena, saga_slice_of(text));
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        bool known = false;
        for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
            if (strncmp(line, begins[i], strlen(begins[i])) == 0) known = true;
        if (!known) fail_msg("\"%s\" is no statement in:\n%s", line, text);
        for (const char *c = line; *c; c++) {
            if (*c == '#') {
                size_t digits = strspn(c + 1, "0123456789");
                if (digits == 0 || c[digits + 1] != ';') fail_msg("a bare # in %s", line);
                c += digits + 1;
            } else if (strchr(";%{}\"`&@$^|~\\", *c) || (unsigned char)*c >= 0x80) {
                fail_msg("a bare %c in %s", *c, line);
            } else if (*c == '<' && strncmp(c, "<br/>", 5) != 0) {
                fail_msg("a bare < in %s", line);
            }
        }
        const char *colon = strchr(line, ':'), *as = strstr(line, " as ");
        const char *said = colon                    ? colon + 1
                           : as                     ? as + 4
                           : strstr(line, "title ") ? line + 10
                                                    : "x";
        if (!said[strspn(said, " ")]) fail_msg("nothing is said in \"%s\"", line);
        if (colon && strchr(colon + 1, ':')) fail_msg("two colons in %s", line);
    }
}

static bool is_tag(const char *name, size_t size)
{
    static const char *const tags[] = {
        "html", "head",   "meta",    "title",   "style",   "body",  "h1",    "h2",    "h3",
        "nav",  "ol",     "li",      "a",       "time",    "span",  "p",     "dl",    "dt",
        "dd",   "strong", "section", "svg",     "rect",    "table", "thead", "tbody", "tr",
        "th",   "td",     "ul",      "details", "summary", "pre",   "div",
    };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (strlen(tags[i]) == size && strncmp(tags[i], name, size) == 0) return true;
    return false;
}

/* Elements are those that the writer makes, each that must be is closed, and no attribute but its own is in them. */
static void check_page(const char *text)
{
    const char *open[64];
    size_t sizes[64], depth = 0;
    assert_int_equal(strncmp(text, "<!DOCTYPE html>\n", 16), 0);
    for (const char *c = text + 16; (c = strchr(c, '<')); c++) {
        bool closes = c[1] == '/';
        const char *name = c + 1 + closes, *end = strchr(c, '>');
        size_t size = strcspn(name, " />");
        assert_non_null(end);
        if (!is_tag(name, size)) fail_msg("no element of ours: %.60s", c);
        if (memchr(c, '\n', (size_t)(end - c))) fail_msg("a tag over two lines: %.60s", c);
        bool has = end[-1] == '/' || strncmp(name, "meta", 4) == 0;
        if (closes) {
            assert_true(depth > 0);
            depth--;
            if (sizes[depth] != size || strncmp(open[depth], name, size) != 0)
                fail_msg("closed out of turn: %.60s", c);
        } else if (!has) {
            assert_true(depth < 64);
            open[depth] = name;
            sizes[depth++] = size;
        }
    }
    assert_int_equal(depth, 0);
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "http:"));
    assert_null(strstr(text, "https:"));
    assert_null(strstr(text, "url("));
    assert_null(strstr(text, "@import"));
    assert_non_null(strstr(text, "default-src 'none'"));
}

/* Catches a text from outside that begins a statement, a comment, a directive or an element. */
static void texts_stay_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        struct saga_history history = hostile_history(hostile[i]);
        const char *diagram = tell(saga_history_mermaid, &history);
        check_diagram(diagram);
        check_page(tell(saga_history_html, &history));
        const char *text = tell(saga_history_text, &history);
        assert_null(strchr(text, '\x1b'));
        const char *folder =
            getenv("SAGA_HOSTILE_DIAGRAMS"); /* for Mermaid's own parser to look at */
        if (!folder) continue;
        FILE *file = fopen(saga_arena_printf(&arena, "%s/hostile-%zu.mmd", folder, i).data, "w");
        assert_non_null(file);
        fputs(diagram, file);
        fclose(file);
    }
}

/* Catches a diagram that Mermaid refuses for its size, and one that hides how the saga ended. */
static void a_long_story_is_drawn_as_far_as_it_fits(void **state)
{
    enum { RECORDS = 5000 };
    struct saga_told_record *records = SAGA_NEW_ARRAY(&arena, struct saga_told_record, RECORDS);
    (void)state;
    for (size_t i = 0; i < RECORDS; i++) {
        struct saga_slice type = saga_arena_printf(&arena, "Answer%zu", i);
        records[i].record.cause = (struct saga_event){
            .kind = SAGA_EVENT_REPLY, .time_ms = BEGIN_MS, .type = type, .step = SAGA_SLICE("a")
        };
        records[i].record.cause.source =
            (struct saga_position){ saga_arena_printf(&arena, "topic-%zu", i), 0, 0 };
    }
    struct saga_history history = one_run(records, RECORDS);
    const char *diagram = tell(saga_history_mermaid, &history);
    check_diagram(diagram);
    assert_true(strlen(diagram) <= 50000);
    assert_non_null(strstr(diagram, "Answer0 "));
    assert_non_null(strstr(diagram, "Answer4999 "));
    assert_non_null(strstr(diagram, " events are left out here"));
    assert_non_null(strstr(diagram, " as others\n"));
}

/* ---- what is missing ---- */

static void runs_and_what_they_lack(void **state)
{
    struct saga_told_record records[5] = { { 0 } };
    struct saga_told_run *runs;
    size_t count;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        records[i].record.cause =
            (struct saga_event){ .kind = SAGA_EVENT_TIMER, .time_ms = BEGIN_MS + (int64_t)i * 250 };
    records[0].record.sequence = 3; /* cut by retention */
    records[1].record.sequence = 4;
    records[2].record.sequence = 7; /* a hole */
    records[3].record.sequence = 2; /* another run, of which the first is missing */
    records[4].record.sequence = 3;
    struct saga_history history = one_run(records, 5);
    records[3].record.run = records[4].record.run = SAGA_SLICE("later");
    saga_history_runs(&history, &runs, &count);
    assert_int_equal(count, 2);
    assert_int_equal(runs[0].count, 3);
    assert_int_equal(runs[0].cut, 2);
    assert_int_equal(runs[0].holes, 2);
    assert_null(runs[0].state);
    assert_int_equal(runs[1].cut, 0);
    assert_int_equal(runs[1].holes, 1);
    assert_int_equal(saga_told_gap_ms(&runs[0], 0), 0);
    assert_int_equal(saga_told_gap_ms(&runs[0], 2), 250);
    assert_int_equal(saga_told_gap_ms(&runs[1], 0), 0);
    saga_history_runs_free(runs, count);
    const char *text = tell(saga_history_text, &history);
    assert_non_null(strstr(text, "= where it stands cannot be told without what is missing"));
    assert_non_null(strstr(tell(saga_history_html, &history), "deleted from the journal"));
    assert_non_null(strstr(tell(saga_history_mermaid, &history), "records are missing"));
}

/* Catches a foreign record that ends the story, or that nobody hears of. */
static void what_cannot_be_read_is_named(void **state)
{
    struct reading r;
    const struct saga_message foreign = { .offset = 42, .value = SAGA_SLICE("from elsewhere") };
    (void)state;
    begin_reading(&r, "s/1");
    for (int i = 0; i < 9; i++) assert_false(saga_history_take(&r.call, &r.history, &foreign));
    fflush(r.words);
    assert_int_equal(r.history.unreadable, 9);
    assert_non_null(strstr(r.said, "saga.journal[0]@42"));
    end_reading(&r);
}

struct damaging {
    struct reading *reading;
    uint64_t random;
    unsigned at; /* which of the saga's records */
    unsigned count;
};

static void take_damaged(const struct saga_message *message, void *context)
{
    struct damaging *d = context;
    struct saga_message record = *message;
    char *bytes = saga_arena_string(&arena, message->value);
    if (!saga_slice_is(message->key, "stuck-2")) return;
    d->random = d->random * 6364136223846793005ULL + 1442695040888963407ULL;
    if (d->count++ == d->at)
        bytes[(d->random >> 33) % record.value.size] ^= (char)(d->random >> 56);
    record.value.data = bytes;
    (void)saga_history_take(&d->reading->call, &d->reading->history, &record);
}

/* Catches a crash on what was changed in the journal, and a changed text that becomes more than text. */
static void a_damaged_journal_is_told_as_far_as_it_can_be_read(void **state)
{
    enum { TIMES = 300, RECORDS = 15 };
    char folder[512];
    struct reading r;
    (void)state;
    folder_of_today(folder);
    for (unsigned i = 0; i < TIMES; i++) {
        begin_reading(&r, "order-fulfilment/stuck-2");
        struct damaging d = { .reading = &r, .random = i, .at = i % RECORDS };
        for (uint32_t lane = 0; recorded_lane(folder, lane, take_damaged, &d); lane++) continue;
        assert_true(r.history.count + r.history.unreadable > 0);
        check_page(tell(saga_history_html, &r.history));
        check_diagram(tell(saga_history_mermaid, &r.history));
        assert_null(strchr(tell(saga_history_text, &r.history), '\x1b'));
        end_reading(&r);
        saga_arena_reset(&arena);
    }
}

/* ---- how long steps took ---- */

static void a_step_takes_until_it_came_out(void **state)
{
    struct saga_fact facts[] = {
        { .kind = SAGA_FACT_STEP_SENT, .step = SAGA_SLICE("pay"), .type = SAGA_SLICE("Pay") },
        { .kind = SAGA_FACT_STEP_RETRY_SCHEDULED, .step = SAGA_SLICE("pay") },
        { .kind = SAGA_FACT_STEP_SENT, .step = SAGA_SLICE("pay"), .attempt = 2 },
        { .kind = SAGA_FACT_STEP_UNKNOWN, .step = SAGA_SLICE("pay") },
        { .kind = SAGA_FACT_COMPENSATION_SENT, .step = SAGA_SLICE("pay") },
        { .kind = SAGA_FACT_STEP_SUCCEEDED, .step = SAGA_SLICE("pay") }, /* late */
    };
    enum { COUNT = sizeof facts / sizeof facts[0] };
    struct saga_told_record records[COUNT] = { { 0 } };
    struct saga_told_step *steps;
    size_t count;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        records[i].record.cause =
            (struct saga_event){ .kind = SAGA_EVENT_TIMER, .time_ms = BEGIN_MS + (int64_t)i * 10 };
        records[i].record.facts = &facts[i];
        records[i].record.fact_count = 1;
    }
    struct saga_history history = one_run(records, COUNT);
    struct saga_told_run run = { .records = records, .count = COUNT - 1 };
    saga_told_steps(&history, &run, &steps, &count);
    assert_int_equal(count, 2);
    assert_int_equal(steps[0].outcome, SAGA_TOLD_UNKNOWN);
    assert_int_equal(steps[0].attempts, 2);
    assert_int_equal(steps[0].end_ms - steps[0].begin_ms, 30);
    assert_true(steps[1].compensation);
    assert_int_equal(steps[1].outcome, SAGA_TOLD_OPEN);
    assert_int_equal(steps[1].first, 4);
    run.count = COUNT;
    saga_told_steps(&history, &run, &steps, &count);
    assert_int_equal(steps[0].outcome, SAGA_TOLD_SUCCEEDED);
    assert_int_equal(steps[0].end_ms - steps[0].begin_ms, 50);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(stories_are_told_as_they_were),
        TEST(texts_stay_texts),
        TEST(a_long_story_is_drawn_as_far_as_it_fits),
        TEST(runs_and_what_they_lack),
        TEST(what_cannot_be_read_is_named),
        TEST(a_damaged_journal_is_told_as_far_as_it_can_be_read),
        TEST(a_step_takes_until_it_came_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
