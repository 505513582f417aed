/* Lists of blocks, and the blocks that wait for no service. */
#include "base/error.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "definition/load_internal.h"

/* ---- set ---- */

static void load_set(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "set" };
    void *iterator = NULL;
    size_t capacity = 0, count = 0;
    struct saga_assignment *items = NULL;
    struct fy_node *values = saga_yaml_get(node, "set");
    saga_yaml_check_mapping(&l->yaml, node, "`set`", names, SAGA_COUNT_OF(names));
    int given = values && fy_node_is_mapping(values) ? fy_node_mapping_item_count(values) : 0;
    if (given < 1 || given > SAGA_VARIABLES_MAX) {
        saga_yaml_find(&l->yaml, given || !values ? node : saga_yaml_key(node, "set"),
                       given ? SAGA_FINDING_LIMIT : SAGA_FINDING_WRONG_VALUE,
                       given ? "`set` names %d values; %d are possible"
                             : "`set` must be a mapping of names to expressions",
                       given, SAGA_VARIABLES_MAX)
            ->mend = SAGA_SLICE("as in set: {total: '.input.price * .input.count'}");
        l->partial = true;
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(values, &iterator));) {
        struct saga_assignment item = { 0 };
        if (!saga_load_type(l, fy_node_pair_key(pair), "a variable", &item.name)) l->partial = true;
        item.value = saga_load_expression(l, fy_node_pair_value(pair), "`set`");
        SAGA_PUSH(saga_loading_arena(l), items, count, capacity, item);
    }
    block->set = (struct saga_set){ items, count };
}

/* ---- publish, wait, wait-until, fail ---- */

static void load_publish(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    saga_load_publish(l, node, "`publish`", &block->publish);
}

static void load_wait(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "wait" };
    if (!saga_yaml_check_mapping(&l->yaml, node, "`wait`", names, SAGA_COUNT_OF(names))) return;
    saga_yaml_duration(&l->yaml, saga_yaml_need(&l->yaml, node, "wait", "`wait`"), "`wait`",
                       &block->wait.duration_ms);
}

/* `2030-12-01` is jq for 2017, which as a time is long over: nobody would see that nothing is waited for. */
static bool refuse_bare_time(struct saga_loading *l, struct fy_node *node)
{
    static const char form[] = "dddd-dd-dd";
    struct saga_slice text = node ? saga_yaml_scalar(node) : SAGA_SLICE_NONE;
    int64_t duration_ms;
    if (saga_duration_parse(text, &duration_ms) == SAGA_OK) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`wait-until` takes a time, not a duration")
            ->mend = SAGA_SLICE("write `wait:` for so long, or a time in seconds as an expression");
        return true;
    }
    if (text.size < sizeof form - 1) return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '-' ? text.data[i] != '-' : text.data[i] < '0' || text.data[i] > '9')
            return false;
    saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                   "`wait-until` is a time without the quotes of jq")
        ->mend = SAGA_SLICE("a fixed time is a text of jq, within the quotes of YAML: "
                            "wait-until: '\"2030-12-31T23:59:00Z\"'");
    return true;
}

static void load_wait_until(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "wait-until" };
    if (!saga_yaml_check_mapping(&l->yaml, node, "`wait-until`", names, SAGA_COUNT_OF(names)))
        return;
    struct fy_node *until = saga_yaml_need(&l->yaml, node, "wait-until", "`wait-until`");
    if (!refuse_bare_time(l, until))
        block->wait.until = saga_load_expression(l, until, "`wait-until`");
}

static void load_fail(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const outer[] = { "fail" }, *const names[] = { "type", "message" };
    struct fy_node *fail = saga_yaml_get(node, "fail"), *message;
    struct saga_slice text = SAGA_SLICE_NONE;
    saga_yaml_check_mapping(&l->yaml, node, "`fail`", outer, SAGA_COUNT_OF(outer));
    if (!saga_yaml_check_mapping(&l->yaml, fail ? fail : node, "`fail`", names,
                                 SAGA_COUNT_OF(names)))
        return;
    if (!saga_load_type(l, saga_yaml_need(&l->yaml, fail, "type", "`fail`"), "an error",
                        &block->fail.type))
        return;
    message = saga_yaml_get(fail, "message");
    if (message && saga_yaml_text(&l->yaml, message, "`message`", &text) &&
        text.size > SAGA_MESSAGE_BYTES_MAX)
        saga_yaml_find(&l->yaml, message, SAGA_FINDING_LIMIT, "a message of more than %d bytes",
                       SAGA_MESSAGE_BYTES_MAX);
    block->fail.message = saga_arena_copy(saga_loading_arena(l), text);
}

/* ---- any block ---- */

