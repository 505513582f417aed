/* Customers who order, and operators who interfere. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "codec/message.h"
#include "sim_world.h"

enum { ORDERS_MIN = 10, ORDERS_MAX = 20, ORDERS_FEW = 4, CUSTOMERS = 3, TRIES_BEFORE_SKIP = 3 };

static struct saga_slice inbox(void)
{
    return SAGA_SLICE("saga.inbox");
}

static void append(struct sim_world *world, const struct saga_message *message, unsigned count,
                   bool at_least)
{
    struct sim_topic *topic = sim_kafka_topic(&world->kafka, message->topic);
    int32_t partition = sim_kafka_partition(topic, message);
    sim_check_expect(world->check, topic, partition, sim_high(&topic->partitions[partition]), count,
                     at_least);
    sim_kafka_append(&world->kafka, message);
}

/* ---- customers ---- */

/* An order on the shop's topic: it starts a purchase under its own key and a bonus under the customer's. */
static void write_order(struct sim_world *world, const char *id, unsigned customer, bool at_least)
{
    struct saga_header headers[] = { { SAGA_SLICE("ce_specversion"), SAGA_SLICE("1.0") },
                                     { SAGA_SLICE("ce_type"), SAGA_SLICE("OrderPlaced") } };
    struct saga_message message = { .topic = SAGA_SLICE("shop.orders"),
                                    .partition = SAGA_PARTITION_BY_KEY,
                                    .key = saga_slice_of(id),
                                    .headers = headers,
                                    .header_count = 2 };
    message.value =
        saga_arena_printf(&world->arena, "{\"id\":\"%s\",\"customer\":\"c-%u\"}", id, customer);
    sim_tell(&world->sim, "order %s of customer c-%u", id, customer);
    append(world, &message, at_least ? 1 : 2, at_least);
}

/* A start by command line. */
static void write_start(struct sim_world *world, const char *id, unsigned customer)
{
    struct saga_message message;
    struct saga_slice key = saga_slice_of(id);
    struct saga_slice input =
        saga_arena_printf(&world->arena, "{\"id\":\"%s\",\"customer\":\"c-%u\"}", id, customer);
    saga_start_message(inbox(), saga_lane_of_key(key, SIM_LANES), SAGA_SLICE("purchase"), key, key,
                       input, &world->arena, &message);
    sim_tell(&world->sim, "start of purchase/%s", id);
    append(world, &message, 1, false);
}

/* ---- trips: blocks of every kind, awaited events, children ---- */

/* What is told: bits, and above them a number that makes its id. */
enum { NEWS_SHARED = 1, NEWS_TOLD = 2, NEWS_AGAIN = 4, NEWS_ID = 8 };

/* News of a value: who awaits it, or has yet to, or never will. Some are told once more a while later, under one id. */
static void tell_news(void *context, uint64_t number, uint64_t what)
{
    struct sim_world *world = context;
    struct saga_arena *arena = &world->arena;
    struct saga_slice type = what & NEWS_TOLD ? SAGA_SLICE("Told") : SAGA_SLICE("Said");
    unsigned entries = sim_services_awaiting(world->services, SAGA_SLICE("shop.news"), type);
    struct saga_slice value =
        saga_arena_printf(arena, "%s%u", what & NEWS_SHARED ? "c-" : "o-", (unsigned)number);
    struct saga_slice id = saga_arena_printf(arena, "news-%u", (unsigned)what / NEWS_ID);
    struct saga_header headers[] = { { SAGA_SLICE("ce_specversion"), SAGA_SLICE("1.0") },
                                     { SAGA_SLICE("ce_type"), type },
                                     { SAGA_SLICE("ce_id"), id } };
    struct saga_message message = { .topic = SAGA_SLICE("shop.news"),
                                    .partition = SAGA_PARTITION_BY_KEY,
                                    .key = value,
                                    .headers = headers,
                                    .header_count = 3 };
    message.value = saga_arena_printf(arena, "{\"v\":\"%.*s\"}", SAGA_SLICE_ARG(value));
    world->orders_left--;
    if (entries == 0) return;
    sim_tell(&world->sim, "%.*s of %.*s", SAGA_SLICE_ARG(id), SAGA_SLICE_ARG(value));
    append(world, &message, entries, false);
    if (what & NEWS_AGAIN || !sim_chance(&world->sim, 250)) return;
    world->orders_left++;
    sim_plan(&world->sim, sim_between(&world->sim, 0, 4000) * SIM_MS, tell_news, world, number,
             what | NEWS_AGAIN);
}

