#include "base/error.h"
#include "definition/expression_internal.h"

struct lexer {
    struct saga_arena *arena;
    const char *from, *at, *end;
    struct saga_token *tokens;
    size_t count, capacity;
    size_t error_offset;
    int depth; /* of interpolations */
};

enum { DEPTH_MAX = 32 };

static bool is_word_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
    return is_word_start(c) || (c >= '0' && c <= '9');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void push(struct lexer *l, enum saga_token_kind kind, const char *from, const char *to,
                 bool interpolates)
{
    struct saga_token token = { kind, { from, (size_t)(to - from) }, interpolates };
    SAGA_PUSH(l->arena, l->tokens, l->count, l->capacity, token);
}

static const char *word_end(const struct lexer *l, const char *at, bool in_module)
{
    while (at < l->end && is_word(*at)) at++;
    /* module::name */
    if (in_module && at + 2 < l->end && at[0] == ':' && at[1] == ':' && is_word_start(at[2]))
        return word_end(l, at + 2, true);
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
        if (l->at + 1 >= l->end) break;
        bool inner = l->at[1] == '(';
        l->at += 2;
        if (!inner) continue;
        interpolates = true;
        if (++l->depth > DEPTH_MAX) return SAGA_E_LIMIT;
        push(l, SAGA_TOKEN_PUNCT, l->at - 1, l->at, false);
        int error = lex_until(l, ')');
        if (error < 0) return error;
        l->depth--;
    }
    if (l->at >= l->end) {
        l->error_offset = (size_t)(quote - l->from);
        return SAGA_E_INVALID;
    }
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

static void lex_word(struct lexer *l, enum saga_token_kind kind, size_t sigil)
{
    const char *from = l->at + sigil;
    l->at = word_end(l, from, kind != SAGA_TOKEN_FIELD);
    push(l, kind, from, l->at, false);
}

/* A newer jq ends a comment at a carriage return too, and continues it behind a backslash: the first
 * is taken as code, the second is refused, so that no jq sees code where none was checked. */
static int skip_comment(struct lexer *l)
{
    const char *from = l->at;
    while (l->at < l->end && *l->at != '\n' && *l->at != '\r') l->at++;
    if (l->at == l->end || l->at[-1] != '\\') return SAGA_OK;
    l->error_offset = (size_t)(from - l->from);
    return SAGA_E_UNSUPPORTED;
}

/* Up to the bracket that closes an interpolation, or with '\0' to the end. */
static int lex_until(struct lexer *l, char close)
{
    int nested = 0;
    while (l->at < l->end) {
        char c = *l->at, next = l->at + 1 < l->end ? l->at[1] : '\0';
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            l->at++;
        } else if (c == '#') {
            int error = skip_comment(l);
            if (error < 0) return error;
        } else if (c == '"') {
            int error = lex_string(l);
            if (error < 0) return error;
        } else if (is_digit(c) || (c == '.' && is_digit(next))) {
            lex_number(l);
        } else if (c == '.' && is_word_start(next)) {
            lex_word(l, SAGA_TOKEN_FIELD, 1);
        } else if (c == '$' && is_word_start(next)) {
            lex_word(l, SAGA_TOKEN_VARIABLE, 1);
        } else if (is_word_start(c)) {
            lex_word(l, SAGA_TOKEN_IDENT, 0);
        } else {
            push(l, SAGA_TOKEN_PUNCT, l->at, l->at + 1, false);
            l->at++;
            if (c == '(') nested++;
            if (c == ')' && nested-- == 0 && close == ')') return SAGA_OK;
        }
    }
    l->error_offset = (size_t)(l->at - l->from);
    return close ? SAGA_E_INVALID : SAGA_OK;
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
