/* The in-process Kafka endpoint of `saga dev`: librdkafka's mock cluster, to which real clients can connect.
 * What it cannot do stands in coordinator/README.md: no control records, no fencing, 5 MiB a partition kept. */
#ifndef SAGA_BUS_ENDPOINT_H
#define SAGA_BUS_ENDPOINT_H

#include <stdint.h>

#include "base/slice.h"

struct saga_endpoint;
/* Starts it on a free loopback port. Errors: SAGA_E_STOP. */
int saga_endpoint_start(struct saga_endpoint **ret);
/* "127.0.0.1:12345"; the endpoint's. */
const char *saga_endpoint_servers(const struct saga_endpoint *endpoint);
int saga_endpoint_create_topic(struct saga_endpoint *endpoint, const char *name,
                               int32_t partitions);
void saga_endpoint_stop(struct saga_endpoint *endpoint);

#endif
