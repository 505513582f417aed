#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "operate/libraries.h"

enum {
    EVERY_ONE_UP_TO = 2000, /* requests of a scenario that are refused one by one */
    SAMPLES = 150,          /* and of those beyond, in even steps */
    SAMPLES_OF_SLOW = 30,
    HANG_SECONDS = 600,
    FRAMES = 48,
    TOLD_BYTES = 64 * 1024
};

/* How a process ends; any other exit code but SAGA_EXIT_MEMORY is trouble. */
enum ending { AS_WITHOUT = 0, DOCUMENTED = 100, OTHER_RESULT, OTHER_ERROR };

/* What the process that runs a scenario shows to the one that watches it. */
static struct report {
    unsigned requests;
    int error;
    bool refused;
    size_t size; /* of the request */
    int frame_count, crash_count;
    void *frames[FRAMES], *crash[FRAMES];
    size_t told_size;
    char told[TOLD_BYTES];
} * report;

static unsigned refused_from, refused_to; /* requests, from 1; 0: none */
static const char *not_of;
static _Thread_local bool counting; /* the scenario's own thread alone: the same every time */

/* ---- the heap ---- */

#ifdef __SANITIZE_ADDRESS__
/* What was prepared for all runs is not given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *bytes, size_t size);
void *REAL(memalign)(size_t alignment, size_t size);

/* Whose request is it? The nearest code on the stack that is that library's or this program's says so. */
static bool is_not_counted(void)
{
    void *frames[FRAMES];
    Dl_info here, info;
    bool theirs = false, ours = false;
    counting = false;
    int count = backtrace(frames, FRAMES);
    if (!dladdr((void *)(uintptr_t)malloc, &here)) abort();
    for (int i = 3; i < count && !theirs && !ours; i++) { /* behind the functions of this file */
        if (!dladdr(frames[i], &info)) break;
        theirs = strstr(info.dli_fname, not_of) != NULL;
        ours = info.dli_fbase == here.dli_fbase;
    }
    counting = true;
    return theirs;
}

