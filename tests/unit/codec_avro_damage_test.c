/* Avro: bytes from outside that lie. Worth most under the address sanitizer. */
#include <avro.h>

#include "base/json.h"
#include "codec/avro_fields.h"
#include "codec_avro_records.h"
#include "codec_avro_walk.h"

extern const char saga_schema_journal[], saga_schema_state[];

static struct {
    avro_schema_t journal, state;
} schemas;

static int read_schemas(void **state)
{
    (void)state;
    return avro_schema_from_json_length(saga_schema_journal, strlen(saga_schema_journal),
                                        &schemas.journal) ||
           avro_schema_from_json_length(saga_schema_state, strlen(saga_schema_state),
                                        &schemas.state);
}

static int free_schemas(void **state)
{
    (void)state;
    avro_schema_decref(schemas.journal);
    avro_schema_decref(schemas.state);
    return 0;
}

/* ---- one field ---- */

enum { FIXED = SAGA_AVRO_NAME + 1, INTS };

/* Reads bytes that lie in memory of exactly their size, as a field of the kind, as a fixed of 3 bytes, or as ints. */
static const char *read_one(int kind, struct saga_slice bytes, size_t *ret_offset)
{
    static const struct saga_avro_field integer = { SAGA_AVRO_INT, 0, NULL };
    struct saga_avro_items items = { .item_size = sizeof(int32_t) };
    struct saga_arena arena;
    char three[3], *own = malloc(bytes.size ? bytes.size : 1);
    void *item;
    union {
        struct saga_slice slice;
        int64_t number;
    } value = { SAGA_SLICE_NONE };
    assert_non_null(own);
    memcpy(own, bytes.data, bytes.size);
    const unsigned char *from = (const unsigned char *)own;
    struct saga_avro_in in = { from, from, from + bytes.size, NULL, false };
    const struct saga_avro_field field = { (enum saga_avro_kind)kind, 0, &saga_avro_verbs };
    struct saga_slice words = SAGA_SLICE_NONE;
    saga_arena_init(&arena);
    if (kind == FIXED)
        saga_avro_get_fixed(&in, three, sizeof three);
    else if (kind == INTS)
        while ((item = saga_avro_next(&in, &items, &arena)) &&
               saga_avro_get(&in, &integer, 1, item))
            continue;
    else
        saga_avro_get(&in, &field, 1, &value);
    int error = saga_avro_close(&in, &arena, &words);
    assert_int_equal(error, in.why ? SAGA_E_INVALID : SAGA_OK);
    assert_int_equal(words.size > 0, in.why != NULL);
    *ret_offset = (size_t)(in.at - in.from);
    saga_arena_free(&arena);
    free(own);
    return in.why;
}

static void bytes_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        int kind;
        struct saga_slice bytes;
        const char *why; /* NULL: they fit */
        size_t offset;
    } cases[] = {
        { SAGA_AVRO_BOOL, { "\1", 1 }, NULL, 0 },
        { SAGA_AVRO_BOOL, { "\1\0", 2 }, "behind the end", 1 },
        { SAGA_AVRO_BOOL, { "\2", 1 }, "boolean", 0 },
        { SAGA_AVRO_BOOL, { "", 0 }, "boolean", 0 },
        { SAGA_AVRO_INT, { "\xfe\xff\xff\xff\x0f", 5 }, NULL, 0 },
        { SAGA_AVRO_INT, { "\x80\x80\x80\x80\x10", 5 }, "32 bits", 5 },
        { SAGA_AVRO_INT, { "\x80", 1 }, "does not end", 1 },
        { SAGA_AVRO_LONG, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 }, NULL, 0 },
        { SAGA_AVRO_LONG, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, "64 bits", 10 },
        { SAGA_AVRO_LONG, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11 }, "64 bits", 10 },
        { SAGA_AVRO_STRING, { "\4ab", 3 }, NULL, 0 },
        { SAGA_AVRO_STRING, { "\6ab", 3 }, "length", 1 },
        { SAGA_AVRO_STRING, { "\1", 1 }, "length", 1 },
        { SAGA_AVRO_STRING, { "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1", 10 }, "length", 10 },
        { SAGA_AVRO_BYTES, { "\0", 1 }, NULL, 0 },
        { SAGA_AVRO_BYTES, { "\2\2a", 3 }, NULL, 0 },
        { SAGA_AVRO_BYTES, { "\2\1", 2 }, "length", 2 },
        { SAGA_AVRO_BYTES, { "\4\2a", 3 }, "index", 1 },
        { SAGA_AVRO_BYTES, { "\1", 1 }, "index", 1 },
        { SAGA_AVRO_NAME, { "\x0aretry", 6 }, NULL, 0 },
        { SAGA_AVRO_NAME, { "\x0aretrt", 6 }, NULL, 0 }, /* no name, but a string */
        { SAGA_AVRO_NAME, { "\x0cretry", 6 }, "length", 1 },
        { FIXED, { "abc", 3 }, NULL, 0 },
        { FIXED, { "ab", 2 }, "length", 0 },
        { INTS, { "\4\2\2\0", 4 }, NULL, 0 },
        { INTS, { "\3\4\2\2\0", 5 }, NULL, 0 }, /* count -2, 2 bytes */
        { INTS, { "\4\2\2", 3 }, "does not end", 3 },
        { INTS, { "\3\x7e\2\2\0", 5 }, "block", 2 },
        { INTS, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 11 }, "block", 10 },
        { INTS, { "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 11 }, "does not end", 11 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t offset;
        const char *why = read_one(cases[i].kind, cases[i].bytes, &offset);
        if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)) ||
            (why && offset != cases[i].offset))
            fail_msg("case %zu: %s at %zu", i, why ? why : "fits", offset);
    }
}

