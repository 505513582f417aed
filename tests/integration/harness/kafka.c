#include "harness/kafka.h"

#include <dirent.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/process.h"

enum { STOP_MS = 120000, CUT_MS = 60000, ASK_MS = 1000, STEP_MS = 20, PATH_BYTES = 512 };

const char *saga_test_kafka_classpath(void)
{
    static char path[PATH_BYTES];
    const char *jars = getenv("KAFKA_JARS");
    if (!jars) jars = SAGA_SOURCE_DIR "/tests/kafka/target/dependency";
    if (access(jars, R_OK) != 0) {
        fprintf(stderr,
                "Kafka's jars are not in %s: run mvn -f tests/kafka/pom.xml "
                "dependency:copy-dependencies\n",
                jars);
        return NULL;
    }
    snprintf(path, sizeof path, "%s/*", jars);
    return path;
}

static int write_properties(const struct saga_test_kafka *kafka, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) return -1;
    fprintf(file,
            "process.roles=broker,controller\nnode.id=1\n"
            "controller.quorum.voters=1@127.0.0.1:%d\n"
            "listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d\n"
            "advertised.listeners=PLAINTEXT://127.0.0.1:%d\n"
            "controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n"
            "log.dirs=%s/data\nauto.create.topics.enable=true\n"
            "offsets.topic.num.partitions=4\noffsets.topic.replication.factor=1\n"
            "transaction.state.log.num.partitions=4\ntransaction.state.log.replication.factor=1\n"
            "transaction.state.log.min.isr=1\nmin.insync.replicas=1\ndefault.replication.factor=1\n"
            "group.initial.rebalance.delay.ms=0\ngroup.min.session.timeout.ms=1000\n"
            "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n"
            "log.flush.interval.messages=9223372036854775807\nnum.network.threads=2\nnum.io."
            "threads=4\n",
            kafka->controller_port, kafka->port, kafka->controller_port, kafka->port,
            kafka->folder);
    return fclose(file);
}

