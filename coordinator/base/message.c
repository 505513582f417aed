#include "base/message.h"

struct saga_slice saga_message_header(const struct saga_message *message, const char *name)
{
    for (size_t i = message->header_count; i > 0; i--)
        if (saga_slice_is(message->headers[i - 1].name, name)) return message->headers[i - 1].value;
    return SAGA_SLICE_NONE;
}
