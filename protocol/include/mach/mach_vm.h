/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of mach/vm_map.h with addresses that are wide enough for any task. */
#pragma once

#include <mach/mach_types.h>
#include <mach/memory_object_types.h>
#include <mach/message.h>
#include <mach/vm_inherit.h>
#include <mach/vm_region.h>
#include <mach/vm_statistics.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

extern kern_return_t mach_vm_allocate(vm_map_t target, mach_vm_address_t *address,
				      mach_vm_size_t size, int flags);

extern kern_return_t mach_vm_deallocate(vm_map_t target, mach_vm_address_t address,
					mach_vm_size_t size);

extern kern_return_t mach_vm_protect(vm_map_t target_task, mach_vm_address_t address,
				     mach_vm_size_t size, boolean_t set_maximum,
				     vm_prot_t new_protection);

extern kern_return_t mach_vm_copy(vm_map_t target_task, mach_vm_address_t source_address,
				  mach_vm_size_t size, mach_vm_address_t dest_address);

extern kern_return_t mach_vm_read(vm_map_t target_task, mach_vm_address_t address,
				  mach_vm_size_t size, vm_offset_t *data,
				  mach_msg_type_number_t *dataCnt);

extern kern_return_t mach_vm_write(vm_map_t target_task, mach_vm_address_t address,
				   vm_offset_t data, mach_msg_type_number_t dataCnt);

extern kern_return_t mach_vm_read_overwrite(vm_map_t target_task, mach_vm_address_t address,
					    mach_vm_size_t size, mach_vm_address_t data,
					    mach_vm_size_t *outsize);

extern kern_return_t mach_vm_map(vm_map_t target_task, mach_vm_address_t *address,
				 mach_vm_size_t size, mach_vm_offset_t mask, int flags,
				 mem_entry_name_port_t object, memory_object_offset_t offset,
				 boolean_t copy, vm_prot_t cur_protection, vm_prot_t max_protection,
				 vm_inherit_t inheritance);

/*
 * The first piece of memory at or above *address: where it is and what may be done with it.
 * `object_name` becomes MACH_PORT_NULL. KERN_INVALID_ADDRESS: there is no more.
 * KERN_INVALID_ARGUMENT: another flavor than VM_REGION_BASIC_INFO_64, or too little room
 */
extern kern_return_t mach_vm_region(vm_map_t target_task, mach_vm_address_t *address,
				    mach_vm_size_t *size, vm_region_flavor_t flavor,
				    vm_region_info_t info, mach_msg_type_number_t *infoCnt,
				    mach_port_t *object_name);

MACHD_END_DECLS