static int run_java(struct saga_test_kafka *kafka, char *const *arguments, pid_t *ret_pid)
{
    char log[PATH_BYTES], log4j[PATH_BYTES];
    const char *classpath = saga_test_kafka_classpath();
    char *argv[16] = { "java",     "-Xmx512m",
                       "-Xms128m", "-XX:+UseSerialGC",
                       "-cp",      (char *)(uintptr_t)classpath,
                       log4j };
    int count = 7;
    if (!classpath) return -1;
    snprintf(log, sizeof log, "%s/kafka.log", kafka->folder);
    snprintf(log4j, sizeof log4j, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    while (*arguments) argv[count++] = *arguments++;
    argv[count] = NULL;
    return saga_test_spawn(argv, log, ret_pid);
}

static int format(struct saga_test_kafka *kafka, char *properties)
{
    char *arguments[] = {
        "kafka.tools.StorageTool", "format", "-t", "saga-tests-cluster-0000", "-c", properties, NULL
    };
    pid_t pid;
    if (run_java(kafka, arguments, &pid) != 0) return -1;
    int status = saga_test_stop(pid, 0, SAGA_TEST_WAIT_MS);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static rd_kafka_t *client_of(const struct saga_test_kafka *kafka)
{
    char words[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", kafka->servers, words, sizeof words);
    rd_kafka_conf_set(conf, "log_level", "0", words, sizeof words);
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
}

static bool has_leaders(const rd_kafka_metadata_t *metadata)
{
    for (int t = 0; t < metadata->topic_cnt; t++)
        for (int p = 0; p < metadata->topics[t].partition_cnt; p++)
            if (metadata->topics[t].partitions[p].err) return false;
    return metadata->broker_cnt > 0;
}

/* That it takes connections does not say yet that it is in its cluster, without which no topic can be made and no partition has a
 * leader: so it is asked. */
static int wait_in_cluster(const struct saga_test_kafka *kafka, int64_t until_ms)
{
    rd_kafka_t *client = client_of(kafka);
    bool in_cluster = false;
    while (!in_cluster && saga_test_running(kafka->pid) && saga_test_now_ms() < until_ms) {
        const rd_kafka_metadata_t *metadata = NULL;
        if (!rd_kafka_metadata(client, 1, NULL, &metadata, ASK_MS)) {
            in_cluster = has_leaders(metadata);
            rd_kafka_metadata_destroy(metadata);
        }
        if (!in_cluster) saga_test_sleep_ms(STEP_MS);
    }
    rd_kafka_destroy(client);
    return in_cluster ? 0 : -1;
}

/* A broker of which its controller does not hear for 9 s leads nothing any more. On a machine that is busy it is not heard though
 * nothing is wrong, so a longer time is given; but not after a kill, where the controller lets the next one in only when that
 * time has passed. */
static int launch(struct saga_test_kafka *kafka, bool first)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    char properties[PATH_BYTES];
    char *arguments[] = { "kafka.Kafka", properties, first ? "--override" : NULL,
                          "broker.session.timeout.ms=120000", NULL };
    snprintf(properties, sizeof properties, "%s/server.properties", kafka->folder);
    if (run_java(kafka, arguments, &kafka->pid) != 0) return -1;
    if (wait_in_cluster(kafka, until_ms) == 0) return 0;
    fprintf(stderr, "the broker does not start; its log is %s/kafka.log\n", kafka->folder);
    return -1;
}

int saga_test_kafka_restart(struct saga_test_kafka *kafka)
{
    return launch(kafka, false);
}

int saga_test_kafka_start(struct saga_test_kafka *kafka)
{
    char properties[PATH_BYTES];
    memset(kafka, 0, sizeof *kafka);
    kafka->port = saga_test_free_port();
    kafka->controller_port = saga_test_free_port();
    kafka->folder = saga_test_temp_dir();
    if (!kafka->port || !kafka->controller_port || !kafka->folder) return -1;
    snprintf(kafka->servers, sizeof kafka->servers, "127.0.0.1:%d", kafka->port);
    snprintf(properties, sizeof properties, "%s/server.properties", kafka->folder);
    if (write_properties(kafka, properties) != 0 || format(kafka, properties) != 0) {
        fprintf(stderr, "the broker's storage cannot be formatted; its log is %s/kafka.log\n",
                kafka->folder);
        return -1;
    }
    return launch(kafka, true);
}

static void end(struct saga_test_kafka *kafka, int signal_number)
{
    if (kafka->pid > 0) saga_test_stop(kafka->pid, signal_number, STOP_MS);
    kafka->pid = 0;
}

void saga_test_kafka_halt(struct saga_test_kafka *kafka)
{
    end(kafka, SIGTERM);
}

void saga_test_kafka_kill(struct saga_test_kafka *kafka)
{
    end(kafka, SIGKILL);
}

/* A thread that was at work when the signal came may still answer. */
static bool has_running_thread(pid_t pid)
{
    char path[64], line[512];
    bool running = false;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (struct dirent *task; tasks && (task = readdir(tasks)) && !running;) {
        if (task->d_name[0] == '.') continue;
        char stat[512];
        snprintf(stat, sizeof stat, "%s/%s/stat", path, task->d_name);
        FILE *file = fopen(stat, "r");
        const char *state = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        running = state && state[1] == ' ' && state[2] != 'T';
        if (file) fclose(file);
    }
    if (tasks) closedir(tasks);
    return running;
}

void saga_test_kafka_freeze(struct saga_test_kafka *kafka)
{
    kill(kafka->pid, SIGSTOP);
    while (has_running_thread(kafka->pid)) saga_test_sleep_ms(1);
}

void saga_test_kafka_thaw(struct saga_test_kafka *kafka)
{
    kill(kafka->pid, SIGCONT);
}

/* The answer to a DeleteRecords of one partition; NULL if it is good. */
static const char *problem_of(rd_kafka_event_t *event)
{
    if (!event) return "no answer";
    if (rd_kafka_event_error(event)) return rd_kafka_event_error_string(event);
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    return list->elems[0].err ? rd_kafka_err2str(list->elems[0].err) : NULL;
}

int saga_test_kafka_cut(const struct saga_test_kafka *kafka, const char *topic, int32_t partition,
                        int64_t offset)
{
    rd_kafka_t *client = client_of(kafka);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CUT_MS);
    const char *problem = problem_of(event);
    if (problem)
        fprintf(stderr, "%s/%d cannot be cut at %lld: %s\n", topic, (int)partition,
                (long long)offset, problem);
    if (event) rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return problem ? -1 : 0;
}

void saga_test_kafka_stop(struct saga_test_kafka *kafka)
{
    end(kafka, SIGKILL);
    saga_test_remove_dir(kafka->folder);
    free(kafka->folder);
    kafka->folder = NULL;
}
