/* A thread of the server that does one thing for all requests, with the lock under which they give it something to do. */
#ifndef SAGA_HTTP_THREAD_H
#define SAGA_HTTP_THREAD_H

#include <pthread.h>
#include <stdbool.h>

struct saga_thread {
    pthread_t thread;
    pthread_mutex_t lock; /* of `stopping`, and of what the owner shares with it */
    pthread_cond_t more;
    bool stopping; /* it is to end, as soon as it can */
};

void saga_thread_begin(struct saga_thread *thread, void *(*main)(void *context), void *context);
void saga_thread_lock(struct saga_thread *thread);
void saga_thread_unlock(struct saga_thread *thread);
/* Under the lock: waits to be woken, for whatever reason. */
void saga_thread_wait(struct saga_thread *thread);
/* The same, until this time of the clock at most (CLOCK_REALTIME). False: it has come. */
bool saga_thread_wait_until(struct saga_thread *thread, const struct timespec *until);
/* Under the lock: wakes all who wait there. */
void saga_thread_wake(struct saga_thread *thread);
/* Tells it to end. Twice is once. */
void saga_thread_stop(struct saga_thread *thread);
/* The same, and waits until it has. */
void saga_thread_end(struct saga_thread *thread);

#endif
