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

/* Is there a block of that name that has run, may have run, cannot have run? */
enum presence { PRESENT, PERHAPS, ABSENT };

/* Is `block` in a branch that is not taken where the place is? Two branches of one `choose` never meet in one round. */
static bool is_excluded(const struct saga_place *place, const struct saga_block *block)
{
    const struct saga_block *common = place->block ? saga_block_common(place->block, block) : NULL;
    return common && common->kind == SAGA_BLOCK_CHOOSE;
}

static enum presence presence_of(const struct checking *c, const struct saga_block *block)
{
    const struct saga_place *place = c->place;
    const struct saga_flow *entry = &c->l->flows.entries[block->id];
    if (place->back && block == place->block && block != place->own) return ABSENT;
    if (block == place->own || saga_flow_must(place->flow, block)) return PRESENT;
    if (saga_flow_may(place->flow, block)) return PERHAPS;
    /* behind a pivot nothing is compensated */
    bool pivot = block->kind == SAGA_BLOCK_STEP && block->step.pivot;
    if (!place->back || pivot || entry->pivot_must || is_excluded(place, block)) return ABSENT;
    return PERHAPS;
}

static const struct saga_block *find_named(const struct saga_loading *l, struct saga_slice name)
{
    for (size_t i = 0; i < l->block_count; i++)
        if (saga_block_is_named(l->blocks[i]) && saga_slice_equal(l->blocks[i]->label, name))
            return l->blocks[i];
    return NULL;
}

static const char *nearest_step(const struct checking *c, struct saga_slice typed)
{
    struct saga_arena *arena = c->l->yaml.diagnostics->arena;
    const char **names = SAGA_NEW_ARRAY(arena, const char *, c->l->block_count);
    size_t steps = 0;
    for (size_t i = 0; i < c->l->block_count; i++)
        if (saga_block_is_named(c->l->blocks[i]) && presence_of(c, c->l->blocks[i]) != ABSENT)
            names[steps++] = saga_arena_string(arena, c->l->blocks[i]->label);
    return saga_nearest(typed, names, steps);
}

static void find_no_step(const struct checking *c, struct saga_slice name)
{
    struct saga_loading *l = c->l;
    if (l->partial) return; /* it may be in what could not be read */
    struct saga_diagnostic *finding = saga_yaml_find(
        &l->yaml, c->node, SAGA_FINDING_NO_STEP, "`%s` reads step `%.*s`, which there is not",
        c->place->field, SAGA_SLICE_ARG(saga_slice_clip(name, 60)));
    const char *near = l->yaml.diagnostics->cut ? NULL : nearest_step(c, name);
    if (near) saga_diagnostic_mend(finding, l->yaml.diagnostics->arena, "did you mean `%s`?", near);
    place_finding(c, finding, name);
}

static void find_absent(const struct checking *c, const struct saga_block *block,
                        struct saga_slice name)
{
    const struct saga_block *at = c->place->block,
                            *common = at ? saga_block_common(at, block) : NULL;
    struct saga_diagnostic *finding;
    if (common && common->kind == SAGA_BLOCK_PARALLEL) {
        finding = saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_STEP_LATER,
                                 "`%s` reads step `%.*s`, which runs beside it in another branch",
                                 c->place->field, SAGA_SLICE_ARG(name));
        finding->why = SAGA_SLICE("whether it has run at that time is a matter of chance");
        finding->mend = SAGA_SLICE("read it behind the `parallel`, or move it before it");
    } else if (common && common->kind == SAGA_BLOCK_CHOOSE) {
        finding = saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_STEP_LATER,
                                 "`%s` reads step `%.*s`, which is in another branch of `choose`",
                                 c->place->field, SAGA_SLICE_ARG(name));
        finding->mend = SAGA_SLICE("only one branch of a `choose` runs: read what it has itself");
    } else {
        finding = saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_STEP_LATER,
                                 "`%s` reads step `%.*s`, which has not run at that place",
                                 c->place->field, SAGA_SLICE_ARG(name));
    }
    place_finding(c, finding, name);
}

