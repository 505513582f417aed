#include "http/stream.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "http/peers.h"

enum { BLOCK_BYTES = 4096 };

void saga_stream_init(struct saga_stream *stream, struct saga_exchange *x, size_t bytes_max,
                      void (*on_close)(struct saga_stream *stream))
{
    *stream = (struct saga_stream){ .connection = x->connection,
                                    .peer = saga_peer_of(x->connection),
                                    .on_close = on_close,
                                    .bytes_max = bytes_max,
                                    .told_ms = saga_monotonic_ms() };
    pthread_mutex_init(&stream->lock, NULL);
}

void saga_stream_free(struct saga_stream *stream)
{
    pthread_mutex_destroy(&stream->lock);
    free(stream->pending);
}

void saga_exchange_stream(struct saga_exchange *x, struct saga_stream *stream,
                          const char *content_type)
{
    x->stream = stream;
    x->answered = true;
    x->status = 200;
    x->content_type = content_type;
}

/* ---- telling; all of it under the lock ---- */

static void wake(struct saga_stream *stream)
{
    if (!stream->suspended) return;
    stream->suspended = false;
    MHD_resume_connection(stream->connection);
}

/* What was sent makes room for what is told. */
static void make_room(struct saga_stream *stream, size_t size)
{
    size_t left = stream->size - stream->sent;
    if (stream->size + size <= stream->room) return;
    if (left) memmove(stream->pending, stream->pending + stream->sent, left);
    stream->sent = 0;
    stream->size = left;
    if (left + size <= stream->room) return;
    size_t room = 2 * stream->room > left + size ? 2 * stream->room : left + size;
    stream->pending = saga_memory_grow(stream->pending, room);
    stream->room = room;
}

static void add(struct saga_stream *stream, struct saga_slice text)
{
    if (stream->size - stream->sent + text.size > stream->bytes_max) {
        stream->ending = true;
        saga_peer_cut_off(stream->peer);
    } else {
        make_room(stream, text.size);
        memcpy(stream->pending + stream->size, text.data, text.size);
        stream->size += text.size;
        stream->told_ms = saga_monotonic_ms();
    }
    wake(stream);
}

bool saga_stream_tell(struct saga_stream *stream, struct saga_slice text)
{
    pthread_mutex_lock(&stream->lock);
    if (!stream->ending && !stream->closed) add(stream, text);
    bool there = !stream->ending && !stream->closed;
    pthread_mutex_unlock(&stream->lock);
    return there;
}

void saga_stream_end(struct saga_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool first = !stream->ending;
    stream->ending = true;
    if (first && !stream->closed) {
        saga_peer_enter(stream->peer, SAGA_PEER_IS_ANSWERED); /* what is left is read in time */
        wake(stream);
    }
    pthread_mutex_unlock(&stream->lock);
}

/* ---- the network's thread ---- */

static ssize_t on_read(void *context, uint64_t position, char *room, size_t size)
{
    struct saga_stream *stream = context;
    ssize_t given = 0;
    (void)position;
    pthread_mutex_lock(&stream->lock);
    size_t left = stream->size - stream->sent;
    if (left) {
        size_t part = left < size ? left : size;
        memcpy(room, stream->pending + stream->sent, part);
        stream->sent += part;
        given = (ssize_t)part;
    } else if (stream->ending) {
        given = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&stream->lock);
    return given;
}

struct MHD_Response *saga_stream_response(struct saga_stream *stream)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, stream, NULL);
}

void saga_stream_close(struct saga_stream *stream)
{
    if (!stream) return;
    pthread_mutex_lock(&stream->lock);
    stream->closed = true;
    pthread_mutex_unlock(&stream->lock);
    stream->on_close(stream);
}
