/* A history: workers, broker, Redis, services, customers and operators in one thread, driven by one seed. First a plan of
 * faults is drawn, then they happen while the customers order; when they have stopped, everything must come to its end. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim_check.h"
#include "sim_services.h"
#include "sim_worker.h"

enum { SIM_FAULTS_MAX = 24, SIM_TEXTS_MAX = 40 };

/* By their numbers: `report` is the one that is started by the clock, the last one is made from the seed. */
enum { SIM_REPORT = 5, SIM_DEFINITIONS = 7 };

/* What is to be run. All of it follows from the seed, unless a part is left out to make a failure small. */
struct sim_history {
    uint64_t seed;
    enum sim_mutation mutation;
    bool trace;
    uint32_t without; /* bits: faults of the plan that do not happen */
    int orders;       /* at most as many; -1: as many as the seed says */
};

struct sim_result {
    char violation[1024]; /* "": everything held */
    uint64_t counts[SIM_COUNTS];
    uint64_t digest; /* of the journals */
    unsigned faults_planned, orders;
    int64_t virtual_us;
};

struct sim_fault {
    enum sim_count kind;
    int64_t at_us, for_us;
    unsigned worker;
    uint64_t detail;
};

struct sim_world {
    struct sim sim;
    struct sim_history history;
    struct sim_kafka kafka;
    struct sim_redis redis;
    struct sim_check *check;
    struct sim_services *services;
    struct saga_catalog *catalog; /* every version that is ever deployed */
    struct saga_arena arena;
    struct sim_fiber scheduler;
    struct sim_worker workers[SIM_WORKERS];
    size_t texts_read[SIM_WORKERS];           /* of the definitions topic, by each process */
    int64_t texts_late_until_us[SIM_WORKERS]; /* a process that reads them later than others */
    struct saga_slice texts[SIM_TEXTS_MAX];
    size_t text_count;
    struct sim_fault faults[SIM_FAULTS_MAX];
    size_t fault_count;
    size_t orders_left;
    unsigned orders, customers, news, tellings;
    bool has_schedule, schedule_ends; /* the latter when all is calm */
    struct saga_slice made;           /* the definition that was made from the seed */
    int64_t calm_at_us, next_help_us;
    char waits_for[256];
};

void sim_history_run(const struct sim_history *history, struct sim_result *ret);

/* ---- sim_people.c: customers, operators ---- */
/* Plans the orders of a history. */
void sim_people_plan(struct sim_world *world);
/* An operator does something to some saga. */
void sim_people_operate(struct sim_world *world);
/* When all is calm: resumes what is paused, and tries again what is stuck. */
void sim_people_help(struct sim_world *world);
void sim_people_send_poison(struct sim_world *world);
void sim_people_send_unsendable(struct sim_world *world);
void sim_people_write_journal(struct sim_world *world, uint64_t detail);

/* ---- sim_deploys.c: whoever deploys, and who reads of it ---- */
/* Puts the first versions in force, and plans the schedules of a history. */
void sim_deploys_plan(struct sim_world *world);
/* A further version of some definition. */
void sim_deploy(struct sim_world *world, uint64_t detail);
/* When all is calm and the schedule has ticked once more: ends it, so that the history comes to its end. */
void sim_deploys_calm(struct sim_world *world);
/* A worker's process reads the definitions topic to its end; and looks there again now and then. */
void sim_read_definitions(struct sim_world *world, unsigned number);
void sim_look_at_definitions(struct sim_world *world, unsigned number);

/* ---- sim_faults.c ---- */
void sim_faults_draw(struct sim_world *world);
void sim_faults_plan(struct sim_world *world);
/* What is under way ends now. */
void sim_faults_calm(struct sim_world *world);

#endif
