/* SPDX-License-Identifier: Apache-2.0 */
/* The older name of mach/mach_traps.h. */
#pragma once

#include <mach/mach_traps.h>
#include <mach/thread_switch.h>
