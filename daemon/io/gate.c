/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate between sockets and the state machine: inputs in, outbox calls out, in one thread and
 * one at a time. See gate.h for the rule that keeps the two directions apart.
 */
#include "daemon/io/gate.h"

#include <inttypes.h>
#include <mach/clock_types.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/io/bell.h"
#include "daemon/io/channel.h"
#include "daemon/io/creds.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/memory.h"
#include "daemon/io/usage.h"
#include "daemon/keep/record.h"

#define STARVED_RETRY_MS 20

/* The outbox. */

static void out_answer(void *context, struct ipc_thread *thread, const struct ipc_answer *answer)
{
	(void)context;
	channel_send(trap_cookie(thread), answer);
}

static void out_timer(void *context, struct ipc_thread *thread, uint64_t deadline)
{
	(void)context;
	channel_set_timer(trap_cookie(thread), deadline);
}

static void on_alarm(uv_timer_t *timer)
{
	struct gate *gate = timer->data;
	struct trap_input input = {.kind = TRAP_ALARM};

	gate_feed(gate, &input);
	gate_settle(gate);
}

static void out_alarm(void *context, uint64_t deadline)
{
	struct gate *gate = context;

	if (deadline == 0)
		uv_timer_stop(&gate->alarm);
	else
		uv_timer_start(&gate->alarm, on_alarm, gate_delay(gate, deadline), 0);
}

static void out_release(void *context, ipc_fd_t fd)
{
	struct gate *gate = context;

	closer_close(&gate->closer, fdcheck_fd(fd));
}

static void out_corrupt(void *context, const char *message)
{
	struct gate *gate = context;

	log_error("memory is corrupt: the signature of a queued message is wrong: %s", message);
	if (gate->discard_bad_signature)
		return;
	if (gate->record)
		record_flush(gate->record);
	abort();
}

static void out_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	struct gate *gate = context;
	int error = boosts_set(&gate->boosts, pid, uid, on);

	if (error && log_limit_pass(&gate->warnings, uv_hrtime()))
		log_warning("ImportanceNice= has no effect on pid %" PRId32 ": %s", pid,
			    strerror(error));
}

static void out_warn(void *context, const char *text)
{
	struct gate *gate = context;

	if (log_limit_pass(&gate->warnings, uv_hrtime()))
		log_warning("%s", text);
}

static void out_ring(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on)
{
	(void)context;
	bell_set(fdcheck_fd(ring), fdcheck_fd(quiet), on);
}

static void out_start(void *context, uint64_t id, const char *service, uint64_t deadline)
{
	struct gate *gate = context;

	activator_start(&gate->activator, id, service, deadline);
}

static void out_started(void *context, uint64_t id, bool checked_in)
{
	struct gate *gate = context;

	activator_started(&gate->activator, id, checked_in);
}

static void out_board(void *context, struct ipc_thread *thread, ipc_fd_t fd)
{
	(void)context;
	channel_set_board(trap_cookie(thread), fd);
}

static void out_window(void *context, struct ipc_thread *thread, unsigned index,
		       machd_window_t window)
{
	(void)context;
	channel_set_window(trap_cookie(thread), index, window);
}

static void out_lend(void *context, struct ipc_thread *thread, uint32_t count)
{
	(void)context;
	channel_lend(trap_cookie(thread), count);
}

static uint32_t out_settle(void *context, struct ipc_thread *thread, bool over)
{
	(void)context;
	return channel_settle(trap_cookie(thread), over);
}

static bool out_usage(void *context, int32_t pid, struct ipc_usage *usage)
{
	(void)context;
	return usage_of(pid, usage);
}

static ipc_fd_t out_memory(void *context, const void *bytes, size_t size)
{
	(void)context;
	return memory_of(bytes, size);
}

/* Work of the machine that was put off, and channels that the kernel had no memory for. */

void gate_work(struct gate *gate)
{
	struct trap_input input = {.kind = TRAP_WORK};

	gate_feed(gate, &input);
	gate_settle(gate);
}

static void do_work(struct pace_job *job)
{
	gate_work(list_entry(job, struct gate, work));
}

static void on_again(uv_timer_t *handle)
{
	struct gate *gate = handle->data;
	struct list now = LIST_INIT(now);
	struct channel *channel;

	list_splice(&now, &gate->starved);
	while ((channel = list_first(&now, struct channel, pending))) {
		list_remove(&channel->pending);
		channel_retry(channel);
	}
	gate_settle(gate);
}

void gate_starve(struct gate *gate, struct channel *channel)
{
	list_remove(&channel->pending);
	list_append(&gate->starved, &channel->pending);
	if (!uv_is_active((uv_handle_t *)&gate->again))
		uv_timer_start(&gate->again, on_again, STARVED_RETRY_MS, 0);
}

/* Feeding. */

uint64_t gate_delay(const struct gate *gate, uint64_t deadline)
{
	/* The loop counts whole milliseconds of the same clock: rounded up, it is never early. */
	uint64_t now = uv_now(gate->loop);
	uint64_t ms = deadline / NSEC_PER_MSEC + (deadline % NSEC_PER_MSEC != 0);

	return ms > now ? ms - now : 0;
}

static const char *feed(struct gate *gate, struct trap_input *input)
{
	input->now = gate->now;
	if (gate->record)
		return record_input(gate->record, gate->host, input);
	return trap_input(gate->host, input);
}

