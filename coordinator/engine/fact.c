#include "engine/fact.h"

#define FIELD(member, json_name, kind)                                                             \
    {                                                                                              \
        json_name, kind, offsetof(struct saga_fact, member)                                        \
    }
#define FIELDS(array) (array), sizeof(array) / sizeof((array)[0])

/* Fields that many kinds share. */
#define STEP FIELD(step, "step", SAGA_FIELD_STRING)
#define ATTEMPT FIELD(attempt, "attempt", SAGA_FIELD_INT)
#define TOPIC FIELD(topic, "topic", SAGA_FIELD_STRING)
#define TYPE FIELD(type, "type", SAGA_FIELD_STRING)
#define REPLY_TOPIC FIELD(reply_topic, "replyTopic", SAGA_FIELD_STRING)
#define VALUE                                                                                      \
    FIELD(value, "value", SAGA_FIELD_BYTES),                                                       \
        FIELD(value_from_cause, "valueFromCause", SAGA_FIELD_BOOL)
#define DUE FIELD(due_ms, "due", SAGA_FIELD_TIME)
#define REASON FIELD(reason, "reason", SAGA_FIELD_STRING)
#define MESSAGE FIELD(message, "message", SAGA_FIELD_STRING)
#define NAME FIELD(name, "name", SAGA_FIELD_STRING)
#define TEXT FIELD(text, "text", SAGA_FIELD_STRING)
#define PIVOT FIELD(pivot, "pivot", SAGA_FIELD_BOOL)
#define PLACE                                                                                      \
    FIELD(scope, "scope", SAGA_FIELD_INT), FIELD(block, "block", SAGA_FIELD_INT),                  \
        FIELD(position, "position", SAGA_FIELD_INT)

#define SCOPE FIELD(scope, "scope", SAGA_FIELD_INT)
#define INDEX FIELD(index, "index", SAGA_FIELD_INT)
#define ID FIELD(id, "id", SAGA_FIELD_STRING)
#define RUN FIELD(run, "run", SAGA_FIELD_STRING)
#define TARGET FIELD(target, "target", SAGA_FIELD_STRING)
#define VERSION FIELD(version, "version", SAGA_FIELD_INT)
#define SHA256 FIELD(sha256, "sha256", SAGA_FIELD_STRING)

static const struct saga_fact_field lane_opened[] = {
    FIELD(lanes, "lanes", SAGA_FIELD_INT), TEXT, /* the journal's id */
};
static const struct saga_fact_field saga_started[] = {
    ID,
    RUN,
    FIELD(key, "key", SAGA_FIELD_STRING),
    NAME,
    VERSION,
    SHA256,
    TEXT, /* trace id */
    VALUE,
    DUE,
    FIELD(parent_id, "parentId", SAGA_FIELD_STRING),
    FIELD(parent_run, "parentRun", SAGA_FIELD_STRING),
    FIELD(parent_step, "parentStep", SAGA_FIELD_STRING),
};
static const struct saga_fact_field search_value_set[] = { NAME, TEXT };
static const struct saga_fact_field step_sent[] = { STEP, PLACE,       ATTEMPT, PIVOT, TOPIC,
                                                    TYPE, REPLY_TOPIC, VALUE,   DUE };
static const struct saga_fact_field retry_scheduled[] = { STEP, ATTEMPT, REASON, MESSAGE, DUE };
static const struct saga_fact_field step_succeeded[] = { STEP, ATTEMPT, TYPE, VALUE };
static const struct saga_fact_field step_failed[] = { STEP, ATTEMPT, TYPE, MESSAGE };
static const struct saga_fact_field attempt_ended[] = { STEP, ATTEMPT };
static const struct saga_fact_field step_skipped[] = { STEP, PLACE };
static const struct saga_fact_field error_only[] = { STEP, TYPE, MESSAGE };
static const struct saga_fact_field step_only[] = { STEP };
static const struct saga_fact_field compensation_sent[] = { STEP,        ATTEMPT, TOPIC, TYPE,
                                                            REPLY_TOPIC, VALUE,   DUE };
static const struct saga_fact_field compensation_succeeded[] = { STEP, ATTEMPT, TYPE };
static const struct saga_fact_field saga_stuck[] = {
    FIELD(stuck_on, "on", SAGA_FIELD_STUCK_ON),
    STEP,
    SCOPE,
    MESSAGE,
};
static const struct saga_fact_field saga_continued[] = {
    FIELD(status, "status", SAGA_FIELD_STATUS),
    REASON,
};
static const struct saga_fact_field timer_held[] = { NAME };
static const struct saga_fact_field timer_armed[] = { NAME, DUE };
static const struct saga_fact_field event_published[] = { STEP, PLACE, TOPIC, TYPE, VALUE };
static const struct saga_fact_field variables_set[] = { STEP, PLACE, VALUE };
static const struct saga_fact_field wait_started[] = { STEP, PLACE, DUE };
static const struct saga_fact_field block_passed[] = { STEP, PLACE, REASON };
static const struct saga_fact_field branch_started[] = { STEP, PLACE, INDEX };
static const struct saga_fact_field loop_started[] = {
    STEP,
    PLACE,
    FIELD(total, "total", SAGA_FIELD_INT),
    VALUE,
};
static const struct saga_fact_field branch_ended[] = { SCOPE };
static const struct saga_fact_field due_only[] = { DUE };
static const struct saga_fact_field await_opened[] = { STEP, PLACE,  ATTEMPT, TOPIC,
                                                       TYPE, TARGET, DUE };
