#include "operate/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "operate/output.h"

/* Who gives the text itself is shown how. */
static const char *mend_of_path(struct saga_call *call, int key, const char *path)
{
    const struct argp_option *option = call->command->options;
    if (!strchr("{[\"", path[0])) return NULL;
    while (option->key != key) option++;
    return saga_arena_printf(call->arena,
                             "--%s takes a file, or - for standard input: "
                             "echo '{\"orderId\": \"o-1\"}' | saga %s ... --%s -",
                             option->name, call->command->name, option->name)
        .data;
}

static int read_file(struct saga_call *call, int key, const char *path, size_t limit,
                     struct saga_slice *ret)
{
    saga_memory_watch();
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    int cause = errno;
    saga_memory_check("opening a file");
    if (!file)
        return saga_call_fail(call, SAGA_EXIT_FAILED, mend_of_path(call, key, path),
                              "%s cannot be read: %s", path, strerror(cause));
    char *text = saga_arena_alloc(call->arena, limit + 1);
    size_t size = fread(text, 1, limit + 1, file);
    int failed = ferror(file);
    if (file != stdin) fclose(file);
    if (failed) return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s cannot be read", path);
    if (size > limit)
        return saga_call_fail(
            call, SAGA_EXIT_FAILED, "put large content into an object store, and its address here",
            "the input is larger than %s, the limit here", saga_size(call->arena, limit));
    *ret = (struct saga_slice){ text, size };
    return SAGA_EXIT_DONE;
}

void saga_input_place(struct saga_slice text, size_t offset, unsigned *ret_line,
                      unsigned *ret_column)
{
    *ret_line = *ret_column = 1;
    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n') {
            ++*ret_line;
            *ret_column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            ++*ret_column; /* the bytes of one character are one column */
        }
    }
}

static const char *mend_of_json(struct saga_call *call, struct saga_slice text, const char *why)
{
    if (saga_json_trim(text).size == 0) return "it is empty; {} is an object without members";
    if (strstr(why, "deep"))
        return saga_arena_printf(call->arena, "lists and objects may stand in each other %d deep",
                                 SAGA_JSON_DEPTH_MAX)
            .data;
    return "write it as {\"orderId\": \"o-1\", \"amount\": 12.5}: names and texts in double "
           "quotes, "
           "no comma behind the last";
}

int saga_input_read(struct saga_call *call, int key, size_t limit, struct saga_slice *ret)
{
    const char *path = saga_call_option(call, key), *why;
    size_t offset;
    unsigned line, column;
    *ret = SAGA_SLICE("{}");
    if (!path) return SAGA_EXIT_DONE;
    int code = read_file(call, key, path, limit, ret);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_json_validate(*ret, &offset, &why) == SAGA_OK) {
        *ret = saga_json_trim(*ret);
        return SAGA_EXIT_DONE;
    }
    saga_input_place(*ret, offset, &line, &column);
    return saga_call_fail(call, SAGA_EXIT_FAILED, mend_of_json(call, *ret, why),
                          "%s is no JSON: %s at line %u, column %u",
                          strcmp(path, "-") == 0 ? "the input" : path, why, line, column);
}
