/* Commands and published events as CloudEvents (sagas/MESSAGES.md), dead letters, ids. */
#include "codec/message.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mutation.h"
#include "base/time.h"
#include "codec/trace.h"

enum { COMMAND_HEADERS_MAX = 15, DEAD_LETTER_HEADERS = 5 };

static void add(struct saga_message *message, const char *name, struct saga_slice value)
{
    message->headers[message->header_count++] = (struct saga_header){ saga_slice_of(name), value };
}

static struct saga_slice time_text(int64_t time_ms, struct saga_arena *arena)
{
    char text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(time_ms, text);
    return saga_arena_copy(arena, saga_slice_of(text));
}

bool saga_fact_is_message(const struct saga_fact *fact)
{
    /* a child's compensation has no topic: it is asked for by a note */
    return fact->kind == SAGA_FACT_STEP_SENT || fact->kind == SAGA_FACT_EVENT_PUBLISHED ||
           (fact->kind == SAGA_FACT_COMPENSATION_SENT && fact->topic.size > 0);
}

/* What every record that goes out has in common. */
static void begin(const struct saga_fact *fact, const struct saga_state *state, int64_t time_ms,
                  struct saga_slice id, struct saga_arena *arena, struct saga_message *ret)
{
    char version[SAGA_DECIMAL_BYTES];
    *ret = (struct saga_message){ .topic = fact->topic,
                                  .partition = SAGA_PARTITION_BY_KEY,
                                  .key = state->key };
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, COMMAND_HEADERS_MAX);
    add(ret, "ce_specversion", SAGA_SLICE("1.0"));
    add(ret, "ce_id", id);
    add(ret, "ce_source",
        SAGA_CONCAT(arena, SAGA_SLICE("/sagas/"), state->name, SAGA_SLICE("/"),
                    saga_slice_of_number(state->version, version)));
    add(ret, "ce_type", fact->type);
    add(ret, "ce_subject", state->id);
    add(ret, "ce_time", time_text(time_ms, arena));
    add(ret, "content-type",
        fact->encoded.data ? SAGA_SLICE("application/avro") : SAGA_SLICE("application/json"));
    saga_message_add_trace(ret, state, saga_span_of_message(id), arena);
}

static void command(const struct saga_fact *fact, const struct saga_state *state, int64_t time_ms,
                    struct saga_arena *arena, struct saga_message *ret)
{
    bool compensation = fact->kind == SAGA_FACT_COMPENSATION_SENT;
    const struct saga_step_state *step = saga_state_step(state, fact->step);
    SAGA_ASSERT(step);
    struct saga_slice id = saga_command_id(arena, state, fact->step, compensation, fact->attempt);
    struct saga_slice key = saga_idempotency_key(arena, state, fact->step, compensation);
    begin(fact, state, time_ms, id, arena, ret);
    add(ret, "ce_sagaidempotencykey", SAGA_WITHOUT(IDEMPOTENCY_KEYS) ? id : key);
    add(ret, "ce_sagakind", compensation ? SAGA_SLICE("compensation") : SAGA_SLICE("command"));
    if (compensation)
        add(ret, "ce_sagacompensates", saga_idempotency_key(arena, state, fact->step, false));
    add(ret, "ce_sagareplyto", fact->reply_topic);
    add(ret, "ce_sagaexpires", time_text(fact->due_ms, arena));
    struct saga_slice kept = compensation ? step->compensation_body : step->body;
    ret->value = fact->value.data ? fact->value : kept;
    if (fact->encoded.data) ret->value = fact->encoded;
}

/* One decision may publish several: a block's event is named by the block. */
struct saga_slice saga_published_id(const struct saga_fact *fact, const struct saga_state *state,
                                    struct saga_arena *arena)
{
    struct saga_slice which =
        fact->step.size ? fact->step
                        : saga_arena_printf(arena, "%llu", (unsigned long long)state->sequence);
    return SAGA_CONCAT(arena, state->id, SAGA_SLICE("/"), state->run, SAGA_SLICE("/event/"), which);
}

void saga_fact_message(const struct saga_fact *fact, const struct saga_state *state,
                       int64_t time_ms, struct saga_arena *arena, struct saga_message *ret)
{
    SAGA_ASSERT(saga_fact_is_message(fact));
    if (fact->kind != SAGA_FACT_EVENT_PUBLISHED) {
        command(fact, state, time_ms, arena, ret);
        return;
    }
    begin(fact, state, time_ms, saga_published_id(fact, state, arena), arena, ret);
    ret->value = fact->encoded.data ? fact->encoded : fact->value;
}

/* ---- ids ---- */

int saga_id_parse(struct saga_slice saga_id, struct saga_slice *ret_name,
                  struct saga_slice *ret_key)
{
    const char *slash = saga_id.size ? memchr(saga_id.data, '/', saga_id.size) : NULL;
    if (!slash || slash == saga_id.data) return SAGA_E_INVALID;
    struct saga_slice name = { saga_id.data, (size_t)(slash - saga_id.data) };
    struct saga_slice key = saga_slice_skip(saga_id, name.size + 1);
    if (key.size == 0) return SAGA_E_INVALID;
    *ret_name = name;
    *ret_key = key;
    return SAGA_OK;
}

struct saga_slice saga_id_make(struct saga_arena *arena, struct saga_slice name,
                               struct saga_slice key)
{
    return saga_arena_join(arena, name, '/', key);
}

/* ---- dead letters ---- */

void saga_dead_letter_message(const struct saga_message *record,
                              struct saga_slice dead_letters_topic, uint32_t lane,
                              struct saga_slice reason, struct saga_slice words,
                              struct saga_arena *arena, struct saga_message *ret)
{
    *ret = (struct saga_message){ .topic = dead_letters_topic,
                                  .partition = (int32_t)lane,
                                  .key = record->key,
                                  .value = record->value };
    ret->headers =
        SAGA_NEW_ARRAY(arena, struct saga_header, record->header_count + DEAD_LETTER_HEADERS);
    if (record->header_count)
        memcpy(ret->headers, record->headers, record->header_count * sizeof *ret->headers);
    ret->header_count = record->header_count;
    add(ret, "saga_reason", reason);
    add(ret, "saga_message", words.data ? words : SAGA_SLICE(""));
    add(ret, "saga_source_topic", record->topic);
    add(ret, "saga_source_partition", saga_arena_printf(arena, "%d", record->partition));
    add(ret, "saga_source_offset", saga_arena_printf(arena, "%lld", (long long)record->offset));
}
