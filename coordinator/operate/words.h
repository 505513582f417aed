/* Facts and causes in words, for `saga history`, `saga show` and what operators are answered. */
#ifndef SAGA_OPERATE_WORDS_H
#define SAGA_OPERATE_WORDS_H

#include "base/buffer.h"
#include "codec/codec.h"

/* "CardCharged came for charge-card (attempt 1)" */
void saga_cause_words(const struct saga_journal_record *record, struct saga_buffer *buffer);
/* "ChargeCard sent to payments.commands for charge-card, answer expected until 12:30:05". `time_ms`
 * is the record's: a time within a day of it is written as the clock shows it (UTC), another in
 * full. */
void saga_fact_words(const struct saga_fact *fact, int64_t time_ms, struct saga_buffer *buffer);
/* The template of a kind: "{step} succeeded"; a part in [ ] is left out where one of its values is
 * empty. */
const char *saga_fact_template(enum saga_fact_kind kind);

/* Whom a saga tells and hears from: a saga by its id; an entry by what is matched there ("TripPaid of trips with t-1"), as
 * no person has made its id, nor should read it. */
void saga_party_words(struct saga_slice id, struct saga_buffer *buffer);

/* Where a saga stands: its open steps, the times that it waits for, what it hangs on; empty when it has ended. */
struct saga_slice saga_standing(const struct saga_state *state, struct saga_arena *arena);
/* A message of the state, for people: covered where it is sealed (codec/sealed.h). */
struct saga_slice saga_shown_message(const struct saga_state *state, struct saga_slice message);
/* Its error, or what it is stuck on; empty where there is neither. */
struct saga_slice saga_trouble(const struct saga_state *state, struct saga_arena *arena);

/* "in 5m" or "3m ago" */
const char *saga_relative(struct saga_arena *arena, int64_t time_ms, int64_t now_ms);

#endif
