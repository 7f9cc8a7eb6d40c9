/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: made with the first channel of a process, ended with its last. */
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_account.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_semaphore.h"
#include "daemon/ipc/ipc_source.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_thread.h"

static void set_tokens(struct ipc_task *task, const struct ipc_thread *thread)
{
	uint32_t uid = thread->th_user->u_uid, gid = thread->th_gid;

	task->t_security = (security_token_t){{uid, gid}};
	task->t_audit = (audit_token_t){
		{uid, uid, gid, uid, gid, (uint32_t)thread->th_pid, 0, thread->th_pidversion}};
}

/* A naked send right goes into the task's space. */
static mach_port_name_t give(struct ipc_host *host, struct ipc_task *task, struct ipc_port *right)
{
	mach_port_name_t name;

	ipc_right_copyout(host, task->t_space, right, MACH_MSG_TYPE_PORT_SEND, &name);
	return name;
}

struct ipc_port *ipc_task_copy_kept(struct ipc_port *port)
{
	return IP_VALID(port) ? ipc_port_copy_send(port) : port;
}

static void inherit(struct ipc_host *host, struct ipc_task *task, const struct ipc_task *parent)
{
	static const enum ipc_task_special inherited[] = {TASK_SPECIAL_BOOTSTRAP,
							  TASK_SPECIAL_ACCESS};

	if (!parent) {
		task->t_special[TASK_SPECIAL_BOOTSTRAP] =
			ipc_port_make_send(host->h_bootstrap_port);
		return;
	}
	task->t_guard_behavior = parent->t_guard_behavior;
	for (unsigned i = 0; i < sizeof inherited / sizeof *inherited; i++)
		task->t_special[inherited[i]] = ipc_task_copy_kept(parent->t_special[inherited[i]]);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		task->t_registered[i] = ipc_task_copy_kept(parent->t_registered[i]);
}

/* Names every task has from the start; the first table has room for them. */
static void give_first_names(struct ipc_host *host, struct ipc_task *task)
{
	struct ipc_port *bootstrap = task->t_special[TASK_SPECIAL_BOOTSTRAP];

	task->t_self_name = give(host, task, ipc_port_make_send(task->t_self));
	task->t_host_name = give(host, task, ipc_port_make_send(ipc_task_host_port(host, task)));
	task->t_bootstrap_name = give(host, task, ipc_task_copy_kept(bootstrap));
}

/* The end of one of the task's own ports. */
static void end_port(struct ipc_host *host, struct ipc_port *port)
{
	if (!port)
		return;
	port->ip_task = NULL;
	ipc_port_destroy(host, port);
}

static void task_free(struct ipc_host *host, struct ipc_task *task)
{
	LIST_FOR_EACH_SAFE (node, &task->t_bells)
		ipc_bell_destroy(list_entry(node, struct ipc_bell, bl_link));
	end_port(host, task->t_self);
	for (unsigned i = 0; i < TASK_VIEWS; i++)
		end_port(host, task->t_views[i]);
	for (unsigned i = 0; i < TASK_SPECIALS; i++)
		ipc_right_destroy_naked(host, task->t_special[i], MACH_MSG_TYPE_PORT_SEND);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		ipc_right_destroy_naked(host, task->t_registered[i], MACH_MSG_TYPE_PORT_SEND);
	if (task->t_space) {
		task->t_space->is_task = NULL;
		list_splice(&task->t_space->is_semaphores, &task->t_semaphores);
		ipc_space_terminate(host, task->t_space);
	}
	if (task->t_source)
		ipc_importance_end(host, task);
	ipc_user_discharge(task->t_user, IPC_CHARGE_TASKS, 1);
	ipc_account_put(task->t_account);
	ipc_user_put(task->t_user);
	mem_free(task->t_identity);
	mem_free(task);
}

static void apply_policy(const struct ipc_host *host, struct ipc_task *task)
{
	task->t_filtered = ipc_uids_have(&host->h_policy.p_filtered, task->t_user->u_uid);
	task->t_hardened = ipc_uids_have(&host->h_policy.p_hardened, task->t_user->u_uid);
}

