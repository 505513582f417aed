/* What a definition that loads means: the examples, the defaults, what stands behind a pivot, the
 * flowchart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "definition/definition.h"

struct loaded {
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition;
};

static void begin(struct loaded *l)
{
    l->definition = NULL;
    saga_arena_init(&l->arena);
    saga_diagnostics_init(&l->found, &l->arena);
}

static void end(struct loaded *l)
{
    saga_definition_free(l->definition);
    saga_arena_free(&l->arena);
}

static const struct saga_definition *load(struct loaded *l, const char *text)
{
    begin(l);
    int error = saga_definition_load(saga_slice_of(text), "x.yaml", &l->found, &l->definition);
    saga_diagnostics_print(&l->found, stderr);
    assert_int_equal(error, SAGA_OK);
    return l->definition;
}

static const struct saga_definition *load_example(struct loaded *l, const char *name)
{
    char path[512];
    begin(l);
    snprintf(path, sizeof path, "%s/sagas/%s.yaml", SAGA_SOURCE_DIR, name);
    int error = saga_definition_load_file(path, NULL, &l->found, &l->definition);
    saga_diagnostics_print(&l->found, stderr);
    assert_int_equal(error, SAGA_OK);
    assert_int_equal(l->found.count, 0);
    return l->definition;
}

static const struct saga_step *step(const struct saga_definition *d, const char *name)
{
    const struct saga_block *block = saga_definition_step(d, saga_slice_of(name));
    assert_non_null(block);
    assert_ptr_equal(d->blocks[block->id], block);
    return &block->step;
}

static void assert_slice(struct saga_slice s, const char *text)
{
    if (!saga_slice_is(s, text)) fail_msg("\"%.*s\" != \"%s\"", SAGA_SLICE_ARG(s), text);
}

static void assert_names(const struct saga_names *names, const char *joined)
{
    char text[256] = "";
    for (size_t i = 0; i < names->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? " " : "",
                 SAGA_SLICE_ARG(names->items[i]));
    assert_string_equal(text, joined);
}

/* ---- the examples ---- */

static void order_fulfilment_is_what_its_file_says(void **state)
{
    (void)state;
    static const char *const names[] = { "reserve-stock", "check-fraud", "charge-card",
                                         "book-courier",  "hand-over",   "send-receipt" };
    static const char *const failures[] = {
        "OutOfStock", "FraudSuspected",  "CardDeclined CardExpired",
        "NoCourier",  "HandOverRefused", ""
    };
    struct loaded l;
    const struct saga_definition *d = load_example(&l, "order-fulfilment");
    assert_slice(d->name, "order-fulfilment");
    assert_int_equal(d->version, 1);
    assert_int_equal(d->deadline_ms, 30 * 60000);
    assert_int_equal(d->keep_ms, 7 * 86400000LL);
    assert_int_equal(d->participant_count, 3);
    assert_int_equal(d->start_count, 1);
    assert_slice(d->starts[0].topic, "shop.orders");
    assert_slice(d->starts[0].event, "OrderPlaced");
    assert_int_equal(d->starts[0].from, SAGA_BEGIN_LATEST);
    assert_slice(saga_expression_source(d->starts[0].key), ".orderId");
    assert_slice(saga_expression_source(d->starts[0].when), ".total > 0");
    assert_int_equal(d->search_count, 1);
    assert_slice(d->search[0].name, "customer");
    assert_int_equal(d->block_count, 6);
    assert_int_equal(d->root.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_slice(d->blocks[i]->step.name, names[i]);
        assert_names(&d->blocks[i]->step.failure, failures[i]);
        assert_int_equal(d->blocks[i]->step.pivot, i == 4);
        assert_int_equal(d->blocks[i]->step.behind_pivot, i == 5);
    }
    assert_int_equal(step(d, "check-fraud")->compensate.kind, SAGA_COMPENSATE_NONE);
    assert_int_equal(step(d, "charge-card")->compensate.kind, SAGA_COMPENSATE_COMMAND);
    assert_slice(step(d, "charge-card")->compensate.command.type, "RefundCard");
    assert_slice(step(d, "charge-card")->compensate.command.participant->commands,
                 "payments.commands");
    assert_int_equal(step(d, "hand-over")->compensate.kind, SAGA_COMPENSATE_UNDECLARED);
    assert_true(d->on_completed.present && d->on_compensated.present);
    assert_slice(d->on_compensated.topic, "shop.order-events");
    assert_slice(d->on_compensated.event, "OrderCancelled");
    assert_null(saga_definition_step(d, SAGA_SLICE("release-stock")));
    end(&l);
}

