/* What a client knows of a topic: its partitions, and who leads them. */
#include "bus/kafka_internal.h"

rd_kafka_resp_err_t saga_kafka_look_up(rd_kafka_t *client, const char *topic, int timeout_ms,
                                       int32_t *ret_partitions)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, handle, &metadata, timeout_ms);
    if (!code && metadata->topic_cnt == 1) code = metadata->topics[0].err;
    if (!code) *ret_partitions = metadata->topics[0].partition_cnt;
    if (metadata) rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return code;
}

/* librdkafka asks the leader that it remembers. Where that leads no more, it says so for as long as it remembers it,
 * which without a subscription to the topic is minutes. */
rd_kafka_resp_err_t saga_kafka_query_watermarks(rd_kafka_t *client, const char *topic,
                                                int32_t partition, int timeout_ms, int64_t *ret_low,
                                                int64_t *ret_high)
{
    int32_t partitions;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(client, topic, partition, ret_low, ret_high, timeout_ms);
    if (!code || saga_kafka_look_up(client, topic, timeout_ms, &partitions)) return code;
    return rd_kafka_query_watermark_offsets(client, topic, partition, ret_low, ret_high,
                                            timeout_ms);
}
