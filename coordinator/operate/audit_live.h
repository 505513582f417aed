/* Proving the journal as it is in Kafka, and what Redis and the snapshots say against it. */
#ifndef SAGA_OPERATE_AUDIT_LIVE_H
#define SAGA_OPERATE_AUDIT_LIVE_H

#include "operate/audit.h"

/* Proves every lane. The call's settings are read; `anchors` may be NULL. Without `with_redis`, that is not asked.
 * `*ret_cut`: lanes whose journal begins late. An exit code, words said; faults are no failure here. */
int saga_audit_live(struct saga_call *call, bool with_redis, const struct saga_anchors *anchors,
                    struct saga_faults *faults, struct saga_audit_sum *ret, unsigned *ret_cut);

#endif
