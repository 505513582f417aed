/* What the integration tests need of the machine: free ports, temporary folders, child
 * processes. Children never outlive the test: the kernel kills them when their parent thread
 * ends. Functions return 0 or -1, with the reason on stderr. */
#ifndef SAGA_TEST_PROCESS_H
#define SAGA_TEST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How long a test waits for what must come. What comes ends the wait, so it costs nothing where all is well, also on a
 * machine that is many times slower and busy with other tests. */
enum { SAGA_TEST_WAIT_MS = 600000 };

/* A clock that never jumps, for waits: until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS. */
int64_t saga_test_now_ms(void);

/* A TCP port of 127.0.0.1 that nobody listens on just now. It is this process' alone for as long as that lives, also
 * while its server is down: no other test gets it, and the kernel gives it to nobody who connects. 0 on failure. */
int saga_test_free_port(void);

/* Makes a folder of its own under $TMPDIR or /tmp. The path is the caller's to free; NULL on
 * failure. */
char *saga_test_temp_dir(void);
/* Removes a folder and all that is in it, without following links. NULL is fine. */
void saga_test_remove_dir(const char *path);

/* Starts argv[0] (looked for in $PATH) with both outputs appended to `log_path` (NULL: the
 * test's own). `argv` ends with NULL. The child is killed when the calling thread ends, so start
 * it from one that stays. A program that cannot be started is a failure here, not an exit of the
 * child. */
int saga_test_spawn(char *const argv[], const char *log_path, pid_t *ret_pid);

/* Runs a command line (printf) as a shell does; its exit code, -1 where it did not exit by itself. */
__attribute__((format(printf, 1, 2))) int saga_test_shell(const char *format, ...);

/* Still running? A child that ended stays to be reaped by saga_test_stop. */
bool saga_test_running(pid_t pid);

/* Sends `signal` (0: none, only waits) and waits for the end, after `timeout_ms` with SIGKILL.
 * Returns the status as of waitpid, or -1 where there was no such child or SIGKILL was needed.
 * Works on a stopped child too. */
int saga_test_stop(pid_t pid, int signal, int timeout_ms);

/* A number of /proc/PID/status: "Threads", or in KiB "VmRSS" and the like; 0 where the process is gone. */
long saga_test_status(pid_t pid, const char *field);

/* Waits until 127.0.0.1:port takes connections. */
int saga_test_wait_port(int port, int timeout_ms);

/* Sleeps, also over signals. */
void saga_test_sleep_ms(int ms);

#endif
