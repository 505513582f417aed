#include "explore/body.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"

enum { SHOWN_BYTES_MAX = 200 }; /* of a value, in a difference */

/* ---- from YAML ---- */

static bool is_json_word(struct saga_slice text)
{
    size_t offset;
    const char *why;
    if (text.size == 0 || text.data[0] == '"' || text.data[0] == '{' || text.data[0] == '[')
        return false;
    return saga_json_validate(text, &offset, &why) == SAGA_OK;
}

static void add_scalar(struct fy_node *node, struct saga_buffer *out)
{
    struct saga_slice text = saga_yaml_scalar(node);
    bool plain = fy_node_get_style(node) == FYNS_PLAIN;
    if (plain && (text.size == 0 || saga_slice_is(text, "~")))
        saga_buffer_add(out, SAGA_SLICE("null"));
    else if (plain && is_json_word(text))
        saga_buffer_add(out, text);
    else
        saga_buffer_add_json_string(out, text);
}

void saga_body_of_yaml(struct fy_node *node, struct saga_buffer *out)
{
    void *iterator = NULL;
    bool first = true;
    if (!node) {
        saga_buffer_add(out, SAGA_SLICE("null"));
    } else if (fy_node_is_mapping(node)) {
        saga_buffer_add_char(out, '{');
        for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
            if (!first) saga_buffer_add_char(out, ',');
            first = false;
            saga_buffer_add_json_string(out, saga_yaml_scalar(fy_node_pair_key(pair)));
            saga_buffer_add_char(out, ':');
            saga_body_of_yaml(fy_node_pair_value(pair), out);
        }
        saga_buffer_add_char(out, '}');
    } else if (fy_node_is_sequence(node)) {
        saga_buffer_add_char(out, '[');
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
            if (!first) saga_buffer_add_char(out, ',');
            first = false;
            saga_body_of_yaml(item, out);
        }
        saga_buffer_add_char(out, ']');
    } else {
        add_scalar(node, out);
    }
}

/* ---- comparing ---- */

struct comparison {
    bool exactly;
    struct saga_arena *arena;
    struct saga_buffer out;
    size_t count;
};

static void differ(struct comparison *c, struct saga_slice path, struct saga_slice expected,
                   struct saga_slice came)
{
    if (c->count++ >= SAGA_DIFFERENCES_MAX) return;
    struct saga_slice wanted = saga_slice_clip(expected, SHOWN_BYTES_MAX),
                      there = saga_slice_clip(came, SHOWN_BYTES_MAX);
    if (c->out.size) saga_buffer_add_char(&c->out, '\n');
    saga_buffer_printf(&c->out, "%.*s: expected %.*s, came %.*s", path.size ? (int)path.size : 1,
                       path.size ? path.data : ".", SAGA_SLICE_ARG(wanted), SAGA_SLICE_ARG(there));
}

static void compare(struct comparison *c, struct saga_slice path, struct saga_slice expected,
                    struct saga_slice came);

static struct saga_slice member_path(struct comparison *c, struct saga_slice path,
                                     struct saga_slice quoted)
{
    struct saga_slice name;
    if (saga_json_text(quoted, c->arena, &name) < 0) name = quoted;
    bool plain = name.size > 0;
    for (size_t i = 0; i < name.size && plain; i++)
        plain = (name.data[i] >= 'a' && name.data[i] <= 'z') ||
                (name.data[i] >= 'A' && name.data[i] <= 'Z') || name.data[i] == '_' ||
                (i > 0 && name.data[i] >= '0' && name.data[i] <= '9');
    return plain ? saga_arena_printf(c->arena, "%.*s.%.*s", SAGA_SLICE_ARG(path),
                                     SAGA_SLICE_ARG(name))
                 : saga_arena_printf(c->arena, "%.*s[%.*s]", path.size ? (int)path.size : 1,
                                     path.size ? path.data : ".", SAGA_SLICE_ARG(quoted));
}

/* Members of `from` that `in` lacks. */
static void find_lacking(struct comparison *c, struct saga_slice path, struct saga_slice from,
                         struct saga_slice in, bool expected)
{
    struct saga_json_walk walk;
    struct saga_slice quoted, value, other, name;
    saga_json_walk_init(&walk, from);
    while (saga_json_walk_next(&walk, &quoted, &value)) {
        if (saga_json_text(quoted, c->arena, &name) < 0) continue;
        bool there = saga_json_member(in, name, &other) == SAGA_OK;
        if (expected && there)
            compare(c, member_path(c, path, quoted), value, other);
        else if (!there)
            differ(c, member_path(c, path, quoted), expected ? value : SAGA_SLICE("nothing"),
                   expected ? SAGA_SLICE("nothing") : value);
    }
}

static void compare_arrays(struct comparison *c, struct saga_slice path, struct saga_slice expected,
                           struct saga_slice came)
{
    struct saga_json_walk walk, other;
    struct saga_slice name, value, there;
    if (saga_json_count(expected) != saga_json_count(came)) {
        differ(c, path, expected, came);
        return;
    }
    saga_json_walk_init(&walk, expected);
    saga_json_walk_init(&other, came);
    for (size_t i = 0; saga_json_walk_next(&walk, &name, &value); i++) {
        if (!saga_json_walk_next(&other, &name, &there)) break;
        compare(c, saga_arena_printf(c->arena, "%.*s[%zu]", SAGA_SLICE_ARG(path), i), value, there);
    }
}

static bool same_number(struct comparison *c, struct saga_slice a, struct saga_slice b)
{
    return saga_slice_equal(a, b) || strtod(saga_arena_string(c->arena, a), NULL) ==
                                         strtod(saga_arena_string(c->arena, b), NULL);
}

static bool same_scalar(struct comparison *c, enum saga_json_kind kind, struct saga_slice a,
                        struct saga_slice b)
{
    struct saga_slice first, second;
    if (kind == SAGA_JSON_NUMBER) return same_number(c, a, b);
    if (kind != SAGA_JSON_STRING) return true;
    return saga_json_text(a, c->arena, &first) == SAGA_OK &&
           saga_json_text(b, c->arena, &second) == SAGA_OK && saga_slice_equal(first, second);
}

static void compare(struct comparison *c, struct saga_slice path, struct saga_slice expected,
                    struct saga_slice came)
{
    expected = saga_json_trim(expected);
    came = saga_json_trim(came);
    enum saga_json_kind kind = saga_json_kind(expected);
    bool same_kind = kind == saga_json_kind(came);
    if (same_kind && kind == SAGA_JSON_OBJECT) {
        find_lacking(c, path, expected, came, true);
        if (c->exactly) find_lacking(c, path, came, expected, false);
    } else if (same_kind && kind == SAGA_JSON_ARRAY) {
        compare_arrays(c, path, expected, came);
    } else if (!same_kind || !same_scalar(c, kind, expected, came)) {
        differ(c, path, expected, came);
    }
}

struct saga_slice saga_body_differences(struct saga_slice expected, struct saga_slice came,
                                        bool exactly, struct saga_arena *arena)
{
    struct comparison c = { .exactly = exactly, .arena = arena };
    saga_buffer_init(&c.out, arena);
    compare(&c, SAGA_SLICE(""), expected, came);
    if (c.count > SAGA_DIFFERENCES_MAX)
        saga_buffer_printf(&c.out, "\n... and %zu more", c.count - SAGA_DIFFERENCES_MAX);
    return saga_buffer_slice(&c.out);
}
