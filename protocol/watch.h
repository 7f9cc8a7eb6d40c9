/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACHD_OP_WATCH: machctl's view of the daemon. A request names a table and a position in it; the
 * answer is one page of records, packed as in protocol/rows.h. Between pages, and while one is
 * being made, the daemon serves others: an object that exists all the while is shown exactly once,
 * one that is made or destroyed meanwhile may be shown or not. A page starts at the beginning of
 * the table or where the same caller's previous page ended.
 *
 * A caller sees what belongs to tasks of its own uid; root, the daemon's own uid and the group that
 * may inspect (InspectGroup=) see all.
 */
#pragma once

#include <stdint.h>

/* Bytes of a reason, including the terminating zero. */
#define MACHD_WATCH_WHY 112

enum machd_watch_table {
	MACHD_WATCH_TASKS = 1, /* struct machd_watch_task, by task id */
	MACHD_WATCH_PORTS = 2, /* struct machd_watch_port: every entry of every space */
	/*
	 * struct machd_watch_name: the declared ones in the order of their bytes, then the others,
	 * those of subsets, too, as they came.
	 */
	MACHD_WATCH_NAMES = 3,
	/*
	 * struct machd_watch_message: the trace. Asking for it turns tracing on for as long as the
	 * connection lasts. `index` is the number of the first record wanted, 0: none, only where
	 * to begin. There is no last page: `next_index` is always what to ask for next, and
	 * `next_task` how many records were overwritten before anybody asked.
	 */
	MACHD_WATCH_MESSAGES = 4,
	MACHD_WATCH_QUEUES = 5, /* struct machd_watch_queue: ports with messages, or one port */
	MACHD_WATCH_HOLDS = 6,	/* struct machd_watch_hold: rights that are under no name */
	MACHD_WATCH_WAITS = 7,	/* struct machd_watch_wait: blocked threads */
	MACHD_WATCH_LIMITS = 8, /* struct machd_watch_limit */
	MACHD_WATCH_TOTALS = 9, /* struct machd_watch_totals: of each uid, and of all */
	/*
	 * struct machd_watch_policy, one: what the process `pid` may do with a service name. The
	 * request is a struct machd_watch_policy_request. KERN_NOT_FOUND: the process has no task.
	 */
	MACHD_WATCH_POLICY = 10,
};

struct machd_watch {
	uint32_t table; /* enum machd_watch_table */
	int32_t pid;	/* only tasks of this process; 0: all */
	uint64_t task;	/* where to go on: `next_task` and `next_index` of the page before, */
	uint64_t index; /* or 0, 0 */
	/*
	 * PORTS, HOLDS, WAITS: only what is about the port or set with this id. QUEUES: that port,
	 * whatever is in its queue. 0: all.
	 */
	uint64_t object;
};

struct machd_watch_answer {
	/*
	 * KERN_SUCCESS; KERN_INVALID_ARGUMENT: no such table; KERN_RESOURCE_SHORTAGE: no memory;
	 * KERN_ABORTED: the last page did not end there
	 */
	uint32_t code;
	uint32_t record_size; /* of each record behind this header, before it was packed */
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
	uint64_t sent, received;	    /* messages since it started */
	uint64_t violations;		    /* guard exceptions that its requests raised */
	uint32_t names_peak, channels_peak; /* the most at once */
	uint32_t inherited;		    /* of its boosts, those that came with vouchers */
	uint32_t reserved;
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
	MACHD_WATCH_MEMORY_ENTRY,
};

enum machd_watch_flags {
	MACHD_WATCH_NSREQUEST = 1, /* no-senders requested */
	MACHD_WATCH_PDREQUEST = 2, /* port-destroyed requested */
	MACHD_WATCH_DNREQUEST = 4, /* dead-name or send-possible requested on this name */
	MACHD_WATCH_IN_SET = 8,
	MACHD_WATCH_IMPORTANCE = 16, /* the port accepts importance, */
	MACHD_WATCH_TEMPOWNER = 32,  /* on behalf of whoever gets the receive right next */
	MACHD_WATCH_GUARDED = 64,
	MACHD_WATCH_STRICT = 128,      /* the guard hides the context */
	MACHD_WATCH_IMMOVABLE = 256,   /* the receive right cannot be sent */
	MACHD_WATCH_REPLY = 512,       /* a reply port */
	MACHD_WATCH_SPECIAL = 1024,    /* a thread's special reply port */
	MACHD_WATCH_SERVICE = 2048,    /* a service port, */
	MACHD_WATCH_CONNECTION = 4096, /* or one that leads to a service */
	MACHD_WATCH_FILTERED = 8192,
	MACHD_WATCH_EVENTS = 16384, /* attached to a bell: machd_port_fd() */
};

/* Where a receive right is. */
enum machd_watch_place {
	MACHD_WATCH_IN_TASK,
	MACHD_WATCH_IN_MESSAGE,
	MACHD_WATCH_IN_DAEMON,
	MACHD_WATCH_NOWHERE, /* the port is dead */
};

