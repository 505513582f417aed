/* What a lane holds beside the states: alarms, indexes, search values. For who compares. */
#include <hiredis/hiredis.h>

#include "base/error.h"
#include "store/layout.h"
#include "store/views_internal.h"

/* Of a question: which saga it is about, and of what. */
struct question {
    size_t saga;
    enum saga_view_lack what;
    int64_t due_ms; /* of an alarm */
};

struct asking {
    struct saga_views *views;
    struct saga_arena *arena;
    uint32_t lane;
    struct saga_command *commands;
    struct question *questions;
    size_t count;
    enum saga_view_lack *lacks; /* of each saga */
};

static struct saga_command *ask(struct asking *a, const char *command, const char *kind,
                                struct saga_slice rest, size_t saga, enum saga_view_lack what)
{
    a->questions[a->count] = (struct question){ .saga = saga, .what = what };
    saga_views_ask_key(a->views, a->arena, &a->commands[a->count], command, a->lane, kind, rest);
    return &a->commands[a->count++];
}

static void ask_of(struct asking *a, const struct saga_state_write *write, size_t saga)
{
    if (write->status_after.data)
        saga_command_add(
            ask(a, "ZSCORE", "index:",
                saga_layout_index(a->arena, write->name, write->version, write->status_after), saga,
                SAGA_VIEW_LACKS_INDEX),
            write->saga_id);
    for (size_t i = 0; i < write->timers_added_count; i++) {
        const struct saga_timer_write *timer = &write->timers_added[i];
        char head[SAGA_LAYOUT_TIMER_HEAD];
        struct saga_slice member =
            SAGA_CONCAT(a->arena, saga_layout_timer_head(head, timer->armed, write->saga_id.size),
                        write->saga_id, timer->name);
        saga_command_add(ask(a, "ZSCORE", "timers", SAGA_SLICE_NONE, saga, SAGA_VIEW_LACKS_ALARM),
                         member);
        a->questions[a->count - 1].due_ms = timer->due_ms;
    }
    for (size_t i = 0; i < write->search_count; i++)
        saga_command_add(
            ask(a, "SISMEMBER", "search:", write->search[i], saga, SAGA_VIEW_LACKS_SEARCH),
            write->saga_id);
}

static int take(void *context, size_t index, const redisReply *reply)
{
    struct asking *a = context;
    const struct question *question = &a->questions[index];
    enum saga_view_lack *lack = &a->lacks[question->saga];
    int64_t number = 0;
    bool there = saga_layout_number(reply, &number);
    if (reply->type == REDIS_REPLY_ERROR) return SAGA_E_INVALID;
    if (question->what == SAGA_VIEW_LACKS_SEARCH) there = there && number == 1;
    if (!there && *lack == SAGA_VIEW_LACKS_NOTHING) *lack = question->what;
    if (there && question->what == SAGA_VIEW_LACKS_ALARM && number > question->due_ms &&
        *lack == SAGA_VIEW_LACKS_NOTHING)
        *lack = SAGA_VIEW_ALARM_LATE;
    return SAGA_OK;
}

int saga_views_lacks(struct saga_views *views, uint32_t lane, const struct saga_state_write *sagas,
                     size_t count, struct saga_arena *arena, enum saga_view_lack *ret)
{
    size_t questions = 0;
    for (size_t i = 0; i < count; i++) {
        questions += 1 + sagas[i].timers_added_count + sagas[i].search_count;
        ret[i] = SAGA_VIEW_LACKS_NOTHING;
    }
    struct asking a = { .views = views,
                        .arena = arena,
                        .lane = lane,
                        .commands = SAGA_NEW_ARRAY(arena, struct saga_command, questions),
                        .questions = SAGA_NEW_ARRAY(arena, struct question, questions),
                        .lacks = ret };
    for (size_t i = 0; i < count; i++) ask_of(&a, &sagas[i], i);
    return saga_views_ask_all(views, arena, a.commands, a.count, take, &a);
}
