#include "http/companion.h"

#include "base/error.h"
#include "http/http.h"

static int open(struct saga_call *call, void **ret)
{
    struct saga_http *http;
    struct saga_diagnostic diagnostic = { 0 };
    if (!call->config.http.address) return SAGA_EXIT_DONE;
    if (saga_http_open(&call->config, call->arena, &http, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    *ret = http;
    return SAGA_EXIT_DONE;
}

static int start(struct saga_call *call, void *self, struct saga_daemon *daemon)
{
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_http_start(self, daemon, call->arena, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    return SAGA_EXIT_DONE;
}

static void stop(void *self)
{
    saga_http_stop(self);
}

const struct saga_companion saga_http_companion = { open, start, stop };
