#include "operate/opening.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "operate/output.h"
#include "operate/reading.h"

struct lane_keys {
    struct saga_call *call;
    uint32_t lane;
    struct saga_keyring *ring; /* NULL: not read yet */
};

struct saga_openings {
    const struct saga_wrapping *wrapping;
    struct saga_wrapping *own; /* NULL: it is the call's */
    struct lane_keys *lanes;
    uint32_t lane_count; /* 0: the cluster has no topic of keys */
};

void saga_openings_free(struct saga_openings *openings)
{
    if (!openings) return;
    for (uint32_t n = 0; n < openings->lane_count; n++) saga_keyring_free(openings->lanes[n].ring);
    free(openings->lanes);
    saga_wrapping_free(openings->own);
    free(openings);
}

/* ---- keys ---- */

/* Older clusters have no such topic, and nothing that is sealed. */
static int look_for_topic(struct saga_call *call, struct saga_openings *openings)
{
    struct saga_topic_state state;
    const struct saga_topic_spec spec = { .name = call->topics.keys.data };
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_client_describe_topic(call->client, &spec, SAGA_CALL_TIMEOUT_MS, call->arena, &state) <
        0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s",
                              saga_client_problem(call->client));
    openings->lane_count = state.exists ? (uint32_t)state.partitions : 0;
    openings->lanes = saga_memory_zeroed(openings->lane_count + 1, sizeof *openings->lanes);
    return SAGA_EXIT_DONE;
}

