/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACHD_OP_WATCH: what machctl asks and gets. A request names a table and where to go on; an answer
 * is one page of fixed-size records. A caller sees what belongs to tasks of its own uid; root and
 * the daemon's own uid see all.
 */
#pragma once

#include <stdint.h>

enum machd_watch_table {
	MACHD_WATCH_TASKS = 1, /* struct machd_watch_task, by task id */
	MACHD_WATCH_PORTS = 2, /* struct machd_watch_port: every entry of every space */
	MACHD_WATCH_NAMES = 3, /* struct machd_watch_name: the bootstrap names */
	/*
	 * struct machd_watch_message: the trace. Asking for it turns tracing on for as long as the
	 * connection lasts. `index` is the number of the first record wanted, 0: none, only where
	 * to begin. There is no last page: `next_index` is always what to ask for next, and
	 * `next_task` how many records were overwritten before anybody asked.
	 */
	MACHD_WATCH_MESSAGES = 4,
};

struct machd_watch {
	uint32_t table; /* enum machd_watch_table */
	int32_t pid;	/* only tasks of this process; 0: all */
	uint64_t task;	/* where to go on: `next_task` and `next_index` of the page before, */
	uint64_t index; /* or 0, 0 */
};

struct machd_watch_answer {
	uint32_t code;	      /* KERN_SUCCESS, KERN_INVALID_ARGUMENT: no such table */
	uint32_t record_size; /* of each record behind this header */
	uint64_t next_task;   /* 0, 0: that was the last page */
	uint64_t next_index;
};

struct machd_watch_task {
	uint64_t id;
	int32_t pid;
	uint32_t uid, gid;
	uint32_t channels;
	uint32_t names; /* entries in use */
	uint32_t receive, send, send_once, sets,
		dead;	  /* entries by kind; SEND+RECEIVE counts twice */
	uint32_t queued;  /* messages on the ports it receives from */
	uint32_t waiting; /* its threads blocked in a send or receive */
	uint32_t boosts;  /* what makes it important now */
	uint32_t donor;	  /* 1: what it sends carries boosts, always */
	uint64_t queued_bytes;
	uint64_t sent, received; /* messages since it started */
	uint64_t violations;	 /* guard exceptions that its requests raised */
};

struct machd_watch_port {
	uint64_t task;
	int32_t pid; /* of the task that holds the name */
	uint32_t name;
	uint32_t type; /* MACH_PORT_TYPE_ bits */
	uint32_t urefs;
	uint64_t object; /* id of the port or set; the same in every space; 0 for a dead name */
	uint64_t receiver_task; /* id of the task with the receive right, 0: none (in transit, dead)
				 */
	int32_t receiver_pid;
	uint32_t receiver_name;
	uint32_t kind; /* enum machd_watch_kind */
	uint32_t qlimit, msgcount, seqno, mscount, srights, sorights;
	uint32_t waiters; /* blocked receivers */
	uint32_t blocked_senders;
	uint32_t override; /* QoS of the queue's head [18] */
	uint32_t boosts;   /* messages that carry importance, and the like */
	uint32_t flags;	   /* MACHD_WATCH_NSREQUEST ... */
	char service[128]; /* bootstrap name, or "" */
};

enum machd_watch_kind {
	MACHD_WATCH_PLAIN = 0,
	MACHD_WATCH_TASK_PORT,
	MACHD_WATCH_HOST_PORT,
	MACHD_WATCH_BOOTSTRAP_PORT,
	MACHD_WATCH_SET,
	MACHD_WATCH_DEAD,
	MACHD_WATCH_TIMER,
	MACHD_WATCH_SEMAPHORE,
	MACHD_WATCH_THREAD_PORT,
	MACHD_WATCH_VOUCHER,
	MACHD_WATCH_FILEPORT,
	MACHD_WATCH_CLOCK,
	MACHD_WATCH_EVENTLINK,
};

