/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a lab: hello, requests, cancel, the end. */
#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_feed.h"

/* One id per connection, and tokens that differ from run to run in nothing. */
static void make_token(uint64_t channel, uint8_t token[MACHD_TOKEN_SIZE])
{
	memset(token, 0x5a, MACHD_TOKEN_SIZE);
	memcpy(token, &channel, sizeof channel);
}

static struct lab_thread **free_slot(struct lab *lab)
{
	for (unsigned i = 0; i < LAB_THREADS_MAX; i++)
		if (!lab->threads[i])
			return &lab->threads[i];
	ck_abort_msg("the lab has no room for another thread");
	return NULL;
}

struct lab_thread *lab_connect(struct lab *lab, uint32_t uid, int32_t pid)
{
	struct lab_thread **slot = free_slot(lab), *thread = calloc(1, sizeof *thread);
	struct trap_input input = {.kind = TRAP_CONNECT, .channel = ++lab->last_channel};

	LAB_TRUE(thread);
	thread->lab = lab;
	thread->channel = input.channel;
	thread->uid = uid;
	thread->pid = pid;
	make_token(thread->channel, thread->token);
	input.cookie = thread;
	input.identity = lab->identity;
	input.peer = (struct trap_peer){.uid = uid,
					.gid = uid + 1,
					.pid = pid,
					.pidversion = (uint32_t)thread->channel,
					.inspects = lab->inspects};
	memcpy(input.peer.token, thread->token, sizeof input.peer.token);
	if (lab_feed(lab, &input)) {
		LAB_TRUE(!input.thread);
		free(thread);
		return NULL;
	}
	LAB_TRUE(input.thread);
	LAB_TRUE(trap_find(lab->host, thread->channel) == input.thread);
	thread->ipc = input.thread;
	*slot = thread;
	return thread;
}

static void disconnect(struct lab_thread *thread)
{
	struct trap_input input = {.kind = TRAP_DISCONNECT, .thread = thread->ipc};

	if (!thread->ipc || !thread->lab->host)
		return;
	LAB_TRUE(!lab_feed(thread->lab, &input));
	LAB_TRUE(!trap_find(thread->lab->host, thread->channel));
	thread->ipc = NULL;
}

void lab_close(struct lab_thread *thread)
{
	struct lab *lab = thread->lab;
	struct lab_task *task = thread->task;

	disconnect(thread);
	for (unsigned i = 0; i < LAB_THREADS_MAX; i++)
		if (lab->threads[i] == thread)
			lab->threads[i] = NULL;
	if (task && task->thread == thread)
		task->thread = NULL;
	if (task && --task->threads == 0)
		free(task);
	free(thread->packet);
	free(thread->memory);
	free(thread);
}

void lab_kill(struct lab_task *task)
{
	struct lab *lab = task->lab;
	unsigned left = task->threads;

	for (unsigned i = 0; i < LAB_THREADS_MAX && left; i++) {
		if (!lab->threads[i] || lab->threads[i]->task != task)
			continue;
		lab_close(lab->threads[i]);
		left--;
	}
}

bool lab_packet(struct lab_thread *thread, const void *packet, size_t size,
		const struct trap_fd *fds, unsigned fd_count)
{
	struct trap_input input = {.kind = TRAP_FRAME,
				   .thread = thread->ipc,
				   .packet = packet,
				   .size = size,
				   .fds = fds,
				   .fd_count = fd_count};

	LAB_CHECK(thread->ipc, "the thread is not connected");
	for (unsigned i = 0; i < fd_count; i++) {
		LAB_TRUE(thread->lab->fds[fds[i].handle] == LAB_FD_UNUSED);
		thread->lab->fds[fds[i].handle] = LAB_FD_INSIDE;
	}
	if (!lab_feed(thread->lab, &input))
		return true;
	disconnect(thread);
	return false;
}

enum {
	PARTS = sizeof((struct lab_frame *)NULL)->parts / sizeof((struct lab_frame *)NULL)->parts[0]
};

/* A frame in memory that ends where the frame ends, so that ASan sees a read behind it. */
static bool send_frame(struct lab_thread *thread, const struct lab_frame *frame, uint32_t sequence)
{
	struct machd_frame head = {.length = sizeof head,
				   .op = (uint16_t)frame->op,
				   .fds = (uint16_t)frame->fd_count,
				   .sequence = sequence,
				   .flags = frame->flags};
	uint8_t *packet, *at;
	bool good;

	for (unsigned i = 0; i < PARTS; i++)
		head.length += (uint32_t)frame->parts[i].size;
	packet = malloc(head.length);
	LAB_TRUE(packet);
	memcpy(packet, &head, sizeof head);
	at = packet + sizeof head;
	for (unsigned i = 0; i < PARTS; i++) {
		if (frame->parts[i].size)
			memcpy(at, frame->parts[i].bytes, frame->parts[i].size);
		at += frame->parts[i].size;
	}
	good = lab_packet(thread, packet, head.length, frame->fds, frame->fd_count);
	free(packet);
	return good;
}