static int find_wrapping(struct saga_call *call, struct saga_openings *openings)
{
    struct saga_diagnostic diagnostic = { 0 };
    openings->wrapping = call->wrapping;
    if (call->wrapping || openings->lane_count == 0) return SAGA_EXIT_DONE;
    if (saga_wrapping_read(call->config.privacy_key_file, call->config.privacy_key_command,
                           call->arena, &openings->own, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    openings->wrapping = openings->own;
    return SAGA_EXIT_DONE;
}

static int open_all(struct saga_call *call)
{
    struct saga_openings *openings = saga_memory_zeroed(1, sizeof *openings);
    int code = look_for_topic(call, openings);
    if (code == SAGA_EXIT_DONE) code = find_wrapping(call, openings);
    if (code == SAGA_EXIT_DONE)
        call->openings = openings;
    else
        saga_openings_free(openings);
    return code;
}

static bool take(const struct saga_message *message, void *context)
{
    struct lane_keys *keys = context;
    struct saga_arena arena;
    struct saga_diagnostic ignored = { 0 }; /* what is none of ours opens nothing */
    saga_arena_init(&arena);
    (void)saga_keyring_take(keys->ring, keys->call->codec, message, &arena, &ignored);
    saga_arena_free(&arena);
    return true;
}

static int read_keys(struct lane_keys *keys)
{
    return saga_read_to_end(keys->call, keys->call->topics.keys, (int32_t)keys->lane,
                            SAGA_READ_BEGINNING, take, keys);
}

static void read_again(void *context)
{
    (void)read_keys(context); /* words are said; what is not there then counts as that */
}

int saga_call_keys(struct saga_call *call, uint32_t lane, const struct saga_keyring **ret)
{
    int code = call->openings ? SAGA_EXIT_DONE : open_all(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    *ret = NULL;
    if (lane >= call->openings->lane_count) return SAGA_EXIT_DONE;
    struct lane_keys *keys = &call->openings->lanes[lane];
    if (!keys->ring) {
        *keys = (struct lane_keys){ call, lane, saga_keyring_new(call->openings->wrapping) };
        code = read_keys(keys);
        saga_keyring_refill_by(keys->ring, read_again, keys);
    }
    *ret = keys->ring;
    return code;
}

void saga_call_keys_drop(struct saga_call *call, uint32_t lane)
{
    if (!call->openings || lane >= call->openings->lane_count) return;
    saga_keyring_free(call->openings->lanes[lane].ring);
    call->openings->lanes[lane].ring = NULL;
}

int saga_call_wrapping(struct saga_call *call, const struct saga_wrapping **ret)
{
    int code = call->openings ? SAGA_EXIT_DONE : open_all(call);
    if (code == SAGA_EXIT_DONE) *ret = call->openings->wrapping;
    return code;
}

void saga_call_keys_again(struct saga_call *call)
{
    saga_openings_free(call->openings);
    call->openings = NULL;
}

/* ---- what is shown ---- */

static const struct saga_slice forgotten_json = { "\"" SAGA_FORGOTTEN_WORDS "\"",
                                                  sizeof SAGA_FORGOTTEN_WORDS + 1 },
                               forgotten = { SAGA_FORGOTTEN_WORDS,
                                             sizeof SAGA_FORGOTTEN_WORDS - 1 },
                               sealed_json = { "\"" SAGA_SEALED_WORDS "\"",
                                               sizeof SAGA_SEALED_WORDS + 1 },
                               sealed = { SAGA_SEALED_WORDS, sizeof SAGA_SEALED_WORDS - 1 };

static bool may_be_sealed(const struct saga_journal_record *record)
{
    if (saga_record_is_sealed(record)) return true;
    for (size_t i = 0; i < record->fact_count; i++)
        if (saga_slice_starts_with(record->facts[i].message, SAGA_SEALED_TEXT)) return true;
    return false;
}

static bool is_forgotten(const struct saga_key_record *record)
{
    return record && !record->wrapped.data;
}

void saga_cover_state(struct saga_state *state)
{
    if (saga_state_is_sealed(state)) saga_veil_state(state, sealed_json, sealed);
}

void saga_open_record_for_people(struct saga_call *call, uint32_t lane,
                                 struct saga_journal_record *record, struct saga_arena *arena)
{
    const struct saga_keyring *ring = NULL;
    struct saga_data_key key;
    if (!may_be_sealed(record)) return;
    if (call->covers_values) {
        saga_veil_record(record, sealed_json, sealed);
        return;
    }
    (void)saga_call_keys(call, lane, &ring); /* without keys it is covered */
    const struct saga_key_record *found =
        saga_keyring_find(ring, record->saga_id, record->run, arena);
    if (!found && !saga_record_is_sealed(record)) return; /* a message that only looks like one */
    if (saga_keyring_open(ring, record->saga_id, record->run, arena, &key) == SAGA_OK &&
        saga_open_record(&key, record, arena) == SAGA_OK)
        return;
    saga_veil_record(record, is_forgotten(found) ? forgotten_json : sealed_json,
                     is_forgotten(found) ? forgotten : sealed);
}

void saga_open_state_for_people(struct saga_call *call, uint32_t lane, struct saga_state *state)
{
    const struct saga_keyring *ring = NULL;
    struct saga_data_key key;
    if (!saga_state_is_sealed(state)) return;
    if (call->covers_values) {
        saga_cover_state(state);
        return;
    }
    (void)saga_call_keys(call, lane, &ring);
    const struct saga_key_record *found =
        saga_keyring_find(ring, state->id, state->run, call->arena);
    if (saga_keyring_open(ring, state->id, state->run, call->arena, &key) == SAGA_OK &&
        saga_open_state(&key, state) == SAGA_OK)
        return;
    saga_veil_state(state, is_forgotten(found) ? forgotten_json : sealed_json,
                    is_forgotten(found) ? forgotten : sealed);
}

struct saga_slice saga_forgotten_words(const struct saga_key_record *record,
                                       struct saga_arena *arena)
{
    char time[SAGA_TIME_TEXT_BYTES];
    saga_time_format(record->forgotten_ms, time);
    return saga_arena_printf(
        arena, "forgotten at %s by %s@%s: %s", time, saga_printable(arena, record->who),
        saga_printable(arena, record->from), saga_printable(arena, record->reason));
}

struct saga_slice saga_forgotten_by(struct saga_call *call, uint32_t lane,
                                    struct saga_slice saga_id, struct saga_slice run)
{
    const struct saga_keyring *ring = NULL;
    (void)saga_call_keys(call, lane, &ring);
    const struct saga_key_record *record = saga_keyring_find(ring, saga_id, run, call->arena);
    return is_forgotten(record) ? saga_forgotten_words(record, call->arena) : SAGA_SLICE_NONE;
}

static const char *records(uint64_t count)
{
    return count == 1 ? "record was" : "records were";
}

void saga_unproved_print(uint64_t of_forgotten, uint64_t without_key)
{
    if (of_forgotten)
        printf("%llu %s not decided again: the values were forgotten (chain and sequence hold)\n",
               (unsigned long long)of_forgotten, records(of_forgotten));
    if (without_key)
        printf("%llu %s not decided again: the values are sealed, and the key is not here (set "
               "privacy.key-file or privacy.key-command)\n",
               (unsigned long long)without_key, records(without_key));
}

void saga_unproved_json(json_t *object, uint64_t of_forgotten, uint64_t without_key)
{
    json_object_set_new(object, "notDecidedForgotten", json_integer((json_int_t)of_forgotten));
    json_object_set_new(object, "notDecidedSealed", json_integer((json_int_t)without_key));
}
