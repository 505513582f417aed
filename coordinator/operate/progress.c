#include "operate/progress.h"

#include <unistd.h>

#include "operate/output.h"

/* How often it says how far it is: a terminal's line is written over, a log's are many. */
enum { BAR_MS = 200, LINE_MS = 10000 };

void saga_progress_begin(struct saga_progress *progress, const struct saga_call *call,
                         uint64_t expected)
{
    int64_t now_ms = saga_now_ms();
    *progress = (struct saga_progress){
        .bar = call->output == SAGA_OUTPUT_TEXT && isatty(STDERR_FILENO),
        .silent = call->command->is_daemon,
        .expected = expected,
        .started_ms = now_ms,
        .shown_ms = now_ms,
    };
}

static void show_bar(const struct saga_progress *p, uint64_t per_s)
{
    unsigned filled = p->expected ? (unsigned)(30 * p->records / p->expected) : 30;
    if (filled > 30) filled = 30;
    fprintf(stderr, "\r[%.*s%*s] %llu records, %llu/s ", (int)filled,
            "##############################", (int)(30 - filled), "",
            (unsigned long long)p->records, (unsigned long long)per_s);
    fflush(stderr);
}

void saga_progress_show(struct saga_progress *p)
{
    int64_t now_ms = saga_now_ms(), took_ms = now_ms - p->started_ms;
    if (p->silent || now_ms - p->shown_ms < (p->bar ? BAR_MS : LINE_MS)) return;
    p->shown_ms = now_ms;
    uint64_t per_s = took_ms > 0 ? p->records * 1000 / (uint64_t)took_ms : 0;
    if (p->bar)
        show_bar(p, per_s);
    else
        fprintf(stderr, "%llu of at most %llu records, %llu/s\n", (unsigned long long)p->records,
                (unsigned long long)p->expected, (unsigned long long)per_s);
}

void saga_progress_end(const struct saga_progress *progress)
{
    if (progress->bar) fprintf(stderr, "\r%60s\r", "");
}