static bool refuse(size_t size)
{
    if (!counting || (not_of && is_not_counted())) return false;
    unsigned number = ++report->requests;
    if (number < refused_from || number > refused_to) return false;
    if (!report->refused) {
        counting = false;
        report->refused = true;
        report->size = size;
        report->frame_count = backtrace(report->frames, FRAMES);
        counting = true;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return refuse(size) ? NULL : REAL(malloc)(size);
}

void *calloc(size_t count, size_t size)
{
    return refuse(count * size) ? NULL : REAL(calloc)(count, size);
}

void *realloc(void *bytes, size_t size)
{
    return size && refuse(size) ? NULL : REAL(realloc)(bytes, size);
}

void *reallocarray(void *bytes, size_t count, size_t size)
{
    return realloc(bytes, count * size);
}

void *memalign(size_t alignment, size_t size)
{
    return refuse(size) ? NULL : REAL(memalign)(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *bytes = memalign(alignment, size);
    if (!bytes) return ENOMEM;
    *ret = bytes;
    return 0;
}

/* ---- what came out ---- */

void heap_tell_slice(struct saga_slice text)
{
    size_t room = TOLD_BYTES - report->told_size, size = text.size < room ? text.size : room;
    if (size) memcpy(report->told + report->told_size, text.data, size);
    report->told_size += size;
}

void heap_tell(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    heap_tell_slice((struct saga_slice){ text, size < 0 ? 0 : strlen(text) });
}

/* ---- one run ---- */

struct run {
    const struct heap_scenario *scenario;
    int words; /* what the process says on standard error */
    int printed;
    char expected[TOLD_BYTES];
    size_t expected_size;
};

static void on_crash(int number)
{
    counting = false;
    report->crash_count = backtrace(report->crash, FRAMES);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_for_crashes(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };
    static char stack[64 * 1024];
    stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
    sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    alarm(HANG_SECONDS);
}

static void tell_what_was_printed(int file)
{
    char text[4096];
    fflush(stdout);
    lseek(file, 0, SEEK_SET);
    for (ssize_t got; (got = read(file, text, sizeof text)) > 0;)
        heap_tell_slice((struct saga_slice){ text, (size_t)got });
}

static bool is_documented(const struct heap_scenario *scenario, int error)
{
    for (size_t i = 0; scenario->errors[i]; i++)
        if (scenario->errors[i] == error) return true;
    return false;
}

static _Noreturn void be_the_run(const struct run *run, bool first)
{
    dup2(run->words, STDERR_FILENO);
    if (run->scenario->own_stdout) dup2(run->printed, STDOUT_FILENO);
    watch_for_crashes();
    not_of = run->scenario->not_of;
    counting = true;
    report->error = run->scenario->run();
    counting = false;
    if (run->scenario->own_stdout) tell_what_was_printed(run->printed);
    if (first) _exit(report->error ? OTHER_ERROR : AS_WITHOUT);
    if (report->error)
        _exit(is_documented(run->scenario, report->error) ? DOCUMENTED : OTHER_ERROR);
    bool same = report->told_size == run->expected_size &&
                memcmp(report->told, run->expected, run->expected_size) == 0;
    _exit(same ? AS_WITHOUT : OTHER_RESULT);
}

/* Runs the scenario once; the status as of waitpid. */
static int run_once(const struct run *run, unsigned from, unsigned to, bool first)
{
    int status;
    memset(report, 0, offsetof(struct report, told));
    refused_from = from;
    refused_to = to;
    if (ftruncate(run->words, 0) < 0 || ftruncate(run->printed, 0) < 0) abort();
    lseek(run->words, 0, SEEK_SET);
    lseek(run->printed, 0, SEEK_SET);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) be_the_run(run, first);
    if (child < 0 || waitpid(child, &status, 0) < 0) abort();
    return status;
}

/* ---- judging ---- */

/* Crashes that are a library's own, and that nobody outside of it can mend. Proved by the backtrace of the request that was
 * refused: behind it, before any code of ours, there is code of `library`, and a function with `through` in its name.
 * Where its functions have no names, `through` is NULL, and it is proved by where the crash was: in the same library. */
static const struct fault_of_others {
    const char *library, *through;
    int signal;
    const char *reason;
} others[] = {
    { "libjq", "strdup", SIGSEGV, "compiling, it does not look at what strdup gives" },
    { "libjq", "strdup", SIGABRT, "the same, met by an assertion" },
    { "libonig", "onig_region_new", SIGSEGV, "libjq's `test` does not look at what it gives" },
    { "libfyaml", "fy_input_create", SIGSEGV, "it does not look at what calloc, asprintf give" },
    { "libhiredis", "hi_", SIGABRT, "0.14 aborts by itself; later ones are told" },
    { "libhiredis", "sdsnewlen", SIGSEGV, "0.14 does not look at what it gives" },
    { "libc.so", "argp_", SIGABRT, "argp asserts that there is memory to print its help" },
    { "libfyaml", "fy_node_pair_alloc", SIGSEGV, "its builder does not look at what it gives" },
    { "libfyaml", NULL, SIGSEGV, "0.9 does not look at what calloc gives" },
    { "libjq", NULL, SIGSEGV, "1.7 does not look at what its number contexts are given" },
    { "librdkafka", "", SIGABRT, "it asserts that there is memory; no hook" },
    { "librdkafka", "", SIGSEGV, "so do not the libraries that it uses" },
};

/* Behind the signal's handler and libc, which brings it. */
static bool crashed_in(const char *library)
{
    Dl_info info;
    for (int i = 1; i < report->crash_count; i++) {
        if (!dladdr(report->crash[i], &info)) return false;
        if (!strstr(info.dli_fname, "libc.so")) return strstr(info.dli_fname, library) != NULL;
    }
    return false;
}

static bool is_of_others(const struct fault_of_others *fault, int signal_number)
{
    Dl_info here, info;
    bool through = !fault->through && crashed_in(fault->library), theirs = false;
    if (fault->signal != signal_number || !dladdr((void *)(uintptr_t)malloc, &here)) return false;
    for (int i = 0; i < report->frame_count && !(through && theirs); i++) {
        if (!dladdr(report->frames[i], &info)) return false;
        if (info.dli_fbase == here.dli_fbase && i >= 3) return false; /* behind malloc */
        through =
            through || (fault->through && info.dli_sname && strstr(info.dli_sname, fault->through));
        theirs = theirs || strstr(info.dli_fname, fault->library);
    }
    return through && theirs;
}

static bool says_so(const struct run *run)
{
    char words[64] = "";
    static const char expected[] = "saga: out of memory (";
    return pread(run->words, words, sizeof words - 1, 0) > 0 &&
           strncmp(words, expected, sizeof expected - 1) == 0;
}

struct tally {
    unsigned runs, right, documented, ended, of_others, bad;
};

/* What is wrong with how it ended; NULL: nothing. */
static const char *judge(const struct run *run, int status, struct tally *tally)
{
    tally->runs++;
    if (WIFSIGNALED(status)) {
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            if (is_of_others(&others[i], WTERMSIG(status))) {
                tally->of_others++;
                return NULL;
            }
        return WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status));
    }
    switch (WEXITSTATUS(status)) {
    case AS_WITHOUT: tally->right++; return NULL;
    case DOCUMENTED: tally->documented++; return NULL;
    case SAGA_EXIT_MEMORY:
        if (!says_so(run)) return "it ends without saying why";
        tally->ended++;
        return NULL;
    case OTHER_RESULT: return "it gives another result";
    case OTHER_ERROR: return saga_error_name(report->error);
    default: return "it ends with another exit code";
    }
}

