/* Who is started by a schedule, and what a deploy tells the coordinator of it. */
#include "base/error.h"
#include "codec/message.h"
#include "definition/schedule.h"
#include "operate/answer.h"
#include "operate/definitions.h"

/* A version that this program cannot read any more had no schedule that still runs. */
static bool is_scheduled(struct saga_call *call, const struct saga_deployed *deployed)
{
    struct saga_diagnostics unsaid;
    struct saga_definition *definition;
    saga_diagnostics_init(&unsaid, call->arena);
    if (saga_definition_load(deployed->source, "", &unsaid, &definition) < 0) return false;
    bool scheduled = saga_definition_is_scheduled(definition);
    saga_definition_free(definition);
    return scheduled;
}

/* Has any version a schedule? One that an older version began is ended by the newest that has none. */
static bool was_ever_scheduled(struct saga_call *call, const struct saga_deployment *deployment,
                               struct saga_slice name)
{
    for (size_t i = deployment->count; i-- > 0;)
        if (saga_slice_equal(deployment->items[i].name, name) &&
            is_scheduled(call, &deployment->items[i]))
            return true;
    return false;
}

static int tell(struct saga_call *call, const struct saga_deployed *newest)
{
    struct saga_message message;
    struct saga_position position;
    int code = saga_call_pinned(call);
    if (code != SAGA_EXIT_DONE) return code;
    saga_schedule_message(call->topics.inbox, call->config.lanes, newest->name, newest->version,
                          saga_new_id(call->arena), call->arena, &message);
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &position) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "deploy again: doing it twice is doing it once",
                          "%.*s version %u is deployed, but its schedule was not set: %s",
                          SAGA_SLICE_ARG(newest->name), newest->version,
                          saga_client_problem(call->client));
}

int saga_deploy_schedules(struct saga_call *call, const struct saga_deployment *deployment,
                          struct saga_definition *const *definitions, size_t count)
{
    int code = SAGA_EXIT_DONE;
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++) {
        struct saga_slice name = definitions[i]->name;
        bool told = false;
        for (size_t j = 0; j < i; j++) told |= saga_slice_equal(definitions[j]->name, name);
        if (!told && was_ever_scheduled(call, deployment, name))
            code = tell(call, saga_deployment_newest(deployment, name));
    }
    return code;
}
