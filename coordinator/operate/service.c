#include "operate/service.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/monotonic.h"
#include "runtime/log.h"

enum { STATUS_EVERY_MS = 1000 };

void saga_service_init(struct saga_service *service)
{
    uint64_t interval_us = 0;
    *service = (struct saga_service){ 0 };
    if (sd_watchdog_enabled(0, &interval_us) <= 0) return;
    service->watchdog_ms = (int64_t)(interval_us / 1000);
    if (service->watchdog_ms == 0) service->watchdog_ms = 1;
}

static void tell_status(struct saga_service *service, struct saga_daemon *daemon)
{
    char status[sizeof service->status];
    if (service->told_ms && saga_monotonic_ms() - service->told_ms < STATUS_EVERY_MS) return;
    service->told_ms = saga_monotonic_ms();
    saga_daemon_status(daemon, status, sizeof status);
    if (strcmp(status, service->status) == 0) return;
    memcpy(service->status, status, sizeof status);
    sd_notifyf(0, "STATUS=%s", status);
}

/* Three times in an interval, so that one that comes late does no harm. */
static void feed(struct saga_service *service, struct saga_daemon *daemon)
{
    const char *who;
    if (service->watchdog_ms == 0 ||
        saga_monotonic_ms() - service->fed_ms < service->watchdog_ms / 3)
        return;
    bool alive = saga_daemon_is_alive(daemon, service->watchdog_ms, &who);
    if (alive) {
        service->fed_ms = saga_monotonic_ms();
        sd_notify(0, "WATCHDOG=1");
    } else if (!service->stalled) {
        saga_log(SAGA_LOG_ERROR, "a thread does not come round: the watchdog is not fed",
                 "thread=\"%s\" interval_ms=%lld", who, (long long)service->watchdog_ms);
    }
    service->stalled = !alive;
}

void saga_service_look(struct saga_service *service, struct saga_daemon *daemon)
{
    tell_status(service, daemon);
    if (!service->is_ready && saga_daemon_is_ready(daemon)) {
        service->is_ready = true;
        sd_notify(0, "READY=1");
    }
    feed(service, daemon);
}

void saga_service_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)saga_monotonic_ms() * 1000);
}

void saga_service_reloaded(const struct saga_service *service)
{
    if (service->is_ready) sd_notify(0, "READY=1");
}

void saga_service_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=finishing what is in hand");
}
