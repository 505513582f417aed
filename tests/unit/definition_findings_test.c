/* Broken definitions: each finding has its code, stands where the mistake is, and says what to do. A
 * case is the good definition with one text replaced; `@@` in the replacement marks where the finding
 * must stand and is not part of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "definition/definition.h"
#include "definition/findings.h"

static const char good[] =
    "saga: order\n"
    "version: 1\n"
    "summary: Größe zählt.\n"
    "participants:\n"
    "  stock: { commands: stock.commands, replies: stock.replies }\n"
    "  cash: { commands: cash.commands, replies: cash.replies }\n"
    "start: { topic: orders, event: Placed, key: .id }\n"
    "deadline: 30m\n"
    "search: { customer: .input.customer }\n"
    "defaults:\n"
    "  timeout: 5s\n"
    "  retry: { backoff: 1s, max: 30s }\n"
    "steps:\n"
    "  - step: reserve\n"
    "    send: stock/Reserve\n"
    "    body: '{id: .input.id, \"ö\": .input.lines}'\n"
    "    success: Reserved\n"
    "    failure: [NoStock, Sold]\n"
    "    compensate:\n"
    "      send: stock/Release\n"
    "      body: '{id: .input.id}'\n"
    "  - step: charge\n"
    "    send: cash/Charge\n"
    "    body: |\n"
    "      {id: .input.id,\n"
    "       hold: .steps.reserve.id}\n"
    "    success: Charged\n"
    "    keep: .reply.charge\n"
    "    pivot: true\n"
    "  - step: tell\n"
    "    send: cash/Tell\n"
    "    success: Told\n"
    "on-completed: { publish: order-events/Done, body: '{id: .input.id}' }\n"
    "on-compensated: { publish: order-events/Undone, body: '{why: .error.type}' }\n";

struct broken {
    const char *name, *code, *find, *replace;
    const char *mend; /* a part of the mend, or NULL */
};

