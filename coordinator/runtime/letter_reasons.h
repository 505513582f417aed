/* Why a record is put aside: words for metrics, for the command's help and for checking what was typed. */
#ifndef SAGA_RUNTIME_LETTER_REASONS_H
#define SAGA_RUNTIME_LETTER_REASONS_H

#include "engine/fact.h"
#include "runtime/intake.h"

/* What the coordinator writes as saga_reason (runtime/intake.c, runtime/batch.c, runtime/batch_sealed.c,
 * runtime/batch_fit.c). */
#define SAGA_LETTER_REASONS(FIRST, NEXT)                                                           \
    FIRST("no-type")                                                                               \
    NEXT("unreadable")                                                                             \
    NEXT("too-large")                                                                              \
    NEXT("bad-key")                                                                                \
    NEXT("bad-address")                                                                            \
    NEXT("no-saga-named")                                                                          \
    NEXT("no-such-saga")                                                                           \
    NEXT("nobodys")                                                                                \
    NEXT("wrong-lane")                                                                             \
    NEXT("no-definition")                                                                          \
    NEXT("when-failed")                                                                            \
    NEXT("match-failed")                                                                           \
    NEXT(SAGA_REASON_NO_SCHEMA)                                                                    \
    NEXT(SAGA_REASON_OVER_A_LIMIT)                                                                 \
    NEXT("no-privacy-key")                                                                         \
    NEXT("sealed")                                                                                 \
    NEXT("state-does-not-fit")                                                                     \
    NEXT("cannot-be-committed")
#define SAGA_REASON_ITEM(word) word,
#define SAGA_REASON_ONE(word) +1
#define SAGA_REASON_FIRST_WORD(word) word
#define SAGA_REASON_NEXT_WORD(word) ", " word
#define SAGA_LETTER_REASON_WORDS SAGA_LETTER_REASONS(SAGA_REASON_FIRST_WORD, SAGA_REASON_NEXT_WORD)
enum { SAGA_LETTER_REASON_COUNT = SAGA_LETTER_REASONS(SAGA_REASON_ONE, SAGA_REASON_ONE) };

#endif
