/* The real bus, on librdkafka: one consumer and two transactional producers a worker, used in turn, because the
 * markers of the last transaction are still being written when the next begins. */
#ifndef SAGA_BUS_KAFKA_H
#define SAGA_BUS_KAFKA_H

#include "base/diagnostic.h"
#include "bus/bus.h"

struct saga_kafka_setting {
    const char *name;
    const char *value;
};

struct saga_kafka_config {
    const char *bootstrap_servers;
    const char *group;      /* consumer group */
    const char *instance;   /* stable name of this process; part of the transactional ids (R5) */
    int session_timeout_ms; /* default 6000 */
    int transaction_timeout_ms; /* default 10000 */
    bool mock;                  /* the endpoint is librdkafka's mock cluster (saga dev) */
    /* The one topic that is written compressed (lz4); NULL: none. Others are read by programs whose client may not know
     * it. */
    const char *compressed_topic;
    const struct saga_kafka_setting
        *settings; /* passed on to librdkafka after our own: TLS, SASL, tuning */
    size_t setting_count;
    void (*log)(int level, const char *text,
                void *context); /* librdkafka's own lines; level as syslog */
    void *log_context;
};

/* Does librdkafka, as it is linked here, have an option of this name? */
bool saga_kafka_knows_option(const char *name);

/* Makes the bus of worker `worker`: transactional ids <group>-<instance>-<worker>-<0|1>. Initialises the
 * producers (init_transactions), which waits for the broker at most `timeout_ms`. `*ret` is closed with
 * ret->close(ret->self). The config's strings must outlive it.
 * Errors: SAGA_E_AGAIN (broker not there), SAGA_E_STOP; words and mend in `diagnostic`. */
int saga_kafka_open(const struct saga_kafka_config *config, unsigned worker, int timeout_ms,
                    struct saga_arena *arena, struct saga_bus *ret,
                    struct saga_diagnostic *diagnostic);

#endif
