/* A real Apache Kafka broker of the test's own (KRaft, one node), on free ports of 127.0.0.1, with its data in a
 * temporary folder. The jars are those that tests/kafka/pom.xml names. */
#ifndef SAGA_TEST_KAFKA_H
#define SAGA_TEST_KAFKA_H

#include <stdint.h>
#include <sys/types.h>

struct saga_test_kafka {
    char servers[32]; /* "127.0.0.1:12345" */
    int port, controller_port;
    char *folder;
    pid_t pid;
};

/* Formats and starts a broker and waits until it is in its cluster: topics can be made then. Returns 0, or -1 with the reason on stderr. */
int saga_test_kafka_start(struct saga_test_kafka *kafka);
/* Starts it again on the same ports and data, after a stop or a kill, and waits until its partitions have leaders. */
int saga_test_kafka_restart(struct saga_test_kafka *kafka);
/* SIGTERM, as an operator does it; SIGKILL. Both wait for the end and keep the data. */
void saga_test_kafka_halt(struct saga_test_kafka *kafka);
void saga_test_kafka_kill(struct saga_test_kafka *kafka);
/* SIGSTOP and SIGCONT. */
void saga_test_kafka_freeze(struct saga_test_kafka *kafka);
void saga_test_kafka_thaw(struct saga_test_kafka *kafka);
/* Deletes the records of a partition before `offset`, as retention does. Returns 0, or -1 with words. */
int saga_test_kafka_cut(const struct saga_test_kafka *kafka, const char *topic, int32_t partition,
                        int64_t offset);
/* Kills it and removes its folder. A zeroed struct is fine. */
void saga_test_kafka_stop(struct saga_test_kafka *kafka);

/* The class path for java -cp; NULL with words when they are not there. */
const char *saga_test_kafka_classpath(void);

#endif
