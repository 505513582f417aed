/* What a worker has of keys in memory follows what stands in its lanes. */
#ifndef SIM_KEYS_H
#define SIM_KEYS_H

#include "sim_worker.h"

/* A violation where a worker holds the key of a run that does not stand in its lane, or lacks one of a saga at hand that is
 * sealed. Looks at lanes that are ready and not another worker's by now. */
void sim_keys_check(const struct sim_worker *w);

#endif