static void bank_transfer_loads(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d = load_example(&l, "bank-transfer");
    assert_int_equal(d->starts[0].from, SAGA_BEGIN_EARLIEST);
    assert_true(step(d, "credit")->pivot);
    assert_false(d->on_completed.present);
    assert_int_equal(step(d, "debit")->retry.attempts, 5);
    assert_int_equal(step(d, "debit")->retry.backoff_ms, 200);
    assert_true(step(d, "debit")->retry.factor == 2);
    end(&l);
}

/* ---- defaults ---- */

#define HEAD                                                                                       \
    "saga: s\nversion: 7\nparticipants: { a: { commands: c, replies: r } }\n"                      \
    "start: { topic: t, event: E, key: .id }\n"

static void what_is_not_said_has_its_default(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d = load(
        &l, HEAD "steps: [{ step: one, send: a/Do, success: Done, compensate: { send: a/Undo } }]");
    const struct saga_step *one = step(d, "one");
    assert_int_equal(d->version, 7);
    assert_int_equal(d->deadline_ms, 0);
    assert_int_equal(d->keep_ms, 7 * 86400000LL);
    assert_int_equal(one->timeout_ms, 30000);
    assert_int_equal(one->retry.attempts, 3);
    assert_int_equal(one->retry.backoff_ms, 1000);
    assert_true(one->retry.factor == 2);
    assert_int_equal(one->retry.max_ms, 30000);
    assert_true(one->retry.jitter);
    assert_names(&one->retry.on, "Unavailable");
    assert_null(one->command.body);
    assert_null(one->keep);
    assert_int_equal(one->compensate.timeout_ms, 30000);
    assert_int_equal(one->compensate.retry.attempts, 0);
    assert_int_equal(one->compensate.retry.backoff_ms, 1000);
    assert_int_equal(one->compensate.retry.max_ms, 300000);
    assert_names(&one->compensate.retry.on, "Unavailable");
    assert_int_equal(one->compensate.success.count, 0);
    end(&l);
}

static void a_step_says_more_than_the_defaults(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d =
        load(&l, HEAD "defaults: { timeout: 2s, retry: { attempts: 9, jitter: false } }\n"
                      "steps:\n"
                      "  - step: one\n"
                      "    send: a/Do\n"
                      "    success: [Done, Made]\n"
                      "    timeout: 1s\n"
                      "    retry: { backoff: 5ms, factor: 1.5, on: [Busy, Away] }\n"
                      "    unknown: by-key\n"
                      "    compensate: { send: a/Undo, failure: No, timeout: 4s,\n"
                      "                  retry: { attempts: 2 } }\n");
    const struct saga_step *one = step(d, "one");
    assert_names(&one->success, "Done Made");
    assert_int_equal(one->timeout_ms, 1000);
    assert_int_equal(one->retry.attempts, 9);
    assert_false(one->retry.jitter);
    assert_int_equal(one->retry.backoff_ms, 5);
    assert_true(one->retry.factor == 1.5);
    assert_names(&one->retry.on, "Busy Away");
    assert_true(one->unknown_by_key);
    assert_names(&one->compensate.failure, "No");
    assert_int_equal(one->compensate.timeout_ms, 4000);
    assert_int_equal(one->compensate.retry.attempts, 2);
    assert_true(one->compensate.retry.jitter);
    end(&l);
}

static void behind_the_pivot_a_step_is_tried_without_end(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d =
        load(&l, HEAD "defaults: { retry: { attempts: 9 } }\n"
                      "steps:\n"
                      "  - { step: p, pivot: true, send: a/P, success: Ok }\n"
                      "  - { step: q, send: a/Q, success: Ok }\n"
                      "  - { step: r, send: a/R, success: Ok, retry: { attempts: 4 } }\n");
    assert_int_equal(step(d, "p")->retry.attempts, 9);
    assert_false(step(d, "p")->behind_pivot);
    assert_int_equal(step(d, "q")->retry.attempts, 0);
    assert_true(step(d, "q")->behind_pivot);
    assert_int_equal(step(d, "r")->retry.attempts, 4);
    end(&l);
}

static void values_may_be_written_in_any_style_of_yaml(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d = load(&l, "%YAML 1.2\n---\n" HEAD "steps:\r\n"
                                               "- step: \"one\"\r\n"
                                               "  send: 'a/Do'\r\n"
                                               "  success:\r\n"
                                               "  - Done\r\n"
                                               "  body: >\r\n"
                                               "    {id: .input.id,\r\n"
                                               "     name: \"it''s \\(.input.name)\"}\r\n"
                                               "  compensate: none # nothing\r\n");
    assert_slice(saga_expression_source(step(d, "one")->command.body),
                 "{id: .input.id,\n name: \"it''s \\(.input.name)\"}\n");
    assert_int_equal(d->blocks[0]->position.line, 8);
    assert_int_equal(d->blocks[0]->position.column, 3);
    end(&l);
}

