/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record on disk: a header, then entries in the order in which things happened. All numbers are
 * in host byte order; a record is read by the same build on the same kind of machine.
 *
 *   header   struct record_header, then the limits as 64-bit words in the order of limits.def, then
 *            what is used of struct ipc_policy, then struct boot_policy_head and its rules
 *   entry    struct record_entry, then `size` bytes:
 *
 *   an input (enum trap_input_kind)   struct record_at, then
 *       TRAP_CONNECT                  struct trap_peer, and struct ipc_identity if it is known
 *       TRAP_FRAME                    struct record_fds, its struct trap_fd, the packet
 *       TRAP_LIMITS                   the limits
 *       TRAP_CALENDAR                 uint64_t
 *       TRAP_NAMES                    struct boot_policy_head and its rules
 *       TRAP_START                    struct trap_start
 *       TRAP_POLICY                   what is used of struct ipc_policy
 *   what the machine did with it, in order (RECORD_ANSWER ... RECORD_MEMORY)
 *   RECORD_REFUSAL                    if trap_input() returned a phrase: the phrase
 *   RECORD_DIGEST                     now and then: trap_digest()
 *   RECORD_STOP                       trap_stop(), followed by what that did
 *   RECORD_END                        struct record_totals; nothing comes after it
 */
#pragma once

#include "daemon/boot/policy.h"
#include "daemon/trap/trap.h"
#include "protocol/limits.h"

#define RECORD_MAGIC   "machdrec"
#define RECORD_VERSION 5

/* Inputs between two digests. */
#define RECORD_DIGEST_EVERY 4096

/* A packet carries no more descriptors than this, whoever sent it. */
#define RECORD_FDS_MAX 253

/* No phrase is longer. */
#define RECORD_TEXT_MAX 1024

/*
 * No entry is larger: neither a policy for names, nor a frame with everything that can come with
 * it, nor an answer.
 */
#define RECORD_ENTRY_SIZE_MAX                                         \
	(sizeof(struct record_at) + sizeof(struct boot_policy_head) + \
	 BOOT_POLICY_RULES * sizeof(struct boot_rule))

enum record_kind {
	RECORD_ANSWER =
		16,	/* struct record_answer, its ipc_fd_t, the packet, the memory's packet */
	RECORD_TIMER,	/* struct record_timer */
	RECORD_ALARM,	/* uint64_t: the deadline */
	RECORD_RELEASE, /* ipc_fd_t */
	RECORD_CORRUPT, /* text */
	RECORD_WARN,	/* text */
	RECORD_RING,	/* struct record_ring */
	RECORD_BOOST,	/* struct record_boost */
	RECORD_START,	/* struct record_start */
	RECORD_STARTED, /* struct record_started */
	RECORD_BOARD,	/* struct record_board */
	RECORD_WINDOW,	/* struct record_window */
	RECORD_LEND,	/* struct record_loan */
	RECORD_TAKEN,	/* struct record_loan: what came back */
	RECORD_SETTLE,	/* the same */
	RECORD_USAGE,	/* struct record_usage: what came back */
	RECORD_MEMORY,	/* struct record_memory: the same */
	RECORD_REFUSAL = 48,
	RECORD_DIGEST,
	RECORD_STOP,
	RECORD_END,
};

struct record_header {
	char magic[8];
	uint32_t version;
	uint32_t limit_count;
	uint64_t seed;
	uint32_t owner_uid;
	uint32_t discard_bad_signature;
	uint64_t calendar;
	struct ipc_machine machine;
};

struct record_entry {
	uint32_t kind;
	uint32_t size;
};

struct record_at {
	uint64_t now;
	uint64_t channel; /* 0: none */
};

struct record_fds {
	uint32_t count;
	uint32_t reserved;
};

struct record_answer {
	uint64_t channel;
	uint32_t size, memory_size; /* of the packets */
	uint32_t fd_count;
	uint32_t flags; /* 1: what comes out are copies; 2: with a ring */
};

struct record_timer {
	uint64_t channel;
	uint64_t deadline;
};

struct record_ring {
	ipc_fd_t ring, quiet;
	uint64_t on; /* 0 or 1 */
};

struct record_boost {
	int32_t pid;
	uint32_t uid;
	uint32_t on;
	uint32_t reserved;
};

struct record_start {
	uint64_t id, deadline;
	char service[MACHD_SERVICE_NAME_MAX + 1];
};

struct record_started {
	uint64_t id;
	uint64_t checked_in; /* 0 or 1 */
};

struct record_board {
	uint64_t channel;
	ipc_fd_t fd;
};

struct record_window {
	uint64_t channel;
	uint64_t index;
	machd_window_t window;
};

struct record_loan {
	uint64_t channel;
	uint64_t count;
};

struct record_usage {
	int32_t pid;
	uint32_t known; /* 0 or 1 */
	struct ipc_usage usage;
};

struct record_memory {
	uint64_t size;
	ipc_fd_t fd;
};

struct record_totals {
	uint64_t inputs, outputs;
};

/* Rules are read where they stand behind these. */
_Static_assert(sizeof(struct record_at) % 8 == 0 && sizeof(struct boot_policy_head) % 8 == 0,
	       "record layout");

/* These go to disk as they are: no holes. */
_Static_assert(sizeof(struct ipc_machine) == 40 + IPC_MACHINE_VERSION_SIZE, "record layout");
_Static_assert(sizeof(struct record_header) == 40 + sizeof(struct ipc_machine), "record layout");
_Static_assert(sizeof(struct trap_peer) == 24 + MACHD_TOKEN_SIZE, "record layout");
_Static_assert(sizeof(struct trap_fd) == 24, "record layout");
_Static_assert(RECORD_ENTRY_SIZE_MAX > sizeof(struct record_at) + sizeof(struct record_fds) +
					       RECORD_FDS_MAX * sizeof(struct trap_fd) +
					       2 * MACHD_FRAME_SIZE_MAX,
	       "a frame is an entry");
