#include "definition/explanations.h"

#include <string.h>

#define WAYS "participants:\n  cash: { commands: cash.commands, replies: cash.replies }\n"
#define GO "start: { topic: orders, event: Placed, key: .id }\n"
#define TOP "saga: order\nversion: 1\n" WAYS GO

static const char head[] = TOP "steps:\n";
static const char tail[] =
    "steps:\n  - { step: pay, send: cash/Pay, success: Paid, compensate: none }\n";

struct saga_slice saga_explanation_files(const char *example, struct saga_arena *arena)
{
    bool steps = strncmp(example, "  - ", 4) == 0, several = strstr(example, "\n---\n") != NULL;
    return saga_arena_printf(arena, "%s%s%s", steps ? head : "", example,
                             steps || several ? "" : tail);
}

const struct saga_explanation saga_explanations[SAGA_FINDING_COUNT] = {
    [SAGA_FINDING_NO_YAML] = { "The text cannot be read as YAML, or it is YAML that a definition "
                               "must not be made of:\n"
                               "aliases and anchors, merges, tags, several documents, control "
                               "characters. These are\n"
                               "refused so that what stands in the file is what runs, and no few "
                               "lines can grow into\n"
                               "millions.\n",
                               "saga: order\nversion: \"1\nstart: x\n", TOP },
    [SAGA_FINDING_NO_FILE] = { "The file is not there, may not be read, or is larger than a "
                               "definition may be.\n",
                               NULL, NULL },
    [SAGA_FINDING_UNKNOWN_FIELD] = { "A field is not known at that place. It is never ignored: a "
                                     "`timout` that nobody reads\n"
                                     "would be a step without its timeout. Where a name is near, "
                                     "it is proposed.\n",
                                     "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                     "none, timout: 5s }\n",
                                     "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                     "none, timeout: 5s }\n" },
    [SAGA_FINDING_WRONG_VALUE] = { "The field is known, but its value is of another kind than it "
                                   "takes: a text where a\n"
                                   "duration is wanted, a list where a mapping is wanted.\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                   "none, timeout: soon }\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                   "none, timeout: 5s }\n" },
    [SAGA_FINDING_LACKING] = { "Something is missing without which the saga cannot run.\n",
                               "  - { step: pay, send: cash/Pay, compensate: none }\n",
                               "  - { step: pay, send: cash/Pay, success: Paid, compensate: none "
                               "}\n" },
    [SAGA_FINDING_STEP_TWICE] = { "The ids of commands are made of the step's name, and services "
                                  "use them to do each\n"
                                  "command once. Two steps of one name would send two commands "
                                  "with one id, and the\n"
                                  "service would take the second for a repetition of the first.\n",
                                  "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                  "none }\n"
                                  "  - { step: pay, send: cash/PayRest, success: Paid, compensate: "
                                  "none }\n",
                                  "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                  "none }\n"
                                  "  - { step: pay-rest, send: cash/PayRest, success: Paid, "
                                  "compensate: none }\n" },
    [SAGA_FINDING_NO_PARTICIPANT] = { "`send: participant/Command` names a participant that the "
                                      "file does not list, so nobody\n"
                                      "knows on which topic the command goes and where its answer "
                                      "comes.\n",
                                      "  - { step: pay, send: cahs/Pay, success: Paid, compensate: "
                                      "none }\n",
                                      "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                      "none }\n" },
    [SAGA_FINDING_NO_NAME] = { "Names of sagas, participants and steps are lower-case letters, "
                               "digits and hyphens; types\n"
                               "of messages are letters, digits, dots, hyphens and underscores, "
                               "and begin with a letter.\n"
                               "They become part of ids, headers, topics and Redis keys. "
                               "`compensate` is no name of a\n"
                               "step: the word tells a compensation's id from a command's.\n",
                               "  - { step: Pay Now, send: cash/Pay, success: Paid, compensate: "
                               "none }\n",
                               "  - { step: pay-now, send: cash/Pay, success: Paid, compensate: "
                               "none }\n" },
    [SAGA_FINDING_LIMIT] = { "Everything has a limit, so that one file or one saga cannot stop the "
                             "others: blocks of a\n"
                             "definition, types in a list, bytes of an expression, starts, search "
                             "values, variables.\n",
                             "saga: order\nversion: 1\n" WAYS "start: []\n", TOP },
    [SAGA_FINDING_TOPIC_CLASH] = { "The coordinator reads every topic of replies. A topic that "
                                   "also takes commands would\n"
                                   "bring its own commands back to it as if they were answers.\n",
                                   "saga: order\nversion: 1\nparticipants:\n  cash: { commands: "
                                   "cash, replies: cash }\n" GO,
                                   TOP },
    [SAGA_FINDING_FIELD_TWICE] = { "A mapping names a field twice. YAML readers disagree which of "
                                   "the two counts.\n",
                                   "  - { step: pay, send: cash/Pay, send: cash/Try, success: "
                                   "Paid, compensate: none }\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                   "none }\n" },
    [SAGA_FINDING_SCHEDULE] = { "A schedule is `every: 1h`, or `cron` with five fields: minute, "
                                "hour, day of the month, month\n"
                                "and day of the week. It must come: the 30th of February never "
                                "does.\n",
                                "saga: order\nversion: 1\n" WAYS
                                "start: { cron: \"0 6 30 2 *\" }\n",
                                "saga: order\nversion: 1\n" WAYS
                                "start: { cron: \"0 6 28 2 *\" }\n" },
    [SAGA_FINDING_ZONE] = { "A time zone is UTC, or a name of the IANA database such as "
                            "Europe/Berlin, which the machine\n"
                            "has under /usr/share/zoneinfo. Abbreviations such as CEST are none: "
                            "they are one half of a zone.\n",
                            "saga: order\nversion: 1\n" WAYS
                            "start: { cron: \"0 6 * * *\", zone: CEST }\n",
                            "saga: order\nversion: 1\n" WAYS
                            "start: { cron: \"0 6 * * *\", zone: UTC }\n" },
    [SAGA_FINDING_EXPRESSION] = { "The expression does not compile, is too long, or uses what "
                                  "would make it give different\n"
                                  "values for the same saga: the clock, the environment, input, "
                                  "local time. A journal can\n"
                                  "only be proved when deciding again gives the same. For times "
                                  "there are .saga.started and\n"
                                  "the blocks `wait` and `wait-until`.\n",
                                  "  - { step: pay, send: cash/Pay, body: '{at: now}', success: "
                                  "Paid, compensate: none }\n",
                                  "  - { step: pay, send: cash/Pay, body: '{at: .saga.started}', "
                                  "success: Paid,\n"
                                  "      compensate: none }\n" },
    [SAGA_FINDING_NO_STEP] = { "`.steps.name` names a step that is not in the file.\n",
                               "  - { step: hold, send: cash/Hold, success: Held, compensate: none "
                               "}\n"
                               "  - { step: pay, send: cash/Pay, body: .steps.holds, success: "
                               "Paid, compensate: none }\n",
                               "  - { step: hold, send: cash/Hold, success: Held, compensate: none "
                               "}\n"
                               "  - { step: pay, send: cash/Pay, body: .steps.hold, success: Paid, "
                               "compensate: none }\n" },
    [SAGA_FINDING_STEP_LATER] = { "The step that the expression reads comes later, or is the step "
                                  "itself, so there is\n"
                                  "nothing to read when the expression is evaluated.\n",
                                  "  - { step: pay, send: cash/Pay, body: .steps.hold, success: "
                                  "Paid, compensate: none }\n"
                                  "  - { step: hold, send: cash/Hold, success: Held, compensate: "
                                  "none }\n",
                                  "  - { step: hold, send: cash/Hold, success: Held, compensate: "
                                  "none }\n"
                                  "  - { step: pay, send: cash/Pay, body: .steps.hold, success: "
                                  "Paid, compensate: none }\n" },
    [SAGA_FINDING_NOT_HERE] = { "Some members are there at some places only: .reply in `keep`, "
                                ".error in compensations and\n"
                                "in `on-compensated`, .vars behind a `set`.\n",
                                "  - { step: pay, send: cash/Pay, body: .reply.id, success: Paid, "
                                "compensate: none }\n",
                                "  - { step: pay, send: cash/Pay, keep: .reply.id, success: Paid, "
                                "compensate: none }\n" },
    [SAGA_FINDING_NO_MEMBER] = { "An expression sees .input, .steps, .vars and .saga, and at some "
                                 "places .reply and .error.\n"
                                 "A field of the event that started the saga is under .input. Of "
                                 ".vars it sees what a `set`\n"
                                 "before it has put there.\n",
                                 "  - { step: pay, send: cash/Pay, body: .orderId, success: Paid, "
                                 "compensate: none }\n",
                                 "  - { step: pay, send: cash/Pay, body: .input.orderId, success: "
                                 "Paid,\n"
                                 "      compensate: none }\n" },
    [SAGA_FINDING_STEP_PERHAPS] = { "The step that the expression reads runs on some ways to that "
                                    "place and not on others: it\n"
                                    "stands in a branch of `choose`, in a `catch` or `on-timeout`, "
                                    "or the saga may be compensated\n"
                                    "before it. Where it did not run its value is null. What "
                                    "thinks of that is not found: `//`,\n"
                                    "`?`, a comparison with ==, a condition of `if`, and all of "
                                    "`when` and `until`.\n",
                                    "  - choose:\n"
                                    "      - when: .input.total > 100\n"
                                    "        steps: [{ step: look, send: cash/Look, success: Seen, "
                                    "compensate: none }]\n"
                                    "      - else: []\n"
                                    "  - { step: pay, send: cash/Pay, body: .steps.look.id, "
                                    "success: Paid, compensate: none }\n",
                                    "  - choose:\n"
                                    "      - when: .input.total > 100\n"
                                    "        steps: [{ step: look, send: cash/Look, success: Seen, "
                                    "compensate: none }]\n"
                                    "      - else: []\n"
                                    "  - { step: pay, send: cash/Pay, body: .steps.look.id // 0, "
                                    "success: Paid, compensate: none }\n" },
    [SAGA_FINDING_NO_WAY_BACK] = { "Before the pivot every step may have to be taken back, because "
                                   "a later one may fail. The\n"
                                   "file says how, or says that there is nothing to take back. "
                                   "Silence is not enough: a\n"
                                   "forgotten compensation is found when it is too late.\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid }\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid, compensate: { "
                                   "send: cash/Refund } }\n" },
    [SAGA_FINDING_SECOND_PIVOT] = { "The pivot is the step behind which there is no way back. A "
                                    "second one on the same way\n"
                                    "would mean that the first is none.\n",
                                    "  - { step: pay, send: cash/Pay, success: Paid, pivot: true "
                                    "}\n"
                                    "  - { step: book, send: cash/Book, success: Booked, pivot: "
                                    "true }\n",
                                    "  - { step: pay, send: cash/Pay, success: Paid, pivot: true "
                                    "}\n"
                                    "  - { step: book, send: cash/Book, success: Booked }\n" },
    [SAGA_FINDING_NEVER_COMPENSATED] = { "Behind the pivot, and at the pivot itself, nothing is "
                                         "ever compensated: what stands in\n"
                                         "`compensate` there would look like a promise that nobody "
                                         "keeps.\n",
                                         "  - { step: pay, send: cash/Pay, success: Paid, pivot: "
                                         "true,\n"
                                         "      compensate: { send: cash/Refund } }\n",
                                         "  - { step: pay, send: cash/Pay, success: Paid, pivot: "
                                         "true }\n" },
    [SAGA_FINDING_FAILS_BEHIND_PIVOT] = { "Behind the pivot a failure cannot be undone by going "
                                          "back, so the saga would be stuck\n"
                                          "until an operator acts. Let the service answer "
                                          "Unavailable instead: the step is then\n"
                                          "tried again without end.\n",
                                          "  - { step: pay, send: cash/Pay, success: Paid, pivot: "
                                          "true }\n"
                                          "  - { step: mail, send: cash/Mail, success: Sent, "
                                          "failure: NotSent }\n",
                                          "  - { step: pay, send: cash/Pay, success: Paid, pivot: "
                                          "true }\n"
                                          "  - { step: mail, send: cash/Mail, success: Sent }\n" },
    [SAGA_FINDING_NEEDS_OWN_REPLY] = { "When no answer comes in time nobody knows whether the step "
                                       "was done: its outcome is\n"
                                       "unknown, and it is compensated. There is no reply then "
                                       "that the compensation's body could\n"
                                       "be made of. Give a body for that case, or say that the "
                                       "service finds what to undo by the\n"
                                       "header ce_sagacompensates, which is the idempotency key of "
                                       "the step's command.\n",
                                       "  - { step: pay, send: cash/Pay, success: Paid,\n"
                                       "      compensate: { send: cash/Refund, body: '{id: "
                                       ".steps.pay.id}' } }\n",
                                       "  - { step: pay, send: cash/Pay, success: Paid, unknown: "
                                       "by-key,\n"
                                       "      compensate: { send: cash/Refund, body: '{id: "
                                       ".steps.pay.id}' } }\n" },
    [SAGA_FINDING_FAIL_BLOCK] = { "`fail` ends the forward way and compensates. Behind the pivot "
                                  "nothing can be\n"
                                  "compensated.\n",
                                  "  - { step: pay, send: cash/Pay, success: Paid, pivot: true }\n"
                                  "  - fail: { type: NotToday }\n",
                                  "  - { step: pay, send: cash/Pay, success: Paid, compensate: { "
                                  "send: cash/Refund } }\n"
                                  "  - fail: { type: NotToday }\n" },
    [SAGA_FINDING_NEVER_REACHED] = { "Every way ends before this block.\n",
                                     "  - fail: { type: NotToday }\n"
                                     "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                     "none }\n",
                                     "  - { step: pay, send: cash/Pay, success: Paid, compensate: "
                                     "none }\n"
                                     "  - fail: { type: NotToday }\n" },
    [SAGA_FINDING_PIVOT_IN_LOOP] = { "The pivot is the one step behind which there is no way back. "
                                     "In a loop it would be done\n"
                                     "once a round: when a later round fails, the rounds before it "
                                     "cannot be taken back.\n",
                                     "  - for-each: { in: .input.lines }\n"
                                     "    steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "pivot: true }]\n",
                                     "  - for-each: { in: .input.lines }\n"
                                     "    steps: [{ step: hold, send: cash/Hold, success: Held, "
                                     "compensate: none }]\n"
                                     "  - { step: pay, send: cash/Pay, success: Paid, pivot: true "
                                     "}\n" },
    [SAGA_FINDING_PIVOT_BESIDE] = { "The branches of a `parallel` run at the same time. When the "
                                    "pivot in one of them has\n"
                                    "succeeded and a step in another fails, or has to be taken "
                                    "back, the saga can go neither\n"
                                    "way. Steps beside a pivot are fine when they cannot fail and "
                                    "have nothing to take back.\n",
                                    "  - parallel:\n"
                                    "      pay: [{ step: pay, send: cash/Pay, success: Paid, "
                                    "pivot: true }]\n"
                                    "      hold: [{ step: hold, send: cash/Hold, success: Held, "
                                    "compensate: { send: cash/Free } }]\n",
                                    "  - parallel:\n"
                                    "      look: [{ step: look, send: cash/Look, success: Seen, "
                                    "compensate: none }]\n"
                                    "      hold: [{ step: hold, send: cash/Hold, success: Held, "
                                    "compensate: { send: cash/Free } }]\n"
                                    "  - { step: pay, send: cash/Pay, success: Paid, pivot: true "
                                    "}\n" },
    [SAGA_FINDING_PIVOT_CAUGHT] = { "A pivot that failed did nothing, so the saga is not behind "
                                    "it. What its `catch` does must\n"
                                    "end in `fail`: if the saga went on behind the step, the "
                                    "blocks there would be run as if\n"
                                    "there were no way back.\n",
                                    "  - step: pay\n    send: cash/Pay\n    success: Paid\n    "
                                    "failure: Refused\n    pivot: true\n"
                                    "    catch: { Refused: [publish: events/Refused] }\n",
                                    "  - step: pay\n    send: cash/Pay\n    success: Paid\n    "
                                    "failure: Refused\n    pivot: true\n"
                                    "    catch: { Refused: [publish: events/Refused, fail: { type: "
                                    "Refused }] }\n" },
    [SAGA_FINDING_GIVES_UP] = { "Behind the pivot a step is tried until it succeeds. `attempts`, "
                                "the `at-most` of a\n"
                                "`repeat`, and the timeout of an `await` without a list of blocks "
                                "end that: the saga is then\n"
                                "stuck until an operator acts. That may be what you want, as "
                                "somebody is told.\n",
                                "  - { step: pay, send: cash/Pay, success: Paid, pivot: true }\n"
                                "  - { step: mail, send: cash/Mail, success: Sent, retry: { "
                                "attempts: 3 } }\n",
                                "  - { step: pay, send: cash/Pay, success: Paid, pivot: true }\n"
                                "  - { step: mail, send: cash/Mail, success: Sent, retry: { max: "
                                "1h } }\n" },
    [SAGA_FINDING_FAILS_PERHAPS] = { "On some ways to this `fail` the pivot has been done, and "
                                     "then nothing can be compensated.\n",
                                     "  - choose:\n"
                                     "      - when: .input.now\n"
                                     "        steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "pivot: true }]\n"
                                     "      - else: []\n"
                                     "  - fail: { type: NotToday }\n",
                                     "  - choose:\n"
                                     "      - when: .input.now\n"
                                     "        steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "pivot: true }]\n"
                                     "      - else: [fail: { type: NotToday }]\n" },
    [SAGA_FINDING_TYPE_CLASH] = { "One type of reply would mean that the step was done and that it "
                                  "was not.\n",
                                  "  - { step: pay, send: cash/Pay, success: Paid, failure: [No, "
                                  "Paid], compensate: none }\n",
                                  "  - { step: pay, send: cash/Pay, success: Paid, failure: [No], "
                                  "compensate: none }\n" },
    [SAGA_FINDING_RETRY_CLASH] = { "A type in `retry.on` is tried again. If it also ended the "
                                   "step, the command would be sent\n"
                                   "again after it was answered for good. `retry.on` is "
                                   "[Unavailable] unless it says else.\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid, failure: "
                                   "Unavailable, compensate: none }\n",
                                   "  - { step: pay, send: cash/Pay, success: Paid, failure: "
                                   "Refused, compensate: none }\n" },
    [SAGA_FINDING_NEVER_CAUGHT] = { "`catch` runs when the step was answered with one of its "
                                    "`failure` types. Another type is\n"
                                    "no answer of that step: it changes nothing and is recorded.\n",
                                    "  - step: pay\n    send: cash/Pay\n    success: Paid\n    "
                                    "failure: Refused\n"
                                    "    compensate: none\n    catch: { Denied: [] }\n",
                                    "  - step: pay\n    send: cash/Pay\n    success: Paid\n    "
                                    "failure: [Refused, Denied]\n"
                                    "    compensate: none\n    catch: { Denied: [] }\n" },
    [SAGA_FINDING_NO_ELSE] = { "Where no `when` is true the saga goes on behind the `choose`. That "
                               "may be meant; say so\n"
                               "with an empty `else`, so that the next reader knows.\n",
                               "  - choose:\n"
                               "      - when: .input.total > 100\n"
                               "        steps: [{ step: look, send: cash/Look, success: Seen, "
                               "compensate: none }]\n",
                               "  - choose:\n"
                               "      - when: .input.total > 100\n"
                               "        steps: [{ step: look, send: cash/Look, success: Seen, "
                               "compensate: none }]\n"
                               "      - else: []\n" },
    [SAGA_FINDING_NO_SUCH_ERROR] = { ".error.type is a type under `failure`, the type of a `fail`, "
                                     "a type in `retry.on`, or one of\n"
                                     "the coordinator's own: Timeout, ExpressionFailed, "
                                     "RepeatExceeded, DeadlineExceeded,\n"
                                     "Cancelled, ResolvedAsFailed, and of child sagas compensated, "
                                     "abandoned, AlreadyExists,\n"
                                     "NoSuchSaga.\n",
                                     "  - { step: pay, send: cash/Pay, success: Paid, failure: "
                                     "Refused, compensate:\n"
                                     "      { send: cash/Refund, body: '{late: (.error.type == "
                                     "\"TimeOut\")}' } }\n",
                                     "  - { step: pay, send: cash/Pay, success: Paid, failure: "
                                     "Refused, compensate:\n"
                                     "      { send: cash/Refund, body: '{late: (.error.type == "
                                     "\"Timeout\")}' } }\n" },
    [SAGA_FINDING_NOBODY_HANDLES] = { "Two steps, in one file or in two, send the same command to "
                                      "the same topic, and only one of\n"
                                      "them knows all of its answers. An answer of a type that a "
                                      "step does not name is no answer.\n",
                                      "  - { step: pay, send: cash/Pay, success: Paid, failure: "
                                      "Refused, compensate: none }\n"
                                      "  - { step: tip, send: cash/Pay, success: Paid, compensate: "
                                      "none }\n",
                                      "  - { step: pay, send: cash/Pay, success: Paid, failure: "
                                      "Refused, compensate: none }\n"
                                      "  - { step: tip, send: cash/Pay, success: Paid, failure: "
                                      "Refused, compensate: none }\n" },
    [SAGA_FINDING_AWAITS_FOR_EVER] = { "Nobody can promise that an event from outside comes. "
                                       "Without a timeout, and without a\n"
                                       "deadline that ends it, the saga stays open for ever, with "
                                       "all that it has reserved. Behind\n"
                                       "the pivot the deadline is only noted and ends no wait.\n",
                                       "  - { await: paid, topic: bank, event: Paid, match: "
                                       ".order, with: .input.id }\n",
                                       "  - { await: paid, topic: bank, event: Paid, match: "
                                       ".order, with: .input.id, timeout: 3d }\n" },
    [SAGA_FINDING_WAITS_FOR_EVER] = { "The time that `wait-until` waits for is made from what came "
                                      "from outside. A slip there (a\n"
                                      "year 20300, milliseconds for seconds) would keep the saga "
                                      "for ever. A `deadline` ends it,\n"
                                      "or `wait` waits for a time that is known.\n",
                                      "  - wait-until: .input.at\n", "  - wait: 3d\n" },
    [SAGA_FINDING_CHILD_FOR_EVER] = { "The parent goes on when its child has ended. A `deadline` "
                                      "of the child ends the child, one of\n"
                                      "the parent compensates both. Found where both files are "
                                      "given.\n",
                                      "saga: order\nversion: 1\n" WAYS GO
                                      "steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                      "compensate: none }]\n"
                                      "---\nsaga: trip\nversion: 1\n" WAYS
                                      "start: { topic: trips, event: Asked, key: .id }\n"
                                      "steps: [saga: order]\n",
                                      "saga: order\nversion: 1\n" WAYS GO
                                      "steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                      "compensate: none }]\n"
                                      "---\nsaga: trip\nversion: 1\n" WAYS
                                      "start: { topic: trips, event: Asked, key: .id }\n"
                                      "deadline: 1d\nsteps: [saga: order]\n" },
    [SAGA_FINDING_NO_BOUND] = { "`at-most` says how many rounds there may be. When they are used "
                                "up and `until` is still\n"
                                "not true, the saga fails with RepeatExceeded and is "
                                "compensated.\n",
                                "  - repeat: { until: .steps.look.done }\n"
                                "    steps: [{ step: look, send: cash/Look, success: Seen, "
                                "compensate: none }]\n",
                                "  - repeat: { until: .steps.look.done, at-most: 10 }\n"
                                "    steps: [{ step: look, send: cash/Look, success: Seen, "
                                "compensate: none }]\n" },
    [SAGA_FINDING_RING] = { "A saga that starts itself as its child, or a child that starts its "
                            "parent, starts one more\n"
                            "each time; a condition that ends it cannot be proved. Repeat with "
                            "`repeat` instead.\n",
                            "  - saga: order\n", "  - saga: invoice\n" },
    [SAGA_FINDING_NO_CHILD] = { "Found where several files are given, or `--against deployed`: "
                                "then the child should be among\n"
                                "them. A file that is checked alone may have its children "
                                "anywhere.\n",
                                "saga: order\nversion: 1\n" WAYS GO
                                "steps: [{ step: pay, send: cash/Pay, success: Paid, compensate: "
                                "none }]\n"
                                "---\nsaga: trip\nversion: 1\n" WAYS
                                "start: { topic: trips, event: Asked, key: .id }\n"
                                "steps: [saga: ordre]\n",
                                "saga: order\nversion: 1\n" WAYS GO
                                "steps: [{ step: pay, send: cash/Pay, success: Paid, compensate: "
                                "none }]\n"
                                "---\nsaga: trip\nversion: 1\n" WAYS
                                "start: { topic: trips, event: Asked, key: .id }\n"
                                "deadline: 1d\nsteps: [saga: order]\n" },
    [SAGA_FINDING_CHILD_PIVOT] = { "Compensating a parent compensates its children, also those "
                                   "that completed. A child that has\n"
                                   "its pivot behind it refuses. Found where both files are "
                                   "given.\n",
                                   "saga: order\nversion: 1\n" WAYS GO
                                   "steps: [{ step: pay, send: cash/Pay, success: Paid, pivot: "
                                   "true }]\n"
                                   "---\nsaga: trip\nversion: 1\n" WAYS
                                   "start: { topic: trips, event: Asked, key: .id }\n"
                                   "deadline: 1d\nsteps: [saga: order]\n",
                                   "saga: order\nversion: 1\n" WAYS GO
                                   "steps: [{ step: pay, send: cash/Pay, success: Paid, pivot: "
                                   "true }]\n"
                                   "---\nsaga: trip\nversion: 1\n" WAYS
                                   "start: { topic: trips, event: Asked, key: .id }\n"
                                   "deadline: 1d\n"
                                   "steps: [{ step: buy, send: cash/Buy, success: Bought, pivot: "
                                   "true }, { saga: order,\n"
                                   "  catch: { compensated: [], abandoned: [] } }]\n" },
    [SAGA_FINDING_CHILD_TWICE] = { "A child's id is its definition and its key. Every round of a "
                                   "loop starts a child of its own,\n"
                                   "so the key must differ from round to round; without `key` it "
                                   "does.\n",
                                   "  - for-each: { in: .input.lines }\n    steps: [{ saga: "
                                   "invoice, key: .input.id }]\n",
                                   "  - for-each: { in: .input.lines }\n    steps: [{ saga: "
                                   "invoice, key: .item.id }]\n" },
    [SAGA_FINDING_SCHEMA] = { "A file in the folder of schemas (setting `schemas`) is no Avro "
                              "schema, refers to a type\n"
                              "that no file defines, or registry.yaml there says what cannot be. "
                              "A coordinator does not\n"
                              "start with it; one that runs goes on with what it read before.\n",
                              NULL, NULL },
    [SAGA_FINDING_NO_SCHEMA] = { "A command or event goes out in Avro, so its type must be a "
                                 "record in the folder of\n"
                                 "schemas. With `format: avro` the file must have an id in "
                                 "registry.yaml too, because the\n"
                                 "id is what the message carries.\n",
                                 NULL, NULL },
    [SAGA_FINDING_READ_WITHOUT_SCHEMA] = { "A reply or event that is expected in Avro has no "
                                           "schema yet. As JSON it would be\n"
                                           "read all the same; as Avro it would go to the dead "
                                           "letters.\n",
                                           NULL, NULL },
    [SAGA_FINDING_BODY_MISFIT] = { "The body is written out, and what it says cannot be made into "
                                   "the record: a field\n"
                                   "without a default is missing, a member is none of its fields, "
                                   "or a value is of another\n"
                                   "kind. Only what is written out is looked at; what paths lead "
                                   "to is checked when the\n"
                                   "message is made.\n",
                                   NULL, NULL },
    [SAGA_FINDING_VERSION_CLASH] = { "Two files say the same name and version and are not the "
                                     "same, or one is deployed with another\n"
                                     "content. The first that was deployed stands; the other is "
                                     "refused by `saga deploy`.\n",
                                     "saga: order\nversion: 1\n" WAYS GO
                                     "steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "compensate: none }]\n"
                                     "---\n"
                                     "saga: order\nversion: 1\n" WAYS GO "deadline: 1d\n"
                                     "steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "compensate: none }]\n",
                                     "saga: order\nversion: 1\n" WAYS GO
                                     "steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "compensate: none }]\n"
                                     "---\nsaga: order\nversion: 2\n" WAYS GO "deadline: 1d\n"
                                     "steps: [{ step: pay, send: cash/Pay, success: Paid, "
                                     "compensate: none }]\n" },
};
