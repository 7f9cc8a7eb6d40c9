/* SPDX-License-Identifier: Apache-2.0 */
/* Memory entries [26]: memory that tasks have together, and what each of them may do with it. */
#include <fcntl.h>
#include <mach/mach_vm.h>
#include <servers/bootstrap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/region.h"
#include "tests/flow/flow_letter.h"

#define SELF mach_task_self()
#define PAGE vm_page_size
#define MIB  1048576u
#define RW   VM_PROT_DEFAULT

static uint8_t *allocate(size_t size)
{
	vm_address_t address = 0;

	CHECK_OK(vm_allocate(SELF, &address, size, VM_FLAGS_ANYWHERE));
	return (uint8_t *)address;
}

static void deallocate(const void *memory, size_t size)
{
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)memory, size));
}

/* An entry of exactly this memory. */
static mach_port_t entry_of(const void *memory, size_t size, int permission)
{
	vm_size_t got = size;
	mach_port_t entry = MACH_PORT_NULL;

	CHECK_OK(mach_make_memory_entry(SELF, &got, (vm_offset_t)memory, permission, &entry,
					MACH_PORT_NULL));
	CHECK(got == size);
	CHECK_EQ(flow_type(entry), MACH_PORT_TYPE_SEND);
	return entry;
}

static kern_return_t map(mach_port_t entry, size_t size, size_t offset, bool copy, vm_prot_t cur,
			 vm_prot_t max, uint8_t **memory)
{
	vm_address_t address = 0;
	kern_return_t code = vm_map(SELF, &address, size, 0, VM_FLAGS_ANYWHERE, entry, offset, copy,
				    cur, max, VM_INHERIT_SHARE);

	*memory = (uint8_t *)address;
	return code;
}

static uint8_t *mapped(mach_port_t entry, size_t size, size_t offset)
{
	uint8_t *memory;

	CHECK_OK(map(entry, size, offset, false, RW, RW, &memory));
	return memory;
}

static vm_region_basic_info_data_64_t info_of(const void *memory)
{
	mach_vm_address_t address = (uintptr_t)memory;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;

	CHECK_OK(mach_vm_region(SELF, &address, &size, VM_REGION_BASIC_INFO_64,
				(vm_region_info_t)&info, &count, NULL));
	CHECK(address <= (uintptr_t)memory);
	return info;
}

/* Another task maps what it is sent, checks it, writes, and says so. */
static void take_part(void *argument)
{
	mach_port_t service, port = flow_receive_right();
	struct flow_letter letter;
	uint8_t *memory;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.entry", &service));
	CHECK_OK(flow_send_to(service, MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND, 1));
	CHECK_EQ(flow_hear_parent(), 1);
	CHECK_OK(letter_receive(port, &letter));
	memory = mapped(letter_port(&letter, 0).name, MIB, 0);
	letter_expect(memory, MIB, 1);
	letter_fill(memory, MIB, 2);
	flow_tell_parent(1);
	CHECK_EQ(flow_hear_parent(), 2);
	letter_expect(memory, MIB, 3);
	deallocate(memory, MIB);
	letter_fill(mapped(letter_port(&letter, 0).name, MIB, 0), MIB, 4);
}

START_TEST(two_tasks_have_it_together)
{
	mach_port_t service;
	struct flow_message message;
	struct flow_letter letter;
	struct flow_child child;
	uint8_t *memory = allocate(MIB);

	letter_fill(memory, MIB, 1);
	CHECK_OK(bootstrap_check_in(bootstrap_port, "flow.entry", &service));
	flow_fork(&child, take_part, NULL);
	flow_await(service, &message);
	letter_start(&letter, message.header.msgh_remote_port);
	letter_add_port(&letter, entry_of(memory, MIB, RW), MACH_MSG_TYPE_MOVE_SEND);
	CHECK_OK(letter_send(&letter));
	flow_tell(&child, 1);
	CHECK_EQ(flow_hear(&child), 1);
	letter_expect(memory, MIB, 2);
	letter_fill(memory, MIB, 3);
	flow_tell(&child, 2);
	flow_join(&child);
	letter_expect(memory, MIB, 4);
	deallocate(memory, MIB);
}
END_TEST