/* Early, in time, late, or never. */
static void plan_news(struct sim_world *world, unsigned number, bool shared)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t what = (uint64_t)++world->news * NEWS_ID + (shared ? NEWS_SHARED : 0) +
                        (sim_chance(&world->sim, 500) ? NEWS_TOLD : 0);
        if (sim_chance(&world->sim, 150)) continue;
        world->orders_left++;
        sim_plan(&world->sim, sim_between(&world->sim, 0, 8000) * SIM_MS, tell_news, world, number,
                 what);
    }
}

/* A trip starts two sagas of its key, the one in sagas/ and the one that was made from the seed. */
static void write_trip(struct sim_world *world, unsigned number, unsigned customer)
{
    static const char *const lists[] = { "[]", "[\"a\"]", "[\"a\",\"b\",\"c\"]" };
    struct sim *sim = &world->sim;
    struct saga_header headers[] = { { SAGA_SLICE("ce_specversion"), SAGA_SLICE("1.0") },
                                     { SAGA_SLICE("ce_type"), SAGA_SLICE("TripBooked") } };
    struct saga_message message = { .topic = SAGA_SLICE("shop.trips"),
                                    .partition = SAGA_PARTITION_BY_KEY,
                                    .headers = headers,
                                    .header_count = 2 };
    bool shared = sim_chance(sim, 500); /* several sagas wait for one value */
    message.key = saga_arena_printf(&world->arena, "o-%u", number);
    message.value = saga_arena_printf(
        &world->arena,
        "{\"k\":\"o-%u\",\"v\":\"%s%u\",\"list\":%s,\"n\":%u,\"kid\":\"kid-%u\",\"yes\":true,"
        "\"no\":false,\"firm\":%s}",
        number, shared ? "c-" : "o-", shared ? customer : number, lists[sim_below(sim, 3)],
        (unsigned)sim_below(sim, 6), customer, sim_chance(sim, 250) ? "true" : "false");
    sim_tell(sim, "trip o-%u of customer c-%u", number, customer);
    plan_news(world, shared ? customer : number, shared);
    append(world, &message, 2, false);
}

static void order(void *context, uint64_t number, uint64_t detail)
{
    struct sim_world *world = context;
    char id[24];
    unsigned customer = (unsigned)(detail % CUSTOMERS);
    snprintf(id, sizeof id, "o-%llu", (unsigned long long)number);
    world->orders_left--;
    world->orders++;
    bool twice = detail / CUSTOMERS % 8 == 0;
    if (detail / 1024 % 3 == 0) {
        write_trip(world, (unsigned)number, customer);
        return;
    }
    if (detail / 64 % 4 == 0)
        write_start(world, id, customer);
    else
        write_order(world, id, customer, false);
    if (!twice) return;
    sim_count(&world->sim, START_DUPLICATED);
    write_order(world, id, customer, false);
}

void sim_people_plan(struct sim_world *world)
{
    struct sim_random random;
    sim_random_init(&random, world->sim.seed ^ 0x6f7264657273u);
    /* sometimes so few that a lane has nothing else to do than the one thing that went wrong */
    bool few = sim_random_chance(&random, 200);
    int count = (int)(few ? sim_random_between(&random, 1, ORDERS_FEW)
                          : sim_random_between(&random, ORDERS_MIN, ORDERS_MAX));
    int64_t within_us = sim_random_between(&random, 2, 30) * SIM_SECOND;
    for (int i = 0; i < count; i++) {
        int64_t at_us = sim_random_between(&random, 0, within_us);
        uint64_t detail = sim_random_next(&random) >> 8;
        if (world->history.orders >= 0 && i >= world->history.orders) continue;
        world->orders_left++;
        sim_plan(&world->sim, at_us, order, world, (uint64_t)i + 1, detail);
    }
}

void sim_people_send_poison(struct sim_world *world)
{
    struct saga_message message = { .topic = SAGA_SLICE("shop.orders"),
                                    .partition = SAGA_PARTITION_BY_KEY,
                                    .key = SAGA_SLICE("p"),
                                    .value = SAGA_SLICE("{\"id\":") };
    static const char *const topics[] = { "shop.orders", "bank.replies", "saga.inbox" };
    message.topic = saga_slice_of(topics[sim_below(&world->sim, 3)]);
    sim_tell(&world->sim, "a record that nobody can read, on %.*s", SAGA_SLICE_ARG(message.topic));
    append(world, &message, 1, false);
}

