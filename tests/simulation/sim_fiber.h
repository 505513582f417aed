/* Fibers: several stacks in one thread, of which one runs at a time, until it hands over to another. */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

#include <setjmp.h>
#include <stdbool.h>
#include <ucontext.h>

struct sim_fiber {
    ucontext_t context; /* until it was left for the first time, what it begins with */
    jmp_buf place;      /* where it was left */
    bool was_left;
    void (*main)(void *argument);
    void *argument;
};

/* A fiber that begins with `main(argument)` on that stack, when it is switched to. `main` never returns: it hands over
 * for the last time, and nobody switches to the fiber again. The thread's own stack needs no making: zeroes will do. */
void sim_fiber_make(struct sim_fiber *fiber, void *stack, size_t stack_bytes,
                    void (*main)(void *argument), void *argument);
/* Goes on with `to`; comes back when somebody switches to `from`, which is what runs now. */
void sim_fiber_switch(struct sim_fiber *from, struct sim_fiber *to);

#endif
