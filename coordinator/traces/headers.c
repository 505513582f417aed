/* A file of HTTP headers. What stands in it gives access, so no message ever shows a value. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "traces/post.h"

static int refuse(struct saga_diagnostic *diagnostic, struct saga_arena *arena, const char *path,
                  unsigned line, const char *why)
{
    saga_diagnostic_set(diagnostic, arena, "%s:%u: %s", path, line, why);
    return SAGA_E_INVALID;
}

/* RFC 9110, a token. */
static bool is_token(struct saga_slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!isalnum((unsigned char)name.data[i]) && !strchr("!#$%&'*+-.^_`|~", name.data[i]))
            return false;
    return name.size > 0;
}

static const char *fault_of(struct saga_slice line)
{
    static const char *const ours[] = { "content-type", "content-length", "host",
                                        "transfer-encoding" };
    const char *colon = memchr(line.data, ':', line.size);
    struct saga_slice name = { line.data, colon ? (size_t)(colon - line.data) : 0 };
    if (!colon || !is_token(name)) return "a line `Name: value` is expected";
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (name.size == strlen(ours[i]) && strncasecmp(name.data, ours[i], name.size) == 0)
            return "this header is made by the sender itself";
    for (size_t i = name.size; i < line.size; i++)
        if ((unsigned char)line.data[i] < ' ' || line.data[i] == 0x7f)
            return "a control character in the value";
    return NULL;
}

static int read_lines(struct saga_slice text, const char *path, struct saga_arena *arena,
                      struct saga_slice **ret, size_t *ret_count,
                      struct saga_diagnostic *diagnostic)
{
    struct saga_slice *lines = NULL;
    size_t count = 0, capacity = 0;
    for (unsigned number = 1; text.size; number++) {
        const char *end = memchr(text.data, '\n', text.size);
        struct saga_slice line = { text.data, end ? (size_t)(end - text.data) : text.size };
        text = saga_slice_skip(text, end ? line.size + 1 : line.size);
        while (line.size && isspace((unsigned char)line.data[line.size - 1])) line.size--;
        if (line.size == 0 || line.data[0] == '#') continue;
        const char *fault = fault_of(line);
        if (!fault && count == SAGA_TRACES_HEADERS_MAX) fault = "too many headers";
        if (fault) return refuse(diagnostic, arena, path, number, fault);
        SAGA_PUSH(arena, lines, count, capacity, line);
    }
    *ret = lines;
    *ret_count = count;
    return SAGA_OK;
}

int saga_post_headers_read(const char *path, struct saga_arena *arena, struct saga_slice **ret,
                           size_t *ret_count, struct saga_diagnostic *diagnostic)
{
    char *text = saga_arena_alloc(arena, SAGA_TRACES_HEADERS_BYTES_MAX + 1);
    FILE *file = fopen(path, "re");
    if (!file) {
        saga_diagnostic_set(diagnostic, arena, "the file of headers %s cannot be read: %s", path,
                            strerror(errno));
        return SAGA_E_INVALID;
    }
    size_t size = fread(text, 1, SAGA_TRACES_HEADERS_BYTES_MAX + 1, file);
    int failed = ferror(file);
    fclose(file);
    if (failed || size > SAGA_TRACES_HEADERS_BYTES_MAX) {
        saga_diagnostic_set(diagnostic, arena, "the file of headers %s cannot be read%s", path,
                            failed ? "" : ": it is too large");
        return SAGA_E_INVALID;
    }
    return read_lines((struct saga_slice){ text, size }, path, arena, ret, ret_count, diagnostic);
}
