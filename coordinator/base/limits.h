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
/* Alarms in one: as many as blocks that wait find room, each with its list of blocks beside it. */
#define SAGA_STATE_TIMERS_MAX 8192
/* So often a lane that this process owns is built anew because a state in it does not fit its definition. When it is still so
 * then, the journal says so itself, and building the lane again changes nothing. */
#define SAGA_UNFIT_REBUILDS_MAX 2
/* Sagas of a lane that Redis may lack under load, and for how long: what people look at is late by that, and a new owner
 * replays so much more. One apply of so many states holds Redis for some ten milliseconds. */
#define SAGA_UNSTORED_MAX 2000
#define SAGA_UNSTORED_MS 500
/* And so much of them, with the room that a state has to grow: two thousand of the largest would be gigabytes. */
#define SAGA_UNSTORED_BYTES_MAX (32 * 1024 * 1024)
/* States, as they are in memory, that a batch reads beside those at hand; each has a working copy too. A batch that would read more is
 * made smaller (R24), else two thousand of the largest would be gigabytes. Their sizes are known when they are read, some at once
 * (lane.c), so that it may be more by one such reading. */
#define SAGA_LOAD_BYTES_MAX (64 * 1024 * 1024)
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
/* What is passed on of a tracestate: as much as the specification asks for. */
#define SAGA_TRACESTATE_BYTES_MAX 512
#define SAGA_TRACESTATE_MEMBERS_MAX 32
/* Spans of one batch: some thousand. More are dropped, not waited for. */
#define SAGA_SPANS_BYTES_MAX (4 * 1024 * 1024)
/* Spans that wait to be sent, over all workers: what a collector that is away may cost. */
#define SAGA_TRACES_QUEUE_BYTES_MAX (32 * 1024 * 1024)
/* One request to a collector: collectors take some MiB. */
#define SAGA_TRACES_REQUEST_SPANS 1000
#define SAGA_TRACES_REQUEST_BYTES (2 * 1024 * 1024)
/* What is read of a collector's answer: an error's words. */
#define SAGA_TRACES_ANSWER_BYTES_MAX (64 * 1024)
/* A file of headers: some tokens. */
#define SAGA_TRACES_HEADERS_MAX 32
#define SAGA_TRACES_HEADERS_BYTES_MAX (16 * 1024)
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
/* A line of a file of anchors: an anchor has less than 500 bytes. */
#define SAGA_ANCHOR_LINE_BYTES_MAX 4096
/* Lines of a file of anchors: one a lane every minute for some weeks. */
#define SAGA_ANCHORS_MAX (1024 * 1024)
/* Lanes that are proved at the same time: each takes the memory of its states, and what is read ahead of it. */
#define SAGA_REPLAY_THREADS_MAX 64
/* Lanes of a cluster: each is a partition in several topics. */
#define SAGA_LANES_MAX 4096
/* Paths of `redact`: some for each message that a saga knows. */
#define SAGA_REDACT_MAX 64
/* Runs of a saga that one command to forget it names; whoever asks for more asks again. Each is a record in the transaction. */
#define SAGA_FORGET_RUNS_MAX 1000
/* What one of their names may be long: more than twelve digits, as imported sagas may have others. */
#define SAGA_RUN_BYTES_MAX 128
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

/* Definitions that have series of their own in the metrics, some 70 each; a server of metrics keeps all of them in memory. */
#define SAGA_METRICS_DEFINITIONS_MAX 100
/* Steps that have histograms of their own, up to 51 series each: of each definition some. */
#define SAGA_METRICS_STEPS_MAX 300
/* Partitions whose lag is asked for in one look: each is a question to the broker. */
#define SAGA_METRICS_LAGS_AT_ONCE 100

/* A sequence diagram's text: Mermaid draws no more than this (its `maxTextSize`). */
#define SAGA_DIAGRAM_BYTES_MAX 50000
/* Lifelines of one: more are wider than any page; what is behind the last shares one. */
#define SAGA_DIAGRAM_LIFELINES_MAX 32
/* What a diagram shows of one text from outside. */
#define SAGA_DIAGRAM_TEXT_BYTES_MAX 200