/* A port itself. */
struct machd_watch_queue {
	uint64_t object;
	uint64_t receiver_task; /* 0: none */
	uint64_t destination;	/* MACHD_WATCH_IN_MESSAGE: the port in whose queue that is */
	uint64_t bytes;		/* of the queued messages */
	uint64_t age;		/* ns that its first message waits */
	int32_t receiver_pid;
	uint32_t receiver_name;
	uint32_t uid;	/* of the receiver, else who pays for the port; MACHD_WATCH_NO_UID */
	uint32_t kind;	/* enum machd_watch_kind */
	uint32_t place; /* enum machd_watch_place */
	uint32_t flags; /* enum machd_watch_flags */
	uint32_t qlimit, msgcount, seqno, mscount, srights, sorights;
	uint32_t blocked_senders;
	uint32_t waiters;  /* threads that receive from it, or wait for the semaphore it is */
	uint32_t sets;	   /* port sets it is in */
	uint32_t requests; /* dead-name and send-possible requests on its names */
	uint32_t override, boosts;
	uint32_t head_id;  /* msgh_id of its first message, */
	int32_t head_pid;  /* and who sent it; 0: machd */
	char service[128]; /* bootstrap name, or "" */
};

/* Who holds a right that is under no name, or refers to a port in another way. */
enum machd_watch_hold_kind {
	MACHD_WATCH_QUEUED = 1,	    /* a right in a message in the queue of `via` */
	MACHD_WATCH_BLOCKED,	    /* the same, of a sender that is blocked */
	MACHD_WATCH_NO_SENDERS,	    /* a notification of that kind for `object` about `via` */
	MACHD_WATCH_PORT_DESTROYED, /* the same */
	MACHD_WATCH_DEAD_NAME,	    /* the same; `name` is the one that it is about */
	MACHD_WATCH_SEND_POSSIBLE,  /* the same */
	MACHD_WATCH_CALENDAR,	    /* to be told when the time of day is set */
	MACHD_WATCH_MEMBER,	    /* `object` is in the set `via`, whose name is `name` */
	MACHD_WATCH_TASK_SPECIAL,   /* kept with a task */
	MACHD_WATCH_REGISTERED,	    /* the same */
	MACHD_WATCH_HOST_SPECIAL,   /* kept with the host */
	MACHD_WATCH_VOUCHER_OF,	    /* a thread works under it */
	MACHD_WATCH_BOOTSTRAP,	    /* bootstrap names lead to it */
	MACHD_WATCH_TIMER_OF,	    /* the timer behind it sends to it */
};

struct machd_watch_hold {
	uint64_t object;  /* the port that the right is to */
	uint64_t via;	  /* another port or a set, as the kind says; 0 */
	uint64_t task;	  /* whose it is, or will be when it is received; 0: machd's, or nobody's */
	uint64_t message; /* QUEUED, BLOCKED: its id, */
	uint64_t age;	  /* and the ns that it waits */
	int32_t pid;	  /* of that task */
	uint32_t uid;	  /* of that task, or MACHD_WATCH_NO_UID */
	int32_t sender_pid; /* QUEUED, BLOCKED: who sent the message; 0: machd */
	uint32_t msgh_id;
	uint32_t kind; /* enum machd_watch_hold_kind */
	uint32_t type; /* MACH_MSG_TYPE_PORT_ of the right; 0: none */
	uint32_t name;
	uint32_t count; /* of such rights */
};

enum machd_watch_state {
	MACHD_WATCH_SENDING = 1, /* the queue of `object` is full */
	MACHD_WATCH_RECEIVING,	 /* `object` is a port or a set */
	MACHD_WATCH_SEMAPHORE_WAIT,
	MACHD_WATCH_EVENTLINK_WAIT,
};

struct machd_watch_wait {
	uint64_t thread; /* number of the connection */
	uint64_t task;
	uint64_t object; /* what it waits for: the id of a port or a set */
	uint64_t age;	 /* ns since it began to */
	int32_t pid;
	uint32_t uid;
	uint32_t state;	  /* enum machd_watch_state */
	uint32_t set;	  /* 1: the object is a set */
	uint32_t timed;	  /* 1: it will give up */
	uint32_t msgh_id; /* SENDING: of its message */
};

enum machd_watch_scope {
	MACHD_WATCH_OF_HOST,
	MACHD_WATCH_OF_USER,
	MACHD_WATCH_OF_TASK,
	MACHD_WATCH_OF_NOBODY, /* just the value; comes first for every limit that can be set */
};

/* A limit of limits.def, and what somebody uses of it. */
struct machd_watch_limit {
	char key[24]; /* as in machd.conf */
	uint64_t value;
	uint64_t used, peak; /* now, and the most at once */
	uint64_t task;
	int32_t pid;
	uint32_t uid;
	uint32_t scope; /* enum machd_watch_scope */
	uint32_t reserved;
};

