/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare socket relay, a yardstick: what it costs to pass messages through a third process that
 * does nothing but pass them on. SEQPACKET sockets, one epoll loop; the first bytes of a message
 * say whose call it is. A broker on sockets that sleeps when there is nothing to do cannot be
 * faster.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peer.h"

/* Sockets of the clients, then of the services: their own ends and the relay's. */
static int (*ends)[2];

static void send_patiently(int sock, const char *bytes, size_t size)
{
	while (send(sock, bytes, size, MSG_NOSIGNAL) < 0) {
		struct pollfd room = {.fd = sock, .events = POLLOUT};

		if (errno != EAGAIN)
			_exit(0);
		poll(&room, 1, -1);
	}
}

static void pass_on(const struct bench_case *run, unsigned from, char *buffer)
{
	ssize_t got = recv(ends[from][1], buffer, BENCH_SIZE_MAX, 0);
	unsigned to;

	if (got < (ssize_t)sizeof to)
		_exit(0);
	if (from < run->clients) {
		memcpy(buffer, &from, sizeof from);
		to = run->clients + from % run->services;
	} else {
		memcpy(&to, buffer, sizeof to);
	}
	send_patiently(ends[to][1], buffer, (size_t)got);
}

__attribute__((noreturn)) static void relay(const struct bench_case *run)
{
	unsigned count = run->clients + run->services;
	int loop = epoll_create1(EPOLL_CLOEXEC);
	char *buffer = bench_alloc(BENCH_SIZE_MAX);
	struct epoll_event ready[64];

	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		fcntl(ends[i][1], F_SETFL, fcntl(ends[i][1], F_GETFL) | O_NONBLOCK);
		epoll_ctl(loop, EPOLL_CTL_ADD, ends[i][1], &event);
	}
	for (;;) {
		int got = epoll_wait(loop, ready, sizeof ready / sizeof *ready, -1);

		for (int i = 0; i < got; i++)
			pass_on(run, ready[i].data.u32, buffer);
	}
}

static pid_t start(const struct bench_case *run)
{
	unsigned count = run->clients + run->services;
	pid_t broker;

	ends = bench_alloc(count * sizeof *ends);
	for (unsigned i = 0; i < count; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]))
			bench_die("socketpair");
	broker = bench_fork();
	if (broker == 0)
		relay(run);
	return broker;
}

static void serve(const struct bench_case *run, unsigned number)
{
	int sock = ends[run->clients + number][0];
	char *buffer = bench_alloc(BENCH_SIZE_MAX);
	ssize_t got;

	bench_ready();
	while ((got = recv(sock, buffer, BENCH_SIZE_MAX, 0)) > 0)
		send_patiently(sock, buffer, (size_t)got);
}

struct party {
	int sock;
	char buffer[BENCH_SIZE_MAX];
};

static void *open_party(int sock)
{
	struct party *party = bench_alloc(sizeof *party);

	party->sock = sock;
	return party;
}

static void *open_client(const struct bench_case *run, unsigned number)
{
	(void)run;
	return open_party(ends[number][0]);
}

static void receive(void *argument, size_t size)
{
	struct party *party = argument;

	if (recv(party->sock, party->buffer, sizeof party->buffer, 0) != (ssize_t)size)
		bench_die("recv");
}

static void call(void *argument, size_t size)
{
	struct party *party = argument;

	if (send(party->sock, party->buffer, size, 0) < 0)
		bench_die("send");
	receive(party, size);
}

static void *open_sink(const struct bench_case *run)
{
	return open_party(ends[run->clients][0]);
}

static void source(const struct bench_case *run)
{
	char *buffer = bench_alloc(run->size);

	for (;;)
		send_patiently(ends[0][0], buffer, run->size);
}

int main(int argc, char **argv)
{
	static const struct bench_peer relay_peer = {
		.name = "relay",
		.start = start,
		.serve = serve,
		.open = open_client,
		.call = call,
		.sink = open_sink,
		.receive = receive,
		.source = source,
	};

	return bench_peer_main(argc, argv, &relay_peer);
}