static const struct broken cases[] = {
    /* YAML */
    { "a quote without end", "SG001", "version: 1", "version: @@\"1", NULL },
    { "a tab for indentation", "SG001", "    send: cash/Tell", "@@\tsend: cash/Tell", "spaces" },
    { "a tab behind spaces", "SG001", "    send: cash/Tell", "  @@\tsend: cash/Tell", "spaces" },
    { "an alias", "SG001", "send: cash/Tell", "send: @@*there", "write the value out" },
    { "a list that holds itself", "SG001", "failure: [NoStock, Sold]", "failure: &a [@@*a]", NULL },
    { "a merge", "SG001", "send: cash/Tell", "<<: @@*x", NULL },
    { "a second document", "SG001", "on-completed: {", "---\n@@on-completed: {",
      "file of its own" },
    { "a control character", "SG001", "version: 1", "version: @@\x1b[1m", NULL },
    { "broken UTF-8", "SG001", "summary: ", "summary: @@\xe9", NULL },
    { "a name that is a list", "SG001", "deadline: 30m", "? [@@deadline]\n: 30m", NULL },
    /* fields */
    { "an unknown top field", "SG101", "deadline:", "@@deadlin:", "did you mean `deadline`?" },
    { "an unknown field that is near to none", "SG101", "deadline: 30m", "@@colour: red",
      "it knows saga, version" },
    { "an unknown field of a step", "SG101", "pivot: true", "pivot: true\n    @@timeuot: 1s",
      "`timeout`" },
    { "an unknown field of retry", "SG101", "max: 30s", "@@maxi: 30s", "`max`" },
    { "an unknown field of compensate", "SG101", "      send: stock/Release",
      "      @@boddy: x\n      send: stock/Release", "`body`" },
    { "an unknown field of a participant", "SG101", "replies: cash.replies }",
      "replies: cash.replies, @@topic: x }", NULL },
    { "an unknown field of start", "SG101", "key: .id", "key: .id, @@whn: .x", "`when`" },
    { "a field that is there twice", "SG110", "deadline: 30m", "deadline: 30m\n@@deadline: 31m",
      "line 8" },
    { "a field of a step that is there twice", "SG110", "success: Told",
      "success: Told\n    @@success: Told", NULL },
    /* values */
    { "a version that is no number", "SG102", "version: 1", "version: @@one", "version: 1" },
    { "a version in quotes", "SG102", "version: 1", "version: @@'1'", "without quotes" },
    { "a factor in quotes", "SG102", "max: 30s", "max: 30s, factor: @@'2'", "factor: 1" },
    { "a truth value in quotes", "SG102", "pivot: true", "pivot: @@\"true\"", "without quotes" },
    { "version 0", "SG102", "version: 1", "version: @@0", NULL },
    { "a version that is a fraction", "SG102", "version: 1", "version: @@1.0", NULL },
    { "a timeout of zero", "SG102", "timeout: 5s", "timeout: @@0s", "200ms" },
    { "a duration without a unit", "SG102", "deadline: 30m", "deadline: @@30", "200ms" },
    { "a duration beyond all measure", "SG102", "deadline: 30m", "deadline: @@999999999d", NULL },
    { "a factor below 1", "SG102", "max: 30s", "max: 30s, factor: @@0.5", NULL },
    { "a factor that is none", "SG102", "max: 30s", "max: 30s, factor: @@1.2.3", NULL },
    { "no attempts at all", "SG102", "max: 30s", "max: 30s, attempts: @@0", NULL },
    { "a word for true", "SG102", "pivot: true", "pivot: @@yes", "true or false" },
    { "jitter that is no truth value", "SG102", "max: 30s", "max: 30s, jitter: @@1", NULL },
    { "the first wait longer than the longest", "SG102", "backoff: 1s", "backoff: @@1m", "`max`" },
    { "search that is a text", "SG102", "{ customer: .input.customer }", "@@customer", "as in" },
    { "retry that is a number", "SG102", "{ backoff: 1s, max: 30s }", "@@3", "attempts: 3" },
    { "an empty field", "SG102", "    success: Told", "    @@success:", NULL },
    { "null for a text", "SG102", "success: Told", "success: @@null", "quotes" },
    { "null for an expression", "SG102", "keep: .reply.charge", "keep: @@~", "quotes" },
    { "a number for a name", "SG102", "step: tell", "step: @@12", "quotes" },
    { "a truth value for a text", "SG102", "summary: Größe zählt.", "summary: @@true", "quotes" },
    { "an empty text", "SG102", "success: Told", "success: @@''", "success: StockReserved" },
    { "a body without quotes", "SG102", "    success: Told",
      "    body: {@@id: .input.id}\n    success: Told", "quotes" },
    { "compensate that is another word", "SG102", "    send: stock/Reserve",
      "    send: stock/Reserve\n    unknown: @@by-name", "ce_sagacompensates" },
    { "send without a command", "SG102", "send: cash/Tell", "send: @@cash", "inventory/" },
    { "send without a participant", "SG102", "send: cash/Tell", "send: @@/Tell", NULL },
    { "publish without an event", "SG102", "order-events/Done", "@@order-events", "as in" },
    { "publish to no topic", "SG102", "order-events/Done", "@@../Done", NULL },
    { "from that is neither", "SG102", "key: .id }", "key: .id, from: @@now }", "earliest" },
    { "an unknown format", "SG102", "replies: cash.replies }",
      "replies: cash.replies, format: @@xml }", "json" },
    /* what is missing */
    { "no name", "SG103", "saga: order\n", "@@", "`saga:`" },
    { "no start", "SG103", "start: { topic: orders, event: Placed, key: .id }\n", "", NULL },
    { "no key", "SG103", ", key: .id", "", "`key:`" },
    { "no event", "SG103", "{ topic: orders, event: Placed,", "{ @@topic: orders,", "`event:`" },
    { "no success", "SG103", "  - step: tell\n    send: cash/Tell\n    success: Told\n",
      "  - @@step: tell\n    send: cash/Tell\n", "`success:`" },
    { "no send", "SG103", "  - step: tell\n    send: cash/Tell\n", "  - @@step: tell\n",
      "`send:`" },
    { "no replies", "SG103", "{ commands: cash.commands, replies: cash.replies }",
      "{ @@commands: cash.commands }", "`replies:`" },
    { "no publish", "SG103", "publish: order-events/Done, ", "@@", "`publish:`" },
    { "something that is no block", "SG103", "  - step: tell", "  - @@hello\n  - step: tell",
      "- step: name" },
    { "a block with a slip", "SG103", "  - step: tell", "  - @@stepp: tell",
      "did you mean `step`?" },
    { "a nameless participant's commands", "SG105", "send: cash/Tell", "send: @@cahs/Tell",
      "did you mean `cash`?" },
    { "an unknown participant", "SG105", "send: stock/Release", "send: @@shipping/Release",
      "participants" },
    { "two steps of one name", "SG104", "step: tell", "step: @@reserve", "line 14" },
    /* schedules */
    { "a duration that is none", "SG102", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: @@soon }", "10s" },
    { "every half second", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: @@500ms }", "cron" },
    { "every with a part of a second", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: @@1s500ms }", "cron" },
    { "every two years", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: @@732d }", "cron" },
    { "a day that never comes", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: @@\"0 6 30 2 *\" }", "day of the month" },
    { "a minute too many", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: @@\"60 6 * * *\" }", "five fields" },
    { "seconds in a cron", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: @@\"0 0 6 * * *\" }", "five fields" },
    { "a range that runs backwards", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: @@\"0 22-6 * * *\" }", "five fields" },
    { "no such day", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: @@\"0 6 * * MOM\" }", "five fields" },
    { "no such nickname", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: @@\"@reboot\" }", "five fields" },
    { "an unknown zone", "SG112", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: \"0 6 * * *\", zone: @@Europe/Berlim }", "IANA" },
    { "a zone out of the folder", "SG112", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: \"0 6 * * *\", zone: @@../../../etc/passwd }", "IANA" },
    { "half a zone", "SG112", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: \"0 6 * * *\", zone: @@CEST }", "IANA" },
    { "the machine's zone", "SG112", "start: { topic: orders, event: Placed, key: .id }",
      "start: { cron: \"0 6 * * *\", zone: @@localtime }", "IANA" },
    { "a zone of what needs none", "SG102", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: 1h, @@zone: UTC }", "take the zone out" },
    { "two schedules in one", "SG102", "start: { topic: orders, event: Placed, key: .id }",
      "start: { @@every: 1h, cron: \"0 6 * * *\" }", "list" },
    { "a schedule with a topic", "SG101", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: 1h, @@topic: orders }", NULL },
    { "a way of missing", "SG102", "start: { topic: orders, event: Placed, key: .id }",
      "start: { every: 1h, missed: @@all }", "run-once" },
    { "a schedule among starts", "SG111", "start: { topic: orders, event: Placed, key: .id }",
      "start: [{ topic: orders, event: Placed, key: .id }, { every: @@1ms }]", "cron" },
    { "a list of no starts", "SG103", "start: { topic: orders, event: Placed, key: .id }",
      "@@start: []", "every: 1h" },
    { "a start that never counts", "SG102", "start: { topic: orders, event: Placed, key: .id }",
      "start: [{ topic: orders, event: Placed, key: .id }, { @@topic: orders, event: Placed, key: "
      ".no }]",
      "give the earlier one a `when`" },
    { "a start without key", "SG103", "start: { topic: orders, event: Placed, key: .id }",
      "start: [{ topic: orders, event: Placed, key: .id }, { @@topic: orders, event: Other }]",
      NULL },
    /* blocks with blocks inside */
    { "a choose of nothing", "SG103", "  - step: tell", "  - @@choose: []\n  - step: tell", NULL },
    { "a choose that is no list", "SG102", "  - step: tell", "  - @@choose: {}\n  - step: tell",
      "as in" },
    { "a branch without when", "SG103", "  - step: tell",
      "  - choose: [{ @@steps: [] }, { else: [] }]\n  - step: tell", "`when:`" },
    { "a branch without steps", "SG103", "  - step: tell",
      "  - choose: [{ @@when: .input.a }, { else: [] }]\n  - step: tell", "`steps:`" },
    { "an else that is not the last", "SG102", "  - step: tell",
      "  - choose: [{ @@else: [] }, { when: .input.a, steps: [] }, { else: [] }]\n  - step: tell",
      "move it to the end" },
    { "an else with a when", "SG101", "  - step: tell",
      "  - choose: [{ else: [], @@when: .input.a }]\n  - step: tell", "- else: [...]" },
    { "an else with steps", "SG101", "  - step: tell",
      "  - choose: [{ else: [], @@steps: [] }]\n  - step: tell", NULL },
    { "an else that is no list", "SG102", "  - step: tell",
      "  - choose: [{ else: @@hello }]\n  - step: tell", NULL },
    { "a choose with a field", "SG101", "  - step: tell",
      "  - { choose: [{ else: [] }], @@timeout: 1s }\n  - step: tell", NULL },
    { "no parallel branches", "SG103", "  - step: tell", "  - @@parallel: {}\n  - step: tell",
      NULL },
    { "parallel branches that are a list", "SG102", "  - step: tell",
      "  - @@parallel: []\n  - step: tell", NULL },
    { "a parallel branch in capitals", "SG107", "  - step: tell",
      "  - parallel: { @@Left: [wait: 1s] }\n  - step: tell", "lower-case" },
    { "a parallel branch of nothing", "SG103", "  - step: tell",
      "  - parallel: { left: [wait: 1s], @@right: [] }\n  - step: tell", "take the branch out" },
    { "a parallel branch that is no list", "SG102", "  - step: tell",
      "  - parallel: { left: @@hello }\n  - step: tell", NULL },
    { "a for-each without steps", "SG103", "  - step: tell",
      "  - @@for-each: { in: .input.lines }\n  - step: tell", "`steps:`" },
    { "a for-each of no steps", "SG103", "  - step: tell",
      "  - for-each: { in: .input.lines }\n    @@steps: []\n  - step: tell", "- step: name" },
    { "a for-each without a list", "SG103", "  - step: tell",
      "  - for-each: { @@item: line }\n    steps: [wait: 1s]\n  - step: tell", "`in:`" },
    { "a for-each of too many at once", "SG102", "  - step: tell",
      "  - for-each: { in: .input.lines, at-once: @@1025 }\n    steps: [wait: 1s]\n  - step: tell",
      "at-once: 1" },
    { "a repeat without until", "SG103", "  - step: charge",
      "  - repeat: { @@at-most: 3 }\n    steps: [wait: 1s]\n  - step: charge", "`until:`" },
    { "a repeat without steps", "SG103", "  - step: charge",
      "  - @@repeat: { until: .input.a, at-most: 3 }\n  - step: charge", "`steps:`" },
    { "a repeat of too many rounds", "SG102", "  - step: charge",
      "  - repeat: { until: .input.a, at-most: @@10001 }\n    steps: [wait: 1s]\n  - step: charge",
      NULL },
    { "a mistake deep inside", "SG101", "  - step: charge",
      "  - choose: [{ when: .input.a, steps: [parallel: { left: [{ wait: 1s, @@body: .x }] }] }, "
      "{ else: [] }]\n  - step: charge",
      NULL },
    { "no block deep inside", "SG103", "  - step: charge",
      "  - parallel: { left: [@@hello] }\n  - step: charge", "- step: name" },
    /* events, children, catch */
    { "an await without topic", "SG103", "  - step: charge",
      "  - { @@await: paid, event: P, match: .id, with: .input.id }\n  - step: charge",
      "`topic:`" },
    { "an await without match", "SG103", "  - step: charge",
      "  - { @@await: paid, topic: t, event: P, with: .input.id }\n  - step: charge", "`match:`" },
    { "an await without a value", "SG103", "  - step: charge",
      "  - { @@await: paid, topic: t, event: P, match: .id }\n  - step: charge", "`with:`" },
    { "an await of another step's name", "SG104", "  - step: charge",
      "  - { await: @@reserve, topic: t, event: P, match: .id, with: .input.id }\n  - step: charge",
      "line 14" },
    { "an on-timeout that is another word", "SG102", "  - step: charge",
      "  - { await: paid, topic: t, event: P, match: .id, with: .input.id, timeout: 1h,\n"
      "      on-timeout: @@ignore }\n  - step: charge",
      NULL },
    { "an on-timeout without timeout", "SG103", "  - step: charge",
      "  - { await: paid, topic: t, event: P, match: .id, with: .input.id, @@on-timeout: [] }\n"
      "  - step: charge",
      "`timeout:`" },
    { "an await that goes on from nowhere", "SG102", "  - step: charge",
      "  - { await: paid, topic: t, event: P, match: .id, with: .input.id, timeout: 1h,\n"
      "      from: @@now }\n  - step: charge",
      "earliest" },
    { "a child in capitals", "SG107", "  - step: charge", "  - saga: @@Invoice\n  - step: charge",
      NULL },
    { "a child of a step's name", "SG104", "  - step: charge",
      "  - saga: @@reserve\n  - step: charge", "as:" },
    { "two children of one saga", "SG104", "  - step: charge",
      "  - saga: invoice\n  - saga: @@invoice\n  - step: charge", "as:" },
    { "a child with a timeout", "SG101", "  - step: charge",
      "  - { saga: invoice, @@timeout: 1h }\n  - step: charge", NULL },
    { "a child called compensate", "SG107", "  - step: charge",
      "  - { saga: invoice, as: @@compensate }\n  - step: charge", NULL },
    { "a catch of nothing", "SG103", "    success: Reserved",
      "    @@catch: {}\n    success: Reserved", NULL },
    { "a catch that is a list", "SG102", "    success: Reserved",
      "    @@catch: []\n    success: Reserved", NULL },
    { "a catch of what is no type", "SG107", "    success: Reserved",
      "    catch: { @@1st: [fail: { type: A }] }\n    success: Reserved", "letter" },
    { "a catch of what does not come", "SG403", "    success: Reserved",
      "    catch: { @@NoStok: [fail: { type: A }] }\n    success: Reserved", "failure" },
    { "a catch of a child that does not come", "SG403", "  - step: charge",
      "  - { saga: invoice, catch: { @@failed: [] } }\n  - step: charge", "compensated" },
    /* blocks that wait for no service */
    { "a wait without a duration", "SG102", "  - step: tell", "  - wait: @@soon\n  - step: tell",
      NULL },
    { "a wait with a body", "SG101", "  - step: tell",
      "  - { wait: 1m, @@body: .input }\n  - step: tell", NULL },
    { "a wait for what is not there", "SG205", "  - step: tell",
      "  - wait-until: .@@at\n  - step: tell", "did you mean .input.at?" },
    { "a set of nothing", "SG102", "  - step: tell", "  - @@set: {}\n  - step: tell", NULL },
    { "a set of one value", "SG102", "  - step: tell", "  - @@set: .input\n  - step: tell", NULL },
    { "a set that reads a later step", "SG203", "  - step: tell",
      "  - set: { a: .steps.@@tell.id }\n  - step: tell", NULL },
    { "a variable that is not set", "SG205", "  - step: tell",
      "  - set: { a: 1 }\n  - set: { b: .vars.@@c }\n  - step: tell", "set it before" },
    { "a publish without topic", "SG102", "  - step: tell", "  - publish: @@Done\n  - step: tell",
      NULL },
    { "a fail without type", "SG103", "  - step: tell", "  - @@fail: {}\n  - step: tell", "type" },
    { "a fail behind the pivot", "SG306", "    success: Told",
      "    success: Told\n  - @@fail: { type: No }", NULL },
    { "a block behind a fail", "SG307", "  - step: charge",
      "  - fail: { type: No }\n  - @@step: charge", "take it out" },
    /* names */
    { "a saga in capitals", "SG107", "saga: order", "saga: @@Order", "lower-case" },
    { "a saga that begins with NUL", "SG107", "saga: order", "saga: @@\"\\0order\"", NULL },
    { "a step with a blank", "SG107", "step: tell", "step: @@tell all", NULL },
    { "a step called compensate", "SG107", "step: tell", "step: @@compensate", NULL },
    { "a type that begins with a digit", "SG107", "success: Told", "success: @@1st", "letter" },
    { "a type in a list", "SG107", "[NoStock, Sold]", "[NoStock, @@'Söld']", "letter" },
    { "a topic called ..", "SG107", "topic: orders", "topic: @@'..'", "Kafka" },
    { "a topic with a slash", "SG107", "commands: cash.commands", "commands: @@cash/commands",
      "Kafka" },
    { "commands where replies are read", "SG109", "commands: cash.commands",
      "commands: @@stock.replies", "each" },
    /* expressions */
    { "jq that is none", "SG201", "key: .id", "key: '@@.id |'", NULL },
    { "time in an expression", "SG201", "{id: .input.id, \"ö\": .input.lines}",
      "{\"ö\": .input.id, at: @@now}", ".saga.started" },
    { "the environment", "SG201", "keep: .reply.charge", "keep: $@@ENV.HOME", NULL },
    { "time in the second line of a block", "SG201", "hold: .steps.reserve.id", "hold: @@now",
      NULL },
    { "a read of a step that there is not", "SG202", "hold: .steps.reserve.id",
      "hold: .steps.@@reserv.id", "did you mean `reserve`?" },
    { "the same in brackets", "SG202", "hold: .steps.reserve.id",
      "hold: .steps[\"@@book-courier\"].id", NULL },
    { "a read of a later step", "SG203", ".input.lines}", ".steps.@@charge}", NULL },
    { "a read of the step itself", "SG203", ".input.lines}", ".steps.@@reserve}", NULL },
    { "search by a step", "SG203", ".input.customer", ".steps.@@reserve.id", NULL },
    { "the reply in a body", "SG204", ".input.lines}", ".@@reply.lines}", "`keep`" },
    { "the error in a body", "SG204", ".input.lines}", ".@@error.type}", NULL },
    { "the error of a saga that completed", "SG204", "Done, body: '{id: .input.id}'",
      "Done, body: '{id: .@@error.type}'", "on-compensated" },
    { "variables", "SG204", ".input.lines}", ".@@vars.lines}", "no `set`" },
    { "an element", "SG204", ".input.lines}", ".@@item.lines}", "for-each" },
    { "a round", "SG204", ".input.lines}", ".@@index}", "repeat" },
    { "named elements", "SG204", ".input.lines}", ".@@items.line}", "names its element" },
    { "elements of a loop without a name", "SG204", "  - step: charge",
      "  - for-each: { in: .input.lines }\n    steps: [set: { a: .@@items.line }]\n  - step: "
      "charge",
      NULL },
    { "the element in the list it comes from", "SG204", "  - step: charge",
      "  - for-each: { item: line, in: .@@item.lines }\n    steps: [wait: 1s]\n  - step: charge",
      NULL },
    { "an element of another name", "SG205", "  - step: charge",
      "  - for-each: { item: line, in: .input.lines }\n    steps: [set: { a: .items.@@lien }]\n"
      "  - step: charge",
      "did you mean .items.line?" },
    { "the element in a repeat", "SG204", "  - step: charge",
      "  - repeat: { until: .@@item, at-most: 2 }\n    steps: [set: { a: .index }]\n"
      "  - step: charge",
      NULL },
    { "a field of the event without .input", "SG205", ".input.lines}", ".@@lines}",
      "did you mean .input.lines?" },
    { "a field of the reply without .reply", "SG205", ".reply.charge", ".@@charge",
      "did you mean .reply.charge?" },
    { "one behind the naming of a value", "SG205", "'{id: .input.id, \"ö\": .input.lines}'",
      "'.input.id as $x | {$x, y: .@@lines}'", NULL },
    { "one behind another member's pipe", "SG205", "'{id: .input.id, \"ö\": .input.lines}'",
      "'{a: .input | .x, b: .@@lines}'", NULL },
    { "a slip", "SG205", ".input.lines}", ".@@inptu.lines}", "did you mean .input?" },
    { "a slip in short form", "SG205", "'{id: .input.id, \"ö", "'{@@inpt, \"ö",
      "did you mean .input?" },
    /* the way back */
    { "a step that cannot be taken back", "SG301", "  - step: charge",
      "  - step: @@check\n    send: cash/Check\n    success: Checked\n  - step: charge",
      "compensate: none" },
    { "a second pivot", "SG302", "    success: Told", "    pivot: @@true\n    success: Told",
      NULL },
    { "a pivot that is compensated", "SG303", "    pivot: true",
      "    pivot: true\n    @@compensate: none", NULL },
    { "a compensation behind the pivot", "SG303", "    success: Told",
      "    success: Told\n    @@compensate: { send: cash/Untell }", NULL },
    { "a compensation that needs its own reply", "SG305", "      body: '{id: .input.id}'",
      "      body: @@'{id: .steps.reserve.id}'", "unknown-body" },
    { "an unknown-body that needs its own reply", "SG203", "      body: '{id: .input.id}'",
      "      unknown-body: '{id: .steps.@@reserve.id}'", NULL },
    /* types of replies */
    { "a success that is a failure", "SG401", "[NoStock, Sold]", "[NoStock, @@Reserved]", NULL },
    { "the same in a compensation", "SG401", "      send: stock/Release",
      "      send: stock/Release\n      success: Gone\n      failure: @@Gone", NULL },
    { "a list of no successes", "SG103", "    success: Told", "    @@success: []", "as in" },
    { "a list of no failures", "SG103", "failure: [NoStock, Sold]", "@@failure: []", "as in" },
    { "a compensation without success", "SG103", "      send: stock/Release",
      "      send: stock/Release\n      @@success: []", "as in" },
    { "a compensation without failure", "SG103", "      send: stock/Release",
      "      send: stock/Release\n      @@failure: []", "as in" },
    { "a success twice", "SG102", "    success: Told", "    success: [Told, @@Told]",
      "take it out" },
    { "a failure twice", "SG102", "[NoStock, Sold]", "[NoStock, Sold, @@NoStock]", "take it out" },
    { "tried again twice", "SG102", "max: 30s", "max: 30s, on: [Busy, @@Busy]", "take it out" },
    { "a failure that is tried again", "SG402", "[NoStock, Sold]", "[NoStock, @@Unavailable]",
      "retry.on" },
    { "a success that is tried again", "SG402", "    success: Told",
      "    retry: { on: [Busy, Told] }\n    success: @@Told", NULL },
};

