/* What an expression says by its words: whether it is pure, and what of the data it may read.
 *
 * The tokens are walked once with a stack of the brackets that are open. A level is `rooted` as long as its `.` may
 * be all the data there is: until a pipe hands it something else. Only there a path begins at the top, and a function
 * that is not known to leave its `.` alone reads everything. */
#include <string.h>

#include "base/assert.h"
#include "definition/expression_internal.h"

struct level {
    /* the bracket; 'i': if and end; 'r': the body of reduce or foreach; '\0': the outermost */
    char kind;
    bool opened; /* rooted where it begins, and again behind what separates its parts */
    bool rooted;
    bool sure;    /* see saga_read */
    bool value;   /* of an object: behind the colon */
    bool binding; /* behind `as` or `label`: the next pipe leaves `.` as it is */
    bool body;    /* the next bracket is the body of a reduce */
    int loops;    /* `reduce` and `foreach` whose `as` is still to come */
};

struct walk {
    const struct saga_token *tokens;
    size_t count;
    struct saga_arena *arena;
    struct level *levels;
    size_t depth; /* of the innermost level */
    struct saga_reads *reads;
    bool times; /* it writes or reads times in words */
};

#define IS_AMONG(text, words) is_among((text), (words), sizeof(words) / sizeof(words)[0])

static bool is_among(struct saga_slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (saga_slice_is(text, words[i])) return true;
    return false;
}

/* ---- what is not pure ---- */

static void note_impure(struct walk *w, const struct saga_token *token)
{
    if (!w->reads->impure) w->reads->impure = token;
}

static bool is_refused(struct saga_slice word)
{
    static const char *const refused[] = {
        "now",           "input",  "inputs",  "env",        "input_line_number", "input_filename",
        "debug",         "stderr", "halt",    "halt_error", "get_search_list",   "get_prog_origin",
        "get_jq_origin", "import", "include", "modulemeta", "localtime",         "strflocaltime",
    };
    /* what begins with _ is jq's inside: _input reads, others stop the process on a wrong argument */
    return word.data[0] == '_' || IS_AMONG(word, refused);
}

/* Does a format of strftime give what the process's time zone says: %s, %Z? */
static bool is_local_time(struct saga_slice format)
{
    const char *end = format.data + format.size;
    for (const char *at = format.data; at < end; at++) {
        if (*at != '%') continue;
        for (at++; at < end && strchr("-_0^#EO123456789", *at); at++) continue;
        if (at < end && (*at == 's' || *at == 'Z')) return true;
    }
    return false;
}

/* ---- reads ---- */

static struct level *innermost(struct walk *w)
{
    return &w->levels[w->depth];
}

static void read_whole(struct walk *w)
{
    if (innermost(w)->rooted) w->reads->whole = true;
}

static void add_read(struct walk *w, struct saga_read read)
{
    struct saga_reads *reads = w->reads;
    read.sure = innermost(w)->sure;
    SAGA_PUSH(w->arena, reads->items, reads->count, reads->capacity, read);
}

static void add_name(struct walk *w, struct saga_read *read, struct saga_slice name)
{
    SAGA_PUSH(w->arena, read->names, read->count, read->capacity, name);
}

/* Is what stands at `i` applied to what stands before it? */
static bool continues_a_path(const struct walk *w, size_t i)
{
    static const char *const ends[] = { "]", ")", "}", "?" };
    if (i == 0) return false;
    const struct saga_token *before = &w->tokens[i - 1];
    if (before->kind == SAGA_TOKEN_FIELD || before->kind == SAGA_TOKEN_VARIABLE) return true;
    return before->kind == SAGA_TOKEN_PUNCT && IS_AMONG(before->text, ends);
}

/* The name that is written out at `i`; returns how many tokens it takes, 0 if there is none. */
static size_t written_name(const struct walk *w, size_t i, bool first, struct saga_slice *ret)
{
    const struct saga_token *at = &w->tokens[i];
    if (at->kind == SAGA_TOKEN_FIELD) {
        *ret = at->text;
        return 1;
    }
    size_t dot = saga_token_is(at, ".") ? 1 : 0;
    if (dot && saga_token_string(at + 1, w->arena, NULL, ret)) return 2;
    if ((dot || !first) && saga_token_is(at + dot, "[") &&
        saga_token_string(at + dot + 1, w->arena, NULL, ret) && saga_token_is(at + dot + 2, "]"))
        return dot + 3;
    return 0;
}

