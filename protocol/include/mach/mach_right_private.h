/* SPDX-License-Identifier: Apache-2.0 */
/* The name under which Mach sources include mach/mach_right.h. */
#pragma once

#include <mach/mach_right.h>