/* ---- the rest of the model ---- */

static void the_hash_is_of_the_source(void **state)
{
    (void)state;
    static const char text[] = HEAD "steps: [{ step: a, send: a/A, success: B, compensate: none }]";
    static const char other[] =
        HEAD "steps: [{ step: a, send: a/A, success: B, compensate: none }]\n";
    char want[2 * SAGA_SHA256_BYTES + 1];
    struct loaded one, two;
    saga_sha256_hex(saga_slice_of(text), want);
    assert_string_equal(load(&one, text)->sha256, want);
    assert_slice(one.definition->source, text);
    assert_string_not_equal(load(&two, other)->sha256, want);
    end(&one);
    end(&two);
}

static void list_topic(struct saga_slice topic, enum saga_topic_use use, void *context)
{
    static const char letters[] = "crsap";
    char *out = context;
    sprintf(out + strlen(out), "%c:%.*s ", letters[use], SAGA_SLICE_ARG(topic));
}

static void every_topic_is_named_with_its_use(void **state)
{
    (void)state;
    char topics[512] = "";
    struct loaded l;
    saga_definition_topics(load_example(&l, "order-fulfilment"), list_topic, topics);
    assert_string_equal(topics, "s:shop.orders c:inventory.commands r:inventory.replies "
                                "c:payments.commands r:payments.replies c:shipping.commands "
                                "r:shipping.replies p:shop.order-events p:shop.order-events ");
    end(&l);
}

static void blocks_without_a_service_are_drawn(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d =
        load(&l, "saga: s\nversion: 7\nparticipants: { a: { commands: c, replies: r } }\n"
                 "start: { topic: t, event: E, key: .id }\n"
                 "steps:\n"
                 "  - set: { x: 1, y: .input.y }\n"
                 "  - { step: one, send: a/Do, success: Done, compensate: { send: a/Undo } }\n"
                 "  - publish: events/Told\n"
                 "  - wait: 90s\n"
                 "  - wait-until: .input.at\n"
                 "  - fail: { type: Enough }\n");
    static const char want[] = "flowchart TD\n"
                               "    start([\"E\"])\n"
                               "    s0[/\"set x, y\"/]\n"
                               "    s1[\"one<br/>Do\"]\n"
                               "    c1([\"Undo\"])\n"
                               "    s2>\"publish Told\"]\n"
                               "    s3(\"wait 1m30s\")\n"
                               "    s4(\"wait until a time\")\n"
                               "    s5[\"fail Enough\"]\n"
                               "    completed((completed))\n"
                               "    compensated((compensated))\n"
                               "    start --> s0\n"
                               "    s0 --> s1\n"
                               "    s1 -- \"Done\" --> s2\n"
                               "    s2 --> s3\n"
                               "    s3 --> s4\n"
                               "    s4 --> s5\n"
                               "    s5 -.-> c1\n"
                               "    s1 -. \"unknown\" .-> c1\n"
                               "    c1 -.-> compensated\n"
                               "    classDef pivot stroke-width:4px\n"
                               "    classDef back stroke-dasharray:5 5\n"
                               "    class c1 back\n";
    char topics[512] = "";
    struct saga_arena arena;
    saga_arena_init(&arena);
    assert_slice(saga_definition_mermaid(d, &arena), want);
    assert_slice(d->blocks[4]->label, "wait-until#5");
    saga_definition_topics(d, list_topic, topics);
    assert_string_equal(topics, "s:t c:c r:r p:events ");
    saga_arena_free(&arena);
    end(&l);
}

static void several_starts_are_read_in_their_order(void **state)
{
    (void)state;
    struct loaded l;
    const struct saga_definition *d =
        load(&l, "saga: s\nversion: 7\nparticipants: { a: { commands: c, replies: r } }\n"
                 "start:\n"
                 "  - { topic: t, event: E, key: .id, when: .n > 1 }\n"
                 "  - { topic: t, event: E, key: .other }\n"
                 "  - { topic: u, event: E, key: .id, from: earliest }\n"
                 "steps: [{ step: one, send: a/Do, success: Done, compensate: none }]");
    assert_int_equal(d->start_count, 3);
    assert_slice(saga_expression_source(d->starts[1].key), ".other");
    assert_int_equal(d->starts[1].from, SAGA_BEGIN_LATEST);
    assert_slice(d->starts[2].topic, "u");
    assert_int_equal(d->starts[2].from, SAGA_BEGIN_EARLIEST);
    struct saga_arena arena;
    saga_arena_init(&arena);
    static const char want[] = "flowchart TD\n    start1([\"E\"])\n"
                               "    start2([\"E\"])\n    start3([\"E\"])\n";
    assert_true(saga_slice_starts_with(saga_definition_mermaid(d, &arena), want));
    saga_arena_free(&arena);
    end(&l);
}

