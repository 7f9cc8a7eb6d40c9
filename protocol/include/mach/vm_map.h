/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the calling task. MACH_SEND_INVALID_DEST: `target_task` is not its port.
 */
#pragma once

#include <mach/boolean.h>
#include <mach/mach_types.h>
#include <mach/memory_object_types.h>
#include <mach/message.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
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

/*
 * Say what may be done with whole pages. With `set_maximum` they lose what `new_protection` does
 * not have, and gain nothing; it is not remembered. KERN_INVALID_ADDRESS: not all of it is mapped.
 * KERN_PROTECTION_FAILURE: a file that is mapped there does not allow it. KERN_INVALID_ARGUMENT: no
 * such range, or no such protection
 */
extern kern_return_t vm_protect(vm_map_t target_task, vm_address_t address, vm_size_t size,
				boolean_t set_maximum, vm_prot_t new_protection);

/*
 * Copy memory: to other memory, which may overlap; to fresh pages, which are freed with
 * vm_deallocate(); from a buffer; to a buffer. KERN_INVALID_ADDRESS: not all of it is mapped.
 * KERN_PROTECTION_FAILURE: it must not be read, or written. KERN_INVALID_ARGUMENT: no such range.
 * KERN_NO_SPACE: no room for the pages. What was copied before a failure is copied.
 */
extern kern_return_t vm_copy(vm_map_t target_task, vm_address_t source_address, vm_size_t size,
			     vm_address_t dest_address);
extern kern_return_t vm_read(vm_map_t target_task, vm_address_t address, vm_size_t size,
			     vm_offset_t *data, mach_msg_type_number_t *dataCnt);
extern kern_return_t vm_write(vm_map_t target_task, vm_address_t address, vm_offset_t data,
			      mach_msg_type_number_t dataCnt);
extern kern_return_t vm_read_overwrite(vm_map_t target_task, vm_address_t address, vm_size_t size,
				       vm_address_t data, vm_size_t *outsize);

/*
 * A memory entry: a send right that stands for memory of the caller, from now on that of all who
 * map it. `*size` is in bytes and becomes that of the entry, in whole pages: without
 * MAP_MEM_VM_SHARE it may be less than was asked for, if the memory lies in several pieces.
 * `permission` are the most that its holders may do, and MAP_MEM_ flags. With `parent_entry` the
 * new one is a part of that, from `offset` on.
 * MACH_SEND_INVALID_DEST: not the caller's task. KERN_INVALID_ARGUMENT: size 0, no such range, or
 * not a part of the parent. KERN_INVALID_VALUE: flags that are not known. KERN_INVALID_ADDRESS:
 * nothing is mapped there. KERN_PROTECTION_FAILURE: the caller, or a holder of the parent, may not
 * do that. KERN_NOT_SUPPORTED: a file that is mapped shared; several pieces.
 * MACH_SEND_INVALID_RIGHT: the parent is no send right. KERN_INVALID_OBJECT: nor an entry.
 * KERN_RESOURCE_SHORTAGE, MACHD_NO_DAEMON
 */
extern kern_return_t mach_make_memory_entry(vm_map_t target_task, vm_size_t *size,
					    vm_offset_t offset, vm_prot_t permission,
					    mem_entry_name_port_t *object_handle,
					    mem_entry_name_port_t parent_entry);
extern kern_return_t mach_make_memory_entry_64(vm_map_t target_task, memory_object_size_t *size,
					       memory_object_offset_t offset, vm_prot_t permission,
					       mem_entry_name_port_t *object_handle,
					       mem_entry_name_port_t parent_entry);

/*
 * Map `size` bytes of a memory entry from `offset` on, or zeroes if `object` is MACH_PORT_NULL.
 * With `copy` they are the caller's own, as they are now. `mask` are bits that the address must not
 * have, `address` and `flags` as in vm_allocate(). KERN_NO_SPACE, KERN_INVALID_ADDRESS.
 * KERN_INVALID_ARGUMENT: size 0, an offset inside of a page, more than the entry has, or a
 * protection, inheritance or flag that there is not. KERN_INVALID_RIGHT: the entry does not allow
 * that much. MACH_SEND_INVALID_RIGHT: no send right. KERN_INVALID_OBJECT: it is no memory entry.
 * KERN_RESOURCE_SHORTAGE, MACHD_NO_DAEMON
 */
extern kern_return_t vm_map(vm_map_t target_task, vm_address_t *address, vm_size_t size,
			    vm_address_t mask, int flags, mem_entry_name_port_t object,
			    vm_offset_t offset, boolean_t copy, vm_prot_t cur_protection,
			    vm_prot_t max_protection, vm_inherit_t inheritance);

MACHD_END_DECLS
