/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon costs that has nothing to do: its memory alone and with CLIENTS connected tasks,
 * and the CPU time it uses in one second. The clients are bare channels of this process that have
 * said hello: each is a task of its own to the daemon. Run against a fresh daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "tests/bench/bench.h"

#define CLIENTS 1000

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static uint8_t hello[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX];
static size_t hello_size;

static void prepare(void)
{
	struct machd_hello map = {
		.version_oldest = MACHD_PROTOCOL_VERSION,
		.version_newest = MACHD_PROTOCOL_VERSION,
		.word = sizeof(void *) * 8,
		.role = MACHD_ROLE_TASK,
	};
	struct machd_frame frame = {.op = MACHD_OP_HELLO};
	const char *path = getenv("MACHD_SOCKET");
	struct rlimit files;
	struct stat namespace;

	if (!path || strlen(path) >= sizeof address.sun_path)
		bench_die("MACHD_SOCKET");
	strcpy(address.sun_path, path);
	if (stat("/proc/self/ns/pid", &namespace) == 0)
		map.pid_namespace = namespace.st_ino;
	hello_size = sizeof frame +
		     machd_hello_pack(&map, hello + sizeof frame, sizeof hello - sizeof frame);
	frame.length = (uint32_t)hello_size;
	memcpy(hello, &frame, sizeof frame);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* A channel that was welcomed. It stays open until this program ends. */
static void connect_client(void)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	uint8_t answer[sizeof hello];
	struct machd_welcome welcome;
	const char *problem;
	ssize_t got;

	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof address) ||
	    send(sock, hello, hello_size, MSG_NOSIGNAL) < 0)
		bench_die("connect");
	got = recv(sock, answer, sizeof answer, 0);
	if (got < (ssize_t)sizeof(struct machd_frame))
		bench_die("welcome");
	problem = machd_welcome_unpack(answer + sizeof(struct machd_frame),
				       (size_t)got - sizeof(struct machd_frame), &welcome);
	if (problem || welcome.version == 0) {
		fprintf(stderr, "welcome: %s\n", problem ? problem : welcome.error);
		exit(1);
	}
}

/* A line of /proc/PID/smaps_rollup, in KiB. */
static double memory(const char *key)
{
	char path[64], line[256];
	double kib = 0, value;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)bench_machd());
	file = fopen(path, "r");
	if (!file)
		bench_die(path);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(line + strlen(key), " %lf", &value) == 1)
			kib = value;
	fclose(file);
	return kib;
}

/* CPU milliseconds that the daemon uses in a second of the wall clock. */
static double idle_cpu(void)
{
	struct timespec second = {.tv_sec = 1};
	uint64_t used = bench_cpu(bench_machd()), start = bench_now();

	nanosleep(&second, NULL);
	used = bench_cpu(bench_machd()) - used;
	return (double)used * 1e3 / (double)(bench_now() - start);
}

static double measure(size_t clients)
{
	struct bench_case run = {.broker = "machd", .size = clients, .place = BENCH_FREE};
	double rss = memory("Rss:");

	bench_row("idle", &run, "rss_kib", rss);
	bench_row("idle", &run, "pss_kib", memory("Pss:"));
	bench_row("idle", &run, "cpu_ms_per_s", idle_cpu());
	return rss;
}

int main(void)
{
	struct bench_case run = {.broker = "machd", .size = CLIENTS, .place = BENCH_FREE};
	uint64_t start;
	double alone;

	prepare();
	alone = measure(0);
	start = bench_now();
	for (int i = 0; i < CLIENTS; i++)
		connect_client();
	bench_row("idle", &run, "connect_ms", (double)(bench_now() - start) / 1e6);
	bench_row("idle", &run, "kib_per_client", (measure(CLIENTS) - alone) / CLIENTS);
	return 0;
}