/* What begins with a field or a dot at `i`; returns how many tokens are dealt with. */
static size_t walk_path(struct walk *w, size_t i)
{
    struct saga_read read = { 0 };
    struct saga_slice name;
    size_t at = i, size;
    if (!innermost(w)->rooted || continues_a_path(w, i)) return 1;
    while ((size = written_name(w, at, at == i, &name)) > 0) {
        add_name(w, &read, name);
        at += size;
    }
    if (read.count == 0) {
        read_whole(w);
        return 1;
    }
    add_read(w, read);
    return at - i;
}

/* ---- levels ---- */

static void open_level(struct walk *w, char kind)
{
    const struct level *outer = innermost(w);
    struct level inner = {
        .kind = kind, .opened = outer->rooted, .rooted = outer->rooted, .sure = outer->sure
    };
    SAGA_ASSERT(w->depth <= w->count);
    w->levels[++w->depth] = inner;
}

static void close_level(struct walk *w)
{
    if (w->depth > 0) w->depth--;
}

static void next_part(struct walk *w)
{
    struct level *level = innermost(w);
    level->rooted = level->opened;
    level->binding = false;
    level->value = false;
}

static bool is_keyword(struct saga_slice word)
{
    static const char *const keywords[] = { "if",     "then",    "elif",  "else", "end",
                                            "as",     "and",     "or",    "try",  "catch",
                                            "reduce", "foreach", "label", "def",  "break",
                                            "import", "include", "null",  "true", "false" };
    return IS_AMONG(word, keywords);
}

static void open_round(struct walk *w, size_t i)
{
    bool call =
        i > 0 && w->tokens[i - 1].kind == SAGA_TOKEN_IDENT && !is_keyword(w->tokens[i - 1].text);
    bool body = innermost(w)->body;
    innermost(w)->body = false;
    open_level(w, body ? 'r' : '(');
    if (call || body) innermost(w)->sure = false;
}

static void walk_pipe(struct walk *w)
{
    struct level *level = innermost(w);
    if (!level->binding) level->rooted = false;
    level->binding = false;
}

/* ---- tokens ---- */

static bool is_key(struct walk *w)
{
    return innermost(w)->kind == '{' && !innermost(w)->value;
}

/* `{name}` is short for `{name: .name}`. */
static void walk_key(struct walk *w, size_t i)
{
    struct saga_read read = { 0 };
    struct saga_slice name = w->tokens[i].text;
    if (saga_token_is(&w->tokens[i + 1], ":") || !innermost(w)->rooted) return;
    if (w->tokens[i].kind == SAGA_TOKEN_STRING &&
        !saga_token_string(&w->tokens[i], w->arena, NULL, &name)) {
        read_whole(w);
        return;
    }
    add_name(w, &read, name);
    add_read(w, read);
}

static void walk_keyword(struct walk *w, struct saga_slice word)
{
    static const char *const parts[] = { "then", "elif", "else" };
    struct level *level = innermost(w);
    if (saga_slice_is(word, "if")) open_level(w, 'i');
    if (IS_AMONG(word, parts)) next_part(w);
    if (saga_slice_is(word, "end") && level->kind == 'i') close_level(w);
    if (saga_slice_is(word, "catch")) level->sure = false;
    if (saga_slice_is(word, "label")) level->binding = true;
    if (saga_slice_is(word, "reduce") || saga_slice_is(word, "foreach")) level->loops++;
    if (saga_slice_is(word, "def")) {
        w->reads->whole = true; /* what its `.` is depends on where it is called */
        level->sure = false;
    }
    if (!saga_slice_is(word, "as")) return;
    level->body = level->loops > 0;
    level->binding = level->loops == 0;
    if (level->loops > 0) level->loops--;
}

