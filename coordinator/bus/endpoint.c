#include "bus/endpoint.h"

#include <stdlib.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"

struct saga_endpoint {
    rd_kafka_t *host; /* the mock cluster lives in its threads */
    rd_kafka_mock_cluster_t *cluster;
};

int saga_endpoint_start(struct saga_endpoint **ret)
{
    char words[256];
    struct saga_endpoint *endpoint = saga_memory_zeroed(1, sizeof *endpoint);
    SAGA_ASSERT(endpoint);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", words, sizeof words);
    endpoint->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    if (!endpoint->host) rd_kafka_conf_destroy(conf);
    if (endpoint->host) endpoint->cluster = rd_kafka_mock_cluster_new(endpoint->host, 1);
    if (!endpoint->cluster) {
        saga_endpoint_stop(endpoint);
        return SAGA_E_STOP;
    }
    *ret = endpoint;
    return SAGA_OK;
}

const char *saga_endpoint_servers(const struct saga_endpoint *endpoint)
{
    return rd_kafka_mock_cluster_bootstraps(endpoint->cluster);
}

int saga_endpoint_create_topic(struct saga_endpoint *endpoint, const char *name, int32_t partitions)
{
    rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(endpoint->cluster, name, partitions, 1);
    return code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? SAGA_E_STOP : SAGA_OK;
}

void saga_endpoint_stop(struct saga_endpoint *endpoint)
{
    if (!endpoint) return;
    if (endpoint->cluster) rd_kafka_mock_cluster_destroy(endpoint->cluster);
    if (endpoint->host) rd_kafka_destroy(endpoint->host);
    free(endpoint);
}