/* Replaces the first `find`, takes the mark out and tells where it stood; 0, 0: there is none. */
static char *break_it(const struct broken *c, unsigned *ret_line, unsigned *ret_column)
{
    const char *at = strstr(good, c->find);
    assert_non_null(at);
    char *text = malloc(sizeof good + strlen(c->replace));
    assert_non_null(text);
    sprintf(text, "%.*s%s%s", (int)(at - good), good, c->replace, at + strlen(c->find));
    char *mark = strstr(text, "@@");
    *ret_line = *ret_column = 0;
    if (!mark) return text;
    *ret_line = *ret_column = 1;
    for (const char *p = text; p < mark; p++) {
        if ((*p & 0xc0) != 0x80) ++*ret_column;
        if (*p != '\n') continue;
        ++*ret_line;
        *ret_column = 1;
    }
    memmove(mark, mark + 2, strlen(mark + 2) + 1);
    return text;
}

static bool check_case(const struct broken *c)
{
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    unsigned line, column;
    char *text = break_it(c, &line, &column);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    int error = saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    const struct saga_diagnostic *f = found.items;
    bool right = error == SAGA_E_INVALID && !definition && found.count == 1 && found.errors == 1 &&
                 strcmp(f->code, c->code) == 0 && strcmp(f->file, "x.yaml") == 0 &&
                 (line == 0 || (f->line == line && f->column == column)) && f->why.size > 0 &&
                 f->mend.size > 0 && f->width > 0;
    if (right && c->mend)
        right = memmem(f->mend.data, f->mend.size, c->mend, strlen(c->mend)) != NULL;
    if (!right) {
        saga_diagnostics_print(&found, stderr);
        print_error("%s: want %s at %u:%u with mend \"%s\", error %d, %zu findings\n\n", c->name,
                    c->code, line, column, c->mend ? c->mend : "", error, found.count);
    }
    saga_definition_free(definition);
    saga_arena_free(&arena);
    free(text);
    return right;
}

