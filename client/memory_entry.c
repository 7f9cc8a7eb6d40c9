/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory entries: a memfd goes to the daemon, which holds it behind a send right. It is sealed
 * against changes of its size, so that all who map it can access its pages for ever. It is mapped
 * by client/vm_map.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <mach/memory_object_types.h>
#include <mach/vm_map.h>
#include <mach/vm_page_size.h>
#include <unistd.h>

#include "client/mi.h"
#include "client/region.h"
#include "client/vm_internal.h"

#define KNOWN_FLAGS (MAP_MEM_NAMED_CREATE | MAP_MEM_PURGABLE | MAP_MEM_VM_COPY | MAP_MEM_VM_SHARE)

/* What an entry is made of. */
struct source {
	int fd;
	struct machd_extent extent; /* its protection is what was asked for */
};

kern_return_t mi_memory_entry(mem_entry_name_port_t entry, int *fd, struct machd_extent *extent)
{
	kern_return_t code = mi_fileport_get(entry, MACHD_FILE_MEMORY, fd, extent);

	/* As with all rights that go in a message; the rest is said by the routine itself. */
	if (code == KERN_INVALID_NAME || code == KERN_INVALID_RIGHT)
		return MACH_SEND_INVALID_RIGHT;
	return code == KERN_INVALID_CAPABILITY ? KERN_INVALID_OBJECT : code;
}

/* Fresh memory. */
static kern_return_t create(vm_size_t size, struct source *source)
{
	source->fd = mi_region_memfd(size);
	source->extent.size = size;
	return source->fd < 0 ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

/* A copy that nobody can write to needs none if the memory is a region. */
static kern_return_t make_copy(vm_address_t start, vm_size_t size, struct source *source)
{
	bool writes = source->extent.protection & VM_PROT_WRITE;
	int error;

	source->extent.size = size;
	if (!writes)
		source->fd = mi_region_share(start, size, &source->extent.offset);
	if (source->fd >= 0)
		return KERN_SUCCESS;
	source->fd = mi_region_memfd(size);
	if (source->fd < 0)
		return KERN_RESOURCE_SHORTAGE;
	error = mi_fill(source->fd, (const void *)start, size, 0);
	if (error == 0 && !writes)
		error = mi_seal(source->fd, F_SEAL_WRITE);
	if (error == EFAULT)
		return mi_vm_why(start, size, VM_PROT_READ);
	return error ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

/* A part of another entry. */
static kern_return_t divide(mem_entry_name_port_t parent, uint64_t offset, uint64_t size,
			    struct source *source)
{
	struct machd_extent whole;
	kern_return_t code = mi_memory_entry(parent, &source->fd, &whole);

	if (code != KERN_SUCCESS)
		return code;
	if (offset > whole.size || size > whole.size - offset)
		return KERN_INVALID_ARGUMENT;
	if ((whole.protection & source->extent.protection) != source->extent.protection)
		return KERN_PROTECTION_FAILURE;
	source->extent.offset = whole.offset + offset;
	source->extent.size = size;
	return KERN_SUCCESS;
}

/* The memory itself. */
static kern_return_t share(vm_address_t start, vm_size_t size, bool all, struct source *source)
{
	size_t got = size;
	kern_return_t code = mi_region_export(start, &got, all, (int)source->extent.protection,
					      &source->fd, &source->extent.offset);

	source->extent.size = got;
	return code;
}

/* `start` and `size` are whole pages. */
static kern_return_t find_source(uint64_t start, uint64_t size, vm_prot_t permission,
				 mem_entry_name_port_t parent, struct source *source)
{
	if (permission & MAP_MEM_NAMED_CREATE)
		return create((vm_size_t)size, source);
	if (MACH_PORT_VALID(parent))
		return divide(parent, start, size, source);
	if (start + size > UINTPTR_MAX)
		return KERN_INVALID_ADDRESS;
	if (permission & MAP_MEM_VM_COPY)
		return make_copy((vm_address_t)start, (vm_size_t)size, source);
	return share((vm_address_t)start, (vm_size_t)size, permission & MAP_MEM_VM_SHARE, source);
}

static kern_return_t make(memory_object_size_t *size, memory_object_offset_t offset,
			  vm_prot_t permission, mem_entry_name_port_t *object_handle,
			  mem_entry_name_port_t parent)
{
	uint64_t start = mach_vm_trunc_page(offset), end = mach_vm_round_page(offset + *size);
	struct source source = {.fd = -1,
				.extent.protection = (uint32_t)(permission & VM_PROT_ALL)};
	struct machd_fileport what = {.kind = MACHD_FILE_MEMORY};
	kern_return_t code;

	if (end <= start || offset + *size < offset || end - start > SIZE_MAX / 2)
		return KERN_INVALID_ARGUMENT;
	code = find_source(start, end - start, permission, parent, &source);
	what.extent = source.extent;
	if (code == KERN_SUCCESS)
		code = mi_fileport_make(source.fd, &what, object_handle);
	if (code == KERN_SUCCESS)
		*size = source.extent.size;
	if (source.fd >= 0)
		close(source.fd);
	return code;
}

kern_return_t mach_make_memory_entry_64(vm_map_t target_task, memory_object_size_t *size,
					memory_object_offset_t offset, vm_prot_t permission,
					mem_entry_name_port_t *object_handle,
					mem_entry_name_port_t parent_entry)
{
	kern_return_t code = mi_vm_check_task(target_task);
	int saved = errno;

	if (code != KERN_SUCCESS)
		return code;
	if (permission & ~(VM_PROT_ALL | KNOWN_FLAGS))
		return KERN_INVALID_VALUE;
	if (*size == 0)
		return KERN_INVALID_ARGUMENT;
	code = make(size, offset, permission, object_handle, parent_entry);
	errno = saved;
	return code;
}

kern_return_t mach_make_memory_entry(vm_map_t target_task, vm_size_t *size, vm_offset_t offset,
				     vm_prot_t permission, mem_entry_name_port_t *object_handle,
				     mem_entry_name_port_t parent_entry)
{
	memory_object_size_t wide = *size;
	kern_return_t code = mach_make_memory_entry_64(target_task, &wide, offset, permission,
						       object_handle, parent_entry);

	if (code == KERN_SUCCESS)
		*size = (vm_size_t)wide;
	return code;
}
