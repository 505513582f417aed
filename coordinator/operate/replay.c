/* `saga replay`: what is asked for. */
#include "operate/replay.h"

enum {
    KEY_VERIFY = 256,
    KEY_FROM_JOURNAL,
    KEY_WITH,
    KEY_SAGA,
    KEY_SINCE,
    KEY_ACCEPT,
};

static int run(struct saga_call *call)
{
    bool verify = saga_call_has(call, KEY_VERIFY), with = saga_call_has(call, KEY_WITH);
    if (verify + with != 1)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "say --verify or --with FILE",
                              verify ? "one thing at a time"
                                     : "what is to be done with the journal?");
    if (verify) return saga_replay_verify(call, !saga_call_has(call, KEY_FROM_JOURNAL));
    const struct saga_replay_with asked = {
        .file = saga_call_option(call, KEY_WITH),
        .name = saga_call_option(call, KEY_SAGA),
        .since = saga_call_option(call, KEY_SINCE),
        .accept = saga_call_option(call, KEY_ACCEPT),
    };
    return saga_replay_with(call, &asked);
}

static const struct argp_option options[] = {
    { "verify", KEY_VERIFY, NULL, 0, "prove the journal, and Redis against it", 0 },
    { "from-journal", KEY_FROM_JOURNAL, NULL, 0, "look at the journal alone, without Redis", 0 },
    { "with", KEY_WITH, "FILE", 0, "what if this had been the version of the recorded sagas", 0 },
    { "saga", KEY_SAGA, "NAME", 0, "the definition whose sagas are looked at (the file's)", 0 },
    { "since", KEY_SINCE, "TIME", 0,
      "only sagas that were started since: 2026-11-23T12:00:00Z, or 7d for as long ago", 0 },
    { "accept", KEY_ACCEPT, "CLASS,...", 0,
      "sagas that part like this are no failure: ended-otherwise, other-commands, stuck, "
      "unhandled-event, other-time, not-started, not-judged; and unreadable records",
      0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_replay = {
    .name = "replay",
    .summary = "replay the journal: prove it, or ask what would have been",
    .details =
        "--verify proves lane by lane that the sequences are unbroken, that the hash chain holds, "
        "that deciding each recorded cause again gives exactly the recorded facts, and that the "
        "facts add up to exactly the states that Redis holds. Exit status 0 only when all of it "
        "holds.\n\n"
        "--with decides every recorded event of a definition's sagas by the version in the file. "
        "Nothing is sent. As long as a saga sends the same commands, the recorded answers are "
        "answers to them; at the first difference the ways part, and what would have followed is "
        "unknown. Exit status 0 only when all sagas went the same way, or part as --accept says; 1 "
        "if some did not.",
    .examples = "  saga replay --verify\n"
                "  saga replay --verify --from-journal -o json\n"
                "  saga replay --with order-fulfilment.saga.yaml --since 30d\n"
                "  saga replay --with order-fulfilment.saga.yaml --accept other-time -o json",
    .options = options,
    .configured = true,
    .has_output = true,
    .run = run,
};
