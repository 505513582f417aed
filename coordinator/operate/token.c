/* `saga token`: a token for the HTTP API, and the line of the file of tokens that goes with it. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "operate/commands.h"
#include "operate/output.h"

enum { TOKEN_BYTES = 32 };

static int run(struct saga_call *call)
{
    const char *name = call->arguments[0], *role = call->arguments[1];
    uint8_t bytes[TOKEN_BYTES];
    char token[2 * TOKEN_BYTES + 1], sha256[2 * SAGA_SHA256_BYTES + 1];
    if (strcmp(role, "viewer") != 0 && strcmp(role, "operator") != 0 &&
        strcmp(role, "deployer") != 0)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "one of viewer, operator, deployer",
                              "there is no role \"%s\"", role);
    if (!*name || strpbrk(name, " \t\r\n#"))
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "a name has no spaces and no #");
    SAGA_ASSERT(saga_random(bytes, sizeof bytes) == SAGA_OK);
    saga_hex(bytes, sizeof bytes, token);
    saga_sha256_hex(saga_slice_of(token), sha256);
    struct saga_slice line = saga_arena_printf(call->arena, "%s %s sha256:%s", name, role, sha256);
    if (call->output == SAGA_OUTPUT_TEXT) {
        fprintf(saga_call_words(call), "the token, which is shown this once: %s\n", token);
        puts(line.data); /* may be appended to the file as it is */
    } else {
        saga_print_object(call,
                          json_pack("{s:s, s:o}", "token", token, "line", saga_json_string(line)));
    }
    return SAGA_EXIT_DONE;
}

const struct saga_subcommand saga_subcommand_token = {
    .name = "token",
    .arguments = "NAME ROLE",
    .summary = "make a token for the HTTP API",
    .details =
        "Prints the line for the file (setting http.tokens), which holds the token's hash alone; "
        "the token itself goes to "
        "standard error. A viewer reads; an operator also "
        "starts sagas, tells them what to do and handles dead letters; a deployer also deploys.",
    .examples = "  saga token ci deployer >> /etc/saga/tokens\n"
                "  saga token grafana viewer -o json",
    .arguments_min = 2,
    .arguments_max = 2,
    .has_output = true,
    .run = run,
};