const char *gate_feed(struct gate *gate, struct trap_input *input)
{
	gate->now = uv_hrtime();
	gate->batch = 0;
	return feed(gate, input);
}

const char *gate_feed_among(struct gate *gate, struct trap_input *input)
{
	const char *why;
	unsigned left = gate->batch;

	if (left == 0) {
		why = gate_feed(gate, input);
		gate->batch = GATE_BATCH - 1;
	} else {
		why = feed(gate, input);
		gate->batch = left - 1;
	}
	return why;
}

void gate_report(struct gate *gate, const struct trap_peer *peer, const char *what, const char *why)
{
	struct log_limit *limit = &gate->drops[peer->uid % 16];

	if (log_limit_pass(limit, uv_hrtime()))
		log_warning("%s pid %" PRId32 " of uid %" PRIu32 ": %s", what, peer->pid, peer->uid,
			    why);
}

void gate_doom(struct gate *gate, struct channel *channel, const char *breach)
{
	if (channel->doomed)
		return;
	channel->doomed = true;
	channel->breach = breach;
	list_remove(&channel->pending);
	list_append(&gate->doomed, &channel->pending);
}

static void close_doomed(struct gate *gate, struct channel *channel)
{
	struct trap_input input = {.kind = TRAP_DISCONNECT, .thread = channel->thread};

	if (channel->breach)
		gate_report(gate, &channel->peer, "dropped", channel->breach);
	else
		log_debug("pid %" PRId32 " closed channel %" PRIu64, channel->peer.pid,
			  channel->id);
	channel_close(channel);
	gate_feed(gate, &input);
}

void gate_settle(struct gate *gate)
{
	struct channel *channel;

	/* A disconnect can make answers to others fail, which marks more of them. */
	while ((channel = list_first(&gate->doomed, struct channel, pending)))
		close_doomed(gate, channel);
	if (trap_has_work(gate->host) && !trap_has_pages(gate->host))
		pace_wait(&gate->turns.pace, &gate->work, gate->now);
	else
		pace_drop(&gate->turns.pace, &gate->work, gate->now);
}

void gate_set_limits(struct gate *gate, const struct machd_limits *limits)
{
	struct trap_input input = {.kind = TRAP_LIMITS, .limits = limits};

	gate_feed(gate, &input);
	gate_settle(gate);
}

void gate_set_policy(struct gate *gate, const struct ipc_policy *policy)
{
	struct trap_input input = {.kind = TRAP_POLICY, .policy = policy};

	gate_feed(gate, &input);
	gate_settle(gate);
}

void gate_set_names(struct gate *gate, const struct boot_policy *names, const struct plans *plans)
{
	struct trap_input input = {.kind = TRAP_NAMES, .names = names};

	gate->activator.plans = plans;
	gate_feed(gate, &input);
	gate_settle(gate);
}

void gate_set_calendar(struct gate *gate, uint64_t calendar)
{
	struct trap_input input = {.kind = TRAP_CALENDAR, .calendar = calendar};

	gate_feed(gate, &input);
	gate_settle(gate);
}

/* Beginning and end. */

static void set_up(struct gate *gate, uv_loop_t *loop, const struct trap_config *config)
{
	*gate = (struct gate){
		.loop = loop,
		.discard_bad_signature = config->discard_bad_signature,
		.inspect_group = CREDS_NO_GROUP,
		.outbox = {gate, out_answer, out_timer, out_alarm, out_release, out_corrupt,
			   out_boost, out_warn, out_ring, out_start, out_started, out_board,
			   out_window, out_lend, out_settle, out_usage, out_memory},
	};
	boosts_init(&gate->boosts);
	list_init(&gate->channels);
	list_init(&gate->doomed);
	list_init(&gate->starved);
	order_init(&gate->order);
	closer_init(&gate->closer);
}

bool gate_start(struct gate *gate, uv_loop_t *loop, const struct trap_config *config,
		struct record *record)
{
	const struct ipc_outbox *outbox = &gate->outbox;

	set_up(gate, loop, config);
	if (record)
		outbox = record_outbox(record, outbox);
	gate->buffer = mem_alloc(2 * (size_t)GATE_BUFFER_SIZE);
	if (gate->buffer && turns_start(&gate->turns, gate)) {
		gate->host = trap_start(config, outbox);
		if (!gate->host)
			turns_stop(&gate->turns);
	}
	if (!gate->host) {
		order_stop(&gate->order);
		closer_stop(&gate->closer);
		mem_free(gate->buffer);
		if (record)
			record_close(record);
		return false;
	}
	gate->record = record;
	activator_init(&gate->activator, gate);
	pace_job_init(&gate->work, &gate->turns.pace.upkeep, do_work);
	uv_timer_init(loop, &gate->again);
	uv_timer_init(loop, &gate->alarm);
	gate->again.data = gate->alarm.data = gate;
	return true;
}

void gate_stop(struct gate *gate)
{
	struct channel *channel;

	gate->stopping = true;
	if (gate->record)
		record_stop(gate->record, gate->host);
	else
		trap_stop(gate->host);
	while ((channel = list_first(&gate->channels, struct channel, link)))
		channel_close(channel);
	activator_stop(&gate->activator);
	order_stop(&gate->order);
	closer_stop(&gate->closer);
	turns_stop(&gate->turns);
	uv_close((uv_handle_t *)&gate->again, NULL);
	uv_close((uv_handle_t *)&gate->alarm, NULL);
}

void gate_free(struct gate *gate)
{
	mem_free(gate->buffer);
}
