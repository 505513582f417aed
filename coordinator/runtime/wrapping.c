#include "runtime/wrapping.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"

extern char **environ;

/* A key that has been replaced stays as long as anything is wrapped with it: some dozen for a lifetime. */
enum { KEYS_MAX = 64, TEXT_BYTES_MAX = 16384, COMMAND_MS_MAX = 30000 };
enum { ID_DIGITS = 16 };

struct wrapping_key {
    uint8_t bytes[SAGA_SEAL_KEY_BYTES];
    char id[ID_DIGITS + 1];
};

struct saga_wrapping {
    struct wrapping_key keys[KEYS_MAX];
    size_t count;
};

void saga_wrapping_free(struct saga_wrapping *wrapping)
{
    if (!wrapping) return;
    OPENSSL_cleanse(wrapping, sizeof *wrapping);
    free(wrapping);
}

static void name_key(struct wrapping_key *key)
{
    struct saga_slice bytes = { (const char *)key->bytes, sizeof key->bytes };
    uint8_t digest[SAGA_SHA256_BYTES];
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_sha256(SAGA_SLICE("saga-wrapping-key"), bytes, digest);
    saga_hex(digest, sizeof digest, hex);
    memcpy(key->id, hex, ID_DIGITS);
    key->id[ID_DIGITS] = '\0';
}

static struct saga_slice trimmed(struct saga_slice line)
{
    while (line.size && strchr(" \t\r", line.data[0])) line = saga_slice_skip(line, 1);
    while (line.size && strchr(" \t\r", line.data[line.size - 1])) line.size--;
    return line;
}

static int take_line(struct saga_wrapping *wrapping, struct saga_slice line)
{
    struct wrapping_key *key = &wrapping->keys[wrapping->count];
    line = trimmed(line);
    if (line.size == 0 || line.data[0] == '#') return SAGA_OK;
    if (wrapping->count == KEYS_MAX || saga_unhex(line, key->bytes, sizeof key->bytes) < 0)
        return SAGA_E_INVALID;
    name_key(key);
    wrapping->count++;
    return SAGA_OK;
}

int saga_wrapping_of(struct saga_slice text, struct saga_arena *arena, struct saga_wrapping **ret,
                     struct saga_diagnostic *diagnostic)
{
    struct saga_wrapping *wrapping = saga_memory_zeroed(1, sizeof *wrapping);
    unsigned number = 1;
    int error = SAGA_OK;
    for (; text.size && error == SAGA_OK; number++) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        error = take_line(wrapping, (struct saga_slice){ text.data, size });
        text = saga_slice_skip(text, size + (end != NULL));
    }
    if (error == SAGA_OK && wrapping->count) {
        *ret = wrapping;
        return SAGA_OK;
    }
    if (error < 0)
        saga_diagnostic_set(diagnostic, arena,
                            "line %u is no key, or there are more than %d of them", number - 1,
                            KEYS_MAX);
    else
        saga_diagnostic_set(diagnostic, arena, "there is no key in it");
    saga_diagnostic_mend(diagnostic, arena,
                         "one line a key, 64 hexadecimal digits each, the newest first; "
                         "`openssl rand -hex 32` makes one");
    saga_wrapping_free(wrapping);
    return SAGA_E_INVALID;
}

/* ---- file and command ---- */

/* Everything that comes of `fd` until it ends. Errors: errno, ETIMEDOUT. */
static int read_all(int fd, int64_t until_ms, char *text, size_t *ret_size)
{
    size_t size = 0;
    for (;;) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int64_t left_ms = until_ms - saga_monotonic_ms();
        int ready = left_ms > 0 ? poll(&wait, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return ready < 0 ? errno : ETIMEDOUT;
        ssize_t got = read(fd, text + size, TEXT_BYTES_MAX - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) break;
        size += (size_t)got;
        if (size == TEXT_BYTES_MAX) return EFBIG;
    }
    *ret_size = size;
    return 0;
}

static int read_file(const char *path, char *text, size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int failed = read_all(fd, saga_monotonic_ms() + COMMAND_MS_MAX, text, ret_size);
    close(fd);
    return failed;
}

static int spawn_shell(const char *command, int out, pid_t *ret)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char shell[] = "sh", flag[] = "-c";
    char *text = saga_memory_text(command, strlen(command));
    char *arguments[] = { shell, flag, text, NULL };
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn(ret, "/bin/sh", &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    free(text);
    return failed;
}