static const struct saga_fact_field child_started[] = { STEP, PLACE, ATTEMPT, NAME, TARGET };
static const struct saga_fact_field note_sent[] = {
    FIELD(note, "note", SAGA_FIELD_NOTE),
    ID,
    RUN,
    STEP,
    FIELD(from_step, "fromStep", SAGA_FIELD_STRING),
    TYPE,
    TEXT, /* the event's id */
    VALUE,
};
static const struct saga_fact_field entry_started[] = {
    FIELD(entry, "entry", SAGA_FIELD_ENTRY), ID, RUN, FIELD(key, "key", SAGA_FIELD_STRING), NAME,
};
static const struct saga_fact_field waiter_added[] = { ID, RUN, STEP };
static const struct saga_fact_field waiter_removed[] = { ID, RUN, STEP, REASON };
static const struct saga_fact_field event_kept[] = { TEXT, TYPE, VALUE, DUE };
static const struct saga_fact_field event_offered[] = { TEXT, ID, RUN, STEP };
static const struct saga_fact_field event_only[] = { TEXT };
static const struct saga_fact_field event_dropped[] = { TEXT, REASON };
static const struct saga_fact_field schedule_set[] = { VERSION, SHA256, DUE };
static const struct saga_fact_field schedule_ticked[] = {
    TEXT, /* the tick's time */
    REASON,
    FIELD(total, "missed", SAGA_FIELD_INT),
    DUE,
};
static const struct saga_fact_field schedule_ended[] = { VERSION, SHA256 };
static const struct saga_fact_field ended[] = { REASON, DUE };
static const struct saga_fact_field reason_message[] = { REASON, MESSAGE };
static const struct saga_fact_field reply_ignored[] = { STEP, ATTEMPT, REASON, MESSAGE };

