/* The sagas of a lane that is replayed, by their ids (runtime/replay_table.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "runtime/replay_table.h"

enum { IDS = 3000, TURNS = 200000 };

static struct saga_slice id_of(unsigned number, char text[32])
{
    return (struct saga_slice){ text, (size_t)snprintf(text, 32, "order/%u", number) };
}

/* Catches a saga that is not found any more, or found though it is gone, when others beside it come and go. */
static void every_saga_is_found_as_long_as_it_is_there(void **state)
{
    static struct saga_replayed *there[IDS];
    struct saga_replay_table table = { 0 };
    unsigned seed = 7;
    char text[32];
    size_t count = 0, place = 0;
    (void)state;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned number = (unsigned)rand_r(&seed) % IDS;
        struct saga_slice id = id_of(number, text);
        uint32_t hash = saga_replay_hash(id);
        assert_ptr_equal(saga_replay_table_find(&table, id, hash), there[number]);
        if (there[number]) {
            saga_replay_table_remove(&table, there[number]);
            there[number] = NULL;
            count--;
        } else {
            there[number] = saga_replay_table_add(&table, id, hash);
            count++;
        }
        assert_int_equal(table.count, count);
    }
    for (; saga_replay_table_next(&table, &place); count--) continue;
    assert_int_equal(count, 0);
    saga_replay_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        every_saga_is_found_as_long_as_it_is_there) };
    return cmocka_run_group_tests_name("sagas of a replay", tests, NULL, NULL);
}
