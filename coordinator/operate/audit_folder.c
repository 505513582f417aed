#include "operate/audit_folder.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/table.h"
#include "operate/audit_definitions.h"

/* A saga of a part of a journal, which may have begun before it. */
struct carried {
    UT_hash_handle hh;
    int64_t until;  /* offset at which it begins in the part; INT64_MAX: not in it */
    uint64_t next;  /* sequence that its next record must have; 0: it has none yet */
    bool forgotten; /* by its last record: it begins anew */
    char *run;      /* of its last record */
    size_t run_size;
    size_t id_size;
    char id[];
};

struct proving {
    struct saga_call *call;
    const struct saga_exported *exported;
    const struct saga_exported_lane *lane;
    struct saga_faults *faults;
    struct saga_audit_definitions definitions;
    struct saga_audit *audit;
    struct carried *carried;
    struct saga_arena arena; /* a record's */
    uint64_t lines, gaps;
    struct saga_exported_end first, last;
};

/* ---- definitions ---- */

static void take_definition(const struct saga_exported_line *line, void *context)
{
    struct proving *p = context;
    saga_audit_definition(&p->definitions, &line->message, line->sha256);
}

/* ---- sagas that began before the part ---- */

static struct carried *carried_of(struct proving *p, struct saga_slice id)
{
    struct carried *saga;
    HASH_FIND(hh, p->carried, id.data, id.size, saga);
    if (saga) return saga;
    saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    saga->until = INT64_MAX;
    HASH_ADD_KEYPTR(hh, p->carried, saga->id, saga->id_size, saga);
    return saga;
}

__attribute__((format(printf, 4, 5))) static void
tell_sequence(struct proving *p, const struct saga_message *message,
              const struct saga_journal_record *record, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    saga_faults_add(p->faults, saga_difference_name(SAGA_DIFFERENCE_SEQUENCE), NULL, p->lane->lane,
                    message->offset, record->saga_id,
                    saga_arena_vprintf(&p->arena, format, arguments));
    va_end(arguments);
}

/* A saga that has a record already: number and run follow on that one's. */
static void compare_carried(struct proving *p, const struct saga_message *message,
                            const struct saga_journal_record *record, const struct carried *saga)
{
    const struct saga_slice run = { saga->run, saga->run_size };
    if (saga->next != record->sequence)
        tell_sequence(p, message, record, "sequence %llu where %llu belongs",
                      (unsigned long long)record->sequence, (unsigned long long)saga->next);
    if (!saga_slice_equal(run, record->run))
        tell_sequence(p, message, record, "run %.*s where %.*s belongs",
                      SAGA_SLICE_ARG(record->run), SAGA_SLICE_ARG(run));
}

static void note_carried(struct carried *saga, const struct saga_journal_record *record)
{
    saga->next = record->sequence + 1;
    saga->forgotten = false;
    for (size_t i = 0; i < record->fact_count; i++)
        if (record->facts[i].kind == SAGA_FACT_SAGA_FORGOTTEN) saga->forgotten = true;
    free(saga->run);
    saga->run = saga_memory_take(record->run.size + 1);
    if (record->run.size) memcpy(saga->run, record->run.data, record->run.size);
    saga->run_size = record->run.size;
}

static void look_ahead(const struct saga_exported_line *line, void *context)
{
    struct proving *p = context;
    const struct saga_message *message = &line->message;
    struct saga_journal_record record;
    saga_arena_reset(&p->arena);
    if (saga_journal_decode(p->call->codec, message->value, &p->arena, &record,
                            &(struct saga_diagnostic){ 0 }) < 0 ||
        record.cause.kind == SAGA_EVENT_LANE)
        return; /* is named when it is proved */
    struct carried *saga = carried_of(p, record.saga_id);
    if (saga->until != INT64_MAX) return; /* from there on it is proved as any other */
    bool first = saga->next == 0 || saga->forgotten;
    if (first && record.sequence == 1) {
        saga->until = message->offset;
        return;
    }
    if (!first)
        compare_carried(p, message, &record, saga);
    else if (saga->forgotten)
        tell_sequence(p, message, &record, "sequence %llu where 1 belongs",
                      (unsigned long long)record.sequence);
    note_carried(saga, &record);
}

/* Gives back how many there are. */
static uint64_t pass_over_carried(struct proving *p)
{
    struct carried *saga, *next;
    uint64_t count = 0;
    saga_exported_walk(p->exported, p->lane->file, p->lane->lane, NULL, look_ahead, p);
    HASH_ITER(hh, p->carried, saga, next)
    {
        if (saga->next) {
            saga_replay_pass_over(saga_audit_replay(p->audit),
                                  (struct saga_slice){ saga->id, saga->id_size }, saga->until);
            count++;
        }
        HASH_DEL(p->carried, saga);
        free(saga->run);
        free(saga);
    }
    return count;
}

