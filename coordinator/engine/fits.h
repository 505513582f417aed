/* Whether what was read from outside can be decided on: a state from Redis or a snapshot, the cause of a journal's record. The
 * engine asserts what its own states always are, and looks up blocks by the numbers in them; bytes that were changed, or
 * written for another content of the definition, must be found before that, and never end the process.
 *
 * Soundness that needs no definition and no memory is the codec's to ask (codec/state.c, is_sound): what is asked here builds
 * on it. Nobody asks of states that this process decided itself. */
#ifndef SAGA_ENGINE_FITS_H
#define SAGA_ENGINE_FITS_H

#include "base/diagnostic.h"
#include "engine/engine.h"

/* Can the state be one that its definition led to? `definition`: the one that it is to be decided by; NULL: it is not to be had
 * (R19), and nothing is said about places in it. Values are not looked at: they may be sealed. False: `ret->what` and
 * `ret->why` say what does not fit, in `arena` or static; the caller says what to do. */
bool saga_state_fits(const struct saga_state *state, const struct saga_definition *definition,
                     struct saga_arena *arena, struct saga_diagnostic *ret);
/* The same of one that stands under `id`: is it that saga's? */
bool saga_state_fits_as(const struct saga_state *state, struct saga_slice id,
                        const struct saga_definition *definition, struct saga_arena *arena,
                        struct saga_diagnostic *ret);

/* Are its values, none of them sealed any more, JSON of the kind that stands in their place? `arena` and `ret` as above. */
bool saga_state_values_fit(const struct saga_state *state, struct saga_arena *arena,
                           struct saga_diagnostic *ret);

/* Can it be the cause of a record, with a body that is not sealed? What comes over Kafka has been looked at by its reader. */
bool saga_event_fits(const struct saga_event *event);

/* ---- fits_entry.c ---- */
/* The part of saga_state_fits for an entry (R21, schedules). */
bool saga_entry_fits(const struct saga_state *state, const struct saga_definition *definition,
                     struct saga_arena *arena, struct saga_diagnostic *ret);
/* Sets the words, and is false. */
bool saga_fits_not(struct saga_arena *arena, struct saga_diagnostic *ret, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Are some of the texts the same? Their order changes. */
bool saga_some_are_same(struct saga_slice *texts, size_t count);
/* A saga's or an entry's id: a name, a slash, a key. */
bool saga_is_id(struct saga_slice id);
/* So far from 1970 that no sum of it and a duration overflows. */
bool saga_is_time(int64_t time_ms);

#endif
