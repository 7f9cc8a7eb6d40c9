/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_map: memory of a memory entry, or zeroes, in the calling task. What is mapped to be shared is
 * a region that is kept (client/region.h); all else is memory as vm_allocate() gives it.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>
#include <mach/vm_page_size.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/mi.h"
#include "client/region.h"
#include "client/vm_internal.h"

/* What is to be mapped, and how. */
struct wish {
	vm_size_t size; /* whole pages */
	vm_address_t mask;
	int flags;
	mem_entry_name_port_t object;
	uint64_t offset;
	bool copy;
	vm_prot_t cur, max;
	vm_inherit_t inheritance;
};

/* Where it goes. */
struct place {
	void *wanted;
	int how; /* mmap()'s flags */
	vm_address_t reserved, reserved_end;
};

/* Reserve an address without the bits of the mask: the highest of them says how far to go. */
static kern_return_t reserve(const struct wish *wish, struct place *place)
{
	vm_address_t apart = vm_page_size, start;
	void *room;

	while (apart <= wish->mask && apart < SIZE_MAX / 4)
		apart *= 2;
	if (apart <= wish->mask || wish->size > SIZE_MAX - apart)
		return KERN_NO_SPACE;
	room = mmap(NULL, wish->size + apart, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return KERN_NO_SPACE;
	start = (vm_address_t)room;
	place->reserved = start;
	place->reserved_end = start + wish->size + apart;
	place->wanted = (void *)((start + apart - 1) & ~(apart - 1));
	place->how = MAP_FIXED;
	return KERN_SUCCESS;
}

/* Give back what was reserved, but for [start, start + size). */
static void release(const struct place *place, vm_address_t start, vm_size_t size)
{
	if (place->reserved_end == 0)
		return;
	if (place->reserved < start)
		munmap((void *)place->reserved, start - place->reserved);
	if (start + size < place->reserved_end)
		munmap((void *)(start + size), place->reserved_end - start - size);
}

static kern_return_t find_place(const struct wish *wish, vm_address_t address, struct place *place)
{
	*place = (struct place){0};
	if ((wish->flags & VM_FLAGS_ANYWHERE) && (wish->mask & ~vm_page_mask))
		return reserve(wish, place);
	mi_vm_place(address, wish->flags, &place->wanted, &place->how);
	return (vm_address_t)place->wanted & wish->mask ? KERN_NO_SPACE : KERN_SUCCESS;
}

/* A descriptor that allows no more than the mapping may ever do, where that can be had. */
static int narrowed(int fd, vm_prot_t max)
{
	int narrow = max & VM_PROT_WRITE ? -1 : mi_region_read_only(fd);

	if (narrow < 0)
		return fd;
	close(fd);
	return narrow;
}

/*
 * Fresh memory with what the entry holds now. What nobody can change any more needs no copy until
 * it is written to.
 */
static void *copy_of(const struct wish *wish, const struct place *place, int fd, uint64_t offset)
{
	int seals = fcntl(fd, F_GET_SEALS), error;
	void *memory;

	if (seals >= 0 && (seals & F_SEAL_WRITE)) {
		memory = mmap(place->wanted, wish->size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | place->how, fd, (off_t)offset);
		if (memory != MAP_FAILED)
			mi_region_adopt(memory, wish->size, fd);
		return memory;
	}
	memory = mi_region_map(place->wanted, wish->size, place->how);
	if (memory == MAP_FAILED)
		return MAP_FAILED;
	error = mi_drain(fd, memory, wish->size, offset);
	if (error == 0)
		return memory;
	mi_region_unmap(memory, wish->size);
	errno = error;
	return MAP_FAILED;
}

/* Zeroes, or a copy, that children of fork() shall share. Takes the descriptor, if there is one. */
static void *shared_of(const struct wish *wish, const struct place *place, int from,
		       uint64_t offset)
{
	int fd = mi_region_memfd(wish->size), error = fd < 0 ? errno : 0;

	if (error == 0 && from >= 0) {
		void *source = mmap(NULL, wish->size, PROT_READ, MAP_SHARED, from, (off_t)offset);

		error = source == MAP_FAILED ? errno : mi_fill(fd, source, wish->size, 0);
		if (source != MAP_FAILED)
			munmap(source, wish->size);
	}
	if (error == 0)
		return mi_region_map_shared(place->wanted, wish->size, place->how,
					    PROT_READ | PROT_WRITE, fd, 0, false);
	if (fd >= 0)
		close(fd);
	errno = error;
	return MAP_FAILED;
}

/* What the entry holds, as the wish wants it; or zeroes without one (-1). Takes the descriptor. */
static void *map_file(const struct wish *wish, const struct place *place, int fd, uint64_t offset)
{
	void *memory;
	int error;

	if (fd >= 0 && !wish->copy)
		return mi_region_map_shared(place->wanted, wish->size, place->how, wish->cur,
					    narrowed(fd, wish->max), offset,
					    wish->inheritance == VM_INHERIT_COPY);
	if (wish->inheritance == VM_INHERIT_SHARE)
		memory = shared_of(wish, place, fd, offset);
	else if (fd >= 0)
		memory = copy_of(wish, place, fd, offset);
	else
		memory = mi_region_map(place->wanted, wish->size, place->how);
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	if (memory != MAP_FAILED && wish->cur != VM_PROT_DEFAULT)
		mprotect(memory, wish->size, wish->cur);
	return memory;
}

/* The entry's descriptor, and where in it the wanted part is. */
static kern_return_t find_entry(const struct wish *wish, int *fd, uint64_t *offset)
{
	struct machd_extent extent;
	kern_return_t code = mi_memory_entry(wish->object, fd, &extent);

	if (code != KERN_SUCCESS)
		return code;
	if (((uint32_t)wish->max & ~extent.protection) != 0)
		code = KERN_INVALID_RIGHT;
	else if (wish->offset > extent.size || wish->size > extent.size - wish->offset)
		code = KERN_INVALID_ARGUMENT;
	*offset = extent.offset + wish->offset;
	if (code != KERN_SUCCESS)
		close(*fd);
	return code;
}

static kern_return_t map(const struct wish *wish, vm_address_t *address)
{
	uint64_t offset = 0;
	struct place place;
	void *memory;
	int fd = -1;
	kern_return_t code = find_place(wish, *address, &place);

	if (code == KERN_SUCCESS && MACH_PORT_VALID(wish->object))
		code = find_entry(wish, &fd, &offset);
	if (code != KERN_SUCCESS) {
		release(&place, place.reserved_end, 0);
		return code;
	}
	memory = map_file(wish, &place, fd, offset);
	if (memory == MAP_FAILED) {
		code = mi_vm_refused(errno, wish->flags);
		release(&place, place.reserved_end, 0);
		return code;
	}
	release(&place, (vm_address_t)memory, wish->size);
	if (wish->inheritance == VM_INHERIT_NONE)
		madvise(memory, wish->size, MADV_DONTFORK);
	*address = (vm_address_t)memory;
	return KERN_SUCCESS;
}

static bool wish_good(const struct wish *wish)
{
	return wish->size != 0 && (wish->offset & vm_page_mask) == 0 &&
	       mi_vm_flags_good(wish->flags) && (wish->cur & ~wish->max) == 0 &&
	       (wish->max & ~VM_PROT_ALL) == 0 && wish->inheritance <= VM_INHERIT_NONE;
}

kern_return_t vm_map(vm_map_t target_task, vm_address_t *address, vm_size_t size, vm_address_t mask,
		     int flags, mem_entry_name_port_t object, vm_offset_t offset, boolean_t copy,
		     vm_prot_t cur_protection, vm_prot_t max_protection, vm_inherit_t inheritance)
{
	struct wish wish = {.size = round_page(size),
			    .mask = mask,
			    .flags = flags,
			    .object = object,
			    .offset = offset,
			    .copy = copy,
			    .cur = cur_protection,
			    .max = max_protection,
			    .inheritance = inheritance};
	kern_return_t code = mi_vm_check_task(target_task);
	int saved = errno;

	if (code == KERN_SUCCESS)
		code = wish_good(&wish) ? map(&wish, address) : KERN_INVALID_ARGUMENT;
	errno = saved;
	return code;
}

kern_return_t mach_vm_map(vm_map_t target_task, mach_vm_address_t *address, mach_vm_size_t size,
			  mach_vm_offset_t mask, int flags, mem_entry_name_port_t object,
			  memory_object_offset_t offset, boolean_t copy, vm_prot_t cur_protection,
			  vm_prot_t max_protection, vm_inherit_t inheritance)
{
	vm_address_t narrow = (vm_address_t)*address;
	kern_return_t code;

	if (size > SIZE_MAX || offset > UINTPTR_MAX)
		return KERN_INVALID_ARGUMENT;
	if (mask > UINTPTR_MAX)
		return KERN_NO_SPACE;
	if (narrow != *address && !(flags & VM_FLAGS_ANYWHERE))
		return KERN_INVALID_ADDRESS;
	code = vm_map(target_task, &narrow, (vm_size_t)size, (vm_address_t)mask, flags, object,
		      (vm_offset_t)offset, copy, cur_protection, max_protection, inheritance);
	if (code == KERN_SUCCESS)
		*address = narrow;
	return code;
}