static void check_step_name(const struct checking *c, const struct saga_token *token, bool guarded)
{
    struct saga_slice name = token->text;
    const struct saga_block *block = find_named(c->l, name);
    if (!block) {
        find_no_step(c, name);
        return;
    }
    enum presence presence = presence_of(c, block);
    if (presence == ABSENT) {
        find_absent(c, block, name);
    } else if (presence == PERHAPS && !guarded && !c->place->tests) {
        struct saga_diagnostic *finding =
            saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_STEP_PERHAPS,
                           "`%s` reads step `%.*s`, which does not run on every way there",
                           c->place->field, SAGA_SLICE_ARG(name));
        place_finding(c, finding, name);
    }
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

/* ---- .vars ---- */

static bool may_be_set(const struct checking *c, const struct saga_block *block)
{
    return block->kind == SAGA_BLOCK_SET &&
           (c->place->back || saga_flow_may(c->place->flow, block));
}

static bool is_anything_set(const struct checking *c)
{
    for (size_t i = 0; i < c->l->block_count; i++)
        if (may_be_set(c, c->l->blocks[i])) return true;
    return false;
}

static bool is_set_before(const struct checking *c, struct saga_slice name)
{
    for (size_t i = 0; i < c->l->block_count; i++) {
        const struct saga_block *block = c->l->blocks[i];
        for (size_t j = 0; may_be_set(c, block) && j < block->set.count; j++)
            if (saga_slice_equal(block->set.items[j].name, name)) return true;
    }
    return false;
}

static void check_variable(const struct checking *c, const struct saga_token *token)
{
    if (c->l->partial || !is_anything_set(c) || is_set_before(c, token->text)) return;
    struct saga_diagnostic *finding =
        saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_NO_MEMBER,
                       "`%s` reads .vars.%.*s, which no `set` before that place gives",
                       c->place->field, SAGA_SLICE_ARG(saga_slice_clip(token->text, 60)));
    finding->mend = SAGA_SLICE("correct the name, or set it before");
    place_finding(c, finding, token->text);
}

/* ---- .item, .index, .items ---- */

/* The next loop around the place, from the inside; NULL: no more. */
static const struct saga_block *loop_around(const struct saga_place *place,
                                            const struct saga_block *inner)
{
    const struct saga_block *block = inner                  ? inner->parent
                                     : place->block == NULL ? NULL
                                     : place->inside        ? place->block
                                                            : place->block->parent;
    while (block && block->kind != SAGA_BLOCK_FOR_EACH && block->kind != SAGA_BLOCK_REPEAT)
        block = block->parent;
    return block;
}

static bool is_in_loop(const struct saga_place *place, bool for_each, bool named)
{
    for (const struct saga_block *loop = NULL; (loop = loop_around(place, loop));)
        if (!for_each ||
            (loop->kind == SAGA_BLOCK_FOR_EACH && (!named || loop->for_each.item.size)))
            return true;
    return false;
}

static void check_element(const struct checking *c, const struct saga_token *token)
{
    struct saga_arena *arena = c->l->yaml.diagnostics->arena;
    const char *names[SAGA_NESTING_MAX + 1];
    size_t count = 0;
    for (const struct saga_block *loop = NULL; (loop = loop_around(c->place, loop));) {
        if (loop->kind != SAGA_BLOCK_FOR_EACH || loop->for_each.item.size == 0) continue;
        if (saga_slice_equal(loop->for_each.item, token->text)) return;
        if (count < SAGA_COUNT_OF(names))
            names[count++] = saga_arena_string(arena, loop->for_each.item);
    }
    if (count == 0 || c->l->partial) return; /* said of .items itself */
    struct saga_diagnostic *finding =
        saga_yaml_find(&c->l->yaml, c->node, SAGA_FINDING_NO_MEMBER,
                       "`%s` reads .items.%.*s, and no `for-each` around it calls its element so",
                       c->place->field, SAGA_SLICE_ARG(saga_slice_clip(token->text, 60)));
    const char *near = saga_nearest(token->text, names, count);
    saga_diagnostic_mend(finding, arena, "did you mean .items.%s?", near ? near : names[0]);
    place_finding(c, finding, token->text);
}

