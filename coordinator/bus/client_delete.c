/* Deleting what was consumed (KIP-107, KIP-222). */
#include "base/error.h"
#include "bus/client_internal.h"

/* The group's committed offsets, stable ones: what is pending may yet be taken back. */
static int ask_committed(struct saga_client *client, const char *group, const char *topic,
                         int32_t partitions, int timeout_ms, rd_kafka_topic_partition_list_t *ret)
{
    int error;
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t p = 0; p < partitions; p++) rd_kafka_topic_partition_list_add(asked, topic, p);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, asked);
    rd_kafka_AdminOptions_t *options =
        saga_client_options(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout_ms);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_require_stable_offsets(options, 1));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->producer);
    rd_kafka_ListConsumerGroupOffsets(client->producer, &request, 1, options, queue);
    rd_kafka_event_t *event = saga_client_wait_for(client, queue, timeout_ms, group, &error);
    if (event) {
        size_t count;
        const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
        const rd_kafka_topic_partition_list_t *found =
            count ? rd_kafka_group_result_partitions(groups[0]) : NULL;
        const rd_kafka_error_t *failed = count ? rd_kafka_group_result_error(groups[0]) : NULL;
        if (failed) error = saga_client_fail(client, rd_kafka_error_code(failed), group);
        for (int i = 0; !failed && found && i < found->cnt; i++)
            if (!found->elems[i].err && found->elems[i].offset > 0)
                rd_kafka_topic_partition_list_add(ret, topic, found->elems[i].partition)->offset =
                    found->elems[i].offset;
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(asked);
    return error;
}

static int delete_all_before(struct saga_client *client, const char *topic,
                             const rd_kafka_topic_partition_list_t *offsets, int timeout_ms)
{
    int error;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(offsets);
    rd_kafka_AdminOptions_t *options =
        saga_client_options(client, RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout_ms);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->producer);
    rd_kafka_DeleteRecords(client->producer, &request, 1, options, queue);
    rd_kafka_event_t *event = saga_client_wait_for(client, queue, timeout_ms, topic, &error);
    if (event) {
        const rd_kafka_topic_partition_list_t *done =
            rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
        for (int i = 0; i < done->cnt && error == SAGA_OK; i++)
            if (done->elems[i].err) error = saga_client_fail(client, done->elems[i].err, topic);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(request);
    return error;
}

int saga_client_delete_consumed(struct saga_client *client, const char *group, const char *topic,
                                int32_t partitions, int timeout_ms, int32_t *ret_partitions)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(partitions);
    int error = ask_committed(client, group, topic, partitions, timeout_ms, offsets);
    *ret_partitions = offsets->cnt;
    if (error == SAGA_OK && offsets->cnt)
        error = delete_all_before(client, topic, offsets, timeout_ms);
    rd_kafka_topic_partition_list_destroy(offsets);
    return error;
}

int saga_client_delete_before(struct saga_client *client, const char *topic, int32_t partition,
                              int64_t offset, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, topic, partition)->offset = offset;
    int error = delete_all_before(client, topic, offsets, timeout_ms);
    rd_kafka_topic_partition_list_destroy(offsets);
    return error;
}
