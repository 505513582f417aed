/* A saga's history, out of the journal. */
#include "http/story.h"

#include <inttypes.h>

#include "http/server.h"
#include "operate/history.h"
#include "operate/output.h"
#include "operate/teller.h"
#include "operate/words.h"

enum { PAGE_DEFAULT = 100 };

/* What a page shows of the whole. */
struct part {
    int64_t after; /* the offset behind which it begins; -1: the beginning */
    size_t left;   /* rows that still fit */
    int64_t last;  /* the last that is shown */
    bool more;
    bool bodies;
};

static json_t *says_of(struct saga_teller *teller, const struct saga_journal_record *record,
                       struct saga_arena *arena)
{
    json_t *list = json_array();
    for (size_t i = 0; i < record->fact_count; i++) {
        struct saga_buffer words;
        saga_buffer_init(&words, arena);
        if (saga_teller_tell(teller, &record->facts[i], record->cause.time_ms, &words))
            json_array_append_new(list, saga_json_string(saga_buffer_slice(&words)));
    }
    return list;
}

static void add_record(struct saga_buffer *out, const struct saga_history *history,
                       const struct saga_told_run *run, size_t index, json_t *says, bool bodies)
{
    const struct saga_told_record *told = &run->records[index];
    struct saga_slice json = saga_history_json(history, run, index, bodies);
    struct saga_buffer words, position;
    saga_buffer_init(&words, history->arena);
    saga_buffer_init(&position, history->arena);
    saga_cause_words(&told->record, &words);
    saga_told_position(history, told, &position);
    saga_buffer_add(out, (struct saga_slice){ json.data, json.size - 1 });
    saga_buffer_add(out, SAGA_SLICE(",\"words\":"));
    saga_buffer_add_json_string(out, saga_buffer_slice(&words));
    saga_buffer_add(out, SAGA_SLICE(",\"position\":"));
    saga_buffer_add_json_string(out, saga_buffer_slice(&position));
    saga_buffer_add(out, SAGA_SLICE(",\"says\":"));
    saga_buffer_add_json(out, says);
    saga_buffer_add_char(out, '}');
}

static void add_run(struct saga_buffer *out, const struct saga_history *history,
                    const struct saga_told_run *run, struct part *part)
{
    struct saga_buffer end;
    struct saga_teller teller;
    bool first = true;
    saga_buffer_init(&end, history->arena);
    saga_told_end(run, &end);
    saga_buffer_add(out, SAGA_SLICE("{\"run\":"));
    saga_buffer_add_json_string(out, run->records[0].record.run);
    saga_buffer_printf(out, ",\"cut\":%" PRIu64 ",\"holes\":%" PRIu64 ",\"end\":", run->cut,
                       run->holes);
    saga_buffer_add_json_string(out, saga_buffer_slice(&end));
    saga_buffer_add(out, SAGA_SLICE(",\"items\":["));
    saga_teller_begin(&teller, run->records[0].record.sequence == 1, history->arena);
    for (size_t i = 0; i < run->count; i++) {
        /* told from the beginning: what is said of a fact goes by those before it */
        json_t *says = says_of(&teller, &run->records[i].record, history->arena);
        bool shown = run->records[i].offset > part->after && part->left > 0;
        if (run->records[i].offset > part->after && !shown) part->more = true;
        if (!shown) {
            json_decref(says);
            continue;
        }
        if (!first) saga_buffer_add_char(out, ',');
        first = false;
        add_record(out, history, run, i, says, part->bodies);
        part->left--;
        part->last = run->records[i].offset;
    }
    saga_buffer_add(out, SAGA_SLICE("]}"));
}

static void answer(struct saga_exchange *x, const struct saga_history *history, struct part *part)
{
    struct saga_told_run *runs;
    struct saga_buffer out;
    size_t count;
    saga_buffer_init(&out, &x->arena);
    saga_buffer_add(&out, SAGA_SLICE("{\"saga\":"));
    saga_buffer_add_json_string(&out, history->saga_id);
    saga_buffer_add(&out, SAGA_SLICE(",\"runs\":["));
    saga_history_runs(history, &runs, &count);
    for (size_t i = 0; i < count; i++) {
        if (i) saga_buffer_add_char(&out, ',');
        add_run(&out, history, &runs[i], part);
    }
    saga_history_runs_free(runs, count);
    saga_buffer_printf(&out, "],\"unreadable\":%u,\"next\":", history->unreadable);
    if (part->more)
        saga_buffer_add_json_string(&out,
                                    saga_cursor_write(&x->arena, 'h', part->last, SAGA_SLICE_NONE));
    else
        saga_buffer_add(&out, SAGA_SLICE("null"));
    saga_buffer_add_char(&out, '}');
    saga_exchange_answer(x, 200, &out);
}

void saga_http_history(struct saga_exchange *x)
{
    struct saga_address address;
    struct saga_history history;
    struct part part = { .after = -1 };
    struct saga_slice text;
    unsigned long long limit;
    bool given;
    if (!saga_exchange_address(x, &address) ||
        !saga_exchange_bool(x, "bodies", false, &part.bodies) ||
        !saga_exchange_number(x, "limit", 1, SAGA_HTTP_PAGE_MAX, PAGE_DEFAULT, &limit) ||
        !saga_exchange_cursor(x, 'h', &given, &part.after, &text))
        return;
    if (!given) part.after = -1;
    part.left = (size_t)limit;
    int code = saga_history_read_known(x->call, &address, &history);
    if (code != SAGA_EXIT_DONE)
        saga_exchange_failed(x, code, 503, "journal");
    else
        answer(x, &history, &part);
}
