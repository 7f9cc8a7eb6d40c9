/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory between processes: each has its own, a receiver may be short of descriptors or
 * of memory, and nothing is left in the daemon when receivers are killed.
 */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define VIRTUAL MACH_MSG_VIRTUAL_COPY

#define MIB 1048576u

#define SERVICE "org.example.memory"

/* A service of the test process, and its send right as another process gets it. */
static mach_port_t check_in(void)
{
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_set_qlimit(port, MACH_PORT_QLIMIT_MAX);
	return port;
}

static mach_port_t look_up(void)
{
	mach_port_t port;

	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	return port;
}

/* Tell the test process, through its service, a port of this one. */
static mach_port_t introduce(void)
{
	mach_port_t port = flow_receive_right();
	struct flow_letter letter;

	flow_set_qlimit(port, MACH_PORT_QLIMIT_MAX);
	letter_start(&letter, look_up());
	letter_add_port(&letter, port, MAKE);
	CHECK_OK(letter_send(&letter));
	flow_tell_parent(0);
	return port;
}

/* The port of a process that has introduced itself. */
static mach_port_t meet(struct flow_child *child, mach_port_t service)
{
	struct flow_letter letter;

	flow_hear(child);
	CHECK_OK(letter_receive(service, &letter));
	return letter_port(&letter, 0).name;
}

/* --- snapshots --- */

enum { LARGE = 300000, LITTLE = 300 };

static void change_and_send_back(void *unused)
{
	mach_port_t port = introduce();
	struct flow_letter letter;

	(void)unused;
	flow_hear_parent();
	for (unsigned i = 0; i < 2; i++) {
		mach_msg_ool_descriptor_t came = letter_receive_memory(port);

		letter_expect(came.address, came.size, 1);
		letter_fill(came.address, came.size, 3);
		letter_start(&letter, look_up());
		letter_add_memory(&letter, came.address, came.size, true, VIRTUAL);
		CHECK_OK(letter_send(&letter));
	}
	flow_tell_parent(0);
}

START_TEST(each_side_has_its_own)
{
	static const size_t sizes[] = {LITTLE, LARGE};
	mach_port_t service = check_in(), port;
	uint8_t *memory = letter_pages(LARGE / vm_page_size + 1);
	struct flow_child child;

	flow_fork(&child, change_and_send_back, NULL);
	port = meet(&child, service);
	for (unsigned i = 0; i < 2; i++) {
		letter_fill(memory, LARGE, 1);
		CHECK_OK(letter_send_memory(port, memory, sizes[i], false, VIRTUAL));
		letter_fill(memory, LARGE, 2);
	}
	flow_tell(&child, 0);
	flow_hear(&child);
	letter_expect(memory, LARGE, 2);
	for (unsigned i = 0; i < 2; i++) {
		mach_msg_ool_descriptor_t came = letter_receive_memory(service);

		letter_expect_memory(&came, sizes[i], 3);
	}
	flow_join(&child);
}
END_TEST

static void send_and_end(void *unused)
{
	uint8_t *memory = letter_pages(LARGE / vm_page_size + 1);

	(void)unused;
	letter_fill(memory, LARGE, 7);
	CHECK_OK(letter_send_memory(look_up(), memory, LARGE, false, VIRTUAL));
	CHECK_OK(letter_send_memory(look_up(), memory, LITTLE, true, VIRTUAL));
}

START_TEST(memory_outlives_its_sender)
{
	mach_port_t service = check_in();
	mach_msg_ool_descriptor_t came;
	struct flow_child child;

	flow_fork(&child, send_and_end, NULL);
	flow_join(&child);
	came = letter_receive_memory(service);
	letter_expect_memory(&came, LARGE, 7);
	came = letter_receive_memory(service);
	letter_expect_memory(&came, LITTLE, 7);
}
END_TEST

/* --- receivers that are short of something --- */

