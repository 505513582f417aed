/* An expression (the first line) over a document (the rest). General jq is run only where its form says that it ends
 * soon: then it is evaluated in this very process, and must neither last nor crash. What is taken without asking jq must be
 * jq all the same. */
#include "base/assert.h"
#include "base/json.h"
#include "definition/expression.h"
#include "definition/expression_internal.h"
#include "fuzz.h"

static bool runs_here(struct saga_expression *expression, struct saga_slice document,
                      struct saga_arena *arena)
{
    struct saga_token *tokens;
    size_t count, offset;
    bool strict;
    struct saga_slice source = saga_expression_source(expression);
    if (saga_expression_is_plain(expression)) return true;
    if (saga_expression_lex(source, arena, &tokens, &count, &offset) < 0) return false;
    /* what is shown of members has a few values more */
    double size = 16 + 2 * (double)document.size;
    return saga_expression_is_cheap(saga_expression_tree(tokens, arena, &strict), size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_slice input = fuzz_slice(data, size), source = fuzz_line(&input), message;
    struct saga_slice json;
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_expression *expression;
    size_t offset;
    const char *why;
    saga_arena_init(&arena);
    if (saga_expression_compile(source, &arena, &diagnostic, &expression) == 0) {
        int error = saga_expression_prepare(expression, &arena, &message);
        SAGA_ASSERT(error == 0);
        bool document = saga_json_validate(input, &offset, &why) == 0;
        struct saga_bindings bindings = { .root = document ? input : SAGA_SLICE("{\"a\":[1]}") };
        struct saga_bindings members = { .input = bindings.root, .reply = bindings.root };
        if (runs_here(expression, bindings.root, &arena)) {
            saga_expression_eval(expression, &bindings, &arena, &json, &message);
            saga_expression_eval(expression, &members, &arena, &json, &message);
        }
        saga_expression_free(expression);
    }
    saga_arena_free(&arena);
    return 0;
}
