/* `saga audit forget`: destroys the key of a saga's values (coordinator/PRIVACY.md). */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"
#include "codec/message.h"
#include "operate/answer.h"
#include "operate/audit.h"
#include "operate/forget_letters.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/sagas.h"

enum { KEY_REASON = 'r', KEY_AS_USER = 256, KEY_WAIT, KEY_DEAD_LETTERS };
enum { WAIT_MS = 10000 };

struct forgetting {
    struct saga_call *call;
    struct saga_address address;
    struct saga_event event;
    int64_t wait_ms;
    size_t live, gone;                                 /* keys of its runs */
    struct saga_named_run named[SAGA_FORGET_RUNS_MAX]; /* the first of the live ones */
    json_t *runs;                                      /* NULL: only counted */
    struct saga_forget_letters letters;
    bool delete_letters;
};

/* ---- its keys ---- */

static json_t *time_or_null(int64_t time_ms)
{
    return time_ms ? saga_json_time(time_ms) : json_null();
}

static void look_at_key(const struct saga_key_record *record, void *context)
{
    struct forgetting *f = context;
    if (record->wrapped.data && f->live < SAGA_FORGET_RUNS_MAX)
        f->named[f->live] = (struct saga_named_run){ saga_arena_copy(f->call->arena, record->run),
                                                     record->created_ms };
    f->live += record->wrapped.data != NULL;
    f->gone += record->wrapped.data == NULL;
    if (!f->runs) return;
    json_array_append_new(
        f->runs,
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "run", saga_json_string(record->run), "started",
                  time_or_null(record->created_ms), "forgotten", time_or_null(record->forgotten_ms),
                  "by", saga_json_string(record->who), "reason", saga_json_string(record->reason)));
}

static int look_at_keys(struct forgetting *f)
{
    const struct saga_keyring *ring;
    int code = saga_call_keys(f->call, f->address.lane, &ring);
    f->live = f->gone = 0;
    if (code == SAGA_EXIT_DONE) saga_keyring_each(ring, f->address.saga_id, look_at_key, f);
    return code;
}

static int say_nothing_sealed(const struct forgetting *f)
{
    return saga_call_fail(
        f->call, SAGA_EXIT_NOT_FOUND,
        "`redact` in a definition encrypts the values of the sagas that start from then on",
        "saga.keys has no key of %s: there was no such saga, or its definition says no `redact` "
        "and its values stand in the open",
        saga_printable(f->call->arena, f->address.saga_id));
}

/* Said here because it is quicker; the coordinator looks once more. Where Redis is away, it alone does. */
static int look_at_saga(struct forgetting *f)
{
    struct saga_call *call = f->call;
    struct saga_state *state;
    if (saga_call_views(call) != SAGA_EXIT_DONE) return SAGA_EXIT_FAILED;
    if (saga_state_read(call, &f->address, true, &state) != SAGA_EXIT_DONE) return SAGA_EXIT_DONE;
    bool ended = saga_status_has_ended(state->status);
    const char *status = saga_status_name(state->status);
    saga_state_free(state);
    if (ended) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "let it end, or end it with saga cancel or saga resolve",
                          "%s is %s: its values are needed until it has ended",
                          saga_printable(call->arena, f->address.saga_id), status);
}

/* ---- the act ---- */

static int send(struct forgetting *f, struct saga_answer *answer)
{
    struct saga_call *call = f->call;
    struct saga_message message;
    saga_operator_message(call->topics.inbox, f->address.lane, f->address.saga_id, f->address.key,
                          &f->event, call->arena, &message);
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &answer->sent) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "say it again: doing it twice is doing it once",
                          "it was not sent: %s", saga_client_problem(call->client));
}

static int refused(const struct forgetting *f, const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++)
        if (record->facts[i].kind == SAGA_FACT_OPERATOR_REFUSED)
            return saga_call_fail(f->call, SAGA_EXIT_FAILED, NULL, "refused: %.*s",
                                  SAGA_SLICE_ARG(record->facts[i].message));
    return SAGA_EXIT_DONE;
}

