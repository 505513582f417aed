/* A sign of life on standard error of what may take long: a bar for a terminal, a line now and then for a log. */
#ifndef SAGA_OPERATE_PROGRESS_H
#define SAGA_OPERATE_PROGRESS_H

#include "operate/command.h"

struct saga_progress {
    bool bar;          /* a terminal looks at standard error */
    bool silent;       /* a daemon says nothing there */
    uint64_t records;  /* so far: the caller's to count */
    uint64_t expected; /* at most */
    int64_t started_ms, shown_ms;
};
void saga_progress_begin(struct saga_progress *progress, const struct saga_call *call,
                         uint64_t expected);
/* Says how far it is, if it is time. */
void saga_progress_show(struct saga_progress *progress);
/* Takes the bar away again. */
void saga_progress_end(const struct saga_progress *progress);

#endif
