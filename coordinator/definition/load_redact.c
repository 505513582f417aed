/* `redact`: paths of what is personal. */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "definition/load_internal.h"

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

/* The next part of a path off its front: .name, ["name"] or []. False: it is none of them. */
static bool take_part(struct saga_slice *rest, struct saga_slice *ret)
{
    size_t size = 1;
    const char *text = rest->data;
    if (rest->size > 1 && text[0] == '.' && is_letter(text[1])) {
        while (size < rest->size && (is_letter(text[size]) || isdigit((unsigned char)text[size])))
            size++;
        *ret = (struct saga_slice){ text + 1, size - 1 };
    } else if (saga_slice_starts_with(*rest, "[]")) {
        size = 2;
        *ret = (struct saga_slice){ text, size };
    } else if (saga_slice_starts_with(*rest, "[\"")) {
        for (size = 2; size < rest->size && text[size] != '"' && text[size] != '\\';) size++;
        if (size == 2 || size + 1 >= rest->size || text[size] != '"' || text[size + 1] != ']')
            return false;
        *ret = (struct saga_slice){ text + 2, size - 2 };
        size += 2;
    } else {
        return false;
    }
    *rest = saga_slice_skip(*rest, size);
    return true;
}

static bool read_path(struct saga_loading *l, struct saga_slice path, struct saga_redact *ret)
{
    struct saga_arena *arena = saga_loading_arena(l);
    struct saga_slice *names = NULL, name;
    size_t capacity = 0;
    ret->path = saga_arena_copy(arena, path);
    for (struct saga_slice rest = ret->path; rest.size;) {
        if (!take_part(&rest, &name)) return false;
        SAGA_PUSH(arena, names, ret->name_count, capacity, name);
    }
    ret->names = names;
    return ret->name_count > 0 &&
           (saga_slice_is(names[0], "input") || saga_slice_is(names[0], "steps") ||
            saga_slice_is(names[0], "vars"));
}

void saga_load_redact(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    size_t capacity = 0;
    struct saga_redact *redact = NULL;
    struct fy_node *item;
    if (!node) return;
    if (!fy_node_is_sequence(node) || fy_node_sequence_item_count(node) == 0) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "`redact` must be a list of paths")
            ->mend = SAGA_SLICE("as in redact: [.input.email, .steps.check.score]");
        return;
    }
    if (fy_node_sequence_item_count(node) > SAGA_REDACT_MAX) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "more than %d redacted paths",
                       SAGA_REDACT_MAX);
        return;
    }
    while ((item = fy_node_sequence_iterate(node, &iterator))) {
        struct saga_redact one = { 0 };
        struct saga_slice text;
        if (!saga_yaml_text(&l->yaml, item, "a redacted path", &text)) continue;
        if (!read_path(l, text, &one)) {
            saga_yaml_find(&l->yaml, item, SAGA_FINDING_WRONG_VALUE, "`%.*s` is no path of a value",
                           SAGA_SLICE_ARG(saga_slice_clip(text, 60)))
                ->mend = SAGA_SLICE("write names behind .input, .steps or .vars, as in "
                                    ".input.customer.email, .input.guests[].name or "
                                    ".steps[\"check-id\"].number");
            continue;
        }
        SAGA_PUSH(saga_loading_arena(l), redact, l->definition->redact_count, capacity, one);
    }
    l->definition->redact = redact;
}
