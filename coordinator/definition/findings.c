#include "definition/findings.h"

#include <strings.h>

#include "schema/schemas.h"

const struct saga_finding_kind saga_finding_kinds[SAGA_FINDING_COUNT] = {
    [SAGA_FINDING_NO_YAML] = { "SG001", SAGA_SEVERITY_ERROR, "the file is no YAML of a definition",
                               "what the file means cannot be told for certain",
                               "look for a wrong indentation, a quote or bracket that does not "
                               "end, or a text with `: ` in it that needs quotes" },
    [SAGA_FINDING_NO_FILE] = { "SG002", SAGA_SEVERITY_ERROR, "the file cannot be read",
                               "there is nothing to check", "look at its name and its rights" },
    [SAGA_FINDING_UNKNOWN_FIELD] = { "SG101", SAGA_SEVERITY_ERROR, "unknown field",
                                     "what is not known would be ignored, and the saga would not "
                                     "do what the file says",
                                     "correct the name or take the field out" },
    [SAGA_FINDING_WRONG_VALUE] = { "SG102", SAGA_SEVERITY_ERROR, "wrong type or value",
                                   "the field cannot mean anything with this value",
                                   "write a value of the kind that the field takes: "
                                   "sagas/README.md "
                                   "has all fields" },
    [SAGA_FINDING_LACKING] = { "SG103", SAGA_SEVERITY_ERROR, "a required field is missing",
                               "without it the saga cannot run", "add the field" },
    [SAGA_FINDING_STEP_TWICE] = { "SG104", SAGA_SEVERITY_ERROR, "two steps of one name",
                                  "ids of commands are made of the step's name: two steps would "
                                  "send commands with one id",
                                  "give one of them another name" },
    [SAGA_FINDING_NO_PARTICIPANT] = { "SG105", SAGA_SEVERITY_ERROR, "unknown participant",
                                      "nobody knows on which topic its commands go",
                                      "name it under `participants`, with its topics" },
    [SAGA_FINDING_NO_NAME] = { "SG107", SAGA_SEVERITY_ERROR, "not a valid name",
                               "names become part of ids, headers, topics and Redis keys",
                               "use letters, digits and hyphens" },
    [SAGA_FINDING_LIMIT] = { "SG108", SAGA_SEVERITY_ERROR, "over a limit",
                             "everything has a limit, so that one file cannot stop the others",
                             "make it smaller, or split the saga" },
    [SAGA_FINDING_TOPIC_CLASH] = { "SG109", SAGA_SEVERITY_ERROR,
                                   "a topic for commands and for replies",
                                   "the coordinator would read its own commands as replies",
                                   "give commands and replies a topic each" },
    [SAGA_FINDING_FIELD_TWICE] = { "SG110", SAGA_SEVERITY_ERROR, "a field is written twice",
                                   "only one of the two could count", "take one of them out" },
    [SAGA_FINDING_SCHEDULE] = { "SG111", SAGA_SEVERITY_ERROR, "not a schedule",
                                "nobody could tell when the saga is started",
                                "five fields, as in \"0 6 * * 1-5\": minute, hour, day of the "
                                "month, month, day of the week" },
    [SAGA_FINDING_ZONE] = { "SG112", SAGA_SEVERITY_ERROR, "unknown time zone",
                            "the times of the schedule mean nothing without the clock that shows "
                            "them",
                            "use UTC, or a name of the IANA database as in Europe/Berlin (is "
                            "tzdata installed?)" },
    [SAGA_FINDING_EXPRESSION] = { "SG201", SAGA_SEVERITY_ERROR, "an expression that cannot be used",
                                  "it is evaluated for every saga and must never surprise",
                                  "try it with jq on the command line" },
    [SAGA_FINDING_NO_STEP] = { "SG202", SAGA_SEVERITY_ERROR,
                               "an expression reads a step that does not exist",
                               "its value would always be null", "correct the name of the step" },
    [SAGA_FINDING_STEP_LATER] = { "SG203", SAGA_SEVERITY_ERROR,
                                  "an expression reads a step that has not run there",
                                  "its value would always be null",
                                  "read an earlier step, or move this one behind it" },
    [SAGA_FINDING_NOT_HERE] = { "SG204", SAGA_SEVERITY_ERROR,
                                "an expression reads what is not there at this place",
                                "its value would always be null", "read it where it is there" },
    [SAGA_FINDING_NO_MEMBER] = { "SG205", SAGA_SEVERITY_ERROR,
                                 "an expression reads an unknown name",
                                 "its value would always be null",
                                 "an expression sees .input, .steps, .vars and .saga" },
    [SAGA_FINDING_STEP_PERHAPS] = { "SG206", SAGA_SEVERITY_WARNING,
                                    "an expression reads a step that may not have run",
                                    "on some ways its value is null",
                                    "say what to take then, as in (.steps.pay.id // \"none\"), or "
                                    "`?` where null will do" },
    [SAGA_FINDING_NO_WAY_BACK] = { "SG301", SAGA_SEVERITY_ERROR,
                                   "a step does not say how it is compensated",
                                   "when a later step fails, what this one did would stay done",
                                   "add `compensate: {send: participant/Command}`, or write "
                                   "`compensate: none` to say that there is nothing to take back" },
    [SAGA_FINDING_SECOND_PIVOT] = { "SG302", SAGA_SEVERITY_ERROR, "a second pivot",
                                    "behind the first one there is no way back any more",
                                    "keep the one that decides, take the other out" },
    [SAGA_FINDING_NEVER_COMPENSATED] = { "SG303", SAGA_SEVERITY_ERROR,
                                         "a compensation that would never run",
                                         "once the pivot succeeded the saga only goes forward, and "
                                         "a pivot that did not succeed did nothing",
                                         "take `compensate` out, or move the pivot" },
    [SAGA_FINDING_FAILS_BEHIND_PIVOT] = { "SG304", SAGA_SEVERITY_WARNING,
                                          "a step behind the pivot can fail",
                                          "there is no way back: the saga would be stuck until an "
                                          "operator acts",
                                          "let the service answer Unavailable, so that the step is "
                                          "tried again until it succeeds" },
    [SAGA_FINDING_NEEDS_OWN_REPLY] = { "SG305", SAGA_SEVERITY_ERROR,
                                       "a compensation needs a reply that may never have come",
                                       "when no answer came in time the step's outcome is unknown: "
                                       "it is compensated, and there is no reply to read",
                                       "give another body under `compensate.unknown-body`, or say "
                                       "`unknown: by-key` on the step when its service finds what "
                                       "to undo by the header ce_sagacompensates" },
    [SAGA_FINDING_FAIL_BLOCK] = { "SG306", SAGA_SEVERITY_ERROR,
                                  "the saga would fail behind its pivot",
                                  "once the pivot succeeded there is no way back: nothing "
                                  "could be compensated",
                                  "move `fail` before the pivot, or take it out" },
    [SAGA_FINDING_NEVER_REACHED] = { "SG307", SAGA_SEVERITY_ERROR, "a block is never reached",
                                     "it looks as if it would run, but no saga comes there",
                                     "take it out, or what ends the saga before it" },
    [SAGA_FINDING_PIVOT_IN_LOOP] = { "SG308", SAGA_SEVERITY_ERROR, "a pivot in a loop",
                                     "it would be done several times, and what an earlier round "
                                     "decided cannot be taken back",
                                     "move it behind the loop" },
    [SAGA_FINDING_PIVOT_BESIDE] = { "SG309", SAGA_SEVERITY_ERROR,
                                    "a pivot beside steps that may have to be taken back",
                                    "when it succeeds and then the other branch fails, there is no "
                                    "way back and none forward",
                                    "move the pivot behind the `parallel`" },
    [SAGA_FINDING_PIVOT_CAUGHT] = { "SG310", SAGA_SEVERITY_ERROR,
                                    "a saga goes on where its pivot failed",
                                    "what stands behind the pivot counts on its being done",
                                    "let every way of its `catch` end in `fail`" },
    [SAGA_FINDING_GIVES_UP] = { "SG311", SAGA_SEVERITY_WARNING, "a block behind the pivot gives up",
                                "there is no way back: the saga would be stuck until an operator "
                                "acts",
                                "take the bound out, or say what happens then" },
    [SAGA_FINDING_FAILS_PERHAPS] = { "SG312", SAGA_SEVERITY_WARNING,
                                     "`fail` may stand behind a pivot",
                                     "on the ways on which the pivot was done nothing can be "
                                     "compensated: the saga would be stuck there",
                                     "move `fail` to where the pivot was not done" },
    [SAGA_FINDING_TYPE_CLASH] = { "SG401", SAGA_SEVERITY_ERROR,
                                  "a reply type is a success and a failure",
                                  "the answer would mean both", "take it out of one of the two" },
    [SAGA_FINDING_RETRY_CLASH] = { "SG402", SAGA_SEVERITY_ERROR,
                                   "a reply type is an answer and a reason to try again",
                                   "the answer would end the step and repeat it",
                                   "take it out of `retry.on`, or out of `success` and `failure`" },
    [SAGA_FINDING_NEVER_CAUGHT] = { "SG403", SAGA_SEVERITY_ERROR,
                                    "a failure is caught that never comes",
                                    "it looks as if it would be dealt with, but nobody sends it",
                                    "name it under `failure` too, or take it out of `catch`" },
    [SAGA_FINDING_NO_ELSE] = { "SG404", SAGA_SEVERITY_WARNING, "`choose` without `else`",
                               "where no `when` is true the saga goes on without any of them",
                               "add `- else: [...]`; `- else: []` says that nothing is to be "
                               "done" },
    [SAGA_FINDING_NO_SUCH_ERROR] = { "SG405", SAGA_SEVERITY_WARNING,
                                     "an error is asked for that nothing fails with",
                                     "the comparison is never true",
                                     "correct the type, or name it under `failure`" },
    [SAGA_FINDING_NOBODY_HANDLES] = { "SG406", SAGA_SEVERITY_WARNING,
                                      "an answer that a step does not know",
                                      "the answer would change nothing: the step would run out of "
                                      "time, and be compensated as unknown",
                                      "name it under `failure` here too" },
    [SAGA_FINDING_AWAITS_FOR_EVER] = { "SG501", SAGA_SEVERITY_WARNING,
                                       "an event may be awaited for ever",
                                       "an event that never comes would keep the saga for ever",
                                       "add `timeout:`, or give the saga a `deadline`" },
    [SAGA_FINDING_WAITS_FOR_EVER] = { "SG502", SAGA_SEVERITY_WARNING,
                                      "`wait-until` may wait for ever",
                                      "the time comes from outside and may be a thousand years "
                                      "away",
                                      "give the saga a `deadline`" },
    [SAGA_FINDING_CHILD_FOR_EVER] = { "SG503", SAGA_SEVERITY_WARNING,
                                      "a child may be waited for for ever",
                                      "a child that hangs would keep its parent for ever",
                                      "give one of the two a `deadline`" },
    [SAGA_FINDING_NO_BOUND] = { "SG601", SAGA_SEVERITY_ERROR, "`repeat` without a bound",
                                "a condition that never becomes true would repeat for ever",
                                "add `at-most:`, the rounds after which it has failed" },
    [SAGA_FINDING_RING] = { "SG602", SAGA_SEVERITY_ERROR, "sagas that start each other in a ring",
                            "each would start one more, without end", "take one of the calls out" },
    [SAGA_FINDING_NO_CHILD] = { "SG603", SAGA_SEVERITY_WARNING, "an unknown child saga",
                                "where no such saga is deployed the block fails with NoSuchSaga",
                                "give its file too, or deploy it first" },
    [SAGA_FINDING_CHILD_PIVOT] = { "SG604", SAGA_SEVERITY_WARNING,
                                   "a child with a pivot before the parent's",
                                   "once the child has its pivot behind it, it cannot be taken "
                                   "back: "
                                   "a parent that is compensated then is stuck on it",
                                   "move the child behind the parent's pivot, or make the parent's "
                                   "last doubtful step come before it" },
    [SAGA_FINDING_CHILD_TWICE] = { "SG605", SAGA_SEVERITY_WARNING,
                                   "a child in a loop under one key",
                                   "the second round would fail with AlreadyExists",
                                   "make the key from .item or .index, or leave it out" },
    [SAGA_FINDING_SCHEMA] = { SAGA_SCHEMA_FINDING, SAGA_SEVERITY_ERROR,
                              "a schema file that cannot be used",
                              "a body whose schema is not known can be neither read nor written",
                              "mend the file, or take it out of the folder" },
    [SAGA_FINDING_NO_SCHEMA] = { "SG702", SAGA_SEVERITY_ERROR,
                                 "a message type that is written has no schema",
                                 "its body could not be made, and the saga would fail there",
                                 "put the schema into the folder of schemas (--schemas), and for "
                                 "`format: avro` its id into registry.yaml there" },
    [SAGA_FINDING_READ_WITHOUT_SCHEMA] = { "SG703", SAGA_SEVERITY_WARNING,
                                           "a message type that is read has no schema",
                                           "what comes in Avro without a known schema goes to the "
                                           "dead letters",
                                           "put the schema into the folder of schemas "
                                           "(--schemas)" },
    [SAGA_FINDING_BODY_MISFIT] = { "SG704", SAGA_SEVERITY_ERROR, "a body does not fit its schema",
                                   "it could not be made, and the saga would fail there",
                                   "give the body the members that the record has" },
    [SAGA_FINDING_VERSION_CLASH] = { "SG801", SAGA_SEVERITY_ERROR, "one version with two contents",
                                     "running sagas go by the version: which content they are on "
                                     "could not be told",
                                     "give the new one another `version`" },
    [SAGA_FINDING_REDACTED_IN_THE_OPEN] = { "SG901", SAGA_SEVERITY_ERROR,
                                            "what is redacted is read where it would be in the "
                                            "open",
                                            "keys and search values are parts of names and cannot "
                                            "be encrypted or forgotten",
                                            "use an id that says nothing of a person" },
    [SAGA_FINDING_REDACTED_ELSEWHERE] = { "SG902", SAGA_SEVERITY_ERROR,
                                          "a saga that redacts shares its values with another",
                                          "what another saga or an awaited event's entry keeps is "
                                          "not under this saga's key, and would not be forgotten",
                                          "do that part in a saga without `redact`, started by an "
                                          "event that holds an id only" },
};

const struct saga_finding_kind *saga_finding_kind(struct saga_slice code)
{
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++)
        if (code.size == 5 && strncasecmp(saga_finding_kinds[i].code, code.data, 5) == 0)
            return &saga_finding_kinds[i];
    return NULL;
}
