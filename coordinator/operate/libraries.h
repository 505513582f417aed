/* Libraries that let themselves be told where to take their memory: there is one end of it for all (base/memory.h). */
#ifndef SAGA_OPERATE_LIBRARIES_H
#define SAGA_OPERATE_LIBRARIES_H

/* Tells avro-c, hiredis (from 1.0 on), jansson and OpenSSL, which crash or assert where they are refused memory. Before anything uses them. */
void saga_tell_libraries(void);

#endif
