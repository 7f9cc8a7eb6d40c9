/* SPDX-License-Identifier: Apache-2.0 */
/* vm_protect and mach_vm_region: what may be done with memory of the calling task. */
#include <errno.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>
#include <mach/vm_page_size.h>
#include <string.h>
#include <sys/mman.h>

#include "client/mapping.h"
#include "client/vm_internal.h"

_Static_assert(VM_PROT_READ == PROT_READ && VM_PROT_WRITE == PROT_WRITE &&
		       VM_PROT_EXECUTE == PROT_EXEC,
	       "protections are the same numbers");

kern_return_t mi_vm_why(vm_address_t address, vm_size_t size, int protection)
{
	vm_address_t end = address + size;
	struct mi_mapping mapping;

	for (; address < end; address = mapping.end) {
		if (mi_mapping_at(address, &mapping) || mapping.start > address)
			return KERN_INVALID_ADDRESS;
		if ((mapping.protection & protection) != protection)
			return KERN_PROTECTION_FAILURE;
	}
	return KERN_INVALID_ADDRESS;
}

/*
 * Is all of it mapped? The kernel would change what is before a hole and then complain, Mach
 * changes nothing. This call has no other effect.
 */
static bool all_mapped(vm_address_t start, vm_address_t end)
{
	return msync((void *)start, end - start, MS_ASYNC) == 0 || errno != ENOMEM;
}

static kern_return_t protect(vm_address_t start, vm_address_t end, int protection)
{
	if (mprotect((void *)start, end - start, protection) == 0)
		return KERN_SUCCESS;
	return errno == EACCES ? KERN_PROTECTION_FAILURE : KERN_INVALID_ADDRESS;
}

/* Take away what `most` does not have, mapping by mapping. */
static kern_return_t reduce(vm_address_t start, vm_address_t end, int most)
{
	kern_return_t code = KERN_SUCCESS;
	struct mi_mapping mapping;

	for (; code == KERN_SUCCESS && start < end; start = mapping.end) {
		if (mi_mapping_at(start, &mapping) || mapping.start > start)
			return KERN_INVALID_ADDRESS;
		code = protect(start, mapping.end < end ? mapping.end : end,
			       mapping.protection & most);
	}
	return code;
}

kern_return_t vm_protect(vm_map_t target_task, vm_address_t address, vm_size_t size,
			 boolean_t set_maximum, vm_prot_t new_protection)
{
	kern_return_t code = mi_vm_check_task(target_task);
	vm_address_t start, end;
	int saved = errno;

	if (code == KERN_SUCCESS && (new_protection & ~VM_PROT_ALL))
		code = KERN_INVALID_ARGUMENT;
	if (code != KERN_SUCCESS || size == 0)
		return code;
	code = mi_vm_pages(address, size, &start, &end);
	if (code != KERN_SUCCESS)
		return code;
	if (!all_mapped(start, end))
		code = KERN_INVALID_ADDRESS;
	else
		code = set_maximum ? reduce(start, end, new_protection)
				   : protect(start, end, new_protection);
	errno = saved;
	return code;
}

kern_return_t mach_vm_protect(vm_map_t target_task, mach_vm_address_t address, mach_vm_size_t size,
			      boolean_t set_maximum, vm_prot_t new_protection)
{
	if (address > UINTPTR_MAX || size > SIZE_MAX)
		return KERN_INVALID_ARGUMENT;
	return vm_protect(target_task, (vm_address_t)address, (vm_size_t)size, set_maximum,
			  new_protection);
}

kern_return_t mach_vm_region(vm_map_t target_task, mach_vm_address_t *address, mach_vm_size_t *size,
			     vm_region_flavor_t flavor, vm_region_info_t info,
			     mach_msg_type_number_t *infoCnt, mach_port_t *object_name)
{
	kern_return_t code = mi_vm_check_task(target_task);
	vm_region_basic_info_data_64_t basic = {.max_protection = VM_PROT_ALL,
						.behavior = VM_BEHAVIOR_DEFAULT};
	struct mi_mapping mapping;
	int saved = errno;

	if (code != KERN_SUCCESS)
		return code;
	if (flavor != VM_REGION_BASIC_INFO_64 || *infoCnt < VM_REGION_BASIC_INFO_COUNT_64)
		return KERN_INVALID_ARGUMENT;
	if (*address > UINTPTR_MAX || mi_mapping_at((uintptr_t)*address, &mapping))
		code = KERN_INVALID_ADDRESS;
	errno = saved;
	if (code != KERN_SUCCESS)
		return code;
	basic.protection = mapping.protection;
	basic.inheritance = mapping.shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY;
	basic.shared = mapping.shared;
	basic.offset = mapping.offset;
	memcpy(info, &basic, sizeof basic);
	*infoCnt = VM_REGION_BASIC_INFO_COUNT_64;
	*address = mapping.start;
	*size = mapping.end - mapping.start;
	if (object_name)
		*object_name = MACH_PORT_NULL;
	return KERN_SUCCESS;
}
