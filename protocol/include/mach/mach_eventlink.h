/* SPDX-License-Identifier: Apache-2.0 */
/* Making eventlinks, and saying who waits on them. */
#pragma once

#include <mach/mach_eventlink_types.h>
#include <mach/mach_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* A new one: a send right to each side. KERN_INVALID_ARGUMENT: another task, or another option. */
extern kern_return_t mach_eventlink_create(task_t task, mach_eventlink_create_option_t option,
					   eventlink_port_pair_t eventlink_pair);

/* End it, and give up the right to this side: who waits on either gets KERN_TERMINATED. */
extern kern_return_t mach_eventlink_destroy(mach_port_t eventlink);

/*
 * Say which thread waits on a side. The addresses and masks must be 0. KERN_INVALID_ARGUMENT: a
 * thread where the option says none, or the other way round. KERN_NAME_EXISTS: that was said
 * already. KERN_TERMINATED: it has ended.
 */
extern kern_return_t mach_eventlink_associate(mach_port_t eventlink, thread_t thread,
					      mach_vm_address_t copyin_addr_wait,
					      uint64_t copyin_mask_wait,
					      mach_vm_address_t copyin_addr_signal,
					      uint64_t copyin_mask_signal,
					      mach_eventlink_associate_option_t option);

/* Nobody waits on it any more. KERN_INVALID_ARGUMENT: nobody did. */
extern kern_return_t mach_eventlink_disassociate(mach_port_t eventlink,
						 mach_eventlink_disassociate_option_t option);

MACHD_END_DECLS