/* 0, an errno, or -1: it ended with another status than 0. */
static int read_command(const char *command, char *text, size_t *ret_size)
{
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    int failed = spawn_shell(command, ends[1], &pid);
    close(ends[1]);
    if (!failed) {
        failed = read_all(ends[0], saga_monotonic_ms() + COMMAND_MS_MAX, text, ret_size);
        if (failed) kill(-pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        if (!failed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) failed = -1;
    }
    close(ends[0]);
    return failed;
}

int saga_wrapping_read(const char *file, const char *command, struct saga_arena *arena,
                       struct saga_wrapping **ret, struct saga_diagnostic *diagnostic)
{
    const char *setting = file ? "privacy.key-file" : "privacy.key-command";
    size_t size = 0;
    *ret = NULL;
    if (!file && !command) return SAGA_OK;
    if (file && command) {
        saga_diagnostic_set(diagnostic, arena,
                            "privacy.key-file and privacy.key-command are both set");
        saga_diagnostic_mend(diagnostic, arena, "the keys come from one place: take one out");
        return SAGA_E_INVALID;
    }
    char *text = saga_memory_zeroed(1, TEXT_BYTES_MAX);
    int failed = file ? read_file(file, text, &size) : read_command(command, text, &size);
    int error = SAGA_E_INVALID;
    if (failed == 0)
        error = saga_wrapping_of((struct saga_slice){ text, size }, arena, ret, diagnostic);
    else
        saga_diagnostic_set(diagnostic, arena, "%s",
                            failed > 0 ? strerror(failed) : "the command failed");
    OPENSSL_cleanse(text, TEXT_BYTES_MAX);
    free(text);
    if (error < 0)
        diagnostic->what = saga_arena_printf(arena, "the keys of %s cannot be read: %.*s", setting,
                                             SAGA_SLICE_ARG(diagnostic->what));
    return error;
}

/* ---- keys of sagas ---- */

/* What a wrapped key is authenticated with: nobody can give one saga the key of another. */
static struct saga_slice about(struct saga_slice saga_id, struct saga_slice run,
                               struct saga_arena *arena)
{
    return SAGA_CONCAT(arena, SAGA_SLICE("saga-key\n"), saga_id, SAGA_SLICE("\n"), run);
}

void saga_wrapping_make(const struct saga_wrapping *wrapping,
                        const uint8_t random[SAGA_KEY_RANDOM_BYTES], struct saga_slice saga_id,
                        struct saga_slice run, struct saga_arena *arena,
                        struct saga_key_record *ret_record, struct saga_data_key *ret)
{
    const struct wrapping_key *key = &wrapping->keys[0];
    const size_t wrapped = SAGA_SEAL_NONCE_BYTES + sizeof *ret + SAGA_SEAL_TAG_BYTES;
    uint8_t *bytes = saga_arena_take(arena, wrapped);
    SAGA_ASSERT(wrapping->count > 0);
    memcpy(ret, random, sizeof *ret);
    memcpy(bytes, random + sizeof *ret, SAGA_SEAL_NONCE_BYTES);
    saga_seal(key->bytes, bytes, about(saga_id, run, arena),
              (struct saga_slice){ (const char *)ret, sizeof *ret }, bytes + SAGA_SEAL_NONCE_BYTES);
    *ret_record =
        (struct saga_key_record){ .saga_id = saga_arena_copy(arena, saga_id),
                                  .run = saga_arena_copy(arena, run),
                                  .wrapped_by = saga_arena_copy(arena, saga_slice_of(key->id)),
                                  .wrapped = { (const char *)bytes, wrapped } };
}

int saga_wrapping_open(const struct saga_wrapping *wrapping, const struct saga_key_record *record,
                       struct saga_arena *arena, struct saga_data_key *ret)
{
    const size_t wrapped = SAGA_SEAL_NONCE_BYTES + sizeof *ret + SAGA_SEAL_TAG_BYTES;
    if (record->wrapped.size != wrapped) return SAGA_E_INVALID;
    for (size_t i = 0; wrapping && i < wrapping->count; i++)
        if (saga_slice_is(record->wrapped_by, wrapping->keys[i].id))
            return saga_unseal(wrapping->keys[i].bytes, (const uint8_t *)record->wrapped.data,
                               about(record->saga_id, record->run, arena),
                               saga_slice_skip(record->wrapped, SAGA_SEAL_NONCE_BYTES),
                               (uint8_t *)ret);
    return SAGA_E_NOT_FOUND;
}
