/* SPDX-License-Identifier: Apache-2.0 */
/* Frames through memory that a client shares with us, and may write to at any time. */
#include "daemon/io/ring.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/mem.h"
#include "daemon/io/channel.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "daemon/io/turn.h"

/* The cost of a small message of a stream, including its share of waking others. */
#define STREAM_NS 500

/* A handle to memory that the client cannot shrink under us. */
static ipc_fd_t make_memory(void)
{
	static const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	ipc_fd_t handle = fdcheck_own(memfd_create("machd-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	int fd = fdcheck_fd(handle);

	if (handle == IPC_FD_NONE)
		return IPC_FD_NONE;
	if (ftruncate(fd, sizeof(struct machd_rings)) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0)
		return handle;
	close(fd);
	return IPC_FD_NONE;
}

static bool map_memory(struct ring *ring, ipc_fd_t memory)
{
	void *shared = mmap(NULL, sizeof *ring->shared, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fdcheck_fd(memory), 0);

	if (shared == MAP_FAILED)
		return false;
	ring->shared = shared;
	machd_ring_init(&ring->in, shared, false);
	machd_ring_init(&ring->out, shared, true);
	return true;
}

static bool make_bell(struct ring *ring)
{
	ring->bell = fdcheck_fd(fdcheck_own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
	return ring->bell >= 0 && turn_watch(&ring->channel->gate->turns, ring);
}

/* The payer's turn has come. */
static void run(struct pace_job *job)
{
	struct ring *ring = list_entry(job, struct ring, job);
	struct gate *gate = ring->channel->gate;

	ring_serve(ring);
	gate_settle(gate);
}

static bool fill(struct ring *ring, ipc_fd_t fds[MACHD_RING_FDS])
{
	fds[0] = make_memory();
	if (fds[0] == IPC_FD_NONE)
		return false;
	if (map_memory(ring, fds[0]) && make_bell(ring)) {
		fds[1] = fdcheck_own(fcntl(ring->bell, F_DUPFD_CLOEXEC, 0));
		if (fds[1] != IPC_FD_NONE)
			return true;
	}
	close(fdcheck_fd(fds[0]));
	return false;
}

bool ring_make(struct channel *channel, ipc_fd_t fds[MACHD_RING_FDS])
{
	struct ring *ring = mem_alloc(sizeof *ring);

	if (!ring)
		return false;
	list_init(&ring->active);
	ring->channel = channel;
	pace_job_init(&ring->job, channel->event.job.payer, run);
	ring->bell = -1;
	if (!fill(ring, fds)) {
		ring_free(ring);
		return false;
	}
	channel->ring = ring;
	order_ringed(channel->gate, channel);
	turn_activate(&channel->gate->turns, ring);
	return true;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	list_remove(&ring->active);
	pace_drop(&ring->channel->gate->turns.pace, &ring->job, uv_hrtime());
	if (ring->bell >= 0) {
		turn_forget(&ring->channel->gate->turns, ring);
		close(ring->bell);
	}
	if (ring->shared)
		munmap(ring->shared, sizeof *ring->shared);
	mem_free(ring);
}

/* Receiving. */

/* Which rule a record breaks; NULL: none. */
static const char *record_breach(const struct machd_record *record)
{
	if (record->type != MACHD_RECORD_FRAME)
		return "there is something in its ring that is no frame";
	if (record->length == 0)
		return "a record in its ring is empty";
	if (record->length > MACHD_FRAME_SIZE_MAX)
		return "a record in its ring is longer than a frame may be";
	return NULL;
}

/* Tell pace.c and slice.c of a frame: a call, or a message of a stream. */
static void note_kind(struct ring *ring, bool streams, uint64_t now)
{
	struct turns *turns = &ring->channel->gate->turns;
	struct pace *pace = &turns->pace;

	slice_note(&turns->slice, ring->channel, streams,
		   turns->far && machd_wait_yields(&turns->wait, now, now), now);
	if (streams)
		pace_spent(pace, ring->job.payer, STREAM_NS, now);
	else
		pace_called(pace, now);
}

/* Copy the record once, out of the client's reach, then handle it. */
static const char *feed_record(struct ring *ring, uint8_t *buffer, bool in_turn)
{
	struct channel *channel = ring->channel;
	uint64_t stamp = ORDER_LAST;
	const char *breach = record_breach(&ring->in.record);
	bool unanswered;
	struct trap_input input = {
		.kind = TRAP_FRAME,
		.thread = channel->thread,
		.packet = buffer,
		.size = ring->in.record.length,
	};

	if (breach)
		return breach;
	machd_ring_copy(&ring->in, 0, buffer, ring->in.record.length);
	machd_ring_consume(&ring->in);
	ring->used = true;
	unanswered = machd_frame_unanswered(buffer, input.size, &stamp);
	if (!unanswered)
		channel_show_windows(channel);
	if (in_turn)
		order_before(channel->gate, channel, stamp);
	breach = unanswered ? gate_feed_among(channel->gate, &input)
			    : gate_feed(channel->gate, &input);
	ring->last = channel->gate->turns.last = input.now;
	note_kind(ring, machd_frame_streams(buffer, input.size), input.now);
	return breach;
}

unsigned ring_serve(struct ring *ring)
{
	struct channel *channel = ring->channel;
	const char *breach = NULL;
	unsigned count = 0;

	while (count < RING_FRAMES && !channel->doomed && list_empty(&channel->unsent)) {
		enum machd_ring_state state = machd_ring_look(&ring->in);

		if (state == MACHD_RING_EMPTY)
			break;
		count++;
		breach = state == MACHD_RING_READY ? feed_record(ring, channel->gate->buffer, true)
						   : "its ring is broken";
		if (breach)
			gate_doom(channel->gate, channel, breach);
	}
	channel->gate->batch = 0; /* the next input has a time of its own */
	return count;
}

bool ring_waits(struct ring *ring, uint64_t now)
{
	struct pace *pace = &ring->channel->gate->turns.pace;
	struct machd_frame frame;

	if (pace_job_waits(&ring->job))
		return true;
	if (pace_rich(ring->job.payer) || !list_empty(&ring->channel->unsent) ||
	    pace_admits(pace, ring->job.payer, now) ||
	    !machd_frame_streams(&frame, ring_peek(ring, &frame, sizeof frame)))
		return false;
	pace_wait(pace, &ring->job, now);
	return true;
}

size_t ring_peek(struct ring *ring, void *bytes, size_t size)
{
	if (machd_ring_look(&ring->in) != MACHD_RING_READY)
		return 0;
	if (size > ring->in.record.length)
		size = ring->in.record.length;
	machd_ring_copy(&ring->in, 0, bytes, (uint32_t)size);
	return size;
}

bool ring_serve_one(struct ring *ring, uint8_t *buffer)
{
	const char *breach;

	if (machd_ring_look(&ring->in) != MACHD_RING_READY)
		return false;
	breach = feed_record(ring, buffer, false);
	if (breach)
		gate_doom(ring->channel->gate, ring->channel, breach);
	return true;
}

bool ring_drained(struct ring *ring)
{
	return ring_serve(ring) < RING_FRAMES && !ring->channel->doomed &&
	       list_empty(&ring->channel->unsent);
}

/* Sending. */

/* The client is blocked on its socket: send a packet that tells it to look into the ring. */
static void send_look(struct ring *ring)
{
	struct machd_frame frame = {.length = sizeof frame, .op = MACHD_OP_LOOK | MACHD_OP_ANSWER};
	struct ipc_answer look = {.packet = &frame, .size = sizeof frame};

	channel_send_packets(ring->channel, &look);
}

/* Publish what was put into the ring and wake the client; `packets`: something follows on the
 * socket.
 */
static void publish(struct ring *ring, bool packets)
{
	uint32_t cpu = (uint32_t)sched_getcpu();

	machd_ring_set_cpu(&ring->out, cpu);
	ring->channel->gate->turns.far = machd_ring_cpu(&ring->in) != cpu;
	machd_ring_publish(&ring->out);
	switch (machd_ring_wake(&ring->out)) {
	case MACHD_RING_AWAKE:
		break;
	case MACHD_RING_ON_SOCKET:
		if (!packets)
			send_look(ring);
		break;
	default: /* the word is the client's: anything else means asleep */
		syscall(SYS_futex, &ring->out.words->asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static enum machd_ring_state put(struct ring *ring, enum machd_record_type type, const void *bytes,
				 size_t size)
{
	enum machd_ring_state state = machd_ring_begin(&ring->out, type, (uint32_t)size);

	if (state == MACHD_RING_READY)
		machd_ring_add(&ring->out, bytes, (uint32_t)size);
	else
		machd_ring_abandon(&ring->out);
	return state;
}

/* Put both frames of an answer into the ring; EMPTY: it has descriptors, or there is no room. */
static enum machd_ring_state put_answer(struct ring *ring, const struct ipc_answer *answer)
{
	enum machd_ring_state state = MACHD_RING_EMPTY;

	if (answer->fd_count == 0)
		state = put(ring, MACHD_RECORD_FRAME, answer->packet, answer->size);
	if (state == MACHD_RING_READY && answer->memory_size)
		state = put(ring, MACHD_RECORD_FRAME, answer->memory, answer->memory_size);
	return state;
}

enum ring_way ring_send(struct ring *ring, const struct ipc_answer *answer)
{
	enum machd_ring_state state;
	bool packets;

	turn_activate(&ring->channel->gate->turns, ring);
	if (machd_ring_sleeps(&ring->out) == MACHD_RING_ON_SOCKET &&
	    machd_ring_rouse(&ring->out) == MACHD_RING_ON_SOCKET)
		return RING_SOCKET;
	state = ring->used ? put_answer(ring, answer) : MACHD_RING_EMPTY;
	packets = state == MACHD_RING_EMPTY;
	if (packets)
		state = put(ring, MACHD_RECORD_PACKET, NULL, 0);
	if (state == MACHD_RING_EMPTY && !ring->used)
		return RING_SOCKET; /* nobody looks into it */
	if (state != MACHD_RING_READY)
		return RING_BROKEN;
	publish(ring, packets);
	return packets ? RING_SOCKET : RING_SENT;
}
