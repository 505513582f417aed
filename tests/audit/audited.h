/* A journal without servers: what a coordinator would have written of some sagas, made by intake, engine and codec, and
 * exported as `saga audit export` does it. What is done to it in between is the test's. */
#ifndef SAGA_TESTS_AUDIT_AUDITED_H
#define SAGA_TESTS_AUDIT_AUDITED_H

#include "base/message.h"
#include "codec/codec.h"
#include "definition/catalog.h"

enum { SAGA_AUDITED_LANES = 2 };

struct saga_audited_lane {
    struct saga_message *items;
    size_t count, capacity;
    int64_t next_offset;
    int64_t low; /* the journal's first offset */
    uint8_t chain[SAGA_SHA256_BYTES];
};
struct saga_audited {
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    struct saga_message definition; /* a record of the topic of definitions */
    struct saga_audited_lane lanes[SAGA_AUDITED_LANES];
    int64_t time_ms; /* of the last record; each has one of its own */
};

/* So many sagas audited/s-0, audited/s-1, ..., their events one after the other in turn; of customers c-0, c-1, c-2 in turn.
 * Every fifth is taken back. Ends the process with words where something fails. */
void saga_audited_make(struct saga_audited *recorded, unsigned sagas);
void saga_audited_free(struct saga_audited *recorded);

/* The chain values of a lane anew, from record `from` on, as somebody would who can write all of the journal. */
void saga_audited_chain_anew(struct saga_audited *recorded, unsigned lane, size_t from);
/* The same of one record, so that it follows on the one before it. */
void saga_audited_chain_one(struct saga_audited *recorded, unsigned lane, size_t index);

/* What of it is exported; all members may be left out. */
struct saga_audited_part {
    int64_t since_ms, until_ms; /* 0: from the first record on, to the last */
    const char *saga;           /* id */
    const char *anchors;        /* file */
    bool avro;                  /* as that, too */
};
/* Writes it into a folder that is not there yet. */
void saga_audited_export(const struct saga_audited *recorded, const char *folder,
                         const struct saga_audited_part *part);

#endif