/* Some records one behind the other, one of them without a value. */
void sim_people_write_journal(struct sim_world *world, uint64_t detail)
{
    const struct saga_slice values[] = { SAGA_SLICE("from elsewhere"), SAGA_SLICE_NONE,
                                         SAGA_SLICE("{\"id\":\"order/1\"}") };
    struct saga_message message = { .topic = SAGA_SLICE("saga.journal"),
                                    .partition = (int32_t)(detail % SIM_LANES),
                                    .key = SAGA_SLICE("order/1") };
    unsigned count = 1 + (unsigned)(detail / SIM_LANES % 3);
    sim_count(&world->sim, FOREIGN_RECORD);
    sim_tell(&world->sim, "somebody writes %u records into the journal of lane %d", count,
             (int)message.partition);
    for (unsigned i = 0; i < count; i++) {
        message.value = values[i];
        sim_kafka_append(&world->kafka, &message);
    }
}

void sim_people_send_unsendable(struct sim_world *world)
{
    char id[32];
    snprintf(id, sizeof id, "UNSENDABLE-%u", ++world->customers);
    write_order(world, id, CUSTOMERS, true);
}

/* ---- operators ---- */

struct sim_naming {
    struct saga_arena *arena;
    struct saga_named_run *runs;
    size_t count, capacity;
};

/* As `saga audit forget`, which reads them in saga.keys. */
static void name_run(const struct saga_key_record *key, void *context)
{
    struct sim_naming *naming = context;
    if (!key->wrapped.data) return;
    SAGA_PUSH(naming->arena, naming->runs, naming->count, naming->capacity,
              (struct saga_named_run){ key->run, key->created_ms });
}

static void operate(struct sim_world *world, const struct sim_run *run, enum saga_verb verb,
                    struct saga_slice as)
{
    struct saga_slice saga_id = saga_slice_of(run->saga_id), name, key;
    struct saga_event event = { .kind = SAGA_EVENT_OPERATOR,
                                .verb = verb,
                                .as = as,
                                .who = SAGA_SLICE("operator"),
                                .reason = SAGA_SLICE("because") };
    struct saga_message message;
    int error = saga_id_parse(saga_id, &name, &key);
    SAGA_ASSERT(error == SAGA_OK);
    struct sim_naming naming = { .arena = &world->arena };
    if (verb == SAGA_VERB_FORGET) sim_check_keys(world->check, saga_id, name_run, &naming);
    event.runs = naming.runs;
    event.run_count = naming.count;
    saga_operator_message(inbox(), saga_lane_of_key(key, SIM_LANES), saga_id, key, &event,
                          &world->arena, &message);
    sim_tell(&world->sim, "operator: %s %s", saga_verb_name(verb), run->saga_id);
    append(world, &message, 1, false);
}

void sim_people_operate(struct sim_world *world)
{
    static const enum saga_verb verbs[] = { SAGA_VERB_CANCEL, SAGA_VERB_CANCEL, SAGA_VERB_PAUSE,
                                            SAGA_VERB_PAUSE,  SAGA_VERB_RETRY,  SAGA_VERB_SKIP,
                                            SAGA_VERB_RESUME, SAGA_VERB_FORGET, SAGA_VERB_FORGET };
    size_t count = sim_check_run_count(world->check);
    if (count == 0) return;
    sim_count(&world->sim, OPERATOR);
    operate(world, sim_check_run(world->check, sim_below(&world->sim, count)),
            verbs[sim_below(&world->sim, sizeof verbs / sizeof verbs[0])], SAGA_SLICE_NONE);
}

void sim_people_help(struct sim_world *world)
{
    size_t count = sim_check_run_count(world->check);
    for (size_t i = 0; i < count; i++) {
        struct sim_run *run = sim_check_run(world->check, i);
        if (saga_status_has_ended(run->status)) continue;
        if (run->paused)
            operate(world, run, SAGA_VERB_RESUME, SAGA_SLICE_NONE);
        else if (run->status == SAGA_STUCK) /* what a retry does not mend is counted as done */
            operate(world, run, run->tried++ < TRIES_BEFORE_SKIP ? SAGA_VERB_RETRY : SAGA_VERB_SKIP,
                    SAGA_SLICE_NONE);
    }
}
