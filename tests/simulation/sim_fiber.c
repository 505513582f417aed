#include "sim_fiber.h"

#include <stdint.h>

#include "base/assert.h"

/* swapcontext asks the system for the signal mask at each switch, which took a sixth of a history's time; jumping does not.
 * But the sanitizers follow swapcontext from stack to stack, and take such a jump for one within a stack. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SIM_FIBER_JUMPS = false };
#else
enum { SIM_FIBER_JUMPS = true };
#endif

/* makecontext hands over numbers of the size of an int. */
static void begin(unsigned high, unsigned low)
{
    struct sim_fiber *fiber = (struct sim_fiber *)(((uintptr_t)high << 32) | low);
    fiber->main(fiber->argument);
    SAGA_ASSERT(false);
}

void sim_fiber_make(struct sim_fiber *fiber, void *stack, size_t stack_bytes,
                    void (*main)(void *argument), void *argument)
{
    uintptr_t address = (uintptr_t)fiber;
    *fiber = (struct sim_fiber){ .main = main, .argument = argument };
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = stack_bytes;
    makecontext(&fiber->context, (void (*)(void))begin, 2, (unsigned)(address >> 32),
                (unsigned)address);
}

void sim_fiber_switch(struct sim_fiber *from, struct sim_fiber *to)
{
    if (!SIM_FIBER_JUMPS) {
        swapcontext(&from->context, &to->context);
        return;
    }
    from->was_left = true;
    if (_setjmp(from->place)) return;
    if (to->was_left) _longjmp(to->place, 1);
    setcontext(&to->context);
}
