/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the calling task: vm_allocate, vm_deallocate and the page size. Needs no daemon. */
#include <errno.h>
#include <mach/mach_init.h>
#include <mach/mach_vm.h>
#include <mach/message.h>
#include <mach/vm_map.h>
#include <mach/vm_page_size.h>
#include <machd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/mapping.h"
#include "client/mi.h"
#include "client/region.h"
#include "client/vm_internal.h"

#define KNOWN_FLAGS \
	(VM_FLAGS_ANYWHERE | VM_FLAGS_PURGABLE | VM_FLAGS_OVERWRITE | (int)VM_FLAGS_ALIAS_MASK)

vm_size_t machd_page_size(void)
{
	return (vm_size_t)sysconf(_SC_PAGESIZE);
}

kern_return_t host_page_size(host_t host, vm_size_t *out_page_size)
{
	(void)host;
	*out_page_size = machd_page_size();
	return KERN_SUCCESS;
}

/* Without a daemon there are no tasks, and one's own memory all the same. */
kern_return_t mi_vm_check_task(vm_map_t task)
{
	mach_port_t self = mach_task_self();

	return self == MACH_PORT_NULL || task == self ? KERN_SUCCESS : MACH_SEND_INVALID_DEST;
}

bool mi_vm_flags_good(int flags)
{
	return (flags & ~KNOWN_FLAGS) == 0;
}

void mi_vm_place(vm_address_t address, int flags, void **wanted, int *how)
{
	*wanted = (void *)trunc_page(address);
	if (flags & VM_FLAGS_ANYWHERE) {
		*wanted = NULL;
		*how = 0;
	} else if (flags & VM_FLAGS_OVERWRITE) {
		*how = MAP_FIXED;
	} else {
		*how = MAP_FIXED_NOREPLACE;
	}
}

kern_return_t mi_vm_refused(int error, int flags)
{
	if (error == EACCES)
		return KERN_PROTECTION_FAILURE;
	return error == EEXIST || (flags & VM_FLAGS_ANYWHERE) ? KERN_NO_SPACE
							      : KERN_INVALID_ADDRESS;
}

static kern_return_t map(vm_address_t *address, vm_size_t size, int flags)
{
	void *wanted, *memory;
	int how;

	mi_vm_place(*address, flags, &wanted, &how);
	memory = mi_region_map(wanted, size, how);
	if (memory == MAP_FAILED)
		return mi_vm_refused(errno, flags);
	*address = (vm_address_t)memory;
	return KERN_SUCCESS;
}

kern_return_t vm_allocate(vm_map_t target_task, vm_address_t *address, vm_size_t size, int flags)
{
	kern_return_t code = mi_vm_check_task(target_task);
	int saved = errno;

	if (code != KERN_SUCCESS)
		return code;
	if (!mi_vm_flags_good(flags))
		return KERN_INVALID_ARGUMENT;
	if (size == 0) {
		*address = 0;
		return KERN_SUCCESS;
	}
	if (round_page(size) < size)
		return KERN_INVALID_ARGUMENT;
	code = map(address, round_page(size), flags);
	errno = saved;
	return code;
}

kern_return_t mi_vm_pages(vm_address_t address, vm_size_t size, vm_address_t *start,
			  vm_address_t *end)
{
	*start = trunc_page(address);
	*end = round_page(address + size);
	return address + size < address || *end < *start ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
}

/* A range that goes on where no program has memory: what there is of it, piece by piece. */
static int unmap_each(vm_address_t start, vm_address_t end)
{
	struct mi_mapping mapping;
	int error = 0;

	for (; start < end && (error = mi_mapping_at(start, &mapping)) == 0; start = mapping.end) {
		vm_address_t from = mapping.start > start ? mapping.start : start;
		vm_address_t to = mapping.end < end ? mapping.end : end;

		/* What the kernel itself has up there stays. */
		if (from < to && mi_region_unmap((void *)from, to - from) && errno != EINVAL)
			return -1;
	}
	return error == 0 || error == ENOENT ? 0 : -1;
}

kern_return_t vm_deallocate(vm_map_t target_task, vm_address_t address, vm_size_t size)
{
	kern_return_t code = mi_vm_check_task(target_task);
	vm_address_t start, end;
	int saved = errno, status;

	if (code != KERN_SUCCESS || size == 0)
		return code;
	code = mi_vm_pages(address, size, &start, &end);
	if (code != KERN_SUCCESS)
		return code;
	status = mi_region_unmap((void *)start, end - start);
	if (status && errno == EINVAL)
		status = unmap_each(start, end);
	errno = saved;
	return status ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

kern_return_t mach_vm_allocate(vm_map_t target, mach_vm_address_t *address, mach_vm_size_t size,
			       int flags)
{
	vm_address_t narrow = (vm_address_t)*address;
	kern_return_t code;

	if (size > SIZE_MAX)
		return KERN_INVALID_ARGUMENT;
	if (narrow != *address && !(flags & VM_FLAGS_ANYWHERE))
		return KERN_INVALID_ADDRESS;
	code = vm_allocate(target, &narrow, (vm_size_t)size, flags);
	if (code == KERN_SUCCESS)
		*address = narrow;
	return code;
}

kern_return_t mach_vm_deallocate(vm_map_t target, mach_vm_address_t address, mach_vm_size_t size)
{
	if (address > UINTPTR_MAX || size > SIZE_MAX)
		return KERN_INVALID_ARGUMENT;
	return vm_deallocate(target, (vm_address_t)address, (vm_size_t)size);
}
