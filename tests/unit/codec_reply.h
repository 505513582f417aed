/* An answer as services send it, for the tests of records. */
#ifndef SAGA_TESTS_UNIT_CODEC_REPLY_H
#define SAGA_TESTS_UNIT_CODEC_REPLY_H

#include "codec/message.h"
#include "in_arena.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_is(struct saga_slice slice, const char *text)
{
    assert_string_equal(saga_arena_string(&arena, slice), text);
}

#define ID "order-fulfilment/o/1/r9f2a71c0d3e"

static struct saga_header headers[] = {
    { { "ce_type", 7 }, { "CardCharged", 11 } },
    { { "x", 1 }, { "", 0 } },
    { { "ce_type", 7 }, { "Last", 4 } },
    { { "none", 4 }, { NULL, 0 } },
};

static struct saga_message reply(void)
{
    return (struct saga_message){ .topic = SAGA_SLICE("payments.replies"),
                                  .partition = 5,
                                  .offset = 8000000000,
                                  .key = SAGA_SLICE("o/1"),
                                  .value = SAGA_SLICE("{\"chargeId\":9007199254740993}"),
                                  .headers = headers,
                                  .header_count = COUNT(headers) };
}

#endif
