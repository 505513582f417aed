#include "operate/answer.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/monotonic.h"
#include "base/random.h"
#include "base/time.h"
#include "operate/opening.h"
#include "operate/output.h"

enum { POLL_MS = 100, RECORDS_MAX = 500 };
/* Redis follows the journal (R27), under load by SAGA_UNSTORED_MS; longer than this nobody waits for it. */
enum { REDIS_MS = 4 * SAGA_UNSTORED_MS, REDIS_STEP_MS = 20 };

int saga_answer_prepare(struct saga_call *call, uint32_t lane, struct saga_answer *ret)
{
    int64_t low;
    int code = saga_call_codec(call);
    *ret = (struct saga_answer){ .lane = lane, .letters_from = -1 };
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_client_watermarks(call->client, call->topics.journal, (int32_t)lane,
                               SAGA_CALL_TIMEOUT_MS, &low, &ret->from) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga topics check` looks at the topics",
                              "the journal cannot be read: %s", saga_client_problem(call->client));
    if (saga_client_watermarks(call->client, call->topics.dead_letters, (int32_t)lane,
                               SAGA_CALL_TIMEOUT_MS, &low, &ret->letters_from) < 0)
        ret->letters_from = -1;
    return SAGA_EXIT_DONE;
}

/* ---- what was put aside ---- */

static bool is_number(struct saga_slice text, int64_t number)
{
    unsigned long long value;
    return saga_slice_to_u64(text, &value) == SAGA_OK && number >= 0 &&
           value == (unsigned long long)number;
}

bool saga_answer_is_letter_of(const struct saga_message *letter, const struct saga_position *sent)
{
    return saga_slice_equal(saga_message_header(letter, "saga_source_topic"), sent->topic) &&
           is_number(saga_message_header(letter, "saga_source_partition"), sent->partition) &&
           is_number(saga_message_header(letter, "saga_source_offset"), sent->offset);
}

static int say_letter(const struct saga_call *call, const struct saga_message *letter)
{
    struct saga_slice words = saga_message_header(letter, "saga_message"),
                      reason = saga_message_header(letter, "saga_reason");
    return saga_call_fail(
        call, SAGA_EXIT_FAILED,
        saga_arena_printf(call->arena,
                          "mend what it says and send it again; `saga dead-letters show %d/%" PRId64
                          "` has it as it was",
                          (int)letter->partition, letter->offset)
            .data,
        "it was taken and put aside, as %s: %s", saga_printable(call->arena, reason),
        saga_printable(call->arena, words));
}

/* Looks at the newest dead letters. True: what was sent is among them, and words have been said. */
static bool is_put_aside(struct saga_call *call, struct saga_reader *letters,
                         const struct saga_position *sent)
{
    struct saga_bus_records records;
    int64_t position;
    bool end, found = false;
    if (saga_reader_read(letters, 1, RECORDS_MAX, &records, &position, &end) < 0) return false;
    for (size_t i = 0; i < records.count && !found; i++) {
        found = saga_answer_is_letter_of(&records.items[i], sent);
        if (found) (void)say_letter(call, &records.items[i]);
    }
    saga_reader_release(letters, &records);
    return found;
}

/* ---- the journal ---- */

static bool find(struct saga_call *call, const struct saga_bus_records *records,
                 struct saga_slice id, struct saga_journal_record *ret, int64_t *ret_offset)
{
    for (size_t i = 0; i < records->count; i++) {
        struct saga_diagnostic diagnostic;
        struct saga_journal_record record;
        struct saga_slice bytes = saga_arena_copy(call->arena, records->items[i].value);
        if (saga_journal_decode(call->codec, bytes, call->arena, &record, &diagnostic) < 0 ||
            !saga_slice_equal(record.cause.id, id))
            continue; /* what cannot be read is not our answer; `saga replay` speaks of it */
        saga_open_record_for_people(call, (uint32_t)records->items[i].partition, &record,
                                    call->arena);
        *ret = record;
        *ret_offset = records->items[i].offset;
        return true;
    }
    return false;
}

