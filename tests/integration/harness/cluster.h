/* A broker, a Redis, coordinators as processes of their own, simulated participants, and the books: what every
 * integration test of sagas needs. Trouble fails the test at once, with words. */
#ifndef SAGA_TEST_CLUSTER_H
#define SAGA_TEST_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/client.h"
#include "harness/kafka.h"
#include "harness/redis.h"
#include "operate/participants.h"

enum { SAGA_TEST_COORDINATORS_MAX = 4 };

struct saga_test_cluster {
    struct saga_test_kafka kafka;
    struct saga_test_redis *redis;
    struct saga_arena arena;
    struct saga_client *client;
    struct saga_definition *definition;
    struct saga_participants *participants;
    uint32_t lanes;
    pid_t coordinators[SAGA_TEST_COORDINATORS_MAX]; /* 0: not running */
    char *folder;                                   /* logs */
};

/* Starts servers for `lanes` lanes, and deploys the definition in `path` (NULL: none yet). */
void saga_test_cluster_start(struct saga_test_cluster *cluster, const char *path, uint32_t lanes);
/* Makes the topics that are missing, and deploys. */
void saga_test_cluster_deploy(struct saga_test_cluster *cluster, const char *path);
void saga_test_cluster_stop(struct saga_test_cluster *cluster);

/* Runs `saga ARGUMENTS` (printf; split at spaces) against the cluster and returns its exit code. `output` may be NULL; else it
 * gets what was printed, cut to `size`. */
int saga_test_cli(struct saga_test_cluster *cluster, char *output, size_t size, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* Starts `saga run` as instance c<number>; does not wait. */
void saga_test_coordinator_start(struct saga_test_cluster *cluster, unsigned number);
/* Starts coordinators c0 .. c<count - 1> and waits until each owns lanes, every lane has its owner and `saga doctor` is content:
 * a topic of starts is read from its end, so nothing is sent before somebody reads it. */
void saga_test_coordinators_ready(struct saga_test_cluster *cluster, unsigned count);
/* Sends a signal; for SIGTERM and SIGKILL waits for the end and returns the exit status as of waitpid. */
int saga_test_coordinator_signal(struct saga_test_cluster *cluster, unsigned number,
                                 int signal_number);
/* Tells it to stop; the test fails where it does not exit with 0 (R27). */
void saga_test_coordinator_stop(struct saga_test_cluster *cluster, unsigned number);

void saga_test_participants(struct saga_test_cluster *cluster, const struct saga_answer_rule *rules,
                            size_t count);

/* Sends start events <prefix>1 .. <prefix>count of the example order saga. */
void saga_test_send_orders(struct saga_test_cluster *cluster, const char *prefix, unsigned count);

/* Sends one record with ce_type and further headers "name=value", NULL at the end. */
void saga_test_send(struct saga_test_cluster *cluster, const char *topic, const char *key,
                    const char *type, const char *body, ...);

/* Waits until so many sagas of the definition are in this status (as Redis counts them). */
void saga_test_wait_status(struct saga_test_cluster *cluster, const char *status, uint64_t count,
                           int timeout_ms);

/* Every committed record of a topic, one partition after the other. What a commit has been answered for is among them, and what is
 * in an open transaction is waited for. */
void saga_test_visit_topic(struct saga_test_cluster *cluster, const char *topic,
                           void (*visit)(const struct saga_message *record, void *context),
                           void *context);
/* Committed records of a topic, over all partitions. */
uint64_t saga_test_count_records(struct saga_test_cluster *cluster, const char *topic);
/* Waits until a topic has so many committed records; the test fails where it then has more. */
void saga_test_wait_records(struct saga_test_cluster *cluster, const char *topic, uint64_t count);

/* Where the example order saga's commands go; NULL at the end. */
extern const char *const saga_test_order_topics[];

/* The books: each command id once among the committed records of these topics (NULL at the end), as many of them as the
 * journal says, and `saga replay --verify` clean. */
void saga_test_check_books(struct saga_test_cluster *cluster, const char *const *command_topics);

#endif
