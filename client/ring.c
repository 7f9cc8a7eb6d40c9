/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames through memory shared with the daemon: no system call as long as both are awake. A
 * sleeping daemon is woken by its eventfd. The thread waits in three steps: it yields the CPU for a
 * moment; then it sleeps on a futex in the ring; and after NAP_NS on its socket, where it notices
 * the daemon's end as well, and receives what comes there.
 */
#include "client/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "protocol/ring.h"
#include "protocol/wait.h"

/* How long to sleep on the futex, which does not notice the daemon's end. */
#define NAP_NS 20000000

struct mi_ring {
	struct machd_rings *shared;
	struct machd_ring out, in; /* submission, completion */
	int memory;		   /* the file that is `shared` */
	int bell;		   /* wakes the daemon */
	struct machd_wait wait;
};

static struct {
	uint32_t after; /* calls of a thread; UINT32_MAX: never */
	uint64_t spin;	/* ns */
} config = {MACHD_RING_AFTER, MACHD_SPIN_US_DEFAULT *UINT64_C(1000)};

/* A number out of the environment, at most `most`; `otherwise` if it is none. */
static uint32_t number(const char *name, uint32_t most, uint32_t otherwise)
{
	const char *text = secure_getenv(name);
	char *end;
	unsigned long value;

	if (!text || *text < '0' || *text > '9')
		return otherwise;
	value = strtoul(text, &end, 10);
	if (*end != '\0')
		return otherwise;
	return value < most ? (uint32_t)value : most;
}

void mi_ring_configure(void)
{
	config.after = number("MACHD_RING_AFTER", UINT32_MAX, MACHD_RING_AFTER);
	if (number("MACHD_RING", 1, 1) == 0)
		config.after = UINT32_MAX;
	config.spin =
		1000 * (uint64_t)number("MACHD_SPIN_US", MACHD_SPIN_US_MAX, MACHD_SPIN_US_DEFAULT);
}

/* Beginning and end. */

static struct mi_ring *make(int memory, int bell)
{
	bool good = mi_keeps(memory, sizeof(struct machd_rings)) == 0;
	struct mi_ring *ring = good ? calloc(1, sizeof *ring) : NULL;
	void *shared;

