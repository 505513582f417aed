/* Why a record is put aside: the one list of it. What writes a letter names one of these, and metrics, the commands, the contract
 * of the HTTP API and the page on messages have what stands here (runtime_letter_reasons_test.c holds the last two against it). */
#ifndef SAGA_RUNTIME_LETTER_REASONS_H
#define SAGA_RUNTIME_LETTER_REASONS_H

#include "base/slice.h"
#include "engine/fact.h"

/* The name of each in C, the word that saga_reason has, what it means, and what an operator does. A word that was published keeps
 * its meaning: letters have it, and alerts name it. */
#define SAGA_LETTER_REASONS(FIRST, NEXT)                                                           \
    FIRST(NO_TYPE, "no-type",                                                                      \
          "an answer says no type: it has no ce_type, and no participant's `type` finds one",      \
          "deploy a participant whose `type` does, and resend it; or have the service send it")    \
    NEXT(UNREADABLE, "unreadable", "its body or its headers cannot be read",                       \
         "have the sender mend what it writes, and send it anew; drop this one")                   \
    NEXT(TOO_LARGE, "too-large", "what is to start a saga has more than 256 KiB",                  \
         "have the sender write less, as a reference to the rest; drop this one")                  \
    NEXT(BAD_KEY, "bad-key", "the business key of what is to start a saga is none",                \
         "deploy a version whose `key` finds one, and resend it; or have the sender mend it")      \
    NEXT(BAD_ADDRESS, "bad-address",                                                               \
         "an answer's ce_sagacommandid or ce_subject names no saga that there could be",           \
         "have the service return what its command had, and send it anew; drop this one")          \
    NEXT(NO_SAGA_NAMED, "no-saga-named",                                                           \
         "an answer does not say whose it is, and no `correlate` finds it out",                    \
         "deploy a `correlate` that does, and resend it; or have the service return "              \
         "ce_sagacommandid")                                                                       \
    NEXT(NO_SUCH_SAGA, "no-such-saga", "the saga that it names is not there",                      \
         "drop it where the saga was forgotten; else look at who sent it")                         \
    NEXT(NOBODYS, "nobodys", "no deployed definition takes it for a saga of its lane",             \
         "deploy the definition that does, and resend it; drop it where there is to be none")      \
    NEXT(WRONG_LANE, "wrong-lane", "it was sent to the lane of other sagas",                       \
         "send it anew with the settings of the coordinators: whoever did has other lanes")        \
    NEXT(NO_DEFINITION, "no-definition", "it asks for a definition that is not deployed",          \
         "deploy that definition, and resend it")                                                  \
    NEXT(WHEN_FAILED, "when-failed", "the `when` of a start cannot be computed of it",             \
         "deploy a version whose `when` can, and resend it")                                       \
    NEXT(MATCH_FAILED, "match-failed", "the `match` of no version that awaits it finds a value",   \
         "deploy a version whose `match` does, and resend it; or have the sender mend it")         \
    NEXT(NO_SCHEMA, "no-schema", "it was written by a schema that is not known here",              \
         "put the schema into the folder of every coordinator, and resend it")                     \
    NEXT(OVER_A_LIMIT, SAGA_REASON_OVER_A_LIMIT,                                                   \
         "more events of one value are kept than a state may hold",                                \
         "resend it when sagas have taken those that came before it")                              \
    NEXT(NO_PRIVACY_KEY, "no-privacy-key",                                                         \
         "its definition says `redact`, and the coordinator has no key",                           \
         "set privacy.key-file or privacy.key-command, start it again, and resend it")             \
    NEXT(SEALED, "sealed", "the values of its saga are sealed, and their key is not to be had",    \
         "give every coordinator the key that is named, and resend it; drop it where the saga's "  \
         "key was destroyed")                                                                      \
    NEXT(STATE_DOES_NOT_FIT, "state-does-not-fit",                                                 \
         "the state of its saga, built from the journal, does not fit its definition",             \
         "`saga replay --verify` and `saga definitions` say which of the two was changed; mend "   \
         "it, and resend this")                                                                    \
    NEXT(CANNOT_BE_COMMITTED, "cannot-be-committed",                                               \
         "the broker refuses, each time, what would be written because of it",                     \
         "mend what its words name, as a topic that is not there or a limit, and resend it")

#define SAGA_LETTER_REASON_NAME(name, word, means, mend) SAGA_LETTER_##name,
enum saga_letter_reason {
    SAGA_LETTER_REASONS(SAGA_LETTER_REASON_NAME, SAGA_LETTER_REASON_NAME) SAGA_LETTER_REASON_COUNT
};
#undef SAGA_LETTER_REASON_NAME

/* The words alone, "no-type, unreadable, ...", as one literal. */
#define SAGA_LETTER_FIRST_WORD(name, word, means, mend) word
#define SAGA_LETTER_NEXT_WORD(name, word, means, mend) ", " word
#define SAGA_LETTER_REASON_WORDS SAGA_LETTER_REASONS(SAGA_LETTER_FIRST_WORD, SAGA_LETTER_NEXT_WORD)

struct saga_letter_reason_kind {
    const char *word, *means, *mend;
};
extern const struct saga_letter_reason_kind saga_letter_reasons[SAGA_LETTER_REASON_COUNT];
/* NULL: none has that word. A letter may have been written by a coordinator that knows more of them. */
const struct saga_letter_reason_kind *saga_letter_reason_find(struct saga_slice word);

#endif
