/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input side of the state machine; ipc_outbox.h is its output side. IPC objects change only
 * because of the inputs below, in the order they are fed: same inputs, same state, same outputs.
 * The io layer feeds inputs from sockets, rings and timers, and the recorder writes them down; the
 * replayer, the tests and the fuzzers feed it directly.
 *
 * Two outcomes are kept apart here. A Mach code goes to the client in an answer. If the peer has
 * broken the protocol the return value says how, and the caller has to drop it. Nothing that a
 * client does is fatal to the daemon.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ipc/ipc_machine.h"
#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_policy.h"
#include "protocol/hello.h"
#include "protocol/limits.h"

struct boot_policy;
struct ipc_host;
struct ipc_identity;
struct ipc_thread;

enum trap_input_kind {
	TRAP_CONNECT = 1, /* a connection was accepted; `thread` is set by the call */
	TRAP_FRAME,	  /* a packet came */
	TRAP_TIMEOUT,	  /* the deadline last set for this thread has passed */
	TRAP_DISCONNECT,  /* the connection is gone; `thread` is invalid afterwards */
	TRAP_ALARM,	  /* the deadline last given to alarm() has passed */
	TRAP_WORK,	  /* continue work that was put off, see trap_has_work() */
	TRAP_LIMITS,	  /* new limits are in force */
	TRAP_CALENDAR,	  /* the time of day was set */
	TRAP_NAMES,	  /* a new policy for service names is in force */
	TRAP_START,	  /* the outcome of outbox->start() */
	TRAP_POLICY,	  /* a new policy for tasks and their messages is in force */
};

/* The peer's credentials, as the kernel reports them. */
struct trap_peer {
	uint32_t uid, gid;
	int32_t pid;
	uint32_t pidversion; /* differs for every connection */
	uint32_t inspects;   /* 1: is in InspectGroup=, which may see all tasks */
	uint32_t reserved;
	uint8_t token[MACHD_TOKEN_SIZE]; /* random: becomes its task's token, if it makes one */
};

enum trap_fd_state {
	TRAP_FD_UNSEALED,   /* anything else than the following */
	TRAP_FD_SEALED,	    /* a memfd sealed against shrinking, growing and writing */
	TRAP_FD_NO_ROOM,    /* the daemon is out of descriptors, and closed it unexamined */
	TRAP_FD_CONNECTION, /* the peer's end of a connection to this daemon */
	TRAP_FD_SOCKET,	    /* one end of a pair of SEQPACKET sockets that the peer itself made */
	TRAP_FD_FIXED,	    /* a memfd sealed against shrinking and growing only */
};

/* A descriptor that came with a packet, and the facts that the io layer found out about it. */
struct trap_fd {
	ipc_fd_t handle;
	uint64_t size;	 /* of the memfd, in bytes */
	uint64_t sealed; /* enum trap_fd_state */
};

#define TRAP_START_WHY 112

struct trap_start {
	uint64_t id;		  /* as given to start() */
	char why[TRAP_START_WHY]; /* why the start failed; "": its deadline has passed */
};

struct trap_input {
	enum trap_input_kind kind;
	uint64_t now;	  /* ns of a clock that never goes back */
	uint64_t channel; /* TRAP_CONNECT: the connection's id, never 0, never repeated */
	struct ipc_thread
		*thread; /* TRAP_CONNECT: out, NULL when refused; TRAP_WORK, _LIMITS: unused */
	void *cookie;	 /* TRAP_CONNECT: for trap_cookie() */
	struct trap_peer peer;		     /* TRAP_CONNECT */
	const struct ipc_identity *identity; /* TRAP_CONNECT: the peer's; NULL: not known */
	const void *packet;		     /* TRAP_FRAME: valid during the call */
	size_t size;
	const struct trap_fd *fds; /* TRAP_FRAME: consumed by the call, whatever it returns */
	unsigned fd_count;
	const struct machd_limits *limits; /* TRAP_LIMITS */
	uint64_t calendar;		   /* TRAP_CALENDAR: ns from `now` to the time of day */
	const struct boot_policy *names;   /* TRAP_NAMES */
	const struct trap_start *start;	   /* TRAP_START */
	const struct ipc_policy *policy;   /* TRAP_POLICY */
};

/* What the state machine starts from; a record begins with it. */
struct trap_config {
	struct machd_limits limits;
	struct ipc_policy policy;
	uint64_t seed;			/* of its random choices: the order of names */
	uint32_t owner_uid;		/* the daemon's uid: as privileged as root */
	uint32_t discard_bad_signature; /* 1: OnBadSignature=discard */
	uint64_t calendar;		/* ns from the inputs' `now` to the time of day */
	struct ipc_machine machine;
	const struct boot_policy *names; /* of service names; NULL: the default */
	uint8_t key[16];		 /* for signing queued messages; not part of a record */
};

/* A fresh, empty state machine; NULL without memory. The outbox must outlive it. */
struct ipc_host *trap_start(const struct trap_config *config, const struct ipc_outbox *outbox);

/* Destroy all tasks, channels and objects; descriptors are released through the outbox. */
void trap_stop(struct ipc_host *host);

/*
 * Feed one input. NULL, or why this peer must be dropped: a phrase for the log; the feeder then
 * closes the connection and feeds TRAP_DISCONNECT. TRAP_CONNECT refuses with a phrase when a limit
 * or memory does not allow another connection (nothing to disconnect then).
 */
const char *trap_input(struct ipc_host *host, struct trap_input *input);

/* There is work that was put off: feed TRAP_WORK when nothing else waits. */
bool trap_has_work(const struct ipc_host *host);

/*
 * True if that is only pages for watchers: not urgent, and one TRAP_WORK takes some microseconds.
 */
bool trap_has_pages(const struct ipc_host *host);

/* The last of those found no record to show, so the watcher has nothing to read yet. */
bool trap_pages_dry(const struct ipc_host *host);

/* A digest of the whole state, equal for equal states. */
#define TRAP_DIGEST_SIZE 32
void trap_digest(struct ipc_host *host, uint8_t digest[TRAP_DIGEST_SIZE]);

/* The cookie and the id that were given at TRAP_CONNECT; and the thread with an id, or NULL. */
void *trap_cookie(const struct ipc_thread *thread);
uint64_t trap_channel(const struct ipc_thread *thread);
struct ipc_thread *trap_find(struct ipc_host *host, uint64_t channel);

/* Totals for a status line. */
struct trap_totals {
	uint64_t tasks, channels, ports, messages_queued, messages_sent, bytes_queued, memfds;
};
void trap_totals(const struct ipc_host *host, struct trap_totals *totals);