static void the_flowchart_goes_forward_and_back(void **state)
{
    (void)state;
    static const char want[] = "flowchart TD\n"
                               "    start([\"E\"])\n"
                               "    s0[\"a<br/>A\"]\n"
                               "    c0([\"UndoA\"])\n"
                               "    s1[\"look<br/>Look\"]\n"
                               "    s2[\"b<br/>B\"]\n"
                               "    c2([\"UndoB\"])\n"
                               "    s3{{\"pivot: p<br/>P\"}}\n"
                               "    s4[\"q<br/>Q\"]\n"
                               "    completed((completed))\n"
                               "    compensated((compensated))\n"
                               "    stuck((stuck))\n"
                               "    start --> s0\n"
                               "    s0 -- \"Ok\" --> s1\n"
                               "    s1 -- \"Ok\" --> s2\n"
                               "    s2 -- \"Ok or Fine\" --> s3\n"
                               "    s3 -- \"Ok\" --> s4\n"
                               "    s4 -- \"Ok\" --> completed\n"
                               "    s0 -. \"NoA\" .-> compensated\n"
                               "    s0 -. \"unknown\" .-> c0\n"
                               "    s1 -. \"unknown\" .-> c0\n"
                               "    s2 -. \"NoB\" .-> c0\n"
                               "    s2 -. \"unknown\" .-> c2\n"
                               "    s3 -. \"NoP\" .-> c2\n"
                               "    s3 -. \"unknown\" .-> stuck\n"
                               "    c2 -.-> c0\n"
                               "    c2 -. \"NoUndo or no answer\" .-> stuck\n"
                               "    c0 -.-> compensated\n"
                               "    classDef pivot stroke-width:4px\n"
                               "    classDef back stroke-dasharray:5 5\n"
                               "    class s3 pivot\n"
                               "    class c0,c2 back\n";
    struct loaded l;
    const struct saga_definition *d =
        load(&l, HEAD "steps:\n"
                      "  - { step: a, send: a/A, success: Ok, failure: NoA,\n"
                      "      compensate: { send: a/UndoA } }\n"
                      "  - { step: look, send: a/Look, success: Ok, compensate: none }\n"
                      "  - { step: b, send: a/B, success: [Ok, Fine], failure: NoB, compensate:\n"
                      "      { send: a/UndoB, failure: NoUndo, retry: { attempts: 2 } } }\n"
                      "  - { step: p, pivot: true, send: a/P, success: Ok, failure: NoP }\n"
                      "  - { step: q, send: a/Q, success: Ok }\n");
    struct saga_slice chart = saga_definition_mermaid(d, &l.arena);
    assert_string_equal(saga_arena_string(&l.arena, chart), want);
    end(&l);
}

static void a_file_that_cannot_be_read_is_a_finding(void **state)
{
    (void)state;
    static const char *const paths[] = { "/nonexistent/x.yaml", "/" };
    for (size_t i = 0; i < 2; i++) {
        struct loaded l;
        begin(&l);
        assert_int_equal(saga_definition_load_file(paths[i], NULL, &l.found, &l.definition),
                         SAGA_E_INVALID);
        assert_int_equal(l.found.count, 1);
        assert_string_equal(l.found.items[0].code, "SG002");
        assert_string_equal(l.found.items[0].file, paths[i]);
        assert_null(l.definition);
        end(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_fulfilment_is_what_its_file_says),
        cmocka_unit_test(bank_transfer_loads),
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(a_step_says_more_than_the_defaults),
        cmocka_unit_test(behind_the_pivot_a_step_is_tried_without_end),
        cmocka_unit_test(values_may_be_written_in_any_style_of_yaml),
        cmocka_unit_test(the_hash_is_of_the_source),
        cmocka_unit_test(every_topic_is_named_with_its_use),
        cmocka_unit_test(blocks_without_a_service_are_drawn),
        cmocka_unit_test(several_starts_are_read_in_their_order),
        cmocka_unit_test(the_flowchart_goes_forward_and_back),
        cmocka_unit_test(a_file_that_cannot_be_read_is_a_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
