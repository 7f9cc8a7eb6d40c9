/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests in a lab say often: get a right of some kind, look at it, expect a notification. A
 * call that fails ends the test and names the line it was made from.
 */
#pragma once

#include "tests/lab/lab.h"

/* What a name can be. */
enum lab_type {
	NO_NAME = 0,
	SEND = MACH_PORT_TYPE_SEND,
	RECEIVE = MACH_PORT_TYPE_RECEIVE,
	SEND_RECEIVE = MACH_PORT_TYPE_SEND_RECEIVE,
	SEND_ONCE = MACH_PORT_TYPE_SEND_ONCE,
	PORT_SET = MACH_PORT_TYPE_PORT_SET,
	DEAD_NAME = MACH_PORT_TYPE_DEAD_NAME,
};

/* Short for the dispositions. */
enum {
	MOVE_RECEIVE = MACH_MSG_TYPE_MOVE_RECEIVE,
	MOVE_SEND = MACH_MSG_TYPE_MOVE_SEND,
	MOVE_ONCE = MACH_MSG_TYPE_MOVE_SEND_ONCE,
	COPY_SEND = MACH_MSG_TYPE_COPY_SEND,
	MAKE_SEND = MACH_MSG_TYPE_MAKE_SEND,
	MAKE_ONCE = MACH_MSG_TYPE_MAKE_SEND_ONCE,
};

#define NOBODY MACH_PORT_NULL

/* The call returns that code, or the test ends. */
#define lab_is(code, call)                                                                      \
	do {                                                                                    \
		kern_return_t lab_is_got_ = (call);                                             \
		LAB_CHECK(lab_is_got_ == (kern_return_t)(code), "%s gives 0x%x, expected 0x%x", \
			  #call, (unsigned)lab_is_got_, (unsigned)(code));                      \
	} while (0)
#define lab_ok(call) lab_is(KERN_SUCCESS, call)

/* The name has that type, and as many user references (0 where there is nothing to count). */
#define lab_name_is(thread, name, type, urefs) lab_name_is_at(__LINE__, thread, name, type, urefs)
void lab_name_is_at(int line, struct lab_thread *thread, mach_port_name_t name, uint32_t type,
		    uint32_t urefs);

/* A notification of that kind waits on the port; it is received. Returns the word it carries. */
#define lab_notice(thread, port, id) lab_notice_at(__LINE__, thread, port, id)
uint32_t lab_notice_at(int line, struct lab_thread *thread, mach_port_name_t port, int32_t id);

/* The same, and it carries that word. */
#define lab_notice_of(thread, port, id, word)                          \
	LAB_CHECK(lab_notice_at(__LINE__, thread, port, id) == (word), \
		  "it tells of another than %s", #word)

/* Nothing waits on the port. */
#define lab_silent(thread, port) lab_silent_at(__LINE__, thread, port)
void lab_silent_at(int line, struct lab_thread *thread, mach_port_name_t port);

/* A message with this id waits on the port; it is received, and its rights stay in the space. */
#define lab_message(thread, port, id) lab_message_at(__LINE__, thread, port, id)
struct lab_buffer lab_message_at(int line, struct lab_thread *thread, mach_port_name_t port,
				 int32_t id);

/* A new receive right, a receive right with a send right beside it, an empty set, a dead name. */
mach_port_name_t lab_new_port(struct lab_thread *thread);
mach_port_name_t lab_new_service(struct lab_thread *thread);
mach_port_name_t lab_new_set(struct lab_thread *thread);
mach_port_name_t lab_new_dead_name(struct lab_thread *thread);

/* A send-once right to one's own port. */
mach_port_name_t lab_new_once(struct lab_thread *thread, mach_port_name_t port);

/*
 * A right goes by message from one task to another, as `disposition` says; returns its name there.
 * Both are left as they were but for that right.
 */
mach_port_name_t lab_pass(struct lab_thread *from, mach_port_name_t name, uint32_t disposition,
			  struct lab_thread *to);

/*
 * `from` gives a right to its own task: in no message, but by way of the registry, as it has to.
 * Returns its name at `to`.
 */
mach_port_name_t lab_pass_task(struct lab_thread *from, struct lab_thread *to);

/* mach_port_status_t of a receive right. */
mach_port_status_t lab_status(struct lab_thread *thread, mach_port_name_t port);
void lab_set_qlimit(struct lab_thread *thread, mach_port_name_t port, uint32_t qlimit);
uint32_t lab_srights(struct lab_thread *thread, mach_port_name_t port);

/* Send `count` empty messages with ids from `id` on, which the queue must take. */
void lab_fill(struct lab_thread *thread, mach_port_name_t dest, unsigned count, int32_t id);

/* An empty message that copies a send right to reach `dest`. */
struct lab_buffer lab_to(mach_port_name_t dest, int32_t id);

/* Run a suite with one test case, that `add_tests` fills; what main() returns. */
int lab_run(const char *name, void (*add_tests)(TCase *tcase));
