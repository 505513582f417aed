/* Expressions that are only paths, literals, and objects and arrays of them: slices are copied, no jq is entered. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/expression_internal.h"

enum node_kind { NODE_LITERAL, NODE_PATH, NODE_OBJECT, NODE_ARRAY };

struct component {
    struct saga_slice name; /* absent: an index */
    long index;
};

struct saga_plain {
    enum node_kind kind;
    struct saga_slice literal;
    struct component *components;
    size_t component_count, component_capacity;
    struct saga_slice *names; /* of an object: JSON strings, with their quotes */
    size_t name_count, name_capacity;
    struct saga_plain **children;
    size_t child_count, child_capacity;
};

struct parser {
    const struct saga_token *at;
    struct saga_arena *arena;
    int depth;
};

/* ---- compiling ---- */

static bool is_punct(const struct saga_token *token, char c)
{
    return token->kind == SAGA_TOKEN_PUNCT && token->text.data[0] == c;
}

static bool accept(struct parser *p, char c)
{
    if (!is_punct(p->at, c)) return false;
    p->at++;
    return true;
}

static struct saga_plain *node(struct parser *p, enum node_kind kind)
{
    struct saga_plain *plain = SAGA_NEW(p->arena, struct saga_plain);
    plain->kind = kind;
    return plain;
}

/* The text of a string token whose escapes JSON knows too. */
static bool string_text(struct parser *p, const struct saga_token *token,
                        struct saga_slice *ret_quoted, struct saga_slice *ret_text)
{
    if (token->kind != SAGA_TOKEN_STRING || token->interpolates) return false;
    struct saga_slice quoted = saga_arena_printf(p->arena, "\"%.*s\"", SAGA_SLICE_ARG(token->text));
    if (saga_json_validate(quoted, NULL, NULL) < 0) return false;
    if (ret_quoted) *ret_quoted = quoted;
    return saga_json_text(quoted, p->arena, ret_text) == SAGA_OK;
}

static struct saga_plain *parse(struct parser *p);

static bool parse_bracket(struct parser *p, struct saga_plain *path)
{
    struct component component = { 0 };
    bool negative = accept(p, '-');
    if (p->at->kind == SAGA_TOKEN_NUMBER && p->at->text.size < 9) {
        for (size_t i = 0; i < p->at->text.size; i++)
            if (p->at->text.data[i] < '0' || p->at->text.data[i] > '9') return false;
        component.index = strtol(p->at->text.data, NULL, 10) * (negative ? -1 : 1);
    } else if (negative || !string_text(p, p->at, NULL, &component.name)) {
        return false;
    }
    p->at++;
    if (!accept(p, ']')) return false;
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
    for (;;) {
        struct saga_slice text;
        if (p->at->kind == SAGA_TOKEN_FIELD) {
            add_name(p, path, p->at++->text);
        } else if (is_punct(p->at, '.') && string_text(p, p->at + 1, NULL, &text)) {
            add_name(p, path, text);
            p->at += 2;
        } else if (is_punct(p->at, '.') && is_punct(p->at + 1, '[')) {
            p->at += 2;
            if (!parse_bracket(p, path)) return NULL;
        } else if (is_punct(p->at, '[') && path->component_count) {
            p->at++;
            if (!parse_bracket(p, path)) return NULL;
        } else {
            break;
        }
    }
    if (path->component_count == 0) return NULL;
    /* all steps as one object are made by jq alone */
    bool steps = path->components[0].name.data && saga_slice_is(path->components[0].name, "steps");
    return steps && path->component_count < 2 ? NULL : path;
}

static bool parse_entry(struct parser *p, struct saga_plain *object)
{
    struct saga_slice quoted, text;
    struct saga_plain *value;
    const struct saga_token *key = p->at;
    if (key->kind == SAGA_TOKEN_IDENT) {
        text = key->text;
        quoted = saga_arena_printf(p->arena, "\"%.*s\"", SAGA_SLICE_ARG(text));
    } else if (!string_text(p, key, &quoted, &text)) {
        return false;
    }
    p->at++;
    if (accept(p, ':')) {
        value = parse(p);
    } else {
        if (key->kind != SAGA_TOKEN_IDENT) return false;
        value = node(p, NODE_PATH); /* {orderId} */
        add_name(p, value, text);
    }
    if (!value) return false;
    /* two of a name: jq evaluates both, and either may fail */
    for (size_t i = 0; i < object->name_count; i++)
        if (saga_slice_equal(object->names[i], quoted)) return false;
    SAGA_PUSH(p->arena, object->names, object->name_count, object->name_capacity, quoted);
    SAGA_PUSH(p->arena, object->children, object->child_count, object->child_capacity, value);
    return true;
}

