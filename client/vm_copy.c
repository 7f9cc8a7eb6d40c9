/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_copy, vm_read and vm_write: memory of the calling task into other memory of it. The kernel
 * copies, so that a bad address is a code and not the end of the program.
 */
#include <errno.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>
#include <sys/mman.h>

#include "client/mi.h"
#include "client/vm_internal.h"

/* What overlaps is copied in pieces of this size, each read before it is written. */
#define PIECE ((size_t)16 << 10)

/* The kernel copies so much at once at most. */
#define COPY_MAX ((size_t)1 << 30)

static kern_return_t why(vm_address_t source, vm_address_t dest, size_t size)
{
	kern_return_t code = mi_vm_why(source, size, PROT_READ);

	if (code == KERN_PROTECTION_FAILURE)
		return code;
	return mi_vm_why(dest, size, PROT_WRITE) == KERN_PROTECTION_FAILURE
		       ? KERN_PROTECTION_FAILURE
		       : KERN_INVALID_ADDRESS;
}

static bool copy_apart(vm_address_t source, vm_address_t dest, size_t size)
{
	while (size > 0) {
		size_t count = size < COPY_MAX ? size : COPY_MAX;

		if (!mi_fetch((void *)dest, (const void *)source, count))
			return false;
		source += count;
		dest += count;
		size -= count;
	}
	return true;
}

/* From the end that is not overwritten before it is read. */
static bool copy_overlapping(vm_address_t source, vm_address_t dest, size_t size)
{
	uint8_t piece[PIECE];
	bool backwards = dest > source;

	for (size_t done = 0; done < size;) {
		size_t count = size - done < PIECE ? size - done : PIECE;
		size_t at = backwards ? size - done - count : done;

		if (!mi_fetch(piece, (const void *)(source + at), count) ||
		    !mi_store((void *)(dest + at), piece, count))
			return false;
		done += count;
	}
	return true;
}

static kern_return_t copy(vm_address_t source, vm_address_t dest, size_t size)
{
	size_t apart = source < dest ? dest - source : source - dest;
	int saved = errno;
	bool good;

	if (source + size < source || dest + size < dest)
		return KERN_INVALID_ARGUMENT;
	good = apart >= size ? copy_apart(source, dest, size)
			     : copy_overlapping(source, dest, size);
	errno = saved;
	return good ? KERN_SUCCESS : why(source, dest, size);
}

kern_return_t vm_copy(vm_map_t target_task, vm_address_t source_address, vm_size_t size,
		      vm_address_t dest_address)
{
	kern_return_t code = mi_vm_check_task(target_task);

	return code == KERN_SUCCESS ? copy(source_address, dest_address, size) : code;
}

kern_return_t vm_write(vm_map_t target_task, vm_address_t address, vm_offset_t data,
		       mach_msg_type_number_t dataCnt)
{
	return vm_copy(target_task, data, dataCnt, address);
}

kern_return_t vm_read_overwrite(vm_map_t target_task, vm_address_t address, vm_size_t size,
				vm_address_t data, vm_size_t *outsize)
{
	kern_return_t code = vm_copy(target_task, address, size, data);

	if (code == KERN_SUCCESS)
		*outsize = size;
	return code;
}

kern_return_t vm_read(vm_map_t target_task, vm_address_t address, vm_size_t size, vm_offset_t *data,
		      mach_msg_type_number_t *dataCnt)
{
	vm_address_t pages = 0;
	kern_return_t code;

	if (size > UINT32_MAX)
		return KERN_INVALID_ARGUMENT;
	code = vm_allocate(target_task, &pages, size, VM_FLAGS_ANYWHERE);
	if (code != KERN_SUCCESS)
		return code;
	code = copy(address, pages, size);
	if (code != KERN_SUCCESS) {
		vm_deallocate(target_task, pages, size);
		return code;
	}
	*data = pages;
	*dataCnt = (mach_msg_type_number_t)size;
	return KERN_SUCCESS;
}

kern_return_t mach_vm_copy(vm_map_t target_task, mach_vm_address_t source_address,
			   mach_vm_size_t size, mach_vm_address_t dest_address)
{
	if (source_address > UINTPTR_MAX || size > SIZE_MAX || dest_address > UINTPTR_MAX)
		return KERN_INVALID_ARGUMENT;
	return vm_copy(target_task, (vm_address_t)source_address, (vm_size_t)size,
		       (vm_address_t)dest_address);
}

kern_return_t mach_vm_write(vm_map_t target_task, mach_vm_address_t address, vm_offset_t data,
			    mach_msg_type_number_t dataCnt)
{
	if (address > UINTPTR_MAX)
		return KERN_INVALID_ARGUMENT;
	return vm_write(target_task, (vm_address_t)address, data, dataCnt);
}

kern_return_t mach_vm_read(vm_map_t target_task, mach_vm_address_t address, mach_vm_size_t size,
			   vm_offset_t *data, mach_msg_type_number_t *dataCnt)
{
	if (address > UINTPTR_MAX || size > SIZE_MAX)
		return KERN_INVALID_ARGUMENT;
	return vm_read(target_task, (vm_address_t)address, (vm_size_t)size, data, dataCnt);
}

kern_return_t mach_vm_read_overwrite(vm_map_t target_task, mach_vm_address_t address,
				     mach_vm_size_t size, mach_vm_address_t data,
				     mach_vm_size_t *outsize)
{
	kern_return_t code = mach_vm_copy(target_task, address, size, data);

	if (code == KERN_SUCCESS)
		*outsize = size;
	return code;
}
