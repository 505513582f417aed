/* The one classification of Kafka errors (R26): what each means for a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bus/kafka_error.h"
#include "bus/kafka_internal.h"

static void codes_mean_what_a_worker_must_do(void **state)
{
    static const struct {
        rd_kafka_resp_err_t code;
        int error;
    } rows[] = {
        { RD_KAFKA_RESP_ERR_NO_ERROR, SAGA_OK },
        /* the assignment is over: the batch is dropped */
        { RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, SAGA_E_FENCED },
        { RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, SAGA_E_FENCED },
        /* the producer is dead: it is made anew and everything recovered */
        { RD_KAFKA_RESP_ERR__FENCED, SAGA_E_RECOVER },
        { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, SAGA_E_RECOVER },
        /* a position that is gone is never jumped over */
        { RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, SAGA_E_NOT_FOUND },
        { RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, SAGA_E_NOT_FOUND },
        /* no waiting mends it */
        { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, SAGA_E_STOP },
        { RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, SAGA_E_STOP },
        /* what passes by itself */
        { RD_KAFKA_RESP_ERR__TRANSPORT, SAGA_E_AGAIN },
        { RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, SAGA_E_AGAIN },
        { RD_KAFKA_RESP_ERR_NOT_COORDINATOR, SAGA_E_AGAIN },
        { RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, SAGA_E_AGAIN },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(saga_kafka_classify(rows[i].code), rows[i].error);
}

/* Both are put aside; what is to be done is another thing: the words of one must not be those of the other. */
static void a_missing_topic_is_told_apart(void **state)
{
    (void)state;
    assert_true(saga_kafka_refuses(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE));
    assert_true(saga_kafka_refuses(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)); /* no name of a topic */
    assert_false(saga_kafka_is_missing(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE));
    static const rd_kafka_resp_err_t missing[] = { RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                                                   RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                                                   RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION };
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        assert_true(saga_kafka_is_missing(missing[i]));
        assert_false(saga_kafka_refuses(missing[i]));
    }
}

/* Without a broker every client of every worker complains several times a second. */
static void trouble_with_connections_is_told_seldom(void **state)
{
    _Atomic int64_t last_ms = 0;
    (void)state;
    assert_false(saga_kafka_log_is_repeated("FAIL", 1000, &last_ms));
    assert_true(saga_kafka_log_is_repeated("FAIL", 1001, &last_ms));
    assert_true(saga_kafka_log_is_repeated("ERROR", 5999, &last_ms));
    assert_false(saga_kafka_log_is_repeated("CONFWARN", 5999, &last_ms));
    assert_false(saga_kafka_log_is_repeated("ERROR", 6000, &last_ms));
    assert_true(saga_kafka_log_is_repeated("FAIL", 10999, &last_ms));
}

/* An error object as librdkafka gives it out without flags: a producer that was never initialised. */
static void an_error_without_a_flag_is_fatal_for_the_producer(void **state)
{
    char words[256];
    (void)state;
    rd_kafka_error_t *error = rd_kafka_error_new(RD_KAFKA_RESP_ERR__STATE, "out of order");
    assert_int_equal(saga_kafka_classify_transaction(error, words, sizeof words), SAGA_E_RECOVER);
    assert_string_equal(words, "out of order (_STATE)");
    error = rd_kafka_error_new(RD_KAFKA_RESP_ERR__FAIL, "something");
    assert_int_equal(saga_kafka_classify_transaction(error, words, sizeof words), SAGA_E_RECOVER);
    error = rd_kafka_error_new(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, "gone");
    assert_int_equal(saga_kafka_classify_transaction(error, words, sizeof words), SAGA_E_FENCED);
    error = rd_kafka_error_new(RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "no");
    assert_int_equal(saga_kafka_classify_transaction(error, words, sizeof words), SAGA_E_STOP);
    assert_int_equal(saga_kafka_classify_transaction(NULL, words, sizeof words), SAGA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_mean_what_a_worker_must_do),
        cmocka_unit_test(a_missing_topic_is_told_apart),
        cmocka_unit_test(trouble_with_connections_is_told_seldom),
        cmocka_unit_test(an_error_without_a_flag_is_fatal_for_the_producer),
    };
    return cmocka_run_group_tests_name("Kafka errors", tests, NULL, NULL);
}
