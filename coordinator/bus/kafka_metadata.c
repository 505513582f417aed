/* What a client knows of a topic: its partitions, who leads them, where they begin and end. */
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

rd_kafka_resp_err_t saga_kafka_query_time(rd_kafka_t *client, const char *topic, int32_t partition,
                                          int64_t time_ms, int timeout_ms, int64_t *ret)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *asked = rd_kafka_topic_partition_list_add(list, topic, partition);
    asked->offset = time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, timeout_ms);
    if (!code) code = asked->err;
    if (!code) *ret = asked->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* `which`: RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END, which Kafka takes for points in time. Not by
 * rd_kafka_query_watermark_offsets: that one (2.0.2) waits without end for a leader that is dead, whatever its timeout. */
static rd_kafka_resp_err_t query(rd_kafka_t *client, const char *topic, int32_t partition,
                                 int64_t which, int timeout_ms, int64_t *ret)
{
    int64_t offset;
    rd_kafka_resp_err_t code =
        saga_kafka_query_time(client, topic, partition, which, timeout_ms, &offset);
    if (code) return code;
    if (offset < 0) return RD_KAFKA_RESP_ERR__FAIL;
    *ret = offset;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t query_both(rd_kafka_t *client, const char *topic, int32_t partition,
                                      int timeout_ms, int64_t *ret_low, int64_t *ret_high)
{
    rd_kafka_resp_err_t code =
        query(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, ret_low);
    if (code) return code;
    return query(client, topic, partition, RD_KAFKA_OFFSET_END, timeout_ms, ret_high);
}

/* librdkafka asks the leader that it remembers. Where that leads no more, it says so for as long as it remembers it,
 * which without a subscription to the topic is minutes. */
rd_kafka_resp_err_t saga_kafka_query_watermarks(rd_kafka_t *client, const char *topic,
                                                int32_t partition, int timeout_ms, int64_t *ret_low,
                                                int64_t *ret_high)
{
    int32_t partitions;
    rd_kafka_resp_err_t code = query_both(client, topic, partition, timeout_ms, ret_low, ret_high);
    if (!code || saga_kafka_look_up(client, topic, timeout_ms, &partitions)) return code;
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) return code; /* the caller has waited enough */
    return query_both(client, topic, partition, timeout_ms, ret_low, ret_high);
}
