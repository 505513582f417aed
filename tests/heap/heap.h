/* A heap that refuses: runs a scenario again and again, each time in a process of its own, in which the n-th request for
 * memory fails (README.md). malloc and its sisters are defined in heap.c, so that what libraries ask for counts too. */
#ifndef SAGA_TEST_HEAP_H
#define SAGA_TEST_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { HEAP_ERRORS_MAX = 3 };

struct heap_scenario {
    const char *name;
    /* Runs once, before all, with memory enough; may be NULL. */
    void (*prepare)(void);
    /* What is tested: tells with heap_tell and heap_tell_slice what came out, and returns 0 or a saga_error. */
    int (*run)(void);
    /* Errors that it may return where memory was refused, as documented; 0 behind the last. */
    int errors[HEAP_ERRORS_MAX + 1];
    bool cold; /* is the first to use OpenSSL, which then asks for memory thousands of times */
    bool slow; /* a few samples must do */
    const char *not_of; /* requests by this library are not counted; NULL: all are */
    bool own_stdout;    /* what it prints is part of what came out */
};

/* The scenarios of one module, by file; NULL behind the last name. */
struct heap_module {
    const char *name;
    const struct heap_scenario *scenarios;
    size_t count;
};
extern const struct heap_module heap_base, heap_schema, heap_definition, heap_engine, heap_codec,
    heap_bus, heap_store, heap_runtime, heap_explore, heap_operate;

/* Adds to what came out. */
void heap_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void heap_tell_slice(struct saga_slice text);

#endif
