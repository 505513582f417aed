/* Every kind of finding that a definition can have: one table of stable codes. A code that was
 * published keeps its meaning; a new kind takes a new number. */
#ifndef SAGA_DEFINITION_FINDINGS_H
#define SAGA_DEFINITION_FINDINGS_H

#include <stddef.h>

#include "base/diagnostic.h"

enum saga_finding {
    SAGA_FINDING_NO_YAML,
    SAGA_FINDING_NO_FILE,
    SAGA_FINDING_UNKNOWN_FIELD,
    SAGA_FINDING_WRONG_VALUE,
    SAGA_FINDING_LACKING,
    SAGA_FINDING_STEP_TWICE,
    SAGA_FINDING_NO_PARTICIPANT,
    SAGA_FINDING_NO_NAME,
    SAGA_FINDING_LIMIT,
    SAGA_FINDING_TOPIC_CLASH,
    SAGA_FINDING_FIELD_TWICE,
    SAGA_FINDING_SCHEDULE,
    SAGA_FINDING_ZONE,
    SAGA_FINDING_EXPRESSION,
    SAGA_FINDING_NO_STEP,
    SAGA_FINDING_STEP_LATER,
    SAGA_FINDING_NOT_HERE,
    SAGA_FINDING_NO_MEMBER,
    SAGA_FINDING_STEP_PERHAPS,
    SAGA_FINDING_NO_WAY_BACK,
    SAGA_FINDING_SECOND_PIVOT,
    SAGA_FINDING_NEVER_COMPENSATED,
    SAGA_FINDING_FAILS_BEHIND_PIVOT,
    SAGA_FINDING_NEEDS_OWN_REPLY,
    SAGA_FINDING_FAIL_BLOCK,
    SAGA_FINDING_NEVER_REACHED,
    SAGA_FINDING_PIVOT_IN_LOOP,
    SAGA_FINDING_PIVOT_BESIDE,
    SAGA_FINDING_PIVOT_CAUGHT,
    SAGA_FINDING_GIVES_UP,
    SAGA_FINDING_FAILS_PERHAPS,
    SAGA_FINDING_TYPE_CLASH,
    SAGA_FINDING_RETRY_CLASH,
    SAGA_FINDING_NEVER_CAUGHT,
    SAGA_FINDING_NO_ELSE,
    SAGA_FINDING_NO_SUCH_ERROR,
    SAGA_FINDING_NOBODY_HANDLES,
    SAGA_FINDING_AWAITS_FOR_EVER,
    SAGA_FINDING_WAITS_FOR_EVER,
    SAGA_FINDING_CHILD_FOR_EVER,
    SAGA_FINDING_NO_BOUND,
    SAGA_FINDING_RING,
    SAGA_FINDING_NO_CHILD,
    SAGA_FINDING_CHILD_PIVOT,
    SAGA_FINDING_CHILD_TWICE,
    SAGA_FINDING_SCHEMA,
    SAGA_FINDING_NO_SCHEMA,
    SAGA_FINDING_READ_WITHOUT_SCHEMA,
    SAGA_FINDING_BODY_MISFIT,
    SAGA_FINDING_VERSION_CLASH,
    SAGA_FINDING_REDACTED_IN_THE_OPEN,
    SAGA_FINDING_REDACTED_ELSEWHERE,
    SAGA_FINDING_COUNT
};

struct saga_finding_kind {
    const char *code; /* "SG101" */
    enum saga_severity severity;
    const char *title; /* a few words */
    const char *why;   /* why it matters, one sentence */
    const char *mend;  /* what to do where the place itself knows nothing better */
};

/* By enum saga_finding, in the order of their codes. */
extern const struct saga_finding_kind saga_finding_kinds[SAGA_FINDING_COUNT];

/* The kind of a code as people type it ("SG101", "sg101"), NULL if there is none. */
const struct saga_finding_kind *saga_finding_kind(struct saga_slice code);

#endif