/* ---- .saga, .error: their members are always the same ---- */

static void check_fixed(const struct checking *c, const char *of, const char *const *members,
                        size_t count, const struct saga_token *token)
{
    for (size_t i = 0; i < count; i++)
        if (saga_slice_is(token->text, members[i])) return;
    struct saga_diagnostic *finding = saga_yaml_find(
        &c->l->yaml, c->node, SAGA_FINDING_NO_MEMBER, "`%s` reads .%s.%.*s, which there is not",
        c->place->field, of, SAGA_SLICE_ARG(saga_slice_clip(token->text, 60)));
    const char *near = saga_nearest(token->text, members, count);
    saga_diagnostic_mend(finding, c->l->yaml.diagnostics->arena,
                         near ? "did you mean .%s.%s?" : "it has others, as in .%s.%s", of,
                         near ? near : members[0]);
    place_finding(c, finding, token->text);
}

static void check_member_of(const struct checking *c, struct saga_slice of,
                            const struct saga_token *token)
{
    static const char *const saga[] = { "id", "key", "name", "version", "started" };
    static const char *const error[] = { "type", "step", "message" };
    if (saga_slice_is(of, "saga")) check_fixed(c, "saga", saga, SAGA_COUNT_OF(saga), token);
    if (saga_slice_is(of, "error") && c->place->error)
        check_fixed(c, "error", error, SAGA_COUNT_OF(error), token);
    if (saga_slice_is(of, "vars")) check_variable(c, token);
    if (saga_slice_is(of, "items")) check_element(c, token);
}

/* ---- the members of `.` ---- */

static void check_known_member(const struct checking *c, const struct saga_token *token)
{
    struct saga_slice name = token->text;
    if (saga_slice_is(name, "reply") && !c->place->reply)
        find_not_here(c, token,
                      "only `keep` sees the reply; later steps see what was kept, as .steps.name");
    else if (saga_slice_is(name, "error") && !c->place->error)
        find_not_here(c, token, "it is there in compensations and in `on-compensated`");
    else if (saga_slice_is(name, "vars") && !is_anything_set(c) && !c->l->partial)
        find_not_here(c, token, "no `set` stands before that place");
    else if (saga_slice_is(name, "item") && !is_in_loop(c->place, true, false))
        find_not_here(c, token, "it is there in the blocks of a `for-each`");
    else if (saga_slice_is(name, "index") && !is_in_loop(c->place, false, false))
        find_not_here(c, token, "it is there in the blocks of a `for-each` or `repeat`");
    else if (saga_slice_is(name, "items") && !is_in_loop(c->place, true, true))
        find_not_here(c, token,
                      "it is there in a `for-each` that names its element: for-each: {item: line, "
                      "in: .input.lines}");
}

static void check_member(const struct checking *c, const struct saga_token *token)
{
    static const char *const there[] = { "input", "steps", "vars",  "saga", "reply",
                                         "error", "item",  "index", "items" };
    struct saga_slice name = token->text;
    for (size_t i = 0; i < SAGA_COUNT_OF(there); i++)
        if (saga_slice_is(name, there[i])) {
            check_known_member(c, token);
            return;
        }
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

/* ---- is null thought of? ---- */

/* Behind a path that begins at `i`. */
static size_t behind_path(const struct saga_token *tokens, size_t i, bool *ret_asked)
{
    *ret_asked = false;
    for (i++; tokens[i].kind != SAGA_TOKEN_END;) {
        if (tokens[i].kind == SAGA_TOKEN_FIELD) {
            i++;
        } else if (is_punct(&tokens[i], '.') && tokens[i + 1].kind == SAGA_TOKEN_STRING) {
            i += 2;
        } else if (saga_token_is(&tokens[i], "?")) {
            *ret_asked = true;
            i++;
        } else if (saga_token_is(&tokens[i], "[")) {
            size_t depth = 0;
            for (; tokens[i].kind != SAGA_TOKEN_END; i++) {
                depth += is_punct(&tokens[i], '[');
                if (is_punct(&tokens[i], ']') && --depth == 0) break;
            }
            if (tokens[i].kind != SAGA_TOKEN_END) i++;
        } else {
            break;
        }
    }
    return i;
}

static bool is_among_words(const struct saga_token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_word(token, words[i]) || saga_token_is(token, words[i])) return true;
    return false;
}

