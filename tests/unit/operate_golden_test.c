/* Golden traces: tests/golden/<name>.txt tell a definition, events, and what the engine decides, in words.
 *
 *   definition: sagas/order-fulfilment.yaml      (or `definition:` and YAML lines up to `---`)
 *   > start KEY BODY
 *   > reply TYPE STEP [attempt N] [BODY]         (STEP! for its compensation, - for a reply that names no step)
 *   > timer NAME                                 rings at the time at which it is due
 *   > time 30s                                   passes
 *   > operator VERB [as OUTCOME]
 *   > deploy                                     the definition's schedule is told that it is in force
 *
 * Lines that begin with two spaces are what the engine decided; `= ` tells the status and the timers. Run with
 * SAGA_GOLDEN_UPDATE=1 to write them anew, then read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/time.h"
#include "operate/story.h"

#define FOLDER SAGA_SOURCE_DIR "/tests/golden/"

static const int64_t begin_ms = SAGA_PLAY_BEGIN_MS;

struct story {
    struct saga_arena arena;
    struct saga_buffer out;
    struct saga_definition *definition;
    struct saga_play play;
    struct saga_teller teller;
};

static struct saga_slice read_whole(const char *path, struct saga_arena *arena)
{
    FILE *file = fopen(path, "rb");
    struct saga_buffer bytes;
    char chunk[4096];
    if (!file) fail_msg("%s cannot be read", path);
    saga_buffer_init(&bytes, arena);
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        saga_buffer_append(&bytes, chunk, got);
    fclose(file);
    return saga_buffer_slice(&bytes);
}

static struct saga_slice next_line(struct saga_slice *rest)
{
    const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    struct saga_slice line = { rest->data, end ? (size_t)(end - rest->data) : rest->size };
    *rest = saga_slice_skip(*rest, line.size + (end ? 1 : 0));
    return line;
}

static struct saga_slice next_word(struct saga_slice *rest)
{
    while (rest->size && rest->data[0] == ' ') *rest = saga_slice_skip(*rest, 1);
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ') size++;
    struct saga_slice word = { rest->data, size };
    *rest = saga_slice_skip(*rest, size);
    return word;
}

/* ---- the definition ---- */