/* Memory of every kind can be had together, and has the same bytes as before. */
START_TEST(of_any_memory)
{
	uint8_t *kinds[] = {
		allocate(MIB),	    /* a region */
		allocate(MIB),	    /* one that was sent */
		allocate(2 * MIB),  /* the middle of one */
		allocate(2 * MIB),  /* the end of one that others have in part */
		allocate(4 * PAGE), /* small */
		malloc(MIB),
	};
	mach_port_t port = flow_port();
	uint8_t *memory, *other;
	mach_port_t entry;

	CHECK_OK(letter_send_memory(port, kinds[1], MIB, false, MACH_MSG_VIRTUAL_COPY));
	entry_of(kinds[3], MIB, RW);
	kinds[3] += MIB;
	memory = kinds[2];
	letter_fill(memory, 2 * MIB, 9);
	kinds[2] += MIB / 2;
	kinds[5] = (uint8_t *)round_page((vm_address_t)kinds[5]);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t size = i < 4 ? MIB : 3 * PAGE;

		letter_fill(kinds[i], size, (unsigned)i);
		entry = entry_of(kinds[i], size, RW);
		letter_expect(kinds[i], size, (unsigned)i);
		other = mapped(entry, size, 0);
		letter_expect(other, size, (unsigned)i);
		letter_fill(other, size, 7);
		letter_expect(kinds[i], size, 7);
		letter_fill(kinds[i], size, 8);
		letter_expect(other, size, 8);
		/* Another entry of the same, and one of what was mapped. */
		CHECK_OK(mach_port_deallocate(SELF, entry));
		letter_fill(mapped(entry_of(kinds[i], size, RW), size, 0), size, 10);
		letter_expect(other, size, 10);
		letter_fill(mapped(entry_of(other + PAGE, PAGE, RW), PAGE, 0), PAGE, 11);
		letter_expect(kinds[i] + PAGE, PAGE, 11);
		deallocate(other, size);
	}
	/* What is around it is as it was, and nobody else's. */
	other = malloc(2 * MIB);
	letter_fill(other, 2 * MIB, 9);
	CHECK(memcmp(memory, other, MIB / 2) == 0);
	CHECK(memcmp(memory + 3 * MIB / 2, other + 3 * MIB / 2, MIB / 2) == 0);
	free(other);
	/* The message that was sent before has what was sent. */
	CHECK(((uint8_t *)letter_receive_memory(port).address)[0] == 0);
}
END_TEST

/* Memory that others have is copied when it is sent: what is received is nobody else's. */
START_TEST(it_is_sent_as_a_copy)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(MIB), *other, *got;

	letter_fill(memory, MIB, 1);
	other = mapped(entry_of(memory, MIB, RW), MIB, 0);
	CHECK_OK(letter_send_memory(port, memory, MIB, false, MACH_MSG_VIRTUAL_COPY));
	CHECK_OK(letter_send_memory(port, other, MIB, true, MACH_MSG_VIRTUAL_COPY));
	CHECK(!letter_mapped(other));
	letter_fill(memory, MIB, 2);
	for (unsigned i = 0; i < 2; i++) {
		got = letter_receive_memory(port).address;
		letter_expect(got, MIB, 1);
		letter_fill(got, MIB, 3);
	}
	letter_expect(memory, MIB, 2);
}
END_TEST

/* [vm_inherit]: memory that others have is shared with children, unless they shall not have it. */
START_TEST(children_of_fork)
{
	uint8_t *memory = allocate(MIB), *shared, *none;
	mach_port_t entry = entry_of(memory, MIB, RW);
	vm_address_t address = 0;
	int status;
	pid_t pid;

	shared = mapped(entry, MIB, 0);
	CHECK_OK(vm_map(SELF, &address, MIB, 0, VM_FLAGS_ANYWHERE, entry, 0, false, RW, RW,
			VM_INHERIT_NONE));
	none = (uint8_t *)address;
	letter_fill(none, MIB, 1);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		letter_expect(shared, MIB, 1);
		CHECK(!letter_mapped(none));
		letter_fill(shared, MIB, 2);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	letter_expect(memory, MIB, 2);
	letter_expect(none, MIB, 2);
}
END_TEST

