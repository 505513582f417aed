/* A broker whose disk is full: what the coordinator says, that nothing is lost, and that it goes on
 * by itself once there is room and the broker is back (R25). The disk is a small tmpfs, so this
 * needs the right to mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum {
    LANES = 4,
    WAIT_MS = SAGA_TEST_WAIT_MS,
    CALL_MS = 60000,
    STEP_MS = 100,
    PATH_BYTES = 512,
    FILE_BYTES = 640,
    ORDERS = 600
};

struct disk {
    char folder[PATH_BYTES]; /* the mount point: the broker's data */
    char ballast[FILE_BYTES];
};

static void run(char *const argv[])
{
    pid_t pid;
    assert_int_equal(saga_test_spawn(argv, NULL, &pid), 0);
    assert_int_equal(saga_test_stop(pid, 0, WAIT_MS), 0);
}

/* Puts the data of a broker that is halted onto a disk of its own. */
static void move_to_small_disk(const struct saga_test_kafka *kafka, struct disk *ret)
{
    char before[PATH_BYTES], content[FILE_BYTES];
    snprintf(ret->folder, sizeof ret->folder, "%s/data", kafka->folder);
    snprintf(before, sizeof before, "%s/data-before", kafka->folder);
    snprintf(content, sizeof content, "%s/.", before);
    assert_int_equal(rename(ret->folder, before), 0);
    assert_int_equal(mkdir(ret->folder, 0700), 0);
    if (mount("tmpfs", ret->folder, "tmpfs", 0, "size=96m,mode=0700") != 0)
        fail_msg("a small disk for the broker cannot be mounted: %s; run this test as root, in a "
                 "container with CAP_SYS_ADMIN",
                 strerror(errno));
    char *copy[] = { "cp", "-a", content, ret->folder, NULL };
    run(copy);
    snprintf(ret->ballast, sizeof ret->ballast, "%s/ballast", ret->folder);
}

static void fill(const char *path)
{
    static const char block[65536] = { 1 };
    size_t size = sizeof block;
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    while (size > 0) /* to the last byte */
        if (write(file, block, size) < 0) size /= 2;
    assert_int_equal(errno, ENOSPC);
    close(file);
}

static bool log_says(const struct saga_test_cluster *cluster, const char *words)
{
    char path[PATH_BYTES], line[4096];
    bool found = false;
    snprintf(path, sizeof path, "%s/coordinator-0.log", cluster->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file)) found = strstr(line, words) != NULL;
    fclose(file);
    return found;
}

static void wait_log(const struct saga_test_cluster *cluster, const char *words)
{
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        if (log_says(cluster, words)) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the coordinator never said \"%s\"; logs in %s", words, cluster->folder);
}

/* The orders may all have come to their end before the disk was full: one record more, for which there is no room. It is of a
 * topic that nobody reads, since it may or may not be there in the end. */
static void send_what_has_no_room(const struct saga_test_cluster *cluster)
{
    enum { RECORD_BYTES = 500000, PATIENCE_MS = 1000 };
    static char bytes[RECORD_BYTES];
    struct saga_position position;
    struct saga_message message = { .topic = SAGA_SLICE("shop.ballast"),
                                    .value = { bytes, sizeof bytes } };
    for (unsigned i = 0; i < RECORD_BYTES; i++) bytes[i] = (char)(i * 2654435761u >> 13);
    (void)saga_client_send(cluster->client, &message, PATIENCE_MS, &position);
}

static void wait_end_of_broker(const struct saga_test_kafka *kafka)
{
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        if (!saga_test_running(kafka->pid)) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the broker goes on although its disk is full; its log is %s/kafka.log",
             kafka->folder);
}

static struct disk disk;

/* Also after a failure: a mount outlives the test. */
static int unmount(void **state)
{
    (void)state;
    if (disk.folder[0]) umount2(disk.folder, MNT_DETACH);
    return 0;
}

static void a_full_disk_loses_nothing(void **state)
{
    struct saga_test_cluster cluster;
    const struct saga_topic_spec ballast = { .name = "shop.ballast", .partitions = 1 };
    char words[8192];
    bool created;
    (void)state;
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    assert_int_equal(saga_client_create_topic(cluster.client, &ballast, CALL_MS, &created), 0);
    saga_test_kafka_halt(&cluster.kafka);
    move_to_small_disk(&cluster.kafka, &disk);
    assert_int_equal(saga_test_kafka_restart(&cluster.kafka), 0);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 20);
    saga_test_wait_status(&cluster, "completed", 20, WAIT_MS);

    saga_test_send_orders(&cluster, "b-", ORDERS);
    fill(disk.ballast);
    send_what_has_no_room(&cluster);
    wait_end_of_broker(&cluster.kafka);
    wait_log(&cluster, "is there room on its disk?");
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "doctor"), 10);
    assert_non_null(strstr(words, "is there room on its disk?"));

    assert_int_equal(unlink(disk.ballast), 0);
    saga_test_kafka_halt(&cluster.kafka); /* only reaps it */
    assert_int_equal(saga_test_kafka_restart(&cluster.kafka), 0);
    saga_test_wait_status(&cluster, "completed", 20 + ORDERS, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_wait_records(&cluster, "shop.order-events", 20 + ORDERS);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_kafka_halt(&cluster.kafka);
    assert_int_equal(umount(disk.folder), 0);
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(a_full_disk_loses_nothing,
                                                                  unmount) };
    return cmocka_run_group_tests_name("a broker in trouble", tests, NULL, NULL);
}
