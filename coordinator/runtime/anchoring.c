#include "runtime/anchoring.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "runtime/anchors.h"
#include "runtime/clock.h"
#include "runtime/log.h"

/* Lanes written at once: sending one after the other takes some milliseconds each. */
enum { PORTION = 64, CALL_MS = 3000, LOG_EVERY_MS = 60000 };

struct saga_anchoring {
    struct saga_anchor_schedule schedule;
    struct saga_lane_heads *heads;
    int64_t last_logged_ms;
};

struct saga_anchoring *saga_anchoring_new(const struct saga_anchor_schedule *schedule,
                                          uint32_t lanes)
{
    struct saga_anchoring *anchoring = saga_memory_zeroed(1, sizeof *anchoring);
    anchoring->schedule = *schedule;
    anchoring->heads = saga_lane_heads_new(lanes, schedule->every_ms);
    return anchoring;
}

void saga_anchoring_free(struct saga_anchoring *anchoring)
{
    if (!anchoring) return;
    saga_lane_heads_free(anchoring->heads);
    free(anchoring);
}

struct saga_lane_heads *saga_anchoring_heads(struct saga_anchoring *anchoring)
{
    return anchoring ? anchoring->heads : NULL;
}

/* ---- where they go ---- */

static void say(struct saga_anchoring *anchoring, const struct saga_diagnostic *diagnostic)
{
    saga_log_seldom(&anchoring->last_logged_ms, LOG_EVERY_MS, SAGA_LOG_ERROR,
                    "anchors are not written", "words=\"%.*s\" mend=\"%.*s\"",
                    SAGA_SLICE_ARG(diagnostic->what), SAGA_SLICE_ARG(diagnostic->mend));
}

static int look_at_topic(const char *topic, struct saga_client *client, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    const struct saga_topic_spec spec = { .name = topic };
    struct saga_topic_state state;
    int error = saga_client_describe_topic(client, &spec, CALL_MS, arena, &state);
    if (error == SAGA_OK && state.exists) return SAGA_OK;
    if (error < 0)
        saga_diagnostic_set(diagnostic, arena, "%s", saga_client_problem(client));
    else
        saga_diagnostic_set(diagnostic, arena, "there is no topic %s for anchors", topic);
    diagnostic->mend = SAGA_SLICE("make it, with one partition, or look at audit.anchor-topic");
    return SAGA_E_INVALID;
}

static int look(const struct saga_anchor_schedule *schedule, struct saga_client *client,
                struct saga_arena *arena, char ret_id[2 * SAGA_SHA256_BYTES + 1],
                struct saga_diagnostic *diagnostic)
{
    struct saga_anchor_key *key;
    int error =
        saga_anchor_key_read(schedule->key, SAGA_ANCHOR_KEY_PRIVATE, arena, &key, diagnostic);
    if (error < 0) return error;
    memcpy(ret_id, saga_anchor_key_id(key), 2 * SAGA_SHA256_BYTES + 1);
    saga_anchor_key_free(key);
    if (schedule->file)
        error = saga_anchors_append(schedule->file, SAGA_SLICE(""), arena, diagnostic);
    if (error == SAGA_OK && schedule->topic)
        error = look_at_topic(schedule->topic, client, arena, diagnostic);
    return error;
}

void saga_anchoring_look(struct saga_anchoring *anchoring, struct saga_client *client)
{
    const struct saga_anchor_schedule *schedule = &anchoring->schedule;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    char id[2 * SAGA_SHA256_BYTES + 1];
    saga_arena_init(&arena);
    if (look(schedule, client, &arena, id, &diagnostic) < 0)
        say(anchoring, &diagnostic);
    else
        saga_log(SAGA_LOG_INFO, "anchors are written", "every_ms=%lld key=%.16s file=%s topic=%s",
                 (long long)schedule->every_ms, id, schedule->file ? schedule->file : "",
                 schedule->topic ? schedule->topic : "");
    saga_arena_free(&arena);
}

/* ---- writing ---- */

static struct saga_slice sign(const struct saga_lane_head *head, const struct saga_anchor_key *key,
                              struct saga_arena *arena)
{
    struct saga_anchor anchor = { .lane = head->lane, .offset = head->offset };
    memcpy(anchor.journal, head->journal, sizeof anchor.journal);
    memcpy(anchor.chain, head->chain, sizeof anchor.chain);
    saga_time_format(saga_clock_system().wall_ms(NULL), anchor.time);
    saga_anchor_sign(&anchor, key);
    return saga_anchor_json(&anchor, arena);
}

static int deliver(const struct saga_anchor_schedule *schedule, struct saga_client *client,
                   const struct saga_slice *lines, size_t count, struct saga_arena *arena,
                   struct saga_diagnostic *diagnostic)
{
    struct saga_buffer text;
    int error = SAGA_OK;
    saga_buffer_init(&text, arena);
    for (size_t i = 0; i < count; i++) {
        saga_buffer_add(&text, lines[i]);
        saga_buffer_add_char(&text, '\n');
    }
    if (schedule->file)
        error = saga_anchors_append(schedule->file, saga_buffer_slice(&text), arena, diagnostic);
    if (error < 0 || !schedule->topic) return error;
    /* a topic that is not there is told at once, and not after a minute of trying */
    error = look_at_topic(schedule->topic, client, arena, diagnostic);
    return error < 0 ? error
                     : saga_anchors_send(client, schedule->topic, lines, count, CALL_MS, arena,
                                         diagnostic);
}

static int write_heads(struct saga_anchoring *anchoring, struct saga_client *client,
                       const struct saga_lane_head *heads, size_t count, struct saga_arena *arena,
                       struct saga_diagnostic *diagnostic)
{
    struct saga_slice lines[PORTION];
    struct saga_anchor_key *key;
    int error = saga_anchor_key_read(anchoring->schedule.key, SAGA_ANCHOR_KEY_PRIVATE, arena, &key,
                                     diagnostic);
    if (error < 0) return error;
    for (size_t i = 0; i < count; i++) lines[i] = sign(&heads[i], key, arena);
    saga_anchor_key_free(key);
    return deliver(&anchoring->schedule, client, lines, count, arena, diagnostic);
}

int saga_anchoring_write(struct saga_anchoring *anchoring, struct saga_client *client)
{
    struct saga_lane_head heads[PORTION];
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_arena arena;
    size_t count = saga_lane_heads_take(anchoring->heads, heads, PORTION);
    if (count == 0) return SAGA_OK;
    saga_arena_init(&arena);
    int error = write_heads(anchoring, client, heads, count, &arena, &diagnostic);
    if (error < 0)
        say(anchoring, &diagnostic);
    else
        saga_lane_heads_note(anchoring->heads, heads, count);
    saga_arena_free(&arena);
    return error < 0 ? SAGA_E_AGAIN : SAGA_OK;
}
