/* What an expression reads, and whether it is there. Only what is read for sure is found: behind a
 * pipe, in a function's brackets or in `reduce`, `.` may be anything. */
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "definition/expression_internal.h"
#include "definition/load_internal.h"

enum { BRACKETS_MAX = 256 };

/* Inside one pair of brackets. */
struct scope {
    char open;  /* '\0': outside of all */
    bool moved; /* `.` is no longer the saga's data */
};

struct reader {
    struct scope scopes[BRACKETS_MAX];
    size_t depth;
    bool lost; /* too deep, or functions are defined */
};

static bool is_punct(const struct saga_token *token, char c)
{
    return token->kind == SAGA_TOKEN_PUNCT && token->text.data[0] == c;
}

static bool is_word(const struct saga_token *token, const char *word)
{
    return token->kind == SAGA_TOKEN_IDENT && saga_slice_is(token->text, word);
}

/* Follows the brackets, and what changes the meaning of `.`. */
static void follow(struct reader *r, const struct saga_token *tokens, size_t i)
{
    const struct saga_token *token = &tokens[i], *before = i ? &tokens[i - 1] : NULL;
    struct scope *scope = &r->scopes[r->depth];
    if (is_word(token, "def")) r->lost = true;
    if (is_word(token, "catch")) scope->moved = true; /* there `.` is the error */
    if (token->kind != SAGA_TOKEN_PUNCT) return;
    char c = token->text.data[0];
    if (strchr("([{", c)) {
        /* f(...), and `reduce ... as $x (...)` */
        bool call = c == '(' && before &&
                    (before->kind == SAGA_TOKEN_IDENT || before->kind == SAGA_TOKEN_VARIABLE ||
                     is_punct(before, ']') || is_punct(before, '}'));
        r->lost = r->lost || r->depth + 1 == BRACKETS_MAX;
        if (r->lost) return;
        r->scopes[++r->depth] = (struct scope){ c, scope->moved || call };
    } else if (strchr(")]}", c) && r->depth > 0) {
        r->depth--;
    } else if (c == '|') {
        /* `as $x |` only gives a name */
        bool naming =
            i >= 2 && before->kind == SAGA_TOKEN_VARIABLE && is_word(&tokens[i - 2], "as");
        if (!naming) scope->moved = true;
    } else if (c == ',' && scope->open == '{') {
        scope->moved = r->depth > 0 && r->scopes[r->depth - 1].moved;
    }
}

static bool continues_a_path(const struct saga_token *tokens, size_t i)
{
    if (i == 0) return false;
    const struct saga_token *before = &tokens[i - 1];
    return before->kind == SAGA_TOKEN_FIELD || before->kind == SAGA_TOKEN_VARIABLE ||
           before->kind == SAGA_TOKEN_STRING || is_punct(before, ']') || is_punct(before, ')') ||
           is_punct(before, '}') || is_punct(before, '?') || is_punct(before, '.');
}

/* `{input}` reads .input */
static bool is_short_member(const struct reader *r, const struct saga_token *tokens, size_t i)
{
    return tokens[i].kind == SAGA_TOKEN_IDENT && r->scopes[r->depth].open == '{' && i > 0 &&
           (is_punct(&tokens[i - 1], '{') || is_punct(&tokens[i - 1], ',')) &&
           (is_punct(&tokens[i + 1], '}') || is_punct(&tokens[i + 1], ','));
}

/* The name of a step behind `.steps`, of a variable behind `.vars`, where it is written out. */
static const struct saga_token *name_behind(const struct saga_token *tokens, size_t i)
{
    const struct saga_token *next = &tokens[i + 1];
    if (next->kind == SAGA_TOKEN_FIELD) return next;
    if (is_punct(next, '.')) next++;
    if (next->kind == SAGA_TOKEN_STRING && next > &tokens[i + 1])
        return next->interpolates ? NULL : next;
    if (!is_punct(next, '[') || next[1].kind != SAGA_TOKEN_STRING || next[1].interpolates)
        return NULL;
    return is_punct(&next[2], ']') ? &next[1] : NULL;
}

