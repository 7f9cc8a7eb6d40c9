/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destruction without recursion and without hogging the daemon.
 *
 * Destroying one thing may release thousands more: a message holds receive rights, whose queues
 * hold messages, and so on. Whatever is to be destroyed is put on the host's work list, and a loop
 * takes it from there, so depth costs no stack. All messages come before the next port, and those
 * before the next entry of a space: that is the order in which others hear of it [15].
 *
 * A step does a bounded number of things: what is longer, such as a message with thousands of
 * rights, goes back to the front of its list and is gone on with. One input may take a bounded
 * number of steps; what is left becomes a job that trap_input(TRAP_WORK) goes on with, turn about
 * with other jobs. To the thread that caused it the destruction is one step: it gets its answer
 * when its job is done, and if its call has a second half, a receive, that begins then. So do the
 * sends of threads that were blocked on what died: their messages are destroyed behind it. And what
 * a request to one of the daemon's own ports destroys is gone before the request is, and that
 * before the reply is sent [29]. Hence of two messages to one port, both of which come of one call,
 * or of a call and one that its thread makes later, the order does not depend on where the slices
 * end.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

/* In the order of their turn. */
enum ipc_work_kind {
	IPC_WORK_TELL,	 /* the rest of those who asked to hear of a port's death */
	IPC_WORK_KMSG,	 /* destroy a message; what it holds follows behind it */
	IPC_WORK_PORT,	 /* a port's death: tell those who asked to hear of it */
	IPC_WORK_SET,	 /* the members of a port set that is gone */
	IPC_WORK_BELL,	 /* what a bell that is gone hung on */
	IPC_WORK_CLEAN,	 /* destroy a message, each right with all that follows from it */
	IPC_WORK_SPACE,	 /* terminate a name space, an entry at a time */
	IPC_WORK_SERVED, /* destroy a request that one of the daemon's own ports has served */
	IPC_WORK_REPLY,	 /* send the reply to it */
	IPC_WORK_KINDS,
};

/* Steps in one input or one turn: about a millisecond. */
#define IPC_WORK_SLICE 512

/* Embedded in what is to be destroyed. */
struct ipc_work {
	struct list w_link;
	enum ipc_work_kind w_kind;
};

void ipc_work_init(struct ipc_work *work, enum ipc_work_kind kind);

/* Put something on the list. */
void ipc_work_add(struct ipc_host *host, struct ipc_work *work);

/* Put a whole list of things of one kind on it, which is empty then. */
void ipc_work_add_all(struct ipc_host *host, enum ipc_work_kind kind, struct list *things);

/* From within its step: there is more to do, before anything else of its kind. */
void ipc_work_again(struct ipc_host *host, struct ipc_work *work);

/*
 * From within a step: something of an earlier kind waits, and has to be done before the step's
 * object is gone on with.
 */
bool ipc_work_first(const struct ipc_host *host, enum ipc_work_kind kind);

/*
 * Drain the list as far as this input may. Called from within a step of the first kinds it does
 * nothing: what was added is taken in its turn. From within a step that cleans a message or
 * terminates a space it drains what is of earlier kinds.
 */
void ipc_work_run(struct ipc_host *host);

/* True while a message is being destroyed or a port's death being told. */
bool ipc_work_running(const struct ipc_host *host);

/* More is to be destroyed than this input may do: the rest will be a job. */
bool ipc_work_left(const struct ipc_host *host);

/* Work is left: the thread, whose call is half done, goes on behind it (ipc_msg_go_on). */
void ipc_work_then(struct ipc_host *host, struct ipc_thread *thread);

/*
 * What the input has destroyed so far is done with, or becomes a job; with it go the answer that
 * waits, who goes on behind it, and the threads that are ready to run.
 */
void ipc_work_end(struct ipc_host *host);

/*
 * End of an input: the answer of the thread whose request it was goes out. If work is left it
 * becomes a job, and the answer goes out when the job is done.
 */
void ipc_work_settle(struct ipc_host *host);

/* One turn of the oldest job. */
void ipc_work_turn(struct ipc_host *host);

/* Hand all work of all jobs to `visit`, in its order. */
void ipc_work_each(const struct ipc_host *host, void (*visit)(void *, const struct ipc_work *),
		   void *context);

/* Finish all jobs: for the end of the machine. */
void ipc_work_finish(struct ipc_host *host);

/* A thread goes away: nobody waits for its job's end any more. */
void ipc_work_forget(struct ipc_host *host, struct ipc_thread *thread);
