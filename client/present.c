/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a buffer of the program mapped? mach_msg returns a code for one that is not, but a copy to or
 * from a ring is made by the library, which would crash. Most buffers are on the thread's own stack
 * above its current frame, among the program's variables, or in the heap below sbrk(0): those are
 * taken to be mapped, and copied directly. All others are copied by the kernel, which reports what
 * is not mapped at that very moment. That costs a system call: for a small message 0.4 microseconds
 * when it is sent, 0.2 when it is received. (Asking the kernel first and then copying would take
 * 0.2 for both, and leave a gap between the two.)
 *
 * So if a program unmaps or protects parts of its own stack, variables or heap, a message there
 * crashes it as memcpy() would. To avoid that every copy would have to be the kernel's, or the
 * library would need a handler for SIGSEGV.
 */
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/mi.h"

struct range {
	uintptr_t low, high;
};

static struct range variables; /* of the program itself, which is never unloaded */
static _Thread_local struct range stack;
static uintptr_t heap; /* where it begins; UINTPTR_MAX: not known */
static uintptr_t page_mask;

static bool within(const struct range *range, const void *memory, size_t size)
{
	uintptr_t at = (uintptr_t)memory;

	return at >= range->low && at <= range->high && size <= range->high - at;
}

/* The first object is the program. The loader has made the beginning of its data read-only. */
static int find_variables(struct dl_phdr_info *info, size_t size, void *context)
{
	struct range found = {0};

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD && (part->p_flags & PF_W))
			found = (struct range){info->dlpi_addr + part->p_vaddr,
					       info->dlpi_addr + part->p_vaddr + part->p_memsz};
	}
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t end = info->dlpi_addr + part->p_vaddr + part->p_memsz;

		if (part->p_type == PT_GNU_RELRO && end > found.low)
			found.low = (end + ~page_mask) & page_mask;
	}
	variables = found.low < found.high ? found : (struct range){0};
	(void)size;
	(void)context;
	return 1;
}

/* start_brk in /proc/self/stat. The process's name, in parentheses, may contain anything. */
static void find_heap(void)
{
	enum { FIELDS_BETWEEN = 44 }; /* from the state to start_brk [proc(5)] */
	FILE *file = fopen("/proc/self/stat", "re");
	unsigned long long value = 0;
	char text[1024] = "";
	const char *at;

	heap = UINTPTR_MAX;
	if (!file)
		return;
	if (fgets(text, sizeof text, file) && (at = strrchr(text, ')'))) {
		for (unsigned i = 0; at && i <= FIELDS_BETWEEN; i++)
			at = strchr(at + 1, ' ');
		if (at && sscanf(at, "%llu", &value) == 1 && value)
			heap = (uintptr_t)value;
	}
	fclose(file);
}

/* Its end moves, and the C library knows where it is now. */
static bool in_heap(const void *memory, size_t size)
{
	struct range range = {heap, (uintptr_t)sbrk(0)};

	return within(&range, memory, size);
}

void mi_present_configure(void)
{
	page_mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	dl_iterate_phdr(find_variables, NULL);
	find_heap();
}

/* The thread's stack; an empty range if it cannot be found out. */
static void find_stack(void)
{
	pthread_attr_t attributes;
	void *low;
	size_t size;

	stack = (struct range){1, 1};
	if (pthread_getattr_np(pthread_self(), &attributes))
		return;
	if (pthread_attr_getstack(&attributes, &low, &size) == 0)
		stack = (struct range){(uintptr_t)low, (uintptr_t)low + size};
	pthread_attr_destroy(&attributes);
}

/*
 * Below the current frame the stack may not be mapped yet. The frame of a coroutine is not on this
 * stack. Before find_stack() the range is empty.
 */
static bool on_stack(const void *memory, size_t size)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	return frame >= stack.low && (uintptr_t)memory >= frame && within(&stack, memory, size);
}

bool mi_present(const void *memory, size_t size)
{
	return within(&variables, memory, size) || in_heap(memory, size) || on_stack(memory, size);
}

bool mi_known(const void *memory, size_t size)
{
	if (stack.high == 0)
		find_stack();
	return mi_present(memory, size);
}
