/* What the system knows of this process: proc(5). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "runtime/metrics_print.h"

/* Fields of /proc/self/stat that stand behind the program's name, which may hold anything: counted from 3, the state. */
enum {
    STAT_FIRST = 3,
    STAT_USER = 14,
    STAT_SYSTEM = 15,
    STAT_START = 22,
    STAT_VIRTUAL,
    STAT_PAGES
};

static bool read_stat(unsigned long long fields[STAT_PAGES + 1])
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file) return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    char *rest = strrchr(text, ')');
    if (!rest) return false;
    strtok_r(rest, " ", &rest);
    for (int field = STAT_FIRST; field <= STAT_PAGES; field++) {
        const char *word = strtok_r(NULL, " ", &rest);
        if (!word) return false;
        fields[field] = strtoull(word, NULL, 10);
    }
    return true;
}

/* When the machine began, in seconds since 1970. */
static double boot_seconds(void)
{
    struct timespec real, boot;
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(real.tv_sec - boot.tv_sec) + (double)(real.tv_nsec - boot.tv_nsec) / 1e9;
}

static int64_t count_open_files(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return -1;
    for (const struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* the folder itself */
}

void saga_process_figures_read(struct saga_process_figures *ret)
{
    unsigned long long fields[STAT_PAGES + 1];
    struct rlimit limit;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    *ret = (struct saga_process_figures){ -1, -1, -1, -1, count_open_files(), -1 };
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) ret->max_files = (int64_t)limit.rlim_cur;
    if (!read_stat(fields)) return;
    ret->cpu_seconds = (double)(fields[STAT_USER] + fields[STAT_SYSTEM]) / ticks;
    ret->start_seconds = boot_seconds() + (double)fields[STAT_START] / ticks;
    ret->virtual_bytes = (int64_t)fields[STAT_VIRTUAL];
    ret->resident_bytes = (int64_t)fields[STAT_PAGES] * sysconf(_SC_PAGESIZE);
}
