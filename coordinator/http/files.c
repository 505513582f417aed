/* The browser view's files, which are part of the binary (ui/files.h). */
#include <microhttpd.h>

#include "http/server.h"
#include "ui/files.h"

static const char *header(const struct saga_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

void saga_http_file(struct saga_exchange *x)
{
    struct saga_slice path = x->raw_target;
    const char *query = memchr(path.data, '?', path.size);
    if (query) path.size = (size_t)(query - path.data);
    const struct saga_ui_file *file = saga_ui_file(path);
    if (!file) {
        saga_exchange_problem(x, 404, "not-found", "/openapi.yaml says what there is",
                              "there is nothing at this path");
        return;
    }
    const char *accepted = header(x, "Accept-Encoding"), *known = header(x, "If-None-Match");
    bool gzip = file->gzip.data && accepted && strstr(accepted, "gzip");
    x->answered = true;
    x->etag = gzip ? file->gzip_etag : file->etag;
    x->cached = file->immutable;
    x->content_type = file->content_type;
    x->gzipped = gzip;
    x->status = 200;
    x->answer = gzip ? file->gzip : file->bytes;
    if (!known || strcmp(known, x->etag) != 0) return;
    x->status = 304;
    x->answer = SAGA_SLICE("");
    x->gzipped = false;
}
