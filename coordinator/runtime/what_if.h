/* What would have been: every recorded event of a definition's sagas is decided by another version of it, and what that
 * decides is held against what was recorded. Nothing is sent; no server is needed.
 *
 * As long as the new version sends the same commands, the recorded answers are answers to its commands too, and the saga goes
 * on. At the first difference the ways part, and the saga is put into one class. What would have followed nobody knows: the
 * record's tail answers commands that were not sent, or comes at another time, so it is counted and not judged.
 *
 * What makes no difference: how a state is made up inside (`keep`, `set`, `search`, blocks that send nothing), a body's order
 * of members, reply topics, the name of the block that publishes an event. */
#ifndef SAGA_RUNTIME_WHAT_IF_H
#define SAGA_RUNTIME_WHAT_IF_H

#include "base/message.h"
#include "codec/codec.h"
#include "definition/definition.h"
#include "runtime/keyring.h"

/* Each saga is in one of them. Where a record gives reason for several, the first of STUCK, UNHANDLED, OTHER_COMMANDS,
 * ENDED_OTHERWISE, OTHER_TIME counts. */
enum saga_what_if_class {
    SAGA_WHAT_IF_SAME,            /* as far as the record goes */
    SAGA_WHAT_IF_ENDED_OTHERWISE, /* the same commands, another status */
    SAGA_WHAT_IF_OTHER_COMMANDS,  /* or events, or notes to other sagas; also in another order */
    SAGA_WHAT_IF_STUCK,           /* where the recorded one was not, or on something else */
    SAGA_WHAT_IF_UNHANDLED,       /* an event that the record took changes nothing */
    SAGA_WHAT_IF_OTHER_TIME,  /* a timer would have rung before or after what was recorded next */
    SAGA_WHAT_IF_NOT_STARTED, /* its start event would not have begun it */
    SAGA_WHAT_IF_NOT_JUDGED,  /* its records are not all there, or do not follow one on another */
    SAGA_WHAT_IF_CLASS_COUNT
};
/* "same", "ended-otherwise", "other-commands", "stuck", "unhandled-event", "other-time", "not-started", "not-judged" */
const char *saga_what_if_class_name(enum saga_what_if_class class);
/* SAGA_WHAT_IF_CLASS_COUNT if it is none. */
enum saga_what_if_class saga_what_if_class_of(struct saga_slice name);

/* One side of a difference, in words, with a body where a message has one. */
struct saga_what_if_side {
    struct saga_slice words; /* "ReserveStock to stock.commands"; absent: nothing */
    struct saga_slice body;  /* JSON, or the beginning of it */
    bool body_clipped;       /* at SAGA_WHAT_IF_BODY_BYTES_MAX */
};

enum { SAGA_WHAT_IF_EXAMPLES_MAX = 3 };

/* A saga, and the record at which its way parted. */
struct saga_what_if_example {
    struct saga_slice saga_id, run;
    uint32_t lane;
    int64_t offset; /* of that record in the journal; -1: none, the journal ends before */
    int64_t time_ms;
    struct saga_what_if_side recorded, instead;
};

/* Sagas of one class that part at one place in one way. */
struct saga_what_if_group {
    enum saga_what_if_class class;
    struct saga_slice step; /* without the rounds of loops around it; absent: the saga as a whole */
    struct saga_slice what; /* "sends another body", "completed instead of compensated" */
    uint64_t count;
    struct saga_what_if_example examples[SAGA_WHAT_IF_EXAMPLES_MAX]; /* the first ones */
    size_t example_count;
};

/* A record that is none of ours, or was changed beyond reading. */
struct saga_what_if_unreadable {
    uint32_t lane;
    int64_t offset;
    struct saga_slice words;
};

struct saga_what_if_counts {
    uint64_t records;    /* all that were read */
    uint64_t unreadable; /* of them */
    uint64_t events;     /* records of the chosen sagas */
    uint64_t decided;    /* of them; the rest is behind the place where the ways parted */
    uint64_t sagas;      /* the classes add up to it */
    uint64_t by_class[SAGA_WHAT_IF_CLASS_COUNT];
    uint64_t open;   /* of the same: have not ended yet */
    size_t open_max; /* sagas held at a time, at most: what memory is bounded by */
};

struct saga_what_if_options {
    /* Whose sagas are looked at. Another name than the new definition's: it is taken to be called so. */
    struct saga_slice name;
    int64_t since_ms;                   /* only sagas that were started then or later; 0: all */
    struct saga_slice inbox;            /* topic: a start that came there needs no start event */
    const struct saga_schemas *schemas; /* of Avro bodies, as they are now; may be NULL */
};

struct saga_what_if;

/* Codec, definition and what the options name are the caller's, belong to its thread and must outlive it. */
void saga_what_if_new(struct saga_codec *codec, const struct saga_definition *definition,
                      const struct saga_what_if_options *options, struct saga_what_if **ret);
void saga_what_if_free(struct saga_what_if *what_if);

/* One lane after the other, each with its records in their order. Between begin and end only sagas that have not ended in
 * the record are held, and children until their parent lets them go. What cannot be read is counted and passed over.
 * A record of which an expression is given up (saga_expression_give_up_by) is as if it was not there, and the lane's last: its
 * saga goes the same way as far as was looked. */
void saga_what_if_lane_begin(struct saga_what_if *what_if, uint32_t lane);
/* The keys of the lane that has begun, with which sealed values are opened; NULL: there are none. The caller's until the lane's
 * end. A saga whose values cannot be opened is not judged. */
void saga_what_if_keys(struct saga_what_if *what_if, const struct saga_keyring *keys);
/* Records in front of the lane's first one are not given, since all sagas that began there are older than `since_ms`. */
void saga_what_if_skipped(struct saga_what_if *what_if);
/* False: it was given up. */
bool saga_what_if_record(struct saga_what_if *what_if, const struct saga_message *message);
/* Judges the sagas that are open. */
void saga_what_if_lane_end(struct saga_what_if *what_if);

/* What the sagas that are held now take. */
size_t saga_what_if_held_bytes(const struct saga_what_if *what_if);
void saga_what_if_count(const struct saga_what_if *what_if, struct saga_what_if_counts *ret);
/* By class, in each the largest first. The array and all it holds are the what-if's, valid until the next lane. */
size_t saga_what_if_groups(struct saga_what_if *what_if,
                           const struct saga_what_if_group *const **ret);
/* The first of the records that cannot be read, at most SAGA_WHAT_IF_EXAMPLES_MAX. */
size_t saga_what_if_unreadable(const struct saga_what_if *what_if,
                               const struct saga_what_if_unreadable **ret);

#endif
