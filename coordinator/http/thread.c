#include "http/thread.h"

#include "base/assert.h"

void saga_thread_begin(struct saga_thread *thread, void *(*main)(void *context), void *context)
{
    thread->stopping = false;
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->more, NULL);
    int failed = pthread_create(&thread->thread, NULL, main, context);
    SAGA_ASSERT(!failed);
}

void saga_thread_lock(struct saga_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
}

void saga_thread_unlock(struct saga_thread *thread)
{
    pthread_mutex_unlock(&thread->lock);
}

void saga_thread_wait(struct saga_thread *thread)
{
    pthread_cond_wait(&thread->more, &thread->lock);
}

bool saga_thread_wait_until(struct saga_thread *thread, const struct timespec *until)
{
    return pthread_cond_timedwait(&thread->more, &thread->lock, until) == 0;
}

void saga_thread_wake(struct saga_thread *thread)
{
    pthread_cond_broadcast(&thread->more);
}

void saga_thread_stop(struct saga_thread *thread)
{
    saga_thread_lock(thread);
    thread->stopping = true;
    saga_thread_wake(thread);
    saga_thread_unlock(thread);
}

void saga_thread_end(struct saga_thread *thread)
{
    saga_thread_stop(thread);
    pthread_join(thread->thread, NULL);
    pthread_mutex_destroy(&thread->lock);
    pthread_cond_destroy(&thread->more);
}
