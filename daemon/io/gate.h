/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: the one place where the world and the state machine meet. It owns the state machine,
 * stamps every input with the time, lets the recorder see it, and carries out what the machine asks
 * for through its outbox.
 *
 * The machine is never fed from inside one of its own outbox calls. A channel that fails there is
 * only marked (gate_doom) and closed when the input is done (gate_settle).
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
	bool discard_bad_signature; /* may be set once it has started */
	struct activator activator;
	struct boosts boosts;
	uint32_t inspect_group; /* gid of who may see all: may be set once it has started */
	bool stopping;
	uint64_t last_channel;	/* id given to the newest channel */
	unsigned channel_count; /* open ones */
	struct list channels;	/* open ones, by channel->link */
	struct list doomed;	/* to be closed, by channel->pending */
	struct list starved;	/* to try again to send, by channel->pending */
	struct pace_job work;	/* waits while the machine has work put off */
	uv_timer_t again;	/* runs while channels are starved */
	uv_timer_t alarm;	/* the machine's own, for its timers */
	struct turns turns;	/* whose ring is looked at when */
	uint8_t *buffer;	/* of channels: the packet being read, GATE_BUFFER_SIZE, */
				/* and as much for one that comes before it */
	struct order order;
	struct closer closer;
	uint64_t now;		    /* when the last input came, ns */
	unsigned batch;		    /* inputs that may still be said to have come then */
	struct log_limit drops[16]; /* by uid */
	struct log_limit warnings;

	/* Called when a channel was closed, so that a listener that had no room can go on. */
	void (*has_room)(void *context);
	void *room_context;
};

/* A frame and one byte, to see that a packet was too long. */
#define GATE_BUFFER_SIZE (MACHD_FRAME_SIZE_MAX + 1)

/*
 * Start the state machine on `loop`, written down by `record` if that is not NULL; the gate owns
 * the recorder then. false without memory; nothing is left to stop then, and the recorder is
 * closed.
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
 * The same for one of many that come in a row and that time means little to: most of them come when
 * the one before them did. To read the clock is a tenth of what a small message costs.
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

/* Feed a turn of work that was put off, of which there must be some. */
void gate_work(struct gate *gate);

/* Close all channels that were marked, and see to it that put-off work goes on. */
void gate_settle(struct gate *gate);

/* Have channel_retry() called for this channel in a while. */
void gate_starve(struct gate *gate, struct channel *channel);

/* A line about a peer, unless there were too many about its uid lately. */
void gate_report(struct gate *gate, const struct trap_peer *peer, const char *what,
		 const char *why);

/* The time of day was set: ns from the clock of uv_hrtime() to it. */
void gate_set_calendar(struct gate *gate, uint64_t calendar);

/*
 * Put other rules for service names in force, and other plans for their starts, which must outlive
 * them.
 */
void gate_set_names(struct gate *gate, const struct boot_policy *names, const struct plans *plans);

/* Put another policy in force. */
void gate_set_policy(struct gate *gate, const struct ipc_policy *policy);

/* Put new limits in force. */
void gate_set_limits(struct gate *gate, const struct machd_limits *limits);
