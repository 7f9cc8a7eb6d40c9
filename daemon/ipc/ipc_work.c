/* SPDX-License-Identifier: Apache-2.0 */
/* The work list, its loop, and the jobs it leaves behind. */
#include "daemon/ipc/ipc_work.h"

#include <limits.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_kobject.h"
#include "daemon/ipc/ipc_msg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_thread.h"

struct job {
	struct list j_link;
	struct list j_work[IPC_WORK_KINDS];
	struct list j_ready;	     /* ipc_thread: woken, to be resumed when the job is done */
	struct ipc_thread *j_going;  /* the thread whose call continues then, or NULL */
	struct ipc_thread *j_thread; /* the thread that is answered then, or NULL */
	uint8_t *j_packets;	     /* the bytes of its answer, or NULL */
	struct ipc_answer j_answer;
	ipc_fd_t j_fds[MACHD_FRAME_FDS_MAX];
};

void ipc_work_init(struct ipc_work *work, enum ipc_work_kind kind)
{
	list_init(&work->w_link);
	work->w_kind = kind;
}

void ipc_work_add(struct ipc_host *host, struct ipc_work *work)
{
	list_append(&host->h_work[work->w_kind], &work->w_link);
	host->h_works = true;
}

void ipc_work_add_all(struct ipc_host *host, enum ipc_work_kind kind, struct list *things)
{
	list_splice(&host->h_work[kind], things);
	host->h_works = true;
}

void ipc_work_again(struct ipc_host *host, struct ipc_work *work)
{
	list_prepend(&host->h_work[work->w_kind], &work->w_link);
	host->h_works = true;
}

bool ipc_work_running(const struct ipc_host *host)
{
	return host->h_nested == 0;
}

static void step(struct ipc_host *host, struct ipc_work *work)
{
	switch (work->w_kind) {
	case IPC_WORK_TELL:
		ipc_port_tell_step(host, list_entry(work, struct ipc_port, ip_work));
		break;
	case IPC_WORK_PORT:
		ipc_port_destroy_step(host, list_entry(work, struct ipc_port, ip_work));
		break;
	case IPC_WORK_SET:
		ipc_pset_destroy_step(host, list_entry(work, struct ipc_pset, ps_work));
		break;
	case IPC_WORK_BELL:
		ipc_bell_destroy_step(host, list_entry(work, struct ipc_bell, bl_work));
		break;
	case IPC_WORK_KMSG:
	case IPC_WORK_CLEAN:
		ipc_kmsg_destroy_step(host, list_entry(work, struct ipc_kmsg, ikm_work));
		break;
	case IPC_WORK_SPACE:
		ipc_space_terminate_step(host, list_entry(work, struct ipc_space, is_work));
		break;
	case IPC_WORK_SERVED:
		ipc_kobject_served_step(host, list_entry(work, struct ipc_kmsg, ikm_work));
		break;
	case IPC_WORK_REPLY:
		ipc_kobject_reply_step(host, list_entry(work, struct ipc_kmsg, ikm_work));
		break;
	case IPC_WORK_KINDS:
		break;
	}
}

/* The next of the first `kinds` kinds of work, or NULL. */
static struct ipc_work *next_work(const struct ipc_host *host, unsigned kinds)
{
	for (unsigned i = 0; i < kinds; i++)
		if (!list_empty(&host->h_work[i]))
			return list_first(&host->h_work[i], struct ipc_work, w_link);
	return NULL;
}

bool ipc_work_first(const struct ipc_host *host, enum ipc_work_kind kind)
{
	return next_work(host, kind);
}

bool ipc_work_left(const struct ipc_host *host)
{
	return host->h_works && next_work(host, IPC_WORK_KINDS);
}

void ipc_work_run(struct ipc_host *host)
{
	unsigned kinds = host->h_nested;
	struct ipc_work *work;

	while (host->h_works && host->h_budget && (work = next_work(host, kinds))) {
		host->h_budget--;
		list_remove(&work->w_link);
		host->h_nested = work->w_kind < IPC_WORK_SET ? 0 : work->w_kind;
		step(host, work);
		host->h_nested = kinds;
	}
}

static void move_work(struct list to[IPC_WORK_KINDS], struct list from[IPC_WORK_KINDS])
{
	for (unsigned i = 0; i < IPC_WORK_KINDS; i++)
		list_splice(&to[i], &from[i]);
}

static void run_unbounded(struct ipc_host *host)
{
	host->h_budget = UINT_MAX;
	while (next_work(host, IPC_WORK_KINDS))
		ipc_work_run(host);
	host->h_budget = host->h_slice;
}

