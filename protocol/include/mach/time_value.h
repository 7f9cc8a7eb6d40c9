/* SPDX-License-Identifier: Apache-2.0 */
/* How much time something took. */
#pragma once

#include <mach/vm_types.h>

typedef struct time_value {
	integer_t seconds;
	integer_t microseconds;
} time_value_t;

#define TIME_MICROS_MAX 1000000

/* Add to a time, through pointers; what is added has less than a second of microseconds. */
#define time_value_add_usec(val, micros)                        \
	do {                                                    \
		(val)->microseconds += (micros);                \
		if ((val)->microseconds >= TIME_MICROS_MAX) {   \
			(val)->seconds++;                       \
			(val)->microseconds -= TIME_MICROS_MAX; \
		}                                               \
	} while (0)

#define time_value_add(result, addend)                                 \
	do {                                                           \
		(result)->seconds += (addend)->seconds;                \
		time_value_add_usec((result), (addend)->microseconds); \
	} while (0)