/* A copy is what there was when the process forked, whatever its parent or others write then. */
START_TEST(children_that_get_a_copy)
{
	uint8_t *heap = malloc(MIB), *memory = allocate(MIB), *part = allocate(2 * MIB), *copy;
	mach_port_t entry = entry_of(memory, MIB, RW);
	uint8_t *page = (uint8_t *)round_page((vm_address_t)heap);
	vm_address_t address = 0;
	unsigned before;
	int status, go[2];
	char byte = 1;
	pid_t pid;

	CHECK_OK(vm_map(SELF, &address, MIB, 0, VM_FLAGS_ANYWHERE, entry, 0, false, RW, RW,
			VM_INHERIT_COPY));
	copy = (uint8_t *)address;
	letter_fill(memory, MIB, 1);
	letter_fill(heap, MIB, 2);
	letter_fill(part, MIB, 3);
	entry_of(page, 8 * PAGE, RW);
	entry_of(part, MIB, RW);
	letter_expect(heap, MIB, 2);
	before = letter_mappings();
	CHECK(pipe(go) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &byte, 1) == 1);
		letter_expect(copy, MIB, 1);
		letter_expect(heap, MIB, 2);
		letter_expect(part, MIB, 3);
		letter_fill(copy, MIB, 7);
		letter_fill(heap, MIB, 7);
		letter_fill(part, MIB, 7);
		/* It can be had together again. */
		letter_expect(mapped(entry_of(copy, MIB, RW), MIB, 0), MIB, 7);
		_exit(0);
	}
	letter_fill(copy, MIB, 4);
	letter_fill(heap, MIB, 5);
	letter_fill(part, MIB, 6);
	CHECK(write(go[1], &byte, 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	letter_expect(memory, MIB, 4);
	letter_expect(heap, MIB, 5);
	letter_expect(part, MIB, 6);
	CHECK_EQ(letter_mappings(), before);
}
END_TEST

START_TEST(zeroes_that_children_share_or_not)
{
	static const vm_inherit_t how[] = {VM_INHERIT_SHARE, VM_INHERIT_COPY, VM_INHERIT_NONE};
	uint8_t *memory[3];
	int status;
	pid_t pid;

	for (unsigned i = 0; i < 3; i++) {
		vm_address_t address = 0;

		CHECK_OK(vm_map(SELF, &address, 3 * PAGE - 1, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL,
				0, false, RW, VM_PROT_ALL, how[i]));
		memory[i] = (uint8_t *)address;
		CHECK(memory[i][0] == 0 && memory[i][3 * PAGE - 1] == 0);
		memory[i][0] = 1;
	}
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(memory[0][0] == 1 && memory[1][0] == 1 && !letter_mapped(memory[2]));
		memory[0][0] = memory[1][0] = 2;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(memory[0][0] == 2 && memory[1][0] == 1);
}
END_TEST

START_TEST(a_copy_is_of_now)
{
	uint8_t *memory = allocate(MIB), *copy, *shared;
	mach_port_t entry = entry_of(memory, MIB, RW), snapshot;
	vm_address_t address = 0;

	letter_fill(memory, MIB, 1);
	CHECK_OK(map(entry, MIB, 0, true, RW, RW, &copy)); /* which children share */
	CHECK_OK(vm_map(SELF, &address, MIB - PAGE, 0, VM_FLAGS_ANYWHERE, entry, PAGE, true, RW, RW,
			VM_INHERIT_COPY));
	/* An entry of a copy: nobody sees later writes to the memory. */
	snapshot = entry_of(memory, MIB, RW | MAP_MEM_VM_COPY);
	letter_fill(memory, MIB, 2);
	letter_expect(copy, MIB, 1);
	CHECK(memcmp((void *)address, copy + PAGE, MIB - PAGE) == 0);
	shared = mapped(snapshot, MIB, 0);
	letter_expect(shared, MIB, 1);
	letter_fill(shared, MIB, 3);
	letter_fill(copy, MIB, 4);
	letter_expect(memory, MIB, 2);
	letter_expect(mapped(snapshot, MIB, 0), MIB, 3);
}
END_TEST

/* Of a copy that nobody may write to there is one, until somebody does. */
START_TEST(a_copy_that_does_not_change)
{
	size_t size = _i ? 2 * PAGE : MIB;
	uint8_t *memory = allocate(size), *copy, *seen;
	vm_address_t address = 0;
	mach_port_t entry;

	letter_fill(memory, size, 1);
	entry = entry_of(memory, size, VM_PROT_READ | MAP_MEM_VM_COPY);
	letter_fill(memory, size, 2);
	CHECK_OK(map(entry, size, 0, false, VM_PROT_READ, VM_PROT_READ, &seen));
	letter_expect(seen, size, 1);
	CHECK_CODE(map(entry, size, 0, true, RW, RW, &copy), KERN_INVALID_RIGHT);
	CHECK_OK(vm_map(SELF, &address, size, 0, VM_FLAGS_ANYWHERE, entry, 0, true, VM_PROT_READ,
			VM_PROT_READ, VM_INHERIT_COPY));
	CHECK_OK(vm_protect(SELF, address, size, false, RW));
	letter_fill((uint8_t *)address, size, 3);
	letter_expect(seen, size, 1);
	letter_expect(memory, size, 2);
	/* It is as other memory that was received. */
	CHECK_OK(letter_send_memory(flow_port(), (void *)address, size, true,
				    MACH_MSG_VIRTUAL_COPY));
}
END_TEST

START_TEST(fresh_memory_by_name)
{
	memory_object_size_t size = 2 * MIB - 1;
	mach_port_t entry;
	uint8_t *one, *two;

	CHECK_OK(mach_make_memory_entry_64(SELF, &size, 0,
					   MAP_MEM_NAMED_CREATE | MAP_MEM_PURGABLE | RW, &entry,
					   MACH_PORT_NULL));
	CHECK(size == 2 * MIB);
	one = mapped(entry, 2 * MIB, 0);
	two = mapped(entry, MIB, MIB);
	CHECK(one[0] == 0 && one[2 * MIB - 1] == 0);
	letter_fill(two, MIB, 1);
	letter_expect(one + MIB, MIB, 1);
	/* The right may go: who has mapped it keeps it. */
	CHECK_OK(mach_port_deallocate(SELF, entry));
	letter_fill(one + MIB, MIB, 2);
	letter_expect(two, MIB, 2);
}
END_TEST

START_TEST(a_part_of_an_entry)
{
	uint8_t *memory = allocate(4 * PAGE), *part;
	mach_port_t whole = entry_of(memory, 4 * PAGE, RW), child, grandchild;
	vm_size_t size = 2 * PAGE;

	CHECK_OK(mach_make_memory_entry(SELF, &size, PAGE, RW, &child, whole));
	CHECK(size == 2 * PAGE);
	size = 1;
	CHECK_OK(mach_make_memory_entry(SELF, &size, PAGE + 5, VM_PROT_READ, &grandchild, child));
	CHECK(size == PAGE);
	part = mapped(child, 2 * PAGE, 0);
	letter_fill(part, 2 * PAGE, 1);
	letter_expect(memory + PAGE, 2 * PAGE, 1);
	CHECK_OK(map(grandchild, PAGE, 0, false, VM_PROT_READ, VM_PROT_READ, &part));
	CHECK(memcmp(part, memory + 2 * PAGE, PAGE) == 0);
	/* Not more than it has, nor may do. */
	CHECK_CODE(map(grandchild, 2 * PAGE, 0, false, VM_PROT_READ, VM_PROT_READ, &part),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(grandchild, PAGE, PAGE, false, VM_PROT_READ, VM_PROT_READ, &part),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(grandchild, PAGE, 0, false, VM_PROT_READ, RW, &part), KERN_INVALID_RIGHT);
	size = PAGE;
	CHECK_CODE(mach_make_memory_entry(SELF, &size, 0, RW, &child, grandchild),
		   KERN_PROTECTION_FAILURE);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, PAGE, VM_PROT_READ, &child, grandchild),
		   KERN_INVALID_ARGUMENT);
	size = 2 * PAGE;
	CHECK_CODE(mach_make_memory_entry(SELF, &size, 0, VM_PROT_READ, &child, grandchild),
		   KERN_INVALID_ARGUMENT);
}
END_TEST