static void every_mistake_is_found_where_it_stands(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) wrong += !check_case(&cases[i]);
    assert_int_equal(wrong, 0);
}

/* ---- what is fine ---- */

static size_t findings_of(const char *find, const char *replace, const char *code)
{
    const struct broken c = { "", code, find, replace, NULL };
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    unsigned line, column;
    char *text = break_it(&c, &line, &column);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    size_t count = 0;
    for (size_t i = 0; i < found.count; i++)
        count += !code || strcmp(found.items[i].code, code) == 0;
    if (!code && count) saga_diagnostics_print(&found, stderr);
    saga_definition_free(definition);
    saga_arena_free(&arena);
    free(text);
    return count;
}

static void what_is_right_has_no_finding(void **state)
{
    (void)state;
    static const char *const fine[][2] = {
        { "deadline: 30m", "deadline: 1h30m" },
        { "step: tell", "step: '12'" },
        { "step: tell", "step: 1-2" },
        { "keep: .reply.charge", "keep: true" },
        { "failure: [NoStock, Sold]", "failure: Unavailable\n    retry: { on: [] }" },
        { "start: { topic: orders, event: Placed, key: .id }", "start: { every: 1h }" },
        { "key: .id", "key: '.steps.none // .reply // .anything'" }, /* the event is `.` */
        { "    body: '{id: .input.id, \"ö\": .input.lines}'",
          "    body: '{id: (.input | .id), n: [.input.lines[] | {a: .sku}]}'" },
        { ".input.lines}", "(reduce .input.lines[] as $l (0; . + $l.price))}" },
        { ".input.lines}", "(.input.lines | map(.reply))}" },
        { ".input.lines}", ".input.steps.nowhere}" },
        { ".input.lines}", "[.input.lines[] | .steps.x]}" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'def f: .anything; .input | f'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'{input, saga}'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'{a: .input | .x, b: .input.y}'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'.input.x as $x | {$x, y: .input.y}'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'try .input.x catch .message'" },
        { "      body: '{id: .input.id}'", "      body: '{id: .steps.reserve.id, why: .error.type}'"
                                           "\n      unknown-body: '{id: .input.id}'" },
        { "    compensate:\n      send: stock/Release\n      body: '{id: .input.id}'",
          "    unknown: by-key\n    compensate:\n      send: stock/Release\n"
          "      body: '{id: .steps.reserve.id}'" },
    };
    assert_int_equal(findings_of("saga: order", "saga: order", NULL), 0);
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        if (findings_of(fine[i][0], fine[i][1], NULL) != 0) fail_msg("%s", fine[i][1]);
}

/* ---- several at once, limits, the table ---- */

static void a_schedule_is_told_all_that_is_wrong_with_it(void **state)
{
    (void)state;
    static const char find[] = "start: { topic: orders, event: Placed, key: .id }",
                      replace[] = "start: { cron: \"61 6 * * *\", zone: Europe/Berlim }";
    assert_int_equal(findings_of(find, replace, "SG111"), 1);
    assert_int_equal(findings_of(find, replace, "SG112"), 1);
}

static void one_run_finds_several_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    static const char text[] = "saga: Order\n"
                               "version: 1\n"
                               "colour: red\n"
                               "participants: { stock: { commands: a, replies: b } }\n"
                               "start: { topic: orders, event: Placed, key: .id }\n"
                               "steps:\n"
                               "  - step: reserve\n"
                               "    send: stok/Reserve\n"
                               "    timeout: 0s\n"
                               "    body: .lines\n"
                               "    success: Reserved\n"
                               "on-completed: {}\n";
    static const struct {
        unsigned line, column;
        const char *code;
    } want[] = { { 1, 7, "SG107" },  { 3, 1, "SG101" },   { 7, 11, "SG301" }, { 8, 11, "SG105" },
                 { 9, 14, "SG102" }, { 10, 12, "SG205" }, { 12, 1, "SG103" } };
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    int error = saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    assert_int_equal(error, SAGA_E_INVALID);
    assert_int_equal(found.count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < found.count; i++) {
        assert_string_equal(found.items[i].code, want[i].code);
        assert_int_equal(found.items[i].line, want[i].line);
        assert_int_equal(found.items[i].column, want[i].column);
    }
    assert_int_equal(found.items[6].width, strlen("on-completed"));
    assert_true(saga_slice_is(found.items[3].source_line, "    send: stok/Reserve"));
    saga_arena_free(&arena);
}