/* Let this process open no descriptor more, or as many as before. */
static void limit_fds(bool none)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = none ? 0 : limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void receive_without_descriptors(void *unused)
{
	mach_port_t port = introduce();
	struct flow_letter letter;
	mach_msg_ool_descriptor_t came;
	unsigned fds;

	(void)unused;
	flow_hear_parent();
	fds = letter_open_fds(getpid());
	limit_fds(true);
	CHECK_CODE(letter_receive(port, &letter), MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE);
	limit_fds(false);
	CHECK_EQ(letter_open_fds(getpid()), fds);
	CHECK_EQ(flow_type(letter_port(&letter, 0).name), MACH_PORT_TYPE_SEND);
	CHECK(letter_memory(&letter, 1).address == NULL);
	CHECK_EQ(letter_memory(&letter, 1).size, 0);
	came = letter_memory(&letter, 2);
	letter_expect_memory(&came, LITTLE, 4);
	CHECK_OK(letter_receive(port, &letter));
	came = letter_memory(&letter, 1);
	letter_expect_memory(&came, LARGE, 4);
}

START_TEST(a_receiver_without_descriptors_left)
{
	mach_port_t service = check_in(), port;
	uint8_t *memory = letter_pages(LARGE / vm_page_size + 1);
	unsigned fds = letter_daemon_fds();
	struct flow_child child;

	flow_fork(&child, receive_without_descriptors, NULL);
	port = meet(&child, service);
	letter_fill(memory, LARGE, 4);
	for (unsigned i = 0; i < 2; i++) {
		struct flow_letter letter;

		letter_start(&letter, port);
		letter_add_port(&letter, service, MAKE);
		letter_add_memory(&letter, memory, LARGE, false, VIRTUAL);
		letter_add_memory(&letter, memory, LITTLE, false, VIRTUAL);
		CHECK_OK(letter_send(&letter));
	}
	flow_tell(&child, 0);
	flow_join(&child);
	CHECK_EQ(letter_daemon_fds(), fds);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__

/* Let this process map `bytes` more than it has now. */
static void limit_memory(size_t bytes)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	char text[64] = "";
	FILE *statm;

	if (bytes) {
		statm = fopen("/proc/self/statm", "re");
		CHECK(statm != NULL && fgets(text, sizeof text, statm) != NULL);
		fclose(statm);
		limit.rlim_cur = strtoul(text, NULL, 10) * vm_page_size + bytes;
	}
	CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

enum { PIECES = 24, NAMES = 2048, TWO_PAGES = 8192 };

static void receive_without_memory(void *unused)
{
	mach_port_t port = introduce();
	mach_msg_ool_ports_descriptor_t ports;
	mach_msg_ool_descriptor_t came;
	struct flow_letter letter;
	unsigned failed = 0;

	(void)unused;
	flow_hear_parent();
	limit_memory(MIB);
	CHECK_CODE(letter_receive(port, &letter), MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE);
	limit_memory(0);
	CHECK_EQ(letter.base.body.msgh_descriptor_count, PIECES + 3);
	for (unsigned i = 0; i < PIECES; i++) {
		came = letter_memory(&letter, i);
		CHECK((came.address == NULL) == (came.size == 0));
		failed += came.address == NULL;
	}
	CHECK(failed > 0 && failed < PIECES);
	CHECK_EQ(flow_type(letter_port(&letter, PIECES).name), MACH_PORT_TYPE_SEND);
	ports = letter_ports(&letter, PIECES + 1);
	CHECK(ports.address == NULL);
	CHECK_EQ(ports.count, NAMES);
	/* Those rights are gone: of the other name, there is one in the last descriptor. */
	CHECK_EQ(flow_refs(letter_port(&letter, PIECES + 2).name, MACH_PORT_RIGHT_SEND), 1);
}

START_TEST(f115_a_receiver_without_memory_left)
{
	mach_port_t service = check_in(), right = flow_port(), port;
	uint8_t *memory = letter_pages(MIB / vm_page_size);
	mach_port_t *names = calloc(NAMES, sizeof *names);
	struct flow_child child;
	struct flow_letter letter;

	CHECK(names != NULL);
	for (unsigned i = 0; i < NAMES; i++)
		names[i] = right;
	flow_fork(&child, receive_without_memory, NULL);
	port = meet(&child, service);
	letter_start(&letter, port);
	/* Pieces that get smaller leave less than two pages at last, whatever there was. */
	for (unsigned i = 0; i < PIECES; i++) {
		size_t size = i < 6 ? MIB >> (i + 1) : TWO_PAGES;

		letter_add_memory(&letter, memory, size, false, VIRTUAL);
	}
	letter_add_port(&letter, service, MAKE);
	letter_add_ports(&letter, names, NAMES, COPY, false);
	letter_add_port(&letter, right, COPY);
	CHECK_OK(letter_send(&letter));
	flow_tell(&child, 0);
	flow_join(&child);
	free(names);
}
END_TEST

#endif

/* --- nothing is left --- */

/* Receive as many as the test process says, and wait to be killed. */
static void receive_some(void *unused)
{
	mach_port_t port = introduce();
	unsigned count = flow_hear_parent();
	struct flow_letter letter;

	(void)unused;
	while (count-- > 0) {
		CHECK_OK(letter_receive(port, &letter));
		mach_msg_destroy(&letter.header);
	}
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(nothing_is_left_of_receivers_that_are_killed)
{
	enum { ROUNDS = 12, MESSAGES = 200 };
	mach_port_t service = check_in();
	uint8_t *memory = letter_pages(20);
	unsigned fds = letter_daemon_fds(), own = letter_open_fds(getpid());

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct flow_child child;
		mach_port_t port;

		flow_fork(&child, receive_some, NULL);
		port = meet(&child, service);
		for (unsigned i = 0; i < MESSAGES; i++) {
			struct flow_letter letter;

			letter_start(&letter, port);
			letter_add_memory(&letter, memory, i % 3 ? 70000 : 100, false, VIRTUAL);
			letter_add_port(&letter, service, MAKE_ONCE);
			CHECK_OK(letter_send(&letter));
		}
		flow_tell(&child, round * MESSAGES / ROUNDS);
		flow_hear(&child);
		flow_kill(&child);
		CHECK_EQ(letter_daemon_fds(), fds);
		for (unsigned i = 0; i < MESSAGES; i++)
			flow_notified(service, MACH_NOTIFY_SEND_ONCE);
		CHECK_OK(mach_port_deallocate(mach_task_self(), port));
	}
	CHECK_EQ(letter_open_fds(getpid()), own);
}
END_TEST

/* Killed while it is blocked in a send, with memory that it has given away. */
static void block_in_send(void *unused)
{
	uint8_t *memory = letter_pages(20);
	struct flow_letter letter;

	(void)unused;
	letter_start(&letter, look_up());
	letter_add_memory(&letter, memory, 70000, true, VIRTUAL);
	mach_msg(&letter.header, MACH_SEND_MSG, letter.header.msgh_size, 0, MACH_PORT_NULL, 0,
		 MACH_PORT_NULL);
	flow_fail(__FILE__, __LINE__, "the send ended");
}

START_TEST(nothing_is_left_of_a_sender_that_is_killed)
{
	mach_port_t service = check_in();
	unsigned fds = letter_daemon_fds();

	flow_set_qlimit(service, 0);
	for (unsigned i = 0; i < 10; i++) {
		struct flow_child child;

		flow_fork(&child, block_in_send, NULL);
		flow_await_waiting(child.pid, 1);
		flow_kill(&child);
	}
	CHECK_EQ(letter_daemon_fds(), fds);
	CHECK_EQ(flow_status(service).mps_msgcount, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory_tasks");
	TCase *tcase = flow_case(suite, "memory_tasks");

	tcase_add_test(tcase, each_side_has_its_own);
	tcase_add_test(tcase, memory_outlives_its_sender);
	tcase_add_test(tcase, a_receiver_without_descriptors_left);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(tcase, f115_a_receiver_without_memory_left);
#endif
	tcase_add_test(tcase, nothing_is_left_of_receivers_that_are_killed);
	tcase_add_test(tcase, nothing_is_left_of_a_sender_that_is_killed);
	return flow_run(suite);
}
