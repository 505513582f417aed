/* What to do about an expression that jq does not take: the mistakes that people make who know the language of the file, and
 * not jq. Told by what stands in the source, and by what jq says of it; its words differ a little between its versions. */
#include <string.h>

#include "definition/load_internal.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool says(struct saga_slice message, const char *words)
{
    return memmem(message.data, message.size, words, strlen(words)) != NULL;
}

/* `.steps.hold-room`: the first such name with the dot before it. Spaces around a minus mean a minus. */
static struct saga_slice name_with_hyphen(struct saga_slice source)
{
    for (size_t i = 0; i + 1 < source.size; i++) {
        size_t end = i + 1;
        bool hyphen = false;
        if (source.data[i] != '.' || !is_letter(source.data[end])) continue;
        while (end < source.size &&
               (is_word(source.data[end]) || (source.data[end] == '-' && end + 1 < source.size &&
                                              is_letter(source.data[end + 1]))))
            hyphen |= source.data[end++] == '-';
        if (hyphen) return (struct saga_slice){ source.data + i, end - i };
    }
    return SAGA_SLICE_NONE;
}

/* The word in front of `/0 is not defined`, which is how jq calls a name without a dot. */
static struct saga_slice undefined_word(struct saga_slice message)
{
    static const char words[] = "/0 is not defined";
    const char *at = memmem(message.data, message.size, words, sizeof words - 1), *begin = at;
    while (begin && begin > message.data && is_word(begin[-1])) begin--;
    return at ? (struct saga_slice){ begin, (size_t)(at - begin) } : SAGA_SLICE_NONE;
}

struct saga_slice saga_expression_mend(struct saga_slice source, struct saga_slice message,
                                       struct saga_arena *arena)
{
    struct saga_slice name = name_with_hyphen(source), word = undefined_word(message);
    if (name.size)
        return saga_arena_printf(arena,
                                 "jq takes a hyphen for a minus: a name with one stands in "
                                 "brackets, as in [\"%.*s\"] in place of %.*s",
                                 SAGA_SLICE_ARG(saga_slice_clip(saga_slice_skip(name, 1), 60)),
                                 SAGA_SLICE_ARG(saga_slice_clip(name, 60)));
    if (word.size)
        return saga_arena_printf(arena,
                                 "a member of the body or of the saga has a dot before it: .%.*s; "
                                 "a text stands in double quotes: \"%.*s\"",
                                 SAGA_SLICE_ARG(word), SAGA_SLICE_ARG(word));
    if (says(source, "{{") || says(source, "${"))
        return SAGA_SLICE("an expression is jq as it is, with nothing around it: .input.orderId; "
                          "within a text of jq it is \"order \\(.input.orderId)\"");
    if (says(message, "INVALID_CHARACTER") && says(source, "'"))
        return SAGA_SLICE("in jq a text stands in double quotes: \"EUR\"");
    if (says(message, "is not defined") && says(message, "$"))
        return SAGA_SLICE("the data has dots, not variables: .input.orderId");
    if (says(message, "expecting '}'"))
        return SAGA_SLICE("within { } a value that is computed stands in parentheses: {total: "
                          "(.input.price * .input.count)}");
    if (says(message, "unexpected $end") || says(message, "unexpected end of file"))
        return SAGA_SLICE("something is missing at its end: a bracket, the end of an `if`, or what "
                          "an operator needs behind it");
    return SAGA_SLICE_NONE;
}
