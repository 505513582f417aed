/* Guards hiredis against answers that announce more than anybody could mean. Private to the store. */
#ifndef SAGA_STORE_READER_H
#define SAGA_STORE_READER_H

#include <stdbool.h>

struct redisContext;

/* From here on an array of more than SAGA_REDIS_ELEMENTS_MAX elements is refused by this connection before
 * memory is taken for it: hiredis believes the number that it reads and asks for room at once, which is 16 GiB for
 * fourteen bytes of a broken or hostile answer. hiredis then reports REDIS_ERR_OOM; `*refused` tells that apart
 * from memory that is really used up. `refused` must outlive the context. */
void saga_reader_guard(struct redisContext *context, bool *refused);

#endif
