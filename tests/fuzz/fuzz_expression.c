/* An expression (the first line) over a document (the rest). General jq is compiled and not run: it may rightly take for
 * ever. */
#include "base/json.h"
#include "definition/expression.h"
#include "fuzz.h"

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
        bool document = saga_json_validate(input, &offset, &why) == 0;
        struct saga_bindings bindings = { .root = document ? input : SAGA_SLICE("{\"a\":[1]}") };
        struct saga_bindings members = { .input = bindings.root, .reply = bindings.root };
        if (saga_expression_is_plain(expression)) {
            saga_expression_eval(expression, &bindings, &arena, &json, &message);
            saga_expression_eval(expression, &members, &arena, &json, &message);
        }
        saga_expression_free(expression);
    }
    saga_arena_free(&arena);
    return 0;
}
