/* Dead letters, for the commands and the HTTP API: listing, showing, sending again, putting by. What was done about a letter is
 * noted in its partition behind it, as a record without a reason: it lives as long as its letter does. */
#ifndef SAGA_OPERATE_DEAD_LETTERS_H
#define SAGA_OPERATE_DEAD_LETTERS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/message.h"
#include "operate/command.h"

/* The saga that the record was meant for, by its ce_sagacommandid or ce_subject; whether there is one is another question.
 * Absent where it names none. In `arena`. */
struct saga_slice saga_letter_saga(const struct saga_message *record, struct saga_arena *arena);

/* What was done about a letter last. */
struct saga_letter_note {
    const char *how; /* "resent", "dropped"; NULL: nothing */
    struct saga_slice who, from, reason;
    int64_t time_ms;
};

struct saga_letter {
    int32_t partition;
    int64_t offset;
    int64_t time_ms;
    size_t size;
    struct saga_slice reason, message, source_topic, source_partition, source_offset;
    struct saga_slice key;
    struct saga_slice saga_id; /* of whom it tells by its headers; absent: none */
    struct saga_letter_note note;
};
struct saga_letters {
    struct saga_letter *items; /* by time, the oldest first */
    size_t count, capacity;
};

/* Is there such a reason? SAGA_EXIT_USAGE with words. */
int saga_letter_check_reason(struct saga_call *call, const char *reason);
/* The letters of all partitions, of each the newest `offsets_max` offsets (0: all), with this reason (NULL: any). An exit code;
 * everything is in the call's arena. */
int saga_letters_read(struct saga_call *call, const char *reason, int64_t offsets_max,
                      struct saga_letters *ret);
/* One of them, as it is in the topic; SAGA_EXIT_NOT_FOUND with words. `ret_note` may be NULL. */
int saga_letter_read(struct saga_call *call, int32_t partition, int64_t offset,
                     struct saga_message *ret, struct saga_letter_note *ret_note);
/* Does the record note what was done about a letter, whose offset in its partition is `*ret_letter`? Else it is a letter. Texts
 * are the record's. */
bool saga_letter_note_of(const struct saga_message *record, int64_t *ret_letter,
                         struct saga_letter_note *ret);
/* Sends it again to where it came from, as it was then; or leaves it. Both are noted beside it with `by` (who, from, reason), to
 * which how and when are added. An exit code. */
int saga_letter_resend(struct saga_call *call, const struct saga_message *letter,
                       struct saga_letter_note *by);
int saga_letter_drop(struct saga_call *call, const struct saga_message *letter,
                     struct saga_letter_note *by);

/* ---- as JSON ---- */

json_t *saga_letter_json(const struct saga_letter *letter);
json_t *saga_letter_full_json(const struct saga_message *record,
                              const struct saga_letter_note *note, struct saga_arena *arena);
/* null where nothing was done. */
json_t *saga_letter_note_json(int32_t partition, int64_t offset,
                              const struct saga_letter_note *note);
/* Text that may be shown as it is: UTF-8 without control characters. */
bool saga_letter_is_text(struct saga_slice value);

#endif
