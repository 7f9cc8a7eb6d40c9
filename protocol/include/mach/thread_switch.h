/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up the processor. */
#pragma once

#include <mach/kern_return.h>
#include <mach/mach_traps.h>
#include <mach/mach_types.h>
#include <mach/message.h>

#define SWITCH_OPTION_NONE		  0
#define SWITCH_OPTION_DEPRESS		  1
#define SWITCH_OPTION_WAIT		  2 /* be gone for so many milliseconds */
#define SWITCH_OPTION_DISPATCH_CONTENTION 3
#define SWITCH_OPTION_OSLOCK_DEPRESS	  4
#define SWITCH_OPTION_OSLOCK_WAIT	  5

#define valid_switch_option(option) \
	((option) >= SWITCH_OPTION_NONE && (option) <= SWITCH_OPTION_OSLOCK_WAIT)
