/* Evaluating in a process of its own, because libjq cannot be stopped: an expression may go round for ever or build a
 * value larger than memory, and some of libjq's own assertions end the process. What is surely cheap does not come here
 * (expression_price.c).
 *
 *   worker ──request: source, bindings──▶ helper: compiles (once a source), evaluates, looks at itself every 10 ms
 *          ◀──answer: error, JSON or words,──    ends itself with a code when it takes too much
 *             and the processor time so far
 *
 * A helper is the program itself, executed anew, since a fork of a process with threads may do next to nothing. It is
 * started when one is first needed, is kept, and ends when its worker's end of the socket closes. Each evaluation has
 * one helper for itself. The limits are in limits.h, far from what an expression that is of use takes, so that the same
 * evaluation does not meet them one time and not the next; which of time and memory was met first is no part of the
 * words. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "definition/expression_internal.h"

enum {
    HELPER_SOCKET = 3,
    EXIT_STOPPED = 3,
    LOOK_EVERY_US = 10000,
    LEAVE_EVERY_MS = 100, /* who waits for it looks whether it is to leave */
    COMPILED_MAX = 256,   /* sources that a helper keeps; then it begins anew */
    TRIES = 3
};

static const char HELPER_WORD[] = "--evaluate-expressions";

struct frame {
    int64_t processor_us; /* of an answer: all that the helper has taken since it began */
    int32_t error;        /* of an answer */
    uint32_t bytes;       /* that follow */
};

static bool here;

bool saga_helper_is_here(void)
{
    return here;
}

/* ---- bytes ---- */

static bool write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = send(fd, at, size, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t size)
{
    char *at = bytes;
    while (size > 0) {
        ssize_t got = read(fd, at, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool send_frame(int fd, struct frame frame, struct saga_slice body)
{
    frame.bytes = (uint32_t)body.size;
    return write_all(fd, &frame, sizeof frame) && write_all(fd, body.data, body.size);
}

static void put(struct saga_buffer *out, struct saga_slice text)
{
    int64_t size = text.data ? (int64_t)text.size : -1;
    saga_buffer_append(out, &size, sizeof size);
    if (text.data) saga_buffer_add(out, text);
}

static struct saga_slice get(const char **at)
{
    int64_t size;
    memcpy(&size, *at, sizeof size);
    *at += sizeof size;
    if (size < 0) return SAGA_SLICE_NONE;
    struct saga_slice text = { *at, (size_t)size };
    *at += size;
    return text;
}

/* ---- in the helper ---- */

static int64_t processor_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int64_t page_bytes; /* set before the first signal: sysconf is not for handlers */

static int64_t resident_bytes(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (got <= 0) return 0;
    text[got] = '\0';
    const char *at = strchr(text, ' ');
    int64_t pages = 0;
    for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++) pages = pages * 10 + (*at - '0');
    return pages * page_bytes;
}

static int64_t time_end_us, memory_end_bytes;

static void look(int signal_number)
{
    (void)signal_number;
    if (processor_us() > time_end_us || resident_bytes() > memory_end_bytes) _exit(EXIT_STOPPED);
}

static void watch(bool on)
{
    struct itimerval every = { 0 };
    if (on) {
        page_bytes = sysconf(_SC_PAGESIZE);
        time_end_us = processor_us() + (int64_t)SAGA_EXPRESSION_CPU_MS_MAX * 1000;
        memory_end_bytes = resident_bytes() + SAGA_EXPRESSION_MEMORY_BYTES_MAX;
        every.it_interval.tv_usec = every.it_value.tv_usec = LOOK_EVERY_US;
    }
    setitimer(ITIMER_PROF, &every, NULL);
}

struct compiled {
    struct saga_slice source;
    struct saga_expression *expression;
};

static struct saga_expression *compiled_for(struct saga_slice source)
{
    static struct compiled kept[COMPILED_MAX];
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (saga_slice_equal(kept[i].source, source)) return kept[i].expression;
    if (count == COMPILED_MAX)
        while (count > 0) saga_expression_free(kept[--count].expression);
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_expression *expression;
    saga_arena_init(&arena);
    struct saga_slice message;
    int error = saga_expression_compile(source, &arena, &diagnostic, &expression);
    /* no part of what the evaluation may take */
    if (error == SAGA_OK) error = saga_expression_prepare(expression, &arena, &message);
    saga_arena_free(&arena);
    SAGA_ASSERT(error == SAGA_OK); /* whoever asks has compiled it */
    kept[count++] = (struct compiled){ saga_expression_source(expression), expression };
    return expression;
}

static struct saga_slice read_request(const char *at, struct saga_arena *arena,
                                      struct saga_bindings *ret)
{
    struct saga_slice source = get(&at);
    *ret = (struct saga_bindings){ .root = get(&at) };
    struct saga_slice *const members[] = { &ret->input, &ret->vars, &ret->item,  &ret->items,
                                           &ret->index, &ret->saga, &ret->reply, &ret->error };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) *members[i] = get(&at);
    uint64_t count;
    memcpy(&count, at, sizeof count);
    at += sizeof count;
    struct saga_binding *steps = SAGA_NEW_ARRAY(arena, struct saga_binding, count);
    for (size_t i = 0; i < count; i++) {
        steps[i].name = get(&at);
        steps[i].json = get(&at);
    }
    ret->steps = steps;
    ret->step_count = count;
    return source;
}

static bool answer(const char *request, struct saga_arena *arena)
{
    struct saga_bindings bindings;
    struct saga_slice json, message = SAGA_SLICE_NONE;
    struct saga_slice source = read_request(request, arena, &bindings);
    struct saga_expression *expression = compiled_for(source);
    watch(true);
    int error = saga_expression_eval_bare(expression, &bindings, arena, &json, &message);
    watch(false);
    struct frame frame = { .processor_us = processor_us(), .error = error };
    return send_frame(HELPER_SOCKET, frame, error < 0 ? message : json);
}

_Noreturn static void serve(void)
{
    struct saga_arena arena;
    struct frame frame;
    struct rlimit none = { 0, 0 };
    here = true;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGPROF, look);
    /* what a terminal or a service manager tells all processes of a service is not for this one */
    static const int others[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) signal(others[i], SIG_IGN);
    saga_arena_init(&arena);
    while (read_all(HELPER_SOCKET, &frame, sizeof frame)) {
        char *request = saga_arena_alloc(&arena, frame.bytes);
        if (!read_all(HELPER_SOCKET, request, frame.bytes) || !answer(request, &arena)) break;
        saga_arena_free(&arena);
    }
    _exit(0);
}

