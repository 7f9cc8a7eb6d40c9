/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer is a port: when it fires, a message is there. So a thread waits for time and for messages
 * in one call, on a port set.
 *
 *   timer TICKS MILLISECONDS    ticks so often, and so far apart, without drifting
 */
#include <mach/mach.h>
#include <mach/mach_time.h>
#include <mach/mk_timer.h>
#include <machd.h>
#include <stdio.h>
#include <stdlib.h>

static void must(kern_return_t code, const char *what)
{
	if (code == KERN_SUCCESS)
		return;
	fprintf(stderr, "%s: %s\n", what, mach_error_string(code));
	exit(1);
}

/* mach_absolute_time() counts in units of its own. */
static uint64_t from_nanoseconds(uint64_t time)
{
	mach_timebase_info_data_t base;

	mach_timebase_info(&base);
	return time * base.denom / base.numer;
}

/* A message to ourselves: the other thing that the loop below waits for. */
static void say_enough(mach_port_t port)
{
	mach_msg_header_t message = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
				     .msgh_size = sizeof message,
				     .msgh_remote_port = port};

	must(mach_msg_send(&message), "send");
}

int main(int argc, char **argv)
{
	unsigned long ticks = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, done = 0;
	uint64_t step, next;
	mach_port_t timer, orders, set;

	if (ticks == 0) {
		fprintf(stderr, "usage: timer TICKS MILLISECONDS\n");
		return 2;
	}
	step = from_nanoseconds(strtoull(argv[2], NULL, 10) * 1000000);
	timer = mk_timer_create();
	if (timer == MACH_PORT_NULL) {
		const char *why = machd_last_error(); /* of the connection to the daemon */

		fprintf(stderr, "mk_timer_create: %s\n", *why ? why : "too many timers");
		return 1;
	}
	must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &orders), "allocate");
	must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set), "allocate");
	must(mach_port_insert_member(mach_task_self(), timer, set), "insert");
	must(mach_port_insert_member(mach_task_self(), orders, set), "insert");

	/* A timer fires once, at a time and not after one: each next time is counted from the last
	 * time wanted, so that being late now and then does not add up. */
	next = mach_absolute_time() + step;
	must(mk_timer_arm(timer, next), "arm");
	for (;;) {
		struct {
			mk_timer_expire_msg_t message;
			mach_msg_max_trailer_t trailer;
		} received;

		must(mach_msg(&received.message.header, MACH_RCV_MSG, 0, sizeof received, set,
			      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		     "receive");
		if (received.message.header.msgh_local_port == orders)
			break;
		printf("tick %lu\n", ++done);
		if (done == ticks) {
			say_enough(orders);
			continue;
		}
		next += step;
		must(mk_timer_arm(timer, next), "arm");
	}
	printf("%lu ticks, %s\n", done,
	       mach_absolute_time() >= next ? "none too early" : "the last too early");
	mk_timer_destroy(timer);
	return 0;
}