static void load(struct story *story, struct saga_slice line, struct saga_slice *rest)
{
    struct saga_diagnostics findings;
    struct saga_slice name = saga_slice_skip(line, strlen("definition:")), text;
    struct saga_buffer yaml;
    saga_diagnostics_init(&findings, &story->arena);
    saga_buffer_init(&yaml, &story->arena);
    struct saga_slice path = next_word(&name);
    if (path.size) {
        text = read_whole(
            saga_arena_printf(&story->arena, SAGA_SOURCE_DIR "/%.*s", SAGA_SLICE_ARG(path)).data,
            &story->arena);
    } else {
        for (struct saga_slice part = next_line(rest); !saga_slice_is(part, "---");
             part = next_line(rest)) {
            assert_true(rest->size > 0);
            saga_buffer_add(&story->out, part);
            saga_buffer_add_char(&story->out, '\n');
            saga_buffer_add(&yaml, part);
            saga_buffer_add_char(&yaml, '\n');
        }
        saga_buffer_add(&story->out, SAGA_SLICE("---\n"));
        text = saga_buffer_slice(&yaml);
    }
    if (saga_definition_load(text, "story", &findings, &story->definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
    saga_play_begin(&story->play, story->definition, begin_ms, &story->arena);
    saga_teller_begin(&story->teller, true, &story->arena);
}

/* ---- events ---- */

static void read_reply(struct story *story, struct saga_slice rest, struct saga_event *event)
{
    event->kind = SAGA_EVENT_REPLY;
    event->type = next_word(&rest);
    event->step = next_word(&rest);
    if (event->step.size && event->step.data[event->step.size - 1] == '!') {
        event->compensation = true;
        event->step.size--;
    }
    if (saga_slice_is(event->step, "-")) event->step = SAGA_SLICE_NONE;
    struct saga_slice before = rest, word = next_word(&rest);
    if (saga_slice_is(word, "attempt")) {
        unsigned long long attempt;
        assert_int_equal(saga_slice_to_u64(next_word(&rest), &attempt), 0);
        event->attempt = (uint32_t)attempt;
    } else {
        rest = before;
    }
    while (rest.size && rest.data[0] == ' ') rest = saga_slice_skip(rest, 1);
    event->body = rest.size ? rest : SAGA_SLICE_NONE;
    event->run = story->play.state->run;
}

static void read_timer(struct story *story, struct saga_slice rest, struct saga_event *event)
{
    event->kind = SAGA_EVENT_TIMER;
    event->timer = next_word(&rest);
    const struct saga_timer *timer = saga_state_timer(story->play.state, event->timer);
    if (!timer) return; /* a stale alarm */
    event->armed = timer->armed;
    if (timer->due_ms > story->play.time_ms) story->play.time_ms = timer->due_ms;
}

static void read_operator(struct saga_slice rest, struct saga_event *event)
{
    event->kind = SAGA_EVENT_OPERATOR;
    event->verb = saga_verb_of(next_word(&rest));
    if (saga_slice_is(next_word(&rest), "as")) event->as = next_word(&rest);
    event->who = SAGA_SLICE("ada");
    event->reason = SAGA_SLICE("because");
}

static void read_deploy(struct story *story, struct saga_event *event)
{
    struct saga_arena *arena = &story->arena;
    event->kind = SAGA_EVENT_NOTE;
    event->note = SAGA_NOTE_SCHEDULE_SET;
    event->target = saga_schedule_id(arena, story->definition->name);
    event->body = saga_arena_printf(arena, "{\"version\":%u}", story->definition->version);
}

/* False: nothing happens but that time passes. */
static bool read_event(struct story *story, struct saga_slice line, struct saga_event *event)
{
    struct saga_slice rest = saga_slice_skip(line, 1), word = next_word(&rest);
    int64_t ms;
    *event = (struct saga_event){ 0 };
    if (saga_slice_is(word, "time")) {
        assert_int_equal(saga_duration_parse(next_word(&rest), &ms), 0);
        story->play.time_ms += ms;
        return false;
    }
    if (saga_slice_is(word, "start")) {
        event->kind = SAGA_EVENT_START;
        event->key = next_word(&rest);
        event->body = saga_slice_skip(rest, 1);
    } else if (saga_slice_is(word, "reply")) {
        read_reply(story, rest, event);
    } else if (saga_slice_is(word, "timer")) {
        read_timer(story, rest, event);
    } else if (saga_slice_is(word, "operator")) {
        read_operator(rest, event);
    } else if (saga_slice_is(word, "deploy")) {
        read_deploy(story, event);
    } else {
        fail_msg("no such event: %.*s", SAGA_SLICE_ARG(line));
    }
    return true;
}

/* ---- telling ---- */

static void decide(struct story *story, const struct saga_event *event)
{
    const struct saga_play_record *record = saga_play_event(&story->play, *event);
    assert_non_null(record);
    if (record->facts.count && record->facts.items[0].kind == SAGA_FACT_SAGA_STARTED)
        saga_teller_begin(&story->teller, true, &story->arena);
    saga_story_tell_record(&story->teller, record, begin_ms, &story->out);
}

static struct saga_slice tell(struct story *story, struct saga_slice text)
{
    while (text.size) {
        struct saga_slice line = next_line(&text);
        struct saga_event event;
        if (saga_slice_starts_with(line, "  ")) continue; /* what was decided last time */
        saga_buffer_add(&story->out, line);
        saga_buffer_add_char(&story->out, '\n');
        if (saga_slice_starts_with(line, "definition:")) load(story, line, &text);
        if (saga_slice_starts_with(line, ">") && read_event(story, line, &event))
            decide(story, &event);
    }
    return saga_buffer_slice(&story->out);
}

static void check_story(const char *name)
{
    struct story story = { 0 };
    saga_arena_init(&story.arena);
    saga_buffer_init(&story.out, &story.arena);
    const char *path = saga_arena_printf(&story.arena, FOLDER "%s", name).data;
    struct saga_slice text = read_whole(path, &story.arena);
    struct saga_slice told = tell(&story, text);
    if (getenv("SAGA_GOLDEN_UPDATE")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(told.data, 1, told.size, file);
        fclose(file);
    } else if (!saga_slice_equal(told, text)) {
        fail_msg("%s tells another story now:\n%.*s", name, SAGA_SLICE_ARG(told));
    }
    saga_play_end(&story.play);
    saga_definition_free(story.definition);
    saga_arena_free(&story.arena);
}

static void every_story_is_as_it_was(void **state)
{
    struct dirent **files;
    (void)state;
    int count = scandir(FOLDER, &files, NULL, alphasort), stories = 0;
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        const char *end = strrchr(files[i]->d_name, '.');
        if (end && strcmp(end, ".txt") == 0) {
            check_story(files[i]->d_name);
            stories++;
        }
        free(files[i]);
    }
    free(files);
    assert_true(stories >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_story_is_as_it_was) };
    return cmocka_run_group_tests_name("golden traces", tests, NULL, NULL);
}
