/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hello: a channel becomes a thread of a task, new or joined by token, or a watcher. A peer that
 * speaks no version of ours, or whose token is not that of its own process's task, is told so and
 * dropped.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/trap/trap_internal.h"

static void answer(struct ipc_host *host, struct ipc_thread *thread,
		   const struct machd_welcome *welcome)
{
	size_t size =
		machd_welcome_pack(welcome, ipc_answer_payload(host, thread), MACHD_HELLO_SIZE_MAX);

	ipc_answer_send(host, thread, MACHD_OP_HELLO, size, 0, NULL, 0);
}

static const char *refuse(struct ipc_host *host, struct ipc_thread *thread, const char *why)
{
	struct machd_welcome welcome = {.version = 0};

	snprintf(welcome.error, sizeof welcome.error, "%s", why);
	answer(host, thread, &welcome);
	return why;
}

/* A task is joined from the same process only. */
static bool may_join(const struct ipc_task *task, const struct ipc_thread *thread)
{
	return task && task->t_pid == thread->th_pid && task->t_user == thread->th_user &&
	       task->t_word == thread->th_word;
}

/*
 * The task that the first hello of a forked process names as its parent's, by a token it can only
 * have from that process's memory; NULL if that task has ended. A process that has become another
 * user's gets nothing, unless the parent was root's.
 */
static struct ipc_task *parent_of(struct ipc_host *host, const struct ipc_thread *thread,
				  const struct machd_hello *hello)
{
	struct ipc_task *parent = hello->inherits ? ipc_task_find(host, hello->parent) : NULL;

	if (parent && parent->t_user != thread->th_user && parent->t_user->u_uid != 0)
		return NULL;
	return parent;
}

static const char *enter_task(struct ipc_host *host, struct ipc_thread *thread,
			      const struct machd_hello *hello)
{
	struct ipc_task *task;

	thread->th_word = hello->word;
	if (!hello->joins) {
		if (ipc_task_create(host, thread, parent_of(host, thread, hello)) == KERN_SUCCESS)
			return NULL;
		return "its uid has too many tasks (TasksPerUser=), or memory is short";
	}
	task = ipc_task_find(host, hello->token);
	if (!may_join(task, thread))
		return "it joins a task that is not its own";
	if (task->t_thread_count >= host->h_limits.channels_per_task)
		return "its task has too many connections (ChannelsPerTask=)";
	ipc_task_join(task, thread);
	return NULL;
}

static const char *check(const struct machd_hello *hello)
{
	if (hello->version_oldest > MACHD_PROTOCOL_VERSION ||
	    hello->version_newest < MACHD_PROTOCOL_VERSION)
		return "it speaks no version of the protocol that we do";
	if (hello->word != 64 && hello->word != 32)
		return "its pointers have neither 64 nor 32 bits";
	if (hello->role == MACHD_ROLE_WATCH && (hello->joins || hello->inherits))
		return "a watcher joins no task";
	if (hello->joins && hello->inherits)
		return "who joins a task inherits from none";
	return NULL;
}

const char *trap_hello(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet)
{
	struct machd_welcome welcome = {.version = MACHD_PROTOCOL_VERSION,
					.inline_max = MACHD_INLINE_MAX,
					.thread = thread->th_id};
	struct machd_hello hello;
	const char *why;

	if (packet->tp_frame.sequence != 0)
		return "its hello has a sequence number";
	why = machd_hello_unpack(packet->tp_bytes, packet->tp_size, &hello);
	if (why)
		return why;
	why = check(&hello);
	if (!why && hello.role == MACHD_ROLE_TASK)
		why = enter_task(host, thread, &hello);
	if (why)
		return refuse(host, thread, why);
	if (hello.role == MACHD_ROLE_WATCH) {
		thread->th_watches = true;
	} else {
		welcome.task = thread->th_task->t_id;
		welcome.self = thread->th_task->t_self_name;
		welcome.host = thread->th_task->t_host_name;
		welcome.bootstrap = thread->th_task->t_bootstrap_name;
		memcpy(welcome.token, thread->th_task->t_token, sizeof welcome.token);
	}
	mem_free(thread->th_identity); /* a task has it, or nobody needs it */
	thread->th_identity = NULL;
	answer(host, thread, &welcome);
	return NULL;
}
