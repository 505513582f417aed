#include "operate/dev_demo.h"

#include <stdio.h>

#include "base/error.h"
#include "base/monotonic.h"
#include "operate/sagas.h"

enum { REDIS_MS = 5000, STEP_MS = 20 };

struct order {
    const char *key;
    const char *command; /* which one goes wrong; NULL: none */
    const char *answer;
    const char *about;
};

static const struct order orders[] = {
    { "order-1", NULL, NULL, "completes" },
    { "order-2", "BookCourier", "NoCourier",
      "no courier: the card is refunded, then the stock released" },
    { "order-3", "ChargeCard", "silent-once",
      "the card service is silent once: asked again after its timeout" },
    { "order-4", "BookCourier", "silent",
      "the courier service never answers: unknown, so it is compensated too" },
    { "order-5", "ReserveStock", "OutOfStock", "out of stock at once: nothing to take back" },
};
const size_t saga_demo_order_count = sizeof orders / sizeof orders[0];

void saga_demo_rules(struct saga_arena *arena, struct saga_answer_rule **rules, size_t *count,
                     size_t *capacity)
{
    for (size_t i = 0; i < saga_demo_order_count; i++) {
        if (!orders[i].command) continue;
        SAGA_PUSH(arena, *rules, *count, *capacity,
                  (struct saga_answer_rule){ orders[i].key, orders[i].command, orders[i].answer });
    }
}

static int send_order(struct saga_call *call, const struct order *order, int number)
{
    struct saga_position position;
    struct saga_header headers[] = {
        { SAGA_SLICE("ce_specversion"), SAGA_SLICE("1.0") },
        { SAGA_SLICE("ce_id"), saga_slice_of(order->key) },
        { SAGA_SLICE("ce_source"), SAGA_SLICE("/shop") },
        { SAGA_SLICE("ce_type"), SAGA_SLICE("OrderPlaced") },
        { SAGA_SLICE("content-type"), SAGA_SLICE("application/json") },
    };
    struct saga_message message = {
        .topic = SAGA_SLICE("shop.orders"),
        .partition = SAGA_PARTITION_BY_KEY,
        .key = saga_slice_of(order->key),
        .value =
            saga_arena_printf(call->arena,
                              "{\"orderId\":\"%s\",\"customerId\":\"customer-%d\",\"total\":%d.50,"
                              "\"lines\":[{\"article\":\"A-%d\",\"quantity\":1}]}",
                              order->key, number, 40 * number, number),
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
    };
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &position) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "an order cannot be sent: %s",
                          saga_client_problem(call->client));
}

int saga_demo_send(struct saga_call *call)
{
    int code = SAGA_EXIT_DONE;
    printf("\nFive orders, one saga each (sagas/order-fulfilment.yaml):\n\n");
    for (size_t i = 0; i < saga_demo_order_count; i++)
        printf("  %s  %s\n", orders[i].key, orders[i].about);
    printf("\nWhat happens, from the journal: an event, and what followed from it.\n\n");
    fflush(stdout);
    for (size_t i = 0; i < saga_demo_order_count && code == SAGA_EXIT_DONE; i++)
        code = send_order(call, &orders[i], (int)i + 1);
    return code;
}

/* Redis follows the journal, in which all of them have ended: the list must not say otherwise. What
 * does not come in time is listed as it is. */
static void wait_for_redis(struct saga_call *call)
{
    uint32_t lanes;
    struct saga_view_count *counts;
    size_t count;
    if (saga_call_lanes(call, &lanes) != SAGA_EXIT_DONE) return;
    for (int waited_ms = 0; waited_ms < REDIS_MS; waited_ms += STEP_MS) {
        uint64_t ended = 0;
        if (saga_views_counts(call->views, lanes, NULL, call->arena, &counts, &count) < 0) return;
        for (size_t i = 0; i < count; i++)
            if (saga_status_has_ended(saga_status_of(counts[i].status))) ended += counts[i].count;
        if (ended >= saga_demo_order_count) return;
        saga_sleep_ms(STEP_MS);
    }
}

int saga_demo_summary(struct saga_call *call)
{
    static const char *const one[] = { "order-fulfilment/order-4" };
    wait_for_redis(call);
    printf("\nWhere they stand now (saga list):\n\n");
    fflush(stdout);
    struct saga_call list = *call;
    list.command = &saga_subcommand_list;
    list.argument_count = list.given_count = 0;
    int code = list.command->run(&list);
    call->views = list.views; /* opened for both */
    if (code != SAGA_EXIT_DONE) return code;
    printf("\nThe story of one of them (saga history %s):\n\n", one[0]);
    fflush(stdout);
    struct saga_call history = *call;
    history.command = &saga_subcommand_history;
    history.arguments = (const char **)(uintptr_t)one;
    history.argument_count = 1;
    history.given_count = 0;
    return history.command->run(&history);
}
