/* Reading a lane's journal past records that are none of it. Everybody who may write to the topic can put one there, and Kafka
 * takes no single record out again: it must not hold up the lane's snapshots, nor its rebuild, for ever. It is no part of
 * the chain, as the coordinator that wrote the next record knew nothing of it. What is written as the journal's records are
 * (C3 01) and cannot be read is not passed over: it may be of a newer version, or altered. */
#include "base/mutation.h"
#include "runtime/worker_internal.h"

enum { TELL_MS = 10000 };

static void pass_over(struct saga_worker *w, const struct saga_message *message)
{
    SAGA_COUNT(w, foreign, 1);
    saga_log_seldom(&w->last_foreign_ms, TELL_MS, SAGA_LOG_WARNING,
                    "a record in the journal is none of the coordinator's: it is passed over",
                    "lane=%d offset=%lld mend=\"give nobody else the right to write to "
                    "the topic; `saga audit verify` names all of them\"",
                    (int)message->partition, (long long)message->offset);
}

int saga_worker_read_journal(struct saga_worker *w, size_t max, struct saga_bus_records *ret)
{
    int error = saga_worker_read(w, max, ret);
    size_t kept = 0;
    if (error < 0) return error;
    for (size_t i = 0; i < ret->count; i++)
        if (saga_codec_is_encoded(ret->items[i].value) || SAGA_WITHOUT(FOREIGN_RECORDS))
            ret->items[kept++] = ret->items[i];
        else
            pass_over(w, &ret->items[i]);
    ret->count = kept;
    return SAGA_OK;
}
