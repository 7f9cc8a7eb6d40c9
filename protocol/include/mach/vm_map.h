/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the calling task. MACH_SEND_INVALID_DEST: `target_task` is not its port.
 */
#pragma once

#include <mach/boolean.h>
#include <mach/mach_types.h>
#include <mach/message.h>
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

MACHD_END_DECLS
