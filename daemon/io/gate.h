/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: the only place where io and the state machine meet. It owns the state machine, stamps
 * every input with the time, passes it to the recorder, and implements the outbox.
 *
 * The machine is never fed from inside one of its outbox calls. A channel that fails there is only
 * marked (gate_doom) and closed when the input is done (gate_settle).
 */
#pragma once

#include <uv.h>

#include "daemon/base/list.h"
#include "daemon/base/log.h"
#include "daemon/io/activate.h"
#include "daemon/io/boost.h"
#include "daemon/io/closer.h"
#include "daemon/io/order.h"
#include "daemon/io/turn.h"
#include "daemon/trap/trap.h"

struct channel;
struct record;

struct gate {
	uv_loop_t *loop;
	struct ipc_host *host;
	struct ipc_outbox outbox;
	struct record *record;	    /* NULL: not recording */
	bool discard_bad_signature; /* OnBadSignature=discard; changes with a reload */
	struct activator activator;
	struct boosts boosts;
	uint32_t inspect_group; /* InspectGroup=, a gid; changes with a reload */
	bool stopping;
	uint64_t last_channel;	/* id given to the newest channel */
	unsigned channel_count; /* open ones */
	struct list channels;	/* open ones, by channel->link */
	struct list doomed;	/* to be closed, by channel->pending */
	struct list starved;	/* sends to retry, by channel->pending; see gate_starve() */
	struct pace_job work;	/* waits for a turn while the machine has put off work */
	uv_timer_t again;	/* runs while channels are starved */
	uv_timer_t alarm;	/* the machine's alarm(), for its timers */
	struct turns turns;	/* the main loop */
	uint8_t *buffer;	/* two packets of GATE_BUFFER_SIZE: the one being read, and one */
				/* that order.h handles before it */
	struct order order;
	struct closer closer;
	uint64_t now;		    /* time of the last input, ns */
	unsigned batch;		    /* further inputs that may have the same time */
	struct log_limit drops[16]; /* by uid */
	struct log_limit warnings;

	/* Called when a channel was closed: a listener that ran out of descriptors can go on. */
	void (*has_room)(void *context);
	void *room_context;
};

/* A frame and one byte more, to notice that a packet is too long. */
#define GATE_BUFFER_SIZE (MACHD_FRAME_SIZE_MAX + 1)

/*
 * Start the state machine on `loop`, recorded by `record` if that is not NULL; the gate owns the
 * recorder from then on. False without memory: nothing is left to stop, and the recorder is closed.
 */
bool gate_start(struct gate *gate, uv_loop_t *loop, const struct trap_config *config,
		struct record *record);

/*
 * Stop the state machine and close all channels. The gate's handles are closed when the loop has
 * run once more; gate_free() after that.
 */
void gate_stop(struct gate *gate);
void gate_free(struct gate *gate);

/*
 * Feed one input; `now` is filled in here. Returns what trap_input() does. The caller calls
 * gate_settle() before it returns to the loop.
 */
const char *gate_feed(struct gate *gate, struct trap_input *input);

/*
 * The same for one of many inputs in a row that do not depend on the exact time: up to GATE_BATCH
 * of them share one reading of the clock, which is a tenth of the cost of a small message.
 */
#define GATE_BATCH 32
const char *gate_feed_among(struct gate *gate, struct trap_input *input);

/* Milliseconds from now, as the loop counts, to a deadline in ns. */
uint64_t gate_delay(const struct gate *gate, uint64_t deadline);

/*
 * Mark a channel to be closed when the current input is done. `breach`: which rule the peer broke,
 * for a line in the log; NULL if it is merely gone.
 */
void gate_doom(struct gate *gate, struct channel *channel, const char *breach);

/* Feed TRAP_WORK; there must be some. */
void gate_work(struct gate *gate);

/* Close all channels that were marked, and have work that the machine has put off continued. */
void gate_settle(struct gate *gate);

/* The kernel is short of memory for this channel's answer: call channel_retry() after a while. */
void gate_starve(struct gate *gate, struct channel *channel);

/* Log a line about a peer, rate-limited by uid. */
void gate_report(struct gate *gate, const struct trap_peer *peer, const char *what,
		 const char *why);

/* The time of day was set: ns from the clock of uv_hrtime() to it. */
void gate_set_calendar(struct gate *gate, uint64_t calendar);

/* Put new rules for service names in force, and the plans to start them, which must stay. */
void gate_set_names(struct gate *gate, const struct boot_policy *names, const struct plans *plans);

/* Put another policy in force. */
void gate_set_policy(struct gate *gate, const struct ipc_policy *policy);

/* Put new limits in force. */
void gate_set_limits(struct gate *gate, const struct machd_limits *limits);
