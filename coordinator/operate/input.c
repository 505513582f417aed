#include "operate/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"

static int read_file(struct saga_call *call, const char *path, struct saga_slice *ret)
{
    saga_memory_watch();
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    saga_memory_check("opening a file");
    if (!file)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s cannot be read: %s", path,
                              strerror(errno));
    char *text = saga_arena_alloc(call->arena, SAGA_PAYLOAD_BYTES_MAX + 1);
    size_t size = fread(text, 1, SAGA_PAYLOAD_BYTES_MAX + 1, file);
    int failed = ferror(file);
    if (file != stdin) fclose(file);
    if (failed) return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s cannot be read", path);
    if (size > SAGA_PAYLOAD_BYTES_MAX)
        return saga_call_fail(call, SAGA_EXIT_FAILED,
                              "put large content into an object store, and its address here",
                              "the input is larger than 1 MiB");
    *ret = (struct saga_slice){ text, size };
    return SAGA_EXIT_DONE;
}

int saga_input_read(struct saga_call *call, int key, struct saga_slice *ret)
{
    const char *path = saga_call_option(call, key), *why;
    size_t offset;
    *ret = SAGA_SLICE("{}");
    if (!path) return SAGA_EXIT_DONE;
    int code = read_file(call, path, ret);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_json_validate(*ret, &offset, &why) == SAGA_OK) {
        *ret = saga_json_trim(*ret);
        return SAGA_EXIT_DONE;
    }
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s is no JSON: %s at byte %zu",
                          strcmp(path, "-") == 0 ? "the input" : path, why, offset);
}
