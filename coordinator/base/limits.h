/* Every limit of the coordinator, with its reason (R23). Checked where the thing enters; past one,
 * the saga is stuck with the reason or the record is a dead letter, and the lane goes on. */
#ifndef SAGA_BASE_LIMITS_H
#define SAGA_BASE_LIMITS_H

/* A record's body. Kafka's own default for a message; a larger one belongs into an object store. */
#define SAGA_PAYLOAD_BYTES_MAX (1024 * 1024)
/* One saga's state as Avro. It is written to Redis for every event the saga takes. */
#define SAGA_STATE_BYTES_MAX (512 * 1024)
/* The engine's estimate of a state may be off by some names; with this much it is still encoded within twice the limit. */
#define SAGA_STATE_CHECKED_MAX (SAGA_STATE_BYTES_MAX / 2 * 3)
/* Sagas of a lane that Redis may lack under load, and for how long: what people look at is late by that, and a new owner
 * replays so much more. One apply of so many states holds Redis for some ten milliseconds. */
#define SAGA_UNSTORED_MAX 2000
#define SAGA_UNSTORED_MS 500
/* One journal record: a cause of a payload and the commands that followed from it. */
#define SAGA_JOURNAL_RECORD_BYTES_MAX (8 * 1024 * 1024)
/* A state in saga.snapshots: its bytes as in Redis, which may be a little over the engine's estimate, and a frame. */
#define SAGA_SNAPSHOT_BYTES_MAX (2 * SAGA_STATE_BYTES_MAX + 4096)
/* States in one transaction of a snapshot: a few milliseconds of a lane's time, every now and then. */
#define SAGA_SNAPSHOT_PORTION_MAX 500
#define SAGA_SNAPSHOT_PORTION_BYTES (1024 * 1024)
/* Steps of one saga that wait for an answer at the same time. */
#define SAGA_OPEN_STEPS_MAX 1024
/* Variables that one `set` names. */
#define SAGA_VARIABLES_MAX 64
/* Blocks that one definition may have. */
#define SAGA_DEFINITION_BLOCKS_MAX 512
/* Branches of one `choose` or `parallel`: each `when` may be evaluated for every saga. */
#define SAGA_BRANCHES_MAX 256
/* Rounds of one `repeat`, elements of a `for-each`: each leaves its steps in the saga's state until that ends. */
#define SAGA_ROUNDS_MAX 10000
/* Elements of a `for-each` that are worked on at the same time: each has at least one open step. */
#define SAGA_AT_ONCE_MAX SAGA_OPEN_STEPS_MAX
/* Participants of one definition: each is two topics that the coordinator keeps watch on. */
#define SAGA_PARTICIPANTS_MAX 256
/* Reply types that one field of a step lists; each reply is compared with all of them. */
#define SAGA_TYPES_MAX 64
/* Start events of one definition: each record of their topics is compared with all of them. */
#define SAGA_STARTS_MAX 16
/* Search attributes of a definition: each is a set in Redis for every value. */
#define SAGA_SEARCH_MAX 16
/* From tick to tick of a schedule, at least: a tick is told from the next by its second. */
#define SAGA_SCHEDULE_EVERY_MS_MIN 1000
/* And at most: what comes more seldom than once a year is written as `cron`. */
#define SAGA_SCHEDULE_EVERY_MS_MAX (366LL * 86400000)
/* So late may a tick be that is not missed: a coordinator that is started anew, or whose lanes move to another. */
#define SAGA_SCHEDULE_GRACE_MS 60000
/* After that long a tick whose definition could not be had is tried again. */
#define SAGA_SCHEDULE_AGAIN_MS 60000
/* Missed ticks are counted up to here. */
#define SAGA_SCHEDULE_MISSED_MAX 1000
/* What a `cron` may be long: a list of every minute of the hour. */
#define SAGA_CRON_BYTES_MAX 256
/* A file of the zone database; the largest has some 4 KiB. */
#define SAGA_ZONE_BYTES_MAX (64 * 1024)
/* A definition file. The largest sensible one is some 100 KiB. */
#define SAGA_DEFINITION_BYTES_MAX (1024 * 1024)
/* Blocks inside blocks. */
#define SAGA_NESTING_MAX 16
/* JSON inside JSON: bodies are walked recursively by libjq, so its stack is what this guards. */
#define SAGA_JSON_DEPTH_MAX 256
/* A business key. It is part of every id, header and Redis key of the saga. */
#define SAGA_KEY_BYTES_MAX 512
/* Names of sagas, steps, participants, event types and topics (Kafka's own limit for a topic). */
#define SAGA_NAME_BYTES_MAX 249
/* Headers of one record; more is nobody's CloudEvent. */
#define SAGA_HEADERS_MAX 64
/* An operator's reason, a failure's message: what is kept of a text that comes from outside. */
#define SAGA_MESSAGE_BYTES_MAX 1024
/* One source of an expression. */
#define SAGA_EXPRESSION_BYTES_MAX 8192
/* What an expression may cost at most by its form, to be run in the worker's own thread, where nothing stops it: units of
 * some 100 ns. Most cost far less than that bound. Those over it are run in a process of their own. */