/* What may be done with it is bounded by the entry, and later by the mapping. */
START_TEST(protections)
{
	uint8_t *memory = allocate(MIB), *got;
	mach_port_t reads = entry_of(memory, MIB, VM_PROT_READ), writes;
	vm_size_t size = MIB;

	CHECK_CODE(map(reads, MIB, 0, false, RW, RW, &got), KERN_INVALID_RIGHT);
	CHECK_CODE(map(reads, MIB, 0, false, VM_PROT_READ, RW, &got), KERN_INVALID_RIGHT);
	CHECK_OK(map(reads, MIB, 0, false, VM_PROT_READ, VM_PROT_READ, &got));
	CHECK_EQ(info_of(got).protection, VM_PROT_READ);
	CHECK(info_of(got).shared);
	CHECK_CODE(vm_protect(SELF, (vm_address_t)got, MIB, false, RW), KERN_PROTECTION_FAILURE);
	memory[5] = 5;
	CHECK(got[5] == 5);
	/* Who cannot write himself cannot let others do it. */
	CHECK_CODE(
		mach_make_memory_entry(SELF, &size, (vm_offset_t)got, RW, &writes, MACH_PORT_NULL),
		KERN_PROTECTION_FAILURE);
	entry_of(got, MIB, VM_PROT_READ);
	/* The owner can. */
	writes = entry_of(memory, MIB, RW);
	CHECK_OK(map(writes, MIB, 0, false, VM_PROT_NONE, VM_PROT_READ, &got));
	CHECK_EQ(info_of(got).protection, VM_PROT_NONE);
	CHECK_OK(vm_protect(SELF, (vm_address_t)got, MIB, false, VM_PROT_READ));
	CHECK_CODE(vm_protect(SELF, (vm_address_t)got, MIB, false, RW), KERN_PROTECTION_FAILURE);
	CHECK(got[5] == 5);
	CHECK_OK(map(writes, MIB, 0, false, VM_PROT_READ, RW, &got));
	CHECK_OK(vm_protect(SELF, (vm_address_t)got, MIB, false, RW));
	got[5] = 6;
	CHECK(memory[5] == 6);
}
END_TEST