/* ---- findings ---- */

struct checking {
    struct saga_loading *l;
    struct fy_node *node;
    const struct saga_expression *expression;
    const struct saga_place *place;
};

static void place_finding(const struct checking *c, struct saga_diagnostic *finding,
                          struct saga_slice token)
{
    size_t offset = (size_t)(token.data - saga_expression_source(c->expression).data);
    saga_yaml_move_inside(&c->l->yaml, finding, c->node, offset, token.size);
}

static const char *nearest_step(const struct checking *c, struct saga_slice typed)
{
    struct saga_arena *arena = c->l->yaml.diagnostics->arena;
    size_t count = c->place->steps_before;
    const char **names = SAGA_NEW_ARRAY(arena, const char *, count);
    size_t steps = 0;
    for (size_t i = 0; i < count; i++)
        if (c->l->blocks[i]->kind == SAGA_BLOCK_STEP)
            names[steps++] = saga_arena_string(arena, c->l->blocks[i]->label);
    return saga_nearest(typed, names, steps);
}

static void check_step_name(const struct checking *c, const struct saga_token *token)
{
    struct saga_loading *l = c->l;
    struct saga_slice name = token->text;
    struct saga_diagnostic *finding;
    bool known = false;
    for (size_t i = 0; i < l->block_count; i++) {
        if (!saga_slice_equal(l->blocks[i]->label, name)) continue;
        if (i < c->place->steps_before) return;
        known = true;
    }
    if (known) {
        finding = saga_yaml_find(&l->yaml, c->node, SAGA_FINDING_STEP_LATER,
                                 "`%s` reads step `%.*s`, which has not run at that place",
                                 c->place->field, SAGA_SLICE_ARG(name));
    } else {
        if (l->partial) return; /* it may be in what could not be read */
        finding = saga_yaml_find(&l->yaml, c->node, SAGA_FINDING_NO_STEP,
                                 "`%s` reads step `%.*s`, which there is not", c->place->field,
                                 SAGA_SLICE_ARG(saga_slice_clip(name, 60)));
        const char *near = l->yaml.diagnostics->cut ? NULL : nearest_step(c, name);
        if (near)
            saga_diagnostic_mend(finding, l->yaml.diagnostics->arena, "did you mean `%s`?", near);
    }
    place_finding(c, finding, name);
}

static void find_not_here(const struct checking *c, const struct saga_token *token,
                          const char *mend)
{
    struct saga_diagnostic *finding = saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_NOT_HERE,
                                                     "`%s` reads .%.*s, which is not there",
                                                     c->place->field, SAGA_SLICE_ARG(token->text));
    finding->mend = saga_slice_of(mend);
    place_finding(c, finding, token->text);
}

/* How many blocks `set` stand before the place. */
static size_t sets_before(const struct checking *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->place->steps_before; i++)
        count += c->l->blocks[i]->kind == SAGA_BLOCK_SET;
    return count;
}

static bool is_set_before(const struct checking *c, struct saga_slice name)
{
    for (size_t i = 0; i < c->place->steps_before; i++) {
        const struct saga_block *block = c->l->blocks[i];
        for (size_t j = 0; block->kind == SAGA_BLOCK_SET && j < block->set.count; j++)
            if (saga_slice_equal(block->set.items[j].name, name)) return true;
    }
    return false;
}

static void check_variable(const struct checking *c, const struct saga_token *token)
{
    if (c->l->partial || sets_before(c) == 0 || is_set_before(c, token->text)) return;
    struct saga_diagnostic *finding =
        saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_NO_MEMBER,
                       "`%s` reads .vars.%.*s, which no `set` before that place gives",
                       c->place->field, SAGA_SLICE_ARG(saga_slice_clip(token->text, 60)));
    finding->mend = SAGA_SLICE("correct the name, or set it before");
    place_finding(c, finding, token->text);
}

