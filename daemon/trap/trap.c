/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts and stops a state machine, and dispatches its inputs. Every input ends in the same way:
 * timers that are due fire, what was destroyed is cleared away, woken senders resume, the answer of
 * the thread whose request it was goes out, and then those of threads whose wait has ended.
 */
#include "daemon/trap/trap.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/boot/registry.h"
#include "daemon/boot/start.h"
#include "daemon/boot/subset.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_identity.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_msg.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_walk.h"
#include "daemon/ipc/ipc_window.h"
#include "daemon/ipc/ipc_work.h"
#include "daemon/trap/trap_internal.h"

static void init_lists(struct ipc_host *host)
{
	list_init(&host->h_users);
	list_init(&host->h_tasks);
	list_init(&host->h_ports);
	list_init(&host->h_psets);
	list_init(&host->h_ready);
	list_init(&host->h_over);
	list_init(&host->h_boost_changes);
	list_init(&host->h_sources_lost);
	list_init(&host->h_sources_won);
	list_init(&host->h_sources_gone);
	list_init(&host->h_loans);
	list_init(&host->h_places);
	list_init(&host->h_walks);
	list_init(&host->h_service_list);
	list_init(&host->h_wanted);
	list_init(&host->h_subsets);
	list_init(&host->h_ending);
	for (unsigned i = 0; i <= HOST_NOTIFY_TYPE_MAX; i++)
		list_init(&host->h_notify[i]);
	for (unsigned i = 0; i < IPC_WORK_KINDS; i++)
		list_init(&host->h_work[i]);
	list_init(&host->h_jobs);
	host->h_nested = IPC_WORK_KINDS;
	host->h_slice = IPC_WORK_SLICE;
	host->h_page_steps = IPC_PAGE_STEPS;
}

static void host_free(struct ipc_host *host)
{
	ipc_host_end(host);
	ipc_work_finish(host);
	if (host->h_key.k_bytes)
		ipc_key_wipe(&host->h_key);
	boot_names_end(host);
	mem_pool_empty(&host->h_kmsgs);
	mem_reserve_trim(&host->h_reserve, 0);
	mem_reserve_trim(&host->h_notices, 0);
	mem_free(host->h_packet);
	mem_free(host->h_own_packet);
	mem_free(host->h_page);
	mem_free(host);
}

static const struct ipc_host_ops ops = {
	.o_service_died = boot_service_died,
	.o_service_back = boot_service_back,
	.o_service_keeps = boot_service_keeps,
	.o_service_wanted = boot_service_wanted,
	.o_subset_orphaned = boot_subset_orphaned,
	.o_kobject_server = trap_mig,
};

struct ipc_host *trap_start(const struct trap_config *config, const struct ipc_outbox *outbox)
{
	struct ipc_host *host = mem_alloc(sizeof *host);

	if (!host)
		return NULL;
	init_lists(host);
	mem_reserve_init(&host->h_reserve, IKM_PROMISED_MAX, 1);
	mem_reserve_init(&host->h_notices, IKM_NOTICE_MAX, IPC_OWED_WORDS);
	host->h_outbox = outbox;
	host->h_ops = &ops;
	host->h_limits = config->limits;
	host->h_policy = config->policy;
	host->h_random = config->seed;
	host->h_owner_uid = config->owner_uid;
	host->h_calendar = config->calendar;
	host->h_machine = config->machine;
	host->h_packet = mem_alloc(IPC_ANSWER_BUFFER);
	host->h_own_packet = mem_alloc(IPC_ANSWER_BUFFER);
	host->h_page = mem_alloc(sizeof *host->h_page);
	if (!host->h_packet || !host->h_own_packet || !host->h_page || !ipc_owed_keep(host, 1) ||
	    !boot_names_start(host, config->names) || !ipc_host_make_ports(host) ||
	    !ipc_key_init(&host->h_key, config->key)) {
		host_free(host);
		return NULL;
	}
	return host;
}

void trap_stop(struct ipc_host *host)
{
	struct ipc_thread *thread, *next;

	host->h_stopping = true;
	HASH_ITER(hh, host->h_threads, thread, next)
	{
		ipc_thread_destroy(host, thread);
		ipc_work_settle(host);
	}
	ipc_work_finish(host);
	boot_forget_all(host);
	host_free(host);
}