/* The coordinator has the keys of sagas in memory that have not left; the others are named to it. */
static int ask_once(struct forgetting *f)
{
    struct saga_call *call = f->call;
    struct saga_answer answer;
    struct saga_journal_record record;
    bool found = false;
    f->event.id = saga_new_id(call->arena);
    f->event.runs = f->named;
    f->event.run_count = f->live < SAGA_FORGET_RUNS_MAX ? f->live : SAGA_FORGET_RUNS_MAX;
    int code = saga_answer_prepare(call, f->address.lane, &answer);
    if (code == SAGA_EXIT_DONE) code = send(f, &answer);
    if (code == SAGA_EXIT_DONE)
        code = saga_answer_wait(call, &answer, f->event.id, f->wait_ms, &record, &found);
    if (code != SAGA_EXIT_DONE) return code;
    if (!found) {
        saga_answer_missed(call, f->wait_ms);
        return SAGA_EXIT_FAILED;
    }
    return refused(f, &record);
}

/* Until saga.keys says that they are gone, nothing is claimed. What is left, since it was too much for one command or came
 * meanwhile, is asked for again. */
static int destroy_keys(struct forgetting *f)
{
    struct saga_call *call = f->call;
    while (f->live > 0) {
        size_t before = f->live;
        int code = ask_once(f);
        if (code != SAGA_EXIT_DONE) return code;
        saga_call_keys_again(call);
        code = look_at_keys(f);
        if (code != SAGA_EXIT_DONE) return code;
        if (f->live >= before)
            return saga_call_fail(
                call, SAGA_EXIT_FAILED,
                "say it again; a coordinator of an earlier version does not know it",
                "the coordinator took it, but %zu keys are still there", f->live);
    }
    return SAGA_EXIT_DONE;
}

/* Starts and hops stand in the inbox as they came. What has been taken is not needed there. */
static int clean_inbox(struct forgetting *f)
{
    struct saga_call *call = f->call;
    int32_t partitions = 0;
    if (saga_client_delete_consumed(call->client, call->config.kafka.group, call->topics.inbox.data,
                                    (int32_t)call->config.lanes, SAGA_CALL_TIMEOUT_MS,
                                    &partitions) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(
        call, SAGA_EXIT_FAILED,
        "say it again: what is forgotten stays forgotten; DELETE on the topic and DESCRIBE on the "
        "group must be allowed (kafka-acls.sh)",
        "the key is destroyed, but what %s holds of starts and hops could not be deleted: %s",
        call->topics.inbox.data, saga_client_problem(call->client));
}

/* They are told of in any case, and deleted where that is asked for: what others have in front of them goes with them. */
static int look_at_letters(struct forgetting *f)
{
    int code = saga_forget_letters_find(f->call, &f->address, &f->letters);
    f->delete_letters = saga_call_has(f->call, KEY_DEAD_LETTERS) && f->letters.count;
    if (code != SAGA_EXIT_DONE || !f->delete_letters) return code;
    return saga_forget_letters_delete(f->call, &f->letters);
}

/* ---- the command ---- */

static void print_letters(const struct forgetting *f)
{
    const struct saga_forget_letters *letters = &f->letters;
    if (letters->count == 0) return;
    if (f->delete_letters)
        printf("  %zu dead %s of it, or under its key, %s deleted\n", letters->count,
               letters->count == 1 ? "letter" : "letters", letters->count == 1 ? "is" : "are");
    else
        printf(
            "  %zu dead %s of it, or under its key, %s still there: %s\n"
            "  (--dead-letters deletes them; else they stay for as long as the topic keeps them)\n",
            letters->count, letters->count == 1 ? "letter" : "letters",
            letters->count == 1 ? "is" : "are", letters->places);
}

static int read_options(struct forgetting *f)
{
    struct saga_call *call = f->call;
    const char *reason = saga_call_option(call, KEY_REASON);
    const char *who = saga_call_option(call, KEY_AS_USER);
    f->event = (struct saga_event){
        .kind = SAGA_EVENT_OPERATOR,
        .verb = SAGA_VERB_FORGET,
        .type = saga_slice_of(saga_verb_name(SAGA_VERB_FORGET)),
        .who = saga_slice_of(who && *who ? who : saga_user_name(call->arena)),
        .from = saga_slice_of(saga_host_name(call->arena)),
        .reason = saga_slice_of(reason),
    };
    if (!reason || !*reason)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "--reason 'request 17 of 3 May': say nothing personal in it, as the "
                              "journal keeps it for ever",
                              "it needs --reason");
    if (strlen(reason) > SAGA_MESSAGE_BYTES_MAX)
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "the reason is longer than %d bytes",
                              SAGA_MESSAGE_BYTES_MAX);
    return saga_call_duration(call, KEY_WAIT, WAIT_MS, &f->wait_ms);
}

