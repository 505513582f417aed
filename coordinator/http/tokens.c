#include "http/tokens.h"

#include <openssl/crypto.h>

#include "base/error.h"
#include "http/gate.h"

enum { FIELDS = 3 };
static const char sha256_word[] = "sha256:", certificate_word[] = "certificate:";

static struct saga_slice next_field(struct saga_slice *line)
{
    while (line->size && strchr(" \t\r", line->data[0])) *line = saga_slice_skip(*line, 1);
    struct saga_slice field = *line;
    field.size = 0;
    while (field.size < line->size && !strchr(" \t\r", line->data[field.size])) field.size++;
    *line = saga_slice_skip(*line, field.size);
    return field;
}

/* What is wrong with the line, or NULL. */
static const char *read_line(const struct saga_slice fields[FIELDS], struct saga_arena *arena,
                             struct saga_token *ret)
{
    struct saga_slice known_by = fields[2];
    *ret = (struct saga_token){ .name = saga_arena_copy(arena, fields[0]),
                                .role = saga_role_of(fields[1]) };
    if (fields[2].size == 0)
        return "a line is NAME ROLE sha256:DIGITS, or NAME ROLE certificate:NAME";
    if (ret->name.size > SAGA_KEY_BYTES_MAX) return "the name is too long";
    if (ret->role == SAGA_ROLE_NONE) return "the role must be viewer, operator or deployer";
    if (saga_slice_starts_with(known_by, sha256_word)) {
        struct saga_slice digits = saga_slice_skip(known_by, sizeof sha256_word - 1);
        return saga_unhex(digits, ret->sha256, sizeof ret->sha256) < 0
                   ? "sha256: must be followed by 64 hexadecimal digits"
                   : NULL;
    }
    ret->is_certificate = saga_slice_starts_with(known_by, certificate_word);
    ret->common_name =
        saga_arena_copy(arena, saga_slice_skip(known_by, sizeof certificate_word - 1));
    return ret->is_certificate && ret->common_name.size
               ? NULL
               : "the third word must begin with sha256: or "
                 "certificate: (a token itself has no "
                 "place in this file)";
}

static struct saga_slice next_line(struct saga_slice *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    struct saga_slice line = { text->data, end ? (size_t)(end - text->data) : text->size };
    *text = saga_slice_skip(*text, end ? line.size + 1 : line.size);
    const char *comment = line.size ? memchr(line.data, '#', line.size) : NULL;
    if (comment) line.size = (size_t)(comment - line.data);
    return line;
}

int saga_tokens_parse(struct saga_slice text, struct saga_arena *arena, struct saga_tokens *ret,
                      struct saga_diagnostic *diagnostic)
{
    struct saga_tokens tokens = { 0 };
    for (unsigned number = 1; text.size; number++) {
        struct saga_slice line = next_line(&text), fields[FIELDS];
        struct saga_token token;
        for (int i = 0; i < FIELDS; i++) fields[i] = next_field(&line);
        if (fields[0].size == 0) continue;
        const char *wrong = next_field(&line).size ? "there are more than three words"
                            : tokens.count == SAGA_HTTP_TOKENS_MAX
                                ? "there are too many of them"
                                : read_line(fields, arena, &token);
        if (wrong) {
            saga_diagnostic_set(diagnostic, arena, "line %u: %s", number, wrong);
            diagnostic->line = number;
            return SAGA_E_INVALID;
        }
        SAGA_PUSH(arena, tokens.items, tokens.count, tokens.capacity, token);
    }
    *ret = tokens;
    return SAGA_OK;
}

const struct saga_token *saga_tokens_find(const struct saga_tokens *tokens, struct saga_slice token)
{
    const struct saga_token *found = NULL;
    uint8_t sha256[SAGA_SHA256_BYTES];
    saga_sha256(token, SAGA_SLICE_NONE, sha256);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct saga_token *t = &tokens->items[i];
        bool same = CRYPTO_memcmp(t->sha256, sha256, sizeof sha256) == 0;
        if (same && !t->is_certificate) found = t;
    }
    return found;
}

const struct saga_token *saga_tokens_find_certificate(const struct saga_tokens *tokens,
                                                      struct saga_slice common_name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (tokens->items[i].is_certificate &&
            saga_slice_equal(tokens->items[i].common_name, common_name))
            return &tokens->items[i];
    return NULL;
}
