/* What-ifs over the API: one at a time in a process, by a thread of its own and of low priority, with its own connection to
 * Kafka, so that the lanes do not notice. Its answer goes on while it looks: how far it is, some times a second, then what it
 * came to. Nothing is kept of it, so any process may be asked; it ends when its client goes. */
#ifndef SAGA_HTTP_WHAT_IF_H
#define SAGA_HTTP_WHAT_IF_H

#include "http/server.h"

struct saga_what_ifs;

int saga_what_ifs_new(struct saga_http *http, struct saga_what_ifs **ret);
/* Ends the one that runs; the server is stopping. */
void saga_what_ifs_stop(struct saga_what_ifs *what_ifs);
/* After that; NULL is fine. */
void saga_what_ifs_free(struct saga_what_ifs *what_ifs);

#endif
