/* Expressions that are only paths, literals, and objects and arrays of them: slices are copied, no jq is entered. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/expression_internal.h"
#include "schema/body.h"

enum node_kind { NODE_LITERAL, NODE_PATH, NODE_OBJECT, NODE_ARRAY };

struct component {
    struct saga_slice name; /* absent: an index */
    long index;
};

/* Several paths that lead through one object: their members are looked for in one pass. */
struct lookup {
    struct saga_slice member, step; /* of the bindings; step absent: the member itself */
    struct saga_slice *names, *values;
    size_t count, capacity, value_capacity;
    bool found; /* it is an object, and the values are its */
};

struct saga_plain {
    enum node_kind kind;
    struct saga_slice literal;
    struct component *components;
    size_t component_count, component_capacity;
    struct lookup *lookup;    /* of a path: NULL, or where its first steps are taken, */
    size_t lookup_slot;       /* and the last of them */
    struct saga_slice *names; /* of an object, as written out: `{"a":`, `,"b":` */
    struct saga_slice *texts; /* the same without quotes and escapes */
    size_t name_count, name_capacity, text_capacity;
    struct saga_plain **children;
    size_t child_count, child_capacity;
    struct lookup **lookups; /* of the whole form */
    size_t lookup_count, lookup_capacity;
};

struct parser {
    const struct saga_token *at;
    struct saga_arena *arena;
    int depth;
};

/* ---- compiling ---- */

static bool accept(struct parser *p, const char *text)
{
    if (!saga_token_is(p->at, text)) return false;
    p->at++;
    return true;
}

static struct saga_plain *node(struct parser *p, enum node_kind kind)
{
    struct saga_plain *plain = SAGA_NEW(p->arena, struct saga_plain);
    plain->kind = kind;
    return plain;
}

static struct saga_plain *parse(struct parser *p);

static bool parse_bracket(struct parser *p, struct saga_plain *path)
{
    struct component component = { 0 };
    bool negative = accept(p, "-");
    if (p->at->kind == SAGA_TOKEN_NUMBER && p->at->text.size < 9) {
        for (size_t i = 0; i < p->at->text.size; i++)
            if (p->at->text.data[i] < '0' || p->at->text.data[i] > '9') return false;
        component.index = strtol(p->at->text.data, NULL, 10) * (negative ? -1 : 1);
    } else if (negative || !saga_token_string(p->at, p->arena, NULL, &component.name)) {
        return false;
    }
    p->at++;
    if (!accept(p, "]")) return false;
    SAGA_PUSH(p->arena, path->components, path->component_count, path->component_capacity,
              component);
    return true;
}

static void add_name(struct parser *p, struct saga_plain *path, struct saga_slice name)
{
    SAGA_PUSH(p->arena, path->components, path->component_count, path->component_capacity,
              (struct component){ .name = name });
}

static struct saga_plain *parse_path(struct parser *p)
{
    struct saga_plain *path = node(p, NODE_PATH);
    for (bool first = true;; first = false) {
        struct saga_slice text;
        bool dot = saga_token_is(p->at, ".");
        if (p->at->kind == SAGA_TOKEN_FIELD) {
            add_name(p, path, p->at++->text);
        } else if (dot && saga_token_string(p->at + 1, p->arena, NULL, &text)) {
            add_name(p, path, text);
            p->at += 2;
        } else if (saga_token_is(p->at + (dot ? 1 : 0), "[") && (dot || !first)) {
            p->at += dot ? 2 : 1;
            if (!parse_bracket(p, path)) return NULL;
        } else if (dot && first) {
            p->at++;
        } else {
            return path;
        }
    }
}

/* `if` and the like: as a name without a value only later versions of jq take them. */
static bool is_keyword(struct saga_slice word)
{
    static const char *const keywords[] = {
        "if",    "then",  "elif",   "else", "end", "as", "reduce",  "foreach", "try",
        "catch", "label", "import", "def",  "and", "or", "include", "module",  "__loc__",
    };
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (saga_slice_is(word, keywords[i])) return true;
    return false;
}

