/* Who evaluates may be told to leave, and is told what its evaluations took in other processes. */
#include <stdatomic.h>
#include <stdint.h>

#include "definition/expression_internal.h"

static _Thread_local struct {
    saga_expression_given_up *is_given_up;
    void *context;
    bool gave_up;
} leave;

static _Thread_local int64_t thread_us;
static _Atomic int64_t process_us;

void saga_expression_give_up_by(saga_expression_given_up *is_given_up, void *context)
{
    leave.is_given_up = is_given_up;
    leave.context = context;
    leave.gave_up = false;
}

bool saga_expression_gave_up(void)
{
    return leave.gave_up;
}

bool saga_expression_may_give_up(void)
{
    return leave.is_given_up;
}

bool saga_expression_gives_up(void)
{
    if (!leave.gave_up && leave.is_given_up) leave.gave_up = leave.is_given_up(leave.context);
    return leave.gave_up;
}

void saga_expression_count_elsewhere(int64_t processor_us)
{
    thread_us += processor_us;
    atomic_fetch_add_explicit(&process_us, processor_us, memory_order_relaxed);
}

double saga_expression_elsewhere_s(bool of_thread)
{
    return (double)(of_thread ? thread_us : atomic_load(&process_us)) / 1e6;
}