/* Does what stands behind a value ask whether it is null? `//`, a comparison, a condition; behind a pipe anything that can. */
static bool asks(const struct saga_token *tokens, size_t i)
{
    static const char *const next[] = { "//", "?//", "==", "!=", "and", "or", "then" },
                             *const later[] = { "//",     "if",   "try",    "not",     "select",
                                                "values", "type", "arrays", "objects", "?" };
    while (is_punct(&tokens[i], ')')) i++;
    if (is_among_words(&tokens[i], next, SAGA_COUNT_OF(next))) return true;
    if (!is_punct(&tokens[i], '|')) return false;
    size_t depth = 0;
    for (i++; tokens[i].kind != SAGA_TOKEN_END; i++) {
        if (is_among_words(&tokens[i], later, SAGA_COUNT_OF(later))) return true;
        if (tokens[i].kind != SAGA_TOKEN_PUNCT) continue;
        depth += strchr("([{", tokens[i].text.data[0]) != NULL;
        if (strchr(")]}", tokens[i].text.data[0]) && depth-- == 0) return false;
    }
    return false;
}

/* In the condition of an `if`, or in a `try`. */
static bool is_in_condition(const struct saga_token *tokens, size_t i)
{
    while (i-- > 0) {
        if (is_word(&tokens[i], "then") || is_word(&tokens[i], "catch")) return false;
        if (is_word(&tokens[i], "if") || is_word(&tokens[i], "elif") || is_word(&tokens[i], "try"))
            return true;
    }
    return false;
}

static bool reads_step(const struct saga_token *tokens, size_t i, struct saga_slice name)
{
    if (tokens[i].kind != SAGA_TOKEN_FIELD || !saga_slice_is(tokens[i].text, "steps") ||
        continues_a_path(tokens, i))
        return false;
    const struct saga_token *step = name_behind(tokens, i);
    return step && saga_slice_equal(step->text, name);
}

/* Is the read of a step at `i` one that thinks of null: itself, or behind a condition that asked for that step? */
static bool is_guarded(const struct saga_token *tokens, size_t i, struct saga_slice name)
{
    bool asked;
    size_t behind = behind_path(tokens, i, &asked);
    if (asked || asks(tokens, behind) || is_in_condition(tokens, i)) return true;
    for (size_t j = 0; j < i; j++)
        if (reads_step(tokens, j, name) && is_in_condition(tokens, j)) return true;
    return false;
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
            const struct saga_token *name = name_behind(tokens, i);
            check_member(&c, &tokens[i]);
            if (name) check_member_of(&c, tokens[i].text, name);
            if (name && saga_slice_is(tokens[i].text, "steps"))
                check_step_name(&c, name, is_guarded(tokens, i, name->text));
        }
        follow(&r, tokens, i);
    }
}

bool saga_check_needs_step(struct saga_loading *l, const struct saga_expression *expression,
                           struct saga_slice name)
{
    struct saga_token *tokens;
    if (!expression) return false;
    size_t count = lex(l, expression, &tokens);
    for (size_t i = 0; i + 1 < count; i++)
        if (reads_step(tokens, i, name) && !is_guarded(tokens, i, name)) return true;
    return false;
}
