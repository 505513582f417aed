/* A folder of schemas: what is read of it, what is wrong with it, what changed in it; and definitions against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "definition/definition.h"
#include "definition/schema_folder.h"

#define PAY                                                                                        \
    "{\"type\":\"record\",\"name\":\"cash.Pay\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}" \
    ",{\"name\":\"amount\",\"type\":\"long\"},{\"name\":\"way\",\"type\":{\"type\":\"enum\","      \
    "\"name\":\"Way\",\"symbols\":[\"CARD\"]},\"default\":\"CARD\"}]}"
#define PAID "{\"type\":\"record\",\"name\":\"cash.Paid\",\"fields\":[]}"

struct fixture {
    struct saga_arena arena;
    char folder[64];
};

static void write_file(const struct fixture *f, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    static struct fixture f;
    char path[256];
    saga_arena_init(&f.arena);
    strcpy(f.folder, "/tmp/saga-schemas-XXXXXX");
    if (!mkdtemp(f.folder)) return -1;
    snprintf(path, sizeof path, "%s/cash", f.folder);
    if (mkdir(path, 0700) != 0) return -1;
    write_file(&f, "cash/Pay.avsc", PAY);
    write_file(&f, "cash/Paid.avsc", PAID);
    write_file(&f, "notes.txt", "{");
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    saga_arena_free(&f->arena);
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    return system(command) == 0 ? 0 : -1;
}

static struct saga_schemas *read_folder(struct fixture *f)
{
    struct saga_diagnostics diagnostics;
    struct saga_schemas *schemas;
    saga_diagnostics_init(&diagnostics, &f->arena);
    if (saga_schema_folder_read(f->folder, &diagnostics, &schemas) < 0)
        fail_msg("%.*s", SAGA_SLICE_ARG(diagnostics.items[0].what));
    return schemas;
}

static void a_folder_is_read_with_its_registry(void **state)
{
    struct fixture *f = *state;
    write_file(f, "registry.yaml",
               "ids:\n  7: cash/Pay.avsc\nfingerprints:\n  00000000000000ff: cash/Paid.avsc\n");
    struct saga_schemas *schemas = read_folder(f);
    assert_int_equal(saga_schemas_count(schemas), 2);
    assert_true(saga_slice_is(saga_schemas_by_id(schemas, 7)->name, "cash.Pay"));
    assert_true(saga_slice_is(saga_schemas_by_fingerprint(schemas, 0xff)->name, "cash.Paid"));
    saga_schemas_free(schemas);
}

static void a_folder_that_is_not_there_has_none(void **state)
{
    struct fixture *f = *state;
    struct saga_diagnostics diagnostics;
    struct saga_schemas *schemas;
    saga_diagnostics_init(&diagnostics, &f->arena);
    assert_int_equal(saga_schema_folder_read("/no/such/folder", &diagnostics, &schemas), SAGA_OK);
    assert_int_equal(saga_schemas_count(schemas), 0);
    saga_schemas_free(schemas);
}

static void what_changes_shows(void **state)
{
    struct fixture *f = *state;
    uint64_t before = saga_schema_folder_look(f->folder);
    assert_true(saga_schema_folder_look(f->folder) == before);
    write_file(f, "notes.txt", "nobody's");
    assert_true(saga_schema_folder_look(f->folder) == before);
    write_file(f, "cash/Pay.avsc", PAY " ");
    uint64_t longer = saga_schema_folder_look(f->folder);
    assert_true(longer != before);
    write_file(f, "registry.yaml", "ids: {}\n");
    assert_true(saga_schema_folder_look(f->folder) != longer);
}

static void what_is_wrong_with_a_registry_is_found_where_it_stands(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *words;
        unsigned line;
    } cases[] = {
        { "ids:\n  7: cash/Pya.avsc\n", "there is no schema file `cash/Pya.avsc`", 2 },
        { "ids:\n  x: cash/Pay.avsc\n", "`x` is no id", 2 },
        { "ids:\n  4294967296: cash/Pay.avsc\n", "is no id", 2 },
        { "ids:\n  7: cash/Pay.avsc\n  07: cash/Paid.avsc\n", "what another file has already", 3 },
        { "fingerprints:\n  ff: cash/Pay.avsc\n", "16 hexadecimal digits", 2 },
        { "ids: [7]\n", "`ids` must be a mapping", 1 },
        { "idz: {}\n", "idz", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct saga_diagnostics diagnostics;
        struct saga_schemas *schemas;
        saga_diagnostics_init(&diagnostics, &f->arena);
        write_file(f, "registry.yaml", cases[i].text);
        assert_int_equal(saga_schema_folder_read(f->folder, &diagnostics, &schemas),
                         SAGA_E_INVALID);
        const struct saga_diagnostic *found = &diagnostics.items[0];
        if (!strstr(saga_arena_string(&f->arena, found->what), cases[i].words))
            fail_msg("%s: %.*s", cases[i].text, SAGA_SLICE_ARG(found->what));
        assert_int_equal(found->line, cases[i].line);
    }
}

/* ---- definitions against them ---- */