/* Copy the answer that waits into the job; false without memory. */
static bool keep_answer(struct ipc_host *host, struct job *job)
{
	const struct ipc_answer *answer = &host->h_answer;
	size_t size = answer->size;

	if (answer->memory_size)
		size = (size_t)((const uint8_t *)answer->memory - host->h_own_packet) +
		       answer->memory_size;
	job->j_packets = mem_alloc(size);
	if (!job->j_packets)
		return false;
	memcpy(job->j_packets, host->h_own_packet, size);
	memcpy(job->j_fds, answer->fds, answer->fd_count * sizeof *job->j_fds);
	job->j_answer = *answer;
	job->j_answer.packet = job->j_packets;
	if (answer->memory_size)
		job->j_answer.memory = job->j_packets + size - answer->memory_size;
	job->j_answer.fds = job->j_fds;
	job->j_thread = host->h_answered;
	return true;
}

/* Make a job of the work that is left, with the answer that waits for it; false without memory. */
static bool put_aside(struct ipc_host *host)
{
	struct job *job = mem_alloc(sizeof *job);

	if (!job)
		return false;
	if (host->h_answered && !keep_answer(host, job)) {
		mem_free(job);
		return false;
	}
	if (host->h_answered)
		ipc_thread_hold(host->h_answered);
	host->h_answered = NULL;
	if (host->h_going)
		ipc_thread_hold(host->h_going);
	job->j_going = host->h_going;
	host->h_going = NULL;
	list_init(&job->j_ready);
	list_splice(&job->j_ready, &host->h_ready);
	for (unsigned i = 0; i < IPC_WORK_KINDS; i++)
		list_init(&job->j_work[i]);
	move_work(job->j_work, host->h_work);
	list_append(&host->h_jobs, &job->j_link);
	return true;
}

void ipc_work_then(struct ipc_host *host, struct ipc_thread *thread)
{
	host->h_going = thread;
}

/* The first half of the thread's call is over, with all its consequences. */
static void go_on(struct ipc_host *host, struct ipc_thread *thread)
{
	host->h_current = thread;
	ipc_msg_go_on(host, thread);
}

/* Run the work, or put off what exceeds the budget; without memory for a job, run all of it. */
static void run_or_put_aside(struct ipc_host *host)
{
	struct ipc_thread *going;

	ipc_work_run(host);
	if (ipc_work_left(host) && !put_aside(host))
		run_unbounded(host);
	host->h_works = false;
	going = host->h_going;
	host->h_going = NULL;
	if (going)
		go_on(host, going);
}

void ipc_work_end(struct ipc_host *host)
{
	while (host->h_works)
		run_or_put_aside(host);
}

void ipc_work_settle(struct ipc_host *host)
{
	ipc_work_end(host);
	if (host->h_answered) {
		struct ipc_thread *answered = host->h_answered;

		host->h_answered = NULL;
		host->h_outbox->answer(host->h_outbox->context, answered, &host->h_answer);
	}
	host->h_budget = host->h_slice;
}

static void job_done(struct ipc_host *host, struct job *job)
{
	list_remove(&job->j_link);
	list_splice(&host->h_ready, &job->j_ready);
	if (job->j_thread) {
		ipc_thread_release(job->j_thread);
		host->h_outbox->answer(host->h_outbox->context, job->j_thread, &job->j_answer);
	}
	if (job->j_going) {
		ipc_thread_release(job->j_going);
		go_on(host, job->j_going);
	}
	mem_free(job->j_packets);
	mem_free(job);
}

void ipc_work_turn(struct ipc_host *host)
{
	struct job *job = list_first(&host->h_jobs, struct job, j_link);

	if (!job)
		return;
	move_work(host->h_work, job->j_work);
	host->h_works = true;
	host->h_budget = host->h_slice;
	ipc_work_run(host);
	if (ipc_work_left(host)) {
		move_work(job->j_work, host->h_work);
		list_remove(&job->j_link);
		list_append(&host->h_jobs, &job->j_link);
	} else {
		job_done(host, job);
	}
}

void ipc_work_each(const struct ipc_host *host, void (*visit)(void *, const struct ipc_work *),
		   void *context)
{
	LIST_FOR_EACH (node, &host->h_jobs) {
		const struct job *job = list_entry(node, struct job, j_link);

		for (unsigned i = 0; i < IPC_WORK_KINDS; i++)
			LIST_FOR_EACH (link, &job->j_work[i])
				visit(context, list_entry(link, struct ipc_work, w_link));
	}
}

void ipc_work_finish(struct ipc_host *host)
{
	run_unbounded(host);
	while (!list_empty(&host->h_jobs))
		ipc_work_turn(host);
}

void ipc_work_forget(struct ipc_host *host, struct ipc_thread *thread)
{
	LIST_FOR_EACH (node, &host->h_jobs) {
		struct job *job = list_entry(node, struct job, j_link);

		if (job->j_going == thread)
			job->j_going = NULL;
		if (job->j_thread != thread)
			continue;
		for (unsigned i = 0; i < job->j_answer.fd_count; i++)
			host->h_outbox->release(host->h_outbox->context, job->j_fds[i]);
		job->j_thread = NULL;
	}
}
