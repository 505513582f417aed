/* `saga history`: a saga's story out of the journal, event by event. */
#include "operate/history.h"

#include <inttypes.h>

#include "operate/definitions.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/sagas.h"

enum { KEY_BODIES = 512, KEY_SCAN };

/* ---- what is missing ---- */

static bool tell_missing_of(struct saga_call *call, const struct saga_told_run *run)
{
    if (run->cut)
        fprintf(saga_call_words(call),
                "saga history: the %" PRIu64 " records before these were deleted from the journal "
                "by its retention\n",
                run->cut);
    if (run->holes)
        fprintf(saga_call_words(call),
                "saga history: %" PRIu64
                " of the records between these are missing: the journal was "
                "changed, and the story is not whole; `saga replay --verify` says more\n",
                run->holes);
    return run->holes == 0;
}

/* False: the story has holes that no retention makes. */
static bool tell_missing(struct saga_call *call, const struct saga_history *history)
{
    struct saga_told_run *runs;
    size_t count;
    bool whole = true;
    saga_history_runs(history, &runs, &count);
    for (size_t i = 0; i < count; i++)
        if (!tell_missing_of(call, &runs[i])) whole = false;
    saga_history_runs_free(runs, count);
    if (history->count == 0)
        fprintf(saga_call_words(call),
                "saga history: all %" PRIu64 " records were deleted from the journal by its "
                "retention; `saga show` tells where the saga stands\n",
                history->sequence);
    if (history->unreadable)
        fprintf(saga_call_words(call),
                "saga history: %u %s under this key could not be read; `saga replay --verify` says "
                "more\n",
                history->unreadable, history->unreadable == 1 ? "record" : "records");
    return whole;
}

/* ---- telling ---- */

struct saga_slice saga_history_json(const struct saga_history *history,
                                    const struct saga_told_run *run, size_t index, bool bodies)
{
    const struct saga_told_record *told = &run->records[index];
    struct saga_buffer out;
    saga_buffer_init(&out, history->arena);
    saga_buffer_printf(&out, "{\"lane\":%u,\"offset\":%" PRId64 ",", history->lane, told->offset);
    if (index) saga_buffer_printf(&out, "\"gapMs\":%" PRId64 ",", saga_told_gap_ms(run, index));
    struct saga_slice json = saga_journal_json(&told->record, bodies, history->arena);
    saga_buffer_add(&out, saga_slice_skip(json, 1));
    return saga_buffer_slice(&out);
}

static void print_json(struct saga_call *call, const struct saga_history *history, bool bodies)
{
    struct saga_slice *items = SAGA_NEW_ARRAY(call->arena, struct saga_slice, history->count);
    struct saga_told_run *runs;
    size_t run_count, count = 0;
    saga_history_runs(history, &runs, &run_count);
    for (size_t i = 0; i < run_count; i++)
        for (size_t k = 0; k < runs[i].count; k++)
            items[count++] = saga_history_json(history, &runs[i], k, bodies);
    saga_history_runs_free(runs, run_count);
    saga_print_json_slices(call, items, count);
}

/* The definition of the newest run, which names the participants. */
static struct saga_definition *find_definition(struct saga_call *call,
                                               const struct saga_history *history)
{
    const char *why = NULL;
    if (history->count == 0) return NULL;
    const struct saga_journal_record *last = &history->records[history->count - 1].record;
    struct saga_state named = { .name = last->name,
                                .version = last->version,
                                .sha256 = last->sha256 };
    struct saga_definition *definition = saga_definition_of_state(call, &named, &why);
    if (!definition)
        fprintf(saga_call_words(call),
                "saga history: topics stand for the participants, as the definition cannot be had: "
                "%s\n",
                why);
    return definition;
}

static void print_drawn(struct saga_call *call, const struct saga_history *history, bool bodies)
{
    struct saga_definition *definition =
        call->output == SAGA_OUTPUT_TEXT ? NULL : find_definition(call, history);
    struct saga_history_view view = { definition, bodies };
    struct saga_buffer out;
    saga_buffer_init(&out, call->arena);
    if (call->output == SAGA_OUTPUT_MERMAID)
        saga_history_mermaid(history, &view, &out);
    else if (call->output == SAGA_OUTPUT_HTML)
        saga_history_html(history, &view, &out);
    else
        saga_history_text(history, &view, &out);
    struct saga_slice text = saga_buffer_slice(&out);
    fwrite(text.data, 1, text.size, stdout);
    saga_definition_free(definition);
}

/* The values that were forgotten are covered by words; who had it done, is told once for each run. */
static void tell_forgotten(struct saga_call *call, const struct saga_history *history)
{
    struct saga_slice told = SAGA_SLICE_NONE;
    if (!call->openings) return; /* nothing of it is sealed */
    for (size_t i = 0; i < history->count; i++) {
        const struct saga_journal_record *record = &history->records[i].record;
        if (saga_slice_equal(record->run, told)) continue;
        told = record->run;
        struct saga_slice words =
            saga_forgotten_by(call, history->lane, record->saga_id, record->run);
        if (words.size)
            fprintf(saga_call_words(call), "saga history: the values of run %.*s were %.*s\n",
                    SAGA_SLICE_ARG(record->run), SAGA_SLICE_ARG(words));
    }
}

static int run(struct saga_call *call)
{
    struct saga_address address;
    struct saga_history history;
    bool bodies = saga_call_has(call, KEY_BODIES);
    int code = saga_address_parse(call, call->arguments[0], call->config.lanes, &address);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_history_read(call, &address, saga_call_has(call, KEY_SCAN), &history);
    if (code != SAGA_EXIT_DONE) return code;
    if (history.count == 0 && history.sequence == 0)
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga list` shows what there is",
                              "the journal has nothing of a saga %s", call->arguments[0]);
    if (call->output == SAGA_OUTPUT_JSON || call->output == SAGA_OUTPUT_JSONL)
        print_json(call, &history, bodies);
    else
        print_drawn(call, &history, bodies);
    fflush(stdout);
    tell_forgotten(call, &history);
    return tell_missing(call, &history) ? SAGA_EXIT_DONE : SAGA_EXIT_FAILED;
}

static const struct argp_option options[] = {
    { "bodies", KEY_BODIES, NULL, 0, "with the bodies of events, commands and results", 0 },
    { "scan", KEY_SCAN, NULL, 0, "read all of the lane's journal: earlier runs of the id too", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_history = {
    .name = "history",
    .arguments = "ID",
    .summary = "tell a saga's story: every event, and what followed from it",
    .details =
        "Out of the journal, as far back as that is kept, with the time since the event before and "
        "where each was read: topic[partition]@offset. Times are UTC. What Redis no longer knows "
        "is "
        "looked for in all of the lane's journal. -o mermaid draws a sequence diagram for any "
        "Markdown "
        "page, -o html a page by itself, to keep or to send on.",
    .examples = "  saga history order-fulfilment/o-4711\n"
                "  saga history order-fulfilment/o-4711 --bodies -o jsonl\n"
                "  saga history order-fulfilment/o-4711 --bodies -o html > o-4711.html",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .has_drawn = true,
    .run = run,
};
