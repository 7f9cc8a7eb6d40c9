/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destruction without recursion and in slices.
 *
 * Destroying one object may release thousands more: a message holds receive rights, whose queues
 * hold messages, and so on. Objects to be destroyed are put on the host's work lists, and a loop
 * takes them from there, so depth costs no stack. There is a list for each kind of work, and
 * earlier kinds come first: all messages before the next port, those before the next entry of a
 * space. That is the order in which others observe it [15].
 *
 * A step is bounded: an object that takes longer, such as a message with thousands of rights, goes
 * back to the front of its list. The steps of one input are bounded as well: what is left becomes a
 * job, which TRAP_WORK inputs continue, round robin with other jobs. For the thread that caused it
 * the destruction is still atomic: it is answered when its job is done, and if its call has a
 * second half, a receive, that begins then. Likewise, senders that were blocked on a port that died
 * resume after the job, and destroy their messages then. And whatever a request to one of the
 * daemon's own ports destroys is gone before the request itself, and that before the reply is sent
 * [29]. So the order of two messages to one port, both caused by one call or by two calls of one
 * thread, does not depend on where the slices end.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

/* Earlier kinds are run first. */
enum ipc_work_kind {
	IPC_WORK_TELL,	 /* go on with the dead-name notifications of a port */
	IPC_WORK_KMSG,	 /* destroy a message; what it holds is queued behind it */
	IPC_WORK_PORT,	 /* a port's death: send its notifications, destroy its queue */
	IPC_WORK_SET,	 /* remove the members of a destroyed port set */
	IPC_WORK_BELL,	 /* remove the knotes of a destroyed bell */
	IPC_WORK_CLEAN,	 /* destroy a message, each right with all its consequences in turn */
	IPC_WORK_SPACE,	 /* terminate a name space, an entry at a time */
	IPC_WORK_SERVED, /* destroy a request that one of the daemon's own ports has served */
	IPC_WORK_REPLY,	 /* send the reply to it */
	IPC_WORK_KINDS,
};

/* Steps in one input or one turn: about a millisecond. */
#define IPC_WORK_SLICE 512

/* Embedded in every object that is destroyed this way. */
struct ipc_work {
	struct list w_link;
	enum ipc_work_kind w_kind;
};

void ipc_work_init(struct ipc_work *work, enum ipc_work_kind kind);

/* Put an object on the list of its kind. */
void ipc_work_add(struct ipc_host *host, struct ipc_work *work);

/* Move a whole list of objects of one kind there; `things` is empty then. */
void ipc_work_add_all(struct ipc_host *host, enum ipc_work_kind kind, struct list *things);

/* From within the object's step: it takes another step, before anything else of its kind. */
void ipc_work_again(struct ipc_host *host, struct ipc_work *work);

/*
 * From within a step of this kind: is there work of an earlier kind, which has to be done before
 * the step continues?
 */
bool ipc_work_first(const struct ipc_host *host, enum ipc_work_kind kind);

/*
 * Run work as far as this input's budget goes. From within a step only earlier kinds are run; from
 * within a TELL, KMSG or PORT step nothing is: the loop that runs the step gets to it.
 */
void ipc_work_run(struct ipc_host *host);

/* True within a TELL, KMSG or PORT step. */
bool ipc_work_running(const struct ipc_host *host);

/* There is work that has not been run. */
bool ipc_work_left(const struct ipc_host *host);

/* Work is left: have the thread's call, which is half done, continue after it (ipc_msg_go_on). */
void ipc_work_then(struct ipc_host *host, struct ipc_thread *thread);

/*
 * Run the work of this input, or make what is left a job, together with the answer that waits for
 * it, the thread that continues after it and the threads that are ready to run.
 */
void ipc_work_end(struct ipc_host *host);

/*
 * At the end of an input: ipc_work_end(), and send the answer of the thread whose request it was,
 * unless it went into a job.
 */
void ipc_work_settle(struct ipc_host *host);

/* One turn of the oldest job. */
void ipc_work_turn(struct ipc_host *host);

/* Hand all work of all jobs to `visit`, in its order. */
void ipc_work_each(const struct ipc_host *host, void (*visit)(void *, const struct ipc_work *),
		   void *context);

/* Run all work and all jobs to their end: for shutdown. */
void ipc_work_finish(struct ipc_host *host);

/* A thread is destroyed: no job answers or continues it any more. */
void ipc_work_forget(struct ipc_host *host, struct ipc_thread *thread);