static void a_failure_behind_the_pivot_is_a_warning(void **state)
{
    (void)state;
    char text[sizeof good + 64];
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    const char *at = strstr(good, "    success: Told");
    snprintf(text, sizeof text, "%.*s    failure: NotTold\n%s", (int)(at - good), good, at);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    assert_int_equal(saga_definition_load(saga_slice_of(text), "x", &found, &definition), SAGA_OK);
    assert_non_null(definition);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.errors, 0);
    assert_int_equal(found.items[0].severity, SAGA_SEVERITY_WARNING);
    assert_string_equal(found.items[0].code, "SG304");
    assert_int_equal(found.items[0].line, 32);
    assert_int_equal(found.items[0].column, 14);
    saga_definition_free(definition);
    saga_arena_free(&arena);
}

static char *repeat(const char *before, const char *format, size_t count, const char *behind)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs(before, out);
    for (size_t i = 0; i < count; i++) {
        char item[128];
        sprintf(item, "%zu", i);
        for (const char *p = format; *p; p++)
            if (*p == '#')
                fputs(item, out);
            else
                fputc(*p, out);
    }
    fputs(behind, out);
    fclose(out);
    return text;
}

static void check_limit(const char *find, const char *before, const char *item, size_t most,
                        const char *behind)
{
    for (size_t more = 0; more <= 1; more++) {
        char *replace = repeat(before, item, most + more, behind);
        size_t count = findings_of(find, replace, "SG108");
        if (count != more) fail_msg("%s: %zu findings with %zu of them", find, count, most + more);
        free(replace);
    }
}