static void print(struct forgetting *f, size_t destroyed)
{
    struct saga_call *call = f->call;
    if (call->output != SAGA_OUTPUT_TEXT) {
        f->runs = json_array();
        (void)look_at_keys(f);
        saga_print_object(call, json_pack("{s:o, s:I, s:o, s:I, s:b}", "saga",
                                          saga_json_string(f->address.saga_id), "destroyed",
                                          (json_int_t)destroyed, "runs", f->runs, "deadLetters",
                                          (json_int_t)f->letters.count, "deadLettersDeleted",
                                          f->delete_letters));
        return;
    }
    const char *id = saga_printable(call->arena, f->address.saga_id);
    if (destroyed)
        printf("%s: the key of %zu %s is destroyed: nobody can read the values in journal, "
               "snapshots and Redis any more\n",
               id, destroyed, destroyed == 1 ? "run" : "runs");
    else
        printf("%s: was forgotten before\n", id);
    puts("  what the inbox held of starts and hops is deleted; the broker removes files of closed "
         "segments,\n  within about an hour\n"
         "  not touched: topics of services, exports and backups made before");
    print_letters(f);
}

static int run(struct saga_call *call)
{
    struct forgetting f = { .call = call };
    int code = read_options(&f);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_address_parse(call, call->arguments[0], call->config.lanes, &f.address);
    if (code == SAGA_EXIT_DONE) code = look_at_keys(&f);
    if (code != SAGA_EXIT_DONE) return code;
    if (f.live + f.gone == 0) return say_nothing_sealed(&f);
    size_t destroyed = f.live;
    if (f.live) code = look_at_saga(&f);
    if (code == SAGA_EXIT_DONE && f.live) code = destroy_keys(&f);
    if (code == SAGA_EXIT_DONE) code = clean_inbox(&f);
    if (code == SAGA_EXIT_DONE) code = look_at_letters(&f);
    if (code == SAGA_EXIT_DONE) print(&f, destroyed);
    return code;
}

static const struct argp_option options[] = {
    { "reason", KEY_REASON, "TEXT", 0, "why; asked for, and kept in the journal", 0 },
    { "as-user", KEY_AS_USER, "NAME", 0, "who says so; default: $USER", 0 },
    { "dead-letters", KEY_DEAD_LETTERS, NULL, 0,
      "delete its dead letters, and those under its key, too: with all that stands in front of "
      "them",
      0 },
    { "timeout", KEY_WAIT, "DURATION", 0, "how long to wait for the answer (default 10s)", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_audit_forget = {
    .name = "audit forget",
    .arguments = "ID",
    .summary = "destroy the key of a saga's values, so that nobody can read them any more",
    .details =
        "For sagas of definitions with `redact`, once they have ended, also long after they have "
        "left Redis; all runs of the id. The values are gone from journal, snapshots and Redis; "
        "what happened stays, the hash chain still verifies, and who did this and why is "
        "journaled. It cannot be undone. coordinator/PRIVACY.md says what is not covered.",
    .examples = "  saga audit forget order-fulfilment/o-4711 --reason 'erasure request 17'",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run,
};
