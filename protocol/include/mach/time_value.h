/* SPDX-License-Identifier: Apache-2.0 */
/* How much time something took. */
#pragma once

#include <mach/vm_types.h>

typedef struct time_value {
	integer_t seconds;
	integer_t microseconds;
} time_value_t;

#define TIME_MICROS_MAX 1000000