/* ---- lanes ---- */

static void take_snapshot(const struct saga_exported_line *line, void *context)
{
    struct proving *p = context;
    saga_replay_snapshot(saga_audit_replay(p->audit), &line->message);
}

static void take_line(const struct saga_exported_line *line, void *context)
{
    struct proving *p = context;
    if (line->before != SAGA_EXPORTED_FOLLOWS) {
        p->gaps++;
        saga_audit_leave_out(p->audit, line->before == SAGA_EXPORTED_AFTER ? line->chain : NULL);
    }
    saga_audit_record(p->audit, &line->message);
    const uint8_t *chain = saga_audit_chain(p->audit);
    if (chain) memcpy(p->last.chain, chain, sizeof p->last.chain);
    p->last.offset = line->message.offset;
    if (p->lines++ == 0) p->first = p->last;
}

static bool is_end(const struct saga_exported_end *a, const struct saga_exported_end *b)
{
    return a->offset == b->offset && memcmp(a->chain, b->chain, sizeof a->chain) == 0;
}

/* What the manifest says of the lane, and what is there. */
static void compare_with_manifest(struct proving *p)
{
    const struct saga_exported_lane *lane = p->lane;
    if (lane->complete && p->gaps)
        saga_faults_printf(p->faults, "manifest", lane->file, lane->lane,
                           "the manifest calls it complete, but records were left out of it");
    if (p->lines != lane->records)
        saga_faults_printf(p->faults, "manifest", lane->file, lane->lane,
                           "it has %llu records, the manifest says %llu",
                           (unsigned long long)p->lines, (unsigned long long)lane->records);
    if (!is_end(&p->first, &lane->first))
        saga_faults_printf(p->faults, "manifest", lane->file, lane->lane,
                           "it begins with offset %lld, the manifest says offset %lld, or another "
                           "chain value there",
                           (long long)p->first.offset, (long long)lane->first.offset);
    if (!is_end(&p->last, &lane->last))
        saga_faults_printf(p->faults, "manifest", lane->file, lane->lane,
                           "it ends with offset %lld, the manifest says offset %lld, or another "
                           "chain value there",
                           (long long)p->last.offset, (long long)lane->last.offset);
}

/* How the replay can begin: with the lane's first record, with a snapshot, or without what was before. */
static void begin(struct proving *p, struct saga_audit_sum *sum)
{
    const struct saga_exported_lane *lane = p->lane;
    if (lane->snapshots) {
        saga_exported_walk(p->exported, lane->snapshots, lane->lane, p->faults, take_snapshot, p);
        int64_t offset = saga_replay_begin(saga_audit_replay(p->audit), lane->first.offset);
        if (offset >= 0) saga_audit_begin_at(p->audit, offset);
    } else if (!lane->complete) {
        sum->carried += pass_over_carried(p);
    }
}

static void prove_lane(struct proving *p, const struct saga_anchors *anchors,
                       struct saga_audit_sum *sum)
{
    const struct saga_audit_config config = { .codec = p->call->codec,
                                              .catalog = p->definitions.catalog,
                                              .lane = p->lane->lane,
                                              .lanes = p->exported->lanes,
                                              .anchors = anchors,
                                              .report = saga_faults_take,
                                              .context = p->faults };
    p->audit = saga_audit_new(&config);
    p->lines = p->gaps = 0;
    p->first = p->last = (struct saga_exported_end){ .offset = -1 };
    begin(p, sum);
    saga_exported_walk(p->exported, p->lane->file, p->lane->lane, p->faults, take_line, p);
    saga_audit_end(p->audit, p->lane->to_end);
    compare_with_manifest(p);
    sum->gaps += p->gaps;
    saga_audit_sum_add(sum, p->audit, p->lane->lane, p->call->arena);
    saga_audit_free(p->audit);
}

int saga_audit_folder(struct saga_call *call, const struct saga_exported *exported,
                      const struct saga_anchors *anchors, struct saga_faults *faults,
                      struct saga_audit_sum *ret)
{
    struct proving p = { .call = call, .exported = exported, .faults = faults };
    p.definitions = (struct saga_audit_definitions){ .call = call,
                                                     .faults = faults,
                                                     .place = exported->definitions };
    *ret = (struct saga_audit_sum){ 0 };
    saga_arena_init(&p.arena);
    saga_exported_walk(exported, exported->definitions, -1, faults, take_definition, &p);
    int code = saga_audit_definitions_load(&p.definitions);
    ret->definitions = p.definitions.deployment.count;
    for (size_t i = 0; i < exported->count && code == SAGA_EXIT_DONE; i++) {
        p.lane = &exported->items[i];
        prove_lane(&p, anchors, ret);
    }
    saga_catalog_free(p.definitions.catalog);
    saga_arena_free(&p.arena);
    return code;
}
