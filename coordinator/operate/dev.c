/* saga dev: everything in one process for trying out. An in-process Kafka endpoint, a redis-server of its own,
 * simulated participants, the coordinator, and what happens told live from the journal. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/monotonic.h"
#include "base/random.h"
#include "base/seal.h"
#include "base/time.h"
#include "bus/endpoint.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "operate/dev_demo.h"
#include "operate/dev_hints.h"
#include "operate/dev_redis.h"
#include "operate/job_runner.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/participants.h"
#include "operate/sagas.h"
#include "operate/teller.h"
#include "operate/words.h"
#include "runtime/daemon.h"
#include "runtime/log.h"

enum { KEY_DEMO = 256, KEY_ANSWER, KEY_NO_PARTICIPANTS, KEY_DELAY };
enum { DEV_LANES = 4, FILES_MAX = 64, READY_MS = 20000, TAIL_MS = 20, STEP_MS = 20 };

struct dev {
    struct saga_call *call;
    struct saga_dev_redis *redis;
    struct saga_endpoint *endpoint;
    struct saga_definition *definitions[FILES_MAX];
    size_t definition_count;
    struct saga_answer_rule *rules;
    size_t rule_count, rule_capacity;
    struct saga_participants *participants;
    struct saga_daemon *daemon;
    void *beside; /* the HTTP API, where it is asked for */
    struct saga_job_runner *jobs;
    struct saga_reader *journal[DEV_LANES];
    size_t ended;
};

static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

/* ---- starting ---- */

static void create_topic(struct saga_slice topic, enum saga_topic_use use, void *context)
{
    struct dev *dev = context;
    (void)use;
    saga_endpoint_create_topic(dev->endpoint, saga_arena_string(dev->call->arena, topic),
                               DEV_LANES);
}

/* What is redacted is sealed here too, under a key that ends with the trial. */
static void make_privacy_key(struct saga_call *call)
{
    uint8_t key[SAGA_SEAL_KEY_BYTES];
    char hex[2 * sizeof key + 1];
    if (call->config.privacy_key_file || call->config.privacy_key_command) return;
    int error = saga_random(key, sizeof key);
    SAGA_ASSERT(error == SAGA_OK);
    saga_hex(key, sizeof key, hex);
    call->config.privacy_key_command = saga_arena_printf(call->arena, "echo %s", hex).data;
}