static void check(struct fixture *f, const struct saga_schemas *schemas, const char *format,
                  const char *body, const char *success, const char *expected)
{
    struct saga_diagnostics diagnostics;
    struct saga_definition *definition = NULL;
    char path[256], codes[64] = "", text[1024];
    snprintf(text, sizeof text,
             "saga: order\nversion: 1\nparticipants:\n  cash: { commands: cash.commands, replies: "
             "cash.replies, format: %s }\nstart: { topic: orders, event: Placed, key: .id }\n"
             "steps:\n  - step: pay\n    send: cash/Pay\n    body: '%s'\n    success: %s\n"
             "    compensate: none\n",
             format, body, success);
    write_file(f, "order.yaml", text);
    snprintf(path, sizeof path, "%s/order.yaml", f->folder);
    saga_diagnostics_init(&diagnostics, &f->arena);
    int error = saga_definition_load_file(path, schemas, &diagnostics, &definition);
    assert_int_equal(error<0, diagnostics.errors> 0);
    for (size_t i = 0; i < diagnostics.count; i++)
        snprintf(codes + strlen(codes), sizeof codes - strlen(codes), "%s ",
                 diagnostics.items[i].code);
    if (strcmp(codes, expected) != 0)
        fail_msg("%s with %s: found %s instead of %s", format, body, codes, expected);
    saga_definition_free(definition);
}

static void types_and_bodies_are_checked(void **state)
{
    struct fixture *f = *state;
    static const char good[] = "{id: .input.id, amount: 5}", single[] = "avro-single-object";
    write_file(f, "registry.yaml", "ids:\n  7: cash/Paid.avsc\n");
    struct saga_schemas *schemas = read_folder(f);
    check(f, schemas, single, good, "Paid", "");
    check(f, schemas, "json", "{nonsense: 1}", "Whatever", "");
    check(f, NULL, single, "{nonsense: 1}", "Whatever", "");
    check(f, schemas, single, "{id: .input.id}", "Paid", "SG704 ");                /* amount */
    check(f, schemas, single, "{id: .input.id, amuont: 5}", "Paid", "SG704 ");     /* a typo */
    check(f, schemas, single, "{id: .input.id, amount: \"5\"}", "Paid", "SG704 "); /* a text */
    check(f, schemas, single, "{id: 1, amount: .input.a}", "Paid", "SG704 ");
    check(f, schemas, single, "{id: .input.id, amount: 1, way: \"CASH\"}", "Paid", "SG704 ");
    check(f, schemas, single, ".input | {id, amount: 1}", "Paid", ""); /* only a saga knows */
    check(f, schemas, single, good, "Payed", "SG703 ");
    check(f, schemas, "avro", good, "Paid", "SG702 "); /* Pay has no id */
    saga_schemas_free(schemas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_read_with_its_registry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changes_shows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_a_registry_is_found_where_it_stands,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_and_bodies_are_checked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
