#include "operate/teller.h"

#include "operate/output.h"
#include "operate/words.h"

/* A part of a block, by the number of the scope that it opened: they are counted from 1, as the engine does. */
struct saga_told_part {
    struct saga_slice step;
    uint32_t index;
    bool loop; /* all of a `for-each` */
};

void saga_teller_begin(struct saga_teller *teller, bool whole, struct saga_arena *arena)
{
    *teller = (struct saga_teller){ .arena = arena, .whole = whole };
}

static const struct saga_told_part *part_of(const struct saga_teller *teller, uint32_t scope)
{
    return teller->whole && scope >= 1 && scope <= teller->part_count ? &teller->parts[scope - 1]
                                                                      : NULL;
}

static bool is_said(const struct saga_teller *teller, const struct saga_fact *fact)
{
    return fact->kind == SAGA_FACT_NOTE_SENT && fact->note == SAGA_NOTE_CHILD_START &&
           teller->child.size && saga_slice_equal(fact->id, teller->child);
}

static void remember(struct saga_teller *teller, const struct saga_fact *fact)
{
    bool loop = fact->kind == SAGA_FACT_LOOP_STARTED;
    if (loop || fact->kind == SAGA_FACT_BRANCH_STARTED) {
        struct saga_told_part part = { fact->step, fact->index, loop };
        SAGA_PUSH(teller->arena, teller->parts, teller->part_count, teller->part_capacity, part);
    }
    teller->child = fact->kind == SAGA_FACT_CHILD_STARTED ? fact->target : SAGA_SLICE_NONE;
}

bool saga_teller_tell(struct saga_teller *teller, const struct saga_fact *fact, int64_t time_ms,
                      struct saga_buffer *buffer)
{
    const struct saga_told_part *part =
        fact->kind == SAGA_FACT_BRANCH_ENDED ? part_of(teller, fact->scope) : NULL;
    bool said = is_said(teller, fact);
    remember(teller, fact);
    if (said) return false;
    if (!part)
        saga_fact_words(fact, time_ms, buffer);
    else if (part->loop)
        saga_buffer_printf(buffer, "all parts of %s have ended",
                           saga_printable(buffer->arena, part->step));
    else
        saga_buffer_printf(buffer, "part %u of %s has ended", part->index + 1,
                           saga_printable(buffer->arena, part->step));
    return true;
}
