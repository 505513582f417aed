/* Beside libfaketime, in the coordinator whose clock jumps: librdkafka waits by cnd_timedwait, until a time of the wall
 * clock. libfaketime changes the clock that such a time is taken from and does not know the call that waits for it, so
 * every wait would end at once, or too late, for as long as the clock is wrong. No real jump does that. The call of
 * POSIX it knows. */
#include <errno.h>
#include <pthread.h>
#include <threads.h>

_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "in glibc they are the same");

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    int error =
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}