	if (!ring)
		return NULL;
	shared = mmap(NULL, sizeof *ring->shared, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (shared == MAP_FAILED) {
		free(ring);
		return NULL;
	}
	madvise(shared, sizeof *ring->shared, MADV_DONTFORK);
	ring->shared = shared;
	machd_ring_init(&ring->out, shared, false);
	machd_ring_init(&ring->in, shared, true);
	ring->memory = memory;
	ring->bell = bell;
	ring->wait.spin = config.spin;
	return ring;
}

/*
 * A channel for which the daemon, or this process, has no ring goes on without. The daemon does not
 * answer through one that nothing has come through.
 */
static int ask(struct mi_channel *channel)
{
	struct machd_frame request;
	struct {
		struct machd_frame frame;
		struct machd_ring_answer answer;
	} reply = {0};
	struct iovec out = {&request, sizeof request}, in = {&reply, sizeof reply};
	struct mi_answer came = {.parts = &in, .count = 1};
	int error = mi_request(channel, MACHD_OP_RING, &out, 1, NULL);

	if (error == ENOBUFS || error == ENOMEM) {
		channel->asked = MI_RING_UNASKED;
		return 0;
	}
	if (error == 0)
		error = mi_answer(channel, &came);
	if (error)
		return error;
	if (reply.frame.op != (MACHD_OP_RING | MACHD_OP_ANSWER) || came.size != sizeof reply) {
		mi_fds_close(&came.fds);
		return EPROTO;
	}
	if (came.fds.count == MACHD_RING_FDS)
		channel->ring = make(came.fds.fd[0], came.fds.fd[1]);
	if (channel->ring)
		came.fds.count = 0;
	else if (reply.frame.fds)
		channel->asked = MI_RING_USELESS;
	mi_fds_close(&came.fds);
	return 0;
}

int mi_ring_want(struct mi_channel *channel)
{
	if (channel->ring || channel->asked || channel->calls++ < config.after)
		return 0;
	channel->asked = MI_RING_ASKED;
	return ask(channel);
}

void mi_ring_free(struct mi_ring *ring, bool in_child)
{
	if (!ring)
		return;
	close(ring->memory);
	close(ring->bell);
	if (!in_child)
		munmap(ring->shared, sizeof *ring->shared);
	free(ring);
}

/* Requests. */

/* Parts but the first are the program's memory, which may not be there. */
static bool put_part(struct mi_ring *ring, const struct iovec *part, bool ours)
{
	const char *from = part->iov_base;
	uint32_t left = (uint32_t)part->iov_len, size;

	if (ours || left == 0 || mi_known(from, left)) {
		machd_ring_add(&ring->out, from, left);
		return true;
	}
	for (; left > 0; left -= size) {
		void *to;

		size = left;
		to = machd_ring_room(&ring->out, &size);
		if (!mi_fetch(to, from, size))
			return false;
		from += size;
	}
	return true;
}

/*
 * By write(), but as no cancellation point. That a daemon is gone is noticed when its answer does
 * not come.
 */
static void wake_daemon(const struct mi_ring *ring)
{
	static const uint64_t one = 1;
	int saved_errno = errno;

	syscall(SYS_write, ring->bell, &one, sizeof one);
	errno = saved_errno;
}

int mi_ring_put(struct mi_ring *ring, const struct iovec *parts, int count, uint32_t length,
		bool present)
{
	enum machd_ring_state state = machd_ring_begin(&ring->out, MACHD_RECORD_FRAME, length);

	if (length > MACHD_FRAME_SIZE_MAX)
		state = MACHD_RING_EMPTY;
	if (state != MACHD_RING_READY) {
		machd_ring_abandon(&ring->out);
		return state == MACHD_RING_BROKEN ? ECONNRESET : EAGAIN;
	}
	for (int i = 0; i < count; i++) {
		if (!mi_possible(parts[i].iov_base) ||
		    !put_part(ring, &parts[i], present || i == 0)) {
			machd_ring_abandon(&ring->out);
			return EFAULT;
		}
	}
	return 0;
}

void mi_ring_let_go(struct mi_ring *ring, bool waits)
{
	if (waits)
		machd_ring_set_cpu(&ring->out, (uint32_t)sched_getcpu());
	machd_ring_publish(&ring->out);
	if (machd_ring_wake(&ring->out) != MACHD_RING_AWAKE)
		wake_daemon(ring);
}

void mi_ring_take_back(struct mi_ring *ring)
{
	machd_ring_abandon(&ring->out);
}

/* Waiting. */

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Is the daemon on this CPU? */
static bool is_near(const struct mi_ring *ring)
{
	return machd_ring_cpu(&ring->in) == (uint32_t)sched_getcpu();
}

/* Go on to look while yields are no good. */
static enum machd_ring_state look_for(struct mi_ring *ring, uint64_t time)
{
	enum machd_ring_state state = MACHD_RING_EMPTY;
	uint64_t start = time;

	while (state == MACHD_RING_EMPTY && !is_near(ring) &&
	       machd_wait_looks(&ring->wait, start, time)) {
		state = machd_ring_look(&ring->in);
		time = now();
	}
	return state;
}

/* Yield as long as the rule says, or until there is something. */
static enum machd_ring_state yield_for(struct mi_ring *ring)
{
	uint64_t start = now(), before = start, after;
	enum machd_ring_state state = MACHD_RING_EMPTY;

	machd_wait_begin(&ring->wait);
	while (state == MACHD_RING_EMPTY && ring->wait.patience &&
	       machd_wait_yields(&ring->wait, start, before)) {
		sched_yield();
		after = now();
		machd_wait_yielded(&ring->wait, before, after);
		start += machd_wait_shares(&ring->wait, after - before, is_near(ring));
		state = machd_ring_look(&ring->in);
		before = after;
	}
	machd_wait_end(&ring->wait, state != MACHD_RING_EMPTY);
	return state == MACHD_RING_EMPTY ? look_for(ring, before) : state;
}

/* Like ppoll(), this is not restarted behind a handler's back: it has a time-out. */
static int futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	static const struct {
		int64_t seconds, nanoseconds;
	} nap = {0, NAP_NS};
#ifdef SYS_futex_time64
	long call = SYS_futex_time64;
#else
	long call = SYS_futex;
#endif

	return syscall(call, word, FUTEX_WAIT, value, &nap, NULL, 0) == 0 ? 0 : errno;
}

/* What is in the ring: the answer, or that it is on the socket. */
static void know_way(struct mi_channel *channel)
{
	struct machd_ring *in = &channel->ring->in;

	if (in->record.type == MACHD_RECORD_PACKET) {
		machd_ring_consume(in);
		channel->way = MI_WAY_SOCKET;
	} else {
		channel->way = MI_WAY_RING;
	}
}

