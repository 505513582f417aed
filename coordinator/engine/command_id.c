/* Ids of commands and runs, idempotency keys, and the backoff that is derived from them (R15). */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/mutation.h"
#include "engine/engine.h"

#define COMPENSATE "compensate"
#define SLASH SAGA_SLICE("/")

struct saga_slice saga_idempotency_key(struct saga_arena *arena, const struct saga_state *state,
                                       struct saga_slice step, bool compensation)
{
    return SAGA_CONCAT(arena, state->id, SLASH, state->run, SLASH, step,
                       compensation ? SAGA_SLICE("/" COMPENSATE) : SAGA_SLICE_NONE);
}

struct saga_slice saga_command_id(struct saga_arena *arena, const struct saga_state *state,
                                  struct saga_slice step, bool compensation, uint32_t attempt)
{
    char digits[SAGA_DECIMAL_BYTES];
    return SAGA_CONCAT(arena, state->id, SLASH, state->run, SLASH, step,
                       compensation ? SAGA_SLICE("/" COMPENSATE "/") : SLASH,
                       saga_slice_of_number(SAGA_WITHOUT(COMMAND_IDS) ? 1 : attempt, digits));
}

struct saga_slice saga_correlation_id(struct saga_arena *arena, struct saga_slice definition,
                                      struct saga_slice topic, struct saga_slice event,
                                      struct saga_slice value)
{
    return saga_arena_printf(arena, "%.*s%c%.*s%c%.*s/%.*s", SAGA_SLICE_ARG(definition),
                             SAGA_ENTRY_MARK, SAGA_SLICE_ARG(topic), SAGA_ENTRY_MARK,
                             SAGA_SLICE_ARG(event), SAGA_SLICE_ARG(value));
}

struct saga_slice saga_schedule_id(struct saga_arena *arena, struct saga_slice definition)
{
    return saga_arena_printf(arena, "%.*s%cschedule/%.*s", SAGA_SLICE_ARG(definition),
                             SAGA_ENTRY_MARK, SAGA_SLICE_ARG(definition));
}

struct saga_slice saga_forgetting_id(struct saga_arena *arena, struct saga_slice saga_id)
{
    const char *slash = memchr(saga_id.data, '/', saga_id.size);
    SAGA_ASSERT(slash);
    size_t name = (size_t)(slash - saga_id.data);
    return saga_arena_printf(arena, "%.*s%cforget%.*s", (int)name, saga_id.data, SAGA_ENTRY_MARK,
                             SAGA_SLICE_ARG(saga_slice_skip(saga_id, name)));
}

bool saga_id_is_entry(struct saga_slice id)
{
    const char *slash = id.size ? memchr(id.data, '/', id.size) : NULL;
    return slash && memchr(id.data, SAGA_ENTRY_MARK, (size_t)(slash - id.data));
}

struct saga_slice saga_id_entry_name(struct saga_slice id)
{
    const char *mark = id.size ? memchr(id.data, SAGA_ENTRY_MARK, id.size) : NULL;
    return mark ? (struct saga_slice){ id.data, (size_t)(mark - id.data) } : id;
}

#define DIGITS_OF(number) #number
#define DIGITS(limit) DIGITS_OF(limit)

const char *saga_key_fault(struct saga_slice key)
{
    if (key.size == 0) return "is empty";
    if (key.size > SAGA_KEY_BYTES_MAX) return "is longer than " DIGITS(SAGA_KEY_BYTES_MAX) " bytes";
    for (size_t i = 0; i < key.size; i++)
        if ((unsigned char)key.data[i] < 0x20) return "holds a control character";
    return NULL;
}

/* Cuts the part behind the last slash off `*rest`. */
static bool cut_last(struct saga_slice *rest, struct saga_slice *ret)
{
    for (size_t i = rest->size; i > 0; i--) {
        if (rest->data[i - 1] != '/') continue;
        *ret = saga_slice_skip(*rest, i);
        rest->size = i - 1;
        return ret->size > 0;
    }
    return false;
}

int saga_command_id_parse(struct saga_slice id, struct saga_command_parts *ret)
{
    struct saga_command_parts parts = { 0 };
    struct saga_slice attempt;
    unsigned long long number;
    if (!cut_last(&id, &attempt) || saga_slice_to_u64(attempt, &number) < 0) return SAGA_E_INVALID;
    if (number == 0 || number > UINT32_MAX || !cut_last(&id, &parts.step)) return SAGA_E_INVALID;
    /* no step may be called `compensate`, so this is never one */
    parts.compensation = saga_slice_is(parts.step, COMPENSATE);
    if (parts.compensation && !cut_last(&id, &parts.step)) return SAGA_E_INVALID;
    if (!cut_last(&id, &parts.run) || !memchr(id.data, '/', id.size)) return SAGA_E_INVALID;
    parts.saga_id = id;
    parts.attempt = (uint32_t)number;
    *ret = parts;
    return SAGA_OK;
}

struct saga_slice saga_run_of(struct saga_arena *arena, struct saga_slice journal,
                              const struct saga_position *source)
{
    char hex[SAGA_RUN_DIGITS];
    char partition[SAGA_DECIMAL_BYTES], offset[SAGA_DECIMAL_BYTES];
    struct saga_slice place =
        SAGA_CONCAT(arena, journal, journal.size ? SLASH : SAGA_SLICE_NONE, source->topic, SLASH,
                    saga_slice_of_number(source->partition, partition), SLASH,
                    saga_slice_of_number(source->offset, offset));
    saga_sha256_digits(place, sizeof hex, hex);
    return saga_arena_copy(arena, (struct saga_slice){ hex, sizeof hex });
}

int64_t saga_backoff_ms(const struct saga_retry *retry, uint32_t attempt,
                        struct saga_slice command_id)
{
    double wait = (double)retry->backoff_ms;
    for (uint32_t i = 2; i < attempt && wait < (double)retry->max_ms; i++) wait *= retry->factor;
    int64_t ms = wait < (double)retry->max_ms ? (int64_t)wait : retry->max_ms;
    if (!retry->jitter || ms < 2) return ms;
    uint8_t digest[SAGA_SHA256_BYTES];
    saga_sha256(command_id, SAGA_SLICE_NONE, digest);
    uint64_t random = (uint64_t)digest[0] << 24 | (uint64_t)digest[1] << 16 |
                      (uint64_t)digest[2] << 8 | digest[3];
    uint64_t half = (uint64_t)ms / 2;
    return ms - (int64_t)(random % (half + 1));
}
