/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon says of its tasks: a watcher's connection of its own, so that asking changes
 * nothing for the test process's task.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "protocol/rows.h"
#include "tests/flow/flow.h"

struct watcher {
	int fd;
	uint32_t sequence;
	uint8_t packet[MACHD_FRAME_SIZE_MAX];
};

/* Send a frame whose payload is in place, and receive its answer. Returns the answer's size. */
static size_t ask(struct watcher *watcher, enum machd_op op, size_t payload)
{
	struct machd_frame frame = {
		.length = (uint32_t)(sizeof frame + payload),
		.op = op,
		.sequence = watcher->sequence++,
	};
	ssize_t size;

	memcpy(watcher->packet, &frame, sizeof frame);
	CHECK(send(watcher->fd, watcher->packet, frame.length, MSG_NOSIGNAL) ==
	      (ssize_t)frame.length);
	size = recv(watcher->fd, watcher->packet, sizeof watcher->packet, 0);
	CHECK(size >= (ssize_t)sizeof frame);
	return (size_t)size - sizeof frame;
}

static void watcher_open(struct watcher *watcher)
{
	struct machd_hello hello = {
		.version_oldest = MACHD_PROTOCOL_VERSION,
		.version_newest = MACHD_PROTOCOL_VERSION,
		.word = sizeof(void *) * 8,
		.role = MACHD_ROLE_WATCH,
	};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct machd_welcome welcome;
	uint8_t *payload = watcher->packet + sizeof(struct machd_frame);
	size_t size;

	strcpy(address.sun_path, flow_socket());
	watcher->sequence = 0;
	watcher->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK(watcher->fd >= 0);
	CHECK(connect(watcher->fd, (struct sockaddr *)&address, sizeof address) == 0);
	size = ask(watcher, MACHD_OP_HELLO,
		   machd_hello_pack(&hello, payload, MACHD_HELLO_SIZE_MAX));
	CHECK(machd_welcome_unpack(payload, size, &welcome) == NULL);
	CHECK(welcome.version == MACHD_PROTOCOL_VERSION);
}

int flow_meet(void)
{
	struct watcher watcher;

	watcher_open(&watcher);
	return watcher.fd;
}

/* What is known of one process (0: of all), added up. */
struct sum {
	unsigned tasks, channels, waiting;
};

static struct sum watch_tasks(struct watcher *watcher, pid_t pid)
{
	struct machd_watch request = {.table = MACHD_WATCH_TASKS, .pid = pid};
	uint8_t *payload = watcher->packet + sizeof(struct machd_frame);
	struct machd_watch_answer answer;
	struct machd_watch_task task;
	struct machd_rows rows;
	struct sum sum = {0, 0, 0};
	size_t size;

	do {
		memcpy(payload, &request, sizeof request);
		size = ask(watcher, MACHD_OP_WATCH, sizeof request);
		CHECK(size >= sizeof answer);
		memcpy(&answer, payload, sizeof answer);
		CHECK_EQ(answer.code, KERN_SUCCESS);
		CHECK(answer.record_size >= sizeof task);
		machd_rows_begin(&rows, payload + sizeof answer, answer.record_size);
		while (machd_rows_next(&rows, size - sizeof answer) == MACHD_ROWS_READY) {
			memcpy(&task, rows.last, sizeof task);
			sum.tasks++;
			sum.channels += task.channels;
			sum.waiting += task.waiting;
		}
		request.task = answer.next_task;
		request.index = answer.next_index;
	} while (answer.next_task != 0 || answer.next_index != 0);
	return sum;
}

void flow_await_waiting(pid_t pid, unsigned count)
{
	struct watcher watcher;

	watcher_open(&watcher);
	while (watch_tasks(&watcher, pid).waiting != count)
		sched_yield();
	close(watcher.fd);
}

void flow_await_channels(pid_t pid, unsigned count)
{
	struct watcher watcher;

	watcher_open(&watcher);
	while (watch_tasks(&watcher, pid).channels != count)
		sched_yield();
	close(watcher.fd);
}

void flow_interrupt(pthread_t thread)
{
	static const struct timespec moment = {0, 1000000};

	CHECK(pthread_kill(thread, SIGUSR1) == 0);
	nanosleep(&moment, NULL);
}

void flow_await_gone(pid_t pid)
{
	struct watcher watcher;

	if (flow_daemon() == 0)
		return;
	watcher_open(&watcher);
	while (watch_tasks(&watcher, pid).tasks != 0)
		sched_yield();
	close(watcher.fd);
}

unsigned flow_task_count(void)
{
	struct watcher watcher;
	unsigned count;

	watcher_open(&watcher);
	count = watch_tasks(&watcher, 0).tasks;
	close(watcher.fd);
	return count;
}

struct machd_watch_totals flow_totals(void)
{
	struct machd_watch request = {.table = MACHD_WATCH_TOTALS};
	struct machd_watch_totals record, own = {0};
	struct machd_watch_answer answer;
	struct machd_rows rows;
	struct watcher watcher;
	uint8_t *payload = watcher.packet + sizeof(struct machd_frame);
	size_t size;

	watcher_open(&watcher);
	memcpy(payload, &request, sizeof request);
	size = ask(&watcher, MACHD_OP_WATCH, sizeof request);
	memcpy(&answer, payload, sizeof answer);
	CHECK_EQ(answer.code, KERN_SUCCESS);
	machd_rows_begin(&rows, payload + sizeof answer, answer.record_size);
	while (machd_rows_next(&rows, size - sizeof answer) == MACHD_ROWS_READY) {
		memcpy(&record, rows.last, sizeof record);
		if (record.uid == getuid())
			own = record;
	}
	close(watcher.fd);
	return own;
}
