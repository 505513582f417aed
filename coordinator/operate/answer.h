/* What the coordinator made of a record that a command sent: the journal says so. */
#ifndef SAGA_OPERATE_ANSWER_H
#define SAGA_OPERATE_ANSWER_H

#include "operate/command.h"

/* Notes where a lane's journal ends, before the record is sent. */
struct saga_answer {
    uint32_t lane;
    int64_t from;              /* the watermark before */
    int64_t letters_from;      /* that of the lane's dead letters; -1: they cannot be read */
    struct saga_position sent; /* where the record stands: set by who sends it */
};
int saga_answer_prepare(struct saga_call *call, uint32_t lane, struct saga_answer *ret);

/* Reads the lane's journal from there on until the record whose cause has this id, or `timeout_ms`
 * is over: then `*ret_found` is false. The record is in the call's arena. Returns when Redis has it too, which
 * follows the journal (R27); where Redis is away or far behind, without it. An exit code, with words said:
 * SAGA_EXIT_FAILED also when what was sent was put aside. */
int saga_answer_wait(struct saga_call *call, const struct saga_answer *answer, struct saga_slice id,
                     int64_t timeout_ms, struct saga_journal_record *ret, bool *ret_found);

/* Is this dead letter the record that stands at `sent`? */
bool saga_answer_is_letter_of(const struct saga_message *letter, const struct saga_position *sent);

/* An id that no other record has: 32 hexadecimal digits. */
struct saga_slice saga_new_id(struct saga_arena *arena);
/* This host's name, for the journal. */
const char *saga_host_name(struct saga_arena *arena);
/* Who is at the keyboard: $USER, else the name of the user id. */
const char *saga_user_name(struct saga_arena *arena);

/* What every command that sends says when nobody took the record in time. */
void saga_answer_missed(const struct saga_call *call, int64_t timeout_ms);

#endif
