/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the calling task. MACH_SEND_INVALID_DEST: `target_task` is not its port.
 */
#pragma once

#include <mach/mach_types.h>
#include <mach/vm_statistics.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * Zeroed memory in whole pages. `address` is where it is, or, with VM_FLAGS_FIXED, where it must
 * be. Size 0 gives address 0. KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT (flags, or
 * a size past the end of memory)
 */
extern kern_return_t vm_allocate(vm_map_t target_task, vm_address_t *address, vm_size_t size,
				 int flags);

/* Unmap whole pages; it is no error if nothing is there. KERN_INVALID_ARGUMENT: no such range */
extern kern_return_t vm_deallocate(vm_map_t target_task, vm_address_t address, vm_size_t size);

MACHD_END_DECLS
