/* `saga replay`: what is asked for. */
#include "operate/replay.h"

#include <stdint.h>
#include <unistd.h>

#include "base/limits.h"

enum {
    KEY_LIMIT = 'n',
    KEY_STATUS = 's',
    KEY_VERIFY = 256,
    KEY_FROM_JOURNAL,
    KEY_WITH,
    KEY_SAGA,
    KEY_SINCE,
    KEY_ACCEPT,
    KEY_AT,
    KEY_DIFF,
    KEY_BODIES,
    KEY_THREADS,
};
enum { LIMIT_TEXT = 20 };

/* As many as there are processors, if nothing else is said. */
static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1) return 1;
    return count < SAGA_REPLAY_THREADS_MAX ? (unsigned)count : SAGA_REPLAY_THREADS_MAX;
}

static int run_verify(struct saga_call *call)
{
    unsigned long long threads;
    int code = saga_call_number(call, KEY_THREADS, processors(), SAGA_REPLAY_THREADS_MAX, &threads);
    if (code != SAGA_EXIT_DONE) return code;
    return saga_replay_verify(call, !saga_call_has(call, KEY_FROM_JOURNAL), (unsigned)threads);
}

static int run_with(struct saga_call *call)
{
    const struct saga_replay_with asked = {
        .file = saga_call_option(call, KEY_WITH),
        .name = saga_call_option(call, KEY_SAGA),
        .since = saga_call_option(call, KEY_SINCE),
        .accept = saga_call_option(call, KEY_ACCEPT),
    };
    return saga_replay_with(call, &asked);
}

/* What --at and --diff have in common; `ids`: how many arguments come before the saga's id. */
static int read_at(struct saga_call *call, size_t ids, struct saga_replay_at *ret)
{
    *ret = (struct saga_replay_at){
        .id = call->argument_count > ids ? call->arguments[ids] : NULL,
        .name = saga_call_option(call, KEY_SAGA),
        .status = saga_call_option(call, KEY_STATUS),
        .bodies = saga_call_has(call, KEY_BODIES),
    };
    return saga_call_number(call, KEY_LIMIT, call->output == SAGA_OUTPUT_TEXT ? LIMIT_TEXT : 0,
                            UINT32_MAX, &ret->limit);
}

static int run_at(struct saga_call *call)
{
    struct saga_replay_at asked;
    int code = read_at(call, 0, &asked);
    asked.moments[0] = saga_call_option(call, KEY_AT);
    return code == SAGA_EXIT_DONE ? saga_replay_at(call, &asked) : code;
}

static int run_diff(struct saga_call *call)
{
    struct saga_replay_at asked;
    int code = read_at(call, 2, &asked);
    if (code != SAGA_EXIT_DONE) return code;
    asked.moments[0] = call->arguments[0];
    asked.moments[1] = call->arguments[1];
    return saga_replay_diff(call, &asked);
}

/* Each with how many arguments it takes. */
static const struct purpose {
    int key;
    const char *option;
    size_t arguments_min, arguments_max;
    const char *arguments;
    int (*run)(struct saga_call *call);
} purposes[] = {
    { KEY_VERIFY, "--verify", 0, 0, "no argument", run_verify },
    { KEY_WITH, "--with", 0, 0, "no argument beside its file", run_with },
    { KEY_AT, "--at", 0, 1, "at most the id of a saga beside its moment", run_at },
    { KEY_DIFF, "--diff", 2, 3, "two moments, and maybe the id of a saga", run_diff },
};

static int run(struct saga_call *call)
{
    const struct purpose *purpose = NULL;
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
        if (!saga_call_has(call, purposes[i].key)) continue;
        if (purpose)
            return saga_call_fail(call, SAGA_EXIT_USAGE, "one thing at a time",
                                  "%s and %s are two things", purpose->option, purposes[i].option);
        purpose = &purposes[i];
    }
    if (!purpose)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "say --verify, --at MOMENT, --diff MOMENT MOMENT or --with FILE",
                              "what is to be done with the journal?");
    if (call->argument_count < purpose->arguments_min ||
        call->argument_count > purpose->arguments_max)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "saga replay --help has examples",
                              "%s takes %s", purpose->option, purpose->arguments);
    return purpose->run(call);
}

static const struct argp_option options[] = {
    { "verify", KEY_VERIFY, NULL, 0, "prove the journal, and Redis against it", 0 },
    { "from-journal", KEY_FROM_JOURNAL, NULL, 0,
      "with --verify: look at the journal alone, without Redis", 0 },
    { "threads", KEY_THREADS, "NUMBER", 0,
      "with --verify: so many lanes at the same time (as there are processors)", 0 },
    { "at", KEY_AT, "MOMENT", 0, "where all sagas stood then, or that of the id", 0 },
    { "diff", KEY_DIFF, NULL, 0, "what is another way at the second moment than at the first", 0 },
    { "with", KEY_WITH, "FILE", 0, "what if this had been the version of the recorded sagas", 0 },
    { "saga", KEY_SAGA, "NAME", 0, "only sagas of this definition (with --with: the file's)", 0 },
    { "status", KEY_STATUS, "STATUS", 0, "with --at and --diff: only those", 0 },
    { "limit", KEY_LIMIT, "NUMBER", 0,
      "with --at and --diff: at most so many, the newest (20 as text, else all)", 0 },
    { "bodies", KEY_BODIES, NULL, 0, "with one saga's input, commands and results", 0 },
    { "since", KEY_SINCE, "TIME", 0,
      "with --with: only sagas that were started since: 2026-11-23T12:00:00Z, or 7d for as long "
      "ago",
      0 },
    { "accept", KEY_ACCEPT, "CLASS,...", 0,
      "with --with: sagas that part like this are no failure: ended-otherwise, other-commands, "
      "stuck, unhandled-event, other-time, not-started, not-judged; and unreadable records",
      0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_replay = {
    .name = "replay",
    .arguments = "[MOMENT MOMENT] [ID]",
    .summary = "replay the journal: prove it, look back, or ask what would have been",
    .details =
        "--verify proves lane by lane that the sequences are unbroken, that the hash chain holds, "
        "that deciding each recorded cause again gives exactly the recorded facts, and that the "
        "facts add up to exactly the states that Redis holds. Exit status 0 only when all of it "
        "holds.\n\n"
        "--at and --diff tell where sagas stood. A MOMENT is a time, 2026-11-23T12:13:14Z; how "
        "long ago, 10m; or a place in the journal, LANE/OFFSET, of a saga's id OFFSET alone. The "
        "last record up to it counts.\n\n"
        "--with decides every recorded event of a definition's sagas by the version in the file. "
        "Nothing is sent. As long as a saga sends the same commands, the recorded answers are "
        "answers to them; at the first difference the ways part, and what would have followed is "
        "unknown. Exit status 0 only when all sagas went the same way, or part as --accept says; 1 "
        "if some did not.",
    .examples = "  saga replay --verify\n"
                "  saga replay --verify --from-journal -o json\n"
                "  saga replay --at 2026-11-23T12:13:14Z --status stuck\n"
                "  saga replay --at 10m order-fulfilment/o-4711\n"
                "  saga replay --diff 1h 0s order-fulfilment/o-4711\n"
                "  saga replay --diff 3/1200 3/1300\n"
                "  saga replay --with order-fulfilment.saga.yaml --since 30d\n"
                "  saga replay --with order-fulfilment.saga.yaml --accept other-time -o json",
    .options = options,
    .arguments_max = 3,
    .configured = true,
    .has_output = true,
    .run = run,
};