#define SAGA_EXPRESSION_PRICE_MAX 2000000
/* Rounds of one loop in the worker's own thread: each may nest a value one deeper, which libjq frees by recursion. */
#define SAGA_EXPRESSION_LOOPS_MAX 10000
/* Nodes that are looked at to find that price; loops in loops are looked at again and again. */
#define SAGA_EXPRESSION_VISITS_MAX 2000
/* Processor time of one evaluation in a process of its own: a hundred times what a large document takes. */
#define SAGA_EXPRESSION_CPU_MS_MAX 1000
/* Memory of one: as much again as a worker of some lanes. */
#define SAGA_EXPRESSION_MEMORY_BYTES_MAX (256LL * 1024 * 1024)
/* Real time of one: it is only stopped by this if it does not even run, on a machine that stands still. */
#define SAGA_EXPRESSION_WAIT_MS_MAX 60000
/* How often one search of a regular expression may go back: some 10 ms. */
#define SAGA_EXPRESSION_RETRIES_MAX 1000000
/* Records back among which is looked for the one that a record was written behind, where the hash chain is broken: each is a
 * hash over the record. */
#define SAGA_CHAIN_WINDOW 1024
/* A line of an export: a record of the largest size in base64, with a frame. */
#define SAGA_EXPORT_LINE_BYTES_MAX (SAGA_JOURNAL_RECORD_BYTES_MAX / 3 * 4 + 65536)
/* The manifest of an export: some lines for each of the most lanes. */
#define SAGA_EXPORT_MANIFEST_BYTES_MAX (16 * 1024 * 1024)
/* Lines of a file of anchors: one a lane every minute for some weeks. */
#define SAGA_ANCHORS_MAX (1024 * 1024)
/* Lanes of a cluster: each is a partition in several topics. */
#define SAGA_LANES_MAX 4096
/* Elements of one array in Redis's answers: some for each saga of a batch, or of a page that is scanned. */
#define SAGA_REDIS_ELEMENTS_MAX (1024 * 1024)
/* One schema file, and all of a folder of them. Generated ones have some 100 KiB at most. */
#define SAGA_SCHEMA_BYTES_MAX (1024 * 1024)
#define SAGA_SCHEMA_FILES_MAX 4096
#define SAGA_SCHEMA_FOLDER_BYTES_MAX (64 * 1024 * 1024)
/* Fields of a record, branches of a union, symbols of an enum, named types of a file: each is compared with the others. */
#define SAGA_SCHEMA_MEMBERS_MAX 1024
/* The default of one field, as Avro. */
#define SAGA_SCHEMA_DEFAULT_BYTES_MAX (64 * 1024)
/* Values that are looked at while one body is read or written: bytes bound them but for those without bytes (nulls, empty
 * records), and trying the branches of unions looks at some again. */
#define SAGA_BODY_VALUES_MAX (2 * SAGA_PAYLOAD_BYTES_MAX)
/* Digits of a decimal; arithmetic on them takes the square of their number. */
#define SAGA_DECIMAL_DIGITS_MAX 1000
/* Workers of a process: each is a thread with its own connections. */
#define SAGA_WORKERS_MAX 64
/* Diagnostics that one run of the loader reports before it says "and more". */
#define SAGA_DIAGNOSTICS_MAX 100
/* A start's input: it stays in the saga's state, beside what the steps keep. */
#define SAGA_INPUT_BYTES_MAX (SAGA_STATE_BYTES_MAX / 2)
/* Facts of one record after which a saga lets others go first: a loop of blocks that wait for nothing. */
#define SAGA_FACTS_AT_ONCE 1000
/* What decide may derive from one event: those, and some for each step and child that a state has room for. */
#define SAGA_FACTS_MAX 16384
/* What a what-if tells apart: steps of two versions, each in a few ways. Beyond that nobody reads on. */
#define SAGA_WHAT_IF_GROUPS_MAX 500
/* What it keeps of a body for an example: enough to see what differs in most. */
#define SAGA_WHAT_IF_BODY_BYTES_MAX 2048

/* A sequence diagram's text: Mermaid draws no more than this (its `maxTextSize`). */
#define SAGA_DIAGRAM_BYTES_MAX 50000
/* Lifelines of one: more are wider than any page; what is behind the last shares one. */
#define SAGA_DIAGRAM_LIFELINES_MAX 32
/* What a diagram shows of one text from outside. */
#define SAGA_DIAGRAM_TEXT_BYTES_MAX 200

#endif
