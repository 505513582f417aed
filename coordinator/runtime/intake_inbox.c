/* What is said to a lane itself: starts by the API, operators' commands, notes of sagas to one another. */
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "codec/message.h"
#include "runtime/intake_internal.h"

/* A note that asks for a definition; false: it is none that could be deployed. */
static bool find_noted_definition(struct saga_intake_reading *r, struct saga_slice saga_id,
                                  struct saga_slice name, bool *ret_needed,
                                  struct saga_definition **ret)
{
    const struct saga_event *event = &r->common.event;
    *ret = NULL;
    *ret_needed = event->kind == SAGA_EVENT_START || event->note == SAGA_NOTE_SCHEDULE_SET;
    if (event->kind == SAGA_EVENT_START) *ret = saga_catalog_newest(r->intake->catalog, name);
    if (event->note != SAGA_NOTE_SCHEDULE_SET) return true;
    uint32_t version = saga_schedule_version(event);
    struct saga_slice definition = saga_id_entry_name(saga_id);
    *ret = saga_catalog_find(r->intake->catalog, definition, version);
    return version > 0 && saga_slice_equal(saga_id, saga_schedule_id(r->intake->arena, definition));
}

void saga_intake_read_note(struct saga_intake_reading *r)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice saga_id, name, key;
    int error = saga_note_open(&r->common.record, r->intake->arena, &saga_id, &r->common.event,
                               &diagnostic);
    if (error < 0) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_UNREADABLE, diagnostic.what);
        return;
    }
    error = saga_id_parse(saga_id, &name, &key);
    SAGA_ASSERT(error == SAGA_OK);
    uint32_t lane = saga_lane_of_key(key, r->intake->lanes);
    if (!saga_intake_is_here(r, lane)) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_WRONG_LANE,
                                    SAGA_SLICE("its saga lives in another lane"));
        return;
    }
    struct saga_definition *definition;
    bool needed;
    if (!find_noted_definition(r, saga_id, name, &needed, &definition)) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_UNREADABLE,
                                    SAGA_SLICE("it does not say whose schedule it sets"));
        return;
    }
    bool missing = needed && !definition;
    struct saga_intake_item *item =
        saga_intake_add(r, missing ? SAGA_INTAKE_DEFINITION_MISSING : SAGA_INTAKE_EVENT);
    item->lane = lane;
    item->saga_id = saga_id;
    item->definition = definition;
    if (!missing) return;
    item->reason = SAGA_LETTER_NO_DEFINITION;
    item->words =
        saga_arena_printf(r->intake->arena, "no definition %.*s%s is deployed",
                          SAGA_SLICE_ARG(saga_id_entry_name(name)),
                          r->common.event.note == SAGA_NOTE_SCHEDULE_SET ? " of that version" : "");
}

void saga_intake_read_start(struct saga_intake_reading *r)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice name, message;
    int error =
        saga_start_open(&r->common.record, r->intake->arena, &name, &r->common.event, &diagnostic);
    if (error < 0) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_UNREADABLE, diagnostic.what);
        return;
    }
    if (saga_intake_check_key(r, r->common.event.key, &message) < 0) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_BAD_KEY, message);
        return;
    }
    struct saga_definition *definition = saga_catalog_newest(r->intake->catalog, name);
    if (!definition) {
        struct saga_intake_item *item = saga_intake_add(r, SAGA_INTAKE_DEFINITION_MISSING);
        item->lane = r->common.inbox_lane;
        item->reason = SAGA_LETTER_NO_DEFINITION;
        item->words = saga_arena_printf(r->intake->arena, "no definition %.*s is deployed",
                                        SAGA_SLICE_ARG(name));
        return;
    }
    if (r->common.event.body.size > SAGA_INPUT_BYTES_MAX) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_TOO_LARGE,
                                    SAGA_SLICE("the input is over the limit of a saga's state"));
        return;
    }
    saga_intake_add_start(r, definition, r->common.event.key);
}

/* A saga that has ended may not be there any more: its entry takes the act then. */
static void name_forgetting(struct saga_intake_reading *r, struct saga_intake_item *item)
{
    struct saga_slice *ids = SAGA_NEW_ARRAY(r->intake->arena, struct saga_slice, 2);
    ids[0] = item->saga_id;
    ids[1] = saga_forgetting_id(r->intake->arena, item->saga_id);
    item->candidates = ids;
    item->candidate_count = 2;
}

void saga_intake_read_operator(struct saga_intake_reading *r)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice saga_id, name, key;
    int error = saga_operator_open(&r->common.record, r->intake->arena, &saga_id, &r->common.event,
                                   &diagnostic);
    if (error < 0 || saga_id_parse(saga_id, &name, &key) < 0) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_UNREADABLE,
                                    diagnostic.what.size ? diagnostic.what
                                                         : SAGA_SLICE("not the id of a saga"));
        return;
    }
    uint32_t lane = saga_lane_of_key(key, r->intake->lanes);
    if (!saga_intake_is_here(r, lane)) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_WRONG_LANE,
                                    SAGA_SLICE("its saga lives in another lane"));
        return;
    }
    struct saga_intake_item *item = saga_intake_add(r, SAGA_INTAKE_EVENT);
    item->lane = lane;
    item->event.kind = SAGA_EVENT_OPERATOR;
    item->saga_id = saga_id;
    if (item->event.verb == SAGA_VERB_FORGET && !saga_id_is_entry(saga_id))
        name_forgetting(r, item);
}