static void walk_word(struct walk *w, size_t i)
{
    static const char *const constants[] = { "empty", "nan", "infinite" };
    static const char *const only_arguments[] = { "first", "last",  "limit",
                                                  "range", "error", "isempty" };
    const struct saga_token *token = &w->tokens[i];
    if (is_key(w)) {
        walk_key(w, i);
        return;
    }
    if (is_refused(token->text)) note_impure(w, token);
    w->times = w->times || saga_slice_is(token->text, "strftime") ||
               saga_slice_is(token->text, "strptime");
    bool call = saga_token_is(token + 1, "(");
    if (is_keyword(token->text))
        walk_keyword(w, token->text);
    else if (!IS_AMONG(token->text, constants) && !(call && IS_AMONG(token->text, only_arguments)))
        read_whole(w);
}

/* `@base64 "\(.x)"` formats what it interpolates, `@base64` alone what it is given. */
static size_t walk_format(struct walk *w, size_t i)
{
    const struct saga_token *behind = &w->tokens[i + 1];
    if (behind->kind != SAGA_TOKEN_IDENT) return 1;
    if (behind[1].kind != SAGA_TOKEN_STRING && !saga_token_is(&behind[1], "(")) read_whole(w);
    return 2;
}

static size_t walk_operator(struct walk *w, size_t i)
{
    static const char *const updates[] = { "=", "|=", "+=", "-=", "*=", "/=", "%=", "//=", ".." };
    const struct saga_token *token = &w->tokens[i];
    struct level *level = innermost(w);
    if (saga_token_is(token, ".")) return walk_path(w, i);
    if (saga_token_is(token, "@")) return walk_format(w, i);
    if (saga_token_is(token, "(")) open_round(w, i);
    if (saga_token_is(token, "[") || saga_token_is(token, "{")) open_level(w, token->text.data[0]);
    if (saga_token_is(token, ")") || saga_token_is(token, "]") || saga_token_is(token, "}"))
        close_level(w);
    if (saga_token_is(token, "|")) walk_pipe(w);
    if (saga_token_is(token, ":") && level->kind == '{') level->value = true;
    if (saga_token_is(token, ",") && level->kind == '{') next_part(w);
    if (saga_token_is(token, ";")) {
        next_part(w);
        if (level->kind == 'r') level->rooted = false; /* there it is what the loop has gathered */
    }
    if (IS_AMONG(token->text, updates)) read_whole(w);
    return 1;
}

static size_t walk_token(struct walk *w, size_t i)
{
    static const char *const refused[] = { "ENV", "__loc__", "__prog_args" };
    const struct saga_token *token = &w->tokens[i];
    switch (token->kind) {
    case SAGA_TOKEN_FIELD: return walk_path(w, i);
    case SAGA_TOKEN_PUNCT: return walk_operator(w, i);
    case SAGA_TOKEN_IDENT: walk_word(w, i); return 1;
    case SAGA_TOKEN_VARIABLE:
        if (IS_AMONG(token->text, refused)) note_impure(w, token);
        return 1;
    case SAGA_TOKEN_STRING:
        if (is_key(w)) walk_key(w, i);
        return 1;
    default: return 1;
    }
}

/* ---- the whole ---- */

static bool leads_to_no_less(const struct saga_read *a, const struct saga_read *b)
{
    if (a->count > b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!saga_slice_equal(a->names[i], b->names[i])) return false;
    return true;
}

static void find_covered(struct saga_reads *reads)
{
    for (size_t i = 0; i < reads->count; i++)
        for (size_t j = 0; j < reads->count && !reads->items[i].covered; j++)
            reads->items[i].covered = j != i && !reads->items[j].covered &&
                                      leads_to_no_less(&reads->items[j], &reads->items[i]);
}

void saga_expression_find_reads(const struct saga_token *tokens, size_t count,
                                struct saga_arena *arena, struct saga_reads *ret)
{
    struct walk w = { .tokens = tokens, .count = count, .arena = arena, .reads = ret };
    *ret = (struct saga_reads){ 0 };
    w.levels = SAGA_NEW_ARRAY(arena, struct level, count + 2);
    w.levels[0] = (struct level){ .opened = true, .rooted = true, .sure = true };
    for (size_t i = 0; i < count;) i += walk_token(&w, i);
    for (size_t i = 0; i < count && w.times; i++)
        if (tokens[i].kind == SAGA_TOKEN_STRING && is_local_time(tokens[i].text))
            note_impure(&w, &tokens[i]);
    find_covered(ret);
}
