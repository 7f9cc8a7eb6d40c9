/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the cost of a round trip grows with what there is besides:
 *
 *   ports   in the name space of the client, which calls a service
 *   tasks   connected to the daemon, most of them idle; one calls a service
 *   queue   messages waiting on a port; one more is sent to it, and the first received
 *   rights  in a call, as out-of-line memory; the service sends all of them back
 *
 * Each case has a daemon of its own. All are set up first and measured in turns, round by round.
 * -n limits the numbers.
 */
#include <mach/mach_vm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/machd.h"

#define SERVICE	    "org.machd.bench"
#define SAMPLES_MAX 100000
#define SAMPLES_FEW 20 /* at least so many, however long they take */

static const char config[] = "[limits]\nNamesPerTask=2000000\nPortsPerUser=4000000\n"
			     "TasksPerUser=16000\nChannelsPerUser=16000\n"
			     "TaskShare=100\n";

struct message {
	mach_msg_base_t base;
	mach_msg_ool_ports_descriptor_t rights;
	mach_msg_max_trailer_t trailer;
};
#define MESSAGE_SIZE ((mach_msg_size_t)offsetof(struct message, trailer))

/* What is measured again and again. */
struct station {
	struct bench_client *client;
	mach_port_t queue;
	mach_port_t *rights;
	size_t count;
};

static void call(struct station *station)
{
	bench_client_call(station->client, 64);
}

/* ports, tasks */

static void start_echo(void)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		bench_die("pipe");
	if (bench_fork() == 0) {
		mach_port_t port = bench_check_in(SERVICE);

		if (write(ready[1], "", 1) != 1)
			bench_die("pipe");
		bench_echo(port);
	}
	if (read(ready[0], &byte, 1) != 1)
		bench_die("the service");
}

static void have_ports(struct station *station, const struct bench_machd *machd)
{
	(void)machd;
	start_echo();
	station->client = bench_client_new(bench_look_up(SERVICE));
	for (size_t i = 0; i < station->count; i++)
		bench_port();
}

/* The client is one of them. */
static void have_tasks(struct station *station, const struct bench_machd *machd)
{
	start_echo();
	for (size_t i = 1; i < station->count; i++)
		bench_channel(machd);
	station->client = bench_client_new(bench_look_up(SERVICE));
}

/* queue */

static void send_once(mach_port_t queue)
{
	mach_msg_header_t message = {
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0),
		.msgh_size = sizeof message,
		.msgh_remote_port = queue,
	};

	bench_must(mach_msg_send(&message), "send");
}

/* Messages to send-once rights are not counted against the queue's limit. */
static void have_queue(struct station *station, const struct bench_machd *machd)
{
	(void)machd;
	station->queue = bench_port();
	for (size_t i = 0; i < station->count; i++)
		send_once(station->queue);
}

static void send_and_receive(struct station *station)
{
	struct {
		mach_msg_header_t header;
		mach_msg_max_trailer_t trailer;
	} message;

	send_once(station->queue);
	bench_must(mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, station->queue,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "receive");
}

/* rights */

static void describe(struct message *message, mach_port_t *rights, size_t count,
		     mach_msg_type_name_t type, boolean_t deallocate)
{
	message->base.body.msgh_descriptor_count = 1;
	message->rights = (mach_msg_ool_ports_descriptor_t){
		.address = rights,
		.count = (mach_msg_size_t)count,
		.deallocate = deallocate,
		.copy = MACH_MSG_VIRTUAL_COPY,
		.disposition = type,
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};
}

