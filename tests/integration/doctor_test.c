/* `saga doctor` and `saga topics check` where the setting lanes is another number than the topics were made with: that is what is
 * wrong, and not the topics of the services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "harness/cluster.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum { LANES = 4, UNHEALTHY = 10, WAIT_MS = 60000 };

static struct saga_test_cluster cluster;
static char words[16384];

static size_t count_of(const char *text)
{
    size_t count = 0;
    for (const char *at = words; (at = strstr(at, text)); at++) count++;
    return count;
}

static const char *place_of(const char *text)
{
    const char *at = strstr(words, text);
    if (!at) fail_msg("\"%s\" is not said in:\n%s", text, words);
    return at;
}

static void assert_the_setting_is_to_blame(void)
{
    const char *lanes = place_of("failed   lanes: the setting lanes is 8, but saga.journal has 4 ");
    assert_ptr_equal(strstr(lanes, "mend: "), strstr(lanes, "mend: set lanes to 4 "));
    assert_true(lanes < place_of("topic saga.journal: 4 partitions"));
    assert_true(lanes < place_of("topic shipping.replies: "));
    /* one was made otherwise than the lanes are, whatever the setting says */
    place_of("topic shipping.replies: 2 partitions, not 4: ");
    place_of("--topic shipping.replies --partitions 4,");
    assert_int_equal(count_of("--partitions "), 1);
    assert_int_equal(count_of("partitions, but "), 0);
}

static void other_lanes_than_the_journal_has_are_said_first(void **state)
{
    struct saga_topic_spec narrow = { .name = "shipping.replies", .partitions = 2 };
    bool created;
    (void)state;
    saga_test_cluster_start(&cluster, NULL, LANES);
    assert_int_equal(saga_client_create_topic(cluster.client, &narrow, WAIT_MS, &created), 0);
    saga_test_cluster_deploy(&cluster, PATIENT);

    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "topics check"), 0);
    assert_int_equal(count_of("lanes: "), 0);
    place_of("topic shipping.replies: 2 partitions, not 4: ");

    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "topics check --lanes 8"),
                     UNHEALTHY);
    assert_the_setting_is_to_blame();
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "doctor --lanes 8"), UNHEALTHY);
    assert_the_setting_is_to_blame();
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        other_lanes_than_the_journal_has_are_said_first) };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