static bool parse_entry(struct parser *p, struct saga_plain *object)
{
    struct saga_slice quoted, text;
    struct saga_plain *value;
    const struct saga_token *key = p->at;
    if (key->kind == SAGA_TOKEN_IDENT) {
        text = key->text;
        quoted = saga_arena_printf(p->arena, "\"%.*s\"", SAGA_SLICE_ARG(text));
    } else if (!saga_token_string(key, p->arena, &quoted, &text)) {
        return false;
    }
    p->at++;
    if (accept(p, ":")) {
        value = parse(p);
    } else {
        if (key->kind == SAGA_TOKEN_IDENT && is_keyword(text)) return false;
        value = node(p, NODE_PATH); /* {orderId} */
        add_name(p, value, text);
    }
    if (!value) return false;
    for (size_t i = 0; i < object->name_count; i++)
        if (saga_slice_equal(object->texts[i], text)) return false; /* jq evaluates both */
    size_t count = object->name_count;
    quoted = saga_arena_printf(p->arena, "%c%.*s:", count ? ',' : '{', SAGA_SLICE_ARG(quoted));
    SAGA_PUSH(p->arena, object->texts, count, object->text_capacity, text);
    SAGA_PUSH(p->arena, object->names, object->name_count, object->name_capacity, quoted);
    SAGA_PUSH(p->arena, object->children, object->child_count, object->child_capacity, value);
    return true;
}

static struct saga_plain *parse_object(struct parser *p)
{
    struct saga_plain *object = node(p, NODE_OBJECT);
    if (accept(p, "}")) return object;
    do {
        if (!parse_entry(p, object)) return NULL;
    } while (accept(p, ","));
    return accept(p, "}") ? object : NULL;
}

static struct saga_plain *parse_array(struct parser *p)
{
    struct saga_plain *array = node(p, NODE_ARRAY);
    if (accept(p, "]")) return array;
    do {
        struct saga_plain *item = parse(p);
        if (!item) return NULL;
        SAGA_PUSH(p->arena, array->children, array->child_count, array->child_capacity, item);
    } while (accept(p, ","));
    return accept(p, "]") ? array : NULL;
}

static bool is_word_of_json(struct saga_slice text)
{
    return saga_slice_is(text, "null") || saga_slice_is(text, "true") ||
           saga_slice_is(text, "false");
}

static struct saga_plain *parse_literal(struct parser *p)
{
    struct saga_plain *literal = node(p, NODE_LITERAL);
    bool negative = accept(p, "-");
    const struct saga_token *token = p->at;
    struct saga_slice text;
    if (token->kind == SAGA_TOKEN_NUMBER) {
        if (saga_json_validate(token->text, NULL, NULL) < 0) return NULL;
        literal->literal =
            saga_arena_printf(p->arena, "%s%.*s", negative ? "-" : "", SAGA_SLICE_ARG(token->text));
    } else if (!negative && token->kind == SAGA_TOKEN_IDENT && is_word_of_json(token->text)) {
        literal->literal = saga_arena_copy(p->arena, token->text);
    } else if (negative || !saga_token_string(token, p->arena, &literal->literal, &text)) {
        return NULL;
    }
    p->at++;
    return literal;
}

static struct saga_plain *parse(struct parser *p)
{
    struct saga_plain *plain;
    if (++p->depth > SAGA_NESTING_MAX) return NULL;
    if (accept(p, "{")) {
        plain = parse_object(p);
    } else if (accept(p, "(")) {
        plain = parse(p);
        if (plain && !accept(p, ")")) plain = NULL;
    } else if (p->at->kind == SAGA_TOKEN_FIELD || saga_token_is(p->at, ".")) {
        plain = parse_path(p);
    } else if (accept(p, "[")) {
        plain = parse_array(p);
    } else {
        plain = parse_literal(p);
    }
    p->depth--;
    return plain;
}

/* ---- paths through one object ---- */

/* How many names lead to a member of the bindings, or to a step; 0: the path does not begin with one. */
static size_t leading(const struct saga_plain *path)
{
    const struct component *at = path->components;
    if (path->component_count == 0 || !at[0].name.data) return 0;
    bool steps = saga_slice_is(at[0].name, saga_member_names[SAGA_MEMBER_STEPS]);
    if (!steps) return 1;
    return path->component_count >= 2 && at[1].name.data ? 2 : 0;
}

static struct lookup *lookup_for(struct saga_plain *whole, const struct saga_plain *path,
                                 size_t used, struct saga_arena *arena)
{
    struct saga_slice member = path->components[0].name;
    struct saga_slice step = used == 2 ? path->components[1].name : SAGA_SLICE_NONE;
    for (size_t i = 0; i < whole->lookup_count; i++)
        if (saga_slice_equal(whole->lookups[i]->member, member) &&
            saga_slice_equal(whole->lookups[i]->step, step))
            return whole->lookups[i];
    struct lookup *lookup = SAGA_NEW(arena, struct lookup);
    lookup->member = member;
    lookup->step = step;
    SAGA_PUSH(arena, whole->lookups, whole->lookup_count, whole->lookup_capacity, lookup);
    return lookup;
}

