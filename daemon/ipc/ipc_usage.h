/* SPDX-License-Identifier: Apache-2.0 */
/* What a task's process uses of the machine, as the outbox says when it is asked (task_info). */
#pragma once

#include <stdint.h>

struct ipc_usage {
	uint64_t us_virtual, us_resident, us_resident_max; /* bytes */
	uint64_t us_user, us_system;			   /* microseconds */
};