/* Before main, so that every program that evaluates, tests too, can be executed as a helper without knowing of it. */
__attribute__((constructor)) static void become_helper(int argc, char **argv)
{
    int type;
    socklen_t size = sizeof type;
    if (argc == 2 && strcmp(argv[1], HELPER_WORD) == 0 &&
        getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
        serve();
}

/* ---- starting one ---- */

struct helper {
    pid_t pid; /* 0: none */
    int fd;
    int nice;           /* of the thread that started it, which it has from it */
    int64_t counted_us; /* of the processor time that it has taken */
    bool busy;
};

enum { HELPERS_MAX = SAGA_WORKERS_MAX + 16 }; /* workers, and threads of the commands */

static struct helper helpers[HELPERS_MAX];
static pid_t helpers_of; /* the process that they belong to */
static pthread_mutex_t helpers_lock = PTHREAD_MUTEX_INITIALIZER;

/* A fork's copies are its parent's to talk to. */
static void forget_helpers_of_others(void)
{
    pid_t process = getpid();
    for (size_t i = 0; i < HELPERS_MAX && helpers_of != process; i++) {
        if (helpers[i].pid) close(helpers[i].fd);
        helpers[i] = (struct helper){ 0 };
    }
    helpers_of = process;
}

/* One that a thread of low priority has started has that too: it is no help to others. */
static struct helper *take_helper(void)
{
    struct helper *found = NULL;
    int nice = getpriority(PRIO_PROCESS, 0); /* of this thread */
    pthread_mutex_lock(&helpers_lock);
    forget_helpers_of_others();
    for (size_t i = 0; i < HELPERS_MAX && (!found || !found->pid); i++)
        if (!helpers[i].busy && (helpers[i].pid ? helpers[i].nice == nice : !found))
            found = &helpers[i];
    SAGA_ASSERT(found);
    found->busy = true;
    if (!found->pid) found->nice = nice;
    pthread_mutex_unlock(&helpers_lock);
    return found;
}

static void give_back(struct helper *helper)
{
    pthread_mutex_lock(&helpers_lock);
    helper->busy = false;
    pthread_mutex_unlock(&helpers_lock);
}

/* As where memory ends (base/memory.h): that there is no process to be had says nothing of the expression. */
_Noreturn static void stop_without(const char *what)
{
    fprintf(stderr,
            "saga: cannot start a process to evaluate expressions in: %s\n"
            "The process ends here, with exit code %d. Nothing is lost: what was not committed is "
            "done again when it is started again.\n"
            "Allow it more processes and files (`ulimit -u`, `ulimit -n`, TasksMax=), and /proc.\n",
            what, SAGA_EXIT_MEMORY);
    _exit(SAGA_EXIT_MEMORY);
}

static int spawn(int fd, pid_t *ret)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    char word[sizeof HELPER_WORD], name[] = "saga";
    char *arguments[] = { name, memcpy(word, HELPER_WORD, sizeof word), NULL };
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, fd, HELPER_SOCKET);
    posix_spawn_file_actions_addclosefrom_np(&files, HELPER_SOCKET + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(ret, "/proc/self/exe", &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void start(struct helper *helper)
{
    int pair[2];
    if (helper->pid) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) stop_without(strerror(errno));
    /* one whose number is the helper's would be closed by being put there without its flag */
    if (pair[1] == HELPER_SOCKET) {
        int other = fcntl(pair[1], F_DUPFD_CLOEXEC, HELPER_SOCKET + 1);
        if (other < 0) stop_without(strerror(errno));
        close(pair[1]);
        pair[1] = other;
    }
    int error = spawn(pair[1], &helper->pid);
    if (error) stop_without(strerror(error));
    close(pair[1]);
    helper->fd = pair[0];
}

static void count_processor(struct helper *helper, int64_t taken_us)
{
    saga_expression_count_elsewhere(taken_us - helper->counted_us);
    helper->counted_us = taken_us;
}

static int64_t microseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

/* Its exit status. */
static int stop(struct helper *helper, bool kills)
{
    int status = 0;
    struct rusage used = { 0 };
    if (kills) kill(helper->pid, SIGKILL);
    close(helper->fd);
    while (wait4(helper->pid, &status, 0, &used) < 0 && errno == EINTR) continue;
    int64_t taken_us = microseconds(used.ru_utime) + microseconds(used.ru_stime);
    if (taken_us > helper->counted_us) count_processor(helper, taken_us);
    helper->counted_us = 0;
    helper->pid = 0;
    return status;
}

/* ---- asking it ---- */

static struct saga_slice make_request(struct saga_slice source, const struct saga_bindings *b,
                                      struct saga_arena *arena)
{
    struct saga_buffer out;
    const struct saga_slice parts[] = { source,   b->root,  b->input, b->vars,  b->item,
                                        b->items, b->index, b->saga,  b->reply, b->error };
    uint64_t count = b->step_count;
    saga_buffer_init(&out, arena);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) put(&out, parts[i]);
    saga_buffer_append(&out, &count, sizeof count);
    for (size_t i = 0; i < count; i++) {
        put(&out, b->steps[i].name);
        put(&out, b->steps[i].json);
    }
    return saga_buffer_slice(&out);
}

