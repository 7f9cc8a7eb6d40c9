/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a greedy neighbour costs a client that is none:
 *
 *   fair   round trips of a client, by turns alone and beside a process that does one thing for
 *          ever: leaks ports, and asks on when it gets no more; floods itself with messages; asks
 *          and never reads; connects. Or just loops, with one thread or two, and never calls machd:
 *          what the scheduler alone makes of a busy process. Each as the same user, -1, and as
 *          another, -2; the latter as root only.
 *
 * A row is for the time beside the neighbour, an alone_ one for the time just before it. What a
 * neighbour leaves behind is neither: before the client is measured alone it calls for a while and
 * nobody looks at the clock. With -n only the neighbour of that number, from 1, is measured.
 *
 * Placed freely, all share the CPUs as the scheduler likes. With -p 1cpu the client, its service
 * and machd have the first CPU and the neighbour has the others: then what the client notices of it
 * is what machd does for it.
 */
#include <errno.h>
#include <pthread.h>
#include <servers/bootstrap.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/watch.h"
#include "tests/bench/machd.h"
#include "tests/bench/peer.h"

#define SERVICE	    "org.machd.bench"
#define OTHER_UID   65534 /* nobody */
#define SAMPLES_MAX 200000
#define UNDER_WAY   200	      /* deeds after which a neighbour has begun */
#define TURNS	    5	      /* alone, and beside it, so many times each */
#define SETTLE	    100000000 /* ns after a neighbour's end */
#define CONNECTIONS 1000      /* that who connects holds at a time */

static struct bench_machd machd;
static _Atomic uint64_t *deeds; /* of the neighbour */

/* The neighbours. */

static void leak(void)
{
	mach_port_t name;

	for (;;) {
		mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &name);
		++*deeds;
	}
}

static mach_port_t flooded;

static void *drain(void *unused)
{
	struct bench_client *sink = bench_client_new(MACH_PORT_NULL);

	(void)unused;
	for (;;) {
		bench_must(mach_msg(sink->buffer, MACH_RCV_MSG, 0, (mach_msg_size_t)sink->room,
				    flooded, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   "receive");
		++*deeds;
	}
	return NULL;
}

/* A thread sends to the other as fast as it can. */
static void flood(void)
{
	struct bench_client *source;
	pthread_t thread;

	flooded = bench_port();
	bench_must(
		mach_port_insert_right(mach_task_self(), flooded, flooded, MACH_MSG_TYPE_MAKE_SEND),
		"insert");
	bench_long_queue(flooded);
	if (pthread_create(&thread, NULL, drain, NULL))
		bench_die("pthread_create");
	source = bench_client_new(flooded);
	for (;;)
		bench_client_send(source, 64);
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, machd.socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
		bench_die("connect");
	return fd;
}

/* Requests, none of whose answers is read, until machd takes no more; and again. */
static void never_read(void)
{
	struct machd_hello hello = {.version_oldest = MACHD_PROTOCOL_VERSION,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = 64,
				    .role = MACHD_ROLE_WATCH};
	uint8_t greeting[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, greeting + sizeof(struct machd_frame),
				       MACHD_HELLO_SIZE_MAX);
	struct machd_frame frame = {.length = (uint32_t)(sizeof frame + size),
				    .op = MACHD_OP_HELLO};
	struct {
		struct machd_frame frame;
		struct machd_watch watch;
	} request = {.frame = {.length = sizeof request, .op = MACHD_OP_WATCH},
		     .watch = {.table = MACHD_WATCH_LIMITS}};

	memcpy(greeting, &frame, sizeof frame);
	for (;;) {
		int fd = connect_raw();

		send(fd, greeting, frame.length, MSG_NOSIGNAL);
		request.frame.sequence = 0;
		do {
			request.frame.sequence++;
			++*deeds;
		} while (send(fd, &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
		close(fd);
	}
}

static void connect_for_ever(void)
{
	static int fds[CONNECTIONS];

	for (unsigned at = 0;; at = (at + 1) % CONNECTIONS) {
		if (fds[at])
			close(fds[at]);
		fds[at] = connect_raw();
		++*deeds;
	}
}

static void loop(void)
{
	for (;;)
		++*deeds;
}

static void *loop_on(void *unused)
{
	(void)unused;
	loop();
	return NULL;
}

/* A culprit of two threads that are always awake, for those that have two. */
static void loop_twice(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, loop_on, NULL))
		bench_die("pthread_create");
	loop();
}

static const struct {
	const char *label;
	void (*be)(void);
	bool other; /* another user */
} neighbours[] = {
	{"leak-1", leak, false},
	{"leak-2", leak, true},
	{"flood-1", flood, false},
	{"flood-2", flood, true},
	{"mute-1", never_read, false},
	{"mute-2", never_read, true},
	{"connect-1", connect_for_ever, false},
	{"connect-2", connect_for_ever, true},
	{"loop-1", loop, false},
	{"loops-1", loop_twice, false},
};
#define NEIGHBOURS ((unsigned)(sizeof neighbours / sizeof *neighbours))

static pid_t start_neighbour(const struct bench_case *run, unsigned which)
{
	pid_t pid = bench_fork();

	if (pid == 0) {
		if (run->place == BENCH_ONE && !bench_leave_one())
			bench_die("there is only one CPU");
		if (neighbours[which].other && (setgid(OTHER_UID) || setuid(OTHER_UID)))
			bench_die("setuid");
		neighbours[which].be();
	}
	*deeds = 0;
	while (*deeds < UNDER_WAY) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			bench_die("the neighbour has ended");
		bench_sleep(1000000);
	}
	return pid;
}