static void limits_hold_exactly(void **state)
{
    (void)state;
    check_limit("  - step: tell", "", "  - {step: s#, send: cash/A, success: B}\n",
                SAGA_DEFINITION_BLOCKS_MAX - 3, "  - step: tell");
    check_limit("[NoStock, Sold]", "[", "T#, ", SAGA_TYPES_MAX, "]");
    check_limit("{ customer: .input.customer }", "{", "a#: .input.a, ", SAGA_SEARCH_MAX, "}");
    check_limit("  cash: {", "", "  p#: { commands: a, replies: b }\n", SAGA_PARTICIPANTS_MAX - 2,
                "  cash: {");
    check_limit("Größe", "", "x", SAGA_MESSAGE_BYTES_MAX - sizeof " zählt." + 1, "");
}

static void every_code_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++) {
        const struct saga_finding_kind *kind = &saga_finding_kinds[i];
        assert_non_null(kind->code);
        assert_true(strlen(kind->title) > 0 && strlen(kind->why) > 0 && strlen(kind->mend) > 0);
        if (i) assert_true(strcmp(saga_finding_kinds[i - 1].code, kind->code) < 0);
        assert_ptr_equal(saga_finding_kind(saga_slice_of(kind->code)), kind);
    }
    assert_string_equal(saga_finding_kind(SAGA_SLICE("sg301"))->code, "SG301");
    assert_null(saga_finding_kind(SAGA_SLICE("SG3010")));
    assert_null(saga_finding_kind(SAGA_SLICE("SG999")));
    assert_null(saga_finding_kind(SAGA_SLICE_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_found_where_it_stands),
        cmocka_unit_test(what_is_right_has_no_finding),
        cmocka_unit_test(a_schedule_is_told_all_that_is_wrong_with_it),
        cmocka_unit_test(one_run_finds_several_in_the_order_of_the_file),
        cmocka_unit_test(a_failure_behind_the_pivot_is_a_warning),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(every_code_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
