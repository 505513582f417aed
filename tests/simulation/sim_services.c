#include "sim_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/assert.h"
#include "base/error.h"
#include "engine/engine.h"

enum { MANNERS_MAX = 256 };

/* How commands of one type are answered. */
struct manner {
    struct saga_slice type;
    struct saga_slice success, failure; /* failure absent: it cannot fail */
    bool compensation, pivot;
    bool stays; /* done and not taken back even where the saga is compensated */
};

/* A definition that awaits events of one type. */
struct awaiting {
    struct saga_slice definition, topic, event;
};

/* What a service's book says of an idempotency key. */
struct entry {
    UT_hash_handle hh;
    char *key;
    const struct manner *manner;
    struct saga_slice saga_id, run;
    bool decided, done, undone;
    bool revoked; /* its compensation came first: it is refused from then on */
    struct saga_slice answer;
};

/* A pivot's command that was answered Unavailable: it is so again when it is delivered again. */
struct refusal {
    UT_hash_handle hh;
    char *command_id;
};

/* A command or an answer that is under way. */
struct parcel {
    struct sim_services *services;
    struct saga_message message;
};

struct sim_services {
    struct sim *sim;
    struct sim_kafka *kafka;
    struct sim_check *check;
    struct saga_arena arena;
    struct manner *manners;
    size_t manner_count, manner_capacity;
    struct awaiting *awaiting;
    size_t awaiting_count, awaiting_capacity;
    struct entry *book;
    struct refusal *refusals;
    size_t busy;
    int64_t silent_until_us;
    unsigned troubles[SIM_TROUBLES];
};

struct sim_services *sim_services_new(struct sim *sim, struct sim_kafka *kafka,
                                      struct sim_check *check)
{
    struct sim_services *s = calloc(1, sizeof *s);
    SAGA_ASSERT(s);
    s->sim = sim;
    s->kafka = kafka;
    s->check = check;
    saga_arena_init(&s->arena);
    return s;
}

void sim_services_free(struct sim_services *s)
{
    HASH_CLEAR(hh, s->book);
    HASH_CLEAR(hh, s->refusals);
    saga_arena_free(&s->arena);
    free(s);
}

/* ---- manners ---- */

static const struct manner *manner_of(const struct sim_services *s, struct saga_slice type)
{
    for (size_t i = 0; i < s->manner_count; i++)
        if (saga_slice_equal(s->manners[i].type, type)) return &s->manners[i];
    return NULL;
}

static void add_manner(struct sim_services *s, struct manner manner)
{
    SAGA_ASSERT(s->manner_count < MANNERS_MAX);
    if (!manner_of(s, manner.type))
        SAGA_PUSH(&s->arena, s->manners, s->manner_count, s->manner_capacity, manner);
}

/* Versions of one definition await at one entry. */
static void add_awaiting(struct sim_services *s, struct saga_slice definition,
                         const struct saga_await *await)
{
    for (size_t i = 0; i < s->awaiting_count; i++)
        if (saga_slice_equal(s->awaiting[i].definition, definition) &&
            saga_slice_equal(s->awaiting[i].topic, await->topic) &&
            saga_slice_equal(s->awaiting[i].event, await->event))
            return;
    SAGA_PUSH(&s->arena, s->awaiting, s->awaiting_count, s->awaiting_capacity,
              ((struct awaiting){ saga_arena_copy(&s->arena, definition),
                                  saga_arena_copy(&s->arena, await->topic),
                                  saga_arena_copy(&s->arena, await->event) }));
}

unsigned sim_services_awaiting(const struct sim_services *s, struct saga_slice topic,
                               struct saga_slice event)
{
    unsigned count = 0;
    for (size_t i = 0; i < s->awaiting_count; i++)
        count += saga_slice_equal(s->awaiting[i].topic, topic) &&
                 saga_slice_equal(s->awaiting[i].event, event);
    return count;
}

static struct saga_slice first(const struct saga_names *names)
{
    return names->count ? names->items[0] : SAGA_SLICE_NONE;
}

void sim_services_learn(struct sim_services *s, const struct saga_definition *definition)
{
    if (s->manner_capacity == 0) { /* entries point at them */
        s->manners = SAGA_NEW_ARRAY(&s->arena, struct manner, MANNERS_MAX);
        s->manner_capacity = MANNERS_MAX;
    }
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (block->kind == SAGA_BLOCK_AWAIT) add_awaiting(s, definition->name, &block->await);
        if (block->kind != SAGA_BLOCK_STEP) continue;
        const struct saga_step *step = &block->step;
        const struct saga_compensate *back = &step->compensate;
        bool command = back->kind == SAGA_COMPENSATE_COMMAND;
        add_manner(s, (struct manner){ step->command.type, first(&step->success),
                                       first(&step->failure), false, step->pivot, !command });
        struct saga_slice done = first(&back->success);
        if (command && done.size == 0) done = SAGA_SLICE("Undone");
        if (command)
            add_manner(s, (struct manner){ back->command.type, done, first(&back->failure), true,
                                           false, false });
    }
}

