#include "base/message.h"

struct saga_slice saga_message_header(const struct saga_message *message, const char *name)
{
    struct saga_slice wanted = saga_slice_of(name);
    for (size_t i = message->header_count; i > 0; i--)
        if (saga_slice_equal(message->headers[i - 1].name, wanted))
            return message->headers[i - 1].value;
    return SAGA_SLICE_NONE;
}
