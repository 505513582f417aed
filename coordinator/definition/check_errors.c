/* Comparisons of .error.type with a type that nothing fails with. */
#include "definition/check_internal.h"
#include "definition/expression_internal.h"

/* What the coordinator itself calls a failure (language.md, the engine). */
static const char *const own[] = { "AlreadyExists",    "BodyDoesNotFit",      "Cancelled",
                                   "DeadlineExceeded", "ExpressionFailed",    "NoSuchSaga",
                                   "NotTriedAgain",    "ParentCompensates",   "RepeatExceeded",
                                   "ResolvedAsFailed", "ResolvedAsSucceeded", "Timeout",
                                   "Unavailable",      "abandoned",           "compensated" };

static bool fails_with(const struct saga_block *block, struct saga_slice type)
{
    if (block->kind == SAGA_BLOCK_FAIL) return saga_slice_equal(block->fail.type, type);
    if (block->kind != SAGA_BLOCK_STEP) return false;
    const struct saga_step *step = &block->step;
    return saga_names_contain(&step->failure, type) || saga_names_contain(&step->retry.on, type);
}

static bool is_known(const struct saga_loading *l, struct saga_slice type)
{
    for (size_t i = 0; i < SAGA_COUNT_OF(own); i++)
        if (saga_slice_is(type, own[i])) return true;
    for (size_t i = 0; i < l->block_count; i++)
        if (fails_with(l->blocks[i], type)) return true;
    return false;
}

/* `.error.type ==` and `!=`; the token of the type behind it, or NULL. */
static const struct saga_token *compared(const struct saga_token *tokens)
{
    if (tokens[0].kind != SAGA_TOKEN_FIELD || !saga_slice_is(tokens[0].text, "error") ||
        tokens[1].kind != SAGA_TOKEN_FIELD || !saga_slice_is(tokens[1].text, "type"))
        return NULL;
    bool compares = saga_token_is(&tokens[2], "==") || saga_token_is(&tokens[2], "!=");
    bool plain = compares && tokens[3].kind == SAGA_TOKEN_STRING && !tokens[3].interpolates;
    return plain ? &tokens[3] : NULL;
}

void saga_check_errors(struct saga_loading *l, struct fy_node *node,
                       const struct saga_expression *expression)
{
    struct saga_token *tokens;
    size_t count = 0, offset;
    if (!expression || l->partial ||
        saga_expression_lex(saga_expression_source(expression), l->yaml.diagnostics->arena, &tokens,
                            &count, &offset) < 0)
        return;
    for (size_t i = 0; i + 3 < count; i++) {
        const struct saga_token *type = compared(tokens + i);
        if (!type || is_known(l, type->text)) continue;
        struct saga_diagnostic *finding =
            saga_yaml_find(&l->yaml, node, SAGA_FINDING_NO_SUCH_ERROR, "nothing fails with `%.*s`",
                           SAGA_SLICE_ARG(type->text));
        saga_yaml_move_inside(&l->yaml, finding, node,
                              (size_t)(type->text.data - saga_expression_source(expression).data),
                              type->text.size);
    }
}
