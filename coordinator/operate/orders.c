#include "operate/orders.h"

#include "operate/output.h"
#include "operate/words.h"

const char *saga_order_outcome(const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++) {
        if (record->facts[i].kind == SAGA_FACT_OPERATOR_REFUSED) return "refused";
        if (record->facts[i].kind == SAGA_FACT_OPERATOR_IGNORED) return "nothing to do";
    }
    return "done";
}

struct saga_slice saga_order_words(const struct saga_journal_record *record, size_t fact,
                                   struct saga_arena *arena)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, arena);
    saga_fact_words(&record->facts[fact], record->cause.time_ms, &buffer);
    return saga_buffer_slice(&buffer);
}

json_t *saga_order_json(struct saga_slice saga_id, enum saga_verb verb,
                        const struct saga_journal_record *record, struct saga_arena *arena)
{
    json_t *facts = json_array(), *says = json_array();
    for (size_t i = 0; record && i < record->fact_count; i++) {
        struct saga_buffer buffer;
        saga_buffer_init(&buffer, arena);
        saga_fact_json(&record->facts[i], false, &buffer);
        struct saga_slice text = saga_buffer_slice(&buffer);
        json_array_append_new(facts, json_loadb(text.data, text.size, 0, NULL));
        json_array_append_new(says, saga_json_string(saga_order_words(record, i, arena)));
    }
    return json_pack("{s:o, s:s, s:s, s:o, s:o}", "saga", saga_json_string(saga_id), "verb",
                     saga_verb_name(verb), "outcome", record ? saga_order_outcome(record) : "sent",
                     "facts", facts, "says", says);
}

json_t *saga_left_json(const struct saga_left *items, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:o, s:s, s:o}", "step",
                                              saga_json_string(items[i].step), "is", items[i].what,
                                              "words", saga_json_string(items[i].words)));
    return rows;
}