enum machd_watch_flags {
	MACHD_WATCH_NSREQUEST = 1, /* no-senders requested */
	MACHD_WATCH_PDREQUEST = 2, /* port-destroyed requested */
	MACHD_WATCH_DNREQUEST = 4, /* dead-name or send-possible requested on this name */
	MACHD_WATCH_IN_SET = 8,
	MACHD_WATCH_IMPORTANCE = 16, /* the port accepts importance, */
	MACHD_WATCH_TEMPOWNER = 32,  /* for who gets the receive right next */
};

struct machd_watch_name {
	char service[128];
	uint64_t object;
	uint64_t owner_task;
	int32_t owner_pid;
	uint32_t uid;
	uint32_t checked_in; /* 1: check_in, 0: register */
	uint32_t reserved;
};

/* A message that was sent: what XNU's tracing tells [30], and who may see it. */
struct machd_watch_message {
	uint64_t number;       /* of the record; one that is missing came too late for its reader */
	uint64_t time;	       /* ns, the clock that the daemon counts by (CLOCK_MONOTONIC) */
	uint64_t object;       /* id of the destination port */
	uint64_t size;	       /* bytes of content: body and out-of-line memory */
	uint32_t sender_pid;   /* 0: machd */
	uint32_t receiver_pid; /* 0: machd; or MACHD_TRACE_PID_ */
	uint32_t sender_uid, receiver_uid; /* MACHD_WATCH_NO_UID: machd, or nobody */
	uint32_t msgh_id;
	uint32_t flags; /* enum machd_trace_flags */
	uint32_t ports; /* rights in the body */
	uint32_t reserved;
};

#define MACHD_WATCH_NO_UID UINT32_MAX

/* Instead of a receiver's pid, why there is none. */
#define MACHD_TRACE_PID_DEAD	0xfffffff0u
#define MACHD_TRACE_PID_LIMBO	0xfffffff1u
#define MACHD_TRACE_PID_TRANSIT 0xfffffff2u
#define MACHD_TRACE_PID_DYING	0xfffffff3u /* its task is gone, its name space not quite */

/* Tasks of uids below are services of the system (DAEMON), the others people's programs (APP). */
#define MACHD_FIRST_PERSON_UID 1000u

/* The msgh_id with which services check in at launchd. */
#define MACHD_TRACE_CHECKIN_ID 0x77303074u

enum machd_trace_flags {
	MACHD_TRACE_TRACED = 0x1,
	MACHD_TRACE_COMPLEX = 0x2,
	MACHD_TRACE_OOLMEM = 0x4,
	MACHD_TRACE_VCPY = 0x8,
	MACHD_TRACE_PCPY = 0x10,
	MACHD_TRACE_SND64 = 0x20,
	MACHD_TRACE_RAISEIMP = 0x40,
	MACHD_TRACE_APP_SRC = 0x80,
	MACHD_TRACE_APP_DST = 0x100,
	MACHD_TRACE_DAEMON_SRC = 0x200,
	MACHD_TRACE_DAEMON_DST = 0x400,
	MACHD_TRACE_DST_NDFLTQ = 0x800,
	MACHD_TRACE_SRC_NDFLTQ = 0x1000,
	MACHD_TRACE_DST_SONCE = 0x2000,
	MACHD_TRACE_SRC_SONCE = 0x4000,
	MACHD_TRACE_CHECKIN = 0x8000,
	MACHD_TRACE_ONEWAY = 0x10000,
	MACHD_TRACE_SNDRCV = 0x40000,
	MACHD_TRACE_DSTQFULL = 0x80000,
	MACHD_TRACE_VOUCHER = 0x100000,
	MACHD_TRACE_TIMER = 0x200000,
	MACHD_TRACE_SEMA = 0x400000,
	MACHD_TRACE_DTMPOWNER = 0x800000,
	MACHD_TRACE_GUARDED_DESC = 0x1000000,
};
