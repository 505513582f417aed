/* The participating services: each does what a command says, once for each idempotency key, keeps a book of it, and
 * answers; or is silent, late, says it twice, or on a partition where nobody expects it. */
#ifndef SIM_SERVICES_H
#define SIM_SERVICES_H

#include "sim_check.h"

struct sim_services;

struct sim_services *sim_services_new(struct sim *sim, struct sim_kafka *kafka,
                                      struct sim_check *check);
void sim_services_free(struct sim_services *services);
/* Learns the commands of a definition, and how they are answered. */
void sim_services_learn(struct sim_services *services, const struct saga_definition *definition);

/* How many definitions that were learnt await events of that type on that topic. */
unsigned sim_services_awaiting(const struct sim_services *services, struct saga_slice topic,
                               struct saga_slice event);

/* A command has become visible. */
void sim_services_take(struct sim_services *services, const struct saga_message *command);
/* Faults: all services say nothing until then; the next answers are given twice, late, or elsewhere; the next commands
 * are delivered twice. */
void sim_services_be_silent(struct sim_services *services, int64_t until_us);
enum sim_trouble { SIM_TWICE, SIM_LATE, SIM_ELSEWHERE, SIM_REDELIVERED, SIM_TROUBLES };
void sim_services_trouble(struct sim_services *services, enum sim_trouble trouble, unsigned times);

/* Commands and answers that are under way. */
size_t sim_services_busy(const struct sim_services *services);
/* At the end: what was done and not taken back belongs to a completed saga, or stands behind a pivot or needs no
 * compensation; what belongs to a completed saga was done. */
void sim_services_check_books(struct sim_services *services);

#endif
