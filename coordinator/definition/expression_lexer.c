/* jq's tokens, as far as telling words, fields, variables and strings apart needs them. Where the versions of jq
 * disagree about a source, it is refused rather than read in two ways. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "definition/expression_internal.h"

struct lexer {
    struct saga_arena *arena;
    const char *from, *at, *end;
    struct saga_token *tokens;
    size_t count, capacity;
    size_t error_offset;
    int depth; /* of interpolations */
};

enum { INTERPOLATIONS_MAX = 32 };

static bool is_word_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int refuse(struct lexer *l, int error, const char *at)
{
    l->error_offset = (size_t)(at - l->from);
    return error;
}

static void push(struct lexer *l, enum saga_token_kind kind, const char *from, const char *to,
                 bool interpolates)
{
    struct saga_token token = { kind, { from, (size_t)(to - from) }, interpolates };
    SAGA_PUSH(l->arena, l->tokens, l->count, l->capacity, token);
}

static const char *word_end(const struct lexer *l, const char *at)
{
    while (at < l->end && is_word(*at)) at++;
    return at;
}

static int lex_until(struct lexer *l, char close);

static int lex_string(struct lexer *l)
{
    const char *quote = l->at++;
    bool interpolates = false;
    while (l->at < l->end && *l->at != '"') {
        if (*l->at != '\\') {
            l->at++;
            continue;
        }
        if (l->at + 1 >= l->end) return refuse(l, SAGA_E_INVALID, quote);
        bool inner = l->at[1] == '(';
        l->at += 2;
        if (!inner) continue;
        interpolates = true;
        if (++l->depth > INTERPOLATIONS_MAX) return refuse(l, SAGA_E_LIMIT, quote);
        push(l, SAGA_TOKEN_PUNCT, l->at - 1, l->at, false);
        int error = lex_until(l, ')');
        if (error < 0) return error;
        l->depth--;
    }
    if (l->at >= l->end) return refuse(l, SAGA_E_INVALID, quote);
    push(l, SAGA_TOKEN_STRING, quote + 1, l->at, interpolates);
    l->at++;
    return SAGA_OK;
}

static void lex_number(struct lexer *l)
{
    const char *from = l->at;
    while (l->at < l->end && (is_digit(*l->at) || *l->at == '.')) l->at++;
    if (l->at < l->end && (*l->at == 'e' || *l->at == 'E')) {
        const char *exponent = l->at + 1;
        if (exponent < l->end && (*exponent == '+' || *exponent == '-')) exponent++;
        if (exponent < l->end && is_digit(*exponent)) {
            while (exponent < l->end && is_digit(*exponent)) exponent++;
            l->at = exponent;
        }
    }
    push(l, SAGA_TOKEN_NUMBER, from, l->at, false);
}

/* To the end of the line. Whether a carriage return ends a comment too, and a backslash continues it on the next
 * line, depends on jq's version. */
static int lex_comment(struct lexer *l)
{
    const char *from = l->at;
    while (l->at < l->end && *l->at != '\n') l->at++;
    bool carriage_return = memchr(from, '\r', (size_t)(l->at - from)) != NULL;
    if (carriage_return || l->at[-1] == '\\') return refuse(l, SAGA_E_UNSUPPORTED, from);
    return SAGA_OK;
}

static int skip_space(struct lexer *l)
{
    while (l->at < l->end && (is_space(*l->at) || *l->at == '#')) {
        int error = SAGA_OK;
        if (*l->at == '#')
            error = lex_comment(l);
        else
            l->at++;
        if (error < 0) return error;
    }
    return SAGA_OK;
}

/* `name`, or where modules are known `module::name`. */
static void lex_word(struct lexer *l, enum saga_token_kind kind, bool modules)
{
    const char *from = l->at;
    l->at = word_end(l, from);
    while (modules && l->at + 2 < l->end && l->at[0] == ':' && l->at[1] == ':' &&
           is_word_start(l->at[2]))
        l->at = word_end(l, l->at + 2);
    push(l, kind, from, l->at, false);
}

static size_t operator_size(const struct lexer *l)
{
    static const char *const operators[] = { "?//", "//=", "//", "|=", "+=", "-=", "*=",
                                             "/=",  "%=",  "==", "!=", "<=", ">=", ".." };
    struct saga_slice rest = { l->at, (size_t)(l->end - l->at) };
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (saga_slice_starts_with(rest, operators[i])) return strlen(operators[i]);
    return 1;
}

static int lex_token(struct lexer *l)
{
    char c = *l->at, next = l->at + 1 < l->end ? l->at[1] : '\0';
    if (c == '"') return lex_string(l);
    if (is_digit(c) || (c == '.' && is_digit(next))) {
        lex_number(l);
    } else if (c == '.' && is_word_start(next)) {
        l->at++;
        lex_word(l, SAGA_TOKEN_FIELD, false);
    } else if (c == '$') {
        const char *sigil = l->at++;
        int error = skip_space(l); /* jq 1.6 takes `$ name` */
        if (error < 0) return error;
        if (l->at < l->end && is_word_start(*l->at))
            lex_word(l, SAGA_TOKEN_VARIABLE, true);
        else
            push(l, SAGA_TOKEN_PUNCT, sigil, sigil + 1, false); /* jq says what is wrong with it */
    } else if (is_word_start(c)) {
        lex_word(l, SAGA_TOKEN_IDENT, true);
    } else {
        size_t size = operator_size(l);
        push(l, SAGA_TOKEN_PUNCT, l->at, l->at + size, false);
        l->at += size;
    }
    return SAGA_OK;
}

/* Up to the bracket that closes an interpolation, or with '\0' to the end. */
static int lex_until(struct lexer *l, char close)
{
    const char *from = l->at;
    int nested = 0;
    for (;;) {
        int error = skip_space(l);
        if (error < 0) return error;
        if (l->at == l->end) break;
        char c = *l->at;
        error = lex_token(l);
        if (error < 0) return error;
        if (c == '(') nested++;
        if (c == ')' && nested-- == 0 && close == ')') return SAGA_OK;
    }
    if (close) return refuse(l, SAGA_E_INVALID, from);
    return SAGA_OK;
}

int saga_expression_lex(struct saga_slice source, struct saga_arena *arena, struct saga_token **ret,
                        size_t *ret_count, size_t *ret_offset)
{
    struct lexer l = {
        .arena = arena, .from = source.data, .at = source.data, .end = source.data + source.size
    };
    int error = lex_until(&l, '\0');
    if (error < 0) {
        *ret_offset = l.error_offset;
        return error;
    }
    push(&l, SAGA_TOKEN_END, l.end, l.end, false);
    *ret = l.tokens;
    *ret_count = l.count;
    return SAGA_OK;
}

bool saga_token_is(const struct saga_token *token, const char *text)
{
    return token->kind == SAGA_TOKEN_PUNCT && saga_slice_is(token->text, text);
}

bool saga_token_string(const struct saga_token *token, struct saga_arena *arena,
                       struct saga_slice *ret_quoted, struct saga_slice *ret_text)
{
    if (token->kind != SAGA_TOKEN_STRING || token->interpolates) return false;
    struct saga_slice quoted = saga_arena_printf(arena, "\"%.*s\"", SAGA_SLICE_ARG(token->text));
    if (saga_json_validate(quoted, NULL, NULL) < 0) return false;
    if (ret_quoted) *ret_quoted = quoted;
    return saga_json_text(quoted, arena, ret_text) == SAGA_OK;
}
