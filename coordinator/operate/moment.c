#include "operate/moment.h"

#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "operate/output.h"

static bool read_time(const char *text, int64_t *ret_ms)
{
    int64_t ago_ms;
    if (saga_time_parse(saga_slice_of(text), ret_ms) == SAGA_OK) return true;
    if (saga_duration_parse(saga_slice_of(text), &ago_ms) < 0) return false;
    *ret_ms = saga_now_ms() - ago_ms;
    return true;
}

static bool read_offset(struct saga_slice digits, int64_t *ret)
{
    unsigned long long number;
    if (saga_slice_to_u64(digits, &number) < 0 || number > INT64_MAX) return false;
    *ret = (int64_t)number;
    return true;
}

static bool read_place(const char *text, struct saga_moment *ret)
{
    const char *slash = strchr(text, '/');
    ret->is_place = true;
    ret->lane = -1;
    if (!slash) return read_offset(saga_slice_of(text), &ret->offset);
    return read_offset((struct saga_slice){ text, (size_t)(slash - text) }, &ret->lane) &&
           read_offset(saga_slice_of(slash + 1), &ret->offset);
}

int saga_moment_parse_time(const struct saga_call *call, const char *text, int64_t *ret_ms)
{
    if (read_time(text, ret_ms)) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          "write it as 2026-11-23T12:13:14Z, or as 10m, 2h, 7d for so long ago",
                          "\"%s\" is not a time", text);
}

int saga_moment_parse(const struct saga_call *call, const char *text, struct saga_moment *ret)
{
    *ret = (struct saga_moment){ .lane = -1 };
    if (read_time(text, &ret->time_ms)) {
        if (ret->time_ms > saga_now_ms())
            fprintf(saga_call_words(call),
                    "%s is still to come: told is what the journal's end gives\n", text);
        return SAGA_EXIT_DONE;
    }
    if (!read_place(text, ret))
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "write it as 2026-11-23T12:13:14Z, as 10m, 2h, 7d for so long ago, "
                              "as LANE/OFFSET, or with a saga's id as OFFSET",
                              "\"%s\" is neither a time nor a place in the journal", text);
    if (ret->lane < (int64_t)call->config.lanes) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "there is no lane %lld: they are 0 to %u",
                          (long long)ret->lane, call->config.lanes - 1);
}
