/* The file of tokens, rates, and tokens of a provider that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/error.h"
#include "http/gate.h"
#include "http/jwt.h"
#include "http/rate.h"
#include "http/tokens.h"

static struct saga_arena arena;

static int set_up(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_arena_free(&arena);
    return 0;
}

/* sha256 of "password" */
#define HASH "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"

static int parse(const char *text, struct saga_tokens *ret, struct saga_diagnostic *diagnostic)
{
    *diagnostic = (struct saga_diagnostic){ 0 };
    return saga_tokens_parse(saga_slice_of(text), &arena, ret, diagnostic);
}

static void tokens_are_found_by_their_hash(void **state)
{
    struct saga_tokens tokens;
    struct saga_diagnostic diagnostic;
    (void)state;
    assert_int_equal(parse("# all\n\n  ci deployer sha256:" HASH "\r\n"
                           "bob\tviewer certificate:bob@example.org # his laptop",
                           &tokens, &diagnostic),
                     0);
    assert_int_equal(tokens.count, 2);
    const struct saga_token *found = saga_tokens_find(&tokens, SAGA_SLICE("password"));
    assert_true(found && found->role == SAGA_ROLE_DEPLOYER && saga_slice_is(found->name, "ci"));
    assert_null(saga_tokens_find(&tokens, SAGA_SLICE("Password")));
    assert_null(saga_tokens_find(&tokens, SAGA_SLICE(HASH)));
    assert_null(saga_tokens_find(&tokens, SAGA_SLICE("")));
    found = saga_tokens_find_certificate(&tokens, SAGA_SLICE("bob@example.org"));
    assert_true(found && found->role == SAGA_ROLE_VIEWER);
    assert_null(saga_tokens_find_certificate(&tokens, SAGA_SLICE("")));
    assert_null(saga_tokens_find_certificate(&tokens, SAGA_SLICE("ci")));
}

/* A token in the clear, where its hash belongs, is not repeated in what is said of it. */
static void what_is_wrong_is_told_by_its_line(void **state)
{
    static const char *const bad[] = {
        "ok viewer sha256:" HASH "\nci deployer the-secret-itself",
        "\nci admin sha256:" HASH,
        "\nci viewer sha256:" HASH "00",
        "\nci viewer sha256:",
        "\nci viewer",
        "\nci",
        "\nci viewer certificate:",
        "\nci viewer sha256:" HASH " more",
    };
    struct saga_tokens tokens;
    struct saga_diagnostic diagnostic;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse(bad[i], &tokens, &diagnostic), SAGA_E_INVALID);
        assert_int_equal(diagnostic.line, 2);
        assert_null(strstr(saga_arena_string(&arena, diagnostic.what), "secret"));
    }
}

static void a_rate_is_kept(void **state)
{
    static struct saga_rate rate;
    unsigned wait_s = 0;
    (void)state;
    saga_rate_init(&rate, 2, 3);
    for (int i = 0; i < 3; i++) assert_true(saga_rate_take(&rate, SAGA_SLICE("a"), 1000, &wait_s));
    assert_false(saga_rate_take(&rate, SAGA_SLICE("a"), 1000, &wait_s));
    assert_int_equal(wait_s, 1);
    assert_true(saga_rate_take(&rate, SAGA_SLICE("b"), 1000, &wait_s));
    assert_false(saga_rate_take(&rate, SAGA_SLICE("a"), 1400, &wait_s));
    assert_true(saga_rate_take(&rate, SAGA_SLICE("a"), 1500, &wait_s));
    /* a long rest gives no more than the burst */
    for (int i = 0; i < 3; i++)
        assert_true(saga_rate_take(&rate, SAGA_SLICE("a"), 1000000, &wait_s));
    assert_false(saga_rate_take(&rate, SAGA_SLICE("a"), 1000000, &wait_s));
}

