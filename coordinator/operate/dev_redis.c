#include "operate/dev_redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"

enum { PORT_TRIES = 5, WAIT_MS = 5000, STEP_MS = 10 };

struct saga_dev_redis {
    pid_t pid;
    int port;
    char folder[64];
};

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)&address, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

static bool answers(int port)
{
    struct sockaddr_in address = loopback(port);
    char answer[8] = { 0 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                write(fd, "PING\r\n", 6) == 6 && read(fd, answer, sizeof answer - 1) > 0 &&
                strncmp(answer, "+PONG", 5) == 0;
    close(fd);
    return good;
}

static _Noreturn void become_redis(const struct saga_dev_redis *redis, pid_t parent)
{
    char port[8];
    snprintf(port, sizeof port, "%d", redis->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not outlive us, however we end */
    setpgid(0, 0);                    /* a Ctrl-C is for us: we stop it in order */
    if (getppid() != parent) _exit(1);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3 && null >= 0; fd++) dup2(null, fd);
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
           redis->folder, "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction",
           (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* 0 when it answers; else SAGA_E_NOT_FOUND, SAGA_E_AGAIN (it ended: its port was taken, say). */
static int start_once(struct saga_dev_redis *redis)
{
    pid_t parent = getpid();
    redis->port = free_port();
    redis->pid = fork();
    if (redis->pid == 0) become_redis(redis, parent);
    if (redis->pid < 0) return SAGA_E_AGAIN;
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        int status;
        if (answers(redis->port)) return SAGA_OK;
        if (waitpid(redis->pid, &status, WNOHANG) == redis->pid) {
            redis->pid = -1;
            bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
            return missing ? SAGA_E_NOT_FOUND : SAGA_E_AGAIN;
        }
        saga_sleep_ms(STEP_MS);
    }
    return SAGA_E_AGAIN;
}

int saga_dev_redis_start(struct saga_arena *arena, struct saga_dev_redis **ret,
                         struct saga_diagnostic *diagnostic)
{
    struct saga_dev_redis *redis = saga_memory_zeroed(1, sizeof *redis);
    redis->pid = -1;
    strcpy(redis->folder, "/tmp/saga-dev-XXXXXX");
    int error = mkdtemp(redis->folder) ? SAGA_E_AGAIN : SAGA_E_STOP;
    for (int i = 0; i < PORT_TRIES && error == SAGA_E_AGAIN; i++) {
        error = start_once(redis);
        if (error == SAGA_E_AGAIN && redis->pid > 0) {
            kill(redis->pid, SIGKILL);
            waitpid(redis->pid, NULL, 0);
            redis->pid = -1;
        }
    }
    if (error == SAGA_OK) {
        *ret = redis;
        return SAGA_OK;
    }
    saga_dev_redis_stop(redis);
    if (error == SAGA_E_NOT_FOUND) {
        saga_diagnostic_set(diagnostic, arena, "there is no redis-server to be run");
        saga_diagnostic_mend(diagnostic, arena,
                             "install Redis 6.2 or newer (Debian: apt-get install redis-server)");
        return error;
    }
    saga_diagnostic_set(diagnostic, arena, "redis-server does not start");
    saga_diagnostic_mend(diagnostic, arena,
                         "try: redis-server --port 0 --save \"\" and read what it says");
    return SAGA_E_STOP;
}

int saga_dev_redis_port(const struct saga_dev_redis *redis)
{
    return redis->port;
}

void saga_dev_redis_stop(struct saga_dev_redis *redis)
{
    if (!redis) return;
    if (redis->pid > 0) {
        kill(redis->pid, SIGKILL); /* it keeps nothing */
        waitpid(redis->pid, NULL, 0);
    }
    rmdir(redis->folder);
    free(redis);
}
