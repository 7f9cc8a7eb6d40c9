/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of mach/vm_map.h with addresses that are wide enough for any task. */
#pragma once

#include <mach/mach_types.h>
#include <mach/vm_statistics.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

extern kern_return_t mach_vm_allocate(vm_map_t target, mach_vm_address_t *address,
				      mach_vm_size_t size, int flags);

extern kern_return_t mach_vm_deallocate(vm_map_t target, mach_vm_address_t address,
					mach_vm_size_t size);

MACHD_END_DECLS