START_TEST(where_it_is_mapped)
{
	uint8_t *room = allocate(4 * PAGE);
	mach_port_t entry = entry_of(allocate(MIB), MIB, RW);
	vm_address_t at = (vm_address_t)room + PAGE, aligned = 0;
	mach_vm_address_t wide = 0;

	memset(room, 1, 4 * PAGE);
	CHECK_CODE(vm_map(SELF, &at, PAGE, 0, VM_FLAGS_FIXED, entry, 0, false, RW, RW,
			  VM_INHERIT_SHARE),
		   KERN_NO_SPACE);
	/* An address with a bit that the mask has. */
	CHECK_CODE(vm_map(SELF, &at, PAGE, at, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, entry, 0, false,
			  RW, RW, VM_INHERIT_SHARE),
		   KERN_NO_SPACE);
	CHECK(room[PAGE] == 1);
	CHECK_OK(vm_map(SELF, &at, PAGE, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, entry, 0, false,
			RW, RW, VM_INHERIT_SHARE));
	CHECK(at == (vm_address_t)room + PAGE && room[PAGE] == 0);
	CHECK(room[0] == 1 && room[2 * PAGE] == 1);
	for (unsigned i = 0; i < 8; i++) {
		unsigned before = letter_mappings();

		CHECK_OK(vm_map(SELF, &aligned, MIB, 4 * MIB - 1, VM_FLAGS_ANYWHERE,
				i % 2 ? entry : MACH_PORT_NULL, 0, i % 4 == 3, RW, RW,
				VM_INHERIT_SHARE));
		CHECK(aligned % (4 * MIB) == 0);
		CHECK(letter_mappings() <= before + 1);
	}
	CHECK_OK(mach_vm_map(SELF, &wide, MIB, 0, VM_FLAGS_ANYWHERE, entry, 0, false, RW, RW,
			     VM_INHERIT_NONE));
	*(uint8_t *)(uintptr_t)wide = 7;
	CHECK(room[PAGE] == 7);
	CHECK_OK(mach_vm_deallocate(SELF, wide, MIB));
	CHECK_CODE(mach_vm_map(SELF, &wide, UINT64_MAX, 0, VM_FLAGS_ANYWHERE, entry, 0, false, RW,
			       RW, VM_INHERIT_NONE),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_map(SELF, &aligned, PAGE, UINTPTR_MAX, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0,
			  false, RW, RW, VM_INHERIT_NONE),
		   KERN_NO_SPACE);
}
END_TEST

