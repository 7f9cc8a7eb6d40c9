/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab for tests of importance: a donor, a server whose port accepts importance, and another task.
 */
#pragma once

#include "protocol/importance.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"

struct importance_world {
	struct lab *lab;
	struct lab_thread *donor, *server, *other;
	mach_port_name_t port,
		dest;		/* the server's port that accepts importance; the donor's name */
	mach_port_name_t reply; /* the donor's */
};

/* Begin with that, under these limits; NULL: the defaults. */
struct importance_world importance_begin(const struct lab_options *options);

/* What a task says of itself: enum machd_policy_action. */
kern_return_t importance_policy(struct lab_thread *thread, uint32_t action, mach_port_name_t reply);

/* Let a port accept importance. */
void importance_accept(struct lab_thread *thread, mach_port_name_t port);

/* Boosts of a port, as mach_port_get_attributes says, and of a task, as the daemon shows it. */
uint32_t importance_of_port(struct lab_thread *thread, mach_port_name_t port);
uint32_t importance_of_task(struct lab_thread *thread);

/* The server's boosts are so many, at the port and in all, and whoever asks knows. */
void importance_is(struct importance_world *world, uint32_t port, uint32_t all);

/* Send a bare header. */
mach_msg_return_t importance_send(struct lab_thread *thread, mach_port_name_t dest,
				  uint32_t disposition, mach_port_name_t reply,
				  uint32_t reply_disposition, uint32_t option);

/* The donor asks; its reply port is the world's. */
void importance_ask(struct importance_world *world);

/* Receive a message, which must carry a boost or not. */
struct lab_buffer importance_get(struct lab_thread *thread, mach_port_name_t port, bool raised);

/* The donor asks and the server receives it: the name of the right to reply. */
mach_port_name_t importance_asked(struct importance_world *world);