static void check_member(const struct checking *c, const struct saga_token *token)
{
    static const char *const there[] = { "input", "steps", "vars", "saga", "reply", "error" };
    struct saga_slice name = token->text;
    bool later = saga_slice_is(name, "item") || saga_slice_is(name, "index");
    if (later)
        find_not_here(c, token, "it comes with blocks that are not built yet");
    else if (saga_slice_is(name, "reply") && !c->place->reply)
        find_not_here(c, token,
                      "only `keep` sees the reply; later steps see what was kept, as .steps.name");
    else if (saga_slice_is(name, "error") && !c->place->error)
        find_not_here(c, token, "it is there in compensations and in `on-compensated`");
    else if (saga_slice_is(name, "vars") && !sets_before(c))
        find_not_here(c, token, "no `set` stands before that place");
    for (size_t i = 0; i < SAGA_COUNT_OF(there) && !later; i++)
        later = saga_slice_is(name, there[i]);
    if (later) return;
    struct saga_diagnostic *finding =
        saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_NO_MEMBER,
                       "`%s` reads .%.*s, which an expression does not see", c->place->field,
                       SAGA_SLICE_ARG(saga_slice_clip(name, 60)));
    const char *near = saga_nearest(name, there, SAGA_COUNT_OF(there));
    saga_diagnostic_mend(finding, c->l->yaml.diagnostics->arena, "did you mean .%s%s%.*s?",
                         near              ? near
                         : c->place->reply ? "reply"
                                           : "input",
                         near ? "" : ".", SAGA_SLICE_ARG(near ? SAGA_SLICE("") : name));
    place_finding(c, finding, name);
}

/* ---- */

static size_t lex(struct saga_loading *l, const struct saga_expression *expression,
                  struct saga_token **ret)
{
    size_t count = 0, offset;
    if (saga_expression_lex(saga_expression_source(expression), l->yaml.diagnostics->arena, ret,
                            &count, &offset) < 0)
        return 0;
    return count;
}

void saga_check_expression(struct saga_loading *l, struct fy_node *node,
                           const struct saga_expression *expression, const struct saga_place *place)
{
    const struct checking c = { l, node, expression, place };
    struct reader r = { .depth = 0 };
    struct saga_token *tokens;
    if (!expression) return;
    size_t count = lex(l, expression, &tokens);
    for (size_t i = 0; i + 1 < count && !r.lost; i++) {
        bool read = !r.scopes[r.depth].moved &&
                    ((tokens[i].kind == SAGA_TOKEN_FIELD && !continues_a_path(tokens, i)) ||
                     is_short_member(&r, tokens, i));
        if (read) {
            check_member(&c, &tokens[i]);
            const struct saga_token *name =
                saga_slice_is(tokens[i].text, "steps") || saga_slice_is(tokens[i].text, "vars")
                    ? name_behind(tokens, i)
                    : NULL;
            if (name && saga_slice_is(tokens[i].text, "vars"))
                check_variable(&c, name);
            else if (name)
                check_step_name(&c, name);
        }
        follow(&r, tokens, i);
    }
}

bool saga_check_reads_step(struct saga_loading *l, const struct saga_expression *expression,
                           struct saga_slice name)
{
    struct saga_token *tokens;
    if (!expression) return false;
    size_t count = lex(l, expression, &tokens);
    for (size_t i = 0; i + 1 < count; i++) {
        if (tokens[i].kind != SAGA_TOKEN_FIELD || !saga_slice_is(tokens[i].text, "steps") ||
            continues_a_path(tokens, i))
            continue;
        const struct saga_token *step = name_behind(tokens, i);
        if (step && saga_slice_equal(step->text, name)) return true;
    }
    return false;
}