static int start_servers(struct dev *dev)
{
    struct saga_call *call = dev->call;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_dev_redis_start(call->arena, &dev->redis, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    if (saga_endpoint_start(&dev->endpoint) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the Kafka endpoint does not start");
    call->config.kafka.bootstrap_servers = saga_endpoint_servers(dev->endpoint);
    call->config.kafka.mock = true;
    call->config.redis.host = "127.0.0.1";
    call->config.redis.port = saga_dev_redis_port(dev->redis);
    call->config.redis.unix_socket = NULL;
    call->config.lanes = DEV_LANES;
    make_privacy_key(call);
    call->config.workers = 1;
    struct saga_topic_spec *specs;
    size_t count;
    saga_topics_specs(&call->topics, DEV_LANES, call->arena, &specs, &count);
    for (size_t i = 0; i < count; i++)
        saga_endpoint_create_topic(dev->endpoint, specs[i].name, specs[i].partitions);
    for (size_t i = 0; i < dev->definition_count; i++)
        saga_definition_topics(dev->definitions[i], create_topic, dev);
    return SAGA_EXIT_DONE;
}

static int start_participants(struct dev *dev)
{
    unsigned long long delay_ms;
    int code = saga_call_number(dev->call, KEY_DELAY, 0, 60000, &delay_ms);
    if (code != SAGA_EXIT_DONE || saga_call_has(dev->call, KEY_NO_PARTICIPANTS)) return code;
    struct saga_participants_config config = { .bootstrap_servers =
                                                   saga_endpoint_servers(dev->endpoint),
                                               .definitions = dev->definitions,
                                               .definition_count = dev->definition_count,
                                               .schemas = dev->call->schemas,
                                               .rules = dev->rules,
                                               .rule_count = dev->rule_count,
                                               .mock = true,
                                               .delay_ms = (int)delay_ms,
                                               .group = "saga-dev-participants" };
    if (saga_participants_start(&config, &dev->participants) == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(dev->call, SAGA_EXIT_FAILED, NULL,
                          "the simulated participants do not start");
}

static int start_coordinator(struct dev *dev)
{
    struct saga_call *call = dev->call;
    struct saga_diagnostic diagnostic = { 0 };
    int code = saga_companion_open(call, &dev->beside);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_daemon_new(&call->config, call->arena, &dev->daemon, &diagnostic) < 0)
        return saga_call_fail_with(call, SAGA_EXIT_FAILED, &diagnostic);
    saga_daemon_start(dev->daemon);
    int64_t until_ms = saga_now_ms() + READY_MS;
    while (!saga_daemon_is_ready(dev->daemon) && !stopping) {
        if (saga_daemon_has_failed(dev->daemon) || saga_now_ms() > until_ms)
            return saga_call_fail(call, SAGA_EXIT_FAILED, "run it with --log-level=debug",
                                  "the coordinator does not get ready");
        saga_sleep_ms(STEP_MS);
    }
    code = saga_companion_start(call, dev->beside, dev->daemon);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_job_runner_start(&call->config, dev->daemon, &dev->jobs) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the schemas cannot be read");
    for (int lane = 0; lane < DEV_LANES; lane++)
        if (saga_reader_open(call->client, call->topics.journal, lane, SAGA_READ_BEGINNING,
                             &dev->journal[lane]) < 0)
            return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the journal cannot be read: %s",
                                  saga_client_problem(call->client));
    return SAGA_EXIT_DONE;
}

/* ---- telling ---- */

static void tell_record(struct dev *dev, const struct saga_journal_record *record)
{
    char clock[SAGA_TIME_TEXT_BYTES];
    struct saga_buffer words;
    struct saga_teller teller; /* many sagas are told in turn: their parts are not told apart */
    saga_teller_begin(&teller, false, dev->call->arena);
    saga_time_format_clock(record->cause.time_ms, clock);
    saga_buffer_init(&words, dev->call->arena);
    saga_cause_words(record, &words);
    printf("%s  %-12.*s %.*s\n", clock, SAGA_SLICE_ARG(record->key),
           SAGA_SLICE_ARG(saga_buffer_slice(&words)));
    for (size_t i = 0; i < record->fact_count; i++) {
        struct saga_buffer fact;
        enum saga_fact_kind kind = record->facts[i].kind;
        saga_buffer_init(&fact, dev->call->arena);
        if (saga_teller_tell(&teller, &record->facts[i], record->cause.time_ms, &fact))
            printf("%28s-> %.*s\n", "", SAGA_SLICE_ARG(saga_buffer_slice(&fact)));
        dev->ended += kind == SAGA_FACT_SAGA_COMPLETED || kind == SAGA_FACT_SAGA_COMPENSATED ||
                      kind == SAGA_FACT_SAGA_ABANDONED || kind == SAGA_FACT_SAGA_STUCK;
    }
    fflush(stdout);
}

static void tell(struct dev *dev)
{
    for (int lane = 0; lane < DEV_LANES; lane++) {
        struct saga_bus_records records = { 0 };
        int64_t position;
        bool end;
        if (saga_reader_read(dev->journal[lane], TAIL_MS, 100, &records, &position, &end) < 0)
            continue;
        for (size_t i = 0; i < records.count; i++) {
            struct saga_journal_record record;
            struct saga_diagnostic diagnostic = { 0 };
            if (saga_journal_decode(dev->call->codec, records.items[i].value, dev->call->arena,
                                    &record, &diagnostic) == SAGA_OK &&
                record.cause.kind != SAGA_EVENT_LANE) {
                saga_open_record_for_people(dev->call, (uint32_t)lane, &record, dev->call->arena);
                tell_record(dev, &record);
            }
        }
        saga_reader_release(dev->journal[lane], &records);
    }
}

static void print_surroundings(const struct dev *dev)
{
    const char *servers = saga_endpoint_servers(dev->endpoint);
    int port = saga_dev_redis_port(dev->redis);
    printf("Kafka endpoint %s, Redis 127.0.0.1:%d, %zu %s%s\n\n", servers, port,
           dev->definition_count, dev->definition_count == 1 ? "definition" : "definitions",
           dev->participants ? ", simulated participants" : "");
    printf("In another terminal:\n"
           "  export SAGA_KAFKA_BOOTSTRAP_SERVERS=%s SAGA_KAFKA_MOCK=true SAGA_REDIS_PORT=%d "
           "SAGA_LANES=%d\n",
           servers, port, DEV_LANES);
    for (size_t i = 0; i < dev->definition_count; i++)
        saga_dev_hints(dev->definitions[i], program_invocation_name, dev->call->arena, stdout);
    printf("  %s list\n\nCtrl-C ends it; nothing is kept.\n\n", program_invocation_name);
    fflush(stdout);
}

/* ---- the whole ---- */

static void stop(struct dev *dev)
{
    for (int lane = 0; lane < DEV_LANES; lane++)
        if (dev->journal[lane]) saga_reader_close(dev->journal[lane]);
    saga_job_runner_stop(dev->jobs);
    saga_companion_stop(dev->beside);
    if (dev->daemon) saga_daemon_stop(dev->daemon);
    saga_participants_stop(dev->participants);
    saga_client_free(dev->call->client); /* before the endpoint that it talks to */
    dev->call->client = NULL;
    saga_endpoint_stop(dev->endpoint);
    saga_views_free(dev->call->views);
    dev->call->views = NULL;
    saga_dev_redis_stop(dev->redis);
    saga_free_definitions(dev->definitions, dev->definition_count);
}

static int start(struct dev *dev, const char *const *files, size_t count)
{
    if (count > FILES_MAX)
        return saga_call_fail(dev->call, SAGA_EXIT_USAGE, NULL, "at most %d files", FILES_MAX);
    int code = saga_call_schemas(dev->call);
    if (code == SAGA_EXIT_DONE)
        code = saga_load_files(dev->call, dev->call->schemas, files, count, dev->definitions);
    if (code != SAGA_EXIT_DONE) return code;
    dev->definition_count = count;
    code = start_servers(dev);
    if (code == SAGA_EXIT_DONE) code = saga_call_client(dev->call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(dev->call);
    if (code == SAGA_EXIT_DONE)
        code =
            saga_deploy_and_report(dev->call, dev->definitions, count, SAGA_MISSING_TOPICS_REFUSED);
    if (code == SAGA_EXIT_DONE) code = start_participants(dev);
    if (code == SAGA_EXIT_DONE) code = start_coordinator(dev);
    return code;
}

static int demonstrate(struct dev *dev)
{
    int code = saga_demo_send(dev->call);
    while (code == SAGA_EXIT_DONE && dev->ended < saga_demo_order_count && !stopping) {
        tell(dev);
        if (saga_daemon_has_failed(dev->daemon)) return SAGA_EXIT_FAILED;
    }
    if (code != SAGA_EXIT_DONE || stopping) return code;
    return saga_demo_summary(dev->call);
}

static int read_rules(struct dev *dev)
{
    for (size_t i = 0; i < dev->call->given_count; i++) {
        struct saga_answer_rule rule;
        if (dev->call->given[i].key != KEY_ANSWER) continue;
        if (saga_answer_rule_parse(dev->call->given[i].value, dev->call->arena, &rule) < 0)
            return saga_call_fail(dev->call, SAGA_EXIT_USAGE,
                                  "write it as ChargeCard=CardDeclined or K-1:ChargeCard=silent",
                                  "\"%s\" is no answer", dev->call->given[i].value);
        SAGA_PUSH(dev->call->arena, dev->rules, dev->rule_count, dev->rule_capacity, rule);
    }
    return SAGA_EXIT_DONE;
}

/* Whoever has settings for real servers must not believe that these are used. */
static void warn_of_settings(struct saga_call *call)
{
    static const char *const unused[] = { "kafka.bootstrap.servers", "redis.host", "redis.port",
                                          "redis.unix-socket",       "lanes",      "workers" };
    struct saga_diagnostics diagnostics;
    struct saga_setting_source *sources;
    size_t count;
    saga_diagnostics_init(&diagnostics, call->arena);
    if (saga_config_sources(call->config_path, environ, call->flags, call->flag_count, call->arena,
                            &diagnostics, &sources, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof unused / sizeof unused[0]; k++)
            if (strcmp(sources[i].name, unused[k]) == 0 &&
                strcmp(sources[i].source, "default") != 0)
                fprintf(stderr,
                        "warning: %s is not used (%s): saga dev brings servers of its own\n",
                        sources[i].name, sources[i].source);
}

static int run_dev(struct saga_call *call)
{
    static const char *const example[] = { "sagas/order-fulfilment.yaml" };
    struct dev dev = { .call = call };
    bool demo = saga_call_has(call, KEY_DEMO);
    const char *const *files = call->argument_count ? call->arguments : example;
    size_t count = call->argument_count ? call->argument_count : 1;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    warn_of_settings(call);
    int code = read_rules(&dev);
    if (demo) saga_demo_rules(call->arena, &dev.rules, &dev.rule_count, &dev.rule_capacity);
    saga_log_open(call->config.log_format,
                  strcmp(call->config.log_level, "debug") == 0 ? SAGA_LOG_DEBUG : SAGA_LOG_ERROR);
    if (code == SAGA_EXIT_DONE) code = start(&dev, files, count);
    if (code == SAGA_EXIT_DONE && demo) {
        code = demonstrate(&dev);
    } else if (code == SAGA_EXIT_DONE) {
        print_surroundings(&dev);
        while (!stopping && !saga_daemon_has_failed(dev.daemon)) tell(&dev);
    }
    stop(&dev);
    return code;
}

static const struct argp_option options[] = {
    { "demo", KEY_DEMO, NULL, 0, "play the example's orders, show what became of them, and end",
      0 },
    { "answer", KEY_ANSWER, "[KEY:]COMMAND=REPLY", 0,
      "what a simulated participant answers: a reply's type, silent, or silent-once; may be "
      "repeated",
      0 },
    { "delay", KEY_DELAY, "MS", 0, "let the simulated participants take their time", 0 },
    { "no-participants", KEY_NO_PARTICIPANTS, NULL, 0, "simulate none: your own services answer",
      0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_dev = {
    .name = "dev",
    .arguments = "[FILE...]",
    .summary = "try sagas out: everything in one process",
    .details = "Starts a Kafka endpoint inside the process (librdkafka's mock cluster; real "
               "clients can connect to it), "
               "a redis-server of its own, simulated participants that answer every command with "
               "its first success, "
               "and the coordinator; then tells live what happens. Nothing is kept, and the "
               "endpoint makes no "
               "promises: it is for trying out. Settings that name other servers are not used.",
    .examples = "  saga dev sagas/order-fulfilment.yaml\n"
                "  saga dev my.yaml --answer ChargeCard=CardDeclined\n"
                "  saga dev my.yaml --answer K-2:BookCourier=silent\n"
                "  saga dev --demo\n",
    .options = options,
    .arguments_max = FILES_MAX,
    .configured = true,
    .own_servers = true,
    .run = run_dev,
};