static const struct {
    const char *word; /* the member that tells the block */
    enum saga_block_kind kind;
    void (*load)(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
} kinds[] = {
    { "step", SAGA_BLOCK_STEP, saga_load_step },
    { "await", SAGA_BLOCK_AWAIT, saga_load_await },
    { "saga", SAGA_BLOCK_CHILD, saga_load_child },
    { "set", SAGA_BLOCK_SET, load_set },
    { "publish", SAGA_BLOCK_PUBLISH, load_publish },
    { "wait", SAGA_BLOCK_WAIT, load_wait },
    { "wait-until", SAGA_BLOCK_WAIT, load_wait_until },
    { "fail", SAGA_BLOCK_FAIL, load_fail },
    { "choose", SAGA_BLOCK_CHOOSE, saga_load_choose },
    { "parallel", SAGA_BLOCK_PARALLEL, saga_load_parallel },
    { "for-each", SAGA_BLOCK_FOR_EACH, saga_load_for_each },
    { "repeat", SAGA_BLOCK_REPEAT, saga_load_repeat },
};

/* What others call these blocks: too far for a mistyped word. */
static const struct {
    const char *said, *word;
} others_words[] = {
    { "activity", "step" }, { "call", "step" },     { "command", "step" },
    { "sleep", "wait" },    { "delay", "wait" },    { "timer", "wait" },
    { "pause", "wait" },    { "signal", "await" },  { "approval", "await" },
    { "if", "choose" },     { "switch", "choose" }, { "foreach", "for-each" },
    { "for", "for-each" },  { "while", "repeat" },  { "loop", "repeat" },
    { "child", "saga" },    { "workflow", "saga" }, { "emit", "publish" },
    { "event", "publish" }, { "let", "set" },       { "abort", "fail" },
    { "throw", "fail" },
};

static const char *meant_block(struct saga_slice typed)
{
    const char *words[SAGA_COUNT_OF(kinds)];
    for (size_t i = 0; i < SAGA_COUNT_OF(others_words); i++)
        if (saga_slice_is(typed, others_words[i].said)) return others_words[i].word;
    for (size_t i = 0; i < SAGA_COUNT_OF(kinds); i++) words[i] = kinds[i].word;
    return saga_nearest(typed, words, SAGA_COUNT_OF(words));
}

static void refuse_block(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    l->partial = true;
    struct saga_diagnostic *finding =
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "this is no block");
    finding->why = SAGA_SLICE("what is to be done there cannot be told");
    finding->mend = SAGA_SLICE("begin it with `- step: name`, or with await, saga, set, publish, "
                               "wait, wait-until, fail, choose, parallel, for-each, repeat");
    if (!fy_node_is_mapping(node)) return;
    struct fy_node_pair *first = fy_node_mapping_iterate(node, &iterator);
    const char *near = first ? meant_block(saga_yaml_scalar(fy_node_pair_key(first))) : NULL;
    if (near) saga_diagnostic_mend(finding, l->yaml.diagnostics->arena, "did you mean `%s`?", near);
}

static struct saga_slice label_of(struct saga_loading *l, const struct saga_block *block,
                                  const char *word)
{
    switch (block->kind) {
    case SAGA_BLOCK_STEP: return block->step.name;
    case SAGA_BLOCK_AWAIT: return block->await.name;
    case SAGA_BLOCK_CHILD: return block->child.name;
    default: return saga_arena_printf(saga_loading_arena(l), "%s#%u", word, block->id + 1);
    }
}

/* A block has its number before those that stand in it. NULL: it is none. */
static const struct saga_block *load_block(struct saga_loading *l, struct fy_node *node,
                                           const struct saga_block *parent, uint32_t branch)
{
    size_t node_count = l->block_count, kind = 0;
    while (kind < SAGA_COUNT_OF(kinds) && !saga_yaml_key(node, kinds[kind].word)) kind++;
    if (kind == SAGA_COUNT_OF(kinds)) {
        refuse_block(l, node);
        return NULL;
    }
    struct saga_block *block = SAGA_NEW(saga_loading_arena(l), struct saga_block);
    block->id = (uint32_t)l->block_count;
    block->kind = kinds[kind].kind;
    block->parent = parent;
    block->branch = branch;
    saga_yaml_position(&l->yaml, node, &block->position.line, &block->position.column);
    SAGA_PUSH(saga_loading_arena(l), l->block_nodes, node_count, l->node_capacity, node);
    SAGA_PUSH(saga_loading_arena(l), l->blocks, l->block_count, l->block_capacity, block);
    kinds[kind].load(l, node, block);
    block->label = label_of(l, block, kinds[kind].word);
    return block;
}

/* May a list of blocks stand here? */
static bool check_list(struct saga_loading *l, struct fy_node *node, const char *field)
{
    bool deep = l->depth > SAGA_NESTING_MAX;
    if (!fy_node_is_sequence(node))
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "`%s` must be a list of blocks",
                       field)
            ->mend = SAGA_SLICE("begin each with `- step: name`");
    else if (deep)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "blocks inside more than %d blocks",
                       SAGA_NESTING_MAX)
            ->mend = SAGA_SLICE("put the inner blocks into a saga of their own, and call it with "
                                "`saga: name`");
    else
        return true;
    l->partial = true;
    return false;
}

void saga_load_blocks(struct saga_loading *l, struct fy_node *node, const char *field,
                      const struct saga_block *parent, uint32_t branch, struct saga_block_list *ret)
{
    void *iterator = NULL;
    const struct saga_block **items = NULL;
    size_t count = 0, capacity = 0;
    if (!node) l->partial = true;
    if (!node || !check_list(l, node, field)) return;
    l->depth++;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
        if (l->yaml.diagnostics->cut) break;
        if (l->block_count == SAGA_DEFINITION_BLOCKS_MAX) {
            if (!l->full)
                saga_yaml_find(&l->yaml, item, SAGA_FINDING_LIMIT, "more than %d blocks",
                               SAGA_DEFINITION_BLOCKS_MAX);
            l->partial = l->full = true;
            break;
        }
        const struct saga_block *block = load_block(l, item, parent, branch);
        if (block) SAGA_PUSH(saga_loading_arena(l), items, count, capacity, block);
    }
    l->depth--;
    if (!parent && count == 0 && !l->partial)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING,
                       "a definition needs at least one block")
            ->mend = SAGA_SLICE("begin it with `- step: name`");
    *ret = (struct saga_block_list){ items, count };
}