/* Whoever asks for the saga next shall find what has been said of it. What Redis is like is not this command's to tell. */
static void await_redis(struct saga_call *call, uint32_t lane, int64_t offset)
{
    struct saga_lane_status status = { 0 };
    if (saga_call_views(call) != SAGA_EXIT_DONE) return;
    for (int waited_ms = 0; waited_ms < REDIS_MS; waited_ms += REDIS_STEP_MS) {
        if (saga_views_lane(call->views, lane, call->arena, &status) < 0) return;
        if (status.present && status.applied > offset) return;
        saga_sleep_ms(REDIS_STEP_MS);
    }
}

static int cannot_read(const struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the journal cannot be read: %s",
                          saga_client_problem(call->client));
}

int saga_answer_wait(struct saga_call *call, const struct saga_answer *answer, struct saga_slice id,
                     int64_t timeout_ms, struct saga_journal_record *ret, bool *ret_found)
{
    struct saga_reader *reader, *letters = NULL;
    int64_t until_ms = saga_now_ms() + timeout_ms, position, offset = 0;
    bool aside = false;
    int error = saga_reader_open(call->client, call->topics.journal, (int32_t)answer->lane,
                                 answer->from, &reader);
    *ret_found = false;
    if (error < 0) return cannot_read(call);
    if (answer->letters_from >= 0 &&
        saga_reader_open(call->client, call->topics.dead_letters, (int32_t)answer->lane,
                         answer->letters_from, &letters) < 0)
        letters = NULL; /* it is then told as one that nobody has taken */
    while (!*ret_found && !aside && saga_now_ms() < until_ms) {
        struct saga_bus_records records;
        bool end;
        error = saga_reader_read(reader, POLL_MS, RECORDS_MAX, &records, &position, &end);
        if (error == SAGA_OK) {
            *ret_found = find(call, &records, id, ret, &offset);
            saga_reader_release(reader, &records);
        } else if (error != SAGA_E_AGAIN) {
            break;
        }
        aside = letters && !*ret_found && is_put_aside(call, letters, &answer->sent);
    }
    saga_reader_close(reader);
    if (letters) saga_reader_close(letters);
    if (aside) return SAGA_EXIT_FAILED;
    if (*ret_found) await_redis(call, answer->lane, offset);
    return error == SAGA_OK || error == SAGA_E_AGAIN ? SAGA_EXIT_DONE : cannot_read(call);
}

void saga_answer_missed(const struct saga_call *call, int64_t timeout_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    saga_duration_format(timeout_ms, text);
    saga_call_fail(call, SAGA_EXIT_FAILED,
                   "is a coordinator running? `saga doctor` shows who has the lanes; what was "
                   "sent stays in the inbox and is taken when one comes",
                   "it was sent, but nobody has taken it within %s", text);
}

struct saga_slice saga_new_id(struct saga_arena *arena)
{
    uint8_t bytes[16];
    char text[2 * sizeof bytes + 1];
    int error = saga_random(bytes, sizeof bytes);
    SAGA_ASSERT(error == SAGA_OK);
    saga_hex(bytes, sizeof bytes, text);
    return saga_arena_copy(arena, saga_slice_of(text));
}

const char *saga_host_name(struct saga_arena *arena)
{
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) < 0 || !name[0]) return "unknown";
    return saga_arena_string(arena, saga_slice_of(name));
}

const char *saga_user_name(struct saga_arena *arena)
{
    const char *name = getenv("USER");
    const struct passwd *entry;
    if (name && *name) return saga_arena_string(arena, saga_slice_of(name));
    entry = getpwuid(getuid());
    if (entry) return saga_arena_string(arena, saga_slice_of(entry->pw_name));
    return saga_arena_printf(arena, "uid %u", (unsigned)getuid()).data;
}
