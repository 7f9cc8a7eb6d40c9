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
	uint64_t queued_bytes;
	uint64_t sent, received; /* messages since it started */
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
};

enum machd_watch_flags {
	MACHD_WATCH_NSREQUEST = 1, /* no-senders requested */
	MACHD_WATCH_PDREQUEST = 2, /* port-destroyed requested */
	MACHD_WATCH_DNREQUEST = 4, /* dead-name or send-possible requested on this name */
	MACHD_WATCH_IN_SET = 8,
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
