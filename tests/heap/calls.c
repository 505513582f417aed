#include "calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const call_names[CALLS] = { "socket",     "connect",    "poll",  "read",  "write",
                                        "getsockopt", "setsockopt", "fcntl", "close", "getrandom" };

const int call_errors[CALLS][8] = {
    [CALL_SOCKET] = { EMFILE, ENFILE, ENOBUFS, ENOMEM },
    [CALL_CONNECT] = { ECONNREFUSED, EINTR, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EAGAIN },
    [CALL_POLL] = { EINTR, ENOMEM, EAGAIN },
    [CALL_READ] = { EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, EIO },
    [CALL_WRITE] = { EINTR, EAGAIN, ECONNRESET, EPIPE, ENOBUFS, ENOMEM },
    [CALL_GETSOCKOPT] = { ENOBUFS, ENOMEM },
    [CALL_SETSOCKOPT] = { ENOBUFS, ENOMEM, ENOPROTOOPT },
    [CALL_FCNTL] = { EINTR, EAGAIN },
    [CALL_CLOSE] = { EINTR, EIO },
    [CALL_GETRANDOM] = { EINTR, EAGAIN, ENOSYS },
};

/* ---- when ---- */

static _Thread_local struct {
    bool armed;
    enum call call;
    unsigned nth, times, counted;
    enum fault_kind kind;
    int error;
} plan;

static _Atomic uint64_t seed;
static atomic_uint one_in, drawn, failed;

void calls_fail(enum call call, unsigned nth, unsigned times, enum fault_kind kind, int error)
{
    plan.call = call;
    plan.nth = nth;
    plan.times = times;
    plan.counted = 0;
    plan.kind = kind;
    plan.error = error;
    plan.armed = true;
}

unsigned calls_heal(void)
{
    plan.armed = false;
    return plan.counted;
}

void calls_fail_at_random(uint64_t new_seed, unsigned new_one_in)
{
    atomic_store(&seed, new_seed);
    atomic_store(&one_in, new_one_in);
}

unsigned calls_failed_at_random(void)
{
    return atomic_load(&failed);
}

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = atomic_load(&seed) + (atomic_fetch_add(&drawn, 1) + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static bool is_due_at_random(enum call call, enum fault_kind *ret_kind, int *ret_error)
{
    unsigned rate = atomic_load(&one_in);
    bool concerned = call == CALL_SOCKET || call == CALL_CONNECT || call == CALL_POLL ||
                     call == CALL_READ || call == CALL_WRITE;
    if (rate == 0 || !concerned) return false;
    uint64_t lot = draw();
    if (lot % rate) return false;
    int count = 0;
    while (call_errors[call][count]) count++;
    *ret_error = call_errors[call][(lot >> 32) % (unsigned)count];
    bool nothing_was_done = *ret_error == EINTR || *ret_error == EAGAIN;
    *ret_kind =
        call == CALL_WRITE && !nothing_was_done && (lot >> 60) % 2 ? FAULT_AFTER : FAULT_INSTEAD;
    atomic_fetch_add(&failed, 1);
    return true;
}

static bool is_due(enum call call, enum fault_kind *ret_kind, int *ret_error)
{
    if (!plan.armed || call != plan.call) return is_due_at_random(call, ret_kind, ret_error);
    unsigned number = ++plan.counted;
    *ret_kind = plan.kind;
    *ret_error = plan.error;
    return number >= plan.nth && number - plan.nth < plan.times;
}

/* ---- the calls ---- */

static void find(void *ret_function, size_t size, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    memcpy(ret_function, &found, size);
}

#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real) find(&real, sizeof real, #name)

/* Where the call itself is `expression`; `undo` is done with what it gave when it is told to have failed. */
#define PASS_ON(call, expression, undo)                                                            \
    do {                                                                                           \
        enum fault_kind kind;                                                                      \
        int error;                                                                                 \
        if (!is_due(call, &kind, &error)) return expression;                                       \
        if (kind == FAULT_AFTER) {                                                                 \
            int given = (int)expression;                                                           \
            (void)given;                                                                           \
            undo;                                                                                  \
        }                                                                                          \
        errno = error;                                                                             \
        return -1;                                                                                 \
    } while (0)

/* The same for what moves bytes: `shorter` moves one at most. */
#define PASS_BYTES_ON(call, expression, shorter)                                                   \
    do {                                                                                           \
        enum fault_kind kind;                                                                      \
        int error;                                                                                 \
        if (!is_due(call, &kind, &error)) return expression;                                       \
        if (kind == FAULT_LOST) {                                                                  \
            shutdown(file, SHUT_RDWR);                                                             \
            return (ssize_t)size;                                                                  \
        }                                                                                          \
        if (kind == FAULT_SHORT) return shorter;                                                   \
        if (kind == FAULT_AFTER) (void)!expression;                                                \
        errno = error;                                                                             \
        return -1;                                                                                 \
    } while (0)

int socket(int domain, int type, int protocol)
{
    REAL(int, socket, int, int, int);
    PASS_ON(CALL_SOCKET, real(domain, type, protocol), close(given));
}

int connect(int file, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    REAL(int, connect, int, __CONST_SOCKADDR_ARG, socklen_t);
    PASS_ON(CALL_CONNECT, real(file, address, size), (void)0);
}

int poll(struct pollfd *files, nfds_t count, int timeout_ms)
{
    REAL(int, poll, struct pollfd *, nfds_t, int);
    PASS_ON(CALL_POLL, real(files, count, timeout_ms), (void)0);
}

int __poll_chk(struct pollfd *files, nfds_t count, int timeout_ms, size_t size);
int __poll_chk(struct pollfd *files, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return poll(files, count, timeout_ms);
}

ssize_t read(int file, void *bytes, size_t size)
{
    REAL(ssize_t, read, int, void *, size_t);
    if (!plan.armed) return real(file, bytes, size); /* wakeup pipes */
    PASS_BYTES_ON(CALL_READ, real(file, bytes, size), real(file, bytes, size ? 1 : 0));
}

ssize_t write(int file, const void *bytes, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t);
    if (!plan.armed) return real(file, bytes, size);
    PASS_BYTES_ON(CALL_WRITE, real(file, bytes, size), real(file, bytes, size ? 1 : 0));
}