enum outcome { ANSWERED, ENDED, NO_ANSWER, GIVEN_UP };

static enum outcome wait_for(int fd)
{
    int64_t end_ms = saga_monotonic_ms() + SAGA_EXPRESSION_WAIT_MS_MAX;
    for (;;) {
        int64_t left_ms = end_ms - saga_monotonic_ms();
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        if (left_ms <= 0) return NO_ANSWER;
        if (saga_expression_may_give_up() && left_ms > LEAVE_EVERY_MS) left_ms = LEAVE_EVERY_MS;
        if (poll(&poll_fd, 1, (int)left_ms) > 0) return ANSWERED;
        if (saga_expression_gives_up()) return GIVEN_UP;
    }
}

static enum outcome ask(struct helper *helper, struct saga_slice request, struct saga_arena *arena,
                        int *ret_error, struct saga_slice *ret_answer)
{
    struct frame frame;
    start(helper);
    if (!send_frame(helper->fd, (struct frame){ 0 }, request)) return ENDED;
    enum outcome outcome = wait_for(helper->fd);
    if (outcome != ANSWERED) return outcome;
    if (!read_all(helper->fd, &frame, sizeof frame)) return ENDED;
    char *bytes = saga_arena_alloc(arena, frame.bytes + 1);
    if (!read_all(helper->fd, bytes, frame.bytes)) return ENDED;
    count_processor(helper, frame.processor_us);
    *ret_error = frame.error;
    *ret_answer = (struct saga_slice){ bytes, frame.bytes };
    return ANSWERED;
}

static struct saga_slice explain(int status, enum outcome outcome, struct saga_arena *arena)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (outcome == GIVEN_UP) return SAGA_SLICE("it was given up");
    if (outcome == NO_ANSWER)
        return saga_arena_printf(arena, "it did not come to an end in %d s",
                                 SAGA_EXPRESSION_WAIT_MS_MAX / 1000);
    if (code == EXIT_STOPPED || code == SAGA_EXIT_MEMORY ||
        (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        return saga_arena_printf(arena,
                                 "it was stopped: it takes more than %d ms of processor time or "
                                 "%lld MiB of memory",
                                 SAGA_EXPRESSION_CPU_MS_MAX,
                                 SAGA_EXPRESSION_MEMORY_BYTES_MAX / 1024 / 1024);
    return SAGA_SLICE("libjq does not survive it: a fault of that library, write it another way");
}

/* Was it somebody else who ended it? That says nothing of the expression, unless it is so again. */
static bool is_from_outside(int status)
{
    return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
           (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int saga_helper_eval(struct saga_slice source, const struct saga_bindings *bindings,
                     struct saga_arena *arena, struct saga_slice *ret_json,
                     struct saga_slice *ret_message)
{
    struct saga_slice request = make_request(source, bindings, arena), answer_text;
    struct helper *helper = take_helper();
    int error = SAGA_E_LIMIT, status = 0;
    enum outcome outcome = ENDED;
    for (int i = 0; i < TRIES && outcome == ENDED; i++) {
        outcome = ask(helper, request, arena, &error, &answer_text);
        if (outcome == ANSWERED) break;
        status = stop(helper, outcome != ENDED);
        if (!is_from_outside(status)) break;
    }
    give_back(helper);
    if (outcome != ANSWERED) {
        *ret_message = explain(status, outcome, arena);
        return SAGA_E_LIMIT;
    }
    if (error == SAGA_OK)
        *ret_json = answer_text;
    else
        *ret_message = answer_text;
    return error;
}
