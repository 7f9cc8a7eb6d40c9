/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors of all kinds. */
#include "tests/flow/flow_letter.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void letter_start_as(struct flow_letter *letter, mach_port_t dest, mach_msg_type_name_t dest_type,
		     mach_port_t reply, mach_msg_type_name_t reply_type)
{
	memset(letter, 0, sizeof *letter);
	letter->header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS_SET(dest_type, reply_type, 0, MACH_MSGH_BITS_COMPLEX),
		.msgh_size = sizeof letter->base,
		.msgh_remote_port = dest,
		.msgh_local_port = reply,
		.msgh_id = 1,
	};
}

void letter_start(struct flow_letter *letter, mach_port_t dest)
{
	letter_start_as(letter, dest, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0);
}

void letter_add(struct flow_letter *letter, const void *descriptor, size_t size)
{
	CHECK(letter->header.msgh_size + size <= sizeof letter->bytes - MAX_TRAILER_SIZE);
	memcpy(letter->bytes + letter->header.msgh_size, descriptor, size);
	letter->header.msgh_size += (mach_msg_size_t)size;
	letter->base.body.msgh_descriptor_count++;
}

void letter_add_port(struct flow_letter *letter, mach_port_t name, mach_msg_type_name_t type)
{
	mach_msg_port_descriptor_t port = {
		.name = name, .disposition = type, .type = MACH_MSG_PORT_DESCRIPTOR};

	letter_add(letter, &port, sizeof port);
}

void letter_add_memory(struct flow_letter *letter, const void *address, size_t size,
		       bool deallocate, unsigned copy)
{
	mach_msg_ool_descriptor_t memory = {.address = (void *)(uintptr_t)address,
					    .deallocate = deallocate,
					    .copy = copy,
					    .type = MACH_MSG_OOL_DESCRIPTOR,
					    .size = (mach_msg_size_t)size};

	letter_add(letter, &memory, sizeof memory);
}

void letter_add_ports(struct flow_letter *letter, const mach_port_t *names, size_t count,
		      mach_msg_type_name_t type, bool deallocate)
{
	mach_msg_ool_ports_descriptor_t ports = {.address = (void *)(uintptr_t)names,
						 .deallocate = deallocate,
						 .copy = MACH_MSG_PHYSICAL_COPY,
						 .disposition = type,
						 .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
						 .count = (mach_msg_size_t)count};

	letter_add(letter, &ports, sizeof ports);
}

void letter_add_guarded(struct flow_letter *letter, mach_port_t name, uint64_t context,
			unsigned flags)
{
	mach_msg_guarded_port_descriptor_t guarded = {.context = (mach_port_context_t)context,
						      .flags = flags,
						      .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
						      .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
						      .name = name};

	letter_add(letter, &guarded, sizeof guarded);
}

