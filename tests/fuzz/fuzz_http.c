/* What the HTTP API takes apart itself: targets, cursors, the file of tokens, a provider's keys and tokens. The first byte says
 * which. */
#include "base/assert.h"
#include "base/error.h"
#include "fuzz.h"
#include "http/exchange.h"
#include "http/jwt.h"
#include "http/tokens.h"

/* Of RFC 7517, appendix A.1. */
static const char jwks[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                           "\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                           "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

/* What was taken apart is a path that has no other meaning: put together again, it gives the same. */
static void target(struct saga_slice text, struct saga_arena *arena)
{
    struct saga_target first, second;
    struct saga_buffer out;
    const char *why = NULL;
    if (saga_target_parse(text, arena, &first, &why) < 0) {
        SAGA_ASSERT(why);
        return;
    }
    saga_buffer_init(&out, arena);
    for (size_t i = 0; i < first.segment_count; i++) {
        saga_buffer_add_char(&out, '/');
        saga_target_escape(first.segments[i], &out);
    }
    if (first.segment_count == 0) saga_buffer_add_char(&out, '/');
    if (out.size > SAGA_HTTP_TARGET_BYTES_MAX) return; /* escaped it is longer */
    int error = saga_target_parse(saga_buffer_slice(&out), arena, &second, &why);
    SAGA_ASSERT(error == SAGA_OK && first.segment_count == second.segment_count);
    for (size_t i = 0; i < first.segment_count; i++)
        SAGA_ASSERT(saga_slice_equal(first.segments[i], second.segments[i]));
}

static void cursor(struct saga_slice text, struct saga_arena *arena)
{
    int64_t number, again;
    struct saga_slice behind, same;
    if (saga_cursor_read(text, 's', arena, &number, &behind) < 0) return;
    struct saga_slice written = saga_cursor_write(arena, 's', number, behind);
    int error = saga_cursor_read(written, 's', arena, &again, &same);
    SAGA_ASSERT(error == SAGA_OK && again == number && saga_slice_equal(behind, same));
}

static void tokens(struct saga_slice text, struct saga_arena *arena)
{
    struct saga_tokens found;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_tokens_parse(text, arena, &found, &diagnostic) < 0) {
        SAGA_ASSERT(diagnostic.what.size && diagnostic.line);
        return;
    }
    for (size_t i = 0; i < found.count; i++)
        SAGA_ASSERT(found.items[i].role > SAGA_ROLE_NONE && found.items[i].name.size);
}

static void keys(struct saga_slice text)
{
    struct saga_jwt_keys *read = NULL;
    const char *why = NULL;
    if (saga_jwt_keys_read(text, &read, &why) == SAGA_OK) saga_jwt_keys_free(read);
}

static void token(struct saga_slice text, struct saga_arena *arena)
{
    static struct saga_jwt_keys *read;
    const struct saga_jwt_wanted wanted = { "issuer", "audience", "roles.of.saga", 1000 };
    struct saga_jwt_bearer bearer;
    const char *why = NULL;
    if (!read && saga_jwt_keys_read(saga_slice_of(jwks), &read, &why) < 0) return;
    int error = saga_jwt_verify(read, text, &wanted, arena, &bearer, &why);
    SAGA_ASSERT(error < 0 && why); /* nobody here has the private key */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_arena arena;
    if (size == 0) return 0;
    struct saga_slice text = { (const char *)data + 1, size - 1 };
    saga_arena_init(&arena);
    switch (data[0]) {
    case 'p': target(text, &arena); break;
    case 'c': cursor(text, &arena); break;
    case 't': tokens(text, &arena); break;
    case 'k': keys(text); break;
    case 'j': token(text, &arena); break;
    default: break;
    }
    saga_arena_free(&arena);
    return 0;
}
