#include "bus/kafka_error.h"

#include <stdio.h>

struct row {
    rd_kafka_resp_err_t code;
    int error;
};

/* Codes that say nothing of a transaction by themselves. What is not here is taken as passing. */
static const struct row table[] = {
    { RD_KAFKA_RESP_ERR_NO_ERROR, SAGA_OK },
    /* the assignment is over (R6) */
    { RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, SAGA_E_FENCED },
    { RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, SAGA_E_FENCED },
    { RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, SAGA_E_FENCED },
    { RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, SAGA_E_FENCED },
    { RD_KAFKA_RESP_ERR__NO_OFFSET, SAGA_E_FENCED },
    { RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, SAGA_E_FENCED },
    /* the position is gone (R20) */
    { RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, SAGA_E_NOT_FOUND },
    { RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, SAGA_E_NOT_FOUND },
    /* the producer is not the newest under its id, or dead (R5) */
    { RD_KAFKA_RESP_ERR__FENCED, SAGA_E_RECOVER },
    { RD_KAFKA_RESP_ERR__FATAL, SAGA_E_RECOVER },
    { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, SAGA_E_RECOVER },
    { RD_KAFKA_RESP_ERR_PRODUCER_FENCED, SAGA_E_RECOVER },
    { RD_KAFKA_RESP_ERR__STATE, SAGA_E_RECOVER },
    /* no waiting mends it */
    { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR__AUTHENTICATION, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR__INVALID_ARG, SAGA_E_STOP },
    { RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, SAGA_E_STOP },
};

int saga_kafka_classify(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code) return table[i].error;
    return SAGA_E_AGAIN;
}

bool saga_kafka_refuses(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: return true;
    default: return false;
    }
}

bool saga_kafka_is_missing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

const char *saga_kafka_right_missing(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return "; the user kafka.sasl.username may not do this with the topic: give it the right "
               "that SECURITY.md lists for it (kafka-acls.sh)";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return "; the user kafka.sasl.username needs Read on the group kafka.group.id and "
               "Describe on those of the program itself (kafka-acls.sh, SECURITY.md)";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "; the user kafka.sasl.username needs Write on the transactional ids that "
               "begin with kafka.group.id and '-' (kafka-acls.sh, SECURITY.md)";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return "; the user kafka.sasl.username may not do this with the cluster: SECURITY.md says "
               "what needs which right (kafka-acls.sh)";
    default: return "";
    }
}

int saga_kafka_classify_transaction(rd_kafka_error_t *error, char *problem, size_t problem_size)
{
    if (!error) return SAGA_OK;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    bool fatal = rd_kafka_error_is_fatal(error),
         abortable = rd_kafka_error_txn_requires_abort(error),
         retriable = rd_kafka_error_is_retriable(error);
    snprintf(problem, problem_size, "%s (%s)%s", rd_kafka_error_string(error),
             rd_kafka_error_name(error), saga_kafka_right_missing(code));
    rd_kafka_error_destroy(error);
    int by_code = saga_kafka_classify(code);
    if (by_code == SAGA_E_STOP) return SAGA_E_STOP;
    if (fatal) return SAGA_E_RECOVER;
    if (by_code == SAGA_E_FENCED) return SAGA_E_FENCED;
    if (abortable) return SAGA_E_ABORT;
    if (retriable) return SAGA_E_AGAIN;
    return SAGA_E_RECOVER;
}
