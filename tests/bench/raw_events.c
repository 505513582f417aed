#include "raw_events.h"

#include <stdio.h>
#include <string.h>

#include "raw_clients.h"

void raw_events_init(struct raw_events *events, int headers)
{
    *events = (struct raw_events){ .random = 88172645463325252ULL, .headers = headers };
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Half of a body compresses well and half hardly, as a business event's does. */
static void fill(char event[RAW_EVENT_BYTES], uint64_t *state)
{
    static const char fixed[] =
        "{\"customerId\":\"customer-\",\"currency\":\"EUR\",\"country\":\"DE\","
        "\"lines\":[{\"article\":\"\",\"quantity\":1}],\"note\":\"\"}";
    for (int i = 0; i < RAW_EVENT_BYTES; i++)
        event[i] = i < (int)sizeof fixed - 1 ? fixed[i] : (char)('0' + next_random(state) % 64);
}

void raw_events_send(struct raw_events *events, rd_kafka_t *rk, rd_kafka_topic_t *topic,
                     int32_t partition, int number)
{
    char key[RAW_KEY_BYTES_MAX], body[RAW_EVENT_BYTES];
    size_t key_size = (size_t)snprintf(key, sizeof key, "order-%d", number);
    fill(body, &events->random);
    raw_produce(rk, topic, partition,
                &(struct raw_record){ key, body, key_size, sizeof body, events->headers });
}

int raw_event_number(const rd_kafka_message_t *record)
{
    char key[RAW_KEY_BYTES_MAX] = "";
    int number;
    if (record->key_len >= sizeof key) return -1;
    if (record->key_len) memcpy(key, record->key, record->key_len);
    return sscanf(key, "order-%d", &number) == 1 ? number : -1;
}
