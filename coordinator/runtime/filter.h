/* Which sagas are meant, in a line of text: `status=stuck step=charge-card error~timeout changed<-1h`. One language for
 * the lists of commands and of the HTTP API, and for jobs (BULK.md). Pure. */
#ifndef SAGA_RUNTIME_FILTER_H
#define SAGA_RUNTIME_FILTER_H

#include "base/arena.h"
#include "base/limits.h"
#include "engine/state.h"
#include "store/views.h"

enum saga_filter_subject {
    SAGA_FILTER_DEFINITION,
    SAGA_FILTER_VERSION,
    SAGA_FILTER_KEY,
    SAGA_FILTER_STATUS,
    SAGA_FILTER_STEP,
    SAGA_FILTER_ERROR,
    SAGA_FILTER_PAUSED,
    SAGA_FILTER_CHANGED,
    SAGA_FILTER_STARTED,
    SAGA_FILTER_SEARCH,
    SAGA_FILTER_SUBJECTS
};

enum saga_filter_test {
    SAGA_FILTER_IS,
    SAGA_FILTER_IS_NOT,
    SAGA_FILTER_HOLDS,
    SAGA_FILTER_HOLDS_NOT,
    SAGA_FILTER_BELOW,
    SAGA_FILTER_BELOW_OR_AT,
    SAGA_FILTER_ABOVE,
    SAGA_FILTER_ABOVE_OR_AT,
    SAGA_FILTER_TESTS
};

struct saga_filter_term {
    enum saga_filter_subject subject;
    enum saga_filter_test test;
    struct saga_slice attribute; /* of a search: its name */
    struct saga_slice text;      /* the value; escapes resolved */
    int64_t number;              /* version; time in milliseconds; 1: paused; a saga_status */
};

/* All of its terms must hold. */
struct saga_filter {
    struct saga_filter_term terms[SAGA_FILTER_TERMS_MAX];
    size_t count;
};

/* Where a text is no filter, and why. The words are static or in the arena. */
struct saga_filter_fault {
    size_t offset, size; /* bytes of the text; size may be 0 at its end */
    const char *what;
    const char *mend;
};

/* Reads a filter; ages such as `-1h` count back from `now_ms`. Texts are in `arena`. Errors: SAGA_E_INVALID with the
 * first fault (unknown or unfit words, no term at all, bytes that are no text, SAGA_FILTER_BYTES_MAX). */
int saga_filter_parse(struct saga_slice text, int64_t now_ms, struct saga_arena *arena,
                      struct saga_filter *ret, struct saga_filter_fault *fault);
/* The fault for people: what is wrong, and the text with a caret below it. Printable. In `arena`. */
const char *saga_filter_fault_words(struct saga_slice text, const struct saga_filter_fault *fault,
                                    struct saga_arena *arena);
/* The fault's place, from 1, in characters. */
size_t saga_filter_fault_column(struct saga_slice text, const struct saga_filter_fault *fault);

bool saga_filter_matches(const struct saga_filter *filter, const struct saga_state *state);
/* As far as can be told without the state's lists (codec.h, saga_state_glance). False: it surely does not. */
bool saga_filter_may_match(const struct saga_filter *filter, const struct saga_state *state);
/* Puts what indexes know of it into a page, which may hold further conditions; what matches stays a matter of
 * saga_filter_matches. False: nothing can match, as page and filter name two definitions, versions or statuses. */
bool saga_filter_narrow(const struct saga_filter *filter, struct saga_arena *arena,
                        struct saga_view_page *page);

/* ---- what a saga is like; shared with who asks without a filter ---- */

/* Is it at this place (engine/places.h)? */
bool saga_filter_is_at(const struct saga_state *state, struct saga_slice step);
/* Does its last error, or what it is stuck on, contain this text, whatever the case of ASCII letters? */
bool saga_filter_has_error(const struct saga_state *state, struct saga_slice part);
/* The same of the texts of a row of those with an error (store/views.h). False: it surely does not. */
bool saga_filter_may_have_error(struct saga_slice texts, struct saga_slice part);
/* Of all that a filter says of errors. */
bool saga_filter_may_have_errors(const struct saga_filter *filter, struct saga_slice texts);

#endif