/* Who is not. */

static void serve(const struct bench_case *run, unsigned number)
{
	mach_port_t port = bench_check_in(SERVICE);

	(void)run;
	(void)number;
	bench_ready();
	bench_echo(port);
}

static void call(void *client, size_t size)
{
	bench_client_call(client, size);
}

static const struct bench_peer innocent = {.serve = serve, .call = call};

static void rows(const struct bench_case *run, const char *prefix, struct bench_samples *samples)
{
	char metric[32];

	snprintf(metric, sizeof metric, "%sp50_us", prefix);
	bench_row(run, metric, bench_samples_at(samples, 0.5));
	snprintf(metric, sizeof metric, "%sp99_us", prefix);
	bench_row(run, metric, bench_samples_at(samples, 0.99));
}

static void settle(const struct bench_case *run, void *client)
{
	uint64_t start = bench_now();

	while (bench_now() - start < SETTLE)
		call(client, run->size);
}

static void measure(const struct bench_case *all, void *client, unsigned which)
{
	struct bench_case run = *all;
	struct bench_samples alone, beside;
	uint64_t done = 0, start, spent = 0;

	run.label = neighbours[which].label;
	run.window /= TURNS;
	bench_samples_new(&alone, SAMPLES_MAX);
	bench_samples_new(&beside, SAMPLES_MAX);
	for (unsigned i = 0; i < TURNS; i++) {
		pid_t neighbour;

		settle(&run, client);
		alone.room = beside.room = SAMPLES_MAX / TURNS * (i + 1);
		bench_calls(&innocent, client, &run, &alone);
		neighbour = start_neighbour(&run, which);
		*deeds = 0;
		start = bench_now();
		bench_calls(&innocent, client, &run, &beside);
		spent += bench_now() - start;
		done += *deeds;
		bench_end(neighbour);
	}
	rows(&run, "alone_", &alone);
	rows(&run, "", &beside);
	bench_row(&run, "kdeeds_s", (double)done * 1e6 / (double)spent);
	free(alone.taken);
	free(beside.taken);
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");
	void *client;

	if (strcmp(run.test, "fair") != 0) {
		fprintf(stderr, "%s: there is no test '%s'\n", argv[0], run.test);
		return 2;
	}
	machd = bench_machd_start(NULL);
	if (chmod(bench_folder(), 0755))
		bench_die(bench_folder());
	deeds = mmap(NULL, sizeof *deeds, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (deeds == MAP_FAILED)
		bench_die("mmap");
	bench_services(&innocent, &run);
	client = bench_client_new(bench_look_up(SERVICE));
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		if ((run.count == 0 || run.count == i + 1) &&
		    (!neighbours[i].other || getuid() == 0))
			measure(&run, client, i);
	bench_finish();
}
