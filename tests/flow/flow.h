/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow tests: a real daemon on a private socket, the test process as one client of it and forked
 * processes as others. Processes wait for each other through pipes, and for a thread that is to be
 * blocked by asking the daemon; nothing sleeps. Each test runs in several modes, which
 * tests/CMakeLists.txt sets by the environment: with rings from the first call on, over sockets
 * only, with boards from the first send on, with every send answered.
 *
 *   test_X.c    START_TEST(what_it_shows) ... int main(void) { return flow_run(suite); }
 *   flow.c      the daemon and the checks; flow_child.c other processes; flow_watch.c who waits
 *   flow_msg.c  ports and messages in few words
 */
#pragma once

#include <check.h>
#include <mach/mach.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/watch.h"

/* --- the daemon --- */

struct flow_options {
	const char *config; /* content of machd.conf; NULL: empty */
	bool record;	    /* record the run; flow_stop() replays it and compares */
};

/*
 * Start machd ($MACHD_BINARY), wait until it listens, set MACHD_SOCKET to its socket and connect
 * the test process.
 */
void flow_start(void);
void flow_start_with(const struct flow_options *options);

/*
 * Stop it with SIGTERM: it must exit with 0, remove its socket, and no child process may be left.
 * After flow_crash() only what is left behind is cleaned up.
 */
void flow_stop(void);

/* Kill it, and wait until it is gone. */
void flow_crash(void);

/* Start it again on the same socket. */
void flow_restart(void);

pid_t flow_daemon(void);
const char *flow_socket(void);

/* How often `text` is in the daemon's log. */
unsigned flow_logged(const char *text);

/* A test case in which each test has a daemon of its own. */
TCase *flow_case(Suite *suite, const char *name);

/* Run a suite; what main() returns. */
int flow_run(Suite *suite);

/* --- checks, in the test process and in its children --- */

void flow_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void flow_check_code(const char *file, int line, const char *call, kern_return_t code,
		     kern_return_t expected);
void flow_check_equal(const char *file, int line, const char *left, const char *right, uint64_t a,
		      uint64_t b);

#define CHECK(condition) \
	((condition) ? (void)0 : flow_fail(__FILE__, __LINE__, "not true: %s", #condition))
#define CHECK_CODE(call, code) flow_check_code(__FILE__, __LINE__, #call, (call), (code))
#define CHECK_OK(call)	       CHECK_CODE(call, KERN_SUCCESS)
#define CHECK_EQ(a, b)                                                        \
	flow_check_equal(__FILE__, __LINE__, #a, #b, (uint64_t)(uint32_t)(a), \
			 (uint64_t)(uint32_t)(b))

/* --- other processes --- */

struct flow_child {
	pid_t pid;
	int to, from; /* pipes */
};

/* Fork a process that runs `body` and exits with 0. */
void flow_fork(struct flow_child *child, void (*body)(void *), void *argument);

/* A word from the parent to the child, and one from the child to the parent. */
void flow_tell(struct flow_child *child, uint32_t word);
uint32_t flow_hear(struct flow_child *child);
void flow_tell_parent(uint32_t word);
uint32_t flow_hear_parent(void);

/* Wait for its end, which must be a good one. */
void flow_join(struct flow_child *child);

/* Kill it with SIGKILL, and wait until the daemon has noticed. */
void flow_kill(struct flow_child *child);

/* --- what the daemon says --- */

/* Wait until `count` threads of a process are blocked in a send or a receive. */
void flow_await_waiting(pid_t pid, unsigned count);

/*
 * Send a thread that waits SIGUSR1, for which it has a handler. One that comes before it waits is
 * not noticed: again, until the wait is over. In between the thread has time to get anywhere.
 */
void flow_interrupt(pthread_t thread);

/* Wait until the daemon knows no task of this process. */
void flow_await_gone(pid_t pid);

/* Wait until a process has that many connections. */
void flow_await_channels(pid_t pid, unsigned count);

/*
 * A connection that the daemon has answered on, to be closed. It notices the end of others in turn:
 * all that were closed before this was made are gone, which no answer through a ring could tell.
 */
int flow_meet(void);

/* Tasks the daemon has now, of all processes. */
unsigned flow_task_count(void);

/* What the daemon holds for this user, and did. */
struct machd_watch_totals flow_totals(void);

/* --- ports and messages --- */

/* Where Mach counts pointers, programs of 64 and of 32 bits differ. */
#define WORD(long_size, short_size) (sizeof(void *) == 8 ? (long_size) : (short_size))

#define SEND_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

/* A message of any size up to that of the buffer, with its trailer. */
struct flow_message {
	union {
		mach_msg_header_t header;
		struct {
			mach_msg_base_t base;
			mach_msg_port_descriptor_t port[8];
		};
		struct {
			mach_msg_header_t notification;
			NDR_record_t NDR;
			uint32_t word; /* name or count */
		};
		uint8_t bytes[2048];
	};
};

/* A fresh receive right; with a send right under the same name. */
mach_port_t flow_receive_right(void);
mach_port_t flow_port(void);

/* A send-once right to a port. */
mach_port_t flow_send_once(mach_port_t port);

/* More send rights under the port's name. */
void flow_make_send(mach_port_t port, unsigned count);

/* A dead name with that many user references. */
mach_port_t flow_dead_name(unsigned urefs);

/* A name that nothing has. */
mach_port_t flow_missing_name(void);

mach_port_type_t flow_type(mach_port_t name); /* 0: no such name */
mach_port_urefs_t flow_refs(mach_port_t name, mach_port_right_t right);
mach_port_status_t flow_status(mach_port_t port);
void flow_set_qlimit(mach_port_t port, mach_port_msgcount_t limit);

/* Ask for a notification; the send-once right is made of `notify`. Returns the previous one. */
mach_port_t flow_request(mach_port_t name, mach_msg_id_t id, mach_port_mscount_t sync,
			 mach_port_t notify);

/* A header and nothing else. `dest` and `reply` with their dispositions. */
void flow_header(struct flow_message *message, mach_port_t dest, mach_msg_type_name_t dest_type,
		 mach_port_t reply, mach_msg_type_name_t reply_type, mach_msg_id_t id);

/* A header with the COMPLEX bit and no descriptor; then one port descriptor after the other. */
void flow_complex(struct flow_message *message, mach_port_t dest, mach_msg_type_name_t dest_type,
		  mach_msg_id_t id);
void flow_add_port(struct flow_message *message, mach_port_t name, mach_msg_type_name_t type);

/* Send it without blocking. */
mach_msg_return_t flow_send(struct flow_message *message);

/* Send a bare header without blocking. */
mach_msg_return_t flow_send_to(mach_port_t dest, mach_msg_type_name_t dest_type, mach_port_t reply,
			       mach_msg_type_name_t reply_type, mach_msg_id_t id);

/* Send `count` of them, with COPY_SEND; all must go out. */
void flow_fill(mach_port_t port, unsigned count);

/* Receive without blocking, with the largest trailer. */
mach_msg_return_t flow_receive(mach_port_t port, struct flow_message *message);

/* Receive, as long as it takes. */
void flow_await(mach_port_t port, struct flow_message *message);

/* The trailer of a message received. */
const mach_msg_max_trailer_t *flow_trailer(const struct flow_message *message);

/* Receive one notification with that id (or -1: there is nothing) and return the word in it. */
uint32_t flow_notified(mach_port_t port, mach_msg_id_t id);
