/* Sealed values (codec/sealed.h) for people: opened where the key is at hand, else covered by words that say so. */
#ifndef SAGA_OPERATE_OPENING_H
#define SAGA_OPERATE_OPENING_H

#include <jansson.h>

#include "operate/command.h"
#include "runtime/keyring.h"

/* What stands for a sealed value of a saga that was forgotten, and of one whose key is not at hand. */
#define SAGA_FORGOTTEN_WORDS "(forgotten)"
#define SAGA_SEALED_WORDS "(sealed)"

/* The keys of a lane, read from saga.keys the first time they are asked for, and what they are wrapped with
 * (privacy.key-file, privacy.key-command). `*ret` is the call's; NULL where the cluster has no such topic. An exit code,
 * words said. */
int saga_call_keys(struct saga_call *call, uint32_t lane, const struct saga_keyring **ret);
/* Lets go of the keys of one lane, which are no longer used. */
void saga_call_keys_drop(struct saga_call *call, uint32_t lane);
/* What the keys are wrapped with, read once: for calls in other threads, which then do not read it again. `*ret` is the call's;
 * NULL where there are no keys. An exit code, words said. */
int saga_call_wrapping(struct saga_call *call, const struct saga_wrapping **ret);
/* The next saga_call_keys reads them anew. */
void saga_call_keys_again(struct saga_call *call);
/* Frees all of them, at the call's end. */
void saga_openings_free(struct saga_openings *openings);

/* Makes a record fit to be shown: opens it, or covers what is sealed. One that holds nothing sealed stays as it is. */
void saga_open_record_for_people(struct saga_call *call, uint32_t lane,
                                 struct saga_journal_record *record, struct saga_arena *arena);
/* The same for a state that is the caller's alone. */
void saga_open_state_for_people(struct saga_call *call, uint32_t lane, struct saga_state *state);
/* Covers what is sealed in a state without looking for keys: for who shows many, and no values. */
void saga_cover_state(struct saga_state *state);

/* Records whose decision was not proved, as their values are sealed: in words, if there are any, and as members. */
void saga_unproved_print(uint64_t of_forgotten, uint64_t without_key);
void saga_unproved_json(json_t *object, uint64_t of_forgotten, uint64_t without_key);

/* Who had a run's values forgotten, when and why, in one line; absent: they were not. In the call's arena. */
struct saga_slice saga_forgotten_by(struct saga_call *call, uint32_t lane,
                                    struct saga_slice saga_id, struct saga_slice run);
/* The same words of a record of saga.keys. */
struct saga_slice saga_forgotten_words(const struct saga_key_record *record,
                                       struct saga_arena *arena);

#endif