/* A filter of sagas (runtime/filter.h), as people type it; each of its words is held against each saga. */
#define SAGA_FILTER_BYTES_MAX 4096
#define SAGA_FILTER_TERMS_MAX 32
/* Jobs that have not ended: each is worked on in turn. */
#define SAGA_JOBS_OPEN_MAX 100
/* Sagas of one job: a list of their ids is kept in memory by who does it. */
#define SAGA_JOB_SAGAS_MAX 1000000
/* Sagas that one transaction of a job orders: some milliseconds of a broker, and as much work for the lanes at once. */
#define SAGA_JOB_PORTION_MAX 500
/* What a job may send in a second, at most, and where nobody says. */
#define SAGA_JOB_RATE_MAX 5000
#define SAGA_JOB_RATE_DEFAULT 100
/* Jobs that have ended are told of for so long. */
#define SAGA_JOB_KEPT_MS (30LL * 86400000)
/* A job's record: filter and reason, each escaped. */
#define SAGA_JOB_BYTES_MAX (64 * 1024)

/* What a lane's log keeps of what operators said: the newest. An entry has some 300 bytes; each of its texts may have
 * SAGA_MESSAGE_BYTES_MAX, and more when it is escaped. */
#define SAGA_OPERATIONS_MAX 10000

/* What a snapshot has of them: as many of the newest, if they fit into so much, which is half of a record. */
#define SAGA_SNAPSHOT_LOG_MAX 2000
#define SAGA_SNAPSHOT_LOG_BYTES (512 * 1024)

/* The HTTP API. Connections that may be asked for, each of which may take SAGA_HTTP_HEAD_BYTES_MAX and a body. */
#define SAGA_HTTP_CONNECTIONS_MAX 10000
/* Request line and headers; MHD's pool of a connection. */
#define SAGA_HTTP_HEAD_BYTES_MAX (32 * 1024)
/* The longest target: a key of which each byte is escaped, and a query. */
#define SAGA_HTTP_TARGET_BYTES_MAX (16 * 1024)
/* A cursor: a number and a saga's id, two digits a byte. */
#define SAGA_HTTP_CURSOR_BYTES_MAX 2048
/* Query parameters of a request, and segments of its path. */
#define SAGA_HTTP_PARAMETERS_MAX 32
#define SAGA_HTTP_SEGMENTS_MAX 8
/* Bodies of all requests together, as they are read; further ones are refused until there is room. */
#define SAGA_HTTP_BODIES_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* From the first byte of a request to its last, and for reading the answer: slower clients are cut off. */
#define SAGA_HTTP_REQUEST_MS_MAX 30000
#define SAGA_HTTP_ANSWER_MS_MAX 60000
/* A connection without a request. */
#define SAGA_HTTP_IDLE_MS_MAX 60000
/* How long a client may ask to be waited for. */
#define SAGA_HTTP_WAIT_MS_MAX 600000
/* Requests that wait for a thread; further ones are refused. */
#define SAGA_HTTP_QUEUE_MAX 2000
/* The history of one saga that is answered over HTTP; some thousands of records with bodies. */
#define SAGA_HISTORY_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* Rows of a page. */
#define SAGA_HTTP_PAGE_MAX 1000
/* A what-if over HTTP, which is done beside the lanes: how many records it looks at and for how long, at most. */
#define SAGA_HTTP_WHAT_IF_RECORDS_MAX 10000000
#define SAGA_HTTP_WHAT_IF_MS_MAX 300000
#define SAGA_HTTP_WHAT_IF_MS_DEFAULT 60000
/* What the sagas may take that are open at a time in one lane's record, and what is read ahead of them: about as much as is
 * decided in a second. */
#define SAGA_HTTP_WHAT_IF_BYTES_MAX ((size_t)128 * 1024 * 1024)
#define SAGA_HTTP_WHAT_IF_AHEAD_KIB (64 * 1024)
/* What it tells and its client has not read: all groups with their examples, escaped. */
#define SAGA_HTTP_WHAT_IF_ANSWER_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* Records of the journals of a job's time that are read for a page of what it said to each saga: some seconds. */
#define SAGA_HTTP_JOB_RECORDS_MAX 2000000
/* What is kept of what was done about dead letters: some ten thousand notes. More is read anew each time. */
#define SAGA_LETTER_NOTES_BYTES_MAX ((size_t)16 * 1024 * 1024)
/* A bearer token; a JWT with many claims has some KiB. */
#define SAGA_HTTP_TOKEN_BYTES_MAX (8 * 1024)
/* Lines of the file of tokens, and keys of an OIDC provider. */
#define SAGA_HTTP_TOKENS_MAX 1000
#define SAGA_HTTP_KEYS_MAX 100

#endif
