#include "explore/way.h"

#include "base/buffer.h"

static void write_reply(const struct saga_event *event, struct saga_buffer *out)
{
    bool note = event->kind == SAGA_EVENT_NOTE;
    bool taken_back = event->compensation || event->note == SAGA_NOTE_CHILD_COMPENSATED ||
                      event->note == SAGA_NOTE_CHILD_REFUSED;
    saga_buffer_printf(out, "      - reply: { to: \"%.*s%s\", type: %.*s",
                       SAGA_SLICE_ARG(event->step), taken_back ? "/compensate" : "",
                       SAGA_SLICE_ARG(event->type));
    if (!note && event->attempt > 0) saga_buffer_printf(out, ", attempt: %u", event->attempt);
    saga_buffer_printf(out, " }\n");
}

static void write_event(const struct saga_event *event, struct saga_buffer *out)
{
    switch (event->kind) {
    case SAGA_EVENT_START: saga_buffer_printf(out, "      - start: { key: k }\n"); return;
    case SAGA_EVENT_REPLY: write_reply(event, out); return;
    case SAGA_EVENT_TIMER:
        saga_buffer_printf(out, "      - ring: \"%.*s\"\n", SAGA_SLICE_ARG(event->timer));
        return;
    case SAGA_EVENT_OPERATOR:
        saga_buffer_printf(out, "      - operator: { verb: %s", saga_verb_name(event->verb));
        if (event->as.size) saga_buffer_printf(out, ", as: %.*s", SAGA_SLICE_ARG(event->as));
        saga_buffer_printf(out, " }\n");
        return;
    case SAGA_EVENT_NOTE:
        if (event->note == SAGA_NOTE_AWAIT_MATCH)
            saga_buffer_printf(out, "      - event: { type: %.*s, to: \"%.*s\" }\n",
                               SAGA_SLICE_ARG(event->type), SAGA_SLICE_ARG(event->step));
        else
            write_reply(event, out);
        return;
    default: return;
    }
}

/* JSON is YAML, on one line in any case. */
static void write_json(struct saga_slice json, struct saga_buffer *out)
{
    bool text = false;
    for (size_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        if (c == '"') text = !text;
        if (!text && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
        saga_buffer_add_char(out, c);
        if (text && c == '\\') saga_buffer_add_char(out, json.data[++i]);
    }
}

struct saga_slice saga_way_scenario(const struct saga_play *play, struct saga_slice name,
                                    struct saga_slice choices,
                                    const struct saga_abstract_bounds *bounds,
                                    struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    saga_buffer_printf(&out, "  - name: \"%.*s\"\n    strict: false\n    start: { key: k",
                       SAGA_SLICE_ARG(name));
    if (bounds->with_input && play->count) {
        saga_buffer_add(&out, SAGA_SLICE(", body: "));
        write_json(play->records[0].event.body, &out);
    }
    saga_buffer_printf(&out,
                       " }\n    explored: { %srounds: %u, attempts: %u, choices: %.*s }\n"
                       "    steps:%s\n",
                       bounds->with_input ? "input: true, " : "", bounds->rounds, bounds->attempts,
                       SAGA_SLICE_ARG(choices), play->count > 1 ? "" : " []");
    for (size_t i = 1; i < play->count; i++) write_event(&play->records[i].event, &out);
    saga_buffer_printf(&out, "    end: %s\n", saga_status_name(play->state->status));
    return saga_buffer_slice(&out);
}