void ipc_task_policy_changed(struct ipc_host *host)
{
	LIST_FOR_EACH (node, &host->h_tasks)
		apply_policy(host, list_entry(node, struct ipc_task, t_link));
}

kern_return_t ipc_task_create(struct ipc_host *host, struct ipc_thread *thread,
			      const struct ipc_task *parent)
{
	struct ipc_task *task = mem_alloc(sizeof *task);

	if (!task)
		return KERN_RESOURCE_SHORTAGE;
	if (!ipc_user_charge(host, thread->th_user, IPC_CHARGE_TASKS, 1)) {
		mem_free(task);
		return KERN_RESOURCE_SHORTAGE;
	}
	task->t_account = ipc_account_ref(thread->th_account);
	task->t_user = ipc_user_ref(thread->th_user);
	task->t_id = ipc_host_id(host);
	task->t_pid = thread->th_pid;
	task->t_word = thread->th_word;
	task->t_gid = thread->th_gid;
	apply_policy(host, task);
	task->t_first = ipc_task_privileged(host, task);
	list_init(&task->t_threads);
	list_init(&task->t_loans);
	list_init(&task->t_semaphores);
	list_init(&task->t_bells);
	list_init(&task->t_boost_link);
	memcpy(task->t_token, thread->th_token, sizeof task->t_token);
	set_tokens(task, thread);
	task->t_self = ipc_port_create_special(host, IP_TASK);
	task->t_space = ipc_space_create(host, task);
	task->t_source = ipc_source_create(task);
	if (!task->t_self || !task->t_space || !task->t_source) {
		task_free(host, task);
		return KERN_RESOURCE_SHORTAGE;
	}
	task->t_self->ip_task = task;
	inherit(host, task, parent);
	give_first_names(host, task);
	HASH_ADD(hh, host->h_tokens, t_token, sizeof task->t_token, task);
	if (!task->hh.tbl) {
		task_free(host, task);
		return KERN_RESOURCE_SHORTAGE;
	}
	task->t_identity = thread->th_identity;
	thread->th_identity = NULL;
	list_append(&host->h_tasks, &task->t_link);
	host->h_task_count++;
	ipc_task_join(task, thread);
	return KERN_SUCCESS;
}

struct ipc_task *ipc_task_find(struct ipc_host *host, const uint8_t token[MACHD_TOKEN_SIZE])
{
	struct ipc_task *task;

	HASH_FIND(hh, host->h_tokens, token, MACHD_TOKEN_SIZE, task);
	return task;
}

bool ipc_task_privileged(const struct ipc_host *host, const struct ipc_task *task)
{
	return task->t_user->u_uid == 0 || task->t_user->u_uid == host->h_owner_uid;
}

struct ipc_port *ipc_task_host_port(const struct ipc_host *host, const struct ipc_task *task)
{
	return ipc_task_privileged(host, task) ? host->h_host_priv_port : host->h_host_port;
}

struct ipc_port *ipc_task_make_view(struct ipc_host *host, struct ipc_task *task,
				    enum ipc_task_view view)
{
	static const enum ipc_port_kind kinds[] = {IP_TASK_READ, IP_TASK_INSPECT, IP_TASK_NAME};
	struct ipc_port *port = task->t_views[view];

	if (!port) {
		port = ipc_port_create(host, task->t_account);
		if (!port)
			return NULL;
		port->ip_kind = kinds[view];
		port->ip_place = IP_IN_DAEMON;
		port->ip_task = task;
		task->t_views[view] = port;
	}
	return ipc_port_make_send(port);
}

void ipc_task_join(struct ipc_task *task, struct ipc_thread *thread)
{
	thread->th_task = task;
	list_append(&task->t_threads, &thread->th_task_link);
	if (++task->t_thread_count > task->t_thread_peak)
		task->t_thread_peak = task->t_thread_count;
}

void ipc_task_leave(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_task *task = thread->th_task;

	list_remove(&thread->th_task_link);
	thread->th_task = NULL;
	if (--task->t_thread_count)
		return;
	HASH_DELETE(hh, host->h_tokens, task);
	ipc_place_move_task(host, task);
	list_remove(&task->t_link);
	host->h_task_count--;
	task_free(host, task);
}
