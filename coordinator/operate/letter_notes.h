/* What was done about dead letters, of all of them, and what is kept of it for who asks often: then only what is new is read. What
 * was deleted since is gone here too, and where the topic is another one of the same name, it is read anew. */
#ifndef SAGA_OPERATE_LETTER_NOTES_H
#define SAGA_OPERATE_LETTER_NOTES_H

#include "operate/dead_letters.h"

/* Used by any thread. */
struct saga_letter_notes;
void saga_letter_notes_new(struct saga_letter_notes **ret);
/* NULL is fine. */
void saga_letter_notes_free(struct saga_letter_notes *notes);

/* `note` is the offset of what was noted, `letter` that of the letter. Texts are there during the call only. */
typedef void saga_visit_letter_note(int32_t partition, int64_t note, int64_t letter,
                                    const struct saga_letter_note *noted, void *context);
/* All that was done, of each partition as far as its newest `offsets_max` offsets say, which is the same number whenever these
 * notes are asked. `notes` NULL: nothing is kept. An exit code, words said. */
int saga_letter_notes_visit(struct saga_call *call, struct saga_letter_notes *notes,
                            int64_t offsets_max, saga_visit_letter_note *visit, void *context);

/* ---- one partition; without Kafka ---- */

struct saga_noted_item;
struct saga_noted {
    int64_t next; /* read up to here */
    int64_t
        last; /* the last record that was read, and by what it is known again; below 0: none was */
    uint64_t last_mark;
    int64_t newest_ms;              /* of all that were read */
    bool known_again;               /* while it is read: the last one was found where it was */
    struct saga_noted_item **items; /* notes, in the order of their offsets */
    size_t count, capacity, bytes;
};
void saga_noted_init(struct saga_noted *noted);
/* As after init. */
void saga_noted_forget(struct saga_noted *noted);
/* Where to read from: the partition has the offsets from `low` up to before `high`. `high`: there is nothing new. */
int64_t saga_noted_begin(struct saga_noted *noted, int64_t low, int64_t high, int64_t offsets_max);
/* A record from there on, in their order. False: it is another topic's, all is forgotten; begin anew. */
bool saga_noted_take(struct saga_noted *noted, const struct saga_message *record);
/* All up to `high` were given. False: as above. */
bool saga_noted_end(struct saga_noted *noted, int64_t high);
void saga_noted_visit(const struct saga_noted *noted, int32_t partition,
                      saga_visit_letter_note *visit, void *context);

#endif