bool lab_request_frame(struct lab_thread *thread, const struct lab_frame *frame)
{
	LAB_CHECK(!thread->asked, "a request is under way");
	thread->asked = !(frame->flags & MACHD_REQUEST_UNANSWERED);
	thread->op = (uint16_t)frame->op;
	thread->sequence = frame->op == MACHD_OP_HELLO ? 0 : thread->sequence + 1;
	return send_frame(thread, frame, thread->sequence);
}

bool lab_request(struct lab_thread *thread, enum machd_op op, const void *head, size_t head_size,
		 const void *body, size_t body_size, const struct trap_fd *fd)
{
	struct lab_frame frame = {.op = op,
				  .parts = {{head, head_size}, {body, body_size}},
				  .fds = fd,
				  .fd_count = fd != NULL,
				  .flags = thread->request_flags};

	thread->request_flags = 0;
	return lab_request_frame(thread, &frame);
}

bool lab_cancel(struct lab_thread *thread)
{
	struct lab_frame frame = {.op = MACHD_OP_CANCEL};

	return send_frame(thread, &frame, thread->sequence);
}

uint8_t *lab_take_answer(struct lab_thread *thread, size_t *size)
{
	uint8_t *packet = thread->packet;

	LAB_CHECK(thread->asked && thread->answered, "there is no answer");
	*size = thread->size;
	thread->packet = NULL;
	thread->asked = thread->answered = false;
	return packet;
}

/* What the machine said to a hello; false if it said nothing, or no. */
static bool welcomed(struct lab_thread *thread, struct machd_welcome *welcome)
{
	uint8_t *packet;
	size_t size;

	if (!thread->answered)
		return false;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(!machd_welcome_unpack(packet + sizeof(struct machd_frame),
				       size - sizeof(struct machd_frame), welcome));
	free(packet);
	return welcome->version != 0;
}

bool lab_hello(struct lab_thread *thread, uint32_t role, struct lab_task *task)
{
	struct machd_hello hello = {.version_oldest = MACHD_PROTOCOL_VERSION,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = thread->lab->word,
				    .role = role,
				    .pid_namespace = 1,
				    .joins = task != NULL,
				    .inherits = thread->parent != NULL};
	uint8_t bytes[MACHD_HELLO_SIZE_MAX];
	struct machd_welcome welcome;
	size_t size;
	bool good;

	if (task)
		memcpy(hello.token, task->token, sizeof hello.token);
	if (thread->parent)
		memcpy(hello.parent, thread->parent, sizeof hello.parent);
	size = machd_hello_pack(&hello, bytes, sizeof bytes);
	LAB_TRUE(size > 0);
	good = lab_request(thread, MACHD_OP_HELLO, bytes, size, NULL, 0, NULL);
	if (!welcomed(thread, &welcome) || !good)
		return false;
	if (role == MACHD_ROLE_WATCH)
		return true;
	if (!task) {
		task = calloc(1, sizeof *task);
		LAB_TRUE(task);
		*task = (struct lab_task){.lab = thread->lab,
					  .id = welcome.task,
					  .uid = thread->uid,
					  .pid = thread->pid,
					  .self = welcome.self,
					  .host = welcome.host,
					  .bootstrap = welcome.bootstrap,
					  .thread = thread};
		memcpy(task->token, welcome.token, sizeof task->token);
	}
	LAB_TRUE(welcome.task == task->id);
	LAB_TRUE(welcome.self == task->self);
	thread->task = task;
	task->threads++;
	return true;
}

/* Connect and say hello; a thread that got nowhere is closed. */
static struct lab_thread *enter(struct lab *lab, uint32_t uid, int32_t pid, uint32_t role,
				struct lab_task *task)
{
	struct lab_thread *thread = lab_connect(lab, uid, pid);

	if (!thread)
		return NULL;
	if (lab_hello(thread, role, task))
		return thread;
	lab_close(thread);
	return NULL;
}

struct lab_task *lab_task(struct lab *lab, uint32_t uid)
{
	struct lab_thread *thread = enter(lab, uid, ++lab->last_pid, MACHD_ROLE_TASK, NULL);

	return thread ? thread->task : NULL;
}

struct lab_task *lab_fork(struct lab *lab, uint32_t uid, const uint8_t *parent)
{
	struct lab_thread *thread = lab_connect(lab, uid, ++lab->last_pid);

	if (!thread)
		return NULL;
	thread->parent = parent;
	return lab_hello(thread, MACHD_ROLE_TASK, NULL) ? thread->task : NULL;
}

struct lab_thread *lab_thread(struct lab_task *task)
{
	return enter(task->lab, task->uid, task->pid, MACHD_ROLE_TASK, task);
}

struct lab_thread *lab_watcher(struct lab *lab, uint32_t uid)
{
	return enter(lab, uid, ++lab->last_pid, MACHD_ROLE_WATCH, NULL);
}
