/* An answer that goes on: somebody tells, and the network's thread sends it as fast as the client reads. What is told is kept
 * until then, up to a bound: a client that is further behind is cut off. */
#ifndef SAGA_HTTP_STREAM_H
#define SAGA_HTTP_STREAM_H

#include "http/server.h"

struct saga_stream {
    struct MHD_Connection *connection;
    struct saga_peer *peer;
    /* On the network's thread, when the request is completed, for whatever reason; nothing is told to anybody from then on. The
     * stream is its owner's again. */
    void (*on_close)(struct saga_stream *stream);

    pthread_mutex_t lock; /* of all that follows */
    char *pending;        /* from `sent` up to `size` it is still to be sent */
    size_t sent, size, room, bytes_max;
    int64_t told_ms; /* monotonic */
    bool suspended, ending, closed;
};

/* For the answer of `x`, which is not answered yet. */
void saga_stream_init(struct saga_stream *stream, struct saga_exchange *x, size_t bytes_max,
                      void (*on_close)(struct saga_stream *stream));
/* Frees what it keeps, when it was closed or never was an answer. */
void saga_stream_free(struct saga_stream *stream);
/* Answers 200 with it. */
void saga_exchange_stream(struct saga_exchange *x, struct saga_stream *stream,
                          const char *content_type);

/* From any thread. False: nobody is there any more, or it was cut off. */
bool saga_stream_tell(struct saga_stream *stream, struct saga_slice text);
/* It ends behind what was told. */
void saga_stream_end(struct saga_stream *stream);

/* ---- server.c ---- */
struct MHD_Response *saga_stream_response(struct saga_stream *stream);
/* The request is completed. NULL is fine. */
void saga_stream_close(struct saga_stream *stream);

#endif
