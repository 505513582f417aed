/* A saga's story, out of the journal: what `saga history` reads, and the forms in which it is told. */
#ifndef SAGA_OPERATE_HISTORY_H
#define SAGA_OPERATE_HISTORY_H

#include "base/buffer.h"
#include "definition/definition.h"
#include "operate/command.h"
#include "operate/reading.h"

/* One record of the saga, and where it stands in the lane's journal. */
struct saga_told_record {
    int64_t offset;
    struct saga_journal_record record;
};

struct saga_history {
    struct saga_arena *arena; /* not owned: holds all of it */
    struct saga_slice saga_id;
    struct saga_slice topic; /* of the journal */
    uint32_t lane;
    struct saga_told_record *records; /* in the journal's order */
    size_t count, capacity;
    uint64_t sequence;   /* of the saga's newest record as Redis has it; 0: it does not know */
    size_t bytes_max;    /* of memory for all of it; 0: whatever it takes */
    unsigned unreadable; /* records under the saga's key that are no record of a coordinator */
};

/* Reads all that the journal has of the saga: by the offsets that Redis keeps, or else, and where `scan` asks for it, by
 * reading all of the lane; which is said on standard error. An exit code, words said. Nothing found is no failure. */
int saga_history_read(struct saga_call *call, const struct saga_address *address, bool scan,
                      struct saga_history *ret);
/* The same without ever reading all of the lane, which may take minutes: for who may not wait. SAGA_EXIT_NOT_FOUND where Redis
 * does not know the saga; SAGA_EXIT_FAILED where it does not know where all its records are. */
int saga_history_read_known(struct saga_call *call, const struct saga_address *address,
                            struct saga_history *ret);
/* Takes one record of the lane: keeps it if it is the saga's, and counts and names it where it bears the saga's key and
 * cannot be read. False: it is not the saga's. Its bytes are copied. */
bool saga_history_take(struct saga_call *call, struct saga_history *history,
                       const struct saga_message *message);

/* ---- what it adds up to ---- */

/* A saga of that id, from its start on. There are several where an id was used again. */
struct saga_told_run {
    const struct saga_told_record *records;
    size_t count;
    uint64_t cut;             /* records before these that the journal has not (any more) */
    uint64_t holes;           /* records between these that it has not: it was tampered with */
    struct saga_state *state; /* as the records leave it; NULL where it cannot be told */
};
/* In the history's arena, but for the states: saga_history_runs_free. */
void saga_history_runs(const struct saga_history *history, struct saga_told_run **ret,
                       size_t *ret_count);
void saga_history_runs_free(struct saga_told_run *runs, size_t count);

/* How long after the record before it; 0 for the first of a run. */
int64_t saga_told_gap_ms(const struct saga_told_run *run, size_t index);
/* "payments.replies[3]@1042, journal[3]@18": where the event was read, and where its record stands. A timer was read
 * nowhere. */
void saga_told_position(const struct saga_history *history, const struct saga_told_record *told,
                        struct saga_buffer *out);
/* Where a run stands behind its last record, in one line: "completed after 3s200ms". */
void saga_told_end(const struct saga_told_run *run, struct saga_buffer *out);

/* ---- the forms ---- */

/* One record's own JSON, with where it stands and how long after the one before in front. */
struct saga_slice saga_history_json(const struct saga_history *history,
                                    const struct saga_told_run *run, size_t index, bool bodies);

struct saga_history_view {
    const struct saga_definition
        *definition; /* names the participants; NULL: topics stand for them */
    bool bodies;
};

/* For people. */
void saga_history_text(const struct saga_history *history, const struct saga_history_view *view,
                       struct saga_buffer *out);
/* A Mermaid sequence diagram of coordinator and participants. What would make it larger than Mermaid draws is left out in
 * the middle, and said to be. */
void saga_history_mermaid(const struct saga_history *history, const struct saga_history_view *view,
                          struct saga_buffer *out);
/* A page by itself: nothing is loaded from elsewhere, and nothing runs in it. */
void saga_history_html(const struct saga_history *history, const struct saga_history_view *view,
                       struct saga_buffer *out);

#endif
