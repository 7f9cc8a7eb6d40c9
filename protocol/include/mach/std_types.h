/* SPDX-License-Identifier: Apache-2.0 */
/* The types that every Mach interface uses. */
#pragma once

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/port.h>
#include <mach/vm_types.h>
