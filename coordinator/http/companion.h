/* The HTTP API as what runs beside the workers of `saga run`. */
#ifndef SAGA_HTTP_COMPANION_H
#define SAGA_HTTP_COMPANION_H

#include "operate/commands.h"

extern const struct saga_companion saga_http_companion;

#endif
