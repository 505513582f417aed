/* Dead letters about a saga that is forgotten: they hold what came from outside as it came, under no saga's key. */
#ifndef SAGA_OPERATE_FORGET_LETTERS_H
#define SAGA_OPERATE_FORGET_LETTERS_H

#include "operate/command.h"
#include "operate/sagas.h"

struct saga_forget_letters {
    size_t count;       /* that name the saga, or have its business key */
    const char *places; /* of the first of them, as `saga dead-letters` writes them */
    size_t in_front;    /* others in front of them, about which nobody has done anything */
    int64_t *
        ends; /* of each partition, the offset up to which it goes with its last one; 0: it has none */
    int32_t partitions;
};

/* Looks through all dead letters. An exit code; what is given is in the call's arena. */
int saga_forget_letters_find(struct saga_call *call, const struct saga_address *address,
                             struct saga_forget_letters *ret);
/* Deletes them and, as Kafka deletes from a partition's beginning, what stands in front of them. An exit code. */
int saga_forget_letters_delete(struct saga_call *call, const struct saga_forget_letters *letters);

#endif
