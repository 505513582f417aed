/* Proving an export without a connection. */
#ifndef SAGA_OPERATE_AUDIT_FOLDER_H
#define SAGA_OPERATE_AUDIT_FOLDER_H

#include "operate/audit.h"
#include "operate/exported.h"

/* Proves each lane of the export. Codec and schemas of the call are there; `anchors` may be NULL. */
int saga_audit_folder(struct saga_call *call, const struct saga_exported *exported,
                      const struct saga_anchors *anchors, struct saga_faults *faults,
                      struct saga_audit_sum *ret);

#endif