/* Send back what came. */
__attribute__((noreturn)) static void serve_rights(mach_port_t port)
{
	struct message message;

	for (;;) {
		bench_must(mach_msg(&message.base.header, MACH_RCV_MSG, 0, sizeof message, port,
				    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   "serve");
		message.base.header.msgh_bits =
			MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) | MACH_MSGH_BITS_COMPLEX;
		message.base.header.msgh_local_port = MACH_PORT_NULL;
		describe(&message, message.rights.address, message.rights.count,
			 MACH_MSG_TYPE_MOVE_SEND, TRUE);
		bench_must(mach_msg(&message.base.header, MACH_SEND_MSG, MESSAGE_SIZE, 0,
				    MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   "answer");
	}
}

static void have_rights(struct station *station, const struct bench_machd *machd)
{
	int ready[2];
	char byte;

	(void)machd;
	if (pipe(ready))
		bench_die("pipe");
	if (bench_fork() == 0) {
		mach_port_t port = bench_check_in(SERVICE);

		if (write(ready[1], "", 1) != 1)
			bench_die("pipe");
		serve_rights(port);
	}
	if (read(ready[0], &byte, 1) != 1)
		bench_die("the service");
	station->client = bench_client_new(bench_look_up(SERVICE));
	station->rights = bench_alloc(station->count * sizeof *station->rights);
	for (size_t i = 0; i < station->count; i++)
		station->rights[i] = bench_port();
}

static void call_with_rights(struct station *station)
{
	struct message message = {
		.base.header = {
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
						    MACH_MSG_TYPE_MAKE_SEND_ONCE) |
				     MACH_MSGH_BITS_COMPLEX,
			.msgh_remote_port = station->client->server,
			.msgh_local_port = station->client->reply,
		}};

	describe(&message, station->rights, station->count, MACH_MSG_TYPE_MAKE_SEND, FALSE);
	bench_must(mach_msg(&message.base.header, MACH_SEND_MSG | MACH_RCV_MSG, MESSAGE_SIZE,
			    sizeof message, station->client->reply, MACH_MSG_TIMEOUT_NONE,
			    MACH_PORT_NULL),
		   "call");
	mach_vm_deallocate(mach_task_self(), (mach_vm_address_t)message.rights.address,
			   message.rights.count * sizeof(mach_port_t));
}

/* All of them */

static const struct kind {
	const char *name;
	void (*have)(struct station *, const struct bench_machd *);
	void (*once)(struct station *);
	size_t counts[3];
} kinds[] = {
	{"ports", have_ports, call, {10, 10000, 1000000}},
	{"tasks", have_tasks, call, {1, 1000, 10000}},
	{"queue", have_queue, send_and_receive, {1, 60000}},
	{"rights", have_rights, call_with_rights, {1, 64, 16383}},
};

static void measure(const struct bench_case *run, const struct kind *kind, struct station *station)
{
	uint64_t start = bench_now(), now = start, last;
	struct bench_samples samples;

	bench_samples_new(&samples, SAMPLES_MAX);
	while (now - start < run->window || samples.count < SAMPLES_FEW) {
		last = now;
		kind->once(station);
		now = bench_now();
		bench_samples_add(&samples, now - last);
	}
	bench_samples_row(run, &samples);
	free(samples.taken);
}

/* A process for one case. It is set up when it has told so, then measures when it is told to. */
struct process {
	int to, from;
};

static struct process start(const struct bench_case *run, const struct kind *kind, size_t count)
{
	struct bench_machd machd = bench_machd_start(config);
	struct bench_case mine = *run;
	struct station station = {.count = count};
	char label[24], byte;
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		bench_die("pipe");
	if (bench_fork() == 0) {
		close(to[1]);
		snprintf(label, sizeof label, "%zu", count);
		mine.label = label;
		kind->have(&station, &machd);
		while (write(from[1], "", 1) == 1 && read(to[0], &byte, 1) == 1)
			measure(&mine, kind, &station);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	return (struct process){.to = to[1], .from = from[0]};
}

static void await(const struct process *process)
{
	char byte;

	if (read(process->from, &byte, 1) != 1)
		bench_die("a process of the benchmark failed");
}

static void measure_all(const struct bench_case *run, const struct kind *kind)
{
	struct process processes[3];
	size_t number = 0, last = 0;

	for (size_t i = 0; i < 3 && kind->counts[i] > 0; i++) {
		size_t count = kind->counts[i];

		if (run->count && count > (size_t)run->count)
			count = (size_t)run->count;
		if (count == last)
			continue;
		last = count;
		processes[number] = start(run, kind, count);
		await(&processes[number++]);
	}
	for (unsigned round = 0; round < run->rounds; round++)
		for (size_t i = 0; i < number; i++) {
			if (write(processes[i].to, "", 1) != 1)
				bench_die("pipe");
			await(&processes[i]);
		}
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(run.test, kinds[i].name) == 0) {
			measure_all(&run, &kinds[i]);
			bench_finish();
		}
	fprintf(stderr, "%s: there is no test '%s'\n", argv[0], run.test);
	return 2;
}