const struct saga_fact_type saga_fact_types[SAGA_FACT_KIND_COUNT] = {
    [SAGA_FACT_LANE_OPENED] = { "LaneOpened", FIELDS(lane_opened) },
    [SAGA_FACT_SAGA_STARTED] = { "SagaStarted", FIELDS(saga_started) },
    [SAGA_FACT_SEARCH_VALUE_SET] = { "SearchValueSet", FIELDS(search_value_set) },
    [SAGA_FACT_STEP_SENT] = { "StepSent", FIELDS(step_sent) },
    [SAGA_FACT_STEP_RETRY_SCHEDULED] = { "StepRetryScheduled", FIELDS(retry_scheduled) },
    [SAGA_FACT_STEP_SUCCEEDED] = { "StepSucceeded", FIELDS(step_succeeded) },
    [SAGA_FACT_STEP_FAILED] = { "StepFailed", FIELDS(step_failed) },
    [SAGA_FACT_STEP_UNKNOWN] = { "StepUnknown", FIELDS(step_failed) },
    [SAGA_FACT_STEP_SKIPPED] = { "StepSkipped", FIELDS(step_skipped) },
    [SAGA_FACT_COMPENSATION_DEFERRED] = { "CompensationDeferred", FIELDS(error_only) },
    [SAGA_FACT_COMPENSATION_DROPPED] = { "CompensationDropped", NULL, 0 },
    [SAGA_FACT_COMPENSATION_STARTED] = { "CompensationStarted", FIELDS(error_only) },
    [SAGA_FACT_COMPENSATION_SENT] = { "CompensationSent", FIELDS(compensation_sent) },
    [SAGA_FACT_COMPENSATION_RETRY_SCHEDULED] = { "CompensationRetryScheduled",
                                                 FIELDS(retry_scheduled) },
    [SAGA_FACT_COMPENSATION_SUCCEEDED] = { "CompensationSucceeded",
                                           FIELDS(compensation_succeeded) },
    [SAGA_FACT_COMPENSATION_FAILED] = { "CompensationFailed", FIELDS(step_failed) },
    [SAGA_FACT_COMPENSATION_EXHAUSTED] = { "CompensationExhausted", FIELDS(attempt_ended) },
    [SAGA_FACT_COMPENSATION_SKIPPED] = { "CompensationSkipped", FIELDS(step_only) },
    [SAGA_FACT_COMPENSATION_NOT_NEEDED] = { "CompensationNotNeeded", FIELDS(step_only) },
    [SAGA_FACT_SAGA_STUCK] = { "SagaStuck", FIELDS(saga_stuck) },
    [SAGA_FACT_SAGA_CONTINUED] = { "SagaContinued", FIELDS(saga_continued) },
    [SAGA_FACT_SAGA_PAUSED] = { "SagaPaused", NULL, 0 },
    [SAGA_FACT_SAGA_UNPAUSED] = { "SagaUnpaused", NULL, 0 },
    [SAGA_FACT_TIMER_HELD] = { "TimerHeld", FIELDS(timer_held) },
    [SAGA_FACT_TIMER_ARMED] = { "TimerArmed", FIELDS(timer_armed) },
    [SAGA_FACT_EVENT_PUBLISHED] = { "EventPublished", FIELDS(event_published) },
    [SAGA_FACT_VARIABLES_SET] = { "VariablesSet", FIELDS(variables_set) },
    [SAGA_FACT_WAIT_STARTED] = { "WaitStarted", FIELDS(wait_started) },
    [SAGA_FACT_BLOCK_PASSED] = { "BlockPassed", FIELDS(block_passed) },
    [SAGA_FACT_BRANCH_STARTED] = { "BranchStarted", FIELDS(branch_started) },
    [SAGA_FACT_LOOP_STARTED] = { "LoopStarted", FIELDS(loop_started) },
    [SAGA_FACT_BRANCH_ENDED] = { "BranchEnded", FIELDS(branch_ended) },
    [SAGA_FACT_GOES_ON_LATER] = { "GoesOnLater", FIELDS(due_only) },
    [SAGA_FACT_AWAIT_OPENED] = { "AwaitOpened", FIELDS(await_opened) },
    [SAGA_FACT_AWAIT_CLOSED] = { "AwaitClosed", FIELDS(step_only) },
    [SAGA_FACT_CHILD_STARTED] = { "ChildStarted", FIELDS(child_started) },
    [SAGA_FACT_NOTE_SENT] = { "NoteSent", FIELDS(note_sent) },
    [SAGA_FACT_NOTE_IGNORED] = { "NoteIgnored", FIELDS(reason_message) },
    [SAGA_FACT_DEADLINE_PASSED] = { "DeadlinePassed", NULL, 0 },
    [SAGA_FACT_SAGA_COMPLETED] = { "SagaCompleted", FIELDS(ended) },
    [SAGA_FACT_SAGA_COMPENSATED] = { "SagaCompensated", FIELDS(ended) },
    [SAGA_FACT_SAGA_ABANDONED] = { "SagaAbandoned", FIELDS(ended) },
    [SAGA_FACT_SAGA_FORGOTTEN] = { "SagaForgotten", NULL, 0 },
    [SAGA_FACT_CHILD_RELEASED] = { "ChildReleased", FIELDS(due_only) },
    [SAGA_FACT_ENTRY_STARTED] = { "EntryStarted", FIELDS(entry_started) },
    [SAGA_FACT_WAITER_ADDED] = { "WaiterAdded", FIELDS(waiter_added) },
    [SAGA_FACT_WAITER_REMOVED] = { "WaiterRemoved", FIELDS(waiter_removed) },
    [SAGA_FACT_EVENT_KEPT] = { "EventKept", FIELDS(event_kept) },
    [SAGA_FACT_EVENT_OFFERED] = { "EventOffered", FIELDS(event_offered) },
    [SAGA_FACT_EVENT_TAKEN] = { "EventTaken", FIELDS(event_only) },
    [SAGA_FACT_EVENT_RETURNED] = { "EventReturned", FIELDS(event_only) },
    [SAGA_FACT_EVENT_DROPPED] = { "EventDropped", FIELDS(event_dropped) },
    [SAGA_FACT_SCHEDULE_SET] = { "ScheduleSet", FIELDS(schedule_set) },
    [SAGA_FACT_SCHEDULE_TICKED] = { "ScheduleTicked", FIELDS(schedule_ticked) },
    [SAGA_FACT_SCHEDULE_ENDED] = { "ScheduleEnded", FIELDS(schedule_ended) },
    [SAGA_FACT_START_IGNORED] = { "StartIgnored", FIELDS(reason_message) },
    [SAGA_FACT_REPLY_IGNORED] = { "ReplyIgnored", FIELDS(reply_ignored) },
    [SAGA_FACT_TIMER_IGNORED] = { "TimerIgnored", FIELDS(reason_message) },
    [SAGA_FACT_OPERATOR_REFUSED] = { "OperatorRefused", FIELDS(reason_message) },
    [SAGA_FACT_OPERATOR_IGNORED] = { "OperatorIgnored", FIELDS(reason_message) },
};

bool saga_fact_ends_something(enum saga_fact_kind kind)
{
    switch (kind) {
    case SAGA_FACT_STEP_RETRY_SCHEDULED:
    case SAGA_FACT_STEP_SUCCEEDED:
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_STEP_UNKNOWN:
    case SAGA_FACT_STEP_SKIPPED:
    case SAGA_FACT_AWAIT_CLOSED:
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED:
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
    case SAGA_FACT_COMPENSATION_FAILED:
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
    case SAGA_FACT_COMPENSATION_SKIPPED: return true;
    default: return false;
    }
}