static void gather_paths(struct saga_plain *whole, struct saga_plain *plain,
                         struct saga_arena *arena)
{
    for (size_t i = 0; i < plain->child_count; i++) gather_paths(whole, plain->children[i], arena);
    size_t used = plain->kind == NODE_PATH ? leading(plain) : 0;
    if (used == 0 || used == plain->component_count || !plain->components[used].name.data) return;
    struct lookup *lookup = lookup_for(whole, plain, used, arena);
    struct saga_slice name = plain->components[used].name;
    plain->lookup = lookup;
    while (plain->lookup_slot < lookup->count &&
           !saga_slice_equal(lookup->names[plain->lookup_slot], name))
        plain->lookup_slot++;
    if (plain->lookup_slot < lookup->count) return;
    size_t count = lookup->count;
    SAGA_PUSH(arena, lookup->values, count, lookup->value_capacity, SAGA_SLICE_NONE);
    SAGA_PUSH(arena, lookup->names, lookup->count, lookup->capacity, name);
}

struct saga_plain *saga_plain_compile(const struct saga_token *tokens, struct saga_arena *arena)
{
    struct parser p = { tokens, arena, 0 };
    struct saga_plain *plain = parse(&p);
    if (!plain || p.at->kind != SAGA_TOKEN_END) return NULL;
    gather_paths(plain, plain, arena);
    return plain;
}

/* ---- evaluating ---- */

static const char *kind_name(struct saga_slice json)
{
    static const char *const names[] = { "null",   "boolean", "boolean", "number",
                                         "string", "array",   "object" };
    return names[saga_json_kind(json)];
}

/* One step along a path, as jq does it: null has everything, and everything of it is null. */
static int take(struct saga_slice json, const struct component *component, struct saga_arena *arena,
                struct saga_slice *ret, struct saga_slice *ret_message)
{
    enum saga_json_kind kind = saga_json_kind(json);
    *ret = SAGA_SLICE("null");
    if (kind == SAGA_JSON_NULL) return SAGA_OK;
    if (component->name.data) {
        if (kind == SAGA_JSON_OBJECT) {
            (void)saga_json_member(json, component->name, ret);
            return SAGA_OK;
        }
        *ret_message = saga_arena_printf(arena, "Cannot index %s with \"%.*s\"", kind_name(json),
                                         SAGA_SLICE_ARG(component->name));
        return SAGA_E_INVALID;
    }
    if (kind == SAGA_JSON_ARRAY) {
        (void)saga_json_element(json, component->index, ret);
        return SAGA_OK;
    }
    *ret_message = saga_arena_printf(arena, "Cannot index %s with number", kind_name(json));
    return SAGA_E_INVALID;
}

/* All steps, each of two with one name the later, as jq's object would have them. */
static void write_steps(const struct saga_bindings *bindings, struct saga_buffer *out)
{
    bool first = true;
    saga_buffer_add_char(out, '{');
    for (size_t i = 0; i < bindings->step_count; i++) {
        struct saga_slice json = bindings->steps[i].json;
        bool again = false;
        for (size_t j = i + 1; j < bindings->step_count && !again; j++)
            again = saga_slice_equal(bindings->steps[i].name, bindings->steps[j].name);
        if (again) continue;
        if (!first) saga_buffer_add_char(out, ',');
        first = false;
        saga_buffer_add_json_string(out, bindings->steps[i].name);
        saga_buffer_add_char(out, ':');
        saga_buffer_add(out, json.data ? saga_json_trim(json) : SAGA_SLICE("null"));
    }
    saga_buffer_add_char(out, '}');
}

static void write_all(const struct saga_bindings *bindings, struct saga_buffer *out)
{
    for (int i = 0; i < SAGA_MEMBER_COUNT; i++) {
        struct saga_slice name = saga_slice_of(saga_member_names[i]);
        struct saga_slice json = saga_bindings_member(bindings, name);
        saga_buffer_printf(out, "%c\"%s\":", i ? ',' : '{', saga_member_names[i]);
        if (i == SAGA_MEMBER_STEPS)
            write_steps(bindings, out);
        else
            saga_buffer_add(out, json.data ? saga_json_trim(json) : SAGA_SLICE("null"));
    }
    saga_buffer_add_char(out, '}');
}

/* What `path` begins with where there is no root; `*ret_used` components lead there. What has no JSON yet, all the
 * steps or all there is, is written out. */
