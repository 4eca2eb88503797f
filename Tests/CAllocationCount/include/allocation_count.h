/* Counts this process's allocations: who links this has its malloc, calloc, realloc, memalign and their kin in front of
 * the C library's. With the address sanitizer, which has its own, nothing is counted. */
#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

/* Allocations of all threads since the process began. */
uint64_t allocation_count(void);

#endif