/* The account to charge for a connection, with a reference; NULL without memory. */
static struct ipc_account *account_of(struct ipc_host *host, const struct trap_peer *peer)
{
	struct ipc_user *user = ipc_user_get(host, peer->uid);
	struct ipc_account *account = user ? ipc_account_get(user, peer->pid) : NULL;

	if (user)
		ipc_user_put(user);
	return account;
}

static const char *connect_input(struct ipc_host *host, struct trap_input *input)
{
	const struct trap_peer *peer = &input->peer;
	struct ipc_account *account;
	struct ipc_identity *identity = NULL;
	struct ipc_thread *thread = NULL;

	input->thread = NULL;
	if (host->h_thread_count >= host->h_limits.channels)
		return "there are too many connections (Channels=)";
	account = account_of(host, peer);
	if (!account)
		return "memory is short";
	if (!ipc_account_charge(host, account, IPC_CHARGE_CHANNELS, 1)) {
		ipc_account_put(account);
		return "it, or its uid, has too many connections (ChannelsPerUser=)";
	}
	if (!input->identity || (identity = ipc_identity_new(input->identity)))
		thread = ipc_thread_create(host, input->channel, account);
	if (!thread) {
		ipc_account_discharge(account, IPC_CHARGE_CHANNELS, 1);
		mem_free(identity);
	}
	ipc_account_put(account);
	if (!thread)
		return "memory is short";
	thread->th_identity = identity;
	thread->th_cookie = input->cookie;
	thread->th_gid = peer->gid;
	thread->th_inspects = peer->inspects;
	thread->th_pid = peer->pid;
	thread->th_pidversion = peer->pidversion;
	memcpy(thread->th_token, peer->token, sizeof thread->th_token);
	input->thread = thread;
	return NULL;
}

static const char *cancel(struct ipc_host *host, struct ipc_thread *thread,
			  const struct machd_frame *frame)
{
	if (frame->sequence > thread->th_sequence)
		return "it cancels a request that it has not made";
	if (frame->sequence == thread->th_sequence)
		ipc_msg_cancel(host, thread);
	return NULL;
}

/* A request: it must be the next in sequence, with none under way. */
static const char *request(struct ipc_host *host, struct ipc_thread *thread,
			   const struct trap_packet *packet)
{
	const struct machd_frame *frame = &packet->tp_frame;

	if (thread->th_state != TH_IDLE || thread->th_held)
		return "it sends a request while another is under way";
	if (frame->sequence != thread->th_sequence + 1)
		return "its request is out of sequence";
	thread->th_sequence = frame->sequence;
	thread->th_violates = false;
	thread->th_wants = MACH_PORT_NULL;
	thread->th_borrows = frame->flags & MACHD_REQUEST_LOAN;
	if (thread->th_task)
		ipc_loan_look_task(host, thread->th_task);
	switch (frame->op) {
	case MACHD_OP_MESSAGE:
		return trap_message(host, thread, packet);
	case MACHD_OP_CALL:
		return trap_call(host, thread, packet);
	case MACHD_OP_WATCH:
		return trap_watch(host, thread, packet);
	case MACHD_OP_BELL:
		return trap_bell(host, thread, packet);
	case MACHD_OP_FILEPORT:
		return trap_fileport(host, thread, packet);
	case MACHD_OP_BOARD:
		return trap_board(host, thread, packet);
	case MACHD_OP_RING:
		return trap_ring(host, thread, packet);
	}
	return "it says hello again";
}

static bool takes_fds(uint16_t op)
{
	return op == MACHD_OP_MESSAGE || op == MACHD_OP_BELL || op == MACHD_OP_FILEPORT ||
	       op == MACHD_OP_BOARD;
}

static const char *frame_input(struct ipc_host *host, struct trap_input *input)
{
	struct ipc_thread *thread = input->thread;
	struct trap_packet packet = {.tp_fds = input->fds, .tp_fd_count = input->fd_count};
	enum machd_frame_error error =
		machd_frame_check(input->packet, input->size, input->fd_count, &packet.tp_frame);

	if (error != MACHD_FRAME_OK)
		return machd_frame_problem(error);
	packet.tp_bytes = (const uint8_t *)input->packet + sizeof packet.tp_frame;
	packet.tp_size = input->size - sizeof packet.tp_frame;
	if (packet.tp_fd_count && !takes_fds(packet.tp_frame.op))
		return "it sends a descriptor with a request that takes none";
	if (!thread->th_task && !thread->th_watches) {
		if (packet.tp_frame.op != MACHD_OP_HELLO)
			return "its first frame is not a hello";
		return trap_hello(host, thread, &packet);
	}
	if (packet.tp_frame.op == MACHD_OP_CANCEL)
		return packet.tp_size ? "its cancel has a body"
				      : cancel(host, thread, &packet.tp_frame);
	return request(host, thread, &packet);
}