mach_msg_return_t letter_send(struct flow_letter *letter)
{
	return mach_msg(&letter->header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			letter->header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

mach_msg_return_t letter_receive_with(mach_port_t port, struct flow_letter *letter,
				      mach_msg_option_t option)
{
	memset(letter, 0xee, sizeof *letter);
	return mach_msg(&letter->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0,
			sizeof *letter, port, 0, MACH_PORT_NULL);
}

mach_msg_return_t letter_receive(mach_port_t port, struct flow_letter *letter)
{
	return letter_receive_with(port, letter, 0);
}

mach_msg_return_t letter_send_memory(mach_port_t port, const void *address, size_t size,
				     bool deallocate, unsigned copy)
{
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_memory(&letter, address, size, deallocate, copy);
	return letter_send(&letter);
}

mach_msg_ool_descriptor_t letter_receive_memory(mach_port_t port)
{
	struct flow_letter letter;

	CHECK_OK(letter_receive(port, &letter));
	CHECK_EQ(letter.base.body.msgh_descriptor_count, 1);
	return letter_memory(&letter, 0);
}

static size_t size_of(mach_msg_descriptor_type_t type)
{
	return type == MACH_MSG_PORT_DESCRIPTOR ? sizeof(mach_msg_port_descriptor_t)
						: sizeof(mach_msg_ool_descriptor_t);
}

static mach_msg_descriptor_type_t type_at(const uint8_t *descriptor)
{
	return descriptor[11];
}

/* Copy a descriptor of that type, or of memory whichever kind. */
static void get(const struct flow_letter *letter, unsigned index, mach_msg_descriptor_type_t type,
		void *descriptor, size_t size)
{
	const uint8_t *at = (const uint8_t *)(&letter->base + 1);

	CHECK(MACH_MSGH_BITS_IS_COMPLEX(letter->header.msgh_bits));
	CHECK(index < letter->base.body.msgh_descriptor_count);
	while (index-- > 0)
		at += size_of(type_at(at));
	if (type != MACH_MSG_OOL_DESCRIPTOR || type_at(at) != MACH_MSG_OOL_VOLATILE_DESCRIPTOR)
		CHECK_EQ(type_at(at), type);
	memcpy(descriptor, at, size);
}

mach_msg_port_descriptor_t letter_port(const struct flow_letter *letter, unsigned index)
{
	mach_msg_port_descriptor_t port;

	get(letter, index, MACH_MSG_PORT_DESCRIPTOR, &port, sizeof port);
	CHECK_EQ(port.pad1, 0);
	CHECK_EQ(port.pad2, 0);
	return port;
}

mach_msg_ool_descriptor_t letter_memory(const struct flow_letter *letter, unsigned index)
{
	mach_msg_ool_descriptor_t memory;

	get(letter, index, MACH_MSG_OOL_DESCRIPTOR, &memory, sizeof memory);
	CHECK_EQ(memory.pad1, 0);
	return memory;
}

mach_msg_ool_ports_descriptor_t letter_ports(const struct flow_letter *letter, unsigned index)
{
	mach_msg_ool_ports_descriptor_t ports;

	get(letter, index, MACH_MSG_OOL_PORTS_DESCRIPTOR, &ports, sizeof ports);
	return ports;
}

mach_msg_guarded_port_descriptor_t letter_guarded(const struct flow_letter *letter, unsigned index)
{
	mach_msg_guarded_port_descriptor_t guarded;

	get(letter, index, MACH_MSG_GUARDED_PORT_DESCRIPTOR, &guarded, sizeof guarded);
	return guarded;
}

uint8_t *letter_pages(size_t count)
{
	vm_address_t address = 0;

	CHECK_OK(vm_allocate(mach_task_self(), &address, count * vm_page_size, VM_FLAGS_ANYWHERE));
	return (uint8_t *)address;
}

bool letter_mapped(const void *address)
{
	unsigned char resident;

	return mincore((void *)trunc_page((uintptr_t)address), vm_page_size, &resident) == 0;
}

static uint8_t byte_at(size_t place, unsigned seed)
{
	return (uint8_t)((place * 2654435761u + seed * 40503u) >> 8 ^ place);
}

void letter_fill(void *memory, size_t size, unsigned seed)
{
	uint8_t *bytes = memory;

	for (size_t i = 0; i < size; i++)
		bytes[i] = byte_at(i, seed);
}

void letter_expect(const void *memory, size_t size, unsigned seed)
{
	const uint8_t *bytes = memory;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != byte_at(i, seed))
			flow_fail(__FILE__, __LINE__, "byte %zu of %zu is wrong", i, size);
}

void letter_expect_memory(const mach_msg_ool_descriptor_t *memory, size_t size, unsigned seed)
{
	CHECK_EQ(memory->size, size);
	letter_expect(memory->address, size, seed);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)memory->address, memory->size));
}

unsigned letter_open_fds(pid_t pid)
{
	unsigned count = 0;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	CHECK(directory != NULL);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* Of a thread, as /proc calls it. */
static char state_of(pid_t pid, const char *thread)
{
	char path[64 + NAME_MAX], line[128] = "";
	const char *name_end;
	FILE *stat;

	snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, thread);
	stat = fopen(path, "re");
	CHECK(stat != NULL && fgets(line, sizeof line, stat));
	fclose(stat);
	name_end = strrchr(line, ')');
	CHECK(name_end != NULL);
	return name_end[2];
}

/* Until all threads but the first, which close what takes long, have nothing more to do. */
static void await_closers(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	directory = opendir(path);
	CHECK(directory != NULL);
	while ((entry = readdir(directory)))
		while (*entry->d_name != '.' && atoi(entry->d_name) != pid &&
		       state_of(pid, entry->d_name) != 'S')
			sched_yield();
	closedir(directory);
}

unsigned letter_daemon_fds(void)
{
	unsigned count;
	int meeting;

	CHECK(flow_type(mach_task_self()) != 0);
	meeting = flow_meet();
	await_closers(flow_daemon());
	count = letter_open_fds(flow_daemon());
	close(meeting);
	return count;
}

unsigned letter_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned lines = 0;
	int c;

	CHECK(maps != NULL);
	while ((c = fgetc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}