ssize_t recv(int file, void *bytes, size_t size, int flags)
{
    REAL(ssize_t, recv, int, void *, size_t, int);
    PASS_BYTES_ON(CALL_READ, real(file, bytes, size, flags),
                  real(file, bytes, size ? 1 : 0, flags));
}

ssize_t send(int file, const void *bytes, size_t size, int flags)
{
    REAL(ssize_t, send, int, const void *, size_t, int);
    PASS_BYTES_ON(CALL_WRITE, real(file, bytes, size, flags),
                  real(file, bytes, size ? 1 : 0, flags));
}

ssize_t recvmsg(int file, struct msghdr *message, int flags)
{
    const size_t size = 0; /* no such fault */
    REAL(ssize_t, recvmsg, int, struct msghdr *, int);
    PASS_BYTES_ON(CALL_READ, real(file, message, flags), real(file, message, flags));
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags)
{
    const size_t size = 0;
    REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
    PASS_BYTES_ON(CALL_WRITE, real(file, message, flags), real(file, message, flags));
}

int getsockopt(int file, int level, int name, void *value, socklen_t *size)
{
    REAL(int, getsockopt, int, int, int, void *, socklen_t *);
    PASS_ON(CALL_GETSOCKOPT, real(file, level, name, value, size), (void)0);
}

int setsockopt(int file, int level, int name, const void *value, socklen_t size)
{
    REAL(int, setsockopt, int, int, int, const void *, socklen_t);
    PASS_ON(CALL_SETSOCKOPT, real(file, level, name, value, size), (void)0);
}

/* Under both of its names: which one a library calls is a matter of how it was built. */
int plain_fcntl(int file, int command, ...) __asm__("fcntl");
int large_fcntl(int file, int command, ...) __asm__("fcntl64");

int plain_fcntl(int file, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    REAL(int, fcntl64, int, int, ...);
    PASS_ON(CALL_FCNTL, real(file, command, argument), (void)0);
}

int large_fcntl(int file, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return plain_fcntl(file, command, argument);
}

/* A close that fails has closed all the same: that is Linux. */
int close(int file)
{
    REAL(int, close, int);
    enum fault_kind kind;
    int error;
    bool fails = is_due(CALL_CLOSE, &kind, &error);
    int result = real(file);
    if (!fails) return result;
    errno = error;
    return -1;
}

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    REAL(ssize_t, getrandom, void *, size_t, unsigned);
    PASS_ON(CALL_GETRANDOM, real(bytes, size, flags), (void)0);
}
