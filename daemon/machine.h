/* SPDX-License-Identifier: Apache-2.0 */
/* The machine we run on, as the state machine has to know it. */
#pragma once

#include "daemon/ipc/ipc_machine.h"

/* What cannot be found out is 0, or 1 where a number of things is asked for. */
void machine_read(struct ipc_machine *machine);
