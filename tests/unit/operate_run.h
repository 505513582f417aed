/* Running `saga` as its user does, in a child process, for argp leaves by itself. */
#ifndef SAGA_TEST_OPERATE_RUN_H
#define SAGA_TEST_OPERATE_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "operate/command.h"

enum { ARGUMENTS_MAX = 16 };
static char output[65536];
static const char *standard_input = "/dev/null"; /* path */

/* Runs `saga` with these words (split at blanks), in an empty folder; what it printed is in
 * `output`. */
static int saga(const char *line)
{
    char *arguments[ARGUMENTS_MAX + 1] = { NULL };
    char words[512] = "saga ";
    int pipes[2], status, count = 0;
    assert_true(strlen(line) < sizeof words - 6);
    strcat(words, line);
    for (char *word = strtok(words, " "); word && count < ARGUMENTS_MAX; word = strtok(NULL, " "))
        arguments[count++] = word;
    assert_int_equal(pipe(pipes), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen(standard_input, "r", stdin)) _exit(98);
        dup2(pipes[1], STDOUT_FILENO);
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        if (chdir("/") < 0) _exit(99);
        exit(saga_main(count, arguments));
    }
    close(pipes[1]);
    size_t size = 0;
    for (ssize_t n; (n = read(pipes[0], output + size, sizeof output - 1 - size)) > 0;)
        size += (size_t)n;
    output[size] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_says(const char *text)
{
    if (!strstr(output, text)) fail_msg("expected \"%s\" in:\n%s", text, output);
}

#endif