static void roles_by_name(void **state)
{
    (void)state;
    assert_int_equal(saga_role_of(SAGA_SLICE("operator")), SAGA_ROLE_OPERATOR);
    assert_int_equal(saga_role_of(SAGA_SLICE("none")), SAGA_ROLE_NONE);
    assert_int_equal(saga_role_of(SAGA_SLICE("")), SAGA_ROLE_NONE);
    assert_int_equal(saga_role_of(SAGA_SLICE("Operator")), SAGA_ROLE_NONE);
}

/* An EC key of RFC 7517, appendix A.1. */
#define EC_KEY                                                                                     \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","     \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"kid\":\"1\"%s}"

static int read_keys(const char *text, struct saga_jwt_keys **ret)
{
    const char *why = NULL;
    *ret = NULL;
    int error = saga_jwt_keys_read(saga_slice_of(text), ret, &why);
    assert_true(error == SAGA_OK || why != NULL);
    return error;
}

static void keys_for_something_else_are_passed_over(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[5, null]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
        /* 512 bits */
        "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":"
        "\"vqSfdTFZ3TcUmjn9yIpvIYQ3Ll9x6yLmUkjkIMzP"
        "vVUZdOEz7l0TPJ3lg-IZF4p7Q4Wq5hgrI5QmVvO8nm6uQQ\"}]}",
    };
    struct saga_jwt_keys *keys;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_keys(bad[i], &keys), SAGA_E_INVALID);
    for (int i = 0; i < 3; i++) {
        static const char *const more[] = { "", ",\"use\":\"enc\"", ",\"alg\":\"ES512\"" };
        struct saga_slice key = saga_arena_printf(&arena, EC_KEY, more[i]);
        struct saga_slice set = saga_arena_printf(&arena, "{\"keys\":[%s]}", key.data);
        assert_int_equal(read_keys(set.data, &keys), i == 0 ? SAGA_OK : SAGA_E_INVALID);
        saga_jwt_keys_free(keys);
    }
}

/* Catches a provider's answer that ends the process: the library asserts that it is given base64url. */
static void a_key_of_other_letters_is_passed_over(void **state)
{
    static const char *const bad[] = {
        "4=tl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",  "=",      "", "A",
        "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM=", "\\u0000"
    };
    struct saga_jwt_keys *keys;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int member = 0; member < 2; member++) {
            struct saga_slice set = saga_arena_printf(
                &arena, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}]}",
                member ? "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4" : bad[i],
                member ? bad[i] : "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
            assert_int_equal(read_keys(set.data, &keys), SAGA_E_INVALID);
        }
}

/* Bytes that are no token of anybody: refused with words, whatever they are. */
static void what_is_no_token_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "e30.e30.",
        "e30.e30.AAAA",
        "eyJhbGciOiJub25lIn0.e30.",                    /* none */
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",               /* HS256 */
        "eyJhbGciOiJFUzI1NiJ9.e30.AAAA",               /* ES256, no signature */
        "eyJhbGciOiJFUzI1NiIsImtpZCI6IjIifQ.e30.AAAA", /* another key's */
        "eyJhbGciOlsiRVMyNTYiXX0.e30.AAAA",            /* a list for a name */
        "bnVsbA.bnVsbA.AAAA",                          /* null */
    };
    struct saga_jwt_keys *keys;
    struct saga_slice key = saga_arena_printf(&arena, EC_KEY, "");
    struct saga_jwt_bearer bearer = { SAGA_SLICE("nobody"), -1 };
    const struct saga_jwt_wanted wanted = { "issuer", "audience", "roles", 1000 };
    (void)state;
    assert_int_equal(read_keys(saga_arena_printf(&arena, "{\"keys\":[%s]}", key.data).data, &keys),
                     0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why = NULL;
        assert_true(saga_jwt_verify(keys, saga_slice_of(bad[i]), &wanted, &arena, &bearer, &why) <
                    0);
        assert_non_null(why);
        assert_int_equal(bearer.role, -1);
    }
    saga_jwt_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens_are_found_by_their_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_by_its_line, set_up, tear_down),
        cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(roles_by_name),
        cmocka_unit_test_setup_teardown(keys_for_something_else_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_of_other_letters_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_token_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
