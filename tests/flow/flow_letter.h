/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages with descriptors of all kinds, for the flow tests: put together one descriptor after the
 * other, and taken apart in the same way. And memory to send in them.
 */
#pragma once

#include "tests/flow/flow.h"

/* A message of up to 300 descriptors, and its trailer. */
struct flow_letter {
	union {
		mach_msg_header_t header;
		mach_msg_base_t base;
		uint8_t bytes[8192];
	};
};

/* Begin one that copies a send right to `dest`; `letter_start_as` says how, and where to reply. */
void letter_start(struct flow_letter *letter, mach_port_t dest);
void letter_start_as(struct flow_letter *letter, mach_port_t dest, mach_msg_type_name_t dest_type,
		     mach_port_t reply, mach_msg_type_name_t reply_type);

/* Add a descriptor. */
void letter_add(struct flow_letter *letter, const void *descriptor, size_t size);
void letter_add_port(struct flow_letter *letter, mach_port_t name, mach_msg_type_name_t type);
void letter_add_memory(struct flow_letter *letter, const void *address, size_t size,
		       bool deallocate, unsigned copy);
void letter_add_ports(struct flow_letter *letter, const mach_port_t *names, size_t count,
		      mach_msg_type_name_t type, bool deallocate);
void letter_add_guarded(struct flow_letter *letter, mach_port_t name, uint64_t context,
			unsigned flags);

/* Send without blocking; receive without blocking, with more options. */
mach_msg_return_t letter_send(struct flow_letter *letter);
mach_msg_return_t letter_receive(mach_port_t port, struct flow_letter *letter);
mach_msg_return_t letter_receive_with(mach_port_t port, struct flow_letter *letter,
				      mach_msg_option_t option);

/* Messages with one piece of memory and nothing else; the receiver's must be there. */
mach_msg_return_t letter_send_memory(mach_port_t port, const void *address, size_t size,
				     bool deallocate, unsigned copy);
mach_msg_ool_descriptor_t letter_receive_memory(mach_port_t port);

/* The descriptor with that number, which must be of that type; pads must be 0. */
mach_msg_port_descriptor_t letter_port(const struct flow_letter *letter, unsigned index);
mach_msg_ool_descriptor_t letter_memory(const struct flow_letter *letter, unsigned index);
mach_msg_ool_ports_descriptor_t letter_ports(const struct flow_letter *letter, unsigned index);
mach_msg_guarded_port_descriptor_t letter_guarded(const struct flow_letter *letter, unsigned index);

/* Fresh pages; they are freed with vm_deallocate(). */
uint8_t *letter_pages(size_t count);

/* Are these pages mapped? */
bool letter_mapped(const void *address);

/* Bytes that depend on `seed` and on their place. */
void letter_fill(void *memory, size_t size, unsigned seed);
void letter_expect(const void *memory, size_t size, unsigned seed);

/* The same for the memory of a descriptor; it is freed. */
void letter_expect_memory(const mach_msg_ool_descriptor_t *memory, size_t size, unsigned seed);

/* Descriptors that a process has open, and mappings that it has. */
unsigned letter_open_fds(pid_t pid);
unsigned letter_mappings(void);

/* The same of the daemon, after all that has been sent to it so far is done. */
unsigned letter_daemon_fds(void);
