/* The orders that `saga dev --demo` plays, on sagas/order-fulfilment.yaml. */
#ifndef SAGA_OPERATE_DEV_DEMO_H
#define SAGA_OPERATE_DEV_DEMO_H

#include "operate/command.h"
#include "operate/participants.h"

extern const size_t saga_demo_order_count;

/* Adds what the participants do with these orders. */
void saga_demo_rules(struct saga_arena *arena, struct saga_answer_rule **rules, size_t *count,
                     size_t *capacity);
/* Tells what is going to be seen and sends the orders. An exit code. */
int saga_demo_send(struct saga_call *call);
/* A table of what became of them, and the history of one. */
int saga_demo_summary(struct saga_call *call);

#endif
