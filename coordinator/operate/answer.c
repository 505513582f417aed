#include "operate/answer.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "operate/output.h"

enum { POLL_MS = 100, RECORDS_MAX = 500 };

int saga_answer_prepare(struct saga_call *call, uint32_t lane, struct saga_answer *ret)
{
    int64_t low;
    int code = saga_call_codec(call);
    ret->lane = lane;
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_client_watermarks(call->client, call->topics.journal, (int32_t)lane,
                               SAGA_CALL_TIMEOUT_MS, &low, &ret->from) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga topics check` looks at the topics",
                          "the journal cannot be read: %s", saga_client_problem(call->client));
}

static bool find(struct saga_call *call, const struct saga_bus_records *records,
                 struct saga_slice id, struct saga_journal_record *ret)
{
    for (size_t i = 0; i < records->count; i++) {
        struct saga_diagnostic diagnostic;
        struct saga_journal_record record;
        struct saga_slice bytes = saga_arena_copy(call->arena, records->items[i].value);
        if (saga_journal_decode(call->codec, bytes, call->arena, &record, &diagnostic) < 0 ||
            !saga_slice_equal(record.cause.id, id))
            continue; /* what cannot be read is not our answer; `saga replay` speaks of it */
        *ret = record;
        return true;
    }
    return false;
}

int saga_answer_wait(struct saga_call *call, const struct saga_answer *answer, struct saga_slice id,
                     int64_t timeout_ms, struct saga_journal_record *ret, bool *ret_found)
{
    struct saga_reader *reader;
    int64_t until_ms = saga_now_ms() + timeout_ms, position;
    int error = saga_reader_open(call->client, call->topics.journal, (int32_t)answer->lane,
                                 answer->from, &reader);
    *ret_found = false;
    if (error < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the journal cannot be read: %s",
                              saga_client_problem(call->client));
    while (!*ret_found && saga_now_ms() < until_ms) {
        struct saga_bus_records records;
        bool end;
        error = saga_reader_read(reader, POLL_MS, RECORDS_MAX, &records, &position, &end);
        if (error == SAGA_E_AGAIN) continue;
        if (error < 0) break;
        *ret_found = find(call, &records, id, ret);
        saga_reader_release(reader, &records);
    }
    saga_reader_close(reader);
    if (error == SAGA_OK || error == SAGA_E_AGAIN) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the journal cannot be read: %s",
                          saga_client_problem(call->client));
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