static struct saga_plain *parse_object(struct parser *p)
{
    struct saga_plain *object = node(p, NODE_OBJECT);
    if (accept(p, '}')) return object;
    do {
        if (!parse_entry(p, object)) return NULL;
    } while (accept(p, ','));
    return accept(p, '}') ? object : NULL;
}

static struct saga_plain *parse_array(struct parser *p)
{
    struct saga_plain *array = node(p, NODE_ARRAY);
    if (accept(p, ']')) return array;
    do {
        struct saga_plain *item = parse(p);
        if (!item) return NULL;
        SAGA_PUSH(p->arena, array->children, array->child_count, array->child_capacity, item);
    } while (accept(p, ','));
    return accept(p, ']') ? array : NULL;
}

static struct saga_plain *parse_literal(struct parser *p)
{
    struct saga_plain *literal = node(p, NODE_LITERAL);
    const struct saga_token *token = p->at;
    struct saga_slice text;
    if (token->kind == SAGA_TOKEN_STRING) {
        if (!string_text(p, token, &literal->literal, &text)) return NULL;
    } else {
        bool word = token->kind == SAGA_TOKEN_IDENT &&
                    (saga_slice_is(token->text, "null") || saga_slice_is(token->text, "true") ||
                     saga_slice_is(token->text, "false"));
        bool number =
            token->kind == SAGA_TOKEN_NUMBER && saga_json_validate(token->text, NULL, NULL) == 0;
        if (!word && !number) return NULL;
        literal->literal = saga_arena_copy(p->arena, token->text);
    }
    p->at++;
    return literal;
}

static struct saga_plain *parse(struct parser *p)
{
    struct saga_plain *plain;
    if (++p->depth > SAGA_NESTING_MAX) return NULL;
    if (accept(p, '{')) {
        plain = parse_object(p);
    } else if (accept(p, '(')) {
        plain = parse(p);
        if (plain && !accept(p, ')')) plain = NULL;
    } else if (p->at->kind == SAGA_TOKEN_FIELD || is_punct(p->at, '.')) {
        plain = parse_path(p);
    } else if (accept(p, '[')) {
        plain = parse_array(p);
    } else {
        plain = parse_literal(p);
    }
    p->depth--;
    return plain;
}

struct saga_plain *saga_plain_compile(const struct saga_token *tokens, struct saga_arena *arena)
{
    struct parser p = { tokens, arena, 0 };
    struct saga_plain *plain = parse(&p);
    return plain && p.at->kind == SAGA_TOKEN_END ? plain : NULL;
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

/* Where a path begins; `*ret_used` components lead there. */
static struct saga_slice begin_of(const struct saga_plain *path,
                                  const struct saga_bindings *bindings, size_t *ret_used)
{
    *ret_used = 0;
    if (bindings->root.data) return bindings->root;
    struct saga_slice name = path->components[0].name;
    *ret_used = 1;
    for (int i = SAGA_MEMBER_STEPS + 1; i < SAGA_MEMBER_COUNT && name.data; i++)
        if (saga_slice_is(name, saga_member_names[i])) return saga_bindings_member(bindings, i);
    if (!name.data || !saga_slice_is(name, "steps")) return SAGA_SLICE_NONE;
    SAGA_ASSERT(path->component_count >= 2);
    *ret_used = 2;
    for (size_t i = bindings->step_count; i > 0 && path->components[1].name.data; i--)
        if (saga_slice_equal(bindings->steps[i - 1].name, path->components[1].name))
            return bindings->steps[i - 1].json;
    return SAGA_SLICE_NONE;
}

static int write_path(const struct saga_plain *path, const struct saga_bindings *bindings,
                      struct saga_buffer *out, struct saga_slice *ret_message)
{
    size_t used;
    struct saga_slice json = begin_of(path, bindings, &used);
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
    saga_buffer_add_char(out, object ? '{' : '[');
    for (size_t i = 0; i < plain->child_count; i++) {
        if (i) saga_buffer_add_char(out, ',');
        if (object) {
            saga_buffer_add(out, plain->names[i]);
            saga_buffer_add_char(out, ':');
        }
        int error = write_node(plain->children[i], bindings, out, ret_message);
        if (error < 0) return error;
    }
    saga_buffer_add_char(out, object ? '}' : ']');
    return SAGA_OK;
}

int saga_plain_eval(const struct saga_plain *plain, const struct saga_bindings *bindings,
                    struct saga_arena *arena, struct saga_slice *ret_json,
                    struct saga_slice *ret_message)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    int error = write_node(plain, bindings, &out, ret_message);
    if (error == SAGA_OK) *ret_json = saga_buffer_slice(&out);
    return error;
}