/* Only what is in one piece, unless all of it is asked for. */
START_TEST(memory_in_pieces)
{
	uint8_t *memory = allocate(4 * PAGE);
	vm_size_t size = 4 * PAGE;
	mach_port_t entry;

	CHECK(mprotect(memory + 2 * PAGE, PAGE, PROT_READ) == 0);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, (vm_offset_t)memory, RW | MAP_MEM_VM_SHARE,
					  &entry, MACH_PORT_NULL),
		   KERN_NOT_SUPPORTED);
	CHECK_OK(mach_make_memory_entry(SELF, &size, (vm_offset_t)memory, RW, &entry,
					MACH_PORT_NULL));
	CHECK(size == 2 * PAGE);
	mapped(entry, 2 * PAGE, 0)[PAGE] = 9;
	CHECK(memory[PAGE] == 9);
	/* A copy is of all of it. */
	size = 4 * PAGE;
	CHECK_OK(mach_make_memory_entry(SELF, &size, (vm_offset_t)memory, RW | MAP_MEM_VM_COPY,
					&entry, MACH_PORT_NULL));
	CHECK(size == 4 * PAGE && mapped(entry, 4 * PAGE, 0)[PAGE] == 9);
}
END_TEST

/* Parts of shared memory are given back one by one; what is left is what it was. */
START_TEST(a_part_is_unmapped)
{
	uint8_t *memory = allocate(MIB), *other;

	other = mapped(entry_of(memory, MIB, RW), MIB, 0);
	letter_fill(memory, MIB, 1);
	deallocate(memory + PAGE, PAGE);
	letter_expect(other, MIB, 1);
	other[3 * PAGE] = 77;
	CHECK(memory[3 * PAGE] == 77);
	CHECK(mapped(entry_of(memory + 2 * PAGE, MIB - 2 * PAGE, RW), PAGE, PAGE)[0] == 77);
}
END_TEST

