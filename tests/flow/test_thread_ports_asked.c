/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of threads that have not called machd, for others that ask: pthread_mach_thread_np [24]. */
#include <pthread.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()

enum { ASKERS = 4, CALLERS = 8 };

/* A thread that does nothing, and then calls if it is told to. */
struct quiet {
	pthread_t thread;
	int here[2], go[2];
	mach_port_t self; /* what it is to itself */
};

static void *be_quiet(void *argument)
{
	struct quiet *quiet = argument;
	char byte;

	CHECK(write(quiet->here[1], "x", 1) == 1);
	CHECK(read(quiet->go[0], &byte, 1) == 1);
	if (byte == 'c')
		quiet->self = mach_thread_self();
	return NULL;
}

static void start(struct quiet *quiet)
{
	char byte;

	quiet->self = MACH_PORT_NULL;
	CHECK(pipe(quiet->here) == 0 && pipe(quiet->go) == 0);
	CHECK(pthread_create(&quiet->thread, NULL, be_quiet, quiet) == 0);
	CHECK(read(quiet->here[0], &byte, 1) == 1);
}

static void end(struct quiet *quiet, const char *how)
{
	CHECK(write(quiet->go[1], how, 1) == 1);
	CHECK(pthread_join(quiet->thread, NULL) == 0);
	for (int i = 0; i < 2; i++) {
		close(quiet->here[i]);
		close(quiet->go[i]);
	}
}

static mach_port_type_t type_of(mach_port_t port)
{
	mach_port_type_t type = 0;

	return mach_port_type(SELF, port, &type) == KERN_SUCCESS ? type : 0;
}

static mach_msg_type_number_t count_threads(void)
{
	thread_act_array_t threads;
	mach_msg_type_number_t count;

	CHECK_OK(task_threads(SELF, &threads, &count));
	for (mach_msg_type_number_t i = 0; i < count; i++)
		CHECK_OK(mach_port_deallocate(SELF, threads[i]));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)threads, count * sizeof *threads));
	return count;
}

START_TEST(a_thread_that_was_asked_for_keeps_its_port)
{
	struct quiet quiet;
	mach_port_t port;

	start(&quiet);
	port = pthread_mach_thread_np(quiet.thread);
	CHECK(MACH_PORT_VALID(port));
	CHECK(port != pthread_mach_thread_np(pthread_self()));
	CHECK_EQ(pthread_mach_thread_np(quiet.thread), port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(count_threads(), 2);
	end(&quiet, "c");
	CHECK_EQ(quiet.self, port);
	CHECK_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME); /* of mach_thread_self() */
}
END_TEST

START_TEST(the_port_of_a_thread_that_never_calls_dies_later)
{
	struct quiet quiet, next;
	mach_port_t port;

	start(&quiet);
	port = pthread_mach_thread_np(quiet.thread);
	CHECK_EQ(type_of(port), MACH_PORT_TYPE_SEND);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1));
	end(&quiet, "q");
	start(&next); /* it may be at the same address */
	CHECK(pthread_mach_thread_np(next.thread) != port);
	CHECK_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 1);
	end(&next, "c");
}
END_TEST

/* The first that a process has to do with machd is to ask for another thread. */
static void ask_first(void *argument)
{
	struct quiet quiet;
	mach_port_t port;

	(void)argument;
	start(&quiet);
	port = pthread_mach_thread_np(quiet.thread);
	CHECK(MACH_PORT_VALID(port));
	end(&quiet, "c");
	CHECK_EQ(quiet.self, port);
}

START_TEST(a_process_asks_before_it_has_called)
{
	struct flow_child child;

	flow_fork(&child, ask_first, NULL);
	flow_join(&child);
}
END_TEST

/* A child knows only the thread that it has. */
static void ask_in_child(void *argument)
{
	const struct quiet *quiet = argument;

	CHECK(MACH_PORT_VALID(pthread_mach_thread_np(pthread_self())));
	CHECK_EQ(count_threads(), 1);
	(void)quiet;
}

START_TEST(what_was_asked_for_is_not_the_childs)
{
	struct flow_child child;
	struct quiet quiet;

	start(&quiet);
	CHECK(MACH_PORT_VALID(pthread_mach_thread_np(quiet.thread)));
	flow_fork(&child, ask_in_child, &quiet);
	flow_join(&child);
	end(&quiet, "c");
}
END_TEST

struct asker {
	pthread_t thread;
	const struct quiet *quiet; /* all of them */
	mach_port_t port[CALLERS];
};

static void *ask_for_all(void *argument)
{
	struct asker *asker = argument;

	for (int i = 0; i < CALLERS; i++)
		asker->port[i] = pthread_mach_thread_np(asker->quiet[i].thread);
	return NULL;
}

/* Whoever asks, and whenever the thread begins to call, it is one and the same. */
START_TEST(many_ask_while_they_begin_to_call)
{
	struct quiet quiet[CALLERS];
	struct asker askers[ASKERS];

	for (int i = 0; i < CALLERS; i++)
		start(&quiet[i]);
	for (int i = 0; i < ASKERS; i++) {
		askers[i].quiet = quiet;
		CHECK(pthread_create(&askers[i].thread, NULL, ask_for_all, &askers[i]) == 0);
	}
	for (int i = 0; i < CALLERS; i += 2)
		CHECK(write(quiet[i].go[1], "c", 1) == 1);
	for (int i = 0; i < ASKERS; i++)
		CHECK(pthread_join(askers[i].thread, NULL) == 0);
	for (int i = 0; i < CALLERS; i++) {
		mach_port_t port = askers[0].port[i];

		if (i % 2)
			end(&quiet[i], "c");
		else
			CHECK(pthread_join(quiet[i].thread, NULL) == 0);
		CHECK(MACH_PORT_VALID(quiet[i].self));
		for (int k = 0; k < ASKERS && i % 2; k++)
			CHECK_EQ(askers[k].port[i], port);
		if (i % 2)
			CHECK_EQ(quiet[i].self, port);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread_ports_asked");
	TCase *tests = flow_case(suite, "threads");

	tcase_add_test(tests, a_thread_that_was_asked_for_keeps_its_port);
	tcase_add_test(tests, the_port_of_a_thread_that_never_calls_dies_later);
	tcase_add_test(tests, a_process_asks_before_it_has_called);
	tcase_add_test(tests, what_was_asked_for_is_not_the_childs);
	tcase_add_test(tests, many_ask_while_they_begin_to_call);
	return flow_run(suite);
}
