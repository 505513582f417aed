/* The plain loop under a steady load: how long from an event to its command, where events come evenly. */
#ifndef SAGA_BENCH_RAW_PACED_H
#define SAGA_BENCH_RAW_PACED_H

#include <librdkafka/rdkafka.h>

struct raw_pace {
    int partitions;
    int rate;    /* events a second */
    int seconds; /* that count; two more before */
    int headers; /* of an event */
};
struct raw_hop {
    double p50_ms, p99_ms;
};
/* From when an event was due to reading its command, read_committed. The loop runs. */
struct raw_hop raw_paced(rd_kafka_t *admin, const struct raw_pace *pace);

#endif
