/* JSON that a command is given in a file or on standard input. */
#ifndef SAGA_OPERATE_INPUT_H
#define SAGA_OPERATE_INPUT_H

#include "operate/command.h"

/* The file that the option `key` names (- is standard input), {} where it was not given. The text is in the call's arena,
 * at most SAGA_PAYLOAD_BYTES_MAX. SAGA_EXIT_FAILED with words where it cannot be read or is no JSON. */
int saga_input_read(struct saga_call *call, int key, struct saga_slice *ret);

#endif
