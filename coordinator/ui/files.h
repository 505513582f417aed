/* The browser view's files (ui/dist), which are part of the binary: nothing is read from a disk, so no path leads anywhere else.
 * Each is there as it is and as gzip; both last as long as the program. */
#ifndef SAGA_UI_FILES_H
#define SAGA_UI_FILES_H

#include <stdbool.h>

#include "base/slice.h"

struct saga_ui_file {
    struct saga_slice path;   /* "/assets/index-3f2a.js" */
    const char *content_type; /* with its charset, where it is text */
    const char *etag; /* in its quotes; of what the file holds. The gzip form has `gzip_etag`. */
    const char *gzip_etag;
    bool immutable; /* its name changes with its content: a browser need not ask again */
    struct saga_slice bytes;
    struct saga_slice gzip; /* no data: it would not be smaller */
};

/* The file at a path as a request names it, without query; "/" is the page itself. NULL: there is none. A path is compared as it
 * is: `..`, `//`, percent signs and the like find nothing. */
const struct saga_ui_file *saga_ui_file(struct saga_slice path);

/* All of them, made by coordinator/embed_files.cmake. */
extern const struct saga_ui_file saga_ui_files[];
extern const size_t saga_ui_file_count;

#endif
