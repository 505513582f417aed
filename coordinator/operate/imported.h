/* The mark of topics that `saga audit import` has made: a topic of one partition, whose last record says how far the import
 * came. It is made before all others, so that whoever finds those finds it too, and no coordinator begins to send the
 * commands that the timers of an old journal ask for. */
#ifndef SAGA_OPERATE_IMPORTED_H
#define SAGA_OPERATE_IMPORTED_H

#include "base/time.h"
#include "operate/command.h"

struct saga_imported {
    bool present;                    /* there is such a mark; else the rest means nothing */
    bool done;                       /* the import came to its end */
    char time[SAGA_TIME_TEXT_BYTES]; /* when it began, or ended */
};
/* Looks for the mark. An exit code, words said. */
int saga_imported_look(struct saga_call *call, struct saga_imported *ret);
/* Makes it, or adds to it. `manifest_sha256`: of the export. An exit code, words said. */
int saga_imported_mark(struct saga_call *call, bool done, const char *manifest_sha256);
/* Are these topics an import's, as far as this client may see? The client is open. */
bool saga_imported_is_here(struct saga_call *call);
/* For a command that asks a coordinator to do something: refuses where none will ever run. An exit code, words said. */
int saga_imported_refuse(struct saga_call *call);

#endif