/* ---- damaged records and states ---- */

/* Is it refused with the words that follow from a walk along the schema? */
static void assert_told_as_walked(struct saga_slice bytes, bool is_state, struct saga_slice words)
{
    avro_schema_t schema = is_state ? schemas.state : schemas.journal;
    char want[200];
    size_t offset;
    if (bytes.size < SAGA_AVRO_HEAD_BYTES || memcmp(bytes.data, "\xC3\1", 2) != 0) return;
    const char *why = walk_bytes(schema, saga_slice_skip(bytes, SAGA_AVRO_HEAD_BYTES), &offset);
    if (saga_slice_starts_with(words, "its schema has the fingerprint")) return;
    snprintf(want, sizeof want, "its bytes do not fit their schema at %zu: %s",
             offset + SAGA_AVRO_HEAD_BYTES, why ? why : "");
    bool fits = words.size == 0 || saga_slice_starts_with(words, "it names a kind") ||
                saga_slice_starts_with(words, "it is a state that");
    if (why ? !saga_slice_is(words, want) : !fits)
        fail_msg("%.*s, where the walk says %s", SAGA_SLICE_ARG(words), why ? want : "it fits");
}

/* Decodes a copy in memory of exactly its size. Either it is refused with words, or it can be
 * shown. */
static bool try(struct fixture *f, struct saga_slice bytes, bool is_state)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_journal_record record;
    struct saga_state *s = NULL;
    struct saga_slice json;
    char *own = malloc(bytes.size ? bytes.size : 1);
    assert_non_null(own);
    memcpy(own, bytes.data, bytes.size);
    bytes.data = own;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = is_state ? saga_state_decode(f->codec, bytes, &arena, &s, &diagnostic)
                         : saga_journal_decode(f->codec, bytes, &arena, &record, &diagnostic);
    assert_told_as_walked(bytes, is_state, error < 0 ? diagnostic.what : SAGA_SLICE_NONE);
    if (is_state) memset(own, 'x', bytes.size); /* it has a copy */
    if (error == SAGA_OK) {
        if (is_state) saga_state_check(s);
        json =
            is_state ? saga_state_json(s, true, &arena) : saga_journal_json(&record, true, &arena);
        assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
    } else {
        assert_int_equal(error, SAGA_E_INVALID);
        assert_true(diagnostic.what.size > 0);
    }
    saga_state_free(s);
    saga_arena_free(&arena);
    free(own); /* what else was read points into it */
    return error == SAGA_OK;
}

static void damage(struct fixture *f, struct saga_slice bytes, bool is_state)
{
    static const unsigned char flips[] = { 0x01, 0x02, 0x80, 0xff };
    char *copy = saga_arena_string(&f->arena, bytes);
    assert_true(try(f, bytes, is_state));
    for (size_t i = 0; i < bytes.size; i++)
        assert_false(try(f, (struct saga_slice){ bytes.data, i }, is_state));
    for (size_t i = 0; i < bytes.size; i++) {
        for (size_t k = 0; k < COUNT(flips); k++) {
            copy[i] = (char)((unsigned char)bytes.data[i] ^ flips[k]);
            bool taken = try(f, (struct saga_slice){ copy, bytes.size }, is_state);
            if (i < 10) assert_false(taken);
        }
        copy[i] = bytes.data[i];
    }
    char *longer = saga_arena_alloc(&f->arena, bytes.size + 1);
    memcpy(longer, bytes.data, bytes.size);
    assert_false(try(f, (struct saga_slice){ longer, bytes.size + 1 }, is_state));
}

static void a_damaged_record_is_refused_or_read(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts);
    damage(f, encode(f, &record), false);
}

static void a_damaged_state_is_refused_or_read(void **state)
{
    struct fixture *f = *state;
    struct saga_state *rich = rich_state();
    damage(f, encode_state(f, rich), true);
    saga_state_free(rich);
}

static void an_unknown_schema_is_told(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts), got;
    struct saga_state *s = NULL;
    struct saga_diagnostic diagnostic = { 0 };
    char *bytes = saga_arena_string(&f->arena, encode(f, &record));
    size_t size = encode(f, &record).size;
    memcpy(bytes + 2, "\1\2\3\4\5\6\7\x08", 8);
    struct saga_slice other = { bytes, size };
    assert_int_equal(saga_journal_decode(f->codec, other, &f->arena, &got, &diagnostic),
                     SAGA_E_INVALID);
    const char *words = saga_arena_string(&f->arena, diagnostic.what);
    assert_non_null(strstr(words, "0807060504030201"));
    assert_non_null(strstr(words, "newer"));
    /* a journal's record is no state */
    assert_int_equal(saga_state_decode(f->codec, encode(f, &record), &f->arena, &s, &diagnostic),
                     SAGA_E_INVALID);
    bytes[0] = '{';
    assert_int_equal(saga_journal_decode(f->codec, other, &f->arena, &got, &diagnostic),
                     SAGA_E_INVALID);
    assert_non_null(strstr(saga_arena_string(&f->arena, diagnostic.what), "single-object"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_that_lie_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_refused_or_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_state_is_refused_or_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_schema_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, read_schemas, free_schemas);
}
