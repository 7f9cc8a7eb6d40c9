/* SPDX-License-Identifier: Apache-2.0 */
/* Ports made with all their properties: what trap_guard.c and trap_service.c share [20]. */
#pragma once

#include "daemon/ipc/ipc_label.h"
#include "daemon/trap/trap_internal.h"

struct trap_options {
	uint32_t to_flags; /* MPO_, and MACHD_MPO_ */
	uint32_t to_qlimit;
	uint64_t to_context;
};

/*
 * What is wrong with these flags: KERN_INVALID_ARGUMENT, several that exclude each other;
 * KERN_DENIED, not for this caller; KERN_INVALID_VALUE, the queue limit.
 */
kern_return_t trap_check_flags(const struct trap_call *call, const struct trap_options *options);
kern_return_t trap_check_qlimit(const struct trap_options *options);

/*
 * Make the port, with a label or without; takes the reference to that. KERN_NO_SPACE,
 * KERN_RESOURCE_SHORTAGE.
 */
kern_return_t trap_construct(struct trap_call *call, const struct trap_options *options,
			     struct ipc_label *label, mach_port_name_t *name);

/*
 * The label of the service port that the caller's name stands for, with a reference.
 * KERN_INVALID_NAME, KERN_INVALID_RIGHT: there is no send right; KERN_INVALID_CAPABILITY: it is to
 * no service port.
 */
kern_return_t trap_service_label(struct trap_call *call, mach_port_name_t name,
				 struct ipc_label **label);
