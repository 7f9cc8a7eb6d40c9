/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick: what it costs to pass messages through a third process that does nothing but pass
 * them on. Two SEQPACKET sockets, one epoll loop, no look at the bytes. A broker that sleeps when
 * there is nothing to do cannot be faster on sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static char buffer[BENCH_SIZE_MAX];

static void send_patiently(int sock, const char *bytes, size_t size)
{
	while (send(sock, bytes, size, MSG_NOSIGNAL) < 0) {
		struct pollfd room = {.fd = sock, .events = POLLOUT};

		if (errno != EAGAIN)
			_exit(0);
		poll(&room, 1, -1);
	}
}

/* Move what waits on `from`, up to a batch; false at the end of the file. */
static bool pass_on(int from, int to)
{
	for (int i = 0; i < BENCH_BATCH; i++) {
		ssize_t got = recv(from, buffer, sizeof buffer, 0);

		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0)
			return false;
		send_patiently(to, buffer, (size_t)got);
	}
	return true;
}

static void relay(int a, int b)
{
	int sides[2] = {a, b}, loop = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready[2];

	for (unsigned i = 0; i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		fcntl(sides[i], F_SETFL, fcntl(sides[i], F_GETFL) | O_NONBLOCK);
		epoll_ctl(loop, EPOLL_CTL_ADD, sides[i], &event);
	}
	for (;;) {
		int count = epoll_wait(loop, ready, 2, -1);

		for (int i = 0; i < count; i++) {
			unsigned side = ready[i].data.u32;

			if (!pass_on(sides[side], sides[!side]))
				_exit(0);
		}
	}
}

/* The sockets of one measurement, and the process between them. */
struct line {
	int client, server;
	pid_t broker;
};

static void line_open(struct line *line, enum bench_place place)
{
	int left[2], right[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, left) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, right))
		bench_die("socketpair");
	line->broker = bench_fork();
	if (line->broker == 0) {
		bench_place(0, place);
		close(left[0]);
		close(right[0]);
		relay(left[1], right[1]);
	}
	close(left[1]);
	close(right[1]);
	line->client = left[0];
	line->server = right[0];
}

static void line_close(struct line *line)
{
	bench_end(line->broker);
	close(line->client);
	close(line->server);
}

static void echo(int sock)
{
	ssize_t got;

	while ((got = recv(sock, buffer, sizeof buffer, 0)) > 0)
		send_patiently(sock, buffer, (size_t)got);
	_exit(0);
}

static void call(const struct line *line, size_t size)
{
	if (send(line->client, buffer, size, 0) < 0 ||
	    recv(line->client, buffer, sizeof buffer, 0) != (ssize_t)size)
		bench_die("call");
}

static void measure_rpc(const struct bench_case *run)
{
	uint64_t *samples = bench_samples(run), used;
	struct line line;
	pid_t server;

	line_open(&line, run->place);
	bench_place(0, run->place);
	server = bench_fork();
	if (server == 0)
		echo(line.server);
	for (long i = 0; i < 200; i++)
		call(&line, run->size);
	used = bench_cpu(line.broker);
	for (long i = 0; i < run->count; i++) {
		uint64_t start = bench_now();

		call(&line, run->size);
		samples[i] = bench_now() - start;
	}
	bench_row_cpu("rpc", run, bench_cpu(line.broker) - used);
	bench_row_latency("rpc", run, samples);
	bench_end(server);
	line_close(&line);
	free(samples);
}

static void measure_oneway(const struct bench_case *run)
{
	uint64_t start, used;
	struct line line;
	pid_t sender;

	line_open(&line, run->place);
	bench_place(0, run->place);
	used = bench_cpu(line.broker);
	start = bench_now();
	sender = bench_fork();
	if (sender == 0) {
		for (long i = 0; i < run->count; i++)
			send_patiently(line.client, buffer, run->size);
		_exit(0);
	}
	for (long i = 0; i < run->count; i++)
		if (recv(line.server, buffer, sizeof buffer, 0) != (ssize_t)run->size)
			bench_die("recv");
	bench_row_rate("oneway", run, bench_now() - start);
	bench_row_cpu("oneway", run, bench_cpu(line.broker) - used);
	bench_wait(sender);
	line_close(&line);
}

int main(int argc, char **argv)
{
	long count = bench_count(argc, argv, 5000);

	bench_each("relay", count, measure_rpc);
	bench_each("relay", count * 4, measure_oneway);
	return 0;
}
