#include "operate/dev_hints.h"

#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "operate/output.h"

/* More members of a body than that are nobody's hint. */
enum { MEMBERS_MAX = 12 };

struct members {
    struct saga_slice names[MEMBERS_MAX];
    size_t count;
};

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void add_member(struct members *members, struct saga_slice name)
{
    for (size_t i = 0; i < members->count; i++)
        if (saga_slice_equal(members->names[i], name)) return;
    if (name.size && members->count < MEMBERS_MAX) members->names[members->count++] = name;
}

/* The member that an expression is the path to, `.orderId`; absent: it is more than that. */
static struct saga_slice member_of(const struct saga_expression *expression)
{
    struct saga_slice text = saga_expression_source(expression);
    if (text.size < 2 || text.data[0] != '.' || isdigit((unsigned char)text.data[1]))
        return SAGA_SLICE_NONE;
    for (size_t i = 1; i < text.size; i++)
        if (!is_of_name(text.data[i])) return SAGA_SLICE_NONE;
    return saga_slice_skip(text, 1);
}

/* What the definition reads of the input: each `.input.name` in its expressions. */
static void find_members(const struct saga_definition *definition, struct members *ret)
{
    static const char before[] = ".input.";
    for (size_t i = 0; i < definition->expression_count; i++) {
        struct saga_slice rest = saga_expression_source(definition->expressions[i]);
        while (rest.size) {
            const char *at = memmem(rest.data, rest.size, before, sizeof before - 1);
            if (!at) break;
            rest = saga_slice_skip(rest, (size_t)(at - rest.data) + sizeof before - 1);
            struct saga_slice name = { rest.data, 0 };
            while (name.size < rest.size && is_of_name(name.data[name.size])) name.size++;
            add_member(ret, name);
        }
    }
}

static void print_start(const struct saga_definition *definition, const char *program, FILE *out)
{
    struct members members = { .count = 0 };
    const struct saga_start *start = definition->starts;
    struct saga_slice key = start->key ? member_of(start->key) : SAGA_SLICE_NONE;
    const char *separator = "   # of it are read: ";
    if (key.size)
        fprintf(out, "  echo '{\"%.*s\": \"K-1\"}' | %s start %.*s --input -", SAGA_SLICE_ARG(key),
                program, SAGA_SLICE_ARG(definition->name));
    else
        fprintf(out, "  echo '{}' | %s start %.*s --key K-1 --input -", program,
                SAGA_SLICE_ARG(definition->name));
    find_members(definition, &members);
    for (size_t i = 0; i < members.count; i++) {
        if (saga_slice_equal(members.names[i], key)) continue;
        fprintf(out, "%s%.*s", separator, SAGA_SLICE_ARG(members.names[i]));
        separator = ", ";
    }
    fputc('\n', out);
}

static void print_awaited(const struct saga_block *block, const char *program,
                          struct saga_arena *arena, FILE *out)
{
    const struct saga_await *await = &block->await;
    struct saga_slice member = member_of(await->match);
    fprintf(out, "  echo '{");
    if (member.size) fprintf(out, "\"%.*s\": \"...\"", SAGA_SLICE_ARG(member));
    fprintf(out, "}' | %s send %.*s %.*s --body -   # %s must be what %s is in the saga\n", program,
            SAGA_SLICE_ARG(await->topic), SAGA_SLICE_ARG(await->event),
            saga_printable(arena, saga_slice_clip(saga_expression_source(await->match), 60)),
            saga_printable(arena, saga_slice_clip(saga_expression_source(await->with), 60)));
}

/* The same line once: a reminder may wait for what was waited for before. */
static bool is_printed(const struct saga_definition *definition, size_t index)
{
    const struct saga_await *await = &definition->blocks[index]->await;
    for (size_t i = 0; i < index; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (block->kind == SAGA_BLOCK_AWAIT && saga_slice_equal(block->await.topic, await->topic) &&
            saga_slice_equal(block->await.event, await->event) &&
            saga_slice_equal(saga_expression_source(block->await.match),
                             saga_expression_source(await->match)) &&
            saga_slice_equal(saga_expression_source(block->await.with),
                             saga_expression_source(await->with)))
            return true;
    }
    return false;
}

void saga_dev_hints(const struct saga_definition *definition, const char *program,
                    struct saga_arena *arena, FILE *out)
{
    print_start(definition, program, out);
    for (size_t i = 0; i < definition->block_count; i++)
        if (definition->blocks[i]->kind == SAGA_BLOCK_AWAIT && !is_printed(definition, i))
            print_awaited(definition->blocks[i], program, arena, out);
}
