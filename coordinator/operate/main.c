#include <signal.h>

#include "http/companion.h"

int main(int argc, char **argv)
{
    /* a broker, a Redis or a reader of our output that goes away is an error to be told, not a
     * signal */
    signal(SIGPIPE, SIG_IGN);
    saga_run_with(&saga_http_companion);
    return saga_main(argc, argv);
}
