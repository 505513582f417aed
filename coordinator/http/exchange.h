/* One request and its answer. Made when the request line is there, freed when the answer is sent; at any time one thread
 * has it: the one that reads from the network, a thread of a pool, or whoever completes it later (saga_exchange_later). */
#ifndef SAGA_HTTP_EXCHANGE_H
#define SAGA_HTTP_EXCHANGE_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/slice.h"
#include "operate/command.h"
#include "runtime/filter.h"

struct MHD_Connection;
struct MHD_Response;
struct saga_http;
struct saga_http_route;
struct saga_stream;

enum saga_http_role {
    SAGA_ROLE_NONE, /* whom nobody knows */
    SAGA_ROLE_VIEWER,
    SAGA_ROLE_OPERATOR,
    SAGA_ROLE_DEPLOYER
};

/* Who is asking. Texts are in the exchange's arena, or static. */
struct saga_identity {
    struct saga_slice subject; /* as the journal names them */
    enum saga_http_role role;
    const char *how; /* "none", "token", "oidc", "certificate" */
};

struct saga_parameter {
    struct saga_slice name, value;
};

/* A request's target, taken apart: percent escapes are resolved behind the taking apart, so that a `%2F` in a key stays in
 * its segment. */
struct saga_target {
    struct saga_slice segments[SAGA_HTTP_SEGMENTS_MAX];
    size_t segment_count;
    struct saga_parameter parameters[SAGA_HTTP_PARAMETERS_MAX];
    size_t parameter_count;
};

struct saga_exchange {
    struct saga_http *http;
    struct MHD_Connection *connection;
    struct saga_arena arena;
    int64_t began_ms; /* monotonic */

    struct saga_slice raw_target;
    const char *method;
    bool head_seen; /* the headers were looked at */
    struct saga_target target;
    const struct saga_http_route *route; /* NULL: none fits */
    struct saga_slice path_values[4];    /* of the route's {…} */
    struct saga_identity identity;
    char peer[64]; /* address of the client */
    struct saga_buffer body;
    size_t body_bytes; /* counted in saga_http.bodies_bytes */

    /* The answer. */
    bool answered;
    unsigned status;
    const char *content_type;
    struct saga_slice answer;   /* in the arena, or static */
    struct saga_slice location; /* a header; absent: none */
    const char *allow;          /* of 405 */
    unsigned retry_after_s;     /* of 429 and 503; 0: none */
    bool challenge;             /* of 401 */
    bool cached; /* the browser may keep it: static files with their hash in the name */
    const char *etag;
    bool gzipped;
    struct saga_stream *stream; /* instead of `answer`: goes on and on (stream.h) */

    struct saga_call
        *call;   /* Kafka and Redis of the thread that handles it; NULL on the network's thread */
    bool *later; /* set by saga_exchange_later */
    void *handling; /* the handler's own, for what it does later */
    void (*again)(
        struct saga_exchange *x); /* instead of the route's handler, when it is handled again */
    void *waited;                 /* private to waiting.c */
    struct saga_exchange *next;   /* in a queue */
};

/* A handler that has not answered when it returns says so before it gives the exchange to whoever will
 * (saga_exchange_complete). */
void saga_exchange_later(struct saga_exchange *x);

/* ---- answers; each request gets one ---- */

