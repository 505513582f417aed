/* What runs beside the workers, given by who stands above the commands. */
#include "operate/commands.h"

static const struct saga_companion *companion;

void saga_run_with(const struct saga_companion *beside)
{
    companion = beside;
}

int saga_companion_open(struct saga_call *call, void **ret)
{
    *ret = NULL;
    return companion ? companion->open(call, ret) : SAGA_EXIT_DONE;
}

int saga_companion_start(struct saga_call *call, void *self, struct saga_daemon *daemon)
{
    return self ? companion->start(call, self, daemon) : SAGA_EXIT_DONE;
}

void saga_companion_stop(void *self)
{
    if (self) companion->stop(self);
}
