/* A saga as a row of a list: of a table for people, and in JSON. */
#include <inttypes.h>

#include "base/assert.h"
#include "base/time.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/words.h"

void saga_list_table(struct saga_table *table, struct saga_arena *arena)
{
    saga_table_init(table, arena, "SAGA", "STATUS", "AT", "CHANGED", "TROUBLE", NULL);
}

void saga_list_add(struct saga_table *table, const struct saga_state *state, int64_t now_ms)
{
    struct saga_arena *arena = table->arena;
    saga_table_add(table, saga_arena_string(arena, state->id), saga_status_name(state->status),
                   saga_standing(state, arena).data, saga_age(arena, state->changed_ms, now_ms),
                   saga_trouble(state, arena).data);
}

/* ---- JSON ---- */

/* A state that was damaged may hold what is no text. */
static void add_text(struct saga_buffer *out, const char *before, struct saga_slice text)
{
    saga_buffer_add(out, saga_slice_of(before));
    saga_buffer_add_json_string(out, saga_text_mended(text, out->arena));
}

static void add_time(struct saga_buffer *out, const char *before, int64_t time_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(time_ms, text);
    saga_buffer_add(out, saga_slice_of(before));
    if (time_ms == 0)
        saga_buffer_add(out, SAGA_SLICE("null"));
    else
        saga_buffer_add_json_string(out, saga_slice_of(text));
}

/* What holds a stuck saga up goes before what it compensates for, as saga_trouble says it. */
static void add_error(const struct saga_state *state, struct saga_buffer *out)
{
    bool stuck = state->status == SAGA_STUCK;
    if (!stuck && !state->has_error) {
        saga_buffer_add(out, SAGA_SLICE(",\"error\":null"));
        return;
    }
    add_text(out, ",\"error\":{\"step\":", stuck ? state->stuck_step : state->error.step);
    add_text(out, ",\"type\":",
             stuck ? saga_slice_of(saga_stuck_on_name(state->stuck_on)) : state->error.type);
    add_text(out, ",\"message\":",
             saga_shown_message(state, stuck ? state->stuck_message : state->error.message));
    saga_buffer_add_char(out, '}');
}

/* Written straight as text: a page of a hundred is asked for again and again, and trees of it cost as much as all else. */
void saga_list_write(const struct saga_state *state, struct saga_arena *arena,
                     struct saga_buffer *out)
{
    add_text(out, "{\"id\":", state->id);
    add_text(out, ",\"definition\":", state->name);
    add_text(out, ",\"key\":", state->key);
    saga_buffer_printf(out, ",\"version\":%" PRIu32, state->version);
    add_text(out, ",\"status\":", saga_slice_of(saga_status_name(state->status)));
    saga_buffer_add(out, state->paused ? SAGA_SLICE(",\"paused\":true")
                                       : SAGA_SLICE(",\"paused\":false"));
    add_text(out, ",\"at\":", saga_standing(state, arena));
    add_time(out, ",\"started\":", state->started_ms);
    add_time(out, ",\"changed\":", state->changed_ms);
    add_error(state, out);
    saga_buffer_add_char(out, '}');
}

json_t *saga_list_json(const struct saga_state *state, struct saga_arena *arena)
{
    struct saga_buffer text;
    saga_buffer_init(&text, arena);
    saga_list_write(state, arena, &text);
    json_t *json = json_loadb(text.data, text.size, JSON_ALLOW_NUL, NULL);
    SAGA_ASSERT(json);
    return json;
}
