/* What a service manager is told of the coordinator: sd_notify(3). Without one (no NOTIFY_SOCKET) nothing is told to
 * nobody. */
#ifndef SAGA_OPERATE_SERVICE_H
#define SAGA_OPERATE_SERVICE_H

#include "runtime/daemon.h"

struct saga_service {
    int64_t watchdog_ms;     /* how often it wants to hear of us; 0: never */
    int64_t fed_ms, told_ms; /* monotonic */
    bool is_ready, stalled;
    char status[128];
};

/* Reads what the manager wants: WATCHDOG_USEC. */
void saga_service_init(struct saga_service *service);
/* Tells what has changed since the last time: ready, a line of status, and that all threads go round. The watchdog is fed only
 * if each of them did within the manager's interval, and the log says which one did not. Several times a second. */
void saga_service_look(struct saga_service *service, struct saga_daemon *daemon);
/* Around reading the configuration again. */
void saga_service_reloading(void);
void saga_service_reloaded(const struct saga_service *service);
void saga_service_stopping(void);

#endif
