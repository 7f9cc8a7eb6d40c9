/* SPDX-License-Identifier: Apache-2.0 */
/* Special reply ports for MIG's stubs. */
#pragma once

#include <mach/mach_traps.h>
#include <mach/mig.h>