/* The daemon has seen us asleep on the socket: it sends a packet, if not with an answer. */
static enum mi_ring_end drop_look(struct mi_channel *channel)
{
	struct machd_frame look;
	ssize_t size;

	do
		size = recv(channel->fd, &look, sizeof look, 0);
	while (size < 0 && (errno == EINTR || errno == EAGAIN));
	return size == sizeof look ? MI_RING_KNOWN : MI_RING_ERROR;
}

/* Sleep where packets are noticed, unless something has come already. */
static enum mi_ring_end sleep_on_socket(struct mi_channel *channel)
{
	struct machd_ring *in = &channel->ring->in;
	enum machd_ring_state state;

	machd_ring_doze(in, MACHD_RING_ON_SOCKET);
	state = machd_ring_look(in);
	channel->way = MI_WAY_SLEEP;
	if (state == MACHD_RING_EMPTY)
		return MI_RING_KNOWN;
	if (state == MACHD_RING_BROKEN)
		return MI_RING_ERROR;
	know_way(channel);
	if (machd_ring_rouse(in) == MACHD_RING_AWAKE && channel->way == MI_WAY_RING)
		return drop_look(channel);
	return MI_RING_KNOWN;
}

enum mi_ring_end mi_ring_wait(struct mi_channel *channel, bool held)
{
	struct mi_ring *ring = channel->ring;
	enum machd_ring_state state = machd_ring_look(&ring->in);
	int error = held ? ETIMEDOUT : 0;

	if (state == MACHD_RING_EMPTY)
		state = yield_for(ring);
	while (state == MACHD_RING_EMPTY && error != ETIMEDOUT) {
		machd_ring_doze(&ring->in, MACHD_RING_ASLEEP);
		state = machd_ring_look(&ring->in);
		if (state == MACHD_RING_EMPTY)
			error = futex_wait(&ring->in.words->asleep, MACHD_RING_ASLEEP);
		machd_ring_rouse(&ring->in);
		if (state == MACHD_RING_EMPTY)
			state = machd_ring_look(&ring->in);
		if (state == MACHD_RING_EMPTY && error == EINTR)
			return MI_RING_SIGNAL;
	}
	if (state == MACHD_RING_EMPTY)
		return sleep_on_socket(channel);
	if (state == MACHD_RING_BROKEN)
		return MI_RING_ERROR;
	know_way(channel);
	return MI_RING_KNOWN;
}

int mi_ring_woken(struct mi_channel *channel)
{
	struct machd_ring *in = &channel->ring->in;
	enum machd_ring_state state = machd_ring_look(in);
	bool announced = state == MACHD_RING_READY && in->record.type == MACHD_RECORD_PACKET;

	channel->way = MI_WAY_SOCKET;
	if (announced)
		machd_ring_consume(in);
	return announced || state == MACHD_RING_EMPTY ? 0 : ECONNRESET;
}

/* Answers. */

/* The kernel copies as fast out of a file as it says what is there. */
static bool take_part(const struct mi_ring *ring, uint32_t offset, const struct iovec *part,
		      uint32_t left, bool ours)
{
	char *to = part->iov_base;
	uint32_t size;

	if (ours || mi_known(to, left)) {
		machd_ring_copy(&ring->in, offset, to, left);
		return true;
	}
	for (; left > 0; left -= size) {
		const char *from;

		size = left;
		from = machd_ring_piece(&ring->in, offset, &size);
		if (mi_drain(ring->memory, to, size,
			     (uint64_t)(from - (const char *)ring->shared)) != 0)
			return false;
		to += size;
		offset += size;
	}
	return true;
}

int mi_ring_take(struct mi_ring *ring, struct mi_answer *answer)
{
	struct machd_ring *in = &ring->in;
	uint32_t offset = 0, size;

	answer->fds.count = 0;
	answer->lost_fd = answer->fault = false;
	if (machd_ring_look(in) != MACHD_RING_READY || in->record.type != MACHD_RECORD_FRAME ||
	    in->record.length < sizeof(struct machd_frame))
		return ECONNRESET;
	for (int i = 0; i < answer->count && !answer->fault; i++) {
		size = in->record.length - offset;
		if (size > answer->parts[i].iov_len)
			size = (uint32_t)answer->parts[i].iov_len;
		answer->fault = size && !take_part(ring, offset, &answer->parts[i], size, i == 0);
		offset += size;
	}
	answer->size = offset < in->record.length ? SIZE_MAX : offset;
	if (answer->fault)
		answer->size = 0;
	if (!answer->peek)
		machd_ring_consume(in);
	return 0;
}
