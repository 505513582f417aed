/* JSON that a command is given in a file or on standard input. */
#ifndef SAGA_OPERATE_INPUT_H
#define SAGA_OPERATE_INPUT_H

#include "operate/command.h"

/* The file that the option `key` names (- is standard input), {} where it was not given. The text is in the call's arena,
 * at most `limit` bytes. SAGA_EXIT_FAILED with words where it cannot be read or is no JSON. */
int saga_input_read(struct saga_call *call, int key, size_t limit, struct saga_slice *ret);

/* Where a byte of a text stands, both counted from 1; a column is a character of UTF-8. */
void saga_input_place(struct saga_slice text, size_t offset, unsigned *ret_line,
                      unsigned *ret_column);

#endif
