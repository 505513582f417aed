/* The texts stand in explanations/, by groups of findings:
 *
 *     == SG101
 *     what it means
 *     -- wrong
 *     an example of the mistake
 *     -- right
 *     the same without it
 *
 * An example is a part of a definition, or whole files with `---` between them. */
#include "definition/explanations.h"

#include <string.h>

#include "base/assert.h"

/* made by coordinator/embed.cmake */
extern const char saga_explanations_files[], saga_explanations_fields[],
    saga_explanations_expressions[], saga_explanations_pivots[], saga_explanations_answers[],
    saga_explanations_waits[], saga_explanations_loops[], saga_explanations_schemas[],
    saga_explanations_versions[], saga_explanations_privacy[];

static const char *const groups[] = {
    saga_explanations_files,   saga_explanations_fields,  saga_explanations_expressions,
    saga_explanations_pivots,  saga_explanations_answers, saga_explanations_waits,
    saga_explanations_loops,   saga_explanations_schemas, saga_explanations_versions,
    saga_explanations_privacy,
};

/* Around an example that is a part. */
static const char top[] =
    "saga: order\nversion: 1\n"
    "participants:\n  cash: { commands: cash.commands, replies: cash.replies }\n"
    "start: { topic: orders, event: Placed, key: .id }\nsteps:\n";
static const char steps[] =
    "steps:\n  - { step: pay, send: cash/Pay, success: Paid, compensate: none }\n";

struct saga_slice saga_explanation_files(const char *example, struct saga_arena *arena)
{
    bool part = strncmp(example, "  - ", 4) == 0, several = strstr(example, "\n---\n") != NULL;
    return saga_arena_printf(arena, "%s%s%s", part ? top : "", example,
                             part || several ? "" : steps);
}

static struct saga_slice take_line(struct saga_slice *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    struct saga_slice line = { text->data, end ? (size_t)(end - text->data) + 1 : text->size };
    *text = saga_slice_skip(*text, line.size);
    return line;
}

enum part { TEXT, WRONG, RIGHT, PARTS };

/* The parts of what a group says of `code`, each a stretch of lines; absent where it does not. */
static void find_parts(const char *group, const char *code, struct saga_slice ret[PARTS])
{
    struct saga_slice rest = saga_slice_of(group);
    struct saga_slice *part = NULL; /* of this code */
    while (rest.size > 0) {
        struct saga_slice line = take_line(&rest);
        if (saga_slice_starts_with(line, "== "))
            part = saga_slice_starts_with(saga_slice_skip(line, 3), code) ? &ret[TEXT] : NULL;
        else if (part && saga_slice_starts_with(line, "-- "))
            part = saga_slice_starts_with(line, "-- wrong") ? &ret[WRONG] : &ret[RIGHT];
        else if (part && part->data)
            part->size += line.size;
        else if (part)
            *part = line;
    }
}

static const char *text_of(struct saga_slice part, struct saga_arena *arena)
{
    return part.data ? saga_arena_string(arena, part) : NULL;
}

struct saga_explanation saga_explanation_of(enum saga_finding finding, struct saga_arena *arena)
{
    struct saga_slice parts[PARTS] = { SAGA_SLICE_NONE, SAGA_SLICE_NONE, SAGA_SLICE_NONE };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        find_parts(groups[i], saga_finding_kinds[finding].code, parts);
    SAGA_ASSERT(parts[TEXT].data);
    return (struct saga_explanation){ text_of(parts[TEXT], arena), text_of(parts[WRONG], arena),
                                      text_of(parts[RIGHT], arena) };
}
