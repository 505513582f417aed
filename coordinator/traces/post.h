/* One HTTP request after another to a collector, by libcurl. Bounded: in time, and in what is taken of an answer. */
#ifndef SAGA_TRACES_POST_H
#define SAGA_TRACES_POST_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/slice.h"

struct saga_post_config {
    const char
        *endpoint; /* as saga_post_endpoint_fault allows; one without a path gets /v1/traces */
    const char *headers_file; /* lines `Name: value`, read for every request; NULL: none */
    const char *ca_file; /* certificates that a collector's is checked with; NULL: the system's */
    int timeout_ms;      /* of one request */
};

struct saga_post_answer {
    long status;                   /* of HTTP; 0: there was none, `words` say why */
    struct saga_slice retry_after; /* the header; absent: none */
    struct saga_slice body;        /* its first SAGA_TRACES_ANSWER_BYTES_MAX */
    struct saga_slice words;       /* for people */
};

/* What is wrong with the address, in words; NULL: nothing. */
const char *saga_post_endpoint_fault(const char *endpoint);

struct saga_poster;
/* Texts are the caller's, as long as the poster, which belongs to one thread at a time. `is_over` is asked now and then while a
 * request is under way: true ends it. Freed with saga_poster_free. */
struct saga_poster *saga_poster_new(const struct saga_post_config *config,
                                    bool (*is_over)(void *context), void *context);
void saga_poster_free(struct saga_poster *poster);

/* Sends a body of JSON. Never fails but by what is in `ret`, whose texts are in the arena. */
void saga_post(struct saga_poster *poster, struct saga_slice body, struct saga_arena *arena,
               struct saga_post_answer *ret);

/* Reads the lines of a file of headers: `Name: value`, empty lines and those that begin with # apart. Errors: SAGA_E_INVALID
 * with words that hold nothing of the file's values. */
int saga_post_headers_read(const char *path, struct saga_arena *arena, struct saga_slice **ret,
                           size_t *ret_count, struct saga_diagnostic *diagnostic);

#endif
