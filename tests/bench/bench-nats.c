/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer NATS over loopback TCP: requests that are sent at once, and messages one way that the
 * library collects. The server keeps up to 1 GiB for a slow receiver instead of dropping it.
 */
#include <arpa/inet.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peer.h"

#define SINK "tick"

static char url[40];

static void ok(natsStatus status, const char *what)
{
	if (status == NATS_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
	exit(1);
}

/* A port that is free, which the server takes a moment later. */
static struct sockaddr_in choose_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		bench_die("bind");
	close(fd);
	return address;
}

static void await_server(const struct sockaddr_in *address)
{
	for (int i = 0; i < 3000; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		int failed = connect(fd, (const struct sockaddr *)address, sizeof *address);

		close(fd);
		if (!failed)
			return;
		bench_sleep(10000000);
	}
	bench_die("nats-server did not start");
}

static pid_t start(const struct bench_case *run)
{
	struct sockaddr_in address = choose_port();
	unsigned port = ntohs(address.sin_port);
	char config[128];
	FILE *file;
	pid_t broker;

	(void)run;
	snprintf(url, sizeof url, "nats://127.0.0.1:%u", port);
	snprintf(config, sizeof config, "%s/nats.conf", bench_folder());
	file = fopen(config, "w");
	if (!file ||
	    fprintf(file, "host: 127.0.0.1\nport: %u\nmax_pending: 1073741824\n", port) < 0 ||
	    fclose(file))
		bench_die(config);
	broker = bench_fork();
	if (broker == 0) {
		execlp("nats-server", "nats-server", "-c", config, "-l", "/dev/null", (char *)NULL);
		bench_die("nats-server");
	}
	await_server(&address);
	return broker;
}

struct party {
	natsConnection *connection;
	natsSubscription *subscription;
	char service[16];
	char buffer[BENCH_SIZE_MAX];
};

static struct party *attach(bool at_once, unsigned service)
{
	struct party *party = bench_alloc(sizeof *party);
	natsOptions *options = NULL;

	ok(natsOptions_Create(&options), "options");
	ok(natsOptions_SetURL(options, url), "url");
	ok(natsOptions_SetSendAsap(options, at_once), "send asap");
	ok(natsConnection_Connect(&party->connection, options), "connect");
	natsOptions_Destroy(options);
	snprintf(party->service, sizeof party->service, "echo.%u", service);
	return party;
}

static void subscribe(struct party *party, const char *subject)
{
	ok(natsConnection_SubscribeSync(&party->subscription, party->connection, subject),
	   "subscribe");
	ok(natsSubscription_SetPendingLimits(party->subscription, -1, -1), "limits");
	ok(natsConnection_Flush(party->connection), "flush");
}

static natsMsg *next(struct party *party)
{
	natsMsg *message = NULL;

	ok(natsSubscription_NextMsg(&message, party->subscription, 3600000), "next message");
	return message;
}

static void serve(const struct bench_case *run, unsigned number)
{
	struct party *party = attach(true, number);

	(void)run;
	subscribe(party, party->service);
	bench_ready();
	for (;;) {
		natsMsg *message = next(party);

		natsConnection_Publish(party->connection, natsMsg_GetReply(message),
				       natsMsg_GetData(message), natsMsg_GetDataLength(message));
		natsMsg_Destroy(message);
	}
}

static void *open_client(const struct bench_case *run, unsigned number)
{
	return attach(true, number % run->services);
}

static void call(void *argument, size_t size)
{
	struct party *party = argument;
	natsMsg *reply = NULL;

	ok(natsConnection_Request(&reply, party->connection, party->service, party->buffer,
				  (int)size, 60000),
	   "request");
	natsMsg_Destroy(reply);
}

static void *open_sink(const struct bench_case *run)
{
	struct party *party = attach(false, 0);

	(void)run;
	subscribe(party, SINK);
	return party;
}

static void receive(void *sink, size_t size)
{
	(void)size;
	natsMsg_Destroy(next(sink));
}

/* A flush, which is a round trip to the server, keeps the source from running far ahead of it. */
static void source(const struct bench_case *run)
{
	struct party *party = attach(false, 0);
	long few = run->size > 4096 ? 1000 : 10000;

	for (long i = 1;; i++) {
		ok(natsConnection_Publish(party->connection, SINK, party->buffer, (int)run->size),
		   "publish");
		if (i % few == 0)
			ok(natsConnection_Flush(party->connection), "flush");
	}
}

int main(int argc, char **argv)
{
	static const struct bench_peer nats = {
		.name = "nats",
		.start = start,
		.serve = serve,
		.open = open_client,
		.call = call,
		.sink = open_sink,
		.receive = receive,
		.source = source,
	};

	return bench_peer_main(argc, argv, &nats);
}