/* JSON that the buffer holds, in the exchange's arena. */
void saga_exchange_answer(struct saga_exchange *x, unsigned status, struct saga_buffer *json);
/* Takes over the reference. */
void saga_exchange_answer_json(struct saga_exchange *x, unsigned status, json_t *json);
/* A problem document (RFC 9457): `word` is what its type ends with. `mend` may be NULL. */
void saga_exchange_problem(struct saga_exchange *x, unsigned status, const char *word,
                           const char *mend, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same with further members, which it takes over. */
void saga_exchange_problem_with(struct saga_exchange *x, unsigned status, const char *word,
                                const char *mend, struct saga_slice detail, json_t *members);
/* Such a document. The caller's. */
json_t *saga_problem_json(unsigned status, const char *word, const char *mend,
                          struct saga_slice detail);
/* What one of the commands' functions said went wrong (call->problem). `code` is what it gave back; where that is
 * SAGA_EXIT_FAILED, `status` says what that means here. */
void saga_exchange_failed(struct saga_exchange *x, int code, unsigned status, const char *word);

/* Appends a value as JSON text; takes over the reference. */
void saga_buffer_add_json(struct saga_buffer *buffer, json_t *json);
/* Ends an object whose text is there but for its last brace, with the members of another; takes over the reference. */
void saga_buffer_add_members(struct saga_buffer *buffer, json_t *object);

/* ---- headers and parameters ---- */

/* A header's value; of one that comes several times all, with commas between them (RFC 9110, 5.3). Absent: there is none. */
struct saga_slice saga_exchange_header(struct saga_exchange *x, const char *name);
/* Of the query; absent where it was not given. */
struct saga_slice saga_exchange_parameter(const struct saga_exchange *x, const char *name);
/* Each of these gives false where the value is none, and has answered 400. */
bool saga_exchange_bool(struct saga_exchange *x, const char *name, bool otherwise, bool *ret);
bool saga_exchange_number(struct saga_exchange *x, const char *name, unsigned long long min,
                          unsigned long long max, unsigned long long otherwise,
                          unsigned long long *ret);
/* Longer than SAGA_HTTP_WAIT_MS_MAX is as long as that. */
bool saga_exchange_duration(struct saga_exchange *x, const char *name, int64_t otherwise,
                            int64_t *ret_ms);
bool saga_exchange_time(struct saga_exchange *x, const char *name, int64_t otherwise,
                        int64_t *ret_ms);
/* A text of 1 to `max` characters, in UTF-8; an absent one stays absent. */
bool saga_exchange_words(struct saga_exchange *x, const char *name, size_t max,
                         struct saga_slice *ret);
/* A name of a definition or of a step, also of the path. `what` names it in words. */
bool saga_exchange_name(struct saga_exchange *x, struct saga_slice value, const char *what);

/* A filter of sagas; ages in it count back from `now_ms`. False: it has answered, with the place of the fault. */
bool saga_exchange_where(struct saga_exchange *x, struct saga_slice text, int64_t now_ms,
                         struct saga_filter *ret);

/* ---- bodies ---- */

/* The body as a JSON object of these members, of which the first `required` must be there; absent where one is not. Valid
 * JSON, nothing else in it. False: it has answered. */
bool saga_exchange_members(struct saga_exchange *x, const char *const *names, size_t count,
                           size_t required, struct saga_slice *ret);
/* A member's text of min to max bytes; an absent one stays absent. False: it has answered. */
bool saga_exchange_text(struct saga_exchange *x, const char *name, struct saga_slice json,
                        size_t min, size_t max, struct saga_slice *ret);

/* ---- target.c: pure ---- */

/* Errors: SAGA_E_INVALID with a phrase (no path, bad escapes, NUL, empty or dot segments, too many of something). */
int saga_target_parse(struct saga_slice raw, struct saga_arena *arena, struct saga_target *ret,
                      const char **ret_why);
/* The escaped form of one segment. */
void saga_target_escape(struct saga_slice segment, struct saga_buffer *out);

/* ---- cursor.c: pure ---- */

/* A place in a list: a number and a text, as an opaque word. */
struct saga_slice saga_cursor_write(struct saga_arena *arena, char list, int64_t number,
                                    struct saga_slice text);
/* Errors: SAGA_E_INVALID (of another list, or no cursor at all). `*ret_text` is in the arena. */
int saga_cursor_read(struct saga_slice cursor, char list, struct saga_arena *arena,
                     int64_t *ret_number, struct saga_slice *ret_text);
/* The request's; false: it has answered. `*ret_given`: there is one. */
bool saga_exchange_cursor(struct saga_exchange *x, char list, bool *ret_given, int64_t *ret_number,
                          struct saga_slice *ret_text);

#endif
