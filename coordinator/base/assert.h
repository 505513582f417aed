/* Assertions that stay on in release builds: a coordinator that goes on with a broken invariant
 * loses or doubles messages, one that stops is restarted and recovers (R5, R8). */
#ifndef SAGA_BASE_ASSERT_H
#define SAGA_BASE_ASSERT_H

_Noreturn void saga_assert_failed(const char *condition, const char *file, int line);

#define SAGA_ASSERT(condition)                                                                     \
    ((condition) ? (void)0 : saga_assert_failed(#condition, __FILE__, __LINE__))

#endif