static void show(const struct run *run, unsigned number, bool ever_after, const char *trouble)
{
    char words[4096] = "";
    printf("\n%s: request %u%s, of %zu bytes, refused: %s\n", run->scenario->name, number,
           ever_after ? " and all behind it" : "", report->size, trouble);
    if (pread(run->words, words, sizeof words - 1, 0) > 0) printf("it said:\n%s\n", words);
    printf("the request:\n");
    fflush(stdout);
    backtrace_symbols_fd(report->frames, report->frame_count, STDOUT_FILENO);
    if (report->crash_count) printf("the end:\n");
    fflush(stdout);
    backtrace_symbols_fd(report->crash, report->crash_count, STDOUT_FILENO);
}

/* ---- all runs ---- */

static void refuse_each(struct run *run, unsigned requests, bool ever_after, struct tally *tally)
{
    enum { SHOWN_MAX = 3 };
    unsigned every_one = run->scenario->slow ? 1 : EVERY_ONE_UP_TO;
    unsigned samples = run->scenario->slow ? SAMPLES_OF_SLOW : SAMPLES;
    unsigned stride = requests > every_one ? (requests - every_one) / samples + 1 : 1;
    for (unsigned n = 1; n <= requests; n += n < every_one ? 1 : stride) {
        int status = run_once(run, n, ever_after ? UINT32_MAX : n, false);
        const char *trouble = judge(run, status, tally);
        if (trouble && tally->bad++ < SHOWN_MAX) show(run, n, ever_after, trouble);
    }
}

static bool test(const struct heap_scenario *scenario)
{
    static struct run run;
    struct tally tally = { 0 };
    run = (struct run){ .scenario = scenario };
    run.words = memfd_create("words", MFD_CLOEXEC);
    run.printed = memfd_create("printed", MFD_CLOEXEC);
    if (run.words < 0 || run.printed < 0) abort();
    if (!scenario->cold) saga_sha256(SAGA_SLICE_NONE, SAGA_SLICE_NONE, (uint8_t[32]){ 0 });
    if (scenario->prepare) scenario->prepare();
    int status = run_once(&run, 0, 0, true);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != AS_WITHOUT) {
        show(&run, 0, false, "it fails with memory enough");
        return false;
    }
    unsigned requests = report->requests;
    run.expected_size = report->told_size;
    memcpy(run.expected, report->told, run.expected_size);
    refuse_each(&run, requests, false, &tally);
    refuse_each(&run, requests, true, &tally);
    printf("%-44s %6u requests, %5u runs: %u right, %u documented errors, %u ended in order, %u "
           "ended by a library's fault, %u bad\n",
           scenario->name, requests, tally.runs, tally.right, tally.documented, tally.ended,
           tally.of_others, tally.bad);
    close(run.words);
    close(run.printed);
    return tally.bad == 0 && requests > 0;
}

int main(int argc, char **argv)
{
    static const struct heap_module *const modules[] = {
        &heap_base, &heap_schema, &heap_definition, &heap_engine,  &heap_codec,
        &heap_bus,  &heap_store,  &heap_runtime,    &heap_explore, &heap_operate,
    };
    bool good = true, found = false;
    void *frame[1];
    backtrace(frame, 1);   /* takes its own memory the first time */
    saga_tell_libraries(); /* as the program does */
    setenv("HOME", "/nonexistent", 1);
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) abort();
    for (size_t m = 0; m < sizeof modules / sizeof *modules; m++) {
        if (argc > 1 && strcmp(argv[1], modules[m]->name) != 0) continue;
        found = true;
        for (size_t i = 0; i < modules[m]->count; i++) {
            if (argc > 2 && !strstr(modules[m]->scenarios[i].name, argv[2])) continue;
            good = test(&modules[m]->scenarios[i]) && good;
        }
    }
    if (!found) fprintf(stderr, "usage: %s [MODULE [PART OF A NAME]]\n", argv[0]);
    return good && found ? 0 : 1;
}