/* ---- answers ---- */

static void write_answer(void *context, uint64_t elsewhere, uint64_t unused)
{
    struct parcel *parcel = context;
    struct sim_services *s = parcel->services;
    struct sim_topic *topic = sim_kafka_topic(s->kafka, parcel->message.topic);
    (void)unused;
    struct saga_message *message = &parcel->message;
    if (elsewhere)
        message->partition = (int32_t)sim_below(s->sim, (uint64_t)topic->partition_count);
    int32_t partition = sim_kafka_partition(topic, message);
    sim_tell(s->sim, "answer %.*s to %.*s", SAGA_SLICE_ARG(saga_message_header(message, "ce_type")),
             SAGA_SLICE_ARG(saga_message_header(message, "ce_sagacommandid")));
    sim_check_expect(s->check, topic, partition, sim_high(&topic->partitions[partition]), 1, false);
    sim_kafka_append(s->kafka, message);
    s->busy--;
}

static bool use_trouble(struct sim_services *s, enum sim_trouble trouble)
{
    static const enum sim_count counts[SIM_TROUBLES] = { SIM_REPLY_DUPLICATED, SIM_REPLY_LATE,
                                                         SIM_REPLY_ELSEWHERE,
                                                         SIM_COMMAND_REDELIVERED };
    if (!s->troubles[trouble]) return false;
    s->troubles[trouble]--;
    s->sim->counts[counts[trouble]]++;
    return true;
}

static void plan_parcel(struct sim_services *s, const struct saga_message *message, int64_t in_us,
                        sim_action action, uint64_t detail)
{
    struct parcel *parcel = SAGA_NEW(&s->arena, struct parcel);
    *parcel = (struct parcel){ s, *message };
    s->busy++;
    sim_plan(s->sim, in_us, action, parcel, detail, 0);
}

static void answer(struct sim_services *s, const struct saga_message *command,
                   struct saga_slice type)
{
    struct saga_message reply = { .topic = saga_message_header(command, "ce_sagareplyto"),
                                  .partition = SAGA_PARTITION_BY_KEY,
                                  .key = command->key,
                                  .value = SAGA_SLICE("{}") };
    struct saga_slice id = saga_message_header(command, "ce_id");
    struct saga_header headers[] = { { SAGA_SLICE("ce_specversion"), SAGA_SLICE("1.0") },
                                     { SAGA_SLICE("ce_id"), id },
                                     { SAGA_SLICE("ce_type"), type },
                                     { SAGA_SLICE("ce_sagacommandid"), id } };
    reply.header_count = sizeof headers / sizeof headers[0];
    reply.headers = SAGA_NEW_ARRAY(&s->arena, struct saga_header, reply.header_count);
    memcpy(reply.headers, headers, sizeof headers);
    bool elsewhere = use_trouble(s, SIM_ELSEWHERE);
    int64_t in_us = sim_between(s->sim, 1, 50) * SIM_MS;
    if (use_trouble(s, SIM_LATE)) in_us += sim_between(s->sim, 1, 15) * SIM_SECOND;
    plan_parcel(s, &reply, in_us, write_answer, elsewhere);
    if (use_trouble(s, SIM_TWICE))
        plan_parcel(s, &reply, in_us + sim_between(s->sim, 0, 3000) * SIM_MS, write_answer,
                    sim_chance(s->sim, 300));
}

/* ---- books ---- */

static struct entry *find_or_add(struct sim_services *s, struct saga_slice key,
                                 const struct manner *manner)
{
    struct entry *entry;
    struct saga_command_parts parts;
    HASH_FIND(hh, s->book, key.data, key.size, entry);
    if (entry) {
        if (manner && !entry->manner) entry->manner = manner;
        return entry;
    }
    struct saga_slice as_command = saga_arena_printf(&s->arena, "%.*s/1", SAGA_SLICE_ARG(key));
    int error = saga_command_id_parse(as_command, &parts);
    SAGA_ASSERT(error == SAGA_OK);
    entry = SAGA_NEW(&s->arena, struct entry);
    entry->key = saga_arena_string(&s->arena, key);
    entry->manner = manner;
    entry->saga_id = parts.saga_id;
    entry->run = parts.run;
    HASH_ADD_KEYPTR(hh, s->book, entry->key, key.size, entry);
    return entry;
}

static bool has_refused(const struct sim_services *s, struct saga_slice command_id)
{
    const struct refusal *refusal;
    HASH_FIND(hh, s->refusals, command_id.data, command_id.size, refusal);
    return refusal != NULL;
}

