/* Changes as Server-Sent Events. One thread looks at Redis while somebody listens: where the lanes stand, which sagas came to
 * another status, how far the sagas are that are listened to. So what it costs does not grow with what happens, nor with who
 * listens, and nothing of the journal is read for it. */
#ifndef SAGA_HTTP_CHANGES_H
#define SAGA_HTTP_CHANGES_H

#include "http/server.h"

int saga_changes_new(struct saga_http *http, struct saga_changes **ret);
/* After saga_changes_wake; NULL is fine. */
void saga_changes_free(struct saga_changes *changes);
/* Ends all streams; the server is stopping. */
void saga_changes_wake(struct saga_changes *changes);

#endif
