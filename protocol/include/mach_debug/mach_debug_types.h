/* SPDX-License-Identifier: Apache-2.0 */
/* The types of mach_debug: what the stubs that MIG makes of mach_port.defs include. */
#pragma once

#include <mach_debug/ipc_info.h>
