#include "harness/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 10

/* Below those that the kernel chooses itself (ip_local_port_range), above those of well-known services. */
enum { PORT_FIRST = 10240, PORTS = 22000 };

static int complain(const char *what, const char *about)
{
    fprintf(stderr, "test harness: %s %s: %s\n", what, about, strerror(errno));
    return -1;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool can_listen(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) return false;
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return bound;
}

/* A name without a file, which one process alone can have and which the kernel takes back when it ends. Gives the socket that
 * holds it, -1 where somebody else does. */
static int hold_port(int port)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int size = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "saga-test-port-%d", port);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, bytes) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

int saga_test_free_port(void)
{
    static int next;

    /* tests that run side by side begin in different places */
    if (next == 0) next = (int)((unsigned)getpid() * 97u % PORTS);
    for (int attempt = 0; attempt < PORTS; attempt++) {
        int port = PORT_FIRST + next;
        next = (next + 1) % PORTS;
        int holding =
            hold_port(port); /* first: to try a port of somebody else's would be in its way */
        if (holding < 0) continue;
        if (can_listen(port)) return port; /* held until this process ends */
        close(holding);
    }
    complain("no free port on", "127.0.0.1");
    return 0;
}

int64_t saga_test_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *saga_test_temp_dir(void)
{
    const char *root = getenv("TMPDIR");
    char *path = NULL;

    if (asprintf(&path, "%s/saga-test-XXXXXX", root && *root ? root : "/tmp") < 0) return NULL;
    if (mkdtemp(path)) return path;
    complain("cannot make the folder", path);
    free(path);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *at)
{
    (void)status;
    (void)flag;
    (void)at;
    if (remove(path) < 0) complain("cannot remove", path);
    return 0;
}

void saga_test_remove_dir(const char *path)
{
    if (path) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Runs in the child: only what is safe between fork and exec. `failed` closes itself when exec
 * succeeds. */
static _Noreturn void become(char *const argv[], const char *log_path, pid_t parent, int failed)
{
    int trouble = 0;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) trouble = errno;
    if (getppid() != parent) _exit(127); /* the parent died before prctl */
    if (!trouble && log_path) {
        int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) trouble = errno;
        if (fd > STDERR_FILENO) close(fd);
    }
    int null = open("/dev/null", O_RDONLY);
    if (null > STDIN_FILENO) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    if (!trouble) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        execvp(argv[0], argv);
        trouble = errno;
    }
    ssize_t written = write(failed, &trouble, sizeof(trouble));
    _exit(written == (ssize_t)sizeof(trouble) ? 127 : 126);
}

int saga_test_spawn(char *const argv[], const char *log_path, pid_t *ret_pid)
{
    int ends[2];
    int trouble = 0;
    pid_t parent = getpid();

    if (pipe2(ends, O_CLOEXEC) < 0) return complain("no pipe for", argv[0]);
    pid_t pid = fork();
    if (pid == 0) become(argv, log_path, parent, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return complain("cannot fork for", argv[0]);
    }
    ssize_t got = read(ends[0], &trouble, sizeof(trouble));
    close(ends[0]);
    if (got != 0) {
        waitpid(pid, NULL, 0);
        errno = got == (ssize_t)sizeof(trouble) ? trouble : EIO;
        return complain("cannot start", argv[0]);
    }
    *ret_pid = pid;
    return 0;
}

long saga_test_status(pid_t pid, const char *field)
{
    char path[64], line[256];
    long value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            value = strtol(line + strlen(field) + 1, NULL, 10);
    if (file) fclose(file);
    return value;
}

int saga_test_shell(const char *format, ...)
{
    char line[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool saga_test_running(pid_t pid)
{
    siginfo_t info = { 0 };

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return false;
    return info.si_pid == 0;
}

int saga_test_stop(pid_t pid, int signal, int timeout_ms)
{
    int status = 0;
    bool killed = false;

    if (pid <= 0) return -1;
    if (signal != 0) {
        kill(pid, signal);
        kill(pid, SIGCONT); /* a stopped child takes no signal but SIGKILL before it goes on */
    }
    for (int waited = 0;; waited += POLL_MS) {
        pid_t ended = waitpid(pid, &status, killed ? 0 : WNOHANG);
        if (ended == pid) return killed ? -1 : status;
        if (ended < 0 && errno != EINTR) return -1;
        if (waited >= timeout_ms && !killed) {
            fprintf(stderr, "test harness: process %d did not end in %d ms, killed\n", (int)pid,
                    timeout_ms);
            kill(pid, SIGKILL);
            killed = true;
        }
        if (!killed) saga_test_sleep_ms(POLL_MS);
    }
}

int saga_test_wait_port(int port, int timeout_ms)
{
    for (int waited = 0;; waited += POLL_MS) {
        struct sockaddr_in address = loopback(port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return complain("no socket to ask", "127.0.0.1");
        int connected = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (connected == 0) return 0;
        if (waited >= timeout_ms) break;
        saga_test_sleep_ms(POLL_MS);
    }
    fprintf(stderr, "test harness: nobody listens on port %d after %d ms\n", port, timeout_ms);
    return -1;
}

void saga_test_sleep_ms(int ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    while (nanosleep(&left, &left) < 0 && errno == EINTR) continue;
}