static void be_unavailable(struct sim_services *s, struct entry *entry,
                           struct saga_slice command_id)
{
    entry->answer = SAGA_SLICE("Unavailable");
    if (!entry->manner->pivot || has_refused(s, command_id)) return;
    struct refusal *refusal = SAGA_NEW(&s->arena, struct refusal);
    refusal->command_id = saga_arena_string(&s->arena, command_id);
    HASH_ADD_KEYPTR(hh, s->refusals, refusal->command_id, command_id.size, refusal);
}

static void decide_command(struct sim_services *s, struct entry *entry,
                           struct saga_slice command_id)
{
    bool fails = entry->manner->failure.size && sim_chance(s->sim, 120);
    if (entry->revoked) sim_count(s->sim, COMMAND_AFTER_COMPENSATION);
    if (!entry->revoked && (sim_chance(s->sim, 60) || has_refused(s, command_id))) {
        be_unavailable(s, entry, command_id);
        return;
    }
    fails = fails || entry->revoked;
    entry->done = !fails;
    entry->decided = true;
    entry->answer = entry->manner->success;
    if (fails)
        entry->answer =
            entry->manner->failure.size ? entry->manner->failure : SAGA_SLICE("Unavailable");
}

static void decide_compensation(struct sim_services *s, struct entry *entry,
                                struct saga_slice compensates)
{
    struct entry *of = find_or_add(s, compensates, NULL);
    entry->answer = SAGA_SLICE("Unavailable");
    if (sim_chance(s->sim, 60)) return;
    of->revoked = true;
    of->undone = of->done;
    entry->decided = true;
    entry->answer = entry->manner->success;
}

static void handle(void *context, uint64_t mute, uint64_t unused)
{
    struct parcel *parcel = context;
    struct sim_services *s = parcel->services;
    const struct saga_message command = parcel->message;
    struct saga_slice type = saga_message_header(&command, "ce_type");
    const struct manner *manner = manner_of(s, type);
    (void)unused;
    s->busy--;
    SAGA_ASSERT(manner);
    struct entry *entry =
        find_or_add(s, saga_message_header(&command, "ce_sagaidempotencykey"), manner);
    if (!entry->decided && manner->compensation)
        decide_compensation(s, entry, saga_message_header(&command, "ce_sagacompensates"));
    else if (!entry->decided)
        decide_command(s, entry, saga_message_header(&command, "ce_id"));
    sim_tell(s->sim, "service: %.*s (%s): %.*s%s", SAGA_SLICE_ARG(type), entry->key,
             SAGA_SLICE_ARG(entry->answer), mute ? ", says nothing" : "");
    if (!mute) answer(s, &command, entry->answer);
}

void sim_services_take(struct sim_services *s, const struct saga_message *command)
{
    int64_t in_us = sim_between(s->sim, 1, sim_chance(s->sim, 100) ? 800 : 60) * SIM_MS;
    bool silent = s->sim->now_us < s->silent_until_us;
    bool mute = silent && sim_chance(s->sim, 500);
    if (silent && !mute) /* the command lies there meanwhile */
        in_us += s->silent_until_us - s->sim->now_us + sim_between(s->sim, 0, 2000) * SIM_MS;
    plan_parcel(s, command, in_us, handle, mute);
    if (use_trouble(s, SIM_REDELIVERED))
        plan_parcel(s, command, in_us + sim_between(s->sim, 0, 5000) * SIM_MS, handle, 0);
}

void sim_services_be_silent(struct sim_services *s, int64_t until_us)
{
    if (until_us > s->sim->now_us) sim_count(s->sim, SERVICE_SILENT);
    s->silent_until_us = until_us;
}

void sim_services_trouble(struct sim_services *s, enum sim_trouble trouble, unsigned times)
{
    s->troubles[trouble] = times;
}

size_t sim_services_busy(const struct sim_services *s)
{
    return s->busy;
}

/* ---- the end ---- */

void sim_services_check_books(struct sim_services *s)
{
    for (const struct entry *entry = s->book; entry; entry = entry->hh.next) {
        if (!entry->manner || entry->manner->compensation) continue;
        const struct sim_run *run = sim_check_find_run(s->check, entry->saga_id, entry->run);
        if (!run) {
            sim_violate(s->sim, "%s was commanded, but its saga is not in the journal", entry->key);
            continue;
        }
        if (run->by_hand) continue;
        bool stands = entry->done && !entry->undone;
        bool failed = sim_check_has_failed(s->check, entry->key);
        if (run->status == SAGA_COMPLETED && failed && stands)
            sim_violate(s->sim, "%s failed, as its saga has it, but it is done", entry->key);
        if (run->status == SAGA_COMPLETED && !failed && !stands)
            sim_violate(s->sim, "%s: its saga is completed, but it is %s", entry->key,
                        entry->undone ? "taken back" : "not done");
        if (run->status == SAGA_COMPENSATED && stands && !entry->manner->stays)
            sim_violate(s->sim, "%s: its saga is compensated, but it is done and not taken back",
                        entry->key);
    }
}