/* What one uid holds and has done, counted since its first task or message that is still there. */
struct machd_watch_totals {
	uint64_t tasks, channels, names, ports, messages, bytes, memfds;
	uint64_t sent, received; /* messages, ever */
	uint64_t destroyed;	 /* of those that it sent, */
	uint64_t sent_bytes;	 /* and their content */
	uint32_t uid;		 /* MACHD_WATCH_NO_UID: of all; only who sees all gets that */
	uint32_t reserved;
};

struct machd_watch_name {
	char service[128];
	uint64_t object;
	uint64_t owner_task;
	int32_t owner_pid;
	uint32_t uid;
	uint32_t checked_in;	   /* 1: check_in, 0: register */
	uint32_t state;		   /* enum machd_watch_name_state */
	uint32_t declared;	   /* 1: a file of services.d has it; `uid` means nothing then */
	uint32_t starts;	   /* how often it was started lately, as the limit counts */
	uint32_t queued;	   /* messages that wait */
	char why[MACHD_WATCH_WHY]; /* MACHD_NAME_FAILED: what went wrong */
	uint64_t subset;	   /* the bootstrap port that it is at; 0: the first */
	uint64_t parent;	   /* and the one above that */
};

enum machd_watch_name_state {
	MACHD_NAME_RUNNING = 0, /* somebody holds the receive right */
	MACHD_NAME_DECLARED,	/* nobody does, and nobody has asked for it */
	MACHD_NAME_STARTING,	/* somebody is to check in */
	MACHD_NAME_FAILED,	/* nobody did */
	MACHD_NAME_CREATED,	/* nobody holds it, and nobody is started for it */
};

struct machd_watch_policy_request {
	struct machd_watch head; /* MACHD_WATCH_POLICY, and the process */
	char service[128];
};

/* Why somebody may do something with a name, or may not. */
enum machd_policy_why {
	MACHD_POLICY_EVERYBODY = 0,	 /* all may */
	MACHD_POLICY_USER,		 /* its uid is listed */
	MACHD_POLICY_GROUP,		 /* one of its groups is */
	MACHD_POLICY_UNIT,		 /* it runs in the systemd unit */
	MACHD_POLICY_PRIVILEGED,	 /* nobody is listed, and it is root's or the daemon's */
	MACHD_POLICY_NOT_LISTED,	 /* none of these: no */
	MACHD_POLICY_UNDECLARED,	 /* no rule is for the name; Register= lets it */
	MACHD_POLICY_UNDECLARED_REFUSED, /* no rule is for the name; Register= does not */
	MACHD_POLICY_SAME_USER,		 /* no rule is for the name; its uid brought it */
	MACHD_POLICY_ROOT,		 /* no rule is for the name; it is root */
	MACHD_POLICY_OTHER_USER,	 /* no rule is for the name; another uid brought it: no */
	MACHD_POLICY_NOBODY,		 /* no rule is for the name, and nobody has it */
};

struct machd_watch_decision {
	uint32_t allowed; /* 0 or 1 */
	uint32_t why;	  /* enum machd_policy_why */
	uint32_t line;	  /* of the file; 0: no file decides */
	uint32_t reserved;
	char file[256];
};

struct machd_watch_policy {
	char service[128];
	int32_t pid;
	uint32_t uid;
	char unit[256]; /* the systemd unit it runs in, or "" */
	struct machd_watch_decision own, look_up;
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
	uint32_t flags;	     /* enum machd_trace_flags */
	uint32_t ports;	     /* rights in the body */
	uint32_t holder_pid; /* MACHD_TRACE_PID_LIMBO: who has it all the same; else 0 */
};

#define MACHD_WATCH_NO_UID UINT32_MAX

/* Instead of a receiver's pid, why there is none. */
#define MACHD_TRACE_PID_DEAD	0xfffffff0u
#define MACHD_TRACE_PID_LIMBO	0xfffffff1u /* its owner is a temporary one: holder_pid */
#define MACHD_TRACE_PID_TRANSIT 0xfffffff2u
#define MACHD_TRACE_PID_DYING	0xfffffff3u /* its task is gone, its name space not quite */

/* Tasks of uids below are services of the system (DAEMON), the others people's programs (APP). */
#define MACHD_FIRST_PERSON_UID 1000u

/* The msgh_id with which services check in at launchd. */
#define MACHD_TRACE_CHECKIN_ID 0x77303074u

/* Ids of messages to drivers' objects, and of their replies: the first, and how many. */
#define MACHD_TRACE_IOKIT_ID	2800u
#define MACHD_TRACE_IOKIT_COUNT 191u

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
	MACHD_TRACE_IOKIT = 0x20000,
	MACHD_TRACE_SNDRCV = 0x40000,
	MACHD_TRACE_DSTQFULL = 0x80000,
	MACHD_TRACE_VOUCHER = 0x100000,
	MACHD_TRACE_TIMER = 0x200000,
	MACHD_TRACE_SEMA = 0x400000,
	MACHD_TRACE_DTMPOWNER = 0x800000,
	MACHD_TRACE_GUARDED_DESC = 0x1000000,
};