START_TEST(what_cannot_be)
{
	uint8_t *memory = allocate(4 * PAGE), *got;
	mach_port_t entry = entry_of(memory, 4 * PAGE, RW), port = flow_port(), made;
	vm_address_t address = 0;
	vm_size_t size = PAGE;
	vm_offset_t at = (vm_offset_t)memory;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(file != MAP_FAILED);
	/* Tasks, sizes, flags. */
	CHECK_CODE(mach_make_memory_entry(port, &size, at, RW, &made, MACH_PORT_NULL),
		   MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, at, RW | 0x10000, &made, MACH_PORT_NULL),
		   KERN_INVALID_VALUE);
	size = 0;
	CHECK_CODE(mach_make_memory_entry(SELF, &size, at, RW, &made, MACH_PORT_NULL),
		   KERN_INVALID_ARGUMENT);
	size = SIZE_MAX;
	CHECK_CODE(mach_make_memory_entry(SELF, &size, at, RW, &made, MACH_PORT_NULL),
		   KERN_INVALID_ARGUMENT);
	size = PAGE;
	/* Memory that is not there, that may not be used so, that is a file's. */
	deallocate(memory + PAGE, PAGE);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, at + PAGE, RW, &made, MACH_PORT_NULL),
		   KERN_INVALID_ADDRESS);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, at + PAGE, RW | MAP_MEM_VM_COPY, &made,
					  MACH_PORT_NULL),
		   KERN_INVALID_ADDRESS);
	CHECK_CODE(
		mach_make_memory_entry(SELF, &size, (vm_offset_t)file, RW, &made, MACH_PORT_NULL),
		KERN_PROTECTION_FAILURE);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, (vm_offset_t)file, VM_PROT_READ, &made,
					  MACH_PORT_NULL),
		   KERN_NOT_SUPPORTED);
	/* Parents, and what is mapped. */
	CHECK_CODE(mach_make_memory_entry(SELF, &size, 0, RW, &made, port), KERN_INVALID_OBJECT);
	CHECK_CODE(mach_make_memory_entry(SELF, &size, 0, RW, &made, flow_missing_name()),
		   MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(map(port, PAGE, 0, false, RW, RW, &got), KERN_INVALID_OBJECT);
	CHECK_CODE(map(flow_receive_right(), PAGE, 0, false, RW, RW, &got),
		   MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(map(entry, 5 * PAGE, 0, false, RW, RW, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(entry, 4 * PAGE, PAGE, true, RW, RW, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(entry, PAGE, 1, false, RW, RW, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(entry, 0, 0, false, RW, RW, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(entry, SIZE_MAX, 0, false, RW, RW, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(entry, PAGE, 0, false, RW, VM_PROT_READ, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(map(entry, PAGE, 0, false, RW, RW | 8, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_map(SELF, &address, PAGE, 0, VM_FLAGS_ANYWHERE, entry, 0, false, RW, RW, 3),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(
		vm_map(SELF, &address, PAGE, 0, VM_FLAGS_ANYWHERE | 8, entry, 0, false, RW, RW, 0),
		KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_map(port, &address, PAGE, 0, VM_FLAGS_ANYWHERE, entry, 0, false, RW, RW, 0),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

/* Nothing is left behind, here or in the daemon, whatever became of it. */
START_TEST(nothing_is_left)
{
	unsigned before = letter_open_fds(getpid()), daemon = letter_daemon_fds();
	uint8_t *memory = allocate(MIB), *got, *part;
	mach_port_t entry = entry_of(memory, MIB, RW), copy, small;

	letter_fill(memory, MIB, 1);
	got = mapped(entry, MIB, 0);
	CHECK_CODE(map(entry, 2 * MIB, 0, false, RW, RW, &part), KERN_INVALID_ARGUMENT);
	copy = entry_of(memory, MIB, VM_PROT_READ | MAP_MEM_VM_COPY);
	part = allocate(PAGE);
	small = entry_of(part, PAGE, RW);
	deallocate(got, MIB);
	deallocate(memory, MIB);
	deallocate(part, PAGE);
	CHECK_EQ(letter_open_fds(getpid()), before);
	CHECK_EQ(letter_daemon_fds(), daemon + 3);
	CHECK_OK(mach_port_deallocate(SELF, entry));
	CHECK_OK(mach_port_deallocate(SELF, copy));
	CHECK_OK(mach_port_deallocate(SELF, small));
	CHECK_EQ(letter_daemon_fds(), daemon);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory entry");
	TCase *tcase = flow_case(suite, "memory entry");

	tcase_add_test(tcase, two_tasks_have_it_together);
	tcase_add_test(tcase, of_any_memory);
	tcase_add_test(tcase, it_is_sent_as_a_copy);
	tcase_add_test(tcase, children_of_fork);
	tcase_add_test(tcase, children_that_get_a_copy);
	tcase_add_test(tcase, zeroes_that_children_share_or_not);
	tcase_add_test(tcase, a_copy_is_of_now);
	tcase_add_loop_test(tcase, a_copy_that_does_not_change, 0, 2);
	tcase_add_test(tcase, fresh_memory_by_name);
	tcase_add_test(tcase, a_part_of_an_entry);
	tcase_add_test(tcase, protections);
	tcase_add_test(tcase, where_it_is_mapped);
	tcase_add_test(tcase, memory_in_pieces);
	tcase_add_test(tcase, a_part_is_unmapped);
	tcase_add_test(tcase, what_cannot_be);
	tcase_add_test(tcase, nothing_is_left);
	return flow_run(suite);
}