/* Release the descriptors, unless something has taken them. */
static const char *frame_and_fds(struct ipc_host *host, struct trap_input *input)
{
	const char *why;

	host->h_fds_taken = false;
	why = frame_input(host, input);
	for (unsigned i = 0; i < input->fd_count && !host->h_fds_taken; i++)
		host->h_outbox->release(host->h_outbox->context, input->fds[i].handle);
	return why;
}

/* What the input itself does; returns why the peer must be dropped, or NULL. */
static const char *dispatch(struct ipc_host *host, struct trap_input *input)
{
	switch (input->kind) {
	case TRAP_CONNECT:
		return connect_input(host, input);
	case TRAP_FRAME:
		return frame_and_fds(host, input);
	case TRAP_TIMEOUT:
		ipc_msg_timeout(host, input->thread);
		break;
	case TRAP_DISCONNECT:
		ipc_thread_destroy(host, input->thread);
		break;
	case TRAP_ALARM:
		break; /* due timers fire below, as with any input */
	case TRAP_WORK:
		ipc_work_turn(host);
		trap_watch_on(host);
		break;
	case TRAP_LIMITS:
		host->h_limits = *input->limits;
		ipc_user_limits_changed(host);
		break;
	case TRAP_CALENDAR:
		ipc_host_set_calendar(host, input->calendar);
		break;
	case TRAP_NAMES:
		boot_names_set(host, input->names);
		break;
	case TRAP_START:
		boot_start_ended(host, input->start->id, input->start->why);
		break;
	case TRAP_POLICY:
		host->h_policy = *input->policy;
		ipc_task_policy_changed(host);
		ipc_window_policy_changed(host);
		break;
	}
	return NULL;
}

const char *trap_input(struct ipc_host *host, struct trap_input *input)
{
	const char *why;

	host->h_now = input->now;
	host->h_current = input->kind == TRAP_FRAME ? input->thread : NULL;
	why = dispatch(host, input);
	ipc_timer_run(host);
	do {
		boot_start_wanted(host);
		ipc_work_end(host);
		ipc_msg_run_ready(host);
	} while (!list_empty(&host->h_wanted) || ipc_work_left(host));
	ipc_work_settle(host);
	host->h_current = NULL;
	ipc_thread_tell(host);
	ipc_source_settle(host);
	ipc_importance_tell(host);
	return why;
}

static bool has_other_work(const struct ipc_host *host)
{
	return !list_empty(&host->h_jobs) || !list_empty(&host->h_wanted) ||
	       !list_empty(&host->h_over) || host->h_timers.ts_behind || ipc_source_unsettled(host);
}

bool trap_has_work(const struct ipc_host *host)
{
	return has_other_work(host) || !list_empty(&host->h_walks);
}

bool trap_has_pages(const struct ipc_host *host)
{
	return !has_other_work(host) && !list_empty(&host->h_walks);
}

bool trap_pages_dry(const struct ipc_host *host)
{
	return host->h_page->pg_dry;
}

void *trap_cookie(const struct ipc_thread *thread)
{
	return thread->th_cookie;
}

uint64_t trap_channel(const struct ipc_thread *thread)
{
	return thread->th_id;
}

struct ipc_thread *trap_find(struct ipc_host *host, uint64_t channel)
{
	return ipc_thread_find(host, channel);
}

void trap_totals(const struct ipc_host *host, struct trap_totals *totals)
{
	*totals = (struct trap_totals){
		.tasks = host->h_task_count,
		.channels = host->h_thread_count,
		.ports = host->h_port_count,
		.messages_queued = host->h_queued,
		.messages_sent = host->h_sent,
		.bytes_queued = host->h_queued_bytes,
		.memfds = host->h_memfds,
	};
}