static struct saga_slice begin_of(const struct saga_plain *path,
                                  const struct saga_bindings *bindings, struct saga_arena *arena,
                                  size_t *ret_used)
{
    const struct component *at = path->components;
    struct saga_buffer out;
    bool named = path->component_count >= 1 && at[0].name.data;
    bool steps = named && saga_slice_is(at[0].name, saga_member_names[SAGA_MEMBER_STEPS]);
    *ret_used = named ? 1 : 0;
    if (named && !steps) return saga_bindings_member(bindings, at[0].name);
    if (steps && path->component_count >= 2 && at[1].name.data) {
        *ret_used = 2;
        return saga_bindings_step(bindings, at[1].name);
    }
    saga_buffer_init(&out, arena);
    if (steps)
        write_steps(bindings, &out);
    else
        write_all(bindings, &out);
    return saga_buffer_slice(&out);
}

static int write_path(const struct saga_plain *path, const struct saga_bindings *bindings,
                      struct saga_buffer *out, struct saga_slice *ret_message)
{
    size_t used = 0;
    struct saga_slice json = bindings->root;
    if (!json.data && path->lookup && path->lookup->found) {
        json = path->lookup->values[path->lookup_slot];
        used = path->lookup->step.data ? 3 : 2;
    } else if (!json.data) {
        json = begin_of(path, bindings, out->arena, &used);
    }
    if (!json.data) json = SAGA_SLICE("null");
    for (size_t i = used; i < path->component_count; i++) {
        struct saga_slice next;
        int error = take(json, &path->components[i], out->arena, &next, ret_message);
        if (error < 0) return error;
        json = next;
    }
    saga_buffer_add(out, saga_json_trim(json));
    return SAGA_OK;
}

static int write_node(const struct saga_plain *plain, const struct saga_bindings *bindings,
                      struct saga_buffer *out, struct saga_slice *ret_message)
{
    if (plain->kind == NODE_LITERAL) {
        saga_buffer_add(out, plain->literal);
        return SAGA_OK;
    }
    if (plain->kind == NODE_PATH) return write_path(plain, bindings, out, ret_message);
    bool object = plain->kind == NODE_OBJECT;
    if (!object || plain->child_count == 0) saga_buffer_add_char(out, object ? '{' : '[');
    for (size_t i = 0; i < plain->child_count; i++) {
        if (object)
            saga_buffer_add(out, plain->names[i]);
        else if (i)
            saga_buffer_add_char(out, ',');
        int error = write_node(plain->children[i], bindings, out, ret_message);
        if (error < 0) return error;
    }
    saga_buffer_add_char(out, object ? '}' : ']');
    return SAGA_OK;
}

static void look_up(const struct saga_plain *plain, const struct saga_bindings *bindings)
{
    for (size_t i = 0; i < plain->lookup_count; i++) {
        struct lookup *lookup = plain->lookups[i];
        struct saga_slice json = lookup->step.data ? saga_bindings_step(bindings, lookup->step)
                                                   : saga_bindings_member(bindings, lookup->member);
        lookup->found =
            json.data && saga_json_members(json, lookup->names, lookup->count, lookup->values);
    }
}

int saga_plain_eval(const struct saga_plain *plain, const struct saga_bindings *bindings,
                    struct saga_arena *arena, struct saga_slice *ret_json,
                    struct saga_slice *ret_message)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    if (!bindings->root.data) look_up(plain, bindings);
    int error = write_node(plain, bindings, &out, ret_message);
    if (error == SAGA_OK) *ret_json = saga_buffer_slice(&out);
    return error;
}

/* ---- what is written out ---- */

static void write_shape(const struct saga_plain *plain, struct saga_buffer *out)
{
    bool object = plain->kind == NODE_OBJECT;
    if (plain->kind == NODE_LITERAL || plain->kind == NODE_PATH) {
        saga_buffer_add(out, plain->kind == NODE_LITERAL ? plain->literal
                                                         : SAGA_SLICE(SAGA_SCHEMA_HOLE));
        return;
    }
    if (!object || plain->child_count == 0) saga_buffer_add_char(out, object ? '{' : '[');
    for (size_t i = 0; i < plain->child_count; i++) {
        if (object)
            saga_buffer_add(out, plain->names[i]);
        else if (i)
            saga_buffer_add_char(out, ',');
        write_shape(plain->children[i], out);
    }
    saga_buffer_add_char(out, object ? '}' : ']');
}

struct saga_slice saga_plain_shape(const struct saga_plain *plain, struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    write_shape(plain, &out);
    return saga_buffer_slice(&out);
}
